//! What a call names is what it is decided about and what it changes, on every
//! upstream.

use ringfence::aws::Answer;
use ringfence::stack::Stack;
use ringfence::terraform::Access;
use ringfence_wire::{Secret, Service, ServiceError};
use serde_json::{Value, json};

use crate::stack::with_empty_account;

async fn as_root(stack: &Stack, service: Service, operation: &str, input: Value) -> Value {
    stack.client().call(&stack.root(), service, operation, input).await.result.unwrap()
}

/// A user who may do all that is not denied.
async fn user(stack: &Stack, name: &str, denied: Value) -> Access {
    let named = json!({"UserName": name});
    as_root(stack, Service::Iam, "CreateUser", named.clone()).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"}, denied]});
    let put = json!({"UserName": name, "PolicyName": "own", "PolicyDocument": policy.to_string()});
    as_root(stack, Service::Iam, "PutUserPolicy", put).await;
    let made = as_root(stack, Service::Iam, "CreateAccessKey", named).await;
    let text = |member: &str| made["AccessKey"][member].as_str().unwrap().to_owned();
    Access {
        access_key_id: text("AccessKeyId"),
        secret_access_key: Secret::new(text("SecretAccessKey")),
        session_token: None,
        ..stack.root()
    }
}

/// What belongs to team `b` is not the user's.
fn not_of_b() -> Value {
    json!({"Effect": "Deny", "Action": "ec2:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "b"}}})
}

fn of_b(kind: &str) -> Value {
    json!([{"ResourceType": kind, "Tag": [{"Key": "team", "Value": "b"}]}])
}

fn refusal(answer: Answer) -> (u16, String) {
    let ServiceError { status, code, .. } = answer.result.unwrap_err();
    (status, code.into_owned())
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {value}"))
}

#[test]
fn a_name_beside_an_id_changes_nothing_of_anothers() {
    with_empty_account(async |stack| {
        let ec2 = Service::Ec2;
        let own = as_root(stack, ec2, "CreateKeyPair", json!({"KeyName": "own"})).await;
        let others = json!({"KeyName": "others", "TagSpecification": of_b("key-pair")});
        let others = as_root(stack, ec2, "CreateKeyPair", others).await;
        let (own, others) = (text(&own, "/keyPairId"), text(&others, "/keyPairId"));
        let mallory = user(stack, "mallory", not_of_b()).await;
        let delete = async |input| stack.client().call(&mallory, ec2, "DeleteKeyPair", input).await;

        let both = delete(json!({"KeyPairId": own, "KeyName": "others"})).await;
        assert_eq!(refusal(both), (400, "InvalidParameterCombination".to_owned()));
        for input in [json!({"KeyName": "others"}), json!({"KeyPairId": others})] {
            let denied = delete(input).await;
            assert_eq!(refusal(denied), (403, "UnauthorizedOperation".to_owned()));
        }
        delete(json!({"KeyPairId": own})).await.result.unwrap();
        let left = as_root(stack, ec2, "DescribeKeyPairs", json!({})).await;
        assert_eq!(left["keySet"].as_array().unwrap().len(), 1);
        assert_eq!(text(&left, "/keySet/0/keyName"), "others");
    });
}

#[test]
fn a_group_is_opened_by_the_name_that_was_decided_about() {
    with_empty_account(async |stack| {
        let ec2 = Service::Ec2;
        let vpcs = as_root(stack, ec2, "DescribeVpcs", json!({})).await;
        let default = text(&vpcs, "/vpcSet/0/vpcId").to_owned();
        let mut ids = Vec::new();
        for (name, tags) in [("own", json!([])), ("others", of_b("security-group"))] {
            let input = json!({"GroupName": name, "GroupDescription": name, "VpcId": default,
                "TagSpecification": tags});
            let made = as_root(stack, ec2, "CreateSecurityGroup", input).await;
            ids.push(text(&made, "/groupId").to_owned());
        }
        let mallory = user(stack, "mallory", not_of_b()).await;
        let open = async |mut input: Value| {
            let rule = json!([{"IpProtocol": "tcp", "FromPort": "22", "ToPort": "22",
                "IpRanges": [{"CidrIp": "203.0.113.0/24"}]}]);
            input["IpPermissions"] = rule;
            stack.client().call(&mallory, ec2, "AuthorizeSecurityGroupIngress", input).await
        };
        let both = open(json!({"GroupId": ids[0], "GroupName": "others"})).await;
        assert_eq!(refusal(both), (400, "InvalidParameterCombination".to_owned()));
        let denied = open(json!({"GroupName": "others"})).await;
        assert_eq!(refusal(denied), (403, "UnauthorizedOperation".to_owned()));
        open(json!({"GroupName": "own"})).await.result.unwrap();
        let groups = as_root(stack, ec2, "DescribeSecurityGroups", json!({"GroupId": ids})).await;
        for group in groups["securityGroupInfo"].as_array().unwrap() {
            let rules = group["ipPermissions"].as_array().map_or(0, Vec::len);
            assert_eq!(rules, usize::from(group["groupName"] == "own"), "{group}");
        }
    });
}

#[test]
fn an_association_is_decided_about_as_what_it_associates() {
    with_empty_account(async |stack| {
        let ec2 = Service::Ec2;
        let vpc = as_root(stack, ec2, "CreateVpc", json!({"CidrBlock": "10.7.0.0/16"})).await;
        let vpc = text(&vpc, "/vpc/vpcId").to_owned();
        let mut associations = Vec::new();
        for (place, tags) in [("10.7.1.0/24", json!([])), ("10.7.2.0/24", of_b("route-table"))] {
            let subnet = json!({"VpcId": vpc, "CidrBlock": place});
            let subnet = as_root(stack, ec2, "CreateSubnet", subnet).await;
            let table = json!({"VpcId": vpc, "TagSpecification": tags});
            let table = as_root(stack, ec2, "CreateRouteTable", table).await;
            let input = json!({"RouteTableId": text(&table, "/routeTable/routeTableId"),
                "SubnetId": text(&subnet, "/subnet/subnetId")});
            let made = as_root(stack, ec2, "AssociateRouteTable", input).await;
            associations.push(text(&made, "/associationId").to_owned());
        }
        let mallory = user(stack, "mallory", not_of_b()).await;
        let part = async |id: &str| {
            let input = json!({"AssociationId": id});
            stack.client().call(&mallory, ec2, "DisassociateRouteTable", input).await
        };
        let denied = part(&associations[1]).await;
        assert_eq!(refusal(denied), (403, "UnauthorizedOperation".to_owned()));
        part(&associations[0]).await.result.unwrap();
    });
}

#[test]
fn an_upload_belongs_to_one_object() {
    with_empty_account(async |stack| {
        const BUCKET: &str = "proofs-uploads";
        let s3 = Service::S3;
        as_root(stack, s3, "CreateBucket", json!({"Bucket": BUCKET})).await;
        let denied = json!({"Effect": "Deny", "Action": "s3:*",
            "Resource": format!("arn:aws:s3:::{BUCKET}/others/*")});
        let mallory = user(stack, "mallory", denied).await;
        let mut uploads = Vec::new();
        for key in ["own/a", "others/a"] {
            let input = json!({"Bucket": BUCKET, "Key": key});
            let begun = as_root(stack, s3, "CreateMultipartUpload", input).await;
            uploads.push(text(&begun, "/UploadId").to_owned());
        }
        let call = async |operation: &str, key: &str, upload: &str, more: Value| {
            let mut input = json!({"Bucket": BUCKET, "Key": key, "UploadId": upload});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let body = (operation == "UploadPart").then(|| b"part".as_slice().into());
            match body {
                Some(body) => {
                    stack.client().call_with_payload(&mallory, s3, operation, input, body).await
                }
                None => stack.client().call(&mallory, s3, operation, input).await,
            }
        };
        let part = json!({"PartNumber": 1});
        let whole = json!({"MultipartUpload": {"Part": [
            {"PartNumber": 1, "ETag": "\"4dd0e0bff2ce5f36ac34ec3bdd2ee7ea\""}]}});
        for (operation, more) in [
            ("UploadPart", part.clone()),
            ("ListParts", json!({})),
            ("CompleteMultipartUpload", whole.clone()),
            ("AbortMultipartUpload", json!({})),
        ] {
            let stolen = call(operation, "own/a", &uploads[1], more).await;
            assert_eq!(refusal(stolen), (404, "NoSuchUpload".to_owned()), "{operation}");
        }
        call("UploadPart", "own/a", &uploads[0], part).await.result.unwrap();
        let listed = call("ListParts", "own/a", &uploads[0], json!({})).await.result.unwrap();
        let tag = text(&listed, "/Part/0/ETag");
        let whole = json!({"MultipartUpload": {"Part": [{"PartNumber": 1, "ETag": tag}]}});
        let complete =
            async || call("CompleteMultipartUpload", "own/a", &uploads[0], whole.clone()).await;
        complete().await.result.unwrap();
        // A second time as well, as on AWS, which LocalStack does not know; of another
        // object it is still none.
        let again = complete().await;
        if stack.emulator().identity().backend == "localstack" {
            assert_eq!(refusal(again), (404, "NoSuchUpload".to_owned()));
        } else {
            again.result.unwrap();
        }
        let other = call("CompleteMultipartUpload", "own/b", &uploads[0], whole).await;
        assert_eq!(refusal(other), (404, "NoSuchUpload".to_owned()));
        let part = call("UploadPart", "own/a", &uploads[0], json!({"PartNumber": 2})).await;
        assert_eq!(refusal(part), (404, "NoSuchUpload".to_owned()));
        let gone = call("ListParts", "own/a", &uploads[0], json!({})).await;
        assert_eq!(refusal(gone), (404, "NoSuchUpload".to_owned()));
        let listed = as_root(stack, s3, "ListObjectsV2", json!({"Bucket": BUCKET})).await;
        assert_eq!(listed["Contents"].as_array().unwrap().len(), 1);
        assert_eq!(text(&listed, "/Contents/0/Key"), "own/a");
    });
}
