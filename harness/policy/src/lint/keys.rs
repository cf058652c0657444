//! Condition keys that no request carries, and lists without set operators.

use ringfence_models::{self as models, Member, Operation};

use super::actions::Covered;
use super::{Note, Rule, UNKNOWN, claims, note};
use crate::catalog::{self, Access, Action, Service};
use crate::condition::Condition;
use crate::operator::{Base, Quantifier, distance};
use crate::pattern::Case;
use crate::request::Context;
use crate::statement::{Effect, Statement, Truth};

/// Keys that are in a request together or not at all: "SecurityGroupIds and
/// SubnetIds must both be specified or both be empty", and the VPC is theirs.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#vpc-conditions>
const TOGETHER: [&str; 3] = ["lambda:VpcIds", "lambda:SubnetIds", "lambda:SecurityGroupIds"];

/// Keys of the keys of a request, with how the key of one of them starts: who
/// has the one has the other. AWS recommends the pair:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html#access_tags_control-tag-keys>.
const KEYS_OF: [(&str, &str); 3] = [
    ("aws:TagKeys", "aws:RequestTag/"),
    ("s3:RequestObjectTagKeys", "s3:RequestObjectTag/"),
    ("kms:EncryptionContextKeys", "kms:EncryptionContext:"),
];

/// Keys of members that a call cannot leave out, with the actions: those that
/// the service fills itself, and required members of the API.
const ALWAYS: [(&str, &[&str]); 8] = [
    // The service that takes the role says so.
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_PassedToService
    ("iam:PassedToService", &["iam:PassRole"]),
    // https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
    ("kms:GrantOperations", &["kms:CreateGrant"]),
    // Each of these calls names the partition keys that it is about, and AWS's own
    // policies compare all of them; a scan names none.
    // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    (
        "dynamodb:LeadingKeys",
        &[
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ],
    ),
    // Of the record sets in `ChangeBatch`, each of which has a name, a type and
    // an action: https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
    ("route53:ChangeResourceRecordSetsActions", &["route53:ChangeResourceRecordSets"]),
    (
        "route53:ChangeResourceRecordSetsNormalizedRecordNames",
        &["route53:ChangeResourceRecordSets"],
    ),
    ("route53:ChangeResourceRecordSetsRecordTypes", &["route53:ChangeResourceRecordSets"]),
    // https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAWSServiceAccess.html
    (
        "organizations:ServicePrincipal",
        &[
            "organizations:EnableAWSServiceAccess",
            "organizations:DisableAWSServiceAccess",
            "organizations:RegisterDelegatedAdministrator",
            "organizations:DeregisterDelegatedAdministrator",
        ],
    ),
    // A policy is of a type, and who names no policy must name the type:
    // `Type`, `PolicyType` and `Filter` are required.
    // https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreatePolicy.html
    (
        "organizations:PolicyType",
        &[
            "organizations:AttachPolicy",
            "organizations:CreatePolicy",
            "organizations:DeletePolicy",
            "organizations:DescribeEffectivePolicy",
            "organizations:DescribePolicy",
            "organizations:DetachPolicy",
            "organizations:DisablePolicyType",
            "organizations:EnablePolicyType",
            "organizations:ListPolicies",
            "organizations:ListPoliciesForTarget",
            "organizations:ListTargetsForPolicy",
            "organizations:UpdatePolicy",
        ],
    ),
];

/// Lists to which AWS's own examples compare one value without a set operator,
/// and a rule of one source or one detail type matches.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html>
const LISTS_OF_ONE: [&str; 2] = ["events:source", "events:detail-type"];

/// Whether every request for the action that carries the key at all has it.
pub(super) fn always_carries(service: &Service, action: &Action, key: &str) -> bool {
    let name = format!("{}:{}", service.prefix, action.name);
    let listed = ALWAYS.iter().any(|(known, actions)| {
        known.eq_ignore_ascii_case(key)
            && actions.iter().any(|action| action.eq_ignore_ascii_case(&name))
    });
    listed || (key.eq_ignore_ascii_case("aws:TagKeys") && names_tags(service, action))
}

/// Whether a call for the action cannot leave out the tags, or their keys, that
/// it adds or removes: a required member of the operation, which `DeleteTags`
/// of EC2, for one, has not ("if you omit this parameter, we delete all
/// user-defined tags").
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html>
fn names_tags(service: &Service, action: &Action) -> bool {
    let name = action.name.to_ascii_lowercase();
    if !name.contains("tag") {
        return false;
    }
    let is_of_tags = |member: &&Member| {
        let member = member.name.to_ascii_lowercase();
        member.starts_with("tag") || (member == "keys" && name.starts_with("untag"))
    };
    let services = models::Service::by_iam_prefix(service.prefix).iter();
    let mut operations =
        services.filter_map(|service| Operation::find(*service, action.name)).peekable();
    match operations.peek() {
        Some(_) => operations.all(|operation| {
            let mut required = operation.members.iter().filter(|member| member.required);
            required.any(|member| is_of_tags(&member))
        }),
        // An action beside the API's operations: the reference alone tells.
        None => action.access.contains(&Access::Tagging),
    }
}

/// Whether a request that has the one key has the other.
fn comes_with(has: &str, other: &str) -> bool {
    let known = |key: &str| TOGETHER.iter().any(|known| known.eq_ignore_ascii_case(key));
    let keys_of = |(keys, start): &(&str, &str)| {
        keys.eq_ignore_ascii_case(other)
            && has.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    has.eq_ignore_ascii_case(other) || (known(has) && known(other)) || KEYS_OF.iter().any(keys_of)
}

/// Whether the statement holds only for requests that have the key.
pub(super) fn checked_for_presence(statement: &Statement, key: &str) -> bool {
    statement.conditions.iter().any(|condition| {
        comes_with(&condition.key, key)
            && match condition.operator.base {
                Base::Null => condition.sources.iter().all(|text| &**text == "false"),
                _ => !condition.holds_when_absent(),
            }
    })
}

/// Whether the catalogue knows the key's service, so that it can tell who
/// carries it: without a service, nobody. Keys of identity providers
/// (`issuer:sub`) it cannot judge.
fn judged(key: &str) -> bool {
    !key.contains(UNKNOWN)
        && key.split_once(':').is_none_or(|(prefix, _)| {
            prefix.eq_ignore_ascii_case("aws") || catalog::service(prefix).is_some()
        })
}

/// What comes of a condition whose key no request has.
fn effect_of(statement: &Statement, condition: &Condition, what: &str) -> String {
    match (statement.effect, condition.holds(&Context::new(), statement.effect)) {
        (Effect::Allow, Truth::True) => "so the condition limits nothing".to_owned(),
        (Effect::Deny, Truth::True) => "so the condition leaves nothing out".to_owned(),
        (Effect::Allow, _) => format!("so the statement never allows {what}"),
        (Effect::Deny, _) => format!("so the statement never denies {what}"),
    }
}

/// Whether the key is one of somebody's: of all requests, or of some action
/// that the catalogue has.
fn is_somebodys(key: &str) -> bool {
    let of_service = |service: &Service| {
        service.key_type(key).is_some()
            || service.actions().any(|action| service.carries(action, key))
    };
    match key.split_once(':') {
        None => false,
        Some((prefix, _)) if prefix.eq_ignore_ascii_case("aws") => {
            catalog::is_global_key(key)
                || catalog::prefixes().filter_map(catalog::service).any(of_service)
        }
        Some((prefix, _)) => {
            catalog::is_global_key(key) || catalog::service(prefix).is_some_and(of_service)
        }
    }
}

/// Whether the reference has the key for the service and gives it to no action,
/// as it does with `states:HTTPEndpoint`: then it cannot tell who carries it.
pub(super) fn is_listed_for_nobody(service: &Service, key: &str) -> bool {
    service.key_type(key).is_some() && !service.actions().any(|action| service.carries(action, key))
}

/// Whether the condition is there for the sake of other actions of its
/// statement: an exception of a Deny, or one that AWS recommends `IfExists` for.
fn is_for_others(statement: &Statement, condition: &Condition) -> bool {
    let key = condition.key.as_ref();
    let meant = condition.operator.if_exists || statement.effect == Effect::Deny;
    meant
        && condition.holds_when_absent()
        && statement.actions.patterns.iter().any(|pattern| {
            let service = pattern.service.as_deref().and_then(catalog::service);
            service.is_some_and(|service| {
                service.actions().any(|action| {
                    pattern.name.matches(action.name, Case::Fold) && service.carries(action, key)
                })
            })
        })
}

/// Keys in a statement about all actions, or all but some.
pub(super) fn of_any_action(statement: &Statement, notes: &mut Vec<Note>) {
    for condition in &statement.conditions {
        let key = condition.key.as_ref();
        if !judged(key) || is_somebodys(key) {
            continue;
        }
        let message =
            format!("no request carries `{key}`, {}", effect_of(statement, condition, "anything"));
        let instead = match nearest(key) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "see the condition keys of AWS's service authorization reference".to_owned(),
        };
        notes.push(note(Rule::KeyNeverCarried, message, instead).about(key));
    }
}

/// The key of the same service that a misspelt one comes closest to.
fn nearest(key: &str) -> Option<String> {
    let (prefix, name) = key.split_once(':')?;
    let known: Vec<String> = match catalog::service(prefix) {
        Some(service) => service.keys().map(str::to_owned).collect(),
        None => catalog::global_keys().map(str::to_owned).collect(),
    };
    let name = name.to_lowercase();
    known
        .into_iter()
        .filter_map(|known| {
            let (_, end) = known.split_once(':')?;
            let far = distance(&name, &end.to_lowercase());
            (far <= 3).then_some((far, known))
        })
        .min()
        .map(|(_, known)| known)
}

/// A key in a statement about certain actions.
pub(super) fn of_actions(
    statement: &Statement,
    covered: &Covered<'_>,
    condition: &Condition,
    notes: &mut Vec<Note>,
) {
    let key = condition.key.as_ref();
    // Of these the claims' own check tells.
    if claims::provider(key).is_some() {
        return;
    }
    // What AWS itself names with the key carries it, whatever the reference lacks.
    let carries = |(service, action): &&(&Service, &Action)| {
        service.carries(action, key) || service.named_by(action, key).is_some()
    };
    let carriers: Vec<_> = covered.actions.iter().filter(carries).collect();
    if judged(key) && carriers.is_empty() && condition.operator.base != Base::Null {
        let mut services = covered.actions.iter().map(|(service, _)| *service);
        if services.any(|service| is_listed_for_nobody(service, key))
            || is_for_others(statement, condition)
        {
            return;
        }
        let what = covered.source;
        let effect = effect_of(statement, condition, "it");
        let instead = match nearest(key).filter(|_| !is_somebodys(key)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("move `{what}` into a statement of its own, with keys that it carries")
            }
        };
        let message = format!("requests for `{what}` never carry `{key}`, {effect}");
        notes.push(note(Rule::KeyNeverCarried, message, instead).about(what));
        return;
    }
    let list = carriers
        .iter()
        .filter_map(|(service, _)| service.key_type(key))
        .any(|kind| kind.starts_with("ArrayOf"))
        && !LISTS_OF_ONE.iter().any(|known| known.eq_ignore_ascii_case(key));
    match condition.operator.quantifier {
        None if list && condition.operator.base != Base::Null => notes.push(
            note(
                Rule::ListWithoutSetOperator,
                format!(
                    "`{key}` holds a list, and {} alone matches no list",
                    condition.operator_name
                ),
                format!("write `ForAnyValue:{0}` or `ForAllValues:{0}`", condition.operator_name),
            )
            .about(key),
        ),
        Some(Quantifier::ForAllValues)
            if statement.effect == Effect::Allow
                && !checked_for_presence(statement, key)
                && !carriers
                    .iter()
                    .all(|(service, action)| always_carries(service, action, key)) =>
        {
            notes.push(
                note(
                    Rule::AllValuesOfNothing,
                    format!("{} holds when the request has no `{key}`", condition.operator_name),
                    format!("add `\"Null\": {{\"{key}\": \"false\"}}`"),
                )
                .about(key),
            );
        }
        _ => {}
    }
}
