//! What takes away again what a call made that should have been refused, as the models have it:
//! `DeleteRole` of `CreateRole`, where what it must name is what the call named, or what its
//! answer says. Only what has a name of ours is taken away: it was made by that call.

use serde_json::{Map, Value};

use super::attack::Step;

/// How the names of operations begin that make something, and how that of the operation does
/// that takes it away.
const PAIRS: [(&str, &str); 5] = [
    ("Create", "Delete"),
    ("Put", "Delete"),
    ("Import", "Delete"),
    ("Register", "Deregister"),
    ("Allocate", "Release"),
];

/// How other operations' names begin that make something.
const OTHERS: [&str; 3] = ["Request", "Run", "Start"];

/// What the names begin with that are made up here.
const OURS: &str = "ringfence-";

/// What ends a member that tells one thing from others, and what answers call the same.
const ENDS: [(&str, &[&str]); 4] = [
    ("Arn", &["Arn", "ARN", "arn"]),
    ("Id", &["Id", "id", "ARN", "Arn"]),
    ("Identifier", &["Id", "Arn"]),
    ("Name", &["Name", "name"]),
];

/// Whether a call makes something under a name of ours.
pub(super) fn makes(step: &Step) -> bool {
    let begins = PAIRS.iter().map(|(make, _)| make).chain(&OTHERS);
    begins.into_iter().any(|it| step.operation.starts_with(it)) && has_ours(&step.input)
}

/// Whether a name of ours stands in a value.
fn has_ours(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(OURS),
        Value::Array(items) => items.iter().any(has_ours),
        Value::Object(members) => members.values().any(has_ours),
        _ => false,
    }
}

/// The call that takes away what a call made, by its answer; `None` where there is none.
pub(super) fn of(step: &Step, given: &Value) -> Option<Step> {
    if !makes(step) {
        return None;
    }
    let pairs =
        PAIRS.iter().filter_map(|(make, take)| Some((step.operation.strip_prefix(make)?, take)));
    let mut found = pairs.filter_map(|(noun, take)| {
        let operation = step.service.operation(&format!("{take}{noun}"))?;
        let mut input = Map::new();
        for member in operation.members.iter().filter(|member| member.required) {
            input.insert(member.name.to_owned(), named(step, given, (noun, member.name))?);
        }
        if input.is_empty() {
            // Of several that each would do, what the answer has of them.
            let of = operation.members.iter().filter_map(|member| {
                Some((member.name.to_owned(), answered(given, noun, member.name)?))
            });
            input.extend(of.take(1));
        }
        (!input.is_empty()).then(|| Step::new(step.service, operation.name, Value::Object(input)))
    });
    found.next()
}

/// What a call names by a member: as its answer has it, else as it was named itself.
fn named(step: &Step, given: &Value, (noun, member): (&str, &str)) -> Option<Value> {
    let own = |name: &str| step.input.get(name).filter(|value| has_ours(value)).cloned();
    answered(given, noun, member).or_else(|| own(member)).or_else(|| {
        let (_, others) = ENDS.iter().find(|(end, _)| member.ends_with(end))?;
        let other = |name: &&str| answered(given, noun, name);
        others.iter().find_map(other).or_else(|| own("Name"))
    })
}

/// A text of an answer, at its top or within what was made.
fn answered(given: &Value, noun: &str, member: &str) -> Option<Value> {
    let within = given.get(noun).and_then(|made| made.get(member));
    within.or_else(|| given.get(member)).filter(|value| value.is_string()).cloned()
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Service;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn undone(
        service: &str,
        operation: &'static str,
        input: Value,
        given: &Value,
    ) -> Option<(String, Value)> {
        let step = Step::new(Service::of(service).unwrap(), operation, input);
        of(&step, given).map(|undo| (undo.operation.to_owned(), undo.input))
    }

    #[rstest]
    #[case::a_role("iam", "CreateRole", json!({"RoleName": "ringfence-ceiling",
        "AssumeRolePolicyDocument": "{}"}), json!({"Role": {"RoleName": "ringfence-ceiling", "Arn": "a"}}),
        "DeleteRole", json!({"RoleName": "ringfence-ceiling"}))]
    #[case::a_user("iam", "CreateUser", json!({"UserName": "ringfence-ceiling"}), json!({}),
        "DeleteUser", json!({"UserName": "ringfence-ceiling"}))]
    #[case::a_policy("iam", "CreatePolicy", json!({"PolicyName": "ringfence-p", "PolicyDocument": "{}"}),
        json!({"Policy": {"Arn": "arn:p"}}), "DeletePolicy", json!({"PolicyArn": "arn:p"}))]
    #[case::a_bucket("s3", "CreateBucket", json!({"Bucket": "ringfence-ceiling"}), json!({}),
        "DeleteBucket", json!({"Bucket": "ringfence-ceiling"}))]
    #[case::a_secret("secretsmanager", "CreateSecret", json!({"Name": "ringfence-ceiling"}),
        json!({"ARN": "arn:s", "Name": "ringfence-ceiling"}), "DeleteSecret", json!({"SecretId": "arn:s"}))]
    #[case::a_queue("sqs", "CreateQueue", json!({"QueueName": "ringfence-q"}),
        json!({"QueueUrl": "https://q"}), "DeleteQueue", json!({"QueueUrl": "https://q"}))]
    #[case::a_function("lambda", "CreateFunction", json!({"FunctionName": "ringfence-f", "Role": "r"}),
        json!({"FunctionName": "ringfence-f"}), "DeleteFunction", json!({"FunctionName": "ringfence-f"}))]
    #[case::a_parameter("ssm", "PutParameter", json!({"Name": "ringfence-p", "Value": "v"}), json!({}),
        "DeleteParameter", json!({"Name": "ringfence-p"}))]
    fn what_is_made_is_taken_away(
        #[case] service: &str,
        #[case] operation: &'static str,
        #[case] input: Value,
        #[case] given: Value,
        #[case] undo: &str,
        #[case] by: Value,
    ) {
        assert_eq!(undone(service, operation, input, &given), Some((undo.to_owned(), by)));
    }

    /// What has a name of somebody's may have been there before.
    #[rstest]
    #[case::of_another_name("iam", "CreateRole", json!({"RoleName": "app"}), json!({}))]
    #[case::of_what_is_there("iam", "PutRolePolicy", json!({"RoleName": "app",
        "PolicyName": "ringfence-p"}), json!({}))]
    #[case::without_one("kms", "CreateKey", json!({"Description": "ringfence-k"}), json!({}))]
    #[case::that_makes_nothing("iam", "GetRole", json!({"RoleName": "ringfence-ceiling"}), json!({}))]
    fn nothing_else_is_taken_away(
        #[case] service: &str,
        #[case] operation: &'static str,
        #[case] input: Value,
        #[case] given: Value,
    ) {
        assert_eq!(undone(service, operation, input, &given), None);
    }
}
