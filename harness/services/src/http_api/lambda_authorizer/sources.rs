//! What of a request says who asks: the identity sources of an authorizer.

use crate::http_api::access_log::Context;
use crate::http_api::authorize::values_at;
use crate::http_api::event::Request;
use crate::http_api::model::{Source, Texts};

/// The values of all sources; none where one is missing or empty: "otherwise, it
/// returns a 401 Unauthorized response without calling the Lambda function"
/// (<https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html>).
pub(super) fn values(
    sources: &[Source],
    request: &Request,
    stage_variables: &Texts,
    facts: &Context,
) -> Option<Vec<String>> {
    let value = |source: &Source| {
        let value = match source {
            Source::Request(place) => values_at(place, &request.headers, &request.query).join(","),
            Source::Stage(name) => stage_variables.get(name).cloned().unwrap_or_default(),
            Source::Context(name) => facts.get(name).cloned().unwrap_or_default(),
        };
        (!value.is_empty()).then_some(value)
    };
    sources.iter().map(value).collect()
}
