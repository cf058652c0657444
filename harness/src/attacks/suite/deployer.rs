//! What a deployer tries by its own session, with the ids of its findings.

use std::collections::BTreeSet;

use ringfence_guard::Caller;
use serde_json::json;

use super::{Selected, Suite};
use crate::attacks::actor::Actor;
use crate::attacks::attack::Attack;
use crate::attacks::catalogue;
use crate::attacks::escalations;
use crate::attacks::escalations::decided;
use crate::attacks::facts::{DeployerFacts, Facts};
use crate::attacks::finding::{Finding, Road};
use crate::attacks::lack;
use crate::attacks::needs;
use crate::attacks::probe_role::ProbeRole;
use crate::attacks::run::Runner;
use crate::attacks::trust::SESSION;
use crate::config::App;

impl Suite<'_> {
    /// The ids of what a deployer tries.
    pub(super) fn ids_of_deployer(&self, deployer: &DeployerFacts) -> Vec<String> {
        let facts = &self.facts;
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

    /// Runs what is selected of what a deployer tries.
    pub(super) async fn by_deployer(
        &self,
        deployer: &DeployerFacts,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
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
            statements: &self.facts.statements,
            twin: None,
        };
        let may = (runner.work.clone())
            .unwrap_or_else(|| decided::reads_function(&self.facts, &deployer.function));
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
            let key = attacker.access_key_id();
            let asking = asked.asking(&deployer.name, key, &may, runner.work.as_ref());
            findings.push(match missing {
                Some(lack) => asking.not_applicable(lack),
                None => asking.run(self.stack.guard(), &actor, &self.facts.statements).await?,
            });
        }
        findings.extend(self.paths_of(deployer, may, &attacker, &actor, selected).await);
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

    /// A deployer with a session, had by a token of its own workflow, or where it is a user
    /// with a key.
    ///
    /// # Errors
    /// When the token is refused, or there is no such user.
    pub async fn deployer(&self, deployer: &DeployerFacts) -> anyhow::Result<Actor> {
        if deployer.is_user() {
            return Ok(self.user(deployer.own_name()).await?);
        }
        let trust = self.trust();
        let token = trust.token(&self.assumed(deployer)?)?;
        let client = self.stack.client();
        let access = match &deployer.through {
            None => trust.assume(&deployer.arn, &token).await?,
            Some(through) => {
                let session = trust.assume(through, &token).await?;
                let input = json!({"RoleArn": deployer.arn, "RoleSessionName": SESSION});
                client.assume_role(&session, input).await?
            }
        };
        let role = deployer.own_name();
        let arn = format!("arn:aws:sts::{}:assumed-role/{role}/{SESSION}", self.facts.account);
        Ok(Actor::new(arn, access, client.clone()))
    }

    fn app_of(&self, deployer: &DeployerFacts) -> Option<&App> {
        self.account.config().app(&deployer.app)
    }

    /// The calls that a deployer tries, with the ids of their findings.
    fn calls(&self, deployer: &DeployerFacts) -> Vec<(String, Attack)> {
        let first = catalogue::attacks(&self.facts, deployer);
        let known: BTreeSet<String> = first.iter().map(|attack| format!("{attack:?}")).collect();
        // What names what is other, and no more.
        let further = |facts: &Facts| {
            let others = catalogue::attacks(facts, deployer).into_iter();
            others.filter(|attack| !known.contains(&format!("{attack:?}"))).collect::<Vec<_>>()
        };
        let id = |attack: &Attack| attack.id(&deployer.name);
        let mut calls: Vec<(String, Attack)> = Vec::new();
        for variant in self.facts.variants().skip(1) {
            let others = further(variant.facts).into_iter();
            calls.extend(others.map(|attack| (variant.id(&id(&attack)), attack)));
        }
        for (rival, facts) in self.facts.further_rivals(&deployer.app) {
            let others = further(&facts).into_iter();
            calls.extend(others.map(|attack| (format!("{}@{rival}", id(&attack)), attack)));
        }
        let first = first.into_iter().map(|attack| (id(&attack), attack));
        first.chain(calls).collect()
    }
}
