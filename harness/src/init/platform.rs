//! Layer 1: where it is, its values, and what it guards with.

use std::collections::BTreeSet;

use super::accounts::Accounts;
use super::endpoints;
use super::facts::{Facts, Given};
use super::providers;
use super::roots::Root;
use super::text::{Text, list, quoted};
use crate::doctor::Found;
use crate::hcl::{Block, Value};

const REGION: &str = "us-east-1";

pub(super) fn account(text: &mut Text, facts: Option<&Facts>, accounts: Option<&Accounts>) {
    text.table("[account]");
    match accounts.map(Accounts::first) {
        Some((id, place)) => text.field("id", &quoted(id), place),
        None => text.field("id", &quoted(super::ACCOUNT), "any twelve digits"),
    }
    match facts.and_then(Facts::region) {
        Some((region, place)) => text.field("region", &quoted(&region), &place),
        None => text.field("region", &quoted(REGION), "no provider names one plainly"),
    }
    text.blank();
}

pub(super) fn layer1(text: &mut Text, root: &Root, several: bool, accounts: Option<&Accounts>) {
    let facts = &root.facts;
    text.table(if several { "[[layer1]]" } else { "[layer1]" });
    if root.named {
        text.field("name", &quoted(&root.name), "another is called as its directory is");
    }
    let directory = text.path(&facts.directory);
    text.field("directory", &quoted(&directory), "");
    if let Some(accounts) = accounts {
        accounts.field(text, &root.name);
    }
    if !root.reads.is_empty() {
        let reads =
            root.reads.iter().map(|(data, other)| format!("{} = {}", quoted(data), quoted(other)));
        let reads: Vec<String> = reads.collect();
        text.field("reads", &format!("{{ {} }}", reads.join(", ")), "by the name alone");
    }
    text.comment(
        "role = { output = \"ROLE\", repository = \"ORG/REPO\" }: its pipeline's role, if not root's",
    );
    let own = |path: &std::path::Path| path.parent() == Some(facts.directory.as_path());
    let files: Vec<String> = facts
        .values
        .iter()
        .filter(|file| !own(&file.path) || !is_read(&file.path))
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

/// What a field names.
#[derive(PartialEq)]
struct Choice {
    name: String,
    /// Where it was found.
    place: String,
    /// Whether it is there whatever the values are.
    certain: bool,
}

/// A field for the only thing that it may be; what may not be there is left to the run,
/// which takes what there is.
fn field(text: &mut Text, field: &str, found: &Choice) {
    let Choice { name, place, certain } = found;
    match certain {
        true => text.field(field, &quoted(name), place),
        false => text.comment(&format!(
            "{field}: what there is; its `count` says whether {name} is there ({place})"
        )),
    }
}

/// `[api]` and `[platform]`.
pub(super) fn guards(text: &mut Text, facts: &Facts) {
    api(text, facts);
    let fields = [
        ("execution_boundary_output", boundary(facts, false), "boundary of execution roles"),
        ("deployer_boundary_output", boundary(facts, true), "boundary of deployers"),
        ("artifacts_bucket_output", bucket(facts), "bucket that teams upload to"),
        ("subnets_output", subnets(facts), "subnet"),
        ("security_group_output", group(facts), "security group of functions"),
    ];
    let names = parameters(facts);
    text.table("[platform]");
    for (field, found, what) in fields {
        match found.as_slice() {
            // A run takes those of functions, or the private ones.
            [] if field == "subnets_output" && facts.resources("aws_subnet").next().is_some() => {}
            // That is nothing to decide: what is about it is not applicable.
            [] => text.comment(&format!("{field}: no {what} was found")),
            [one] => self::field(text, field, one),
            several => {
                for Choice { name, place, .. } in several {
                    text.open(&format!("{field} = {}: the {what}? ({place})", quoted(name)));
                }
            }
        }
    }
    endpoints::write(text, &[facts]);
    if names.is_empty() {
        text.comment("parameters: no aws_ssm_parameter has a plain name");
    } else {
        let published: Vec<&str> = names.iter().map(String::as_str).collect();
        let said = "what the names of all aws_ssm_parameter begin with";
        text.field("parameters", &quoted(&prefix(&names)), said);
        text.field("published", &list(&published), "");
    }
    text.blank();
}

/// What gives a resource: an output, else its address.
fn named(facts: &Facts, given: &[Given<'_>], resource: &Block) -> Choice {
    let output = given.iter().find(|given| std::ptr::eq(given.resource, resource));
    let certain = facts.is_certain(resource);
    match output {
        Some(given) => {
            let place = format!("{}: {}", given.place(), resource.address());
            Choice { name: given.output.to_owned(), place, certain }
        }
        None => Choice { name: resource.address(), place: facts.place(resource), certain },
    }
}

/// The resources of a type: those that outputs give, where any do.
fn resources(facts: &Facts, kind: &str, attributes: &[&str]) -> Vec<Choice> {
    chosen(facts, kind, attributes, |_| true)
}

/// The same for those of which something holds.
fn chosen(
    facts: &Facts,
    kind: &str,
    attributes: &[&str],
    holds: impl Fn(&Block) -> bool,
) -> Vec<Choice> {
    let given = facts.output_of(kind, attributes);
    let outputs = given.iter().map(|it| it.resource).filter(|it| holds(it));
    let outputs: Vec<Choice> = outputs.map(|it| named(facts, &given, it)).collect();
    match outputs.is_empty() {
        false => outputs,
        true => facts
            .resources(kind)
            .filter(|it| holds(it))
            .map(|it| named(facts, &given, it))
            .collect(),
    }
}

/// The authorizers of tokens: functions that decide are `REQUEST`.
fn authorizers(facts: &Facts) -> Vec<Choice> {
    chosen(facts, "aws_apigatewayv2_authorizer", &["id"], |authorizer| {
        let jwt = authorizer.of("jwt_configuration").next().is_some();
        jwt || authorizer.text("authorizer_type") == Some("JWT")
    })
}

/// The buckets, where somebody deploys: who deploys nothing uploads nothing.
fn bucket(facts: &Facts) -> Vec<Choice> {
    let mut roles = facts.resources("aws_iam_role");
    match roles.any(|role| super::deployers::is_deployer(facts, role)) {
        true => resources(facts, "aws_s3_bucket", &["id", "bucket"]),
        false => Vec::new(),
    }
}

fn group(facts: &Facts) -> Vec<Choice> {
    resources(facts, "aws_security_group", &["id"])
}

/// The output with subnets; without one they are what a run derives.
fn subnets(facts: &Facts) -> Vec<Choice> {
    let given: Vec<Given<'_>> = facts.outputs("aws_subnet").collect();
    let found = given.iter().map(|it| named(facts, &given, it.resource));
    let mut found: Vec<Choice> = found.collect();
    found.dedup();
    found
}

fn api(text: &mut Text, facts: &Facts) {
    let apis = resources(facts, "aws_apigatewayv2_api", &["id"]);
    let authorizers = authorizers(facts);
    if apis.is_empty() && authorizers.is_empty() {
        return;
    }
    text.table("[api]");
    for (field, found) in [("id_output", apis), ("authorizer_output", authorizers)] {
        match found.as_slice() {
            [] if field == "authorizer_output" => {
                text.comment("authorizer_output: no JWT authorizer was found");
            }
            [] => text.open(&format!("{field} = …: none was found")),
            [one] => self::field(text, field, one),
            several => {
                for Choice { name, place, .. } in several {
                    text.open(&format!("{field} = {}: this one? ({place})", quoted(name)));
                }
            }
        }
    }
    text.blank();
}

/// The boundaries that deployers carry, or all other roles.
fn boundary(facts: &Facts, of_deployers: bool) -> Vec<Choice> {
    let given = facts.output_of("aws_iam_policy", &["arn"]);
    let mut found = Vec::new();
    for role in facts.resources("aws_iam_role") {
        let Some(value) = role.attribute("permissions_boundary") else { continue };
        let Value::Names(names) = &value.value else { continue };
        let Some(policy) = facts.referred(names) else { continue };
        let named = named(facts, &given, policy);
        if super::deployers::is_deployer(facts, role) == of_deployers && !found.contains(&named) {
            found.push(named);
        }
    }
    found
}

/// The boundary that roles must carry which the policies of some root module let be made,
/// where no role of Layer 1 carries one: what a run cannot tell by itself.
pub(super) fn required(roots: &[Root]) -> Option<(String, String)> {
    let carried = |root: &Root| {
        let mut roles = root.facts.resources("aws_iam_role");
        roles.any(|role| role.attribute("permissions_boundary").is_some())
    };
    if roots.iter().any(carried) {
        return None;
    }
    let mut found = Vec::new();
    for root in roots {
        let facts = &root.facts;
        let given = facts.output_of("aws_iam_policy", &["arn"]);
        let policies =
            facts.resources("aws_iam_role_policy").chain(facts.resources("aws_iam_policy"));
        for policy in policies.filter(|it| facts.source(it).contains("iam:PermissionsBoundary")) {
            let boundaries = facts.references(policy).into_iter();
            for boundary in boundaries.filter(|it| it.label(0) == "aws_iam_policy") {
                let Choice { name, place, .. } = named(facts, &given, boundary);
                let choice = (format!("{}:{name}", root.name), place);
                if !found.contains(&choice) {
                    found.push(choice);
                }
            }
        }
    }
    match found.len() {
        1 => found.pop(),
        _ => None,
    }
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
pub(super) fn prefix(names: &[String]) -> String {
    let Some(first) = names.first() else { return String::new() };
    let ends = first.match_indices('/').map(|(at, _)| at + 1);
    let prefixes = ends.filter_map(|end| first.get(..end));
    let common = prefixes.rev().find(|prefix| names.iter().all(|name| name.starts_with(prefix)));
    common.unwrap_or("/").to_owned()
}

/// `[[issuers]]`.
pub(super) fn issuers(text: &mut Text, all: &[&Facts], found: &Found, apps: bool) {
    let mut told = BTreeSet::new();
    let each = all.iter().flat_map(|facts| {
        facts.resources("aws_apigatewayv2_authorizer").map(move |authorizer| (*facts, authorizer))
    });
    for (facts, authorizer) in each {
        let place = facts.place(authorizer);
        for jwt in authorizer.of("jwt_configuration") {
            let value = |name: &str| jwt.attribute(name).map(|it| facts.known(&it.value));
            let audience = match value("audience") {
                Some(Value::List(items)) => items.first().and_then(Value::text).map(str::to_owned),
                _ => None,
            };
            match (value("issuer"), audience) {
                (Some(Value::Text(url)), _) if !url.starts_with("https://") => {
                    text.open(&format!(
                        "[[issuers]] url = {} ({place}): not an https URL",
                        quoted(&url)
                    ));
                }
                // An issuer stands in the file once.
                (Some(Value::Text(url)), Some(_)) if !told.insert(url.clone()) => {}
                (Some(Value::Text(url)), Some(audience)) => {
                    text.table("[[issuers]]");
                    text.field("kind", &quoted(kind_of(&url)), "by its URL");
                    text.field("url", &quoted(&url), &place);
                    text.field("audience", &quoted(&audience), &place);
                    text.field("scopes", &list(&scopes(facts, found)), "of the routes");
                }
                _ if pool(facts, authorizer).is_some() => {
                    let pool = pool(facts, authorizer).map(Block::address).unwrap_or_default();
                    text.comment(&format!(
                        "[[issuers]]: a run takes {pool}, which {} trusts ({place})",
                        authorizer.address()
                    ));
                }
                _ => text.open(&format!(
                    "[[issuers]] of {}: its issuer or audience is not plain",
                    authorizer.address()
                )),
            }
            text.blank();
        }
    }
    providers::write(text, all, apps);
}

/// The user pool that an authorizer trusts: its URL is known once it is made.
fn pool<'f>(facts: &'f Facts, authorizer: &Block) -> Option<&'f Block> {
    let mut referred = facts.references(authorizer).into_iter();
    referred.find(|it| it.kind == "resource" && it.label(0) == "aws_cognito_user_pool")
}

/// What an issuer's tokens look like, by its URL.
pub(super) fn kind_of(url: &str) -> &'static str {
    const KNOWN: [(&str, &str); 8] = [
        (".auth0.com/", "auth0"),
        ("://cognito-idp.", "cognito"),
        ("://login.microsoftonline.com/", "entra"),
        ("://sts.windows.net/", "entra-v1"),
        ("://accounts.google.com", "google"),
        ("/realms/", "keycloak"),
        (".okta.com/", "okta"),
        (".oktapreview.com/", "okta"),
    ];
    KNOWN.iter().find(|(part, _)| url.contains(part)).map_or("custom", |(_, kind)| kind)
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
    scopes.extend(scopes_of_templates(found));
    scopes.into_iter().collect()
}

/// The scopes that the routes of templates ask for.
pub(super) fn scopes_of_templates(found: &Found) -> BTreeSet<String> {
    let mut scopes = BTreeSet::new();
    for text in found.templates.values() {
        let Ok(document) = ringfence_text::cloudformation::read(text) else { continue };
        for resource in document.root.get("Resources").map(|it| it.members()).unwrap_or_default() {
            let properties = resource.value.get("Properties");
            let asked = properties.and_then(|it| it.get("AuthorizationScopes"));
            let items = asked.map(ringfence_text::Node::items).unwrap_or_default();
            scopes.extend(items.iter().filter_map(|it| it.text()).map(str::to_owned));
        }
    }
    scopes
}
