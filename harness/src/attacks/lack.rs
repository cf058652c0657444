//! What attacks are about and an estate need not have.
//!
//! In the place of what is not there, [`super::Facts`] holds a name that nothing
//! can have. Attacks are data: whatever names it is not made, and is told as not
//! applicable, by [`of`] alone.

use std::fmt::Debug;

/// Something that an estate may have none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// An HTTP API.
    Api,
    /// A JWT authorizer of the API.
    Authorizer,
    /// A boundary that execution roles carry.
    ExecutionBoundary,
    /// A boundary that deployers carry.
    DeployerBoundary,
    /// A bucket that teams upload to.
    Bucket,
    /// Subnets that functions run in.
    Subnets,
    /// A security group of functions.
    SecurityGroup,
    /// Parameters that are published.
    Parameters,
    /// Deployers, be they roles or users.
    Deployers,
    /// Roles that deploy, where users do.
    DeployerRoles,
    /// Functions.
    Functions,
    /// Applications with a workflow.
    Apps,
}

impl Lack {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Api,
        Self::Authorizer,
        Self::ExecutionBoundary,
        Self::DeployerBoundary,
        Self::Bucket,
        Self::Subnets,
        Self::SecurityGroup,
        Self::Parameters,
        Self::Deployers,
        Self::DeployerRoles,
        Self::Functions,
        Self::Apps,
    ];

    /// What stands in the place of its name. No part of it may be cut off where
    /// ARNs, paths and hosts are taken apart.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "ringfence-there-is-no-api",
            Self::Authorizer => "ringfence-there-is-no-authorizer",
            Self::ExecutionBoundary => "ringfence-there-is-no-execution-boundary",
            Self::DeployerBoundary => "ringfence-there-is-no-deployer-boundary",
            Self::Bucket => "ringfence-there-is-no-bucket",
            Self::Subnets => "ringfence-there-is-no-subnet",
            Self::SecurityGroup => "ringfence-there-is-no-security-group",
            Self::Parameters => "ringfence-there-is-no-parameter",
            Self::Deployers => "ringfence-there-is-no-one-who-deploys",
            Self::DeployerRoles => "ringfence-there-is-no-role-that-deploys",
            Self::Functions => "ringfence-there-is-no-function",
            Self::Apps => "ringfence-there-is-no-app",
        }
    }

    /// What reports say.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Api => "the estate has no HTTP API",
            Self::Authorizer => "the estate has no JWT authorizer of an HTTP API",
            Self::ExecutionBoundary => "no execution role of the estate carries a boundary",
            Self::DeployerBoundary => "no deployer of the estate carries a boundary",
            Self::Bucket => "the estate has no bucket that a team uploads to",
            Self::Subnets => "no function of the estate runs in a network",
            Self::SecurityGroup => "no function of the estate has a security group",
            Self::Parameters => "the estate publishes no parameters",
            Self::Deployers => "the estate has no deployer",
            Self::DeployerRoles => "no deployer of the estate is a role",
            Self::Functions => "the estate has no function",
            Self::Apps => "the estate has no application with a workflow",
        }
    }
}

/// What something names that is not there: the first of these, where it names
/// any.
pub fn of(named: &impl Debug) -> Option<Lack> {
    let text = format!("{named:?}");
    // Most estates have most of it.
    if !text.contains("ringfence-there-is-no-") {
        return None;
    }
    Lack::ALL.into_iter().find(|lack| text.contains(lack.name()))
}

#[cfg(test)]
mod tests {
    use ringfence_wire::services::{Iam, S3};
    use serde_json::json;

    use super::super::attack::Step;
    use super::*;

    #[test]
    fn what_names_nothing_that_is_missing_is_applicable() {
        assert_eq!(of(&Step::new(S3, "ListObjectsV2", json!({"Bucket": "artifacts"}))), None);
    }

    #[test]
    fn a_name_is_found_in_an_arn_a_key_and_a_document() {
        let bucket = Lack::Bucket.name();
        let arn = format!("arn:aws:s3:::{bucket}/orders/probe");
        assert_eq!(of(&arn), Some(Lack::Bucket));
        let document = json!({"Statement": [{"Resource": arn}]}).to_string();
        let step = Step::new(Iam, "CreatePolicy", json!({"PolicyDocument": document}));
        assert_eq!(of(&step), Some(Lack::Bucket));
    }

    #[test]
    fn no_name_is_the_beginning_of_another() {
        for one in Lack::ALL {
            assert_eq!(Lack::ALL.iter().filter(|it| one.name().contains(it.name())).count(), 1);
        }
    }
}
