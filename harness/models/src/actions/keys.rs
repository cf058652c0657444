//! Condition keys by name, and those of every service.

/// The part of a key of the catalogue that stands for any text, with what is
/// before and after it. The reference spells it in several ways:
/// `aws:ResourceTag/${TagKey}`, `s3:ExistingObjectTag/<key>`,
/// `secretsmanager:ResourceTag/tag-key`.
fn template(known: &str) -> Option<(&str, &str)> {
    for (start, end) in [("${", '}'), ("/<", '>')] {
        if let Some((head, rest)) = known.split_once(start) {
            // The slash belongs to what is before.
            let head = known.get(..head.len() + usize::from(start == "/<")).unwrap_or(head);
            return Some((head, rest.split_once(end).map_or("", |(_, tail)| tail)));
        }
    }
    known.strip_suffix("tag-key").filter(|head| head.ends_with('/')).map(|head| (head, ""))
}

/// Whether a part of a key of the catalogue stands for any text.
pub(super) fn is_template(known: &str) -> bool {
    template(known).is_some()
}

/// Whether a key of the catalogue (`aws:RequestTag/${TagKey}`) is this one.
pub(super) fn is_key(known: &str, key: &str) -> bool {
    match template(known) {
        None => known.eq_ignore_ascii_case(key),
        Some((head, tail)) => {
            key.len() > head.len() + tail.len()
                && key.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head))
                && key
                    .get(key.len() - tail.len()..)
                    .is_some_and(|end| end.eq_ignore_ascii_case(tail))
        }
    }
}

/// Keys that AWS gives with requests of any service
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>).
/// The keys of tags in the request and on the resource are not among them:
/// only some actions carry them.
const GLOBAL_KEYS: [&str; 60] = [
    "aws:AssumedRoot",
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaAWSMCP",
    "aws:CalledViaLast",
    "aws:ChatbotSourceArn",
    "aws:CurrentTime",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:Ec2InstanceSourceVpc",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:IsMcpServiceAction",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    // Not on the page any more; AWS's own AWSSSOServiceRolePolicy rests on it.
    "aws:PrincipalOrgMasterAccountId",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag/${TagKey}",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:SecureTransport",
    "aws:SignInSessionArn",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    // Of the default policy that SNS gives a topic:
    // https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    "aws:SourceOwner",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSService",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
    "aws:ViaAWSMCPService",
    // Of a session's origin, whatever service it then calls.
    "codebuild:BuildArn",
    "codebuild:ProjectArn",
    "ec2:RoleDelivery",
    "ec2:SourceInstanceArn",
    "glue:CredentialIssuingService",
    "glue:RoleAssumedBy",
    "identitystore:UserId",
    "lambda:SourceFunctionArn",
    "ssm:SourceInstanceArn",
];

/// The keys that AWS gives with requests of any service.
pub fn global_keys() -> impl Iterator<Item = &'static str> {
    GLOBAL_KEYS.into_iter()
}

/// Whether the key is one that AWS gives with requests of any service.
pub fn is_global_key(key: &str) -> bool {
    GLOBAL_KEYS.iter().any(|known| is_key(known, key))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::actions;

    #[rstest]
    #[case("iam:CreateRole", "iam:PermissionsBoundary", true)]
    #[case("IAM:createrole", "IAM:permissionsboundary", true)]
    #[case("iam:PassRole", "iam:PermissionsBoundary", false)]
    #[case("iam:TagRole", "iam:PermissionsBoundary", false)]
    #[case("iam:CreatePolicyVersion", "iam:PermissionsBoundary", false)]
    #[case("iam:PassRole", "iam:PassedToService", true)]
    #[case("iam:PassRole", "aws:PrincipalTag/team", true)]
    #[case("iam:TagRole", "aws:RequestTag/team", true)]
    #[case("lambda:CreateFunction", "lambda:VpcIds", true)]
    #[case("apigateway:POST", "apigateway:Request/RouteAuthorizationType", true)]
    #[case("secretsmanager:GetSecretValue", "secretsmanager:ResourceTag/App", true)]
    #[case("secretsmanager:GetSecretValue", "SecretsManager:resourcetag/App", true)]
    // https://docs.aws.amazon.com/codebuild/latest/userguide/permissions-conditionkeys-variables.html
    #[case("s3:PutObject", "codebuild:projectArn", true)]
    #[case("s3:PutObject", "codebuild:buildArn", true)]
    #[case("s3:PutObject", "codebuild:authType", false)]
    #[case("secretsmanager:GetSecretValue", "secretsmanager:ResourceTag/", false)]
    #[case("s3:GetObject", "s3:ExistingObjectTag/team", true)]
    #[case("s3:PutObject", "s3:RequestObjectTag/team", true)]
    #[case("s3:ListBucket", "s3:ExistingObjectTag/team", false)]
    #[case("ssm:SendCommand", "ssm:resourceTag/Name", true)]
    #[case("sns:Publish", "aws:SourceOwner", true)]
    fn an_action_carries_its_own_keys_and_the_global_ones(
        #[case] name: &str,
        #[case] key: &str,
        #[case] carried: bool,
    ) {
        let prefix = actions::of(name.split(':').next().unwrap()).unwrap();
        assert_eq!(prefix.carries(actions::action(name).unwrap(), key), carried);
    }

    /// Of another service's key, one of a tag, one of most actions, one that no reference has
    /// and of what is asked for within another action nobody says that it is never there.
    #[rstest]
    #[case("iam:PassRole", "iam:PermissionsBoundary", true)]
    #[case("iam:passrole", "IAM:permissionsboundary", true)]
    #[case("iam:CreateRole", "iam:PermissionsBoundary", false)]
    #[case("iam:CreateRole", "iam:PassedToService", true)]
    #[case("iam:PassRole", "iam:PassedToService", false)]
    #[case("iam:CreatePolicy", "iam:ResourceTag/team", false)]
    #[case("iam:PassRole", "iam:Unheard", false)]
    #[case("iam:PassRole", "aws:RequestTag/team", false)]
    #[case("iam:PassRole", "s3:prefix", false)]
    #[case("s3:GetObject", "s3:prefix", true)]
    #[case("s3:ListBucket", "s3:prefix", false)]
    #[case("s3:ListBucket", "s3:ExistingObjectTag/team", false)]
    #[case("s3:CreateJob", "s3:TlsVersion", false)]
    #[case("s3:ListCallerAccessGrants", "s3:x-amz-content-sha256", false)]
    #[case("kms:CreateKey", "kms:KeyOrigin", false)]
    #[case("kms:Decrypt", "kms:CustomerMasterKeySpec", false)]
    #[case("ec2:RunInstances", "ec2:SourceInstanceARN", false)]
    #[case("sts:AssumeRole", "token.actions.githubusercontent.com:sub", false)]
    #[case("sts:TagSession", "sts:ExternalId", false)]
    #[case("iam:TagRole", "iam:PermissionsBoundary", false)]
    #[case("kms:PutKeyPolicy", "kms:PrimaryRegion", true)]
    #[case("kms:PutKeyPolicy", "kms:ReplicaRegion", false)]
    #[case("ec2:CreateTags", "ec2:AllocationId", false)]
    #[case("apigateway:POST", "apigateway:Request/AuthorizerUri", false)]
    #[case("apigateway:GET", "apigateway:Request/MtlsTrustStoreUri", false)]
    #[case("dynamodb:ConditionCheckItem", "dynamodb:enclosingoperation", false)]
    #[case("dynamodb:Query", "dynamodb:EnclosingOperation", true)]
    #[case("iam:DeleteServiceLinkedRole", "iam:awsservicename", false)]
    #[case("iam:GetServiceLinkedRoleDeletionStatus", "iam:AWSServiceName", false)]
    #[case("iam:PutRolePolicy", "iam:AWSServiceName", false)]
    #[case("iam:UpdateRoleDescription", "iam:AWSServiceName", false)]
    #[case("iam:DeleteRole", "iam:AWSServiceName", true)]
    #[case("events:DescribeRule", "events:ManagedBy", false)]
    #[case("kms:Decrypt", "kms:GrantIsForAWSResource", false)]
    #[case("kms:Sign", "kms:GrantIsForAWSResource", true)]
    #[case("aws-marketplace:Subscribe", "aws-marketplace:ProductId", false)]
    #[case("aws-marketplace:Subscribe", "aws-marketplace:PartyType", true)]
    fn a_key_that_the_reference_gives_to_other_actions_alone_is_never_sent(
        #[case] name: &str,
        #[case] key: &str,
        #[case] never: bool,
    ) {
        let prefix = actions::of(name.split(':').next().unwrap()).unwrap();
        assert_eq!(prefix.never_sends(actions::action(name).unwrap(), key), never);
    }
}
