//! How many items the lists and maps of a call may have, by AWS's models, and how long
//! IAM's texts are. AWS tells at once that there are too many; here every item may be a
//! decision, and a question to the upstream, so that it is told before any of these.
//!
//! The words are those that AWS was recorded with: LocalStack's
//! `test_put_events_exceed_limit_ten_entries` (EventBridge) and
//! `test_put_metric_filter_too_many_transformations` (CloudWatch Logs). Only what a
//! structure shows differs: AWS lists its members in the order of a model that is not
//! public, those that are not given too.

mod of_iam;

use ringfence_models::{Form, Member, Shape};
use ringfence_wire::{Call, Protocol, Service, ServiceError};
use serde_json::Value;

/// How many of a call's faults are told.
const TOLD: usize = 10;

/// How much of a value is shown.
const SHOWN: usize = 4_096;

/// Refuses a call with a list or a map that is longer than its model has it.
///
/// # Errors
/// The service's validation error.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    let service = call.service();
    if !counts(service) {
        return Ok(());
    }
    let mut faults = Faults { service, found: Vec::new() };
    for member in call.operation.members.iter() {
        if let Some(value) = call.input.get(member.name) {
            faults.look(&low(member.name), member, value);
        }
    }
    match faults.found.as_slice() {
        [] => Ok(()),
        [one] => Err(refusal(service, &format!("1 validation error detected: {one}"), one)),
        [one, ..] => {
            let (count, all) = (faults.found.len(), faults.found.join("; "));
            Err(refusal(service, &format!("{count} validation errors detected: {all}"), one))
        }
    }
}

/// Whether a service counts by its model. EC2 and the services of XML bodies have
/// other limits than their models; DynamoDB and Lambda words of their own, which are
/// told where they are known (the latter's with what else is wrong, as recorded).
fn counts(service: Service) -> bool {
    let by_hand = matches!(service, Service::DynamoDb | Service::Lambda);
    !by_hand && !matches!(service.protocol(), Protocol::Ec2 | Protocol::RestXml)
}

/// Logs' code was recorded (`test_put_metric_filter_too_many_transformations`);
/// ECR's form is that of its other faults
/// (<https://github.com/aws/containers-roadmap/issues/853>).
fn refusal(service: Service, text: &str, first: &str) -> ServiceError {
    match service.name() {
        "logs" => ServiceError::new(400, "InvalidParameterException", text.to_owned()),
        "ecr" => {
            let place = first.split_once(" at ").map_or(first, |(_, place)| place);
            let text = place.replacen("constraint: ", "constraint: '", 1);
            ServiceError::new(
                400,
                "InvalidParameterException",
                format!("Invalid parameter at {text}'"),
            )
        }
        _ => ServiceError::validation(service, text.to_owned()),
    }
}

/// What is too long in a call.
struct Faults {
    service: Service,
    found: Vec<String>,
}

impl Faults {
    fn look(&mut self, label: &str, member: &Member, value: &Value) {
        let Some(shape) = self.service.model().shape_of(member) else { return };
        if self.found.len() >= TOLD {
            return;
        }
        let length = match (&shape.form, value) {
            (Form::List(_), Value::Array(items)) => items.len(),
            (Form::Map { .. }, Value::Object(map)) => map.len(),
            _ => 0,
        };
        if let Some(most) =
            shape.max.filter(|most| u64::try_from(length).is_ok_and(|it| it > *most))
        {
            self.too_long(label, member, value, most);
            return;
        }
        match (&shape.form, value) {
            (Form::Scalar, value) if self.service == Service::Iam => {
                self.out_of_bounds(label, shape, value);
            }
            (Form::List(item), Value::Array(items)) => {
                for (index, value) in (1..).zip(items) {
                    self.look(&format!("{label}.{index}.member"), item, value);
                }
            }
            (Form::Map { value: of, .. }, Value::Object(map)) => {
                for (key, value) in map {
                    self.look(&format!("{label}.{key}.member"), of, value);
                }
            }
            (Form::Structure(members), Value::Object(given)) => {
                for member in members.iter() {
                    if let Some(value) = named(given, member) {
                        self.look(&format!("{label}.{}", low(member.name)), member, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// A secret is not shown.
    fn out_of_bounds(&mut self, label: &str, shape: &Shape, value: &Value) {
        let Some(fault) = of_iam::fault(shape, value) else { return };
        let shown = match value {
            _ if shape.sensitive => "Value".to_owned(),
            Value::String(text) => format!("Value '{text}'"),
            value => format!("Value '{value}'"),
        };
        self.found.push(format!("{shown} at '{label}' failed to satisfy constraint: {fault}"));
    }

    fn too_long(&mut self, label: &str, member: &Member, value: &Value, most: u64) {
        let mut text = String::new();
        self.show(member, value, &mut text);
        self.found.push(format!(
            "Value '{text}' at '{label}' failed to satisfy constraint: Member must have length \
             less than or equal to {most}"
        ));
    }

    /// A value as AWS's messages show it: `[Tag(key=a, value=b)]`.
    fn show(&self, member: &Member, value: &Value, text: &mut String) {
        if text.len() >= SHOWN {
            return;
        }
        let shape = self.service.model().shape_of(member);
        match (shape.map(|shape| (shape.name, &shape.form)), value) {
            (Some((_, Form::List(item))), Value::Array(items)) => {
                within(text, "[", "]", items, |text, value| self.show(item, value, text));
            }
            (Some((_, Form::Map { value: of, .. })), Value::Object(map)) => {
                within(text, "{", "}", map, |text, (key, value)| {
                    text.push_str(&format!("{key}="));
                    self.show(of, value, text);
                });
            }
            (Some((name, Form::Structure(members))), Value::Object(given)) => {
                let given = members.iter().filter_map(|it| Some((it, named(given, it)?)));
                within(text, &format!("{name}("), ")", given, |text, (member, value)| {
                    text.push_str(&format!("{}=", low(member.name)));
                    self.show(member, value, text);
                });
            }
            (_, Value::String(value)) => text.push_str(value),
            (_, value) => text.push_str(&value.to_string()),
        }
    }
}

/// Items with commas between them; no more than are shown.
fn within<T>(
    text: &mut String,
    start: &str,
    end: &str,
    items: impl IntoIterator<Item = T>,
    show: impl Fn(&mut String, T),
) {
    text.push_str(start);
    for (index, item) in items.into_iter().enumerate() {
        if text.len() >= SHOWN {
            text.push_str(", ...");
            break;
        }
        if index > 0 {
            text.push_str(", ");
        }
        show(text, item);
    }
    text.push_str(end);
}

/// A member of a structure: inside of members, inputs keep the names of the wire.
fn named<'v>(given: &'v serde_json::Map<String, Value>, member: &Member) -> Option<&'v Value> {
    given.get(member.wire).or_else(|| given.get(member.name))
}

fn low(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::requirements::tests::call;

    fn entries(count: usize) -> Value {
        json!({"Entries": vec![json!({"Source": "s", "EventBusName": "b"}); count]})
    }

    fn tags(count: usize) -> Value {
        let tags: Vec<Value> =
            (0..count).map(|it| json!({"Key": format!("k{it}"), "Value": "v"})).collect();
        json!({"UserName": "u", "Tags": tags})
    }

    #[rstest]
    #[case::ten_events("events", "PutEvents", entries(10))]
    #[case::fifty_tags("iam", "CreateUser", tags(50))]
    #[case::a_text_for_a_list("iam", "CreateUser", json!({"UserName": "u", "Tags": "x"}))]
    #[case::of_no_limit("sqs", "TagQueue", json!({"QueueUrl": "u", "Tags": {"a": "b"}}))]
    #[case::counted_elsewhere(
        "lambda", "CreateFunction", json!({"Architectures": ["x86_64", "arm64"]})
    )]
    fn what_is_no_longer_than_its_model_has_it_is_taken(
        #[case] service: &str,
        #[case] operation: &str,
        #[case] input: Value,
    ) {
        let service = Service::of(service).unwrap();
        assert!(check(&call(service, operation, input)).is_ok());
    }

    #[rstest]
    #[case::a_role("CreateRole", json!({"RoleName": "r".repeat(64)}), "")]
    #[case::a_long_role(
        "CreateRole", json!({"RoleName": "r".repeat(65)}),
        "1 validation error detected: Value 'rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\
         rrrrrrrr' at 'roleName' failed to satisfy constraint: Member must have length less than or \
         equal to 64"
    )]
    #[case::an_existing_user("GetUser", json!({"UserName": "u".repeat(128)}), "")]
    #[case::a_user_of_a_policy(
        "AttachUserPolicy", json!({"UserName": "u".repeat(65), "PolicyArn": "arn"}),
        "2 validation errors detected: Value 'arn' at 'policyArn' failed to satisfy constraint: \
         Member must have length greater than or equal to 20; Value 'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu\
         uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu' at 'userName' failed to satisfy constraint: Member \
         must have length less than or equal to 64"
    )]
    #[case::characters("CreateGroup", json!({"GroupName": "ä".repeat(128)}), "")]
    #[case::a_number("ListRoles", json!({"MaxItems": "1000"}), "")]
    #[case::a_high_number(
        "ListRoles", json!({"MaxItems": "1001"}),
        "1 validation error detected: Value '1001' at 'maxItems' failed to satisfy constraint: \
         Member must have value less than or equal to 1000"
    )]
    #[case::a_negative_number(
        "ListRoles", json!({"MaxItems": -1}),
        "1 validation error detected: Value '-1' at 'maxItems' failed to satisfy constraint: \
         Member must have value greater than or equal to 1"
    )]
    #[case::a_tag("TagUser", json!({"UserName": "u", "Tags": [{"Key": "k", "Value": ""}]}), "")]
    #[case::a_tag_without_a_key(
        "TagUser", json!({"UserName": "u", "Tags": [{"Key": "", "Value": ""}]}),
        "1 validation error detected: Value '' at 'tags.1.member.key' failed to satisfy \
         constraint: Member must have length greater than or equal to 1"
    )]
    #[case::a_secret(
        "ChangePassword", json!({"OldPassword": "o", "NewPassword": "n".repeat(129)}),
        "1 validation error detected: Value at 'newPassword' failed to satisfy constraint: Member \
         must have length less than or equal to 128"
    )]
    fn iams_texts_and_numbers_have_their_bounds(
        #[case] operation: &str,
        #[case] input: Value,
        #[case] message: &str,
    ) {
        let answer = check(&call(Service::Iam, operation, input));
        let Err(error) = answer else { return assert_eq!(message, "") };
        assert_eq!(
            (error.status, error.code.as_ref(), error.message.as_ref()),
            (400, "ValidationError", message)
        );
    }

    #[rstest]
    #[case::of_eventbridge(
        "events", "PutTargets",
        json!({"Rule": "r", "Targets": [{"Id": "1", "RunCommandParameters": {"RunCommandTargets":
            [{"Key": "a", "Values": []}, {"Key": "b"}, {"Key": "c"}, {"Key": "d"}, {"Key": "e"},
             {"Key": "f"}]}}]}),
        "ValidationException",
        "1 validation error detected: Value '[RunCommandTarget(key=a, values=[]), \
         RunCommandTarget(key=b), RunCommandTarget(key=c), RunCommandTarget(key=d), \
         RunCommandTarget(key=e), RunCommandTarget(key=f)]' at \
         'targets.1.member.runCommandParameters.runCommandTargets' failed to satisfy constraint: \
         Member must have length less than or equal to 5"
    )]
    #[case::of_logs(
        "logs", "DescribeIndexPolicies", json!({"logGroupIdentifiers": ["a", "b"]}),
        "InvalidParameterException",
        "1 validation error detected: Value '[a, b]' at 'logGroupIdentifiers' failed to satisfy \
         constraint: Member must have length less than or equal to 1"
    )]
    #[case::of_two_members(
        "autoscaling", "LaunchInstances",
        json!({"AvailabilityZones": ["a", "b"], "SubnetIds": ["c", "d"]}),
        "ValidationError",
        "2 validation errors detected: Value '[a, b]' at 'availabilityZones' failed to satisfy \
         constraint: Member must have length less than or equal to 1; Value '[c, d]' at \
         'subnetIds' failed to satisfy constraint: Member must have length less than or equal to 1"
    )]
    #[case::of_ecr(
        "ecr", "PutRegistryScanningConfiguration", json!({"rules": [{}, {}, {}]}),
        "InvalidParameterException",
        "Invalid parameter at 'rules' failed to satisfy constraint: 'Member must have length less \
         than or equal to 2'"
    )]
    fn what_is_longer_is_refused(
        #[case] service: &str,
        #[case] operation: &str,
        #[case] input: Value,
        #[case] code: &str,
        #[case] message: &str,
    ) {
        let error = check(&call(Service::of(service).unwrap(), operation, input)).unwrap_err();
        assert_eq!(
            (error.status, error.code.as_ref(), error.message.as_ref()),
            (400, code, message)
        );
    }

    /// However much of it there is, a bounded part is shown.
    #[test]
    fn of_much_a_part_is_shown() {
        let error = check(&call(Service::Iam, "CreateUser", tags(20_000))).unwrap_err();
        assert_eq!(error.code, "ValidationError");
        assert!(error.message.starts_with(
            "1 validation error detected: Value '[Tag(key=k0, value=v), Tag(key=k1, value=v), "
        ));
        assert!(error.message.ends_with(
            ", ...]' at 'tags' failed to satisfy constraint: Member must have length less than or \
             equal to 50"
        ));
        assert!(error.message.len() < 5_000, "{}", error.message.len());
    }
}
