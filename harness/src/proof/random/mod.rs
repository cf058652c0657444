//! Guard rails of random estates against the engine's own decisions.
//!
//! An estate of a few identities with policies in every place that they may stand in, read as
//! `terraform show -json` prints it, and guard rails of one's own about it. What is said of
//! each rail for all requests is held against the engine's decisions about many single ones,
//! by policies that are composed here a second time: what is proved no request breaks, a
//! request that breaks a rail is allowed and within the rail, and each certificate checks.
//!
//! `RINGFENCE_ESTATES` is how many estates are made (40), `RINGFENCE_SEED` the number of the
//! first: `just rails-random 20000`.

#[path = "../../../prove/tests/random/dice.rs"]
mod dice;
mod estates;
#[expect(dead_code, reason = "the pairs of policies use the rest")]
#[path = "../../../prove/tests/random/expected.rs"]
mod expected;
#[expect(dead_code, reason = "the pairs of policies use the rest")]
#[path = "../../../prove/tests/random/made.rs"]
mod made;
#[path = "../../../prove/tests/random/near.rs"]
mod near;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfence_certificate::check;
use ringfence_policy::jsonl::{self, Decider};
use ringfence_policy::{Policies, Principal, judge};
use ringfence_prove::{Universe, Witness};
use serde_json::{Value, json};

use self::dice::Dice;
use self::estates::{Made, Person, Rail};
use self::expected::Callers;
use self::near::Near;
use super::decide::{Broken, End, Finding};
use super::guarded::Guarded;
use super::{certificates, claims, decide};
use crate::access::estate::Estate;
use crate::access::federated::with_session;
use crate::access::files::{self, Printed};
use crate::access::stated::stated;
use crate::config::Config;

/// Requests that are drawn for an identity of a rail.
const REQUESTS: usize = 60;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[derive(Default)]
struct Told {
    proved: usize,
    violated: usize,
    undecided: BTreeMap<String, usize>,
    certified: usize,
    /// Requests that were drawn and are within a rail, and those of them that are allowed.
    within: usize,
    allowed: usize,
    /// Estates that are none.
    none: usize,
}

/// What decides about an identity, by what stands beside its own policies: nothing, the
/// policy of a resource, or the trust policy of a role with its ARN.
struct Composed {
    address: Option<String>,
    role: Option<String>,
    policies: Policies,
}

impl Composed {
    /// All of an identity; `None` where AWS would not store one of them.
    fn all(person: &Person, made: &Made, decider: &mut Decider) -> Option<Vec<Self>> {
        let mut read = |resource: Option<&Value>, sts: bool| {
            let mut side = person.policies.clone();
            if let Some(policy) = resource {
                side["resource"] = policy.clone();
            }
            decider.policies_of(&side.to_string(), sts).ok()
        };
        let mut all = vec![Self { address: None, role: None, policies: read(None, false)? }];
        for (address, policy) in &made.resources {
            let policies = read(Some(policy), false)?;
            all.push(Self { address: Some(address.clone()), role: None, policies });
        }
        for (role, arn, policy) in &made.trusts {
            let policies = read(Some(policy), true)?;
            let address = Some(format!("trust of {role}"));
            all.push(Self { address, role: Some(arn.clone()), policies });
        }
        Some(all)
    }

    fn allows(&self, witness: &Witness) -> bool {
        let is_its = self.role.as_ref().is_none_or(|arn| *arn == witness.resource);
        // A resource's policy counts in requests to its own service alone.
        let service = witness.action.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let is_asked = |address: &String| {
            address.strip_prefix("aws_").is_none_or(|kind| kind.starts_with(&service))
        };
        let mut policies = of(&self.policies, witness);
        if !self.address.as_ref().is_none_or(is_asked) {
            policies.to_mut().resource = None;
        }
        is_its && judge(&witness.request(), &policies).allowed()
    }
}

/// Policies as those of who asks: a session that a user federates has session policies too.
fn of<'p>(policies: &'p Policies, witness: &Witness) -> Cow<'p, Policies> {
    match &witness.principal {
        Principal::FederatedUser { .. } => Cow::Owned(with_session(policies)),
        _ => Cow::Borrowed(policies),
    }
}

/// A rail as what it speaks of, and as what of that it excepts.
struct Within {
    all: Policies,
    excepted: Option<Policies>,
}

impl Within {
    fn of(rail: &Rail, decider: &mut Decider) -> Option<Self> {
        let mut read = |condition: Option<&Value>| {
            let mut statement = json!({"Effect": "Allow", "Action": rail.actions,
                "Resource": rail.resources});
            if let Some(condition) = condition {
                statement["Condition"] = condition.clone();
            }
            let identity = json!({"Version": "2012-10-17", "Statement": [statement]});
            statement["Principal"] = json!("*");
            let resource = json!({"Version": "2012-10-17", "Statement": [statement]});
            let side = json!({"identity": [identity], "resource": resource});
            decider.policies_of(&side.to_string(), false).ok()
        };
        let all = read(None)?;
        let excepted = match &rail.except {
            Some(condition) => Some(read(Some(condition))?),
            None => None,
        };
        Some(Self { all, excepted })
    }

    fn has(&self, witness: &Witness) -> bool {
        let request = witness.request();
        let allows = |policies: &Policies| judge(&request, &of(policies, witness)).allowed();
        allows(&self.all) && !self.excepted.as_ref().is_some_and(allows)
    }
}

/// The caller of an identity, as some session of it.
fn caller(person: &Person, dice: &mut Dice) -> Principal {
    let session = dice.one_of(&["session", "s1", "alice"]);
    jsonl::principal(&person.caller.replace("SESSION", session)).unwrap()
}

fn estate(made: &Made, config: &Config) -> Option<Estate> {
    let directory = PathBuf::from("/nonexistent");
    let printed = Printed { name: "estate".to_owned(), directory, text: made.shown.to_string() };
    files::printed(vec![printed], &config.account).ok()
}

/// Which of the compositions a claim is about, by its name.
fn claimed<'c>(all: &'c [Composed], person: &Person, who: &str) -> &'c Composed {
    let rest = who.strip_prefix(&person.entry).unwrap();
    let address = rest.split_once(" by ").map(|(_, address)| address);
    all.iter().find(|one| one.address.as_deref() == address).unwrap()
}

fn is_of(finding: &Finding, rail: &Rail, person: &Person) -> bool {
    let rest = finding.who.strip_prefix(&person.entry);
    finding.rail.title() == rail.title
        && rest.is_some_and(|it| it.is_empty() || it.starts_with(' '))
}

fn one(seed: u64, told: &mut Told) {
    let mut dice = Dice::new(seed);
    let made = estates::made(&mut dice);
    let Ok(config) = Config::parse(&made.config, Path::new("ringfence.toml")) else {
        told.none += 1;
        return;
    };
    let Some(estate) = estate(&made, &config) else {
        told.none += 1;
        return;
    };
    let guarded = Guarded::of(&estate, &config).unwrap();
    let claims = claims::all(&guarded, &stated(&config).unwrap()).unwrap();
    let findings = decide::all(&claims).unwrap();
    let mut decider = Decider::default();
    for rail in &made.rails {
        let within = Within::of(rail, &mut decider).unwrap();
        let own = findings.iter().filter(|one| one.rail.title() == rail.title);
        let named = |one: &&Finding| rail.who.iter().any(|at| is_of(one, rail, &made.people[*at]));
        assert!(own.clone().count() > 0 && own.clone().all(|one| named(&one)), "{rail:?}");
        for person in rail.who.iter().map(|at| &made.people[*at]) {
            let composed = Composed::all(person, &made, &mut decider).unwrap();
            let found: Vec<&Finding> = own.clone().filter(|one| is_of(one, rail, person)).collect();
            assert!(!found.is_empty(), "{rail:?} {}", person.entry);
            of_person((rail, &within), person, (&composed, &found), &made, &mut dice, told);
        }
    }
    if dice.one_in(4) {
        let all = certificates::certificates(&claims, &findings).unwrap();
        told.certified += all.certificates.len();
        check(&all).unwrap_or_else(|error| panic!("{error}"));
    }
}

fn of_person(
    (rail, within): (&Rail, &Within),
    person: &Person,
    (composed, found): (&[Composed], &[&Finding]),
    made: &Made,
    dice: &mut Dice,
    told: &mut Told,
) {
    let mut is_proved = true;
    for finding in found {
        match &finding.end {
            End::Proved(_) => told.proved += 1,
            End::Undecided(reason) if reason == super::declared::NOTHING => is_proved = false,
            End::Undecided(reason) => {
                is_proved = false;
                *told.undecided.entry(expected::construct(reason)).or_default() += 1;
            }
            End::Violated(broken) => {
                is_proved = false;
                told.violated += 1;
                let Broken::Request { witness, .. } = &**broken else { panic!("{finding:?}") };
                let claimed = claimed(composed, person, &finding.who);
                assert!(
                    claimed.allows(witness) && within.has(witness),
                    "{} of {rail:?} is not allowed ({}) or not within ({}): {witness:?}",
                    finding.who,
                    claimed.allows(witness),
                    within.has(witness)
                );
            }
        }
    }
    let near = Near::of([&made.all, &rail.statement()]);
    for _ in 0..REQUESTS {
        let caller = caller(person, dice);
        let all = [&composed[0].policies, &within.all];
        let callers = Callers::of(all, Universe::All);
        let drawn = near.request(dice, Some(&caller), &callers, Universe::All);
        // This one nobody can be refused
        // (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>).
        let is_refusable =
            |drawn: &Witness| !drawn.action.eq_ignore_ascii_case("sts:GetCallerIdentity");
        let drawn = drawn.filter(|drawn| is_refusable(drawn) && within.has(drawn));
        let Some(drawn) = drawn else { continue };
        told.within += 1;
        let Some(by) = composed.iter().find(|one| one.allows(&drawn)) else { continue };
        told.allowed += 1;
        assert!(
            !is_proved,
            "{rail:?} is proved of {}, and broken by {:?}: {drawn:?}",
            person.entry, by.address,
        );
    }
}

#[test]
fn what_is_said_of_a_rail_holds_of_each_request_that_is_drawn() {
    let (first, estates) = (number("RINGFENCE_SEED", 1), number("RINGFENCE_ESTATES", 40));
    let mut told = Told::default();
    let mut wrong = Vec::new();
    for seed in first..first + estates {
        // All that are wrong are shown.
        let mut own = Told::default();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(seed, &mut own)));
        match result {
            Ok(()) => {
                told.proved += own.proved;
                told.violated += own.violated;
                told.certified += own.certified;
                told.within += own.within;
                told.allowed += own.allowed;
                told.none += own.none;
                for (reason, count) in own.undecided {
                    *told.undecided.entry(reason).or_default() += count;
                }
            }
            Err(_) => wrong.push(seed),
        }
        assert!(wrong.len() < 10, "estates are wrong, by their numbers: {wrong:?}");
    }
    assert!(wrong.is_empty(), "estates are wrong: {wrong:?}");
    let Told { proved, violated, undecided, certified, within, allowed, none } = &told;
    let open: usize = undecided.values().sum();
    println!(
        "{proved} proved ({certified} certified), {violated} violated, {open} undecided \
         {undecided:#?}; {within} requests within a rail, {allowed} allowed; {none} no estates"
    );
    let all = proved + violated + open;
    assert!(*proved > all / 8 && *violated > all / 8, "{proved} and {violated} of {all}");
    assert!(*allowed > all / 8, "{allowed} requests of {all} claims");
    assert!(open * 4 < all, "{open} of {all} are undecided");
    assert!(none * 2 < usize::try_from(estates).unwrap(), "{none} of {estates} are no estates");
}
