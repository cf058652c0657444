//! What hangs on policies of others: of what is acted upon, which must let in whom its own
//! policies allow something, and of whom the policy of a resource speaks, which may allow what
//! that does not deny.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_policy::{Document, Kind, Policies, Principal};
use ringfence_prove::{Disagreement, LetIn, Question, Universe, Verdict, within_sent};
use serde_json::{Value as Json, json};

use super::beside::Beside;
use super::denied::Denying;
use super::{Side, Sided, are_alike, common};
use crate::access::estate::everything;

/// What one side alone allows where the policies of roles, of keys and of what other accounts
/// have let the account in.
pub(super) fn let_in(
    sides: [&Sided<'_>; 2],
    beside: Option<&Beside>,
    denying: &Denying<'_>,
) -> Result<Side, Disagreement> {
    let [one, other] = sides.map(|side| match beside {
        Some(beside) => beside.with(&side.over),
        None => side.over.clone(),
    });
    let [inner, outer] = sides;
    let asking = common(inner.entry, outer.entry);
    let Some(both) = LetIn::of(asking, &one, &other) else { return Ok(Side::Nothing) };
    let LetIn { principal, inner: one, outer: other } = both;
    let principal = principal.as_ref();
    let asked = |inner: &Policies, outer: &Policies| {
        let question = Question { inner, outer, principal, universe: Universe::All };
        within_sent(&question).map(|(verdict, _)| verdict)
    };
    match denying.under(&one, &other, asked)? {
        Verdict::Undecided(reason) => return Ok(Side::Undecided(reason)),
        Verdict::Violated(witness) => {
            let why = denying.may_keep_back(&one, &other, asked)?;
            return Ok(why.map_or(Side::Request(witness), Side::Undecided));
        }
        Verdict::Proved => {}
    }
    let why = denying.may_have_kept_back(&one, &other, asked)?;
    Ok(why.map_or(Side::Nothing, Side::Undecided))
}

/// Why somebody may do more whom the policy of a resource does not deny that any more, or lets
/// in as far as policies of its own do: those of whoever is not in the files are not known.
pub(super) fn may_by_own(
    name: &str,
    [inner, outer]: [&Sided<'_>; 2],
    pairs: &[[Policies; 2]],
) -> Result<Option<String>, Disagreement> {
    for [one, other] in pairs {
        let (Some(here), Some(there)) = (&one.resource, &other.resource) else { continue };
        if are_alike(one, other) {
            continue;
        }
        let is_gate = [inner, outer].into_iter().any(|side| must_allow(name, side));
        let but = if is_gate { None } else { compared(inner, [here, there]) };
        let own: Vec<Arc<Document>> = everything().into_iter().chain(but).collect();
        let [one, other] =
            [one, other].map(|side| Policies { identity: own.clone(), ..side.clone() });
        let (inner, outer) = (&one, &other);
        let question = Question { inner, outer, principal: None, universe: Universe::All };
        match within_sent(&question)?.0 {
            Verdict::Proved => {}
            Verdict::Undecided(reason) => return Ok(Some(reason)),
            Verdict::Violated(witness) => {
                let who = match &witness.principal {
                    Principal::User { arn }
                    | Principal::FederatedUser { arn, .. }
                    | Principal::RoleSession { session_arn: arn, .. } => arn.as_str(),
                    _ => "somebody",
                };
                return Ok(Some(format!(
                    "one side alone keeps back `{}` on `{}` (as `{who}`), and policies of who \
                     asks may allow it",
                    witness.action, witness.resource
                )));
            }
        }
    }
    Ok(None)
}

/// Whether policies of the account count only where a policy lets the account in: of a role and
/// of a key. There what it says is nobody's own difference.
fn must_allow(name: &str, side: &Sided<'_>) -> bool {
    let of_key = |action: &String| action.starts_with("kms:");
    name.starts_with("trust of ") || side.entry.region.about.iter().any(of_key)
}

/// A Deny of those that documents name and that have entries of their own, in which they are
/// compared.
fn compared(side: &Sided<'_>, documents: [&Arc<Document>; 2]) -> Option<Arc<Document>> {
    let known = side.estate.entries.values();
    let known = known.filter(|entry| !entry.is_elsewhere && entry.unknown.is_empty());
    let arns = known.filter_map(|entry| match entry.principal.as_ref()? {
        Principal::User { arn } | Principal::RoleSession { role_arn: arn, .. } => Some(arn),
        _ => None,
    });
    let is_named = |arn: &&String| documents.iter().any(|it| it.text().contains(arn.as_str()));
    let arns: BTreeSet<&String> = arns.filter(is_named).collect();
    if arns.is_empty() {
        return None;
    }
    let text = json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*",
        "Resource": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": arns}}}});
    Document::parse("those of the files", &text.to_string(), Kind::Identity).ok().map(Arc::new)
}

/// Why it is not known whom the policy of one side alone lets in by an id, or that of the other
/// denies: an id of the files is told as the ARN, and another may be of whoever is not in them
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>).
pub(super) fn by_id([inner, outer]: [&Sided<'_>; 2]) -> Option<String> {
    let of = |side: &Sided<'_>, effect: &str| {
        let document = side.entry.policies.resource.as_deref();
        document.map(|document| by_ids(document, effect)).unwrap_or_default()
    };
    let more = |one: &Sided<'_>, other: &Sided<'_>, effect: &str| {
        let there = of(other, effect);
        of(one, effect).into_iter().find(|(statement, _)| !there.contains_key(statement))
    };
    let found = more(inner, outer, "Allow").or_else(|| more(outer, inner, "Deny"));
    found.map(|(_, id)| format!("whom one side alone names by the id `{id}` is not known"))
}

/// The statements of an effect that name somebody by an id, each with the first.
fn by_ids(document: &Document, effect: &str) -> BTreeMap<String, String> {
    let Ok(text) = serde_json::from_str::<Json>(document.text()) else { return BTreeMap::new() };
    let all = match text.get("Statement") {
        Some(Json::Array(all)) => all.iter().collect(),
        one => one.into_iter().collect::<Vec<_>>(),
    };
    let all = all.into_iter().filter(|one| one.get("Effect") == Some(&json!(effect)));
    all.filter_map(|one| Some((one.to_string(), id(one.get("Principal")?)?))).collect()
}

/// The first that `Principal` names by an id.
fn id(principal: &Json) -> Option<String> {
    let texts = |key: &str| {
        let all = match principal.get(key) {
            Some(Json::Array(all)) => all.iter().collect(),
            one => one.into_iter().collect::<Vec<_>>(),
        };
        all.into_iter().filter_map(Json::as_str)
    };
    let is_id = |text: &&str| {
        let is_account = text.len() == 12 && text.bytes().all(|one| one.is_ascii_digit());
        !is_account && !text.starts_with("arn:") && *text != "*"
    };
    let found = texts("AWS").find(is_id).or_else(|| texts("CanonicalUser").next());
    found.map(str::to_owned)
}
