//! Which decisions AWS's simulator can judge.

use std::fmt;

use ringfence_policy::jsonl::Question;
use ringfence_policy::{Outcome, Principal};
use serde::Serialize;

use crate::cases::Case;

/// Why a decision is not put to the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOut {
    /// The caller is nobody, a service, a root user, a web identity or a
    /// federated user: the simulator takes users, groups and roles.
    Caller,
    /// A session policy: the simulator has no place for one.
    SessionPolicy,
    /// A trust policy: the simulator reads resource policies of actions upon
    /// resources, not of `sts:AssumeRole…`.
    TrustPolicy,
    /// A role meets a resource policy: "Simulation of resource-based policies
    /// isn't supported for IAM roles"
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>).
    RoleAndResourcePolicy,
    /// A service-linked role, which service control policies do not bind: the
    /// simulator is not told what the caller is.
    ServiceLinkedRole,
    /// It hangs on condition keys of which nothing is known.
    Undecided,
    /// Resource control policies or the policy of a VPC endpoint: the simulator
    /// has no place for them.
    NotSimulated,
    /// The caller is in no role or user of the account that is asked
    /// (`SimulatePrincipalPolicy` alone).
    NoSuchPrincipal,
}

impl LeftOut {
    /// In words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Caller => "the caller is no IAM user and no role",
            Self::SessionPolicy => "a session policy decides too",
            Self::TrustPolicy => "a trust policy decides",
            Self::RoleAndResourcePolicy => "a role meets a resource policy",
            Self::ServiceLinkedRole => "service control policies do not bind the caller",
            Self::Undecided => "it hangs on condition keys of which nothing is known",
            Self::NotSimulated => "resource control or VPC endpoint policies decide too",
            Self::NoSuchPrincipal => "the account has no such role or user",
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// Why the simulator cannot judge a decision; none where it can.
pub fn left_out(case: &Case) -> Option<LeftOut> {
    match case.ours.outcome {
        Outcome::Undecided => Some(LeftOut::Undecided),
        Outcome::Allow | Outcome::ImplicitDeny | Outcome::ExplicitDeny => of(&case.question),
    }
}

fn of(question: &Question) -> Option<LeftOut> {
    let policies = &question.policies;
    let is_role = match &question.principal {
        Principal::User { .. } => false,
        Principal::RoleSession { role_arn, .. } => {
            let linked = role_arn.contains(":role/aws-service-role/");
            if linked && !policies.service_control.is_empty() {
                return Some(LeftOut::ServiceLinkedRole);
            }
            true
        }
        Principal::Root { .. }
        | Principal::FederatedUser { .. }
        | Principal::WebIdentity { .. }
        | Principal::Service { .. }
        | Principal::Anonymous => return Some(LeftOut::Caller),
    };
    if policies.vpc_endpoint.is_some() || !policies.resource_control.is_empty() {
        return Some(LeftOut::NotSimulated);
    }
    if policies.session.is_some() {
        return Some(LeftOut::SessionPolicy);
    }
    if policies.resource.is_some() {
        let of_sts = question.action.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("sts:"));
        if of_sts {
            return Some(LeftOut::TrustPolicy);
        }
        if is_role {
            return Some(LeftOut::RoleAndResourcePolicy);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::cases::cases;

    const USER: &str = "arn:aws:iam::123456789012:user/a";
    const ROLE: &str = "arn:aws:sts::123456789012:assumed-role/r/s";
    const LINKED: &str =
        "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    const ANY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}]}"#;
    const DENY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;
    const OWN: &str =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

    #[rstest]
    #[case::user(USER, "s3:GetObject", String::new(), None)]
    #[case::role(ROLE, "s3:GetObject", String::new(), None)]
    #[case::nobody("*", "s3:GetObject", String::new(), Some(LeftOut::Caller))]
    #[case::root("123456789012", "s3:GetObject", String::new(), Some(LeftOut::Caller))]
    #[case::service("lambda.amazonaws.com", "s3:GetObject", String::new(), Some(LeftOut::Caller))]
    #[case::user_and_bucket(USER, "s3:GetObject", format!(r#""resource":{ANY}"#), None)]
    #[case::role_and_bucket(ROLE, "s3:GetObject", format!(r#""resource":{ANY}"#), Some(LeftOut::RoleAndResourcePolicy))]
    #[case::linked(LINKED, "s3:GetObject", format!(r#""scp":[[{OWN}]]"#), Some(LeftOut::ServiceLinkedRole))]
    #[case::under_an_scp(ROLE, "s3:GetObject", format!(r#""scp":[[{OWN}]]"#), None)]
    #[case::under_an_rcp(ROLE, "s3:GetObject", format!(r#""rcp":[[{DENY}]]"#), Some(LeftOut::NotSimulated))]
    #[case::by_an_endpoint(USER, "s3:GetObject", format!(r#""vpc_endpoint":{ANY}"#), Some(LeftOut::NotSimulated))]
    #[case::session(ROLE, "s3:GetObject", format!(r#""session":[{OWN}]"#), Some(LeftOut::SessionPolicy))]
    #[case::boundary(USER, "s3:GetObject", format!(r#""boundary":[{OWN}]"#), None)]
    fn what_is_left_out(
        #[case] principal: &str,
        #[case] action: &str,
        #[case] policies: String,
        #[case] expected: Option<LeftOut>,
    ) {
        let line = format!(
            r#"{{"principal":"{principal}","action":"{action}","resource":"arn:aws:s3:::b/k","policies":{{{policies}}}}}"#
        );
        let read = cases([(line.as_str(), None)]).unwrap();
        assert_eq!(left_out(read.first().unwrap()), expected);
    }

    #[test]
    fn what_hangs_on_an_unknown_key_is_left_out() {
        let when = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"s3:authType":"POST"}}}]}"#;
        let line = format!(
            r#"{{"principal":"{USER}","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","unknown":["s3:authType"],"policies":{{"identity":[{when}]}}}}"#
        );
        let read = cases([(line.as_str(), None)]).unwrap();
        assert_eq!(left_out(read.first().unwrap()), Some(LeftOut::Undecided));
    }

    #[test]
    fn a_trust_policy_is_left_out() {
        let line = format!(
            r#"{{"principal":"{USER}","action":"sts:AssumeRole","resource":"arn:aws:iam::123456789012:role/r","policies":{{"resource":{TRUST}}}}}"#
        );
        let read = cases([(line.as_str(), None)]).unwrap();
        assert_eq!(left_out(read.first().unwrap()), Some(LeftOut::TrustPolicy));
    }
}
