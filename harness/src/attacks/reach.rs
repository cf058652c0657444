//! Reach: what an identity can do, decided for all requests and every action of the
//! services in the action catalogue, so that "blast radius" is a table.
//!
//! An identity is read as IAM has it, and decided under all that counts beside its own
//! policies: its boundary, the organization's control policies, the policies of VPC
//! endpoints, and the policies of the resources and the trust policies that Terraform and the stacks made.

pub(crate) mod stacks;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use ringfence_evidence::{Allowed, KeyValue, ReachRow};
use ringfence_policy::catalog;
use ringfence_prove::jsonl::Value as Held;

use super::facts::Facts;
use super::policies::{RolePolicies, identity_policies, trusts};
use super::suite::Suite;
use crate::access::deployed::{identity, stack, trust};
use crate::access::estate::Estate;
use crate::access::stated::{Stated, stated};
use crate::access::what::{Can, What, of_entry};
use crate::proof::deployed::estate;

/// What an identity can do.
#[derive(Debug)]
pub struct Reach {
    /// Its name in reports.
    pub identity: String,
    /// The actions that some request for is allowed, each with a smallest one, by action.
    pub rows: Vec<Can>,
    /// What counts and is not decided.
    pub undecided: Vec<String>,
    /// How many actions were asked about: all that the catalogue has.
    pub asked: usize,
}

/// What identities are decided beside.
struct Beside {
    estate: Estate,
    stated: Stated,
    /// What is not known of it, and why.
    unread: Vec<String>,
}

impl Reach {
    /// The reach of the deployers, of the functions' code and of the other roles and users of
    /// an account.
    ///
    /// # Errors
    /// When their policies cannot be read, or prover and engine differ.
    pub async fn of(suite: &Suite<'_>) -> anyhow::Result<Vec<Self>> {
        let mut identities = Vec::new();
        for (name, arn) in identities_of(suite.facts()) {
            let found = identity_policies(suite.platform(), arn).await?;
            identities.push((suite.account().scoped(&name), arn.to_owned(), found));
        }
        let stated = stated(suite.account().config())?;
        let (estate, unread) = match estate(suite).await {
            Ok(estate) => (estate.unwrap_or_default(), None),
            Err(reason) => {
                let why = format!("what policies of resources allow is not known: {reason:#}");
                (Estate::default(), Some(why))
            }
        };
        let mut beside = Beside { estate, stated, unread: unread.into_iter().collect() };
        for (role, text) in trusts(suite.platform()).await? {
            trust(&mut beside.estate, &role, &text);
        }
        beside.stacks(suite).await?;
        let mut names = Vec::with_capacity(identities.len());
        for (identity, arn, found) in &identities {
            names.push((identity.clone(), beside.with(arn, found)?));
        }
        let beside = Arc::new(beside);
        let mut reaches = Vec::with_capacity(names.len());
        for (identity, name) in names {
            let beside = Arc::clone(&beside);
            // An interrupt is heard meanwhile.
            let deciding = tokio::task::spawn_blocking(move || beside.reach(identity, &name));
            reaches.push(deciding.await??);
        }
        Ok(reaches)
    }

    /// How many actions are reachable.
    pub fn actions(&self) -> usize {
        self.rows.len()
    }

    /// The reachable actions, by service.
    pub fn by_service(&self) -> BTreeMap<&str, Vec<&Can>> {
        let mut services: BTreeMap<&str, Vec<&Can>> = BTreeMap::new();
        for row in &self.rows {
            let service = row.action.split(':').next().unwrap_or_default();
            services.entry(service).or_default().push(row);
        }
        services
    }

    /// How many of them can change something.
    pub fn changing(&self) -> usize {
        let changes = |row: &&Can| {
            catalog::action(&row.action).is_some_and(|action| {
                action
                    .access
                    .iter()
                    .any(|access| !matches!(access, catalog::Access::List | catalog::Access::Read))
            })
        };
        self.rows.iter().filter(changes).count()
    }

    /// For people: a line a service, with some of its actions, and a line for each thing
    /// that is not decided.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{}: {} actions, {} of them change something\n",
            self.identity,
            self.actions(),
            self.changing()
        );
        for (service, rows) in self.by_service() {
            let names: Vec<&str> = rows
                .iter()
                .filter_map(|row| row.action.split_once(':').map(|(_, name)| name))
                .collect();
            let shown = names.iter().take(6).copied().collect::<Vec<_>>().join(", ");
            let more = names.len().saturating_sub(6);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            // Writing to a text does not fail.
            let _ = writeln!(out, "    {service:<16}{:>4}  {shown}{more}", names.len());
        }
        for reason in &self.undecided {
            let _ = writeln!(out, "    undecided: {reason}");
        }
        out
    }
}

/// The identities of an account: how reports call each, and its ARN. Code that could not be
/// deployed can do nothing, and has no role.
fn identities_of(facts: &Facts) -> impl Iterator<Item = (String, &str)> {
    let deployers = facts.deployers.iter().map(|it| (it.name.clone(), it.arn.as_str()));
    let functions = facts.functions.iter().filter(|function| function.deployed);
    let functions = functions.map(|it| (Facts::code_in(it), it.role_arn.as_str()));
    let roles = facts.roles.iter().map(|role| (role.identity(), role.arn.as_str()));
    deployers.chain(functions).chain(roles)
}

impl Beside {
    /// Takes an identity as IAM has it; the name of its entry.
    fn with(&mut self, arn: &str, found: &RolePolicies) -> anyhow::Result<String> {
        use anyhow::Context as _;
        identity(&mut self.estate, arn, found)
            .with_context(|| format!("a policy of `{arn}` is none"))
    }

    /// Takes what stacks let in.
    async fn stacks(&mut self, suite: &Suite<'_>) -> anyhow::Result<()> {
        let place = stacks::place(suite.facts());
        for found in stacks::all(suite.platform()).await? {
            let added = found.and_then(|one| {
                let told = |why| stacks::Unread { stack: one.name.clone(), why };
                stack(&mut self.estate, &one, &place).map_err(told)
            });
            self.unread.extend(added.err().map(|unread| unread.to_string()));
        }
        Ok(())
    }

    /// What an identity can do.
    fn reach(&self, identity: String, name: &str) -> anyhow::Result<Reach> {
        let Self { estate, stated, unread } = self;
        let What { can, asked, mut undecided, .. } = of_entry(estate, name, stated)?;
        undecided.extend(unread.iter().cloned());
        Ok(Reach { identity, rows: can, undecided, asked })
    }
}

impl From<Reach> for ringfence_evidence::Reach {
    fn from(reach: Reach) -> Self {
        let rows = reach.rows.into_iter().map(|row| {
            let keys = row.request.context.into_iter().map(|(key, value)| {
                let value = match value {
                    Held::One(value) => KeyValue::One(value),
                    Held::Many(values) => KeyValue::Many(values),
                };
                (key, value)
            });
            ReachRow::Decided(Allowed {
                action: row.action,
                resource: row.request.resource,
                context: keys.collect(),
                allowed_by: row.allowed_by,
                with: row.with,
            })
        });
        Self {
            identity: reach.identity,
            rows: rows.collect(),
            undecided: reach.undecided,
            actions: reach.asked,
        }
    }
}

#[cfg(test)]
mod tests;
