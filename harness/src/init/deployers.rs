//! Roles that a web identity may assume.

use super::apps::App;
use super::facts::Facts;
use super::providers;
use super::text::{Text, quoted};
use crate::hcl::{Block, Value};

/// Whether a web identity may assume a role.
pub(super) fn is_deployer(facts: &Facts, role: &Block) -> bool {
    let own = facts.source(role).contains("AssumeRoleWithWebIdentity");
    own || trust(facts, role)
        .is_some_and(|it| facts.source(it).contains("AssumeRoleWithWebIdentity"))
}

/// The document that a role is assumed by.
fn trust<'f>(facts: &'f Facts, role: &Block) -> Option<&'f Block> {
    match &role.attribute("assume_role_policy")?.value {
        Value::Names(names) => facts.referred(names),
        _ => None,
    }
}

/// `prefix` says whose outputs and resources are named, where there are several
/// root modules.
pub(super) fn write(text: &mut Text, facts: &Facts, apps: &[App], prefix: &str, all: &[&Facts]) {
    let roles = facts.resources("aws_iam_role").filter(|role| is_deployer(facts, role));
    // Whose sessions become others, and do nothing else that is known here.
    for role in roles.filter(|role| !is_entrance(facts, role, all)) {
        let output = facts.outputs("aws_iam_role").find(|it| std::ptr::eq(it.resource, role));
        let place = output.map_or_else(|| facts.place(role), |given| given.place());
        let each = facts.each(role);
        if role.attribute("for_each").is_none() {
            let named = output.map_or_else(|| role.address(), |it| it.output.to_owned());
            let named = format!("{prefix}{named}");
            one(text, facts, (role, None), &named, None, apps, &place);
        } else if each.is_empty() {
            text.open(&format!(
                "[[deployers]] {}: the keys of its `for_each` are not plain",
                role.address()
            ));
            text.blank();
        }
        for (key, item) in &each {
            let named = match output {
                Some(given) => format!("{prefix}{}.{key}", given.output),
                None => format!("{prefix}{}[\"{key}\"]", role.address()),
            };
            let key = Some((key.as_str(), item, each.len() > 1));
            one(text, facts, (role, None), &named, key, apps, &place);
        }
    }
}

/// Whether another root module lets a role assume one of its own.
fn is_entrance(facts: &Facts, role: &Block, all: &[&Facts]) -> bool {
    let given: Vec<&str> = outputs_of(facts, role).collect();
    let others = all.iter().filter(|other| !std::ptr::eq(**other, facts));
    others.into_iter().any(|other| {
        let mut roles = other.resources("aws_iam_role");
        roles.any(|it| other.outputs_of_others(it).iter().any(|one| given.contains(&one.as_str())))
    })
}

/// The outputs that give a role.
fn outputs_of<'f>(facts: &'f Facts, role: &'f Block) -> impl Iterator<Item = &'f str> {
    let given = facts.outputs("aws_iam_role");
    given.filter(|it| std::ptr::eq(it.resource, role)).map(|it| it.output)
}

/// Roles that those of other root modules assume which a web identity may assume: `others`
/// are these, by name.
pub(super) fn write_assumed(
    text: &mut Text,
    facts: &Facts,
    apps: &[App],
    prefix: &str,
    others: &[(&str, &Facts)],
) {
    for role in facts.resources("aws_iam_role").filter(|role| !is_deployer(facts, role)) {
        let read = facts.outputs_of_others(role);
        let entrances = others.iter().flat_map(|(name, other)| {
            let roles = other.resources("aws_iam_role").filter(|it| is_deployer(other, it));
            roles.flat_map(move |it| {
                outputs_of(other, it).map(move |output| (*name, *other, it, output))
            })
        });
        let mut entrances =
            entrances.filter(|(_, _, _, output)| read.iter().any(|it| it == output));
        let Some((name, other, entrance, through)) = entrances.next() else { continue };
        let output = facts.outputs("aws_iam_role").find(|it| std::ptr::eq(it.resource, role));
        let place = output.map_or_else(|| facts.place(role), |given| given.place());
        let each = other.each(entrance);
        let several = each.len() > 1;
        for (key, item) in &each {
            let named = match output {
                Some(given) => format!("{prefix}{}.{key}", given.output),
                None => format!("{prefix}{}[\"{key}\"]", role.address()),
            };
            let through = format!("{name}:{through}.{key}");
            let key = Some((key.as_str(), item, several));
            one(text, facts, (role, Some(&through)), &named, key, apps, &place);
        }
        if each.is_empty() {
            let named = output.map_or_else(|| role.address(), |it| it.output.to_owned());
            let (named, through) = (format!("{prefix}{named}"), format!("{name}:{through}"));
            one(text, facts, (role, Some(&through)), &named, None, apps, &place);
        }
    }
}

fn one(
    text: &mut Text,
    facts: &Facts,
    (role, through): (&Block, Option<&str>),
    output: &str,
    key: Option<(&str, &Value, bool)>,
    apps: &[App],
    place: &str,
) {
    let kind = role.label(1).trim_end_matches("_deployer").replace('_', "-");
    let name = match key {
        Some((key, _, true)) => format!("{kind}-{key}"),
        _ => kind,
    };
    if let Some(other) = providers::of_role(facts, trust(facts, role).unwrap_or(role)) {
        providers::open_deployer(text, &name, output, &other);
        return;
    }
    let repository = key.and_then(|(_, item, _)| item.get("repository")?.text());
    let app = apps.iter().find(|app| key.is_some_and(|(key, ..)| app.name == key)).or_else(|| {
        let named = |app: &&App| {
            let object = app.object.as_ref().and_then(|it| it.get("repository")?.text());
            repository.is_some() && object == repository
        };
        apps.iter().find(named).or(match apps {
            [one] => Some(one),
            _ => None,
        })
    });
    let Some(app) = app else {
        let names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
        text.open(&format!(
            "[[deployers]] name = {}, role_output = {}: which app assumes it: {}",
            quoted(&name),
            quoted(output),
            if names.is_empty() { "no repository is known".to_owned() } else { names.join(", ") }
        ));
        text.blank();
        return;
    };
    let granted = granted(facts, role);
    let makes_roles = through.is_some() && granted.contains("iam:CreateRole");
    let job = job_of(&granted, makes_roles);
    let prefix = (job == "stack").then(|| prefix(&granted, key.map(|(key, ..)| key)));
    if let Some(None) = prefix {
        text.open(&format!(
            "[[deployers]] name = {}, role_output = {}, app = {}, job = \"stack\": its `role_prefix` is not plain",
            quoted(&name),
            quoted(output),
            quoted(&app.name)
        ));
        text.blank();
        return;
    }
    if !text.deployer(&quoted(&name), "role_output", &quoted(output), &facts.place(role)) {
        return;
    }
    text.field("role_output", &quoted(output), place);
    if let Some(through) = through {
        text.field("through_output", &quoted(through), "whom its trust policy names");
    }
    text.field("app", &quoted(&app.name), "");
    text.field("job", &quoted(job), "by what its policies allow");
    if let Some(Some(prefix)) = prefix {
        text.field("role_prefix", &quoted(&prefix), "the roles that its policies name");
    }
    if let Some((environment, place)) = environment(facts, role, key.map(|(_, item, _)| item)) {
        text.field("environment", &quoted(&environment), &place);
    }
    text.blank();
}

/// What a deployer is for, by what is granted to it.
pub(super) fn job_of(granted: &str, makes_roles: bool) -> &'static str {
    if granted.contains("cloudformation:") || makes_roles {
        "stack"
    } else if granted.contains("lambda:UpdateFunctionConfiguration") {
        "configuration"
    } else {
        "code"
    }
}

/// The source of the policies that a role or user has, and of the documents in them.
pub(super) fn granted(facts: &Facts, owner: &Block) -> String {
    let mut policies: Vec<&Block> = Vec::new();
    for (attached, inline) in [
        ("aws_iam_role_policy_attachment", "aws_iam_role_policy"),
        ("aws_iam_user_policy_attachment", "aws_iam_user_policy"),
    ] {
        for attachment in facts.resources(attached) {
            let parts = facts.references(attachment);
            if parts.iter().any(|it| std::ptr::eq(*it, owner)) {
                policies.extend(parts.iter().filter(|it| it.label(0) == "aws_iam_policy"));
            }
        }
        for inline in facts.resources(inline) {
            if facts.references(inline).iter().any(|it| std::ptr::eq(*it, owner)) {
                policies.push(inline);
            }
        }
    }
    let mut text = String::new();
    let mut told: Vec<*const Block> = Vec::new();
    // Documents are made of documents.
    while let Some(policy) = policies.pop() {
        if told.contains(&std::ptr::from_ref(policy)) {
            continue;
        }
        told.push(std::ptr::from_ref(policy));
        // Denials grant nothing.
        for statement in statements(facts.source(policy)) {
            text.push_str(statement);
        }
        let parts = facts.references(policy).into_iter();
        policies.extend(parts.filter(|it| it.label(0) == "aws_iam_policy_document"));
    }
    text
}

/// A source without its statements that deny.
fn statements(source: &str) -> impl Iterator<Item = &str> {
    source.split("statement {").filter(|part| {
        let plain: String = part.split_whitespace().collect();
        !plain.contains("effect=\"Deny\"")
    })
}

/// What the names of the roles in a policy begin with.
pub(super) fn prefix(granted: &str, key: Option<&str>) -> Option<String> {
    granted.split(":role/").skip(1).find_map(|rest| {
        let name = rest.split('"').next()?;
        let name = name.strip_suffix('*')?;
        let name = name.replace("${each.key}", key.unwrap_or("${each.key}"));
        (!name.is_empty() && !name.contains("${")).then_some(name)
    })
}

/// The environment that a role's tokens must name.
fn environment(facts: &Facts, role: &Block, item: Option<&Value>) -> Option<(String, String)> {
    let document = trust(facts, role).unwrap_or(role);
    let source = facts.source(document);
    let rest = source.split(":environment:").nth(1)?;
    let name = rest.split(['"', '\n']).next()?;
    let plain = match name.strip_prefix("${each.value.").and_then(|it| it.strip_suffix('}')) {
        Some(member) => item?.get(member)?.text()?.to_owned(),
        None => name.to_owned(),
    };
    (!plain.contains("${") && !plain.contains('*')).then(|| (plain, facts.place(document)))
}
