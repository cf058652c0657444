//! What identities may do at all, where no legitimate work of theirs is known.

use ringfence_guard::{Caller, Question};

use super::Suite;
use crate::attacks::actor::Actor;
use crate::attacks::escalations::decided;
use crate::attacks::facts::{DeployerFacts, Facts, FunctionFacts, Makes};
use crate::attacks::granted::Granted;
use crate::attacks::legitimate;
use crate::attacks::policies::managed;
use crate::config::{Job, Refusals};

/// Looks for names of a function and a role that each stack deployer may make: the
/// usual ones, or others that its policies allow.
pub(super) async fn names(facts: &mut Facts, platform: &Actor) -> anyhow::Result<()> {
    let at = facts.clone();
    for deployer in facts.deployers.iter_mut().filter(|deployer| deployer.job == Job::Stack) {
        let granted = Granted::of(platform, &deployer.arn, &at).await?;
        let usual = deployer.usual();
        let function = granted.free("lambda:CreateFunction", &at.function_arn(&usual.function))?;
        let role = granted.free("iam:CreateRole", &at.role_arn(&usual.role))?;
        deployer.makes = function.zip(role).map(|(function, role)| Makes { function, role });
    }
    Ok(())
}

impl Suite<'_> {
    /// What a deployer may do, for attacks whose own twin it may not do: look at its
    /// function, or else what its policies say.
    pub(super) async fn work_of_deployer(
        &self,
        deployer: &DeployerFacts,
        attacker: &Actor,
    ) -> anyhow::Result<Option<Question>> {
        if self.twins_are_known() {
            return Ok(None);
        }
        let reads = decided::reads_function(&self.facts, &deployer.function);
        let caller = Caller::Key(attacker.access_key_id());
        if legitimate::may(self.stack.guard(), caller, &reads).await {
            return Ok(Some(reads));
        }
        let granted = Granted::of(&self.platform, &deployer.arn, &self.facts).await?;
        Ok(legitimate::work(self.stack.guard(), caller, &granted).await?)
    }

    /// Whether the attacks' own twins must succeed: they are those of an estate whose
    /// refusing statements the configuration names.
    pub(super) fn twins_are_known(&self) -> bool {
        self.facts.refusals == Refusals::Named
    }

    /// What a boundary leaves to an administrator.
    pub(super) async fn work_under(
        &self,
        boundary: &str,
        attacker: &Actor,
    ) -> anyhow::Result<Option<Question>> {
        if self.twins_are_known() {
            return Ok(None);
        }
        let text = managed(&self.platform, boundary).await?;
        let granted = Granted::by(boundary, &text, &self.facts)?;
        let caller = Caller::Key(attacker.access_key_id());
        Ok(legitimate::work(self.stack.guard(), caller, &granted).await?)
    }

    /// What code in a function may do: write its logs, or else what its role's
    /// policies say.
    pub(super) async fn work_of(
        &self,
        function: &FunctionFacts,
    ) -> anyhow::Result<Option<Question>> {
        if function.app.is_some() && (function.logs || self.twins_are_known()) {
            return Ok(Some(decided::writes_logs(&self.facts, &function.name)));
        }
        let caller = Caller::Role { arn: &function.role_arn, session: &function.name };
        let granted = Granted::of(&self.platform, &function.role_arn, &self.facts).await?;
        Ok(legitimate::work(self.stack.guard(), caller, &granted).await?)
    }
}
