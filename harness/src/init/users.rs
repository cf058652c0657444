//! Users that deploy: those whose keys Layer 1 makes, and the workflows that have them.

use super::apps::App;
use super::deployers;
use super::facts::Facts;
use super::text::{Text, quoted};
use crate::hcl::Block;

/// A key of a user, which a resource makes.
const KEY: &str = "aws_iam_access_key";

/// The secrets with the key that a workflow deploys with, as
/// [`aws-actions/configure-aws-credentials`](https://github.com/aws-actions/configure-aws-credentials)
/// takes them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StaticKey {
    /// Of its id.
    pub(super) id: String,
    /// Of its secret.
    pub(super) secret: String,
}

impl StaticKey {
    /// What a workflow names; none where it takes no key of a secret.
    pub(super) fn of(workflow: &str) -> Option<Self> {
        let named = |input: &str| {
            let mut lines = workflow.lines().map(|line| line.trim().trim_start_matches("- "));
            let value = lines.find_map(|line| line.strip_prefix(input)?.trim().strip_prefix("${{"));
            let name = value?.split("}}").next()?.trim().strip_prefix("secrets.")?;
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            name.chars().all(is_name).then(|| name.to_owned())
        };
        Some(Self { id: named("aws-access-key-id:")?, secret: named("aws-secret-access-key:")? })
    }
}

/// A user's key.
#[derive(Debug, Clone, Copy)]
struct Key<'f> {
    key: &'f Block,
    user: &'f Block,
}

fn keys(facts: &Facts) -> Vec<Key<'_>> {
    let user = |key: &'_ Block| {
        let mut named = facts.references(key).into_iter();
        named.find(|it| it.kind == "resource" && it.label(0) == "aws_iam_user")
    };
    let plain = facts
        .resources(KEY)
        .filter(|key| key.attribute("for_each").is_none() && key.attribute("count").is_none());
    plain.filter_map(|key| Some(Key { key, user: user(key)? })).collect()
}

/// The user whose key the workflow of an app has: the only one, or the one that is called
/// after the app and after no other.
fn of_app<'f>(all: &[Key<'f>], apps: &[App], app: &App) -> Option<Key<'f>> {
    app.key.as_ref()?;
    let with_keys = apps.iter().filter(|it| it.key.is_some()).count();
    if let ([one], 1) = (all, with_keys) {
        return Some(*one);
    }
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let named = |key: &&Key<'_>| {
        let own = [key.user.label(1), key.user.text("name").unwrap_or_default()].map(plain);
        let after = apps.iter().map(|it| (plain(&it.name), it));
        let after: Vec<_> =
            after.filter(|(name, _)| own.iter().any(|it| it.contains(name))).collect();
        // Who is called after `orders-api` is not called after `orders`.
        let is_part =
            |name: &String| after.iter().any(|(other, _)| other != name && other.contains(name));
        let mut of = after.iter().filter(|(name, it)| it.key.is_some() && !is_part(name));
        of.next().is_some_and(|(_, it)| it.name == app.name) && of.next().is_none()
    };
    let mut found = all.iter().filter(named);
    found.next().copied().filter(|_| found.next().is_none())
}

/// The secrets of an app that outputs of Layer 1 give.
pub(super) fn secrets(text: &mut Text, facts: &Facts, apps: &[App], app: &App) -> Vec<String> {
    let Some(names) = &app.key else { return Vec::new() };
    let Some(found) = of_app(&keys(facts), apps, app) else { return Vec::new() };
    let output = |attribute: &'static [&'static str]| {
        let mut given = facts.output_of(KEY, attribute).into_iter();
        given.find(|it| std::ptr::eq(it.resource, found.key)).map(|it| it.output.to_owned())
    };
    let id = output(&["id"]).unwrap_or_else(|| found.key.address());
    let mut given = vec![(names.id.clone(), id)];
    match output(&["secret"]) {
        Some(secret) => given.push((names.secret.clone(), secret)),
        None => text.open(&format!(
            "secrets_from_outputs.{} = …: an output with {}.secret, which none gives",
            names.secret,
            found.key.address()
        )),
    }
    let fields: Vec<String> =
        given.iter().map(|(name, output)| format!("{name} = {}", quoted(output))).collect();
    let place = format!("{}: {}", facts.place(found.key), found.key.address());
    text.field("secrets_from_outputs", &format!("{{ {} }}", fields.join(", ")), &place);
    given.into_iter().map(|(name, _)| name).collect()
}

/// The deployers that are users.
pub(super) fn write(text: &mut Text, facts: &Facts, apps: &[App], prefix: &str) {
    let all = keys(facts);
    for app in apps {
        let Some(Key { user, .. }) = of_app(&all, apps, app) else { continue };
        let output = facts.outputs("aws_iam_user").find(|it| std::ptr::eq(it.resource, user));
        let named = output.map_or_else(|| user.address(), |given| given.output.to_owned());
        let named = quoted(&format!("{prefix}{named}"));
        let place = output.map_or_else(|| facts.place(user), |given| given.place());
        let name = quoted(&user.label(1).trim_end_matches("_deployer").replace('_', "-"));
        let granted = deployers::granted(facts, user);
        let job = deployers::job_of(&granted, granted.contains("iam:CreateRole"));
        let roles = (job == "stack").then(|| deployers::prefix(&granted, Some(&app.name)));
        if let Some(None) = roles {
            text.open(&format!(
                "[[deployers]] name = {name}, user_output = {named}, app = {}, job = \"stack\": its `role_prefix` is not plain",
                quoted(&app.name)
            ));
            text.blank();
            continue;
        }
        if !text.deployer(&name, "user_output", &named, &facts.place(user)) {
            continue;
        }
        text.field("user_output", &named, &place);
        text.field("app", &quoted(&app.name), "its workflow has a key of the user");
        text.field("job", &quoted(job), "by what its policies allow");
        if let Some(Some(prefix)) = roles {
            text.field("role_prefix", &quoted(&prefix), "the roles that its policies name");
        }
        text.blank();
    }
}

/// Workflows with keys of which no root module tells whose they are.
pub(super) fn unknown(text: &mut Text, all: &[&Facts], apps: &[App]) {
    for app in apps {
        let is_known = all.iter().any(|facts| of_app(&keys(facts), apps, app).is_some());
        let Some(names) = app.key.as_ref().filter(|_| !is_known) else { continue };
        let users = all.iter().flat_map(|facts| facts.resources("aws_iam_user"));
        let users: Vec<String> = users.map(Block::address).collect();
        text.open(&format!(
            "[[deployers]] user_output = …, app = {}: its workflow deploys with the key in secrets.{}; whose it is: {}",
            quoted(&app.name),
            names.id,
            if users.is_empty() { "no user is known".to_owned() } else { users.join(", ") }
        ));
        text.blank();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_both_of_its_secrets() {
        let key = |id: &str, secret: &str| {
            format!(
                "- uses: aws-actions/configure-aws-credentials@v4\n  with:\n    {id}\n    {secret}\n"
            )
        };
        let both = key(
            "aws-access-key-id: ${{ secrets.CI_KEY }}",
            "aws-secret-access-key: ${{secrets.CI_SECRET}}",
        );
        let own = StaticKey { id: "CI_KEY".to_owned(), secret: "CI_SECRET".to_owned() };
        assert_eq!(StaticKey::of(&both), Some(own));
        // Of a step before, or none.
        let id = "aws-access-key-id: ${{ secrets.CI_KEY }}";
        for other in ["role-to-assume: r", "aws-secret-access-key: ${{ steps.a.outputs.s }}"] {
            assert_eq!(StaticKey::of(&key(id, other)), None, "{other}");
        }
    }
}
