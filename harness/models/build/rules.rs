//! The rules about needs, checked against the service that they speak of and
//! packed with it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::overrides::{Asked, By, NeedsSource, Operations, Override};

/// A service and the catalogue, to check rules against.
struct Service<'a> {
    id: &'a str,
    operations: &'a Map<String, Value>,
    shapes: &'a Map<String, Value>,
    catalogue: &'a BTreeMap<String, Value>,
    prefix: Option<&'a str>,
}

/// The rules as the model holds them.
pub(crate) fn packed(
    id: &str,
    service: &Map<String, Value>,
    own: &Override,
    prefix: Option<&str>,
    catalogue: &BTreeMap<String, Value>,
) -> Value {
    let none = Map::new();
    let shapes = service.get("shapes").and_then(Value::as_object).unwrap_or(&none);
    let operations = service["operations"].as_object().unwrap();
    let service = Service { id, operations, shapes, catalogue, prefix };
    service.check(own);
    let operations: Vec<Value> = own
        .operations
        .iter()
        .filter(|rule| {
            rule.refused.is_some()
                || rule.everything.is_some()
                || rule.by.is_some()
                || rule.stores_policy.is_some()
        })
        .map(|rule| {
            assert_ne!(rule.everything, Some(false), "{id}: it is so without the override");
            assert_ne!(rule.stores_policy, Some(true), "{id}: it is so without the override");
            json!({"names": rule.names, "refused": rule.refused,
                   "stores_no_policy": rule.stores_policy == Some(false),
                   "everything": rule.everything.unwrap_or_default(),
                   "by_rule": is_by_rule(id, own, rule)})
        })
        .collect();
    json!({
        "by_hand": own.needs.as_ref().is_some_and(|rule| {
            matches!(rule.by, Some(NeedsSource::Hand))
        }),
        "refused": own.needs.as_ref().and_then(|rule| rule.refused.as_ref()),
        "by_path": own.actions.as_ref().is_some_and(|rule| matches!(rule.by, By::Method)),
        "operations": operations,
        "types": plain(&own.types),
        "resources": plain(&own.resources),
        "arns": plain(&own.arns),
        "also": plain(&own.also),
        "passes": plain(&own.passes),
        "tags": plain(&own.tags),
        "keys": plain(&own.keys),
        "accounts": plain(&own.accounts),
        "words": plain(&own.words),
    })
}

/// Whether the rule decides operations of a service whose others are by hand.
fn is_by_rule(id: &str, own: &Override, rule: &Operations) -> bool {
    let by_hand = own.needs.as_ref().is_some_and(|it| matches!(it.by, Some(NeedsSource::Hand)));
    match rule.by {
        None => false,
        Some(NeedsSource::Rule) if by_hand => true,
        Some(_) => panic!("{id}: {:?} are so without the override", rule.names),
    }
}

/// Without what is not said.
fn plain(rules: &impl Serialize) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|_, value| !value.is_null());
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(rules).unwrap();
    strip(&mut value);
    value
}

impl Service<'_> {
    fn check(&self, own: &Override) {
        for rule in &own.resources {
            let what = format!("{}: the rule of {}", self.id, rule.r#type);
            assert!(self.has_type(&rule.r#type), "{what}: there is no such type");
            self.have(&rule.operations, &what);
            self.name(&rule.operations, &rule.members, &what);
            for variable in rule.variables.values() {
                self.name(&rule.operations, &variable.members, &what);
                self.check_asked(&rule.operations, variable.asked.as_ref(), &what);
            }
            self.check_asked(&rule.operations, rule.asked.as_ref(), &what);
            if let Some(only) = &rule.only {
                assert!(only.is.is_some() != only.is_not.is_some(), "{what}: `is` or `is_not`");
                self.name(&rule.operations, std::slice::from_ref(&only.member), &what);
            }
            assert!(
                !rule.operations.is_empty() || !rule.members.is_empty(),
                "{what} is about no operation"
            );
        }
        for rule in &own.types {
            let what = format!("{}: the types of {:?}", self.id, rule.actions);
            assert!(rule.types.iter().all(|kind| self.has_type(kind)), "{what}: no such type");
            let known = self.prefix.map(|prefix| &self.catalogue[prefix]["actions"]);
            let has = |name: &String| known.is_some_and(|known| known.get(name).is_some());
            assert!(rule.actions.iter().all(has), "{what}: no such action");
        }
        for rule in &own.arns {
            let what = format!("{}: ARNs", self.id);
            self.have(&rule.operations, &what);
            self.name(&rule.operations, &rule.members, &what);
        }
        for rule in &own.also {
            let what = format!("{}: {} besides", self.id, rule.action);
            self.have(&rule.operations, &what);
            let (prefix, name) = rule.action.split_once(':').unwrap();
            assert!(
                self.catalogue[prefix]["actions"].get(name).is_some(),
                "{what}: no such action"
            );
            self.name(&rule.operations, &rule.given, &what);
            self.name(&rule.operations, &rule.is_true, &what);
            if let Some(begins) = &rule.begins {
                self.name(&rule.operations, std::slice::from_ref(&begins.member), &what);
            }
        }
        for rule in &own.passes {
            let what = format!("{}: roles", self.id);
            self.have(&rule.operations, &what);
            self.name(&rule.operations, &rule.members, &what);
            self.name(&rule.operations, rule.named_by.as_slice(), &what);
            self.name(&rule.operations, rule.unless.as_slice(), &what);
            self.check_asked(&rule.operations, rule.asked.as_ref(), &what);
            for shape in &rule.shapes {
                assert!(self.shapes.contains_key(shape), "{what}: no shape {shape}");
            }
            for name in &rule.names {
                let has = |shape: &Value| shape["members"].get(name).is_some();
                assert!(self.shapes.values().any(has), "{what}: no member {name}");
            }
        }
        for rule in &own.tags {
            let what = format!("{}: tags", self.id);
            self.have(&rule.operations, &what);
            self.name(&rule.operations, &rule.members, &what);
            self.name(&rule.operations, &rule.key_members, &what);
            if let Some(action) = rule.action.as_ref().filter(|action| !action.is_empty()) {
                let known = self.prefix.map(|prefix| &self.catalogue[prefix]["actions"]);
                assert!(
                    known.is_some_and(|known| known.get(action).is_some()),
                    "{what}: no action {action}"
                );
            }
        }
        for rule in &own.accounts {
            self.name(&[], &rule.members, &format!("{}: accounts", self.id));
        }
        for rule in &own.words {
            let what = format!("{}: the words of {}", self.id, rule.variable);
            let known = self.prefix.map(|prefix| self.catalogue[prefix].to_string());
            let has = known.is_some_and(|known| known.contains(&format!("${{{}}}", rule.variable)));
            assert!(has, "{what}: no ARN has it");
        }
        for rule in &own.keys {
            let what = format!("{}: the key {}", self.id, rule.key);
            let known = self.prefix.map(|prefix| &self.catalogue[prefix]["condition_keys"]);
            assert!(known.is_some_and(|known| known.get(&rule.key).is_some()), "{what}");
            let is_fixed = rule.never.is_some() || rule.account;
            assert!(is_fixed == rule.members.is_empty(), "{what}: whence?");
            if let Some(kind) = &rule.r#type {
                assert!(self.has_type(kind), "{what}: no type {kind}");
            }
            self.have(&rule.operations, &what);
            self.name(&rule.operations, &rule.members, &what);
        }
    }

    /// The operation that is asked has the members that it is given, and each
    /// operation of the rule has what they are read from.
    fn check_asked(&self, operations: &[String], asked: Option<&Asked>, what: &str) {
        let Some(asked) = asked else { return };
        assert!(!operations.is_empty(), "{what}: of which operations?");
        self.have(std::slice::from_ref(&asked.operation), what);
        for (member, path) in &asked.given {
            let has = self.find(&self.operations[&asked.operation], member);
            assert!(has, "{what}: {} has no member {member}", asked.operation);
            for name in operations {
                assert!(self.find(&self.operations[name], path), "{what}: {name} has no {path}");
            }
        }
    }

    fn has_type(&self, name: &str) -> bool {
        let own = self.prefix.map(|prefix| &self.catalogue[prefix]["resource_types"]);
        own.is_some_and(|types| types.get(name).is_some())
    }

    fn have(&self, operations: &[String], what: &str) {
        for name in operations {
            assert!(self.operations.contains_key(name), "{what}: no operation {name}");
        }
    }

    /// Each member stands in each operation that a rule names, or in one at least
    /// where it names none. Of several alternatives each operation has one.
    fn name(&self, operations: &[String], members: &[String], what: &str) {
        for member in members {
            let has = |name: &str| self.find(&self.operations[name], member);
            let found = match operations {
                [] => self.operations.keys().any(|name| has(name)),
                names => names.iter().any(|name| has(name)),
            };
            assert!(found, "{what}: no member {member}");
        }
        for name in operations.iter().filter(|_| !members.is_empty()) {
            assert!(
                members.iter().any(|member| self.find(&self.operations[name], member)),
                "{what}: {name} has none of {members:?}"
            );
        }
    }

    fn find(&self, operation: &Value, path: &str) -> bool {
        let Some(mut shape) = operation.get("input").and_then(Value::as_str) else { return false };
        for part in path.split('.') {
            let part = part.strip_suffix("**").unwrap_or(part);
            let end = part.find(['[', '{']).unwrap_or(part.len());
            let (name, mut behind) = part.split_at(end);
            let member = &self.shapes[shape]["members"][name]["shape"];
            let Some(next) = member.as_str() else { return false };
            shape = next;
            while !behind.is_empty() {
                let (field, rest) = match behind.strip_prefix('{') {
                    Some(map) => ("value", map.split_once('}').unwrap().1),
                    None => ("member", behind.strip_prefix("[]").unwrap()),
                };
                let Some(next) = self.shapes[shape][field]["shape"].as_str() else { return false };
                (shape, behind) = (next, rest);
            }
        }
        true
    }
}
