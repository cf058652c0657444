//! IAM Access Analyzer's checks of policies.
//!
//! `ValidatePolicy` is free; `CheckNoNewAccess` costs.
//! Sources: <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html>,
//! <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckNoNewAccess.html>,
//! <https://aws.amazon.com/iam/access-analyzer/pricing/>.

use ringfence_wire::{ServiceError, signature};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{CalibrateError, Pace};
use crate::terraform::Access;

/// What one `CheckNoNewAccess` costs, in US dollars, as AWS's page on prices
/// says; the page counts.
pub const PRICE_PER_CHECK_USD: f64 = 0.002;

/// What a policy is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyType {
    /// Of a principal.
    Identity,
    /// Of a resource, trust policies included.
    Resource,
}

impl PolicyType {
    const fn name(self) -> &'static str {
        match self {
            Self::Identity => "IDENTITY_POLICY",
            Self::Resource => "RESOURCE_POLICY",
        }
    }
}

/// What Access Analyzer says of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// `ERROR`, `SECURITY_WARNING`, `WARNING`, `SUGGESTION`; of
    /// `CheckNoNewAccess` `PASS` or `FAIL`.
    pub result: String,
    /// The finding's code, where it has one.
    pub code: Option<String>,
    /// In AWS's words.
    pub message: String,
}

/// A client of Access Analyzer.
#[derive(Debug)]
pub struct Analyzer<'a> {
    http: reqwest::Client,
    access: &'a Access,
}

impl<'a> Analyzer<'a> {
    /// A client that signs with an access's credentials.
    pub fn new(access: &'a Access) -> Self {
        Self { http: reqwest::Client::new(), access }
    }

    /// What Access Analyzer finds in a policy.
    ///
    /// # Errors
    /// When it refuses to look.
    pub async fn validate(
        &self,
        document: &str,
        kind: PolicyType,
        pace: &mut Pace,
    ) -> Result<Vec<Check>, CalibrateError> {
        let mut found = Vec::new();
        let mut page = String::new();
        loop {
            pace.turn().await;
            let path = format!("policy/validation{page}");
            let input = json!({"policyDocument": document, "policyType": kind.name()});
            let answer = self.post("ValidatePolicy", &path, &input).await?;
            let findings = answer.get("findings").and_then(Value::as_array);
            let operation = "ValidatePolicy";
            let missing = CalibrateError::Answer { operation, member: "findings" };
            for finding in findings.ok_or(missing)? {
                found.push(Check {
                    result: text(finding, "findingType"),
                    code: Some(text(finding, "issueCode")),
                    message: text(finding, "findingDetails"),
                });
            }
            match answer.get("nextToken").and_then(Value::as_str) {
                Some(next) => {
                    let encoded: String =
                        url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
                    page = format!("?nextToken={encoded}");
                }
                None => return Ok(found),
            }
        }
    }

    /// Whether a policy grants something that another does not. Costs
    /// [`PRICE_PER_CHECK_USD`].
    ///
    /// # Errors
    /// When it refuses to look.
    pub async fn no_new_access(
        &self,
        existing: &str,
        new: &str,
        kind: PolicyType,
        pace: &mut Pace,
    ) -> Result<Check, CalibrateError> {
        pace.turn().await;
        let input = json!({
            "existingPolicyDocument": existing,
            "newPolicyDocument": new,
            "policyType": kind.name(),
        });
        let operation = "CheckNoNewAccess";
        let answer = self.post(operation, "policy/check-no-new-access", &input).await?;
        let result = text(&answer, "result");
        if result.is_empty() {
            return Err(CalibrateError::Answer { operation, member: "result" });
        }
        Ok(Check { result, code: None, message: text(&answer, "message") })
    }

    async fn post(
        &self,
        operation: &'static str,
        path: &str,
        input: &Value,
    ) -> Result<Value, CalibrateError> {
        let refused =
            |error: ServiceError| CalibrateError::Refused { operation, error: Box::new(error) };
        let unreachable = |cause: &dyn std::fmt::Display| {
            let message = format!("the endpoint does not answer: {cause}");
            refused(ServiceError::new(503, "ServiceUnavailable", message))
        };
        let endpoint = self.access.endpoint.as_str().trim_end_matches('/');
        let url = format!("{endpoint}/{path}");
        let host = self.access.endpoint.authority().to_owned();
        let mut request = http::Request::post(url)
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::HOST, host)
            .body(bytes::Bytes::from(input.to_string()))
            .map_err(|cause| unreachable(&cause))?;
        signature::sign(
            &mut request,
            &self.access.access_key_id,
            &self.access.secret_access_key,
            self.access.session_token.as_ref(),
            "access-analyzer",
            &self.access.region,
            OffsetDateTime::now_utc(),
        );
        let request = reqwest::Request::try_from(request).map_err(|cause| unreachable(&cause))?;
        let answer = self.http.execute(request).await.map_err(|cause| unreachable(&cause))?;
        let status = answer.status();
        let code = answer.headers().get("x-amzn-errortype").and_then(|it| it.to_str().ok());
        let code = code.and_then(|it| it.split(':').next()).unwrap_or("UnknownError").to_owned();
        let body = answer.bytes().await.map_err(|cause| unreachable(&cause))?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        Err(refused(ServiceError::new(status.as_u16(), code, text(&value, "message"))))
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
