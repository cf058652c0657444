//! Single actions that lead to more permissions, where nothing says on what.

use super::{Note, Rule, UNKNOWN, note};
use crate::document::{Document, Kind};
use crate::pattern::{Case, Glob};
use crate::statement::{ActionPattern, Effect, Statement};

/// Actions that lead to more permissions by themselves, the type of resource
/// on which they do (empty: only where everything is allowed), and how. They are
/// the paths of one action of the escalation data that the attacks are made of
/// (<https://pathfinding.cloud>), and two of the research behind it:
/// <https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/>.
pub const ESCALATING: [(&str, &str, &str); 24] = [
    ("apprunner:UpdateService", "service", "it runs the caller's image with a service's role"),
    ("cloudformation:UpdateStack", "stack", "it acts with a stack's service role"),
    ("codebuild:StartBuild", "project", "it runs the caller's commands with a project's role"),
    ("codebuild:StartBuildBatch", "project", "it runs the caller's commands with a project's role"),
    ("ec2-instance-connect:SendSSHPublicKey", "instance", "it opens an instance, and so its role"),
    ("glue:UpdateDevEndpoint", "devEndpoint", "it opens an endpoint, and so its role"),
    ("iam:AddUserToGroup", "group", "it gives any group's permissions"),
    ("iam:AttachGroupPolicy", "group", "it gives any group, the caller's own included, any policy"),
    ("iam:AttachRolePolicy", "role", "it gives any role, the caller's own included, any policy"),
    ("iam:AttachUserPolicy", "user", "it gives any user, the caller included, any policy"),
    ("iam:CreateAccessKey", "user", "it makes keys of any user, an administrator included"),
    (
        "iam:CreateLoginProfile",
        "user",
        "it makes a password for any user, an administrator included",
    ),
    ("iam:CreatePolicyVersion", "policy", "it writes any policy anew, the caller's own included"),
    ("iam:PutGroupPolicy", "group", "it writes any group, the caller's own included, a policy"),
    ("iam:PutRolePolicy", "role", "it writes any role, the caller's own included, a policy"),
    ("iam:PutUserPolicy", "user", "it writes any user, the caller included, a policy"),
    ("iam:SetDefaultPolicyVersion", "policy", "it brings any policy's former versions back"),
    (
        "iam:UpdateAssumeRolePolicy",
        "role",
        "it lets the caller assume any role, an administrator's included",
    ),
    (
        "iam:UpdateLoginProfile",
        "user",
        "it sets the password of any user, an administrator included",
    ),
    ("lambda:UpdateFunctionCode", "function", "it runs the caller's code with any function's role"),
    (
        "sagemaker:CreatePresignedNotebookInstanceUrl",
        "notebook-instance",
        "it opens any notebook, and so its role",
    ),
    ("ssm:SendCommand", "", "it runs the caller's commands with any instance's role"),
    ("ssm:StartSession", "instance", "it opens any instance, and so its role"),
    ("sts:AssumeRole", "role", "it assumes any role that trusts the account"),
];

pub(super) fn check(document: &Document, statement: &Statement, notes: &mut Vec<Note>) {
    let limited = statement.conditions.iter().any(|condition| !condition.holds_when_absent());
    if document.kind() != Kind::Identity
        || statement.effect != Effect::Allow
        || statement.actions.negated
        || limited
    {
        return;
    }
    let Some(resources) = statement.resources.as_ref().filter(|it| !it.negated) else { return };
    let entries: Vec<&str> = resources.patterns.iter().map(|pattern| pattern.source()).collect();
    for pattern in &statement.actions.patterns {
        // The grant of everything on everything is told by its own rule.
        if pattern.name == Glob::Any && entries.contains(&"*") {
            continue;
        }
        let found = ESCALATING.iter().find_map(|(action, kind, how)| {
            let on = entries.iter().find(|entry| covers(pattern, action) && is_all(entry, kind))?;
            Some((action, on, how))
        });
        let Some((action, on, how)) = found else { continue };
        let what = &pattern.source;
        let by = match action.eq_ignore_ascii_case(what) {
            true => String::new(),
            false => format!("by `{action}` "),
        };
        let message = format!("`{what}` on `{on}` leads to more permissions: {by}{how}");
        let instead = "name the resources that are the caller's own, or hold them to a boundary";
        notes.push(note(Rule::EscalatingAction, message, instead).about(&**what));
    }
}

fn covers(pattern: &ActionPattern, action: &str) -> bool {
    let Some((service, name)) = action.split_once(':') else { return false };
    pattern.service.as_deref().is_none_or(|prefix| prefix == service)
        && pattern.name.matches(name, Case::Fold)
}

/// Whether an entry is `*`, or all resources of a type:
/// `arn:aws:iam::123456789012:role/*`, `arn:aws:lambda:*:*:function:*`.
fn is_all(source: &str, kind: &str) -> bool {
    if source == "*" {
        return true;
    }
    let Some(resource) = source.splitn(6, ':').nth(5) else { return false };
    let of_kind = resource.strip_prefix(kind).is_some_and(|rest| {
        rest.starts_with(['/', ':']) && rest.trim_start_matches(['/', ':', '*']).is_empty()
    });
    !kind.is_empty() && !source.contains(UNKNOWN) && (resource == "*" || of_kind)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::catalog;

    #[rstest]
    #[case("*", "role", true)]
    #[case("*", "", true)]
    #[case("arn:aws:iam::123456789012:role/*", "role", true)]
    #[case("arn:aws:iam::123456789012:role/*", "user", false)]
    #[case("arn:aws:iam::123456789012:role/*", "", false)]
    #[case("arn:aws:iam::*:*", "role", true)]
    #[case("arn:aws:lambda:*:*:function:*", "function", true)]
    #[case("arn:aws:cloudformation:*:*:stack/*/*", "stack", true)]
    #[case("arn:aws:iam::123456789012:role/app-*", "role", false)]
    #[case("arn:aws:iam::123456789012:user/${aws:username}", "user", false)]
    #[case("arn:aws:iam::123456789012:role/team/*", "role", false)]
    fn all_resources_of_a_type_are_told(
        #[case] source: &str,
        #[case] kind: &str,
        #[case] all: bool,
    ) {
        assert_eq!(is_all(source, kind), all);
    }

    #[test]
    fn every_escalating_action_of_a_known_service_exists() {
        for (name, ..) in ESCALATING {
            let (prefix, _) = name.split_once(':').unwrap();
            assert!(catalog::is_prefix(prefix), "{name}");
            assert!(
                catalog::service(prefix).is_none() || catalog::action(name).is_some(),
                "{name}"
            );
        }
    }
}
