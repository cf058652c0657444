//! The VPC endpoints that requests come through, as far as the configuration
//! says so.
//!
//! A request reaches the guard directly: neither which subnet its sender is in,
//! nor how names and routes lead from there, shows in it. So a request comes
//! through an endpoint where it is stated, and through none elsewhere.
//!
//! - <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>

use std::sync::Arc;

use ringfence_policy::catalog;
use ringfence_policy::{Context, Document, Kind};
use ringfence_services::credentials::{Identity, Session};

use crate::guard::GuardError;
use crate::recording::{Attached, ThroughEndpoint};

/// A VPC endpoint and what comes through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// The name of its policy, and its text.
    pub policy: (String, String),
    /// The services that it leads to, by the prefixes of their actions.
    pub services: Vec<String>,
    /// Who calls through it: `role/NAME`, which stands for the role's sessions,
    /// `user/NAME`, `root` or `anonymous`; a `*` at the end stands for all that
    /// begin so.
    pub callers: Vec<String>,
}

/// Why endpoints cannot be told apart or are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoVpcEndpoint {
    /// No caller, or no service.
    #[error("it has no {0}")]
    Nothing(&'static str),
    /// No action has the prefix.
    #[error("`{0}` is not the prefix of a service's actions")]
    Service(String),
    /// Nobody is called so.
    #[error("`{0}` is no caller: `role/NAME`, `user/NAME`, `root` or `anonymous`")]
    Caller(String),
    /// A request would come through two.
    #[error("calls of `{caller}` for `{service}` come through another already")]
    Twice {
        /// The caller, or the beginning of its name.
        caller: String,
        /// The service's prefix.
        service: String,
    },
}

/// All that are stated.
#[derive(Debug, Default)]
pub(crate) struct VpcEndpoints {
    stated: Vec<(Vec<String>, ThroughEndpoint)>,
}

impl VpcEndpoints {
    /// Reads the policies.
    ///
    /// # Errors
    /// When a policy is none, or a request would come through two endpoints.
    pub(crate) fn read(endpoints: Vec<VpcEndpoint>) -> Result<Self, GuardError> {
        let mut read = Self::default();
        for (number, endpoint) in endpoints.into_iter().enumerate() {
            let VpcEndpoint { policy: (name, text), services, callers } = endpoint;
            read.check(&services, &callers)
                .map_err(|cause| GuardError::VpcEndpoint { name: name.clone(), cause })?;
            let document = Document::parse(&name, &text, Kind::VpcEndpoint)
                .map_err(|cause| GuardError::VpcEndpointPolicy { name: name.clone(), cause })?;
            let policy = Attached::own(format!("vpc-endpoint/{number}"), Arc::new(document));
            read.stated.push((callers, ThroughEndpoint { services, policy }));
        }
        Ok(read)
    }

    fn check(&self, services: &[String], callers: &[String]) -> Result<(), NoVpcEndpoint> {
        if callers.is_empty() {
            return Err(NoVpcEndpoint::Nothing("callers"));
        }
        let named = |caller: &str| caller.starts_with("role/") || caller.starts_with("user/");
        let known = |caller: &str| named(caller) || [ROOT, ANONYMOUS].contains(&caller);
        if let Some(nobody) = callers.iter().find(|caller| !known(caller)) {
            return Err(NoVpcEndpoint::Caller(nobody.clone()));
        }
        if services.is_empty() {
            return Err(NoVpcEndpoint::Nothing("services"));
        }
        for service in services {
            if !catalog::is_prefix(service) {
                return Err(NoVpcEndpoint::Service(service.clone()));
            }
            let same_service =
                self.stated.iter().filter(|(_, through)| through.services.contains(service));
            for (others, _) in same_service {
                let met = |caller: &&String| others.iter().any(|other| overlap(caller, other));
                if let Some(caller) = callers.iter().find(met) {
                    let (caller, service) = (caller.clone(), service.clone());
                    return Err(NoVpcEndpoint::Twice { caller, service });
                }
            }
        }
        Ok(())
    }

    /// Those that the caller's own calls come through. What a service calls on
    /// its behalf comes from the service.
    pub(crate) fn of(&self, caller: &Session) -> Vec<ThroughEndpoint> {
        if self.stated.is_empty() || !caller.called_via.is_empty() {
            return Vec::new();
        }
        let Some(name) = name(&caller.identity) else { return Vec::new() };
        let calls = |callers: &[String]| callers.iter().any(|caller| overlap(caller, &name));
        let stated = self.stated.iter().filter(|(callers, _)| calls(callers));
        stated.map(|(_, through)| through.clone()).collect()
    }
}

/// The keys of a request that comes through an endpoint, of which neither id
/// nor addresses are stated. It has no `aws:SourceIp`.
pub(crate) fn describe(context: &mut Context) {
    context.unset("aws:SourceIp");
    for key in [
        "aws:SourceVpc",
        "aws:SourceVpcArn",
        "aws:SourceVpce",
        "aws:VpceAccount",
        "aws:VpceOrgID",
        "aws:VpceOrgPaths",
        "aws:VpcSourceIp",
    ] {
        context.set_unknown(key);
    }
}

const ROOT: &str = "root";
const ANONYMOUS: &str = "anonymous";

/// A caller's name; none of a service, and of a web identity, of whom nothing
/// can be stated.
fn name(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Root { .. } => Some(ROOT.to_owned()),
        Identity::User { name, .. } => Some(format!("user/{name}")),
        Identity::Role(session) => Some(format!("role/{}", session.role_name)),
        Identity::FederatedUser(session) => name(&session.federator.clone().into()),
        Identity::Anonymous => Some(ANONYMOUS.to_owned()),
        Identity::Service { .. } | Identity::WebIdentity(_) => None,
    }
}

/// Whether some name is meant by both; a `*` at the end of one stands for all
/// names that begin so.
fn overlap(one: &str, other: &str) -> bool {
    match (one.strip_suffix('*'), other.strip_suffix('*')) {
        (None, None) => one == other,
        (Some(start), None) => other.starts_with(start),
        (None, Some(start)) => one.starts_with(start),
        (Some(one), Some(other)) => one.starts_with(other) || other.starts_with(one),
    }
}
