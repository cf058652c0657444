//! What Terraform says that it applied, against what is there.

use serde_json::Value;

use super::snapshot::{Object, ObjectId, Snapshot, canonical};
use crate::terraform::Instance;

/// A resource of Terraform's, the object that it is, the attributes that make
/// its name, and what must be equal: a pointer into the state, and one into the
/// object.
type Row =
    (&'static str, &'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const ROWS: [Row; 9] = [
    (
        "aws_iam_role",
        "role",
        &["name"],
        &[
            ("/assume_role_policy", "/AssumeRolePolicyDocument"),
            ("/permissions_boundary", "/PermissionsBoundary/PermissionsBoundaryArn"),
        ],
    ),
    ("aws_iam_policy", "policy", &["arn"], &[("/policy", "/Document")]),
    (
        "aws_iam_openid_connect_provider",
        "OIDC provider",
        &["arn"],
        &[("/client_id_list", "/ClientIDList")],
    ),
    (
        "aws_apigatewayv2_route",
        "route",
        &["api_id", "id"],
        &[
            ("/route_key", "/routeKey"),
            ("/authorization_type", "/authorizationType"),
            ("/authorizer_id", "/authorizerId"),
            ("/authorization_scopes", "/authorizationScopes"),
            ("/target", "/target"),
        ],
    ),
    (
        "aws_apigatewayv2_authorizer",
        "authorizer",
        &["api_id", "id"],
        &[
            ("/authorizer_type", "/authorizerType"),
            ("/jwt_configuration/0/issuer", "/jwtConfiguration/issuer"),
            ("/jwt_configuration/0/audience", "/jwtConfiguration/audience"),
        ],
    ),
    (
        "aws_lambda_function",
        "function",
        &["function_name"],
        &[("/role", "/Role"), ("/handler", "/Handler"), ("/runtime", "/Runtime")],
    ),
    ("aws_s3_bucket_policy", "bucket", &["bucket"], &[("/policy", "/policy/Policy")]),
    (
        "aws_s3_bucket_public_access_block",
        "bucket",
        &["bucket"],
        &[
            ("/block_public_acls", "/public access block/BlockPublicAcls"),
            ("/block_public_policy", "/public access block/BlockPublicPolicy"),
            ("/ignore_public_acls", "/public access block/IgnorePublicAcls"),
            ("/restrict_public_buckets", "/public access block/RestrictPublicBuckets"),
        ],
    ),
    ("aws_ssm_parameter", "parameter", &["name"], &[("/type", "/Type")]),
];

/// Where what is there is not what Terraform says that it applied; one line
/// each.
pub(super) fn differences(instances: &[Instance], snapshot: &Snapshot) -> Vec<String> {
    let mut told = Vec::new();
    for instance in instances {
        for (_, kind, named_by, equal) in ROWS.iter().filter(|(of, ..)| *of == instance.kind) {
            let parts: Option<Vec<&str>> = named_by.iter().map(|own| instance.text(own)).collect();
            let Some(name) = parts.map(|parts| parts.join("/")) else { continue };
            let Some((id, object)) = find(snapshot, kind, &name) else {
                told.push(format!("{kind} {name}, which Layer 1 made, is not there"));
                continue;
            };
            for (applied, there) in *equal {
                told.extend(difference(instance, applied, id, object, there));
            }
        }
    }
    told
}

fn difference(
    instance: &Instance,
    applied: &str,
    id: &ObjectId,
    object: &Object,
    there: &str,
) -> Option<String> {
    let applied = instance.attributes.pointer(applied).filter(|value| !is_none(value))?;
    let members = Value::Object(object.members.clone().into_iter().collect());
    let own = members.pointer(there).cloned().unwrap_or_default();
    let (applied, own) = (comparable(applied), comparable(&own));
    (applied != own).then(|| {
        let member = there.trim_start_matches('/');
        format!("{member} of {id} is {own}, and Layer 1 applied {applied}")
    })
}

/// Terraform's ways to say that there is nothing.
fn is_none(value: &Value) -> bool {
    value.is_null()
        || value.as_str().is_some_and(str::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

/// In canonical form; a number and a truth value as the text that XML has.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Bool(is) => is.to_string().into(),
        other => canonical(other.clone()),
    }
}

/// Routes have their key after their id.
fn find<'a>(snapshot: &'a Snapshot, kind: &str, name: &str) -> Option<(&'a ObjectId, &'a Object)> {
    snapshot.objects().find(|(id, _)| {
        id.kind == kind
            && id
                .name
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn snapshot(authorization: &str) -> Snapshot {
        let members = BTreeMap::from([
            ("routeKey".to_owned(), json!("GET /")),
            ("authorizationType".to_owned(), json!(authorization)),
        ]);
        let id = ObjectId { kind: "route", name: "a1/r1 (GET /)".to_owned() };
        Snapshot::of([(id, Object { members, arns: Vec::new() })])
    }

    #[test]
    fn what_is_otherwise_or_not_there_is_told() {
        let instances = Instance::of(&json!({"resources": [
            {"mode": "managed", "type": "aws_apigatewayv2_route", "name": "r", "instances": [
                {"attributes": {"api_id": "a1", "id": "r1", "route_key": "GET /",
                    "authorization_type": "JWT", "authorizer_id": "", "authorization_scopes": []}},
            ]},
        ]}));
        assert_eq!(differences(&instances, &snapshot("JWT")), Vec::<String>::new());
        assert_eq!(
            differences(&instances, &snapshot("NONE")),
            ["authorizationType of route a1/r1 (GET /) is \"NONE\", and Layer 1 applied \"JWT\""]
        );
        assert_eq!(
            differences(&instances, &Snapshot::default()),
            ["route a1/r1, which Layer 1 made, is not there"]
        );
    }
}
