//! An account's Block Public Access, which S3 Control sets for all its buckets
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html>).
//! It is kept here: emulators keep it and do not decide by it, or do not know it.

use std::sync::{PoisonError, RwLock};

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Value, json};

/// The settings of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// `BlockPublicAcls`.
    pub(crate) public_acls: bool,
    /// `IgnorePublicAcls`.
    pub(crate) ignored_acls: bool,
    /// `BlockPublicPolicy`.
    pub(crate) public_policy: bool,
    /// `RestrictPublicBuckets`.
    pub(crate) restricted: bool,
}

/// The account's settings, where it has any.
#[derive(Debug, Default)]
pub(crate) struct PublicAccess(RwLock<Option<Blocks>>);

impl PublicAccess {
    /// What the account blocks; an account without settings blocks nothing.
    pub(crate) fn blocks(&self) -> Blocks {
        self.kept().unwrap_or_default()
    }

    fn kept(&self) -> Option<Blocks> {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, blocks: Option<Blocks>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = blocks;
    }
}

/// Whether a call of S3 Control is answered here.
pub(super) fn answers(call: &Call) -> bool {
    matches!(
        call.name(),
        "DeletePublicAccessBlock" | "GetPublicAccessBlock" | "PutPublicAccessBlock"
    )
}

/// Answers an authorized call.
///
/// # Errors
/// S3 Control's own.
pub(super) fn answer(
    call: &Call,
    kept: &PublicAccess,
    account_id: &str,
) -> Result<Reply, ServiceError> {
    // "The account ID … that you want to" set: another's is nobody's to set.
    if call.text("AccountId") != Some(account_id) {
        return Err(ServiceError::new(403, "AccessDenied", "Access Denied"));
    }
    match call.name() {
        "PutPublicAccessBlock" => {
            kept.keep(Some(read(call)?));
            Ok(Reply::fields(json!({})))
        }
        "DeletePublicAccessBlock" => {
            kept.keep(None);
            Ok(Reply::fields(json!({})))
        }
        _ => match kept.kept() {
            Some(blocks) => Ok(Reply::fields(json!({"PublicAccessBlockConfiguration": {
                "BlockPublicAcls": blocks.public_acls,
                "IgnorePublicAcls": blocks.ignored_acls,
                "BlockPublicPolicy": blocks.public_policy,
                "RestrictPublicBuckets": blocks.restricted,
            }}))),
            None => Err(ServiceError::new(
                404,
                "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found",
            )),
        },
    }
}

/// A setting that is not given is off.
fn read(call: &Call) -> Result<Blocks, ServiceError> {
    let malformed = || {
        let message = "The XML you provided was not well-formed or did not validate against our \
            published schema";
        ServiceError::new(400, "MalformedXML", message)
    };
    let given = call.input.get("PublicAccessBlockConfiguration").and_then(Value::as_object);
    let given = given.ok_or_else(malformed)?;
    let is_on = |name: &str| match given.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(malformed()),
    };
    Ok(Blocks {
        public_acls: is_on("BlockPublicAcls")?,
        ignored_acls: is_on("IgnorePublicAcls")?,
        public_policy: is_on("BlockPublicPolicy")?,
        restricted: is_on("RestrictPublicBuckets")?,
    })
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};

    use super::*;

    const ACCOUNT: &str = "123456789012";

    fn call(operation: &str, input: Value) -> Call {
        Call {
            operation: Operation::find(Service::S3Control, operation).unwrap(),
            region: "eu-west-1".into(),
            input: input.as_object().unwrap().clone(),
            payload: None,
        }
    }

    fn answered(kept: &PublicAccess, operation: &str, input: Value) -> Result<Reply, ServiceError> {
        answer(&call(operation, input), kept, ACCOUNT)
    }

    #[test]
    fn what_is_put_is_got_until_it_is_deleted() {
        let kept = PublicAccess::default();
        let named = || json!({"AccountId": ACCOUNT});
        let none = answered(&kept, "GetPublicAccessBlock", named()).unwrap_err();
        assert_eq!(
            (none.status, none.code.as_ref()),
            (404, "NoSuchPublicAccessBlockConfiguration")
        );
        let some = json!({"RestrictPublicBuckets": "true", "BlockPublicAcls": true});
        let put = json!({"AccountId": ACCOUNT, "PublicAccessBlockConfiguration": some});
        answered(&kept, "PutPublicAccessBlock", put).unwrap();
        let blocks = Blocks {
            public_acls: true,
            ignored_acls: false,
            public_policy: false,
            restricted: true,
        };
        assert_eq!(kept.blocks(), blocks);
        answered(&kept, "GetPublicAccessBlock", named()).unwrap();
        answered(&kept, "DeletePublicAccessBlock", named()).unwrap();
        assert_eq!(kept.blocks(), Blocks::default());
    }

    #[test]
    fn another_accounts_settings_and_malformed_ones_are_refused() {
        let kept = PublicAccess::default();
        let other = json!({"AccountId": "999999999999"});
        let error = answered(&kept, "GetPublicAccessBlock", other).unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (403, "AccessDenied"));
        for wrong in [json!(null), json!({"BlockPublicAcls": "maybe"}), json!("x")] {
            let put = json!({"AccountId": ACCOUNT, "PublicAccessBlockConfiguration": wrong});
            let error = answered(&kept, "PutPublicAccessBlock", put).unwrap_err();
            assert_eq!((error.status, error.code.as_ref()), (400, "MalformedXML"));
        }
    }
}
