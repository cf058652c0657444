//! What the applications' stacks make and give, beside what Terraform made.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::plans::{change, plan};
use crate::shop::{
    REPOSITORY, document, estate, iam, limit, of, proved, rail, run, state, text, verdict_of, work,
};

pub(crate) const ARTIFACTS: &str = "a team's artifacts are its own";

/// The lines that are printed of the estate with a template, and a rail of one's own.
pub(crate) fn with(template: &str, more: &[Value], rule: &str) -> Vec<Value> {
    with_all(&[template], more, rule)
}

pub(crate) fn with_all(templates: &[&str], more: &[Value], rule: &str) -> Vec<Value> {
    let directory = estate(&state(&work(), &limit(), REPOSITORY, more));
    let config = directory.path().join("ringfence.toml");
    let written = fs::read_to_string(&config).unwrap() + rule;
    fs::write(&config, written).unwrap();
    let names: Vec<String> = (0..templates.len()).map(|number| format!("shop{number}")).collect();
    let mut flags = vec!["--state", "state.json", "--json"];
    for (name, template) in names.iter().zip(templates) {
        fs::create_dir(directory.path().join(name)).unwrap();
        fs::write(directory.path().join(name).join("template.yaml"), template).unwrap();
        flags.extend(["--templates", name]);
    }
    let output = run(directory.path(), &flags);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert!(!lines.is_empty(), "{}", text(&output.stderr));
    lines
}

pub(crate) fn why(told: &[Value], name: &str) -> String {
    rail(told, name)["undecided"][0]["reason"].as_str().unwrap_or_default().to_owned()
}

pub(crate) const DOCUMENT: &str = "{Statement: [{Effect: Allow, Action: 's3:PutObject', Resource: 'arn:aws:s3:::artifacts/other/*'}]}";

#[rstest]
#[case::to_a_role_of_terraforms("AWS::IAM::Policy", "Roles: [deployer]", "violated")]
#[case::by_a_managed_one("AWS::IAM::ManagedPolicy", "Roles: [deployer]", "violated")]
#[case::by_one_of_the_role("AWS::IAM::RolePolicy", "RoleName: deployer", "violated")]
#[case::to_another("AWS::IAM::Policy", "Roles: [worker]", "proved")]
#[case::to_a_user("AWS::IAM::UserPolicy", "UserName: deployer", "proved")]
#[case::to_nobody("AWS::IAM::ManagedPolicy", "Path: /", "proved")]
fn a_stack_gives_policies_to_whoever_it_names(
    #[case] kind: &str,
    #[case] whose: &str,
    #[case] verdict: &str,
) {
    let template = format!(
        "Resources:\n  P:\n    Type: {kind}\n    Properties: {{PolicyName: p, PolicyDocument: {DOCUMENT}, {whose}}}\n"
    );
    let told = with(&template, &[], "");
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict);
    if verdict == "violated" {
        let by = &rail(&told, ARTIFACTS)["violations"][0]["allowed_by"];
        assert_eq!(*by, json!(["statement 1 of `Resources.P`"]));
    }
}

const MADE: &str = "{Type: 'AWS::IAM::Role', Properties: {RoleName: other, AssumeRolePolicyDocument: \
    {Statement: {Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: lambda.amazonaws.com}}}, \
    PermissionsBoundary: !Sub 'arn:aws:iam::${AWS::AccountId}:policy/code'}}";

/// What a macro makes of a resource, or of the whole, is not read: what stands beside it is.
#[rstest]
#[case::nothing_else("", "", None)]
#[case::in_a_resource(
    "  E: {'Fn::Transform': {Name: 'AWS::Include', Parameters: {Location: 's3://b/x.yaml'}}}\n",
    "",
    Some("Resources.E: what `Fn::Transform` makes of it is not read")
)]
#[case::a_loop(
    "  Fn::ForEach::E: [X, [a], {'${X}': {Type: AWS::SQS::Queue}}]\n",
    "",
    Some("Resources.Fn::ForEach::E: what it makes is not read")
)]
#[case::without_a_type("  E: {Properties: {}}\n", "", Some("Resources.E: it has no `Type`"))]
#[case::a_nested_stack(
    "  E: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://b/x'}}\n",
    "",
    Some("Resources.E: what this `AWS::CloudFormation::Stack` makes or grants is not read")
)]
#[case::of_the_whole(
    "",
    "Transform: Mine\n",
    Some("what the macro `Mine` makes of the template is not read")
)]
fn what_a_macro_makes_is_not_read(
    #[case] more: &str,
    #[case] section: &str,
    #[case] unread: Option<&str>,
) {
    let template = format!("{section}Resources:\n  R: {MADE}\n{more}");
    let told = with(&template, &[], "");
    let rail = "the boundary caps running code";
    let expected = if unread.is_some() { "undecided" } else { "proved" };
    assert_eq!(verdict_of(&told, rail), expected, "{}", why(&told, rail));
    assert!(why(&told, rail).ends_with(unread.unwrap_or_default()), "{}", why(&told, rail));
}

/// A template that a macro makes as a whole is one too.
#[test]
fn a_template_without_resources_is_not_passed_over() {
    let told = with_all(&["Transform: Mine\nParameters: {P: {Type: String}}\n"], &[], "");
    assert_eq!(verdict_of(&told, "the boundary caps running code"), "undecided");
}

/// What a condition that parameters decide leaves out is not there; under one that is not known
/// a policy neither allows nor denies for sure.
#[rstest]
#[case::that_allows("Allow", "", "violated")]
#[case::that_allows_under_one_that_holds("Allow", "Holds", "violated")]
#[case::that_allows_under_one_that_does_not("Allow", "Fails", "proved")]
#[case::that_allows_under_one_that_is_open("Allow", "Open", "undecided")]
#[case::that_denies("Deny", "", "proved")]
#[case::that_denies_under_one_that_holds("Deny", "Holds", "proved")]
#[case::that_denies_under_one_that_does_not("Deny", "Fails", "violated")]
#[case::that_denies_under_one_that_is_open("Deny", "Open", "undecided")]
fn a_policy_under_a_condition_counts_as_the_condition_says(
    #[case] effect: &str,
    #[case] condition: &str,
    #[case] verdict: &str,
) {
    let condition = match condition {
        "" => String::new(),
        named => format!("    Condition: {named}\n"),
    };
    let document = match effect {
        "Allow" => DOCUMENT.to_owned(),
        _ => DOCUMENT.replace("Allow", "Deny"),
    };
    let allow = match effect {
        "Allow" => String::new(),
        _ => format!(
            "  A: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: a, PolicyDocument: {DOCUMENT}, Roles: [deployer]}}}}\n"
        ),
    };
    let template = format!(
        "Parameters: {{Unsaid: {{Type: String}}, Wanted: {{Type: String, Default: 'true', AllowedValues: ['true']}}}}\nConditions: {{Open: !Equals [!Ref Unsaid, a], Holds: !Equals [!Ref Wanted, 'true'], Fails: !Not [!Condition Holds]}}\nResources:\n  P:\n    Type: AWS::IAM::Policy\n{condition}    Properties: {{PolicyName: p, PolicyDocument: {document}, Roles: [deployer]}}\n{allow}"
    );
    let told = with(&template, &[], "");
    let why = why(&told, ARTIFACTS);
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict, "{why}");
    if verdict == "undecided" {
        assert!(why.ends_with("Resources.P: whether it is there is not known"), "{why}");
    }
}

/// A policy that can only take away need not be there for a guard rail to hold without it.
#[test]
fn what_only_denies_and_may_not_be_there_takes_nothing_from_a_proof() {
    let template = |allow: &str| {
        format!(
            "Parameters: {{Unsaid: {{Type: String}}}}\nConditions: {{Open: !Equals [!Ref Unsaid, a]}}\nResources:\n  A: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: a, PolicyDocument: {allow}, Roles: [deployer]}}}}\n  N:\n    Type: AWS::IAM::Policy\n    Condition: Open\n    Properties: {{PolicyName: n, PolicyDocument: {}, Roles: [deployer]}}\n",
            DOCUMENT.replace("Allow", "Deny").replace("artifacts/other", "any")
        )
    };
    let of_another = template(&DOCUMENT.replace("artifacts/other", "elsewhere"));
    assert_eq!(verdict_of(&with(&of_another, &[], ""), ARTIFACTS), "proved");
    assert_eq!(verdict_of(&with(&template(DOCUMENT), &[], ""), ARTIFACTS), "violated");
}

/// Of `Fn::If` the branch counts that is taken: of a statement, an inline policy, a managed one
/// and a boundary.
#[rstest]
#[case::a_statement(
    "Policies: [{PolicyName: p, PolicyDocument: {Statement: [!If [C, {Effect: Allow, Action: 's3:PutObject', Resource: '*'}, !Ref 'AWS::NoValue'], {Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}}]"
)]
#[case::a_policy(
    "Policies: [!If [C, {PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: 's3:PutObject', Resource: '*'}]}}, !Ref 'AWS::NoValue']]"
)]
#[case::a_managed_policy(
    "ManagedPolicyArns: [!If [C, 'arn:aws:iam::aws:policy/AmazonS3FullAccess', !Ref 'AWS::NoValue']]"
)]
#[case::a_boundary(
    "ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonS3FullAccess'], PermissionsBoundary: !If [C, !Ref 'AWS::NoValue', 'arn:aws:iam::aws:policy/ReadOnlyAccess']"
)]
fn of_a_condition_that_is_known_the_branch_counts_that_is_taken(#[case] properties: &str) {
    let told = |default: &str| {
        let template = format!(
            "Parameters: {{Wanted: {{Type: String{default}}}}}\nConditions: {{C: !Equals [!Ref Wanted, 'true']}}\n{}",
            role(&format!("RoleName: reader, {properties}, "))
        );
        verdict_of(&with(&template, &[], DATA), "nobody writes data").to_owned()
    };
    assert_eq!(told(", Default: 'true', AllowedValues: ['true']"), "violated");
    assert_eq!(told(", Default: true, AllowedValues: [true]"), "violated");
    assert_eq!(told(", Default: 'false', AllowedValues: ['false']"), "proved");
    assert_eq!(told(""), "undecided");
    // What it is deployed with the default does not say.
    assert_eq!(told(", Default: 'true'"), "undecided");
    assert_eq!(told(", Default: 'false'"), "undecided");
    assert_eq!(told(", Default: 'false', AllowedValues: ['false', 'true']"), "undecided");
}

/// Of two inline policies of one identity and one name one is there in the end: of templates,
/// of a role's own and of one that is given to it.
#[rstest]
#[case::of_the_role("own", "d", "undecided")]
#[case::of_the_role_by_another_name("own", "other", "proved")]
#[case::of_two_that_are_given("given", "d", "undecided")]
#[case::of_two_of_other_names("given", "other", "proved")]
fn of_two_inline_policies_of_one_name_either_may_be_there(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] verdict: &str,
) {
    let policy = |effect: &str, action: &str, name: &str| {
        format!(
            "PolicyName: {name}, PolicyDocument: {{Statement: [{{Effect: {effect}, Action: '{action}', Resource: '*'}}]}}"
        )
    };
    let allow = policy("Allow", "s3:PutObject", "a");
    let (deny, of_another) = (policy("Deny", "s3:*", "d"), policy("Deny", "sqs:*", name));
    let given = |id: &str, policy: &str| {
        format!("  {id}: {{Type: AWS::IAM::Policy, Properties: {{{policy}, Roles: [!Ref Api]}}}}\n")
    };
    let template = match kind {
        "own" => {
            role(&format!("RoleName: reader, Policies: [{{{allow}}}, {{{deny}}}], "))
                + &given("P", &of_another)
        }
        _ => {
            role(&format!("RoleName: reader, Policies: [{{{allow}}}], "))
                + &given("P", &deny)
                + &given("Q", &of_another)
        }
    };
    let told = with(&template, &[], DATA);
    let why = why(&told, "nobody writes data");
    assert_eq!(verdict_of(&told, "nobody writes data"), verdict, "{why}");
    if verdict == "undecided" {
        let one = if kind == "own" {
            "Resources.Api and Resources.P"
        } else {
            "Resources.P and Resources.Q"
        };
        let end = format!(
            "{one} make the inline policy `d` of `role/reader`: which of them is there is not known"
        );
        assert!(why.ends_with(&end), "{why}");
    }
}

/// The same of two templates, whichever comes first.
#[test]
fn of_two_templates_that_make_one_inline_policy_either_may_be_there() {
    let inline = |effect: &str| {
        format!(
            "PolicyName: p, PolicyDocument: {{Statement: [{{Effect: {effect}, Action: 's3:*', Resource: '*'}}]}}"
        )
    };
    let own = role(&format!("RoleName: reader, Policies: [{{{}}}], ", inline("Allow")));
    let given = |effect: &str| {
        format!(
            "Resources:\n  P: {{Type: AWS::IAM::RolePolicy, Properties: {{{}, RoleName: reader}}}}\n",
            inline(effect)
        )
    };
    let (deny, same) = (given("Deny"), given("Allow"));
    for both in [[own.as_str(), deny.as_str()], [deny.as_str(), own.as_str()]] {
        let told = with_all(&both, &[], DATA);
        assert_eq!(verdict_of(&told, "nobody writes data"), "undecided");
    }
    let told = with_all(&[&own, &same], &[], DATA);
    assert_eq!(verdict_of(&told, "nobody writes data"), "violated");
}

/// A managed policy of the template counts by its ARN, and one that is made twice is refused.
#[test]
fn a_managed_policy_of_a_template_counts_by_its_arn() {
    let policy = |id: &str, action: &str| {
        format!(
            "  {id}: {{Type: AWS::IAM::ManagedPolicy, Properties: {{ManagedPolicyName: bd, PolicyDocument: {{Statement: [{{Effect: Allow, Action: '{action}', Resource: '*'}}]}}}}}}\n"
        )
    };
    let template = |properties: &str, action: &str| {
        role(&format!("RoleName: reader, {properties}, ")) + &policy("Bd", action)
    };
    let verdict =
        |template: &str| verdict_of(&with(template, &[], DATA), "nobody writes data").to_owned();
    let arn = "!Sub 'arn:aws:iam::${AWS::AccountId}:policy/bd'";
    let bounded = format!(
        "ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonS3FullAccess'], PermissionsBoundary: {arn}"
    );
    let attached = format!("ManagedPolicyArns: [{arn}]");
    assert_eq!(verdict(&template(&bounded, "s3:GetObject")), "proved");
    assert_eq!(verdict(&template(&bounded, "s3:*")), "violated");
    assert_eq!(verdict(&template(&attached, "s3:GetObject")), "proved");
    assert_eq!(verdict(&template(&attached, "s3:*")), "violated");
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    let template = template(&attached, "s3:*") + &policy("Other", "sqs:*");
    fs::create_dir(directory.path().join("shop")).unwrap();
    fs::write(directory.path().join("shop/template.yaml"), template).unwrap();
    let output = run(directory.path(), &["--state", "state.json", "--templates", "shop"]);
    let error = text(&output.stderr);
    let end = "Resources.Other makes `arn:aws:iam::123456789012:policy/bd`, and Resources.Bd makes it otherwise";
    assert!(error.trim_end().ends_with(end), "{error}");
    assert_eq!(output.status.code(), Some(2));
}

/// Templates may be all that there is: the configuration says whose account they are for.
#[rstest]
#[case::that_hold("s3:GetObject", "proved")]
#[case::that_are_broken("s3:PutObject", "violated")]
fn guard_rails_are_asked_of_templates_alone(#[case] action: &str, #[case] verdict: &str) {
    let template = role(&format!(
        "RoleName: reader, Policies: [{{PolicyName: p, PolicyDocument: {{Statement: [{{Effect: Allow, Action: '{action}', Resource: '*'}}]}}}}], "
    ));
    let directory = tempfile::tempdir().unwrap();
    let account = "[account]\nid = \"123456789012\"\nregion = \"eu-west-1\"\n";
    let config = account.to_owned() + &DATA.replace("role/worker", "role/reader");
    fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    fs::create_dir(directory.path().join("apps")).unwrap();
    fs::write(directory.path().join("apps/main.template"), template).unwrap();
    let empty = json!({"format_version": "1.0"}).to_string();
    fs::write(directory.path().join("state.json"), empty).unwrap();
    let flags = ["--templates", "apps", "--json", "--state", "state.json"];
    for flags in [&flags[..3], &flags] {
        let output = run(directory.path(), flags);
        assert_eq!(text(&output.stderr), "");
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
        let told: Vec<Value> = lines.collect();
        assert_eq!(verdict_of(&told, "nobody writes data"), verdict);
    }
}

/// What a template names of its own by `Ref` and `Fn::GetAtt` has the name that is written out.
#[rstest]
#[case::its_objects("!Sub '${B.Arn}/*'", "violated")]
#[case::by_its_name("!Sub 'arn:aws:s3:::${B}/*'", "violated")]
#[case::put_together("!Join ['/', [!GetAtt B.Arn, '*']]", "violated")]
#[case::of_another("!Sub '${C.Arn}/*'", "proved")]
#[case::of_one_without_a_name("!Sub '${N.Arn}/*'", "undecided")]
fn a_name_that_is_written_out_is_the_resources(#[case] resource: &str, #[case] verdict: &str) {
    let template = role(&format!(
        "RoleName: reader, Policies: [{{PolicyName: p, PolicyDocument: {{Statement: [{{Effect: Allow, Action: 's3:PutObject', Resource: {resource}}}]}}}}], "
    )) + "  B: {Type: AWS::S3::Bucket, Properties: {BucketName: data}}\n  C: {Type: AWS::S3::Bucket, Properties: {BucketName: other}}\n  N: {Type: AWS::S3::Bucket}\n";
    let told = with(&template, &[], DATA);
    assert_eq!(verdict_of(&told, "nobody writes data"), verdict);
}

#[rstest]
#[case::whose_role_is_not_known(
    &format!("AWS::IAM::Policy\n    Properties: {{PolicyDocument: {DOCUMENT}, Roles: [!ImportValue r]}}"),
    "Resources.P: whose policy it is, is not known"
)]
#[case::that_is_not_known(
    "AWS::IAM::Policy\n    Properties: {PolicyDocument: !ImportValue p, Roles: [deployer]}",
    "Resources.P: its policy is not known: it hangs on `Fn::ImportValue` of `p` (line 4)"
)]
#[case::a_stack_within(
    "AWS::CloudFormation::Stack\n    Properties: {TemplateURL: 'https://x.example/t'}",
    "Resources.P: what this `AWS::CloudFormation::Stack` makes or grants is not read"
)]
#[case::an_application(
    "AWS::Serverless::Application\n    Properties: {Location: ./t.yaml}",
    "Resources.P: what this `AWS::Serverless::Application` makes or grants is not read"
)]
#[case::what_is_shared(
    "AWS::RAM::ResourceShare\n    Properties: {Name: x, Principals: ['111111111111']}",
    "Resources.P: what this `AWS::RAM::ResourceShare` makes or grants is not read"
)]
#[case::a_product(
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct\n    Properties: {ProductName: x}",
    "Resources.P: what this `AWS::ServiceCatalog::CloudFormationProvisionedProduct` makes or grants is not read"
)]
#[case::a_module(
    "Acme::Base::Role::MODULE\n    Properties: {Name: x}",
    "Resources.P: what this `Acme::Base::Role::MODULE` makes or grants is not read"
)]
#[case::what_is_included_beside_its_type(
    "AWS::SNS::Topic\n    Properties: {TopicName: t}\n    Fn::Transform: {Name: 'AWS::Include', Parameters: {Location: x}}",
    "Resources.P: what `Fn::Transform` makes of it is not read"
)]
#[case::what_is_included_among_its_properties(
    "AWS::IAM::Policy\n    Properties: {PolicyName: p, PolicyDocument: {Statement: []}, 'Fn::Transform': {Name: 'AWS::Include', Parameters: {Location: x}}}",
    "Resources.P: what `Fn::Transform` makes of it is not read"
)]
fn what_a_stack_gives_and_nobody_reads_is_undecided(#[case] resource: &str, #[case] reason: &str) {
    let told = with(&format!("Resources:\n  P:\n    Type: {resource}\n"), &[], "");
    let why = why(&told, ARTIFACTS);
    assert!(why.ends_with(&format!("depends on what is not known: {reason}")), "{why}");
}

#[test]
fn macros_make_what_nobody_reads_but_for_those_of_sam() {
    let told = |transform: &str| {
        let template = format!(
            "Transform: {transform}\nResources:\n  T:\n    Type: AWS::SNS::Topic\n    Properties: {{TopicName: t}}\n"
        );
        let told = with(&template, &[], "");
        (verdict_of(&told, ARTIFACTS).to_owned(), why(&told, ARTIFACTS))
    };
    assert_eq!(told("AWS::Serverless-2016-10-31").0, "proved");
    let (verdict, why) = told("[AWS::Serverless-2016-10-31, Own]");
    assert_eq!(verdict, "undecided");
    assert!(why.ends_with("what the macro `Own` makes of the template is not read"), "{why}");
}

/// A bucket whose policy lets one role in.
pub(crate) fn bucket(statement: &Value) -> Value {
    json!({"address": "aws_s3_bucket_policy.data", "mode": "managed", "type": "aws_s3_bucket_policy",
        "values": {"bucket": "data", "policy": document(std::slice::from_ref(statement))}})
}

pub(crate) const RULE: &str = r#"
[[guard_rail]]
id = "data"
title = "nobody writes data"
everyone_but = ["role/worker"]
actions = ["s3:PutObject"]
resources = ["arn:aws:s3:::data/*"]
legitimate = { identity = "role/worker", action = "s3:PutObject", resource = "arn:aws:s3:::data/x" }
"#;
pub(crate) const NAMED: &str = "nobody writes data";

pub(crate) fn role(properties: &str) -> String {
    format!(
        "Resources:\n  Api:\n    Type: AWS::IAM::Role\n    Properties: {{{properties}AssumeRolePolicyDocument: {{Statement: [{{Effect: Allow, Action: 'sts:AssumeRole', Principal: {{Service: lambda.amazonaws.com}}}}]}}}}\n"
    )
}

#[test]
fn a_role_of_a_stack_has_its_path() {
    let open = bucket(&json!({"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::data/*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": iam("role/app/fn-shop-api")}}}));
    let told = |properties: &str| {
        let told = with(&role(properties), std::slice::from_ref(&open), RULE);
        verdict_of(&told, NAMED).to_owned()
    };
    assert_eq!(told("RoleName: fn-shop-api, Path: /app/, "), "violated");
    assert_eq!(told("RoleName: fn-shop-api, "), "proved");
}

/// What names a role of a stack by its ARN names it under its path.
#[test]
fn the_arn_of_a_role_of_a_stack_has_its_path() {
    let told = |path: &str| {
        let bucket = "  B:\n    Type: AWS::S3::BucketPolicy\n    Properties: {Bucket: data, PolicyDocument: {Statement: [{Effect: Allow, Action: 's3:PutObject', Resource: 'arn:aws:s3:::data/*', Principal: {AWS: !GetAtt Api.Arn}}]}}\n";
        let template = role(&format!("RoleName: fn-shop-api, {path}")) + bucket;
        let told = with(&template, &[], RULE);
        (verdict_of(&told, NAMED).to_owned(), why(&told, NAMED))
    };
    assert_eq!(told("").0, "violated");
    assert_eq!(told("Path: /app/, ").0, "violated");
    let (verdict, why) = told("Path: !ImportValue p, ");
    assert_eq!(verdict, "undecided");
    let end =
        "Resources.B: its policy is not known: it hangs on `Fn::GetAtt` of `Api.Arn` (line 7)";
    assert!(why.ends_with(end), "{why}");
}

/// The name of a role that has none of its own is its stack's, and more.
#[test]
fn what_asks_for_the_name_of_a_role_without_one_is_undecided() {
    let open = bucket(&json!({"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::data/*",
        "Condition": {"ArnLike": {"aws:PrincipalArn": iam("role/shop-*")}}}));
    let told = |properties: &str| with(&role(properties), std::slice::from_ref(&open), RULE);
    let why = why(&told(""), NAMED);
    assert_eq!(
        why,
        "`aws_s3_bucket_policy.data` asks for a name, and that of `role/known-after-deployment.Api` is not known"
    );
    assert_eq!(verdict_of(&told("RoleName: fn-shop-api, "), NAMED), "proved");
    assert_eq!(verdict_of(&told("RoleName: shop-api, "), NAMED), "violated");
}

/// A control policy of the organization may ask for it as well.
#[test]
fn a_control_policy_that_asks_for_the_name_of_a_role_without_one_is_undecided() {
    let of = |kind: &str, name: &str, values: Value| {
        let kind = format!("aws_organizations_{kind}");
        json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values})
    };
    let deny = |principal: Option<&str>| {
        let mut deny = json!({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"});
        if let Some(arn) = principal {
            deny["Condition"] = json!({"ArnLike": {"aws:PrincipalArn": iam(arn)}});
        }
        let content = document(&[deny]);
        vec![
            of("organization", "all", json!({"master_account_id": "999999999999"})),
            of("account", "work", json!({"id": crate::shop::ACCOUNT, "parent_id": "r-ab12"})),
            of(
                "policy",
                "p",
                json!({"id": "p-1", "type": "SERVICE_CONTROL_POLICY", "content": content}),
            ),
            of("policy_attachment", "p", json!({"policy_id": "p-1", "target_id": "r-ab12"})),
        ]
    };
    let policies = format!(
        "Policies: [{{PolicyName: p, PolicyDocument: {}}}], ",
        DOCUMENT.replace("artifacts/other", "data")
    );
    let told = |name: &str, principal: Option<&str>| {
        with(&role(&format!("{name}{policies}")), &deny(principal), RULE)
    };
    let open = told("", Some("role/Api"));
    assert_eq!(verdict_of(&open, NAMED), "undecided");
    assert!(
        why(&open, NAMED).ends_with(
            "asks for a name, and that of `role/known-after-deployment.Api` is not known"
        )
    );
    assert_eq!(verdict_of(&told("RoleName: Api, ", Some("role/Api")), NAMED), "proved");
    assert_eq!(verdict_of(&told("", None), NAMED), "proved");
}

/// Users of stacks are asked about as Terraform's are.
#[test]
fn a_user_of_a_stack_is_asked_about_with_its_groups() {
    let document = DOCUMENT.replace("artifacts/other", "data");
    let told = |user: &str, group: &str| {
        let template = format!(
            "Resources:\n  G:\n    Type: AWS::IAM::Group\n    Properties: {{GroupName: g{group}}}\n  U:\n    Type: AWS::IAM::User\n    Properties: {{UserName: u{user}}}\n"
        );
        let told = with(&template, &[], RULE);
        (
            verdict_of(&told, NAMED).to_owned(),
            rail(&told, NAMED)["violations"][0]["identity"].clone(),
        )
    };
    let policies = format!(", Policies: [{{PolicyName: p, PolicyDocument: {document}}}]");
    assert_eq!(told("", "").0, "proved");
    assert_eq!(told(&policies, ""), ("violated".to_owned(), json!("user/u")));
    assert_eq!(told("", &policies).0, "proved");
    assert_eq!(told(", Groups: [g]", &policies), ("violated".to_owned(), json!("user/u")));
    assert_eq!(told(", Groups: [!Ref G]", &policies).0, "violated");
}

#[test]
fn a_permission_of_a_template_is_composed() {
    const FUNCTIONS: &str = "a team's functions are its own";
    let told = |principal: &str, function: &str| {
        let template = format!(
            "Resources:\n  P:\n    Type: AWS::Lambda::Permission\n    Properties: {{Action: 'lambda:UpdateFunctionCode', Principal: '{principal}', FunctionName: {function}}}\n"
        );
        with(&template, &[], "")
    };
    let deployer = iam("role/deployer");
    let other = of("lambda", "function:other");
    let open = told(&deployer, &other);
    assert_eq!(verdict_of(&open, FUNCTIONS), "violated");
    let by = &rail(&open, FUNCTIONS)["violations"][0]["allowed_by"];
    assert_eq!(*by, json!(["statement 1 of `Resources.P`"]));
    assert_eq!(verdict_of(&told(&iam("role/worker"), &other), FUNCTIONS), "proved");
    assert_eq!(verdict_of(&told("sns.amazonaws.com", &other), FUNCTIONS), "proved");
    let own = of("lambda", "function:shop");
    assert_eq!(verdict_of(&told(&deployer, &own), FUNCTIONS), "proved");
    let why = why(&told(&deployer, "!ImportValue f"), FUNCTIONS);
    let open =
        "Resources.P: not all that it says is known, and it may let in another than a service";
    assert!(why.ends_with(open), "{why}");
}

/// What is a template in a directory is read, or nothing is proved.
#[test]
fn a_template_that_is_odd_is_one_all_the_same() {
    let whole = "Resources:\n  T:\n    Type: AWS::SNS::Topic\n";
    let told = |other: &str| {
        let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
        fs::create_dir(directory.path().join("shop")).unwrap();
        fs::write(directory.path().join("shop/a.yaml"), whole).unwrap();
        fs::write(directory.path().join("shop/b.yaml"), other).unwrap();
        let flags = ["--state", "state.json", "--templates", "shop", "--json"];
        let output = run(directory.path(), &flags);
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
        (lines.collect::<Vec<Value>>(), text(&output.stderr).to_owned(), output.status.code())
    };
    let loops = "Transform: AWS::LanguageExtensions\nResources:\n  Fn::ForEach::X:\n    - N\n    - [a]\n    - T${N}: {Type: AWS::SNS::Topic}\n  T:\n    Type: AWS::SNS::Topic\n";
    let (lines, ..) = told(loops);
    let open = "Resources.Fn::ForEach::X: what it makes is not read";
    assert!(why(&lines, ARTIFACTS).ends_with(open), "{}", why(&lines, ARTIFACTS));
    let (lines, error, code) = told(&format!("{whole}    Properties: {{\n"));
    assert_eq!((lines.len(), code), (0, Some(2)));
    assert!(error.starts_with("ringfence: shop/b.yaml: 5:1: not well-formed YAML"), "{error}");
    // What is somebody else's is no matter.
    let (lines, error, _) = told("a: {\n");
    assert_eq!((verdict_of(&lines, ARTIFACTS), &*error), ("proved", ""));
}

/// A loop among the properties of a role may give it anything.
#[test]
fn what_functions_make_of_a_role_is_not_known() {
    let told = |more: &str| {
        let told = with(&role(&format!("RoleName: api, {more}")), &[], RULE);
        (verdict_of(&told, NAMED).to_owned(), why(&told, NAMED))
    };
    assert_eq!(told("").0, "proved");
    let (verdict, why) = told("'Fn::ForEach::P': [N, [a], {'Policies': []}], ");
    assert_eq!(verdict, "undecided");
    assert!(why.contains("depends on what is not known: Resources.Api: "), "{why}");
}

/// Of a policy of which a part is not known the rest is: what it allows at most, and what it
/// allows surely.
#[rstest]
#[case::on_something_else("s3:GetObject", "!GetAtt B.Arn", "", "proved")]
#[case::on_what_may_be_it("s3:PutObject", "!GetAtt B.Arn", "", "undecided")]
#[case::under_what_may_hold(
    "s3:PutObject",
    "'*'",
    ", Condition: {StringEquals: {'aws:PrincipalTag/a': !GetAtt B.Arn}}",
    "undecided"
)]
#[case::under_what_never_holds(
    "s3:PutObject",
    "!GetAtt B.Arn",
    ", Condition: {StringEquals: {'aws:PrincipalType': User}}",
    "proved"
)]
#[case::of_unknown_actions("!GetAtt B.Arn", "'*'", "", "undecided")]
#[case::beside_what_is_known(
    "s3:GetObject",
    "!GetAtt B.Arn",
    "}, {Effect: Allow, Action: 's3:PutObject', Resource: '*'",
    "violated"
)]
#[case::beside_a_denial(
    "s3:PutObject",
    "!GetAtt B.Arn",
    "}, {Effect: Deny, Action: 's3:Put*', Resource: '*'",
    "proved"
)]
#[case::beside_an_unknown_denial(
    "s3:GetObject",
    "'*'",
    "}, {Effect: Deny, Action: 's3:Put*', Resource: !GetAtt B.Arn",
    "proved"
)]
fn a_policy_of_which_a_part_is_not_known_allows_no_more_than_it_may(
    #[case] action: &str,
    #[case] resource: &str,
    #[case] more: &str,
    #[case] verdict: &str,
) {
    let document = format!(
        "{{Version: '2012-10-17', Statement: [{{Effect: Allow, Action: {action}, Resource: {resource}{more}}}]}}"
    );
    let template = |inline: &str, rest: &str| {
        format!(
            "Resources:\n  B: {{Type: AWS::S3::Bucket}}\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: reader\n      AssumeRolePolicyDocument: {{Statement: [{{Effect: Allow, Principal: {{AWS: '123456789012'}}, Action: 'sts:AssumeRole'}}]}}\n{inline}{rest}"
        )
    };
    let inline = format!("      Policies: [{{PolicyName: p, PolicyDocument: {document}}}]\n");
    let given = format!(
        "  P:\n    Type: AWS::IAM::Policy\n    Properties: {{PolicyName: p, Roles: [!Ref R], PolicyDocument: {document}}}\n"
    );
    for template in [template(&inline, ""), template("", &given)] {
        let told = with(&template, &[], DATA);
        assert_eq!(verdict_of(&told, "nobody writes data"), verdict, "{template}");
    }
}

/// Of two policies that are known in part, or not at all, each counts, however alike they are
/// called.
#[rstest]
#[case::both_in_part(PART_OF_ANOTHER, PART, "undecided")]
#[case::the_other_way(PART, PART_OF_ANOTHER, "undecided")]
#[case::one_not_at_all("!GetAtt B.Arn", PART_OF_ANOTHER, "undecided")]
#[case::the_other_not_at_all(PART_OF_ANOTHER, "!GetAtt B.Arn", "undecided")]
#[case::both_of_something_else(PART_OF_ANOTHER, PART_OF_ANOTHER, "proved")]
fn of_policies_that_are_called_alike_each_counts(
    #[case] one: &str,
    #[case] other: &str,
    #[case] verdict: &str,
) {
    let inline =
        |document: &str| format!("{{PolicyName: !Sub 'p-${{B.Arn}}', PolicyDocument: {document}}}");
    let trust = "{Statement: [{Effect: Allow, Principal: {AWS: '123456789012'}, Action: 'sts:AssumeRole'}]}";
    let role = |policies: &str| {
        format!(
            "Resources:\n  B: {{Type: AWS::S3::Bucket}}\n  R: {{Type: AWS::IAM::Role, Properties: {{RoleName: reader, AssumeRolePolicyDocument: {trust}, Policies: [{policies}]}}}}\n"
        )
    };
    let own = role(&format!("{}, {}", inline(one), inline(other)));
    assert_eq!(verdict_of(&with(&own, &[], DATA), "nobody writes data"), verdict);
    let given = |document: &str| {
        format!(
            "  P: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: p, Roles: [reader], PolicyDocument: {document}}}}}\n"
        )
    };
    let first = role("") + &given(one);
    let second = format!("Resources:\n  B: {{Type: AWS::S3::Bucket}}\n{}", given(other));
    let told = with_all(&[&first, &second], &[], DATA);
    assert_eq!(verdict_of(&told, "nobody writes data"), verdict);
}

const PART: &str = "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:PutObject', Resource: !GetAtt B.Arn}]}";
const PART_OF_ANOTHER: &str = "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: !GetAtt B.Arn}]}";

/// What Terraform gives by a name an identity of a stack has, however it is written.
#[rstest]
#[case::as_it_is_written("reader", "violated")]
#[case::in_other_letters("Reader", "violated")]
#[case::of_another("readers", "proved")]
fn an_identity_of_a_stack_has_what_terraform_gives_it(#[case] name: &str, #[case] verdict: &str) {
    let writes = document(&[
        json!({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"}),
    ]);
    let given = json!({"address": "aws_iam_role_policy.x", "mode": "managed",
        "type": "aws_iam_role_policy", "values": {"name": "x", "role": name, "policy": writes}});
    let template = "Resources:\n  R: {Type: AWS::IAM::Role, Properties: {RoleName: reader, AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {AWS: '123456789012'}, Action: 'sts:AssumeRole'}]}}}\n";
    let told = with(template, &[given], DATA);
    assert_eq!(verdict_of(&told, "nobody writes data"), verdict);
}

/// Its groups are those that Terraform puts it into, too.
#[rstest]
#[case::in_the_group("g", "violated")]
#[case::in_another("h", "proved")]
fn a_user_of_a_stack_is_in_the_groups_that_terraform_names(
    #[case] group: &str,
    #[case] verdict: &str,
) {
    let resource = |kind: &str, name: &str, values: Value| json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values});
    let more = [
        resource("aws_iam_group", "g", json!({"name": "g", "arn": iam("group/g")})),
        resource("aws_iam_group", "h", json!({"name": "h", "arn": iam("group/h")})),
        resource("aws_iam_user_group_membership", "m", json!({"user": "u", "groups": [group]})),
    ];
    let document = DOCUMENT.replace("artifacts/other", "data");
    let template = format!(
        "Resources:\n  U: {{Type: AWS::IAM::User, Properties: {{UserName: u}}}}\n  P: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: p, Groups: [g], PolicyDocument: {document}}}}}\n"
    );
    assert_eq!(verdict_of(&with(&template, &more, RULE), NAMED), verdict);
}

pub(crate) const DATA: &str = r#"
[[guard_rail]]
id = "data"
title = "nobody writes data"
who = ["role/reader"]
actions = ["s3:PutObject"]
resources = ["arn:aws:s3:::data/*"]
legitimate = { identity = "role/worker", action = "s3:PutObject", resource = "arn:aws:s3:::data/x" }
"#;

/// A stack that Terraform makes.
fn of_terraform(values: &Value) -> Value {
    json!({"address": "aws_cloudformation_stack.s", "mode": "managed",
        "type": "aws_cloudformation_stack", "values": values})
}

fn gives_to(role: &str) -> String {
    format!(
        "Parameters: {{Who: {{Type: String, Default: worker}}}}\nResources:\n  P:\n    Type: AWS::IAM::RolePolicy\n    Properties: {{PolicyName: p, PolicyDocument: {DOCUMENT}, RoleName: {role}}}\n"
    )
}

const NOT_READ: &str = "what `aws_cloudformation_stack.s` grants by `template_body` is not read";

/// What the template of a stack makes that Terraform makes is of the estate.
#[rstest]
#[case::to_the_deployer(json!({"template_body": gives_to("deployer")}), "violated", "")]
#[case::to_another(json!({"template_body": gives_to("worker")}), "proved", "")]
#[case::by_default(json!({"template_body": gives_to("!Ref Who")}), "proved", "")]
#[case::by_a_parameter(
    json!({"template_body": gives_to("!Ref Who"), "parameters": {"Who": "deployer"}}),
    "violated",
    ""
)]
#[case::by_one_that_is_secret(
    json!({"template_body": gives_to("!Ref Who"), "parameters": {"Who": "****"}}),
    "undecided",
    "Resources.P: whose policy it is, is not known"
)]
#[case::no_template(json!({"template_body": "nothing"}), "undecided", NOT_READ)]
#[case::from_a_bucket(
    json!({"template_body": gives_to("worker"), "template_url": "https://b.s3.amazonaws.com/t"}),
    "undecided",
    NOT_READ
)]
#[case::with_a_nested_one(
    json!({"template_body": "Resources: {N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: t}}}"}),
    "undecided",
    "Resources.N: what this `AWS::CloudFormation::Stack` makes or grants is not read"
)]
fn what_a_stack_of_terraforms_makes_counts(
    #[case] values: Value,
    #[case] verdict: &str,
    #[case] reason: &str,
) {
    let told = proved(&state(&work(), &limit(), REPOSITORY, &[of_terraform(&values)])).1;
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict, "{}", why(&told, ARTIFACTS));
    assert!(why(&told, ARTIFACTS).ends_with(reason), "{}", why(&told, ARTIFACTS));
}

/// Of a plan a template, or a parameter, need not be known.
#[rstest]
#[case::known(json!({}), "proved")]
#[case::no_parameter(json!({"parameters": true}), "undecided")]
#[case::one_parameter(json!({"parameters": {"Who": true}}), "undecided")]
#[case::another_parameter(json!({"parameters": {"Other": true}}), "proved")]
#[case::no_template(json!({"template_body": true}), "undecided")]
fn what_of_a_planned_stack_is_not_known_is_undecided(
    #[case] unknown: Value,
    #[case] verdict: &str,
) {
    let mut after = json!({"name": "s", "parameters": {}});
    if unknown.get("template_body").is_none() {
        after["template_body"] = json!(gives_to("!Ref Who"));
    }
    if unknown.get("parameters") == Some(&json!(true)) {
        after.as_object_mut().unwrap().remove("parameters");
    }
    let plan = plan(&[change("aws_cloudformation_stack.s", after, unknown)], &[]);
    let output = run(estate(&plan).path(), &["--plan", "state.json", "--json"]);
    let told = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let told: Vec<Value> = told.collect();
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict, "{}", why(&told, ARTIFACTS));
}

/// Two stacks may call what they make alike.
#[test]
fn two_stacks_of_terraforms_count_beside_each_other() {
    let of = |name: &str, bucket: &str| {
        let policy = format!(
            "{{Statement: [{{Effect: Allow, Principal: {{AWS: '{}'}}, Action: 's3:PutObject', Resource: 'arn:aws:s3:::{bucket}/other/*'}}]}}",
            iam("role/deployer")
        );
        let template = format!(
            "Resources:\n  P: {{Type: AWS::S3::BucketPolicy, Properties: {{Bucket: {bucket}, PolicyDocument: {policy}}}}}\n"
        );
        let mut one = of_terraform(&json!({"name": name, "template_body": template}));
        one["address"] = json!(format!("aws_cloudformation_stack.{name}"));
        one
    };
    for (one, other, identities) in [
        ("logs", "data", None),
        ("artifacts", "logs", Some("role/deployer by aws_cloudformation_stack.a: Resources.P")),
        ("logs", "artifacts", Some("role/deployer by aws_cloudformation_stack.b: Resources.P")),
    ] {
        let more = [of("a", one), of("b", other)];
        let told = proved(&state(&work(), &limit(), REPOSITORY, &more)).1;
        let found = &rail(&told, ARTIFACTS)["violations"][0]["identity"];
        assert_eq!(found.as_str(), identities, "{one} {other}");
    }
}

/// A policy of a bucket of a template, with a statement about other teams' artifacts.
fn policy_of(id: &str, bucket: &str, effect: &str, whom: &str) -> String {
    let whom = iam(&format!("role/{whom}"));
    format!(
        "  {id}: {{Type: AWS::S3::BucketPolicy, Properties: {{Bucket: {bucket}, PolicyDocument: {{Statement: [{{Effect: {effect}, Principal: {{AWS: '{whom}'}}, Action: 's3:PutObject', Resource: 'arn:aws:s3:::artifacts/other/*'}}]}}}}}}\n"
    )
}

/// Of two policies of one bucket either may be there.
#[rstest]
#[case::of_one("artifacts", "artifacts", "worker", "undecided")]
#[case::of_two("artifacts", "logs", "worker", "violated")]
#[case::by_one_reference("!Ref B", "!Ref B", "worker", "undecided")]
#[case::by_two_references("!Ref B", "!Ref C", "worker", "violated")]
#[case::that_say_the_same("artifacts", "artifacts", "deployer", "violated")]
fn two_policies_of_one_bucket_of_templates(
    #[case] bucket: &str,
    #[case] other: &str,
    #[case] whom: &str,
    #[case] verdict: &str,
    #[values(true, false)] is_one_template: bool,
) {
    // What two templates call alike are two buckets.
    let verdict = match bucket == "!Ref B" && !is_one_template {
        true => "violated",
        false => verdict,
    };
    let buckets = "Resources:\n  B: {Type: AWS::S3::Bucket}\n  C: {Type: AWS::S3::Bucket}\n";
    let first = policy_of("P", bucket, "Allow", "deployer");
    let second = policy_of("Q", other, "Allow", whom);
    let told = match is_one_template {
        true => with(&format!("{buckets}{first}{second}"), &[], ""),
        false => with_all(&[&format!("{buckets}{first}"), &format!("{buckets}{second}")], &[], ""),
    };
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict, "{}", why(&told, ARTIFACTS));
    if verdict == "undecided" {
        let both = "`Resources.P` and `Resources.Q` are policies of one resource: which of them \
                    is there is not known";
        assert!(why(&told, ARTIFACTS).ends_with(both), "{}", why(&told, ARTIFACTS));
    }
}

/// One of Terraform's and one of a template.
#[rstest]
#[case::of_one("artifacts", "undecided")]
#[case::of_another("logs", "violated")]
fn two_policies_of_one_bucket_of_terraform_and_a_template(
    #[case] bucket: &str,
    #[case] verdict: &str,
) {
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": iam("role/deployer")},
        "Action": "s3:PutObject", "Resource": "arn:aws:s3:::artifacts/other/*"});
    let own = json!({"address": "aws_s3_bucket_policy.b", "mode": "managed",
        "type": "aws_s3_bucket_policy",
        "values": {"bucket": "artifacts", "policy": document(&[statement])}});
    let template = format!("Resources:\n{}", policy_of("P", bucket, "Allow", "worker"));
    let told = with(&template, &[own], "");
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict);
    if verdict == "undecided" {
        let both = "`Resources.P` and `aws_s3_bucket_policy.b` are policies of one resource: \
                    which of them is there is not known";
        assert!(why(&told, ARTIFACTS).ends_with(both), "{}", why(&told, ARTIFACTS));
    }
}

/// What one of them denies may be denied.
#[rstest]
#[case::alone("", "proved")]
#[case::beside_another("worker", "undecided")]
fn what_one_of_two_policies_denies_may_be_denied(#[case] other: &str, #[case] verdict: &str) {
    let second = match other {
        "" => String::new(),
        other => policy_of("Q", "artifacts", "Allow", other),
    };
    let template = format!(
        "Resources:\n{}{second}  H: {{Type: AWS::IAM::RolePolicy, Properties: {{PolicyName: h, RoleName: deployer, PolicyDocument: {DOCUMENT}}}}}\n",
        policy_of("P", "artifacts", "Deny", "deployer")
    );
    let told = with(&template, &[], "");
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict, "{}", why(&told, ARTIFACTS));
}
