//! Which case of the corpus is a call that somebody can make, and how; or why
//! it is none.

use std::collections::BTreeSet;

use ringfence_wire::Service;
use serde_json::{Map, Value, json};

use crate::upstream::World;

const ACCOUNT: &str = "123456789012";

/// Keys that the guard itself sets in every call, so that a case can neither
/// choose nor lack them.
const ALWAYS: [&str; 15] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:securetransport",
    "aws:sourceip",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:viaawsservice",
];

/// Who calls.
#[derive(Debug)]
pub(crate) enum Caller {
    User { arn: String, name: String },
    Role { name: String, session: String, policies: Option<Vec<String>> },
    Root,
    Anonymous,
}

/// A case as a call.
#[derive(Debug)]
pub(crate) struct Expressed {
    pub(crate) caller: Caller,
    pub(crate) world: World,
    pub(crate) service_control: Vec<Vec<(String, String)>>,
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    pub(crate) input: Value,
}

/// Makes a call of a case.
///
/// # Errors
/// Why it is none.
pub(crate) fn express(case: &Map<String, Value>) -> Result<Expressed, &'static str> {
    if case["expect"].get("error").is_some() {
        return Err("a line that `decide` refuses: no such document gets into an account");
    }
    let policies = case.get("policies").and_then(Value::as_object).cloned().unwrap_or_default();
    let resource = case["resource"].as_str().unwrap();
    let other_account = |account: &str| account != ACCOUNT && account.len() == 12;
    if case.get("resource_account").and_then(Value::as_str).is_some_and(other_account)
        || resource.split(':').nth(4).is_some_and(other_account)
    {
        return Err("a resource of another account: a guard guards one");
    }
    let documents = |name: &str| -> Option<Vec<String>> {
        let list = policies.get(name)?.as_array()?;
        Some(list.iter().map(text).collect())
    };
    let session = documents("session").filter(|list| !list.is_empty());
    let (caller, arn) = caller(case["principal"].as_str().unwrap(), session)?;
    let (service, operation, input) = call(case["action"].as_str().unwrap(), resource)?;
    if matches!(caller, Caller::Anonymous) && service != Service::S3 {
        return Err("an unsigned call of a service that takes none");
    }
    let mut boundaries = documents("boundary").unwrap_or_default();
    if boundaries.len() > 1 {
        return Err("several documents as one boundary");
    }
    let own = policies.get("resource").filter(|policy| !policy.is_null()).map(text);
    let mut world = World {
        arn,
        identity: documents("identity").unwrap_or_default(),
        boundary: boundaries.pop(),
        ..World::default()
    };
    match (service, own) {
        (Service::S3, own) if operation != "ListBuckets" => world.bucket = own,
        (Service::Sts, None) if operation == "AssumeRole" => {
            return Err("a role without a trust policy: IAM makes none");
        }
        (Service::Sts, own) if operation == "AssumeRole" => world.trust = own,
        (_, None) => {}
        _ => return Err("a policy on a resource that the guard knows none of"),
    }
    context(case, &caller, &mut world)?;
    let levels = policies.get("scp").and_then(Value::as_array).cloned().unwrap_or_default();
    let level = |(place, level): (usize, &Value)| {
        let documents = level.as_array().unwrap().iter().enumerate();
        documents.map(|(at, policy)| (format!("scp[{place}][{at}]"), text(policy))).collect()
    };
    let service_control = levels.iter().enumerate().map(level).collect();
    Ok(Expressed { caller, world, service_control, service, operation, input })
}

/// A document's text, whether it stands there as an object or as a string.
fn text(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

fn caller(principal: &str, session: Option<Vec<String>>) -> Result<(Caller, String), &'static str> {
    let own = |kind: &str| principal.strip_prefix(&format!("arn:aws:{kind}"));
    if let Some(rest) = own("sts::123456789012:assumed-role/") {
        let (role, name) = rest.split_once('/').unwrap();
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
        let caller =
            Caller::Role { name: role.to_owned(), session: name.to_owned(), policies: session };
        return Ok((caller, arn));
    }
    if session.is_some() {
        return Err("session policies of a caller that is no role session");
    }
    if let Some(path) = own("iam::123456789012:user/") {
        let name = path.rsplit('/').next().unwrap().to_owned();
        return Ok((Caller::User { arn: principal.to_owned(), name }, principal.to_owned()));
    }
    match principal {
        "*" => Ok((Caller::Anonymous, String::new())),
        "123456789012" | "arn:aws:iam::123456789012:root" => Ok((Caller::Root, String::new())),
        _ if principal.contains(":oidc-provider/") => {
            Err("a web identity: its token is checked first (the token attacks do it)")
        }
        _ if principal.contains(":federated-user/") => {
            Err("a federated user: the guard gives no such sessions")
        }
        _ => Err("a service as the caller: it has no key to call with"),
    }
}

type Call = (Service, &'static str, Value);

/// The call of an action on a resource.
fn call(action: &str, resource: &str) -> Result<Call, &'static str> {
    let object = || resource.strip_prefix("arn:aws:s3:::").and_then(|path| path.split_once('/'));
    let named = |kind: &str| {
        // The upstream holds roles and users without a path.
        resource
            .strip_prefix(&format!("arn:aws:iam::{ACCOUNT}:{kind}/"))
            .filter(|name| !name.contains('/'))
    };
    let one_way = "a resource that no call of the action has";
    let in_bucket = |operation, more: Value| {
        let (bucket, key) = object().ok_or(one_way)?;
        let mut input = json!({"Bucket": bucket, "Key": key});
        input.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        Ok((Service::S3, operation, input))
    };
    match action {
        "s3:GetObject" => in_bucket("GetObject", json!({})),
        "s3:GetObjectAcl" => in_bucket("GetObjectAcl", json!({})),
        "s3:PutObject" => in_bucket("PutObject", json!({})),
        "s3:ListAllMyBuckets" => Ok((Service::S3, "ListBuckets", json!({}))),
        "s3:ListBucket" => {
            let bucket = resource.strip_prefix("arn:aws:s3:::").ok_or(one_way)?;
            Ok((Service::S3, "ListObjectsV2", json!({"Bucket": bucket})))
        }
        "iam:GetRole" => {
            let name = named("role").ok_or(one_way)?;
            Ok((Service::Iam, "GetRole", json!({"RoleName": name})))
        }
        "iam:CreateUser" => {
            let name = named("user").ok_or(one_way)?;
            Ok((Service::Iam, "CreateUser", json!({"UserName": name})))
        }
        "sts:AssumeRole" => {
            let input = json!({"RoleArn": resource, "RoleSessionName": "corpus"});
            Ok((Service::Sts, "AssumeRole", input))
        }
        "sts:GetCallerIdentity" => Ok((Service::Sts, "GetCallerIdentity", json!({}))),
        _ => Err("an action of which this test makes no call"),
    }
}

/// Whether the call's context is the case's, as far as its policies ask for
/// it; tags go where the guard reads them.
fn context(
    case: &Map<String, Value>,
    caller: &Caller,
    world: &mut World,
) -> Result<(), &'static str> {
    let mut asked = BTreeSet::new();
    keys(&case["policies"], &mut asked);
    let given = case.get("context").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in given {
        let lower = name.to_lowercase();
        if !asked.remove(&lower) {
            continue;
        }
        let user_name = match caller {
            Caller::User { name, .. } => Some(name.as_str()),
            _ => None,
        };
        let tag = |prefix: &str| lower.starts_with(prefix).then(|| name[prefix.len()..].to_owned());
        let value = value.as_str();
        match (value, tag("aws:principaltag/"), tag("s3:existingobjecttag/")) {
            (Some(value), Some(key), _) if !world.arn.is_empty() => {
                world.tags.push((key, value.to_owned()));
            }
            (Some(value), _, Some(key)) if case["action"] == "s3:GetObject" => {
                world.object_tags.push((key, value.to_owned()));
            }
            _ if lower == "aws:username" && value.is_some() && value == user_name => {}
            _ if ALWAYS.contains(&lower.as_str()) => {
                return Err("a global condition key of another value than the call has");
            }
            _ => return Err("a condition key that the call does not carry"),
        }
    }
    // What is left must be absent from the call too.
    let user = matches!(caller, Caller::User { .. });
    let set = |key: &String| ALWAYS.contains(&key.as_str()) || (user && key == "aws:username");
    if asked.iter().any(set) {
        return Err("a global condition key must be absent, and the call has it");
    }
    Ok(())
}

/// The condition keys and variables that documents ask for, in lower case.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(blocks)) = members.get("Condition") {
                let tested = blocks.values().filter_map(Value::as_object).flat_map(Map::keys);
                found.extend(tested.map(|key| key.to_lowercase()));
            }
            members.values().for_each(|value| keys(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| keys(value, found)),
        Value::String(text) => {
            if text.trim_start().starts_with('{')
                && let Ok(inner) = serde_json::from_str(text)
            {
                keys(&inner, found);
            }
            for variable in text.split("${").skip(1) {
                let name = variable.split([',', '}']).next().unwrap_or_default();
                found.insert(name.trim().to_lowercase());
            }
        }
        _ => {}
    }
}
