//! What a call needs, by the one rule: read from AWS's models and the overrides
//! beside them (`ringfence_models::needs`), and evaluated here against the call's
//! input. Every service goes this way that no file here speaks of.

mod asked;
mod definition;
mod keys;
mod names;
mod parts;
mod pattern;
mod roles;
mod sender;
mod targets;

use ringfence_models::needs::{ByRule, Needs, Permission, When};

use super::RequirementsError;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope};

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let needs = match scope.call.operation.needs() {
        Needs::ByRule(needs) => needs,
        Needs::Refused(reason) => return Err(scope.undecided(reason.to_string())),
        Needs::ByHand => return Err(scope.unmapped()),
    };
    names::check_labels(scope)?;
    names::check_account(scope, needs)?;
    let input = &scope.call.input;
    if needs.untold_tags && needs.tags.iter().any(|path| path.is_given(input)) {
        return Err(scope.undecided("no source tells the action that its tags need".to_owned()));
    }
    let mut required = Vec::new();
    for permission in &needs.permissions {
        if is_needed(scope, permission)? {
            required.extend(of(scope, permission, needs).await?);
        }
    }
    required.extend(roles::requirements(scope, needs).await?);
    Ok(required)
}

/// Whether the call holds what needs the permission.
fn is_needed(scope: &Scope<'_>, permission: &Permission) -> Result<bool, RequirementsError> {
    let input = &scope.call.input;
    let mut is_needed = permission.when.is_empty();
    for when in &permission.when {
        is_needed |= match when {
            When::Given(path) => path.is_given(input),
            When::True(path) => path.is_true(input),
            When::Begins(path, texts) => {
                let given = path.texts_in(input);
                given.iter().any(|given| texts.iter().any(|text| given.starts_with(text)))
            }
            When::Defines(member) => definition::has(scope, member)?,
        };
    }
    Ok(is_needed)
}

/// A permission on each resource that the call names. Where a list has both what is
/// acted upon and what conditions speak of, each item is asked for with its own: of
/// several events "you can have the permission" for one and not for another
/// (`NotAuthorizedForSourceException` of one entry,
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html>).
async fn of(
    scope: &Scope<'_>,
    permission: &'static Permission,
    needs: &ByRule,
) -> Result<Vec<Requirement>, RequirementsError> {
    let list = permission.list();
    let Some((list, items)) = list.and_then(|list| Some((list, scope.value(list)?.as_array()?)))
    else {
        return at_once(scope, permission, needs).await;
    };
    if items.len() > MOST {
        return Err(too_many(scope));
    }
    let mut call = scope.call.clone();
    let mut all: Vec<Requirement> = Vec::new();
    for item in items {
        call.input.insert(list.to_owned(), vec![item.clone()].into());
        for required in at_once(&Scope { call: &call, ..*scope }, permission, needs).await? {
            if !all.contains(&required) {
                all.push(required);
            }
        }
    }
    Ok(all)
}

/// As many resources as a call of AWS's acts upon at most, where its model says no
/// other number (1,000 objects of S3, 1,000 resources of EC2's tags): each is decided,
/// and asked for, by itself.
const MOST: usize = 1_000;

fn too_many(scope: &Scope<'_>) -> RequirementsError {
    scope.undecided(format!("it names more than {MOST} resources"))
}

async fn at_once(
    scope: &Scope<'_>,
    permission: &'static Permission,
    needs: &ByRule,
) -> Result<Vec<Requirement>, RequirementsError> {
    let action = permission.action.to_string();
    let targets = targets::of(scope, permission).await?;
    if targets.is_empty() {
        let mut required = Requirement::on(action, "*");
        keys::set(scope, permission, needs, None, &mut required).await?;
        return Ok(vec![required]);
    }
    let mut all = Vec::with_capacity(targets.len());
    for target in targets {
        let mut required = Requirement::on(&*action, target.arn);
        keys::set(scope, permission, needs, target.kind, &mut required).await?;
        all.push(required);
    }
    Ok(all)
}
