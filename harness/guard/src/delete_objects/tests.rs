//! One deletion of many objects, parted and put together again.

use ringfence_policy::{Decision, Layer, Outcome};
use ringfence_wire::Operation;
use rstest::rstest;

use super::*;
use crate::requirements::Requirement;

fn call(delete: Value) -> Call {
    let input = json!({"Bucket": "b", "Delete": delete, "ChecksumAlgorithm": "CRC32",
        "BypassGovernanceRetention": true});
    Call {
        operation: Operation::find(Service::S3, "DeleteObjects").unwrap(),
        region: "eu-central-1".into(),
        input: input.as_object().unwrap().clone(),
        payload: None,
    }
}

fn verdict(index: usize, allowed: bool) -> Verdict {
    let outcome = if allowed { Outcome::Allow } else { Outcome::ImplicitDeny };
    let mut requirement = Requirement::on("s3:DeleteObject", format!("arn:aws:s3:::b/{index}"));
    requirement.extent = Extent::Item(index);
    Verdict {
        requirement,
        decision: Decision {
            outcome,
            layer: Layer::Identity,
            statements: Vec::new(),
            unknown: Vec::new(),
            explanation: String::new(),
            trust_policy: false,
        },
    }
}

fn parted(call: &Call, verdicts: &[(usize, bool)]) -> Option<Partial> {
    let verdicts: Vec<Verdict> =
        verdicts.iter().map(|(index, allowed)| verdict(*index, *allowed)).collect();
    Partial::of(call, &verdicts, |verdict| {
        ServiceError::access_denied(Service::S3, format!("no {}", verdict.requirement.resource))
    })
}

fn sent(partial: &Partial, call: &Call) -> (Call, HeaderMap, String) {
    let (call, headers, body) = partial.remainder(call).unwrap().unwrap();
    (call, headers, String::from_utf8(body.to_vec()).unwrap())
}

fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

fn text(answer: Response<Bytes>) -> String {
    String::from_utf8(answer.into_body().to_vec()).unwrap()
}

#[test]
fn what_is_allowed_is_sent_as_it_was_written_and_with_its_own_digest() {
    let call = call(json!({"Object": [{"Key": "a<&>\r\n", "VersionId": "v", "ETag": "e"},
        {"Key": "x"}, {"Key": "c"}], "Quiet": "true"}));
    let partial = parted(&call, &[(0, true), (1, false), (2, true)]).unwrap();
    let (remainder, headers, body) = sent(&partial, &call);
    assert_eq!(
        body,
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object>\
         <Key>a&lt;&amp;&gt;&#13;\n</Key><VersionId>v</VersionId><ETag>e</ETag></Object>\
         <Object><Key>c</Key></Object><Quiet>true</Quiet></Delete>"
    );
    let digest = headers.get("content-md5").unwrap().to_str().unwrap();
    assert_eq!(digest, STANDARD.encode(Md5::digest(&body)));
    assert_eq!(remainder.text("Bucket"), Some("b"));
    assert_eq!(remainder.input.get("BypassGovernanceRetention"), Some(&true.into()));
    assert_eq!(remainder.input.get("ChecksumAlgorithm"), None);
}

#[test]
fn the_answer_has_both() {
    let call = call(json!({"Object": [{"Key": "a"}, {"Key": "x", "VersionId": "v"}]}));
    let partial = parted(&call, &[(0, true), (1, false)]).unwrap();
    let upstream = "<DeleteResult xmlns='x'><Deleted><Key>a</Key><DeleteMarker>true</DeleteMarker>\
                    <DeleteMarkerVersionId>m</DeleteMarkerVersionId></Deleted></DeleteResult>";
    let merged = partial.merge(&call, answer(200, upstream)).unwrap();
    assert_eq!(merged.headers()["content-type"], "application/xml");
    assert_eq!(
        text(merged),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DeleteResult><Deleted><Key>a</Key>\
         <DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>m</DeleteMarkerVersionId>\
         </Deleted><Error><Key>x</Key><VersionId>v</VersionId><Code>AccessDenied</Code>\
         <Message>no arn:aws:s3:::b/1</Message></Error></DeleteResult>"
    );
}

#[test]
fn an_object_is_deleted_only_where_all_that_it_needs_is_allowed() {
    let call = call(json!({"Object": [{"Key": "a"}, {"Key": "b"}]}));
    let verdicts = [(0, true), (0, false), (1, true), (1, true)];
    let (_, _, body) = sent(&parted(&call, &verdicts).unwrap(), &call);
    assert!(!body.contains("<Key>a</Key>") && body.contains("<Key>b</Key>"), "{body}");
}

#[test]
fn the_same_key_with_and_without_a_version_is_two_objects() {
    let call = call(json!({"Object": [{"Key": "a", "VersionId": "v"}, {"Key": "a"}]}));
    let (_, _, body) = sent(&parted(&call, &[(0, false), (1, true)]).unwrap(), &call);
    assert!(body.contains("<Object><Key>a</Key></Object>"), "{body}");
    assert!(!body.contains("VersionId"), "{body}");
}

#[test]
fn where_nothing_is_allowed_nothing_is_sent() {
    let call = call(json!({"Object": {"Key": "a"}}));
    let partial = parted(&call, &[(0, false)]).unwrap();
    assert!(partial.remainder(&call).unwrap().is_none());
    let answer = partial.nothing(&call, "id");
    assert_eq!(answer.status(), 200);
    let text = text(answer);
    assert!(text.contains("<Error><Key>a</Key><Code>AccessDenied</Code>"), "{text}");
    assert!(!text.contains("Deleted"), "{text}");
}

#[test]
fn quiet_answers_have_the_errors_alone() {
    let call = call(json!({"Object": [{"Key": "a"}, {"Key": "x"}], "Quiet": "true"}));
    let partial = parted(&call, &[(0, true), (1, false)]).unwrap();
    for upstream in [
        "<DeleteResult/>",
        "<DeleteResult>\n</DeleteResult>",
        "<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>",
    ] {
        let text = text(partial.merge(&call, answer(200, upstream)).unwrap());
        assert!(text.contains("<DeleteResult><Error><Key>x</Key>"), "{text}");
        assert!(!text.contains("Deleted"), "{text}");
    }
}

/// All allowed is no part; the others cannot be parted for certain.
#[rstest]
#[case::all_allowed(json!({"Object": [{"Key": "a"}]}), &[(0, true)])]
#[case::an_object_without_a_verdict(json!({"Object": [{"Key": "a"}, {"Key": "b"}]}), &[(0, false)])]
#[case::a_verdict_without_an_object(json!({"Object": [{"Key": "a"}]}), &[(0, false), (1, true)])]
#[case::an_unknown_member(json!({"Object": [{"Key": "a", "X": "b"}]}), &[(0, false)])]
#[case::a_key_twice(json!({"Object": [{"Key": ["a", "b"]}]}), &[(0, false)])]
#[case::a_key_that_no_xml_holds(json!({"Object": [{"Key": "a\u{1}"}]}), &[(0, false)])]
fn what_cannot_be_parted_is_no_part(#[case] delete: Value, #[case] verdicts: &[(usize, bool)]) {
    assert!(parted(&call(delete), verdicts).is_none());
}

#[test]
fn a_verdict_on_the_call_is_no_part() {
    let call = call(json!({"Object": [{"Key": "a"}]}));
    let mut verdict = verdict(0, false);
    verdict.requirement.extent = Extent::Call;
    let refusal = |_: &Verdict| ServiceError::access_denied(Service::S3, "no");
    assert!(Partial::of(&call, &[verdict], refusal).is_none());
}

#[rstest]
#[case::no_body("")]
#[case::no_xml("deleted")]
#[case::an_error_with_200("<Error><Code>InternalError</Code></Error>")]
#[case::nothing_told("<DeleteResult/>")]
#[case::another_key("<DeleteResult><Deleted><Key>x</Key></Deleted></DeleteResult>")]
#[case::one_key_too_many(
    "<DeleteResult><Deleted><Key>a</Key></Deleted><Deleted><Key>x</Key></Deleted></DeleteResult>"
)]
#[case::no_key("<DeleteResult><Deleted/></DeleteResult>")]
#[case::a_member_of_no_kind("<DeleteResult><Deleted><Key>a</Key></Deleted><X>y</X></DeleteResult>")]
fn an_answer_that_does_not_tell_what_was_deleted_is_an_error(#[case] upstream: &str) {
    let call = call(json!({"Object": [{"Key": "a"}, {"Key": "x"}]}));
    let partial = parted(&call, &[(0, true), (1, false)]).unwrap();
    let error = partial.merge(&call, answer(200, upstream)).unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InternalError", 502));
}

#[test]
fn an_error_of_the_upstream_is_the_answer() {
    let call = call(json!({"Object": [{"Key": "a"}, {"Key": "x"}]}));
    let partial = parted(&call, &[(0, true), (1, false)]).unwrap();
    let body = "<Error><Code>NoSuchBucket</Code></Error>";
    let merged = partial.merge(&call, answer(404, body)).unwrap();
    assert_eq!((merged.status().as_u16(), text(merged).as_str()), (404, body));
}
