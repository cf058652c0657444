//! Function URLs: their configuration, and which host is whose.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Map, Value, json};

use crate::lambda::Lambda;
use crate::lambda::api::page::page;
use crate::lambda::error::{conflict, not_found, service, validation};
use crate::lambda::name::{LATEST, Name, is_alias};
use crate::lambda::store::functions::timestamp;

/// A function's URL.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct FunctionUrl {
    /// The first label of its host.
    pub(in crate::lambda) id: String,
    /// The function's ARN, with the alias where there is one.
    pub(in crate::lambda) arn: String,
    pub(in crate::lambda) auth_type: String,
    pub(in crate::lambda) cors: Option<Value>,
    /// As a call gave it; a URL is buffered where none did.
    mode: Option<String>,
    created: String,
    modified: String,
}

/// What a host of the form of function URLs leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlHost {
    /// A function's URL.
    Served(UrlTarget),
    /// A URL that was deleted, or its alias or function was.
    Deleted,
    /// A URL that never was.
    Unknown,
}

/// The function behind a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTarget {
    /// The function's name.
    pub function: String,
    /// The alias that the URL belongs to; none for the function itself.
    pub qualifier: Option<String>,
    /// The function's ARN, with the alias where there is one.
    pub arn: String,
    /// `NONE` or `AWS_IAM`.
    pub auth_type: String,
    /// The first label of the host.
    pub url_id: String,
    /// Whether the URL is to stream (`RESPONSE_STREAM`).
    pub streams: bool,
}

const RESPONSE_STREAM: &str = "RESPONSE_STREAM";
const NO_RESOURCE: &str = "The resource you requested does not exist.";
const NO_FUNCTION: &str = "Function does not exist";

impl Lambda {
    pub(in crate::lambda) fn create_url(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = self.url_name(call)?;
        let auth_type = auth_type(call)?.ok_or_else(|| {
            validation(
                "1 validation error detected: Value null at 'authType' failed to satisfy \
                 constraint: Member must not be null",
            )
        })?;
        let mode = invoke_mode(call)?;
        let id = random_id()?;
        let mut functions = self.store.lock();
        let function = functions.get_mut(&name.function).ok_or_else(|| not_found(NO_FUNCTION))?;
        let qualifier = name.qualifier.as_deref().unwrap_or(LATEST);
        if let Some(url) = function.urls.get(qualifier) {
            return Err(conflict(format!(
                "Failed to create function url config for [functionArn = {}]. Error message:  \
                 FunctionUrlConfig exists for this Lambda function",
                url.arn
            )));
        }
        if qualifier != LATEST && !function.aliases.contains_key(qualifier) {
            return Err(not_found(NO_FUNCTION));
        }
        let now = timestamp(self.setting.now());
        let url = FunctionUrl {
            id,
            arn: crate::lambda::name::qualified(&function.arn, name.qualifier.as_deref()),
            auth_type,
            cors: call.input.get("Cors").filter(|cors| !cors.is_null()).cloned(),
            mode,
            created: now.clone(),
            modified: now,
        };
        let mut shown = self.show_url(&url)?;
        shown.remove("LastModifiedTime");
        if url.mode.is_none() {
            // Only later answers tell of the default (LocalStack's
            // test_url_config_lifecycle, recorded on AWS).
            shown.remove("InvokeMode");
        }
        self.made_urls().insert(url.id.clone());
        function.urls.insert(qualifier.to_owned(), url);
        Ok(Reply::fields(Value::Object(shown)).with_status(201))
    }

    pub(in crate::lambda) fn get_url(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = self.url_name(call)?;
        let functions = self.store.lock();
        let url = functions
            .get(&name.function)
            .and_then(|it| it.urls.get(name.qualifier.as_deref().unwrap_or(LATEST)))
            .ok_or_else(|| not_found(NO_RESOURCE))?;
        Ok(Reply::fields(Value::Object(self.show_url(url)?)))
    }

    pub(in crate::lambda) fn update_url(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = self.url_name(call)?;
        let auth_type = auth_type(call)?;
        let mode = invoke_mode(call)?;
        let mut functions = self.store.lock();
        let function = functions.get_mut(&name.function).ok_or_else(|| not_found(NO_FUNCTION))?;
        let qualifier = name.qualifier.as_deref().unwrap_or(LATEST);
        if qualifier != LATEST && !function.aliases.contains_key(qualifier) {
            return Err(not_found(NO_FUNCTION));
        }
        let url = function.urls.get_mut(qualifier).ok_or_else(|| not_found(NO_RESOURCE))?;
        if mode.is_some() {
            url.mode = mode;
        }
        if let Some(auth_type) = auth_type {
            url.auth_type = auth_type;
        }
        if let Some(cors) = call.input.get("Cors") {
            // An empty one takes the settings away.
            let kept = cors.as_object().is_some_and(|cors| !cors.is_empty());
            url.cors = kept.then(|| cors.clone());
        }
        url.modified = timestamp(self.setting.now());
        Ok(Reply::fields(Value::Object(self.show_url(url)?)))
    }

    pub(in crate::lambda) fn delete_url(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = self.url_name(call)?;
        let mut functions = self.store.lock();
        functions
            .get_mut(&name.function)
            .and_then(|it| it.urls.remove(name.qualifier.as_deref().unwrap_or(LATEST)))
            .ok_or_else(|| not_found(NO_RESOURCE))?;
        Ok(Reply::empty().with_status(204))
    }

    pub(in crate::lambda) fn list_urls(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let urls = {
            let functions = self.store.lock();
            let function = functions.get(&name.function).ok_or_else(|| not_found(NO_FUNCTION))?;
            function
                .urls
                .values()
                .map(|url| self.show_url(url).map(Value::Object))
                .collect::<Result<_, _>>()?
        };
        page(call, "FunctionUrlConfigs", urls)
    }

    /// What a host leads to, where it is one of function URLs:
    /// `URLID.lambda-url.[REGION.]localhost[:PORT]` or
    /// `URLID.lambda-url.REGION.on.aws`; LocalStack's name for the local host is
    /// one too.
    pub fn url_of_host(&self, host: &str) -> Option<UrlHost> {
        let host = host.split(':').next()?.to_ascii_lowercase();
        let (id, rest) = host.split_once(".lambda-url.")?;
        let (region, place) = match rest.strip_prefix(self.setting.region.as_str()) {
            Some(place) => (true, place.strip_prefix('.')?),
            None => (false, rest),
        };
        let is_local = matches!(place, "localhost" | "localhost.localstack.cloud");
        let is_own = is_local || (region && place == "on.aws");
        if !is_own {
            return None;
        }
        let functions = self.store.lock();
        let found = functions.iter().find_map(|(function, it)| {
            it.urls.iter().find(|(_, url)| url.id == id).map(|(qualifier, url)| UrlTarget {
                function: function.clone(),
                qualifier: (qualifier != LATEST).then(|| qualifier.clone()),
                arn: url.arn.clone(),
                auth_type: url.auth_type.clone(),
                url_id: url.id.clone(),
                streams: url.mode.as_deref() == Some(RESPONSE_STREAM),
            })
        });
        drop(functions);
        Some(match found {
            Some(target) => UrlHost::Served(target),
            None if self.made_urls().contains(id) => UrlHost::Deleted,
            None => UrlHost::Unknown,
        })
    }

    /// The ids of all URLs that were ever made: AWS answers otherwise for these.
    fn made_urls(&self) -> MutexGuard<'_, HashSet<String>> {
        self.made_urls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The auth type (`NONE`, `AWS_IAM`) of a function's URL.
    pub fn function_url_auth_type(&self, name: &str, qualifier: Option<&str>) -> Option<String> {
        let functions = self.store.lock();
        let url = functions.get(name)?.urls.get(qualifier.unwrap_or(LATEST))?;
        Some(url.auth_type.clone())
    }

    fn url_name(&self, call: &Call) -> Result<Name, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        match name.qualifier.as_deref() {
            // A URL belongs to a function or an alias, never to a version.
            Some(qualifier) if !is_alias(qualifier) => Err(validation(format!(
                "1 validation error detected: Value '{qualifier}' at 'qualifier' failed to \
                 satisfy constraint: Member must satisfy regular expression pattern: \
                 ((?!^\\d+$)^[0-9a-zA-Z-_]+$)"
            ))),
            _ => Ok(name),
        }
    }

    fn show_url(&self, url: &FunctionUrl) -> Result<Map<String, Value>, ServiceError> {
        let port = self
            .setting
            .endpoint()
            .and_then(url::Url::port_or_known_default)
            .ok_or_else(|| service("the guard has no port yet"))?;
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        put("FunctionUrl", json!(format!("http://{}.lambda-url.localhost:{port}/", url.id)));
        put("FunctionArn", json!(url.arn));
        put("AuthType", json!(url.auth_type));
        if let Some(cors) = &url.cors {
            put("Cors", cors.clone());
        }
        put("CreationTime", json!(url.created));
        put("LastModifiedTime", json!(url.modified));
        put("InvokeMode", json!(url.mode.as_deref().unwrap_or("BUFFERED")));
        Ok(shown)
    }
}

fn auth_type(call: &Call) -> Result<Option<String>, ServiceError> {
    match call.text("AuthType") {
        None => Ok(None),
        Some(auth_type @ ("NONE" | "AWS_IAM")) => Ok(Some(auth_type.to_owned())),
        Some(other) => Err(validation(format!(
            "1 validation error detected: Value '{other}' at 'authType' failed to satisfy \
             constraint: Member must satisfy enum value set: [NONE, AWS_IAM]"
        ))),
    }
}

fn invoke_mode(call: &Call) -> Result<Option<String>, ServiceError> {
    match call.text("InvokeMode") {
        None => Ok(None),
        Some(mode @ ("BUFFERED" | RESPONSE_STREAM)) => Ok(Some(mode.to_owned())),
        Some(other) => Err(validation(format!(
            "1 validation error detected: Value '{other}' at 'invokeMode' failed to satisfy \
             constraint: Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]"
        ))),
    }
}

/// 32 letters and digits, as AWS's.
fn random_id() -> Result<String, ServiceError> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| service(cause.to_string()))?;
    let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31)));
    Ok(letters.map(|letter| char::from(*letter)).collect())
}
