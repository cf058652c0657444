//! A certificate is good as it is, and refused by name once anything of it is changed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_certificate::check::CASES;
use ringfence_certificate::form::{Case, Class, On, Split, Why};
use ringfence_certificate::{Certificates, Known, check};
use ringfence_policy::{Document, Kind, Policies, Principal};
use ringfence_prove::{Question, Universe, Verdict, certify, within};
use rstest::rstest;
use serde_json::{Value, json};

fn policies(statements: &Value) -> Policies {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let document = Document::parse("p", &text, Kind::Identity).unwrap();
    Policies { identity: vec![Arc::new(document)], ..Policies::default() }
}

/// A team passes its own roles to Lambda alone, and may pass no other.
fn good() -> Certificates {
    let own = "arn:aws:iam::111122223333:role/fn-*";
    let lambda = json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}});
    let others = json!({"StringNotEquals": {"iam:PassedToService": "lambda.amazonaws.com"}});
    let inner = policies(&json!([
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": own, "Condition": lambda},
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    ]));
    let outer = policies(&json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:PassRole", "NotResource": own},
        {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*", "Condition": others},
    ]));
    certified(&inner, &outer)
}

fn certified(inner: &Policies, outer: &Policies) -> Certificates {
    let principal = Principal::RoleSession {
        role_arn: "arn:aws:iam::111122223333:role/deployer".into(),
        session_arn: "arn:aws:sts::111122223333:assumed-role/deployer/run".into(),
    };
    let question = Question { inner, outer, principal: Some(&principal), universe: Universe::All };
    assert_eq!(within(&question).unwrap(), Verdict::Proved);
    let mut all = Certificates::new();
    certify(&question, ("own roles", "role/deployer"), &Known::default(), &mut all).unwrap();
    all
}

/// The tree of the action.
fn tree<'c>(all: &'c mut Certificates, action: &str) -> &'c mut Vec<Case> {
    let caller = &mut all.certificates[0].callers[0];
    &mut caller.actions.iter_mut().find(|one| one.action == action).unwrap().cases
}

fn refused(all: &Certificates) -> String {
    let error = check(all).unwrap_err().to_string();
    let told = error.strip_prefix("the certificate of `own roles` for `role/deployer`: ");
    told.unwrap_or(&error).to_owned()
}

#[test]
fn a_certificate_is_good_as_it_was_written() {
    let all = good();
    assert_eq!(check(&all), Ok(()));
    let text = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Certificates>(&text).unwrap(), all);
    let keys = &all.certificates[0].callers[0].keys;
    assert_eq!(keys.keys().collect::<Vec<_>>(), ["iam:passedtoservice"]);
}

#[test]
fn a_class_of_actions_that_is_removed_is_missed() {
    let mut all = good();
    all.certificates[0].callers[0].actions.retain(|one| one.action != "iam:passrole");
    assert_eq!(refused(&all), "no class has actions like `iam:passrole`");
}

/// What whoever signs may do shows nothing of others of which the same statements speak.
#[test]
fn an_action_that_needs_no_policy_stands_for_no_other() {
    let both = policies(&json!({"Effect": "Allow", "Resource": "*",
        "Action": ["sts:GetCallerIdentity", "sts:GetWebIdentityToken"]}));
    let mut all = certified(&both, &both);
    assert_eq!(check(&all), Ok(()));
    let actions = &mut all.certificates[0].callers[0].actions;
    let other = actions.iter_mut().find(|one| one.action == "sts:getwebidentitytoken").unwrap();
    other.action = "sts:getcalleridentity".into();
    assert_eq!(refused(&all), "no class has actions like `sts:getwebidentitytoken`");
}

#[test]
fn a_dozen_words_in_the_middle_of_names_have_a_certificate() {
    let words = "Endpoint Model Context Artifact Action Association Component Job App Feature \
                 Cluster Tag";
    let of = |resource: &str| {
        let names: Vec<String> =
            words.split_whitespace().map(|word| format!("sagemaker:*{word}*")).collect();
        policies(&json!({"Effect": "Allow", "Action": names, "Resource": resource}))
    };
    let all = certified(&of("arn:aws:sagemaker:*:*:model/a"), &of("arn:aws:sagemaker:*:*:model/*"));
    assert_eq!(check(&all), Ok(()));
}

/// Of a dozen statements with a word each most names follow from those with one word, and none
/// of these from others.
#[test]
fn a_dozen_statements_with_a_word_each_have_a_certificate() {
    let words = "Endpoint Model Context Artifact Action Association Component Job App Feature \
                 Cluster Tag";
    let of = |resource: &str| {
        let statement = |word: &str| {
            json!({"Effect": "Allow", "Action": format!("sagemaker:*{word}*"),
                "Resource": format!("arn:aws:sagemaker:*:*:model/{resource}")})
        };
        let statements: Value = words.split_whitespace().map(statement).collect();
        policies(&statements)
    };
    let all = certified(&of("a"), &of("*"));
    assert_eq!(check(&all), Ok(()));
    let actions = all.certificates[0].callers[0].actions.iter();
    let names = actions.filter_map(|one| one.action.strip_prefix("sagemaker:"));
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert_eq!(names.len(), 13, "{names:?}");
    for word in words.split_whitespace() {
        let name = word.to_lowercase();
        assert!(names.contains(&name), "{name} of {names:?}");
        let mut without = all.clone();
        without.certificates[0].callers[0]
            .actions
            .retain(|one| one.action != format!("sagemaker:{name}"));
        assert_eq!(refused(&without), format!("no class has actions like `sagemaker:{name}`"));
    }
}

#[test]
fn a_class_of_values_that_is_removed_is_missed() {
    let mut all = good();
    let keys = &mut all.certificates[0].callers[0].keys;
    keys.get_mut("iam:passedtoservice").unwrap().retain(Option::is_some);
    assert_eq!(refused(&all), "the key `iam:passedtoservice`: no class has values like none");
}

#[test]
fn a_class_of_callers_that_is_removed_is_missed() {
    let mut all = good();
    all.certificates[0].callers.clear();
    assert!(refused(&all).starts_with("no class has callers like RoleSession"));
}

#[test]
fn a_request_that_is_moved_to_another_class_is_refused() {
    let mut all = good();
    let cases = tree(&mut all, "iam:passrole");
    let is_class = |case: &Case| matches!(case, Case::Class(it) if it.resource.is_some());
    let places: Vec<usize> = (0..cases.len()).filter(|place| is_class(&cases[*place])).collect();
    let (first, last) = (places[0], places[places.len() - 1]);
    let (Case::Class(one), Case::Class(other)) = (cases[first].clone(), cases[last].clone()) else {
        panic!()
    };
    assert_ne!((&one.resource, &one.keys), (&other.resource, &other.keys));
    cases[first] = Case::Class(Class { why: one.why, ..other.clone() });
    cases[last] = Case::Class(Class { why: other.why, ..one });
    assert!(refused(&all).ends_with(" is of another class"), "{}", refused(&all));
}

#[rstest]
#[case(Why::Allowed)]
#[case(Why::Empty)]
#[case(Why::Either)]
fn a_class_with_another_reason_is_refused(#[case] why: Why) {
    let mut all = good();
    let cases = tree(&mut all, "iam:passrole");
    let is_refused = |case: &Case| matches!(case, Case::Class(it) if it.why == Why::Refused);
    let place = cases.iter().position(is_refused).unwrap();
    let Case::Class(class) = &mut cases[place] else { panic!() };
    class.why = why;
    assert_eq!(
        refused(&all),
        format!("the action `iam:passrole`, case {place}: the class is `Refused`, not `{why:?}`")
    );
}

/// Where two parts are told apart, leaving one out is no proof for the whole.
#[test]
fn a_part_that_is_left_out_is_missed() {
    let mut all = good();
    let cases = tree(&mut all, "iam:passrole");
    let Case::Split(split) = cases[0].clone() else { panic!() };
    cases[0] = cases[split.yes].clone();
    assert!(refused(&all).contains("case 0: its requests are not decided alike: they differ by "));
    let mut all = good();
    let cases = tree(&mut all, "iam:passrole");
    let Case::Split(split) = &mut cases[0] else { panic!() };
    split.yes = 0;
    assert_eq!(refused(&all), "the action `iam:passrole`, case 0: a branching that goes back");
    split_to_nowhere(&mut all);
    assert!(refused(&all).ends_with("the class is not there"));
}

/// A branching by all classes of a key: nothing is its `no`.
fn by_all(yes: usize, no: usize) -> Case {
    let on = On::Key { key: "iam:passedtoservice".to_owned(), classes: (0..9).collect() };
    Case::Split(Split { on, yes, no })
}

fn empty() -> Case {
    Case::Class(Class { why: Why::Empty, resource: None, keys: BTreeMap::new(), by: None })
}

/// Each of 60 branchings leads to the next twice: 2^60 classes in 62 cases.
#[test]
fn a_case_that_two_branchings_lead_to_is_refused() {
    let mut all = good();
    let cases = tree(&mut all, "iam:passrole");
    *cases = vec![by_all(1, 1)];
    cases.extend((1..=60).map(|number| by_all(number + 1, number + 1)));
    cases.push(empty());
    assert_eq!(refused(&all), "the action `iam:passrole`, case 61: two branchings lead to it");
}

/// The tree of an action behind a branching whose other part is empty and cut on and on:
/// as many cases more as are asked for, which is an even number.
fn longer(more: usize) -> Certificates {
    let mut all = good();
    let cases = tree(&mut all, "iam:passrole");
    let moved = cases.drain(..).map(|case| match case {
        Case::Split(split) => {
            Case::Split(Split { yes: split.yes + more, no: split.no + more, ..split })
        }
        class => class,
    });
    let moved: Vec<Case> = moved.collect();
    cases.push(by_all(more, 1));
    for number in (1..more - 1).step_by(2) {
        cases.extend([by_all(number + 1, number + 2), empty()]);
    }
    cases.push(empty());
    assert_eq!(cases.len(), more);
    cases.extend(moved);
    all
}

#[test]
fn a_certificate_has_so_many_cases_at_most() {
    let all = good();
    let callers = all.certificates[0].callers.iter().flat_map(|caller| &caller.actions);
    let own: usize = callers.map(|action| action.cases.len()).sum();
    let most = (CASES - own) / 2 * 2;
    assert_eq!(check(&longer(most)), Ok(()));
    let told = refused(&longer(most + 2));
    assert!(told.ends_with(": it is one more than 20000"), "{told}");
}

fn split_to_nowhere(all: &mut Certificates) {
    let Case::Split(split) = &mut tree(all, "iam:passrole")[0] else { panic!() };
    (split.yes, split.on) = (999, On::Star);
}

#[test]
fn another_verdict_universe_or_version_has_no_certificate() {
    let mut all = good();
    all.certificates[0].verdict = "violated".to_owned();
    assert_eq!(refused(&all), "a verdict `violated` has no certificate");
    let mut all = good();
    all.certificates[0].universe.actions = "those of S3".to_owned();
    let other = "it is about other requests than all, and than those that are sent";
    assert_eq!(refused(&all), other);
    let mut all = good();
    all.version = 4;
    assert_eq!(refused(&all), "certificates of version 4 are not read here; 1 to 3 are");
    // Those of version 1 are the same, without any about packets.
    all.version = 1;
    assert_eq!(check(&all), Ok(()));
    let text = |version: u32| {
        let mut all = serde_json::to_value(good()).unwrap();
        all["version"] = version.into();
        // Before, claims were not stated.
        if version < 3 {
            all.as_object_mut().unwrap().remove("claims");
        }
        all["packets"] = serde_json::json!([{"rail": "r", "who": "w", "verdict": "proved",
            "way": "enters", "facts": {"inside": [], "groups": [], "acl": [], "routes": [],
            "gateway": false, "v4": false, "v6": false}, "classes": []}]);
        all.to_string().into_bytes()
    };
    let read = |version| Certificates::read(&text(version)).map_err(|error| error.to_string());
    assert!(read(2).is_ok() && read(3).is_ok());
    assert_eq!(read(1), Err("certificates of version 1 have none about packets".to_owned()));
    let newer = "certificates of version 4 are not read here; 1 to 3 are";
    assert_eq!(read(4), Err(newer.to_owned()));
}

#[test]
fn a_policy_that_is_edited_is_refused_with_its_old_digest_and_a_new_one() {
    let edited = |text: &str| text.replace("role/fn-*", "role/*").replace("\"Deny\"", "\"Allow\"");
    let mut all = good();
    let outer = all.certificates[0].outer.identity[0].sha256.clone();
    let text = all.documents.get_mut(&outer).unwrap();
    *text = edited(text);
    assert_eq!(refused(&all), format!("the policy `{outer}` was changed: it has another digest"));
    // The inner side with its own digest, wider than what was proved.
    let wider = policies(&json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    let mut all = good();
    all.certificates[0].inner = all.side(&wider);
    assert!(refused(&all).contains("the engine says `outer: "), "{}", refused(&all));
}

const USERS: &str = "arn:aws:iam::*:user/${aws:username}";
const TABLES: &str = "arn:aws:dynamodb:*:table/${aws:username}";

/// A session of a role has no `aws:username`: the entry covers nothing, and what is beyond
/// it for any name is left out.
#[rstest]
#[case::beyond_it("s3:GetObject", "arn:aws:s3:::b/k", USERS, false)]
#[case::what_a_name_could_cover("iam:GetUser", "arn:aws:iam::111122223333:user/x", USERS, true)]
#[case::beyond_what_spans("s3:GetObject", "arn:aws:s3:::b/k", TABLES, false)]
#[case::what_could_span("dynamodb:GetItem", "arn:aws:dynamodb:r:1:table/x", TABLES, true)]
fn a_variable_without_a_value_is_checked(
    #[case] action: &str,
    #[case] resource: &str,
    #[case] entry: &str,
    #[case] holds: bool,
) {
    let inner = policies(&json!([{"Effect": "Allow", "Action": action, "Resource": resource}]));
    let outer = policies(&json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "NotResource": entry},
    ]));
    let principal = Principal::RoleSession {
        role_arn: "arn:aws:iam::111122223333:role/deployer".into(),
        session_arn: "arn:aws:sts::111122223333:assumed-role/deployer/run".into(),
    };
    let question = Question {
        inner: &inner,
        outer: &outer,
        principal: Some(&principal),
        universe: Universe::All,
    };
    assert_eq!(within(&question).unwrap() == Verdict::Proved, holds);
    let mut all = Certificates::new();
    let written = certify(&question, ("a rail", "role/deployer"), &Known::default(), &mut all);
    let alone = "the action `s3:getobject`: the inner side alone may allow its requests";
    assert_eq!(written, if holds { Ok(()) } else { Err(alone.to_owned()) });
    assert_eq!((check(&all), all.certificates.len()), (Ok(()), usize::from(holds)));
}

/// What the checker could not check is not written, and its reason is told.
#[rstest]
#[case::bytes(
    json!({"BinaryEquals": {"x:b": "YQ=="}}),
    Err("the key `x:b`: bytes are not checked here")
)]
#[case::text_and_number(
    json!({"StringLike": {"x:n": "1*"}, "NumericEquals": {"x:n": "5"}}),
    Err("the key `x:n`: it is compared as text and as another type: not checked here")
)]
#[case::text(json!({"StringLike": {"x:n": "1*"}}), Ok(()))]
fn what_cannot_be_checked_has_no_certificate(
    #[case] condition: Value,
    #[case] told: Result<(), &str>,
) {
    let allow =
        json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}]);
    let inner = policies(&allow);
    let outer = policies(&json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    let principal = Principal::User { arn: "arn:aws:iam::111122223333:user/a".into() };
    let question = Question {
        inner: &inner,
        outer: &outer,
        principal: Some(&principal),
        universe: Universe::All,
    };
    assert_eq!(within(&question).unwrap(), Verdict::Proved);
    let mut all = Certificates::new();
    let written = certify(&question, ("a rail", "user/a"), &Known::default(), &mut all);
    assert_eq!(written, told.map_err(str::to_owned));
    assert_eq!((check(&all), all.certificates.len()), (Ok(()), usize::from(told.is_ok())));
}

/// The root user may do anything with what its account owns, and who is of none of the
/// named accounts owns nothing of theirs.
#[rstest]
#[case::of_a_named_account("arn:aws:sqs:eu-west-1:111122223333:q", true)]
#[case::of_any_account("arn:aws:sqs:eu-west-1:*:q", false)]
fn a_caller_of_any_account_owns_nothing_of_a_named_one(#[case] denied: &str, #[case] holds: bool) {
    let queue = "arn:aws:sqs:eu-west-1:111122223333:q";
    let own = json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sqs:*",
        "Resource": queue});
    let others = json!({"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": denied,
        "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}});
    let side = |statements: &[&Value]| {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let document = Document::parse("p", &text, Kind::Resource).unwrap();
        Policies { resource: Some(Arc::new(document)), ..Policies::default() }
    };
    let (inner, outer) = (side(&[&own]), side(&[&own, &others]));
    let question =
        Question { inner: &inner, outer: &outer, principal: None, universe: Universe::All };
    assert_eq!(within(&question).unwrap() == Verdict::Proved, holds);
    let mut all = Certificates::new();
    let written = certify(&question, ("a rail", "a queue"), &Known::default(), &mut all);
    match holds {
        true => assert_eq!((written, check(&all)), (Ok(()), Ok(()))),
        false => assert!(written.unwrap_err().ends_with("may allow its requests")),
    }
}
