//! The tags that S3 refuses. Of a key that stands twice, the decision would rest on one
//! value and the upstream keep the other.
//!
//! The rules are S3's (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html>), the sentences as
//! recorded on AWS (LocalStack's `test_tagging_validation`, `test_put_object_with_tags`).

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use crate::checks::tags::is_reserved;

/// Checks a call that sets tags.
///
/// # Errors
/// `InvalidTag` for those of a body, `InvalidArgument` for those of a header.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    let new_bucket = call.input.get("CreateBucketConfiguration");
    let given = call.input.get("Tagging").or_else(|| new_bucket?.get("Tags"));
    match given {
        Some(Value::String(header)) => of_header(header),
        Some(body) => of_body(call, body),
        None => Ok(()),
    }
}

fn of_header(header: &str) -> Result<(), ServiceError> {
    let mut keys = BTreeSet::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decoded(key), decoded(value));
        if key.as_deref().is_some_and(is_reserved) {
            let message = "Your TagKey cannot be prefixed with aws:";
            return Err(ServiceError::new(400, "InvalidTag", message)
                .with("TagKey", key.unwrap_or_default()));
        }
        let good = |text: &Option<String>| text.as_deref().is_some_and(has_only_characters);
        if !good(&key) || !good(&value) || !keys.insert(key) {
            let message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded \
                           URL query parameters without tag name duplicates.";
            return Err(ServiceError::new(400, "InvalidArgument", message)
                .with("ArgumentName", "x-amz-tagging")
                .with("ArgumentValue", header));
        }
    }
    Ok(())
}

fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(Into::into)
}

/// "letters, spaces, and numbers representable in UTF-8, and the following
/// characters: + - = . _ : / @".
fn has_only_characters(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "+-=._:/@".contains(c))
}

fn of_body(call: &Call, body: &Value) -> Result<(), ServiceError> {
    let tags = body.get("TagSet").unwrap_or(body);
    let tags = tags.get("Tag").unwrap_or(tags);
    let mut keys = BTreeSet::new();
    for tag in tags.as_array().map_or(std::slice::from_ref(tags), Vec::as_slice) {
        let text = |name: &str| tag.get(name).and_then(Value::as_str);
        let Some(key) = text("Key") else { continue };
        // As the decision reads it.
        let value = text("Value").unwrap_or_default();
        let refused =
            |message: &str| ServiceError::new(400, "InvalidTag", message).with("TagKey", key);
        if !keys.insert(key) {
            return Err(refused("Cannot provide multiple Tags with the same key"));
        }
        if is_reserved(key) {
            return Err(refused(match call.name() {
                "PutObjectTagging" => "Your TagKey cannot be prefixed with aws:",
                _ => "System tags cannot be added/updated by requester",
            }));
        }
        if !(1..=128).contains(&key.chars().count()) || !has_only_characters(key) {
            return Err(refused("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 || !has_only_characters(value) {
            let error = refused("The TagValue you have provided is invalid");
            return Err(error.with("TagValue", value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Service;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::requirements::tests::call;

    fn body(tags: &[(&str, &str)]) -> Value {
        let tags = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
        json!({"Bucket": "b", "Key": "k", "Tagging": {"TagSet": tags.collect::<Vec<_>>()}})
    }

    #[rstest]
    #[case::twice("PutBucketTagging", &[("a", "1"), ("a", "2")], "Cannot provide multiple Tags with the same key", "a")]
    #[case::of_an_object("PutObjectTagging", &[("a", "1"), ("a", "1")], "Cannot provide multiple Tags with the same key", "a")]
    #[case::key("PutObjectTagging", &[("a,b", "1")], "The TagKey you have provided is invalid", "a,b")]
    #[case::value("PutBucketTagging", &[("a", "1,2")], "The TagValue you have provided is invalid", "a")]
    #[case::system("PutBucketTagging", &[("aws:a", "1")], "System tags cannot be added/updated by requester", "aws:a")]
    #[case::any_letter_case("PutBucketTagging", &[("Aws:a", "1")], "System tags cannot be added/updated by requester", "Aws:a")]
    #[case::prefix("PutObjectTagging", &[("aws:a", "1")], "Your TagKey cannot be prefixed with aws:", "aws:a")]
    fn tags_that_are_none_are_refused(
        #[case] operation: &str,
        #[case] tags: &[(&str, &str)],
        #[case] message: &str,
        #[case] key: &str,
    ) {
        let error = check(&call(Service::S3, operation, body(tags))).unwrap_err();
        assert_eq!(
            (error.status, error.code.as_ref(), &*error.message),
            (400, "InvalidTag", message)
        );
        assert_eq!(error.members.first(), Some(&("TagKey", key.to_owned())));
        let good = body(&[("a", "1"), ("A", ""), ("ö +-=._:/@", "x y")]);
        assert_eq!(check(&call(Service::S3, operation, good)), Ok(()));
    }

    /// The bucket would be made, and its tags refused after it.
    #[rstest]
    #[case::twice(json!([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]), "Cannot provide multiple Tags with the same key")]
    #[case::twice_without_a_value(json!([{"Key": "a"}, {"Key": "a", "Value": "2"}]), "Cannot provide multiple Tags with the same key")]
    #[case::a_comma(json!([{"Key": "a,b", "Value": "1"}]), "The TagKey you have provided is invalid")]
    fn tags_of_a_new_bucket_are_refused_before_it_is_made(
        #[case] tags: Value,
        #[case] message: &str,
    ) {
        let made = |tags: &Value| {
            let input = json!({"Bucket": "b", "CreateBucketConfiguration": {"Tags": tags}});
            check(&call(Service::S3, "CreateBucket", input))
        };
        let error = made(&tags).unwrap_err();
        let told = (error.status, error.code.as_ref(), &*error.message);
        assert_eq!(told, (400, "InvalidTag", message));
        assert_eq!(made(&json!([{"Key": "a", "Value": "1"}, {"Key": "b"}])), Ok(()));
    }

    #[rstest]
    #[case::plain("a=1&aws:b=2", "aws:b")]
    #[case::encoded("%41WS%3Ab=2", "AWS:b")]
    fn a_header_sets_no_tag_of_awss(#[case] header: &str, #[case] key: &str) {
        let input = json!({"Bucket": "b", "Key": "k", "Tagging": header});
        let error = check(&call(Service::S3, "PutObject", input)).unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (400, "InvalidTag"));
        assert_eq!(error.message, "Your TagKey cannot be prefixed with aws:");
        assert_eq!(error.members.first(), Some(&("TagKey", key.to_owned())));
    }

    #[rstest]
    #[case::twice("a=1&a=2", false)]
    #[case::encoded("a=1&%61=2", false)]
    #[case::a_comma("a=1,b=2", false)]
    #[case::no_text("a=%ff", false)]
    #[case::two("a=1&A=2", true)]
    #[case::no_value("a&b=", true)]
    #[case::none("", true)]
    fn a_header_names_each_key_once(#[case] header: &str, #[case] taken: bool) {
        let input = json!({"Bucket": "b", "Key": "k", "Tagging": header});
        let checked = check(&call(Service::S3, "PutObject", input));
        let code = checked.as_ref().err().map(|error| (error.status, error.code.as_ref()));
        assert_eq!(code, (!taken).then_some((400, "InvalidArgument")), "{checked:?}");
    }
}
