//! The actions that are known here, and their inputs.

use std::collections::BTreeMap;

pub(super) const CHECKOUT: &str = "actions/checkout";
pub(super) const CREDENTIALS: &str = "aws-actions/configure-aws-credentials";
pub(super) const SETUP_SAM: &str = "aws-actions/setup-sam";
pub(super) const SETUP_PYTHON: &str = "actions/setup-python";

/// Every action that can be run.
pub(super) const KNOWN: [&str; 4] = [CHECKOUT, CREDENTIALS, SETUP_SAM, SETUP_PYTHON];

pub(super) fn known(action: &str) -> bool {
    KNOWN.contains(&action)
}

/// An input that would change what happens, and is not honoured, is an error.
///
/// # Errors
/// Which one it is.
pub(super) fn check_inputs(action: &str, with: &BTreeMap<String, String>) -> Result<(), String> {
    let honoured: &[&str] = match action {
        CHECKOUT => &["fetch-depth", "persist-credentials", "clean"],
        CREDENTIALS => &[
            "role-to-assume",
            "aws-region",
            "role-session-name",
            "role-duration-seconds",
            "audience",
            "inline-session-policy",
            "mask-aws-account-id",
            "output-env-credentials",
        ],
        SETUP_SAM => &["use-installer", "version"],
        SETUP_PYTHON => &["python-version", "cache", "architecture"],
        _ => &[],
    };
    if let Some(name) = with.keys().find(|name| !honoured.contains(&name.as_str())) {
        return Err(format!("the input `{name}` of `{action}` is not supported"));
    }
    if action == CREDENTIALS {
        for required in ["role-to-assume", "aws-region"] {
            if !with.contains_key(required) {
                return Err(format!("`{action}` needs the input `{required}`"));
            }
        }
    }
    Ok(())
}
