//! The policy documents that applying Layer 1 again changed, where that is all that
//! it changed. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_guard::recording::{inline_id, managed_id};
use ringfence_policy::{Document, Kind};
use serde_json::Value;

use crate::terraform::Instance;

/// What Terraform made, by root module and address.
pub(super) type Made = BTreeMap<(usize, String), Instance>;

/// Documents by their ids in the guard's recording.
pub(super) type Documents = BTreeMap<String, Arc<Document>>;

/// The documents that differ. Else the first thing by which more than the text of
/// policies differs, so that what it reaches cannot be told from decisions.
pub(super) fn changed(before: &Made, after: &Made) -> Result<Documents, String> {
    let mut documents = Documents::new();
    let all: BTreeSet<&(usize, String)> = before.keys().chain(after.keys()).collect();
    for key in all {
        match (before.get(key), after.get(key)) {
            (Some(before), Some(after)) if before == after || is_told(before, after) => {}
            (Some(before), Some(after)) => match document(before, after) {
                Some((id, document)) => drop(documents.insert(id, document)),
                None => return Err(format!("`{}` changed", key.1)),
            },
            (None, _) => return Err(format!("`{}` is new", key.1)),
            (_, None) => return Err(format!("`{}` is gone", key.1)),
        }
    }
    Ok(documents)
}

/// The documents of these ids, as they are.
pub(super) fn of(made: &Made, ids: &BTreeSet<String>) -> Documents {
    made.values().filter_map(written).filter(|(id, _)| ids.contains(id)).collect()
}

/// The attribute with the document, of what is nothing else.
const TEXT: &str = "policy";

/// What AWS tells of a policy that nobody wrote: how many have it.
const TOLD: &str = "attachment_count";

/// The document of a policy of which nothing else differs.
fn document(before: &Instance, after: &Instance) -> Option<(String, Arc<Document>)> {
    let found = written(after)?;
    same_but(before, after, &[TEXT, TOLD]).then_some(found)
}

/// The document of a policy.
fn written(after: &Instance) -> Option<(String, Arc<Document>)> {
    let (text, id, name) = match after.kind.as_str() {
        "aws_iam_policy" => {
            let arn = after.text("arn")?;
            (after.text(TEXT)?, managed_id(arn), arn)
        }
        "aws_iam_role_policy" => {
            let name = after.text("name")?;
            (after.text(TEXT)?, inline_id("role", after.text("role")?, name), name)
        }
        _ => return None,
    };
    let document = Document::parse(name, text, Kind::Identity).ok()?;
    Some((id, Arc::new(document)))
}

/// Whether a policy differs in what AWS tells of it alone.
fn is_told(before: &Instance, after: &Instance) -> bool {
    after.kind == "aws_iam_policy" && same_but(before, after, &[TOLD])
}

fn same_but(before: &Instance, after: &Instance, attributes: &[&str]) -> bool {
    let without = |instance: &Instance| {
        let mut kept = instance.attributes.clone();
        if let Value::Object(kept) = &mut kept {
            kept.retain(|name, _| !attributes.contains(&name.as_str()));
        }
        kept
    };
    before.kind == after.kind && without(before) == without(after)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:policy/limits";

    fn policy(action: &str) -> String {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    }

    fn made(kind: &str, attributes: Value) -> Made {
        let instance = Instance {
            root: None,
            kind: kind.to_owned(),
            module: None,
            name: "it".to_owned(),
            key: None,
            attributes,
        };
        Made::from([((0, instance.address()), instance)])
    }

    fn managed(action: &str, count: u64, path: &str) -> Made {
        let attributes = json!({
            "arn": ARN, "policy": policy(action), "attachment_count": count, "path": path,
        });
        made("aws_iam_policy", attributes)
    }

    fn ids(before: &Made, after: &Made) -> Result<Vec<String>, String> {
        changed(before, after).map(|documents| documents.into_keys().collect())
    }

    #[test]
    fn a_policy_whose_text_alone_differs_is_its_document() {
        let (before, after) = (managed("s3:Get*", 0, "/"), managed("s3:*", 2, "/"));
        assert_eq!(ids(&before, &before), Ok(vec![]));
        assert_eq!(ids(&before, &managed("s3:Get*", 2, "/")), Ok(vec![]));
        let documents = changed(&before, &after).unwrap();
        let document = documents.get("policy/arn:aws:iam::123456789012:policy/limits").unwrap();
        assert_eq!((document.name(), document.text()), (ARN, policy("s3:*").as_str()));
        let inline = |action: &str| {
            let attributes = json!({"role": "app", "name": "own", "policy": policy(action)});
            made("aws_iam_role_policy", attributes)
        };
        assert_eq!(ids(&inline("a:B"), &inline("a:C")), Ok(vec!["role/app/inline/own".to_owned()]));
    }

    #[test]
    fn whatever_else_differs_is_named() {
        let policy = managed("s3:*", 0, "/");
        let moved = managed("s3:*", 0, "/other/");
        assert_eq!(ids(&policy, &moved), Err("`aws_iam_policy.it` changed".to_owned()));
        assert_eq!(ids(&policy, &Made::new()), Err("`aws_iam_policy.it` is gone".to_owned()));
        assert_eq!(ids(&Made::new(), &policy), Err("`aws_iam_policy.it` is new".to_owned()));
        let role = |trust: &str| made("aws_iam_role", json!({"assume_role_policy": trust}));
        let changed = Err("`aws_iam_role.it` changed".to_owned());
        assert_eq!(ids(&role("1"), &role("2")), changed);
        let bucket = |text: &str| made("aws_s3_bucket_policy", json!({"policy": text}));
        assert_eq!(
            ids(&bucket("1"), &bucket("2")),
            Err("`aws_s3_bucket_policy.it` changed".to_owned())
        );
    }
}
