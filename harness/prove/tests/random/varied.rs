//! Small changes of policies.

use serde_json::{Value, json};

use super::dice::Dice;
use super::made;

/// The documents of a side, each with whether it names principals.
fn documents(side: &mut Value) -> Vec<(bool, &mut Value)> {
    fn under<'s>(names: bool, value: &'s mut Value, found: &mut Vec<(bool, &'s mut Value)>) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|one| under(names, one, found)),
            document @ Value::Object(_) => found.push((names, document)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (layer, value) in side.as_object_mut().unwrap() {
        let names = ["resource", "rcp", "vpc_endpoint"].contains(&layer.as_str());
        under(names, value, &mut found);
    }
    found
}

/// Changes one thing.
pub(crate) fn change(dice: &mut Dice, side: &mut Value) {
    let is_controlled = side["rcp"].is_array();
    if side["rcp"].is_null() {
        side.as_object_mut().unwrap().remove("rcp");
    }
    if !is_controlled && dice.one_in(16) {
        let layer = dice.one_of(&["boundary", "session", "scp", "vpc_endpoint"]);
        let all = side.as_object_mut().unwrap();
        if all.len() > 1 {
            all.remove(layer);
        }
        return;
    }
    let mut all = documents(side);
    let place = dice.below(all.len());
    let Some((names, document)) = all.get_mut(place) else { return };
    let Some(statements) = document["Statement"].as_array_mut() else { return };
    let at = dice.below(statements.len());
    match dice.below(12) {
        0 if statements.len() > 1 => drop(statements.remove(at)),
        1 => {
            let mut again = statements[at].clone();
            within(dice, &mut again, *names);
            statements.push(again);
        }
        2 => statements.push(made::statement(dice, *names, 3)),
        _ => within(dice, &mut statements[at], *names),
    }
}

/// Changes something of a statement.
fn within(dice: &mut Dice, statement: &mut Value, names: bool) {
    match dice.below(12) {
        0 => {
            let other = if statement["Effect"] == "Allow" { "Deny" } else { "Allow" };
            statement["Effect"] = json!(other);
            if other == "Allow" {
                rename(statement, "NotPrincipal", "Principal");
            }
        }
        1 => {
            let (one, other) =
                if dice.one_in(2) { ("Action", "NotAction") } else { ("Resource", "NotResource") };
            if !rename(statement, one, other) {
                rename(statement, other, one);
            }
        }
        2 => made::condition(dice, statement),
        3 | 4 => operator(dice, statement),
        5 if names => {
            let member =
                if statement["NotPrincipal"].is_null() { "Principal" } else { "NotPrincipal" };
            statement[member] = made::principals(dice);
            clean(statement);
        }
        _ => entry(dice, statement),
    }
    clean(statement);
}

/// Asking for a member that is not there makes it.
fn clean(statement: &mut Value) {
    statement.as_object_mut().unwrap().retain(|_, value| !value.is_null());
}

fn rename(statement: &mut Value, one: &str, other: &str) -> bool {
    let all = statement.as_object_mut().unwrap();
    let found = all.remove(one).filter(|value| !value.is_null());
    let is_there = found.is_some();
    all.extend(found.map(|value| (other.to_owned(), value)));
    is_there
}

/// Changes an operator, or takes a condition away.
fn operator(dice: &mut Dice, statement: &mut Value) {
    let Some(all) = statement["Condition"].as_object_mut() else { return };
    let names: Vec<String> = all.keys().cloned().collect();
    let Some(name) = dice.any(&names).cloned() else { return };
    let Some(keys) = all.remove(&name) else { return };
    let next = match dice.below(4) {
        0 => {
            if all.is_empty() {
                statement.as_object_mut().unwrap().remove("Condition");
            }
            return;
        }
        1 if name.ends_with("IfExists") => name.trim_end_matches("IfExists").to_owned(),
        1 if !name.contains("Null") => format!("{name}IfExists"),
        2 if !name.contains("Null") => match name.split_once(':') {
            Some(("ForAnyValue", rest)) => format!("ForAllValues:{rest}"),
            Some((_, rest)) => rest.to_owned(),
            None => format!("ForAnyValue:{name}"),
        },
        _ => {
            let (prefix, rest) = name.split_once(':').unwrap_or(("", &name));
            let suffix = if rest.ends_with("IfExists") { "IfExists" } else { "" };
            let other = dice.one_of(made::operators_like(rest));
            match prefix {
                "" => format!("{other}{suffix}"),
                prefix => format!("{prefix}:{other}{suffix}"),
            }
        }
    };
    all.insert(next, keys);
}

/// Changes an entry of a list, or the list.
fn entry(dice: &mut Dice, statement: &mut Value) {
    let in_condition = statement["Condition"].is_object() && dice.one_in(2);
    if in_condition {
        let all = statement["Condition"].as_object_mut().unwrap();
        let Some((operator, keys)) = nth(dice, all) else { return };
        let Some((key, values)) = keys.as_object_mut().and_then(|keys| nth(dice, keys)) else {
            return;
        };
        list(dice, values, &|dice| made::value(dice, &operator, &key));
        return;
    }
    let names = ["Action", "NotAction", "Resource", "NotResource"];
    let names: Vec<&str> = names
        .into_iter()
        .filter(|name| statement.get(name).is_some_and(|it| !it.is_null()))
        .collect();
    let Some(name) = dice.any(&names) else { return };
    let one: fn(&mut Dice) -> String =
        if name.ends_with("Action") { made::action } else { made::resource };
    list(dice, &mut statement[*name], &one);
}

fn nth<'v>(
    dice: &mut Dice,
    all: &'v mut serde_json::Map<String, Value>,
) -> Option<(String, &'v mut Value)> {
    let place = dice.below(all.len());
    all.iter_mut().nth(place).map(|(name, value)| (name.clone(), value))
}

fn list(dice: &mut Dice, values: &mut Value, one: &dyn Fn(&mut Dice) -> String) {
    if !values.is_array() {
        *values = json!([values.take()]);
    }
    let Some(items) = values.as_array_mut() else { return };
    let at = dice.below(items.len());
    match dice.below(5) {
        0 => items.push(json!(one(dice))),
        1 if items.len() > 1 => drop(items.remove(at)),
        2 => items[at] = json!(one(dice)),
        _ => {
            let text = items[at].as_str().unwrap_or_default().to_owned();
            items[at] = json!(tweaked(dice, &text));
        }
    }
}

/// A text with one character more, less, or another one.
fn tweaked(dice: &mut Dice, text: &str) -> String {
    let mut all: Vec<char> = text.chars().collect();
    let at = dice.below(all.len() + 1);
    let other = dice.one_of(&["*", "?", "a", "x", "/"]).chars().next().unwrap_or('*');
    match dice.below(4) {
        0 => all.insert(at, other),
        1 if at < all.len() => drop(all.remove(at)),
        2 if at < all.len() && all[at].is_ascii_lowercase() => all[at].make_ascii_uppercase(),
        2 if at < all.len() => all[at].make_ascii_lowercase(),
        _ if at < all.len() => all[at] = other,
        _ => all.push('*'),
    }
    all.into_iter().collect()
}
