//! Sessions that users federate. `sts:GetFederationToken` gives a user a session under a name of
//! its choice. It may do what both the user's policies and those of the session allow, and is
//! another caller: it has an ARN of its own and no `aws:username`
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
//!
//! Where no policy tells the two apart the session may do nothing that the user may not.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, Named, StatementView, statements};
use ringfence_policy::{Document, Kind, Policies, Principal};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, within_sent};
use serde_json::{Value, json};

use super::estate::Estate;

/// What makes one.
pub(crate) const TOKEN: &str = "sts:GetFederationToken";

/// The key of a caller's ARN.
const ARN: &str = "aws:principalarn";

/// Keys of the caller that a session has otherwise than its user.
const KEYS: [&str; 4] = [ARN, "aws:principaltype", "aws:userid", "aws:username"];

/// What stands before the name in the ARN of a session.
const KIND: &str = ":federated-user/";

/// A session that a user may make: one that policies name, or one for all others.
#[derive(Debug)]
pub(crate) struct Session {
    /// `federated-user/NAME`.
    pub(crate) name: String,
    pub(crate) principal: Principal,
    /// Its ARN, where policies name it; else it stands for all that they do not name.
    named: Option<String>,
    /// Why nobody knows what those that it stands for may do.
    pub(crate) beyond: Option<String>,
}

/// The documents of policies that may tell callers apart.
pub(crate) fn documents(policies: &Policies) -> impl Iterator<Item = &Arc<Document>> {
    let levels = policies.service_control.iter().chain(&policies.resource_control);
    let limits = levels.chain(&policies.boundary).flatten();
    limits.chain(&policies.identity).chain(&policies.resource)
}

/// Whether a document may say otherwise of a session than of its user.
pub(crate) fn tells_apart(document: &Document) -> bool {
    let is_key = |key: &str| KEYS.iter().any(|known| known.eq_ignore_ascii_case(key));
    statements(document).any(|one| {
        one.principals().any(|named| matches!(named, Named::Arn(arn) if arn.contains(KIND)))
            || one
                .conditions()
                .any(|it| is_key(it.lower_key()) || it.variables().into_iter().any(is_key))
            || one.resources().any(|it| it.variables().any(is_key))
    })
}

/// All that the policies of resources say, for whom they name: what they deny, too.
pub(crate) fn of_resources(estate: &Estate) -> Policies {
    let all = estate.entries.values().filter_map(|entry| entry.policies.resource.clone());
    let identity = all.filter(|policy| policy.kind() == Kind::Resource).collect();
    Policies { identity, ..Policies::default() }
}

/// Whether the policy of a resource may.
pub(crate) fn resources_tell_apart(estate: &Estate) -> bool {
    of_resources(estate).identity.iter().any(|policy| tells_apart(policy))
}

/// Whether a user's policies or those of resources may say otherwise of a session than of it.
pub(crate) fn are_told_apart(policies: &Policies, estate: &Estate) -> bool {
    documents(policies).any(|document| tells_apart(document)) || resources_tell_apart(estate)
}

/// `federated-user/NAME` of such a session.
pub(crate) fn name(principal: &Principal) -> Option<&str> {
    let Principal::FederatedUser { arn, .. } = principal else { return None };
    arn.split_once(KIND).and_then(|_| arn.rsplit_once(':')).map(|(_, name)| name)
}

/// Whether a policy has an Allow for a session that somebody may make, by its ARN.
pub(crate) fn lets_in(principal: Option<&Principal>, policy: &Document) -> bool {
    let Some(start) = principal.and_then(start_of) else { return false };
    let mut allows = statements(policy).filter(|one| one.effect() == Effect::Allow);
    let is_own = |named: Named<'_>| matches!(named, Named::Arn(arn) if arn.starts_with(&start));
    allows.any(|one| one.principals().any(is_own))
}

/// The ARNs of a user's sessions up to the name.
fn start_of(principal: &Principal) -> Option<String> {
    let Principal::User { arn } = principal else { return None };
    let mut parts = arn.split(':').skip(1);
    let (partition, account) = (parts.next()?, parts.nth(2)?);
    Some(format!("arn:{partition}:sts::{account}{KIND}"))
}

/// The sessions that a user may make and policies tell apart: each that they name, and one
/// for all others.
pub(crate) fn sessions(user: &Principal, all: &[&Policies]) -> Vec<Session> {
    let (Some(start), Principal::User { arn: user_arn }) = (start_of(user), user) else {
        return Vec::new();
    };
    let documents = all.iter().flat_map(|policies| documents(policies));
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut are_told_apart = false;
    for view in documents.flat_map(|document| statements(document)) {
        names.extend(view.principals().filter_map(|named| match named {
            Named::Arn(arn) => arn.strip_prefix(&*start).map(str::to_owned),
            _ => None,
        }));
        let (values, is_variable) = asked_for(view);
        are_told_apart |= is_variable;
        for value in values {
            match value.strip_prefix(&*start).filter(|name| is_name(name)) {
                Some(name) => {
                    names.insert(name.to_owned());
                }
                None => are_told_apart |= tells_names_apart(value, &start),
            }
        }
    }
    let mut other = "x".to_owned();
    while names.contains(&other) {
        other.push('x');
    }
    let session = |name: &str, is_named: bool, beyond: Option<String>| {
        let arn = format!("{start}{name}");
        let principal = Principal::FederatedUser { arn: arn.clone(), user_arn: user_arn.clone() };
        let name = format!("federated-user/{name}");
        Session { name, principal, named: is_named.then_some(arn), beyond }
    };
    let named = names.iter().map(|name| session(name, true, None));
    let beyond = are_told_apart.then(|| {
        format!(
            "policies tell the sessions that `{user_arn}` federates apart by a part of the name"
        )
    });
    named.chain([session(&other, false, beyond)]).collect()
}

/// What a statement asks of the caller's ARN: the values, and whether it is put into others.
fn asked_for(view: StatementView<'_>) -> (Vec<&str>, bool) {
    let is_arn = |key: &str| key.eq_ignore_ascii_case(ARN);
    let mut is_variable = view.resources().any(|it| it.variables().any(is_arn));
    let mut values: Vec<&str> = Vec::new();
    for condition in view.conditions() {
        is_variable |= condition.variables().into_iter().any(is_arn);
        if is_arn(condition.lower_key()) {
            values.extend(condition.values().iter().map(|value| &**value));
        }
    }
    (values, is_variable)
}

/// Whether a session may have a name
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>).
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_of_name)
}

fn is_of_name(one: char) -> bool {
    one.is_ascii_alphanumeric() || "_+=,.@-".contains(one)
}

/// Whether a pattern has some of the names behind a text, and not all.
fn tells_names_apart(pattern: &str, start: &str) -> bool {
    let pattern = masked(&pattern.to_ascii_lowercase());
    let mut places = BTreeSet::from([0]);
    for one in start.to_ascii_lowercase().chars() {
        let mut next = BTreeSet::new();
        for mut place in places {
            // A star may stand for nothing.
            while let Some('*') = pattern.get(place) {
                next.insert(place);
                place += 1;
            }
            if pattern.get(place).is_some_and(|known| *known == '?' || *known == one) {
                next.insert(place + 1);
            }
        }
        places = next;
    }
    let rests: Vec<&[char]> = places.iter().filter_map(|place| pattern.get(*place..)).collect();
    let has_all = |rest: &&[char]| !rest.is_empty() && rest.iter().all(|one| *one == '*');
    let may_have_some = |rest: &&[char]| {
        !rest.is_empty() && rest.iter().all(|one| is_of_name(*one) || "*?".contains(*one))
    };
    !rests.iter().any(has_all) && rests.iter().any(may_have_some)
}

/// A pattern in which a variable may be any text.
fn masked(text: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.extend(before.chars());
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.extend(rest.chars());
    out
}

impl Session {
    /// Whether a user may make it, or one of those that it stands for.
    ///
    /// # Errors
    /// Where prover and engine differ.
    pub(crate) fn is_made_by(
        &self,
        user: &Principal,
        policies: &Policies,
    ) -> Result<bool, Disagreement> {
        let inner = Policies { resource: None, vpc_endpoint: None, ..policies.clone() };
        let mut statements = vec![json!({"Effect": "Allow", "NotAction": TOKEN, "Resource": "*"})];
        if let Some(arn) = &self.named {
            statements.push(json!({"Effect": "Allow", "Action": TOKEN, "NotResource": arn}));
        }
        let identity = document(&statements, Kind::Identity).into_iter().collect();
        let outer = Policies { identity, ..Policies::default() };
        let (principal, universe) = (Some(user), Universe::All);
        let question = Question { inner: &inner, outer: &outer, principal, universe };
        Ok(within_sent(&question)?.0 != Verdict::Proved)
    }
}

/// The policies of a user as those of a session that it makes: its session policies may allow
/// all. "You cannot call any AWS STS operations except GetCallerIdentity"; of IAM's, console
/// sessions call all
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>).
pub(crate) fn of_session(policies: &Policies) -> Policies {
    let mut own = with_session(policies);
    let but_sts = json!({"Effect": "Allow", "NotAction": "sts:*", "Resource": "*"});
    own.service_control.push(document(&[but_sts], Kind::ServiceControl).into_iter().collect());
    own
}

/// Policies beside session policies that allow everything.
pub(crate) fn with_session(policies: &Policies) -> Policies {
    let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let session = document(&[everything], Kind::Session).into_iter().collect();
    Policies { session: Some(session), ..policies.clone() }
}

fn document(statements: &[Value], kind: Kind) -> Option<Arc<Document>> {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Document::parse("a session that is federated", &text, kind).ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const START: &str = "arn:aws:sts::123456789012:federated-user/";

    #[rstest]
    #[case::all("*", false)]
    #[case::all_of_the_kind("arn:aws:sts::*:federated-user/*", false)]
    #[case::all_of_the_account("arn:*:sts::123456789012:*", false)]
    #[case::users("arn:aws:iam::*:user/*", false)]
    #[case::users_of_any_partition("arn:*:iam::*:user/*", false)]
    #[case::a_variable("arn:aws:iam::123456789012:user/${aws:username}", false)]
    #[case::sessions_of_roles("arn:aws:sts::*:assumed-role/a*/*", false)]
    #[case::of_another_account("arn:aws:sts::111122223333:federated-user/a*", false)]
    #[case::a_beginning("arn:aws:sts::*:federated-user/a*", true)]
    #[case::an_end("*a", true)]
    #[case::of_one_letter("arn:aws:sts::123456789012:federated-user/?", true)]
    #[case::in_capitals("ARN:AWS:STS::123456789012:FEDERATED-USER/BOB", true)]
    fn a_pattern_tells_names_apart(#[case] pattern: &str, #[case] is_told: bool) {
        assert_eq!(tells_names_apart(pattern, START), is_told);
    }

    fn policies(condition: &Value) -> Policies {
        let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let deny = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*",
            "Condition": condition});
        let identity = document(&[all, deny], Kind::Identity).into_iter().collect();
        Policies { identity, ..Policies::default() }
    }

    #[test]
    fn one_session_is_named_and_one_stands_for_the_others() {
        let user = Principal::User { arn: "arn:aws:iam::123456789012:user/p/u".into() };
        let named = format!("{START}x");
        let own = policies(&json!({"ArnEquals": {"aws:PrincipalArn": named}}));
        let all = sessions(&user, &[&own]);
        let told: Vec<_> = all.iter().map(|one| (&*one.name, one.beyond.is_none())).collect();
        assert_eq!(told, [("federated-user/x", true), ("federated-user/xx", true)]);
        let part = policies(&json!({"ArnLike": {"aws:PrincipalArn": format!("{START}a*")}}));
        let all = sessions(&user, &[&part]);
        let told: Vec<_> = all.iter().map(|one| (&*one.name, one.beyond.is_none())).collect();
        assert_eq!(told, [("federated-user/x", false)]);
    }

    #[rstest]
    #[case(json!({"StringEquals": {"aws:username": "u"}}), true)]
    #[case(json!({"StringEquals": {"AWS:PrincipalType": "User"}}), true)]
    #[case(json!({"StringEquals": {"s3:prefix": "${aws:userid}"}}), true)]
    #[case(json!({"StringEquals": {"aws:PrincipalAccount": "123456789012"}}), false)]
    fn a_condition_on_who_asks_tells_a_session_from_its_user(
        #[case] condition: Value,
        #[case] is_told: bool,
    ) {
        let own = policies(&condition);
        assert_eq!(documents(&own).any(|document| tells_apart(document)), is_told);
    }
}
