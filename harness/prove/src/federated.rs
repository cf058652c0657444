//! Sessions that users federate (`sts:GetFederationToken`), where the policies say nothing of
//! session policies: these may be any. "In most cases if you do not pass a policy with the
//! GetFederationToken API call, the resulting temporary security credentials have no permissions", but for what a resource's policy allows the session
//! by its own ARN; else the session has what both the user's policies and the session policies
//! allow
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html>).
//!
//! What session policies do not allow is decided as if there were none, and what they allow as if
//! they allowed everything: these two are asked about, and there is nothing between them.

use std::sync::Arc;

use ringfence_policy::symbolic::{Named, StatementView, statements};
use ringfence_policy::{Document, Kind, Policies, Principal};

use crate::compare::{Disagreement, Question, Verdict, documents, within_a_partition};
use crate::names::mentioned;

/// Keys of the caller that a session has otherwise than its user
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
const KEYS: [&str; 4] = ["aws:principalarn", "aws:principaltype", "aws:userid", "aws:username"];

const EVERYTHING: &str = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// "You cannot call any AWS STS operations except GetCallerIdentity"
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>).
const BUT_STS: &str = r#"{"Statement":{"Effect":"Allow","NotAction":"sts:*","Resource":"*"}}"#;

/// Answers a question with the sessions that users federate under session policies.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub(crate) fn within(question: &Question<'_>) -> Result<Verdict, Disagreement> {
    let found = within_a_partition(question)?;
    let is_found = matches!(found, Verdict::Violated(_));
    if is_found || has_session(question) || !may_be_one(question) {
        return Ok(found);
    }
    let sides = of_session(question.inner).zip(of_session(question.outer));
    let Some((inner, outer)) = sides else { return Ok(found) };
    let asked = Question { inner: &inner, outer: &outer, ..*question };
    Ok(match (found, within_a_partition(&asked)?) {
        (Verdict::Proved, other) | (_, other @ Verdict::Violated(_)) => other,
        (found, _) => found,
    })
}

/// Whether a request that breaks a claim is one that session policies must allow.
pub(crate) fn hangs_on_session(question: &Question<'_>, verdict: &Verdict) -> bool {
    let Verdict::Violated(witness) = verdict else { return false };
    let is_one = matches!(witness.principal, Principal::FederatedUser { .. });
    let allows =
        |policies: &Policies| ringfence_policy::judge(&witness.request(), policies).allowed();
    is_one && !has_session(question) && (!allows(question.inner) || allows(question.outer))
}

fn has_session(question: &Question<'_>) -> bool {
    question.inner.session.is_some() || question.outer.session.is_some()
}

/// Whether who asks may be such a session, and be told from its user: where nothing tells the two
/// apart, it may do nothing that the user may not.
fn may_be_one(question: &Question<'_>) -> bool {
    match question.principal {
        Some(principal) => matches!(principal, Principal::FederatedUser { .. }),
        None => {
            let both = [question.inner, question.outer].into_iter();
            let all: Vec<StatementView<'_>> =
                both.flat_map(documents).flat_map(statements).collect();
            let keys = mentioned(&all);
            let mut named = all.iter().flat_map(|one| one.principals());
            KEYS.iter().any(|key| keys.contains(*key))
                || named.any(|named| matches!(named, Named::Arn(_)))
        }
    }
}

/// Policies beside session policies that allow everything, of a session.
fn of_session(policies: &Policies) -> Option<Policies> {
    let document =
        |text, kind| Document::parse("a session that is federated", text, kind).ok().map(Arc::new);
    let mut own = policies.clone();
    own.session = Some(vec![document(EVERYTHING, Kind::Session)?]);
    own.service_control.push(vec![document(BUT_STS, Kind::ServiceControl)?]);
    Some(own)
}
