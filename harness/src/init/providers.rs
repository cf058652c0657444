//! Providers of OIDC: whose tokens may take roles, and with which subjects.

use std::collections::BTreeSet;

use super::facts::Facts;
use super::text::{Text, quoted};
use crate::hcl::{Block, Value};

/// The issuer of the tokens of GitHub's workflows
/// (<https://docs.github.com/en/actions/reference/security/oidc>; an enterprise's own has
/// its name behind a slash, a server's own ends with `/_services/token`).
const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// Whether the tokens of an issuer are those of GitHub's workflows.
pub(super) fn is_github(url: &str) -> bool {
    let rest = url.strip_prefix(GITHUB);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || url.ends_with("/_services/token")
}

/// The providers of a root module, those that it reads too.
fn all(facts: &Facts) -> impl Iterator<Item = &Block> {
    let kind = "aws_iam_openid_connect_provider";
    facts.resources(kind).chain(facts.data(kind))
}

/// A provider's `iss`, where it is plain.
fn url(facts: &Facts, provider: &Block) -> Option<String> {
    let value = facts.known(&provider.attribute("url")?.value);
    Some(with_scheme(value.text()?))
}

/// IAM takes no other scheme, and shows providers without it.
pub(super) fn with_scheme(url: &str) -> String {
    match url.contains("://") {
        true => url.to_owned(),
        false => format!("https://{url}"),
    }
}

/// `[[issuers]]` whose tokens take roles.
pub(super) fn write(text: &mut Text, all_facts: &[&Facts], apps: bool) {
    let mut told = BTreeSet::new();
    for facts in all_facts {
        for provider in all(facts) {
            let place = facts.place(provider);
            let Some(url) = url(facts, provider) else {
                text.open(&format!(
                    "[[issuers]] of {} ({place}): its url is not plain",
                    provider.address()
                ));
                text.blank();
                continue;
            };
            let clients = provider.attribute("client_id_list").map(|it| facts.known(&it.value));
            let audience = match &clients {
                Some(Value::List(items)) => items.first().and_then(Value::text),
                _ => None,
            };
            if told.insert(url.clone()) {
                one(text, &url, audience, &place);
            }
        }
    }
    of_workflows(text, &told, apps);
}

/// The issuer of the tokens of GitHub's workflows, where there are some and none is told.
pub(super) fn of_workflows(text: &mut Text, told: &BTreeSet<String>, apps: bool) {
    if apps && !told.iter().any(|url| is_github(url)) {
        one(text, GITHUB, None, "");
    }
}

/// The entry of one issuer.
pub(super) fn one(text: &mut Text, url: &str, audience: Option<&str>, place: &str) {
    match (is_github(url), audience) {
        (true, _) => {
            text.table("[[issuers]]");
            text.field("kind", &quoted("github"), "");
            text.field("url", &quoted(url), place);
        }
        (false, Some(audience)) => {
            text.table("[[issuers]]");
            text.field("kind", &quoted("oidc"), "by its URL");
            text.field("url", &quoted(url), place);
            text.field("audience", &quoted(audience), place);
        }
        (false, None) => text.open(&format!(
            "[[issuers]] kind = \"oidc\", url = {}, audience = …: its client ids are not plain ({place})",
            quoted(url)
        )),
    }
    text.blank();
}

/// Whose tokens, other than GitHub's, take a role.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Other {
    /// Their `iss`.
    pub(super) url: String,
    /// The subjects that its trust policy names, where they are plain.
    pub(super) subjects: Vec<String>,
}

/// Whose tokens take a role by its trust policy: the block that it is written in.
pub(super) fn of_role(facts: &Facts, trust: &Block) -> Option<Other> {
    let referred = facts.references(trust);
    let source = facts.source(trust);
    let named = |provider: &&Block, url: &str| {
        let host = url.trim_start_matches("https://");
        referred.iter().any(|it| std::ptr::eq(*it, *provider))
            || source.contains(&format!("oidc-provider/{host}"))
            || source.contains(&format!("{host}:"))
    };
    let mut urls = all(facts).filter_map(|provider| {
        let url = url(facts, provider)?;
        named(&provider, &url).then_some(url)
    });
    let url = urls.next()?;
    if is_github(&url) {
        return None;
    }
    let mut subjects = of_conditions(facts, trust);
    if subjects.is_empty() {
        subjects = subjects_in(source);
    }
    Some(Other { url, subjects })
}

/// The subjects in the conditions of a policy document's data source.
fn of_conditions(facts: &Facts, trust: &Block) -> Vec<String> {
    let conditions = trust.of("statement").flat_map(|statement| statement.of("condition"));
    let of_subject = conditions.filter(|it| {
        let last = match it.attribute("variable").map(|it| &it.value) {
            Some(Value::Template(pieces)) => pieces.last().and_then(Value::text),
            Some(value) => value.text(),
            None => None,
        };
        last.is_some_and(|it| it.ends_with(":sub"))
    });
    let values = of_subject.filter_map(|it| Some(facts.known(&it.attribute("values")?.value)));
    let texts = values.flat_map(|value| match value {
        Value::List(items) => {
            items.iter().filter_map(Value::text).map(str::to_owned).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    });
    texts.filter(|text| !text.contains("${")).collect()
}

/// The subjects in a policy's text: what `ISSUER:sub` is compared with.
pub(super) fn subjects_in(text: &str) -> Vec<String> {
    let mut subjects = Vec::new();
    for rest in text.split(":sub\"").skip(1) {
        let rest = rest.trim_start();
        let Some(rest) = rest.strip_prefix([':', '=']) else { continue };
        let rest = rest.trim_start();
        let (values, several) = match rest.strip_prefix('[') {
            Some(list) => (list.split(']').next().unwrap_or_default(), true),
            None => (rest, false),
        };
        let texts = values.split('"').skip(1).step_by(2);
        let texts = texts.take(if several { usize::MAX } else { 1 });
        subjects.extend(texts.filter(|it| !it.contains("${")).map(str::to_owned));
    }
    subjects
}

/// What is left to decide of a role that such tokens take.
pub(super) fn open_deployer(text: &mut Text, name: &str, output: &str, other: &Other) {
    let subject = match other.subjects.as_slice() {
        [] => "…".to_owned(),
        subjects => {
            let each: Vec<String> = subjects.iter().map(|it| quoted(it)).collect();
            each.join(" or ")
        }
    };
    text.open(&format!(
        "[[deployers]] name = {}, role_output = {}, subject = {subject}, app = …, job = …: the tokens of {} take it; their system's repository is an [[apps]] with issuer = {}",
        quoted(name),
        quoted(output),
        other.url,
        quoted(&other.url)
    ));
    text.blank();
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::hcl("\"gitlab.com:sub\" = \"project_path:a/b:*\"", &["project_path:a/b:*"])]
    #[case::json("{\"gitlab.com:sub\":[\"a\",\"b\"]}", &["a", "b"])]
    #[case::not_plain("\"gitlab.com:sub\" = \"project_path:${var.x}\"", &[])]
    #[case::of_an_attribute("\"${aws_iam_openid_connect_provider.p.url}:sub\" = [\"a\"]", &["a"])]
    #[case::another_key("\"gitlab.com:aud\" = \"a\"", &[])]
    fn subjects_are_what_sub_is_compared_with(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(subjects_in(text), expected);
    }

    #[rstest]
    #[case(GITHUB, true)]
    #[case("https://token.actions.githubusercontent.com/acme", true)]
    #[case("https://github.acme.example/_services/token", true)]
    #[case("https://token.actions.githubusercontent.com.acme.example", false)]
    #[case("https://gitlab.com", false)]
    fn github_is_told_by_its_url(#[case] url: &str, #[case] expected: bool) {
        assert_eq!(is_github(url), expected);
    }
}
