//! What a Deny of a resource's policy is about, and of whom.

use ringfence_policy::{Context, Request};
use rstest::rstest;

use super::*;

const OWN: [&str; 2] = ["arn:*:s3:::b", "arn:*:s3:::b/*"];
const USER: &str = "arn:aws:iam::123456789012:user/u";
const ROLE: &str = "arn:aws:iam::123456789012:role/r";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/r/session";
const RUN: &str = "arn:aws:sts::123456789012:assumed-role/r/run";
const ANOTHERS: &str = "arn:aws:sts::123456789012:assumed-role/q/run";

fn of(statement: &Json, own: Option<&[&str]>) -> Denies {
    let text = json!({"Version": "2012-10-17", "Statement": statement});
    let policy = Document::parse("p", &text.to_string(), Kind::Resource).unwrap();
    let own: Option<Vec<String>> = own.map(|own| own.iter().map(|one| (*one).to_owned()).collect());
    Denies::of(&policy, own.as_deref(), &["s3:*".to_owned()], true)
}

fn all(denies: Denies) -> Denials {
    Denials(vec![Of { name: "p".to_owned(), denies, on: Vec::new(), why: None }])
}

fn deny(element: &str, resources: &[&str]) -> Json {
    json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", element: resources})
}

/// Whether what is denied for certain, and what may be, is about a resource.
fn is_about(denies: Denies, resource: &str) -> (bool, bool) {
    let who = Principal::User { arn: USER.to_owned() };
    let denied = all(denies).of(&[&who], false);
    let context = Context::new();
    let is = |document: &Arc<Document>| {
        let identity = vec![Arc::clone(document)];
        let policies = Policies { identity, ..Policies::default() };
        let action = "s3:GetObject";
        let request = Request {
            principal: &who,
            action,
            resource,
            resource_account: None,
            context: &context,
        };
        judge(&request, &policies).outcome == Outcome::ExplicitDeny
    };
    (denied.sure.iter().any(is), denied.may.iter().any(|(_, document)| is(document)))
}

/// Of the bucket `b`: what is said of `b/x`, `b/y` and `c/x`.
#[rstest]
#[case::everything("Resource", &["*"], [(true, false), (true, false), (false, false)])]
#[case::any_bucket("Resource", &["arn:aws:s3:::*"], [(true, false), (true, false), (false, false)])]
#[case::its_objects("Resource", &["arn:aws:s3:::b/*"], [(true, false), (true, false), (false, false)])]
#[case::one("Resource", &["arn:aws:s3:::b/x"], [(true, false), (false, false), (false, false)])]
#[case::anothers("Resource", &["arn:aws:s3:::c/*"], [(false, false); 3])]
#[case::of_the_caller("Resource", &["arn:aws:s3:::b/${aws:username}"], [(false, false); 3])]
#[case::all_but_anothers("NotResource", &["arn:aws:s3:::c/*"], [(true, false), (true, false), (false, false)])]
#[case::all_but_its_objects("NotResource", &["arn:aws:s3:::b/*"], [(false, false); 3])]
// What is denied of some objects but others, no pattern says.
#[case::all_but_one("NotResource", &["arn:aws:s3:::b/x"], [(false, true), (false, true), (false, false)])]
#[case::some("Resource", &["arn:aws:s3:::?/x"], [(false, true), (false, false), (false, true)])]
fn a_deny_is_bound_to_its_own_resource(
    #[case] element: &str,
    #[case] resources: &[&str],
    #[case] expected: [(bool, bool); 3],
) {
    let denies = of(&deny(element, resources), Some(&OWN));
    let told =
        ["b/x", "b/y", "c/x"].map(|name| is_about(denies.clone(), &format!("arn:aws:s3:::{name}")));
    assert_eq!(told, expected);
}

#[test]
fn what_is_of_an_unknown_resource_may_deny_what_its_service_has() {
    let denies = of(&deny("Resource", &["*"]), None);
    assert_eq!(is_about(denies.clone(), "arn:aws:s3:::b/x"), (false, true));
    assert_eq!(is_about(denies, "arn:aws:sqs:eu-west-1:123456789012:q"), (false, false));
}

#[test]
fn an_allow_denies_nothing() {
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    assert!(!of(&allow, Some(&OWN)).are_some());
    assert!(of(&deny("Resource", &["*"]), Some(&OWN)).are_some());
}

#[rstest]
#[case::whom_it_names(json!({"AWS": USER}), "Principal", false, true)]
#[case::its_account(json!({"AWS": "123456789012"}), "Principal", false, true)]
#[case::another(json!({"AWS": "arn:aws:iam::123456789012:user/v"}), "Principal", false, false)]
#[case::all_but_it(json!({"AWS": USER}), "NotPrincipal", false, false)]
#[case::all_but_it_under_a_boundary(json!({"AWS": USER}), "NotPrincipal", true, true)]
#[case::all_but_another(
    json!({"AWS": "arn:aws:iam::123456789012:user/v"}),
    "NotPrincipal",
    false,
    true
)]
fn a_deny_is_of_whom_it_names(
    #[case] whom: Json,
    #[case] element: &str,
    #[case] is_bounded: bool,
    #[case] is_denied: bool,
) {
    let statement =
        json!({"Effect": "Deny", element: whom, "Action": "s3:*", "Resource": "arn:aws:s3:::b"});
    let who = Principal::User { arn: USER.to_owned() };
    let denied = all(of(&statement, Some(&OWN)));
    assert_eq!(denied.of(&[&who], is_bounded).sure.len(), usize::from(is_denied));
}

/// Whoever takes a role chooses the name of the session, so that one that is left out, or
/// is denied alone, says nothing of the role.
#[rstest]
#[case::all_but_the_role("NotPrincipal", &[ROLE], [1, 0])]
#[case::all_but_a_session_of_it("NotPrincipal", &[ROLE, RUN], [0, 1])]
#[case::all_but_that_session("NotPrincipal", &[ROLE, SESSION], [0, 0])]
#[case::all_but_anothers("NotPrincipal", &[ROLE, ANOTHERS], [1, 0])]
#[case::the_role("Principal", &[ROLE], [1, 0])]
#[case::that_session("Principal", &[SESSION], [0, 1])]
#[case::a_session_of_it("Principal", &[RUN], [0, 0])]
fn a_deny_of_some_sessions_may_deny(
    #[case] element: &str,
    #[case] whom: &[&str],
    #[case] expected: [usize; 2],
) {
    let statement = json!({"Effect": "Deny", element: {"AWS": whom}, "Action": "s3:*",
        "Resource": "arn:aws:s3:::b"});
    let who = Principal::RoleSession { role_arn: ROLE.into(), session_arn: SESSION.into() };
    let denied = all(of(&statement, Some(&OWN))).of(&[&who], false);
    assert_eq!([denied.sure.len(), denied.may.len()], expected);
    // Whoever has a boundary is denied, whoever is left out.
    let denied = all(of(&statement, Some(&OWN))).of(&[&who], true);
    assert_eq!(denied.sure.len() == 1, element == "NotPrincipal" || expected[0] == 1);
}

#[test]
fn what_asks_for_a_name_that_is_not_known_may_deny() {
    let mut statement = deny("Resource", &["*"]);
    statement["Condition"] = json!({"ArnLike": {"aws:PrincipalArn": USER}});
    let who = Principal::User { arn: USER.to_owned() };
    let all = all(of(&statement, Some(&OWN)));
    let denied = all.of(&[&who], false);
    assert_eq!((denied.sure.len(), denied.may.len()), (1, 0));
    let denied = all.of(&[&who], false).of_unnamed("user/u");
    assert_eq!(denied.sure.len(), 0);
    let why: Vec<&str> = denied.may.iter().map(|(why, _)| why.as_str()).collect();
    assert_eq!(why, ["`p` asks for a name, and that of `user/u` is not known"]);
}
