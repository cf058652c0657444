//! Pairs of an action and a key that the reference lacks, and that AWS itself names.

/// What AWS's documentation says that actions carry, by key:
/// - "Example 2: Allow only transactional operations" of
///   <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>;
/// - "To allow an IAM entity to create", "edit the description of" and "delete" the
///   service-linked role of
///   <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/using-service-linked-roles.html> and
///   <https://github.com/awsdocs/amazon-ecs-developer-guide/blob/master/doc_source/using-service-linked-roles.md>;
/// - the role of <https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html>;
/// - "Permissions to use KMS keys" of
///   <https://docs.aws.amazon.com/ebs/latest/userguide/ebsapi-permissions.html>.
///
/// Pages that show a pair as one that grants nothing are not among them (`s3:prefix` with
/// `s3:GetObject`,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary.html>),
/// nor are pairs under `…IfExists`, which hold where the key is absent.
const DOCUMENTED: [(&str, &[&str]); 4] = [
    ("dynamodb:EnclosingOperation", &["ConditionCheckItem"]),
    ("events:ManagedBy", &["DescribeRule"]),
    (
        "iam:AWSServiceName",
        &[
            "DeleteServiceLinkedRole",
            "GetServiceLinkedRoleDeletionStatus",
            "PutRolePolicy",
            "UpdateRoleDescription",
        ],
    ),
    (
        "kms:GrantIsForAWSResource",
        &[
            "Decrypt",
            "DescribeKey",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "ReEncryptFrom",
            "ReEncryptTo",
        ],
    ),
];

/// Keys, each with those of its service's actions beside which a statement of one of AWS's
/// managed policies has it, where the reference gives it to other actions alone.
const OF_MANAGED: &[(&str, &[&str])] = &[
    (
        "application-autoscaling:service-namespace",
        &["DescribeScalableTargets", "DescribeScalingPolicies"],
    ),
    (
        "aws-marketplace:AgreementType",
        &[
            "AcceptAgreementApprovalRequest",
            "CancelAgreementRequest",
            "GetAgreementApprovalRequest",
            "GetAgreementRequest",
            "ListAgreementApprovalRequests",
            "ListAgreementRequests",
            "RejectAgreementApprovalRequest",
        ],
    ),
    ("aws-marketplace:PartyType", &["CancelAgreement"]),
    (
        "aws-marketplace:ProductId",
        &[
            "DescribeAgreement",
            "ListEntitlementDetails",
            "SearchAgreements",
            "Subscribe",
            "Unsubscribe",
        ],
    ),
    ("codestar-connections:ProviderAction", &["ListConnections", "PassConnection"]),
    ("deadline:FleetMembershipLevels", &["SearchWorkers"]),
    ("ec2:VpceServiceName", &["DescribeVpcEndpoints"]),
    (
        "glue:LakeFormationPermissions",
        &[
            "BatchGetTableOptimizer",
            "GetColumnStatisticsTaskRun",
            "GetColumnStatisticsTaskRuns",
            "GetTableOptimizer",
            "ListTableOptimizerRuns",
        ],
    ),
    ("nimble:ownedBy", &["ListStreamingSessionBackups"]),
    ("ram:ResourceShareName", &["GetResourceShares"]),
    (
        "redshift-data:glue-catalog-arn",
        &["CancelStatement", "DescribeStatement", "GetStagingBucketLocation", "GetStatementResult"],
    ),
];

/// Where AWS names an action with a key that its reference does not give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamedBy {
    /// Its documentation.
    Documentation,
    /// A statement of one of its managed policies.
    ManagedPolicies,
}

impl NamedBy {
    pub(super) fn of(prefix: &str, action: &str, key: &str) -> Option<Self> {
        if is_documented(prefix, action, key) {
            return Some(Self::Documentation);
        }
        is_of_managed(prefix, action, key).then_some(Self::ManagedPolicies)
    }
}

/// Whether the documentation says that an action of a prefix carries a key.
pub(super) fn is_documented(prefix: &str, action: &str, key: &str) -> bool {
    is_among(&DOCUMENTED, prefix, action, key)
}

/// Whether a managed policy has a key beside an action of a prefix.
fn is_of_managed(prefix: &str, action: &str, key: &str) -> bool {
    is_among(OF_MANAGED, prefix, action, key)
}

/// Each key is of the service of its actions.
fn is_among(pairs: &[(&str, &[&str])], prefix: &str, action: &str, key: &str) -> bool {
    let is_own = |own: &str| own.split(':').next() == Some(prefix);
    pairs.iter().any(|(own, actions)| {
        is_own(own) && own.eq_ignore_ascii_case(key) && actions.contains(&action)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::{actions, managed};

    /// An element that may be one or a list.
    fn list(element: Option<&Value>) -> Vec<&str> {
        match element {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(one) => one.as_str().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// The pairs of one statement: actions that it names in full, and its keys.
    fn pairs(statement: &Value) -> Vec<(&str, &str)> {
        let operators = statement.get("Condition").and_then(Value::as_object);
        let of = operators.into_iter().flat_map(|it| it.values()).filter_map(Value::as_object);
        let keys: BTreeSet<&str> = of.flat_map(|it| it.keys()).map(String::as_str).collect();
        let actions = list(statement.get("Action"));
        let all = actions.into_iter().flat_map(|one| keys.iter().map(move |key| (one, *key)));
        all.collect()
    }

    /// The key of another action, and another key of the same action, are not named.
    #[test]
    fn each_pair_has_where_it_is_named() {
        let by = |prefix: &str, action: &str, key: &str| {
            let prefix = actions::of(prefix).unwrap();
            prefix.named_by(prefix.action(action).unwrap(), key)
        };
        let enclosing = "dynamodb:EnclosingOperation";
        assert_eq!(by("dynamodb", "ConditionCheckItem", enclosing), Some(NamedBy::Documentation));
        assert_eq!(by("dynamodb", "Query", enclosing), None);
        let linked = "iam:AWSServiceName";
        assert_eq!(by("iam", "DeleteServiceLinkedRole", linked), Some(NamedBy::Documentation));
        assert_eq!(by("iam", "DeleteRole", linked), None);
        let product = "aws-marketplace:productid";
        assert_eq!(by("aws-marketplace", "Subscribe", product), Some(NamedBy::ManagedPolicies));
        assert_eq!(by("aws-marketplace", "Subscribe", "aws-marketplace:PartyType"), None);
        // Of these the reference itself tells.
        assert_eq!(by("iam", "CreateRole", "iam:PermissionsBoundary"), None);
    }

    /// Of each pair that a managed policy has, a request may be sent; and no more pairs stand
    /// here than they have.
    #[test]
    fn what_managed_policies_name_is_sent() {
        let (mut never, mut unused) = (BTreeSet::new(), BTreeSet::new());
        for (key, actions) in OF_MANAGED {
            let (prefix, _) = key.split_once(':').unwrap();
            unused.extend(actions.iter().map(|action| (format!("{prefix}:{action}"), *key)));
        }
        for (_, policy) in managed::all() {
            let document: Value = serde_json::from_str(&policy.document).unwrap();
            let statements = match &document["Statement"] {
                Value::Array(all) => all.iter().collect(),
                one => vec![one],
            };
            for (name, key) in statements.into_iter().flat_map(pairs) {
                let Some(action) = actions::action(name) else { continue };
                let prefix = actions::of(name.split(':').next().unwrap()).unwrap();
                if prefix.never_sends(action, key) {
                    never.insert(format!("{name} {key}"));
                }
                unused.retain(|(own, of)| {
                    !own.eq_ignore_ascii_case(name) || !of.eq_ignore_ascii_case(key)
                });
            }
        }
        assert_eq!(never, BTreeSet::new());
        assert_eq!(unused, BTreeSet::new());
    }
}
