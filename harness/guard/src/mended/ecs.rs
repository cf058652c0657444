//! ECS's answers: moto tells an empty `networkConfiguration` of services and tasks that
//! have none. Those of AWS have none then ("required for task definitions that use the
//! awsvpc network mode", <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>);
//! Terraform's provider ends at an empty one. And it tells of a task by its id, whichever
//! cluster it is in; the decision was about the cluster of the call, and what that lacks is
//! `MISSING`
//! (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html>).

use bytes::Bytes;
use ringfence_wire::Call;
use serde_json::{Value, json};

const NAME: &str = "networkConfiguration";

/// The body of an answer as AWS writes it; nothing where it is the same.
pub(super) fn body(call: &Call, told: &Bytes) -> Option<Bytes> {
    let mut answer: Value = serde_json::from_slice(told).ok()?;
    let mut changed = without(&mut answer);
    changed |= call.name() == "DescribeTasks" && of_the_cluster(call, &mut answer);
    changed.then(|| answer.to_string().into())
}

/// Takes the tasks of other clusters out.
fn of_the_cluster(call: &Call, answer: &mut Value) -> bool {
    let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let cluster = last(call.text("cluster").unwrap_or("default"));
    let is_of_it = |task: &Value| {
        let of = task.get("clusterArn").and_then(Value::as_str);
        of.is_some_and(|of| last(of) == cluster)
    };
    let Some(tasks) = answer.get_mut("tasks").and_then(Value::as_array_mut) else { return false };
    let (kept, others): (Vec<Value>, Vec<Value>) =
        std::mem::take(tasks).into_iter().partition(is_of_it);
    *tasks = kept;
    let missing = others.iter().filter_map(|task| task.get("taskArn")?.as_str()).map(|arn| {
        let head = arn.split(":task/").next().unwrap_or_default();
        json!({"arn": format!("{head}:task/{cluster}/{}", last(arn)), "reason": "MISSING"})
    });
    let missing: Vec<Value> = missing.collect();
    let failures =
        answer.as_object_mut().map(|answer| answer.entry("failures").or_insert(json!([])));
    if let Some(Value::Array(failures)) = failures {
        failures.extend(missing);
    }
    !others.is_empty()
}

/// Whether something was taken out.
fn without(value: &mut Value) -> bool {
    let mut changed = false;
    match value {
        Value::Object(members) => {
            if members.get(NAME).is_some_and(|it| it.is_null() || *it == json!({})) {
                members.remove(NAME);
                changed = true;
            }
            members.values_mut().for_each(|it| changed |= without(it));
        }
        Value::Array(items) => items.iter_mut().for_each(|it| changed |= without(it)),
        _ => {}
    }
    changed
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Service;

    use super::*;
    use crate::requirements::tests::call;

    fn mended(told: &Value) -> Option<Value> {
        of(&call(Service::of("ecs").unwrap(), "DescribeServices", json!({})), told)
    }

    fn of(call: &Call, told: &Value) -> Option<Value> {
        Some(serde_json::from_slice(&body(call, &told.to_string().into())?).unwrap())
    }

    #[test]
    fn a_task_is_told_of_in_its_cluster() {
        const HEAD: &str = "arn:aws:ecs:us-east-1:123456789012:";
        let task = |cluster: &str, id: &str| {
            json!({"taskArn": format!("{HEAD}task/{cluster}/{id}"),
                "clusterArn": format!("{HEAD}cluster/{cluster}")})
        };
        let told = json!({"tasks": [task("own", "1"), task("other", "2")], "failures": []});
        let expected = json!({"tasks": [task("own", "1")],
            "failures": [{"arn": format!("{HEAD}task/own/2"), "reason": "MISSING"}]});
        let ecs = Service::of("ecs").unwrap();
        for cluster in ["own", "arn:aws:ecs:us-east-1:123456789012:cluster/own"] {
            let given =
                call(ecs, "DescribeTasks", json!({"cluster": cluster, "tasks": ["1", "2"]}));
            assert_eq!(of(&given, &told), Some(expected.clone()));
        }
        let given = call(ecs, "DescribeTasks", json!({"tasks": ["1"]}));
        assert_eq!(of(&given, &json!({"tasks": [task("default", "1")], "failures": []})), None);
    }

    #[test]
    fn what_has_no_network_says_so_by_silence() {
        let told = json!({"services": [{"serviceName": "a", "networkConfiguration": {},
            "deployments": [{"networkConfiguration": null}]}]});
        let expected = json!({"services": [{"serviceName": "a", "deployments": [{}]}]});
        assert_eq!(mended(&told), Some(expected));
    }

    #[test]
    fn what_has_one_stays_as_it_is() {
        let network = json!({"awsvpcConfiguration": {"subnets": ["s"]}});
        assert_eq!(mended(&json!({"service": {"networkConfiguration": network}})), None);
    }
}
