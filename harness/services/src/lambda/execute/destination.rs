//! Where the results of asynchronous invocations go.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::lambda::Lambda;
use crate::lambda::error::{invalid, not_built};
use crate::lambda::execute::invoke::{Request, Target};
use crate::lambda::execute::run::Invoked;
use crate::lambda::name::{FunctionName, LATEST};
use crate::setting::Setting;

/// The destinations of a qualifier: ARNs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::lambda) struct Destinations {
    on_success: Option<String>,
    on_failure: Option<String>,
}

/// How an asynchronous invocation ended.
#[derive(Debug)]
pub(in crate::lambda) struct Ended {
    /// `Success`, `RetriesExhausted`, `EventAgeExceeded`.
    condition: &'static str,
    /// How often the function was run.
    attempts: usize,
}

impl Ended {
    pub(in crate::lambda) fn new(condition: &'static str, attempts: usize) -> Self {
        Self { condition, attempts }
    }
}

impl Destinations {
    /// Reads a `DestinationConfig`; an empty destination is none.
    pub(in crate::lambda) fn read(config: &Value) -> Self {
        let side = |name: &str| {
            let arn = config.get(name)?.get("Destination")?.as_str()?;
            (!arn.is_empty()).then(|| arn.to_owned())
        };
        Self { on_success: side("OnSuccess"), on_failure: side("OnFailure") }
    }

    /// That results of a function can be sent there.
    ///
    /// # Errors
    /// AWS's (LocalStack's test_lambda_eventinvokeconfig_exceptions, recorded on
    /// AWS); `NotImplementedException` for services that are not built here.
    pub(in crate::lambda) fn check(
        &self,
        function: &str,
        setting: &Setting,
        exists: impl Fn(&str) -> bool,
    ) -> Result<(), ServiceError> {
        for arn in [&self.on_success, &self.on_failure].into_iter().flatten() {
            match arn.split(':').nth(2) {
                Some("lambda") => {
                    let named = FunctionName::read("Invoke", arn, None).ok().filter(|named| {
                        named.account.as_ref().is_some_and(|it| *it == setting.account_id)
                            && named.region.as_ref().is_some_and(|it| *it == setting.region)
                    });
                    let named = named
                        .filter(|named| exists(&named.name))
                        .ok_or_else(|| invalid(format!("The destination ARN {arn} is invalid.")))?;
                    if named.name == function {
                        return Err(invalid(
                            "You can't specify the function as a destination for itself.",
                        ));
                    }
                }
                Some("sqs" | "sns" | "events") => {}
                Some(service @ "s3") => {
                    return Err(not_built(format!(
                        "sending asynchronous results to `{service}` (`DestinationConfig`)"
                    )));
                }
                _ => return Err(invalid(self.refused())),
            }
        }
        Ok(())
    }

    fn refused(&self) -> String {
        let side = |name: &str, arn: &Option<String>| match arn {
            Some(arn) => format!("{name}(destination={arn})"),
            None => "null".to_owned(),
        };
        format!(
            "The provided destination config DestinationConfig(onSuccess={}, onFailure={}) is \
             invalid.",
            side("OnSuccess", &self.on_success),
            side("OnFailure", &self.on_failure)
        )
    }

    /// The member as answers show it.
    pub(in crate::lambda) fn show(&self) -> Value {
        let side = |arn: &Option<String>| match arn {
            Some(arn) => json!({ "Destination": arn }),
            None => json!({}),
        };
        json!({ "OnSuccess": side(&self.on_success), "OnFailure": side(&self.on_failure) })
    }
}

impl Lambda {
    /// Sends a result to where its function's results go, as the execution role.
    /// A role that may not send it loses it, as on AWS.
    pub(in crate::lambda) async fn send_on(
        &self,
        target: &Target,
        request: &Request,
        invoked: &Invoked,
        ended: &Ended,
    ) {
        let destinations = &target.destinations;
        let side = if invoked.failed { &destinations.on_failure } else { &destinations.on_success };
        let Some(destination) = side else { return };
        let record = record(target, request, invoked, ended, self.setting.now());
        if destination.split(':').nth(2) != Some("lambda") {
            return self.send_record(target, destination, &record).await;
        }
        let configuration = &target.configuration;
        let assumed = self.assume(&configuration.role, &configuration.function_name).await;
        let Ok(credentials) = assumed else { return };
        let input = json!({ "FunctionName": destination, "InvocationType": "Event" });
        let payload = Some(record.to_string().into());
        let sent =
            self.client.exchange(&credentials, Service::Lambda, "Invoke", input, payload).await;
        // The journal tells of a refusal.
        drop(sent);
    }
}

/// The record of an invocation (LocalStack's
/// test_assess_lambda_destination_invocation, recorded on AWS).
fn record(
    target: &Target,
    request: &Request,
    invoked: &Invoked,
    ended: &Ended,
    now: OffsetDateTime,
) -> Value {
    const FORMAT: &[time::format_description::FormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let is_qualified = target.arn.split(':').count() > 7;
    let arn = if is_qualified { target.arn.clone() } else { format!("{}:{LATEST}", target.arn) };
    let mut response = json!({ "statusCode": 200, "executedVersion": invoked.version });
    if let (true, Some(response)) = (invoked.failed, response.as_object_mut()) {
        response.insert("functionError".to_owned(), json!("Unhandled"));
    }
    let parsed = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or(Value::Null);
    json!({
        "version": "1.0",
        "timestamp": now.format(FORMAT).unwrap_or_default(),
        "requestContext": {
            "requestId": request.id,
            "functionArn": arn,
            "condition": ended.condition,
            "approximateInvokeCount": ended.attempts,
        },
        "requestPayload": parsed(&request.payload),
        "responseContext": response,
        "responsePayload": parsed(&invoked.payload),
    })
}
