//! Of a resource that has more ARNs than one: which of them actions act upon, and which are
//! left out where one alone is written.

use ringfence_models::actions;
use ringfence_policy::Wildcard;

use super::reference::unfit;
use crate::config::matching;

/// What acts upon a log group by its ARN alone. All other actions are asked for on that with
/// something behind another colon, so that policies have `:*` there (`arn` and `logGroupArn`
/// of <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html>).
const OF_THE_GROUP: [&str; 3] =
    ["logs:ListTagsForResource", "logs:TagResource", "logs:UntagResource"];

/// The ARNs that actions, which may be patterns, are asked for on where a resource is written
/// as one: a log group's with `:*`, but for its tags. All others stay as they are.
pub fn acted_upon(actions: &[&str], arn: &str) -> Vec<String> {
    let group = after(arn, "logs").and_then(|rest| rest.strip_prefix("log-group:"));
    let is_whole = |name: &&str| !name.is_empty() && !name.contains(':') && !name.ends_with('*');
    if group.filter(is_whole).is_none() {
        return vec![arn.to_owned()];
    }
    let is_of_tags = |name: &String| OF_THE_GROUP.contains(&name.as_str());
    // A pattern of all services is about more than those that are known.
    let is_every = |pattern: &&str| pattern.split(':').next().is_some_and(|it| it.contains('*'));
    let all: Vec<String> = actions.iter().flat_map(|pattern| matching(pattern)).collect();
    let is_open = all.is_empty() || actions.iter().any(is_every);
    let mut forms = Vec::new();
    if is_open || all.iter().any(is_of_tags) {
        forms.push(arn.to_owned());
    }
    if is_open || !all.iter().all(is_of_tags) {
        forms.push(format!("{arn}:*"));
    }
    forms
}

/// A resource with others that belong to it.
struct Whole {
    service: &'static str,
    /// What its ARN has before its name.
    before: &'static str,
    /// What theirs have behind it, as a pattern.
    behind: &'static str,
    /// What they are called.
    parts: &'static str,
    /// The types of AWS's reference that they are.
    types: &'static [&'static str],
    /// Actions that act upon them, though the reference has the whole alone.
    more: &'static [&'static str],
}

/// Those whose parts do what they do, or hold what is in them:
/// - versions and aliases of a function run its code
///   (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html>);
/// - those of a state machine its definition
///   (<https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html>);
/// - an index has items of its table
///   (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html>);
/// - objects are in a bucket
///   (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html>).
const WHOLES: [Whole; 4] = [
    Whole {
        service: "lambda",
        before: "function:",
        behind: ":*",
        parts: "versions and aliases",
        types: &["function alias", "function version"],
        more: &[
            "lambda:AddPermission",
            "lambda:DeleteFunction",
            "lambda:GetFunction",
            "lambda:GetFunctionConfiguration",
            "lambda:GetPolicy",
            "lambda:InvokeFunction",
            "lambda:InvokeFunctionUrl",
            "lambda:RemovePermission",
        ],
    },
    Whole {
        service: "states",
        before: "stateMachine:",
        behind: ":*",
        parts: "versions and aliases",
        types: &["statemachinealias", "statemachineversion"],
        more: &["states:StartExecution", "states:StartSyncExecution"],
    },
    Whole {
        service: "dynamodb",
        before: "table/",
        behind: "/index/*",
        parts: "indexes",
        types: &["index"],
        more: &[],
    },
    Whole {
        service: "s3",
        before: "",
        behind: "/*",
        parts: "objects",
        types: &["object"],
        more: &[],
    },
];

impl Whole {
    /// Whether one of AWS's actions acts upon its parts.
    fn is_acted_upon_in_part(&self, name: &str) -> bool {
        let of_types = actions::action(name)
            .is_some_and(|it| it.resources.iter().any(|one| self.types.contains(&one.name)));
        of_types || self.more.contains(&name)
    }
}

/// Of these actions, each that acts upon parts of one of the resources that are not among
/// these: `lambda:InvokeFunction` on a function's ARN alone.
pub fn left_out(actions: &[&str], resources: &[&str]) -> Vec<String> {
    let mut told = Vec::new();
    for arn in resources {
        let of = |whole: &&Whole| {
            let name = after(arn, whole.service).and_then(|it| it.strip_prefix(whole.before));
            name.is_some_and(|name| !name.is_empty() && !name.contains([':', '/', '*', '?', '$']))
        };
        let Some(whole) = WHOLES.iter().find(of) else { continue };
        let part = format!("{arn}{}", whole.behind.replace('*', "x"));
        if resources.iter().any(|one| Wildcard::of_text(one).matches(&part)) {
            continue;
        }
        // Of what never acts upon the whole its own warning tells.
        let acts = |pattern: &&&str| {
            matching(pattern).any(|name| whole.is_acted_upon_in_part(&name))
                && unfit(&[**pattern], resources).is_empty()
        };
        told.extend(actions.iter().filter(acts).map(|action| {
            let Whole { behind, parts, .. } = whole;
            format!(
                "`{action}` acts upon {parts} of `{arn}` too, which are not among the resources; \
                 write `{arn}{behind}` beside it"
            )
        }));
    }
    told
}

/// What an ARN of a service has behind the account.
fn after<'a>(arn: &'a str, service: &str) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':');
    let is_arn = parts.next() == Some("arn");
    let of = parts.nth(1)?;
    (is_arn && of == service).then(|| parts.nth(2)).flatten()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GROUP: &str = "arn:aws:logs:eu-west-1:123456789012:log-group:s";
    const ALL_OF_IT: &str = "arn:aws:logs:eu-west-1:123456789012:log-group:s:*";

    #[rstest]
    #[case::others(&["logs:DeleteLogGroup", "logs:Put*"], GROUP, &[ALL_OF_IT])]
    #[case::tags(&["logs:TagResource"], GROUP, &[GROUP])]
    #[case::both(&["logs:*"], GROUP, &[GROUP, ALL_OF_IT])]
    #[case::of_all_services(&["*"], GROUP, &[GROUP, ALL_OF_IT])]
    #[case::written_so(&["logs:DeleteLogGroup"], ALL_OF_IT, &[ALL_OF_IT])]
    #[case::of_another_service(
        &["sqs:SendMessage"],
        "arn:aws:sqs:eu-west-1:123456789012:s",
        &["arn:aws:sqs:eu-west-1:123456789012:s"]
    )]
    #[case::everything(&["logs:DeleteLogGroup"], "*", &["*"])]
    fn a_log_group_is_acted_upon_behind_a_colon(
        #[case] actions: &[&str],
        #[case] arn: &str,
        #[case] expected: &[&str],
    ) {
        assert_eq!(acted_upon(actions, arn), expected);
    }

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f";
    const MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:m";
    const TABLE: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/t";

    #[rstest]
    #[case::a_function("lambda:InvokeFunction", FUNCTION, "versions and aliases", ":*")]
    #[case::a_state_machine("states:StartExecution", MACHINE, "versions and aliases", ":*")]
    #[case::a_table("dynamodb:Query", TABLE, "indexes", "/index/*")]
    #[case::a_bucket("s3:*", "arn:aws:s3:::b", "objects", "/*")]
    fn parts_that_are_left_out_are_told(
        #[case] action: &str,
        #[case] arn: &str,
        #[case] parts: &str,
        #[case] behind: &str,
    ) {
        let all = format!("{arn}{behind}");
        let told = format!(
            "`{action}` acts upon {parts} of `{arn}` too, which are not among the resources; write \
             `{all}` beside it"
        );
        assert_eq!(left_out(&[action], &[arn]), [told]);
        assert_eq!(left_out(&[action], &[arn, &all]), Vec::<String>::new());
        assert_eq!(left_out(&[action], &[&all]), Vec::<String>::new());
    }

    #[rstest]
    #[case::of_the_whole("lambda:UpdateFunctionCode", FUNCTION)]
    #[case::of_one_version("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:1:function:f:1")]
    #[case::of_the_table("dynamodb:PutItem", TABLE)]
    #[case::of_the_bucket("s3:DeleteBucket", "arn:aws:s3:::b")]
    // The other warning tells of it.
    #[case::of_nothing("s3:GetObject", "arn:aws:s3:::b")]
    #[case::of_everything("s3:*", "*")]
    fn of_what_has_none_nothing_is_told(#[case] action: &str, #[case] arn: &str) {
        assert_eq!(left_out(&[action], &[arn]), Vec::<String>::new());
    }
}
