//! `live-checks.md`: what remains to be checked on the real account.

use std::fmt::Write as _;

use crate::controls::Catalogue;
use crate::record::RunRecord;
use crate::visible::{markdown, visible};

/// Commands by objective. `ACCOUNT` and `REGION` are the run's; what stands in
/// capitals else, the reader fills in.
const CHECKS: [(&str, &str); 10] = [
    (
        "O1",
        "aws apigatewayv2 get-routes --api-id API --query \"Items[?AuthorizationType!='JWT'].RouteKey\"   # must be empty\n\
         aws apigatewayv2 get-stages --api-id API   # every stage is one that you know\n\
         curl -s -o /dev/null -w '%{http_code}\\n' https://API.execute-api.REGION.amazonaws.com/PATH   # 401\n\
         aws lambda get-policy --function-name FUNCTION   # apigateway.amazonaws.com alone, with SourceArn\n\
         aws lambda list-function-url-configs --function-name FUNCTION   # none\n\
         prowler aws -c apigatewayv2_api_authorizers_enabled awslambda_function_url_public",
    ),
    (
        "O2",
        "aws apigatewayv2 get-authorizers --api-id API   # issuer and audience are the intended ones\n\
         curl -s -o /dev/null -w '%{http_code}\\n' -H 'Authorization: Bearer EXPIRED_TOKEN' https://API.execute-api.REGION.amazonaws.com/PATH   # 401",
    ),
    (
        "O3",
        "aws iam get-account-authorization-details --filter Role LocalManagedPolicy   # compare with inputs/\n\
         aws iam list-entities-for-policy --policy-arn BOUNDARY_ARN --policy-usage-filter PermissionsBoundary   # every execution role\n\
         aws accessanalyzer check-access-not-granted --policy-document file://POLICY --policy-type IDENTITY_POLICY --access actions=iam:DeleteRolePermissionsBoundary\n\
         prowler aws -c iam_policy_allows_privilege_escalation\n\
         # once, as the deployer: aws iam create-role --role-name PREFIX-probe --assume-role-policy-document file://trust.json   # AccessDenied; keep the CloudTrail event id",
    ),
    (
        "O4",
        "aws cloudformation get-template --stack-name STACK --query TemplateBody   # compare with inputs/\n\
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=apigateway.amazonaws.com   # who changed routes and authorizers\n\
         aws configservice describe-compliance-by-config-rule --config-rule-names api-gwv2-authorization-type-configured",
    ),
    (
        "O5",
        "aws iam list-role-policies --role-name DEPLOYER_ROLE && aws iam list-attached-role-policies --role-name DEPLOYER_ROLE   # compare with inputs/\n\
         aws lambda get-function --function-name FUNCTION --query Configuration.CodeSha256   # the artifact that was reviewed",
    ),
    (
        "O6",
        "aws iam get-role --role-name DEPLOYER_ROLE --query Role.AssumeRolePolicyDocument   # compare with inputs/\n\
         aws iam list-open-id-connect-providers\n\
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=AssumeRoleWithWebIdentity\n\
         gh api repos/ORG/REPO/branches/main/protection   # reviewers, no force pushes",
    ),
    (
        "O7",
        "aws lambda get-function-configuration --function-name FUNCTION --query VpcConfig\n\
         aws ec2 describe-security-groups --group-ids GROUP   # rules are the intended ones\n\
         aws configservice describe-compliance-by-config-rule --config-rule-names lambda-inside-vpc\n\
         prowler aws -c awslambda_function_inside_vpc",
    ),
    (
        "O8",
        "aws cloudtrail describe-trails && aws cloudtrail get-trail-status --name TRAIL\n\
         aws cloudtrail validate-logs --trail-arn TRAIL_ARN --start-time START\n\
         prowler aws -c apigatewayv2_api_access_logging_enabled cloudtrail_log_file_validation_enabled",
    ),
    (
        "O9",
        "# Nothing on the account: the mutations are of this run. Somebody independent reads mutation.json.",
    ),
    (
        "O10",
        "# VERIFY.md, with the public key from where the bundle did not come from. Who holds the private key, and who can use it?",
    ),
];

pub(super) fn checks(record: &RunRecord, catalogue: &Catalogue) -> String {
    let mut out = format!(
        "# What remains to be checked on the real account\n\n\
         This run ({}) asked an emulator, through Ringfence. Each check below asks AWS, in the \
         account that is really used; the run's own is {} in {}. Compare what is deployed with \
         `inputs/` by hash, and keep each command with its output.\n\n\
         `aws iam simulate-principal-policy` takes the permissions boundary into account and calls \
         nothing, but it is a simulation too: context keys are the ones that you give. The custom \
         checks of IAM Access Analyzer judge one policy document, not the sum of all, and cost \
         money.\n",
        markdown(&record.run_id),
        markdown(&record.accounts_told()),
        markdown(&record.region)
    );
    for objective in catalogue.objectives() {
        let _ = write!(
            out,
            "\n## {} {}\n\n{}\n\nNot shown by the run: {}\n",
            objective.id, objective.title, objective.statement, objective.not_shown
        );
        let known = CHECKS.iter().find(|(id, _)| *id == objective.id);
        match known {
            Some((_, commands)) => {
                let commands = commands
                    .replace("ACCOUNT", &visible(&record.account_id))
                    .replace("REGION", &visible(&record.region));
                let _ = write!(out, "\n```\n{commands}\n```\n");
            }
            None => out.push_str("\nNo command is known for this objective: check it by hand.\n"),
        }
    }
    out
}
