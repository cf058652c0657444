//! Whether AWS's reference has the actions that are asked about, and has them act upon the
//! resources.

use ringfence_policy::lint::{Rule, lint};
use ringfence_policy::{Document, Kind};
use serde_json::{Value, json};

/// Of these actions, each that covers none of AWS's reference, with what may be meant. A
/// question about it is answered all the same: the reference may lack it.
pub fn unknown_actions(actions: &[&str]) -> Vec<String> {
    let of_actions = [Rule::UnknownAction, Rule::UnknownService];
    found(&json!(actions), &json!("*"), &of_actions)
}

/// Of these actions, each that by AWS's reference acts upon none of the resources, with what
/// may be meant: `s3:GetObject` on a bucket's ARN.
pub fn unfit(actions: &[&str], resources: &[&str]) -> Vec<String> {
    found(&json!(actions), &json!(resources), &[Rule::ResourceNever])
}

/// What lint finds of some rules in a statement of these.
fn found(actions: &Value, resources: &Value, rules: &[Rule]) -> Vec<String> {
    let statement = json!({"Effect": "Deny", "Action": actions, "Resource": resources});
    let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    // What cannot stand in a policy is refused elsewhere.
    let Ok(document) = Document::parse("what is asked", &text, Kind::Identity) else {
        return Vec::new();
    };
    let found = lint(&document).into_iter().filter(|one| rules.contains(&one.rule));
    found.map(|one| format!("{}; {}", one.message, one.instead)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_bucket_is_behind_a_slash() {
        let of = |resource| unfit(&["s3:GetObject"], &[resource]);
        let told = "`s3:GetObject` never acts upon the statement's resources";
        let found = of("arn:aws:s3:::b");
        assert!(matches!(found.as_slice(), [one] if one.starts_with(told)), "{found:?}");
        assert_eq!(of("arn:aws:s3:::b/*"), Vec::<String>::new());
        assert_eq!(unfit(&["s3:GetObject", "s3:ListBucket"], &["*"]), Vec::<String>::new());
    }
}
