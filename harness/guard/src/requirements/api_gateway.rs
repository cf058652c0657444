//! API Gateway v2: the HTTP verb on the path.
//!
//! `POST /v2/apis/ID/routes` is `apigateway:POST` on
//! `arn:aws:apigateway:REGION::/apis/ID/routes`. The `Request/…` keys hold the
//! value after the call and the `Resource/…` keys the stored one. Where the
//! request leaves a member out, `Request/…` holds the *effective* value, the
//! API's default or what is stored: AWS does not say whether the key is absent
//! then, and a policy that denies `NONE` must not be evaded by leaving the type
//! out.

use ringfence_models::Partition;
use serde_json::Value;

use super::RequirementsError;
use super::generic;
use super::iam::pass_role;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope, scalar, tags};
use super::state::{State, Tags};

/// Definitions to import would have to be read for the types of their routes
/// and authorizers; whether a custom domain has certificates of mutual TLS to remove
/// is not known; the portals and routing rules have named actions on resources of their own.
const UNMAPPED: &[&str] = &["DeleteDomainName", "ImportApi", "ReimportApi", "UpdateDomainName"];

/// Keys of a custom domain's state, which is not read.
const OF_DOMAINS: &[&str] = &[
    "apigateway:Request/EndpointType",
    "apigateway:Request/MtlsTrustStoreUri",
    "apigateway:Request/MtlsTrustStoreVersion",
    "apigateway:Request/SecurityPolicy",
    "apigateway:Resource/EndpointType",
    "apigateway:Resource/MtlsTrustStoreUri",
    "apigateway:Resource/MtlsTrustStoreVersion",
    "apigateway:Resource/RoutingMode",
    "apigateway:Resource/SecurityPolicy",
];

/// Path segments whose resources have named actions.
const NAMED_ACTIONS: &[&str] = &["/portals", "/portalproducts", "/routingrules"];

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    let path = path(scope)?;
    if UNMAPPED.contains(&name) || NAMED_ACTIONS.iter().any(|part| path.contains(part)) {
        return Err(scope.unmapped());
    }
    let verb = scope.call.operation.method.as_str();
    let arn = format!("arn:{}:apigateway:{}::{path}", scope.partition(), scope.region());
    let mut requirement = Requirement::on(scope.action(verb), &arn);
    generic::request_tags(scope, &mut requirement);
    requirement.add_resource_tags(&[], &stored_tags(scope).await?);
    let stored = Stored::of(scope).await?;
    keys(scope, &stored, &mut requirement);
    if path.contains("/domainnames") {
        for key in OF_DOMAINS {
            requirement.context.set_unknown(key);
        }
    }
    if !["/apis", "/tags"].iter().any(|start| path.starts_with(start)) {
        requirement.context.set_unknown("aws:ResourceTag/*");
    }
    let mut requirements = vec![requirement];
    requirements.extend(tagging(scope, &arn));
    requirements.extend(mutual_tls(scope, &arn));
    for member in ["CredentialsArn", "AuthorizerCredentialsArn"] {
        // `arn:aws:iam::*:user/*` asks for the caller's own credentials.
        if let Some(role) = scope.text(member).filter(|arn| arn.contains(":role/")) {
            requirements.push(pass_role(scope, role, "apigateway.amazonaws.com").await?);
        }
    }
    Ok(requirements)
}

/// The request's path without `/v2`, its labels filled.
pub(super) fn path(scope: &Scope<'_>) -> Result<String, RequirementsError> {
    let operation = scope.call.operation;
    let template = operation.uri.strip_prefix("/v2").unwrap_or(operation.uri);
    let template = template.split('?').next().unwrap_or_default();
    let mut path = String::new();
    for segment in template.split('/').skip(1) {
        path.push('/');
        match segment.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
            Some(label) => {
                let member = operation
                    .members
                    .iter()
                    .find(|member| member.wire == label || member.name == label)
                    .ok_or_else(|| scope.unmapped())?;
                let value = scope.need(member.name)?;
                if matches!(label, "resource-arn" | "resource_arn") {
                    path.push_str(&percent_encode(value));
                } else {
                    path.push_str(value);
                }
            }
            None => path.push_str(segment),
        }
    }
    Ok(path)
}

/// As the ARNs of `/tags/…` write the tagged resource's ARN:
/// `arn%3Aaws%3Aapigateway%3A…`.
pub(super) fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// Tags on creation need one permission more.
///
/// For stages and VPC links it is the action `apigateway:TagResource` on the
/// collection, though the service authorization reference has no such action:
/// AWS's messages of 2023 to 2026 name it (aws-amplify/amplify-cli#12316;
/// `not authorized to perform: apigateway:TagResource on resource:
/// arn:aws:apigateway:REGION::/apis/ID/stages`), and a grant of `apigateway:POST`
/// on `/tags/*` is reported not to satisfy it. APIs are reported to be created
/// with the verbs alone; for them it is the verb on `/tags/…` (`POST`, as
/// aws-cloudformation/cloudformation-coverage-roadmap#997 shows).
fn tagging(scope: &Scope<'_>, arn: &str) -> Option<Requirement> {
    if scope.tags("Tags").is_empty() {
        return None;
    }
    let mut requirement = match scope.name() {
        "CreateStage" | "CreateVpcLink" => Requirement::on("apigateway:TagResource", arn),
        "CreateApi" | "CreateDomainName" => {
            let of_all = format!("arn:{}:apigateway:{}::", scope.partition(), scope.region());
            let made = percent_encode(&format!("{arn}/"));
            let tags = format!("{of_all}/tags/{made}*");
            Requirement::on("apigateway:POST", tags)
        }
        _ => return None,
    };
    generic::request_tags(scope, &mut requirement);
    Some(requirement)
}

/// A domain's mutual TLS is guarded by an action of its own
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html>).
fn mutual_tls(scope: &Scope<'_>, arn: &str) -> Option<Requirement> {
    let is_new = scope.name() == "CreateDomainName";
    (is_new && scope.value("MutualTlsAuthentication").is_some())
        .then(|| Requirement::on("apigateway:AddCertificateToDomain", arn))
}

/// What the call changes, as it is stored now.
#[derive(Default)]
struct Stored {
    api: Option<Value>,
    route: Option<Value>,
    authorizer: Option<Value>,
    stage: Option<Value>,
}

impl Stored {
    async fn of(scope: &Scope<'_>) -> Result<Self, RequirementsError> {
        let mut stored = Self::default();
        let Some(api) = scope.text("ApiId") else { return Ok(stored) };
        let state = scope.state;
        match scope.name() {
            "UpdateApi" | "DeleteApi" => stored.api = state.api(api).await?,
            "UpdateRoute" | "DeleteRoute" => {
                stored.route = state.route(api, scope.need("RouteId")?).await?;
            }
            "UpdateAuthorizer" | "DeleteAuthorizer" => {
                stored.authorizer = state.authorizer(api, scope.need("AuthorizerId")?).await?;
            }
            "UpdateStage" | "DeleteStage" => {
                stored.stage = state.stage(api, scope.need("StageName")?).await?;
            }
            _ => {}
        }
        Ok(stored)
    }
}

/// A key's name, the input's member, the stored member, the API's default, and
/// whether the key holds a list.
struct Key {
    name: &'static str,
    given: &'static str,
    stored: &'static str,
    default: Option<&'static str>,
    list: bool,
}

impl Key {
    const fn new(
        name: &'static str,
        given: &'static str,
        stored: &'static str,
        default: Option<&'static str>,
        list: bool,
    ) -> Self {
        Self { name, given, stored, default, list }
    }
}

const API: &[Key] = &[
    Key::new("ApiName", "/Name", "/name", None, false),
    Key::new(
        "DisableExecuteApiEndpoint",
        "/DisableExecuteApiEndpoint",
        "/disableExecuteApiEndpoint",
        Some("false"),
        false,
    ),
    // HTTP and WebSocket APIs are always regional.
    Key::new("EndpointType", "/EndpointType", "/endpointType", Some("REGIONAL"), true),
];

const ROUTE: &[Key] = &[
    Key::new(
        "RouteAuthorizationType",
        "/AuthorizationType",
        "/authorizationType",
        Some("NONE"),
        true,
    ),
    Key::new("ApiKeyRequired", "/ApiKeyRequired", "/apiKeyRequired", Some("false"), true),
];

const AUTHORIZER: &[Key] = &[
    Key::new("AuthorizerType", "/AuthorizerType", "/authorizerType", None, true),
    Key::new("AuthorizerUri", "/AuthorizerUri", "/authorizerUri", None, true),
];

const STAGE: &[Key] = &[
    Key::new(
        "AccessLoggingDestination",
        "/AccessLogSettings/destinationArn",
        "/accessLogSettings/destinationArn",
        None,
        false,
    ),
    Key::new(
        "AccessLoggingFormat",
        "/AccessLogSettings/format",
        "/accessLogSettings/format",
        None,
        false,
    ),
];

fn keys(scope: &Scope<'_>, stored: &Stored, requirement: &mut Requirement) {
    let input = Value::Object(scope.call.input.clone());
    let (table, stored): (&[Key], _) = match scope.name() {
        "CreateApi" | "UpdateApi" | "DeleteApi" => (API, &stored.api),
        "CreateRoute" | "UpdateRoute" | "DeleteRoute" => (ROUTE, &stored.route),
        "CreateAuthorizer" | "UpdateAuthorizer" | "DeleteAuthorizer" => {
            (AUTHORIZER, &stored.authorizer)
        }
        "CreateStage" | "UpdateStage" | "DeleteStage" => (STAGE, &stored.stage),
        "CreateDeployment" => {
            if let Some(stage) = scope.text("StageName") {
                requirement.context.set("apigateway:Request/StageName", stage);
            }
            return;
        }
        _ => return,
    };
    let creates = scope.name().starts_with("Create");
    let deletes = scope.name().starts_with("Delete");
    for key in table {
        let present = || {
            let stored = stored.as_ref()?;
            stored.pointer(key.stored).and_then(scalar).or_else(|| key.default.map(str::to_owned))
        };
        if !creates {
            set(requirement, &format!("apigateway:Resource/{}", key.name), key.list, present());
        }
        if !deletes {
            let given = input.pointer(key.given).and_then(scalar);
            let default = || key.default.map(str::to_owned);
            let effective = given.or_else(present).or_else(default);
            set(requirement, &format!("apigateway:Request/{}", key.name), key.list, effective);
        }
    }
    // Quick create makes an open route along with the API.
    if scope.name() == "CreateApi" && scope.text("Target").is_some() {
        set(requirement, "apigateway:Request/RouteAuthorizationType", true, Some("NONE".into()));
        set(requirement, "apigateway:Request/ApiKeyRequired", true, Some("false".into()));
    }
}

fn set(requirement: &mut Requirement, key: &str, list: bool, value: Option<String>) {
    match value {
        Some(value) if list => {
            requirement.context.set_list(key, [value]);
        }
        Some(value) => {
            requirement.context.set(key, value);
        }
        None => {}
    }
}

/// The tags of the stage, or of the API that the resource belongs to.
async fn stored_tags(scope: &Scope<'_>) -> Result<Tags, RequirementsError> {
    let (api, stage) = match scope.text("ResourceArn").and_then(|arn| arn.split_once("/apis/")) {
        Some((_, rest)) => match rest.split_once("/stages/") {
            Some((api, stage)) => (api, Some(stage)),
            None => (rest, None),
        },
        None => match scope.text("ApiId") {
            Some(api) => {
                let on_stage = matches!(
                    scope.name(),
                    "GetStage" | "UpdateStage" | "DeleteStage" | "DeleteAccessLogSettings"
                );
                (api, scope.text("StageName").filter(|_| on_stage))
            }
            None => return Ok(Tags::new()),
        },
    };
    let shown = match stage {
        Some(stage) => scope.state.stage(api, stage).await?,
        None => scope.state.api(api).await?,
    };
    Ok(shown.and_then(|shown| shown.get("tags").map(tags)).unwrap_or_default())
}

/// What a request to a route with `AWS_IAM` authorization requires:
/// `execute-api:Invoke` on `API/STAGE/METHOD/PATH`.
pub fn invoke_api(
    state: &dyn State,
    region: &str,
    api_id: &str,
    stage: &str,
    method: &str,
    path: &str,
) -> Requirement {
    let account = state.account_id();
    let path = path.trim_start_matches('/');
    let partition = Partition::of_region(region);
    Requirement::on(
        "execute-api:Invoke",
        format!("arn:{partition}:execute-api:{region}:{account}:{api_id}/{stage}/{method}/{path}"),
    )
}
