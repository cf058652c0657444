//! Methods that ask for an API key and nothing else. AWS advises against that as the
//! only guard (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html>);
//! that nobody passes without a key can be tried.

use std::time::Instant;

use ringfence_wire::ServiceError;
use ringfence_wire::services::ApiGateway;
use serde_json::{Value, json};

use super::mirror::Mirror;
use super::shown::{self, Shown};
use super::{AUTHORIZER, CLIENT, Carried, DEFAULT_STAGE, FORBIDDEN, Gateway, TOKEN, id};
use crate::attacks::attack::Step;
use crate::attacks::facts::RouteFacts;
use crate::attacks::finding::{Companion, Companions, Finding};

pub(super) const NAMES: [&str; 3] = ["no-api-key", "made-up-api-key", "api-key-of-no-plan"];

const HEADER: &str = "x-api-key";
/// At least 20 characters, as AWS asks for.
const MADE_UP: &str = "ringfence-nobody-has-this-key";
const NAME: &str = "ringfence-probe";

/// What the platform makes: keys with their values, and a plan.
#[derive(Default)]
struct Made {
    plan: Option<String>,
    keys: Vec<(String, String)>,
}

impl Gateway<'_> {
    /// The attacks at such a method.
    pub(super) async fn at_key(
        &self,
        route: &RouteFacts,
        mirror: &Mirror<'_>,
        selected: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<Finding>> {
        if !NAMES.iter().any(|name| selected(&id(name, route))) {
            return Ok(Vec::new());
        }
        let mut made = Made::default();
        let tried = match self.make(&mut made).await {
            Ok(()) => self.try_keys(route, mirror, &made, selected).await,
            Err(error) => Err(error.into()),
        };
        let removed = self.unmake(&made).await;
        let findings = tried?;
        removed?;
        Ok(findings)
    }

    async fn try_keys(
        &self,
        route: &RouteFacts,
        mirror: &Mirror<'_>,
        made: &Made,
        selected: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<Finding>> {
        let value = |number: usize| made.keys.get(number).map_or("", |(_, value)| value.as_str());
        let (good, planless) = (value(0).to_owned(), value(1).to_owned());
        let carrying = |value: &str| Carried::Elsewhere(HEADER, value.to_owned());
        let tries = [
            ("without an API key", Carried::Nothing),
            ("with a made-up API key", carrying(MADE_UP)),
            ("with an API key of no usage plan", carrying(&planless)),
        ];
        let mut findings = Vec::new();
        for (name, (title, carried)) in NAMES.into_iter().zip(tries) {
            if !selected(&id(name, route)) {
                continue;
            }
            let start = Instant::now();
            let observed = self.fetch(route, &carried).await?;
            let twin = self.fetch(route, &carrying(&good)).await?;
            let without = self.fetch(route, &Carried::Nothing).await?;
            let copy = mirror.without(&TOKEN);
            let mutant = self.fetch_from(copy.api_id, DEFAULT_STAGE, route, &carried).await?;
            let companions = Companions {
                twin: Some(match twin.was_let_in() {
                    true => Companion::shown(format!("a key of a plan gets {}", twin.status)),
                    false => Companion::missing(format!("a key of a plan gets {twin}")),
                }),
                canary: Some(match without.is(FORBIDDEN) {
                    true => Companion::shown(format!("without a key it gets {without}")),
                    false => Companion::missing(format!("without a key it gets {without}")),
                }),
                mutant: Some(copy.shows(&mutant, "the same request reaches a function")),
            };
            let fault = (!observed.is(FORBIDDEN)).then(|| format!("the API answered {observed}"));
            let shown = Shown {
                name,
                route,
                guard_rail: AUTHORIZER,
                title: format!("{CLIENT} cannot call `{}` {title}", route.route_key),
                expected: shown::answer(FORBIDDEN),
                observed: observed.to_string(),
            };
            findings.push(shown.judged(companions, fault.as_deref(), start, [observed, twin]));
        }
        Ok(findings)
    }

    async fn configure(
        &self,
        operation: &'static str,
        input: Value,
    ) -> Result<Value, ServiceError> {
        self.platform.call(&Step::new(ApiGateway, operation, input)).await.result
    }

    /// A plan of the stage with a key, and a key without a plan.
    async fn make(&self, made: &mut Made) -> Result<(), ServiceError> {
        let stage = json!([{ "apiId": self.facts.api_id, "stage": self.facts.stage() }]);
        let plan = json!({ "name": NAME, "apiStages": stage });
        let plan = text(&self.configure("CreateUsagePlan", plan).await?, "id")?;
        made.plan = Some(plan.clone());
        for number in 0..2 {
            let key = json!({ "name": format!("{NAME}-{number}"), "enabled": true });
            let shown = self.configure("CreateApiKey", key).await?;
            made.keys.push((text(&shown, "id")?, text(&shown, "value")?));
        }
        let key = made.keys.first().map(|(id, _)| id.clone()).unwrap_or_default();
        let planned = json!({ "usagePlanId": plan, "keyId": key, "keyType": "API_KEY" });
        self.configure("CreateUsagePlanKey", planned).await.map(drop)
    }

    async fn unmake(&self, made: &Made) -> Result<(), ServiceError> {
        let mut result = Ok(());
        let mut remove = async |operation, input| {
            if let Err(error) = self.configure(operation, input).await {
                result = Err(error);
            }
        };
        for (key, _) in &made.keys {
            remove("DeleteApiKey", json!({ "apiKey": key })).await;
        }
        if let Some(plan) = &made.plan {
            // A plan that has stages cannot be deleted.
            let stage = format!("{}:{}", self.facts.api_id, self.facts.stage());
            let input = json!({ "usagePlanId": plan, "patchOperations": [
                { "op": "remove", "path": "/apiStages", "value": stage }]});
            remove("UpdateUsagePlan", input).await;
            remove("DeleteUsagePlan", json!({ "usagePlanId": plan })).await;
        }
        result
    }
}

fn text(answer: &Value, member: &str) -> Result<String, ServiceError> {
    let found = answer.get(member).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| ServiceError::new(502, "InvalidResponse", format!("no {member}")))
}
