//! Queues, topics, and what only the embedded upstream serves: streams,
//! repositories, event buses and REST APIs.

use ringfence_wire::Service;
use serde_json::{Value, json};

use super::{Member, Step, Who, document, for_user, team, when};

fn service(name: &str) -> Service {
    Service::of(name).unwrap()
}

/// A row of a tag: refused before, allowed after.
fn tag(
    name: &'static str,
    action: &str,
    made: Made,
    write: Step,
    read: (Step, &'static str),
    act: Step,
) -> Member {
    let statement = when(action, "aws:ResourceTag/team");
    let setting = vec![made];
    let (who, allowed) = (Who::User, (false, true));
    Member { name, statement, setting, write, read, told: "a", who, act, allowed }
}

/// A row of a policy that gives the user what nothing else gives.
fn policy(
    name: &'static str,
    told: &'static str,
    made: Made,
    write: Step,
    read: (Step, &'static str),
    act: Step,
) -> Member {
    let (who, allowed) = (Who::User, (false, true));
    Member { name, statement: None, setting: vec![made], write, read, told, who, act, allowed }
}

/// A row of a policy that takes from the user what its own policies give.
fn denial(row: Member, name: &'static str, action: &str, told: &'static str) -> Member {
    let statement = Some(json!({"Effect": "Allow", "Action": action, "Resource": "*"}));
    Member { name, statement, told, allowed: (true, false), ..row }
}

/// What makes the resource, and what is kept of the answer.
type Made = (Step, Option<(&'static str, &'static str)>);

fn deny_user(action: &str, resource: &str) -> String {
    document(json!({"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::ACCOUNT:user/USER"},
        "Action": action, "Resource": resource}))
}

fn queues() -> Vec<Member> {
    let sqs = service("sqs");
    let queue = |name: &str| -> Made {
        ((sqs, "CreateQueue", json!({"QueueName": name})), Some(("@QUEUE", "/QueueUrl")))
    };
    let send = || (sqs, "SendMessage", json!({"QueueUrl": "@QUEUE", "MessageBody": "m"}));
    let set = |policy: String| {
        let attributes = json!({"QueueUrl": "@QUEUE", "Attributes": {"Policy": policy}});
        (sqs, "SetQueueAttributes", attributes)
    };
    let read = || -> (Step, &'static str) {
        let input = json!({"QueueUrl": "@QUEUE", "AttributeNames": ["Policy"]});
        ((sqs, "GetQueueAttributes", input), "/Attributes/Policy")
    };
    let arn = |name: &str| format!("arn:aws:sqs:REGION:ACCOUNT:{name}");
    let denied = policy(
        "",
        "",
        queue("members-denied"),
        set(deny_user("sqs:SendMessage", &arn("members-denied"))),
        read(),
        send(),
    );
    vec![
        tag(
            "queue-tag",
            "sqs:SendMessage",
            queue("members-tag"),
            (sqs, "TagQueue", json!({"QueueUrl": "@QUEUE", "Tags": {"team": "a"}})),
            ((sqs, "ListQueueTags", json!({"QueueUrl": "@QUEUE"})), "/Tags/team"),
            send(),
        ),
        policy(
            "queue-policy",
            "user/queue-policy",
            queue("members-policy"),
            set(for_user("sqs:SendMessage", &arn("members-policy"))),
            read(),
            send(),
        ),
        denial(denied, "queue-denial", "sqs:SendMessage", "user/queue-denial"),
    ]
}

fn topics() -> Vec<Member> {
    let sns = service("sns");
    let topic = |name: &str| -> Made {
        ((sns, "CreateTopic", json!({"Name": name})), Some(("@TOPIC", "/TopicArn")))
    };
    let publish = || (sns, "Publish", json!({"TopicArn": "@TOPIC", "Message": "m"}));
    let set = |policy: String| {
        let input =
            json!({"TopicArn": "@TOPIC", "AttributeName": "Policy", "AttributeValue": policy});
        (sns, "SetTopicAttributes", input)
    };
    let read = || -> (Step, &'static str) {
        ((sns, "GetTopicAttributes", json!({"TopicArn": "@TOPIC"})), "/Attributes")
    };
    let arn = |name: &str| format!("arn:aws:sns:REGION:ACCOUNT:{name}");
    let denied = policy(
        "",
        "",
        topic("members-denied"),
        set(deny_user("sns:Publish", &arn("members-denied"))),
        read(),
        publish(),
    );
    vec![
        tag(
            "topic-tag",
            "sns:Publish",
            topic("members-tag"),
            (sns, "TagResource", json!({"ResourceArn": "@TOPIC", "Tags": team()})),
            ((sns, "ListTagsForResource", json!({"ResourceArn": "@TOPIC"})), "/Tags/0/Value"),
            publish(),
        ),
        policy(
            "topic-policy",
            "user/topic-policy",
            topic("members-policy"),
            set(for_user("sns:Publish", &arn("members-policy"))),
            read(),
            publish(),
        ),
        denial(denied, "topic-denial", "sns:Publish", "user/topic-denial"),
    ]
}

fn streams() -> Vec<Member> {
    let kinesis = service("kinesis");
    let arn = |name: &str| format!("arn:aws:kinesis:REGION:ACCOUNT:stream/{name}");
    let stream = |name: &str| -> Made {
        ((kinesis, "CreateStream", json!({"StreamName": name, "ShardCount": 1})), None)
    };
    let look = |name: &str| (kinesis, "DescribeStreamSummary", json!({"StreamName": name}));
    let tags = json!({"StreamName": "members-tag", "Tags": {"team": "a"}});
    let allowed = for_user("kinesis:DescribeStreamSummary", &arn("members-policy"));
    let put = json!({"ResourceARN": arn("members-policy"), "Policy": allowed});
    vec![
        tag(
            "stream-tag",
            "kinesis:DescribeStreamSummary",
            stream("members-tag"),
            (kinesis, "AddTagsToStream", tags),
            ((kinesis, "ListTagsForStream", json!({"StreamName": "members-tag"})), "/Tags/0/Value"),
            look("members-tag"),
        ),
        // With what it is made with.
        Member {
            setting: Vec::new(),
            ..tag(
                "stream-made-with-a-tag",
                "kinesis:DescribeStreamSummary",
                stream("members-made"),
                (
                    kinesis,
                    "CreateStream",
                    json!({"StreamName": "members-made", "ShardCount": 1, "Tags": {"team": "a"}}),
                ),
                (
                    (kinesis, "ListTagsForStream", json!({"StreamName": "members-made"})),
                    "/Tags/0/Value",
                ),
                look("members-made"),
            )
        },
        policy(
            "stream-policy",
            "user/stream-policy",
            stream("members-policy"),
            (kinesis, "PutResourcePolicy", put),
            (
                (kinesis, "GetResourcePolicy", json!({"ResourceARN": arn("members-policy")})),
                "/Policy",
            ),
            look("members-policy"),
        ),
    ]
}

fn repositories() -> Vec<Member> {
    let ecr = service("ecr");
    let arn = |name: &str| format!("arn:aws:ecr:REGION:ACCOUNT:repository/{name}");
    let repository =
        |name: &str| -> Made { ((ecr, "CreateRepository", json!({"repositoryName": name})), None) };
    let images = |name: &str| (ecr, "ListImages", json!({"repositoryName": name}));
    // The policy of a repository names no resource.
    let allowed: Value = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::ACCOUNT:user/USER"}, "Action": "ecr:ListImages"}]});
    let put = json!({"repositoryName": "members-policy", "policyText": allowed.to_string()});
    vec![
        tag(
            "repository-tag",
            "ecr:ListImages",
            repository("members-tag"),
            (ecr, "TagResource", json!({"resourceArn": arn("members-tag"), "tags": team()})),
            (
                (ecr, "ListTagsForResource", json!({"resourceArn": arn("members-tag")})),
                "/tags/0/Value",
            ),
            images("members-tag"),
        ),
        policy(
            "repository-policy",
            "user/repository-policy",
            repository("members-policy"),
            (ecr, "SetRepositoryPolicy", put),
            (
                (ecr, "GetRepositoryPolicy", json!({"repositoryName": "members-policy"})),
                "/policyText",
            ),
            images("members-policy"),
        ),
    ]
}

fn buses() -> Vec<Member> {
    let events = service("events");
    let arn = |name: &str| format!("arn:aws:events:REGION:ACCOUNT:event-bus/{name}");
    let bus = |name: &str| -> Made { ((events, "CreateEventBus", json!({"Name": name})), None) };
    let look = |name: &str| (events, "DescribeEventBus", json!({"Name": name}));
    let put = |name: &str, policy: String| {
        (events, "PutPermission", json!({"EventBusName": name, "Policy": policy}))
    };
    const ACTION: &str = "events:DescribeEventBus";
    let denied = policy(
        "",
        "",
        bus("members-denied"),
        put("members-denied", deny_user(ACTION, &arn("members-denied"))),
        (look("members-denied"), "/Policy"),
        look("members-denied"),
    );
    vec![
        tag(
            "bus-tag",
            ACTION,
            bus("members-tag"),
            (events, "TagResource", json!({"ResourceARN": arn("members-tag"), "Tags": team()})),
            (
                (events, "ListTagsForResource", json!({"ResourceARN": arn("members-tag")})),
                "/Tags/0/Value",
            ),
            look("members-tag"),
        ),
        policy(
            "bus-policy",
            "user/bus-policy",
            bus("members-policy"),
            put("members-policy", for_user(ACTION, &arn("members-policy"))),
            (look("members-policy"), "/Policy"),
            look("members-policy"),
        ),
        denial(denied, "bus-denial", ACTION, "user/bus-denial"),
        // A policy takes the place of the one before.
        Member {
            setting: vec![
                bus("members-replaced"),
                (put("members-replaced", for_user(ACTION, &arn("members-replaced"))), None),
            ],
            allowed: (true, false),
            ..policy(
                "bus-policy-replaced",
                "events:ListRules",
                bus("members-replaced"),
                put("members-replaced", of_account("events:ListRules", &arn("members-replaced"))),
                (look("members-replaced"), "/Policy"),
                look("members-replaced"),
            )
        },
    ]
}

fn of_account(action: &str, resource: &str) -> String {
    document(json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::ACCOUNT:root"},
        "Action": action, "Resource": resource}))
}

fn apis() -> Vec<Member> {
    let gateway = service("apigateway");
    let arn = "arn:aws:apigateway:REGION::/restapis/@API";
    vec![tag(
        "rest-api-tag",
        "apigateway:GET",
        ((gateway, "CreateRestApi", json!({"name": "members"})), Some(("@API", "/id"))),
        (gateway, "TagResource", json!({"resourceArn": arn, "tags": {"team": "a"}})),
        ((gateway, "GetTags", json!({"resourceArn": arn})), "/tags/team"),
        (gateway, "GetRestApi", json!({"restApiId": "@API"})),
    )]
}

/// Every row here; those of the embedded upstream where it is the one.
pub(super) fn all(is_embedded: bool) -> Vec<Member> {
    let only_there = match is_embedded {
        true => vec![streams(), repositories(), buses(), apis()],
        false => Vec::new(),
    };
    [queues(), topics()].into_iter().chain(only_there).flatten().collect()
}
