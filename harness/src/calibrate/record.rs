//! A run's recording as a file of decisions.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_calibrate::decisions::{ContextValue, Decisions, Entry, FORM, Place, Places};
use ringfence_evidence::manifest::sha256;
use ringfence_guard::recording::{Asked, Attached, Inputs, Recorded};
use ringfence_policy::{Principal, Values};

/// What a run decided: each question once.
pub fn decisions<'a>(
    account_id: &str,
    recorded: impl IntoIterator<Item = &'a Recorded>,
) -> Decisions {
    let mut documents = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut decisions = Vec::new();
    for recorded in recorded {
        for asked in &recorded.inputs.asked {
            let mut entry = entry(recorded, asked, &mut documents);
            // The request's id is no part of the question.
            let id = std::mem::take(&mut entry.request_id);
            if seen.insert(entry.clone()) {
                decisions.push(Entry { request_id: id, ..entry });
            }
        }
    }
    Decisions { form: FORM, account_id: account_id.to_owned(), documents, decisions }
}

fn entry(recorded: &Recorded, asked: &Asked, documents: &mut BTreeMap<String, String>) -> Entry {
    let inputs = &recorded.inputs;
    let mut place = |attached: &Attached| {
        let text = attached.document.text();
        let sha256 = sha256(text.as_bytes());
        documents.entry(sha256.clone()).or_insert_with(|| text.to_owned());
        Place { slot: attached.slot.to_string(), sha256 }
    };
    let mut many = |attached: &[Attached]| attached.iter().map(&mut place).collect::<Vec<_>>();
    let policies = Places {
        identity: many(&inputs.identity),
        boundary: inputs.boundary.as_deref().map(&mut many),
        session: inputs.session.as_deref().map(&mut many),
        scp: inputs.service_control.iter().map(|level| many(level)).collect(),
        rcp: inputs.resource_control.of(&asked.resource).iter().map(|level| many(level)).collect(),
        vpc_endpoint: inputs.endpoint_of(&asked.action).map(&mut place),
        resource: asked.resource_policy.as_ref().map(&mut place),
    };
    let (context, unknown) = context(inputs, asked);
    Entry {
        request_id: recorded.request_id.clone(),
        principal: principal(&inputs.principal),
        owner: inputs.owner.as_deref().map(str::to_owned),
        action: asked.action.clone(),
        resource: asked.resource.clone(),
        context,
        unknown,
        policies,
    }
}

/// The condition keys that some document asks for, and those of them of which
/// nothing is known. Others decide nothing, and the time of day would make each
/// request a question of its own.
fn context(inputs: &Inputs, asked: &Asked) -> (BTreeMap<String, ContextValue>, Vec<String>) {
    let layers = inputs
        .service_control
        .iter()
        .chain(inputs.resource_control.of(&asked.resource))
        .flatten()
        .chain(&inputs.identity)
        .chain(inputs.boundary.iter().flatten())
        .chain(inputs.session.iter().flatten())
        .chain(&asked.resource_policy)
        .chain(inputs.endpoint_of(&asked.action));
    let keys: BTreeSet<String> = layers
        .flat_map(|attached| attached.document.context_keys())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut known = BTreeMap::new();
    let mut unknown = Vec::new();
    for key in keys {
        let value = match asked.context.get(&key) {
            Some(Values::One(value)) => ContextValue::One(value.clone()),
            Some(Values::Many(values)) => ContextValue::Many(values.clone()),
            None if asked.context.is_unknown(&key) => {
                unknown.push(key);
                continue;
            }
            None => continue,
        };
        known.insert(key, value);
    }
    (known, unknown)
}

/// As `ringfence decide` takes it.
fn principal(principal: &Principal) -> String {
    match principal {
        Principal::Root { account_id } => account_id.clone(),
        Principal::User { arn } | Principal::FederatedUser { arn, .. } => arn.clone(),
        Principal::RoleSession { session_arn, .. } => session_arn.clone(),
        Principal::WebIdentity { provider_arn } => provider_arn.clone(),
        Principal::Service { name } => name.clone(),
        Principal::Anonymous => "*".to_owned(),
    }
}
