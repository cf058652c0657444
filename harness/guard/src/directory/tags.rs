//! The tags of resources, of every service that has any.
//!
//! Most services tell them by one operation that takes the ARN, which their
//! models show; the table has the others.

use ringfence_wire::{Operation, Service, ServiceError};
use serde_json::{Map, Value};

use super::Directory;
use super::arns::{self, Arn};
use super::resource_policies::{says_absent, unreadable};
use super::tag_table::{OF_MODELS, ROWS};
use crate::requirements::state::{Tags, Told};

/// One question about a resource's tags.
struct Question {
    api: Service,
    operation: &'static str,
    input: Map<String, Value>,
}

impl Directory {
    /// The tags of a resource, by ARN.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn resource_tags(
        &self,
        region: &str,
        arn: &str,
    ) -> Result<Told<Tags>, ServiceError> {
        let Some(arn) = Arn::parse(arn) else { return Ok(Told::Nothing) };
        // Other accounts hold nothing here.
        if !arn.account.is_empty() && arn.account != self.setting.account_id {
            return Ok(Told::Nothing);
        }
        let region = if arn.region.is_empty() { region } else { arn.region };
        let Some(question) = question(&arn) else {
            return Ok(Told::Unknown(format!("nothing tells the tags of {}", arn.service)));
        };
        let load = self.ask_for_tags(region, &question);
        // What changes the tags of an object is not told from what writes it.
        let told = match question.api {
            Service::S3 => load.await,
            api => {
                let key = format!("{}\n{}", api.name(), arn.text);
                self.tags.get(&key, load).await
            }
        };
        match told {
            Err(error) if error.code != "ServiceUnavailable" => {
                let (api, operation) = (question.api.name(), question.operation);
                Ok(Told::Unknown(format!("{api}:{operation} answers {}", error.code)))
            }
            told => told,
        }
    }

    async fn ask_for_tags(
        &self,
        region: &str,
        question: &Question,
    ) -> Result<Told<Tags>, ServiceError> {
        let input = Value::Object(question.input.clone());
        match self.ask_in(region, question.api, question.operation, input).await {
            Ok(Value::Object(answer)) if says_more(&answer) => {
                Ok(Told::Unknown("it has more tags than one answer tells".to_owned()))
            }
            Ok(Value::Object(answer)) => Ok(Told::Is(tags_of(&answer))),
            Ok(_) => Err(unreadable()),
            Err(error) if says_absent(&error) => Ok(Told::Nothing),
            Err(error) => Err(error),
        }
    }
}

fn question(arn: &Arn<'_>) -> Option<Question> {
    if arn.service == "s3" {
        return Some(of_s3(arn));
    }
    for row in ROWS.iter().filter(|row| row.service == arn.service) {
        let Some(found) = arns::find(row.resource, arn.resource) else { continue };
        return Some(Question {
            api: Service::of(row.api)?,
            operation: row.operation,
            input: arns::input(row.input, arn, &found)?,
        });
    }
    Service::by_iam_prefix(arn.service).iter().find_map(|api| of_models(*api, arn))
}

fn of_s3(arn: &Arn<'_>) -> Question {
    let (bucket, key) = match arn.resource.split_once('/') {
        Some((bucket, key)) => (bucket, Some(key)),
        None => (arn.resource, None),
    };
    let mut input = Map::from_iter([("Bucket".to_owned(), bucket.into())]);
    if let Some(key) = key {
        input.insert("Key".to_owned(), key.into());
    }
    let operation = if key.is_some() { "GetObjectTagging" } else { "GetBucketTagging" };
    Question { api: Service::S3, operation, input }
}

fn of_models(api: Service, arn: &Arn<'_>) -> Option<Question> {
    let operation = OF_MODELS.into_iter().find_map(|name| Operation::find(api, name))?;
    let mut required = operation.members.iter().filter(|member| member.required);
    let (Some(member), None) = (required.next(), required.next()) else { return None };
    if !member.name.to_ascii_lowercase().contains("arn") {
        return None;
    }
    Some(Question {
        api,
        operation: operation.name,
        input: Map::from_iter([(member.name.to_owned(), arn.text.into())]),
    })
}

/// Whether an answer is a page of several.
fn says_more(answer: &Map<String, Value>) -> bool {
    let is_more = |value: &Value| match value {
        Value::String(text) => !text.is_empty() && text != "false",
        Value::Bool(more) => *more,
        _ => false,
    };
    ["NextToken", "nextToken", "NextMarker", "Truncated", "HasMoreTags", "position"]
        .into_iter()
        .any(|name| answer.get(name).is_some_and(is_more))
}

fn is_of_tags(name: &str) -> bool {
    name.to_ascii_lowercase().contains("tag")
}

/// The tags in an answer, whatever the service calls them.
fn tags_of(answer: &Map<String, Value>) -> Tags {
    let named = answer
        .iter()
        .filter(|(name, value)| is_of_tags(name) && (value.is_array() || value.is_object()));
    named.flat_map(|(_, value)| tags_in(value)).collect()
}

/// Tags as a list of keys with values, as a map, or one deeper
/// (`TagInfoForResource`, `ResourceTagSet`, XML's `entry`).
fn tags_in(value: &Value) -> Tags {
    const INNER: [&str; 4] = ["entry", "Items", "item", "member"];
    match value {
        Value::Array(items) => items.iter().flat_map(tags_in).collect(),
        Value::Object(members) => {
            if let Some(tag) = tag(members) {
                return vec![tag];
            }
            let is_deeper = |(name, value): &(&String, &Value)| {
                (is_of_tags(name) || INNER.contains(&name.as_str()))
                    && (value.is_array() || value.is_object())
            };
            if members.iter().any(|member| is_deeper(&member)) {
                return members
                    .iter()
                    .filter(is_deeper)
                    .flat_map(|(_, value)| tags_in(value))
                    .collect();
            }
            let pair =
                |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
            members.iter().filter_map(pair).collect()
        }
        _ => Tags::new(),
    }
}

fn tag(members: &Map<String, Value>) -> Option<(String, String)> {
    let text = |names: [&str; 3]| names.into_iter().find_map(|name| members.get(name)?.as_str());
    let key = text(["Key", "key", "TagKey"])?;
    // A map may have a tag that is called so.
    let is_pair = members.len() == 1
        || ["Value", "value", "TagValue"].into_iter().any(|name| members.contains_key(name));
    is_pair.then(|| {
        let value = text(["Value", "value", "TagValue"]).unwrap_or_default();
        (key.to_owned(), value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Operation;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::list(json!({"Tags": [{"Key": "team", "Value": "a"}]}))]
    #[case::lower(json!({"tags": [{"key": "team", "value": "a"}]}))]
    #[case::kms(json!({"Tags": [{"TagKey": "team", "TagValue": "a"}], "Truncated": false}))]
    #[case::map(json!({"tags": {"team": "a"}}))]
    #[case::waf(json!({"TagInfoForResource": {"ResourceARN": "arn", "TagList": [{"Key": "team", "Value": "a"}]}}))]
    #[case::xml(json!({"TagList": {"Tag": [{"Key": "team", "Value": "a"}]}}))]
    #[case::xml_of_one(json!({"TagList": {"Tag": {"Key": "team", "Value": "a"}}}))]
    #[case::load_balancers(json!({"TagDescriptions": [
        {"ResourceArn": "arn", "Tags": [{"Key": "team", "Value": "a"}]}]}))]
    #[case::route53(json!({"ResourceTagSet": {"ResourceId": "Z1", "Tags": {"Tag": {"Key": "team", "Value": "a"}}}}))]
    #[case::cloudfront(json!({"Tags": {"Items": [{"Key": "team", "Value": "a"}]}}))]
    #[case::trail(json!({"ResourceTagList": [{"ResourceId": "arn", "TagsList": [{"Key": "team", "Value": "a"}]}]}))]
    #[case::sns_as_xml(json!({"Tags": [{"Key": "team", "Value": "a"}]}))]
    fn tags_are_read_in_every_form(#[case] answer: Value) {
        assert_eq!(tags_of(answer.as_object().unwrap()), [("team".to_owned(), "a".to_owned())]);
    }

    #[test]
    fn a_tag_may_be_called_key() {
        let answer = json!({"tags": {"Key": "a", "tagged": "b"}});
        let tags = tags_of(answer.as_object().unwrap());
        assert_eq!(tags, [("Key".into(), "a".into()), ("tagged".into(), "b".into())]);
        assert_eq!(tags_of(json!({"Tags": ""}).as_object().unwrap()), []);
    }

    /// What a row names is in the models: a misspelt one would tell nothing.
    #[test]
    fn every_row_is_of_the_models() {
        for row in ROWS {
            let api = Service::of(row.api).unwrap_or_else(|| panic!("{}", row.api));
            let operation = Operation::find(api, row.operation);
            let operation = operation.unwrap_or_else(|| panic!("{}:{}", row.api, row.operation));
            for (member, _) in row.input {
                assert!(operation.member(member).is_some(), "{}: {member}", operation.name);
            }
        }
    }

    #[rstest]
    #[case("arn:aws:sqs:eu-west-1:1:q", "sqs:ListQueueTags", json!({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/q"}))]
    #[case("arn:aws:sns:eu-west-1:1:t", "sns:ListTagsForResource", json!({"ResourceArn": "arn:aws:sns:eu-west-1:1:t"}))]
    #[case("arn:aws:states:eu-west-1:1:stateMachine:m", "stepfunctions:ListTagsForResource",
        json!({"resourceArn": "arn:aws:states:eu-west-1:1:stateMachine:m"}))]
    #[case("arn:aws:ssm:eu-west-1:1:parameter/a/b", "ssm:ListTagsForResource",
        json!({"ResourceType": "Parameter", "ResourceId": "/a/b"}))]
    #[case("arn:aws:ssm:eu-west-1:1:parameter/a", "ssm:ListTagsForResource",
        json!({"ResourceType": "Parameter", "ResourceId": "a"}))]
    #[case("arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/f:*", "logs:ListTagsForResource",
        json!({"resourceArn": "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/f"}))]
    #[case("arn:aws:s3:::b/k/l", "s3:GetObjectTagging", json!({"Bucket": "b", "Key": "k/l"}))]
    #[case("arn:aws:s3:::b", "s3:GetBucketTagging", json!({"Bucket": "b"}))]
    #[case("arn:aws:dynamodb:eu-west-1:1:table/t", "dynamodb:ListTagsOfResource",
        json!({"ResourceArn": "arn:aws:dynamodb:eu-west-1:1:table/t"}))]
    fn questions_name_the_resource(#[case] arn: &str, #[case] asked: &str, #[case] input: Value) {
        let question = question(&Arn::parse(arn).unwrap()).unwrap();
        let named = format!("{}:{}", question.api.name(), question.operation);
        assert_eq!((named.as_str(), Value::Object(question.input)), (asked, input));
    }
}
