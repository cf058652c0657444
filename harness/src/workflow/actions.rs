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

/// What is wrong with the inputs of an action: one that would change what
/// happens and is not honoured, and one that is missing.
pub(super) fn faults_of_inputs(action: &str, with: &BTreeMap<String, String>) -> Vec<String> {
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
    let extra = with.keys().filter(|name| !honoured.contains(&name.as_str()));
    let mut faults: Vec<String> =
        extra.map(|name| format!("the input `{name}` of `{action}` is not supported")).collect();
    let required: &[&str] =
        if action == CREDENTIALS { &["role-to-assume", "aws-region"] } else { &[] };
    let missing = required.iter().filter(|name| !with.contains_key(**name));
    faults.extend(missing.map(|name| format!("`{action}` needs the input `{name}`")));
    let version = with.get("python-version").filter(|_| action == SETUP_PYTHON);
    if let Some(version) = version.filter(|version| !version.contains("${{")) {
        faults.extend(super::python::minor(version).err());
    }
    faults
}
