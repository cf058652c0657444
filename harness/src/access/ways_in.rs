//! Who comes to act as a role, or to call a function, by what is no policy: where that is another
//! on each side, what is gained or lost by it is not compared.
//!
//! - A SAML provider vouches for whom the keys of its metadata sign
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml.html>), an
//!   `OpenID` Connect provider that is there for whom its issuer does
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>).
//! - An identity pool gives everybody an identity where it allows unauthenticated ones, and an
//!   attachment the roles
//!   (<https://docs.aws.amazon.com/cognito/latest/developerguide/identity-pools.html>).
//! - Trust anchors and profiles of IAM Roles Anywhere
//!   (<https://docs.aws.amazon.com/rolesanywhere/latest/userguide/introduction.html>) and
//!   associations of EKS Pod Identity
//!   (<https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html>) give sessions of
//!   roles to who holds a certificate, or is a pod.
//! - A function's URL of the type `NONE` may be called without a signature
//!   (<https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>).

use std::collections::BTreeMap;

use super::diff::{Change, Side};
use super::estate::Estate;
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;

/// Where one that is on one side alone lets somebody in there.
enum Alone {
    /// Where a trust policy of the other side names it: what stands in ARNs before its name, and
    /// the attribute that has the name.
    Named(&'static str, &'static str),
    /// Where a trust policy of the other side lets in this service or provider.
    Trusted(&'static str),
    /// Where an attribute is not this.
    Unless(&'static str, &'static str),
    /// Nowhere: what else it needs is on that side alone, too.
    Never,
}

/// A type by which somebody comes in.
struct Way {
    kind: &'static str,
    /// What of it says who, or as whom.
    says: &'static [&'static str],
    alone: Alone,
}

static WAYS: [Way; 19] = [
    Way {
        kind: "aws_iam_saml_provider",
        says: &["saml_metadata_document"],
        alone: Alone::Named("saml-provider/", "name"),
    },
    Way {
        kind: "aws_iam_openid_connect_provider",
        says: &[],
        alone: Alone::Named("oidc-provider/", "url"),
    },
    Way {
        kind: "aws_cognito_identity_pool",
        says: &[
            "allow_classic_flow",
            "allow_unauthenticated_identities",
            "cognito_identity_providers",
            "developer_provider_name",
            "openid_connect_provider_arns",
            "saml_provider_arns",
            "supported_login_providers",
        ],
        alone: Alone::Never,
    },
    Way {
        kind: "aws_cognito_identity_pool_roles_attachment",
        says: &["identity_pool_id", "role_mapping", "roles"],
        alone: Alone::Trusted("cognito-identity.amazonaws.com"),
    },
    Way {
        kind: "aws_rolesanywhere_trust_anchor",
        says: &["enabled", "source"],
        alone: Alone::Trusted("rolesanywhere.amazonaws.com"),
    },
    Way {
        kind: "aws_rolesanywhere_profile",
        says: &["enabled", "managed_policy_arns", "role_arns", "session_policy"],
        alone: Alone::Trusted("rolesanywhere.amazonaws.com"),
    },
    Way {
        kind: "aws_eks_pod_identity_association",
        says: &["cluster_name", "namespace", "role_arn", "service_account", "target_role_arn"],
        alone: Alone::Trusted("pods.eks.amazonaws.com"),
    },
    Way {
        kind: "aws_lambda_function_url",
        says: &["authorization_type", "function_name", "qualifier"],
        alone: Alone::Unless("authorization_type", "AWS_IAM"),
    },
    runs("aws_lambda_function", &["role"]),
    runs("aws_iam_instance_profile", &["role"]),
    runs("aws_instance", &["iam_instance_profile"]),
    runs("aws_ecs_task_definition", &["execution_role_arn", "task_role_arn"]),
    runs("aws_sfn_state_machine", &["role_arn"]),
    runs("aws_codebuild_project", &["service_role"]),
    runs("aws_codepipeline", &["role_arn"]),
    runs("aws_glue_job", &["role_arn"]),
    runs("aws_sagemaker_notebook_instance", &["role_arn"]),
    runs("aws_ssm_activation", &["iam_role"]),
    runs("aws_transfer_user", &["role"]),
];

/// What runs as a role.
const fn runs(kind: &'static str, says: &'static [&'static str]) -> Way {
    Way { kind, says, alone: Alone::Never }
}

/// Notes what lets in others, or runs as another role, on each side.
pub(super) fn note(old: &Estate, new: &Estate, changes: &mut Vec<Change>) {
    let (before, after) = (all(old), all(new));
    for (&name, &(way, is)) in &after {
        let was = before.get(name).copied().or_else(|| by_arn(&before, (way, is)));
        match was {
            Some((_, was)) => {
                if let Some(attribute) = way.says.iter().find(|it| is_another(was, is, it)) {
                    let why = format!(
                        "`{name}` has another `{attribute}` on each side, or one that is not \
                         known: who comes in by it, or as whom, is not compared"
                    );
                    tell(changes, name, [true; 2], [Some(&why), Some(&why)]);
                }
            }
            None if lets_in(way, is, old) => {
                tell(changes, name, [false, true], [Some(&on_one_side(name)), None]);
            }
            None => {}
        }
    }
    for (&name, &(way, was)) in &before {
        let is_there = after.contains_key(name) || by_arn(&after, (way, was)).is_some();
        if !is_there && lets_in(way, was, new) {
            tell(changes, name, [true, false], [None, Some(&on_one_side(name))]);
        }
    }
}

fn on_one_side(name: &str) -> String {
    format!("`{name}` is on one side alone: who comes in by it is not compared")
}

type Of<'e> = (&'static Way, &'e Resource);

/// The ways of an estate, by address.
fn all(estate: &Estate) -> BTreeMap<&str, Of<'_>> {
    let all = estate.resources.iter().filter(|one| !one.is_data);
    let all = all.filter_map(|one| {
        let way = WAYS.iter().find(|way| way.kind == one.kind)?;
        Some((one.address.as_str(), (way, one)))
    });
    all.collect()
}

/// The same one under another address.
fn by_arn<'e>(among: &BTreeMap<&'e str, Of<'e>>, (way, one): Of<'_>) -> Option<Of<'e>> {
    let arn = text(one, "arn")?;
    let is_it = |(of, other): &&Of<'e>| of.kind == way.kind && text(other, "arn") == Some(arn);
    among.values().find(is_it).copied()
}

/// Whether an attribute is another, or not known.
fn is_another(was: &Resource, is: &Resource, attribute: &str) -> bool {
    let [was, is] = [was, is].map(|one| one.values.get(attribute).filter(|it| it.is_something()));
    match (was, is) {
        (Some(was), Some(is)) => !are_same(was, is),
        (None, None) => false,
        // A file need not say that something is off.
        (Some(one), None) | (None, Some(one)) => one.value != Value::Bool(false),
    }
}

/// Whether two values are known and the same.
fn are_same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Unknown, _) | (_, Value::Unknown) => false,
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| are_same(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let said = |all: &[Member]| all.iter().filter(|it| it.value.is_something()).count();
            let is_there = |member: &Member| {
                let of = other.iter().find(|it| it.key == member.key);
                of.is_some_and(|it| are_same(&member.value, &it.value))
            };
            let mut own = one.iter().filter(|it| it.value.is_something());
            said(one) == said(other) && own.all(is_there)
        }
        (one, other) => one == other,
    }
}

/// Whether one that is on one side alone may let in somebody there whom the other side's policies
/// let in already.
fn lets_in(way: &Way, one: &Resource, other: &Estate) -> bool {
    let is_trusted = |wanted: &str| {
        let trusts = other.entries.iter().filter(|(name, _)| name.starts_with("trust of "));
        let mut policies = trusts.filter_map(|(_, entry)| entry.trusts().policy);
        policies.any(|policy| policy.text().contains(wanted))
    };
    match way.alone {
        Alone::Named(before, attribute) => match text(one, attribute) {
            Some(name) => {
                let name = name.strip_prefix("https://").unwrap_or(name);
                is_trusted(&format!("{before}{name}\""))
            }
            None => is_trusted(before),
        },
        Alone::Trusted(who) => is_trusted(who),
        Alone::Unless(attribute, but) => text(one, attribute) != Some(but),
        Alone::Never => false,
    }
}

fn text<'r>(resource: &'r Resource, attribute: &str) -> Option<&'r str> {
    resource.values.get(attribute).and_then(Node::text).filter(|text| !text.is_empty())
}

/// Tells of a resource what is not told of it already.
fn tell(
    changes: &mut Vec<Change>,
    name: &str,
    [is_in_old, is_in_new]: [bool; 2],
    whys: [Option<&String>; 2],
) {
    let [gained, lost] = whys.map(|why| why.cloned().map_or(Side::Nothing, Side::Undecided));
    match changes.iter_mut().find(|change| change.name == name) {
        Some(change) => {
            if change.gained.is_nothing() {
                change.gained = gained;
            }
            if change.lost.is_nothing() {
                change.lost = lost;
            }
        }
        None => {
            let name = name.to_owned();
            changes.push(Change { name, is_in_old, is_in_new, gained, lost });
        }
    }
}
