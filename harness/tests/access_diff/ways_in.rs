//! Who comes in without a policy that says so.

use rstest::rstest;
use serde_json::{Value, json};

use super::diff;
use super::gains::{allow, arn, document, gained, of, policy, role, state};

/// A role that takes somebody.
fn taking(principal: &Value) -> Value {
    let mut role = role("r");
    role["values"]["assume_role_policy"] = json!(document(&[json!({"Effect": "Allow",
        "Action": "sts:*", "Principal": principal})]));
    role
}

/// What is told of a resource, where something is.
fn told(name: &str, old: &[Value], new: &[Value]) -> Option<[String; 2]> {
    let (_, told) = diff(&state(old), &state(new));
    let change = told["changes"].as_array().unwrap().iter().find(|one| one["name"] == name)?;
    Some(["gained", "lost"].map(|side| change[side].as_str().unwrap().to_owned()))
}

fn both() -> Option<[String; 2]> {
    Some(["undecided", "undecided"].map(str::to_owned))
}

#[rstest]
#[case::saml("aws_iam_saml_provider", json!({"name": "x", "saml_metadata_document": "<a/>"}),
    json!({"name": "x", "saml_metadata_document": "<b/>"}))]
#[case::unauthenticated("aws_cognito_identity_pool",
    json!({"allow_unauthenticated_identities": false}),
    json!({"allow_unauthenticated_identities": true}))]
#[case::roles("aws_cognito_identity_pool_roles_attachment",
    json!({"roles": {"authenticated": arn("role/a")}}),
    json!({"roles": {"authenticated": arn("role/r")}}))]
#[case::anchor("aws_rolesanywhere_trust_anchor", json!({"source": [{"source_type": "AWS_ACM_PCA"}]}),
    json!({"source": [{"source_type": "CERTIFICATE_BUNDLE"}]}))]
#[case::pods("aws_eks_pod_identity_association", json!({"role_arn": arn("role/a")}),
    json!({"role_arn": arn("role/r")}))]
#[case::url("aws_lambda_function_url", json!({"authorization_type": "AWS_IAM"}),
    json!({"authorization_type": "NONE"}))]
#[case::function("aws_lambda_function", json!({"role": arn("role/a")}), json!({"role": arn("role/r")}))]
fn another_way_in_is_told(#[case] kind: &str, #[case] old: Value, #[case] new: Value) {
    let side = |values: &Value, more: &str| {
        let mut values = values.clone();
        values["description"] = json!(more);
        [role("a"), of(kind, "x", values)]
    };
    let name = format!("{kind}.x");
    assert_eq!(told(&name, &side(&old, ""), &side(&new, "")), both());
    assert_eq!(told(&name, &side(&new, ""), &side(&old, "")), both());
    // What does not say who comes in is no difference.
    assert_eq!(told(&name, &side(&old, ""), &side(&old, "another")), None);
}

#[rstest]
#[case::saml("aws_iam_saml_provider", json!({"name": "x"}),
    Some(json!({"Federated": arn("saml-provider/x")})))]
#[case::oidc("aws_iam_openid_connect_provider", json!({"url": "https://ci.example.com"}),
    Some(json!({"Federated": arn("oidc-provider/ci.example.com")})))]
#[case::roles("aws_cognito_identity_pool_roles_attachment", json!({"roles": {}}),
    Some(json!({"Federated": "cognito-identity.amazonaws.com"})))]
#[case::anchor("aws_rolesanywhere_trust_anchor", json!({"enabled": true}),
    Some(json!({"Service": "rolesanywhere.amazonaws.com"})))]
#[case::pods("aws_eks_pod_identity_association", json!({"role_arn": arn("role/r")}),
    Some(json!({"Service": "pods.eks.amazonaws.com"})))]
#[case::url("aws_lambda_function_url", json!({"authorization_type": "NONE"}), None)]
fn a_way_in_that_is_new_is_told(
    #[case] kind: &str,
    #[case] values: Value,
    #[case] whom: Option<Value>,
) {
    let name = format!("{kind}.x");
    let new = of(kind, "x", values);
    let with = |role: &Value, way: &[Value]| [vec![role.clone()], way.to_vec()].concat();
    let sides = |one: &str, other: &str| Some([one, other].map(str::to_owned));
    let role = whom.as_ref().map_or_else(|| role("r"), taking);
    let (without, there) = (with(&role, &[]), with(&role, std::slice::from_ref(&new)));
    assert_eq!(told(&name, &without, &there), sides("undecided", "nothing"));
    assert_eq!(told(&name, &there, &without), sides("nothing", "undecided"));
    assert_eq!(
        told(&name, &there, &with(&role, &[new.clone(), policy("z", &[allow("s3:*")])])),
        None
    );
    // A provider that nobody trusts lets in nobody.
    if whom.is_some() {
        let other = taking(&json!({"Service": "lambda.amazonaws.com"}));
        assert_eq!(told(&name, &with(&other, &[]), &with(&other, &[new])), None);
    }
}

/// What is made anew has another id.
#[rstest]
#[case::asked_for("aws:userid", "AROA2EXAMPLE:*", "undecided")]
#[case::not_asked_for("aws:UserAgent", "curl*", "nothing")]
fn another_id_may_be_a_gain(#[case] key: &str, #[case] value: &str, #[case] expected: &str) {
    let side = |id: &str| {
        let mut role = role("a");
        role["values"]["unique_id"] = json!(id);
        let mut own = allow("s3:*");
        own["Condition"] = json!({"StringLike": {key: value}});
        [role, policy("a", &[own])]
    };
    let (found, why) = gained("role/a", &side("AROA1EXAMPLE"), &side("AROA2EXAMPLE"));
    assert_eq!(found, expected, "{why}");
    assert_eq!(gained("role/a", &side("AROA1EXAMPLE"), &side("AROA1EXAMPLE")).0, "nothing");
    if expected == "undecided" {
        let told = "`aws_iam_role_policy.p` asks for the id of `role/a`, which is another on each \
                    side, or not known";
        assert_eq!(why, told);
    }
}
