//! Layer 1: where it is, its values, and what it guards with.

use std::collections::BTreeSet;

use super::facts::{Facts, Given};
use super::text::{Text, list, quoted};
use crate::doctor::Found;
use crate::hcl::{Block, Value};

const REGION: &str = "us-east-1";

pub(super) fn account(text: &mut Text, facts: Option<&Facts>) {
    text.table("[account]");
    text.field("id", &quoted("123456789012"), "any twelve digits");
    match facts.and_then(Facts::region) {
        Some((region, place)) => text.field("region", &quoted(&region), &place),
        None => text.field("region", &quoted(REGION), "no provider names one plainly"),
    }
    text.blank();
}

pub(super) fn layer1(text: &mut Text, facts: &Facts, found: &Found) {
    text.table("[layer1]");
    let directory = text.path(&facts.directory);
    text.field("directory", &quoted(&directory), "");
    let own = |path: &std::path::Path| path.parent() == Some(facts.directory.as_path());
    let files: Vec<String> = facts
        .values
        .iter()
        .filter(|file| !own(&file.path) || found.values.len() == 1 && !is_read(&file.path))
        .map(|file| text.path(&file.path))
        .collect();
    if !files.is_empty() {
        text.field("var_files", &list(&files), "");
    }
    for choice in &facts.choices {
        let path = text.path(choice);
        text.open(&format!("var_files = {}", list(&[path])));
    }
    for name in facts.without_value() {
        text.open(&format!("variables.{name} = …: it has no default, and no file gives a value"));
    }
}

/// Whether Terraform reads a file of values without being told.
fn is_read(path: &std::path::Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name == "terraform.tfvars" || name.contains(".auto.tfvars")
}

/// `[api]` and `[platform]`.
pub(super) fn guards(text: &mut Text, facts: &Facts) {
    api(text, facts);
    let execution = boundary(facts, false);
    let deployer = boundary(facts, true);
    let bucket = facts.output_of("aws_s3_bucket", &["id", "bucket"]).into_iter().next();
    let subnets = facts.outputs("aws_subnet").next();
    let group = facts.output_of("aws_security_group", &["id"]).into_iter().next();
    let fields = [
        ("execution_boundary_output", execution, "the boundary that execution roles carry"),
        ("deployer_boundary_output", deployer, "the deployers' own boundary"),
        ("artifacts_bucket_output", bucket, "the bucket that teams upload to"),
        ("subnets_output", subnets, "the subnets that functions run in"),
        ("security_group_output", group, "the security group of functions"),
    ];
    let names = parameters(facts);
    let whole = fields.iter().all(|(_, given, _)| given.is_some()) && !names.is_empty();
    if whole {
        text.table("[platform]");
    } else {
        text.open("[platform]");
    }
    for (field, given, what) in fields {
        match (given, whole) {
            (Some(given), true) => text.field(field, &quoted(given.output), &said(&given)),
            (Some(given), false) => text.open(&format!("{field} = {}", quoted(given.output))),
            (None, _) => text.open(&format!("{field} = …: no output gives {what}")),
        }
    }
    let prefix = quoted(&prefix(&names));
    let published: Vec<&str> = names.iter().map(String::as_str).collect();
    if whole {
        text.field("parameters", &prefix, "what the names of all aws_ssm_parameter begin with");
        text.field("published", &list(&published), "");
    } else if names.is_empty() {
        text.open("parameters = …: no aws_ssm_parameter has a plain name");
    } else {
        text.open(&format!("parameters = {prefix}"));
        text.open(&format!("published = {}", list(&published)));
    }
    text.blank();
}

fn said(given: &Given<'_>) -> String {
    format!("{}: {}", given.place(), given.resource.address())
}

fn api(text: &mut Text, facts: &Facts) {
    let ids = facts.output_of("aws_apigatewayv2_api", &["id"]);
    let authorizers = facts.output_of("aws_apigatewayv2_authorizer", &["id"]);
    match (ids.first(), authorizers.first()) {
        (Some(id), Some(authorizer)) => {
            text.table("[api]");
            text.field("id_output", &quoted(id.output), &said(id));
            text.field("authorizer_output", &quoted(authorizer.output), &said(authorizer));
        }
        (id, authorizer) => {
            let apis = facts.resources("aws_apigatewayv2_api").count();
            if apis > 0 || id.is_some() {
                let what = match (id, authorizer) {
                    (None, _) => "aws_apigatewayv2_api.….id",
                    (Some(_), _) => "aws_apigatewayv2_authorizer.….id",
                };
                text.open(&format!("[api] needs an output of Layer 1 whose value is {what}"));
            }
        }
    }
    for more in ids.iter().skip(1) {
        text.open(&format!("id_output = {}", quoted(more.output)));
    }
    for more in authorizers.iter().skip(1) {
        text.open(&format!("authorizer_output = {}", quoted(more.output)));
    }
    text.blank();
}

/// The output with the boundary of deployers, or of execution roles.
fn boundary(facts: &Facts, of_deployers: bool) -> Option<Given<'_>> {
    let mut named: BTreeSet<String> = BTreeSet::new();
    for role in facts.resources("aws_iam_role") {
        let Some(value) = role.attribute("permissions_boundary") else { continue };
        let Value::Names(names) = &value.value else { continue };
        let Some(policy) = facts.referred(names) else { continue };
        if super::deployers::is_deployer(facts, role) == of_deployers {
            named.insert(policy.address());
        }
    }
    let outputs = facts.output_of("aws_iam_policy", &["arn"]).into_iter();
    { outputs }.find(|given| named.contains(&given.resource.address()))
}

/// The names of the parameters that are plain.
fn parameters(facts: &Facts) -> Vec<String> {
    let mut names = Vec::new();
    for parameter in facts.resources("aws_ssm_parameter") {
        let name = parameter.attribute("name").map(|it| facts.known(&it.value));
        match name {
            Some(Value::Text(name)) => names.push(name),
            Some(Value::Names(each)) if each == ["each", "key"] => {
                names.extend(facts.each(parameter).into_iter().map(|(key, _)| key));
            }
            _ => {}
        }
    }
    names
}

/// What all names begin with, up to a slash.
fn prefix(names: &[String]) -> String {
    let Some(first) = names.first() else { return String::new() };
    let ends = first.match_indices('/').map(|(at, _)| at + 1);
    let prefixes = ends.filter_map(|end| first.get(..end));
    let common = prefixes.rev().find(|prefix| names.iter().all(|name| name.starts_with(prefix)));
    common.unwrap_or("/").to_owned()
}

/// `[[issuers]]`.
pub(super) fn issuers(text: &mut Text, facts: &Facts, found: &Found, apps: bool) {
    for authorizer in facts.resources("aws_apigatewayv2_authorizer") {
        let place = facts.place(authorizer);
        for jwt in authorizer.of("jwt_configuration") {
            let value = |name: &str| jwt.attribute(name).map(|it| facts.known(&it.value));
            let audience = match value("audience") {
                Some(Value::List(items)) => items.first().and_then(Value::text).map(str::to_owned),
                _ => None,
            };
            match (value("issuer"), audience) {
                (Some(Value::Text(url)), Some(audience)) => {
                    text.table("[[issuers]]");
                    text.field("kind", &quoted("okta"), "tokens with `scp`, as Okta's");
                    text.field("url", &quoted(&url), &place);
                    text.field("audience", &quoted(&audience), &place);
                    text.field("scopes", &list(&scopes(facts, found)), "of the routes");
                }
                _ => text.open(&format!(
                    "[[issuers]] of {}: its issuer or audience is not plain",
                    authorizer.address()
                )),
            }
            text.blank();
        }
    }
    let provider = facts.resources("aws_iam_openid_connect_provider").next();
    if provider.is_some() || apps {
        text.table("[[issuers]]");
        text.field("kind", &quoted("github"), "");
        let place = provider.map(|it| facts.place(it)).unwrap_or_default();
        text.field("url", &quoted("https://token.actions.githubusercontent.com"), &place);
        text.blank();
    }
}

/// The scopes that routes ask for: of Layer 1, of its values, and of templates.
fn scopes(facts: &Facts, found: &Found) -> Vec<String> {
    let mut scopes = BTreeSet::new();
    let mut texts = |value: &Value| {
        if let Value::List(items) = value {
            scopes.extend(items.iter().filter_map(Value::text).map(str::to_owned));
        }
    };
    let of =
        |route: &Block| route.attribute("authorization_scopes").map(|it| facts.known(&it.value));
    facts.resources("aws_apigatewayv2_route").filter_map(of).for_each(|it| texts(&it));
    for (_, object) in facts.objects() {
        if let Some(value) = object.get("scopes").or_else(|| object.get("authorization_scopes")) {
            texts(value);
        }
    }
    for text in found.templates.values() {
        let Ok(document) = ringfence_text::cloudformation::read(text) else { continue };
        for resource in document.root.get("Resources").map(|it| it.members()).unwrap_or_default() {
            let properties = resource.value.get("Properties");
            let asked = properties.and_then(|it| it.get("AuthorizationScopes"));
            let items = asked.map(ringfence_text::Node::items).unwrap_or_default();
            scopes.extend(items.iter().filter_map(|it| it.text()).map(str::to_owned));
        }
    }
    scopes.into_iter().collect()
}
