//! API keys with their usage plans.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html>

use http::HeaderMap;
use serde_json::{Value, json};

use super::RestApis;
use super::answers::Failure;
use super::serve::header;

impl RestApis {
    /// The key of a request, which a usage plan lets call the stage.
    pub(super) async fn key(
        &self,
        headers: &HeaderMap,
        api_id: &str,
        stage: &str,
    ) -> Result<String, Failure> {
        let value = header(headers, "x-api-key").ok_or(Failure::Forbidden)?;
        let ask = async |operation: &str, input: Value| {
            self.records.ask(operation, input).await.map_err(|_| Failure::Internal)
        };
        let keys = ask("GetApiKeys", json!({ "includeValues": true, "limit": 500 })).await?;
        let key = items(&keys).find(|key| {
            key.get("value").and_then(Value::as_str) == Some(value)
                && key.get("enabled").and_then(Value::as_bool) == Some(true)
        });
        let id = key.and_then(|key| key.get("id")?.as_str()).ok_or(Failure::Forbidden)?;
        let plans = ask("GetUsagePlans", json!({ "keyId": id, "limit": 500 })).await?;
        let stages = items(&plans).filter_map(|plan| plan.get("apiStages")?.as_array()).flatten();
        let is =
            |it: &Value, name: &str, text: &str| it.get(name).and_then(Value::as_str) == Some(text);
        let mut covered = stages.filter(|it| is(it, "apiId", api_id) && is(it, "stage", stage));
        covered.next().map(|_| value.to_owned()).ok_or(Failure::Forbidden)
    }
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    ["items", "item"].into_iter().filter_map(|name| answer.get(name)?.as_array()).flatten()
}
