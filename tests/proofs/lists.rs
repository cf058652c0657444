//! Access control lists of S3, where Object Ownership lets them count: whom they let
//! in, on every upstream.

use ringfence::aws::Answer;
use ringfence::stack::Stack;
use serde_json::{Value, json};

use crate::kept::{S3, as_root, refusal};
use crate::stack::with_empty_account;

const BUCKET: &str = "proofs-listed";
const EVERYBODY: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

/// A call without a signature.
async fn nobody(stack: &Stack, operation: &str, key: Option<&str>) -> Answer {
    let mut input = json!({"Bucket": BUCKET});
    if let Some(key) = key {
        input["Key"] = key.into();
    }
    stack.client().call_unsigned(&stack.root().endpoint, S3, operation, input, None).await
}

/// The status and the code of a refusal; nothing of what is allowed.
fn told(answer: Answer) -> Option<(u16, String)> {
    if answer.result.is_ok() {
        return None;
    }
    let (status, code, _) = refusal(answer);
    Some((status, code))
}

fn denied() -> Option<(u16, String)> {
    Some((403, "AccessDenied".to_owned()))
}

/// What a list grants to everybody.
async fn of_everybody(stack: &Stack, operation: &str, input: Value) -> Vec<String> {
    let list = as_root(stack, S3, operation, input).await.result.unwrap();
    let grants = list["AccessControlList"].as_array().unwrap().iter();
    let open = grants.filter(|grant| grant["Grantee"]["URI"] == EVERYBODY);
    open.map(|grant| grant["Permission"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_lets_in_whom_it_names() {
    with_empty_account(async |stack| {
        let bucket = || json!({"Bucket": BUCKET});
        let with = |member: &str, value: Value| json!({"Bucket": BUCKET, member: value});
        let root = async |operation, input| {
            as_root(stack, S3, operation, input).await.result.unwrap();
        };
        root("CreateBucket", with("ObjectOwnership", "ObjectWriter".into())).await;
        root("DeletePublicAccessBlock", bucket()).await;
        root("PutBucketAcl", with("ACL", "public-read-write".into())).await;
        root("PutObject", with("Key", "own".into())).await;
        let open = json!({"Bucket": BUCKET, "Key": "open", "ACL": "public-read"});
        root("PutObject", open).await;
        assert_eq!(of_everybody(stack, "GetBucketAcl", bucket()).await, ["READ", "WRITE"]);
        let own = with("Key", "own".into());
        assert!(of_everybody(stack, "GetObjectAcl", own).await.is_empty());

        assert_eq!(told(nobody(stack, "ListObjectsV2", None).await), None);
        assert_eq!(told(nobody(stack, "GetBucketAcl", None).await), denied());
        assert_eq!(told(nobody(stack, "GetObject", Some("open")).await), None);
        assert_eq!(told(nobody(stack, "GetObject", Some("own")).await), denied());
        assert_eq!(told(nobody(stack, "GetObjectAcl", Some("open")).await), denied());
        assert_eq!(told(nobody(stack, "DeleteObject", Some("open")).await), denied());
        assert_eq!(told(nobody(stack, "PutObject", Some("open")).await), denied());
        // Its object would be nobody's.
        let undecided = Some((418, "RingfenceUndecided".to_owned()));
        assert_eq!(told(nobody(stack, "PutObject", Some("new")).await), undecided);

        let ignored = json!({"IgnorePublicAcls": true});
        root("PutPublicAccessBlock", with("PublicAccessBlockConfiguration", ignored)).await;
        assert_eq!(told(nobody(stack, "ListObjectsV2", None).await), denied());
        assert_eq!(told(nobody(stack, "GetObject", Some("open")).await), denied());
        root("DeletePublicAccessBlock", bucket()).await;
        assert_eq!(told(nobody(stack, "GetObject", Some("open")).await), None);

        // Disabled once the bucket's own grants nothing.
        let enforced = json!({"Rule": [{"ObjectOwnership": "BucketOwnerEnforced"}]});
        let enforce = || with("OwnershipControls", enforced.clone());
        let answer = as_root(stack, S3, "PutBucketOwnershipControls", enforce()).await;
        let against = Some((400, "InvalidBucketAclWithObjectOwnership".to_owned()));
        assert_eq!(told(answer), against);
        root("PutBucketAcl", with("ACL", "private".into())).await;
        root("PutBucketOwnershipControls", enforce()).await;
        assert_eq!(told(nobody(stack, "GetObject", Some("open")).await), denied());
    });
}
