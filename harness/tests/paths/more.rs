//! What a path needs besides what was published: calls of a path by themselves, SAML providers,
//! and what runs as a role already.

use ringfence::proof::paths::Found;
use rstest::rstest;
use serde_json::{Value, json};

use super::handed::{role, way};
use super::{document, found, iam, regional, resource, trust};

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
