//! What is taken for which call, and what is refused.

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

/// A request; `service` names the credential scope, "" is unsigned.
fn request(
    service: &str,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (Parts, Bytes) {
    let mut request = Request::builder().method(method).uri(uri);
    if !service.is_empty() {
        request = request.header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-west-1/{service}/aws4_request, \
                 SignedHeaders=host, Signature=00"
            ),
        );
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Bytes::copy_from_slice(body.as_bytes());
    (request.body(()).unwrap().into_parts().0, body)
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn form(service: &str, body: &str) -> Result<Call, ServiceError> {
    let (parts, body) = request(service, "POST", "/", &[FORM], body);
    identify(&parts, &body, "us-east-1")
}

fn json(target: &str, body: &str) -> Result<Call, ServiceError> {
    let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
    let (parts, body) = request("ssm", "POST", "/", &headers, body);
    identify(&parts, &body, "us-east-1")
}

fn rest(service: &str, method: &str, uri: &str, body: &str) -> Result<Call, ServiceError> {
    let (parts, body) = request(service, method, uri, &[], body);
    identify(&parts, &body, "us-east-1")
}

fn refused(result: Result<Call, ServiceError>) -> (u16, String, String) {
    let error = result.map(|call| call.input).unwrap_err();
    (error.status, error.code.into_owned(), error.message)
}

#[test]
fn a_query_call_has_typed_members() {
    let call = form(
        "iam",
        "Action=CreateRole&Version=2010-05-08&RoleName=a&AssumeRolePolicyDocument=%7B%7D\
         &MaxSessionDuration=3600&Tags.member.2.Key=l&Tags.member.1.Key=k&Tags.member.1.Value=v+w\
         &Tags.member.2.Value=",
    )
    .unwrap();
    assert_eq!(
        (call.service(), call.name(), call.region.as_str()),
        (Service::Iam, "CreateRole", "eu-west-1")
    );
    assert_eq!(
        serde_json::Value::Object(call.input),
        json!({
            "RoleName": "a",
            "AssumeRolePolicyDocument": "{}",
            "MaxSessionDuration": 3600,
            "Tags": [{"Key": "k", "Value": "v w"}, {"Key": "l", "Value": ""}]
        })
    );
}

#[test]
fn an_ec2_call_has_lists_by_number() {
    let call = form(
        "ec2",
        "Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=v\
         &SubnetId.1=s",
    )
    .unwrap();
    assert_eq!(
        serde_json::Value::Object(call.input),
        json!({"Filter": [{"Name": "vpc-id", "Value": ["v"]}], "SubnetId": ["s"]})
    );
}

#[rstest]
#[case::unknown_action(
    "Action=MakeRole&Version=2010-05-08",
    400,
    "InvalidAction",
    "Could not find operation MakeRole for version 2010-05-08"
)]
#[case::wrong_version(
    "Action=GetRole&Version=2011-06-15&RoleName=a",
    400,
    "InvalidAction",
    "Could not find operation GetRole for version 2011-06-15"
)]
#[case::no_action(
    "Version=2010-05-08&RoleName=a",
    400,
    "MalformedInput",
    "the parameter `Action` is missing"
)]
#[case::no_version(
    "Action=GetRole&RoleName=a",
    400,
    "MalformedInput",
    "the parameter `Version` is missing"
)]
#[case::missing_member(
    "Action=GetRole&Version=2010-05-08",
    400,
    "ValidationError",
    "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null"
)]
#[case::unknown_member(
    "Action=GetRole&Version=2010-05-08&RoleName=a&Rolename=b",
    400,
    "ValidationError",
    "GetRole has no parameter `Rolename`"
)]
#[case::repeated(
    "Action=GetRole&Version=2010-05-08&RoleName=a&RoleName=b",
    400,
    "MalformedInput",
    "the parameter `RoleName` is repeated"
)]
#[case::repeated_encoded(
    "Action=GetRole&Version=2010-05-08&RoleName=a&Role%4Eame=b",
    400,
    "MalformedInput",
    "the parameter `RoleName` is repeated"
)]
#[case::two_actions(
    "Action=GetRole&Action=DeleteRole&Version=2010-05-08&RoleName=a",
    400,
    "MalformedInput",
    "the parameter `Action` is repeated"
)]
#[case::both_value_and_list(
    "Action=TagRole&Version=2010-05-08&RoleName=a&Tags=&Tags.member.1.Key=k",
    400,
    "MalformedInput",
    "the parameter `Tags.member.1.Key` is both a value and a structure"
)]
#[case::text_as_list(
    "Action=GetRole&Version=2010-05-08&RoleName.member.1=a",
    400,
    "MalformedInput",
    "the member `RoleName` is not a string"
)]
#[case::list_as_text(
    "Action=UntagRole&Version=2010-05-08&RoleName=a&TagKeys=k",
    400,
    "MalformedInput",
    "the member `TagKeys` is not a list"
)]
#[case::list_without_member(
    "Action=UntagRole&Version=2010-05-08&RoleName=a&TagKeys.1=k",
    400,
    "MalformedInput",
    "the member `TagKeys` is not a list"
)]
#[case::gap(
    "Action=UntagRole&Version=2010-05-08&RoleName=a&TagKeys.member.1=k&TagKeys.member.3=l",
    400,
    "MalformedInput",
    "the items of the list `TagKeys` are not numbered from 1 without a gap"
)]
#[case::from_zero(
    "Action=UntagRole&Version=2010-05-08&RoleName=a&TagKeys.member.0=k",
    400,
    "MalformedInput",
    "the items of the list `TagKeys` are not numbered from 1 without a gap"
)]
#[case::leading_zero(
    "Action=UntagRole&Version=2010-05-08&RoleName=a&TagKeys.member.01=k",
    400,
    "MalformedInput",
    "the items of the list `TagKeys` are not numbered from 1 without a gap"
)]
#[case::not_a_number(
    "Action=ListRoles&Version=2010-05-08&MaxItems=a",
    400,
    "ValidationError",
    "the member `MaxItems` is `a`, not a whole number"
)]
#[case::empty_name(
    "Action=ListRoles&Version=2010-05-08&Tags..member=a",
    400,
    "MalformedInput",
    "the parameter name `Tags..member` is malformed"
)]
#[case::percent(
    "Action=GetRole&Version=2010-05-08&RoleName=%zz",
    400,
    "MalformedInput",
    "the body cannot be read: a `%` is not followed by two hexadecimal digits"
)]
#[case::utf8(
    "Action=GetRole&Version=2010-05-08&RoleName=%FF",
    400,
    "MalformedInput",
    "the body cannot be read: the decoded text is not UTF-8"
)]
fn a_query_call_that_two_could_read_differently_is_refused(
    #[case] body: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] message: &str,
) {
    assert_eq!(refused(form("iam", body)), (status, code.to_owned(), message.to_owned()));
}

#[test]
fn a_deep_name_is_refused() {
    let name = format!("Tags{}", ".a".repeat(40));
    let (_, code, _) = refused(form("iam", &format!("Action=TagRole&Version=2010-05-08&{name}=1")));
    assert_eq!(code, "MalformedInput");
}

/// An upstream that reads the form alone would make the role unbounded.
#[test]
fn parameters_stand_in_the_query_string_or_in_the_body() {
    const ROLE: &str =
        "Action=CreateRole&Version=2010-05-08&RoleName=a&AssumeRolePolicyDocument=%7B%7D";
    const BOUNDARY: &str = "PermissionsBoundary=arn:aws:iam::123456789012:policy/app-boundary";
    let uri = format!("/?{BOUNDARY}");
    let (parts, body) = request("iam", "POST", &uri, &[FORM], ROLE);
    assert_eq!(
        refused(identify(&parts, &body, "")),
        (
            400,
            "MalformedInput".to_owned(),
            "a query request with a body takes no query parameters, but `PermissionsBoundary` is \
             there"
                .to_owned()
        )
    );

    let bounded = Some("arn:aws:iam::123456789012:policy/app-boundary");
    let together = format!("{ROLE}&{BOUNDARY}");
    let in_body = form("iam", &together).unwrap();
    assert_eq!(in_body.text("PermissionsBoundary"), bounded);
    let (parts, body) = request("iam", "GET", &format!("/?{together}"), &[], "");
    let in_query = identify(&parts, &body, "").unwrap();
    assert_eq!(in_query.text("PermissionsBoundary"), bounded);
}

#[rstest]
#[case("application/json")]
#[case("multipart/form-data; boundary=x")]
fn a_query_body_of_another_type_is_refused(#[case] content_type: &str) {
    let body = "Action=GetRole&Version=2010-05-08&RoleName=a";
    let (parts, body) = request("iam", "POST", "/", &[("content-type", content_type)], body);
    assert_eq!(
        refused(identify(&parts, &body, "")).2,
        "a query request has a body that is not `application/x-www-form-urlencoded`"
    );
}

#[test]
fn a_web_identity_call_is_known_without_a_signature() {
    let call = form(
        "",
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=a&RoleSessionName=s\
         &WebIdentityToken=t",
    )
    .unwrap();
    assert_eq!((call.service(), call.region.as_str()), (Service::Sts, "us-east-1"));
    assert!(call.operation.unsigned);

    let (status, code, message) = refused(form("", "Action=SendMessage&Version=2012-11-06"));
    assert_eq!((status, code.as_str()), (400, "UnknownService"));
    assert_eq!(
        message,
        "no supported service has the action `SendMessage` of version `2012-11-06`"
    );
}

#[test]
fn a_json_call_keeps_its_values_and_drops_null() {
    let body = r#"{"Name":"/a","WithDecryption":true}"#;
    let call = json("AmazonSSM.GetParameter", body).unwrap();
    assert_eq!(
        serde_json::Value::Object(call.input),
        json!({"Name": "/a", "WithDecryption": true})
    );
    let call = json("AmazonSSM.GetParameter", r#"{"Name":"/a","WithDecryption":null}"#).unwrap();
    assert!(!call.input.contains_key("WithDecryption"));
}

#[rstest]
#[case::unknown(
    "AmazonSSM.GetThing",
    "{}",
    "UnknownOperationException",
    "ssm has no operation `AmazonSSM.GetThing`"
)]
#[case::duplicate_key(
    "AmazonSSM.GetParameter",
    r#"{"Name":"/a","Name":"/b"}"#,
    "SerializationException",
    "the body is not JSON: `Name` stands twice in the same object, at line 1, column 14"
)]
#[case::escaped_duplicate(
    "AmazonSSM.GetParameter",
    r#"{"Name":"/a","N\u0061me":"/b"}"#,
    "SerializationException",
    "the body is not JSON: `Name` stands twice in the same object, at line 1, column 14"
)]
#[case::unknown_member(
    "AmazonSSM.GetParameter",
    r#"{"Name":"/a","name":"/b"}"#,
    "ValidationException",
    "GetParameter has no member `name`"
)]
#[case::wrong_type(
    "AmazonSSM.GetParameter",
    r#"{"Name":["/a"]}"#,
    "SerializationException",
    "the member `Name` is not a string"
)]
#[case::no_object(
    "AmazonSSM.GetParameter",
    "[]",
    "SerializationException",
    "the body is JSON, but no object"
)]
#[case::missing(
    "AmazonSSM.GetParameter",
    "{}",
    "ValidationException",
    "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"
)]
fn a_json_call_that_is_not_certain_is_refused(
    #[case] target: &str,
    #[case] body: &str,
    #[case] code: &str,
    #[case] message: &str,
) {
    assert_eq!(refused(json(target, body)), (400, code.to_owned(), message.to_owned()));
}

#[test]
fn a_json_call_takes_no_query_parameters_and_no_form() {
    let headers = [
        ("x-amz-target", "AmazonSSM.GetParameter"),
        ("content-type", "application/x-amz-json-1.1"),
    ];
    let (parts, body) = request("ssm", "POST", "/?Name=/b", &headers, r#"{"Name":"/a"}"#);
    assert_eq!(
        refused(identify(&parts, &body, "")).2,
        "ssm takes no query parameters, but `Name` is there"
    );
    let headers = [("x-amz-target", "AmazonSSM.GetParameter"), FORM];
    let (parts, body) = request("ssm", "POST", "/", &headers, r#"{"Name":"/a"}"#);
    assert_eq!(
        refused(identify(&parts, &body, "")).2,
        "the content type of a JSON request is `application/x-amz-json-1.1`, not \
         `application/x-www-form-urlencoded`"
    );
}

/// botocore writes a namespace before the name of the service's shape, SDKs that
/// are made from Smithy's models do not.
#[rstest]
#[case::shape("cloudtrail", "CloudTrail_20131101.ListTrails")]
#[case::namespace(
    "cloudtrail",
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.ListTrails"
)]
#[case::shape("codestar-connections", "CodeStar_connections_20191201.ListConnections")]
fn a_target_names_the_services_shape_with_or_without_its_namespace(
    #[case] name: &str,
    #[case] target: &str,
) {
    let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
    let (parts, body) = request(name, "POST", "/", &headers, "{}");
    let call = identify(&parts, &body, "").unwrap();
    assert_eq!(call.service().name(), name);
    assert_eq!(Some(call.name()), target.rsplit('.').next());
}

#[test]
fn a_cbor_path_names_the_services_shape_with_or_without_its_namespace() {
    let headers = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
    for name in
        ["CodeConnections_20231201", "com.amazonaws.codeconnections.CodeConnections_20231201"]
    {
        let path = format!("/service/{name}/operation/ListConnections");
        let (parts, body) = request("codeconnections", "POST", &path, &headers, "");
        let call = identify(&parts, &body, "").unwrap();
        assert_eq!((call.service().name(), call.name()), ("codeconnections", "ListConnections"));
    }
}

#[test]
fn scope_target_and_host_must_agree() {
    let headers = [
        ("x-amz-target", "AmazonSSM.GetParameter"),
        ("content-type", "application/x-amz-json-1.1"),
    ];
    let (parts, body) = request("logs", "POST", "/", &headers, r#"{"Name":"/a"}"#);
    assert_eq!(
        refused(identify(&parts, &body, "")),
        (
            400,
            "UnknownService".to_owned(),
            "the credential scope names logs but the header `X-Amz-Target` names ssm".to_owned()
        )
    );
    let (parts, body) =
        request("iam", "GET", "/", &[("host", "bucket.s3.eu-west-1.amazonaws.com")], "");
    assert_eq!(
        refused(identify(&parts, &body, "")).2,
        "the credential scope names iam but the host names s3"
    );
}

#[rstest]
#[case::authorization(
    "authorization",
    "AWS4-HMAC-SHA256 Credential=B/20261122/eu-west-1/sts/aws4_request"
)]
#[case::target("x-amz-target", "AmazonSSM.PutParameter")]
#[case::content_type("content-type", "application/x-www-form-urlencoded")]
#[case::host("host", "b")]
fn a_repeated_header_is_refused(#[case] name: &'static str, #[case] value: &str) {
    let headers = [
        ("x-amz-target", "AmazonSSM.GetParameter"),
        ("content-type", "application/x-amz-json-1.1"),
        ("host", "a"),
    ];
    let (mut parts, body) = request("ssm", "POST", "/", &headers, r#"{"Name":"/a"}"#);
    assert!(identify(&parts, &body, "").is_ok());
    parts.headers.append(name, value.parse().unwrap());
    assert_eq!(refused(identify(&parts, &body, "")).2, format!("the header `{name}` is repeated"));
}

#[rstest]
#[case("s3express", "the service `s3express` is not supported")]
#[case("SQS", "the service `SQS` is not supported")]
fn what_is_no_service_is_refused_by_name(#[case] service: &str, #[case] message: &str) {
    assert_eq!(
        refused(rest(service, "GET", "/", "")),
        (400, "UnknownService".to_owned(), message.to_owned())
    );
}

#[rstest]
#[case("apigateway", "GET", "/restapis", "apigateway", "GetRestApis")]
#[case("apigateway", "GET", "/v2/apis", "apigatewayv2", "GetApis")]
#[case("bedrock", "POST", "/model/m/converse", "bedrock-runtime", "Converse")]
#[case("bedrock", "GET", "/foundation-models", "bedrock", "ListFoundationModels")]
#[case("lambda", "GET", "/2015-03-31/functions", "lambda", "ListFunctions")]
#[case("ses", "POST", "/v2/email/list-identities", "sesv2", "ListEmailIdentities")]
#[case("execute-api", "GET", "/@connections/c", "apigatewaymanagementapi", "GetConnection")]
#[case("route53", "GET", "/2013-04-01/hostedzone/Z1", "route53", "GetHostedZone")]
fn services_that_share_a_signing_name_are_told_by_their_paths(
    #[case] signing_name: &str,
    #[case] method: &str,
    #[case] path: &str,
    #[case] service: &str,
    #[case] operation: &str,
) {
    let call = rest(signing_name, method, path, "{}").or(rest(signing_name, method, path, ""));
    let call = call.unwrap();
    assert_eq!((call.service().name(), call.name()), (service, operation));
}

#[test]
fn s3_control_is_told_from_s3_by_its_account() {
    let path = "/v20180820/jobs/id";
    assert_eq!(rest("s3", "GET", path, "").unwrap().name(), "GetObject");
    let (parts, body) = request("s3", "GET", path, &[("x-amz-account-id", "123456789012")], "");
    let call = identify(&parts, &body, "").unwrap();
    assert_eq!((call.service(), call.name()), (Service::S3Control, "DescribeJob"));
}

#[test]
fn a_query_call_of_services_that_are_asked_alike_is_of_the_one_that_names_them() {
    let body = "Action=DescribeDBClusters&Version=2014-10-31\
        &Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=docdb";
    let (parts, body) = request("rds", "POST", "/", &[FORM], body);
    let call = identify(&parts, &body, "").unwrap();
    assert_eq!((call.service().name(), call.name()), ("rds", "DescribeDBClusters"));
    assert_eq!(call.input["Filters"], json!([{"Name": "engine", "Values": ["docdb"]}]));
}

/// The old SDKs' way: flattened, under names of the query protocol, to the queue's own
/// URL or to `/`.
#[rstest]
#[case::names_it("/", "&QueueUrl=https%3A%2F%2Fsqs.eu-west-1.amazonaws.com%2F123456789012%2Fq")]
#[case::goes_to_it("/123456789012/q", "")]
#[case::does_both(
    "/123456789012/q",
    "&QueueUrl=https%3A%2F%2Fsqs.eu-west-1.amazonaws.com%2F123456789012%2Fq"
)]
fn a_call_of_sqs_may_be_one_of_the_query_protocol(#[case] path: &str, #[case] more: &str) {
    let host = [FORM, ("host", "sqs.eu-west-1.amazonaws.com")];
    let text = format!(
        "Action=SendMessageBatch&Version=2012-11-05{more}\
         &SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=b\
         &SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n\
         &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String\
         &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=v"
    );
    let (parts, body) = request("sqs", "POST", path, &host, &text);
    let call = identify(&parts, &body, "").unwrap();
    assert_eq!((call.service().name(), call.name()), ("sqs", "SendMessageBatch"));
    assert_eq!(
        Value::Object(call.input),
        json!({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "Entries": [
            {"Id": "a", "MessageBody": "b",
             "MessageAttributes": {"n": {"DataType": "String", "StringValue": "v"}}}]})
    );
}

#[test]
fn the_query_names_of_sqs_are_its_own() {
    let text = "Action=CreateQueue&Version=2012-11-05&QueueName=q&Attribute.1.Name=DelaySeconds\
                &Attribute.1.Value=5&Tag.1.Key=team&Tag.1.Value=a";
    let (parts, body) = request("sqs", "POST", "/", &[FORM], text);
    assert_eq!(
        Value::Object(identify(&parts, &body, "").unwrap().input),
        json!({"QueueName": "q", "Attributes": {"DelaySeconds": "5"}, "tags": {"team": "a"}})
    );
}

#[rstest]
#[case::another_queue(
    "/123456789012/other",
    "Action=PurgeQueue&Version=2012-11-05&QueueUrl=https%3A%2F%2Fhost%2F123456789012%2Fq",
    "the request goes to `/123456789012/other` but the parameter `QueueUrl` is \
     `https://host/123456789012/q`"
)]
#[case::about_none(
    "/123456789012/q",
    "Action=CreateQueue&Version=2012-11-05&QueueName=q",
    "sqs has no operation at `/123456789012/q`"
)]
fn a_query_call_to_a_queue_is_about_that_one(
    #[case] path: &str,
    #[case] text: &str,
    #[case] message: &str,
) {
    let (parts, body) = request("sqs", "POST", path, &[FORM], text);
    assert_eq!(identify(&parts, &body, "").unwrap_err().message, message);
}

#[test]
fn lists_and_maps_of_the_query_protocol_are_read_by_their_shapes() {
    let read = |service: &str, body: &str| {
        let (parts, body) = request(service, "POST", "/", &[FORM], body);
        identify(&parts, &body, "").map(|call| json!(call.input))
    };
    let publish = "Action=Publish&Version=2010-03-31&Message=m\
        &MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=String";
    assert_eq!(
        read("sns", publish),
        Ok(json!({"Message": "m", "MessageAttributes": {"a": {"DataType": "String"}}}))
    );
    // Flattened, and under the name of its items.
    let attributes = "Action=GetAttributes&Version=2009-04-15&DomainName=d&ItemName=i\
        &AttributeName.1=a&AttributeName.2=b";
    assert_eq!(
        read("sdb", attributes),
        Ok(json!({"DomainName": "d", "ItemName": "i", "AttributeNames": ["a", "b"]}))
    );
    for (service, wrong) in [
        ("sns", "Action=Publish&Version=2010-03-31&Message=m&MessageAttributes.1.Name=a"),
        ("rds", "Action=DescribeDBClusters&Version=2014-10-31&Filters.member.1.Name=engine"),
    ] {
        assert_eq!(read(service, wrong).unwrap_err().code, "MalformedInput", "{wrong}");
    }
}

#[test]
fn rest_labels_are_decoded_and_left_as_they_are() {
    let call = rest(
        "lambda",
        "POST",
        "/2015-03-31/functions/123456789012%3Afunction%3Aa%3Alive/invocations?Qualifier=live",
        "payload",
    )
    .unwrap();
    assert_eq!(call.name(), "Invoke");
    assert_eq!(call.text("FunctionName"), Some("123456789012:function:a:live"));
    assert_eq!(call.payload.as_deref(), Some(b"payload".as_slice()));

    let call = rest("lambda", "GET", "/2015-03-31/functions/", "").unwrap();
    assert_eq!(call.name(), "ListFunctions");
}

#[rstest]
#[case::no_path("lambda", "GET", "/2015-03-31/things", 404, "UnknownOperationException")]
#[case::method("lambda", "PATCH", "/2015-03-31/functions/a", 404, "UnknownOperationException")]
#[case::empty_segment("lambda", "GET", "/2015-03-31//functions", 400, "SerializationException")]
#[case::empty_name("lambda", "DELETE", "/2015-03-31/functions//", 400, "SerializationException")]
#[case::dots("lambda", "GET", "/2015-03-31/functions/a/%2e%2e/b", 400, "SerializationException")]
#[case::percent("lambda", "GET", "/2015-03-31/functions/%2", 400, "SerializationException")]
#[case::unknown_parameter(
    "lambda",
    "GET",
    "/2015-03-31/functions/a?role=b",
    400,
    "ValidationException"
)]
#[case::repeated_parameter(
    "lambda",
    "GET",
    "/2015-03-31/functions/a?Qualifier=1&Qualifier=2",
    400,
    "SerializationException"
)]
#[case::missing_parameter("lambda", "DELETE", "/2017-03-31/tags/a", 400, "ValidationException")]
#[case::v2("apigateway", "PUT", "/v2/apis/a/routes/b", 404, "UnknownOperationException")]
fn rest_requests_that_are_not_certain_are_refused(
    #[case] service: &str,
    #[case] method: &str,
    #[case] uri: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let result = rest(service, method, uri, "");
    let found = result
        .map_or_else(|error| (error.status, error.code.into_owned()), |_| (200, String::new()));
    assert_eq!(found, (status, code.to_owned()));
}

#[rstest]
#[case::unknown(
    r#"{"routeKey":"a","AuthorizationType":"NONE"}"#,
    "CreateRoute has no member `AuthorizationType`"
)]
#[case::doubled(
    r#"{"routeKey":"a","routeKey":"b"}"#,
    "the body is not JSON: `routeKey` stands twice in the same object, at line 1, column 17"
)]
#[case::label_in_body(r#"{"routeKey":"a","apiId":"b"}"#, "CreateRoute has no member `apiId`")]
#[case::missing(
    "{}",
    "1 validation error detected: Value null at 'routeKey' failed to satisfy constraint: Member must not be null"
)]
fn rest_json_bodies_are_read_strictly(#[case] body: &str, #[case] message: &str) {
    assert_eq!(refused(rest("apigateway", "POST", "/v2/apis/a/routes", body)).2, message);
}

#[rstest]
#[case("GET", "/", "ListBuckets")]
#[case("GET", "/bucket", "ListObjects")]
#[case("GET", "/bucket/", "ListObjects")]
#[case("GET", "/bucket?list-type=2", "ListObjectsV2")]
#[case("GET", "/bucket?location", "GetBucketLocation")]
#[case("GET", "/bucket?lifecycle=", "GetBucketLifecycleConfiguration")]
#[case("GET", "/bucket?notification", "GetBucketNotificationConfiguration")]
#[case("GET", "/bucket?analytics", "ListBucketAnalyticsConfigurations")]
#[case("GET", "/bucket?analytics&id=a", "GetBucketAnalyticsConfiguration")]
#[case("HEAD", "/bucket", "HeadBucket")]
#[case("GET", "/bucket/a/b", "GetObject")]
#[case("GET", "/bucket/a%5C..%5Cb", "GetObject")]
#[case("GET", "/bucket/a?uploadId=u", "ListParts")]
#[case("GET", "/bucket/a?x-id=GetObject", "GetObject")]
#[case("PUT", "/bucket/a", "PutObject")]
#[case("PUT", "/bucket/a?partNumber=1&uploadId=u", "UploadPart")]
#[case("DELETE", "/bucket/a?uploadId=u", "AbortMultipartUpload")]
#[case("DELETE", "/bucket/a", "DeleteObject")]
#[case("POST", "/bucket/a?uploads", "CreateMultipartUpload")]
#[case("POST", "/bucket/a?uploadId=u", "CompleteMultipartUpload")]
fn s3_operations_are_told_apart(#[case] method: &str, #[case] uri: &str, #[case] name: &str) {
    assert_eq!(rest("s3", method, uri, "").unwrap().name(), name);
}

#[test]
fn a_copy_is_told_from_a_put_by_its_header() {
    let copy = [("x-amz-copy-source", "other/key")];
    let of = |uri: &str| {
        let (parts, body) = request("s3", "PUT", uri, &copy, "");
        identify(&parts, &body, "").unwrap()
    };
    assert_eq!(of("/bucket/a").name(), "CopyObject");
    assert_eq!(of("/bucket/a").text("CopySource"), Some("other/key"));
    assert_eq!(of("/bucket/a?partNumber=1&uploadId=u").name(), "UploadPartCopy");
}

#[rstest]
#[case::two_subresources("GET", "/bucket?acl&policy", 405, "MethodNotAllowed")]
#[case::subresource_value("GET", "/bucket?acl=x", 405, "MethodNotAllowed")]
#[case::half_an_upload("PUT", "/bucket/a?uploadId=u", 405, "MethodNotAllowed")]
#[case::form_upload("POST", "/bucket", 405, "MethodNotAllowed")]
#[case::other_hint("GET", "/bucket/a?x-id=PutObject", 405, "MethodNotAllowed")]
#[case::bucket_name("GET", "/a%2Fb", 400, "InvalidRequest")]
#[case::short_name("GET", "/ab", 400, "InvalidRequest")]
#[case::dots("GET", "/bucket/../other/key", 400, "InvalidRequest")]
#[case::encoded_dots("GET", "/bucket/%2e%2e/other/key", 400, "InvalidRequest")]
#[case::encoded_slash("GET", "/bucket/a%2F..%2Fb", 400, "InvalidRequest")]
#[case::backslash("GET", "/bucket/a\\..\\..\\other/key", 400, "InvalidRequest")]
#[case::no_bucket("GET", "//key", 400, "InvalidRequest")]
#[case::repeated("GET", "/bucket?prefix=a&prefix=b", 400, "InvalidRequest")]
#[case::method("PATCH", "/bucket", 405, "MethodNotAllowed")]
fn s3_requests_that_are_not_certain_are_refused(
    #[case] method: &str,
    #[case] uri: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let (found_status, found, _) = refused(rest("s3", method, uri, ""));
    assert_eq!((found_status, found.as_str()), (status, code));
}

#[rstest]
#[case("bucket.s3.amazonaws.com", "/a/b")]
#[case("bucket.s3.eu-west-1.amazonaws.com", "/a/b")]
#[case("bucket.s3.localhost:4566", "/a/b")]
#[case("bucket.localhost:4566", "/a/b")]
#[case("s3.localhost:4566", "/bucket/a/b")]
#[case("127.0.0.1:4566", "/bucket/a/b")]
#[case("[::1]:4566", "/bucket/a/b")]
fn buckets_stand_in_the_host_or_in_the_path(#[case] host: &str, #[case] path: &str) {
    let (parts, body) = request("s3", "GET", path, &[("host", host)], "");
    let call = identify(&parts, &body, "").unwrap();
    assert_eq!((call.text("Bucket"), call.text("Key")), (Some("bucket"), Some("a/b")));
    // Unsigned requests are S3's where nothing says otherwise.
    let (parts, body) = request("", "GET", path, &[("host", host)], "");
    assert_eq!(identify(&parts, &body, "").unwrap().text("Bucket"), Some("bucket"));
}

#[test]
fn the_keys_of_delete_objects_are_read() {
    let body = "<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>";
    let call = rest("s3", "POST", "/bucket?delete", body).unwrap();
    assert_eq!(call.input["Delete"], json!({"Object": [{"Key": "a&b"}, {"Key": "c"}]}));
    for (body, message) in [
        ("<Remove/>", "the root element of the body is `Remove`, not `Delete`"),
        ("<Delete>", "the XML of the body cannot be read"),
        ("<!DOCTYPE Delete><Delete/>", "the XML of the body cannot be read"),
    ] {
        let (_, _, found) = refused(rest("s3", "POST", "/bucket?delete", body));
        assert!(found.starts_with(message), "{found}");
    }
    let (_, _, found) = refused(rest("s3", "DELETE", "/bucket/a", "<Delete/>"));
    assert_eq!(found, "DeleteObject takes no body");
}

#[test]
fn a_chunked_object_is_decoded() {
    let headers = [
        ("content-encoding", "gzip, aws-chunked"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", "5"),
        ("x-amz-meta-owner", "me"),
    ];
    let (parts, body) = request("s3", "PUT", "/bucket/a", &headers, "5\r\nhello\r\n0\r\n\r\n");
    let call = identify(&parts, &body, "").unwrap();
    assert_eq!(call.payload.as_deref(), Some(b"hello".as_slice()));
    assert_eq!(call.text("ContentEncoding"), Some("gzip"));
    assert_eq!(call.input["Metadata"], json!({"owner": "me"}));
    let (parts, body) = request("s3", "PUT", "/bucket/a", &headers, "5\r\nhell");
    assert_eq!(refused(identify(&parts, &body, "")).1, "InvalidRequest");
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    let (parts, _) = request("iam", "POST", "/", &[FORM], "");
    let body = Bytes::from(vec![b'a'; body_limit(Service::Iam) + 1]);
    assert_eq!(
        refused(identify(&parts, &body, "")),
        (
            413,
            "RequestEntityTooLarge".to_owned(),
            "Request must be smaller than 4194304 bytes".to_owned()
        )
    );
}

#[test]
fn an_unidentified_request_is_answered_in_its_own_dialect() {
    let dialect = |service: &str, path: &str, headers: &[(&'static str, &str)]| {
        let (parts, _) = request(service, "POST", path, headers, "");
        let service = error_dialect(&parts);
        (service.name(), error_protocol(&parts, service))
    };
    // It spoke the query protocol once.
    assert_eq!(dialect("sqs", "/", &[FORM]), ("sqs", Protocol::Query));
    assert_eq!(dialect("sqs", "/", &[]), ("sqs", Protocol::Json));
    let target = ("x-amz-target", "TrentService.Nothing");
    assert_eq!(dialect("kms", "/", &[target]), ("kms", Protocol::Json));
    assert_eq!(dialect("nothing", "/", &[target]), ("ssm", Protocol::Json));
    assert_eq!(dialect("apigateway", "/nothing", &[]), ("apigateway", Protocol::RestJson));
    assert_eq!(dialect("apigateway", "/v2/nothing", &[]), ("apigatewayv2", Protocol::RestJson));
    assert_eq!(dialect("route53", "/", &[]), ("route53", Protocol::RestXml));
    let cbor = ("smithy-protocol", "rpc-v2-cbor");
    assert_eq!(dialect("monitoring", "/service/x", &[cbor]), ("cloudwatch", Protocol::Cbor));
    assert_eq!(dialect("monitoring", "/", &[FORM]), ("cloudwatch", Protocol::Query));
    // Whoever signs it, the path and the header tell.
    const ALARMS: &str = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
    let of_nobody = |path: &str, authorization: Option<&str>| {
        let (mut parts, _) = request("monitoring", "POST", path, &[cbor], "");
        parts.headers.remove("authorization");
        if let Some(authorization) = authorization {
            parts.headers.insert("authorization", authorization.parse().unwrap());
        }
        let service = error_dialect(&parts);
        (service.name(), error_protocol(&parts, service))
    };
    for authorization in [None, Some("Bearer x"), Some("AWS4-HMAC-SHA256 Credential=x")] {
        let told = of_nobody(ALARMS, authorization);
        assert_eq!(told, ("cloudwatch", Protocol::Cbor), "{authorization:?}");
        let told = of_nobody("/service/Nothing/operation/Nothing", authorization);
        assert_eq!(told.1, Protocol::Cbor, "{authorization:?}");
    }
    assert_eq!(dialect("nothing", ALARMS, &[cbor]), ("cloudwatch", Protocol::Cbor));
    assert_eq!(dialect("iam", ALARMS, &[cbor]), ("cloudwatch", Protocol::Cbor));
}

/// curl calls a body a form where nobody says what it is.
#[test]
fn an_upload_to_s3_is_told_of_in_s3s_words_whatever_it_says_to_be() {
    let told = |method: &str, uri: &str| {
        let (parts, _) = request("", method, uri, &[FORM], "");
        error_dialect(&parts).name()
    };
    const SIGNED: &str = "/bucket/key?AWSAccessKeyId=AKIA&Signature=x&Expires=1";
    assert_eq!(told("PUT", SIGNED), "s3");
    assert_eq!(told("POST", "/bucket/key?uploads&AWSAccessKeyId=AKIA&Signature=x&Expires=1"), "s3");
    assert_eq!(told("PUT", "/bucket/key"), "s3");
    assert_eq!(told("POST", "/"), "sts");
    assert_eq!(told("GET", "/?Action=Select&AWSAccessKeyId=AKIA&Signature=x"), "sts");
}

/// Signatures for several regions and bearer tokens: who calls is not verified, and
/// what is called is known.
#[test]
fn what_is_signed_otherwise_is_identified() {
    let named = |authorization: &str, host: &str, regions: Option<&str>| {
        let (mut parts, body) =
            request("s3", "GET", "/key-value-stores/arn%3Aaws%3Ax/keys", &[], "");
        parts.headers.insert("authorization", authorization.parse().unwrap());
        parts.headers.insert("host", host.parse().unwrap());
        if let Some(regions) = regions {
            parts.headers.insert("x-amz-region-set", regions.parse().unwrap());
        }
        identify(&parts, &body, "eu-west-1")
            .map(|call| format!("{} {} {}", call.service(), call.name(), call.region))
            .map_err(|error| error.message.to_string())
    };
    const SIGNED: &str = "AWS4-ECDSA-P256-SHA256 \
        Credential=AKIA/20260101/cloudfront-keyvaluestore/aws4_request, SignedHeaders=host, \
        Signature=00";
    let keys = |region: &str| Ok(format!("cloudfront-keyvaluestore ListKeys {region}"));
    assert_eq!(named(SIGNED, "localhost", Some("*")), keys("eu-west-1"));
    assert_eq!(named(SIGNED, "localhost", Some("us-west-2")), keys("us-west-2"));
    assert_eq!(
        named(&SIGNED.replace("20260101/", ""), "localhost", None).unwrap_err(),
        "the credential scope `AKIA/cloudfront-keyvaluestore/aws4_request` does not end in \
         `SERVICE/aws4_request`"
    );
    assert_eq!(
        named("Bearer x", "localhost", None).unwrap_err(),
        "the header `Authorization` is not a Signature Version 4 credential"
    );
    assert_eq!(
        named("Bearer x", "codecatalyst.global.api.aws", None).unwrap_err(),
        "codecatalyst has no operation for GET `/key-value-stores/arn%3Aaws%3Ax/keys`"
    );
}

/// moto's `test_put_object_lock_misconfiguration`, verified on AWS.
#[test]
fn what_says_nothing_where_a_body_is_needed_is_refused() {
    let put = |query: &str, headers: &[(&str, &str)]| {
        let (parts, body) = request("s3", "PUT", &format!("/bucket?{query}"), headers, "");
        identify(&parts, &body, "eu-west-1")
    };
    assert_eq!(
        refused(put("object-lock", &[])),
        (400, "MissingRequestBodyError".to_owned(), "Request Body is empty".to_owned())
    );
    // A canned ACL and grants are all that such a call says.
    for header in [("x-amz-acl", "private"), ("x-amz-grant-read", "id=\"a\"")] {
        assert_eq!(put("acl", &[header]).unwrap().name(), "PutBucketAcl");
    }
}

/// A presigned URL's signature for several regions has no region in its scope
/// either: its date is none.
#[test]
fn a_presigned_url_for_several_regions_is_identified() {
    let named = |algorithm: &str, regions: &str| {
        let (mut parts, body) = request("s3", "GET", "/", &[], "");
        parts.headers.remove("authorization");
        let signed = format!(
            "/photos/key?X-Amz-Algorithm={algorithm}&X-Amz-Credential=AKIA%2F20260101%2Fs3\
             %2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60\
             &X-Amz-Region-Set={regions}&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
        );
        parts.uri = signed.parse().unwrap();
        let call = identify(&parts, &body, "eu-west-1").unwrap();
        let named = format!("{} {} {}", call.service(), call.name(), call.region);
        assert_eq!(json!(call.input), json!({"Bucket": "photos", "Key": "key"}));
        (named, crate::signature::read(&parts).unwrap_err().to_string())
    };
    let refused = "the algorithm `AWS4-ECDSA-P256-SHA256` is not supported".to_owned();
    let get = |region: &str| (format!("s3 GetObject {region}"), refused.clone());
    assert_eq!(named("AWS4-ECDSA-P256-SHA256", "%2A"), get("eu-west-1"));
    assert_eq!(named("AWS4-ECDSA-P256-SHA256", "us-west-2"), get("us-west-2"));
}

fn cbor(path: &str, body: &[u8], content_type: &str) -> Result<Call, ServiceError> {
    let headers = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", content_type)];
    let (parts, _) = request("monitoring", "POST", path, &headers, "");
    identify(&parts, &Bytes::copy_from_slice(body), "")
}

#[test]
fn a_cbor_call_is_read() {
    const PATH: &str = "/service/GraniteServiceVersion20100801/operation/DeleteAlarms";
    let value = json!({"AlarmNames": ["a", "b"]});
    let body = crate::cbor::encode(&value);
    let call = cbor(PATH, &body, "application/cbor").unwrap();
    assert_eq!((call.service().name(), call.name()), ("cloudwatch", "DeleteAlarms"));
    assert_eq!(json!(call.input), value);

    let wrong = |path: &str, body: &[u8], content_type: &str| {
        let (status, code, message) = refused(cbor(path, body, content_type));
        (status, code + ": " + &message)
    };
    assert_eq!(
        wrong(PATH, &body[..5], "application/cbor"),
        (400, "SerializationException: the body is not CBOR: it ends too early".to_owned())
    );
    assert_eq!(
        wrong(PATH, &body, "application/json").1,
        "SerializationException: the content type of a CBOR request is `application/cbor`, not \
         `application/json`"
    );
    assert_eq!(
        wrong(PATH, &[0x80], "application/cbor").1,
        "SerializationException: the body is CBOR, but no map"
    );
    let unknown = crate::cbor::encode(&json!({"AlarmNames": [], "More": 1}));
    assert_eq!(
        wrong(PATH, &unknown, "application/cbor").1,
        "ValidationException: DeleteAlarms has no member `More`"
    );
    assert_eq!(
        wrong("/service/GraniteServiceVersion20100801/operation/Nothing", &body, "x").1,
        "UnknownOperationException: cloudwatch has no operation at \
         `/service/GraniteServiceVersion20100801/operation/Nothing`"
    );
    assert_eq!(
        wrong("/service/AmazonSSM/operation/GetParameter", &body, "x").1,
        "UnknownService: the credential scope names cloudwatch but the path names ssm"
    );
}

#[test]
fn a_service_of_three_protocols_is_read_in_each() {
    let form = "Action=DeleteAlarms&Version=2010-08-01&AlarmNames.member.1=a";
    let (parts, body) = request("monitoring", "POST", "/", &[FORM], form);
    let call = identify(&parts, &body, "").unwrap();
    assert_eq!(json!(call.input), json!({"AlarmNames": ["a"]}));
    assert_eq!(error_protocol(&parts, call.service()), Protocol::Query);
    let headers = [
        ("x-amz-target", "GraniteServiceVersion20100801.DeleteAlarms"),
        ("content-type", "application/x-amz-json-1.0"),
    ];
    let (parts, body) = request("monitoring", "POST", "/", &headers, r#"{"AlarmNames":["a"]}"#);
    let call = identify(&parts, &body, "").unwrap();
    assert_eq!(json!(call.input), json!({"AlarmNames": ["a"]}));
    assert_eq!(error_protocol(&parts, call.service()), Protocol::Json);
}

/// As SDKs compress `PutMetricData`; of S3 the encoding is an object's.
#[test]
fn a_compressed_body_is_read() {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(br#"{"Namespace": "n"}"#).unwrap();
    let packed = encoder.finish().unwrap();
    let headers = [
        ("x-amz-target", "GraniteServiceVersion20100801.PutMetricData"),
        ("content-type", "application/x-amz-json-1.0"),
        ("content-encoding", "gzip"),
    ];
    let sent = |service: &str, body: &[u8]| {
        let (parts, _) = request(service, "POST", "/", &headers, "");
        identify(&parts, &Bytes::copy_from_slice(body), "us-east-1")
    };
    let call = sent("monitoring", &packed).unwrap();
    assert_eq!(call.input.get("Namespace"), Some(&json!("n")));
    let (status, _, message) = refused(sent("monitoring", b"{}"));
    assert_eq!((status, &*message), (400, "the body is not gzip: unexpected end of file"));

    let (parts, _) = request("s3", "PUT", "/bucket/k", &[("content-encoding", "gzip")], "");
    let call = identify(&parts, &Bytes::copy_from_slice(&packed), "us-east-1").unwrap();
    assert_eq!(call.payload.as_deref(), Some(packed.as_slice()));
}
