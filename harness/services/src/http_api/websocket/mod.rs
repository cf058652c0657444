//! WebSocket APIs: what configures them, and who may connect.
//!
//! All records are kept as they were given and shown so ([`kinds`]); what AWS
//! refuses is refused ([`rules`]). Connections are not served: who asks for one is
//! authorized by the route `$connect` and then told so by name.

mod kinds;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value, json};

use super::control::errors;
use super::state::new_id;
use kinds::{Kind, Verb};

/// A record as it is shown.
type Record = Map<String, Value>;

/// A WebSocket API with everything that belongs to it.
#[derive(Debug, Clone, Default)]
struct Api {
    /// What `GetApi` shows, but for the endpoint.
    facts: Record,
    /// The records of a kind, by their ids.
    records: BTreeMap<&'static str, BTreeMap<String, Record>>,
}

/// Every WebSocket API, by id.
#[derive(Debug, Default)]
pub(super) struct WebSockets(RwLock<BTreeMap<String, Api>>);

/// The route that a connection takes.
pub(super) const CONNECT: &str = "$connect";
const API_KEYS: &str = "$request.header.x-api-key";

impl WebSockets {
    /// Whether there is an API of this id.
    pub(super) fn has(&self, api_id: &str) -> bool {
        self.look(api_id, |_| ()).is_some()
    }

    /// What `GetApi` shows of an API, but for the endpoint.
    pub(super) fn facts(&self, api_id: &str) -> Option<Value> {
        self.look(api_id, |api| Value::Object(api.facts.clone()))
    }

    /// The same of all.
    pub(super) fn all(&self) -> Vec<Value> {
        let apis = self.0.read().unwrap_or_else(PoisonError::into_inner);
        apis.values().map(|api| Value::Object(api.facts.clone())).collect()
    }

    /// A record, as `Get…` shows it.
    pub(super) fn record(&self, api_id: &str, noun: &str, id: &str) -> Option<Value> {
        self.look(api_id, |api| {
            api.records.get(noun).and_then(|all| all.get(id)).cloned().map(Value::Object)
        })?
    }

    /// Every record of a kind.
    pub(super) fn records(&self, api_id: &str, noun: &str) -> Option<Vec<Value>> {
        self.look(api_id, |api| {
            let all = api.records.get(noun).into_iter().flat_map(BTreeMap::values);
            all.cloned().map(Value::Object).collect()
        })
    }

    /// The route that a connection to a stage takes; none where the stage is not
    /// there or has nothing deployed.
    pub(super) fn connect(&self, api_id: &str, stage: &str) -> Option<Value> {
        self.look(api_id, |api| {
            let deployed = api.records.get("Stage")?.get(stage)?;
            deployed.get("deploymentId")?;
            let routes = api.records.get("Route").into_iter().flat_map(BTreeMap::values);
            let mut connects =
                routes.filter(|it| it.get("routeKey").and_then(Value::as_str) == Some(CONNECT));
            // Without the route everybody may connect.
            Some(connects.next().cloned().map_or_else(
                || json!({ "routeId": "", "authorizationType": "NONE" }),
                Value::Object,
            ))
        })?
    }

    /// Makes an API.
    pub(super) fn create(&self, call: &Call, now: &str) -> Result<Value, ServiceError> {
        let mut facts = shown(call, &["ProtocolType"]);
        let has =
            |name: &str| facts.get(name).and_then(Value::as_str).is_some_and(|t| !t.is_empty());
        if !has("routeSelectionExpression") {
            return Err(errors::bad_request("RouteSelectionExpression is required"));
        }
        for (member, name) in [
            ("CorsConfiguration", "corsConfiguration"),
            ("Target", "target"),
            ("RouteKey", "routeKey"),
            ("CredentialsArn", "credentialsArn"),
        ] {
            if facts.contains_key(name) {
                return Err(errors::bad_request(format!(
                    "{member} is currently not supported for protocolType WEBSOCKET"
                )));
            }
        }
        let id = new_id(10)?;
        for (name, value) in [
            ("apiKeySelectionExpression", json!(API_KEYS)),
            ("disableExecuteApiEndpoint", json!(false)),
            ("disableSchemaValidation", json!(false)),
            ("ipAddressType", json!("ipv4")),
            ("tags", json!({})),
        ] {
            facts.entry(name).or_insert(value);
        }
        facts.insert("apiId".to_owned(), id.clone().into());
        facts.insert("createdDate".to_owned(), now.into());
        facts.insert("protocolType".to_owned(), "WEBSOCKET".into());
        let shown = Value::Object(facts.clone());
        let api = Api { facts, records: BTreeMap::new() };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id, api);
        Ok(shown)
    }

    pub(super) fn delete(&self, api_id: &str) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(api_id).is_some()
    }

    /// Changes the tags of an API or a stage, or only looks at them.
    pub(super) fn tags(
        &self,
        api_id: &str,
        stage: Option<&str>,
        change: impl FnOnce(&mut Record),
    ) -> Result<Value, ServiceError> {
        self.change(api_id, |api| {
            let record = match stage {
                None => Some(&mut api.facts),
                Some(name) => api.records.get_mut("Stage").and_then(|all| all.get_mut(name)),
            };
            let record =
                record.ok_or_else(|| errors::not_found("Invalid stage identifier specified"))?;
            let tags = record.entry("tags").or_insert_with(|| json!({}));
            if let Value::Object(tags) = tags {
                change(tags);
            }
            Ok(tags.clone())
        })
    }

    /// Answers a call about an API or one of its records.
    pub(super) fn answer(
        &self,
        call: &Call,
        api_id: &str,
        now: &str,
    ) -> Result<Answer, ServiceError> {
        if call.name() == "UpdateApi" {
            return self.change(api_id, |api| {
                let given = shown(call, &["ApiId"]);
                if given.contains_key("protocolType") || given.contains_key("tags") {
                    return Err(errors::bad_request(
                        "ProtocolType and Tags are not updated by UpdateApi",
                    ));
                }
                merge(&mut api.facts, given);
                Ok(Answer::Record(Value::Object(api.facts.clone())))
            });
        }
        let Some((verb, kind)) = Kind::of(call.name()) else {
            return Err(errors::not_built(format_args!("apigatewayv2:{}", call.name())));
        };
        self.change(api_id, |api| api.answer(call, verb, kind, now))
    }

    fn look<T>(&self, api_id: &str, look: impl FnOnce(&Api) -> T) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(api_id).map(look)
    }

    /// Changes an API; a failed change leaves no trace.
    fn change<T>(
        &self,
        api_id: &str,
        change: impl FnOnce(&mut Api) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut apis = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let api = apis.get_mut(api_id).ok_or_else(|| errors::no_record("API", api_id))?;
        let mut changed = api.clone();
        let result = change(&mut changed)?;
        *api = changed;
        Ok(result)
    }
}

/// What a call is answered with.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Record(Value),
    /// All of them; the caller asks for a page.
    List(Vec<Value>),
    Nothing,
}

impl Api {
    fn answer(
        &mut self,
        call: &Call,
        verb: Verb,
        kind: &'static Kind,
        now: &str,
    ) -> Result<Answer, ServiceError> {
        let parent = match kind.parent {
            None => None,
            Some(noun) => {
                let id = text(call, &format!("{noun}Id"))?;
                if !self.records.get(noun).is_some_and(|all| all.contains_key(id)) {
                    return Err(errors::no_record(noun, id));
                }
                Some((lower_first(&format!("{noun}Id")), id.to_owned()))
            }
        };
        if verb == Verb::Create {
            return self.create(call, kind, parent, now);
        }
        let belongs = |record: &&Record| {
            parent
                .as_ref()
                .is_none_or(|(name, id)| record.get(name).and_then(Value::as_str) == Some(id))
        };
        if verb == Verb::List {
            let all = self.records.get(kind.noun).into_iter().flat_map(BTreeMap::values);
            return Ok(Answer::List(
                all.filter(belongs).map(|record| Value::Object(record.clone())).collect(),
            ));
        }
        let id = text(call, kind.id)?.to_owned();
        let found = self.records.get(kind.noun).and_then(|all| all.get(&id));
        let mut record =
            found.filter(belongs).cloned().ok_or_else(|| errors::no_record(kind.noun, &id))?;
        match verb {
            Verb::Update => {
                let given = shown(call, &named(kind));
                rules::values(kind, &given)?;
                merge(&mut record, given);
                rules::holds(self, kind, &record)?;
                if kind.noun == "Stage" {
                    record.insert("lastUpdatedDate".to_owned(), now.into());
                }
                self.put(kind, id, record.clone());
            }
            Verb::Delete => {
                rules::unused(self, kind, &id)?;
                if let Some(all) = self.records.get_mut(kind.noun) {
                    all.remove(&id);
                }
                self.orphans(kind, &id);
                return Ok(Answer::Nothing);
            }
            _ => {}
        }
        Ok(Answer::Record(Value::Object(record)))
    }

    fn create(
        &mut self,
        call: &Call,
        kind: &'static Kind,
        parent: Option<(String, String)>,
        now: &str,
    ) -> Result<Answer, ServiceError> {
        let given = shown(call, &named(kind));
        for member in kind.required {
            text(call, member)?;
        }
        rules::values(kind, &given)?;
        let mut record = match kind.defaults(now) {
            Value::Object(defaults) => defaults,
            _ => Map::new(),
        };
        merge(&mut record, given);
        let id = match kind.noun {
            "Stage" => text(call, kind.id)?.to_owned(),
            _ => new_id(7)?,
        };
        record.insert(lower_first(kind.id), id.clone().into());
        if let Some((name, of)) = parent {
            record.insert(name, of.into());
        }
        rules::holds(self, kind, &record)?;
        // A deployment for a stage becomes the stage's.
        if kind.noun == "Deployment"
            && let Some(stage) = record.remove("stageName")
        {
            let name = stage.as_str().unwrap_or_default();
            let stage = self.records.get_mut("Stage").and_then(|all| all.get_mut(name));
            let stage =
                stage.ok_or_else(|| errors::not_found("Invalid stage identifier specified"))?;
            stage.insert("deploymentId".to_owned(), id.clone().into());
        }
        self.put(kind, id, record.clone());
        Ok(Answer::Record(Value::Object(record)))
    }

    fn put(&mut self, kind: &'static Kind, id: String, record: Record) {
        self.records.entry(kind.noun).or_default().insert(id, record);
    }

    /// What belongs to a record goes with it.
    fn orphans(&mut self, kind: &Kind, id: &str) {
        let name = lower_first(kind.id);
        for part in kinds::KINDS.iter().filter(|part| part.parent == Some(kind.noun)) {
            if let Some(all) = self.records.get_mut(part.noun) {
                all.retain(|_, record| record.get(&name).and_then(Value::as_str) != Some(id));
            }
        }
    }
}

/// The members that say what a call is about.
fn named(kind: &Kind) -> Vec<&'static str> {
    let parent = match kind.parent {
        Some("Integration") => "IntegrationId",
        Some("Route") => "RouteId",
        _ => "ApiId",
    };
    let own = if kind.noun == "Stage" { "ApiId" } else { kind.id };
    vec!["ApiId", parent, own]
}

/// The members of a call as records show them, without those that name it.
fn shown(call: &Call, named: &[&str]) -> Record {
    let given = call
        .input
        .iter()
        .filter(|(name, value)| !named.contains(&name.as_str()) && !value.is_null());
    given.map(|(name, value)| (lower_first(name), value.clone())).collect()
}

/// Takes over what was given; an empty text takes away what was there.
fn merge(record: &mut Record, given: Record) {
    for (name, value) in given {
        if value.as_str() == Some("") {
            record.remove(&name);
        } else {
            record.insert(name, value);
        }
    }
}

fn text<'c>(call: &'c Call, member: &str) -> Result<&'c str, ServiceError> {
    call.text(member)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| errors::bad_request(format!("{member} is required")))
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
