//! Functions: created, shown, changed, published, deleted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::credentials::Session;
use crate::lambda::Lambda;
use crate::lambda::api::change::Change;
use crate::lambda::api::input::{text_map, texts};
use crate::lambda::api::page::page;
use crate::lambda::api::policy::check_revision;
use crate::lambda::api::settings::{check_keys, check_tags};
use crate::lambda::error::{conflict, invalid, not_built, validation};
use crate::lambda::name::{LATEST, Name, function_arn, qualified};
use crate::lambda::store::code::Package;
use crate::lambda::store::configuration::{
    Configuration, LastUpdate, LogFormat, Logging, State, Version,
};
use crate::lambda::store::functions::{Function, timestamp};
use crate::lambda::store::image::Image;

/// An update is in progress for a moment, as on AWS: a client that does not wait
/// for its end meets the conflict that it would meet there (LocalStack's
/// test_lambda_concurrent_code_updates, recorded on AWS).
const UPDATE_TAKES: Duration = Duration::from_millis(50);

impl Lambda {
    pub(in crate::lambda) async fn create_function(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?.function;
        let architecture = architecture(call)?.unwrap_or_else(|| "x86_64".to_owned());
        let mut change = Change::read(call, &self.setting)?;
        let image = Image::of(call)?;
        change.check_new(image.is_some())?;
        change.layers = self.layers_of(call)?;
        let tags: BTreeMap<String, String> =
            text_map(call.input.get("Tags"), "Tags")?.unwrap_or_default().into_iter().collect();
        check_tags(&tags)?;
        if !caller.is_cloudformation() {
            check_keys(tags.keys())?;
        }
        self.check_new_name(&name)?;
        let role = change.role.clone().unwrap_or_default();
        let session = self.assume(&role, &name).await?;
        let vpc = match change.vpc.take() {
            None => None,
            Some(request) => Some(self.resolve_vpc(request, caller).await?),
        };
        if let Some(vpc) = vpc.as_ref().filter(|vpc| !vpc.vpc_id.is_empty()) {
            self.check_network_permission(&session, vpc).await?;
        }
        if let Some(arn) = change.dead_letters.as_deref().filter(|it| !it.is_empty()) {
            self.check_dead_letters(&session, arn).await?;
        }
        let (package, code) = match &image {
            Some(image) => {
                self.check_image(&image.uri, caller).await?;
                Package::of_image(&image.uri)
            }
            None => {
                let source = call.input.get("Code").and_then(Value::as_object);
                let package = self.package(source.unwrap_or(&Map::new()), caller).await?;
                let code = package.code();
                (package, code)
            }
        };
        let mut configuration = Configuration {
            generation: Uuid::new_v4(),
            function_name: name.clone(),
            runtime: String::new(),
            runtime_version: String::new(),
            handler: String::new(),
            role,
            description: String::new(),
            timeout_seconds: 3,
            memory_mb: 128,
            ephemeral_storage_mb: 512,
            architecture,
            tracing_mode: "PassThrough".to_owned(),
            variables: None,
            vpc,
            logging: Logging { group: format!("/aws/lambda/{name}"), format: LogFormat::Text },
            layers: Arc::default(),
            declared: Map::new(),
            snap_start: false,
            image,
            dead_letters: None,
            code: Arc::new(code),
        };
        change.apply(&mut configuration)?;
        let configuration = Arc::new(configuration);
        let latest = Version {
            version: LATEST.to_owned(),
            configuration: Arc::clone(&configuration),
            revision_id: Uuid::new_v4(),
            last_modified: timestamp(self.setting.now()),
            state: State::Pending,
            last_update: LastUpdate::None,
        };
        let mut function = Function {
            arn: function_arn(&self.setting, &name),
            serving: Arc::clone(&configuration),
            latest,
            versions: BTreeMap::new(),
            next_version: 1,
            aliases: BTreeMap::new(),
            policies: BTreeMap::new(),
            urls: BTreeMap::new(),
            event_invoke: BTreeMap::new(),
            tags,
            reserved_concurrency: None,
            recursive_loop: "Terminate".to_owned(),
            runtime_updates: BTreeMap::new(),
        };
        let shown = if publish(call) {
            let version = function.publish(None);
            version.show(&function.arn)
        } else {
            function.latest.show(&function.arn)
        };
        {
            // Somebody else may have been faster since the check above.
            let mut functions = self.store.lock();
            if functions.contains_key(&name) {
                return Err(conflict(format!("Function already exist: {name}")));
            }
            functions.insert(name.clone(), function);
        }
        self.settle(name, package, configuration, Duration::ZERO);
        Ok(Reply::fields(shown).with_status(201))
    }

    fn check_new_name(&self, name: &str) -> Result<(), ServiceError> {
        if self.store.lock().contains_key(name) {
            return Err(conflict(format!("Function already exist: {name}")));
        }
        Ok(())
    }

    pub(in crate::lambda) fn get_function(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        self.store.with(&name, &name.arn(&self.setting), |function| {
            let found = function.resolve(name.qualifier.as_deref())?;
            let mut shown = Map::new();
            shown.insert("Configuration".to_owned(), found.version.show(&found.arn));
            let code = match &found.version.configuration.image {
                Some(image) => json!({
                    "RepositoryType": "ECR", "ImageUri": image.uri, "ResolvedImageUri": image.uri,
                }),
                None => {
                    let location = self.code_location(&found.version)?;
                    json!({ "RepositoryType": "S3", "Location": location })
                }
            };
            shown.insert("Code".to_owned(), code);
            // Versions show no tags (LocalStack's recorded test_lambda_version,
            // test_lambda_version_provisioned_concurrency).
            if !function.tags.is_empty() && found.version.version == LATEST {
                shown.insert("Tags".to_owned(), json!(function.tags));
            }
            if let Some(reserved) = function.reserved_concurrency {
                shown.insert(
                    "Concurrency".to_owned(),
                    json!({ "ReservedConcurrentExecutions": reserved }),
                );
            }
            Ok(Reply::fields(Value::Object(shown)))
        })
    }

    pub(in crate::lambda) fn get_configuration(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        self.store.with(&name, &name.arn(&self.setting), |function| {
            let found = function.resolve(name.qualifier.as_deref())?;
            Ok(Reply::fields(found.version.show(&found.arn)))
        })
    }

    pub(in crate::lambda) fn list_functions(&self, call: &Call) -> Result<Reply, ServiceError> {
        let all = match call.text("FunctionVersion") {
            None => false,
            Some("ALL") => true,
            Some(other) => {
                return Err(validation(format!(
                    "1 validation error detected: Value '{other}' at 'functionVersion' failed to \
                     satisfy constraint: Member must satisfy enum value set: [ALL]"
                )));
            }
        };
        let shown = {
            let functions = self.store.lock();
            let one = |function: &Function| {
                vec![Value::Object(function.latest.show_listed(&function.arn))]
            };
            functions
                .values()
                .flat_map(|function| if all { function.list_versions() } else { one(function) })
                .collect()
        };
        page(call, "Functions", shown)
    }

    pub(in crate::lambda) async fn update_code(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        if name.qualifier.as_deref().is_some_and(|it| it != LATEST) {
            return Err(only_latest());
        }
        let architecture = architecture(call)?;
        if call.text("PublishTo").is_some() {
            return Err(not_built("`PublishTo`"));
        }
        let arn = self.function_arn(&name);
        let given = call.text("ImageUri").filter(|it| !it.is_empty());
        let image = self.store.with(&name, &arn, |function| {
            // LocalStack's test_lambda_zip_file_to_image, recorded on AWS.
            match (&function.latest.configuration.image, given) {
                (None, None) => Ok(None),
                (Some(image), Some(uri)) => {
                    Ok(Some(Image { uri: uri.to_owned(), config: image.config.clone() }))
                }
                (None, Some(_)) => Err(invalid(
                    "Please don't provide ImageUri when updating a function with packageType Zip.",
                )),
                (Some(_), None) => Err(invalid(
                    "Please provide ImageUri when updating a function with packageType Image.",
                )),
            }
        })?;
        let check = |function: &mut Function| {
            function.check_idle()?;
            check_revision(call, Some(function.latest.revision_id), "GetFunction/GetAlias")
        };
        self.store.with(&name, &arn, check)?;
        let (package, code) = match &image {
            Some(image) => {
                self.check_image(&image.uri, caller).await?;
                Package::of_image(&image.uri)
            }
            None => {
                let package = self.package(&call.input, caller).await?;
                let code = package.code();
                (package, code)
            }
        };
        let code = Arc::new(code);
        let dry_run = call.input.get("DryRun").and_then(Value::as_bool).unwrap_or(false);
        let now = timestamp(self.setting.now());
        let (shown, changed) = self.store.with(&name, &arn, |function| {
            check(function)?;
            let mut configuration = Configuration::clone(&function.latest.configuration);
            configuration.generation = Uuid::new_v4();
            configuration.code = Arc::clone(&code);
            configuration.image.clone_from(&image);
            if let Some(architecture) = architecture {
                configuration.architecture = architecture;
            }
            let mut latest = function.latest.clone();
            latest.configuration = Arc::new(configuration);
            latest.last_modified = now;
            latest.revision_id = Uuid::new_v4();
            if dry_run {
                return Ok((latest.show(&function.arn), None));
            }
            latest.last_update = LastUpdate::InProgress;
            let changed = Arc::clone(&latest.configuration);
            function.latest = latest;
            let shown = if publish(call) {
                let version = function.publish(None);
                version.show(&qualified(&function.arn, Some(&version.version)))
            } else {
                function.latest.show(&function.arn)
            };
            Ok((shown, Some(changed)))
        })?;
        if let Some(changed) = changed {
            self.settle(name.function, package, changed, UPDATE_TAKES);
        }
        Ok(Reply::fields(shown))
    }

    pub(in crate::lambda) async fn update_configuration(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        if name.qualifier.as_deref().is_some_and(|it| it != LATEST) {
            return Err(only_latest());
        }
        let mut change = Change::read(call, &self.setting)?;
        change.layers = self.layers_of(call)?;
        let arn = self.function_arn(&name);
        let check = |function: &mut Function| {
            function.check_idle()?;
            check_revision(call, Some(function.latest.revision_id), "GetFunction/GetAlias")?;
            Ok(Arc::clone(&function.latest.configuration))
        };
        let present = self.store.with(&name, &arn, check)?;
        let vpc = match change.vpc.take() {
            None => None,
            Some(request) => Some(self.resolve_vpc(request, caller).await?),
        };
        let role = change.role.clone();
        let letters = change.dead_letters.clone().filter(|it| !it.is_empty());
        let is_attached = vpc.as_ref().is_some_and(|vpc| !vpc.vpc_id.is_empty());
        if role.is_some() || is_attached || letters.is_some() {
            let wanted = role.as_deref().unwrap_or(&present.role);
            let session = self.assume(wanted, &name.function).await?;
            let network = vpc.as_ref().or(present.vpc.as_ref());
            if let Some(vpc) = network.filter(|vpc| !vpc.vpc_id.is_empty()) {
                self.check_network_permission(&session, vpc).await?;
            }
            let kept = present.dead_letters.clone().filter(|_| change.dead_letters.is_none());
            if let Some(arn) = letters.or(kept) {
                self.check_dead_letters(&session, &arn).await?;
            }
        }
        let now = timestamp(self.setting.now());
        let (shown, generation) = self.store.with(&name, &arn, |function| {
            check(function)?;
            let mut configuration = Configuration::clone(&function.latest.configuration);
            configuration.generation = Uuid::new_v4();
            change.apply(&mut configuration)?;
            if let Some(vpc) = vpc {
                configuration.vpc = Some(vpc);
            }
            function.latest.configuration = Arc::new(configuration);
            function.latest.last_modified = now;
            function.latest.revision_id = Uuid::new_v4();
            function.latest.last_update = LastUpdate::InProgress;
            let generation = function.latest.configuration.generation;
            Ok((function.latest.show(&function.arn), generation))
        })?;
        let lambda = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::time::sleep(UPDATE_TAKES).await;
            lambda.finish(&name.function, generation, Ok(()));
        });
        Ok(Reply::fields(shown))
    }

    /// Unpacks a package in the background, and then, `after` a while, lets the
    /// function go on.
    fn settle(
        self: &Arc<Self>,
        name: String,
        package: Package,
        to: Arc<Configuration>,
        after: Duration,
    ) {
        let lambda = Arc::clone(self);
        self.tasks.spawn(async move {
            let (packages, parent) = (lambda.package_dir(), lambda.code_dir());
            let generation = to.generation;
            let unpack = move || {
                package.keep(&to.code, &packages)?;
                package.unpack(&to.code, &parent)
            };
            let outcome = match tokio::task::spawn_blocking(unpack).await {
                Ok(unpacked) => unpacked.map_err(|cause| cause.to_string()),
                Err(cause) => Err(cause.to_string()),
            };
            tokio::time::sleep(after).await;
            lambda.finish(&name, generation, outcome);
        });
    }

    /// Ends a creation or an update, if it is still that of this function.
    fn finish(&self, name: &str, generation: Uuid, outcome: Result<(), String>) {
        const FAILED: &str = "InvalidZipFileException";
        let mut functions = self.store.lock();
        let Some(function) = functions
            .get_mut(name)
            .filter(|function| function.latest.configuration.generation == generation)
        else {
            return;
        };
        let retired = function.serving.generation;
        match outcome {
            Ok(()) => {
                function.serving = Arc::clone(&function.latest.configuration);
                function.latest.state = State::Active;
                function.latest.last_update = LastUpdate::Successful;
            }
            Err(reason) => {
                if function.latest.state == State::Pending {
                    function.latest.state = State::Failed { code: FAILED, reason: reason.clone() };
                }
                function.latest.last_update = LastUpdate::Failed { code: FAILED, reason };
            }
        }
        function.latest.revision_id = Uuid::new_v4();
        // A version that was published with the change waits for the same code.
        let (state, last_update) =
            (function.latest.state.clone(), function.latest.last_update.clone());
        let pending = function.versions.values_mut().filter(|it| it.state == State::Pending);
        for version in pending {
            version.revision_id = Uuid::new_v4();
            version.state = state.clone();
            version.last_update = last_update.clone();
        }
        if retired != function.serving.generation {
            self.pool.retire(retired, LATEST);
        }
    }
}

fn publish(call: &Call) -> bool {
    call.input.get("Publish").and_then(Value::as_bool).unwrap_or(false)
}

fn only_latest() -> ServiceError {
    invalid(
        "This operation is permitted on the unpublished version only; its qualifier is $LATEST.",
    )
}

fn architecture(call: &Call) -> Result<Option<String>, ServiceError> {
    let wanted = texts(call.input.get("Architectures"), "Architectures")?;
    let shown = format!("[{}]", wanted.join(", "));
    match wanted.as_slice() {
        [] => Ok(None),
        [one] if ["x86_64", "arm64"].contains(&one.as_str()) => Ok(Some(one.clone())),
        [_] => Err(validation(format!(
            "1 validation error detected: Value '{shown}' at 'architectures' failed to satisfy \
             constraint: Member must satisfy constraint: [Member must satisfy enum value set: \
             [x86_64, arm64], Member must not be null]"
        ))),
        _ => Err(validation(format!(
            "1 validation error detected: Value '{shown}' at 'architectures' failed to satisfy \
             constraint: Member must have length less than or equal to 1"
        ))),
    }
}
