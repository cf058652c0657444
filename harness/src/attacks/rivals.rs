//! Whom deployers attack of the others. In a small estate everybody attacks
//! everything of everybody else. In a larger one that would grow with the square
//! of its applications: there, each function and each route of the platform's is
//! attacked by one deployer of each kind. Deployers are of one kind where their
//! policies are the same but for their own names, so that one whose policies
//! differ still attacks everything.

use std::collections::{BTreeMap, BTreeSet};

use super::actor::Actor;
use super::facts::{DeployerFacts, Facts, FunctionFacts};
use super::policies::{PoliciesError, RolePolicies, identity_policies};
use crate::config::Job;

/// Up to so many applications and functions, everybody attacks everything.
const ALL: usize = 4;

/// Whom deployers attack.
#[derive(Debug, Clone, Default)]
pub(super) struct Rivals {
    /// The functions that the deployers of an owner attack, by the owner.
    functions: BTreeMap<String, Vec<String>>,
    /// The routes that a deployer attacks, by its name; all, where there is none.
    routes: BTreeMap<String, BTreeSet<String>>,
}

impl Rivals {
    /// Who attacks what in a deployed state.
    ///
    /// # Errors
    /// When a deployer's policies cannot be read.
    pub(super) async fn of(facts: &Facts, platform: &Actor) -> Result<Self, PoliciesError> {
        let owners: BTreeSet<&str> = facts.deployers.iter().map(|it| it.app.as_str()).collect();
        if owners.len().max(facts.functions.len()) <= ALL {
            let everybody = facts.deployers.iter().map(|it| (it, it.name.clone())).collect();
            return Ok(Self { functions: functions(facts, everybody), routes: BTreeMap::new() });
        }
        let mut kinds = Vec::new();
        for deployer in &facts.deployers {
            let policies = identity_policies(platform, &deployer.arn).await?;
            kinds.push((deployer, kind(deployer.job, &names(facts, deployer), &policies)));
        }
        let routes = routes(facts, &kinds);
        Ok(Self { functions: functions(facts, kinds), routes })
    }

    /// The functions that an owner's deployers attack, the nearest first.
    pub(super) fn functions(&self, owner: &str) -> &[String] {
        self.functions.get(owner).map_or(&[], Vec::as_slice)
    }

    /// Whether a deployer attacks a route that it does not own.
    pub(super) fn attacks_route(&self, deployer: &str, route_id: &str) -> bool {
        self.routes.get(deployer).is_none_or(|routes| routes.contains(route_id))
    }

    /// The same where an owner's deployers attack another function first.
    pub(super) fn first(&self, owner: &str, function: &str) -> Self {
        let mut other = self.clone();
        other.functions.insert(owner.to_owned(), vec![function.to_owned()]);
        other
    }
}

/// The names that are a deployer's own.
fn names<'a>(facts: &'a Facts, deployer: &'a DeployerFacts) -> Vec<&'a str> {
    let mut own: Vec<&str> = vec![&deployer.app, &deployer.stack];
    own.extend(deployer.role_prefix.as_deref());
    own.push(deployer.own_name());
    for function in facts.functions.iter().filter(|it| it.owner() == deployer.app) {
        own.push(&function.name);
        own.extend(function.role_arn.rsplit('/').next());
        let routes = facts.routes.iter().filter(|route| route.leads_to(&function.name));
        own.extend(routes.flat_map(|it| [it.route_id.as_str(), it.integration_id.as_str()]));
    }
    own.retain(|name| !name.is_empty());
    // A name may be part of another one.
    own.sort_unstable_by_key(|name| std::cmp::Reverse(name.len()));
    own
}

/// What a deployer is for, and its policies with its own names taken out.
fn kind(job: Job, own: &[&str], policies: &RolePolicies) -> String {
    let nameless =
        |text: &str| own.iter().fold(text.to_owned(), |text, name| text.replace(name, "\u{0}"));
    let texts = policies.inline.iter().chain(&policies.attached);
    let texts: BTreeSet<String> = texts.map(|(_, text)| nameless(text)).collect();
    let boundary = policies.boundary.as_ref().map(|(_, text)| nameless(text));
    format!("{job:?}\n{texts:?}\n{boundary:?}")
}

/// Something that deployers must leave alone, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target<'a> {
    name: &'a str,
    owner: Option<&'a str>,
}

/// One of each kind for each target, in turn, and never the owner: by deployer.
fn chosen<'a>(
    kinds: &[(&'a DeployerFacts, String)],
    targets: &[Target<'a>],
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut members: BTreeMap<&str, Vec<&DeployerFacts>> = BTreeMap::new();
    for (deployer, kind) in kinds {
        members.entry(kind).or_default().push(deployer);
    }
    let mut chosen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for of_kind in members.values() {
        for (number, target) in targets.iter().enumerate() {
            let (before, after) = of_kind.split_at(number % of_kind.len());
            let mut in_turn = after.iter().chain(before);
            let attacker = in_turn.find(|it| target.owner != Some(it.app.as_str()));
            if let Some(attacker) = attacker {
                chosen.entry(&attacker.name).or_default().insert(target.name);
            }
        }
    }
    chosen
}

/// Which functions the deployers of each owner attack: the chosen ones, and at
/// least the one that comes after their own.
fn functions(facts: &Facts, kinds: Vec<(&DeployerFacts, String)>) -> BTreeMap<String, Vec<String>> {
    let all = facts.functions.iter();
    let targets = all.map(|it| Target { name: &it.name, owner: Some(it.owner()) });
    let targets: Vec<Target<'_>> = targets.collect();
    let chosen = chosen(&kinds, &targets);
    let mut by_owner = BTreeMap::new();
    for (deployer, _) in &kinds {
        let owner = deployer.app.as_str();
        let attacked: BTreeSet<&str> = (kinds.iter())
            .filter(|(other, _)| other.app == owner)
            .filter_map(|(other, _)| chosen.get(other.name.as_str()))
            .flatten()
            .copied()
            .collect();
        let foreign = facts.after(owner).filter(|it| it.owner() != owner);
        let rivals = foreign.enumerate().filter(|(nearest, function)| {
            *nearest == 0 || attacked.contains(function.name.as_str())
        });
        let rivals = rivals.map(|(_, function)| function.name.clone()).collect();
        by_owner.insert(owner.to_owned(), rivals);
    }
    by_owner
}

fn routes(facts: &Facts, kinds: &[(&DeployerFacts, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let targets = facts.routes.iter().map(|route| {
        let function = facts.functions.iter().find(|it| route.leads_to(&it.name));
        Target { name: &route.route_id, owner: function.map(FunctionFacts::owner) }
    });
    let chosen = chosen(kinds, &targets.collect::<Vec<_>>());
    let of = |deployer: &DeployerFacts| {
        let routes = chosen.get(deployer.name.as_str()).into_iter().flatten();
        routes.map(|route| (*route).to_owned()).collect()
    };
    kinds.iter().map(|(deployer, _)| (deployer.name.clone(), of(deployer))).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn deployer(name: &str) -> DeployerFacts {
        DeployerFacts {
            through: None,
            name: format!("deployer-{name}"),
            arn: format!("arn:aws:iam::123456789012:role/{name}-deployer"),
            job: Job::Stack,
            app: name.into(),
            function: name.into(),
            stack: name.into(),
            makes: None,
            role_prefix: None,
            policies: Vec::new(),
        }
    }

    /// Who is chosen for each target, of services whose kinds are these.
    fn attackers(kinds: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let deployers: Vec<DeployerFacts> = kinds.iter().map(|(name, _)| deployer(name)).collect();
        let kinds = deployers.iter().zip(kinds);
        let kinds: Vec<_> = kinds.map(|(it, (_, kind))| (it, (*kind).to_owned())).collect();
        let targets: Vec<Target<'_>> =
            (deployers.iter()).map(|it| Target { name: &it.app, owner: Some(&it.app) }).collect();
        let chosen = chosen(&kinds, &targets);
        let of = |target: &Target<'_>| {
            let attackers = deployers.iter().filter(|it| {
                chosen.get(it.name.as_str()).is_some_and(|targets| targets.contains(target.name))
            });
            (target.name.to_owned(), attackers.map(|it| it.app.clone()).collect())
        };
        targets.iter().map(of).collect()
    }

    #[test]
    fn each_target_meets_one_of_each_kind_and_never_its_owner() {
        let found = attackers(&[("a", "x"), ("b", "x"), ("c", "x"), ("d", "y"), ("e", "y")]);
        let expected = [
            ("a", vec!["b", "d"]),
            ("b", vec!["c", "e"]),
            ("c", vec!["a", "d"]),
            ("d", vec!["a", "e"]),
            ("e", vec!["b", "d"]),
        ];
        let expected = expected.map(|(target, by)| {
            (target.to_owned(), by.into_iter().map(str::to_owned).collect::<Vec<_>>())
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn who_is_like_nobody_else_attacks_everything() {
        for (target, by) in attackers(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")])
        {
            let others: Vec<&str> =
                ["a", "b", "c", "d", "e"].into_iter().filter(|it| *it != target).collect();
            assert_eq!(by, others, "{target}");
        }
    }

    #[rstest]
    #[case::its_own_names("arn:aws:s3:::b/one/*", "arn:aws:s3:::b/two/*", true)]
    #[case::one_more_action("s3:PutObject on one", "s3:* on two", false)]
    #[case::the_others_name("arn:aws:s3:::b/two/*", "arn:aws:s3:::b/two/*", false)]
    fn deployers_are_of_a_kind_but_for_their_names(
        #[case] one: &str,
        #[case] two: &str,
        #[case] same: bool,
    ) {
        let policies = |text: &str| RolePolicies {
            inline: vec![("deploy".to_owned(), text.to_owned())],
            ..RolePolicies::default()
        };
        let one = kind(Job::Stack, &["one"], &policies(one));
        assert_eq!(one == kind(Job::Stack, &["two"], &policies(two)), same);
    }
}
