//! Tags of roles: a session has none of its own where the trust policy lets nobody tag it.

use rstest::rstest;
use serde_json::{Value, json};

use super::gains::{allow, arn, document, policy, role, state};
use super::{ask, in_files};

/// Of a role that has the tag `team`, what it can where its policy asks for a value.
#[rstest]
#[case::its_own("a", "sts:AssumeRole", "can")]
#[case::another("b", "sts:AssumeRole", "undecided")]
#[case::whoever_takes_it_chooses("b", "sts:TagSession", "can")]
#[case::by_all_actions("b", "sts:*", "can")]
fn what_a_role_can_hangs_on_its_tags_and_those_of_its_sessions(
    #[case] asked: &str,
    #[case] trusts: &str,
    #[case] expected: &str,
) {
    let mut own = role("r");
    let trust = json!({"Effect": "Allow", "Principal": {"AWS": arn("root")},
        "Action": ["sts:AssumeRole", trusts]});
    own["values"]["assume_role_policy"] = json!(document(&[trust]));
    own["values"]["tags_all"] = json!({"team": "a"});
    let mut writes: Value = allow("s3:PutObject");
    writes["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/team": asked}});
    let directory = in_files(&[("state.json", &state(&[own, policy("r", &[writes])]))]);
    let asks = ["who-can", "s3:PutObject", "arn:aws:s3:::b/x", "--state", "state.json"];
    let (code, who, error) = ask(directory.path(), &asks);
    assert_eq!((code, error.as_str()), (Some(1), ""), "{who}");
    let told = match expected {
        "can" => format!(
            "role/r: `s3:PutObject` on `arn:aws:s3:::b/x` with \
             `{{\"aws:principaltag/team\":\"{asked}\"}}`"
        ),
        _ => "role/r: undecided: all else allows `s3:PutObject` on `arn:aws:s3:::b/x`, and the \
              tags of `role/r` in the files are others than it takes"
            .to_owned(),
    };
    assert!(who.starts_with(&told), "{who}");
}
