//! Whether a certificate is good.

use std::collections::HashSet;

use ringfence_policy::Policies;

use crate::cover;
use crate::form::{
    ActionCase, CallerCase, Case, Certificate, Certificates, Claims, Class, On, Universe, VERSION,
    Who, Why,
};
use crate::matter::{Caller, Chosen, Known, Matter, Part, told};
use crate::packets;

/// Cases of one certificate at most, over all its callers.
pub const CASES: usize = 20_000;

/// A class without a request that is not shown to be empty.
pub const NO_REQUEST: &str = "the class has no request, and it is not shown that there is none";

/// Why certificates are not good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// They are of another form.
    #[error("certificates of version {0} are not read here; 1 to {VERSION} are")]
    Version(u32),
    /// One that is stated and not there.
    #[error("the certificate of `{rail}` for `{who}` is missing")]
    Missing {
        /// The guard rail.
        rail: String,
        /// Whose requests.
        who: String,
    },
    /// One that is there and not stated.
    #[error("the certificate of `{rail}` for `{who}` is of no claim that the file states")]
    Unstated {
        /// The guard rail.
        rail: String,
        /// Whose requests.
        who: String,
    },
    /// One of them.
    #[error("the certificate of `{rail}` for `{who}`: {why}")]
    One {
        /// The guard rail.
        rail: String,
        /// Whose requests.
        who: String,
        /// Why.
        why: String,
    },
}

/// Checks all certificates.
///
/// # Errors
/// The first that is not good, and why.
pub fn check(all: &Certificates) -> Result<(), Refused> {
    if all.version == 0 || all.version > VERSION {
        return Err(Refused::Version(all.version));
    }
    whole(all)?;
    let known = Known::default();
    let refused = |rail: &String, who: &String, why| Refused::One {
        rail: rail.clone(),
        who: who.clone(),
        why,
    };
    for certificate in &all.certificates {
        one(all, certificate, &known)
            .map_err(|why| refused(&certificate.rail, &certificate.who, why))?;
    }
    for certificate in &all.packets {
        packets::check(certificate)
            .map_err(|why| refused(&certificate.rail, &certificate.who, why))?;
    }
    Ok(())
}

/// Whether each claim that is stated has its certificate or a reason, and no other has. A
/// file of an older version states none.
fn whole(all: &Certificates) -> Result<(), Refused> {
    if !all.states_claims() {
        return Ok(());
    }
    let told = all.told();
    let count = |claims: &Claims, rail: &str, who: &str| {
        claims.get(rail).and_then(|of| of.get(who)).copied().unwrap_or_default()
    };
    for (rail, who, stated) in each(&all.claims) {
        if count(&told, rail, who) < stated {
            return Err(Refused::Missing { rail: rail.to_owned(), who: who.to_owned() });
        }
    }
    for (rail, who, found) in each(&told) {
        if count(&all.claims, rail, who) < found {
            return Err(Refused::Unstated { rail: rail.to_owned(), who: who.to_owned() });
        }
    }
    Ok(())
}

fn each(claims: &Claims) -> impl Iterator<Item = (&str, &str, usize)> {
    claims.iter().flat_map(|(rail, of)| of.iter().map(|(who, count)| (&**rail, &**who, *count)))
}

fn one(all: &Certificates, certificate: &Certificate, known: &Known) -> Result<(), String> {
    if certificate.verdict != "proved" {
        return Err(format!("a verdict `{}` has no certificate", certificate.verdict));
    }
    let is_sent = certificate.universe == Universe::sent();
    if !is_sent && certificate.universe != Universe::all() {
        return Err("it is about other requests than all, and than those that are sent".to_owned());
    }
    let (inner, outer) = (all.policies(&certificate.inner)?, all.policies(&certificate.outer)?);
    let callers = match &certificate.principal {
        Some(who) => vec![Caller::one(who.into())],
        None => cover::callers(&inner, &outer)?,
    };
    let mut left = CASES;
    for one in &callers {
        let who = Who::from(&one.principal);
        let case = certificate.callers.iter().find(|case| case.principal == who);
        let case = case.ok_or_else(|| format!("no class has callers like {:?}", one.principal))?;
        caller([&inner, &outer], (one, is_sent), case, (known, &mut left))?;
    }
    if certificate.callers.len() != callers.len() {
        return Err("it has callers that are none of its".to_owned());
    }
    Ok(())
}

fn caller(
    [inner, outer]: [&Policies; 2],
    (who, is_sent): (&Caller, bool),
    case: &CallerCase,
    (known, left): (&Known, &mut usize),
) -> Result<(), String> {
    let mut matter = Matter::new(inner, outer, who, &case.keys, known)?;
    if is_sent {
        matter.without_unsent();
    }
    cover::keys(&matter)?;
    let actions: Vec<&str> = case.actions.iter().map(|one| one.action.as_str()).collect();
    cover::actions(&matter, &actions)?;
    case.actions.iter().try_for_each(|one| {
        action(&matter, one, left)
            .map_err(|(number, why)| format!("the action `{}`, case {number}: {why}", one.action))
    })
}

/// Both parts of each branching, from the root on: together they are all requests. Each
/// case is one part's alone, so that there are as many steps as cases.
fn action(matter: &Matter<'_>, case: &ActionCase, left: &mut usize) -> Result<(), (usize, String)> {
    let mut reached = HashSet::new();
    let mut open = vec![(0, matter.all(&case.action))];
    while let Some((number, part)) = open.pop() {
        let at = |why: String| (number, why);
        let case_of = case.cases.get(number);
        let case_of = case_of.ok_or_else(|| at("the class is not there".to_owned()))?;
        if !reached.insert(number) {
            return Err(at("two branchings lead to it".to_owned()));
        }
        let fewer = left.checked_sub(1);
        *left = fewer.ok_or_else(|| at(format!("it is one more than {CASES}")))?;
        match case_of {
            Case::Split(split) => {
                if split.yes <= number || split.no <= number {
                    return Err(at("a branching that goes back".to_owned()));
                }
                let [yes, no] = matter.split(&part, &split.on).map_err(at)?;
                open.extend([(split.yes, yes), (split.no, no)]);
            }
            Case::Class(class) => of_class(matter, &case.action, &part, class).map_err(at)?,
        }
    }
    Ok(())
}

fn of_class(matter: &Matter<'_>, action: &str, part: &Part, class: &Class) -> Result<(), String> {
    let Some(resource) = &class.resource else {
        return match class.why == Why::Empty && matter.is_empty(part) {
            true => Ok(()),
            false => Err(NO_REQUEST.to_owned()),
        };
    };
    let chosen = Chosen { resource: resource.clone(), keys: class.keys.clone() };
    if !matter.has(part, &chosen) {
        return Err(format!("the request on `{resource}` is of another class"));
    }
    let judged = matter.judged(action, &chosen);
    let [inner, outer] = &judged;
    if inner.allowed() && !outer.allowed() {
        return Err(format!("the request on `{resource}` is allowed by the inner side alone"));
    }
    if class.by.as_deref() != Some(&*told(&judged)) {
        return Err(format!("the engine says `{}` of the request on `{resource}`", told(&judged)));
    }
    match matter.decided(action, part) {
        Ok(why) if why == class.why => Ok(()),
        Ok(why) => Err(format!("the class is `{why:?}`, not `{:?}`", class.why)),
        Err(open) => Err(undecided(&open)),
    }
}

/// That a part is none that is decided as a whole, with what may tell its requests apart.
pub fn undecided(open: &[On]) -> String {
    if open.is_empty() {
        return "the inner side alone may allow its requests".to_owned();
    }
    let by: Vec<String> = open.iter().map(shown).collect();
    format!("its requests are not decided alike: they differ by {}", by.join(", "))
}

fn shown(on: &On) -> String {
    match on {
        On::Star => "whether an ARN is acted upon".to_owned(),
        On::Resource(text) => format!("`{text}`"),
        On::Key { key, .. } => format!("the key `{key}`"),
    }
}
