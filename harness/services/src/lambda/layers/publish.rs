//! Layers published, shown, listed and deleted. As recorded on AWS: LocalStack's
//! `tests/aws/services/lambda_/test_lambda_api.py::TestLambdaLayer`.

use std::sync::Arc;

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::credentials::Session;
use crate::lambda::Lambda;
use crate::lambda::api::input::{integer, texts};
use crate::lambda::api::limits::known_runtime;
use crate::lambda::api::page::page;
use crate::lambda::error::{not_found, service, validation};
use crate::lambda::layers::arn::{PATTERN, VersionArn, layer_name, version_number};
use crate::lambda::layers::store::{Published, Version};
use crate::lambda::name::summary;
use crate::lambda::store::functions::timestamp;

const ARCHITECTURES: [&str; 2] = ["x86_64", "arm64"];
/// What a list may be asked for, those included that no function can have any
/// longer (LocalStack's test_layer_exceptions, recorded on AWS).
const LISTED_RUNTIMES: &str = "ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, \
    ruby2.7, python2.7-greengrass, dotnetcore2.0, python3.8, java21, dotnet6, dotnetcore2.1, \
    python3.9, java11, nodejs6.10, provided, dotnetcore3.1, dotnet8, java25, java17, nodejs, \
    nodejs4.3, java8.al2, go1.x, dotnet10, nodejs20.x, go1.9, byol, nodejs10.x, provided.al2023, \
    nodejs22.x, python3.10, java8, nodejs12.x, python3.11, nodejs24.x, nodejs8.x, python3.12, \
    nodejs14.x, nodejs8.9, nodejs26.x, python3.13, python3.14, nodejs16.x, python3.15, \
    provided.al2, nodejs4.3-edge, nodejs18.x, ruby3.2, python3.4, ruby3.3, ruby3.4, ruby2.5, \
    python3.6, python2.7";

impl Lambda {
    pub(in crate::lambda) async fn publish_layer(
        &self,
        call: &Call,
        caller: &Session,
    ) -> Result<Reply, ServiceError> {
        let name = self.layer_asked(call)?;
        let list = |member: &str| {
            let given = call.input.get(member).filter(|given| !given.is_null());
            given.map(|given| texts(Some(given), member)).transpose()
        };
        let runtimes = list("CompatibleRuntimes")?;
        let architectures = list("CompatibleArchitectures")?;
        check_compatible(
            runtimes.as_deref().unwrap_or_default(),
            architectures.as_deref().unwrap_or_default(),
        )?;
        let source = call.input.get("Content").and_then(Value::as_object);
        let package = self.package(source.unwrap_or(&Map::new()), caller).await?;
        let code = Arc::new(package.code());
        let unpacked = package.unpacked();
        let (packages, parent) = (self.package_dir(), self.code_dir());
        let kept = Arc::clone(&code);
        tokio::task::spawn_blocking(move || {
            package.keep(&kept, &packages)?;
            package.unpack(&kept, &parent)
        })
        .await
        .map_err(|cause| service(cause.to_string()))?
        .map_err(|cause| service(cause.to_string()))?;
        let mut layers = self.layers.lock();
        let layer = layers.entry(name.clone()).or_default();
        let number = layer.next();
        let published = Arc::new(Published {
            arn: format!("{}:{number}", self.layer_arn(&name)),
            layer: name,
            code,
            unpacked,
            number,
            description: call.text("Description").unwrap_or_default().to_owned(),
            license: call.text("LicenseInfo").map(str::to_owned),
            runtimes,
            architectures,
            created: timestamp(self.setting.now()),
        });
        let shown = self.show_layer(&published)?;
        let version = Version { published, statements: Vec::new(), revision: Uuid::new_v4() };
        layer.versions.insert(number, version);
        Ok(Reply::fields(shown).with_status(201))
    }

    pub(in crate::lambda) fn get_layer(&self, call: &Call) -> Result<Reply, ServiceError> {
        let (name, number) = self.version_asked(call)?;
        self.answer_version(&name, number)
    }

    pub(in crate::lambda) fn get_layer_by_arn(&self, call: &Call) -> Result<Reply, ServiceError> {
        let given = call.text("Arn").unwrap_or_default();
        let named = VersionArn::read(given).ok_or_else(|| {
            validation(format!(
                "1 validation error detected: Value '{given}' at 'arn' failed to satisfy \
                 constraint: Member must satisfy regular expression pattern: {PATTERN}"
            ))
        })?;
        if named.account != self.setting.account_id || named.region != self.setting.region {
            return Err(gone());
        }
        self.answer_version(&named.layer, named.version)
    }

    fn answer_version(&self, name: &str, number: u64) -> Result<Reply, ServiceError> {
        let published = self.layers.version(name, number).ok_or_else(gone)?;
        Ok(Reply::fields(self.show_layer(&published)?))
    }

    /// What is not there is deleted too.
    pub(in crate::lambda) fn delete_layer(&self, call: &Call) -> Result<Reply, ServiceError> {
        let (name, number) = self.version_asked(call)?;
        if let Some(layer) = self.layers.lock().get_mut(&name) {
            layer.versions.remove(&number);
        }
        Ok(Reply::empty().with_status(204))
    }

    pub(in crate::lambda) fn list_layer_versions(
        &self,
        call: &Call,
    ) -> Result<Reply, ServiceError> {
        let name = self.layer_asked(call)?;
        let asked = Compatible::of(call)?;
        let layers = self.layers.lock();
        let versions = layers.get(&name).into_iter().flat_map(|it| it.versions.values().rev());
        let fitting = versions.filter(|version| asked.has(&version.published));
        let shown = fitting.map(|it| Value::Object(it.published.show_listed())).collect();
        page(call, "LayerVersions", shown)
    }

    pub(in crate::lambda) fn list_layers(&self, call: &Call) -> Result<Reply, ServiceError> {
        let asked = Compatible::of(call)?;
        let layers = self.layers.lock();
        let newest = layers.iter().filter_map(|(name, layer)| {
            let mut versions = layer.versions.values().rev();
            versions.find(|version| asked.has(&version.published)).map(|it| (name, it))
        });
        let shown = newest
            .map(|(name, version)| {
                json!({
                    "LayerName": name,
                    "LayerArn": self.layer_arn(name),
                    "LatestMatchingVersion": version.published.show_listed(),
                })
            })
            .collect();
        page(call, "Layers", shown)
    }

    pub(super) fn layer_arn(&self, name: &str) -> String {
        let (region, account) = (&self.setting.region, &self.setting.account_id);
        let partition = self.setting.partition();
        format!("arn:{partition}:lambda:{region}:{account}:layer:{name}")
    }

    fn layer_asked(&self, call: &Call) -> Result<String, ServiceError> {
        layer_name(call.text("LayerName").unwrap_or_default(), &self.setting)
    }

    /// The layer and the version that a call names.
    pub(super) fn version_asked(&self, call: &Call) -> Result<(String, u64), ServiceError> {
        let name = self.layer_asked(call)?;
        let number = version_number(integer(call, "VersionNumber")?.unwrap_or_default())?;
        Ok((name, number))
    }

    fn show_layer(&self, published: &Published) -> Result<Value, ServiceError> {
        let mut shown = published.show_listed();
        shown.insert("LayerArn".to_owned(), json!(self.layer_arn(&published.layer)));
        let content = json!({
            "Location": self.package_location(&published.layer, published.code.id)?,
            "CodeSha256": published.code.sha256,
            "CodeSize": published.code.size,
        });
        shown.insert("Content".to_owned(), content);
        Ok(Value::Object(shown))
    }
}

/// What a list asks of the layers that it shows.
struct Compatible<'a> {
    runtime: Option<&'a str>,
    architecture: Option<&'a str>,
}

impl<'a> Compatible<'a> {
    fn of(call: &'a Call) -> Result<Self, ServiceError> {
        let runtime = call.text("CompatibleRuntime");
        let architecture = call.text("CompatibleArchitecture");
        let failure = |given: Option<&str>, member: &str, known: &str| {
            let strange = given.filter(|given| !known.split(", ").any(|one| one == *given))?;
            Some(format!(
                "Value '{strange}' at '{member}' failed to satisfy constraint: Member must satisfy \
                 enum value set: [{known}]"
            ))
        };
        let failures: Vec<String> = [
            failure(runtime, "compatibleRuntime", LISTED_RUNTIMES),
            failure(architecture, "compatibleArchitecture", &ARCHITECTURES.join(", ")),
        ]
        .into_iter()
        .flatten()
        .collect();
        summary(&failures)
            .map_or(Ok(Self { runtime, architecture }), |message| Err(validation(message)))
    }

    fn has(&self, published: &Published) -> bool {
        let among = |asked: Option<&str>, all: &Option<Vec<String>>| {
            asked.is_none_or(|asked| all.iter().flatten().any(|one| one == asked))
        };
        among(self.runtime, &published.runtimes)
            && among(self.architecture, &published.architectures)
    }
}

/// LocalStack's test_layer_exceptions, recorded on AWS.
fn check_compatible(runtimes: &[String], architectures: &[String]) -> Result<(), ServiceError> {
    let mut failures = Vec::new();
    if let Err(known) = runtimes.iter().try_for_each(|runtime| known_runtime(runtime)) {
        failures.push(format!(
            "Value '[{}]' at 'compatibleRuntimes' failed to satisfy constraint: Member must \
             satisfy enum value set: [{known}]",
            runtimes.join(", ")
        ));
    }
    if architectures.iter().any(|one| !ARCHITECTURES.contains(&one.as_str())) {
        failures.push(format!(
            "Value '[{}]' at 'compatibleArchitectures' failed to satisfy constraint: Member must \
             satisfy constraint: [Member must satisfy enum value set: [{}], Member must not be \
             null]",
            architectures.join(", "),
            ARCHITECTURES.join(", ")
        ));
    }
    summary(&failures).map_or(Ok(()), |message| Err(validation(message)))
}

fn gone() -> ServiceError {
    not_found("The resource you requested does not exist.")
}
