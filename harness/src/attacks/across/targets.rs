//! What of an account others might enter.

use std::collections::BTreeSet;

use ringfence_guard::Question;
use ringfence_policy::Context;
use serde_json::Value;

use super::case::{Case, How};
use crate::attacks::companions::statements;
use crate::attacks::suite::Suite;
use crate::attacks::trust::SESSION;
use crate::terraform::Instance;

/// Types of resources whose policies may let in other accounts, with the actions that
/// stand for their use and the part of the ARN that these are on:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html>.
const RESOURCES: [(&str, &[(&str, &str)]); 8] = [
    (
        "aws_s3_bucket",
        &[
            ("s3:ListBucket", ""),
            ("s3:GetObject", "/"),
            ("s3:PutObject", "/"),
            ("s3:DeleteObject", "/"),
        ],
    ),
    ("aws_lambda_function", &[("lambda:InvokeFunction", "")]),
    ("aws_sqs_queue", &[("sqs:SendMessage", ""), ("sqs:ReceiveMessage", "")]),
    ("aws_sns_topic", &[("sns:Publish", ""), ("sns:Subscribe", "")]),
    ("aws_kms_key", &[("kms:Decrypt", ""), ("kms:Encrypt", ""), ("kms:CreateGrant", "")]),
    ("aws_secretsmanager_secret", &[("secretsmanager:GetSecretValue", "")]),
    ("aws_dynamodb_table", &[("dynamodb:GetItem", ""), ("dynamodb:PutItem", "")]),
    ("aws_cloudwatch_event_bus", &[("events:PutEvents", "")]),
];

/// The condition key of the id that keeps a deputy from being confused
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>).
pub(super) const EXTERNAL_ID: &str = "sts:ExternalId";

/// Something that is entered.
#[derive(Debug)]
pub(super) struct Target {
    cases: Vec<Case>,
}

impl Target {
    /// The ways in that are tried.
    pub(super) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter()
    }
}

/// All of an account: its roles, and the resources that its root modules made.
pub(super) fn of(suite: &Suite<'_>) -> Vec<Target> {
    let facts = suite.facts();
    let deployers = facts.deployers.iter().map(|it| it.role_arn.as_str());
    let functions = facts.functions.iter().filter(|it| it.deployed).map(|it| it.role_arn.as_str());
    let roles = facts.roles.iter().filter(|it| !it.is_user()).map(|it| it.arn.as_str());
    let pipelines = suite.pipeline_roles();
    let roles: BTreeSet<&str> = deployers.chain(functions).chain(roles).chain(pipelines).collect();
    let made = |arn: &str| {
        let mut all = suite.account().outputs().resources("aws_iam_role");
        all.find(|role| role.text("arn") == Some(arn))
    };
    let roles = roles.into_iter().map(|arn| role(suite, arn, made(arn)));
    let outputs = suite.account().outputs();
    let resources = RESOURCES.iter().flat_map(|(kind, actions)| {
        outputs.resources(kind).filter_map(|made| resource(suite, made, actions))
    });
    roles.chain(resources).collect()
}

/// A role: by whom it is assumed, and where its trust policy asks for an external id, also
/// without it and with another one.
fn role(suite: &Suite<'_>, arn: &str, made: Option<&Instance>) -> Target {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let place = suite.account().scoped(&format!("role-{name}"));
    let agreed = made.and_then(|made| made.text("assume_role_policy")).and_then(external_id);
    let case = |how: How, name: &str, title: String, given: Option<&str>| {
        let mut context = tags(made, &["iam:ResourceTag", "aws:ResourceTag"]);
        context.set("sts:RoleSessionName", SESSION);
        if let Some(given) = given {
            context.set(EXTERNAL_ID, given);
        }
        let action = "sts:AssumeRole".to_owned();
        let questions = vec![Question { action, resource: arn.to_owned(), context }];
        Case { name: name.to_owned(), place: place.clone(), title, how, questions }
    };
    let assume = How::Assume { external_id: agreed.clone() };
    let mut cases = vec![case(
        assume,
        "assumes",
        format!("becomes {place} where neither account's policy names it"),
        agreed.as_deref(),
    )];
    if agreed.is_some() {
        let another = "ringfence-another-id";
        cases.push(case(
            How::WithoutExternalId { given: None },
            "assumes-without-external-id",
            format!("becomes {place} without the external id"),
            None,
        ));
        cases.push(case(
            How::WithoutExternalId { given: Some(another.to_owned()) },
            "assumes-with-another-external-id",
            format!("becomes {place} with another external id"),
            Some(another),
        ));
    }
    Target { cases }
}

/// The first external id that a trust policy asks for.
fn external_id(trust: &str) -> Option<String> {
    let of = |statement: &Value| {
        let operators = statement.get("Condition")?.as_object()?.values();
        let keys = operators.filter_map(Value::as_object).flatten();
        let mut asked = keys.filter(|(key, _)| key.eq_ignore_ascii_case(EXTERNAL_ID));
        let value = asked.next()?.1;
        let first = value.as_str().or_else(|| value.get(0)?.as_str());
        first.map(str::to_owned)
    };
    statements(trust).iter().find_map(of)
}

/// A resource, by each of the actions that stand for its use.
fn resource(suite: &Suite<'_>, made: &Instance, actions: &[(&str, &str)]) -> Option<Target> {
    let arn = made.text("arn").filter(|arn| !arn.is_empty())?;
    let name = arn.rsplit([':', '/']).next().unwrap_or(arn);
    let service = arn.split(':').nth(2).unwrap_or_default();
    let place = suite.account().scoped(&format!("{service}-{name}"));
    let cases = actions.iter().map(|(action, below)| {
        let on = match *below {
            "" => vec![arn.to_owned()],
            below => objects(suite, arn, &format!("{arn}{below}")),
        };
        let question = |resource: String| Question {
            action: (*action).to_owned(),
            resource,
            context: tags(Some(made), &["aws:ResourceTag"]),
        };
        let plain = action.replace(':', "-");
        Case {
            name: format!("uses-{plain}"),
            place: place.clone(),
            title: format!(
                "is allowed {action} on {place} where neither account's policy names it"
            ),
            how: How::Use,
            questions: on.into_iter().map(question).collect(),
        }
    });
    Some(Target { cases: cases.collect() })
}

/// An object that no policy speaks of, and one for each pattern that the bucket's policy
/// speaks of.
fn objects(suite: &Suite<'_>, bucket: &str, below: &str) -> Vec<String> {
    let mut objects = BTreeSet::from([format!("{below}ringfence-probe")]);
    let name = bucket.rsplit(':').next().unwrap_or_default();
    let outputs = suite.account().outputs();
    let policies = outputs.resources("aws_s3_bucket_policy");
    let own = policies.filter(|it| it.text("bucket") == Some(name));
    for statement in own.filter_map(|it| it.text("policy")).flat_map(statements) {
        let resources = statement.get("Resource").cloned().unwrap_or_default();
        let all = match &resources {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect::<Vec<_>>(),
        };
        let inside = all.into_iter().filter(|it| it.starts_with(below) && it.len() > below.len());
        objects.extend(
            inside.map(|pattern| pattern.replace('*', "ringfence-probe").replace('?', "r")),
        );
    }
    objects.into_iter().collect()
}

/// The tags of a resource, as condition keys.
fn tags(made: Option<&Instance>, prefixes: &[&str]) -> Context {
    let mut context = Context::new();
    let tags = made.and_then(|made| made.attributes.get("tags_all")?.as_object());
    for (key, value) in tags.into_iter().flatten() {
        for prefix in prefixes {
            context.set(&format!("{prefix}/{key}"), value.as_str().unwrap_or_default());
        }
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_is_read_from_whichever_operator_and_spelling_asks_for_it() {
        let trust = |condition: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"sts:AssumeRole","Condition":{condition}}}]}}"#
            )
        };
        let id = |condition: &str| external_id(&trust(condition));
        assert_eq!(id(r#"{"StringEquals":{"sts:ExternalId":"a"}}"#).as_deref(), Some("a"));
        assert_eq!(id(r#"{"StringLike":{"STS:externalid":["b","c"]}}"#).as_deref(), Some("b"));
        assert_eq!(id(r#"{"StringEquals":{"aws:PrincipalOrgID":"o"}}"#), None);
        assert_eq!(external_id("no policy"), None);
    }
}
