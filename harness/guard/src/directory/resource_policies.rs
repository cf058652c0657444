//! The policies of resources, of every service that keeps them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use ringfence_models::Partition;
use ringfence_policy::json;
use ringfence_wire::{Call, Operation, Service, ServiceError};
use serde_json::{Map, Value};

use super::arns::{self, Arn, Found};
use super::policy_table::{OF_MODELS, ROWS, Row, UNREAD};
use super::{Directory, is_absence};
use crate::checks::statements::{one_or_many, value};
use crate::requirements::state::Told;

/// The APIs at which a call may have stored a policy.
///
/// What an upstream cannot tell it may keep all the same, so that such a policy
/// is unknown from then on. Before, there is none in an upstream that is new: the
/// guard is the only road.
#[derive(Debug, Default)]
pub(super) struct Written {
    by_calls: Mutex<BTreeSet<&'static str>>,
    /// Whether others may have stored policies before the guard came.
    by_others: bool,
}

impl Written {
    /// Of an upstream that others may have used before.
    pub(super) fn by_others() -> Self {
        Self { by_others: true, ..Self::default() }
    }

    /// Notes a call that is no read.
    pub(super) fn learn(&self, call: &Call) {
        if stores_a_policy(call) {
            let mut written = self.by_calls.lock().unwrap_or_else(PoisonError::into_inner);
            written.insert(call.service().name());
        }
    }

    /// Whether there may be grants of KMS: a call stored something there.
    pub(super) fn may_have_grants(&self) -> bool {
        let by_calls = self.by_calls.lock().unwrap_or_else(PoisonError::into_inner);
        self.by_others || by_calls.contains("kms")
    }

    fn at(&self, api: Service) -> bool {
        let by_calls = self.by_calls.lock().unwrap_or_else(PoisonError::into_inner);
        // EC2's share something with other accounts, and limit nobody of this one.
        by_calls.contains(api.name()) || self.by_others && api != Service::Ec2
    }
}

/// Whether a call may store the policy of a resource: its name says so
/// (`AddPermission`, `PutResourcePolicy`), or its input has one, a JSON object in a
/// member that is called a policy (`SetTopicAttributes` of `Policy`). What is a
/// policy of another kind, as `SslPolicy`, is a name.
fn stores_a_policy(call: &Call) -> bool {
    let name = call.name();
    if call.operation.stores_no_policy() {
        return false;
    }
    name.contains("ResourcePolicy")
        || name.contains("Permission")
        || name == "CreateGrant"
        || !documents(&call.input).is_empty()
        || call.input.values().any(names_policy)
}

/// `AttributeName=Policy`.
fn names_policy(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().any(names_policy),
        Value::Array(items) => items.iter().any(names_policy),
        Value::String(text) => text == "Policy",
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The policies in an input: JSON objects in members that are called so, or beside
/// a name of an attribute (`AttributeName=Policy`).
pub(super) fn documents(members: &Map<String, Value>) -> Vec<&str> {
    let is_named = members.values().any(|value| value == "Policy");
    let is_document = |(name, value): &(&String, &Value)| {
        let is_policy = is_named || name.to_ascii_lowercase().contains("polic");
        is_policy && value.as_str().is_some_and(|text| text.trim_start().starts_with('{'))
    };
    let own = members.iter().filter(is_document).filter_map(|(_, value)| value.as_str());
    let inner = members.values().flat_map(objects_in).flat_map(documents);
    own.chain(inner).collect()
}

/// The objects in a member: itself, or each of a list.
fn objects_in(value: &Value) -> Vec<&Map<String, Value>> {
    match value {
        Value::Object(members) => vec![members],
        Value::Array(items) => items.iter().flat_map(objects_in).collect(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// One question about a resource's policy.
struct Question<'a> {
    api: Service,
    operation: &'static str,
    input: Map<String, Value>,
    answer: &'a [&'static str],
}

impl Directory {
    /// The policy of a resource, by ARN; where several count, one document of
    /// all their statements.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn resource_policy(
        &self,
        region: &str,
        arn: &str,
    ) -> Result<Told<String>, ServiceError> {
        let Some(arn) = Arn::parse(arn) else { return Ok(Told::Nothing) };
        // Other accounts hold nothing here.
        if !arn.account.is_empty() && arn.account != self.setting.account_id {
            return Ok(Told::Nothing);
        }
        let region = if arn.region.is_empty() { region } else { arn.region };
        let questions = questions(&arn);
        if questions.is_empty() {
            return Ok(self.unread(arn.service));
        }
        let mut documents = Vec::new();
        for question in &questions {
            let key = format!("{}\n{}\n{}", question.api.name(), question.operation, arn.text);
            match self.policies.get(&key, self.ask_for_policies(region, question)).await {
                Ok(texts) => documents.extend(texts),
                Err(error) if error.code == "ServiceUnavailable" => return Err(error),
                // `TYPE/*` is what a call makes: it has no policy yet, and no service takes
                // its name.
                Err(error)
                    if error.status < 500
                        && arn.resource.split_once('/').is_some_and(|(_, id)| id == "*") => {}
                Err(error) if self.written.at(question.api) => {
                    let (api, operation) = (question.api.name(), question.operation);
                    return Ok(Told::Unknown(format!("{api}:{operation} answers {}", error.code)));
                }
                Err(_) => {}
            }
        }
        let bound = documents
            .into_iter()
            .map(|text| self.endings.applied(arn.service, arn.text, text))
            .map(|text| normal(&text, &arn));
        let told = merged(bound.collect());
        match arn.service {
            "kms" => self.key_policy(region, arn.text, told).await,
            _ => Ok(told),
        }
    }

    async fn ask_for_policies(
        &self,
        region: &str,
        question: &Question<'_>,
    ) -> Result<Vec<String>, ServiceError> {
        let input = Value::Object(question.input.clone());
        match self.ask_in(region, question.api, question.operation, input).await {
            Ok(Value::Null) => Err(unreadable()),
            Ok(answer) => Ok(texts_at(&answer, question.answer)),
            Err(error) if says_absent(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Of a service whose policies nothing here reads.
    fn unread(&self, service: &str) -> Told<String> {
        let is_written = || Service::by_iam_prefix(service).iter().any(|api| self.written.at(*api));
        match UNREAD.contains(&service) && is_written() {
            true => Told::Unknown(format!("the guard does not read the policies of {service}")),
            false => Told::Nothing,
        }
    }
}

/// An answer that no client could read.
pub(super) fn unreadable() -> ServiceError {
    ServiceError::new(502, "InternalError", "the upstream's answer is of no protocol")
}

/// Whether an error says that there is no such thing. Services have a code for
/// each: `QueueDoesNotExist`, `RepositoryPolicyNotFoundException`.
pub(super) fn says_absent(error: &ServiceError) -> bool {
    let says = |part: &str| error.code.contains(part);
    is_absence(error)
        || error.code.starts_with("NoSuch")
        || ["NotFound", "NotExist", "NonExistent"].into_iter().any(says)
}

/// What to ask about a resource: the rows of the table, or what the models of
/// the service have.
fn questions(arn: &Arn<'_>) -> Vec<Question<'static>> {
    let rows: Vec<(&Row, Found<'_>)> = ROWS
        .iter()
        .filter(|row| row.service == arn.service)
        .filter_map(|row| Some((row, arns::find(row.resource, arn.resource)?)))
        .collect();
    // The first row that fits, and those beside it of the same pattern.
    let first = rows.first().map(|(row, _)| row.resource);
    let asked = rows.into_iter().filter(|(row, _)| Some(row.resource) == first);
    let asked: Vec<_> = asked.filter_map(|(row, found)| of_row(row, arn, &found)).collect();
    if !asked.is_empty() || ROWS.iter().any(|row| row.service == arn.service) {
        return asked;
    }
    Service::by_iam_prefix(arn.service).iter().filter_map(|api| of_models(*api, arn)).collect()
}

fn of_row(row: &'static Row, arn: &Arn<'_>, found: &Found<'_>) -> Option<Question<'static>> {
    Some(Question {
        api: Service::of(row.api)?,
        operation: row.operation,
        input: arns::input(row.input, arn, found)?,
        answer: row.answer,
    })
}

/// The operation by which most services tell the policy of an ARN.
fn of_models(api: Service, arn: &Arn<'_>) -> Option<Question<'static>> {
    let operation = OF_MODELS.into_iter().find_map(|name| Operation::find(api, name))?;
    let member = operation.members.iter().find(|member| {
        ["resourcearn", "arn"].contains(&member.name.to_ascii_lowercase().as_str())
    })?;
    let required = operation.members.iter().filter(|member| member.required);
    if required.filter(|other| other.name != member.name).count() > 0 {
        return None;
    }
    Some(Question {
        api,
        operation: operation.name,
        input: Map::from_iter([(member.name.to_owned(), arn.text.into())]),
        answer: &["?policy"],
    })
}

/// The texts at a place of an answer; `*` stands for each of a list or map, and
/// `?policy` for whichever member is called so and holds a document.
pub(super) fn texts_at(answer: &Value, path: &[&str]) -> Vec<String> {
    let Some((name, rest)) = path.split_first() else {
        let text = match answer {
            Value::String(text) => text.clone(),
            // A policy that is no text but JSON.
            Value::Object(members) if members.contains_key("Statement") => answer.to_string(),
            _ => return Vec::new(),
        };
        let text = unescaped(&text);
        return if is_empty(&text) { Vec::new() } else { vec![text] };
    };
    match (*name, answer) {
        ("*", Value::Array(items)) => items.iter().flat_map(|item| texts_at(item, rest)).collect(),
        ("*", Value::Object(members)) => {
            members.values().flat_map(|value| texts_at(value, rest)).collect()
        }
        ("?policy", Value::Object(members)) => members
            .iter()
            .filter(|(name, _)| name.to_ascii_lowercase().contains("policy"))
            .flat_map(|(_, value)| texts_at(value, rest))
            .filter(|text| text.trim_start().starts_with('{'))
            .collect(),
        (name, Value::Object(members)) => match members.get(name) {
            Some(value) => texts_at(value, rest),
            None => in_entries(members, name).map(|it| texts_at(it, rest)).unwrap_or_default(),
        },
        _ => Vec::new(),
    }
}

/// The value of a key in a map as XML writes it: `entry` with `key` and `value`.
fn in_entries<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    one_or_many(members.get("entry"))
        .find(|entry| entry.get("key").and_then(Value::as_str) == Some(name))?
        .get("value")
}

/// Whether a text says that there is no policy: Kinesis tells `{}`.
fn is_empty(text: &str) -> bool {
    matches!(text.trim(), "" | "{}" | "null")
}

/// API Gateway tells a policy as the inside of a JSON text
/// (<https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApi.html>).
fn unescaped(text: &str) -> String {
    if !text.starts_with("{\\") {
        return text.to_owned();
    }
    match json::parse(&format!("\"{text}\"")).map(value) {
        Ok(Value::String(inner)) => inner,
        _ => text.to_owned(),
    }
}

/// A policy that a service with this prefix takes, as it will be read.
pub(crate) fn readable(prefix: &str, text: &str) -> String {
    let arn = format!("arn:{}:{prefix}:::x", Partition::default());
    Arn::parse(&arn).map_or_else(|| text.to_owned(), |arn| normal(text, &arn))
}

/// A policy in the form in which the engine reads it. What cannot be read stays
/// as it is, and is refused where it is read.
fn normal(text: &str, arn: &Arn<'_>) -> String {
    let Ok(mut document) = json::parse(text).map(value) else { return text.to_owned() };
    let mut statements: Vec<Value> = one_or_many(document.get("Statement")).cloned().collect();
    let all = statements.len();
    statements.retain(|statement| has_effect(statement, arn.service));
    let mut changed = statements.len() != all;
    if statements.is_empty() {
        statements.extend((all > 0).then(no_effect));
    }
    for statement in statements.iter_mut().filter_map(Value::as_object_mut) {
        // The policy of a repository names no resource: it is about its own
        // (https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html).
        if !statement.contains_key("Resource") && !statement.contains_key("NotResource") {
            statement.insert("Resource".to_owned(), "*".into());
            changed = true;
        }
        changed |= spell_out_resources(statement, arn);
        changed |= drop_what_is_no_arn(statement, arn.service);
        changed |= spell_out_everybody(statement);
    }
    if !changed {
        return text.to_owned();
    }
    if let Some(members) = document.as_object_mut() {
        members.insert("Statement".to_owned(), statements.into());
    }
    document.to_string()
}

/// Whether a statement may apply. A key's without an action or a resource never does
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>), nor
/// does one on resources that are none, which SQS and Logs store.
fn has_effect(statement: &Value, service: &str) -> bool {
    let has = |names: [&str; 2]| names.iter().any(|name| statement.get(*name).is_some());
    match service {
        "kms" => has(["Action", "NotAction"]) && has(["Resource", "NotResource"]),
        "sqs" | "logs" => match statement.get("Resource") {
            Some(given) => one_or_many(Some(given)).any(is_resource),
            None => true,
        },
        _ => true,
    }
}

/// In the place of a policy's statements of which none has an effect: the language
/// has no policy without any.
fn no_effect() -> Value {
    serde_json::json!({"Effect": "Deny", "Principal": {"AWS": "000000000000"},
        "Action": "sts:GetCallerIdentity", "Resource": "*"})
}

fn is_resource(entry: &Value) -> bool {
    entry.as_str().is_some_and(|text| text == "*" || text.starts_with("arn:"))
}

/// Of the resources that SQS and Logs store: those that can be one.
fn drop_what_is_no_arn(statement: &mut Map<String, Value>, service: &str) -> bool {
    if !["sqs", "logs"].contains(&service) {
        return false;
    }
    let mut changed = false;
    for name in ["Resource", "NotResource"] {
        let Some(given) = statement.get(name) else { continue };
        let (kept, dropped): (Vec<Value>, Vec<Value>) =
            one_or_many(Some(given)).cloned().partition(is_resource);
        if dropped.is_empty() {
            continue;
        }
        changed = true;
        if kept.is_empty() {
            // All but nothing is everything.
            statement.remove(name);
            statement.insert("Resource".to_owned(), "*".into());
        } else {
            statement.insert(name.to_owned(), kept.into());
        }
    }
    changed
}

/// API Gateway takes `execute-api:/STAGE/GET/PATH` for a resource of its own API
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html>).
fn spell_out_resources(statement: &mut Map<String, Value>, arn: &Arn<'_>) -> bool {
    let own = arn.resource.split('/').next().unwrap_or_default();
    let head = arn.text.strip_suffix(arn.resource).unwrap_or_default();
    if arn.service != "execute-api" {
        return false;
    }
    let spelled = |text: &str| match text.strip_prefix("execute-api:/") {
        Some(rest) => format!("{head}{own}/{rest}"),
        None => text.to_owned(),
    };
    let mut changed = false;
    for name in ["Resource", "NotResource"] {
        let texts = one_or_many(statement.get(name)).filter_map(Value::as_str);
        let (old, new): (Vec<_>, Vec<_>) =
            texts.map(|text| (text.to_owned(), spelled(text))).unzip();
        if old != new {
            statement.insert(name.to_owned(), new.into());
            changed = true;
        }
    }
    changed
}

/// moto keeps the `*` of EventBridge's `PutPermission` as the root of an account
/// `*`, which AWS has nowhere.
fn spell_out_everybody(statement: &mut Map<String, Value>) -> bool {
    let named = statement.get_mut("Principal").and_then(|principal| principal.get_mut("AWS"));
    match named {
        Some(Value::String(text)) if text.starts_with("arn:") && text.ends_with(":iam::*:root") => {
            *text = "*".to_owned();
            true
        }
        _ => false,
    }
}

/// One document of all statements: each policy of a resource counts.
fn merged(texts: Vec<String>) -> Told<String> {
    let mut texts = texts.into_iter();
    let Some(first) = texts.next() else { return Told::Nothing };
    texts.try_fold(first, |all, text| with(&all, &text)).map_or_else(
        || Told::Unknown("its policies are of two versions of the language".to_owned()),
        Told::Is,
    )
}

/// A policy with the statements of another; nothing where the versions differ
/// and that could count.
pub(super) fn with(text: &str, other: &str) -> Option<String> {
    let read = |text: &str| json::parse(text).map(value).unwrap_or_default();
    let (mut document, other_document) = (read(text), read(other));
    if document.get("Version") != other_document.get("Version")
        && (text.contains("${") || other.contains("${"))
    {
        return None;
    }
    let statements: Vec<Value> = [&document, &other_document]
        .into_iter()
        .flat_map(|document| one_or_many(document.get("Statement")))
        .cloned()
        .collect();
    document.as_object_mut()?.insert("Statement".to_owned(), statements.into());
    Some(document.to_string())
}

#[cfg(test)]
mod tests;
