//! What identities may do at all, where no legitimate work of theirs is known.

use ringfence_guard::{Caller, Question};

use super::{Suite, role_of};
use crate::attacks::actor::Actor;
use crate::attacks::escalations::decided;
use crate::attacks::facts::{DeployerFacts, FunctionFacts};
use crate::attacks::legitimate;
use crate::attacks::reach::deployed::{managed, policies_of};
use crate::attacks::reach::grants::Policies;
use crate::config::Refusals;

impl Suite<'_> {
    /// What a deployer may do beside looking at its own function, where there is none.
    pub(super) async fn work_of_deployer(
        &self,
        deployer: &DeployerFacts,
        attacker: &Actor,
    ) -> anyhow::Result<Option<Question>> {
        let deployed = self.facts.function(&deployer.app).is_some_and(|it| it.deployed);
        if deployed || self.twins_are_known() {
            return Ok(None);
        }
        let policies = policies_of(&self.platform, role_of(&deployer.role_arn)).await?;
        let caller = Caller::Key(attacker.access_key_id());
        let account = &self.facts.account;
        Ok(legitimate::work(self.stack.guard(), caller, account, &policies).await)
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
        let policies = Policies::parse(&[(boundary.to_owned(), text)], None)?;
        let caller = Caller::Key(attacker.access_key_id());
        let account = &self.facts.account;
        Ok(legitimate::work(self.stack.guard(), caller, account, &policies).await)
    }

    /// What code in a function may do: write its logs, or else what its role's
    /// policies say.
    pub(super) async fn work_of(
        &self,
        function: &FunctionFacts,
    ) -> anyhow::Result<Option<Question>> {
        if function.of_app {
            return Ok(Some(decided::writes_logs(&self.facts, &function.name)));
        }
        let role = role_of(&function.role_arn);
        let caller = Caller::Role { name: role, session: &function.name };
        let policies = policies_of(&self.platform, role).await?;
        let account = &self.facts.account;
        Ok(legitimate::work(self.stack.guard(), caller, account, &policies).await)
    }
}
