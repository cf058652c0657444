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
    let made = |arn: &str| {
        let mut all = suite.account().outputs().resources("aws_iam_role");
        all.find(|role| role.text("arn") == Some(arn))
    };
    let roles = suite.roles().into_iter().map(|arn| role(suite, arn, made(arn)));
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
    let trust = match made {
        Some(made) => made.text("assume_role_policy"),
        None => suite.trust_of(arn),
    };
    let agreed = trust.map(external_ids);
    let question = |given: Given<'_>| {
        let mut context = tags(made, &["iam:ResourceTag", "aws:ResourceTag"]);
        if made.is_none() {
            context.set_unknown("iam:ResourceTag/*").set_unknown("aws:ResourceTag/*");
        }
        context.set("sts:RoleSessionName", SESSION);
        match given {
            Given::This(id) => context.set(EXTERNAL_ID, id),
            Given::Unknown => context.set_unknown(EXTERNAL_ID),
            Given::None => &mut context,
        };
        Question { action: "sts:AssumeRole".to_owned(), resource: arn.to_owned(), context }
    };
    let case = |how: How, name: &str, title: String, questions: Vec<Question>| Case {
        name: name.to_owned(),
        place: place.clone(),
        title,
        how,
        questions,
    };
    let questions = match &agreed {
        None => vec![question(Given::Unknown)],
        Some(ids) if ids.is_empty() => vec![question(Given::None)],
        Some(ids) => {
            let mut asked: Vec<Question> =
                ids.iter().take(MOST_IDS).map(|id| question(Given::This(id))).collect();
            if ids.len() > MOST_IDS {
                asked.push(question(Given::Unknown));
            }
            asked
        }
    };
    let mut cases = vec![case(
        How::Assume,
        "assumes",
        format!("becomes {place} where neither account's policy names it"),
        questions,
    )];
    if agreed.is_some_and(|ids| !ids.is_empty()) {
        cases.push(case(
            How::WithoutExternalId,
            "assumes-without-external-id",
            format!("becomes {place} without the external id"),
            vec![question(Given::None)],
        ));
        cases.push(case(
            How::WithoutExternalId,
            "assumes-with-another-external-id",
            format!("becomes {place} with another external id"),
            vec![question(Given::This("ringfence-another-id"))],
        ));
    }
    Target { cases }
}

/// How many external ids of a trust policy are asked with; beyond them the id is unknown.
const MOST_IDS: usize = 16;

/// With which external id is asked.
#[derive(Debug, Clone, Copy)]
enum Given<'i> {
    None,
    This(&'i str),
    /// With one that cannot be told.
    Unknown,
}

/// The external ids that a trust policy asks for, each once, as they are written.
fn external_ids(trust: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for statement in statements(trust) {
        let condition = statement.get("Condition").and_then(Value::as_object);
        let operators = condition.into_iter().flat_map(|it| it.values());
        let keys = operators.filter_map(Value::as_object).flatten();
        for (_, value) in keys.filter(|(key, _)| key.eq_ignore_ascii_case(EXTERNAL_ID)) {
            let several = value.as_array().map(Vec::as_slice);
            let all = several.unwrap_or(std::slice::from_ref(value));
            for id in all.iter().filter_map(Value::as_str) {
                if !ids.iter().any(|known| known == id) {
                    ids.push(id.to_owned());
                }
            }
        }
    }
    ids
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
        let ids = |condition: &str| external_ids(&trust(condition));
        assert_eq!(ids(r#"{"StringEquals":{"sts:ExternalId":"a"}}"#), ["a"]);
        assert_eq!(ids(r#"{"StringLike":{"STS:externalid":["b","c","b"]}}"#), ["b", "c"]);
        let none: [&str; 0] = [];
        assert_eq!(ids(r#"{"StringEquals":{"aws:PrincipalOrgID":"o"}}"#), none);
        assert_eq!(external_ids("no policy"), none);
        let each = |id: &str| {
            format!(
                r#"{{"Effect":"Allow","Condition":{{"StringEquals":{{"sts:ExternalId":"{id}"}}}}}}"#
            )
        };
        let two = format!(r#"{{"Statement":[{},{}]}}"#, each("a"), each("b"));
        assert_eq!(external_ids(&two), ["a", "b"]);
    }
}
