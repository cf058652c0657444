//! A call for an action upon a resource, as AWS's models have it: its name, and the
//! members that name the resource.
//!
//! What is built is a guess until the guard has read it: who sends it looks at which
//! permission the guard asked for.

use ringfence_models::actions::{self, Action, Prefix};
use ringfence_models::{Form, Kind, Member, Model, Operation};
use ringfence_wire::Service;
use serde_json::{Map, Value, json};

use crate::attacks::Step;

/// What stands for what nobody has said.
pub(crate) const ANY: &str = "ringfence-probe";

/// How deep the members of an input are made up.
const DEEPEST: usize = 6;

/// Where and whose a resource is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
}

/// A resource that a pattern covers and the action acts upon: the pattern itself with
/// its wildcards filled in, or where it is `*` one of the action's first type.
pub(crate) fn resource(action: &str, pattern: &str, home: Home<'_>) -> Option<String> {
    let known = actions::action(action)?;
    let prefix = actions::of(action.split_once(':')?.0)?;
    if pattern == "*" {
        let Some(kind) = known.resources.first() else { return Some("*".to_owned()) };
        let arn = prefix.resource_type(kind.name)?.arn.first()?;
        return Some(filled(arn, home));
    }
    let mut parts: Vec<String> = pattern.splitn(6, ':').map(str::to_owned).collect();
    let places = [(1, home.partition), (3, home.region), (4, home.account)];
    for (at, own) in places {
        if let Some(part) = parts.get_mut(at).filter(|part| part.contains(['*', '?'])) {
            own.clone_into(part);
        }
    }
    let arn = parts.join(":").replace('*', ANY).replace('?', "0");
    variables(prefix, known, &arn).is_some().then_some(arn)
}

/// The call.
pub(crate) fn step(action: &str, arn: &str) -> Option<Step> {
    let (prefix, _) = action.split_once(':')?;
    let known = actions::action(action)?;
    let prefix = actions::of(prefix)?;
    let named = match arn {
        "*" => Vec::new(),
        _ => variables(prefix, known, arn)?,
    };
    let services = Service::by_iam_prefix(prefix.prefix).iter().copied();
    let mut all = services.filter_map(|service| operation(service, prefix.prefix, known.name));
    all.find_map(|operation| input(operation, arn, &named).map(|input| (operation, input)))
        .map(|(operation, input)| Step::new(operation.service, operation.name, input))
}

/// The input of an operation that acts upon a resource, by the names of its members.
pub(super) fn by_names(
    operation: &Operation,
    (prefix, action): (&Prefix, &Action),
    arn: &str,
) -> Option<Map<String, Value>> {
    let named = match arn {
        "*" => Vec::new(),
        _ => variables(prefix, action, arn)?,
    };
    match input(operation, arn, &named)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// The operation of the action's name, or the first that needs it and nothing else.
fn operation(service: Service, prefix: &str, name: &str) -> Option<&'static Operation> {
    let by_name = service.operation(name).filter(|operation| !operation.unsigned);
    by_name.or_else(|| {
        let mut all = service.model().operations.iter();
        all.find(|operation| {
            let actions = operation.actions.as_deref().unwrap_or_default();
            !operation.deprecated
                && matches!(actions, [one] if one.prefix == prefix && one.name == name)
        })
    })
}

/// The variables of an ARN, by the first of the action's types that it is of.
fn variables(prefix: &Prefix, action: &Action, arn: &str) -> Option<Vec<(&'static str, String)>> {
    let kinds = action.resources.iter().filter_map(|kind| prefix.resource_type(kind.name));
    let mut templates = kinds.flat_map(|kind| kind.arn.iter().copied());
    templates.find_map(|template| parted(template, arn))
}

/// What each variable of a template is in an ARN.
pub(crate) fn parted(template: &'static str, arn: &str) -> Option<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    let mut rest = arn;
    let mut template = template;
    while let Some((literal, behind)) = template.split_once("${") {
        rest = rest.strip_prefix(literal)?;
        let (name, after) = behind.split_once('}')?;
        let next = after.split("${").next().unwrap_or_default();
        let end = match next {
            "" => rest.len(),
            next => rest.find(next)?,
        };
        let (value, left) = rest.split_at_checked(end)?;
        found.push((name, value.to_owned()));
        (rest, template) = (left, after);
    }
    (rest == template).then_some(found)
}

/// A template of an ARN, with the place and a made-up name.
fn filled(template: &str, home: Home<'_>) -> String {
    let mut arn = String::new();
    let mut rest = template;
    while let Some((literal, behind)) = rest.split_once("${") {
        let (name, after) = behind.split_once('}').unwrap_or((behind, ""));
        arn.push_str(literal);
        arn.push_str(match name {
            "Partition" => home.partition,
            "Region" => home.region,
            "Account" => home.account,
            _ => ANY,
        });
        rest = after;
    }
    arn + rest
}

fn input(operation: &Operation, arn: &str, named: &[(&str, String)]) -> Option<Value> {
    let model = operation.service.model();
    let mut input = Map::new();
    for (variable, value) in named {
        if let Some((member, value)) = operation
            .members
            .iter()
            .find_map(|member| Some((member, names(member.name, variable, value)?)))
        {
            input.insert(member.name.to_owned(), json!(value));
        }
    }
    for member in operation.members.iter().filter(|member| member.required) {
        if input.contains_key(member.name) {
            continue;
        }
        let is_arn = member.name.ends_with("Arn") || member.name.ends_with("ARN");
        let value = match is_arn && member.kind == Kind::String {
            true => json!(arn),
            false => match member.name {
                "QueueUrl" => json!(queue(arn)?),
                _ => made_up(model, member, 0)?,
            },
        };
        input.insert(member.name.to_owned(), value);
    }
    Some(Value::Object(input))
}

/// A member's value, where it is called as the variable of the ARN is.
fn names(member: &str, variable: &str, value: &str) -> Option<String> {
    let plain = variable.strip_suffix("WithPath").unwrap_or(variable);
    let is = |name: &str| member.eq_ignore_ascii_case(name);
    let last = || value.rsplit('/').next().unwrap_or_default().to_owned();
    let called = match plain {
        "BucketName" => is("Bucket"),
        "ObjectName" | "KeyName" => is("Key"),
        "ParameterNameWithoutLeadingSlash" => {
            return is("Name").then(|| format!("/{value}"));
        }
        "UserName" | "RoleName" | "GroupName" => return is(plain).then(last),
        plain => is(plain),
    };
    called.then(|| value.to_owned())
}

/// The URL that SQS gives a queue: the guard reads account and name from its path.
pub(super) fn queue(arn: &str) -> Option<String> {
    let mut parts = arn.split(':').skip(3);
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("https://sqs.{region}.amazonaws.com/{account}/{name}"))
}

/// A value that a member may have: of those that AWS's model lists the first.
pub(super) fn made_up(model: &Model, member: &Member, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    Some(match member.kind {
        Kind::Boolean => json!(false),
        Kind::Integer | Kind::Long | Kind::Float | Kind::Double => json!(1),
        Kind::String => json!(model.values_of(member).first().unwrap_or(&ANY)),
        Kind::Timestamp => json!("2026-01-01T00:00:00Z"),
        Kind::Blob => json!(""),
        Kind::Map => json!({}),
        Kind::List => match &model.shape_of(member)?.form {
            Form::List(item) => json!([made_up(model, item, depth + 1)?]),
            _ => json!([]),
        },
        Kind::Structure => {
            let mut made = Map::new();
            if let Form::Structure(members) = &model.shape_of(member)?.form {
                for inner in members.iter().filter(|inner| inner.required) {
                    made.insert(inner.name.to_owned(), made_up(model, inner, depth + 1)?);
                }
            }
            Value::Object(made)
        }
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HOME: Home<'_> = Home { partition: "aws", region: "eu-west-1", account: "123456789012" };

    #[rstest]
    #[case::table(
        "dynamodb:DeleteItem",
        "arn:aws:dynamodb:*:*:table/ledger",
        "DeleteItem",
        json!({"TableName": "ledger", "Key": {}})
    )]
    #[case::object(
        "s3:GetObject",
        "arn:aws:s3:::ledger/*",
        "GetObject",
        json!({"Bucket": "ledger", "Key": "ringfence-probe"})
    )]
    #[case::role(
        "iam:DeleteRole",
        "arn:aws:iam::*:role/teams/app",
        "DeleteRole",
        json!({"RoleName": "app"})
    )]
    #[case::secret(
        "sqs:PurgeQueue",
        "arn:aws:sqs:eu-west-1:123456789012:jobs",
        "PurgeQueue",
        json!({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"})
    )]
    #[case::one_of_the_values_of_a_member(
        "iam:UpdateAccessKey",
        "arn:aws:iam::*:user/ci",
        "UpdateAccessKey",
        json!({"UserName": "ci", "AccessKeyId": "ringfence-probe", "Status": "Active"})
    )]
    #[case::one_of_the_values_of_an_item(
        "kms:CreateGrant",
        "arn:aws:kms:*:*:key/1",
        "CreateGrant",
        json!({"KeyId": "1", "Operations": ["Decrypt"]})
    )]
    #[case::parameter(
        "ssm:GetParameter",
        "arn:aws:ssm:*:*:parameter/app/key",
        "GetParameter",
        json!({"Name": "/app/key"})
    )]
    fn a_call_names_the_resource(
        #[case] action: &str,
        #[case] pattern: &str,
        #[case] operation: &str,
        #[case] input: Value,
    ) {
        let arn = resource(action, pattern, HOME).unwrap();
        let step = step(action, &arn).unwrap();
        assert_eq!((step.operation, step.input), (operation, input));
    }

    #[test]
    fn an_action_upon_another_kind_of_resource_is_no_call() {
        assert_eq!(resource("dynamodb:DeleteItem", "arn:aws:s3:::ledger/*", HOME), None);
        assert_eq!(resource("s3:ListAllMyBuckets", "*", HOME).as_deref(), Some("*"));
        let everything = resource("dynamodb:DeleteItem", "*", HOME).unwrap();
        let table = "arn:aws:dynamodb:eu-west-1:123456789012:table/ringfence-probe";
        assert_eq!(everything, table);
    }
}
