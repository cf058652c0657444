//! A Layer 1 that is written in CloudFormation.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::examples::{copied, files, ringfence, said};

fn drafted() -> tempfile::TempDir {
    let place = copied("stacks");
    let drafted = ringfence(place.path(), &["init"]);
    assert_eq!(drafted.status.code(), Some(0), "{}", said(&drafted));
    place
}

/// The whole estate: made by a stack, its application deployed by its own workflow,
/// attacked, proved and read back.
#[test]
fn a_platform_in_cloudformation_is_judged_without_an_edit() {
    let place = drafted();
    let doctor = ringfence(place.path(), &["doctor", "--offline"]);
    assert_eq!(doctor.status.code(), Some(0), "{}", said(&doctor));
    let judged =
        ringfence(place.path(), &["verify", "--backend", "embedded", "--json", "--run-dir", "run"]);
    // 1: with one application nobody notices what would let it into another's.
    assert_eq!(judged.status.code(), Some(1), "{}", said(&judged));
    let record: Value = serde_json::from_slice(&judged.stdout).unwrap();
    let probes = record["probes"].as_array().unwrap();
    let open: Vec<&Value> = probes
        .iter()
        .filter(|it| it["verdict"] != "held" && it["verdict"] != "not-applicable")
        .collect();
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(record["summary"]["held"], json!(556));
    let held = |id: &str| probes.iter().any(|it| it["id"] == id && it["verdict"] == "held");
    for id in ["integrity/layer1", "platform/policy/Resources.RunningCode.PolicyDocument"] {
        assert!(held(id), "{id}");
    }
    let proofs = record["proofs"].as_array().unwrap();
    let undecided: Vec<&Value> = proofs.iter().filter(|it| it["verdict"] != "proved").collect();
    assert!(undecided.is_empty(), "{undecided:?}");
    let mutants = record["mutations"]["mutants"].as_array().unwrap();
    let survivors = mutants.iter().filter(|mutant| mutant["verdict"] == "survived");
    let statements: BTreeSet<&str> = survivors
        .map(|mutant| mutant["id"].as_str().unwrap().rsplit('/').nth(1).unwrap())
        .collect();
    assert_eq!(
        statements,
        BTreeSet::from(["InvocationByApiGatewayOnly", "OwnArtifacts", "PassOwnRolesToLambda"])
    );
    assert!(record["tools"].get("terraform").is_none(), "{}", record["tools"]);
    assert!(files(place.path()).contains("run/inputs/platform.yaml"));
}

/// What is asked without an attack is answered on the stack too.
#[test]
fn a_stack_is_proved_and_its_packets_told() {
    let place = drafted();
    let lines = |output: &Output| -> Vec<Value> {
        let text = std::str::from_utf8(&output.stdout).unwrap().to_owned();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let proved = ringfence(place.path(), &["prove", "--json"]);
    assert_eq!(proved.status.code(), Some(0), "{}", said(&proved));
    let rails = lines(&proved);
    let capped = rails.iter().find(|line| line["rail"] == "the boundary caps a deployer").unwrap();
    assert_eq!(capped["identities"], json!(["role/orders-deployer"]));
    // A ceiling without its denials is no ceiling.
    let template = place.path().join("platform.yaml");
    let text = fs::read_to_string(&template).unwrap();
    fs::write(
        &template,
        text.replace("Action: [account:*, iam:*, organizations:*]", "Action: account:*"),
    )
    .unwrap();
    let weak = text.replace(
        "              - iam:AttachRolePolicy\n              - iam:CreateRole\n",
        "              - iam:*\n",
    );
    assert_ne!(weak, text);
    fs::write(&template, weak).unwrap();
    let violated = ringfence(place.path(), &["prove", "--json"]);
    assert_eq!(violated.status.code(), Some(1), "{}", said(&violated));
}

fn refused(place: &Path) -> String {
    let judged = ringfence(place, &["verify", "--backend", "embedded"]);
    assert_eq!(judged.status.code(), Some(2), "{}", said(&judged));
    said(&judged)
}

const PLATFORM: &str = r#"Parameters:
  Name: {Type: String}
Resources:
  Boundary:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'logs:*', Resource: '*'}]}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref Name
      PermissionsBoundary: !Ref Boundary
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]
"#;

fn alone(template: &str, more: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("base.yaml"), template).unwrap();
    let layer1 = format!("[[layer1]]\nkind = 'cloudformation'\ntemplate = 'base.yaml'\n{more}");
    fs::write(place.path().join("ringfence.toml"), layer1).unwrap();
    place
}

/// A template that cannot be deployed is told of by its place; nothing is left.
#[test]
fn a_stack_that_is_not_made_is_told_with_file_line_and_reason() {
    let unset = alone(PLATFORM, "");
    let said = refused(unset.path());
    let expected = "the stack `base` of `base.yaml` was not made: CreateStack: ValidationError: Parameters: [Name] must have values";
    assert!(said.contains(expected), "{said}");
    let twice = PLATFORM.replace(
        "      PermissionsBoundary: !Ref Boundary\n",
        "      PermissionsBoundary: arn:aws:iam::123456789012:policy/nobody\n",
    );
    let failing = alone(&twice, "variables = { Name = 'app' }\n");
    let said = refused(failing.path());
    assert!(said.contains("base.yaml:8: Role (AWS::IAM::Role): "), "{said}");
    let unknown = PLATFORM.replace("AWS::IAM::ManagedPolicy", "AWS::IAM::Nothing");
    let said = refused(alone(&unknown, "").path());
    assert!(
        said.contains("base.yaml:4:3: Unrecognized resource types: [AWS::IAM::Nothing]"),
        "{said}"
    );
}

/// Between root modules and templates the order is that of the file, and what a pipeline
/// lacks shows with the statement.
#[test]
fn a_pipeline_makes_a_stack_with_what_it_may() {
    const PIPELINE: &str = r#"Resources:
  GitHub:
    Type: AWS::IAM::OIDCProvider
    Properties: {Url: 'https://token.actions.githubusercontent.com', ClientIdList: [sts.amazonaws.com]}
  Pipeline:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {Federated: !Ref GitHub}
            Action: sts:AssumeRoleWithWebIdentity
            Condition:
              StringEquals:
                token.actions.githubusercontent.com:aud: sts.amazonaws.com
                token.actions.githubusercontent.com:sub: repo:example-org/platform:ref:refs/heads/main
      Policies:
        - PolicyName: deploy
          PolicyDocument:
            Version: '2012-10-17'
            Statement:
              - {Effect: Allow, Action: ['cloudformation:*', 'iam:*'], Resource: '*'}
              - {Sid: NoBareRoles, Effect: Deny, Action: 'iam:CreateRole', Resource: '*', Condition: {'Null': {'iam:PermissionsBoundary': 'true'}}}
"#;
    let place = alone(PIPELINE, "name = 'bootstrap'\n");
    fs::write(place.path().join("app.yaml"), PLATFORM).unwrap();
    let config = place.path().join("ringfence.toml");
    let own = fs::read_to_string(&config).unwrap();
    let more = "[[layer1]]\nkind = 'cloudformation'\ntemplate = 'app.yaml'\nvariables = { Name = 'app' }\n\
        [layer1.role]\noutput = 'bootstrap:Pipeline.Arn'\nrepository = 'example-org/platform'\n\
        [[issuers]]\nkind = 'github'\nurl = 'https://token.actions.githubusercontent.com'\n";
    fs::write(&config, format!("{own}{more}")).unwrap();
    let attacked = ringfence(place.path(), &["attack", "--json", "--backend", "embedded"]);
    let lines = String::from_utf8(attacked.stdout.clone()).unwrap();
    let findings: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let trust: Vec<&Value> = findings
        .iter()
        .filter(|it| it["id"].as_str().is_some_and(|id| id.starts_with("pipeline-app/")))
        .collect();
    assert!(trust.len() > 20, "{}", said(&attacked));
    assert!(trust.iter().all(|it| it["verdict"] == "held"), "{trust:?}");
    // Without the boundary the pipeline may not make the role.
    let bare = PLATFORM.replace("      PermissionsBoundary: !Ref Boundary\n", "");
    fs::write(place.path().join("app.yaml"), bare).unwrap();
    let said = refused(place.path());
    assert!(said.contains("app.yaml:8: Role (AWS::IAM::Role): "), "{said}");
    assert!(said.contains("iam:CreateRole on arn:aws:iam::123456789012:role/app: explicit_deny, by statement NoBareRoles of deploy)"), "{said}");
}

/// A user that deploys, and may make itself another key.
const USER: &str = r#"Resources:
  CI:
    Type: AWS::IAM::User
    Properties:
      UserName: orders-ci
      Policies:
        - PolicyName: code
          PolicyDocument:
            Version: '2012-10-17'
            Statement:
              - {Effect: Allow, Action: 'lambda:UpdateFunctionCode', Resource: !Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:orders'}
              - {Effect: Allow, Action: 'iam:CreateAccessKey', Resource: !Sub 'arn:aws:iam::${AWS::AccountId}:user/orders-ci'}
              - {Effect: Allow, Action: 'iam:TagUser', Resource: !Sub 'arn:aws:iam::${AWS::AccountId}:user/orders-ci'}
              - Effect: Allow
                Action: 'iam:PutUserPolicy'
                Resource: !Sub 'arn:aws:iam::${AWS::AccountId}:user/orders-ci'
                Condition: {StringEquals: {'aws:PrincipalTag/team': platform}}
"#;

/// By its own key, and by no token.
#[test]
fn a_user_that_deploys_is_attacked_as_itself() {
    let place = alone(USER, "");
    let workflows = place.path().join("orders/.github/workflows");
    fs::create_dir_all(&workflows).unwrap();
    let nothing =
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: 'true'\n";
    fs::write(workflows.join("deploy.yml"), nothing).unwrap();
    let config = place.path().join("ringfence.toml");
    let own = fs::read_to_string(&config).unwrap();
    let more = "[[issuers]]\nkind = 'github'\nurl = 'https://token.actions.githubusercontent.com'\n\
        [[apps]]\nname = 'orders'\ndirectory = 'orders'\nrepository = 'shop/orders'\n\
        [[deployers]]\nname = 'ci'\nuser_output = 'CI'\napp = 'orders'\njob = 'code'\n";
    fs::write(&config, format!("{own}{more}")).unwrap();
    let expected = [
        ("ci/tokens/oidc", "not-applicable"),
        ("ci/own-key-made/api", "failed"),
        ("ci/own-policy-written/api", "held"),
        ("ci/own-tags-changed/api", "failed"),
        ("ci/own-password-set/api", "held"),
        // The tag that would allow it was taken back.
        ("ci/iam-007/api", "held"),
        ("ci/federation-token/api", "held"),
    ];
    let mut arguments = vec!["attack", "--json", "--backend", "embedded", "--only"];
    arguments.extend(expected.map(|(id, _)| id));
    let attacked = ringfence(place.path(), &arguments);
    assert_eq!(attacked.status.code(), Some(1), "{}", said(&attacked));
    let lines = String::from_utf8(attacked.stdout.clone()).unwrap();
    let findings: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    for (id, verdict) in expected {
        let found = findings.iter().find(|it| it["id"] == id);
        let found = found.unwrap_or_else(|| panic!("no {id}: {}", said(&attacked)));
        assert_eq!(found["verdict"], verdict, "{found}");
    }
    // As whoever else is there it is not attacked a second time, and no key is told.
    assert!(findings.iter().all(|it| it["identity"] != "user-orders-ci"), "{lines}");
    assert!(!lines.contains("AKIA"), "{lines}");
    let refused = findings.iter().find(|it| it["id"] == "ci/iam-007/api").unwrap();
    let observed = refused["observed"].as_str().unwrap();
    assert!(
        observed.contains("user/orders-ci is not authorized to perform: iam:PutUserPolicy"),
        "{observed}"
    );
}

/// An account that trusts GitLab: who deploys there is named by the subject alone.
const GITLAB: &str = r#"Resources:
  GitLab:
    Type: AWS::IAM::OIDCProvider
    Properties: {Url: 'https://gitlab.com', ClientIdList: ['https://gitlab.com']}
  Deployer:
    Type: AWS::IAM::Role
    Properties:
      RoleName: billing-deployer
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {Federated: !Ref GitLab}
            Action: sts:AssumeRoleWithWebIdentity
            Condition:
              StringEquals: {gitlab.com:aud: 'https://gitlab.com'}
              StringLike: {gitlab.com:sub: 'project_path:shop/billing:ref_type:branch:ref:main'}
      Policies:
        - PolicyName: code
          PolicyDocument:
            Version: '2012-10-17'
            Statement:
              - {Effect: Allow, Action: 'lambda:UpdateFunctionCode', Resource: !Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:billing'}
"#;

/// The trust findings of the deployer with their verdicts, in the order of their ids.
fn trusted(template: &str) -> Vec<(String, String)> {
    let place = alone(template, "");
    fs::create_dir(place.path().join("billing")).unwrap();
    let config = place.path().join("ringfence.toml");
    let own = fs::read_to_string(&config).unwrap();
    let more = "[[issuers]]\nkind = 'oidc'\nurl = 'https://gitlab.com'\naudience = 'https://gitlab.com'\n\
        [[apps]]\nname = 'billing'\ndirectory = 'billing'\nrepository = 'shop/billing'\n\
        [[deployers]]\nname = 'billing'\nrole_output = 'Deployer.Arn'\napp = 'billing'\njob = 'code'\n\
        subject = 'project_path:shop/billing:ref_type:branch:ref:main'\n";
    fs::write(&config, format!("{own}{more}")).unwrap();
    let attacked = ringfence(place.path(), &["attack", "--json", "--backend", "embedded"]);
    let lines = String::from_utf8(attacked.stdout.clone()).unwrap();
    let findings = lines.lines().map(|it| serde_json::from_str::<Value>(it).unwrap());
    let text = |it: &Value, member: &str| it[member].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<(String, String)> = findings
        .map(|it| (text(&it, "id"), text(&it, "verdict")))
        .filter(|(id, _)| id.starts_with("billing/") && id.ends_with("/oidc"))
        .collect();
    assert!(!found.is_empty(), "{}", said(&attacked));
    found.sort();
    found
}

/// Each part of a subject is changed by itself, and tokens that STS takes from nobody are
/// tried as GitHub's are; a pattern that is too wide is found by the part that it leaves open.
#[test]
fn a_deployer_of_another_issuer_is_attacked_by_its_subject() {
    let held = trusted(GITLAB);
    assert!(held.iter().all(|(_, verdict)| verdict == "held"), "{held:?}");
    let has = |id: &str| held.iter().any(|(own, _)| own == &format!("billing/{id}/oidc"));
    for id in [
        "subject-part-3/other",
        "subject-part-7/longer",
        "other-audience",
        "expired",
        "foreign-key",
    ] {
        assert!(has(id), "{id}: {held:?}");
    }
    let wide = GITLAB.replace("ref_type:branch:ref:main'", "ref_type:branch:ref:*'");
    let failed: Vec<String> = trusted(&wide)
        .into_iter()
        .filter_map(|(id, verdict)| (verdict == "failed").then_some(id))
        .collect();
    let expected = [
        "subject-longer",
        "subject-part-7/capitals",
        "subject-part-7/longer",
        "subject-part-7/other",
        "subject-part-7/wildcard",
    ];
    assert_eq!(failed, expected.map(|name| format!("billing/{name}/oidc")));
}
