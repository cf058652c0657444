//! Whether what two accounts allow is meant: one of them must say by name whom or what.
//!
//! The resource's policy names the caller where it refuses any other role of the caller's
//! account. The caller's own policies name the resource where they do not allow the same on
//! any other one. An account that is trusted as a whole
//! (`arn:aws:iam::ACCOUNT:root`) leaves to its own policies who gets in
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>),
//! and these say nobody where they allow it on `*`.

use std::sync::Arc;

use ringfence_guard::recording::Asked;
use ringfence_guard::{Attached, Inputs, Overlay};
use ringfence_policy::{
    Context, Decision, Document, Kind, Layer, Outcome, Principal, Request, Wildcard, layer_outcome,
};
use serde_json::{Value, json};

use crate::attacks::companions::{document, statements};

/// A name that no policy speaks of.
const NEIGHBOUR: &str = "ringfence-neighbour";

/// Who says that what is allowed is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// The policy of what is entered names the caller.
    Caller,
    /// The caller's own policies name what is entered.
    Entered,
    /// Neither.
    Nobody,
    /// It hangs on what the caller's requests say whether its own policies name what is
    /// entered.
    Undecided,
}

impl Named {
    /// Whether somebody says it.
    pub(super) fn is_somebody(self) -> bool {
        matches!(self, Self::Caller | Self::Entered)
    }
}

/// Whether the same is allowed on something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Elsewhere {
    No,
    Undecided,
    Yes,
}

/// Who means what is allowed.
pub(super) fn by(inputs: &Inputs) -> Named {
    if refuses_neighbour(inputs) {
        return Named::Caller;
    }
    match allows_elsewhere(inputs) {
        Elsewhere::No => Named::Entered,
        Elsewhere::Undecided => Named::Undecided,
        Elsewhere::Yes => Named::Nobody,
    }
}

/// Whether the policy of what is entered refuses the same to another role of the account,
/// without the caller's tags. It is asked alone: what the caller's own policies say of the
/// caller is no word of the other account.
fn refuses_neighbour(inputs: &Inputs) -> bool {
    let account = inputs.caller.principal.account_id().unwrap_or_default();
    let partition = asked_partition(inputs);
    let role_arn = format!("arn:{partition}:iam::{account}:role/{NEIGHBOUR}");
    let session_arn = format!("arn:{partition}:sts::{account}:assumed-role/{NEIGHBOUR}/s");
    let principal = Principal::RoleSession { role_arn: role_arn.clone(), session_arn };
    inputs.asked.iter().any(|one| {
        let mut context = Context::clone(&one.context);
        context.retain(|key| !key.starts_with("aws:principaltag/") && key != "aws:username");
        context.set("aws:PrincipalArn", role_arn.clone());
        context.set("aws:userid", format!("AROARINGFENCENEIGHBR:{NEIGHBOUR}"));
        let request = Request {
            principal: &principal,
            action: &one.action,
            resource: &one.resource,
            resource_account: None,
            context: &context,
        };
        let policies = inputs.policies_with(one.resource_policy.as_ref(), &Overlay::none());
        let says = layer_outcome(&request, &policies, Layer::Resource);
        matches!(says, Some(Outcome::ImplicitDeny | Outcome::ExplicitDeny))
    })
}

fn asked_partition(inputs: &Inputs) -> String {
    let first = inputs.asked.first().map(|asked| asked.resource.as_str()).unwrap_or_default();
    first.split(':').nth(1).unwrap_or("aws").to_owned()
}

/// Whether the caller's own policies allow the same on something of another name and
/// without its tags, were it to let everybody in.
fn allows_elsewhere(inputs: &Inputs) -> Elsewhere {
    let mut overlay = Overlay::none();
    if inputs.asked.iter().any(|one| one.resource_policy.is_none()) {
        let anything = vec![json!({"Effect": "Allow", "Principal": "*", "Action": "*",
            "Resource": "*"})];
        if let Some(open) = document("open", anything, Kind::Resource) {
            overlay = overlay.add(None, Layer::Resource, open);
        }
    }
    let others = |one: &Asked| {
        let written =
            inputs.caller.identity.iter().flat_map(|it| patterns(&it.document, &one.resource));
        elsewhere(&one.resource).into_iter().chain(written).collect()
    };
    let names: Vec<Vec<String>> = inputs.asked.iter().map(others).collect();
    let most = names.iter().map(Vec::len).max().unwrap_or_default();
    let each = (0..most).map(|number| {
        let each = inputs.asked.iter().zip(&names);
        let asked = each.map(|(one, names)| {
            let open = one.resource_policy.as_ref().and_then(|policy| open(&policy.document));
            let resource_policy = one.resource_policy.as_ref().zip(open);
            let resource_policy = resource_policy.map(|(policy, document)| Attached {
                slot: Arc::clone(&policy.slot),
                id: Arc::clone(&policy.id),
                document,
            });
            let mut context = Context::clone(&one.context);
            context.retain(|key| !key.contains("resourcetag/"));
            let resource = names.get(number).or(names.last()).cloned().unwrap_or_default();
            Asked { resource, context: Arc::new(context), resource_policy, ..one.clone() }
        });
        let other = Inputs { asked: asked.collect(), ..inputs.clone() };
        let decisions = other.decide(&overlay);
        if decisions.iter().any(Decision::denied) {
            Elsewhere::No
        } else if decisions.iter().all(Decision::allowed) {
            Elsewhere::Yes
        } else {
            Elsewhere::Undecided
        }
    });
    each.max().unwrap_or(Elsewhere::No)
}

/// The policy of a resource that lets everybody in.
fn open(policy: &Document) -> Option<Arc<Document>> {
    let statement = match policy.kind() {
        Kind::Trust => json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:*"}),
        _ => json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}),
    };
    document(policy.name(), vec![statement], policy.kind())
}

/// An ARN around the name in it.
struct Parts<'a> {
    /// The service that it is of.
    service: &'a str,
    /// All before the name, its type included.
    before: String,
    /// What stands before the name in its last part.
    kind: &'a str,
    name: &'a str,
    after: &'a str,
}

impl<'a> Parts<'a> {
    fn of(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [arn, partition, service, region, account, resource] = *parts.as_slice() else {
            return None;
        };
        // What stands before and after the name.
        let split = resource.find([':', '/']).map(|at| resource.split_at(at));
        let (kind, name, after) = match (service, split) {
            // What is before the slash is the bucket's name.
            ("s3", Some((bucket, key))) => ("", bucket, key),
            (_, None) => ("", resource, ""),
            (service, Some((kind, rest))) => {
                let (before, name) = resource.split_at(kind.len() + rest.len().min(1));
                // Secrets Manager adds a hyphen and six characters, which policies leave open
                // (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html>).
                let end = name.rfind('-').filter(|_| service == "secretsmanager");
                let (name, after) = name.split_at(end.unwrap_or(name.len()));
                (before, name, after)
            }
        };
        let before = [arn, partition, service, region, account, kind].join(":");
        Some(Self { service, before, kind, name, after })
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}{}", self.before, self.after)
    }
}

/// What the patterns of a policy that fit an ARN let in beside it: the name with something
/// else in the place of each wildcard.
fn patterns(policy: &Document, arn: &str) -> Vec<String> {
    let Some(parts) = Parts::of(arn) else { return Vec::new() };
    let mut names = Vec::new();
    for statement in statements(policy.text()) {
        let Some(resource) = statement.get("Resource") else { continue };
        let all = resource.as_array().map_or(std::slice::from_ref(resource), Vec::as_slice);
        let fits = |it: &&str| Wildcard::of_text(it).matches(arn);
        for pattern in all.iter().filter_map(Value::as_str).filter(fits) {
            // Of fewer parts is `*` alone, which has what nothing speaks of too.
            let last = pattern.splitn(6, ':').nth(5);
            let name = last.map(|last| last.strip_prefix(parts.kind).unwrap_or(last));
            let name = name.and_then(|name| match parts.service {
                "s3" => name.split('/').next(),
                // The six characters that AWS adds.
                "secretsmanager" => {
                    let added = name.strip_suffix("-*").or_else(|| name.strip_suffix("-??????"));
                    added.or_else(|| name.strip_suffix(parts.after)).or(Some(name))
                }
                _ => Some(name),
            });
            let Some(name) = name.filter(|it| it.contains(['*', '?'])) else { continue };
            // Where the name itself has one of the two letters, the other one is another name.
            names.extend(
                ["r", "q"]
                    .map(|letter| parts.named(&name.replace('*', NEIGHBOUR).replace('?', letter))),
            );
        }
    }
    names.retain(|name| name != arn);
    names.dedup();
    names
}

/// What is of the same type and account by other names: one that has nothing of its own,
/// and those that begin or end as it does, part by part, or go on after it.
fn elsewhere(arn: &str) -> Vec<String> {
    let Some(parts) = Parts::of(arn) else { return vec![NEIGHBOUR.to_owned()] };
    let name = parts.name;
    let mut names = vec![NEIGHBOUR.to_owned()];
    for (at, sign) in name.match_indices(['-', '/', '_', '.']) {
        let (first, last) = name.split_at(at);
        names.push(format!("{first}{sign}{NEIGHBOUR}"));
        names.push(format!("{NEIGHBOUR}{last}"));
    }
    if parts.service != "secretsmanager" {
        names.push(format!("{name}-{NEIGHBOUR}"));
    }
    names.iter().map(|name| parts.named(name)).collect()
}

#[cfg(test)]
mod tests {
    use ringfence_guard::recording::{BoundCaller, ResourceControl};
    use ringfence_guard::requirements::Needed;
    use rstest::rstest;

    use super::*;

    const CALLER: &str = "arn:aws:iam::111111111111:role/caller";
    const ENTERED: &str = "arn:aws:iam::222222222222:role/team-deploy";

    fn attached(slot: &str, statement: Value, kind: Kind) -> Attached {
        let document = document(slot, vec![statement], kind).unwrap();
        Attached { slot: slot.into(), id: slot.into(), document }
    }

    /// Both accounts allow it: `trusted` by the role, and the role to the caller.
    fn inputs(trusted: &str, on: &str, condition: Value) -> Inputs {
        let identity = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": on,
            "Condition": condition});
        let trust = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": trusted}});
        let mut context = Context::new();
        context.set("aws:PrincipalArn", CALLER).set("aws:PrincipalTag/team", "a");
        context.set("iam:ResourceTag/open", "yes");
        let session_arn = "arn:aws:sts::111111111111:assumed-role/caller/s".to_owned();
        let inputs = Inputs {
            caller: Arc::new(BoundCaller {
                principal: Principal::RoleSession { role_arn: CALLER.to_owned(), session_arn },
                owner: None,
                vpc_endpoints: Vec::new(),
                resource_control: ResourceControl::default(),
                service_control: Vec::new(),
                identity: vec![attached("own", identity, Kind::Identity)],
                boundary: None,
                session: None,
            }),
            asked: vec![Asked {
                action: "sts:AssumeRole".to_owned(),
                resource: ENTERED.to_owned(),
                context: Arc::new(context),
                resource_policy: Some(attached("trust", trust, Kind::Trust)),
                needed: Needed::Surely,
            }],
        };
        assert!(inputs.decide(&Overlay::none()).iter().all(Decision::allowed));
        inputs
    }

    #[rstest]
    #[case::the_role_names_it(CALLER, "*", json!({}), Named::Caller)]
    #[case::nobody("arn:aws:iam::111111111111:root", "*", json!({}), Named::Nobody)]
    // What its own policies ask of the caller is no word of the role's account.
    #[case::its_own_condition(
        "arn:aws:iam::111111111111:root", "*",
        json!({"StringEquals": {"aws:PrincipalTag/team": "a", "aws:PrincipalArn": CALLER}}),
        Named::Nobody
    )]
    #[case::this_one("arn:aws:iam::111111111111:root", ENTERED, json!({}), Named::Entered)]
    #[case::by_its_tag(
        "arn:aws:iam::111111111111:root", "*",
        json!({"StringEquals": {"iam:ResourceTag/open": "yes"}}), Named::Entered
    )]
    #[case::that_begin_alike(
        "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:role/team-*",
        json!({}), Named::Nobody
    )]
    #[case::that_end_alike(
        "arn:aws:iam::111111111111:root", "arn:aws:iam::*:role/*-deploy",
        json!({}), Named::Nobody
    )]
    #[case::that_go_on(
        "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:role/team-deploy*",
        json!({}), Named::Nobody
    )]
    // No part of the name ends where the wildcard is.
    #[case::that_begin_alike_within_a_word(
        "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:role/team-dep*",
        json!({}), Named::Nobody
    )]
    #[case::of_one_character(
        "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:role/team-d?ploy",
        json!({}), Named::Nobody
    )]
    #[case::of_any_account(
        "arn:aws:iam::111111111111:root", "arn:aws:iam::*:role/team-deploy", json!({}),
        Named::Entered
    )]
    fn one_of_two_accounts_means_it(
        #[case] trusted: &str,
        #[case] on: &str,
        #[case] condition: Value,
        #[case] named: Named,
    ) {
        assert_eq!(by(&inputs(trusted, on, condition)), named);
    }

    /// What of other names is allowed hangs on what the caller sends.
    #[test]
    fn a_condition_on_what_is_sent_leaves_it_undecided_who_is_named() {
        let mut inputs = inputs("arn:aws:iam::111111111111:root", ENTERED, json!({}));
        let sent = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*",
            "Condition": {"StringEquals": {"sts:SourceIdentity": "a"}}});
        Arc::make_mut(&mut inputs.caller).identity.push(attached("sent", sent, Kind::Identity));
        assert_eq!(by(&inputs), Named::Entered);
        let mut context = Context::clone(&inputs.asked[0].context);
        context.set_unknown("sts:SourceIdentity");
        inputs.asked[0].context = Arc::new(context);
        assert_eq!(by(&inputs), Named::Undecided);
    }

    #[rstest]
    #[case("arn:aws:s3:::docs-x/k", "arn:aws:s3:::docs-x/*", &[])]
    #[case("arn:aws:s3:::docs-x/k", "arn:aws:s3:::do*", &["arn:aws:s3:::doringfence-neighbour/k"])]
    #[case("arn:aws:s3:::docs-x", "arn:aws:s3:::other*", &[])]
    // One character, whichever the name has there.
    #[case("arn:aws:s3:::docs-r", "arn:aws:s3:::docs-?", &["arn:aws:s3:::docs-q"])]
    #[case("arn:aws:s3:::docs-q", "arn:aws:s3:::docs-?", &["arn:aws:s3:::docs-r"])]
    #[case(
        "arn:aws:s3:::docs-rq", "arn:aws:s3:::docs-??",
        &["arn:aws:s3:::docs-rr", "arn:aws:s3:::docs-qq"]
    )]
    #[case(
        "arn:aws:secretsmanager:r:222222222222:secret:a-db-AbCdEf",
        "arn:aws:secretsmanager:r:222222222222:secret:a-db-??????", &[]
    )]
    #[case(
        "arn:aws:secretsmanager:r:222222222222:secret:a-db-AbCdEf",
        "arn:aws:secretsmanager:r:222222222222:secret:a-d*-??????",
        &["arn:aws:secretsmanager:r:222222222222:secret:a-dringfence-neighbour-AbCdEf"]
    )]
    fn a_pattern_lets_in_others(#[case] arn: &str, #[case] pattern: &str, #[case] others: &[&str]) {
        let statement = json!({"Effect": "Allow", "Action": "*", "Resource": ["arn:aws:sns:r:222222222222:x", pattern]});
        let policy = document("own", vec![statement], Kind::Identity).unwrap();
        assert_eq!(patterns(&policy, arn), others);
    }

    #[rstest]
    #[case(
        "arn:aws:iam::222222222222:role/a/deploy",
        &["role/ringfence-neighbour", "role/a/ringfence-neighbour",
            "role/ringfence-neighbour/deploy", "role/a/deploy-ringfence-neighbour"]
    )]
    #[case(
        "arn:aws:s3:::docs-x/k/y-z",
        &["ringfence-neighbour/k/y-z", "docs-ringfence-neighbour/k/y-z",
            "ringfence-neighbour-x/k/y-z", "docs-x-ringfence-neighbour/k/y-z"]
    )]
    #[case("arn:aws:s3:::bucket", &["ringfence-neighbour", "bucket-ringfence-neighbour"])]
    #[case("arn:aws:sqs:r:222222222222:q", &["ringfence-neighbour", "q-ringfence-neighbour"])]
    #[case(
        "arn:aws:lambda:r:222222222222:function:f",
        &["function:ringfence-neighbour", "function:f-ringfence-neighbour"]
    )]
    // A policy names it by `db-*` or `db-??????`, and nothing else.
    #[case(
        "arn:aws:secretsmanager:r:222222222222:secret:a-db-AbCdEf",
        &["secret:ringfence-neighbour-AbCdEf", "secret:a-ringfence-neighbour-AbCdEf",
            "secret:ringfence-neighbour-db-AbCdEf"]
    )]
    fn others_of_the_same_type_have_other_names(#[case] arn: &str, #[case] others: &[&str]) {
        let before: String = arn.splitn(6, ':').take(5).map(|part| format!("{part}:")).collect();
        let others: Vec<String> = others.iter().map(|other| format!("{before}{other}")).collect();
        assert_eq!(elsewhere(arn), others);
    }
}
