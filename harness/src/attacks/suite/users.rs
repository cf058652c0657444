//! Users that deploy: they act with a key, and no token becomes them.

use ringfence_wire::ServiceError;

use super::Suite;
use crate::attacks::actor::Actor;
use crate::attacks::facts::DeployerFacts;
use crate::attacks::finding::{Finding, Road, Scope, Untried, Verdict};
use crate::guard_rail::GuardRail;

/// The id of what is told of tokens.
pub(super) fn tokens_id(deployer: &DeployerFacts) -> String {
    format!("{}/tokens/{}", deployer.name, Road::Oidc)
}

/// That tokens are no way to it.
pub(super) fn tokens(deployer: &DeployerFacts) -> Finding {
    let told = Untried {
        id: tokens_id(deployer),
        guard_rail: GuardRail::Trust,
        identity: deployer.name.clone(),
        road: Road::Oidc,
        scope: Scope::Decided,
        title: format!("no token becomes {}", deployer.name),
        expected: "only its own workflow becomes it".to_owned(),
    };
    let why = format!(
        "it is the user {}, whom no token becomes: who has one of its access keys is it, and who \
         has them no policy says",
        deployer.own_name()
    );
    Finding::untried(told, Verdict::NotApplicable, why)
}

impl Suite<'_> {
    /// A user of the account, with a key that ends with it.
    ///
    /// # Errors
    /// When there is no such user.
    pub(super) async fn user(&self, name: &str) -> Result<Actor, ServiceError> {
        let key = self.stack.guard().user_key(self.account.id(), name).await?;
        let access = self.stack.access_of(key.credentials());
        Ok(Actor::with_key(key, access, self.stack.client().clone()))
    }
}
