//! A function's container image: named, shown, and not run here.
//! <https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>

use std::time::Duration;

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::{Map, Value, json};

use crate::credentials::{Credentials, Identity, Session};
use crate::lambda::Lambda;
use crate::lambda::error::{access_denied, invalid, not_built, service};
use crate::lambda::event_sources::Asked;

/// How long Lambda's own key is good for the one call that it is made for.
const KEY_LIFETIME: Duration = Duration::from_secs(60);

/// The image of a function, and what `ImageConfig` overrides in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lambda) struct Image {
    pub(in crate::lambda) uri: String,
    pub(in crate::lambda) config: Map<String, Value>,
}

/// What an image's URI names: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG`.
struct Named<'u> {
    account: &'u str,
    region: &'u str,
    repository: &'u str,
    id: Value,
}

impl<'u> Named<'u> {
    fn read(uri: &'u str) -> Option<Self> {
        let (host, image) = uri.split_once('/')?;
        let (account, rest) = host.split_once(".dkr.ecr.")?;
        let (region, _) = rest.split_once('.')?;
        let (repository, id) = match image.split_once('@') {
            Some((repository, digest)) => (repository, json!({ "imageDigest": digest })),
            None => {
                let (repository, tag) = image.split_once(':')?;
                (repository, json!({ "imageTag": tag }))
            }
        };
        let is_account = account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit());
        (is_account && !repository.is_empty()).then_some(Self { account, region, repository, id })
    }
}

/// The statement by which Lambda pulls images, which it adds itself where a
/// repository's policy has none.
fn pulling() -> Value {
    json!({
        "Sid": "LambdaECRImageRetrievalPolicy",
        "Effect": "Allow",
        "Principal": { "Service": "lambda.amazonaws.com" },
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    })
}

impl Image {
    /// The image that a creation names, where its package is one.
    ///
    /// # Errors
    /// For what goes with archives alone.
    pub(in crate::lambda) fn of(call: &Call) -> Result<Option<Self>, ServiceError> {
        let uri = call.input.get("Code").and_then(|it| it.get("ImageUri")).and_then(Value::as_str);
        let uri = uri.filter(|it| !it.is_empty());
        let config = call.input.get("ImageConfig").and_then(Value::as_object);
        let is_image = call.text("PackageType") == Some("Image");
        let given = |name: &str| match call.input.get(name) {
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::String(text)) => !text.is_empty(),
            _ => false,
        };
        if is_image && ["Runtime", "Handler", "Layers"].into_iter().any(given) {
            return Err(invalid(
                "Runtime, Handler and Layers are not supported for functions created with \
                 container images.",
            ));
        }
        match uri {
            Some(uri) if is_image => {
                Ok(Some(Self { uri: uri.to_owned(), config: config.cloned().unwrap_or_default() }))
            }
            None if is_image => Err(invalid("Please provide a source for function code.")),
            Some(_) => Err(invalid(
                "Please don't provide ImageUri when creating a function with packageType Zip.",
            )),
            None => Ok(None),
        }
    }
}

impl Lambda {
    /// That Lambda may pull an image: by the repository's policy, to which it adds
    /// its statement as whoever makes the function where it may not. Whether the
    /// repository holds that image is not looked up.
    ///
    /// # Errors
    /// AWS's; `NotImplementedException` for an image of another account.
    pub(in crate::lambda) async fn check_image(
        &self,
        uri: &str,
        caller: &Session,
    ) -> Result<(), ServiceError> {
        // <https://github.com/ministryofjustice/modernisation-platform/pull/2419>
        let named = Named::read(uri).ok_or_else(|| {
            invalid(format!("Source image {uri} is not valid. Provide a valid source image."))
        })?;
        if named.account != self.setting.account_id || named.region != self.setting.region {
            return Err(not_built("a container image of another account or region"));
        }
        if self.may_pull(&named).await? {
            return Ok(());
        }
        let credentials = self.forwarded(caller)?;
        let checked = self.let_pull(&credentials, named.repository, uri).await;
        self.setting.keyring.remove(&credentials.access_key_id);
        checked
    }

    /// Whether Lambda itself may pull: asked by the call by which it does.
    async fn may_pull(&self, named: &Named<'_>) -> Result<bool, ServiceError> {
        let identity = Identity::Service {
            principal: "lambda.amazonaws.com".to_owned(),
            source_arn: None,
            source_account: Some(self.setting.account_id.clone()),
        };
        let until = self.setting.now() + KEY_LIFETIME;
        let issued = self.setting.keyring.issue(identity, Vec::new(), until);
        let key = issued.map_err(|cause| service(cause.to_string()))?;
        let input = json!({ "repositoryName": named.repository, "imageIds": [named.id] });
        let asked = self.try_as(&key, "ecr", "BatchGetImage", input).await;
        self.setting.keyring.remove(&key.access_key_id);
        Ok(matches!(asked?, Asked::Allowed(_)))
    }

    async fn let_pull(
        &self,
        caller: &Credentials,
        repository: &str,
        uri: &str,
    ) -> Result<(), ServiceError> {
        let ecr = Service::of("ecr").ok_or_else(|| service("no model of ecr"))?;
        let input = json!({ "repositoryName": repository });
        let policy = match self.client.call(caller, ecr, "GetRepositoryPolicy", input).await {
            Ok(answer) => answer.get("policyText").and_then(Value::as_str).map(str::to_owned),
            Err(error) if error.code.contains("RepositoryPolicyNotFound") => None,
            Err(error) => return Err(refused(uri, &error)),
        };
        let mut policy = policy
            .as_deref()
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
            .unwrap_or_else(|| json!({ "Version": "2012-10-17", "Statement": [] }));
        let statements = policy.get_mut("Statement").map(std::mem::take);
        let mut statements = match statements {
            Some(Value::Array(all)) => all,
            Some(one @ Value::Object(_)) => vec![one],
            _ => Vec::new(),
        };
        statements.push(pulling());
        if let Some(policy) = policy.as_object_mut() {
            policy.insert("Statement".to_owned(), statements.into());
        }
        let input = json!({ "repositoryName": repository, "policyText": policy.to_string() });
        let set = self.client.call(caller, ecr, "SetRepositoryPolicy", input).await;
        set.map(|_| ()).map_err(|error| refused(uri, &error))
    }
}

/// AWS's words for what ECR refused
/// (<https://github.com/aws-samples/bedrock-access-gateway/issues/127>).
fn refused(uri: &str, error: &ServiceError) -> ServiceError {
    if error.code.starts_with("AccessDenied") {
        return access_denied(
            "Lambda does not have permission to access the ECR image. Check the ECR permissions.",
        );
    }
    if error.code.contains("RepositoryNotFound") {
        return invalid(format!(
            "Source image {uri} does not exist. Provide a valid source image."
        ));
    }
    service(format!("ECR did not tell of the image's repository: {error}"))
}
