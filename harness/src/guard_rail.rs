//! The guard rails: each by its id, with the title that people read.

use std::fmt;
use std::sync::Arc;

/// A guard rail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardRail {
    /// Whether the teams can do their work.
    Deployments,
    /// The network of functions.
    NetworkKept,
    /// Calls of the API.
    Tokens,
    /// Their scopes.
    Scopes,
    /// The API's own settings.
    Front,
    /// Build artifacts.
    Artifacts,
    /// Ways to a function beside the API.
    Doors,
    /// The routes' authorizer.
    Routes,
    /// Tokens that must be let in.
    Claims,
    /// The issuer's keys.
    Rotation,
    /// Who becomes a deployer.
    Trust,
    /// What goes from one account to another.
    Accounts,
    /// The boundary of the roles that are made.
    BoundaryCarried,
    /// The boundaries themselves.
    BoundaryKept,
    /// Users, groups, providers and roles.
    Identities,
    /// The targets of the platform's routes.
    RoutesLead,
    /// Other teams' functions.
    Functions,
    /// The roles that functions run as.
    OwnRoles,
    /// Networks.
    Network,
    /// Other teams' stacks.
    Stacks,
    /// Published parameters.
    Published,
    /// Logs.
    Logs,
    /// A boundary over everything, of a deployer.
    DeployerCeiling,
    /// A boundary over everything, of code.
    CodeCeiling,
    /// The known paths of escalation.
    Paths,
    /// The policies' own text.
    Policies,
    /// The calls of the account's root.
    Root,
    /// What Layer 1 applied, at the end of a run.
    Applied,
    /// The ways from functions to the internet.
    NatAlone,
    /// The ways from the internet to functions.
    Unreached,
    /// The VPC endpoints that functions reach.
    Endpoints,
    /// One of the configuration's own.
    Declared(Declared),
}

/// A guard rail of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Declared(Arc<Named>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Named {
    id: String,
    title: String,
}

impl GuardRail {
    /// Those that need no configuration.
    pub const BUILT_IN: [Self; 28] = [
        Self::Deployments,
        Self::NetworkKept,
        Self::Tokens,
        Self::Scopes,
        Self::Front,
        Self::Artifacts,
        Self::Doors,
        Self::Routes,
        Self::Claims,
        Self::Rotation,
        Self::Trust,
        Self::Accounts,
        Self::BoundaryCarried,
        Self::BoundaryKept,
        Self::Identities,
        Self::RoutesLead,
        Self::Functions,
        Self::OwnRoles,
        Self::Network,
        Self::Stacks,
        Self::Published,
        Self::Logs,
        Self::DeployerCeiling,
        Self::CodeCeiling,
        Self::Paths,
        Self::Policies,
        Self::Root,
        Self::Applied,
    ];

    /// Those of networks: they are proved, of files and of what is deployed; no packet is
    /// sent to try them.
    pub const OF_NETWORKS: [Self; 3] = [Self::NatAlone, Self::Unreached, Self::Endpoints];

    /// One of the configuration.
    pub fn declared(id: &str, title: &str) -> Self {
        Self::Declared(Declared(Arc::new(Named { id: id.to_owned(), title: title.to_owned() })))
    }

    /// Whether it is about the run itself: no run without it is a result, and nobody
    /// can accept what is found of it.
    pub fn is_of_the_run(&self) -> bool {
        matches!(self, Self::Root | Self::Applied)
    }

    /// What it is called in the configuration.
    pub fn id(&self) -> &str {
        self.names().0
    }

    /// What it says, as reports and objectives name it.
    pub fn title(&self) -> &str {
        self.names().1
    }

    fn names(&self) -> (&str, &str) {
        match self {
            Self::Deployments => ("deployments", "each team deploys by its own workflow"),
            Self::NetworkKept => ("network-kept", "functions stay in the platform's network"),
            Self::Tokens => ("tokens", "no call without a valid token"),
            Self::Scopes => ("scopes", "no call without one of the route's scopes"),
            Self::Front => ("front", "the API, its stage and its authorizer are the platform's"),
            Self::Artifacts => ("artifacts", "a team's artifacts are its own"),
            Self::Doors => ("doors", "functions are reached through the API alone"),
            Self::Routes => ("routes", "every route is behind the authorizer"),
            Self::Claims => ("claims", "a valid token reaches its function"),
            Self::Rotation => ("rotation", "the issuer's keys rotate"),
            Self::Trust => ("trust", "only its own workflow becomes a deployer"),
            Self::Accounts => {
                ("accounts", "what goes from one account to another is named by one of them")
            }
            Self::BoundaryCarried => {
                ("boundary-carried", "every execution role carries the boundary")
            }
            Self::BoundaryKept => ("boundary-kept", "no boundary is removed or replaced"),
            Self::Identities => ("identities", "identities are the platform's"),
            Self::RoutesLead => {
                ("routes-lead", "the platform's routes lead where the platform says")
            }
            Self::Functions => ("functions", "a team's functions are its own"),
            Self::OwnRoles => ("own-roles", "only a team's own roles run its functions"),
            Self::Network => ("network", "the network is the platform's"),
            Self::Stacks => ("stacks", "a team's stacks are its own"),
            Self::Published => ("published", "what the platform publishes is the platform's"),
            Self::Logs => ("logs", "a team's logs are its own"),
            Self::DeployerCeiling => ("deployer-ceiling", "the boundary caps a deployer"),
            Self::CodeCeiling => ("code-ceiling", "the boundary caps running code"),
            Self::Paths => ("paths", "no known path leads to more permissions"),
            Self::Policies => ("policies", "policies say what they mean"),
            Self::Root => ("root", "nobody but the harness acts as root"),
            Self::Applied => ("applied", "what was applied is what is judged"),
            Self::NatAlone => ("nat-alone", "functions reach the internet through NAT alone"),
            Self::Unreached => ("unreached", "nothing from the internet reaches a function"),
            Self::Endpoints => ("endpoints", "functions reach these endpoints alone"),
            Self::Declared(Declared(named)) => (&named.id, &named.title),
        }
    }
}

impl fmt::Display for GuardRail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}
