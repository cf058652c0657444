//! The parts of a run of all attacks.

use super::PLATFORM;
use crate::attacks::declared::Declared;
use crate::attacks::facts::{DeployerFacts, FunctionFacts, RoleFacts};
use crate::attacks::finding::{Finding, Road, Scope, Untried, Verdict};
use crate::attacks::trust::Assumed;
use crate::attacks::{ceiling, escalations};
use crate::guard_rail::GuardRail;

/// Which findings are wanted, by id.
pub type Selected<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// A part of the suite, in the order of a run.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// Whether each application is deployed.
    Deployments,
    /// What linting the policies says.
    Policies,
    /// What the platform's own resources are set to, what nobody at all may do,
    /// and whom functions let in.
    Settings,
    /// Tokens against the HTTP API.
    Tokens,
    /// A deployer's trust policy.
    Trust(&'a DeployerFacts),
    /// The trust policy of the role that a pipeline applies Layer 1 as.
    Pipeline(&'a Assumed),
    /// A deployer's calls.
    Deployer(&'a DeployerFacts),
    /// The calls of administrators under the platform's boundaries.
    Ceiling,
    /// Code in a function of a stack deployer.
    Inside(&'a DeployerFacts),
    /// Code in a function.
    Code(&'a FunctionFacts),
    /// A guard rail of the configuration.
    Declared(&'a Declared),
    /// What a role may do that is neither a deployer's nor a function's.
    Role(&'a RoleFacts),
}

impl Part<'_> {
    /// What the part does, for the progress.
    pub fn title(&self) -> String {
        match self {
            Self::Deployments => "deployments".into(),
            Self::Policies => "policies".into(),
            Self::Settings => "settings".into(),
            Self::Tokens => "tokens".into(),
            Self::Trust(deployer) => format!("who becomes {}", deployer.name),
            Self::Pipeline(role) => format!("who becomes {}", role.name),
            Self::Deployer(deployer) => format!("what {} can do", deployer.name),
            Self::Ceiling => "what the boundaries stop".into(),
            Self::Inside(deployer) => format!("what code of {} can do", deployer.name),
            Self::Code(function) => format!("what code in {} can do", function.name),
            Self::Declared(declared) => format!("whether {}", declared.rail()),
            Self::Role(role) => format!("what {} can do", role.identity()),
        }
    }
}

impl Part<'_> {
    /// The part as one probe that could not be run.
    pub(super) fn not_run(&self, reason: String) -> Finding {
        const RUNNING: GuardRail = GuardRail::CodeCeiling;
        let (name, guard_rail, identity, road) = match self {
            Self::Deployments => ("deployments", GuardRail::Deployments, PLATFORM, Road::Workflow),
            Self::Policies => ("policies", GuardRail::Policies, PLATFORM, Road::Api),
            Self::Settings => ("settings", GuardRail::Artifacts, PLATFORM, Road::Api),
            Self::Tokens => ("tokens", GuardRail::Tokens, "client", Road::Http),
            Self::Trust(deployer) => {
                ("trust", GuardRail::Trust, deployer.name.as_str(), Road::Oidc)
            }
            Self::Pipeline(role) => ("trust", GuardRail::Trust, role.name.as_str(), Road::Oidc),
            Self::Deployer(deployer) => {
                ("calls", escalations::PATHS, deployer.name.as_str(), Road::Api)
            }
            Self::Ceiling => ("ceiling", ceiling::DEPLOYER, PLATFORM, Road::Api),
            Self::Inside(deployer) => ("inside", RUNNING, deployer.name.as_str(), Road::Function),
            Self::Code(function) => ("code", RUNNING, function.name.as_str(), Road::Function),
            Self::Declared(declared) => {
                (declared.rail().id(), declared.rail().clone(), PLATFORM, Road::Api)
            }
            Self::Role(role) => ("role", escalations::PATHS, role.name.as_str(), Road::Api),
        };
        let told = Untried {
            id: format!("{identity}/{name}/{road}"),
            guard_rail,
            identity: identity.to_owned(),
            road,
            scope: Scope::Executed,
            title: self.title(),
            expected: "the part can be run".to_owned(),
        };
        Finding { observed: reason.clone(), ..Finding::untried(told, Verdict::NotRun, reason) }
    }
}
