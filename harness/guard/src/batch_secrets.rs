//! Secrets Manager's `BatchGetSecretValue`, of which each secret is decided by itself:
//! "If Secrets Manager encounters errors such as AccessDeniedException while
//! attempting to retrieve any of the secrets, you can see the errors in Errors in the
//! response" (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html>).
//! Only a caller who may not make the call at all is refused as a whole.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use ringfence_policy::Outcome;
use ringfence_wire::{Call, Reply, Service, ServiceError, reply, response};
use serde_json::{Map, Value, json};

use crate::authorize::Verdict;
use crate::pipeline::deciding;
use crate::requirements::Extent;

/// A batch of which at least one secret may not be read.
#[derive(Debug)]
pub(crate) struct Batch {
    /// What may be read, as the caller names it.
    allowed: Vec<Value>,
    /// The errors of the others, as the answer tells them.
    errors: Vec<Value>,
}

impl Batch {
    /// Parts what may be read from what may not. None: the call is decided as a whole.
    ///
    /// # Errors
    /// Where it is undecided whether one of them may be read: that is no answer of AWS's.
    pub(crate) fn of(
        call: &Call,
        verdicts: &[Verdict],
        refusal: impl Fn(&Verdict) -> ServiceError,
    ) -> Result<Option<Self>, ServiceError> {
        if call.service() != Service::SecretsManager || call.name() != "BatchGetSecretValue" {
            return Ok(None);
        }
        let mut by_secret: BTreeMap<usize, Vec<&Verdict>> = BTreeMap::new();
        let mut of_call = Vec::new();
        for verdict in verdicts {
            match verdict.requirement.extent {
                Extent::Call => of_call.push(verdict),
                Extent::Item(index) => by_secret.entry(index).or_default().push(verdict),
            }
        }
        let ids = call.input.get("SecretIdList").and_then(Value::as_array);
        let Some(ids) = ids.filter(|_| deciding(of_call).is_none()) else { return Ok(None) };
        let (mut allowed, mut errors) = (Vec::new(), Vec::new());
        for (index, id) in ids.iter().enumerate() {
            let Some(verdicts) = by_secret.get(&index) else { return Ok(None) };
            match deciding(verdicts.iter().copied()) {
                None => allowed.push(id.clone()),
                Some(open) if open.decision.outcome == Outcome::Undecided => {
                    return Err(refusal(open));
                }
                Some(denied) => {
                    let error = refusal(denied);
                    errors.push(json!({"SecretId": id, "ErrorCode": error.code.as_ref(),
                        "Message": error.message}));
                }
            }
        }
        Ok((!errors.is_empty()).then_some(Self { allowed, errors }))
    }

    /// The call for what may be read, if anything may.
    pub(crate) fn remainder(&self, call: &Call) -> Option<Call> {
        let mut call = call.clone();
        call.input.insert("SecretIdList".to_owned(), self.allowed.clone().into());
        (!self.allowed.is_empty()).then_some(call)
    }

    /// The upstream's answer to [`Batch::remainder`], with the errors of the others.
    /// An error is the answer to the whole call.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub(crate) fn merge(
        &self,
        call: &Call,
        answer: Response<Bytes>,
        request_id: &str,
    ) -> Result<Response<Bytes>, ServiceError> {
        if !answer.status().is_success() {
            return Ok(answer);
        }
        match response::decode(call.operation, &answer)? {
            Value::Object(result) => Ok(self.render(call, result, request_id)),
            _ => Err(ServiceError::new(
                502,
                "InternalServiceError",
                "the upstream's answer does not tell the values of the secrets",
            )),
        }
    }

    /// The answer where nothing may be read.
    pub(crate) fn nothing(&self, call: &Call, request_id: &str) -> Response<Bytes> {
        self.render(call, Map::new(), request_id)
    }

    fn render(&self, call: &Call, mut result: Map<String, Value>, id: &str) -> Response<Bytes> {
        let list = |value: Option<Value>| match value {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let values = list(result.remove("SecretValues"));
        let mut errors = list(result.remove("Errors"));
        errors.extend(self.errors.iter().cloned());
        result.insert("SecretValues".to_owned(), values.into());
        result.insert("Errors".to_owned(), errors.into());
        reply::render(&Reply::fields(Value::Object(result)), call.operation, id)
    }
}
