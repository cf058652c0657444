//! Requests at and beside what policies name.

use std::collections::BTreeMap;

use ringfence_models::actions;
use ringfence_policy::{Context, Principal, Values};
use ringfence_prove::{Universe, Witness};
use serde_json::Value;

use super::dice::Dice;
use super::expected::{self, Callers};
use super::made::ACTIONS;

/// What the policies name.
#[derive(Default)]
pub(crate) struct Near {
    actions: Vec<String>,
    resources: Vec<String>,
    /// By key: each operator with each value.
    values: BTreeMap<String, Vec<(String, String)>>,
    /// The keys that stand in other texts.
    variables: Vec<String>,
    /// Who is named.
    pub(crate) named: Vec<String>,
}

/// What a `*` may stand for.
const MANY: [&str; 12] = ["", "", "", "x", "a", "/", ":", "b/k", "x:y", "k", "A", "é"];

const DATES: [&str; 15] = [
    "2019-12-31T23:59:59Z",
    "2020-01-01",
    "2020-01-01T00:00:00Z",
    "2020-01-01T00:00:00.5Z",
    "2020-01-01T00:00:01Z",
    "2020-01-01T00:00:02Z",
    "2021-06-01T11:59:59Z",
    "2021-06-01T12:00:00Z",
    "2021-06-01T12:00:01Z",
    "1577836799",
    "1577836800",
    "1577836801",
    "1970-01-01",
    "2030-01-01T00:00:00Z",
    "soon",
];

const ADDRESSES: [&str; 24] = [
    "0.0.0.0",
    "9.255.255.255",
    "10.0.0.0",
    "10.0.255.255",
    "10.1.0.0",
    "10.1.2.2",
    "10.1.2.3",
    "10.1.2.4",
    "10.1.255.255",
    "10.2.0.0",
    "10.255.255.255",
    "11.0.0.0",
    "192.0.1.255",
    "192.0.2.0",
    "192.0.2.255",
    "192.0.3.0",
    "255.255.255.255",
    "::",
    "::1",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db8::",
    "2001:db8::1",
    "2001:db9::",
    "::ffff:10.1.2.3",
];

const NUMBERS: [&str; 19] = [
    "-2", "-1.5", "-1", "-1.0", "-0", "0", "1", "4", "4.5", "5", "5.0", "05", "5.5", "6", "7",
    "10", "10.5", "10.50", "11",
];

impl Near {
    pub(crate) fn of(sides: [&Value; 2]) -> Self {
        let mut near = Self::default();
        sides.iter().for_each(|side| near.add("", side));
        let texts: Vec<String> =
            near.values.values().flatten().map(|(_, value)| value.clone()).collect();
        for text in near.resources.iter().chain(&texts) {
            near.variables.extend(text.split("${").skip(1).filter_map(|rest| {
                let name = rest.split('}').next()?.split(',').next()?.trim();
                (name.len() > 1).then(|| name.to_owned())
            }));
        }
        near
    }

    fn add(&mut self, name: &str, value: &Value) {
        let texts = |into: &mut Vec<String>| match value {
            Value::String(text) => into.push(text.clone()),
            Value::Array(all) => {
                into.extend(all.iter().filter_map(|one| Some(one.as_str()?.to_owned())));
            }
            _ => {}
        };
        match (name, value) {
            ("Action" | "NotAction", _) => texts(&mut self.actions),
            ("Resource" | "NotResource", _) => texts(&mut self.resources),
            ("AWS" | "Service", _) => texts(&mut self.named),
            ("Condition", Value::Object(operators)) => {
                for (operator, keys) in operators {
                    for (key, values) in keys.as_object().into_iter().flatten() {
                        let known = self.values.entry(key.to_ascii_lowercase()).or_default();
                        let all = match values {
                            Value::Array(all) => all.iter().collect(),
                            one => vec![one],
                        };
                        let texts = all.iter().filter_map(|one| one.as_str());
                        known.extend(texts.map(|text| (operator.clone(), text.to_owned())));
                    }
                }
            }
            (_, Value::Object(members)) => {
                members.iter().for_each(|(name, value)| self.add(name, value));
            }
            (_, Value::Array(items)) => items.iter().for_each(|one| self.add("", one)),
            _ => {}
        }
    }

    /// The condition keys that are asked for, in small letters.
    fn keys(&self) -> Vec<String> {
        let variables = self.variables.iter().map(|name| name.to_ascii_lowercase());
        let mut keys: Vec<String> = self.values.keys().cloned().chain(variables).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// A request; `None` where what was drawn is none.
    pub(crate) fn request(
        &self,
        dice: &mut Dice,
        caller: Option<&Principal>,
        callers: &Callers,
        universe: Universe,
    ) -> Option<Witness> {
        let principal = match caller {
            Some(caller) => caller.clone(),
            None => callers.any(dice, &self.named)?,
        };
        let action = self.action(dice, universe)?;
        let mut context = Context::new();
        let fixed = expected::keys(&principal);
        for key in self.keys() {
            let rule = expected::rule(&action, &key, universe);
            if let Some(value) = fixed.get(key.as_str()) {
                if let Some(value) = value {
                    context.set(&key, value.as_str());
                }
                continue;
            }
            let value = self.held(dice, &principal, &key, &rule);
            match value {
                None if rule.is_always => return None,
                None => {}
                Some(Values::One(one)) => drop(context.set(&key, one)),
                Some(Values::Many(all)) => drop(context.set_list(&key, all)),
            }
        }
        let resource = self.resource(dice, &context, &action, universe)?;
        let account = resource.split(':').nth(4).unwrap_or_default();
        let is_owned = account.len() == 12 && account.bytes().all(|one| one.is_ascii_digit());
        let resource_account = match dice.below(4) {
            0 if !is_owned && resource != "*" => {
                Some(dice.one_of(&["111122223333", "444455556666", "999999999999"]).to_owned())
            }
            _ => None,
        };
        let drawn = Witness { principal, action, resource, resource_account, context };
        expected::is_none(&drawn, universe).is_none().then_some(drawn)
    }

    /// What a key holds; `None`: it is absent.
    fn held(
        &self,
        dice: &mut Dice,
        principal: &Principal,
        key: &str,
        rule: &expected::Rule,
    ) -> Option<Values> {
        if let Some(value) = expected::sent(dice, principal, key, &mut |dice| self.value(dice, key))
        {
            return Some(Values::One(value));
        }
        if !rule.is_always && dice.one_in(4) {
            return None;
        }
        let one = |dice: &mut Dice| {
            let drawn = (0..8).map(|_| self.value(dice, key));
            drawn.collect::<Vec<_>>().into_iter().find(|value| rule.admits(value))
        };
        let is_list = match rule.lists {
            expected::Lists::Never => false,
            expected::Lists::Always => true,
            expected::Lists::Maybe => dice.one_in(3),
        };
        if !is_list {
            return one(dice).map(Values::One);
        }
        let count = 1 + dice.below(3);
        (0..count).map(|_| one(dice)).collect::<Option<Vec<_>>>().map(Values::Many)
    }

    /// A value at or beside one that a key is compared with.
    fn value(&self, dice: &mut Dice, key: &str) -> String {
        let known = self.values.get(key).and_then(|all| dice.any(all).cloned());
        let Some((operator, value)) = known else {
            return dice.one_of(&["a", "x", "", "a/b", "alice", "k", "b", "*", "A"]).to_owned();
        };
        let is = |part: &str| operator.contains(part);
        let as_it_is = dice.one_in(3);
        match () {
            () if as_it_is => value,
            () if is("Numeric") => dice.one_of(&NUMBERS).to_owned(),
            () if is("Date") => dice.one_of(&DATES).to_owned(),
            () if is("Ip") => dice.one_of(&ADDRESSES).to_owned(),
            () if is("Bool") => dice.one_of(&["true", "false", "TRUE", "no", ""]).to_owned(),
            () if is("Binary") => {
                dice.one_of(&["YQ==", "YQ", "YWI=", "YWI", "a", "ab", "abc", ""]).to_owned()
            }
            () => self.like(dice, &value, &Context::new()),
        }
    }

    /// A text that a pattern matches, or one beside it.
    fn like(&self, dice: &mut Dice, pattern: &str, context: &Context) -> String {
        let mut out = String::new();
        let mut rest = pattern;
        loop {
            let mut after_one = rest.chars();
            let Some(one) = after_one.next() else { break };
            if let Some((name, after)) = rest.strip_prefix("${").and_then(|it| it.split_once('}')) {
                rest = after;
                match name {
                    "*" | "?" | "$" => out.push_str(name),
                    _ => out.push_str(&self.of_variable(dice, name, context)),
                }
                continue;
            }
            rest = after_one.as_str();
            match one {
                '*' => out.push_str(dice.one_of(&MANY)),
                '?' => out.push_str(dice.one_of(&["x", "a", "/", "é", ":", ""])),
                other => out.push(other),
            }
        }
        if dice.one_in(3) { beside(dice, &out) } else { out }
    }

    fn of_variable(&self, dice: &mut Dice, name: &str, context: &Context) -> String {
        let (key, default) = name.split_once(',').unwrap_or((name, ""));
        match context.get(key.trim()) {
            Some(Values::One(value)) if !dice.one_in(6) => value.clone(),
            _ => match default.trim().trim_matches('\'') {
                "" => dice.one_of(&["a", "x", "", "alice", "k"]).to_owned(),
                default => default.to_owned(),
            },
        }
    }

    fn action(&self, dice: &mut Dice, universe: Universe) -> Option<String> {
        if universe == Universe::Catalogue {
            return Some(dice.one_of(&ACTIONS).to_owned());
        }
        if dice.one_in(8) {
            return Some(
                dice.one_of(&["xyz:x", "s3:GetObject", "iam:PassRole", "s3:z"]).to_owned(),
            );
        }
        let pattern = dice.any(&self.actions)?.clone();
        let (service, name) = pattern.split_once(':').unwrap_or(("xyz", "*"));
        let service = if service.contains(['*', '?']) { "s3" } else { service };
        let service = if dice.one_in(8) { dice.one_of(&["xyz", "s3", "iam"]) } else { service };
        let mut name = self.like(dice, name, &Context::new());
        name.retain(|one| one.is_ascii_alphanumeric() || one == '-');
        (!name.is_empty()).then(|| format!("{service}:{name}"))
    }

    fn resource(
        &self,
        dice: &mut Dice,
        context: &Context,
        action: &str,
        universe: Universe,
    ) -> Option<String> {
        if dice.one_in(10) {
            return Some("*".to_owned());
        }
        if universe == Universe::Catalogue && dice.one_in(2) {
            return self.of_format(dice, action);
        }
        let one = parts(dice.any(&self.resources)?);
        let other = parts(dice.any(&self.resources)?);
        let Some(one) = one.or_else(|| other.clone()) else {
            return Some("arn:aws:s3:::b/k".to_owned());
        };
        let other = other.unwrap_or_else(|| one.clone());
        let all = one.iter().zip(&other).enumerate().map(|(place, (one, other))| {
            let part = if dice.one_in(6) { other } else { one };
            let mut part = self.like(dice, part, context);
            if place < 5 {
                part.retain(|one| one != ':');
            }
            part
        });
        let mut all: Vec<String> = all.collect();
        all[0] = "arn".to_owned();
        Some(all.join(":"))
    }

    /// An ARN of a resource type of an action.
    fn of_format(&self, dice: &mut Dice, action: &str) -> Option<String> {
        let (prefix, name) = action.split_once(':')?;
        let prefix = actions::of(prefix)?;
        let kinds = &prefix.action(name)?.resources;
        let kind = prefix.resource_type(dice.any(kinds)?.name)?;
        let mut out = String::new();
        let mut rest = *dice.any(&kind.arn)?;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, after) = after.split_once('}')?;
            out.push_str(match name {
                "Partition" => "aws",
                "Region" => dice.one_of(&["eu-west-1", "us-east-1"]),
                "Account" => dice.one_of(&["111122223333", "444455556666"]),
                _ => dice.one_of(&["b", "k", "worker", "a", "q", "f", "t1", "alice"]),
            });
            rest = after;
        }
        Some(out + rest)
    }
}

/// The parts of an ARN, of which a variable may have colons.
fn parts(arn: &str) -> Option<Vec<String>> {
    let mut all = vec![String::new()];
    let mut inside = false;
    for one in arn.chars() {
        inside = match one {
            '{' => true,
            '}' => false,
            _ => inside,
        };
        if one == ':' && !inside && all.len() < 6 {
            all.push(String::new());
        } else {
            all.last_mut()?.push(one);
        }
    }
    (all.len() == 6).then_some(all)
}

/// A text with one character more, less, or another one.
fn beside(dice: &mut Dice, text: &str) -> String {
    let mut all: Vec<char> = text.chars().collect();
    let at = dice.below(all.len() + 1);
    match dice.below(4) {
        0 => all.insert(at, dice.one_of(&["x", "a", "/", ":"]).chars().next().unwrap_or('x')),
        1 if at < all.len() => drop(all.remove(at)),
        2 if at < all.len() && all[at].is_ascii_lowercase() => all[at].make_ascii_uppercase(),
        2 if at < all.len() => all[at].make_ascii_lowercase(),
        _ if at < all.len() => all[at] = 'x',
        _ => all.push('x'),
    }
    all.into_iter().collect()
}
