//! Whether AWS's reference has the actions that are asked about.

use ringfence_policy::lint::{Rule, lint};
use ringfence_policy::{Document, Kind};
use serde_json::json;

/// Of these actions, each that covers none of AWS's reference, with what may be meant. A
/// question about it is answered all the same: the reference may lack it.
pub fn unknown_actions(actions: &[&str]) -> Vec<String> {
    let statement = json!({"Effect": "Deny", "Action": actions, "Resource": "*"});
    let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    // What cannot stand in a policy is refused elsewhere.
    let Ok(document) = Document::parse("the actions", &text, Kind::Identity) else {
        return Vec::new();
    };
    let of_actions = [Rule::UnknownAction, Rule::UnknownService];
    let found = lint(&document).into_iter().filter(|one| of_actions.contains(&one.rule));
    found.map(|one| format!("{}; {}", one.message, one.instead)).collect()
}
