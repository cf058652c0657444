//! All attacks, in one run.

mod ceilings;
mod code;
mod deployer;
mod part;
mod paths;
mod users;
mod work;

pub use self::part::{Part, Selected};

use std::collections::{BTreeMap, BTreeSet};

use super::actor::{Actor, Answer};
use super::attack::Step;
use super::ceiling;
use super::claims;
use super::declared::{self, Declared};
use super::doors;
use super::escalations;
use super::facts::{DeployerFacts, Facts, RouteFacts, Variant};
use super::finding::{Companion, Finding, Road};
use super::inside::{Author, Code, Inside};
use super::legitimate;
use super::policies::role_policies;
use super::probe_role::ProbeRole;
use super::public;
use super::rivals::Rivals;
use super::settings;
use super::tokens::Gateway;
use super::trust::{Assumed, SESSION, Trust};
use crate::config::{App, Deployer, IssuerKind, Job, Refusals};
use crate::issuers::{AUDIENCE, Issuer};
use crate::stack::{Applied, Judged, Stack, StackError};
use ringfence_guard::Caller;

/// Everything that the attacks need of a deployed stack.
#[derive(Debug)]
pub struct Suite<'a> {
    stack: &'a Stack,
    account: Judged,
    facts: Facts,
    platform: Actor,
    github: Option<&'a Issuer>,
    declared: Vec<Declared>,
    pipelines: Vec<Assumed>,
    /// Roles of the account that a workflow's token becomes, and that assume those of
    /// deployers.
    entrances: Vec<Assumed>,
    /// The trust policies of roles that are in no root module's state, as IAM has them, by
    /// ARN, where there are other accounts.
    trusts: BTreeMap<String, String>,
    /// Where a token of a workflow becomes nobody: another account, from which roles of
    /// this one can be assumed.
    door: Option<Door<'a>>,
}

/// A way into an account from another one, whose roles a workflow's token becomes.
#[derive(Debug, Clone)]
pub(super) struct Door<'a> {
    /// The other account's id.
    pub(super) account_id: String,
    /// Its platform team.
    pub(super) platform: Actor,
    /// Who issues the tokens.
    pub(super) issuer: &'a Issuer,
}

/// Who holds Layer 1, in the reports.
const PLATFORM: &str = "platform";

impl<'a> Suite<'a> {
    /// Reads what the attacks must know of a stack: of the account under test, where
    /// there are several.
    ///
    /// # Errors
    /// When the configuration or the deployed state lacks what they need.
    pub async fn of(stack: &'a Stack) -> anyhow::Result<Self> {
        let first = Self::of_each(stack).await?.into_iter().next();
        first.ok_or_else(|| anyhow::anyhow!("there is no account"))
    }

    /// Reads the same of each account, in the order of the configuration.
    ///
    /// # Errors
    /// As there.
    pub async fn of_each(stack: &'a Stack) -> anyhow::Result<Vec<Self>> {
        let mut suites = Vec::new();
        for account in stack.judged() {
            suites.push(Self::within(stack, account).await?);
        }
        let doors = suites.iter().filter_map(|suite| {
            let (account_id, platform) = (suite.facts.account.clone(), suite.platform.clone());
            Some(Door { account_id, platform, issuer: suite.github? })
        });
        let door = doors.into_iter().next();
        for suite in suites.iter_mut().filter(|suite| suite.github.is_none()) {
            suite.door.clone_from(&door);
        }
        Ok(suites)
    }

    /// Reads the same account again, as it is now.
    ///
    /// # Errors
    /// As there.
    pub async fn again(&self) -> anyhow::Result<Self> {
        let account = self.stack.judged().into_iter().find(|it| it.id() == self.account.id());
        let account = account.unwrap_or_else(|| self.account.clone());
        let again = Self::within(self.stack, account).await?;
        let door = self.door.clone().filter(|_| again.github.is_none());
        Ok(Self { door, ..again })
    }

    async fn within(stack: &'a Stack, account: Judged) -> anyhow::Result<Self> {
        let root = format!("arn:aws:iam::{}:root", account.id());
        let access = stack.root_of(account.id())?;
        let platform = Actor::new(root, access, stack.client().clone());
        let (config, outputs, recorded) = (account.config(), account.outputs(), stack.deploying());
        let mut facts = Facts::gather(config, outputs, &platform, recorded).await?;
        for deployer in &mut facts.deployers {
            let configured = config.deployer(&deployer.name);
            let Some(through) = configured.and_then(|it| it.through_output.as_ref()) else {
                continue;
            };
            let field = format!("deployers.{}.through_output", deployer.name);
            deployer.through = Some(stack.outputs().text_of(&field, through.get_ref())?);
        }
        for function in facts.functions.iter_mut().filter(|it| it.deployed && it.app.is_none()) {
            let caller = Caller::Role { arn: &function.role_arn, session: &function.name };
            let logs = Inside::log_group_created(function, &facts.region, &facts.account);
            function.logs = legitimate::may(stack.guard(), caller, &logs).await;
        }
        if facts.refusals != Refusals::Named {
            work::names(&mut facts, &platform).await?;
        }
        facts.rivals = Rivals::of(&facts, &platform).await?;
        for further in &mut facts.further {
            further.facts.rivals = facts.rivals.clone();
        }
        // Whoever applies Layer 1 is the platform: who may become it is what is asked.
        let pipelines = pipelines(stack, &account);
        let is_one = |arn: &str| pipelines.iter().any(|pipeline| pipeline.role_arn == arn);
        facts.roles.retain(|role| !is_one(&role.arn));
        let declared = declared::of(&account, &facts, &platform).await?;
        // Of no use where the account has no provider for them.
        let takes = |issuer: &&Issuer| {
            let audiences = facts.providers.get(issuer.host());
            audiences.is_some_and(|all| all.iter().any(|it| it == AUDIENCE))
        };
        let github = first_workflows(stack)?.filter(takes);
        let entrances = entrances(stack, &account)?;
        let trusts = BTreeMap::new();
        let door = None;
        let mut suite = Self {
            account,
            facts,
            platform,
            github,
            stack,
            declared,
            pipelines,
            entrances,
            trusts,
            door,
        };
        if suite.account.is_one_of_several() {
            suite.trusts = suite.unwritten().await;
        }
        Ok(suite)
    }

    /// The trust policies of roles that no root module made; without those that cannot be
    /// read.
    async fn unwritten(&self) -> BTreeMap<String, String> {
        let mut trusts = BTreeMap::new();
        for arn in self.roles() {
            let mut made = self.account.outputs().resources("aws_iam_role");
            if made.any(|role| role.text("arn") == Some(arn)) {
                continue;
            }
            if let Ok(found) = role_policies(&self.platform, role_of(arn)).await {
                trusts.insert(arn.to_owned(), found.trust);
            }
        }
        trusts
    }

    /// The roles of the account that others might assume, by ARN.
    pub(super) fn roles(&self) -> BTreeSet<&str> {
        let facts = &self.facts;
        let deployers = facts.deployers.iter().filter_map(DeployerFacts::role_arn);
        let functions = facts.functions.iter().filter(|it| it.deployed);
        let functions = functions.map(|it| it.role_arn.as_str());
        let roles = facts.roles.iter().filter(|it| !it.is_user()).map(|it| it.arn.as_str());
        deployers.chain(functions).chain(roles).chain(self.pipeline_roles()).collect()
    }

    /// The trust policy of a role that no root module made; none where it cannot be read.
    pub(super) fn trust_of(&self, role_arn: &str) -> Option<&str> {
        self.trusts.get(role_arn).map(String::as_str)
    }

    /// The account.
    pub fn account(&self) -> &Judged {
        &self.account
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

    /// The way into the account by another one's roles, where a workflow's token becomes
    /// nobody in it.
    pub(super) fn door(&self) -> Option<&Door<'a>> {
        self.door.as_ref()
    }

    /// The applications whose workflows' tokens become a role of the account.
    pub(crate) fn trusted_apps(&self) -> Vec<App> {
        let config = self.account.config();
        let is_nobody = |app: &&App| {
            let mut own =
                config.deployers.iter().filter(|it| it.app.get_ref() == app.name.get_ref());
            let is_none = |it: &Deployer| it.through_output.is_some() || it.identity.is_user();
            own.clone().next().is_some() && own.all(is_none)
        };
        let direct = config.apps.iter().filter(|app| !is_nobody(app)).cloned();
        direct.chain(self.entrances.iter().map(|entrance| entrance.app().clone())).collect()
    }

    /// The roles that pipelines applied root modules as.
    pub(super) fn pipeline_roles(&self) -> impl Iterator<Item = &str> {
        self.pipelines.iter().map(|pipeline| pipeline.role_arn.as_str())
    }

    /// A session of a role that a workflow's token becomes on the way to a deployer's;
    /// none where the role is no such one.
    ///
    /// # Errors
    /// When the token is refused.
    pub(super) async fn entered(&self, role_arn: &str) -> anyhow::Result<Option<Actor>> {
        let Some(entrance) = self.entrances.iter().find(|it| it.role_arn == role_arn) else {
            return Ok(None);
        };
        let trust = self.trust();
        let access = trust.assume(role_arn, &trust.token(entrance)?).await?;
        let (account, role) = (&self.facts.account, role_of(role_arn));
        let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{SESSION}");
        Ok(Some(Actor::new(arn, access, self.stack.client().clone())))
    }

    /// Whether a role is one that a pipeline applied a root module as.
    pub fn is_pipeline(&self, role_arn: &str) -> bool {
        self.pipelines.iter().any(|pipeline| pipeline.role_arn == role_arn)
    }

    /// The parts, in the order of a run.
    pub fn parts(&self) -> Vec<Part<'_>> {
        let deployers = &self.facts.deployers;
        let stacks = deployers.iter().filter(|deployer| deployer.job == Job::Stack);
        [Part::Deployments, Part::Policies, Part::Settings, Part::Tokens]
            .into_iter()
            .chain(deployers.iter().map(Part::Trust))
            .chain(self.pipelines.iter().chain(&self.entrances).map(Part::Pipeline))
            .chain(deployers.iter().map(Part::Deployer))
            .chain([Part::Ceiling])
            .chain(stacks.map(Part::Inside))
            .chain(self.facts.functions.iter().map(Part::Code))
            .chain(self.facts.roles.iter().map(Part::Role))
            .chain(self.declared.iter().map(Part::Declared))
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
                for variant in facts.fronts() {
                    let own = self.gateway(variant.facts).ids()?;
                    ids.extend(own.iter().map(|id| variant.id(id)));
                }
                ids
            }
            Part::Trust(deployer) if deployer.is_user() => vec![users::tokens_id(deployer)],
            // No token becomes it: who else does is asked of all accounts.
            Part::Trust(deployer) if deployer.through.is_some() => {
                self.trust().direct_ids(&self.assumed(deployer)?)?
            }
            Part::Trust(deployer) => self.trust().ids(&self.assumed(deployer)?)?,
            Part::Pipeline(role) => self.trust().ids(role)?,
            Part::Deployer(deployer) => self.ids_of_deployer(deployer),
            Part::Ceiling => facts
                .variants()
                .flat_map(|variant| {
                    let ceilings = ceiling::all(variant);
                    let ids = ceilings.iter().flat_map(ceiling::Ceiling::ids);
                    ids.map(|id| variant.id(&id)).collect::<Vec<_>>()
                })
                .collect(),
            Part::Declared(declared) => declared.ids(),
            Part::Role(role) => {
                let name = role.identity();
                escalations::paths().iter().map(|path| path.finding_id(&name, Road::Api)).collect()
            }
            Part::Inside(deployer) => Inside::ids(facts, Author::Deployer(deployer)),
            Part::Code(function) => code::ids(facts, function),
        })
    }

    fn gateway<'b>(&'b self, facts: &'b Facts) -> Gateway<'b> {
        Gateway {
            facts,
            routes: facts.routes.iter().collect(),
            issuers: self.stack.issuers(),
            guard: self.stack.guard(),
            endpoint: self.stack.endpoint(),
            http: self.stack.http().clone(),
            platform: &self.platform,
            nobody: None,
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
            Part::Deployments => Ok(claims::deployments(self.stack, &self.account)),
            Part::Policies => claims::policies(self.stack, &self.account).await,
            Part::Settings => self.settings(selected).await,
            Part::Tokens => self.tokens(|_| true, selected).await,
            Part::Trust(deployer) if deployer.is_user() => {
                let told = Some(users::tokens(deployer)).filter(|told| selected(&told.id));
                Ok(told.into_iter().collect())
            }
            Part::Trust(deployer) => {
                let assumed = self.assumed(deployer)?;
                match &deployer.through {
                    Some(through) => self.trust().run_direct(&assumed, through, selected).await,
                    None => self.trust().run(&assumed, selected).await,
                }
            }
            Part::Pipeline(role) => self.trust().run(role, selected).await,
            Part::Deployer(deployer) => self.by_deployer(deployer, selected).await,
            Part::Ceiling => self.ceilings(selected).await,
            Part::Inside(deployer) => {
                let attacker = self.deployer(deployer).await?;
                let code = Code::Made { deployer, attacker: &attacker };
                let work = Companion::missing("there is no legitimate call");
                Ok(self.inside(code, work).run(selected).await?)
            }
            Part::Declared(declared) => declared.run(self, selected).await,
            Part::Role(role) => self.role(role, selected).await,
            Part::Code(function) => self.code(function, selected).await,
        }
    }

    async fn settings(&self, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
        let canary = ProbeRole::canary(self, "settings");
        let actor = canary.make().await?;
        let tried = async {
            let mut findings = Vec::new();
            for variant in self.facts.variants() {
                let wanted = |id: &str| selected(&variant.id(id));
                let mut own = settings::run(self, variant, &wanted).await?;
                own.extend(public::run(self, variant, &actor, &wanted).await?);
                own.extend(doors::run(self, variant, &actor, &wanted).await?);
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

    /// Tokens against each API, at the routes that are meant.
    async fn tokens(
        &self,
        at: impl Fn(&RouteFacts) -> bool,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let signed = |variant: &Variant<'_>| {
            let mut routes = variant.facts.routes.iter().filter(|route| at(route));
            routes.any(|route| route.authorization_type == "AWS_IAM")
        };
        if !self.facts.fronts().any(|variant| signed(&variant)) {
            return self.by_clients(&at, None, selected).await;
        }
        let canary = ProbeRole::canary(self, "clients");
        let nobody = canary.make().await?;
        let tried = self.by_clients(&at, Some(&nobody), selected).await;
        canary.remove().await?;
        tried
    }

    async fn by_clients(
        &self,
        at: &impl Fn(&RouteFacts) -> bool,
        nobody: Option<&Actor>,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for variant in self.facts.fronts() {
            let mut gateway = Gateway { nobody, ..self.gateway(variant.facts) };
            gateway.routes.retain(|route| at(route));
            // An API without a route lets nobody in.
            if gateway.routes.is_empty() {
                continue;
            }
            let wanted = |id: &str| selected(&variant.id(id));
            let own = gateway.run(&wanted).await?;
            let named = |finding: Finding| Finding { id: variant.id(&finding.id), ..finding };
            findings.extend(own.into_iter().map(named));
        }
        Ok(findings)
    }

    /// Runs what is selected of the attacks with tokens at one route alone; where
    /// they could not be run, that is a finding.
    pub async fn tried_at(&self, route_key: &str, selected: Selected<'_>) -> Vec<Finding> {
        match self.tokens(|route| route.route_key == route_key, selected).await {
            Ok(findings) => findings,
            Err(error) => vec![Part::Tokens.not_run(format!("{error:#}"))],
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

    fn assumed(&self, deployer: &DeployerFacts) -> anyhow::Result<Assumed> {
        let assumed = self.trust().of(deployer);
        assumed.ok_or_else(|| anyhow::anyhow!("no app for deployer `{}`", deployer.name))
    }

    pub(crate) fn trust(&self) -> Trust<'_> {
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

/// The account that an ARN is of.
fn is_of(arn: &str, account: &Judged) -> bool {
    arn.split(':').nth(4) == Some(account.id())
}

/// The account's roles that a workflow's token becomes on the way to a deployer's.
fn entrances(stack: &Stack, account: &Judged) -> anyhow::Result<Vec<Assumed>> {
    let mut entrances = Vec::new();
    for deployer in &stack.config().deployers {
        let Some(through) = &deployer.through_output else { continue };
        let field = format!("deployers.{}.through_output", deployer.name.get_ref());
        let arn = stack.outputs().text_of(&field, through.get_ref())?;
        let app = stack.app(deployer.app.get_ref())?;
        if is_of(&arn, account) {
            entrances.push(Assumed::through(stack.config(), deployer, app, arn));
        }
    }
    Ok(entrances)
}

/// The roles of the pipelines.
fn pipelines(stack: &Stack, account: &Judged) -> Vec<Assumed> {
    let of = |name: &str| {
        let layer1 = stack.config().layer1.iter().find(|layer1| layer1.name() == name);
        layer1.and_then(|layer1| layer1.role.as_ref())
    };
    let own = |one: &&Applied| !account.is_one_of_several() || is_of(&one.role_arn, account);
    let applied = stack.pipelines().iter().filter(own);
    applied
        .filter_map(|one| Some(Assumed::by_pipeline(stack.config(), one, of(&one.root)?)))
        .collect()
}

fn first_workflows(stack: &Stack) -> Result<Option<&Issuer>, StackError> {
    match stack.config().apps.iter().find(|app| stack.config().is_run(app)) {
        Some(app) => stack.issuer_of(app).map(Some),
        None => Ok(stack.issuers().iter().find(|issuer| issuer.kind == IssuerKind::Github)),
    }
}

/// The name at the end of a role's ARN.
fn role_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}
