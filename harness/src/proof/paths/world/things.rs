//! What runs as roles, and what is acted upon, of the resources of an estate.

use super::running::RunsAs;
use super::{Builder, Identity, Thing};
use crate::access::running::Running;
use crate::lint::terraform::Resource;
use crate::proof::paths::means::{Held, ThingType};
use crate::proof::paths::read::{attribute, by_role, is_true, names};

impl<'e> Builder<'e> {
    /// What runs as a role.
    pub(super) fn held(&self, held: &[Held], identities: &[Identity]) -> Vec<Thing> {
        let other = |account: &Option<String>| Thing {
            name: "what is not in the files".into(),
            account: account.clone(),
            is_other: true,
            ..Thing::default()
        };
        let mut things: Vec<Thing> = self.accounts.iter().map(other).collect();
        for row in held {
            for resource in self.resources(&row.kind) {
                if row.only.as_ref().is_some_and(|only| !is_true(resource, only)) {
                    continue;
                }
                let (of, is_anybodys) = match self.runs_as(resource, row) {
                    RunsAs::Role(name) => (by_role(identities, &name), false),
                    RunsAs::NotKnown => (None, true),
                    RunsAs::Nothing => (None, false),
                };
                if of.is_none() && !is_anybodys {
                    continue;
                }
                let thing = self.thing(resource, &row.arn);
                let thing = thing.unwrap_or_else(|| unnamed(&resource.address));
                things.push(anybodys(Thing { of, is_anybodys, ..thing }));
            }
            for running in self.estate.running.iter().filter(|it| it.kind == row.kind) {
                let runs_as = match (&running.role, &running.profile) {
                    (Some(role), _) => RunsAs::named(role),
                    (None, Some(profile)) => self.in_profile(profile),
                    (None, None) => RunsAs::NotKnown,
                };
                let (of, is_anybodys) = match runs_as {
                    RunsAs::Role(name) => (by_role(identities, &name), false),
                    RunsAs::NotKnown => (None, true),
                    RunsAs::Nothing => (None, false),
                };
                // One of another account, or of another file, is none of these.
                if of.is_none() && !is_anybodys {
                    continue;
                }
                things.push(anybodys(Thing { of, is_anybodys, ..self.running(running) }));
            }
            if row.kind == "aws_lambda_function" {
                let of_templates = self.estate.functions.iter();
                things.extend(of_templates.filter_map(|(name, role)| {
                    let of = by_role(identities, role.rsplit('/').next()?)?;
                    Some(Thing { of: Some(of), ..self.function(name) })
                }));
                let own = things.iter_mut().filter(|one| !one.is_other);
                own.for_each(|one| self.permissions.put(one));
            }
        }
        things
    }

    /// What a template makes that runs as a role, and of which not all is known.
    fn running(&self, running: &Running) -> Thing {
        let own = running.called.as_deref().map(|name| self.function(name));
        let own = own.unwrap_or_else(|| unnamed(&running.name));
        Thing { name: running.name.clone(), ..own }
    }

    fn function(&self, name: &str) -> Thing {
        let (partition, account, region) = self.setting;
        let arn = format!("arn:{partition}:lambda:{region}:{account}:function:{name}");
        Thing { name: format!("function {name}"), arn, ..Thing::default() }
    }

    pub(super) fn of_type(&mut self, kind: &ThingType, identities: &[Identity]) -> Vec<Thing> {
        let mut things = Vec::new();
        let all: Vec<&Resource> = self.resources(&kind.kind).collect();
        for resource in all {
            let known = self.thing(resource, &kind.arn);
            let is_function = kind.name == "function";
            let unnamed = || is_function.then(|| unnamed(&resource.address));
            let Some(mut thing) = known.or_else(unnamed) else { continue };
            for policy in &kind.policies {
                let name = |value: &str| {
                    ["arn", "key_id", "id", "bucket"]
                        .iter()
                        .any(|own| attribute(resource, own) == Some(value))
                };
                let of = self.resources(&policy.kind);
                let of = of.filter(|one| attribute(one, &policy.of).is_some_and(name));
                let of: Vec<&str> = of.map(|one| one.address.as_str()).collect();
                for (name, entry) in
                    of.iter().filter_map(|it| self.estate.entries.get_key_value(*it))
                {
                    thing.policy = entry.policies.resource.clone().or(thing.policy);
                    thing.open = entry.unknown.first().cloned().or(thing.open);
                    self.read.insert(name);
                }
            }
            thing.names_identities = thing.policy.as_ref().is_some_and(|one| names(one, "AWS"));
            if kind.name == "function" {
                let role = attribute(resource, "role").and_then(|named| named.rsplit('/').next());
                thing.of = role.and_then(|role| by_role(identities, role));
            }
            things.push(thing);
        }
        if kind.name == "function" {
            things.extend(self.estate.functions.keys().map(|name| self.function(name)));
            let running = self.estate.running.iter().filter(|it| it.kind == kind.kind);
            things.extend(running.map(|it| self.running(it)));
            things.iter_mut().for_each(|one| self.permissions.put(one));
        }
        things
    }

    /// A resource as it is acted upon, where its ARN is known.
    fn thing(&self, resource: &Resource, form: &str) -> Option<Thing> {
        let (partition, account, region) = self.setting;
        // The ARN of a new function its name makes.
        let name = attribute(resource, "function_name").filter(|_| {
            resource.kind == "aws_lambda_function" && attribute(resource, "arn").is_none()
        });
        if let Some(name) = name {
            return Some(Thing { name: resource.address.clone(), ..self.function(name) });
        }
        let mut arn = String::new();
        let mut rest = form;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            arn.push_str(before);
            let own = |name| attribute(resource, name);
            // The last part of a name, and what stands before it in an ARN.
            let part = match name.split_at_checked(1) {
                Some(("/", name)) => own(name)?.rsplit('/').next()?.to_owned(),
                Some((":", name)) => match own(name)?.rsplit_once(':') {
                    Some((before, _)) => before.to_owned(),
                    None => format!("arn:{partition}:ecs:{region}:{account}"),
                },
                _ => match name {
                    "partition" => partition,
                    "account" => account,
                    "region" => region,
                    name => own(name)?,
                }
                .to_owned(),
            };
            arn.push_str(&part);
            rest = after;
        }
        arn.push_str(rest);
        Some(Thing { name: resource.address.clone(), arn, ..Thing::default() })
    }
}

/// What is anywhere: whatever is allowed may be of it.
fn unnamed(name: &str) -> Thing {
    let maybe = Some(format!("{name}: its name is not known"));
    Thing { name: name.to_owned(), maybe, ..Thing::default() }
}

/// The same with why nothing is sure of what runs as a role that is not known.
fn anybodys(mut thing: Thing) -> Thing {
    if thing.is_anybodys {
        let why = format!("{}: the role that it runs as is not known", thing.name);
        thing.maybe.get_or_insert(why);
    }
    thing
}
