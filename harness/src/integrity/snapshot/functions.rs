//! Functions: configuration and code, resource policy, concurrency, URLs, and
//! aliases. Layers and event source mappings are read by their addresses.

use futures_util::future::try_join_all;
use ringfence_wire::services::Lambda;
use serde_json::{Map, Value, json};

use super::SnapshotError;
use super::reader::{Objects, Reader, object, text};

/// States, dates and the ids of revisions are no content; a function's code is
/// in its hash.
const LEFT_OUT: [&str; 13] = [
    "LastModified",
    "LastModifiedTime",
    "CreationTime",
    "RevisionId",
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "CodeSize",
    "LastProcessingResult",
    "FunctionVersion",
];

pub(super) async fn read(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let functions = reader.list(Lambda, "ListFunctions", json!({}), "Functions").await?;
    let each = functions.into_iter().map(|function| one(reader, function));
    Ok(try_join_all(each).await?.into_iter().flatten().collect())
}

async fn one(reader: &Reader<'_>, mut function: Value) -> Result<Objects, SnapshotError> {
    let (name, arn) = (text(&function, "FunctionName"), text(&function, "FunctionArn"));
    let asked = || json!({"FunctionName": name});
    let (policy, concurrency, aliases, urls, tags) = futures_util::try_join!(
        reader.ask(Lambda, "GetPolicy", asked()),
        reader.ask(Lambda, "GetFunctionConcurrency", asked()),
        reader.list(Lambda, "ListAliases", asked(), "Aliases"),
        reader.list(Lambda, "ListFunctionUrlConfigs", asked(), "FunctionUrlConfigs"),
        reader.ask(Lambda, "ListTags", json!({"Resource": arn})),
    )?;
    if let Some(members) = function.as_object_mut() {
        let reserved = concurrency.and_then(|all| all.get("ReservedConcurrentExecutions").cloned());
        members.insert("ReservedConcurrentExecutions".to_owned(), reserved.unwrap_or_default());
        let tags = tags.and_then(|all| all.get("Tags").cloned());
        members.insert("Tags".to_owned(), tags.unwrap_or_default());
        // What is added to a function of Layer 1's is a change of it: both are members
        // where there is none, too.
        let policy = policy.and_then(|all| all.get("Policy").cloned());
        members.insert("Policy".to_owned(), policy.unwrap_or_default());
        members.insert("URLs".to_owned(), by_arn(urls));
    }
    let mut objects = Objects::new();
    for alias in aliases {
        let shown = format!("{name}:{}", text(&alias, "Name"));
        let arns = vec![arn.clone(), text(&alias, "AliasArn")];
        // Which version it leads to is the alias's whole content.
        let left_out = ["RevisionId"];
        objects.push(object("alias", shown, alias, &left_out, arns));
    }
    objects.push(object("function", name, function, &LEFT_OUT, vec![arn]));
    Ok(objects)
}

/// The URLs of a function and of its aliases, by whose they are; null where there
/// is none.
fn by_arn(urls: Vec<Value>) -> Value {
    let each = urls.into_iter().map(|mut url| {
        if let Some(members) = url.as_object_mut() {
            members.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
        }
        (text(&url, "FunctionArn"), url)
    });
    let urls: Map<String, Value> = each.collect();
    if urls.is_empty() { Value::Null } else { Value::Object(urls) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_by_whose_they_are_without_dates_and_null_where_there_is_none() {
        assert_eq!(by_arn(Vec::new()), Value::Null);
        let url = json!({"FunctionArn": "arn:f:live", "AuthType": "NONE", "CreationTime": "t",
            "LastModifiedTime": "t"});
        let expected = json!({"arn:f:live": {"FunctionArn": "arn:f:live", "AuthType": "NONE"}});
        assert_eq!(by_arn(vec![url]), expected);
    }
}
