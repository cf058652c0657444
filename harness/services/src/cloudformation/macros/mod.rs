//! The macros of a template, in AWS's order: what stands inside it first
//! (`Fn::Transform`), then those of the whole, as they are listed
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-overview.html>).
//!
//! | macro | where |
//! |---|---|
//! | `AWS::Include` | `include` |
//! | `AWS::LanguageExtensions` | `language`, `names`; its functions that hang on resources are evaluated like all others |
//! | `AWS::Serverless-2016-10-31` | AWS's translator, `super::transform` |

mod include;
mod language;
mod names;

use ringfence_wire::ServiceError;
use serde_json::{Map, Value};

use super::CloudFormation;
use super::error::validation;
use super::template::{Document, LANGUAGE_EXTENSIONS, ParameterValue, SERVERLESS, TemplateError};
use crate::credentials::Credentials;

impl CloudFormation {
    /// A template's body after all its macros.
    ///
    /// # Errors
    /// The sentence that a change set gives as its reason.
    pub(super) async fn expand(
        &self,
        document: &Document,
        parameters: &[ParameterValue],
        credentials: &Credentials,
    ) -> Result<Map<String, Value>, ServiceError> {
        let values: Map<String, Value> =
            parameters.iter().map(|value| (value.key.clone(), value.seen())).collect();
        let mut body = self.include(document.body.clone(), &values, credentials).await?;
        for transform in &document.transforms {
            match transform.as_str() {
                SERVERLESS => {
                    body = self.translator.expand(&body, &values).await.map_err(validation)?;
                }
                LANGUAGE_EXTENSIONS => body = extended(&body, &values)?,
                // Includes are done.
                _ => {}
            }
        }
        body.shift_remove("Transform");
        body.shift_remove("Globals");
        Ok(body)
    }
}

/// A body after `AWS::LanguageExtensions`.
pub(super) fn extended(
    body: &Map<String, Value>,
    parameters: &Map<String, Value>,
) -> Result<Map<String, Value>, TemplateError> {
    let written = language::expand(body, parameters)?;
    let mappings = written.get("Mappings").cloned().unwrap_or(Value::Null);
    let known = names::Known { parameters, mappings: &mappings };
    Ok(written.into_iter().map(|(key, section)| (key, known.named(section))).collect())
}
