//! Versions: published, listed, and deleted, with the function or without it.

use std::sync::Arc;

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::Value;
use uuid::Uuid;

use crate::lambda::Lambda;
use crate::lambda::api::page::page;
use crate::lambda::api::policy::check_revision;
use crate::lambda::error::{conflict, invalid, not_built, not_found};
use crate::lambda::name::{LATEST, Name, is_alias, qualified};
use crate::lambda::store::configuration::{Configuration, LastUpdate, State, Version};
use crate::lambda::store::functions::Function;

impl Lambda {
    pub(in crate::lambda) fn publish_version(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        if call.text("PublishTo").is_some() {
            return Err(not_built("`PublishTo`"));
        }
        self.store.with(&name, &self.function_arn(&name), |function| {
            function.check_idle()?;
            check_revision(call, Some(function.latest.revision_id), "GetFunction/GetAlias")?;
            let present = &function.latest.configuration.code.sha256;
            if let Some(expected) = call.text("CodeSha256").filter(|it| !it.is_empty())
                && expected != present
            {
                return Err(invalid(format!(
                    "CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST \
                     ({present}). Please try again with the CodeSHA256 in $LATEST."
                )));
            }
            let version = function.publish(call.text("Description"));
            let arn = qualified(&function.arn, Some(&version.version));
            Ok(Reply::fields(version.show(&arn)).with_status(201))
        })
    }

    pub(in crate::lambda) fn delete_function(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        match name.qualifier.as_deref() {
            Some(LATEST) => {
                Err(invalid("$LATEST version cannot be deleted without deleting the function."))
            }
            Some(alias) if is_alias(alias) => {
                Err(invalid("Deletion of aliases is not currently supported."))
            }
            Some(version) => self.delete_version(&name, version),
            None => {
                let removed = self.store.lock().remove(&name.function);
                let function = removed.ok_or_else(|| {
                    not_found(format!("Function not found: {}", self.function_arn(&name)))
                })?;
                self.pool.retire_function(&name.function);
                drop(function);
                Ok(Reply::empty().with_status(204))
            }
        }
    }

    fn delete_version(&self, name: &Name, version: &str) -> Result<Reply, ServiceError> {
        self.store.with(name, &self.function_arn(name), |function| {
            let aliases: Vec<String> = function
                .aliases
                .values()
                .filter(|alias| {
                    alias.version == version
                        || alias.second.as_ref().is_some_and(|(second, _)| second == version)
                })
                .map(|alias| alias.name.clone())
                .collect();
            if !aliases.is_empty() {
                return Err(conflict(format!(
                    "Version {version} of the function is referenced by aliases {aliases:?}."
                )));
            }
            if let Some(removed) =
                version.parse().ok().and_then(|number: u64| function.versions.remove(&number))
            {
                function.policies.remove(version);
                self.pool.retire(removed.configuration.generation, version);
            }
            Ok(Reply::empty().with_status(204))
        })
    }

    pub(in crate::lambda) fn list_versions(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let shown = self
            .store
            .with(&name, &self.function_arn(&name), |function| Ok(function.list_versions()))?;
        page(call, "Versions", shown)
    }
}

impl Function {
    /// Publishes `$LATEST`; where nothing changed since the last publication,
    /// that version again.
    pub(in crate::lambda) fn publish(&mut self, description: Option<&str>) -> Version {
        let number = self.next_version;
        if let Some((_, last)) = self.versions.last_key_value()
            && last.version == number.saturating_sub(1).to_string()
            && last.configuration.generation == self.latest.configuration.generation
        {
            return last.clone();
        }
        let mut configuration = Configuration::clone(&self.latest.configuration);
        if let Some(description) = description {
            description.clone_into(&mut configuration.description);
        }
        let waits = matches!(self.latest.last_update, LastUpdate::InProgress)
            || self.latest.state == State::Pending;
        let version = Version {
            version: number.to_string(),
            configuration: Arc::new(configuration),
            revision_id: Uuid::new_v4(),
            last_modified: self.latest.last_modified.clone(),
            state: if waits { State::Pending } else { self.latest.state.clone() },
            last_update: if waits { LastUpdate::None } else { LastUpdate::Successful },
        };
        // The version keeps the revision that its publication tells; $LATEST gets
        // another one (LocalStack's test_function_revisions_version_and_alias,
        // recorded on AWS).
        self.latest.revision_id = Uuid::new_v4();
        self.next_version += 1;
        self.versions.insert(number, version.clone());
        version
    }

    /// All versions, as lists show them.
    pub(in crate::lambda) fn list_versions(&self) -> Vec<Value> {
        [&self.latest]
            .into_iter()
            .chain(self.versions.values())
            .map(|it| Value::Object(it.show_listed(&qualified(&self.arn, Some(&it.version)))))
            .collect()
    }
}
