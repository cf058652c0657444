//! The resources that a call names.

use std::borrow::Cow;

use ringfence_models::actions;
use ringfence_models::needs::{Form, Named, Only, Part, Permission, Resource, Source};
use ringfence_policy::catalog::{Arns as _, ResourceType};
use serde_json::Value;

use super::names::{self, Names};
use super::{MOST, asked, sender, too_many};
use crate::requirements::RequirementsError;
use crate::requirements::api_gateway;
use crate::requirements::scope::{Scope, items};

/// A resource that a call names.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) arn: String,
    /// Its type; none where the ARN is of none of the action's.
    pub(super) kind: Option<&'static ResourceType>,
}

/// The resources of a permission. None: the permission is for `*`.
pub(super) async fn of(
    scope: &Scope<'_>,
    permission: &'static Permission,
) -> Result<Vec<Target>, RequirementsError> {
    let mut targets: Vec<Target> = Vec::new();
    for resource in &permission.resources {
        if resource.only.as_ref().is_some_and(|only| !holds(scope, only)) {
            continue;
        }
        let arns = named(scope, resource).await?;
        if arns.len() > MOST {
            return Err(too_many(scope));
        }
        if arns.is_empty() && resource.required && !resource.or_all {
            let kind = resource.kind.name;
            return Err(scope.undecided(format!("the call does not say which {kind} it is about")));
        }
        for arn in arns {
            let is_of_kind = resource.kind.matches(&arn);
            match targets.iter_mut().find(|target| target.arn == arn) {
                Some(target) if is_of_kind && target.kind.is_none() => {
                    target.kind = Some(resource.kind);
                }
                Some(_) => {}
                None => {
                    let kind = is_of_kind.then_some(resource.kind);
                    targets.push(Target { arn, kind });
                }
            }
        }
    }
    for target in unbound(scope, permission) {
        if !targets.iter().any(|known| known.arn == target.arn) {
            targets.push(target);
        }
    }
    if targets.is_empty() {
        let all = permission.resources.iter().filter(|resource| resource.or_all);
        targets.extend(all.map(|resource| {
            let arn = names::all_of(scope, resource.kind);
            Target { arn, kind: Some(resource.kind) }
        }));
    }
    Ok(targets)
}

/// The ARNs of the types that the reference lists as possible and that no member is
/// called as: what the call names of them anywhere, it acts upon. The blueprints of a
/// project.
fn unbound(scope: &Scope<'_>, permission: &'static Permission) -> Vec<Target> {
    let Some(prefix) = actions::of(permission.action.prefix) else { return Vec::new() };
    let kinds = permission.unbound.iter().filter_map(|name| prefix.resource_type(name));
    let kinds: Vec<&'static ResourceType> = kinds.collect();
    let mut arns = Vec::new();
    if !kinds.is_empty() {
        scope.call.input.values().for_each(|value| arns_in(value, &mut arns));
    }
    let of_kind = |arn: &str| kinds.iter().copied().find(|kind| kind.matches(arn));
    let targets = arns.into_iter().filter_map(|arn| {
        let kind = of_kind(arn)?;
        Some(Target { arn: arn.to_owned(), kind: Some(kind) })
    });
    targets.collect()
}

fn arns_in<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if text.starts_with("arn:") => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| arns_in(item, found)),
        Value::Object(members) => members.values().for_each(|member| arns_in(member, found)),
        _ => {}
    }
}

/// Whether the call means a resource of one of two types.
fn holds(scope: &Scope<'_>, only: &Only) -> bool {
    let texts = only.member.texts_in(&scope.call.input);
    let is = match (texts.as_slice(), only.otherwise) {
        ([], Some(otherwise)) => otherwise == only.text,
        (texts, _) => texts.iter().all(|text| names::last_of(text) == only.text),
    };
    is == only.equal
}

/// The ARNs of the resources that a call names in one way.
async fn named(
    scope: &Scope<'_>,
    resource: &'static Resource,
) -> Result<Vec<String>, RequirementsError> {
    let ways = match &resource.named {
        Named::Either(ways) => ways.as_slice(),
        Named::Arn(source) if source.form == Form::Within => {
            let mut arns: Vec<String> = Vec::new();
            for path in &source.paths {
                let texts = path.texts_in(&scope.call.input).into_iter();
                arns.extend(texts.filter(|it| resource.kind.matches(it)).map(str::to_owned));
            }
            return Ok(arns);
        }
        one => std::slice::from_ref(one),
    };
    let mut arns = Vec::new();
    for way in ways {
        arns.extend(named_in(scope, way).await?);
    }
    Ok(arns)
}

async fn named_in(
    scope: &Scope<'_>,
    named: &'static Named,
) -> Result<Vec<String>, RequirementsError> {
    match named {
        Named::Arn(source) => {
            let texts = texts(scope, source).await?;
            texts.iter().map(|arn| names::arn(scope, arn, None)).collect()
        }
        Named::Path { arn } => {
            let path = api_gateway::path(scope)?;
            Ok(vec![format!("{}{path}", names::placed(scope, arn, None))])
        }
        Named::Below { arn, parent } => {
            let mut arns = Vec::new();
            for text in texts(scope, parent).await? {
                arns.extend(names::below(scope, arn, &text)?);
            }
            Ok(arns)
        }
        Named::TagsOfPath { arn } => {
            let start = names::placed(scope, arn, None);
            let made = format!("{start}{}/", api_gateway::path(scope)?);
            Ok(vec![format!("{start}/tags/{}*", api_gateway::percent_encode(&made))])
        }
        Named::Either(_) => Err(scope.undecided("its ways are ways themselves".to_owned())),
        Named::Parts { arn, parts, account } => by_parts(scope, arn, parts, account.as_ref()).await,
    }
}

async fn by_parts(
    scope: &Scope<'_>,
    template: &'static str,
    parts: &'static [Part],
    account: Option<&'static Source>,
) -> Result<Vec<String>, RequirementsError> {
    let Some((last, before)) = parts.split_last() else {
        return Ok(vec![names::placed(scope, template, None)]);
    };
    let account = match account {
        Some(source) => texts(scope, source).await?.into_iter().next(),
        None => None,
    };
    let mut names = Names { template, values: Vec::new(), account: account.as_deref() };
    let mut arns = Vec::new();
    for text in texts(scope, &last.source).await? {
        if text.starts_with("arn:") {
            let whole = (last.source.form == Form::Qualified).then_some(template);
            arns.push(names::arn(scope, &text, whole)?);
            continue;
        }
        names::check_name(scope, &text)?;
        names.values.clear();
        for part in before {
            let Some(text) = texts(scope, &part.source).await?.into_iter().next() else {
                return Err(scope.undecided(format!(
                    "the call does not say the {} of what it is about",
                    part.variable
                )));
            };
            let text = names::parent(scope, &text)?;
            let text = match part.source.form {
                Form::Prefixed => names::unprefixed(template, part.variable, text).to_owned(),
                Form::Lower => text.to_ascii_lowercase(),
                _ => text.to_owned(),
            };
            names.values.push((part.variable, text));
        }
        arns.push(names.arn_of(scope, last.variable, &text, last.source.form)?);
    }
    Ok(arns)
}

/// A name, or the number of a deployment.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// The texts of a source: each that a member gives or the service tells, and what
/// stands for none where an item of a list, or the call, gives none.
async fn texts<'v>(
    scope: &Scope<'v>,
    source: &'static Source,
) -> Result<Vec<Cow<'v, str>>, RequirementsError> {
    let input = &scope.call.input;
    let mut found: Vec<Cow<'v, str>> = Vec::new();
    let mut lacks = source.paths.is_empty();
    for path in &source.paths {
        let each = path.each(input);
        lacks |= each.len() > 1 && each.iter().any(Option::is_none);
        let values = path.values(input).into_iter().flat_map(items);
        found.extend(values.filter_map(text).filter(|text| source.is_said(text)));
    }
    if let Some(asked) = &source.asked {
        let told = asked::texts(scope, asked, |text| source.is_asked(text)).await?;
        lacks &= told.is_empty();
        found.extend(told.into_iter().map(Cow::Owned));
    }
    if let Some(text) = source.otherwise.filter(|_| lacks || found.is_empty()) {
        found.push(Cow::Borrowed(text));
    }
    if source.form == Form::Sender {
        for text in &mut found {
            *text = Cow::Owned(sender::identity(scope, text).await?);
        }
    }
    found.dedup();
    Ok(found)
}
