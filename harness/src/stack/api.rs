//! Requests to the HTTP API, as a client on the internet makes them.

use super::{Stack, StackError};
use crate::terraform::TerraformError;

/// An answer of the HTTP API.
#[derive(Debug, Clone)]
pub struct ApiAnswer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body.
    pub body: String,
}

impl ApiAnswer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Stack {
    /// The id of the HTTP API under test, where one is configured.
    ///
    /// # Errors
    /// When Layer 1 has no such output.
    pub fn api_id(&self) -> Result<Option<String>, StackError> {
        match &self.config.api {
            Some(api) => {
                let id = self.outputs.text_of("api.id_output", &api.id_output);
                Ok(Some(id.map_err(TerraformError::from)?))
            }
            None => Ok(None),
        }
    }

    /// Sends a request to an HTTP API, as a client on the internet would.
    ///
    /// # Errors
    /// When the guard does not answer.
    pub async fn api_request(
        &self,
        api_id: &str,
        method: &str,
        path: &str,
        authorization: Option<&str>,
    ) -> Result<ApiAnswer, reqwest::Error> {
        let mut url = self.endpoint().clone();
        url.set_path(path);
        // A name such as API.execute-api.localhost does not resolve everywhere.
        let port = url.port().unwrap_or(80);
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let mut request = self
            .http
            .request(method, url)
            .header("host", format!("{api_id}.execute-api.localhost:{port}"));
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(ApiAnswer { status, headers, body: answer.text().await? })
    }
}
