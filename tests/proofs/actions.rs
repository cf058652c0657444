//! Published actions that call AWS, as an application's deployer.

use std::path::Path;

use ringfence::issuers::GithubRun;
use ringfence::progress::Progress;
use ringfence::stack::{Stack, StackError};

use crate::stack::with_stack;

/// A role within the deployer's names: with the boundary it may make it.
const TEMPLATE: &str = r#"
Parameters:
  Boundary: {Type: String, Default: ""}
  Bucket: {Type: String, Default: one}
Conditions:
  Bounded: !Not [!Equals [!Ref Boundary, ""]]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: app-service-a-by-action
      PermissionsBoundary: !If [Bounded, !Ref Boundary, !Ref AWS::NoValue]
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: lambda.amazonaws.com}}]
      Policies:
        - PolicyName: own
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: s3:GetObject, Resource: !Sub "arn:aws:s3:::${Bucket}/*"}]
Outputs:
  RoleName: {Value: !Ref Role}
"#;

const HEAD: &str = r#"
name: By an action
on: push
permissions: {id-token: write, contents: read}
jobs:
  deploy:
    runs-on: ubuntu-latest
    env:
      BOUNDARY: arn:aws:iam::${{ vars.AWS_ACCOUNT_ID }}:policy/LambdaPermissionBoundary
    steps:
      - uses: actions/checkout@v4
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          role-to-assume: arn:aws:iam::${{ vars.AWS_ACCOUNT_ID }}:role/GitHubActionsHighPermDeployer-service-a
          aws-region: us-east-1
"#;

/// Runs a workflow of these steps as service A's.
async fn run(stack: &Stack, steps: &str) -> Result<(), StackError> {
    let directory = tempfile::tempdir().unwrap();
    let workflows = directory.path().join(".github/workflows");
    std::fs::create_dir_all(&workflows).unwrap();
    let steps = steps.trim_matches('\n').lines().map(|line| format!("      {line}\n"));
    let text = HEAD.trim_start().to_owned() + &steps.collect::<String>();
    std::fs::write(workflows.join("deploy.yml"), text).unwrap();
    std::fs::write(directory.path().join("role.yaml"), TEMPLATE).unwrap();
    let app = stack.app("service-a").unwrap();
    let phase = Progress::silent().phase("deploy");
    let identity = GithubRun::of(app, None);
    stack.deploy_from(app, Path::new(directory.path()), identity, &phase).await.map(drop)
}

/// The second version makes the stack by a change set, as the deployer may, and its
/// steps go on with the stack's outputs; an unbounded role is refused through it, and
/// what that leaves is deleted and made anew.
#[test]
fn a_stack_is_deployed_by_change_sets() {
    with_stack(async |stack| {
        let unbounded = r#"
- uses: aws-actions/aws-cloudformation-github-deploy@v2
  with: {name: service-a-action, template: role.yaml, capabilities: CAPABILITY_NAMED_IAM}
"#;
        let error = run(stack, unbounded).await.unwrap_err();
        let deployed = r#"
- id: made
  uses: aws-actions/aws-cloudformation-github-deploy@v2
  with: {name: service-a-action, template: role.yaml, capabilities: CAPABILITY_NAMED_IAM, parameter-overrides: "Boundary=${{ env.BOUNDARY }}"}
- run: test "${{ steps.made.outputs.RoleName }}" = app-service-a-by-action
- id: again
  uses: aws-actions/aws-cloudformation-github-deploy@v2
  with: {name: service-a-action, template: role.yaml, capabilities: CAPABILITY_NAMED_IAM, parameter-overrides: "Boundary=${{ env.BOUNDARY }}"}
- run: test "${{ steps.again.outputs.stack-id }}" = "${{ steps.made.outputs.stack-id }}"
- id: kept
  uses: aws-actions/aws-cloudformation-github-deploy@v2
  with: {name: service-a-action, template: role.yaml, capabilities: CAPABILITY_NAMED_IAM, parameter-overrides: "Boundary=${{ env.BOUNDARY }},Bucket=two", mode: create-only, change-set-name: later}
- run: test "${{ steps.kept.outputs.changes-count }} ${{ steps.kept.outputs.has-changes }}" = "1 true"
- uses: aws-actions/aws-cloudformation-github-deploy@v2
  with: {name: service-a-action, mode: execute-only, execute-change-set-id: "${{ steps.kept.outputs.change-set-id }}"}
- id: empty
  continue-on-error: true
  uses: aws-actions/aws-cloudformation-github-deploy@v1
  with: {name: service-a-action, template: role.yaml, capabilities: CAPABILITY_NAMED_IAM, parameter-overrides: "Boundary=${{ env.BOUNDARY }},Bucket=two"}
- uses: aws-actions/aws-cloudformation-github-deploy@v1
  with: {name: service-a-action, template: role.yaml, capabilities: CAPABILITY_NAMED_IAM, parameter-overrides: "Boundary=${{ env.BOUNDARY }},Bucket=two", no-fail-on-empty-changeset: "1"}
- run: test "${{ steps.empty.outcome }}" = failure
- if: always()
  run: aws cloudformation delete-stack --stack-name service-a-action && aws cloudformation wait stack-delete-complete --stack-name "${{ steps.made.outputs.stack-id }}"
"#;
        run(stack, deployed).await.unwrap();
        let told = format!("{error:?}");
        assert!(told.contains("Stack operation failed with status: ROLLBACK_COMPLETE"), "{told}");
    });
}

/// The first version creates a new stack directly, which this deployer may not.
#[test]
fn a_new_stack_of_the_first_version_needs_create_stack() {
    with_stack(async |stack| {
        let steps = r#"
- uses: aws-actions/aws-cloudformation-github-deploy@v1
  with: {name: service-a-action, template: role.yaml, capabilities: CAPABILITY_NAMED_IAM}
"#;
        let told = format!("{:?}", run(stack, steps).await.unwrap_err());
        assert!(
            told.contains("is not authorized to perform: cloudformation:CreateStack"),
            "{told}"
        );
    });
}
