//! All attacks, in one run.

use super::actor::Actor;
use super::canary::Canary;
use super::catalogue;
use super::claims;
use super::escalations;
use super::escalations::decided::{self, Candidate, Decided};
use super::escalations::questions::Between;
use super::facts::{DeployerFacts, Facts, FunctionFacts};
use super::finding::{Companions, Finding, Road, Scope, Verdict};
use super::inside::{Author, Code, Inside};
use super::run::Runner;
use super::tokens::Gateway;
use super::trust::{SESSION, Trust};
use crate::config::{IssuerKind, Job};
use crate::issuers::Issuer;
use crate::stack::Stack;
use ringfence_guard::Caller;

/// Everything that the attacks need of a deployed stack.
#[derive(Debug)]
pub struct Suite<'a> {
    stack: &'a Stack,
    facts: Facts,
    platform: Actor,
    okta: &'a Issuer,
    github: &'a Issuer,
}

/// Which findings are wanted, by id.
pub type Selected<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// A part of the suite, in the order of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Whether each application is deployed.
    Deployments,
    /// What linting the policies says.
    Policies,
    /// Tokens against the HTTP API.
    Tokens,
    /// A deployer's trust policy.
    Trust(&'a DeployerFacts),
    /// A deployer's calls.
    Deployer(&'a DeployerFacts),
    /// Code in a function of a stack deployer.
    Inside(&'a DeployerFacts),
    /// Code in an app's function.
    Code(&'a FunctionFacts),
}

impl Part<'_> {
    /// What the part does, for the progress.
    pub fn title(&self) -> String {
        match self {
            Self::Deployments => "deployments".into(),
            Self::Policies => "policies".into(),
            Self::Tokens => "tokens".into(),
            Self::Trust(deployer) => format!("who becomes {}", deployer.name),
            Self::Deployer(deployer) => format!("what {} can do", deployer.name),
            Self::Inside(deployer) => format!("what code of {} can do", deployer.name),
            Self::Code(function) => format!("what code in {} can do", function.name),
        }
    }
}

impl Part<'_> {
    /// The part as one probe that could not be run.
    fn not_run(&self, reason: String) -> Finding {
        let (name, guard_rail, identity, road) = match self {
            Self::Deployments => {
                ("deployments", "each team deploys by its own workflow", "platform", Road::Workflow)
            }
            Self::Policies => ("policies", "policies say what they mean", "platform", Road::Api),
            Self::Tokens => ("tokens", "no call without a valid token", "client", Road::Http),
            Self::Trust(deployer) => (
                "trust",
                "only its own workflow becomes a deployer",
                deployer.name.as_str(),
                Road::Oidc,
            ),
            Self::Deployer(deployer) => (
                "calls",
                "no known path leads to more permissions",
                deployer.name.as_str(),
                Road::Api,
            ),
            Self::Inside(deployer) => {
                ("inside", "the boundary caps running code", deployer.name.as_str(), Road::Function)
            }
            Self::Code(function) => {
                ("code", "the boundary caps running code", function.name.as_str(), Road::Function)
            }
        };
        Finding {
            id: format!("{identity}/{name}/{road}"),
            guard_rail,
            identity: identity.to_owned(),
            road,
            scope: Scope::Executed,
            title: self.title(),
            expected: "the part can be run".to_owned(),
            observed: reason.clone(),
            verdict: Verdict::NotRun,
            reason: Some(reason),
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration: std::time::Duration::ZERO,
            request_ids: Vec::new(),
        }
    }
}

impl<'a> Suite<'a> {
    /// Reads what the attacks must know of a stack.
    ///
    /// # Errors
    /// When the configuration or the deployed state lacks what they need.
    pub async fn of(stack: &'a Stack) -> anyhow::Result<Self> {
        let account = stack.config().account.id.as_str();
        let root = format!("arn:aws:iam::{account}:root");
        let platform = Actor::new(root, stack.root(), stack.client().clone());
        Ok(Self {
            facts: Facts::gather(stack.config(), stack.outputs(), &platform).await?,
            platform,
            okta: stack.issuer(IssuerKind::Okta)?,
            github: stack.issuer(IssuerKind::Github)?,
            stack,
        })
    }

    /// What is known of the deployed state.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The platform team.
    pub fn platform(&self) -> &Actor {
        &self.platform
    }

    /// The stack under attack.
    pub fn stack(&self) -> &'a Stack {
        self.stack
    }

    /// Who issues the workflows' tokens.
    pub fn github(&self) -> &'a Issuer {
        self.github
    }

    /// The parts, in the order of a run.
    pub fn parts(&self) -> Vec<Part<'_>> {
        let deployers = &self.facts.deployers;
        let stacks = deployers.iter().filter(|deployer| deployer.job == Job::Stack);
        [Part::Deployments, Part::Policies, Part::Tokens]
            .into_iter()
            .chain(deployers.iter().map(Part::Trust))
            .chain(deployers.iter().map(Part::Deployer))
            .chain(stacks.map(Part::Inside))
            .chain(self.facts.functions.iter().map(Part::Code))
            .collect()
    }

    /// Runs a part.
    ///
    /// # Errors
    /// When the part could not be run: nothing is proved then.
    pub async fn run(&self, part: Part<'_>) -> anyhow::Result<Vec<Finding>> {
        self.run_selected(part, &|_| true).await
    }

    /// The ids of a part's findings.
    ///
    /// # Errors
    /// When no token can be made.
    pub fn ids(&self, part: Part<'_>) -> anyhow::Result<Vec<String>> {
        let facts = &self.facts;
        Ok(match part {
            // Claims, and no attacks: how many there are is known when they are made.
            Part::Deployments | Part::Policies => Vec::new(),
            Part::Tokens => self.gateway().ids()?,
            Part::Trust(deployer) => self.trust().ids(deployer)?,
            Part::Deployer(deployer) => {
                let calls = catalogue::attacks(facts, deployer);
                let calls = calls.iter().map(|attack| attack.id(&deployer.name));
                let paths = escalations::paths()
                    .iter()
                    .filter(|path| !escalations::calls::served(path, facts, deployer))
                    .map(|path| path.finding_id(&deployer.name, Road::Api));
                calls.chain(paths).collect()
            }
            Part::Inside(deployer) => Inside::ids(facts, Author::Deployer(deployer)),
            Part::Code(function) => {
                let name = Facts::code_in(function);
                let paths =
                    escalations::paths().iter().map(|path| path.finding_id(&name, Road::Function));
                Inside::ids(facts, Author::Function(function)).into_iter().chain(paths).collect()
            }
        })
    }

    fn gateway(&self) -> Gateway<'_> {
        Gateway {
            facts: &self.facts,
            issuer: self.okta,
            stranger: self.github,
            endpoint: self.stack.endpoint(),
            http: reqwest::Client::new(),
            platform: &self.platform,
        }
    }

    /// Runs what is selected of a part, by id.
    ///
    /// # Errors
    /// When it could not be run: nothing is proved then.
    pub async fn run_selected(
        &self,
        part: Part<'_>,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        match part {
            Part::Deployments => Ok(claims::deployments(self.stack)),
            Part::Policies => claims::policies(self.stack).await,
            Part::Tokens => self.gateway().run(selected).await,
            Part::Trust(deployer) => self.trust().run(deployer, selected).await,
            Part::Deployer(deployer) => {
                let attacker = self.deployer(deployer).await?;
                let canary = Canary::of(self, &deployer.name);
                let actor = canary.make().await?;
                let runner = Runner {
                    identity: deployer.name.clone(),
                    attacker: &attacker,
                    platform: &self.platform,
                    canary: &actor,
                    guard: self.stack.guard(),
                    namespace: deployer.app.clone(),
                };
                let mut findings = Vec::new();
                for (number, attack) in catalogue::attacks(&self.facts, deployer).iter().enumerate()
                {
                    if selected(&attack.id(&deployer.name)) {
                        findings.push(runner.run(attack, number).await);
                    }
                }
                findings.extend(self.paths_of(deployer, &attacker, &actor, selected).await);
                canary.remove().await?;
                Ok(findings)
            }
            Part::Inside(deployer) => {
                let attacker = self.deployer(deployer).await?;
                let code = Code::Made { deployer, attacker: &attacker };
                Ok(self.inside(code).run(selected).await?)
            }
            Part::Code(function) => {
                let mut findings = self.inside(Code::Deployed(function)).run(selected).await?;
                findings.extend(self.paths_of_code(function, selected).await?);
                Ok(findings)
            }
        }
    }

    /// Runs what is selected of a part; where it could not be run, that is a
    /// finding.
    pub async fn tried(&self, part: Part<'_>, selected: Selected<'_>) -> Vec<Finding> {
        match self.run_selected(part, selected).await {
            Ok(findings) => findings,
            Err(error) => vec![part.not_run(format!("{error:#}"))],
        }
    }

    /// The escalation paths that a deployer cannot try by a call, decided.
    async fn paths_of(
        &self,
        deployer: &DeployerFacts,
        attacker: &Actor,
        canary: &Actor,
        selected: Selected<'_>,
    ) -> Vec<Finding> {
        let facts = &self.facts;
        let decided =
            Decided { guard: self.stack.guard(), canary: Caller::Key(canary.access_key_id()) };
        let candidate = Candidate {
            name: &deployer.name,
            caller: Caller::Key(attacker.access_key_id()),
            road: Road::Api,
            between: Between { facts, own: &deployer.role_arn, coveted: facts.coveted(deployer) },
            may: decided::reads_function(facts, &deployer.app),
        };
        let mut findings = Vec::new();
        for path in escalations::paths() {
            let chosen = selected(&path.finding_id(&deployer.name, Road::Api));
            if chosen && !escalations::calls::served(path, facts, deployer) {
                findings.push(decided.run(path, &candidate).await);
            }
        }
        findings
    }

    /// All escalation paths for code in a function, decided.
    async fn paths_of_code(
        &self,
        function: &FunctionFacts,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let facts = &self.facts;
        let canary = Canary::of(self, &Facts::code_in(function));
        let actor = canary.make().await?;
        let decided =
            Decided { guard: self.stack.guard(), canary: Caller::Key(actor.access_key_id()) };
        let role = function.role_arn.rsplit('/').next().unwrap_or_default();
        let name = Facts::code_in(function);
        let candidate = Candidate {
            name: &name,
            caller: Caller::Role { name: role, session: &function.name },
            road: Road::Function,
            between: Between {
                facts,
                own: &function.role_arn,
                coveted: facts
                    .deployers
                    .first()
                    .map_or(facts.deployer_boundary.as_str(), |deployer| &deployer.role_arn),
            },
            may: decided::writes_logs(facts, &function.name),
        };
        let mut findings = Vec::new();
        for path in escalations::paths() {
            if selected(&path.finding_id(&name, Road::Function)) {
                findings.push(decided.run(path, &candidate).await);
            }
        }
        canary.remove().await?;
        Ok(findings)
    }

    fn inside<'b>(&'b self, code: Code<'b>) -> Inside<'b> {
        let guard = self.stack.guard();
        Inside { facts: &self.facts, guard, platform: &self.platform, code }
    }

    /// A deployer with a session, had by a token of its own workflow.
    ///
    /// # Errors
    /// When the token is refused.
    pub async fn deployer(&self, deployer: &DeployerFacts) -> anyhow::Result<Actor> {
        let trust = self.trust();
        let access = trust.assume(&deployer.role_arn, &trust.token(deployer)?).await?;
        let role = deployer.role_arn.rsplit('/').next().unwrap_or_default();
        let arn = format!("arn:aws:sts::{}:assumed-role/{role}/{SESSION}", self.facts.account);
        Ok(Actor::new(arn, access, self.stack.client().clone()))
    }

    pub(super) fn trust(&self) -> Trust<'_> {
        Trust {
            config: self.stack.config(),
            issuer: self.github,
            endpoint: self.stack.endpoint(),
            client: self.stack.client(),
            guard: self.stack.guard(),
            facts: &self.facts,
        }
    }
}
