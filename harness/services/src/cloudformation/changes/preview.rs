//! What expressions give before anything is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};

use crate::cloudformation::deploy::{Live, is_active};
use crate::cloudformation::resources;
use crate::cloudformation::store::Definition;
use crate::cloudformation::template::{
    self, Growth, Lookup, Pseudo, Resource, Scope, Template, TemplateError,
};

/// AWS's word for a value that only the execution can tell.
pub(super) const KNOWN_AFTER_APPLY: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// A stack as it would stand; what does not exist yet, and what would be
/// replaced, is not known.
pub(super) struct Preview<'a> {
    live: &'a Live,
    replaced: &'a BTreeSet<String>,
    template: &'a Template,
    conditions: &'a BTreeMap<String, bool>,
    /// Whether something was asked that is not known.
    guessed: AtomicBool,
}

impl<'a> Preview<'a> {
    pub(super) fn new(
        live: &'a Live,
        replaced: &'a BTreeSet<String>,
        template: &'a Template,
        conditions: &'a BTreeMap<String, bool>,
    ) -> Self {
        Self { live, replaced, template, conditions, guessed: AtomicBool::new(false) }
    }

    /// Whether an expression since [`Preview::forget`] asked for something that
    /// is not known.
    pub(super) fn guessed(&self) -> bool {
        self.guessed.load(Ordering::Relaxed)
    }

    pub(super) fn forget(&self) {
        self.guessed.store(false, Ordering::Relaxed);
    }

    fn unknown(&self) -> Value {
        self.guessed.store(true, Ordering::Relaxed);
        KNOWN_AFTER_APPLY.into()
    }

    /// A resource that there will be.
    fn resource(&self, logical_id: &str) -> Option<&Resource> {
        self.template.resource(logical_id).filter(|found| is_active(Some(found), self.conditions))
    }
}

impl Lookup for Preview<'_> {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        self.resource(logical_id)?;
        let live = || self.live.reference(logical_id);
        let known = (!self.replaced.contains(logical_id)).then(live).flatten();
        Some(known.unwrap_or_else(|| self.unknown()))
    }

    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value> {
        let resource = self.resource(logical_id)?;
        resources::has_attribute(&resource.kind, attribute).then_some(())?;
        let live = || self.live.attribute(logical_id, attribute);
        let known = (!self.replaced.contains(logical_id)).then(live).flatten();
        Some(known.unwrap_or_else(|| self.unknown()))
    }

    fn export(&self, name: &str) -> Option<String> {
        self.live.export(name)
    }

    fn zones(&self, region: &str) -> Option<Vec<String>> {
        self.live.zones(region)
    }
}

/// A resource as it would be.
pub(super) struct After {
    pub(super) properties: Map<String, Value>,
    pub(super) metadata: Option<Value>,
    /// Why some of its values are not known.
    pub(super) warnings: Vec<String>,
}

impl After {
    /// What a resource's expressions give. What fails because something is not
    /// known yet is itself not known (LocalStack's recorded
    /// `test_describe_change_set_import_non_existent_export`,
    /// `test_fn_split_with_get_att`).
    pub(super) fn of(
        scope: &Scope<'_>,
        preview: &Preview<'_>,
        resource: &Resource,
    ) -> Result<Self, TemplateError> {
        let mut properties = Map::new();
        let mut warnings = Vec::new();
        for (name, node) in &resource.properties {
            preview.forget();
            match scope.evaluate(node) {
                Ok(Some(value)) => drop(properties.insert(name.clone(), value)),
                Ok(None) => {}
                Err(error) if error.is_late() || preview.guessed() && !error.is_certain() => {
                    properties.insert(name.clone(), KNOWN_AFTER_APPLY.into());
                    warnings.push(format!(
                        "ChangeSet creation failed for resource [{}] because: {}",
                        resource.logical_id,
                        error.warning()
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        let metadata = metadata(scope, resource);
        Ok(Self { properties, metadata, warnings })
    }
}

/// A resource's metadata; they are not evaluated where they cannot be.
pub(in crate::cloudformation) fn metadata(scope: &Scope<'_>, resource: &Resource) -> Option<Value> {
    let node = resource.metadata.as_ref()?;
    scope.evaluate(node).ok().flatten().or_else(|| Some(node.clone()))
}

/// A deployed resource's properties where nothing is said of other resources:
/// so AWS shows what will be removed (LocalStack's recorded
/// `TestChangeSetFnGetAttr::test_resource_deletion`).
pub(super) fn without_resources(
    definition: &Definition,
    logical_id: &str,
    pseudo: &Pseudo,
) -> Option<Map<String, Value>> {
    let parameters = definition.seen();
    let conditions = template::conditions(&definition.template, &parameters, pseudo).ok()?;
    let scope = Scope {
        template: &definition.template,
        parameters: &parameters,
        conditions: &conditions,
        pseudo,
        lookup: &Nothing,
        growth: Growth::default(),
    };
    scope.object(&definition.template.resource(logical_id)?.properties).ok()
}

/// Nothing is known of any resource.
struct Nothing;

impl Lookup for Nothing {
    fn reference(&self, _: &str) -> Option<Value> {
        Some(KNOWN_AFTER_APPLY.into())
    }

    fn attribute(&self, _: &str, _: &str) -> Option<Value> {
        Some(KNOWN_AFTER_APPLY.into())
    }

    fn export(&self, _: &str) -> Option<String> {
        Some(KNOWN_AFTER_APPLY.to_owned())
    }

    fn zones(&self, _: &str) -> Option<Vec<String>> {
        None
    }
}
