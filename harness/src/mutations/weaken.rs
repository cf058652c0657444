//! The weaker versions of a policy document: each differs from the original in
//! one place. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use serde_json::{Map, Value, json};

use crate::attacks::companions::{rewritten, statements};

/// A weaker version of a document.
#[derive(Debug, Clone)]
pub struct Weaker {
    /// The operator: `statement-dropped`, `condition-negated`, ….
    pub kind: &'static str,
    /// The place within the statement, where the operator has several: an
    /// action, a condition's operator and key, a number.
    pub part: String,
    /// The statement's `Sid`, or its number.
    pub statement: String,
    /// The change, for a person.
    pub change: String,
    /// The statement before and after; where it is gone, before alone.
    pub versions: Vec<Value>,
    /// The document with the change.
    pub document: Arc<Document>,
}

/// All weaker versions that AWS would store, in the order of the statements.
pub fn versions(original: &Document) -> Vec<Weaker> {
    let all = statements(original.text());
    let mut versions = Vec::new();
    for (index, statement) in all.iter().enumerate() {
        let place = label(original.kind(), index, statement);
        for change in of_statement(original.kind(), statement) {
            let mut changed = all.clone();
            let versions_of = std::iter::once(statement.clone()).chain(change.statement.clone());
            match change.statement {
                Some(statement) => {
                    if let Some(place) = changed.get_mut(index) {
                        *place = statement;
                    }
                }
                None => {
                    changed.remove(index);
                }
            }
            // A document must have a statement: one that matches nothing.
            if changed.is_empty() {
                changed.push(nothing(original.kind()));
            }
            let Some(document) = rewritten(original, changed) else { continue };
            versions.push(Weaker {
                kind: change.kind,
                part: change.part,
                statement: place.clone(),
                change: format!("statement {place}: {}", change.told),
                versions: versions_of.collect(),
                document,
            });
        }
    }
    versions
}

/// The `Sid` names a statement in a policy of the platform's own; services
/// make up new ones at each deployment, so that a number is more stable there.
fn label(kind: Kind, index: usize, statement: &Value) -> String {
    match statement.get("Sid").and_then(Value::as_str) {
        Some(sid) if kind != Kind::Resource => sid.to_owned(),
        _ => index.to_string(),
    }
}

/// A statement that says nothing.
fn nothing(kind: Kind) -> Value {
    let mut statement = json!({"Effect": "Deny", "NotAction": "*"});
    if let Some(members) = statement.as_object_mut() {
        match kind {
            Kind::Trust => members.insert("Principal".into(), json!("*")),
            Kind::Resource => {
                members.insert("Principal".into(), json!("*"));
                members.insert("Resource".into(), json!("*"))
            }
            _ => members.insert("Resource".into(), json!("*")),
        };
    }
    statement
}

/// A statement that is changed in one place; none where it is gone.
struct Change {
    kind: &'static str,
    part: String,
    told: String,
    statement: Option<Value>,
}

fn of_statement(kind: Kind, statement: &Value) -> Vec<Change> {
    let Some(members) = statement.as_object() else { return Vec::new() };
    let mut changes = vec![Change {
        kind: "statement-dropped",
        part: String::new(),
        told: "dropped".to_owned(),
        statement: None,
    }];
    // A trust policy may say `DENY`.
    let effect = members.get("Effect").and_then(Value::as_str);
    if effect.is_some_and(|effect| effect.eq_ignore_ascii_case("Deny")) {
        narrowed_deny(members, &mut changes);
    } else {
        widened_allow(kind, members, &mut changes);
    }
    conditions(members, &mut changes);
    changes
}

/// The statement with one element replaced.
fn with(members: &Map<String, Value>, element: &str, value: Value) -> Option<Value> {
    let mut changed = members.clone();
    changed.insert(element.to_owned(), value);
    Some(Value::Object(changed))
}

fn without(members: &Map<String, Value>, element: &str) -> Option<Value> {
    let mut changed = members.clone();
    changed.shift_remove(element);
    Some(Value::Object(changed))
}

/// A Deny that denies less.
fn narrowed_deny(members: &Map<String, Value>, changes: &mut Vec<Change>) {
    changes.push(Change {
        kind: "deny-to-allow",
        part: String::new(),
        told: "Deny turned to Allow".to_owned(),
        statement: with(members, "Effect", json!("Allow")),
    });
    for (element, kind) in
        [("Action", "denied-action-dropped"), ("Resource", "denied-resource-dropped")]
    {
        let items = texts(members.get(element));
        if items.len() < 2 {
            continue;
        }
        for (number, item) in items.iter().enumerate() {
            let left: Vec<&String> = items.iter().filter(|other| *other != item).collect();
            changes.push(Change {
                kind,
                part: if element == "Action" { item.clone() } else { number.to_string() },
                told: format!("`{item}` is not denied any more"),
                statement: with(members, element, json!(left)),
            });
        }
    }
    for (number, item) in texts(members.get("NotResource")).iter().enumerate() {
        let wide = wider_arn(item);
        if wide != *item {
            let mut items = texts(members.get("NotResource"));
            if let Some(place) = items.get_mut(number) {
                place.clone_from(&wide);
            }
            changes.push(Change {
                kind: "exception-widened",
                part: number.to_string(),
                told: format!("the exception `{item}` is `{wide}`"),
                statement: with(members, "NotResource", json!(items)),
            });
        }
    }
}

/// An Allow that allows more.
fn widened_allow(kind: Kind, members: &Map<String, Value>, changes: &mut Vec<Change>) {
    let actions = texts(members.get("Action"));
    let prefixes: BTreeSet<&str> =
        actions.iter().filter_map(|action| Some(action.split_once(':')?.0)).collect();
    for prefix in prefixes {
        let wide = format!("{prefix}:*");
        if kind == Kind::Trust || actions.contains(&wide) {
            continue;
        }
        let mut items: Vec<String> = actions
            .iter()
            .filter(|action| !action.starts_with(&format!("{prefix}:")))
            .cloned()
            .collect();
        items.push(wide.clone());
        changes.push(Change {
            kind: "actions-widened",
            part: prefix.to_owned(),
            told: format!("allows `{wide}`"),
            statement: with(members, "Action", json!(items)),
        });
    }
    if kind != Kind::Trust && !actions.iter().any(|action| action == "*") {
        changes.push(Change {
            kind: "all-actions",
            part: String::new(),
            told: "allows every action".to_owned(),
            statement: with(members, "Action", json!("*")),
        });
    }
    // A resource's own policy speaks of that resource alone.
    if matches!(kind, Kind::Identity | Kind::Boundary | Kind::Session | Kind::ServiceControl) {
        let resources = texts(members.get("Resource"));
        if !resources.is_empty() && !resources.iter().any(|resource| resource == "*") {
            changes.push(Change {
                kind: "resources-widened",
                part: String::new(),
                told: "allows it on every resource".to_owned(),
                statement: with(members, "Resource", json!("*")),
            });
            let wide: Vec<String> = resources.iter().map(|resource| wider_arn(resource)).collect();
            if wide != resources {
                changes.push(Change {
                    kind: "resources-of-the-type",
                    part: String::new(),
                    told: format!("allows it on {}", quoted(&wide)),
                    statement: with(members, "Resource", json!(wide)),
                });
            }
        }
    }
    if let Some(principal) = members.get("Principal").filter(|principal| **principal != json!("*"))
    {
        changes.push(Change {
            kind: "principal-widened",
            part: String::new(),
            told: format!("{principal} is everybody"),
            statement: with(members, "Principal", json!("*")),
        });
    }
}

/// Conditions that are met more easily, or the other way round.
fn conditions(members: &Map<String, Value>, changes: &mut Vec<Change>) {
    let Some(blocks) = members.get("Condition").and_then(Value::as_object) else { return };
    let tests: Vec<(&String, &String, &Value)> = blocks
        .iter()
        .flat_map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            keys.map(move |(key, values)| (operator, key, values))
        })
        .collect();
    if tests.len() > 1 {
        changes.push(Change {
            kind: "conditions-dropped",
            part: String::new(),
            told: "without any condition".to_owned(),
            statement: without(members, "Condition"),
        });
    }
    for (operator, key, values) in tests {
        let (part, operator_of) = (format!("{operator}/{key}"), operator.as_str());
        let mut change = |kind, told: String, test: Option<(String, String, Value)>| {
            changes.push(Change {
                kind,
                part: part.clone(),
                told,
                statement: retested(members, blocks, (operator, key), test),
            });
        };
        let test = |operator: String, values: &Value| Some((operator, key.clone(), values.clone()));
        change("condition-dropped", format!("without the condition on `{key}`"), None);
        if let Some(negated) = negated(operator) {
            let told = format!("`{operator}` of `{key}` is `{negated}`");
            change("condition-negated", told, test(negated, values));
        } else if let Some(other) = other_values(values) {
            let told = format!("`{key}` must be {other}");
            change("condition-negated", told, test(operator.clone(), &other));
        }
        if !operator.ends_with("IfExists") && !operator.ends_with("Null") {
            let told = format!("`{key}` is tested where it exists");
            change("condition-if-exists", told, test(format!("{operator}IfExists"), values));
        }
        if !operator.starts_with("ForAllValues:") && operator != "Null" {
            let base = operator.split_once(':').map_or(operator.as_str(), |(_, base)| base);
            let told = format!("all values of `{key}` are tested, of which there may be none");
            change("condition-for-all-values", told, test(format!("ForAllValues:{base}"), values));
        }
        let renamed = format!("{key}Renamed");
        let told = format!("`{key}` is called `{renamed}`");
        change("key-renamed", told, Some((operator.clone(), renamed, values.clone())));
        for (level, (operator, wide)) in wider_values(operator, values).into_iter().enumerate() {
            let told = format!("`{key}` may be {wide}");
            changes.push(Change {
                kind: "value-widened",
                part: format!("{part}/{}", level + 1),
                told,
                statement: retested(
                    members,
                    blocks,
                    (operator_of, key),
                    Some((operator, key.clone(), wide)),
                ),
            });
        }
    }
}

/// The statement with one test replaced, or without it.
fn retested(
    members: &Map<String, Value>,
    blocks: &Map<String, Value>,
    (operator, key): (&str, &str),
    test: Option<(String, String, Value)>,
) -> Option<Value> {
    let mut blocks = blocks.clone();
    if let Some(keys) = blocks.get_mut(operator).and_then(Value::as_object_mut) {
        keys.shift_remove(key);
        if keys.is_empty() {
            blocks.shift_remove(operator);
        }
    }
    if let Some((operator, key, values)) = test {
        let block = blocks.entry(operator).or_insert_with(|| json!({}));
        if let Some(keys) = block.as_object_mut() {
            keys.insert(key, values);
        }
    }
    match blocks.is_empty() {
        true => without(members, "Condition"),
        false => with(members, "Condition", Value::Object(blocks)),
    }
}

/// The operator that holds where this one does not, as AWS spells it.
fn negated(operator: &str) -> Option<String> {
    let (set, base) = match operator.split_once(':') {
        Some((set, base)) => (format!("{set}:"), base),
        None => (String::new(), operator),
    };
    let (base, exists) = match base.strip_suffix("IfExists") {
        Some(base) => (base, "IfExists"),
        None => (base, ""),
    };
    let other = match base {
        "NumericLessThan" => "NumericGreaterThanEquals".to_owned(),
        "NumericGreaterThan" => "NumericLessThanEquals".to_owned(),
        "NumericLessThanEquals" => "NumericGreaterThan".to_owned(),
        "NumericGreaterThanEquals" => "NumericLessThan".to_owned(),
        "DateLessThan" => "DateGreaterThanEquals".to_owned(),
        "DateGreaterThan" => "DateLessThanEquals".to_owned(),
        "DateLessThanEquals" => "DateGreaterThan".to_owned(),
        "DateGreaterThanEquals" => "DateLessThan".to_owned(),
        "IpAddress" => "NotIpAddress".to_owned(),
        "NotIpAddress" => "IpAddress".to_owned(),
        _ => {
            let kinds = ["String", "Numeric", "Date", "Arn"];
            let kind = kinds.into_iter().find(|kind| base.starts_with(kind))?;
            let rest = base.strip_prefix(kind)?;
            match rest.strip_prefix("Not") {
                Some(rest) => format!("{kind}{rest}"),
                None => format!("{kind}Not{rest}"),
            }
        }
    };
    Some(format!("{set}{other}{exists}"))
}

/// `true` for `false` and the other way round, for Bool and Null.
fn other_values(values: &Value) -> Option<Value> {
    match texts(Some(values)).as_slice() {
        [one] if one.eq_ignore_ascii_case("true") => Some(json!("false")),
        [one] if one.eq_ignore_ascii_case("false") => Some(json!("true")),
        _ => None,
    }
}

/// Patterns that hold more than these values: cut at one separator after the
/// other, from the end, until anything will do.
fn wider_values(operator: &str, values: &Value) -> Vec<(String, Value)> {
    let wide_operator = if operator.contains("String") {
        operator.replace("Equals", "Like").replace("LikeIgnoreCase", "Like")
    } else if operator.contains("Arn") {
        operator.to_owned()
    } else {
        return Vec::new();
    };
    let mut wider = Vec::new();
    let mut current = texts(Some(values));
    while current.iter().any(|value| value != "*") {
        current = current.iter().map(|value| wider_text(value)).collect();
        wider.push((wide_operator.clone(), json!(current)));
    }
    wider
}

pub(super) fn wider_text(value: &str) -> String {
    let end = value.trim_end_matches('*');
    match end.trim_end_matches([':', '/']).rfind([':', '/']) {
        Some(place) => format!("{}*", end.get(..=place).unwrap_or_default()),
        None => "*".to_owned(),
    }
}

/// The ARN pattern for all resources of the same type.
fn wider_arn(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [head @ .., rest] = parts.as_slice() else { return arn.to_owned() };
    if head.len() != 5 {
        return arn.to_owned();
    }
    let rest = match rest.find([':', '/']) {
        // `/apis/ID/routes` begins with its separator.
        Some(0) => "/*".to_owned(),
        Some(place) => format!("{}*", rest.get(..=place).unwrap_or_default()),
        None => "*".to_owned(),
    };
    format!("{}:{rest}", head.join(":"))
}

/// One text or a list of them.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => items.iter().flat_map(|item| texts(Some(item))).collect(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Bool(truth)) => vec![truth.to_string()],
        Some(Value::Number(number)) => vec![number.to_string()],
        Some(Value::Object(_) | Value::Null) | None => Vec::new(),
    }
}

fn quoted(items: &[String]) -> String {
    items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::attacks::companions::document;

    /// A second change would be called one: without a version, `${…}` is text.
    #[test]
    fn a_weaker_document_differs_in_one_place_and_keeps_its_version() {
        let text = r#"{"Version": "2008-10-17", "Id": "old", "Statement": [{"Sid": "A",
            "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}/*"}]}"#;
        let original = Document::parse("old", text, Kind::Identity).unwrap();
        let versions = versions(&original);
        assert!(!versions.is_empty());
        for weaker in versions {
            let found = weaker.document.text();
            assert!(
                found.starts_with(r#"{"Version":"2008-10-17","Id":"old","Statement":["#),
                "{found}"
            );
        }
    }

    fn weaker(kind: Kind, statement: Value) -> Vec<(String, Value)> {
        let document = document("p", vec![statement], kind).unwrap();
        versions(&document)
            .into_iter()
            .map(|weaker| {
                let name = match weaker.part.as_str() {
                    "" => weaker.kind.to_owned(),
                    part => format!("{}/{part}", weaker.kind),
                };
                (name, statements(weaker.document.text()).remove(0))
            })
            .collect()
    }

    fn kinds(versions: &[(String, Value)]) -> Vec<&str> {
        versions.iter().map(|(kind, _)| kind.as_str()).collect()
    }

    #[test]
    fn an_allow_is_widened_in_every_dimension() {
        let versions = weaker(
            Kind::Identity,
            json!({
                "Effect": "Allow", "Action": ["iam:CreateRole", "iam:TagRole"],
                "Resource": "arn:aws:iam::1:role/app-*",
                "Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}},
            }),
        );
        let key = "StringEquals/iam:PermissionsBoundary";
        assert_eq!(
            kinds(&versions),
            [
                "statement-dropped",
                "actions-widened/iam",
                "all-actions",
                "resources-widened",
                "resources-of-the-type",
                &format!("condition-dropped/{key}"),
                &format!("condition-negated/{key}"),
                &format!("condition-if-exists/{key}"),
                &format!("condition-for-all-values/{key}"),
                &format!("key-renamed/{key}"),
                &format!("value-widened/{key}/1"),
                &format!("value-widened/{key}/2"),
                &format!("value-widened/{key}/3"),
                &format!("value-widened/{key}/4"),
                &format!("value-widened/{key}/5"),
                &format!("value-widened/{key}/6"),
            ]
        );
        let of = |kind: &str| {
            versions.iter().find(|(name, _)| name.starts_with(kind)).map(|(_, it)| it).unwrap()
        };
        assert_eq!(of("actions-widened")["Action"], json!(["iam:*"]));
        assert_eq!(of("resources-of-the-type")["Resource"], json!(["arn:aws:iam::1:role/*"]));
        assert_eq!(of("condition-dropped").get("Condition"), None);
        assert_eq!(
            of("condition-negated")["Condition"],
            json!({"StringNotEquals": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}})
        );
        assert_eq!(
            of("value-widened")["Condition"],
            json!({"StringLike": {"iam:PermissionsBoundary": ["arn:aws:iam::1:policy/*"]}})
        );
        // What is left of a document with one statement says nothing.
        assert_eq!(
            of("statement-dropped"),
            &json!({"Effect": "Deny", "NotAction": "*", "Resource": "*"})
        );
    }

    #[test]
    fn a_deny_is_narrowed_and_turned() {
        let versions = weaker(
            Kind::Boundary,
            json!({
                "Effect": "Deny", "Action": ["a:One", "a:Two"],
                "NotResource": ["arn:aws:apigateway:us-east-1::/apis/x/routes"],
            }),
        );
        assert_eq!(
            kinds(&versions),
            [
                "statement-dropped",
                "deny-to-allow",
                "denied-action-dropped/a:One",
                "denied-action-dropped/a:Two",
                "exception-widened/0",
            ]
        );
        assert_eq!(versions[2].1["Action"], json!(["a:Two"]));
        assert_eq!(versions[4].1["NotResource"], json!(["arn:aws:apigateway:us-east-1::/*"]));
    }

    #[test]
    fn a_trust_policy_is_opened() {
        let versions = weaker(
            Kind::Trust,
            json!({
                "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": "arn:aws:iam::1:oidc-provider/host"},
                "Condition": {"StringEquals": {
                    "host:aud": "sts.amazonaws.com",
                    "host:sub": "repo:org/app:ref:refs/heads/main",
                }},
            }),
        );
        let names = kinds(&versions);
        for name in [
            "principal-widened",
            "conditions-dropped",
            "condition-dropped/StringEquals/host:aud",
            "condition-dropped/StringEquals/host:sub",
            "value-widened/StringEquals/host:sub/1",
        ] {
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
        let wide =
            versions.iter().find(|(name, _)| name == "value-widened/StringEquals/host:sub/1");
        assert_eq!(
            wide.unwrap().1["Condition"],
            json!({
                "StringEquals": {"host:aud": "sts.amazonaws.com"},
                "StringLike": {"host:sub": ["repo:org/app:ref:refs/heads/*"]},
            })
        );
    }

    #[rstest]
    #[case("StringEquals", Some("StringNotEquals"))]
    #[case("StringNotEqualsIgnoreCase", Some("StringEqualsIgnoreCase"))]
    #[case("ForAnyValue:StringLike", Some("ForAnyValue:StringNotLike"))]
    #[case("ArnLikeIfExists", Some("ArnNotLikeIfExists"))]
    #[case("NotIpAddress", Some("IpAddress"))]
    #[case("NumericLessThan", Some("NumericGreaterThanEquals"))]
    #[case("Bool", None)]
    #[case("Null", None)]
    fn operators_have_opposites(#[case] operator: &str, #[case] opposite: Option<&str>) {
        assert_eq!(negated(operator).as_deref(), opposite);
    }

    #[rstest]
    #[case("arn:aws:iam::1:role/app-*", "arn:aws:iam::1:role/*")]
    #[case("arn:aws:lambda:r:1:function:a", "arn:aws:lambda:r:1:function:*")]
    #[case("arn:aws:s3:::bucket/a/*", "arn:aws:s3:::bucket/*")]
    #[case("arn:aws:s3:::bucket", "arn:aws:s3:::*")]
    #[case("arn:aws:apigateway:r::/apis/x/routes/*", "arn:aws:apigateway:r::/*")]
    #[case("*", "*")]
    fn an_arn_is_widened_to_its_type(#[case] arn: &str, #[case] wide: &str) {
        assert_eq!(wider_arn(arn), wide);
    }
}
