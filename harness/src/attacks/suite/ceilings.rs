//! What the boundaries leave to an administrator under them.

use super::{Selected, Suite};
use crate::attacks::actor::Actor;
use crate::attacks::attack::Attack;
use crate::attacks::finding::Finding;
use crate::attacks::probe_role::ProbeRole;
use crate::attacks::run::Runner;
use crate::attacks::{ceiling, lack, legitimate};

impl Suite<'_> {
    /// What administrators under the platform's boundaries cannot do.
    pub(super) async fn ceilings(&self, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
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

    /// What an administrator under a boundary cannot do.
    pub(super) async fn under(
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
            statements: &self.facts.statements,
            twin: None,
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
                if let (Some(work), false) =
                    (&runner.work, legitimate::may(runner.guard, *who, may).await)
                {
                    asking.twin = (*who, work.clone());
                }
                findings.push(match lack::of(&asking.question) {
                    Some(lack) => asking.not_applicable(lack),
                    None => asking.run(self.stack.guard(), canary, &self.facts.statements).await?,
                });
            }
        }
        administrator.remove().await?;
        Ok(findings)
    }
}
