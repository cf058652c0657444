//! What AWS asks of a caller beside the action of the operation's own name: for what
//! the service does in the caller's name in another service, and for what goes with
//! some members of the input.
//!
//! The Service Authorization Reference lists an action's *dependent actions*, without
//! saying when each is needed. Where AWS's documentation says when, the table says
//! it. Of what is done with a customer's key that the call names nobody knows more than
//! the list: a caller who may do it is not kept from the call, and of one who may not
//! the call is undecided. Every other listed action is not asked for: most are needed
//! with some inputs alone, or by AWS's console. Roles that are passed, tags, and keys
//! of KMS for what is read and written are found elsewhere (`by_rule::roles`,
//! `by_rule`, `forward_access`).

mod linked_table;
mod needs_table;

use ringfence_models::needs::Needs;
use ringfence_policy::catalog::{self, Access};
use serde_json::Value;

use super::RequirementsError;
use super::forward_access::{self, Use, is_of_aws};
use super::known::spelled;
use super::requirement::{Needed, Requirement};
use super::scope::Scope;
#[cfg(test)]
pub(super) use linked_table::FIRST_USE;
use needs_table::{On, ROWS, Row};

/// Why it is not known whether a dependent action is needed.
const LISTED: &str = "since AWS's reference lists it as a dependent action and does not say when";

/// Adds what the call needs besides.
pub(super) async fn add(
    scope: &Scope<'_>,
    requirements: &mut Vec<Requirement>,
) -> Result<(), RequirementsError> {
    let Some(own) = requirements.first().cloned() else { return Ok(()) };
    let (service, name) = (scope.call.service().name(), scope.name());
    let mut more = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for row in ROWS.iter().filter(|row| row.service == service && row.operations.contains(&name)) {
        said.extend(row.actions);
        if (row.when)(scope) {
            more.extend(of_row(scope, &own, row).await?);
        }
    }
    if let Some(linked) = linked_table::of(scope).await? {
        more.extend(linked);
    }
    more.extend(listed(scope, requirements, &said).await?);
    for requirement in more {
        let is_it = |it: &Requirement| {
            it.action == requirement.action && it.resource == requirement.resource
        };
        if !requirements.iter().any(is_it) {
            requirements.push(requirement);
        }
    }
    Ok(())
}

async fn of_row(
    scope: &Scope<'_>,
    own: &Requirement,
    row: &Row,
) -> Result<Vec<Requirement>, RequirementsError> {
    let mut found = match row.on {
        On::Everything => on(row.actions, "*"),
        On::Place(service, rest) => {
            let (partition, region, account) = (scope.partition(), scope.region(), scope.account());
            on(row.actions, &format!("arn:{partition}:{service}:{region}:{account}:{rest}"))
        }
        On::Bucket(member) => match scope.text(member).and_then(bucket) {
            Some(bucket) => on(row.actions, bucket),
            None => on(row.actions, "*"),
        },
        On::Each(service, kind, member) => {
            let (partition, region, account) = (scope.partition(), scope.region(), scope.account());
            let arn = |id| format!("arn:{partition}:{service}:{region}:{account}:{kind}/{id}");
            let ids = scope.text(member).into_iter().chain(scope.texts(member));
            ids.flat_map(|id| on(row.actions, &arn(id))).collect()
        }
        On::Key(member) => match scope.text(member).filter(|id| !is_of_aws(id)) {
            Some(id) => on_key(scope, own, row.actions, id).await?,
            None => Vec::new(),
        },
    };
    found.iter_mut().for_each(|it| it.needed = row.needed);
    Ok(found)
}

fn on(actions: &[&str], resource: &str) -> Vec<Requirement> {
    actions.iter().map(|action| for_caller(action, resource)).collect()
}

/// The bucket of what is below it: `arn:aws:s3:::bucket/prefix/`.
fn bucket(arn: &str) -> Option<&str> {
    arn.starts_with("arn:").then(|| arn.split_once('/').map_or(arn, |(bucket, _)| bucket))
}

/// What the service does with a customer's key, itself or through another service.
async fn on_key(
    scope: &Scope<'_>,
    own: &Requirement,
    actions: &[&str],
    id: &str,
) -> Result<Vec<Requirement>, RequirementsError> {
    let needs: Vec<&str> = actions.iter().filter_map(|it| it.strip_prefix("kms:")).collect();
    let of_key = Use { needs: &needs, context: None };
    let mut found = forward_access::on_key(scope, own, &of_key, id).await?;
    for requirement in &mut found {
        requirement.context.set_unknown("kms:ViaService");
    }
    Ok(found)
}

/// A permission for what a service does for its caller: nobody knows what else it
/// puts into the request.
fn for_caller(action: &str, resource: &str) -> Requirement {
    let mut requirement = Requirement::on(action, resource);
    let service = action.split_once(':').and_then(|(prefix, _)| catalog::service(prefix));
    if let Some((service, action)) = service.zip(catalog::action(action)) {
        for key in service.keys_of(action) {
            requirement.context.set_unknown(&spelled(key.key));
        }
    }
    let global = ["CalledVia", "CalledViaFirst", "CalledViaLast", "SourceIp", "ViaAWSService"];
    for key in global {
        requirement.context.set_unknown(&format!("aws:{key}"));
    }
    requirement
}

/// What is done with a customer's key, where nothing but the list says when.
async fn listed(
    scope: &Scope<'_>,
    requirements: &[Requirement],
    said: &[&str],
) -> Result<Vec<Requirement>, RequirementsError> {
    let Some(id) = key_in(scope) else { return Ok(Vec::new()) };
    let mut more = Vec::new();
    for requirement in requirements {
        let Some(action) = catalog::action(&requirement.action) else { continue };
        for dependent in action.dependent.iter().filter(|it| it.starts_with("kms:")) {
            let is_said = said.contains(dependent)
                || requirements.iter().any(|it| it.action == *dependent)
                || forward_access::says(&requirement.action)
                || is_elsewhere(scope, dependent)
                || is_read_of_same(&requirement.action, dependent);
            if !is_said {
                more.extend(match acts_upon_nothing(dependent) {
                    true => vec![for_caller(dependent, "*")],
                    false => on_key(scope, requirement, &[dependent], id).await?,
                });
            }
        }
    }
    more.iter_mut().for_each(|it| it.needed = Needed::Perhaps(LISTED));
    Ok(more)
}

/// Whether one of the two actions, of one service, only reads: the reference lists what
/// its console reads besides.
fn is_read_of_same(own: &str, dependent: &str) -> bool {
    let prefix = |action: &str| action.split(':').next().map(str::to_owned);
    let reads = |action: &str| {
        let found = catalog::action(action);
        found.is_some_and(|it| {
            it.access.iter().all(|level| matches!(level, Access::List | Access::Read))
        })
    };
    prefix(own) == prefix(dependent) && (reads(own) || reads(dependent))
}

fn acts_upon_nothing(action: &str) -> bool {
    catalog::action(action).is_none_or(|action| action.resources.is_empty())
}

/// Whether the mapping of the operation itself says when an action is needed.
fn is_elsewhere(scope: &Scope<'_>, dependent: &str) -> bool {
    let tags =
        catalog::action(dependent).is_some_and(|action| action.access.contains(&Access::Tagging));
    let by_rule = match scope.call.operation.needs() {
        Needs::ByRule(needs) => {
            needs.permissions.iter().any(|it| it.action.to_string() == dependent)
        }
        Needs::ByHand | Needs::Refused(_) => false,
    };
    tags || by_rule
}

/// The customer's key that the call names.
fn key_in<'v>(scope: &Scope<'v>) -> Option<&'v str> {
    let is_key = |name: &str| name.to_ascii_lowercase().contains("kmskey");
    let mut members = scope.call.input.iter();
    let named = members.find(|(name, value)| is_key(name) && value.is_string());
    named.and_then(|(_, value)| Value::as_str(value)).filter(|id| !is_of_aws(id))
}

/// What the tables name: services, operations, and what these need.
#[cfg(test)]
pub(super) fn rows()
-> impl Iterator<Item = (&'static str, &'static [&'static str], &'static [&'static str])> {
    let linked = linked_table::named().map(|(service, names)| (service, names, CREATES));
    ROWS.iter().map(|row| (row.service, row.operations, row.actions)).chain(linked)
}

/// The principals of the roles that a first use makes.
#[cfg(test)]
pub(super) fn principals() -> impl Iterator<Item = &'static str> {
    linked_table::principals()
}

#[cfg(test)]
const CREATES: &[&str] = &[linked_table::CREATE];
