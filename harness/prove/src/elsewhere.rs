//! Resources whose own policies must let in whoever asks, where the policies of a question say
//! nothing of these: keys of KMS, roles, and what is of another account. That there is no such
//! policy, a question about identities does not say.
//!
//! - A key has one, and the default lets its account in, so that IAM policies decide
//!   (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>).
//! - A role has one, its trust policy
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html>).
//! - That of another account's resource may let in whoever asks
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>).

use std::sync::Arc;

use ringfence_policy::symbolic::{StatementView, statements};
use ringfence_policy::{Document, Kind, Policies, Principal};
use serde_json::{Value, json};

use crate::callers::SOME_ACCOUNT;
use crate::compare::{documents, within, within_a_partition};
use crate::names::mentioned;
use crate::question::{Disagreement, Question, Verdict, Witness};

/// What no resource's policy lets another account do, but for taking a role
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html>).
const OWN: [&str; 4] = ["account:*", "cloudformation:*", "iam:*", "sts:*"];

/// What a trust policy lets in for
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>).
const TAKES: [&str; 3] = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];

/// Keys that follow from who asks.
const CALLER: [&str; 6] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
    "kms:calleraccount",
];

/// Both sides of a question as if the policy of whatever is acted upon let in the account of who
/// asks: what the policies of its own allow it then, they decide.
#[derive(Debug, Clone)]
pub struct LetIn {
    /// Who asks; `None` is anybody.
    pub principal: Option<Principal>,
    /// The policies whose requests are looked at.
    pub inner: Policies,
    /// The policies that should allow all of these.
    pub outer: Policies,
}

impl LetIn {
    /// `None` where a side has a resource's policy already, or where who asks has no policies of
    /// its own.
    pub fn of(principal: Option<&Principal>, inner: &Policies, outer: &Policies) -> Option<Self> {
        let is_said = inner.resource.is_some() || outer.resource.is_some();
        if is_said || inner.identity.is_empty() {
            return None;
        }
        let caller = match principal {
            Some(known) => Some(known.clone()),
            None if asks_for_caller([inner, outer]) => None,
            // Nothing tells one caller from another.
            None => Some(Principal::User { arn: format!("arn:aws:iam::{SOME_ACCOUNT}:user/x") }),
        };
        let account = caller.as_ref().and_then(Principal::account_id);
        let named = account.and_then(|account| policy(&json!({"AWS": account})));
        let [inner, outer] = match named {
            Some(document) => [inner, outer]
                .map(|side| Policies { resource: Some(Arc::clone(&document)), ..side.clone() }),
            None => {
                let document = policy(&json!("*"))?;
                [inner, outer].map(|side| of_anybody(side, &document))
            }
        };
        Some(Self { principal: caller, inner, outer })
    }

    /// The same about keys and about taking roles alone, of which policies have less to say: for
    /// where all that they say is too much to be looked at. Of what other accounts have, policies
    /// that say the same of every account say nothing else than of their own.
    fn about_own(&self) -> Self {
        let [mut inner, outer] = [&self.inner, &self.outer].map(about_own);
        let own: Vec<&str> = std::iter::once("kms:*").chain(TAKES).collect();
        let others = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "NotAction": own, "Resource": "*"}]});
        let others = Document::parse("what else there is", &others.to_string(), Kind::Identity);
        inner.identity.extend(others.ok().map(Arc::new));
        Self { principal: self.principal.clone(), inner, outer }
    }

    /// Why nobody knows whether a request is allowed that the two sides are told apart by then.
    pub fn why(action: &str, resource: &str, place: &str) -> String {
        let service = action.split(':').next().unwrap_or_default();
        let of = match service.to_ascii_lowercase().as_str() {
            "sts" => "trust policy of that role",
            "kms" => "policy of that key",
            _ => "policy of that resource",
        };
        format!(
            "`{action}` on `{resource}` hangs on the {of}, which {place}: it may let in who asks"
        )
    }
}

/// What is proved of policies that say nothing of what is acted upon is not where the policy of
/// that may decide.
pub(crate) fn beside(question: &Question<'_>, found: Verdict) -> Result<Verdict, Disagreement> {
    if found != Verdict::Proved {
        return Ok(found);
    }
    let Some(both) = LetIn::of(question.principal, question.inner, question.outer) else {
        return Ok(found);
    };
    let ask = |both: &LetIn| {
        let (inner, outer, principal) = (&both.inner, &both.outer, both.principal.as_ref());
        let asked = Question { inner, outer, principal, universe: question.universe };
        match question.principal {
            Some(_) => within_a_partition(&asked),
            None => within(&asked),
        }
    };
    let verdict = match ask(&both)? {
        Verdict::Undecided(_) => ask(&both.about_own())?,
        found => found,
    };
    Ok(match verdict {
        Verdict::Violated(witness) => {
            let Witness { action, resource, .. } = &*witness;
            Verdict::Undecided(LetIn::why(action, resource, "neither side has"))
        }
        other => other,
    })
}

/// The policy of a resource that lets somebody in, as far as its own policies let it.
fn policy(who: &Value) -> Option<Arc<Document>> {
    let text = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": who, "NotAction": OWN, "Resource": "*"},
        {"Effect": "Allow", "Principal": who, "Action": TAKES, "Resource": "*"}]});
    let name = "the policy of what is acted upon";
    Document::parse(name, &text.to_string(), Kind::Resource).ok().map(Arc::new)
}

/// The same of whoever asks: a policy that lets in everybody asks for no other in its own
/// account, so that the others stand as levels that must allow, too.
fn of_anybody(side: &Policies, document: &Arc<Document>) -> Policies {
    let mut own = Policies { resource: Some(Arc::clone(document)), ..side.clone() };
    own.service_control.push(side.identity.clone());
    own.service_control.extend(side.boundary.clone());
    own
}

/// What policies say of keys and of taking roles.
fn about_own(policies: &Policies) -> Policies {
    let all = |documents: &Vec<Arc<Document>>| -> Vec<Arc<Document>> {
        documents.iter().map(|one| cut(one).unwrap_or_else(|| Arc::clone(one))).collect()
    };
    Policies {
        identity: all(&policies.identity),
        boundary: policies.boundary.as_ref().map(all),
        session: policies.session.as_ref().map(all),
        service_control: policies.service_control.iter().map(all).collect(),
        ..policies.clone()
    }
}

/// The statements of a document that speak of keys or of STS: without one it allows nothing.
fn cut(document: &Arc<Document>) -> Option<Arc<Document>> {
    let mut text: Value = serde_json::from_str(document.text()).ok()?;
    let written = match text.get_mut("Statement")?.take() {
        Value::Array(all) => all,
        one => vec![one],
    };
    let speaks =
        |one: StatementView<'_>| ["kms", "sts"].iter().any(|service| one.is_about_service(service));
    let all = statements(document).zip(written);
    let mut kept: Vec<Value> = all.filter(|(one, _)| speaks(*one)).map(|(_, text)| text).collect();
    if kept.is_empty() {
        kept.push(json!({"Effect": "Allow", "NotAction": "*", "Resource": "*"}));
    }
    *text.get_mut("Statement")? = Value::Array(kept);
    Document::parse(document.name(), &text.to_string(), document.kind()).ok().map(Arc::new)
}

/// Whether policies tell callers apart.
fn asks_for_caller(sides: [&Policies; 2]) -> bool {
    let all: Vec<StatementView<'_>> =
        sides.into_iter().flat_map(documents).flat_map(statements).collect();
    let keys = mentioned(&all);
    CALLER.iter().any(|key| keys.contains(*key))
}
