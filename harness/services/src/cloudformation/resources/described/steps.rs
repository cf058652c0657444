//! The calls of a handler, and what their answers tell.

use serde_json::{Map, Value};

use super::description::Step;
use super::expression::Scope;
use super::{Described, answer, coverage, fit};
use crate::cloudformation::resources::context::Patience;
use crate::cloudformation::resources::{Context, Failure, Made};

impl Described {
    /// Makes a step's call, or its calls where there is one for each item.
    /// Gives the last answer.
    pub(super) async fn run(
        &self,
        context: &Context,
        step: &Step,
        scope: &Scope<'_>,
    ) -> Result<Value, Failure> {
        let is = |(name, value): (&String, &Value)| {
            scope.text(&format!("{{{name}}}")).as_ref() == Some(value)
        };
        let there = |name: &String| scope.text(&format!("{{{name}}}")).is_some();
        if !step.equals.iter().all(is)
            || step.unless.iter().any(is)
            || !step.given.iter().all(there)
        {
            return Ok(Value::Object(Map::new()));
        }
        let scope = &match &step.first {
            Some(first) => {
                let answer = self.call(context, first, scope).await?;
                scope.with("answer", answer)
            }
            None => scope.clone(),
        };
        let Some(each) = &step.each else { return self.call(context, step, scope).await };
        let items = match scope.text(&format!("{{{each}}}")) {
            Some(Value::Array(items)) => items,
            Some(item) => vec![item],
            None => Vec::new(),
        };
        let mut last = Value::Object(Map::new());
        for (index, item) in items.into_iter().enumerate() {
            let scope = scope.with("item", item).with("index", index.into());
            last = self.call(context, step, &scope).await?;
        }
        Ok(last)
    }

    async fn call(
        &self,
        context: &Context,
        step: &Step,
        scope: &Scope<'_>,
    ) -> Result<Value, Failure> {
        let operation = step.operation().ok_or_else(|| {
            Failure::handler("InternalFailure", format!("{} is not in the models", step.call))
        })?;
        let mut values = scope.members(&step.members);
        if step.rest {
            for property in coverage::rest(self.of, step, operation) {
                if let (Some(value), Some(member)) = (
                    scope.properties.and_then(|it| it.get(property)),
                    fit::member(operation, property),
                ) {
                    values.entry(member.name).or_insert_with(|| value.clone());
                }
            }
            // A name that was made up, where no expression names it.
            if let (Some(property), Some(name)) = (&self.description.name, scope.given.get("name"))
                && let Some(member) = fit::member(operation, property)
            {
                values.entry(member.name).or_insert_with(|| name.clone());
            }
        }
        let input = fit::input(operation, values).map_err(|path| {
            Failure::Reason(format!(
                "the property [{path}] of {} is not supported by Ringfence's CloudFormation",
                self.kind
            ))
        })?;
        let patience = Patience::with("what the resource needs");
        let answer = loop {
            match context.call(operation.service, operation.name, input.clone().into()).await {
                Err(Failure::Call { error, .. })
                    if step.awaits.iter().any(|code| *code == error.code) =>
                {
                    patience.wait().await?;
                }
                answer => break answer?,
            }
        };
        let failures = step.failures.as_ref().and_then(|at| answer.pointer(at)?.as_array());
        match failures {
            Some(failures) if !failures.is_empty() => {
                let told: Vec<String> = failures.iter().map(Value::to_string).collect();
                let message = format!("{}: {}", operation.name, told.join(", "));
                Err(Failure::handler("InvalidRequest", message))
            }
            _ => Ok(answer),
        }
    }

    /// Attributes and identifiers out of an answer.
    pub(super) fn learn(&self, scope: &Scope<'_>, answer: &Value, made: &mut Made) {
        let known = self.of.read_only.iter().chain(&self.of.identifier).copied();
        // Those of the schema first: what is only remembered may follow from them.
        let known: Vec<&str> =
            known.chain(self.description.attributes.keys().map(String::as_str)).collect();
        for name in known {
            let given = scope.properties.is_some_and(|it| it.contains_key(name));
            if given || made.attributes.contains_key(name) {
                continue;
            }
            let written = self.description.attributes.get(name);
            let value = match written {
                Some(expression) => {
                    let attributes = made.attributes.clone();
                    let scope = Scope { attributes: Some(&attributes), ..scope.clone() };
                    scope.with("answer", answer.clone()).text(expression)
                }
                None => answer::attribute(answer, self.short(), name),
            };
            if let Some(value) = value {
                made.attributes.insert(name.to_owned(), value);
            }
        }
    }

    /// What `Ref` gives: as described, or the primary identifier. False where it
    /// is not known yet.
    pub(super) fn identify(&self, scope: &Scope<'_>, made: &mut Made) -> bool {
        let attributes = made.attributes.clone();
        let scope = Scope { attributes: Some(&attributes), ..scope.clone() };
        let text = |expression: &str| match scope.text(expression)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        };
        let found = match self.description.reference.as_slice() {
            [_, ..] => self.description.reference.iter().find_map(|it| text(it)),
            [] => {
                let parts: Option<Vec<String>> =
                    self.of.identifier.iter().map(|name| text(&format!("{{{name}}}"))).collect();
                parts.map(|parts| parts.join("|"))
            }
        };
        if let Some(id) = found {
            made.physical_id = id;
        }
        !made.physical_id.is_empty()
    }
}
