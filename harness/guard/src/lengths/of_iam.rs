//! How long the texts of IAM's members are, and which numbers they take, by AWS's model of
//! IAM (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html> has
//! those of names). The words are those that people met: of a name that is too long
//! (<https://github.com/sbstjn/serverless-dynamodb-autoscaling/issues/9>), of an ARN that
//! is too short (<https://github.com/crossplane-contrib/provider-aws/issues/1986>).

use ringfence_models::{Kind, Shape};
use serde_json::Value;

/// What is wrong with a value of IAM's, in AWS's words.
pub(super) fn fault(shape: &Shape, value: &Value) -> Option<String> {
    let (measure, given) = match (shape.kind, value) {
        (Kind::String, Value::String(text)) => ("length", u64::try_from(text.chars().count()).ok()),
        // The query protocol writes numbers as texts.
        (Kind::Integer, Value::String(text)) => ("value", number(text)),
        (Kind::Integer, Value::Number(number)) => ("value", self::number(&number.to_string())),
        _ => return None,
    };
    let given = given?;
    let least = shape.min.filter(|least| given < *least);
    let most = shape.max.filter(|most| given > *most);
    let bound = match (least, most) {
        (Some(least), _) => format!("greater than or equal to {least}"),
        (None, Some(most)) => format!("less than or equal to {most}"),
        (None, None) => return None,
    };
    Some(format!("Member must have {measure} {bound}"))
}

/// A number, those below none as none; nothing for what is no number.
fn number(text: &str) -> Option<u64> {
    text.parse::<i64>().ok().map(|number| u64::try_from(number).unwrap_or_default())
}
