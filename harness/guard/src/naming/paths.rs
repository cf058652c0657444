//! Names with a slash. Where an ARN is of several names (`rule/BUS/RULE`,
//! `service/CLUSTER/SERVICE`), a name with a slash in it would be decided upon as
//! one thing; an emulator that reads what follows the last slash acts on another.
//! AWS has no such names, and answers so.

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

/// Refuses names that have another's form.
///
/// # Errors
/// AWS's own, for what cannot be there.
pub(super) fn check(call: &Call) -> Result<(), ServiceError> {
    match call.service().name() {
        "ecs" => ecs::check(call),
        "events" => events::check(call),
        _ => Ok(()),
    }
}

/// The texts of a member: one, or those of a list.
fn texts<'a>(call: &'a Call, member: &str) -> impl Iterator<Item = &'a str> {
    let value = call.input.get(member);
    let items = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    value.into_iter().chain(items).filter_map(Value::as_str)
}

/// What an ARN says after its kind and a slash; nothing for what is no ARN of this
/// kind.
fn of_arn<'a>(text: &'a str, kind: &str) -> Option<&'a str> {
    let resource = text.starts_with("arn:").then(|| text.splitn(6, ':').nth(5)).flatten()?;
    resource.strip_prefix(kind)?.strip_prefix('/')
}

mod events {
    use super::*;

    /// Operations in which `Name` is that of a bus.
    const OF_BUSES: [&str; 3] = ["DeleteEventBus", "DescribeEventBus", "UpdateEventBus"];
    /// Operations in which `Name` is that of a rule.
    const OF_RULES: [&str; 5] =
        ["DeleteRule", "DescribeRule", "DisableRule", "EnableRule", "PutRule"];

    pub(super) fn check(call: &Call) -> Result<(), ServiceError> {
        let entries = call.input.get("Entries").and_then(Value::as_array);
        let entries = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.get("EventBusName").and_then(Value::as_str));
        let named = OF_BUSES.contains(&call.name()).then(|| texts(call, "Name"));
        for bus in texts(call, "EventBusName").chain(entries).chain(named.into_iter().flatten()) {
            let name = of_arn(bus, "event-bus").unwrap_or(bus);
            // "The names of custom event buses can't contain the / character", and
            // partners have no buses here
            // (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html>);
            // LocalStack's recorded `test_delete_event_bus_not_found`.
            if name.contains('/') {
                let message = format!("Event bus {name} does not exist.");
                return Err(ServiceError::new(400, "ResourceNotFoundException", message));
            }
        }
        let named = OF_RULES.contains(&call.name()).then(|| texts(call, "Name"));
        let rules = named.into_iter().flatten().map(|name| (name, "name"));
        for (name, label) in rules.chain(texts(call, "Rule").map(|name| (name, "rule"))) {
            let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
            if !name.chars().all(allowed) {
                return Err(ServiceError::new(
                    400,
                    "ValidationException",
                    format!(
                        "1 validation error detected: Value '{name}' at '{label}' failed to \
                         satisfy constraint: Member must satisfy regular expression pattern: \
                         [\\.\\-_A-Za-z0-9]+"
                    ),
                ));
            }
        }
        Ok(())
    }
}

mod ecs {
    use super::*;

    /// Members whose ARN names a cluster, with its kind.
    const OF_A_CLUSTER: [(&str, &str); 10] = [
        ("containerInstance", "container-instance"),
        ("containerInstances", "container-instance"),
        ("primaryTaskSet", "task-set"),
        ("service", "service"),
        ("serviceName", "service"),
        ("services", "service"),
        ("task", "task"),
        ("taskSet", "task-set"),
        ("taskSets", "task-set"),
        ("tasks", "task"),
    ];

    pub(super) fn check(call: &Call) -> Result<(), ServiceError> {
        let given = ["cluster", "clusters", "clusterName"];
        let named = given.iter().flat_map(|member| texts(call, member));
        let named = named.map(|cluster| of_arn(cluster, "cluster").unwrap_or(cluster));
        // Of which tags are.
        let tagged = texts(call, "resourceArn").filter_map(|arn| of_arn(arn, "cluster"));
        for name in named.chain(tagged) {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
                // <https://github.com/awslabs/amazon-ecs-nodejs-microservices/issues/18>
                let message =
                    format!("Cluster must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {name}");
                return Err(invalid(message));
            }
        }
        if call.operation.member("cluster").is_none() {
            return Ok(());
        }
        let cluster = call.text("cluster").unwrap_or("default");
        let cluster = of_arn(cluster, "cluster").unwrap_or(cluster);
        for (member, kind) in OF_A_CLUSTER {
            for text in texts(call, member) {
                let Some(path) = of_arn(text, kind) else {
                    if text.contains('/') {
                        return Err(invalid("Invalid identifier: Unexpected number of separators"));
                    }
                    continue;
                };
                // An ARN of the former form names no cluster.
                let of = path.split_once('/').map_or(cluster, |(of, _)| of);
                if of != cluster {
                    // <https://github.com/aws/aws-toolkit-vscode/issues/2915>
                    return Err(invalid(format!(
                        "Invalid identifier: Identifier is for cluster {of}. Your cluster is \
                         {cluster}"
                    )));
                }
            }
        }
        task_ids(call)
    }

    /// The length of a task's id: an emulator takes a task whose id ends in the text, or
    /// is anywhere in it. The words are those of <https://github.com/Mic-U/ecsher/issues/56>.
    fn task_ids(call: &Call) -> Result<(), ServiceError> {
        for task in ["task", "tasks"].iter().flat_map(|member| texts(call, member)) {
            let id = task.rsplit('/').next().unwrap_or_default();
            if ![32, 36].contains(&id.chars().count()) {
                let word = if call.name() == "ExecuteCommand" { "task" } else { "taskId" };
                return Err(invalid(format!("{word} length should be one of [32,36]")));
            }
        }
        Ok(())
    }

    fn invalid(message: impl Into<String>) -> ServiceError {
        ServiceError::new(400, "InvalidParameterException", message.into())
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Service;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::requirements::tests::call;

    const BUS: &str = "arn:aws:events:us-east-1:123456789012:event-bus/";
    const SERVICE: &str = "arn:aws:ecs:us-east-1:123456789012:service/";
    const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/";

    #[rstest]
    #[case::default("PutRule", json!({"Name": "r"}), "")]
    #[case::own("PutRule", json!({"Name": "r.a-b_1", "EventBusName": "own"}), "")]
    #[case::by_arn("PutRule", json!({"Name": "r", "EventBusName": format!("{BUS}own")}), "")]
    #[case::within("PutRule", json!({"Name": "r", "EventBusName": "own/other"}), "own/other")]
    #[case::within_by_arn(
        "PutTargets", json!({"Rule": "r", "EventBusName": format!("{BUS}own/other")}), "own/other"
    )]
    #[case::a_partners(
        "DeleteRule", json!({"Name": "r", "EventBusName": "aws.partner/other"}), "aws.partner/other"
    )]
    #[case::of_events(
        "PutEvents", json!({"Entries": [{"Source": "a"}, {"EventBusName": "own/other"}]}), "own/other"
    )]
    #[case::itself("DeleteEventBus", json!({"Name": "own/other"}), "own/other")]
    #[case::a_rule("PutRule", json!({"Name": "own/x"}), "rule")]
    #[case::a_rules_targets("PutTargets", json!({"Rule": "own/x"}), "rule")]
    fn a_bus_and_a_rule_have_one_name(
        #[case] operation: &str,
        #[case] input: Value,
        #[case] at_fault: &str,
    ) {
        let answer = check(&call(Service::of("events").unwrap(), operation, input));
        let told = answer.err().map(|error| (error.code.into_owned(), error.message.to_string()));
        match at_fault {
            "" => assert_eq!(told, None),
            "rule" => {
                let (code, message) = told.unwrap();
                assert_eq!(code, "ValidationException");
                assert!(message.starts_with("1 validation error detected: Value 'own/x' at '"));
            }
            bus => assert_eq!(
                told,
                Some((
                    "ResourceNotFoundException".to_owned(),
                    format!("Event bus {bus} does not exist.")
                ))
            ),
        }
    }

    #[rstest]
    #[case::default("UpdateService", json!({"service": "svc"}), "")]
    #[case::named("UpdateService", json!({"cluster": "own", "service": "svc"}), "")]
    #[case::by_arns(
        "UpdateService",
        json!({"cluster": format!("{CLUSTER}own"), "service": format!("{SERVICE}own/svc")}), ""
    )]
    #[case::of_the_former_form(
        "UpdateService", json!({"cluster": "own", "service": format!("{SERVICE}svc")}), ""
    )]
    #[case::of_another_cluster(
        "UpdateService", json!({"cluster": "other", "service": format!("{SERVICE}own/svc")}),
        "Invalid identifier: Identifier is for cluster own. Your cluster is other"
    )]
    #[case::of_another_than_the_default(
        "DescribeServices", json!({"services": ["svc", format!("{SERVICE}own/svc")]}),
        "Invalid identifier: Identifier is for cluster own. Your cluster is default"
    )]
    #[case::a_task(
        "StopTask",
        json!({"cluster": "own", "task": "arn:aws:ecs:us-east-1:123456789012:task/other/1"}),
        "Invalid identifier: Identifier is for cluster other. Your cluster is own"
    )]
    #[case::by_id("StopTask", json!({"task": "0123456789abcdef0123456789abcdef"}), "")]
    #[case::by_the_end_of_an_id(
        "StopTask", json!({"task": "f"}), "taskId length should be one of [32,36]"
    )]
    #[case::by_several_ids(
        "DescribeTasks",
        json!({"tasks": ["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]}),
        "taskId length should be one of [32,36]"
    )]
    #[case::by_an_arns_end(
        "ExecuteCommand", json!({"task": "arn:aws:ecs:us-east-1:123456789012:task/default/f"}),
        "task length should be one of [32,36]"
    )]
    #[case::within(
        "UpdateService", json!({"cluster": "own/other", "service": "svc"}),
        "Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was own/other"
    )]
    #[case::within_by_arn(
        "DeleteCluster", json!({"cluster": format!("{CLUSTER}own/other")}),
        "Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was own/other"
    )]
    #[case::a_tagged_one("TagResource", json!({"resourceArn": format!("{CLUSTER}own")}), "")]
    #[case::tagged_within(
        "TagResource", json!({"resourceArn": format!("{CLUSTER}own/other")}),
        "Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was own/other"
    )]
    #[case::one_of_several(
        "DescribeClusters", json!({"clusters": ["own", "own/other"]}),
        "Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was own/other"
    )]
    #[case::a_service_within(
        "UpdateService", json!({"cluster": "own", "service": "own/svc"}),
        "Invalid identifier: Unexpected number of separators"
    )]
    fn what_is_of_a_cluster_is_of_the_calls(
        #[case] operation: &str,
        #[case] input: Value,
        #[case] message: &str,
    ) {
        let answer = check(&call(Service::of("ecs").unwrap(), operation, input));
        let Err(error) = answer else { return assert_eq!(message, "") };
        assert_eq!(
            (error.status, error.code.as_ref(), error.message.as_ref()),
            (400, "InvalidParameterException", message)
        );
    }
}
