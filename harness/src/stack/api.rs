//! Requests to the HTTP API, as a client on the internet makes them.

use super::{Stack, StackError};
use crate::terraform::TerraformError;

/// What the output with an API's id is usually called.
pub(crate) const API_ID: &str = "api_id";

/// Who sends requests to APIs and function URLs, whose code a team wrote: what they
/// redirect to is not asked, for that would be another's answer, by a request that this
/// process makes wherever they like.
///
/// # Errors
/// When the system has no TLS to give.
pub(super) fn client() -> Result<reqwest::Client, StackError> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.build().map_err(StackError::Client)
}

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
    /// Who sends requests to APIs.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The id of the HTTP API under test, where one is configured or Layer 1
    /// made one.
    ///
    /// # Errors
    /// When Layer 1 has no such output.
    pub fn api_id(&self) -> Result<Option<String>, StackError> {
        const FIELD: &str = "api.id_output";
        let named = self.config.api.as_ref().and_then(|api| api.id_output.as_deref());
        let usual = self.outputs.get(API_ID).map(|_| API_ID);
        let found = match named.or(usual) {
            Some(name) => self.outputs.text_of(FIELD, name).map(Some),
            None => match self.outputs.ids("aws_apigatewayv2_api") {
                none if none.is_empty() => Ok(None),
                ids => self.outputs.only(FIELD, "aws_apigatewayv2_api", ids).map(Some),
            },
        };
        Ok(found.map_err(TerraformError::from)?)
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
        let authorization = authorization.map(|it| ("authorization".to_owned(), it.to_owned()));
        self.api_exchange(api_id, method, path, authorization.as_slice(), Vec::new()).await
    }

    /// Sends a request with headers and a body to an HTTP API, as a client on the
    /// internet would.
    ///
    /// # Errors
    /// When the guard does not answer, or a method or header is malformed.
    pub async fn api_exchange(
        &self,
        api_id: &str,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<ApiAnswer, reqwest::Error> {
        let mut url = self.endpoint().clone();
        let (path, query) =
            path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(path);
        url.set_query(query);
        // A name such as API.execute-api.localhost does not resolve everywhere.
        let port = url.port().unwrap_or(80);
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let mut request = self
            .http
            .request(method, url)
            .header("host", format!("{api_id}.execute-api.localhost:{port}"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if !body.is_empty() {
            request = request.body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(ApiAnswer { status, headers, body: answer.text().await? })
    }
}
