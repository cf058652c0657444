//! All attacks, in one run.

use std::collections::BTreeSet;

use super::actor::{Actor, Answer};
use super::attack::{Attack, Step};
use super::catalogue;
use super::ceiling;
use super::claims;
use super::doors;
use super::escalations;
use super::escalations::decided::{self, Candidate, Decided};
use super::escalations::questions::Between;
use super::facts::{DeployerFacts, Facts, FunctionFacts, RoleFacts};
use super::finding::{Companion, Finding, Road, Scope, Untried, Verdict};
use super::inside::{Author, Code, Inside};
use super::lack::{self, Lack};
use super::legitimate;
use super::needs;
use super::probe_role::ProbeRole;
use super::public;
use super::reach::deployed::{managed, policies_of, policies_of_user};
use super::reach::grants::Policies;
use super::run::Runner;
use super::settings;
use super::tokens::Gateway;
use super::trust::{SESSION, Trust};
use crate::config::{App, IssuerKind, Job};
use crate::issuers::Issuer;
use crate::stack::{Stack, StackError};
use ringfence_guard::{Caller, Question};
use ringfence_wire::services::Iam;
use serde_json::{Value, json};

/// Everything that the attacks need of a deployed stack.
#[derive(Debug)]
pub struct Suite<'a> {
    stack: &'a Stack,
    facts: Facts,
    platform: Actor,
    github: Option<&'a Issuer>,
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
    /// Code in a function.
    Code(&'a FunctionFacts),
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
            Self::Deployer(deployer) => format!("what {} can do", deployer.name),
            Self::Ceiling => "what the boundaries stop".into(),
            Self::Inside(deployer) => format!("what code of {} can do", deployer.name),
            Self::Code(function) => format!("what code in {} can do", function.name),
            Self::Role(role) => format!("what {} can do", role.identity()),
        }
    }
}

impl Part<'_> {
    /// The part as one probe that could not be run.
    fn not_run(&self, reason: String) -> Finding {
        const RUNNING: &str = "the boundary caps running code";
        let (name, guard_rail, identity, road) = match self {
            Self::Deployments => {
                ("deployments", "each team deploys by its own workflow", PLATFORM, Road::Workflow)
            }
            Self::Policies => ("policies", "policies say what they mean", PLATFORM, Road::Api),
            Self::Settings => ("settings", "a team's artifacts are its own", PLATFORM, Road::Api),
            Self::Tokens => ("tokens", "no call without a valid token", "client", Road::Http),
            Self::Trust(deployer) => (
                "trust",
                "only its own workflow becomes a deployer",
                deployer.name.as_str(),
                Road::Oidc,
            ),
            Self::Deployer(deployer) => {
                ("calls", escalations::PATHS, deployer.name.as_str(), Road::Api)
            }
            Self::Ceiling => ("ceiling", ceiling::DEPLOYER, PLATFORM, Road::Api),
            Self::Inside(deployer) => ("inside", RUNNING, deployer.name.as_str(), Road::Function),
            Self::Code(function) => ("code", RUNNING, function.name.as_str(), Road::Function),
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

/// Who holds Layer 1, in the reports.
const PLATFORM: &str = "platform";

impl<'a> Suite<'a> {
    /// Reads what the attacks must know of a stack.
    ///
    /// # Errors
    /// When the configuration or the deployed state lacks what they need.
    pub async fn of(stack: &'a Stack) -> anyhow::Result<Self> {
        let account = stack.config().account.id.as_str();
        let root = format!("arn:aws:iam::{account}:root");
        let platform = Actor::new(root, stack.root(), stack.client().clone());
        let mut facts = Facts::gather(stack.config(), stack.outputs(), &platform).await?;
        for function in facts.functions.iter_mut().filter(|it| it.deployed && !it.of_app) {
            let caller =
                Caller::Role { name: role_of(&function.role_arn), session: &function.name };
            let logs = Inside::log_group_created(function, &facts.region, &facts.account);
            function.logs = legitimate::may(stack.guard(), caller, &logs).await;
        }
        Ok(Self { facts, platform, github: first_workflows(stack)?, stack })
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
    /// harness uses for roles of its own; none where no workflow deploys.
    pub fn github(&self) -> Option<&'a Issuer> {
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
            .chain(self.facts.roles.iter().map(Part::Role))
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
            Part::Settings => facts
                .variants()
                .flat_map(|variant| {
                    let ids =
                        [settings::ids(self, variant), public::ids(variant), doors::ids(variant)];
                    ids.concat().into_iter().map(|id| variant.id(&id)).collect::<Vec<_>>()
                })
                .collect(),
            Part::Tokens => {
                let mut ids = Vec::new();
                for variant in facts.variants().filter(|variant| variant.is_about(Lack::Api)) {
                    let own = self.gateway(variant.facts).ids()?;
                    ids.extend(own.iter().map(|id| variant.id(id)));
                }
                ids
            }
            Part::Trust(deployer) => self.trust().ids(deployer)?,
            Part::Deployer(deployer) => {
                let calls = self.calls(deployer);
                let calls = calls.iter().map(|(id, _)| id.clone());
                let asked = catalogue::asked::asked(facts, deployer);
                let asked = asked.iter().map(|asked| asked.id(&deployer.name));
                let paths = escalations::paths()
                    .iter()
                    .filter(|path| !escalations::calls::served(path, facts, deployer))
                    .map(|path| path.finding_id(&deployer.name, Road::Api));
                let needs = needs::ids(facts, deployer, self.app_of(deployer));
                calls.chain(asked).chain(paths).chain(needs).collect()
            }
            Part::Ceiling => facts
                .variants()
                .flat_map(|variant| {
                    let ceilings = ceiling::all(variant);
                    let ids = ceilings.iter().flat_map(ceiling::Ceiling::ids);
                    ids.map(|id| variant.id(&id)).collect::<Vec<_>>()
                })
                .collect(),
            Part::Role(role) => {
                let name = role.identity();
                escalations::paths().iter().map(|path| path.finding_id(&name, Road::Api)).collect()
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

    fn app_of(&self, deployer: &DeployerFacts) -> Option<&App> {
        self.stack.config().app(&deployer.app)
    }

    /// The calls that a deployer tries, with the ids of their findings.
    fn calls(&self, deployer: &DeployerFacts) -> Vec<(String, Attack)> {
        let first = catalogue::attacks(&self.facts, deployer);
        let known: BTreeSet<String> = first.iter().map(|attack| format!("{attack:?}")).collect();
        let further = self.facts.variants().skip(1).flat_map(|variant| {
            // What names what is other, and no more.
            let others = catalogue::attacks(variant.facts, deployer).into_iter();
            let others = others.filter(|attack| !known.contains(&format!("{attack:?}")));
            others
                .map(|attack| (variant.id(&attack.id(&deployer.name)), attack))
                .collect::<Vec<_>>()
        });
        let further: Vec<(String, Attack)> = further.collect();
        let first = first.into_iter().map(|attack| (attack.id(&deployer.name), attack));
        first.chain(further).collect()
    }

    fn gateway<'b>(&'b self, facts: &'b Facts) -> Gateway<'b> {
        Gateway {
            facts,
            issuers: self.stack.issuers(),
            guard: self.stack.guard(),
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
            Part::Tokens => self.tokens(selected).await,
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
                    work: self.work_of_deployer(deployer, &attacker).await?,
                };
                let mut findings = Vec::new();
                for (number, (id, attack)) in self.calls(deployer).into_iter().enumerate() {
                    if !selected(&id) {
                        continue;
                    }
                    let finding = match lack::of(&attack) {
                        Some(lack) => attack.not_applicable(&deployer.name, lack),
                        None => runner.run(&attack, number).await,
                    };
                    findings.push(Finding { id, ..finding });
                }
                for asked in catalogue::asked::asked(&self.facts, deployer) {
                    if !selected(&asked.id(&deployer.name)) {
                        continue;
                    }
                    let missing = lack::of(&asked);
                    let may = decided::reads_function(&self.facts, &deployer.app);
                    let asking = asked.asking(&deployer.name, attacker.access_key_id(), may);
                    findings.push(match missing {
                        Some(lack) => asking.not_applicable(lack),
                        None => asking.run(self.stack.guard(), &actor).await?,
                    });
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
                let work = Companion::missing("there is no legitimate call");
                Ok(self.inside(code, work).run(selected).await?)
            }
            Part::Role(role) => self.role(role, selected).await,
            Part::Code(function) => {
                let work = match self.work_of(function).await? {
                    Some(Question { action, resource, .. }) => Companion::shown(format!(
                        "its role is allowed {action} on {resource}, which is decided alone"
                    )),
                    None => Companion::missing("its role's policies allow nothing"),
                };
                let inside = self.inside(Code::Deployed(function), work);
                let mut findings = inside.run(selected).await?;
                findings.extend(self.paths_of_code(function, selected).await?);
                Ok(findings)
            }
        }
    }

    async fn settings(&self, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
        let canary = ProbeRole::canary(self, "settings");
        let actor = canary.make().await?;
        let tried = async {
            let mut findings = Vec::new();
            for variant in self.facts.variants() {
                let mut own = settings::run(self, variant).await?;
                own.extend(public::run(self, variant, &actor).await?);
                own.extend(doors::run(self, variant, &actor).await?);
                own.iter_mut().for_each(|finding| finding.id = variant.id(&finding.id));
                findings.extend(own);
            }
            anyhow::Ok(findings)
        };
        let tried = tried.await;
        canary.remove().await?;
        let mut findings = tried?;
        findings.retain(|finding| selected(&finding.id));
        Ok(findings)
    }

    /// Tokens against each API.
    async fn tokens(&self, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for variant in self.facts.variants().filter(|variant| variant.is_about(Lack::Api)) {
            // An API without a route lets nobody in.
            if variant.facts.routes.is_empty() {
                continue;
            }
            let wanted = |id: &str| selected(&variant.id(id));
            let own = self.gateway(variant.facts).run(&wanted).await?;
            let named = |finding: Finding| Finding { id: variant.id(&finding.id), ..finding };
            findings.extend(own.into_iter().map(named));
        }
        Ok(findings)
    }

    /// What a user may do, or a role that is neither a deployer's nor a function's.
    async fn role(&self, role: &RoleFacts, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
        if !role.is_user() {
            let caller = Caller::Role { name: &role.name, session: SESSION };
            let policies = policies_of(&self.platform, &role.name).await?;
            return self.standing(role, caller, &policies, selected).await;
        }
        // A user is asked about by a key of its own, which nobody uses.
        let policies = policies_of_user(&self.platform, &role.name).await?;
        let named = json!({"UserName": role.name});
        let key = self.platform.call(&Step::new(Iam, "CreateAccessKey", named)).await.result?;
        let id = key.pointer("/AccessKey/AccessKeyId").and_then(Value::as_str);
        let id = id.ok_or_else(|| anyhow::anyhow!("CreateAccessKey answered without a key"))?;
        let findings = self.standing(role, Caller::Key(id), &policies, selected).await;
        let delete = json!({"UserName": role.name, "AccessKeyId": id});
        self.platform.call(&Step::new(Iam, "DeleteAccessKey", delete)).await.result?;
        findings
    }

    /// The known escalation paths, decided for an identity of which no work of its
    /// own is known.
    async fn standing(
        &self,
        role: &RoleFacts,
        caller: Caller<'_>,
        policies: &Policies,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let name = role.identity();
        let guard = self.stack.guard();
        let paths = escalations::paths().iter();
        let paths: Vec<_> =
            paths.filter(|path| selected(&path.finding_id(&name, Road::Api))).collect();
        let work = legitimate::work(guard, caller, &self.facts.account, policies).await;
        let Some(may) = work else {
            let why = "its policies allow nothing, and so there is nothing that it might gain by";
            return Ok(paths.iter().map(|it| it.not_applicable(&name, Road::Api, why)).collect());
        };
        let canary = ProbeRole::canary(self, &name);
        let actor = canary.make().await?;
        let decided = Decided { guard, canary: Caller::Key(actor.access_key_id()) };
        let coveted = self.facts.coveted_by(&role.arn);
        let candidate = Candidate {
            name: &name,
            caller,
            road: Road::Api,
            between: Between { facts: &self.facts, app: "", own: &role.arn, coveted: &coveted },
            may,
        };
        let mut findings = Vec::new();
        for path in paths {
            findings.push(decided.run(path, &candidate).await);
        }
        canary.remove().await?;
        Ok(findings)
    }

    /// What administrators under the platform's boundaries cannot do.
    async fn ceilings(&self, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
        let canary = ProbeRole::canary(self, "ceiling");
        let actor = canary.make().await?;
        let mut findings = Vec::new();
        for variant in self.facts.variants() {
            let wanted = |id: &str| selected(&variant.id(id));
            for ceiling in ceiling::all(variant) {
                let own = self.under(&ceiling, &actor, &wanted).await?;
                let named = |finding: Finding| Finding { id: variant.id(&finding.id), ..finding };
                findings.extend(own.into_iter().map(named));
            }
        }
        canary.remove().await?;
        Ok(findings)
    }

    /// What a deployer may do beside looking at its own function, where there is none.
    async fn work_of_deployer(
        &self,
        deployer: &DeployerFacts,
        attacker: &Actor,
    ) -> anyhow::Result<Option<Question>> {
        if self.facts.function(&deployer.app).is_some_and(|function| function.deployed) {
            return Ok(None);
        }
        let policies = policies_of(&self.platform, role_of(&deployer.role_arn)).await?;
        let caller = Caller::Key(attacker.access_key_id());
        let account = &self.facts.account;
        Ok(legitimate::work(self.stack.guard(), caller, account, &policies).await)
    }

    /// What a boundary leaves to an administrator.
    async fn work_under(
        &self,
        boundary: &str,
        attacker: &Actor,
    ) -> anyhow::Result<Option<Question>> {
        let text = managed(&self.platform, boundary).await?;
        let policies = Policies::parse(&[(boundary.to_owned(), text)], None)?;
        let caller = Caller::Key(attacker.access_key_id());
        let account = &self.facts.account;
        Ok(legitimate::work(self.stack.guard(), caller, account, &policies).await)
    }

    /// What an administrator under a boundary cannot do.
    async fn under(
        &self,
        ceiling: &ceiling::Ceiling<'_>,
        canary: &Actor,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        if !ceiling.ids().iter().any(|id| selected(id)) {
            return Ok(findings);
        }
        let administrator = ProbeRole::administrator(self, ceiling.name, ceiling.boundary);
        let attacker = administrator.make().await?;
        let runner = Runner {
            identity: ceiling.identity.to_owned(),
            attacker: &attacker,
            platform: &self.platform,
            canary,
            guard: self.stack.guard(),
            namespace: ceiling.identity.to_owned(),
            work: self.work_under(ceiling.boundary, &attacker).await?,
        };
        for (number, attack) in ceiling.attacks.iter().enumerate() {
            if selected(&attack.id(ceiling.identity)) {
                findings.push(match lack::of(attack) {
                    Some(lack) => attack.not_applicable(ceiling.identity, lack),
                    None => {
                        let attack = Attack {
                            refusal: self.facts.refusal(&attack.refusal),
                            ..attack.clone()
                        };
                        runner.run(&attack, number).await
                    }
                });
            }
        }
        for mut asking in ceiling.questions(attacker.access_key_id()) {
            if selected(&asking.id) {
                asking.reason = self.facts.reason(asking.reason);
                let (who, may) = &asking.twin;
                if let (Some(work), super::Reason::Any, false) =
                    (&runner.work, asking.reason, legitimate::may(runner.guard, *who, may).await)
                {
                    asking.twin = (*who, work.clone());
                }
                findings.push(match lack::of(&asking.question) {
                    Some(lack) => asking.not_applicable(lack),
                    None => asking.run(self.stack.guard(), canary).await?,
                });
            }
        }
        administrator.remove().await?;
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
        let coveted = self.facts.coveted_by(&function.role_arn);
        let Some(may) = self.work_of(function).await? else {
            canary.remove().await?;
            let why = "its role's policies allow nothing that it might gain by";
            let paths = escalations::paths().iter();
            let chosen = paths.filter(|path| selected(&path.finding_id(&name, Road::Function)));
            return Ok(chosen.map(|it| it.not_applicable(&name, Road::Function, why)).collect());
        };
        let candidate = self.code_candidate(function, &name, &coveted, may);
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

    /// What code in a function may do: write its logs, or else what its role's
    /// policies say.
    async fn work_of(&self, function: &FunctionFacts) -> anyhow::Result<Option<Question>> {
        if function.of_app {
            return Ok(Some(decided::writes_logs(&self.facts, &function.name)));
        }
        let role = role_of(&function.role_arn);
        let caller = Caller::Role { name: role, session: &function.name };
        let policies = policies_of(&self.platform, role).await?;
        let account = &self.facts.account;
        Ok(legitimate::work(self.stack.guard(), caller, account, &policies).await)
    }

    /// Code in a function that escalation paths are decided for.
    fn code_candidate<'b>(
        &'b self,
        function: &'b FunctionFacts,
        name: &'b str,
        coveted: &'b str,
        may: Question,
    ) -> Candidate<'b> {
        Candidate {
            name,
            caller: Caller::Role { name: role_of(&function.role_arn), session: &function.name },
            road: Road::Function,
            between: Between {
                facts: &self.facts,
                app: &function.name,
                own: &function.role_arn,
                coveted,
            },
            may,
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

    fn inside<'b>(&'b self, code: Code<'b>, work: Companion) -> Inside<'b> {
        let guard = self.stack.guard();
        Inside { facts: &self.facts, guard, platform: &self.platform, code, work }
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

fn first_workflows(stack: &Stack) -> Result<Option<&Issuer>, StackError> {
    match stack.config().apps.first() {
        Some(app) => stack.issuer_of(app).map(Some),
        None => Ok(stack.issuers().iter().find(|issuer| issuer.kind == IssuerKind::Github)),
    }
}

/// The name at the end of a role's ARN.
fn role_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}
