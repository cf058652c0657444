//! The session tags of `aws-actions/configure-aws-credentials`, which it sets
//! where a role is assumed with credentials and not with a token.

use serde_json::Value as Json;

use super::super::expression::Object;

/// The name of a session where nothing is said.
pub(super) const NAME: &str = "GitHubActions";

/// Tags, and the members of `github` that are their values.
const TAGS: [(&str, &str); 12] = [
    ("Repository", "repository"),
    ("Workflow", "workflow"),
    ("Action", "action"),
    ("Actor", "actor"),
    ("Commit", "sha"),
    ("Branch", "ref"),
    ("EventName", "event_name"),
    ("BaseRef", "base_ref"),
    ("HeadRef", "head_ref"),
    ("RunId", "run_id"),
    ("Job", "job"),
    ("TriggeringActor", "triggering_actor"),
];

/// A tag's value has at most so many characters.
const LONGEST: usize = 256;

/// The tags of a session, with those of `custom-tags`.
///
/// # Errors
/// What is wrong with those.
pub(super) fn tags(github: &Object, custom: Option<&str>) -> Result<Vec<(String, String)>, String> {
    let mut tags = vec![("GitHub".to_owned(), "Actions".to_owned())];
    for (key, member) in TAGS {
        let value = github.get(member).map(|value| value.text()).unwrap_or_default();
        if !value.is_empty() {
            tags.push((key.to_owned(), sanitized(&value)));
        }
    }
    let Some(custom) = custom else { return Ok(tags) };
    let Ok(Json::Object(custom)) = serde_json::from_str(custom) else {
        return Err("custom-tags: input must be a JSON object".to_owned());
    };
    for (key, value) in custom {
        let value = match value {
            Json::String(text) => text,
            Json::Number(_) | Json::Bool(_) => value.to_string(),
            _ => {
                return Err(format!(
                    "custom-tags: value for key '{key}' must be a string, number, or boolean"
                ));
            }
        };
        if tags.iter().any(|(known, _)| *known == key) {
            return Err(format!("custom-tags: key '{key}' conflicts with a protected session tag"));
        }
        tags.push((key, value));
    }
    Ok(tags)
}

/// The keys that are transitive: of the asked ones those that are there.
pub(super) fn transitive<'a>(tags: &[(String, String)], asked: &'a [String]) -> Vec<&'a str> {
    let there = asked.iter().filter(|key| tags.iter().any(|(known, _)| known == *key));
    there.map(String::as_str).collect()
}

/// What a tag's value cannot have becomes `_`.
fn sanitized(value: &str) -> String {
    let fits = |letter: char| {
        letter.is_alphanumeric() || letter.is_whitespace() || "_.:/=+-@".contains(letter)
    };
    value.chars().take(LONGEST).map(|letter| if fits(letter) { letter } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_the_tags_of_its_run() {
        let github: Object =
            [("repository", "o/r"), ("actor", "a[bot]"), ("ref", "refs/heads/main"), ("job", "")]
                .into_iter()
                .collect();
        let tags = tags(&github, Some(r#"{"team": "x", "n": 1}"#)).unwrap();
        let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            tags,
            [
                "GitHub=Actions",
                "Repository=o/r",
                "Actor=a_bot_",
                "Branch=refs/heads/main",
                "team=x",
                "n=1"
            ]
        );
    }

    #[test]
    fn custom_tags_that_are_none_are_refused() {
        for (custom, expected) in [
            ("[]", "must be a JSON object"),
            (r#"{"a": {}}"#, "value for key 'a' must be"),
            (r#"{"GitHub": "x"}"#, "key 'GitHub' conflicts"),
        ] {
            let error = tags(&Object::default(), Some(custom)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn keys_are_transitive_where_they_are_there() {
        let own = [("Actor".to_owned(), "a".to_owned())];
        assert_eq!(transitive(&own, &["Actor".to_owned(), "Nope".to_owned()]), ["Actor"]);
    }
}
