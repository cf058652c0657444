//! What services tell of their own resources: the workgroup of a query, the ARN of
//! a rule that a call names.

use ringfence_wire::ServiceError;
use serde_json::Value;

use super::Directory;
use super::resource_policies::says_absent;
use crate::requirements::state::{Question, Told};

impl Directory {
    /// What the upstream answers to a question.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn told(
        &self,
        region: &str,
        question: &Question,
    ) -> Result<Told<Vec<String>>, ServiceError> {
        let input = Value::Object(question.input.clone());
        let (api, operation) = (question.api.name(), question.operation);
        Ok(match self.ask_in(region, question.api, operation, input).await {
            Ok(answer) => match texts(&answer, question.answer) {
                Some(texts) if texts.is_empty() => Told::Nothing,
                Some(texts) => Told::Is(texts),
                None => Told::Unknown(format!(
                    "{api}:{operation} does not tell {}",
                    question.answer.join(".")
                )),
            },
            Err(error) if says_absent(&error) => Told::Nothing,
            Err(error) if error.code == "ServiceUnavailable" => return Err(error),
            Err(error) => Told::Unknown(format!("{api}:{operation} answers {}", error.code)),
        })
    }
}

/// The texts in a place of an answer: nothing where it lacks the place, and an
/// empty list where a list on the way is empty, or what need not be there is not
/// (`taskRoleArn?`). `#` is the keys of a map.
fn texts(answer: &Value, path: &[&str]) -> Option<Vec<String>> {
    match (path.split_first(), answer) {
        (None, Value::String(text)) if !text.is_empty() => Some(vec![text.clone()]),
        (Some((&"*", rest)), Value::Array(items)) => {
            let each: Option<Vec<_>> = items.iter().map(|item| texts(item, rest)).collect();
            Some(each?.concat())
        }
        // XML writes a list as elements of one name, and an empty one as no text.
        (Some((&"*", _)), Value::Object(members)) if members.len() == 1 => {
            members.values().next().and_then(|inner| match inner {
                Value::Array(_) => texts(inner, path),
                one => texts(&Value::Array(vec![one.clone()]), path),
            })
        }
        (Some((&"*" | &"#", _)), Value::String(text)) if text.is_empty() => Some(Vec::new()),
        (Some((&"#", [])), Value::Object(members)) => Some(members.keys().cloned().collect()),
        (Some((name, rest)), Value::Object(members)) => {
            let (name, may_lack) = match name.strip_suffix('?') {
                Some(name) => (name, true),
                None => (*name, false),
            };
            match members.get(name) {
                None | Some(Value::Null) if may_lack => Some(Vec::new()),
                found => texts(found?, rest),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::a_text(json!({"a": {"b": "x"}}), &["a", "b"], Some(vec!["x"]))]
    #[case::each(json!({"a": [{"b": "x"}, {"b": "y"}]}), &["a", "*", "b"], Some(vec!["x", "y"]))]
    #[case::xml(json!({"a": {"member": [{"b": "x"}]}}), &["a", "*", "b"], Some(vec!["x"]))]
    #[case::xml_of_one(json!({"a": {"member": {"b": "x"}}}), &["a", "*", "b"], Some(vec!["x"]))]
    #[case::xml_of_none(json!({"a": ""}), &["a", "*", "b"], Some(vec![]))]
    #[case::none(json!({"a": []}), &["a", "*", "b"], Some(vec![]))]
    // One that lacks the place tells nothing: the others are not all.
    #[case::half(json!({"a": [{"b": "x"}, {}]}), &["a", "*", "b"], None)]
    #[case::elsewhere(json!({"c": "x"}), &["a"], None)]
    #[case::no_text(json!({"a": 1}), &["a"], None)]
    #[case::empty(json!({"a": ""}), &["a"], None)]
    #[case::keys(json!({"a": {"x": {}, "y": {}}}), &["a", "#"], Some(vec!["x", "y"]))]
    #[case::keys_of_none(json!({"a": ""}), &["a", "#"], Some(vec![]))]
    #[case::may_lack(json!({"a": {}}), &["a", "b?"], Some(vec![]))]
    #[case::may_be_null(json!({"a": {"b": null}}), &["a", "b?"], Some(vec![]))]
    #[case::may_have(json!({"a": {"b": "x"}}), &["a", "b?"], Some(vec!["x"]))]
    #[case::lacks_what_it_may_be_in(json!({}), &["a", "b?"], None)]
    fn answers_are_read(
        #[case] answer: Value,
        #[case] path: &[&str],
        #[case] expected: Option<Vec<&str>>,
    ) {
        let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect());
        assert_eq!(texts(&answer, path), expected);
    }
}
