//! What a plan destroys under another address than the one that makes the same: which of both
//! comes last, nobody knows.

use rstest::rstest;
use serde_json::{Value, json};

use crate::lists::{READER, attached, denies, from, inline, reader, unchanged};
use crate::plans::{change, of_a_rail, plan, writes};
use crate::shop::{document, iam};

/// How a policy comes to stand under another address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// One is destroyed, and the other made.
    Renamed,
    /// As a `moved` block has it.
    Moved,
    /// As a `removed` block that destroys nothing has it.
    Forgotten,
    /// What is destroyed was somebody else's.
    Other,
    /// An earlier apply left it to be destroyed.
    Deposed,
    /// It is replaced, and the new one made first.
    CreatedFirst,
    /// It is replaced.
    DestroyedFirst,
}

/// The changes of a policy of an address.
fn changes(kind: &str, of: &Value, other: &Value, how: How) -> Vec<Value> {
    let (old, new) = (format!("{kind}.old"), format!("{kind}.new"));
    let destroyed = |value: &Value| from(&old, value.clone(), Value::Null);
    let stays = || from(&new, of.clone(), of.clone());
    let replaced = |actions: [&str; 2]| {
        let mut one = stays();
        one["change"]["actions"] = json!(actions);
        vec![one]
    };
    let made = from(&new, Value::Null, of.clone());
    match how {
        How::Renamed => vec![destroyed(of), made],
        How::Other => vec![destroyed(other), made],
        How::Moved => {
            let mut one = stays();
            one["previous_address"] = json!(old);
            vec![one]
        }
        How::Forgotten => {
            let mut one = destroyed(of);
            one["change"]["actions"] = json!(["forget"]);
            vec![one, made]
        }
        How::Deposed => {
            let mut one = from(&new, of.clone(), Value::Null);
            one["deposed"] = json!("1a2b3c4d");
            vec![one, stays()]
        }
        How::CreatedFirst => replaced(["create", "delete"]),
        How::DestroyedFirst => replaced(["delete", "create"]),
    }
}

/// Why nobody knows whether `new` stands.
fn last(by: &str, kind: &str) -> String {
    format!(
        "what `{kind}.{by}` made is taken away, and `{kind}.new` makes the same: which of the two \
         comes last is not known (`moved` keeps it)"
    )
}

fn proved() -> (String, String) {
    ("proved".to_owned(), String::new())
}

/// A role's Deny, inline and attached by each type.
#[rstest]
fn a_denial_that_is_destroyed_under_another_address_may_be_gone(
    #[values("aws_iam_role_policy", "aws_iam_role_policy_attachment", "aws_iam_policy_attachment")]
    kind: &str,
    #[values(
        (How::Renamed, Some("old")),
        (How::Moved, None),
        (How::Forgotten, None),
        (How::Other, None),
        (How::Deposed, Some("new (deposed 1a2b3c4d)")),
        (How::CreatedFirst, Some("new")),
        (How::DestroyedFirst, None)
    )]
    (how, by): (How, Option<&str>),
) {
    let (of, other) = match kind {
        "aws_iam_role_policy" => (
            inline("own", denies()),
            json!({"role": "deployer", "name": "own", "policy": denies()}),
        ),
        "aws_iam_role_policy_attachment" => {
            (attached(), json!({"role": "deployer", "policy_arn": iam("policy/m")}))
        }
        _ => (
            json!({"roles": ["reader"], "policy_arn": iam("policy/m")}),
            json!({"roles": ["reader"], "policy_arn": iam("policy/n")}),
        ),
    };
    let policy = json!({"arn": iam("policy/m"), "name": "m", "policy": denies()});
    let mut all = vec![
        unchanged(&json!({})),
        from("aws_iam_policy.m", policy.clone(), policy),
        from("aws_iam_role_policy.more", Value::Null, inline("more", writes())),
    ];
    all.extend(changes(kind, &of, &other, how));
    let (verdict, why) = of_a_rail(&plan(&all, &[]), &[]);
    match by {
        None => assert_eq!((verdict, why), proved()),
        Some(by) => {
            assert_eq!(verdict, "undecided");
            assert!(why.ends_with(&last(by, kind)), "{why}");
        }
    }
}

/// A user's, and what it has by a group that it is put into.
#[rstest]
fn a_users_denial_that_is_destroyed_under_another_address_may_be_gone(
    #[values(
        "aws_iam_user_policy_attachment",
        "aws_iam_user_group_membership",
        "aws_iam_group_membership"
    )]
    kind: &str,
    #[values((How::Renamed, Some("old")), (How::Moved, None), (How::Other, None))] (how, by): (
        How,
        Option<&str>,
    ),
) {
    let named = |word: &str, name: &str| {
        let address = format!("aws_iam_{word}.{name}");
        let value = json!({"name": name, "arn": iam(&format!("{word}/{name}"))});
        from(&address, value.clone(), value)
    };
    let of = |user: &str| match kind {
        "aws_iam_user_policy_attachment" => json!({"user": user, "policy_arn": iam("policy/m")}),
        "aws_iam_user_group_membership" => json!({"user": user, "groups": ["g"]}),
        _ => json!({"users": [user], "group": "g", "name": "all"}),
    };
    let policy = json!({"arn": iam("policy/m"), "name": "m", "policy": denies()});
    let of_group = json!({"group": "g", "name": "d", "policy": denies()});
    let of_user = json!({"user": "u", "name": "more", "policy": writes()});
    let mut all = vec![
        named("user", "u"),
        named("user", "v"),
        named("group", "g"),
        from("aws_iam_policy.m", policy.clone(), policy),
        from("aws_iam_group_policy.d", of_group.clone(), of_group),
        from("aws_iam_user_policy.more", Value::Null, of_user),
    ];
    all.extend(changes(kind, &of("u"), &of("v"), how));
    let (verdict, why) = of_a_rail(&plan(&all, &[]), &[]);
    match by {
        None => assert_eq!((verdict, why), proved()),
        Some(by) => {
            assert_eq!(verdict, "undecided");
            assert!(why.ends_with(&last(by, kind)), "{why}");
        }
    }
}

/// Who a bucket's policy lets in.
fn of_bucket(bucket: &str) -> Value {
    let policy = document(&[json!({"Effect": "Allow", "Principal": {"AWS": iam("role/worker")},
        "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::{bucket}/*")})]);
    json!({"bucket": bucket, "policy": policy})
}

/// What a bucket's policy lets in then, nobody knows.
#[rstest]
#[case::renamed(How::Renamed, Some("old"))]
#[case::moved(How::Moved, None)]
#[case::of_another_bucket(How::Other, None)]
#[case::created_first(How::CreatedFirst, Some("new"))]
fn a_buckets_policy_that_is_destroyed_under_another_address_may_be_gone(
    #[case] how: How,
    #[case] by: Option<&str>,
) {
    let kind = "aws_s3_bucket_policy";
    let all = changes(kind, &of_bucket("data"), &of_bucket("other"), how);
    let (verdict, why) = of_a_rail(&plan(&all, &[]), &[]);
    match by {
        None => assert_eq!((verdict, why), proved()),
        Some(by) => {
            assert_eq!(verdict, "undecided");
            assert!(why.ends_with(&last(by, kind)), "{why}");
        }
    }
}

/// What a bucket says of its policy was read before that is destroyed.
#[rstest]
#[case::destroyed("data", true)]
#[case::of_another_bucket("other", false)]
fn a_policy_that_was_read_before_it_is_destroyed_is_not_known(
    #[case] destroyed: &str,
    #[case] is_open: bool,
) {
    let mut bucket = of_bucket("data");
    bucket["arn"] = json!("arn:aws:s3:::data");
    let all = [
        from("aws_s3_bucket.data", bucket.clone(), bucket),
        from("aws_s3_bucket_policy.old", of_bucket(destroyed), Value::Null),
    ];
    let (verdict, why) = of_a_rail(&plan(&all, &[]), &[]);
    match is_open {
        false => assert_eq!((verdict, why), proved()),
        true => {
            assert_eq!(verdict, "undecided");
            let told = "the policy of `aws_s3_bucket.data` was read before \
                        `aws_s3_bucket_policy.old` is taken away: what it is then is not known";
            assert!(why.ends_with(told), "{why}");
        }
    }
}

/// The reader of these tests is made by none of them.
#[test]
fn without_the_denial_the_rail_is_violated() {
    let all = [
        change(READER, reader(&json!({})), json!({})),
        from("aws_iam_role_policy.more", Value::Null, inline("more", writes())),
    ];
    let told = of_a_rail(&plan(&all, &[]), &[]);
    assert_eq!(told, ("violated".to_owned(), "role/reader".to_owned()));
}
