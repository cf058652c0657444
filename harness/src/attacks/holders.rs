//! Who can act as an identity of the estate here: a deployer by its workflow's token or by
//! a key, a function by its code, and the platform.

use ringfence_wire::services::Sts;
use serde_json::{Value, json};

use super::actor::Actor;
use super::attack::Step;
use super::facts::Facts;
use super::suite::Suite;

/// Somebody who has an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A deployer, by its name.
    Deployer(String),
    /// A function, whose role it is.
    Function(String),
    /// The platform team.
    Platform,
    /// Nobody here.
    Nobody,
}

impl Holder {
    /// Who has the role or user of a name: `role/app`, `user/ci`.
    pub(crate) fn of(facts: &Facts, entry: &str) -> Self {
        let is_it = |arn: &str| {
            let kind = if arn.contains(":user/") { "user" } else { "role" };
            let name = arn.rsplit('/').next().unwrap_or_default();
            entry.split_once('/') == Some((kind, name))
        };
        let deployer = facts.deployers.iter().find(|one| is_it(&one.arn));
        let functions = facts.functions.iter();
        let function = || functions.clone().find(|one| one.deployed && is_it(&one.role_arn));
        match (deployer, function()) {
            (Some(deployer), _) => Self::Deployer(deployer.name.clone()),
            (None, Some(function)) => Self::Function(function.name.clone()),
            (None, None) => Self::Nobody,
        }
    }

    /// Somebody who acts as it, or why nobody can.
    pub(crate) async fn act(&self, suite: &Suite<'_>) -> Result<Actor, String> {
        let stack = suite.stack();
        match self {
            Self::Platform => Ok(suite.platform().clone()),
            Self::Deployer(name) => {
                let mut all = suite.facts().deployers.iter();
                let deployer = all.find(|one| one.name == *name).ok_or("it is no deployer")?;
                suite.deployer(deployer).await.map_err(|error| format!("{error:#}"))
            }
            Self::Function(name) => {
                let account = &suite.facts().account;
                let access = stack.function_session_of(account, name).await;
                let access = access.map_err(|error| format!("no session of its role: {error}"))?;
                let actor = Actor::new("", access, stack.client().clone());
                let own = actor.call(&Step::new(Sts, "GetCallerIdentity", json!({}))).await.result;
                let own = own.map_err(|error| format!("nobody says who it is: {error}"))?;
                let arn = own.get("Arn").and_then(Value::as_str).unwrap_or_default();
                Ok(actor.called(arn))
            }
            Self::Nobody => {
                Err("nobody can act as it here: no workflow and no function has it".to_owned())
            }
        }
    }
}
