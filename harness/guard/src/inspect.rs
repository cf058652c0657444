//! What the guard's owner reads of the account, beside the road of requests.

use ringfence_services::credentials::{Identity, Session};
use ringfence_services::lambda::Asked;
use ringfence_wire::{Call, Operation, Service, ServiceError, reply, response};
use serde_json::{Map, Value, json};

use crate::guard::Guard;
use crate::services::Services;

/// How the names of reading operations begin, of one thing or of a batch.
const READING: [&str; 3] = ["Get", "List", "Describe"];

impl Guard {
    /// Reads from an account (the first where it is none that is guarded) with nobody's credentials: from the services that
    /// answer here, and from the upstream. It is no request, so nothing is
    /// decided, and the journal has no line of it. The answer is what a client
    /// decodes; `GetBucketPolicy` answers with its member `Policy`.
    ///
    /// # Errors
    /// The service's own error; `ValidationError` where the operation is not one
    /// that reads.
    pub async fn read(
        &self,
        account_id: &str,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, ServiceError> {
        let of_one = operation.strip_prefix("Batch").unwrap_or(operation);
        let reads = READING.iter().any(|beginning| of_one.starts_with(beginning));
        let found = Operation::find(service, operation).filter(|_| reads);
        let Some(found) = found else {
            let message = format!("{}:{operation} is not an operation that reads", service.name());
            return Err(ServiceError::new(400, "ValidationError", message));
        };
        let input = match input {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let pipeline = self.pipeline().of(account_id);
        let (setting, upstream) = (&pipeline.setting, &pipeline.upstream);
        let (region, now) = (&setting.region, setting.now());
        if Services::answers(service) {
            let region = region.clone();
            let call = Call { operation: found, region, input, payload: None };
            let asked = Asked { request_id: "", trace: None };
            let root = Identity::Root {
                account_id: setting.account_id.clone(),
                partition: setting.partition(),
            };
            let reply = pipeline.services.answer(&call, &Session::direct(root), &asked).await?;
            return response::decode(found, &reply::render(&reply, found, ""));
        }
        if (service, operation) == (Service::S3, "GetBucketPolicy") {
            let policy = upstream.fetch(service, operation, &input, region, now).await?;
            return Ok(json!({"Policy": String::from_utf8_lossy(&policy)}));
        }
        upstream.call(service, operation, &input, region, now).await
    }
}
