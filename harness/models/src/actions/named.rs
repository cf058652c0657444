//! Pairs of an action and a key that the reference lacks, and that AWS itself names.

/// What AWS's documentation says that actions carry, by key:
/// - "Example 2: Allow only transactional operations" of
///   <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>.
const DOCUMENTED: [(&str, &[&str]); 1] = [("dynamodb:EnclosingOperation", &["ConditionCheckItem"])];

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

/// Whether the documentation says that an action of a prefix carries a key.
pub(super) fn is_documented(prefix: &str, action: &str, key: &str) -> bool {
    is_among(&DOCUMENTED, prefix, action, key)
}

/// Whether a managed policy has a key beside an action of a prefix.
pub(super) fn is_of_managed(prefix: &str, action: &str, key: &str) -> bool {
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
