//! What a mapping works with: the call, its caller and the account's state.

use ringfence_models::Partition;
use ringfence_services::Session;
use ringfence_wire::{Call, Service, ServiceError};
use serde_json::{Map, Value};

use super::state::{State, Tags};
use super::{Requirement, RequirementsError};

/// What a mapping returns.
pub(super) type Mapped = Result<Vec<Requirement>, RequirementsError>;

/// A call, its caller, and the state of the account.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) call: &'a Call,
    pub(super) caller: &'a Session,
    pub(super) state: &'a dyn State,
}

impl<'a> Scope<'a> {
    /// The operation's name.
    pub(super) fn name(&self) -> &'static str {
        self.call.name()
    }

    /// The prefix of the service's actions.
    pub(super) fn prefix(&self) -> &'static str {
        let service = self.call.service();
        service.iam_prefix().unwrap_or_else(|| service.signing_name())
    }

    /// The action of this name of the call's service: `iam:PassRole`.
    pub(super) fn action(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix())
    }

    pub(super) fn account(&self) -> &'a str {
        self.state.account_id()
    }

    pub(super) fn region(&self) -> &'a str {
        &self.call.region
    }

    /// The partition that the call goes to. It is the account's: a call to another
    /// one is refused where its caller is told.
    pub(super) fn partition(&self) -> Partition {
        Partition::of_region(self.region())
    }

    /// The ARN of a regional resource of the call's service.
    pub(super) fn arn(&self, resource: &str) -> String {
        let (partition, prefix) = (self.partition(), self.prefix());
        format!("arn:{partition}:{prefix}:{}:{}:{resource}", self.region(), self.account())
    }

    /// The ARN of one of IAM's resources, which have no region.
    pub(super) fn iam_arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition(), self.account())
    }

    /// The refusal of an operation without a mapping.
    pub(super) fn unmapped(&self) -> RequirementsError {
        self.undecided(String::new())
    }

    /// The refusal of a call whose needs nothing says for certain, with the reason.
    pub(super) fn undecided(&self, reason: String) -> RequirementsError {
        RequirementsError::Unmapped {
            service: self.call.service().name(),
            operation: self.call.name(),
            reason,
        }
    }

    pub(super) fn value(&self, member: &str) -> Option<&'a Value> {
        self.call.input.get(member).filter(|value| !value.is_null())
    }

    /// A text member that is not empty.
    pub(super) fn text(&self, member: &str) -> Option<&'a str> {
        self.value(member)?.as_str().filter(|text| !text.is_empty())
    }

    /// The first of several members that is given.
    pub(super) fn any_text(&self, members: &[&str]) -> Option<&'a str> {
        members.iter().find_map(|member| self.text(member))
    }

    /// A member that the call cannot do without.
    pub(super) fn need(&self, member: &str) -> Result<&'a str, RequirementsError> {
        self.text(member).ok_or_else(|| self.missing(member))
    }

    /// The refusal of a call that lacks a member, with the code that the
    /// service uses for malformed input.
    pub(super) fn missing(&self, member: &str) -> RequirementsError {
        let code = match self.call.service() {
            Service::Iam | Service::Sts | Service::CloudFormation => "ValidationError",
            Service::Ec2 => "MissingParameter",
            Service::Logs | Service::SecretsManager => "InvalidParameterException",
            Service::S3 => "InvalidRequest",
            Service::Lambda => "InvalidParameterValueException",
            Service::ApiGatewayV2 => "BadRequestException",
            _ => "ValidationException",
        };
        self.refused(code, format!("The request must contain the parameter {member}"))
    }

    /// A refusal with a code of the service's own, status 400.
    pub(super) fn refused(&self, code: &'static str, message: String) -> RequirementsError {
        RequirementsError::Service(ServiceError::new(400, code, message))
    }

    /// A list of texts; a single text counts as a list of one.
    pub(super) fn texts(&self, member: &str) -> Vec<&'a str> {
        self.value(member).map(texts).unwrap_or_default()
    }

    /// A boolean, however the protocol writes it.
    pub(super) fn flag(&self, member: &str) -> bool {
        self.value(member).is_some_and(|value| match value {
            Value::Bool(flag) => *flag,
            Value::String(text) => text.eq_ignore_ascii_case("true"),
            _ => false,
        })
    }

    /// The tags of a member: a list of keys and values, or a map.
    pub(super) fn tags(&self, member: &str) -> Tags {
        self.value(member).map(tags).unwrap_or_default()
    }

    /// The member of the operation's model whose name is this one, whatever
    /// the case: condition keys write `RoleArn` for the member `RoleARN`.
    pub(super) fn same_member(&self, name: &str) -> Option<&'a Value> {
        let given = |(_, value): &(&String, &Value)| !value.is_null();
        self.call
            .input
            .iter()
            .filter(given)
            .find(|(member, _)| member.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// A scalar as condition keys hold it.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The elements of a list. XML writes a list of one as its element, and wraps
/// lists in an element of the item's name; both count.
pub(super) fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        single => vec![single],
    }
}

/// The texts of a list.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    items(value).into_iter().filter_map(Value::as_str).collect()
}

/// A field of a structure under one of its names.
pub(super) fn field<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| value.get(name))
}

/// Tags, as a map or as a list of structures.
pub(super) fn tags(value: &Value) -> Tags {
    const KEYS: &[&str] = &["Key", "key", "TagKey"];
    const VALUES: &[&str] = &["Value", "value", "TagValue"];
    if let Value::Object(map) = value
        && field(value, KEYS).is_none()
    {
        return pairs(map);
    }
    items(value)
        .into_iter()
        .filter_map(|tag| {
            let key = field(tag, KEYS)?.as_str()?;
            let value = field(tag, VALUES).and_then(scalar).unwrap_or_default();
            Some((key.to_owned(), value))
        })
        .collect()
}

fn pairs(map: &Map<String, Value>) -> Tags {
    map.iter().filter_map(|(key, value)| Some((key.clone(), scalar(value)?))).collect()
}

/// The six parts of an ARN.
pub(super) fn arn_parts(arn: &str) -> Option<[&str; 6]> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let parts: [&str; 6] = parts.try_into().ok()?;
    (parts.first() == Some(&"arn")).then_some(parts)
}
