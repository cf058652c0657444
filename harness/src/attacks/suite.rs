//! All attacks, in one run.

use super::actor::Actor;
use super::canary::Canary;
use super::catalogue;
use super::claims;
use super::facts::{DeployerFacts, Facts};
use super::finding::{Companions, Finding, Road, Scope, Verdict};
use super::inside::Inside;
use super::run::Runner;
use super::tokens::Gateway;
use super::trust::{SESSION, Trust};
use crate::config::{IssuerKind, Job};
use crate::issuers::Issuer;
use crate::stack::Stack;

/// Everything that the attacks need of a deployed stack.
#[derive(Debug)]
pub struct Suite<'a> {
    stack: &'a Stack,
    facts: Facts,
    platform: Actor,
    okta: &'a Issuer,
    github: &'a Issuer,
}

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
            .collect()
    }

    /// Runs a part.
    ///
    /// # Errors
    /// When the part could not be run: nothing is proved then.
    pub async fn run(&self, part: Part<'_>) -> anyhow::Result<Vec<Finding>> {
        match part {
            Part::Deployments => Ok(claims::deployments(self.stack)),
            Part::Policies => claims::policies(self.stack).await,
            Part::Tokens => {
                let gateway = Gateway {
                    facts: &self.facts,
                    issuer: self.okta,
                    stranger: self.github,
                    endpoint: self.stack.endpoint(),
                    http: reqwest::Client::new(),
                };
                gateway.run().await
            }
            Part::Trust(deployer) => self.trust().run(deployer).await,
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
                    findings.push(runner.run(attack, number).await);
                }
                canary.remove().await?;
                Ok(findings)
            }
            Part::Inside(deployer) => {
                let attacker = self.deployer(deployer).await?;
                let inside = Inside {
                    facts: &self.facts,
                    deployer,
                    attacker: &attacker,
                    platform: &self.platform,
                };
                Ok(inside.run().await?)
            }
        }
    }

    /// Runs a part; one that could not be run is a finding that says so.
    pub async fn tried(&self, part: Part<'_>) -> Vec<Finding> {
        match self.run(part).await {
            Ok(findings) => findings,
            Err(error) => vec![part.not_run(format!("{error:#}"))],
        }
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
        }
    }
}
