//! How inputs name resources: by name, ARN or URL.

use ringfence_models::needs::{ByRule, Form};
use ringfence_policy::catalog::ResourceType;
use ringfence_wire::ServiceError;
use ringfence_wire::operation::Location;

use super::parts;
use crate::requirements::RequirementsError;
use crate::requirements::scope::{Scope, arn_parts};

/// The values of an ARN's variables.
pub(super) struct Names<'a> {
    pub(super) template: &'static str,
    pub(super) values: Vec<(&'static str, String)>,
    pub(super) account: Option<&'a str>,
}

impl Names<'_> {
    /// The ARN whose last variable is this text.
    pub(super) fn arn_of(
        &self,
        scope: &Scope<'_>,
        variable: &str,
        text: &str,
        form: Form,
    ) -> Result<String, RequirementsError> {
        let (account, name) = match form {
            Form::Url => {
                let (account, name) = of_url(scope, text)?;
                (account.or(self.account), name)
            }
            Form::BeforeColon => {
                (self.account, text.split_once(':').map_or(text, |(name, _)| name))
            }
            Form::Prefixed => (self.account, unprefixed(self.template, variable, text)),
            Form::TaskDefinition if !text.contains(':') => {
                let why = format!("the call does not say which revision of `{text}` it means");
                return Err(scope.undecided(why));
            }
            Form::Name
            | Form::Arn
            | Form::Below
            | Form::Within
            | Form::Qualified
            | Form::Lower
            | Form::Sender
            | Form::TaskDefinition => (self.account, text),
        };
        let lower = name.to_ascii_lowercase();
        let name = if form == Form::Lower { &*lower } else { name };
        let mut arn = placed(scope, self.template, account);
        let before = self.values.iter().map(|(variable, value)| (*variable, value.as_str()));
        for (variable, value) in before.chain([(variable, name)]) {
            let value = scope.call.service().word_in_arns(variable, value).unwrap_or(value);
            arn = arn.replace(&format!("${{{variable}}}"), value);
        }
        Ok(arn)
    }
}

/// A name without what its ARN has before it: all of the resource's part
/// (`alias/`), or what stands before the variable alone (`o-`, `ou-`).
pub(super) fn unprefixed<'t>(template: &str, variable: &str, text: &'t str) -> &'t str {
    let resource = template.rsplit(':').next().unwrap_or_default();
    let whole = resource.split("${").next().unwrap_or_default();
    let before = resource.split(&format!("${{{variable}}}")).next().unwrap_or_default();
    let own = before.rsplit(['/', '}']).next().unwrap_or_default();
    text.strip_prefix(whole).or_else(|| text.strip_prefix(own)).unwrap_or(text)
}

/// An ARN's template with partition, region and account.
pub(super) fn placed(scope: &Scope<'_>, template: &str, account: Option<&str>) -> String {
    template
        .replace("${Partition}", scope.partition().id)
        .replace("${Region}", scope.region())
        .replace("${Account}", account.unwrap_or_else(|| scope.account()))
}

/// An ARN that the input holds; of the qualified, without what stands behind
/// the resource of its form.
pub(super) fn arn(
    scope: &Scope<'_>,
    text: &str,
    qualified: Option<&str>,
) -> Result<String, RequirementsError> {
    let invalid = |why: &str| {
        let message = format!("`{text}` {why}");
        RequirementsError::Service(ServiceError::validation(scope.call.service(), message))
    };
    let [_, partition, _, region, _, resource] =
        arn_parts(text).ok_or_else(|| invalid("is not an ARN"))?;
    if partition != scope.partition().id {
        return Err(invalid("is of another partition"));
    }
    // Emulators look for it where the call goes.
    if !region.is_empty() && region != scope.region() {
        return Err(invalid("is of another region than the one that the request goes to"));
    }
    parts::check(scope, text)?;
    let Some(form) = qualified.and_then(arn_parts) else {
        return Ok(folded(scope, text, resource));
    };
    let [.., form] = form;
    let count = form.matches(':').count() + 1;
    let kept: Vec<&str> = resource.split(':').take(count).collect();
    let head = text.strip_suffix(resource).unwrap_or(text);
    Ok(format!("{head}{}", kept.join(":")))
}

/// The types of RDS's resources whose names are kept in lower case: "stored as a lowercase
/// string"
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>).
const LOWER: [&str; 8] =
    ["cluster", "cluster-pg", "cluster-snapshot", "db", "og", "pg", "snapshot", "subgrp"];

/// An ARN with the name of its resource as it is kept.
fn folded(scope: &Scope<'_>, arn: &str, resource: &str) -> String {
    let of_rds = matches!(scope.call.service().name(), "docdb" | "neptune" | "rds");
    match resource.split_once(':') {
        Some((kind, name)) if of_rds && LOWER.contains(&kind) => {
            let head = arn.strip_suffix(name).unwrap_or(arn);
            format!("{head}{}", name.to_ascii_lowercase())
        }
        _ => arn.to_owned(),
    }
}

/// Refuses a name that some take for an ARN, for its letters' case: emulators that fold
/// names do.
pub(super) fn check_name(scope: &Scope<'_>, text: &str) -> Result<(), RequirementsError> {
    if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("arn:")) {
        let message = format!("`{text}` is not an ARN");
        let error = ServiceError::validation(scope.call.service(), message);
        return Err(RequirementsError::Service(error));
    }
    Ok(())
}

/// The ARN of a resource by its ARN or its name, where the name is all that the ARN
/// leaves open.
pub(super) fn named(
    scope: &Scope<'_>,
    template: &str,
    text: &str,
) -> Result<Option<String>, RequirementsError> {
    if text.starts_with("arn:") {
        return arn(scope, text, None).map(Some);
    }
    let template = placed(scope, template, None);
    let Some((before, variable)) = template.split_once("${") else { return Ok(Some(template)) };
    let behind = variable.split_once('}').map_or("", |(_, behind)| behind);
    Ok((!behind.contains("${")).then(|| format!("{before}{text}{behind}")))
}

/// Every resource of a type in the account and the region.
pub(super) fn all_of(scope: &Scope<'_>, kind: &ResourceType) -> String {
    let template = placed(scope, kind.arn.first().copied().unwrap_or("*"), None);
    let mut parts = template.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let behind = part.split_once('}').map_or("", |(_, behind)| behind);
        format!("{all}*{behind}")
    })
}

/// The ARN of what is in another resource and has no id yet: a listener by its load
/// balancer. None where the other is not of the kind that this one is in.
pub(super) fn below(
    scope: &Scope<'_>,
    template: &str,
    parent: &str,
) -> Result<Option<String>, RequirementsError> {
    let parent = arn(scope, parent, None)?;
    let (Some([.., resource]), Some([.., form])) = (arn_parts(&parent), arn_parts(template)) else {
        return Ok(None);
    };
    let mut given = resource.split('/').skip(1);
    let mut words: Vec<&str> = form.split('/').take(1).collect();
    for word in form.split('/').skip(1) {
        match given.next() {
            Some(text) if word.starts_with("${") || word == text => words.push(text),
            Some(_) => return Ok(None),
            None => words.push("*"),
        }
    }
    let head = parent.strip_suffix(resource).unwrap_or(&parent);
    Ok(Some(format!("{head}{}", words.join("/"))))
}

/// The name in an ARN of what a resource is in, as a bus or a cluster; a text that
/// is none is the name.
///
/// # Errors
/// Where it is of another account or region, which the resource would be of too.
pub(super) fn parent<'t>(scope: &Scope<'_>, text: &'t str) -> Result<&'t str, RequirementsError> {
    let Some([_, _, _, region, account, _]) = arn_parts(text) else { return Ok(text) };
    let is_here = (region.is_empty() || region == scope.region())
        && (account.is_empty() || account == scope.account());
    match is_here {
        true => Ok(last_of(text)),
        false => {
            Err(scope.undecided(format!("what stands in `{text}` is of another account or region")))
        }
    }
}

/// Refuses a call about the resources of another account, whose ARNs would be
/// made of its own.
pub(super) fn check_account(scope: &Scope<'_>, needs: &ByRule) -> Result<(), RequirementsError> {
    for member in &needs.accounts {
        let given = member.texts_in(&scope.call.input).into_iter();
        if let Some(account) = given.into_iter().find(|account| *account != scope.account()) {
            return Err(scope.undecided(format!("its {member} `{account}` is another account")));
        }
    }
    Ok(())
}

/// The name in an ARN; a text that is none is the name.
pub(super) fn last_of(text: &str) -> &str {
    match arn_parts(text) {
        Some([.., resource]) => resource.split_once(['/', ':']).map_or(resource, |(_, name)| name),
        None => text,
    }
}

/// The account and the name that a URL ends in. Readers take URLs apart in
/// different ways: one that could be read as another is refused.
fn of_url<'a>(
    scope: &Scope<'_>,
    url: &'a str,
) -> Result<(Option<&'a str>, &'a str), RequirementsError> {
    let invalid = || {
        let message = format!("The address {url} is not valid for this endpoint.");
        scope.refused("InvalidAddress", message)
    };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:/".contains(&byte);
    if !rest.bytes().all(is_plain) {
        return Err(invalid());
    }
    let mut segments = rest.split('/').rev();
    let name = segments.next().filter(|name| !name.is_empty() && !name.contains(':'));
    let name = name.ok_or_else(invalid)?;
    if rest.split('/').any(str::is_empty) || rest.split('/').any(|it| matches!(it, "." | "..")) {
        return Err(invalid());
    }
    // The region in a host, or in a path, is the one that an emulator reads.
    let mut words = rest.strip_suffix(name).unwrap_or(rest).split(['/', '.', ':']);
    if words.any(|word| is_region(word) && word != scope.region()) {
        return Err(invalid());
    }
    let is_account = |text: &&str| text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit());
    Ok((segments.next().filter(is_account), name))
}

/// `eu-central-1`, `us-gov-west-1`.
fn is_region(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_lowercase());
    match parts.as_slice() {
        [first, middle @ .., last] if !middle.is_empty() => {
            first.len() == 2
                && letters(first)
                && middle.iter().all(letters)
                && !last.is_empty()
                && last.bytes().all(|it| it.is_ascii_digit())
        }
        _ => false,
    }
}

/// A label of the path that holds a slash is one to some readers and two to
/// others; ARNs alone may hold one.
pub(super) fn check_labels(scope: &Scope<'_>) -> Result<(), RequirementsError> {
    let operation = scope.call.operation;
    for member in operation.members_in(Location::Uri) {
        let is_greedy = operation.uri.contains(&format!("{{{}+}}", member.wire));
        let text = scope.text(member.name).unwrap_or_default();
        if !is_greedy && text.contains('/') && !text.starts_with("arn:") {
            let message =
                format!("the member `{}` is `{text}`, which no path can hold", member.name);
            let error = ServiceError::validation(scope.call.service(), message);
            return Err(RequirementsError::Service(error));
        }
    }
    Ok(())
}
