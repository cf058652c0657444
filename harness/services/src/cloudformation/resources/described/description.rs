//! A resource type as data: which calls make, read, change and delete it.
//!
//! The files are `services/data/types/SERVICE.toml`, one table a type. Texts in
//! `members` are expressions ([`super::expression`]).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ringfence_wire::{Operation, Service};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A type's calls.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    /// The page of AWS that says what `Ref` and `Fn::GetAtt` give.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader; a test asks for it"))]
    pub(super) source: String,
    /// The property with the physical name, which the engine makes up where
    /// the template gives none.
    pub(super) name: Option<String>,
    /// The longest name, where the schema does not say it.
    pub(super) longest: Option<usize>,
    /// Whether made-up names have no capital letters.
    #[serde(default)]
    pub(super) lower: bool,
    /// What a made-up name ends with where a property is true: `.fifo`.
    pub(super) suffix: Option<Suffix>,
    /// The first makes the resource, the others complete it.
    #[serde(default)]
    pub(super) create: Vec<Step>,
    /// Reads it back, as AWS's handlers do after they have made it.
    pub(super) read: Option<Step>,
    /// How the answer of `read` says that the resource is there.
    pub(super) settled: Option<Settled>,
    #[serde(default)]
    pub(super) update: Vec<Step>,
    #[serde(default)]
    pub(super) delete: Vec<Step>,
    /// Sets the tags that changed: `{tags}`.
    pub(super) tag: Option<Step>,
    /// Removes the tags that are gone: `{untag}`.
    pub(super) untag: Option<Step>,
    /// Tags are set by `tag` after the creation, which takes none itself.
    #[serde(default)]
    pub(super) tags_after: bool,
    /// What `Ref` gives, where it is not the primary identifier: the first of
    /// these that has a value.
    #[serde(default)]
    pub(super) reference: Vec<String>,
    /// Attributes that follow from others or from an answer. A name in
    /// parentheses is no attribute and remembered for later calls.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    /// Properties that no call takes, which are refused by name.
    #[serde(default)]
    pub(super) unsupported: Vec<String>,
}

/// The end of a made-up name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Suffix {
    pub(super) property: String,
    pub(super) text: String,
}

/// When a resource is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settled {
    /// The place of its state: `/Stream/StreamStatus`.
    pub(super) at: String,
    pub(super) until: Vec<String>,
}

/// One call.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// `sqs:CreateQueue`: the service by its model's id.
    pub(super) call: String,
    /// The input: texts are expressions.
    #[serde(default)]
    pub(super) members: Map<String, Value>,
    /// Properties that no expression of the step names go into the members of
    /// their own names, where the operation has these.
    #[serde(default)]
    pub(super) rest: bool,
    /// The properties of which one must be given (on creation) or have changed
    /// (on update); by default those that the expressions name.
    #[serde(default)]
    pub(super) when: Vec<String>,
    /// The expressions of which all must have a value.
    #[serde(default)]
    pub(super) given: Vec<String>,
    /// The values that properties must have.
    #[serde(default)]
    pub(super) equals: Map<String, Value>,
    /// The values that properties must not have.
    #[serde(default)]
    pub(super) unless: Map<String, Value>,
    /// One call for each item of this property: `{item}`.
    pub(super) each: Option<String>,
    /// The properties that [`super::prepare`] works the input out of.
    #[serde(default)]
    pub(super) prepared: Vec<String>,
    /// The call whose answer this one's expressions see: `{answer./LockToken}`.
    pub(super) first: Option<Box<Self>>,
    /// Where an answer lists what was refused although the call succeeded.
    pub(super) failures: Option<String>,
    /// The codes of errors that pass once another resource is there: the call is
    /// repeated until then.
    #[serde(default)]
    pub(super) awaits: Vec<String>,
    /// What the call does not take is unset by it, so that a property may be
    /// removed on update.
    #[serde(default)]
    pub(super) replaces: bool,
}

impl Step {
    /// The operation, if the models have it.
    pub(super) fn operation(&self) -> Option<&'static Operation> {
        let (service, name) = self.call.split_once(':')?;
        Operation::find(Service::of(service)?, name)
    }
}

/// The files.
const FILES: [(&str, &str); 30] = [
    ("acm", include_str!("../../../../data/types/acm.toml")),
    ("apigateway", include_str!("../../../../data/types/apigateway.toml")),
    (
        "application-autoscaling",
        include_str!("../../../../data/types/application-autoscaling.toml"),
    ),
    ("appsync", include_str!("../../../../data/types/appsync.toml")),
    ("autoscaling", include_str!("../../../../data/types/autoscaling.toml")),
    ("batch", include_str!("../../../../data/types/batch.toml")),
    ("cloudtrail", include_str!("../../../../data/types/cloudtrail.toml")),
    ("cloudwatch", include_str!("../../../../data/types/cloudwatch.toml")),
    ("cognito-idp", include_str!("../../../../data/types/cognito-idp.toml")),
    ("config", include_str!("../../../../data/types/config.toml")),
    ("ec2", include_str!("../../../../data/types/ec2.toml")),
    ("ecr", include_str!("../../../../data/types/ecr.toml")),
    ("ecs", include_str!("../../../../data/types/ecs.toml")),
    ("elasticache", include_str!("../../../../data/types/elasticache.toml")),
    ("elbv2", include_str!("../../../../data/types/elbv2.toml")),
    ("events", include_str!("../../../../data/types/events.toml")),
    ("iam", include_str!("../../../../data/types/iam.toml")),
    ("kinesis", include_str!("../../../../data/types/kinesis.toml")),
    ("kms", include_str!("../../../../data/types/kms.toml")),
    ("lambda", include_str!("../../../../data/types/lambda.toml")),
    ("logs", include_str!("../../../../data/types/logs.toml")),
    ("rds", include_str!("../../../../data/types/rds.toml")),
    ("route53", include_str!("../../../../data/types/route53.toml")),
    ("scheduler", include_str!("../../../../data/types/scheduler.toml")),
    ("secretsmanager", include_str!("../../../../data/types/secretsmanager.toml")),
    ("ses", include_str!("../../../../data/types/ses.toml")),
    ("sns", include_str!("../../../../data/types/sns.toml")),
    ("sqs", include_str!("../../../../data/types/sqs.toml")),
    ("stepfunctions", include_str!("../../../../data/types/stepfunctions.toml")),
    ("wafv2", include_str!("../../../../data/types/wafv2.toml")),
];

static ALL: LazyLock<BTreeMap<String, Description>> = LazyLock::new(|| {
    // A test reads the same files and fails where one is not whole.
    FILES.iter().filter_map(|(_, text)| read(text).ok()).flatten().collect()
});

fn read(text: &str) -> Result<BTreeMap<String, Description>, toml::de::Error> {
    toml::from_str(text)
}

/// The description of a type, where a file has one.
pub(super) fn written(kind: &str) -> Option<&'static Description> {
    ALL.get(kind)
}

/// Every type that a file describes.
#[cfg(test)]
pub(super) fn all() -> BTreeMap<String, Description> {
    let read =
        FILES.iter().map(|(name, text)| read(text).unwrap_or_else(|e| panic!("{name}: {e}")));
    read.flatten().collect()
}
