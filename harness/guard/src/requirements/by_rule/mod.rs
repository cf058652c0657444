//! What a call needs, by the one rule: read from AWS's models and the overrides
//! beside them (`ringfence_models::needs`), and evaluated here against the call's
//! input. Every service goes this way that no file here speaks of.

mod keys;
mod names;
mod targets;

use ringfence_models::needs::{ByRule, Needs, Pass, Permission};

use super::RequirementsError;
use super::iam::pass_role;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope};

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let needs = match scope.call.operation.needs() {
        Needs::ByRule(needs) => needs,
        Needs::Refused(reason) => return Err(scope.undecided(reason.to_string())),
        Needs::ByHand => return Err(scope.unmapped()),
    };
    names::check_labels(scope)?;
    names::check_account(scope)?;
    let input = &scope.call.input;
    if needs.untold_tags && needs.tags.iter().any(|path| path.is_given(input)) {
        return Err(scope.undecided("no source tells the action that its tags need".to_owned()));
    }
    let mut required = Vec::new();
    for permission in &needs.permissions {
        let is_asked =
            permission.when.is_empty() || permission.when.iter().any(|path| path.is_given(input));
        if is_asked {
            required.extend(of(scope, permission, needs).await?);
        }
    }
    for pass in &needs.passes {
        for role in roles(scope, pass) {
            required.push(pass_role(scope, role, pass.service).await?);
        }
    }
    Ok(required)
}

/// A permission on each resource that the call names.
async fn of(
    scope: &Scope<'_>,
    permission: &Permission,
    needs: &ByRule,
) -> Result<Vec<Requirement>, RequirementsError> {
    let action = permission.action.to_string();
    let targets = targets::of(scope, permission)?;
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

/// The roles that the call hands over by a member.
fn roles<'v>(scope: &Scope<'v>, pass: &Pass) -> Vec<&'v str> {
    let input = &scope.call.input;
    let is_role = pass.named_by.as_ref().is_none_or(|(member, ending)| {
        member.texts_in(input).iter().any(|name| {
            let start = name.len().checked_sub(ending.len());
            let end = start.and_then(|at| name.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
        })
    });
    if !is_role {
        return Vec::new();
    }
    let mut roles = pass.member.texts_in(input);
    roles.retain(|text| pass.is_certain || (text.starts_with("arn:") && text.contains(":role/")));
    roles
}
