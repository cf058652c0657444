//! What a path needs besides what was published: calls of a path by themselves, SAML providers,
//! and what runs as a role already.

use ringfence::proof::paths::Found;
use rstest::rstest;
use serde_json::{Value, json};

use super::handed::{role, way};
use super::{document, found, gains, iam, regional, resource, trust};

/// An attacker that may do something, and a victim.
fn to(statements: &[Value], victim: &str, more: &[Value]) -> Found {
    let nobody = trust(&json!({"AWS": iam("role/nobody")}));
    let own = json!({"role": "attacker", "policy": document(statements)});
    let mut all = vec![
        role("attacker", &nobody),
        resource("aws_iam_role_policy", "attacker", own),
        role("victim", victim),
    ];
    all.extend(more.iter().cloned());
    found(&all)
}

fn allow(actions: &[&str], on: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": on})
}

const PROVIDER: &str = "arn:aws:iam::123456789012:saml-provider/x";
const ASSERTED: &str = "role/victim: it takes assertions of \
                        `arn:aws:iam::123456789012:saml-provider/x`, of which the metadata can be \
                        replaced: which of them it takes is not followed";

/// Whoever writes the metadata of a SAML provider, or makes the provider, forges its assertions.
#[rstest]
#[case::update(&["iam:UpdateSAMLProvider"], PROVIDER, true, Some(ASSERTED))]
#[case::update_of_none(&["iam:UpdateSAMLProvider"], PROVIDER, false, Some(ASSERTED))]
#[case::of_another(&["iam:UpdateSAMLProvider"], "arn:aws:iam::*:saml-provider/y", true, None)]
#[case::make(&["iam:CreateSAMLProvider"], "*", false, Some(ASSERTED))]
#[case::one_that_is_there(&["iam:CreateSAMLProvider"], "*", true, None)]
#[case::delete(&["iam:DeleteSAMLProvider"], "*", true, None)]
#[case::anew(&["iam:DeleteSAMLProvider", "iam:CreateSAMLProvider"], "*", true, Some(ASSERTED))]
#[case::look(&["iam:GetSAMLProvider"], "*", true, None)]
fn whoever_writes_the_metadata_of_a_provider_may_forge_its_assertions(
    #[case] actions: &[&str],
    #[case] on: &str,
    #[case] is_there: bool,
    #[case] expected: Option<&str>,
) {
    let provider = resource("aws_iam_saml_provider", "x", json!({"name": "x", "arn": PROVIDER}));
    let more: Vec<Value> = is_there.then_some(provider).into_iter().collect();
    let takes = |provider: &str| {
        document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithSAML",
            "Principal": {"Federated": provider},
            "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}})])
    };
    let own = [allow(actions, on)];
    assert_eq!(way(&to(&own, &takes(PROVIDER), &more)).as_deref(), expected);
    let other = takes("arn:aws:iam::123456789012:oidc-provider/x");
    assert_eq!(way(&to(&own, &other, &more)), None);
}

/// What a trust policy denies a provider, whatever is asserted, no assertion gets.
#[rstest]
#[case::itself(json!({"Federated": PROVIDER}), Value::Null, None)]
#[case::everybody(json!("*"), Value::Null, None)]
#[case::another(
    json!({"Federated": "arn:aws:iam::123456789012:saml-provider/y"}),
    Value::Null,
    Some(ASSERTED)
)]
#[case::some_assertions(
    json!({"Federated": PROVIDER}),
    json!({"StringEquals": {"SAML:sub": "mallory"}}),
    Some(ASSERTED)
)]
fn a_provider_that_a_trust_policy_denies_is_no_way(
    #[case] whom: Value,
    #[case] condition: Value,
    #[case] expected: Option<&str>,
) {
    let action = "sts:AssumeRoleWithSAML";
    let takes = json!({"Effect": "Allow", "Action": action, "Principal": {"Federated": PROVIDER}});
    let mut denies = json!({"Effect": "Deny", "Action": action, "Principal": whom});
    if !condition.is_null() {
        denies["Condition"] = condition;
    }
    let provider = resource("aws_iam_saml_provider", "x", json!({"name": "x", "arn": PROVIDER}));
    let own = [allow(&["iam:UpdateSAMLProvider"], PROVIDER)];
    let found = to(&own, &document(&[takes, denies]), &[provider]);
    assert_eq!(way(&found).as_deref(), expected);
}

/// The calls of a path that hand the role over are enough for it to be handed over, and only on
/// what they need.
#[test]
fn the_calls_of_a_path_count_by_themselves() {
    let lambda = "lambda.amazonaws.com";
    let told = |statements: &[Value]| {
        let victim = trust(&json!({"Service": lambda}));
        way(&to(statements, &victim, &[]))
    };
    let pass = allow(&["iam:PassRole"], "*");
    let create = "lambda:CreateFunction";
    let why = "role/victim can be handed to `lambda.amazonaws.com`: what that does with it is \
               not known here";
    for more in ["lambda:PutResourcePolicy", "s3:GetObject"] {
        let found = told(&[pass.clone(), allow(&[create, more], "*")]);
        assert_eq!(found.as_deref(), Some(why), "{more}");
    }
    let whole = told(&[pass.clone(), allow(&[create, "lambda:InvokeFunction"], "*")]);
    assert_eq!(whole.as_deref(), Some(""));
    let on_a_layer = told(&[pass.clone(), allow(&[create], &regional("lambda", "layer:*"))]);
    assert_eq!(on_a_layer, None);
    let none = told(&[pass, allow(&["lambda:InvokeFunction"], "*")]);
    assert_eq!(none, None);
}

fn instance() -> Vec<Value> {
    let arn = regional("ec2", "instance/i-1");
    vec![
        resource("aws_instance", "i", json!({"arn": arn, "iam_instance_profile": "p"})),
        resource(
            "aws_iam_instance_profile",
            "p",
            json!({"name": "p", "arn": iam("instance-profile/p"), "role": "victim"}),
        ),
    ]
}

/// What runs as a role already is made to run more by others than its own calls.
#[rstest]
#[case("ssm:CreateAssociation", Some(""))]
#[case("ssm:CreateAssociationBatch", Some(""))]
#[case(
    "ssm:UpdateAssociation",
    Some("role/victim: whether there is an association is not followed")
)]
#[case(
    "ssm:RegisterTaskWithMaintenanceWindow",
    Some("role/victim: whether there is a maintenance window is not followed")
)]
#[case(
    "ssm:UpdateMaintenanceWindowTask",
    Some("role/victim: whether a maintenance window has a task is not followed")
)]
#[case(
    "elasticmapreduce:AddJobFlowSteps",
    Some(
        "role/victim: `ec2.amazonaws.com` may run as it, and as which role the instances of a \
          cluster run is not followed"
    )
)]
#[case("ssm:DescribeAssociation", None)]
fn an_instance_of_the_files_runs_what_others_make_it_run(
    #[case] action: &str,
    #[case] expected: Option<&str>,
) {
    let victim = trust(&json!({"Service": "ec2.amazonaws.com"}));
    let found = to(&[allow(&[action], "*")], &victim, &instance());
    assert_eq!(way(&found).as_deref(), expected);
}

/// A command is run by a document: who may associate others' alone associates none.
#[test]
fn an_association_is_of_a_document() {
    let victim = trust(&json!({"Service": "ec2.amazonaws.com"}));
    let told = |on: &str| way(&to(&[allow(&["ssm:CreateAssociation"], on)], &victim, &instance()));
    let shell = "arn:aws:ssm:*::document/AWS-RunShellScript";
    assert_eq!(told(shell).as_deref(), Some(""));
    assert_eq!(told(&regional("ec2", "instance/i-1")), None);
}

/// A function's configuration says what it runs: a layer, a wrapper.
#[test]
fn whoever_configures_a_function_may_run_code_in_it() {
    let victim = trust(&json!({"Service": "lambda.amazonaws.com"}));
    let arn = regional("lambda", "function:f");
    let function = json!({"function_name": "f", "arn": arn, "role": iam("role/victim")});
    let function = resource("aws_lambda_function", "f", function);
    let told = |on: &str| {
        let own = allow(&["lambda:UpdateFunctionConfiguration"], on);
        way(&to(&[own], &victim, std::slice::from_ref(&function)))
    };
    let why = "role/victim: what a function's configuration makes it run is not followed";
    assert_eq!(told(&arn).as_deref(), Some(why));
    assert_eq!(told(&regional("lambda", "function:g")), None);
}

/// A user that may do something, beside an admin.
fn of_user(actions: &[&str], on: &str) -> Vec<(&'static str, String)> {
    let own = json!({"name": "p", "user": "u", "policy": document(&[allow(actions, on)])});
    let all = json!({"user": "admin", "policy": document(&[allow(&["*"], "*")])});
    let user = |name: &str| json!({"name": name, "arn": iam(&format!("user/{name}"))});
    let found = found(&[
        resource("aws_iam_user", "u", user("u")),
        resource("aws_iam_user_policy", "u", own),
        resource("aws_iam_user", "admin", user("admin")),
        resource("aws_iam_user_policy", "admin", all),
        resource("aws_iam_group", "g", json!({"name": "g", "arn": iam("group/g")})),
    ]);
    gains(&found, "user/u")
}

/// Whoever makes a group, gives it a policy and joins it has the policy.
#[rstest]
#[case::put(&["iam:CreateGroup", "iam:PutGroupPolicy", "iam:AddUserToGroup"], "group/dev-*", true)]
#[case::attach(
    &["iam:CreateGroup", "iam:AttachGroupPolicy", "iam:AddUserToGroup"],
    "group/dev-*",
    true
)]
#[case::in_a_path(
    &["iam:CreateGroup", "iam:PutGroupPolicy", "iam:AddUserToGroup"],
    "group/dev/*",
    true
)]
#[case::not_made(&["iam:PutGroupPolicy", "iam:AddUserToGroup"], "group/dev-*", false)]
#[case::not_joined(&["iam:CreateGroup", "iam:PutGroupPolicy"], "group/dev-*", false)]
#[case::without_a_policy(&["iam:CreateGroup", "iam:AddUserToGroup"], "group/dev-*", false)]
#[case::of_roles(
    &["iam:CreateGroup", "iam:PutGroupPolicy", "iam:AddUserToGroup"],
    "role/dev-*",
    false
)]
fn a_group_that_is_made_gives_what_it_is_given(
    #[case] actions: &[&str],
    #[case] on: &str,
    #[case] expected: bool,
) {
    let own = ("own permissions", "user/u".to_owned());
    assert_eq!(of_user(actions, &iam(on)).contains(&own), expected);
}

/// A user that is made is acted as by a key or by a password.
#[rstest]
#[case::by_a_key("iam:CreateAccessKey", true)]
#[case::by_a_password("iam:CreateLoginProfile", true)]
#[case::by_none("iam:UpdateAccessKey", false)]
fn a_user_that_is_made_is_acted_as(#[case] by: &str, #[case] expected: bool) {
    let actions = ["iam:CreateUser", "iam:AttachUserPolicy", by];
    let new = ("session", "a new user without a boundary".to_owned());
    let gained = of_user(&actions, &iam("user/new-*"));
    assert_eq!(gained.contains(&new), expected, "{gained:?}");
}

/// Credentials for one service are somebody's, and what they are good for is not followed.
#[rstest]
#[case("iam:CreateServiceSpecificCredential", Some("undecided"))]
#[case("iam:ListServiceSpecificCredentials", None)]
fn credentials_for_a_service_are_undecided(#[case] action: &str, #[case] expected: Option<&str>) {
    let own = json!({"name": "p", "user": "u", "policy": document(&[allow(&[action], "*")])});
    let user = |name: &str| json!({"name": name, "arn": iam(&format!("user/{name}"))});
    let found = found(&[
        resource("aws_iam_user", "u", user("u")),
        resource("aws_iam_user_policy", "u", own),
        resource("aws_iam_user", "v", user("v")),
    ]);
    let source = found.sources.iter().find(|one| one.name == "user/u").unwrap();
    let path = source.paths.iter().find(|path| path.of == "user/v");
    let why = path.map(|path| path.undecided.clone().unwrap());
    let told = "user/v: for which services it takes credentials of their own is not followed";
    assert_eq!(why.as_deref(), expected.map(|_| told));
}

const CLUSTER: &str =
    "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/X";

/// What runs in a cluster comes by the tokens of its provider: who may run something there needs
/// no permission to pass a role.
#[rstest]
#[case("emr-containers:StartJobRun", true)]
#[case("eks:CreateAccessEntry", true)]
#[case("eks:AssociateAccessPolicy", true)]
#[case("eks:ListAccessEntries", false)]
fn who_runs_something_in_a_cluster_may_act_as_its_roles(
    #[case] action: &str,
    #[case] is_way: bool,
) {
    let takes = |provider: &str| {
        document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider}})])
    };
    let own = [allow(&[action], "*")];
    let why = format!(
        "role/victim: `{CLUSTER}` may run as it, and which pods of its cluster do is not followed"
    );
    assert_eq!(way(&to(&own, &takes(CLUSTER), &[])), is_way.then_some(why));
    let other = takes("arn:aws:iam::123456789012:oidc-provider/accounts.google.com");
    assert_eq!(way(&to(&own, &other, &[])), None);
}

/// Whoever makes certificates, tokens or pods count needs no permission to pass a role either.
#[rstest]
#[case(
    "rolesanywhere:CreateTrustAnchor",
    "rolesanywhere.amazonaws.com",
    "of which authorities it takes certificates is not followed"
)]
#[case(
    "rolesanywhere:UpdateTrustAnchor",
    "rolesanywhere.amazonaws.com",
    "of which authorities it takes certificates is not followed"
)]
#[case(
    "eks:CreateAccessEntry",
    "pods.eks.amazonaws.com",
    "which pods of its clusters do is not followed"
)]
fn a_service_that_takes_others_is_undecided(
    #[case] action: &str,
    #[case] service: &str,
    #[case] what: &str,
) {
    let own = [allow(&[action], "*")];
    let why = format!("role/victim: `{service}` may run as it, and {what}");
    let victim = |service: &str| trust(&json!({"Service": service}));
    assert_eq!(way(&to(&own, &victim(service), &[])), Some(why));
    assert_eq!(way(&to(&own, &victim("sns.amazonaws.com"), &[])), None);
    let look = [allow(&["rolesanywhere:List*", "eks:List*"], "*")];
    assert_eq!(way(&to(&look, &victim(service), &[])), None);
}

/// Whoever gives itself a token of an identity pool exchanges it for a session.
#[rstest]
#[case("cognito-identity:GetOpenIdTokenForDeveloperIdentity", true)]
#[case("cognito-identity:UpdateIdentityPool", true)]
#[case("cognito-idp:AdminCreateUser", true)]
#[case("cognito-idp:AdminSetUserPassword", true)]
#[case("cognito-idp:AdminGetUser", false)]
fn a_role_of_an_identity_pool_is_undecided(#[case] action: &str, #[case] is_way: bool) {
    let victim = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Condition": {
        "StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:pool"}}})]);
    let why = "role/victim: `cognito-identity.amazonaws.com` may run as it, and who has tokens \
               of it is not followed";
    let found = to(&[allow(&[action], "*")], &victim, &[]);
    assert_eq!(way(&found).as_deref(), is_way.then_some(why));
}

/// An instance is entered by a key, and runs what is on its volumes.
#[rstest]
#[case(&["ec2-instance-connect:SendSSHPublicKey"], Some(""))]
#[case(
    &["ec2-instance-connect:SendSerialConsoleSSHPublicKey"],
    Some("role/victim: whether its serial console lets anybody in is not followed")
)]
#[case(
    &["ec2:CreateReplaceRootVolumeTask"],
    Some("role/victim: what its root volume may be replaced by is not followed")
)]
#[case(
    &["ec2:StopInstances", "ec2:DetachVolume", "ec2:AttachVolume", "ec2:StartInstances"],
    Some("role/victim: of which volumes it starts is not followed")
)]
#[case(&["ec2:StopInstances", "ec2:AttachVolume", "ec2:StartInstances"], None)]
fn an_instance_is_entered_and_started_anew(
    #[case] actions: &[&str],
    #[case] expected: Option<&str>,
) {
    let victim = trust(&json!({"Service": "ec2.amazonaws.com"}));
    let told = |on: &str| way(&to(&[allow(actions, on)], &victim, &instance()));
    assert_eq!(told("*").as_deref(), expected);
    assert_eq!(told(&regional("lambda", "function:f")), None);
}

/// A user of a file server comes by its keys.
#[test]
fn who_puts_keys_to_a_user_of_a_file_server_may_act_as_its_role() {
    let victim = trust(&json!({"Service": "transfer.amazonaws.com"}));
    let arn = regional("transfer", "user/s-1/u");
    let user = json!({"arn": arn, "role": iam("role/victim"), "user_name": "u"});
    let user = resource("aws_transfer_user", "u", user);
    let told = |on: &str| {
        let own = allow(&["transfer:ImportSshPublicKey"], on);
        way(&to(&[own], &victim, std::slice::from_ref(&user)))
    };
    let why = "role/victim: what its users come to by the role is not followed";
    assert_eq!(told(&arn).as_deref(), Some(why));
}
