//! CloudFormation's templates: JSON or YAML, by their first character.
//!
//! The deployment and the lint both read here, so that both judge the same
//! document.

use super::json::{self, Numbers};
use super::yaml::{self, Aliases, Scalars, Tags};
use super::{Bounds, Document, Fault, Place, Repeats, TextError};

/// AWS's own limit of nesting is not published.
const DEPTH: usize = 100;

/// A template's length is checked where it arrives, in AWS's own words.
const BOUNDS: Bounds = Bounds { depth: DEPTH, bytes: usize::MAX };

/// Of a key that stands twice the last value counts
/// (<https://github.com/aws-cloudformation/cfn-language-discussion/issues/96>).
const JSON: json::Dialect =
    json::Dialect { repeats: Repeats::LastWins, numbers: Numbers::Doubles, bounds: BOUNDS };

/// CloudFormation's dialect of YAML 1.1, as `sam`'s reader has it:
///
/// - a key that stands twice: the last value counts
///   (<https://github.com/aws-cloudformation/cfn-lint/issues/35>);
/// - aliases and hash merges: refused, as CloudFormation refuses them
///   (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>).
const YAML: yaml::Dialect = yaml::Dialect {
    repeats: Repeats::LastWins,
    scalars: Scalars::Yaml11,
    tags: Tags::CloudFormation,
    aliases: Aliases::Refused,
    bounds: BOUNDS,
};

/// Why a template could not be read. `Display` is CloudFormation's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct TemplateError {
    /// Where.
    pub at: Place,
    /// Why.
    pub fault: Fault,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json {
        /// Whether it is wrong that the text ends.
        at_end: bool,
    },
    Yaml,
}

impl TemplateError {
    fn sentence(&self) -> String {
        let Place { line, column } = self.at;
        match (self.form, &self.fault) {
            // AWS gives the place behind the character at fault (LocalStack's
            // recorded `test_validate_invalid_json_template_should_fail`).
            (Form::Json { at_end }, _) => {
                let column = if at_end { column } else { column + 1 };
                format!(
                    "Template format error: JSON not well-formed. (line {line}, column {column})"
                )
            }
            // Recorded on AWS without a place.
            (Form::Yaml, fault @ Fault::Alias) => format!("Template error: {fault}"),
            (Form::Yaml, Fault::Malformed(_)) => format!(
                "Template format error: YAML not well-formed. (line {line}, column {column})"
            ),
            (Form::Yaml, fault) => {
                format!("Template format error: {fault} (line {line}, column {column})")
            }
        }
    }
}

impl From<TemplateError> for TextError {
    fn from(error: TemplateError) -> Self {
        Self { at: error.at, fault: error.fault }
    }
}

/// Reads a template.
///
/// # Errors
/// With the place of what is wrong.
pub fn read(text: &str) -> Result<Document, TemplateError> {
    if !text.trim_start().starts_with('{') {
        return yaml(text);
    }
    let error = match json::read(text, &JSON) {
        Ok(document) => return Ok(document.placed(text)),
        Err(error) => error,
    };
    // What is no JSON may be YAML that begins with a brace: AWS takes a comma
    // behind the last member (LocalStack's recorded
    // `test_lambda_cfn_dead_letter_config_async_invocation`).
    yaml(text).map_err(|_| {
        let form = Form::Json { at_end: error.at >= text.len() };
        let TextError { at, fault } = error.placed(text);
        TemplateError { at, fault, form }
    })
}

fn yaml(text: &str) -> Result<Document, TemplateError> {
    let read = yaml::read(text, &YAML);
    read.map_err(|TextError { at, fault }| TemplateError { at, fault, form: Form::Yaml })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(
        "a: &x 1\nb: *x\n",
        "Template error: YAML aliases are not allowed in CloudFormation templates"
    )]
    #[case("a: !Foo b\n", "Template format error: unknown tag `!Foo` (line 1, column 4)")]
    #[case("<<: {a: b}\n", "Template format error: hash merge `<<` (line 1, column 1)")]
    #[case("a: [1\nb: 2\n", "Template format error: YAML not well-formed. (line 2, column 2)")]
    #[case("a: [1,\nb\n", "Template format error: YAML not well-formed. (line 2, column 1)")]
    #[case("a: 1\n---\nb: 2\n", "Template format error: more than one document (line 3, column 1)")]
    #[case("{\"a\": {}}}", "Template format error: JSON not well-formed. (line 1, column 11)")]
    #[case("{\"a\"=\"b\"}", "Template format error: JSON not well-formed. (line 1, column 6)")]
    #[case("{\"a\": [1\n", "Template format error: JSON not well-formed. (line 2, column 1)")]
    fn what_cannot_be_read_is_refused_in_cloudformations_words(
        #[case] text: &str,
        #[case] sentence: &str,
    ) {
        assert_eq!(read(text).unwrap_err().to_string(), sentence);
    }

    #[rstest]
    #[case("{\"A\": 1, \"B\": [true], \"A\": 2}")]
    #[case("{\"A\": 1, \"B\": [yes,], \"A\": 2,}")]
    #[case("A: 1\nB: [on]\nA: 2\n")]
    fn both_forms_are_read_and_the_last_value_of_a_key_counts(#[case] text: &str) {
        let document = read(text).unwrap();
        assert_eq!(document.repeated.len(), 1);
        assert_eq!(document.root.into_json(), json!({"A": 2, "B": [true]}));
    }

    #[test]
    fn both_forms_give_the_same_tree_with_their_own_places() {
        let yaml = read("A:\n  - !Sub 'x-${y}'\n  - 1\nB: !Ref R\n").unwrap();
        let json =
            read("{\"A\": [{\"Fn::Sub\": \"x-${y}\"}, 1],\n \"B\": {\"Ref\": \"R\"}}").unwrap();
        let place = |document: &Document| document.root.get("A").map(|list| list.items()[0].at);
        assert_eq!(place(&yaml), Some(Place { line: 2, column: 5 }));
        assert_eq!(place(&json), Some(Place { line: 1, column: 8 }));
        assert_eq!(json.root.members()[1].at, Place { line: 2, column: 2 });
        assert_eq!(yaml.root.into_json(), json.root.into_json());
    }
}
