use rstest::rstest;
use serde::Deserialize;
use serde_json::Value;

use super::{Use, bucket, identity, trust};
use crate::{Document, Kind};

/// A document that IAM refused, and what it said.
#[derive(Deserialize)]
struct Recorded<'a> {
    says: String,
    #[serde(borrow)]
    of: &'a serde_json::value::RawValue,
}

/// What AWS was recorded to say of 78 documents (moto,
/// `tests/test_iam/test_iam_policies.py`), restated.
#[test]
fn iam_says_of_each_document_what_it_was_recorded_to_say() {
    let table = include_str!("../../tests/malformed/identity.jsonl");
    let recorded: Vec<Recorded<'_>> =
        table.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(recorded.len(), 78);
    for Recorded { says, of } in recorded {
        let of = of.get();
        assert_eq!(identity(of, Use::Managed), Some(says), "{of}");
        assert!(Document::parse_managed("p", of, Kind::Identity).is_err(), "{of}");
    }
}

fn statement(change: &str) -> String {
    let whole = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b"}"#;
    let (name, value) = change.split_once('=').unwrap();
    let mut statement: serde_json::Map<String, Value> = serde_json::from_str(whole).unwrap();
    statement.shift_remove(name);
    if !value.is_empty() {
        statement.insert(name.to_owned(), serde_json::from_str(value).unwrap());
    }
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, Value::Object(statement))
}

#[rstest]
#[case::whole(r#"Sid="a1""#, None)]
#[case::principal(r#"Principal="*""#, Some("Policy document should not specify a principal."))]
#[case::sid(
    r#"Sid="a-1""#,
    Some(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
         expression [0-9A-Za-z]*"
    )
)]
#[case::effect("Effect=", Some("Syntax errors in policy."))]
#[case::number(r#"Condition={"NumericLessThan":{"s3:max-keys":10}}"#, None)]
#[case::null_among_resources(r#"Resource=["arn:aws:s3:::b",null]"#, None)]
#[case::empty_block(r#"Condition={"Nothing":{}}"#, None)]
fn iam_says_of_inline_policies_too(#[case] change: &str, #[case] says: Option<&str>) {
    for stored in [Use::Inline, Use::Managed] {
        assert_eq!(identity(&statement(change), stored).as_deref(), says);
    }
}

/// Inline policies may be of the former version, and have two keys of one name
/// as little as managed ones.
#[test]
fn an_inline_policy_may_be_of_the_former_version() {
    let former = statement("Sid=\"a\"").replace("2012", "2008");
    assert_eq!(identity(&former, Use::Inline), None);
    let says = "Policy document must be version 2012-10-17 or greater.";
    assert_eq!(identity(&former, Use::Managed).as_deref(), Some(says));
    let twice = statement("Sid=\"a\"").replace(r#""Sid""#, r#""Effect":"Deny","Sid""#);
    assert_eq!(identity(&twice, Use::Inline).as_deref(), Some("Syntax errors in policy."));
}

fn trusting(change: &str) -> String {
    let whole = statement(change);
    whole.replace(
        r#""Action":"s3:ListBucket","Resource":"arn:aws:s3:::b""#,
        r#""Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}"#,
    )
}

#[rstest]
#[case::no_json(r#"{"Version":"2012-10-17",}"#, Some("This policy contains invalid Json"))]
#[case::list("[]", Some("This policy contains invalid Json"))]
#[case::nothing("", Some("This policy contains invalid Json"))]
#[case::null("null", Some("This text appears not to be a policy"))]
#[case::empty("{}", Some("Syntax error at position (1,3)"))]
#[case::unknown(r#"{"statement":[]}"#, Some("Unknown field statement"))]
#[case::no_statement(r#"{"Version":"2012-10-17"}"#, Some("Missing required field Statement"))]
#[case::empty_statement(
    r#"{"Statement":[]}"#,
    Some("Could not parse the policy: Statement is empty!")
)]
#[case::version(
    r#"{"Version":"2011-10-17","Statement":[]}"#,
    Some("The policy must contain a valid version string")
)]
#[case::nothing_in_it(r#"{"Statement":[{}]}"#, Some("Missing required field Effect"))]
#[case::whole(&trusting("Sid=\"a\""), None)]
#[case::capitals(&trusting("Sid=\"a\"").replace("Allow", "ALLOW"), None)]
#[case::effect(&trusting("Sid=\"a\"").replace("Allow", "May"), Some("Invalid effect: May"))]
#[case::element(&trusting("Conditions={}"), Some("Unknown field Conditions"))]
#[case::resource(
    &trusting("Sid=\"a\"").replace("\"Sid\"", "\"Resource\":\"*\",\"Sid\""),
    Some("Has prohibited field Resource")
)]
#[case::action(
    &trusting("Sid=\"a\"").replace("sts:", "s3:"),
    Some("AssumeRole policy may only specify STS AssumeRole actions.")
)]
#[case::no_principal(
    &trusting("Sid=\"a\"").replace("\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},", ""),
    Some("Missing required field Principal")
)]
#[case::service(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", "lambda"),
    Some("Invalid principal in policy: \"SERVICE\":\"lambda\"")
)]
#[case::no_service(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", "tagging.amazonaws.com"),
    Some("Invalid principal in policy: \"SERVICE\":\"tagging.amazonaws.com\"")
)]
#[case::of_another_domain(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", "lambda.example.com"),
    Some("Invalid principal in policy: \"SERVICE\":\"lambda.example.com\"")
)]
#[case::domain_alone(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", ".amazonaws.com"),
    Some("Invalid principal in policy: \"SERVICE\":\".amazonaws.com\"")
)]
#[case::with_a_space(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", "lambda.amazonaws.com "),
    Some("Invalid principal in policy: \"SERVICE\":\"lambda.amazonaws.com \"")
)]
#[case::as_an_address(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", "https://lambda.amazonaws.com"),
    Some("Invalid principal in policy: \"SERVICE\":\"https://lambda.amazonaws.com\"")
)]
#[case::of_a_region(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", "states.eu-west-1.amazonaws.com"), None
)]
#[case::in_china(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", "ec2.amazonaws.com.cn"), None
)]
#[case::alexa(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", "alexa-appkit.amazon.com"), None
)]
#[case::another_service(
    &trusting("Sid=\"a\"").replace("lambda.amazonaws.com", "backup.amazonaws.com"), None
)]
#[case::user(
    &trusting("Sid=\"a\"").replace("\"Service\":\"lambda.amazonaws.com\"", "\"AWS\":\"alice\""),
    Some("Invalid principal in policy: \"AWS\":\"alice\"")
)]
#[case::star(
    &trusting("Sid=\"a\"").replace("{\"Service\":\"lambda.amazonaws.com\"}", "\"*\""),
    Some("AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".")
)]
#[case::operator(
    &trusting(r#"Condition={"StringEqual":{"a:b":"c"}}"#),
    Some("Invalid Condition type : StringEqual")
)]
fn iam_says_of_trust(#[case] document: &str, #[case] says: Option<&str>) {
    assert_eq!(trust(document).as_deref(), says, "{document}");
    let parsed = Document::parse("t", document, Kind::Trust);
    // These the engine can read; IAM alone refuses them.
    let is_read = [
        r#""Principal":"*""#,
        "tagging.amazonaws.com",
        "lambda.example.com",
        r#"".amazonaws.com"#,
        r#"amazonaws.com ""#,
        "https://lambda",
    ];
    if !is_read.iter().any(|read| document.contains(read)) {
        assert_eq!(parsed.is_ok(), says.is_none(), "{parsed:?}");
    }
}

const OF_BUCKET: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}]}"#;

#[rstest]
#[case::whole("", "", None)]
#[case::no_policy(
    OF_BUCKET,
    "text",
    Some("Policies must be valid JSON and the first byte must be '{'")
)]
#[case::nothing(OF_BUCKET, "", Some("Policies must be valid JSON and the first byte must be '{'"))]
#[case::no_json(OF_BUCKET, "{,}", Some("This policy contains invalid Json"))]
#[case::empty(OF_BUCKET, "{}", Some("Missing required field Statement"))]
#[case::no_resource(
    r#","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]"#,
    "",
    Some("Missing required field Resource")
)]
#[case::no_principal(r#""Principal":"*","#, "", Some("Missing required field Principal"))]
#[case::principal(r#""*","Action"#, r#""alice","Action"#, Some("Invalid principal in policy"))]
#[case::other_service("s3:ListBucket", "ec2:RunInstances", Some("Policy has invalid action"))]
#[case::unknown_action("s3:ListBucket", "s3:ListObjects", Some("Policy has invalid action"))]
#[case::of_the_account("s3:ListBucket", "s3:ListAllMyBuckets", Some("Policy has invalid action"))]
#[case::creation("s3:ListBucket", "s3:CreateBucket", Some("Policy has invalid action"))]
#[case::no_service("s3:ListBucket", "ListBucket", Some("Policy has invalid action"))]
#[case::pattern("s3:ListBucket", "s3:List*", None)]
#[case::pattern_of_nothing("s3:ListBucket", "s3:Lust*", Some("Policy has invalid action"))]
#[case::all_actions("s3:ListBucket", "*", None)]
#[case::other_bucket("arn:aws:s3:::b/*", "arn:aws:s3:::c/*", Some("Policy has invalid resource"))]
#[case::longer_name("arn:aws:s3:::b/*", "arn:aws:s3:::b-c/*", Some("Policy has invalid resource"))]
#[case::all_buckets("arn:aws:s3:::b/*", "arn:aws:s3:::*", Some("Policy has invalid resource"))]
#[case::everything("arn:aws:s3:::b/*", "*", Some("Policy has invalid resource"))]
#[case::other_kind("arn:aws:s3:::b/*", "arn:aws:sqs:::b", Some("Policy has invalid resource"))]
#[case::bucket_with_star(r#""arn:aws:s3:::b","arn:aws:s3:::b/*""#, r#""arn:aws:s3:::b*""#, None)]
#[case::no_objects(
    r#","arn:aws:s3:::b/*""#,
    "",
    Some("Action does not apply to any resource(s) in statement")
)]
#[case::no_bucket(
    r#""arn:aws:s3:::b","#,
    "",
    Some("Action does not apply to any resource(s) in statement")
)]
#[case::any_of_a_pattern(
    r#"["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::b","#,
    r#""s3:*","Resource":["#,
    None
)]
#[case::key(
    r#""Effect""#,
    r#""Condition":{"StringEquals":{"s3:colour":"red"}},"Effect""#,
    Some("Policy has an invalid condition key")
)]
#[case::global_key(
    r#""Effect""#,
    r#""Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}},"Effect""#,
    None
)]
#[case::misspelt_global_key(
    r#""Effect""#,
    r#""Condition":{"StringEquals":{"aws:SourceVPCs":"vpc-1"}},"Effect""#,
    Some("Policy has an invalid condition key")
)]
#[case::key_of_one_action(
    r#""Effect""#,
    r#""Condition":{"StringLike":{"s3:prefix":"a/*"}},"Effect""#,
    Some("Conditions do not apply to combination of actions and resources in statement")
)]
#[case::key_of_the_action(
    r#""Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket"]"#,
    r#""Condition":{"StringLike":{"s3:prefix":"a/*"}},"Effect":"Allow","Principal":"*","Action":"s3:ListBucket""#,
    None
)]
#[case::operator(
    r#""Effect""#,
    r#""Condition":{"StringEqual":{"aws:SourceVpc":"vpc-1"}},"Effect""#,
    Some("Invalid Condition type : StringEqual")
)]
#[case::all_but(
    r#""Principal":"*""#,
    r#""NotPrincipal":{"AWS":"111122223333"}"#,
    Some("Allow with NotPrincipal is not allowed.")
)]
fn s3_says_of_bucket_policies(#[case] from: &str, #[case] to: &str, #[case] says: Option<&str>) {
    let document =
        if from.is_empty() { OF_BUCKET.to_owned() } else { OF_BUCKET.replacen(from, to, 1) };
    assert!(from.is_empty() || document != OF_BUCKET, "{from}");
    assert_eq!(bucket(&document, "b").as_deref(), says, "{document}");
}

/// A `Sid` that stands twice: refused of IAM's own policies, and of the
/// resources whose services ask for unique ones; S3, KMS and others store it.
#[rstest]
#[case::identity(Kind::Identity, "s3:ListBucket", false)]
#[case::boundary(Kind::Boundary, "s3:ListBucket", false)]
#[case::service_control(Kind::ServiceControl, "s3:ListBucket", false)]
#[case::trust(Kind::Trust, "sts:AssumeRole", false)]
#[case::bucket(Kind::Resource, "s3:ListBucket", true)]
#[case::key(Kind::Resource, "kms:*", true)]
#[case::repository(Kind::Resource, "ecr:BatchGetImage", true)]
#[case::topic(Kind::Resource, "SNS:Publish", false)]
#[case::table(Kind::Resource, "dynamodb:GetItem", false)]
fn a_sid_may_stand_twice_where_the_service_takes_it(
    #[case] kind: Kind,
    #[case] action: &str,
    #[case] taken: bool,
) {
    let principal = match kind {
        Kind::Resource | Kind::Trust => r#""Principal":{"AWS":"123456789012"},"#,
        _ => "",
    };
    let resource = if kind == Kind::Trust { "" } else { r#","Resource":"*""# };
    let statement = |sid: &str| {
        format!(r#"{{"Sid":"{sid}","Effect":"Deny",{principal}"Action":"{action}"{resource}}}"#)
    };
    let document = |first: &str, second: &str| {
        let statements = [statement(first), statement(second)].join(",");
        format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
    };
    let says = match Document::parse("p", &document("A", "A"), kind) {
        Ok(_) => None,
        Err(error) => Some(error.message),
    };
    let refusal = "the `Sid` `A` stands twice: it must be unique".to_owned();
    assert_eq!(says, (!taken).then_some(refusal));
    for unique in [document("A", "B"), document("A", ""), document("", "")] {
        assert!(Document::parse("p", &unique, kind).is_ok(), "{unique}");
    }
    match kind {
        Kind::Trust => assert_eq!(
            trust(&document("A", "A")).as_deref(),
            Some("The Statement Ids in the policy are not unique")
        ),
        Kind::Identity => assert_eq!(
            identity(&document("A", "A"), Use::Managed).as_deref(),
            Some("Statement IDs (SID) in a single policy must be unique.")
        ),
        _ => {}
    }
}

/// As many buckets have it.
#[test]
fn a_bucket_s_policy_may_have_a_sid_twice() {
    let statement = r#"{"Sid":"DenyHttp","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
    let document = format!(r#"{{"Version":"2008-10-17","Statement":[{statement},{statement}]}}"#);
    assert_eq!(bucket(&document, "b"), None);
    let misspelt = document.replace("GetObject", "GetObjects");
    assert_eq!(bucket(&misspelt, "b").as_deref(), Some("Policy has invalid action"));
}
