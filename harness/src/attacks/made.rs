//! What each application's workflow made, as the guard decided it: the functions
//! that are its own, and the name of its stack. An application need not be called
//! as either.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_guard::{Overlay, Recorded};
use ringfence_policy::Principal;

/// The permissions that make a function, or change what a team may change of one.
const FUNCTION: [&str; 3] =
    ["lambda:CreateFunction", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"];

/// The permissions that make a stack or change it.
const STACK: [&str; 3] =
    ["cloudformation:CreateChangeSet", "cloudformation:CreateStack", "cloudformation:UpdateStack"];

/// What applications made, by application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Made {
    functions: BTreeMap<String, BTreeSet<String>>,
    stacks: BTreeMap<String, String>,
}

impl Made {
    /// Reads decided calls; `app_of` says whose deployer a role or user is.
    pub(super) fn of<'a>(
        recorded: impl IntoIterator<Item = &'a Recorded>,
        app_of: impl Fn(&str) -> Option<&'a str>,
    ) -> Self {
        let mut made = Self::default();
        for call in recorded {
            let who = match &call.inputs.caller.principal {
                Principal::RoleSession { role_arn, .. } => role_arn,
                Principal::User { arn } => arn,
                _ => continue,
            };
            let Some(app) = app_of(who) else { continue };
            let decided = call.inputs.verdict_of_each(&Overlay::none());
            let allowed = decided.iter().all(|verdict| verdict.allowed());
            for asked in call.inputs.asked.iter().filter(|_| allowed) {
                made.note(app, &asked.action, &asked.resource);
            }
        }
        made
    }

    fn note(&mut self, app: &str, action: &str, resource: &str) {
        if FUNCTION.contains(&action)
            && let Some((_, name)) = resource.split_once(":function:")
            && let Some(name) = name.split(':').next()
        {
            self.functions.entry(app.to_owned()).or_default().insert(name.to_owned());
        }
        if STACK.contains(&action)
            && let Some((_, name)) = resource.split_once(":stack/")
            && let Some(name) = name.split('/').next()
        {
            self.stacks.entry(app.to_owned()).or_insert_with(|| name.to_owned());
        }
    }

    /// The functions that this application alone made or updated: one that another
    /// one touched too is nobody's, so that attacks on it stay.
    pub(super) fn functions(&self, app: &str) -> Vec<&str> {
        let others = || self.functions.iter().filter(|(other, _)| *other != app);
        let alone = |name: &&String| !others().any(|(_, names)| names.contains(*name));
        let own = self.functions.get(app).into_iter().flatten();
        own.filter(alone).map(String::as_str).collect()
    }

    /// The application's stack: its first.
    pub(super) fn stack(&self, app: &str) -> Option<&str> {
        self.stacks.get(app).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(noted: &[(&str, &str, &str)]) -> Made {
        let mut made = Made::default();
        for (app, action, resource) in noted {
            made.note(app, action, resource);
        }
        made
    }

    const API: &str = "arn:aws:lambda:eu-west-1:123456789012:function:ledger-api";

    #[test]
    fn what_a_workflow_made_is_its_applications() {
        let stack = "arn:aws:cloudformation:eu-west-1:123456789012:stack/ledger-prod/*";
        let made = made(&[
            ("ledger", "cloudformation:CreateChangeSet", stack),
            ("ledger", "lambda:CreateFunction", API),
            ("ledger", "lambda:GetFunction", "arn:aws:lambda:eu-west-1:1:function:other"),
            ("ledger", "lambda:UpdateFunctionCode", &format!("{API}:live")),
        ]);
        assert_eq!(made.functions("ledger"), ["ledger-api"]);
        assert_eq!(made.stack("ledger"), Some("ledger-prod"));
        assert_eq!(made.functions("other"), [""; 0]);
        assert_eq!(made.stack("other"), None);
    }

    /// A workflow that reaches another team's function does not make it its own.
    #[test]
    fn what_two_touched_is_nobodys() {
        let made = made(&[
            ("ledger", "lambda:CreateFunction", API),
            ("hostile", "lambda:UpdateFunctionCode", API),
        ]);
        assert_eq!(made.functions("ledger"), [""; 0]);
        assert_eq!(made.functions("hostile"), [""; 0]);
    }
}
