//! The context keys that the simulator fills in by itself.
//!
//! "The simulator populates the following principal and organization context
//! keys for the evaluation: […] `aws:PrincipalAccount`, `aws:PrincipalId`,
//! `aws:PrincipalType`, `aws:Type`, `aws:UserId`, `aws:UserName` […]. You provide
//! the values for all other condition keys that your policies reference"
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html#policies_policy-simulator-condition-keys>).
//!
//! Filled in is what is known of the caller. `aws:PrincipalId` and `aws:Type` are
//! written of nowhere else, and the guard knows no organization: these keys are
//! the call's to give, and what a call gives counts.

use ringfence_policy::Context;

use super::arns::Entity;

/// The keys of a caller; `user_id` is known of the account's own users.
pub(super) fn context(caller: &Entity<'_>, user_id: Option<&str>) -> Context {
    let mut context = Context::new();
    context.set("aws:PrincipalAccount", caller.account);
    match caller.kind {
        "user" => {
            context.set("aws:PrincipalType", "User");
            context.set("aws:username", caller.name);
            if let Some(id) = user_id {
                context.set("aws:userid", id);
            }
        }
        // Its `aws:userid` ends in the name of a session, and there is none.
        "role" => {
            context.set("aws:PrincipalType", "AssumedRole");
        }
        _ => {}
    }
    context
}

#[cfg(test)]
mod tests {
    use ringfence_policy::Values;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("user/path/alice", None, &[("principaltype", "User"), ("username", "alice")])]
    #[case("user/alice", Some("AIDA1"),
        &[("principaltype", "User"), ("userid", "AIDA1"), ("username", "alice")])]
    #[case("role/app", None, &[("principaltype", "AssumedRole")])]
    #[case("group/team", None, &[])]
    fn what_is_known_of_the_caller_is_filled_in(
        #[case] entity: &str,
        #[case] user_id: Option<&str>,
        #[case] expected: &[(&str, &str)],
    ) {
        let arn = format!("arn:aws:iam::111122223333:{entity}");
        let context = context(&Entity::parse(&arn).unwrap(), user_id);
        assert_eq!(context.keys().count(), expected.len() + 1);
        for (key, value) in [("principalaccount", "111122223333")].iter().chain(expected) {
            let found = context.get(&format!("aws:{key}"));
            assert_eq!(found, Some(&Values::One((*value).into())), "{key}");
        }
    }
}
