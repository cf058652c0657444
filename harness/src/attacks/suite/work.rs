//! What identities may do at all, where no legitimate work of theirs is known.

use ringfence_guard::{Caller, Question};

use super::{Suite, role_of};
use crate::attacks::actor::Actor;
use crate::attacks::escalations::decided;
use crate::attacks::facts::{DeployerFacts, Facts, FunctionFacts, Makes};
use crate::attacks::legitimate;
use crate::attacks::reach::deployed::{managed, policies_by, policies_of};
use crate::attacks::reach::grants::Policies;
use crate::config::{Job, Refusals};

/// Looks for names of a function and a role that each stack deployer may make: the
/// usual ones, or others that its policies allow.
pub(super) async fn names(facts: &mut Facts, platform: &Actor) -> anyhow::Result<()> {
    let at = facts.clone();
    for deployer in facts.deployers.iter_mut().filter(|deployer| deployer.job == Job::Stack) {
        let policies = policies_by(platform, &deployer.arn).await?;
        let usual = deployer.usual();
        let named = |action, arn: String| {
            let free = policies.free(action, &arn)?;
            free.rsplit([':', '/']).next().map(str::to_owned)
        };
        let function = named("lambda:CreateFunction", at.function_arn(&usual.function));
        let role = named("iam:CreateRole", at.role_arn(&usual.role));
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
        let policies = policies_by(&self.platform, &deployer.arn).await?;
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
        if function.app.is_some() && (function.logs || self.twins_are_known()) {
            return Ok(Some(decided::writes_logs(&self.facts, &function.name)));
        }
        let caller = Caller::Role { arn: &function.role_arn, session: &function.name };
        let policies = policies_of(&self.platform, role_of(&function.role_arn)).await?;
        let account = &self.facts.account;
        Ok(legitimate::work(self.stack.guard(), caller, account, &policies).await)
    }
}
