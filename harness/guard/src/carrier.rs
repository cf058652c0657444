//! Policy documents that AWS stores and an emulator refuses: of the former
//! version, with a number for a value, about the root user. Such a one travels
//! and is kept inside another, which grants nothing, and is taken out of it
//! wherever the upstream shows it: to the guard, which decides by it, and to
//! clients.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringfence_policy::json;
use ringfence_wire::{Call, Service};
use serde_json::{Map, Value, json};

/// What the `Id` of a carrying document begins with. Nobody else may store it:
/// what it carries has been validated.
const MARK: &str = "ringfence-carries-";

/// The members of calls, and the elements of answers, that hold documents.
const MEMBERS: [&str; 2] = ["PolicyDocument", "AssumeRolePolicyDocument"];
const ELEMENTS: [&str; 3] = ["PolicyDocument", "AssumeRolePolicyDocument", "Document"];

/// Whether a call stores what looks like a carrying document, or would to an
/// upstream that writes a document's texts anew.
pub(crate) fn is_feigned(call: &Call) -> bool {
    let mut texts = MEMBERS.iter().filter_map(|member| call.text(member));
    call.service() == Service::Iam
        && texts.any(|text| {
            text.contains(MARK) || json::parse(text).is_ok_and(|document| has_mark(&document.value))
        })
}

fn has_mark(value: &json::Value) -> bool {
    match value {
        json::Value::String(text) => text.contains(MARK),
        json::Value::Array(items) => items.iter().any(|item| has_mark(&item.value)),
        json::Value::Object(members) => {
            members.iter().any(|member| member.key.contains(MARK) || has_mark(&member.value.value))
        }
        json::Value::Null | json::Value::Bool(_) | json::Value::Number(_) => false,
    }
}

/// The input of a call with its document in another; `None` where it has none.
pub(crate) fn carried(call: &Call) -> Option<Map<String, Value>> {
    if call.service() != Service::Iam {
        return None;
    }
    let member = MEMBERS.into_iter().find(|member| call.text(member).is_some())?;
    let statement = match call.name() {
        "CreateRole" | "UpdateAssumeRolePolicy" => {
            json!({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
        }
        _ => json!({"Effect": "Deny", "Action": "*", "Resource": "*"}),
    };
    let id = format!("{MARK}{}", URL_SAFE_NO_PAD.encode(call.text(member)?));
    let document = json!({"Version": "2012-10-17", "Id": id, "Statement": [statement]});
    let mut input = call.input.clone();
    input.insert(member.to_owned(), document.to_string().into());
    Some(input)
}

/// An answer of IAM's with what its documents carry in their place.
pub(crate) fn restored(answer: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(answer);
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(MARK)) {
        let mark = from + found;
        match element(&text, mark) {
            Some((start, end, document)) => {
                from = start + document.len();
                text.to_mut().replace_range(start..end, &document);
            }
            None => from = mark + MARK.len(),
        }
    }
    text
}

/// The content of the element around a mark, and what belongs there. Elsewhere
/// than in a document the mark is text like any other.
fn element(text: &str, mark: usize) -> Option<(usize, usize, String)> {
    let (before, after) = text.split_at_checked(mark)?;
    let start = before.rfind('>')? + 1;
    let end = mark + after.find('<')?;
    let tag = before.get(before.rfind('<')? + 1..start - 1)?;
    if !ELEMENTS.contains(&tag) {
        return None;
    }
    let carried = after.get(MARK.len()..)?;
    let length = carried
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .unwrap_or(carried.len());
    let document = URL_SAFE_NO_PAD.decode(carried.get(..length)?).ok()?;
    let document = String::from_utf8(document).ok().filter(|text| !text.is_empty())?;
    let encoded = if text.get(start..)?.starts_with('%') {
        utf8_percent_encode(&document, NON_ALPHANUMERIC).to_string()
    } else {
        document.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    };
    Some((start, end, encoded))
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Operation;
    use rstest::rstest;

    use super::*;

    fn call(operation: &str, member: &str, document: &str) -> Call {
        let input = json!({"RoleName": "r", member: document});
        Call {
            operation: Operation::find(Service::Iam, operation).unwrap(),
            region: "us-east-1".into(),
            input: input.as_object().cloned().unwrap(),
            payload: None,
        }
    }

    const OLD: &str = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a<b&${aws:username}/*"}}"#;

    #[rstest]
    #[case::inline("PutRolePolicy", "PolicyDocument")]
    #[case::trust("CreateRole", "AssumeRolePolicyDocument")]
    fn what_is_carried_is_restored_whether_the_answer_is_encoded_or_not(
        #[case] operation: &str,
        #[case] member: &str,
    ) {
        let input = carried(&call(operation, member, OLD)).unwrap();
        assert_eq!(input["RoleName"], "r");
        let document = input[member].as_str().unwrap();
        assert!(!document.contains("Allow"), "{document}");
        let encoded = utf8_percent_encode(document, NON_ALPHANUMERIC).to_string();
        // Between two others, each of which stays.
        let answer = |document: &str| {
            format!("<a>x</a><PolicyDocument>{document}</PolicyDocument><Document>y</Document>")
        };
        let plain = OLD.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let old = utf8_percent_encode(OLD, NON_ALPHANUMERIC).to_string();
        // Percent-encoding takes the hyphens of the mark too, unless the
        // emulator leaves them, as URL encoders do.
        let encoded = encoded.replace("%2D", "-").replace("%5F", "_");
        assert_eq!(restored(&answer(&encoded)), answer(&old));
        let escaped = document.replace('"', "&quot;");
        assert_eq!(restored(&answer(&escaped)), answer(&plain));
    }

    #[test]
    fn several_documents_are_restored_and_other_text_is_left() {
        let input = carried(&call("PutRolePolicy", "PolicyDocument", OLD)).unwrap();
        let document = input["PolicyDocument"].as_str().unwrap();
        let id = document.split('"').find(|part| part.starts_with(MARK)).unwrap();
        let answer = format!(
            "<Document>{document}</Document><Description>{id}</Description><Document>{document}</Document>"
        );
        let plain = OLD.replace('&', "&amp;").replace('<', "&lt;");
        let expected = format!(
            "<Document>{plain}</Document><Description>{id}</Description><Document>{plain}</Document>"
        );
        assert_eq!(restored(&answer), expected);
        for other in ["", "<Document>x</Document>", &format!("<Document>{MARK}!</Document>"), MARK]
        {
            assert_eq!(restored(other), other);
        }
    }

    #[test]
    fn nobody_stores_a_carrying_document() {
        let input = carried(&call("PutRolePolicy", "PolicyDocument", OLD)).unwrap();
        let document = input["PolicyDocument"].as_str().unwrap();
        assert!(is_feigned(&call("PutRolePolicy", "PolicyDocument", document)));
        let escaped = document.replace("ringfence-", r"\u0072ingfence-");
        assert!(is_feigned(&call("PutRolePolicy", "PolicyDocument", &escaped)));
        assert!(!is_feigned(&call("PutRolePolicy", "PolicyDocument", OLD)));
    }
}
