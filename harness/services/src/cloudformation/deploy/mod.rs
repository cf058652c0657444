//! The deploy engine: what happens to a stack's resources, in which order,
//! and what the stack's history says about it.

mod create;
mod delete;
mod update;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_wire::Secret;
use serde_json::{Map, Value};

use super::CloudFormation;
use super::resolve::Reader;
use super::resources::{
    self, Context, Existing, Failure, Made, NO_ECHO, Progress, ResourceType, Tagging,
};
use super::status::Status;
use super::store::{Applied, Definition, Deployed, OutputValue, Stack};
use super::template::{
    self, Graph, Growth, Lookup, Policy, Pseudo, Removal, Resource, Scope, TemplateError,
};
use crate::credentials::Credentials;

/// What a failed creation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    Rollback,
    DoNothing,
    Delete,
}

/// One operation on a stack, under way.
pub(super) struct Engine {
    pub(super) service: Arc<CloudFormation>,
    pub(super) stack_id: String,
    /// Whose permissions count for every call.
    pub(super) credentials: Credentials,
    /// The zones of the region, where the template asks for them.
    pub(super) zones: Option<Vec<String>>,
}

/// A definition with its conditions decided.
struct Plan {
    definition: Definition,
    parameters: BTreeMap<String, Value>,
    conditions: BTreeMap<String, bool>,
    pseudo: Pseudo,
    graph: Graph,
    /// Of all its resources and outputs.
    growth: Growth,
}

/// What a resource shall be.
struct Wanted {
    resource: Resource,
    handler: &'static dyn ResourceType,
    /// With dynamic references unresolved: what is compared and shown.
    shown: Map<String, Value>,
    /// What the handler is given.
    resolved: Map<String, Value>,
    metadata: Option<Value>,
    deletion_policy: Removal,
    update_replace_policy: Removal,
}

impl Plan {
    fn new(definition: Definition, pseudo: Pseudo) -> Result<Self, TemplateError> {
        let parameters = definition.seen();
        let conditions = template::conditions(&definition.template, &parameters, &pseudo)?;
        let active = |id: &str| is_active(definition.template.resource(id), &conditions);
        let graph = Graph::new(&definition.template, active)?;
        let growth = Growth::default();
        Ok(Self { definition, parameters, conditions, pseudo, graph, growth })
    }

    fn is_active(&self, logical_id: &str) -> bool {
        is_active(self.definition.template.resource(logical_id), &self.conditions)
    }

    /// Why a resource's expressions give no value.
    fn failure(&self, error: &TemplateError) -> Failure {
        let of = |id: &str| self.definition.template.resource(id);
        Failure::Reason(match error {
            // <https://github.com/awslabs/aws-solutions-constructs/issues/1344>
            TemplateError::Attribute(id, attribute)
                if of(id).is_some_and(|r| resources::is_custom(&r.kind)) =>
            {
                format!(
                    "CustomResource attribute error: Vendor response doesn't contain {attribute} attribute in object {}|{id}",
                    self.pseudo.stack_id
                )
            }
            // AWS has the attribute; the type here does not give it.
            TemplateError::Attribute(id, attribute)
                if of(id).is_some_and(|r| resources::has_attribute(&r.kind, attribute)) =>
            {
                format!(
                    "the attribute {attribute} of {id} is not supported by Ringfence's CloudFormation"
                )
            }
            other => other.to_string(),
        })
    }

    fn scope<'a>(&'a self, lookup: &'a dyn Lookup) -> Scope<'a> {
        Scope {
            template: &self.definition.template,
            parameters: &self.parameters,
            conditions: &self.conditions,
            pseudo: &self.pseudo,
            lookup,
            growth: self.growth.clone(),
        }
    }
}

pub(super) fn is_active(resource: Option<&Resource>, conditions: &BTreeMap<String, bool>) -> bool {
    resource.is_some_and(|resource| match &resource.condition {
        Some(condition) => conditions.get(condition).copied().unwrap_or(false),
        None => true,
    })
}

/// What the stack and the other stacks have to say, now.
pub(super) struct Live {
    service: Arc<CloudFormation>,
    resources: BTreeMap<String, Existing>,
    zones: Option<Vec<String>>,
    imports: Mutex<BTreeSet<String>>,
}

impl Live {
    /// A view of a stack as it stands.
    pub(super) fn new(
        service: &Arc<CloudFormation>,
        stack_id: &str,
        zones: Option<Vec<String>>,
    ) -> Self {
        let resources = service.store.read(stack_id, |stack| {
            stack
                .resources
                .iter()
                .filter(|resource| resource.lives())
                .filter_map(|resource| Some((resource.logical_id.clone(), existing(resource)?)))
                .collect()
        });
        Self {
            service: Arc::clone(service),
            resources: resources.unwrap_or_default(),
            zones,
            imports: Mutex::default(),
        }
    }
}

impl Lookup for Live {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        self.resources.get(logical_id).map(|existing| existing.made.physical_id.clone().into())
    }

    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value> {
        let existing = self.resources.get(logical_id)?;
        // A property is an attribute too (LocalStack's recorded
        // `TestChangeSetFnGetAttr`: `DisplayName` of a topic).
        let known = existing.made.attributes.get(attribute);
        known.or_else(|| existing.properties.get(attribute)).cloned()
    }

    fn export(&self, name: &str) -> Option<String> {
        let (value, _) = self.service.store.export(name)?;
        self.imports.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Some(value)
    }

    fn zones(&self, region: &str) -> Option<Vec<String>> {
        (region == self.service.setting.region).then(|| self.zones.clone()).flatten()
    }
}

/// What a resource's handler made; none before it did.
fn existing(resource: &Deployed) -> Option<Existing> {
    let physical_id = resource.physical_id.clone()?;
    Some(Existing {
        made: Made { physical_id, attributes: resource.attributes.clone() },
        properties: resource.applied.0.clone(),
        stack_tags: resource.tags.clone(),
    })
}

impl Engine {
    fn read<T>(&self, look: impl FnOnce(&Stack) -> T) -> Option<T> {
        self.service.store.read(&self.stack_id, look)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Stack) -> T) -> Option<T> {
        self.service.store.write(&self.stack_id, change)
    }

    fn enter(&self, status: Status, reason: Option<String>) {
        let now = self.service.setting.now();
        self.write(|stack| stack.enter(status, reason, now));
    }

    fn resource_enters(&self, logical_id: &str, status: Status, reason: Option<String>) {
        let now = self.service.setting.now();
        self.write(|stack| stack.resource_enters(logical_id, status, reason, now));
    }

    fn stop_flag(&self) -> Arc<AtomicBool> {
        self.read(|stack| Arc::clone(&stack.cancel)).unwrap_or_default()
    }

    fn plan(&self, definition: Definition) -> Result<Plan, TemplateError> {
        let name = self.read(|stack| stack.name.clone()).unwrap_or_default();
        let pseudo = self.service.pseudo(&name, &self.stack_id, &definition.notification_arns);
        Plan::new(definition, pseudo)
    }

    /// What a handler works with, for one resource. Its tags are the stack's
    /// in this deployment.
    fn context(
        self: &Arc<Self>,
        (logical_id, kind): (&str, &str),
        stack_tags: &[(String, String)],
        progress: Arc<dyn Progress>,
    ) -> Context {
        let setting = &self.service.setting;
        Context {
            client: self.service.client.clone(),
            credentials: self.credentials.clone(),
            account_id: setting.account_id.clone(),
            region: setting.region.clone(),
            stack_id: self.stack_id.clone(),
            stack_name: self.read(|stack| stack.name.clone()).unwrap_or_default(),
            stack_tags: stack_tags.to_vec(),
            capabilities: self
                .read(|stack| stack.deployed.as_ref().map(|it| it.capabilities.clone()))
                .flatten()
                .unwrap_or_default(),
            logical_id: logical_id.to_owned(),
            kind: kind.to_owned(),
            last_snapshot: None,
            responses: setting
                .endpoint()
                .map(|endpoint| (endpoint.clone(), Arc::clone(&self.service.responses))),
            progress,
        }
    }

    /// What a resource shall be, now that what it needs exists.
    async fn wanted(&self, plan: &Plan, logical_id: &str) -> Result<Wanted, Failure> {
        let resource = plan
            .definition
            .template
            .resource(logical_id)
            .cloned()
            .ok_or_else(|| Failure::Reason(format!("no resource {logical_id}")))?;
        let handler = resources::find(&resource.kind)
            .ok_or_else(|| Failure::Reason(format!("no type {}", resource.kind)))?;
        let live = Live::new(&self.service, &self.stack_id, self.zones.clone());
        let shown =
            plan.scope(&live).object(&resource.properties).map_err(|error| plan.failure(&error))?;
        let scope = plan.scope(&live);
        let metadata = super::changes::metadata(&scope, &resource);
        let removal = |policy: &Policy| policy.removal(&scope).map_err(|e| plan.failure(&e));
        let deletion_policy = removal(&resource.deletion_policy)?;
        let update_replace_policy = removal(&resource.update_replace_policy)?;
        let snapshot =
            [("DeletionPolicy", deletion_policy), ("UpdateReplacePolicy", update_replace_policy)]
                .into_iter()
                .find(|(_, removal)| *removal == Removal::Snapshot && !handler.takes_snapshot());
        if let Some((attribute, _)) = snapshot {
            return Err(Failure::Reason(resources::no_snapshot(attribute, &resource.kind)));
        }
        let imports = live.imports.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.write(|stack| stack.imports.extend(imports));
        let reader =
            Reader { client: self.service.client.clone(), credentials: self.credentials.clone() };
        let resolved = reader.dynamic(&resource.kind, &shown).await.map_err(Failure::Reason)?;
        let resolved = resources::check(handler, &resource.kind, logical_id, &resolved)
            .map_err(Failure::Reason)?;
        // Typed like the resolved ones, so that `30` and `"30"` are no change.
        let shown = resources::check(handler, &resource.kind, logical_id, &shown).unwrap_or(shown);
        Ok(Wanted {
            resource,
            handler,
            shown,
            resolved,
            metadata,
            deletion_policy,
            update_replace_policy,
        })
    }

    /// The outputs, once all resources exist.
    fn outputs(&self, plan: &Plan) -> Result<Vec<OutputValue>, String> {
        let live = Live::new(&self.service, &self.stack_id, self.zones.clone());
        let scope = plan.scope(&live);
        let mut outputs = Vec::new();
        for output in &plan.definition.template.outputs {
            let active = output
                .condition
                .as_ref()
                .is_none_or(|name| plan.conditions.get(name).copied().unwrap_or(false));
            if !active {
                continue;
            }
            let text = |node: &Value| match scope.evaluate(node) {
                Ok(Some(Value::String(text))) => Ok(text),
                Ok(Some(value @ (Value::Number(_) | Value::Bool(_)))) => Ok(value.to_string()),
                Ok(_) => Err(format!(
                    "Template format error: Output {} is malformed. The Value field of every Outputs member must evaluate to a String.",
                    output.key
                )),
                Err(error) => Err(error.to_string()),
            };
            let export = output.export.as_ref().map(&text).transpose()?;
            if let Some(name) = &export
                && let Some((_, owner)) = self.service.store.export(name)
                && Some(&owner) != self.read(|stack| stack.name.clone()).as_ref()
            {
                return Err(format!(
                    "Export with name {name} is already exported by stack {owner}."
                ));
            }
            outputs.push(OutputValue {
                key: output.key.clone(),
                value: text(&output.value)?,
                description: output.description.clone(),
                export,
            });
        }
        let imports = live.imports.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.write(|stack| stack.imports.extend(imports));
        Ok(outputs)
    }

    /// Puts a resource that is about to be made into the stack.
    fn announce(&self, plan: &Plan, wanted: &Wanted, status: Status, reason: Option<String>) {
        let now = self.service.setting.now();
        let id = wanted.resource.logical_id.clone();
        let needs = plan.graph.needs(&id);
        let secrets = self.secrets(plan);
        self.write(|stack| {
            if stack.resource(&id).is_none_or(|old| old.status == Status::DeleteComplete) {
                stack.resources.retain(|old| old.logical_id != id);
                stack.resources.push(Deployed {
                    logical_id: id.clone(),
                    kind: wanted.resource.kind.clone(),
                    physical_id: None,
                    metadata: None,
                    attributes: Map::new(),
                    properties: Map::new(),
                    applied: Applied::default(),
                    tags: plan.definition.tags.clone(),
                    status,
                    status_reason: None,
                    at: now,
                    needs: BTreeSet::new(),
                    deletion_policy: wanted.deletion_policy,
                    update_replace_policy: wanted.update_replace_policy,
                    secrets: Vec::new(),
                });
            }
            if let Some(resource) = stack.resource_mut(&id) {
                resource.properties.clone_from(&wanted.shown);
                resource.metadata.clone_from(&wanted.metadata);
                resource.applied = Applied(wanted.resolved.clone());
                resource.secrets = secrets;
                resource.tags.clone_from(&plan.definition.tags);
                resource.needs = needs;
                resource.deletion_policy = wanted.deletion_policy;
                resource.update_replace_policy = wanted.update_replace_policy;
            }
            stack.resource_enters(&id, status, reason, now);
        });
    }

    /// The values that are shown to nobody: those of `NoEcho` parameters, and of
    /// custom resources whose functions answered with `NoEcho`.
    fn secrets(&self, plan: &Plan) -> Vec<Secret> {
        let answered = self.read(|stack| {
            let told = |of: &&Deployed| of.attributes.get(NO_ECHO) == Some(&Value::Bool(true));
            let silent = stack.resources.iter().filter(told);
            let values = silent.flat_map(|resource| resource.attributes.values());
            values.filter_map(|value| value.as_str().map(Secret::new)).collect::<Vec<_>>()
        });
        plan.definition.secrets().into_iter().chain(answered.unwrap_or_default()).collect()
    }

    /// Remembers what a handler made.
    fn remember(&self, logical_id: &str, made: &Made) {
        self.write(|stack| {
            if let Some(resource) = stack.resource_mut(logical_id) {
                resource.physical_id = Some(made.physical_id.clone());
                resource.attributes.clone_from(&made.attributes);
            }
        });
    }

    /// Ends the session that the operation ran with.
    fn finish(&self) {
        self.service.setting.keyring.remove(&self.credentials.access_key_id);
    }
}

/// Which stack tags a resource must be brought up to date for.
fn tags_matter(
    handler: &dyn ResourceType,
    old: &[(String, String)],
    new: &[(String, String)],
) -> bool {
    handler.tagging() != Tagging::Never && old != new
}
