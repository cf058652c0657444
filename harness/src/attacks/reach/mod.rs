//! Reach: what an identity can do, computed from its deployed policies for
//! every action of the services in the action catalogue, so that "blast
//! radius" is a table.
//!
//! An action is reachable where an identity policy allows it on some resource,
//! the boundary allows it there too, and the policy engine allows at least one
//! such request. The rows are an upper bound: a condition that remains is told,
//! not judged, and what a Deny carves out of a row is told beside it.
//!
//! - [`grants`]: policies, statement by statement;
//! - [`witness`]: a request that a statement would allow, for the engine;
//! - [`deployed`]: the policies of a deployed role.

pub mod deployed;
pub mod grants;
mod patterns;
mod witness;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ringfence_guard::Question;
use ringfence_policy::catalog;

use self::grants::{Grant, Policies};

/// What an identity can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Its name in reports.
    pub identity: String,
    /// One row an action, by action.
    pub rows: Vec<Row>,
}

/// An action that an identity can take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The action: `iam:CreateRole`.
    pub action: String,
    /// Where, as patterns.
    pub resources: Vec<String>,
    /// The conditions that remain, as policies say them.
    pub conditions: Vec<String>,
    /// The statements that take something away from it.
    pub limited_by: Vec<String>,
}

impl Reach {
    /// The reach of an identity with these policies.
    pub fn of(identity: impl Into<String>, policies: &Policies) -> Self {
        let mut rows = Vec::new();
        for prefix in catalog::prefixes() {
            let Some(service) = catalog::service(prefix) else { continue };
            for action in service.actions() {
                rows.extend(row(&format!("{prefix}:{}", action.name), action, policies));
            }
        }
        rows.sort_by(|a, b| a.action.cmp(&b.action));
        Self { identity: identity.into(), rows }
    }

    /// How many actions were asked about: all that the catalogue has.
    pub fn asked() -> usize {
        let services = catalog::prefixes().filter_map(catalog::service);
        services.map(|service| service.actions().count()).sum()
    }

    /// How many actions are reachable.
    pub fn actions(&self) -> usize {
        self.rows.len()
    }

    /// The reachable actions, by service.
    pub fn by_service(&self) -> BTreeMap<&str, Vec<&Row>> {
        let mut services: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &self.rows {
            let service = row.action.split(':').next().unwrap_or_default();
            services.entry(service).or_default().push(row);
        }
        services
    }

    /// How many of them can change something.
    pub fn changing(&self) -> usize {
        let changes = |row: &&Row| {
            catalog::action(&row.action).is_some_and(|action| {
                action
                    .access
                    .iter()
                    .any(|access| !matches!(access, catalog::Access::List | catalog::Access::Read))
            })
        };
        self.rows.iter().filter(changes).count()
    }

    /// For people: a line a service, and its resources.
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
        out
    }
}

impl From<Reach> for ringfence_evidence::Reach {
    fn from(reach: Reach) -> Self {
        let rows = reach.rows.into_iter().map(|row| ringfence_evidence::ReachRow {
            action: row.action,
            resources: row.resources,
            conditions: row.conditions,
            limited_by: row.limited_by,
        });
        Self { identity: reach.identity, rows: rows.collect(), actions: Reach::asked() }
    }
}

impl Policies {
    /// Something new that an action may be taken on: what is wanted, or else something
    /// else that the policies allow by a pattern.
    pub(super) fn free(&self, action: &str, wanted: &str) -> Option<String> {
        let known = catalog::action(action)?;
        let on = |kinds: &[String]| places(action, known, self, kinds).0;
        if !on(&[wanted.to_owned()]).is_empty() {
            return Some(wanted.to_owned());
        }
        let account = wanted.split(':').nth(4)?;
        let allowed = on(&patterns::kinds(known, action)).into_iter();
        let mut made = allowed.filter(|pattern| pattern.contains('*')).filter_map(|pattern| {
            let (_, name) = pattern.rsplit_once([':', '/'])?;
            name.contains('*').then(|| witness::concrete(&pattern, account))
        });
        made.find(|arn| !on(std::slice::from_ref(arn)).is_empty())
    }

    /// Requests that the policies allow, a few of each statement.
    pub(super) fn suggested(&self, account: &str) -> Vec<Question> {
        const OF_A_STATEMENT: usize = 8;
        let mut questions = Vec::new();
        for grant in &self.identity {
            let mut found = 0;
            let actions =
                catalog::prefixes().filter_map(|prefix| Some((prefix, catalog::service(prefix)?)));
            let actions = actions.flat_map(|(prefix, service)| {
                service.actions().map(move |action| (format!("{prefix}:{}", action.name), action))
            });
            for (name, action) in actions.filter(|(name, _)| grant.allows(name)) {
                let kinds = patterns::kinds(action, &name);
                let Some(pattern) = patterns::within(grant, None, &kinds).into_iter().next() else {
                    continue;
                };
                let asked = witness::request(self, &name, action, &pattern, &[grant], account);
                if let Some((resource, context)) = asked {
                    questions.push(Question { action: name, resource, context });
                    found += 1;
                }
                if found == OF_A_STATEMENT {
                    break;
                }
            }
        }
        questions
    }
}

fn row(name: &str, action: &catalog::Action, policies: &Policies) -> Option<Row> {
    if !policies.identity.iter().any(|grant| grant.allows(name)) {
        return None;
    }
    let (resources, conditions) = places(name, action, policies, &patterns::kinds(action, name));
    if resources.is_empty() {
        return None;
    }
    let mut limited_by = Vec::new();
    let boundary = policies.boundary.iter().flatten();
    let denies = policies.identity.iter().chain(boundary).filter(|grant| grant.denies(name));
    for deny in denies {
        if resources.iter().any(|resource| patterns::touches(deny, resource)) {
            push(&mut limited_by, deny.told());
        }
    }
    let resources = patterns::widest(resources);
    Some(Row { action: name.to_owned(), resources, conditions, limited_by })
}

/// Where an action on something of these kinds is allowed, as patterns, and under
/// which conditions.
fn places(
    name: &str,
    action: &catalog::Action,
    policies: &Policies,
    kinds: &[String],
) -> (Vec<String>, Vec<String>) {
    let boundary = policies.boundary.as_ref();
    let limits: Vec<&Grant> = match boundary {
        Some(boundary) => boundary.iter().filter(|grant| grant.allows(name)).collect(),
        None => Vec::new(),
    };
    let (mut resources, mut conditions) = (Vec::new(), Vec::new());
    for grant in policies.identity.iter().filter(|grant| grant.allows(name)) {
        // Without a boundary, a grant stands for itself.
        let pairs: Vec<Option<&Grant>> = match boundary {
            Some(_) => limits.iter().map(|limit| Some(*limit)).collect(),
            None => vec![None],
        };
        for limit in pairs {
            for resource in patterns::within(grant, limit, kinds) {
                let grants: Vec<&Grant> = std::iter::once(grant).chain(limit).collect();
                if !witness::allowed(policies, name, action, &resource, &grants) {
                    continue;
                }
                push(&mut resources, resource);
                for grant in &grants {
                    grant.conditions().for_each(|condition| push(&mut conditions, condition));
                }
            }
        }
    }
    (resources, conditions)
}

fn push(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}

#[cfg(test)]
mod tests;
