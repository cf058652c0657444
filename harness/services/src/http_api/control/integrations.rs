//! `CreateIntegration` and its kin.

use std::sync::Arc;

use ringfence_wire::ServiceError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::input::{Input, limit_length, set};
use super::{NOTHING, errors};
use crate::http_api::HttpApis;
use crate::http_api::model::{Integration, PayloadFormat, Snapshot, Texts, show};
use crate::http_api::state::new_id;
use crate::lacking::{Made, lacking};

/// Integrations an API may have
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const MOST_INTEGRATIONS: usize = 300;

/// The actions of services that an integration may be of
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html>).
const SUBTYPES: [&str; 10] = [
    "AppConfig-GetConfiguration",
    "EventBridge-PutEvents",
    "Kinesis-PutRecord",
    "SQS-DeleteMessage",
    "SQS-PurgeQueue",
    "SQS-ReceiveMessage",
    "SQS-SendMessage",
    "StepFunctions-StartExecution",
    "StepFunctions-StartSyncExecution",
    "StepFunctions-StopExecution",
];
const NO_URI: &str = "IntegrationUri is not supported with an IntegrationSubtype";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    connection_id: Option<String>,
    connection_type: Option<String>,
    content_handling_strategy: Option<String>,
    credentials_arn: Option<String>,
    description: Option<String>,
    integration_method: Option<String>,
    integration_subtype: Option<String>,
    integration_type: Option<String>,
    integration_uri: Option<String>,
    /// WebSocket only; HTTP APIs ignore it, and Terraform sends its default.
    #[serde(rename = "PassthroughBehavior")]
    _passthrough_behavior: Option<String>,
    payload_format_version: Option<String>,
    request_parameters: Option<Map<String, Value>>,
    request_templates: Option<Map<String, Value>>,
    response_parameters: Option<Map<String, Value>>,
    template_selection_expression: Option<String>,
    timeout_in_millis: Option<u32>,
    tls_config: Option<Map<String, Value>>,
}

impl Given {
    fn check(&self) -> Result<(), ServiceError> {
        let asks = |member, value| lacking(Made::Integration, member, value);
        let kind = self.integration_type.as_deref();
        if let Some(what) = asks("IntegrationType", kind) {
            return Err(errors::not_built(what));
        }
        match kind {
            None | Some("AWS_PROXY") => {}
            // <https://github.com/aws/aws-cli/issues/6363>
            Some(_) => {
                return Err(errors::bad_request(
                    "Currently, an API with a protocol type of HTTP may only be associated with \
                     proxy integrations (AWS_PROXY, HTTP_PROXY)",
                ));
            }
        }
        let text = |member: &Option<String>| member.as_ref().is_some_and(|t| !t.is_empty());
        let map = |member: &Option<Map<_, _>>| member.as_ref().is_some_and(|m| !m.is_empty());
        let unbuilt = [
            ("ConnectionId", text(&self.connection_id)),
            (
                "RequestParameters",
                map(&self.request_parameters) && !text(&self.integration_subtype),
            ),
            ("ResponseParameters", map(&self.response_parameters)),
            ("TlsConfig", map(&self.tls_config)),
        ];
        let mut given = unbuilt.iter().filter(|(_, given)| *given);
        if let Some(what) = given.find_map(|(member, _)| asks(member, None)) {
            return Err(errors::not_built(what));
        }
        let foreign = [
            ("ContentHandlingStrategy", text(&self.content_handling_strategy)),
            ("RequestTemplates", map(&self.request_templates)),
            ("TemplateSelectionExpression", text(&self.template_selection_expression)),
        ];
        if let Some((member, _)) = foreign.iter().find(|(_, given)| *given) {
            return Err(errors::bad_request(format!(
                "{member} is currently not supported for protocolType HTTP"
            )));
        }
        let connection = self.connection_type.as_deref();
        if let Some(what) = asks("ConnectionType", connection) {
            return Err(errors::not_built(what));
        }
        match connection {
            None | Some("" | "INTERNET") => {}
            Some(_) => return Err(errors::bad_request("Invalid connection type specified")),
        }
        if self.timeout_in_millis.is_some_and(|millis| !(50..=30_000).contains(&millis)) {
            return Err(errors::bad_request("Timeout should be between 50 ms and 30000 ms"));
        }
        if self.integration_method.as_ref().is_some_and(|m| m.parse::<http::Method>().is_err()) {
            return Err(errors::bad_request("Invalid integration method specified"));
        }
        limit_length("Description", self.description.as_deref(), 1024)?;
        check_credentials(self.credentials_arn.as_deref())
    }

    fn subtype(&self) -> Option<&str> {
        self.integration_subtype.as_deref().filter(|subtype| !subtype.is_empty())
    }

    fn payload_format(&self) -> Result<Option<PayloadFormat>, ServiceError> {
        match self.payload_format_version.as_deref() {
            None => Ok(None),
            Some("1.0") => Ok(Some(PayloadFormat::V1)),
            Some("2.0") => Ok(Some(PayloadFormat::V2)),
            Some(_) => Err(errors::bad_request(
                "Invalid payload format version specified. Must be one of [1.0, 2.0]",
            )),
        }
    }

    fn apply(self, integration: &mut Integration) {
        set(&mut integration.description, self.description);
        set(&mut integration.credentials_arn, self.credentials_arn);
        if let Some(method) = self.integration_method {
            integration.integration_method = method;
        }
        if let Some(timeout) = self.timeout_in_millis {
            integration.timeout_in_millis = timeout;
        }
        if integration.integration_subtype.is_some() && self.request_parameters.is_some() {
            integration.request_parameters = texts(self.request_parameters.as_ref());
        }
    }
}

/// A role may be given; the caller's own credentials (`arn:aws:iam::*:user/*`)
/// are not built.
pub(super) fn check_credentials(arn: Option<&str>) -> Result<(), ServiceError> {
    match arn {
        None | Some("") => Ok(()),
        Some(arn) if arn.starts_with("arn:") && arn.ends_with(":iam::*:user/*") => {
            Err(errors::not_built("integrations with the caller's credentials"))
        }
        Some(arn) => match arn.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "iam", "", _, resource] if resource.starts_with("role/") => Ok(()),
            _ => Err(errors::bad_request("Invalid ARN specified in the request: CredentialsArn")),
        },
    }
}

/// A Lambda proxy integration of a function's ARN or invocation URI.
pub(super) fn lambda_proxy(
    uri: &str,
    payload_format_version: PayloadFormat,
) -> Result<Integration, ServiceError> {
    Ok(Integration {
        api_gateway_managed: false,
        connection_type: "INTERNET",
        credentials_arn: None,
        description: None,
        integration_id: new_id(7)?,
        integration_method: "POST".to_owned(),
        integration_type: "AWS_PROXY",
        function_arn: Some(function_of_uri(uri)?),
        integration_subtype: None,
        integration_uri: uri.to_owned(),
        request_parameters: Texts::new(),
        payload_format_version,
        timeout_in_millis: 30_000,
    })
}

/// An integration of a service's action.
fn service_proxy(
    subtype: &str,
    uri: &str,
    format: PayloadFormat,
    given: &Given,
) -> Result<Integration, ServiceError> {
    if !SUBTYPES.contains(&subtype) {
        return Err(errors::bad_request(format!(
            "Invalid integration subtype specified. Must be one of [{}]",
            SUBTYPES.join(", ")
        )));
    }
    if !uri.is_empty() {
        return Err(errors::bad_request(NO_URI));
    }
    if format != PayloadFormat::V1 {
        return Err(errors::bad_request(
            "Payload format version for AWS service integrations must be 1.0",
        ));
    }
    Ok(Integration {
        api_gateway_managed: false,
        connection_type: "INTERNET",
        credentials_arn: None,
        description: None,
        integration_id: new_id(7)?,
        integration_method: "POST".to_owned(),
        integration_type: "AWS_PROXY",
        function_arn: None,
        integration_subtype: Some(subtype.to_owned()),
        integration_uri: String::new(),
        payload_format_version: format,
        request_parameters: texts(given.request_parameters.as_ref()),
        timeout_in_millis: 30_000,
    })
}

fn texts(parameters: Option<&Map<String, Value>>) -> Texts {
    let all = parameters.into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// The function that a URI names: its ARN, or the one of which it is the invocation.
fn function_of_uri(uri: &str) -> Result<String, ServiceError> {
    if let Some(arn) = invoked(uri).or_else(|| is_function(uri).then(|| uri.to_owned())) {
        return Ok(arn);
    }
    if uri.starts_with("http://") || uri.starts_with("https://") {
        return Err(errors::not_built("HTTP proxy integrations (HTTP_PROXY)"));
    }
    Err(errors::bad_request("Invalid function ARN or invalid uri"))
}

/// The function of an invocation's URI:
/// `arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`.
pub(crate) fn invoked(uri: &str) -> Option<String> {
    let (prefix, rest) = uri.split_once(":lambda:path/2015-03-31/functions/")?;
    let gateway = prefix.starts_with("arn:") && prefix.contains(":apigateway:");
    let arn = rest.strip_suffix("/invocations")?;
    (gateway && is_function(arn)).then(|| arn.to_owned())
}

fn is_function(arn: &str) -> bool {
    let parts: Vec<_> = arn.split(':').collect();
    matches!(
        parts.as_slice(),
        ["arn", _, "lambda", region, account, "function", name]
        | ["arn", _, "lambda", region, account, "function", name, _]
            if !region.is_empty() && !account.is_empty() && !name.is_empty()
    )
}

fn find<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a Arc<Integration>, ServiceError> {
    snapshot.integrations.get(id).ok_or_else(|| errors::no_record("Integration", id))
}

impl HttpApis {
    pub(super) fn create_integration(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId"])?;
        given.check()?;
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                if snapshot.integrations.len() >= MOST_INTEGRATIONS {
                    return Err(errors::limit("Integrations"));
                }
                if given.integration_type.is_none() {
                    return Err(errors::bad_request("Integration type is required"));
                }
                let uri = given.integration_uri.clone().unwrap_or_default();
                // Only the console chooses one by itself
                // (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
                let format = given.payload_format()?.ok_or_else(|| {
                    errors::bad_request(
                        "PayloadFormatVersion is a required parameter for integration",
                    )
                })?;
                let mut integration = match given.subtype() {
                    Some(subtype) => service_proxy(subtype, &uri, format, &given)?,
                    None => lambda_proxy(&uri, format)?,
                };
                given.apply(&mut integration);
                let shown = show(&integration);
                snapshot
                    .integrations
                    .insert(integration.integration_id.clone(), Arc::new(integration));
                Ok(shown)
            })
        })
    }

    pub(super) fn update_integration(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId", "IntegrationId"])?;
        given.check()?;
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                let id = input.need("IntegrationId")?;
                let mut integration = Integration::clone(find(snapshot, id)?);
                if let Some(uri) = &given.integration_uri {
                    if integration.integration_subtype.is_some() {
                        return Err(errors::bad_request(NO_URI));
                    }
                    integration.function_arn = Some(function_of_uri(uri)?);
                    integration.integration_uri.clone_from(uri);
                }
                if let Some(format) = given.payload_format()? {
                    integration.payload_format_version = format;
                }
                given.apply(&mut integration);
                let shown = show(&integration);
                snapshot.integrations.insert(id.to_owned(), Arc::new(integration));
                Ok(shown)
            })
        })
    }

    pub(super) fn get_integration(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| Ok(show(find(&api.live, input.need("IntegrationId")?)?.as_ref())))
    }

    pub(super) fn get_integrations(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| {
            input.page(api.live.integrations.values().map(|one| show(one.as_ref())).collect())
        })
    }

    pub(super) fn delete_integration(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                let id = input.need("IntegrationId")?;
                find(snapshot, id)?;
                let users: Vec<_> = snapshot
                    .routes
                    .values()
                    .filter(|route| route.integration_id.as_deref() == Some(id))
                    .map(|route| route.route_id.as_str())
                    .collect();
                // <https://github.com/milliHQ/terraform-aws-next-js/issues/247>
                if !users.is_empty() {
                    return Err(errors::conflict(format!(
                        "Cannot delete Integration because it is referenced by the following \
                         Routes with Ids: [{}]",
                        users.join(", ")
                    )));
                }
                snapshot.integrations.remove(id);
                Ok(NOTHING)
            })
        })
    }
}
