//! ARNs that no resource has: with a colon in a name, where the service takes none.
//!
//! A `*` of a policy goes on over the colons of an ARN, so that
//! `arn:aws:sqs:*:123456789012:*` and `arn:aws:sqs:*:999999999999:*` both cover
//! `arn:aws:sqs:eu-west-1:123456789012:999999999999:`, the ARN of a queue that nobody can make.
//! What is asked about is kept to those that there may be by Denies of the others, which a
//! certificate has.

use std::sync::{Arc, LazyLock};

use ringfence_models::actions;
use ringfence_policy::{Document, Kind};
use serde_json::json;

/// Resources of a service, whose ARNs have so many colons behind the account, at most.
struct Named {
    service: &'static str,
    /// Types of AWS's reference; an action that acts upon others too may be about more.
    types: &'static [&'static str],
    colons: usize,
    /// What no such ARN has behind the account with as many, as a pattern.
    never: &'static [&'static str],
    /// Actions that may be about what the reference does not list.
    but: &'static [&'static str],
}

/// Those whose names have no colon, by what the pages of the calls that make them say:
/// - <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>
///   (a stream's label is a time, with colons);
/// - <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html> and
///   `API_PutRule`, `API_CreateArchive`, `API_StartReplay`, `API_CreateApiDestination`,
///   `API_CreateConnection`, and
///   <https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_CreateEventBus.html>;
/// - <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html>;
/// - <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>;
/// - <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>
///   (`function:NAME:QUALIFIER`);
/// - <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>
///   and `API_CreateLogStream` (`log-group:NAME:log-stream:NAME`);
/// - <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
///   (`secret:NAME-6RANDOM`);
/// - <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html> (a subscription's ARN is
///   its topic's, a colon and an id);
/// - <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>;
/// - <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
///   (a version or a label may stand behind one, and neither has a slash:
///   <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html>);
/// - <https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html>
///   (`stateMachine:NAME:ALIAS`).
const NAMED: [Named; 11] = [
    Named {
        service: "dynamodb",
        types: &["backup", "global-table", "index", "table"],
        colons: 0,
        never: &[],
        but: &[],
    },
    Named {
        service: "events",
        types: &[
            "api-destination",
            "archive",
            "connection",
            "event-bus",
            "event-busv2",
            "replay",
            "rule-on-custom-event-bus",
            "rule-on-default-event-bus",
        ],
        colons: 0,
        never: &[],
        but: &[],
    },
    Named { service: "kinesis", types: &["stream"], colons: 0, never: &[], but: &[] },
    Named { service: "kms", types: &["alias", "key"], colons: 0, never: &[], but: &[] },
    Named {
        service: "lambda",
        types: &["function", "function alias", "function version"],
        colons: 2,
        never: &[],
        but: &[],
    },
    Named {
        service: "logs",
        types: &["log-group", "log-stream"],
        colons: 3,
        never: &["log-group:*:log-group:*"],
        but: &[],
    },
    Named { service: "secretsmanager", types: &["Secret"], colons: 1, never: &[], but: &[] },
    Named {
        service: "sns",
        types: &["topic"],
        colons: 0,
        never: &[],
        but: &[
            "ConfirmSubscription",
            "GetSubscriptionAttributes",
            "SetSubscriptionAttributes",
            "Unsubscribe",
        ],
    },
    Named { service: "sqs", types: &["queue"], colons: 0, never: &[], but: &[] },
    Named {
        service: "ssm",
        types: &["parameter"],
        colons: 1,
        never: &["parameter/*:*/*"],
        but: &[],
    },
    Named {
        service: "states",
        types: &["statemachine", "statemachinealias", "statemachineversion"],
        colons: 2,
        never: &[],
        but: &[],
    },
];

impl Named {
    /// The actions that act upon such resources alone: all of a service that has no others.
    fn actions(&self) -> Vec<String> {
        let Some(prefix) = actions::of(self.service) else { return Vec::new() };
        let is_whole = prefix.resource_types().all(|kind| self.types.contains(&kind.name));
        if is_whole && self.but.is_empty() {
            return vec![format!("{}:*", self.service)];
        }
        let is_of_these = |action: &&actions::Action| {
            !action.resources.is_empty()
                && action.resources.iter().all(|one| self.types.contains(&one.name))
                && !self.but.contains(&action.name)
        };
        let all = prefix.actions().filter(is_of_these);
        all.map(|it| format!("{}:{}", self.service, it.name)).collect()
    }

    /// What has more colons.
    fn denied(&self) -> Option<Arc<Document>> {
        let more = format!("*{}", ":*".repeat(self.colons + 1));
        let behind = self.never.iter().copied().chain([more.as_str()]);
        let resources: Vec<String> =
            behind.map(|behind| format!("arn:*:{}:*:*:{behind}", self.service)).collect();
        let statement = json!({"Effect": "Deny", "Action": self.actions(), "Resource": resources});
        let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let name = format!("names that `{}` does not take", self.service);
        Document::parse(name, &text, Kind::Identity).ok().map(Arc::new)
    }
}

/// Denies of what no resource is called, a service each.
pub(crate) fn refused() -> &'static [Arc<Document>] {
    static ALL: LazyLock<Vec<Arc<Document>>> =
        LazyLock::new(|| NAMED.iter().filter_map(Named::denied).collect());
    &ALL
}

#[cfg(test)]
mod tests {
    use ringfence_policy::{Context, Outcome, Policies, Principal, Request, decide};
    use rstest::rstest;

    use super::*;

    /// Each is there, and no ARN that the reference has for such a type has more colons.
    #[test]
    fn each_is_of_the_reference() {
        assert_eq!(refused().len(), NAMED.len());
        for named in &NAMED {
            assert!(!named.actions().is_empty(), "{}", named.service);
            let prefix = actions::of(named.service).unwrap();
            for name in named.types {
                for arn in &prefix.resource_type(name).unwrap().arn {
                    let (_, resource) = arn.rsplit_once("${Account}:").unwrap();
                    assert!(resource.matches(':').count() <= named.colons, "{arn}");
                }
            }
            for action in named.but {
                assert!(prefix.action(action).is_some(), "{action}");
            }
        }
    }

    #[rstest]
    #[case("sqs:SendMessage", "sqs:x:123456789012:999999999999:", true)]
    #[case("sqs:Unheard", "sqs:x:123456789012:999999999999:", true)]
    #[case("sqs:SendMessage", "sqs:x:123456789012:q", false)]
    #[case("dynamodb:PutItem", "dynamodb:x:123456789012:table/:999999999999:table/", true)]
    #[case("dynamodb:Query", "dynamodb:x:123456789012:table/t/index/i", false)]
    #[case(
        "dynamodb:GetRecords",
        "dynamodb:x:123456789012:table/t/stream/2026-01-01T00:00:00.000",
        false
    )]
    #[case("lambda:InvokeFunction", "lambda:x:123456789012:function:f:1", false)]
    #[case("lambda:InvokeFunction", "lambda:x:123456789012:function::999999999999:function:", true)]
    #[case("logs:PutLogEvents", "logs:x:123456789012:log-group:g:log-stream:s", false)]
    #[case("logs:PutLogEvents", "logs:x:123456789012:log-group::999999999999:log-group:", true)]
    #[case("logs:PutLogEvents", "logs:x:123456789012:log-group:999999999999:log-group:", true)]
    #[case("states:StartExecution", "states:x:123456789012:stateMachine:m:a", false)]
    #[case("states:StartExecution", "states:x:123456789012:stateMachine:9:stateMachine:", true)]
    #[case("secretsmanager:GetSecretValue", "secretsmanager:x:123456789012:secret:s-abcdef", false)]
    #[case(
        "secretsmanager:GetSecretValue",
        "secretsmanager:x:123456789012:secret::999999999999:secret:",
        true
    )]
    #[case("events:PutEvents", "events:x:123456789012:event-bus/b", false)]
    #[case("events:PutEvents", "events:x:123456789012:event-bus/:999999999999:event-bus/", true)]
    #[case("events:PutRule", "events:x:123456789012:rule/b/r", false)]
    #[case("ssm:GetParameter", "ssm:x:123456789012:parameter/a/b:1", false)]
    #[case("ssm:PutParameter", "ssm:x:123456789012:parameter/:parameter/a/", true)]
    #[case("sns:Unsubscribe", "sns:x:123456789012:t:a-b", false)]
    #[case("s3:GetObject", "s3:::b/a:b", false)]
    fn what_has_a_colon_in_a_name_is_denied(
        #[case] action: &str,
        #[case] rest: &str,
        #[case] is_denied: bool,
    ) {
        let everything = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        let everything = Document::parse("everything", everything, Kind::Identity).unwrap();
        let identity = refused().iter().cloned().chain([Arc::new(everything)]).collect();
        let policies = Policies { identity, ..Policies::default() };
        let request = Request {
            principal: &Principal::User { arn: "arn:aws:iam::123456789012:user/u".to_owned() },
            action,
            resource: &format!("arn:aws:{rest}"),
            resource_account: Some("123456789012"),
            context: &Context::new(),
        };
        let expected = if is_denied { Outcome::ExplicitDeny } else { Outcome::Allow };
        assert_eq!(decide(&request, &policies).outcome, expected);
    }
}
