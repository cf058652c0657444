//! Types that are data: what makes, changes and deletes a resource is described,
//! and every call goes to the guard as whoever deploys, so that it is decided
//! exactly as a direct call is.
//!
//! - [`description`]: the form of the data, and the files;
//! - [`derive`]: descriptions by rule, of types that no file describes;
//! - [`expression`]: how a call's input follows from a resource;
//! - [`fit`]: values in the form that an operation takes;
//! - [`answer`]: attributes out of answers;
//! - [`coverage`]: what a type takes, known before anything is made;
//! - [`openapi`]: Swagger 2.0 as OpenAPI 3.0;
//! - [`prepare`]: what must be worked out before the calls;
//! - [`steps`]: the calls of a handler.

mod answer;
mod coverage;
mod derive;
mod description;
mod expression;
mod fit;
mod openapi;
mod prepare;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use ringfence_models::types::{self, Type};
use serde_json::{Map, Value};

use self::description::Description;
use self::expression::Scope;
use super::context::{Patience, merged, tag_changes, tag_list};
use super::{Context, Existing, Failure, Made, Property, ResourceType, Tagging};

/// Types whose made-up names have no dash, since theirs may have none
/// (<https://docs.aws.amazon.com/iot/latest/apireference/API_CreateTopicRule.html>).
const UNDERSCORED: [&str; 1] = ["AWS::IoT::TopicRule"];

/// A type with its description.
pub(super) struct Described {
    kind: String,
    of: &'static Type,
    description: &'static Description,
    properties: Vec<Property>,
    /// The paths of what is refused by name.
    unsupported: BTreeSet<String>,
}

/// The type of this name, where a file or the rule describes it.
pub(super) fn find(kind: &str) -> Option<&'static Described> {
    static FOUND: LazyLock<Mutex<BTreeMap<String, Option<&'static Described>>>> =
        LazyLock::new(Mutex::default);
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = found.get(kind) {
        return *known;
    }
    // Types live as long as the program, as those that are written in Rust do.
    let described = Described::new(kind).map(|new| &*Box::leak(Box::new(new)));
    found.insert(kind.to_owned(), described);
    described
}

impl Described {
    fn new(kind: &str) -> Option<Self> {
        let of = types::find(kind)?;
        let description = match description::written(kind) {
            Some(written) => written,
            None => Box::leak(Box::new(derive::describe(kind, of)?)),
        };
        let unsupported = coverage::unsupported(of, description);
        let properties = coverage::properties(of);
        Some(Self { kind: kind.to_owned(), of, description, properties, unsupported })
    }

    /// The type's own name: `Queue`.
    fn short(&self) -> &str {
        self.kind.rsplit("::").next().unwrap_or(&self.kind)
    }

    /// Whether a property, or a member of one, is refused by name.
    pub(super) fn refuses(&self, path: &[&str]) -> bool {
        self.unsupported.contains(&path.join("."))
    }

    /// The physical name, made up where the template gives none.
    fn physical_name(&self, context: &Context, wanted: &Map<String, Value>) -> Option<String> {
        let property = self.description.name.as_deref()?;
        if let Some(name) = super::text(wanted, property) {
            return Some(name.to_owned());
        }
        let longest = self.description.longest;
        let longest = longest.or_else(|| self.of.longest.get(property).copied()).unwrap_or(64);
        let suffix = self
            .description
            .suffix
            .as_ref()
            .filter(|suffix| wanted.get(&suffix.property) == Some(&Value::Bool(true)))
            .map_or("", |suffix| suffix.text.as_str());
        let mut name = context.physical_name(longest.saturating_sub(suffix.len()));
        if self.description.lower {
            name = name.to_lowercase();
        }
        if UNDERSCORED.contains(&self.kind.as_str()) {
            name = name.replace('-', "_");
        }
        Some(format!("{name}{suffix}"))
    }

    fn tags(&self, properties: &Map<String, Value>) -> Option<Value> {
        let value = properties.get(self.of.tag_property?)?;
        Some(match value {
            Value::Object(map) => {
                let text =
                    |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let tags: Vec<_> = map.iter().map(|(key, it)| (key.clone(), text(it))).collect();
                tag_list(&tags)
            }
            other => other.clone(),
        })
    }

    fn scope<'a>(
        &self,
        context: &Context,
        properties: &'a Map<String, Value>,
        made: Option<&'a Made>,
    ) -> Scope<'a> {
        let mut given = Map::new();
        for (name, value) in [
            ("account", &context.account_id),
            ("region", &context.region),
            ("stack", &context.stack_id),
        ] {
            given.insert(name.to_owned(), value.clone().into());
        }
        if let Some(made) = made {
            given.insert("reference".to_owned(), made.physical_id.clone().into());
            if let Some(name) = made.attributes.get(NAME) {
                given.insert("name".to_owned(), name.clone());
            }
        }
        Scope { properties: Some(properties), attributes: made.map(|it| &it.attributes), given }
    }
}

/// Under which name the physical name is remembered; no attribute is called so.
const NAME: &str = "(name)";

#[async_trait]
impl ResourceType for Described {
    fn properties(&self) -> &'static [Property] {
        // All of this type lives as long as the program: see `find`.
        find(&self.kind).map(|it| it.properties.as_slice()).unwrap_or_default()
    }

    fn name_property(&self) -> Option<&'static str> {
        find(&self.kind)?.description.name.as_deref()
    }

    fn takes_snapshot(&self) -> bool {
        let named = |step: &description::Step| expression::names(&step.members.clone().into());
        self.description.delete.iter().any(|step| named(step).contains("snapshot"))
    }

    fn tagging(&self) -> Tagging {
        match self.of.tag_property {
            Some(property) if !self.unsupported.contains(property) => {
                if self.of.system_tags {
                    Tagging::System
                } else {
                    Tagging::Stack
                }
            }
            _ => Tagging::Never,
        }
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let wanted = &prepare::properties(&self.kind, context, wanted, None).await?;
        let mut made = Made::default();
        let own = self.tags(wanted);
        let tags = context.tags(own.as_ref(), self.tagging());
        let mut scope = self.scope(context, wanted, None);
        if !tags.is_empty() {
            scope.given.insert("tags".to_owned(), tag_list(&tags));
        }
        scope.given.insert("generated".to_owned(), context.physical_name(64).into());
        if let Some(name) = self.physical_name(context, wanted) {
            if let Some(property) = &self.description.name {
                made.attributes.insert(property.clone(), name.clone().into());
            }
            made.attributes.insert(NAME.to_owned(), name.clone().into());
            scope.given.insert("name".to_owned(), name.into());
        }
        let mut steps = self.description.create.iter();
        let Some(first) = steps.next() else { return Err(self.lacks("create")) };
        let answer = self.run(context, first, &scope).await?;
        self.learn(&scope, &answer, &mut made);
        self.identify(&scope, &mut made);
        if !made.physical_id.is_empty() {
            context.initiated(&made);
        }
        let read = self.settle(context, &scope, &made).await?;
        if let Some(answer) = read {
            self.learn(&scope, &answer, &mut made);
        }
        if made.physical_id.is_empty() && !self.identify(&scope, &mut made) {
            return Err(Failure::handler(
                "InternalFailure",
                format!("the answers of {} do not tell what identifies it", first.call),
            ));
        }
        context.initiated(&made);
        let (attributes, physical_id) = (made.attributes.clone(), made.physical_id.clone());
        let scope = Scope { attributes: Some(&attributes), ..scope.clone() };
        let scope = scope.with("reference", physical_id.into());
        for step in steps {
            if coverage::applies(self.of, step, |property| wanted.contains_key(property)) {
                let answer = self.run(context, step, &scope).await?;
                self.learn(&scope, &answer, &mut made);
            }
        }
        if self.description.tags_after
            && let (Some(tag), false) = (&self.description.tag, tags.is_empty())
        {
            self.run(context, tag, &scope).await?;
        }
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let old = &current.properties;
        let prepared = prepare::properties(&self.kind, context, wanted, Some(old)).await?;
        let mut changed: BTreeSet<&str> = old
            .keys()
            .chain(wanted.keys())
            .filter(|name| old.get(*name) != wanted.get(*name))
            .map(String::as_str)
            .collect();
        if let Some(tags) = self.of.tag_property {
            changed.remove(tags);
        }
        let mut scope = self.scope(context, &prepared, Some(&current.made));
        scope.given.insert("old".to_owned(), Value::Object(old.clone()));
        for property in &changed {
            let takes = |step: &&description::Step| coverage::takes(self.of, step, property);
            let Some(step) = self.description.update.iter().find(takes) else {
                let message = format!("the property {property} cannot be changed");
                return Err(Failure::handler("NotUpdatable", message));
            };
            if !wanted.contains_key(*property) && !step.replaces {
                let message = format!("the property {property} cannot be removed");
                return Err(Failure::handler("NotUpdatable", message));
            }
        }
        let tags = merged(self.tags(wanted).as_ref(), &context.stack_tags);
        let scope = match self.description.name {
            // What replaces a resource by a call of its creation gives tags too.
            Some(_) if !tags.is_empty() => scope.with("tags", tag_list(&tags)),
            _ => scope,
        };
        for step in &self.description.update {
            if coverage::applies(self.of, step, |property| changed.contains(property)) {
                self.run(context, step, &scope).await?;
            }
        }
        self.change_tags(context, current, &tags, &scope).await?;
        if let Some(read) = &self.description.read {
            self.run(context, read, &scope).await?;
        }
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let mut scope = self.scope(context, &current.properties, Some(&current.made));
        match &context.last_snapshot {
            Some(name) => scope.given.insert("snapshot".to_owned(), name.clone().into()),
            None => scope.given.insert("skip".to_owned(), true.into()),
        };
        for step in &self.description.delete {
            let given = |property: &str| current.properties.contains_key(property);
            if !coverage::applies_to_deletion(self.of, step, given) {
                continue;
            }
            match self.run(context, step, &scope).await {
                Err(failure) if !failure.not_found() => return Err(failure),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Described {
    fn lacks(&self, handler: &str) -> Failure {
        Failure::handler("InternalFailure", format!("{} has no {handler} handler", self.kind))
    }

    async fn change_tags(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &[(String, String)],
        scope: &Scope<'_>,
    ) -> Result<(), Failure> {
        if self.tagging() == Tagging::Never {
            return Ok(());
        }
        let old = merged(self.tags(&current.properties).as_ref(), &current.stack_tags);
        let (set, removed) = tag_changes(&old, wanted);
        for (step, name, value, empty) in [
            (&self.description.tag, "tags", tag_list(&set), set.is_empty()),
            (&self.description.untag, "untag", removed.clone().into(), removed.is_empty()),
        ] {
            match step {
                _ if empty => {}
                Some(step) => drop(self.run(context, step, &scope.with(name, value)).await?),
                None => {
                    let message = format!("the tags of {} cannot be changed", self.kind);
                    return Err(Failure::handler("NotUpdatable", message));
                }
            }
        }
        Ok(())
    }

    /// Reads the resource back until it is there.
    async fn settle(
        &self,
        context: &Context,
        scope: &Scope<'_>,
        made: &Made,
    ) -> Result<Option<Value>, Failure> {
        let Some(read) = &self.description.read else { return Ok(None) };
        let scope = Scope { attributes: Some(&made.attributes), ..scope.clone() };
        let scope = scope.with("reference", made.physical_id.clone().into());
        let patience = Patience::with("the resource");
        loop {
            let answer = self.run(context, read, &scope).await?;
            let Some(settled) = &self.description.settled else { return Ok(Some(answer)) };
            let state = answer.pointer(&settled.at).and_then(Value::as_str);
            if state.is_some_and(|state| settled.until.iter().any(|it| it == state)) {
                return Ok(Some(answer));
            }
            patience.wait().await?;
        }
    }
}
