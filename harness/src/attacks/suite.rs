//! All attacks, in one run.

use super::actor::{Actor, Answer};
use super::attack::Step;
use super::catalogue;
use super::ceiling;
use super::claims;
use super::doors;
use super::escalations;
use super::escalations::decided::{self, Candidate, Decided};
use super::escalations::questions::Between;
use super::facts::{DeployerFacts, Facts, FunctionFacts};
use super::finding::{Companions, Finding, Road, Scope, Traces, Verdict};
use super::inside::{Author, Code, Inside};
use super::needs;
use super::probe_role::ProbeRole;
use super::public;
use super::run::Runner;
use super::settings;
use super::tokens::Gateway;
use super::trust::{SESSION, Trust};
use crate::config::{App, IssuerKind, Job};
use crate::issuers::Issuer;
use crate::stack::{Stack, StackError};
use ringfence_guard::Caller;

/// Everything that the attacks need of a deployed stack.
#[derive(Debug)]
pub struct Suite<'a> {
    stack: &'a Stack,
    facts: Facts,
    platform: Actor,
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
    /// What the platform's own resources are set to, what nobody at all may do,
    /// and whom functions let in.
    Settings,
    /// Tokens against the HTTP API.
    Tokens,
    /// A deployer's trust policy.
    Trust(&'a DeployerFacts),
    /// A deployer's calls.
    Deployer(&'a DeployerFacts),
    /// The calls of administrators under the platform's boundaries.
    Ceiling,
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
            Self::Settings => "settings".into(),
            Self::Tokens => "tokens".into(),
            Self::Trust(deployer) => format!("who becomes {}", deployer.name),
            Self::Deployer(deployer) => format!("what {} can do", deployer.name),
            Self::Ceiling => "what the boundaries stop".into(),
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
            Self::Settings => ("settings", "a team's artifacts are its own", "platform", Road::Api),
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
            Self::Ceiling => ("ceiling", ceiling::DEPLOYER, "platform", Road::Api),
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
            traces: Traces::default(),
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
        if !stack.issuers().iter().any(|issuer| issuer.kind == IssuerKind::Okta) {
            let missing = "issuer of the kind Okta".to_owned();
            return Err(StackError::NotConfigured(missing).into());
        }
        Ok(Self {
            facts: Facts::gather(stack.config(), stack.outputs(), &platform).await?,
            platform,
            github: first_workflows(stack)?,
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

    /// Who issues the tokens of the first app's workflows: whose tokens the
    /// harness uses for roles of its own.
    pub fn github(&self) -> &'a Issuer {
        self.github
    }

    /// The parts, in the order of a run.
    pub fn parts(&self) -> Vec<Part<'_>> {
        let deployers = &self.facts.deployers;
        let stacks = deployers.iter().filter(|deployer| deployer.job == Job::Stack);
        [Part::Deployments, Part::Policies, Part::Settings, Part::Tokens]
            .into_iter()
            .chain(deployers.iter().map(Part::Trust))
            .chain(deployers.iter().map(Part::Deployer))
            .chain([Part::Ceiling])
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
            Part::Settings => [settings::ids(self), public::ids(), doors::ids(facts)].concat(),
            Part::Tokens => self.gateway().ids()?,
            Part::Trust(deployer) => self.trust().ids(deployer)?,
            Part::Deployer(deployer) => {
                let calls = catalogue::attacks(facts, deployer);
                let calls = calls.iter().map(|attack| attack.id(&deployer.name));
                let asked = catalogue::asked::asked(facts, deployer);
                let asked = asked.iter().map(|asked| asked.id(&deployer.name));
                let paths = escalations::paths()
                    .iter()
                    .filter(|path| !escalations::calls::served(path, facts, deployer))
                    .map(|path| path.finding_id(&deployer.name, Road::Api));
                let needs = needs::ids(facts, deployer, self.app_of(deployer));
                calls.chain(asked).chain(paths).chain(needs).collect()
            }
            Part::Ceiling => ceiling::all(facts).iter().flat_map(ceiling::Ceiling::ids).collect(),
            Part::Inside(deployer) => Inside::ids(facts, Author::Deployer(deployer)),
            Part::Code(function) => {
                let name = Facts::code_in(function);
                let paths =
                    escalations::paths().iter().map(|path| path.finding_id(&name, Road::Function));
                Inside::ids(facts, Author::Function(function)).into_iter().chain(paths).collect()
            }
        })
    }

    fn app_of(&self, deployer: &DeployerFacts) -> Option<&App> {
        self.stack.config().app(&deployer.app)
    }

    fn gateway(&self) -> Gateway<'_> {
        Gateway {
            facts: &self.facts,
            issuers: self.stack.issuers(),
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
            Part::Settings => self.settings(selected).await,
            Part::Tokens => self.gateway().run(selected).await,
            Part::Trust(deployer) => self.trust().run(deployer, selected).await,
            Part::Deployer(deployer) => {
                let attacker = self.deployer(deployer).await?;
                let canary = ProbeRole::canary(self, &deployer.name);
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
                for asked in catalogue::asked::asked(&self.facts, deployer) {
                    if selected(&asked.id(&deployer.name)) {
                        let may = decided::reads_function(&self.facts, &deployer.app);
                        let asking = asked.asking(&deployer.name, attacker.access_key_id(), may);
                        findings.push(asking.run(self.stack.guard(), &actor).await?);
                    }
                }
                findings.extend(self.paths_of(deployer, &attacker, &actor, selected).await);
                findings.extend(
                    needs::run(
                        self.stack.guard(),
                        &self.facts,
                        deployer,
                        self.app_of(deployer),
                        Caller::Key(attacker.access_key_id()),
                        selected,
                    )
                    .await,
                );
                canary.remove().await?;
                Ok(findings)
            }
            Part::Ceiling => self.ceilings(selected).await,
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

    async fn settings(&self, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
        let canary = ProbeRole::canary(self, "settings");
        let actor = canary.make().await?;
        let tried = async {
            let mut findings = settings::run(self).await?;
            findings.extend(public::run(self, &actor).await?);
            findings.extend(doors::run(self, &actor).await?);
            anyhow::Ok(findings)
        };
        let tried = tried.await;
        canary.remove().await?;
        let mut findings = tried?;
        findings.retain(|finding| selected(&finding.id));
        Ok(findings)
    }

    /// What administrators under the platform's boundaries cannot do.
    async fn ceilings(&self, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
        let canary = ProbeRole::canary(self, "ceiling");
        let actor = canary.make().await?;
        let mut findings = Vec::new();
        for ceiling in ceiling::all(&self.facts) {
            if !ceiling.ids().iter().any(|id| selected(id)) {
                continue;
            }
            let administrator = ProbeRole::administrator(self, ceiling.name, ceiling.boundary);
            let attacker = administrator.make().await?;
            let runner = Runner {
                identity: ceiling.identity.to_owned(),
                attacker: &attacker,
                platform: &self.platform,
                canary: &actor,
                guard: self.stack.guard(),
                namespace: ceiling.identity.to_owned(),
            };
            for (number, attack) in ceiling.attacks.iter().enumerate() {
                if selected(&attack.id(ceiling.identity)) {
                    findings.push(runner.run(attack, number).await);
                }
            }
            for asking in ceiling.questions(attacker.access_key_id()) {
                if selected(&asking.id) {
                    findings.push(asking.run(self.stack.guard(), &actor).await?);
                }
            }
            administrator.remove().await?;
        }
        canary.remove().await?;
        Ok(findings)
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
        let decided =
            Decided { guard: self.stack.guard(), canary: Caller::Key(canary.access_key_id()) };
        let candidate = self.deployer_candidate(deployer, Caller::Key(attacker.access_key_id()));
        let mut findings = Vec::new();
        for path in escalations::paths() {
            let chosen = selected(&path.finding_id(&deployer.name, Road::Api));
            if chosen && !escalations::calls::served(path, &self.facts, deployer) {
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
        let canary = ProbeRole::canary(self, &Facts::code_in(function));
        let actor = canary.make().await?;
        let decided =
            Decided { guard: self.stack.guard(), canary: Caller::Key(actor.access_key_id()) };
        let name = Facts::code_in(function);
        let candidate = self.code_candidate(function, &name);
        let mut findings = Vec::new();
        for path in escalations::paths() {
            if selected(&path.finding_id(&name, Road::Function)) {
                findings.push(decided.run(path, &candidate).await);
            }
        }
        canary.remove().await?;
        Ok(findings)
    }

    /// A deployer whom escalation paths are decided for.
    fn deployer_candidate<'b>(
        &'b self,
        deployer: &'b DeployerFacts,
        caller: Caller<'b>,
    ) -> Candidate<'b> {
        let facts = &self.facts;
        Candidate {
            name: &deployer.name,
            caller,
            road: Road::Api,
            between: Between {
                facts,
                app: &deployer.app,
                own: &deployer.role_arn,
                coveted: facts.coveted(deployer),
            },
            may: decided::reads_function(facts, &deployer.app),
        }
    }

    /// Code in a function that escalation paths are decided for.
    fn code_candidate<'b>(&'b self, function: &'b FunctionFacts, name: &'b str) -> Candidate<'b> {
        let facts = &self.facts;
        let first = facts.deployers.first();
        Candidate {
            name,
            caller: Caller::Role { name: role_of(&function.role_arn), session: &function.name },
            road: Road::Function,
            between: Between {
                facts,
                app: &function.name,
                own: &function.role_arn,
                coveted: first.map_or(facts.deployer_boundary.as_str(), |it| &it.role_arn),
            },
            may: decided::writes_logs(facts, &function.name),
        }
    }

    /// A call that nobody signed.
    pub async fn unsigned(&self, step: &Step) -> Answer {
        let answer = self.stack.client().call_unsigned(
            self.stack.endpoint(),
            step.service,
            step.operation,
            step.input.clone(),
            step.payload.clone().map(Into::into),
        );
        let answer = answer.await;
        Answer { request_id: answer.request_id.unwrap_or_default(), result: answer.result }
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
        let role = role_of(&deployer.role_arn);
        let arn = format!("arn:aws:sts::{}:assumed-role/{role}/{SESSION}", self.facts.account);
        Ok(Actor::new(arn, access, self.stack.client().clone()))
    }

    pub(super) fn trust(&self) -> Trust<'_> {
        Trust {
            config: self.stack.config(),
            issuers: self.stack.issuers(),
            endpoint: self.stack.endpoint(),
            client: self.stack.client(),
            guard: self.stack.guard(),
            facts: &self.facts,
        }
    }
}

fn first_workflows(stack: &Stack) -> Result<&Issuer, StackError> {
    match stack.config().apps.first() {
        Some(app) => stack.issuer_of(app),
        None => stack.issuer(IssuerKind::Github),
    }
}

/// The name at the end of a role's ARN.
fn role_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}
