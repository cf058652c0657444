//! Aliases: names for versions.

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::Value;
use uuid::Uuid;

use crate::lambda::Lambda;
use crate::lambda::api::page::page;
use crate::lambda::api::policy::check_revision;
use crate::lambda::error::{conflict, invalid, not_found, untyped, validation};
use crate::lambda::name::{LATEST, Name, is_alias, is_version, qualified};
use crate::lambda::store::functions::{Alias, Function};

impl Lambda {
    pub(in crate::lambda) fn create_alias(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let alias = call.text("Name").unwrap_or_default();
        if !is_alias(alias) || alias.len() > 128 {
            return Err(validation(format!(
                "1 validation error detected: Value '{alias}' at 'name' failed to satisfy \
                 constraint: Member must satisfy regular expression pattern: \
                 (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
            )));
        }
        let version = call.text("FunctionVersion").unwrap_or_default();
        let arn = self.function_arn(&name);
        self.store.with(&name, &qualified(&arn, Some(version)), |function| {
            check_target(function, version)?;
            if function.aliases.contains_key(alias) {
                return Err(conflict(format!("Alias already exists: {arn}:{alias}")));
            }
            let created = Alias {
                name: alias.to_owned(),
                version: version.to_owned(),
                description: call.text("Description").unwrap_or_default().to_owned(),
                second: routing(call, function, version)?.flatten(),
                revision_id: Uuid::new_v4(),
            };
            let shown = created.show(&function.arn);
            function.aliases.insert(alias.to_owned(), created);
            Ok(Reply::fields(shown).with_status(201))
        })
    }

    pub(in crate::lambda) fn get_alias(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let alias = call.text("Name").unwrap_or_default();
        let arn = self.function_arn(&name);
        self.store.with(&name, &arn, |function| match function.aliases.get(alias) {
            Some(found) => Ok(Reply::fields(found.show(&function.arn))),
            None => Err(not_found(format!("Cannot find alias arn: {arn}:{alias}"))),
        })
    }

    pub(in crate::lambda) fn update_alias(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let alias = call.text("Name").unwrap_or_default();
        let arn = self.function_arn(&name);
        self.store.with(&name, &arn, |function| {
            let mut changed = function
                .aliases
                .get(alias)
                .cloned()
                .ok_or_else(|| not_found(format!("Alias not found: {arn}:{alias}")))?;
            check_revision(call, Some(changed.revision_id), "GetFunction/GetAlias")?;
            if let Some(version) = call.text("FunctionVersion") {
                check_target(function, version)?;
                version.clone_into(&mut changed.version);
            }
            if let Some(description) = call.text("Description") {
                description.clone_into(&mut changed.description);
            }
            if let Some(second) = routing(call, function, &changed.version)? {
                changed.second = second;
            }
            changed.revision_id = Uuid::new_v4();
            let shown = changed.show(&function.arn);
            function.aliases.insert(alias.to_owned(), changed);
            Ok(Reply::fields(shown))
        })
    }

    pub(in crate::lambda) fn delete_alias(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let alias = call.text("Name").unwrap_or_default();
        self.store.with(&name, &self.function_arn(&name), |function| {
            function.aliases.remove(alias);
            function.policies.remove(alias);
            function.urls.remove(alias);
            function.event_invoke.remove(alias);
            Ok(Reply::empty().with_status(204))
        })
    }

    pub(in crate::lambda) fn list_aliases(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let version = call.text("FunctionVersion");
        let aliases = self.store.with(&name, &self.function_arn(&name), |function| {
            Ok(function
                .aliases
                .values()
                .filter(|alias| version.is_none_or(|version| alias.version == version))
                .map(|alias| alias.show(&function.arn))
                .collect())
        })?;
        page(call, "Aliases", aliases)
    }
}

fn check_target(function: &Function, version: &str) -> Result<(), ServiceError> {
    if version != LATEST && !is_version(version) {
        return Err(validation(format!(
            "1 validation error detected: Value '{version}' at 'functionVersion' failed to \
             satisfy constraint: Member must satisfy regular expression pattern: \
             (\\$LATEST|[0-9]+)"
        )));
    }
    if function.version(version).is_none() {
        return Err(not_found(format!("Function not found: {}:{version}", function.arn)));
    }
    Ok(())
}

/// The second version that a call asks for: the outer `None` where the call
/// says nothing, the inner where it takes the second version away.
#[expect(clippy::option_option, reason = "absent, removed and set are three things")]
fn routing(
    call: &Call,
    function: &Function,
    version: &str,
) -> Result<Option<Option<(String, f64)>>, ServiceError> {
    let Some(routing) = call.input.get("RoutingConfig") else { return Ok(None) };
    let weights = routing.get("AdditionalVersionWeights").and_then(Value::as_object);
    let Some(weights) = weights.filter(|weights| !weights.is_empty()) else {
        return Ok(Some(None));
    };
    if weights.len() > 1 {
        return Err(invalid(
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ));
    }
    let Some((second, weight)) = weights.iter().next() else { return Ok(Some(None)) };
    // AWS prints the weight as a floating-point number, whatever was written.
    let weight = weight.as_f64().unwrap_or(f64::NAN);
    let share = Some(weight).filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| {
        validation(format!(
            "1 validation error detected: Value '{{{second}={weight:?}}}' at \
             'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value \
             must satisfy constraint: [Member must have value less than or equal to 1.0, Member \
             must have value greater than or equal to 0.0, Member must not be null]"
        ))
    })?;
    if second == version {
        return Err(invalid(format!(
            "Invalid function version {version}. Function version {version} is already included \
             in routing configuration."
        )));
    }
    if version == LATEST {
        return Err(untyped(
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ));
    }
    if !is_version(second) {
        return Err(validation(format!(
            "1 validation error detected: Value '{{{second}={weight:?}}}' at \
             'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must \
             satisfy constraint: [Member must have length less than or equal to 1024, Member must \
             have length greater than or equal to 1, Member must satisfy regular expression \
             pattern: [0-9]+]"
        )));
    }
    check_target(function, second)?;
    Ok(Some(Some((second.clone(), share))))
}
