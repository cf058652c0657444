//! Which case of the corpus is a call that somebody can make, and how; or why
//! it is none.

use std::collections::BTreeSet;

use ringfence_guard::VpcEndpoint;
use ringfence_wire::Service;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::upstream::World;
use crate::web_identity::{self, Bearer};

const ACCOUNT: &str = "123456789012";

/// Keys that the guard itself sets in every call, so that a case can neither
/// choose nor lack them.
const ALWAYS: [&str; 13] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:securetransport",
    "aws:sourceip",
    "aws:useragent",
    "aws:userid",
    "aws:viaawsservice",
];

/// Keys that only calls with temporary credentials have.
const OF_SESSIONS: [&str; 2] = ["aws:multifactorauthpresent", "aws:tokenissuetime"];

/// How keys begin of which the guard knows nothing: whether the account is in an
/// organization.
const OF_ORGANIZATIONS: [&str; 2] = ["aws:principalorg", "aws:resourceorg"];

/// Who calls.
#[derive(Debug)]
pub(crate) enum Caller {
    Anonymous,
    WebIdentity(Bearer),
    Signer(Signer),
}

/// Who has a key to sign with.
#[derive(Debug)]
pub(crate) enum Signer {
    Root,
    User {
        arn: String,
        name: String,
    },
    Role {
        role_arn: String,
        session: String,
        policies: Option<Vec<String>>,
        issued_at: OffsetDateTime,
    },
    /// The session of a name that the user of that name federated.
    FederatedUser {
        user_arn: String,
        name: String,
        policies: Option<Vec<String>>,
    },
}

/// What limits calls from outside the account, with the policies' names: its
/// organization's, by level, and that of the VPC endpoint that all calls come
/// through.
#[derive(Debug, Default)]
pub(crate) struct Perimeter {
    pub(crate) service_control: Vec<Vec<(String, String)>>,
    pub(crate) resource_control: Vec<Vec<(String, String)>>,
    pub(crate) vpc_endpoint: Option<VpcEndpoint>,
}

impl Perimeter {
    /// Those of a case.
    pub(crate) fn of(policies: &Map<String, Value>) -> Self {
        Self {
            service_control: levels(policies, "scp"),
            resource_control: levels(policies, "rcp"),
            vpc_endpoint: policies.get("vpc_endpoint").map(|policy| VpcEndpoint {
                policy: ("vpc_endpoint".to_owned(), text(policy)),
                services: ["s3", "sts"].map(str::to_owned).into(),
                callers: ["user/*", "role/*", "root", "anonymous"].map(str::to_owned).into(),
            }),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_none(&self) -> bool {
        self.service_control.is_empty()
            && self.resource_control.is_empty()
            && self.vpc_endpoint.is_none()
    }
}

fn levels(policies: &Map<String, Value>, name: &str) -> Vec<Vec<(String, String)>> {
    let levels = policies.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let level = |(place, level): (usize, &Value)| {
        let documents = level.as_array().unwrap().iter().enumerate();
        documents.map(|(at, policy)| (format!("{name}[{place}][{at}]"), text(policy))).collect()
    };
    levels.iter().enumerate().map(level).collect()
}

/// A case as a call.
#[derive(Debug)]
pub(crate) struct Expressed {
    pub(crate) caller: Caller,
    pub(crate) world: World,
    pub(crate) perimeter: Perimeter,
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    pub(crate) input: Value,
}

/// Makes a call of a case.
///
/// # Errors
/// Why it is none.
pub(crate) fn express(case: &Map<String, Value>) -> Result<Expressed, &'static str> {
    let policies = case.get("policies").and_then(Value::as_object).cloned().unwrap_or_default();
    let resource = case["resource"].as_str().unwrap();
    let other_account = |account: &str| account != ACCOUNT && account.len() == 12;
    if case.get("resource_account").and_then(Value::as_str).is_some_and(other_account)
        || resource.split(':').nth(4).is_some_and(other_account)
    {
        return Err("a resource of another account: a guard guards one");
    }
    let session = documents(&policies, "session").filter(|list| !list.is_empty());
    let mut given = case.get("context").and_then(Value::as_object).cloned().unwrap_or_default();
    let (caller, arn) = caller(case["principal"].as_str().unwrap(), session, &mut given)?;
    let (service, operation, input) = call(case["action"].as_str().unwrap(), resource, &mut given)?;
    if matches!(caller, Caller::Anonymous) && service != Service::S3 {
        return Err("an unsigned call of a service that takes none");
    }
    let mut boundaries = documents(&policies, "boundary").unwrap_or_default();
    if boundaries.len() > 1 {
        return Err("several documents as one boundary");
    }
    let own = policies.get("resource").filter(|policy| !policy.is_null()).map(text);
    let mut world = World {
        arn,
        identity: documents(&policies, "identity").unwrap_or_default(),
        boundary: boundaries.pop(),
        ..World::default()
    };
    match (service, own) {
        (Service::S3, own) if operation != "ListBuckets" => world.bucket = own,
        (Service::Sts, None) if operation.starts_with("AssumeRole") => {
            return Err("a role without a trust policy: IAM makes none");
        }
        (Service::Sts, own) if operation.starts_with("AssumeRole") => world.trust = own,
        (_, None) => {}
        _ => return Err("a policy on a resource that the guard knows none of"),
    }
    if let Caller::WebIdentity(bearer) = &caller {
        world.provider = Some((bearer.provider.clone(), bearer.audience.clone()));
    }
    context(case, given, &caller, &mut world)?;
    let perimeter = Perimeter::of(&policies);
    Ok(Expressed { caller, world, perimeter, service, operation, input })
}

/// A document's text, whether it stands there as an object or as a string.
pub(crate) fn text(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

/// The documents of a layer.
pub(crate) fn documents(policies: &Map<String, Value>, layer: &str) -> Option<Vec<String>> {
    Some(policies.get(layer)?.as_array()?.iter().map(text).collect())
}

/// The case's value of a key that the call itself carries.
fn take(given: &mut Map<String, Value>, key: &str) -> Option<String> {
    let name = given.keys().find(|name| name.eq_ignore_ascii_case(key))?.clone();
    given.remove(&name)?.as_str().map(str::to_owned)
}

fn caller(
    principal: &str,
    session: Option<Vec<String>>,
    given: &mut Map<String, Value>,
) -> Result<(Caller, String), &'static str> {
    let own = |kind: &str| principal.strip_prefix(&format!("arn:aws:{kind}"));
    let role = match own("sts::123456789012:assumed-role/") {
        Some(rest) => {
            let (role, name) = rest.split_once('/').unwrap();
            Some((format!("arn:aws:iam::{ACCOUNT}:role/{role}"), name))
        }
        // Whoever it is that uses the role.
        None => own("iam::123456789012:role/").map(|_| (principal.to_owned(), "run")),
    };
    if let Some((role_arn, name)) = role {
        let issued_at = take(given, "aws:TokenIssueTime")
            .map(|text| OffsetDateTime::parse(&text, &Rfc3339).unwrap());
        let signer = Signer::Role {
            role_arn: role_arn.clone(),
            session: name.to_owned(),
            policies: session,
            issued_at: issued_at.unwrap_or_else(OffsetDateTime::now_utc),
        };
        return Ok((Caller::Signer(signer), role_arn));
    }
    if let Some(name) = own("sts::123456789012:federated-user/") {
        let user_arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
        let arn = user_arn.clone();
        let signer = Signer::FederatedUser { user_arn, name: name.to_owned(), policies: session };
        return Ok((Caller::Signer(signer), arn));
    }
    if session.is_some() {
        return Err("session policies of a caller that is no session");
    }
    if let Some(path) = own("iam::123456789012:user/") {
        let name = path.rsplit('/').next().unwrap().to_owned();
        let signer = Signer::User { arn: principal.to_owned(), name };
        return Ok((Caller::Signer(signer), principal.to_owned()));
    }
    if let Some((_, provider)) = principal.split_once(":oidc-provider/") {
        let bearer = web_identity::bearer(provider, given)?;
        given.retain(|key, _| !key.starts_with(&format!("{provider}:")));
        return Ok((Caller::WebIdentity(bearer), String::new()));
    }
    if principal.starts_with("arn:") && !principal.contains(&format!(":{ACCOUNT}:")) {
        return Err("a caller of another account: it has no key here");
    }
    match principal {
        "*" => Ok((Caller::Anonymous, String::new())),
        "123456789012" | "arn:aws:iam::123456789012:root" => {
            Ok((Caller::Signer(Signer::Root), String::new()))
        }
        _ => Err("a service as the caller: it has no key to call with"),
    }
}

type Call = (Service, &'static str, Value);

/// The call of an action on a resource. It takes from the case's context what
/// it carries.
fn call(
    action: &str,
    resource: &str,
    given: &mut Map<String, Value>,
) -> Result<Call, &'static str> {
    let one_way = "a resource that no call of the action has";
    let named = |kind: &str| {
        // The upstream holds roles and users without a path.
        resource
            .strip_prefix(&format!("arn:aws:iam::{ACCOUNT}:{kind}/"))
            .filter(|name| !name.contains('/'))
            .ok_or(one_way)
    };
    let in_bucket = |operation| {
        let path = resource.strip_prefix("arn:aws:s3:::").and_then(|path| path.split_once('/'));
        let (bucket, key) = path.ok_or(one_way)?;
        Ok((Service::S3, operation, json!({"Bucket": bucket, "Key": key})))
    };
    let mut carried = |input: &mut Value, member: &str, key: &str| {
        if let Some(value) = take(given, key) {
            let number = value.parse::<u32>().ok().filter(|_| member == "MaxKeys");
            input[member] = number.map_or_else(|| value.into(), Value::from);
        }
    };
    let mut with_boundary = |operation, mut input: Value| {
        carried(&mut input, "PermissionsBoundary", "iam:PermissionsBoundary");
        Ok((Service::Iam, operation, input))
    };
    match action {
        "s3:GetObject" => in_bucket("GetObject"),
        "s3:GetObjectAcl" => in_bucket("GetObjectAcl"),
        "s3:PutObject" => in_bucket("PutObject"),
        "s3:ListAllMyBuckets" => Ok((Service::S3, "ListBuckets", json!({}))),
        "s3:ListBucket" => {
            let mut input =
                json!({"Bucket": resource.strip_prefix("arn:aws:s3:::").ok_or(one_way)?});
            carried(&mut input, "Prefix", "s3:prefix");
            carried(&mut input, "MaxKeys", "s3:max-keys");
            Ok((Service::S3, "ListObjectsV2", input))
        }
        "iam:GetRole" => Ok((Service::Iam, "GetRole", json!({"RoleName": named("role")?}))),
        "iam:CreateUser" => with_boundary("CreateUser", json!({"UserName": named("user")?})),
        "iam:CreateRole" => {
            let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}});
            let (name, trust) = (named("role")?, trust.to_string());
            let input = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
            with_boundary("CreateRole", input)
        }
        "iam:ListAccessKeys" => {
            Ok((Service::Iam, "ListAccessKeys", json!({"UserName": named("user")?})))
        }
        "iam:CreateAccessKey" => {
            Ok((Service::Iam, "CreateAccessKey", json!({"UserName": named("user")?})))
        }
        "iam:PutUserPolicy" => {
            let policy = json!({"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}});
            let (name, policy) = (named("user")?, policy.to_string());
            let input = json!({"UserName": name, "PolicyName": "p", "PolicyDocument": policy});
            Ok((Service::Iam, "PutUserPolicy", input))
        }
        "ec2:DescribeInstances" => Ok((Service::Ec2, "DescribeInstances", json!({}))),
        "ec2:StopInstances" => {
            let id = resource.rsplit('/').next().ok_or(one_way)?;
            Ok((Service::Ec2, "StopInstances", json!({"InstanceId": [id]})))
        }
        "sts:AssumeRole" => {
            let mut input = json!({"RoleArn": resource, "RoleSessionName": "corpus"});
            carried(&mut input, "ExternalId", "sts:ExternalId");
            Ok((Service::Sts, "AssumeRole", input))
        }
        "sts:AssumeRoleWithWebIdentity" => {
            let input = json!({"RoleArn": resource, "RoleSessionName": "corpus"});
            Ok((Service::Sts, "AssumeRoleWithWebIdentity", input))
        }
        "sts:GetCallerIdentity" => Ok((Service::Sts, "GetCallerIdentity", json!({}))),
        _ => Err("an action of which this test makes no call"),
    }
}

/// Whether the call's context is the case's, as far as its policies ask for
/// it; tags go where the guard reads them.
fn context(
    case: &Map<String, Value>,
    given: Map<String, Value>,
    caller: &Caller,
    world: &mut World,
) -> Result<(), &'static str> {
    let mut asked = BTreeSet::new();
    keys(&case["policies"], &mut asked);
    if let Some(all) = case.get("context").and_then(Value::as_object) {
        for carried in all.keys().filter(|key| !given.contains_key(*key)) {
            asked.remove(&carried.to_lowercase());
        }
    }
    for (name, value) in given {
        let lower = name.to_lowercase();
        if !asked.remove(&lower) {
            continue;
        }
        let user_name = match caller {
            Caller::Signer(Signer::User { name, .. }) => Some(name.as_str()),
            _ => None,
        };
        let tag = |prefix: &str| lower.starts_with(prefix).then(|| name[prefix.len()..].to_owned());
        // Every call comes by TLS.
        if lower == "aws:securetransport" && ["true", "\"true\""].contains(&&*value.to_string()) {
            continue;
        }
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
    let set = |key: &String| match key.as_str() {
        "aws:username" => matches!(caller, Caller::Signer(Signer::User { .. })),
        key if OF_SESSIONS.contains(&key) => {
            matches!(caller, Caller::Signer(Signer::Role { .. } | Signer::FederatedUser { .. }))
        }
        key => ALWAYS.contains(&key),
    };
    if asked.iter().any(set) {
        return Err("a global condition key must be absent, and the call has it");
    }
    if asked.iter().any(|key| OF_ORGANIZATIONS.iter().any(|start| key.starts_with(start))) {
        return Err("a global condition key must be absent, and of a call's it is unknown");
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
