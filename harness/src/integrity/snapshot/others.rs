//! What else has a policy of its own: keys of KMS, queues, topics, repositories of
//! images, event buses with their rules. Each row says how a kind is listed, and
//! which questions tell the rest of it.

use futures_util::future::try_join_all;
use ringfence_wire::Service;
use serde_json::{Map, Value, json};

use super::SnapshotError;
use super::reader::{Objects, Reader, object, text};

/// A kind of objects.
struct Kind {
    kind: &'static str,
    service: &'static str,
    /// The operation that lists them, and where in its answer.
    list: (&'static str, &'static str),
    /// The member of an item by which the others ask; empty where an item is a text.
    id: &'static str,
    /// The member with its ARN, of the item or of what the questions tell.
    arn: &'static str,
    /// Whether the item itself is part of the content.
    whole: bool,
    questions: &'static [Question],
    /// Counts and dates.
    left_out: &'static [&'static str],
}

/// A question about one object.
struct Question {
    /// The member that the answer becomes; none where its members are the object's.
    title: Option<&'static str>,
    operation: &'static str,
    /// The member of the input that takes the id, and what else is asked.
    by: &'static str,
    more: Option<(&'static str, &'static str)>,
    answer: &'static str,
}

const fn question(
    title: Option<&'static str>,
    operation: &'static str,
    by: &'static str,
    more: Option<(&'static str, &'static str)>,
    answer: &'static str,
) -> Question {
    Question { title, operation, by, more, answer }
}

const KINDS: [Kind; 6] = [
    Kind {
        kind: "KMS key",
        service: "kms",
        list: ("ListKeys", "Keys"),
        id: "KeyId",
        arn: "KeyArn",
        whole: false,
        questions: &[
            question(None, "DescribeKey", "KeyId", None, "/KeyMetadata"),
            question(
                Some("Policy"),
                "GetKeyPolicy",
                "KeyId",
                Some(("PolicyName", "default")),
                "/Policy",
            ),
            question(Some("Grants"), "ListGrants", "KeyId", None, "/Grants"),
            question(Some("Tags"), "ListResourceTags", "KeyId", None, "/Tags"),
        ],
        left_out: &["CreationDate"],
    },
    Kind {
        kind: "KMS alias",
        service: "kms",
        list: ("ListAliases", "Aliases"),
        id: "AliasName",
        arn: "AliasArn",
        whole: true,
        questions: &[],
        left_out: &["CreationDate", "LastUpdatedDate"],
    },
    Kind {
        kind: "queue",
        service: "sqs",
        list: ("ListQueues", "QueueUrls"),
        id: "",
        arn: "QueueArn",
        whole: false,
        questions: &[
            question(
                None,
                "GetQueueAttributes",
                "QueueUrl",
                Some(("AttributeNames", "All")),
                "/Attributes",
            ),
            question(Some("Tags"), "ListQueueTags", "QueueUrl", None, "/Tags"),
        ],
        left_out: &[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
            "CreatedTimestamp",
            "LastModifiedTimestamp",
        ],
    },
    Kind {
        kind: "topic",
        service: "sns",
        list: ("ListTopics", "Topics"),
        id: "TopicArn",
        arn: "TopicArn",
        whole: false,
        questions: &[
            question(None, "GetTopicAttributes", "TopicArn", None, "/Attributes"),
            question(Some("Tags"), "ListTagsForResource", "ResourceArn", None, "/Tags"),
        ],
        left_out: &["SubscriptionsConfirmed", "SubscriptionsDeleted", "SubscriptionsPending"],
    },
    Kind {
        kind: "image repository",
        service: "ecr",
        list: ("DescribeRepositories", "repositories"),
        id: "repositoryName",
        arn: "repositoryArn",
        whole: true,
        questions: &[question(
            Some("policy"),
            "GetRepositoryPolicy",
            "repositoryName",
            None,
            "/policyText",
        )],
        left_out: &["createdAt"],
    },
    Kind {
        kind: "event bus",
        service: "events",
        list: ("ListEventBuses", "EventBuses"),
        id: "Name",
        arn: "Arn",
        whole: true,
        questions: &[question(Some("Policy"), "DescribeEventBus", "Name", None, "/Policy")],
        left_out: &["CreationTime", "LastModifiedTime"],
    },
];

pub(super) async fn read(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let (kinds, rules) = futures_util::try_join!(
        try_join_all(KINDS.iter().map(|kind| of(reader, kind))),
        rules(reader)
    )?;
    Ok(kinds.into_iter().flatten().chain(rules).collect())
}

async fn of(reader: &Reader<'_>, kind: &Kind) -> Result<Objects, SnapshotError> {
    let Some(service) = Service::of(kind.service).filter(|it| !reader.is_untouched(*it)) else {
        return Ok(Vec::new());
    };
    let items = reader.list_if_built(service, kind.list.0, json!({}), kind.list.1).await?;
    // AWS's own aliases get their keys when these are first used.
    let own = |item: &Value| !text(item, "AliasName").starts_with("alias/aws/");
    try_join_all(items.into_iter().filter(own).map(|item| one(reader, service, kind, item))).await
}

async fn one(
    reader: &Reader<'_>,
    service: Service,
    kind: &Kind,
    item: Value,
) -> Result<(super::ObjectId, super::Object), SnapshotError> {
    let id = match kind.id {
        "" => item.as_str().unwrap_or_default().to_owned(),
        member => text(&item, member),
    };
    let answers = kind.questions.iter().map(async |question| {
        let mut input = Map::new();
        input.insert(question.by.to_owned(), id.as_str().into());
        if let Some((member, value)) = question.more {
            let value = if member == "AttributeNames" { json!([value]) } else { json!(value) };
            input.insert(member.to_owned(), value);
        }
        let answer = reader.ask(service, question.operation, input.into()).await?;
        Ok(answer.and_then(|answer| answer.pointer(question.answer).cloned()).unwrap_or_default())
    });
    let answers: Vec<Value> = try_join_all(answers).await?;
    let mut members = match (&item, kind.whole) {
        (Value::Object(members), true) => members.clone(),
        _ => Map::new(),
    };
    for (question, answer) in kind.questions.iter().zip(answers) {
        match (question.title, answer) {
            (Some(title), answer) => drop(members.insert(title.to_owned(), answer)),
            (None, Value::Object(own)) => members.extend(own),
            (None, _) => {}
        }
    }
    let arn = [&item, &Value::Object(members.clone())].map(|own| text(own, kind.arn));
    let arns = arn.into_iter().find(|arn| !arn.is_empty()).into_iter().collect();
    let name = if kind.service == "sqs" { last(&id).to_owned() } else { id };
    Ok(object(kind.kind, name, Value::Object(members), kind.left_out, arns))
}

/// The name at the end of a URL.
fn last(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// The rules of all buses, each with its targets.
async fn rules(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let Some(events) = Service::of("events").filter(|it| !reader.is_untouched(*it)) else {
        return Ok(Vec::new());
    };
    let buses = reader.list_if_built(events, "ListEventBuses", json!({}), "EventBuses").await?;
    let of_bus = async |bus: &Value| {
        let bus = text(bus, "Name");
        let asked = json!({"EventBusName": bus});
        let rules = reader.list(events, "ListRules", asked, "Rules").await?;
        let one = async |rule: Value| {
            let (name, arn) = (text(&rule, "Name"), text(&rule, "Arn"));
            let asked = json!({"EventBusName": bus, "Rule": name});
            let targets = reader.list(events, "ListTargetsByRule", asked, "Targets").await?;
            let mut rule = rule;
            if let Some(members) = rule.as_object_mut() {
                members.insert("Targets".to_owned(), targets.into());
            }
            Ok(object("event rule", format!("{bus}/{name}"), rule, &[], vec![arn]))
        };
        try_join_all(rules.into_iter().map(one)).await
    };
    let all: Vec<Objects> = try_join_all(buses.iter().map(of_bus)).await?;
    Ok(all.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Operation;

    use super::*;

    /// A misspelt operation or member would ask for nothing.
    #[test]
    fn rows_name_what_the_models_have() {
        for kind in &KINDS {
            let service = Service::of(kind.service).unwrap();
            Operation::find(service, kind.list.0).unwrap();
            for question in kind.questions {
                let operation = Operation::find(service, question.operation).unwrap();
                let more = question.more.map(|(member, _)| member);
                for member in [Some(question.by), more].into_iter().flatten() {
                    assert!(operation.member(member).is_some(), "{}: {member}", operation.name);
                }
            }
        }
    }
}
