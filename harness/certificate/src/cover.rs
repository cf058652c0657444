//! That there are no other classes: of a key's values, of actions, of callers.
//!
//! What there is comes from the policies alone: one of each that their tests tell apart.
//! Each must have its like among the classes.

use std::collections::{BTreeSet, HashSet};

use ringfence_policy::symbolic::{Action, Effect, Named, Special, StatementView, statements};
use ringfence_policy::{Policies, Principal, catalog};

use crate::follow::{Open, Spoken, are_many};
use crate::form::Held;
use crate::language::{Language, Symbol, folded, literal, samples, symbols};
use crate::matter::{
    ANY_ACCOUNT, Caller, Key, Matter, Names, Stands, documents, holds, is_account,
};
use crate::values::texts;

/// Lists of values that are looked at before it is given up.
const LISTS: usize = 4_096;

/// Why a key's classes are not all.
const NO_ABSENCE: &str = "no class has values like none";

/// What each condition of a key says.
type Said = Vec<bool>;

/// Every value of every key is like that of a class.
///
/// # Errors
/// The key of which one is not, or what of it is not told apart here.
pub fn keys(matter: &Matter<'_>) -> Result<(), String> {
    let open = matter.keys.iter().filter(|key| !matter.caller.is_fixed(&key.lower));
    for key in open {
        of_key(matter, key).map_err(|why| format!("the key `{}`: {why}", key.lower))?;
    }
    Ok(())
}

fn of_key(matter: &Matter<'_>, key: &Key<'_>) -> Result<(), String> {
    let said = |value: Option<&Held>| -> Said {
        let context = matter.with([(key.lower.as_str(), value)]);
        let both = [Effect::Allow, Effect::Deny];
        let all = key.conditions.iter();
        all.flat_map(|one| both.map(|effect| holds(one, &context, effect))).collect()
    };
    // Where there are no lists, the class of one stands for no value by itself.
    let is_single = matter.is_single(&key.lower);
    let counts = |value: &&Option<Held>| !(is_single && matches!(value, Some(Held::Many(_))));
    let all = key.values.iter().filter(counts);
    let classes: HashSet<Said> = all.map(|value| said(value.as_ref())).collect();
    let is_there = |value: &Held| match classes.contains(&said(Some(value))) {
        true => Ok(()),
        false => Err(format!("no class has values like {}", shown(value))),
    };
    let tests: Vec<_> = key.conditions.iter().flat_map(|one| one.tests(&matter.fixed)).collect();
    let shape = matter.caller.shapes.get(&*key.lower);
    let singles = texts(&tests, shape)?;
    // Where no request for an action has the key, no other class stands for its absence. A key
    // of every service any action may have.
    let is_absent = key.values.contains(&None)
        || (catalog::is_global_key(&key.lower) && classes.contains(&said(None)));
    if shape.is_none() && !is_absent {
        return Err(NO_ABSENCE.to_owned());
    }
    for text in &singles {
        is_there(&Held::One(text.clone()))?;
    }
    if shape.is_some() || is_single {
        return Ok(());
    }
    // What is said of a list follows from what is said of it without its last value, and
    // of that value; and whether all values are empty.
    let mut seen: HashSet<(Said, bool)> = HashSet::new();
    let mut lists = vec![Vec::new()];
    let mut place = 0;
    while let Some(known) = lists.get(place).cloned() {
        place += 1;
        for text in &singles {
            let mut longer: Vec<String> = known.clone();
            longer.push(text.clone());
            let is_empty = longer.iter().all(String::is_empty);
            let list = Held::Many(longer.clone());
            if seen.insert((said(Some(&list)), is_empty)) {
                is_there(&list)?;
                lists.push(longer);
            }
        }
        if lists.len() > LISTS {
            return Err("its lists have too many classes".to_owned());
        }
    }
    Ok(())
}

fn shown(value: &Held) -> String {
    match value {
        Held::One(text) => format!("`{text}`"),
        Held::Many(list) => format!("the list {list:?}"),
    }
}

/// Every action is like one of these, to all statements.
///
/// # Errors
/// An action that is not.
pub fn actions(matter: &Matter<'_>, classes: &[&str]) -> Result<(), String> {
    let said = |action: &str| {
        let parsed = Action::parse(action);
        let about = matter.statements.iter().map(|one| one.is_about(&parsed));
        // The engine itself asks more of what STS does with roles.
        let is_sts = parsed.service.eq_ignore_ascii_case("sts");
        // Whoever signs may ask who it is.
        let is_free = Special::of(&parsed) == Some(Special::CallerIdentity)
            && matter.caller.principal != Principal::Anonymous;
        (about.collect::<Vec<_>>(), is_sts, matter.unsent(action), is_free)
    };
    let known: HashSet<_> = classes.iter().map(|action| said(action)).collect();
    // What both sides allow whatever they say breaks nothing.
    let is_known = |action: &str| {
        let (about, is_sts, unsent, is_free) = said(action);
        is_free || known.contains(&(about, is_sts, unsent, false))
    };
    let patterns = || matter.statements.iter().flat_map(|one| one.actions());
    let named: BTreeSet<&str> = patterns().filter_map(|(service, _)| service).collect();
    let fresh = (0..).map(|number| format!("z{number}")).find(|one| !named.contains(&**one));
    let services = named.iter().copied().chain(["sts"]).chain(fresh.as_deref());
    for service in services {
        let mut languages: HashSet<Language> = HashSet::from([Language(vec![Vec::new()])]);
        let mut full: BTreeSet<String> = BTreeSet::new();
        let by_itself = |name: Vec<Symbol>| Language(vec![name]);
        let free = Special::names(service).filter(|_| service == "sts");
        for name in free {
            languages.insert(by_itself(literal(name, true)));
            full.insert(name.to_ascii_lowercase());
        }
        for statement in &matter.statements {
            let own = statement.actions().filter(|(of, _)| of.is_none_or(|of| of == service));
            let mut own: Vec<Vec<Symbol>> =
                own.map(|(_, tokens)| folded(symbols(&tokens))).collect();
            let text = |name: &Vec<Symbol>| -> Option<String> {
                name.iter().map(|one| one.written()).collect()
            };
            let named = own.iter().filter_map(text);
            full.extend(named.filter(|name| name.chars().all(is_of_names)));
            if matter.is_named() {
                let is_full = |name: &&Vec<Symbol>| name.iter().all(|one| one.written().is_some());
                languages.extend(own.iter().filter(is_full).cloned().map(by_itself));
            }
            let mut seen = HashSet::new();
            own.retain(|name| seen.insert(name.clone()));
            if !own.is_empty() {
                languages.insert(Language(own));
            }
        }
        full.remove("");
        let is_missed = |name: &str| !is_known(&format!("{service}:{name}"));
        let missed = |name: &str| format!("no class has actions like `{service}:{name}`");
        // Names in full are looked at by themselves.
        let of_service = known.iter().filter(|(_, is_sts, unsent, is_free)| {
            *is_sts == (service == "sts") && !is_free && !unsent.contains(&true)
        });
        let shown: BTreeSet<&Vec<bool>> = of_service.map(|(about, ..)| about).collect();
        let follow = || match full.iter().find(|name| is_missed(name)) {
            Some(name) => Err(Open::Name(name.clone())),
            None => Spoken::of(&matter.statements, service, &matter.lists).follow(
                &shown,
                &full,
                is_of_names,
            ),
        };
        if are_many(&languages) {
            match follow() {
                Ok(()) => continue,
                Err(Open::Name(name)) => return Err(missed(&name)),
                Err(Open::TooMany) => {}
            }
        }
        let languages: Vec<&Language> = languages.iter().collect();
        let all = samples(&languages, is_of_names)
            .map_err(|_| format!("the actions of `{service}` have too many patterns"))?;
        let unlike = all.iter().find(|name| !name.is_empty() && is_missed(name));
        if let Some(name) = unlike
            && follow().is_err()
        {
            return Err(missed(name));
        }
    }
    Ok(())
}

/// What actions' names are made of, in small letters.
fn is_of_names(one: char) -> bool {
    one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-'
}

/// One of each kind of caller that the policies of resources tell apart, whoever asks.
///
/// # Errors
/// What of callers is not told apart here.
pub fn callers(inner: &Policies, outer: &Policies) -> Result<Vec<Caller>, String> {
    let both = [inner, outer];
    let has_own = |one: &&Policies| {
        !one.identity.is_empty() || one.boundary.is_some() || one.session.is_some()
    };
    if both.iter().any(has_own) {
        return Err("anybody with policies of its own is not checked here".to_owned());
    }
    let all: Vec<_> = both.into_iter().flat_map(documents).flat_map(statements).collect();
    let named: BTreeSet<Named<'_>> = all.iter().flat_map(|one| one.principals()).collect();
    let names = names(&all, &named);
    if names.accounts.iter().any(|one| one == ANY_ACCOUNT) {
        return Err(format!("the account `{ANY_ACCOUNT}` is named, which stands for any"));
    }
    let x = fresh(&named);
    let mut found: Vec<(Principal, Stands)> = vec![
        (Principal::Anonymous, Stands::Itself),
        (Principal::Service { name: format!("{x}.amazonaws.com") }, Stands::Account),
    ];
    let provider = format!("arn:aws:iam::{ANY_ACCOUNT}:oidc-provider/{x}");
    found.push((Principal::WebIdentity { provider_arn: provider }, Stands::Itself));
    for named in named {
        let principal = match named {
            Named::Account(_) => continue,
            Named::Service(name) => Principal::Service { name: name.to_owned() },
            Named::Federated(arn) => Principal::WebIdentity { provider_arn: arn.to_owned() },
            // A name of a session needs its role's, of which the path is not shown.
            Named::Arn(arn) => match arn.split(':').nth(5).and_then(|it| it.split_once('/')) {
                Some(("user", _)) => {
                    found.push((federated(arn, &x), Stands::Account));
                    Principal::User { arn: arn.to_owned() }
                }
                Some(("role", path)) => session(arn, path, &x),
                _ => return Err(format!("`{arn}` as a caller is not checked here")),
            },
        };
        found.push((principal, Stands::Itself));
    }
    let any = [(ANY_ACCOUNT, Stands::Anybody)].into_iter();
    for (id, stands) in any.chain(names.accounts.iter().map(|id| (id.as_str(), Stands::Account))) {
        let iam = format!("arn:aws:iam::{id}");
        let user = format!("{iam}:user/{x}");
        let linked = format!("aws-service-role/x.amazonaws.com/{x}");
        let all = [
            Principal::Root { account_id: id.to_owned() },
            session(&format!("{iam}:role/{x}"), &x, &x),
            session(&format!("{iam}:role/{linked}"), &linked, &x),
            federated(&user, &x),
            Principal::User { arn: user },
        ];
        found.extend(all.map(|one| (one, stands)));
    }
    let caller = |(principal, stands)| Caller::standing(principal, stands, &names);
    Ok(found.into_iter().map(caller).collect())
}

/// What policies name, by statement, as caller, as owner and in conditions on the caller.
fn names(all: &[StatementView<'_>], named: &BTreeSet<Named<'_>>) -> Names {
    let account = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
    let mut names = Names { arns: Vec::new(), accounts: Vec::new(), services: Vec::new() };
    for one in named {
        match one {
            Named::Account(id) => names.accounts.push((*id).to_owned()),
            Named::Service(name) => names.services.push((*name).to_owned()),
            Named::Federated(arn) => names.accounts.extend(account(arn)),
            Named::Arn(arn) => {
                names.accounts.extend(account(arn));
                names.arns.push((*arn).to_owned());
            }
        }
    }
    let resources = all.iter().flat_map(|one| one.resources());
    names.accounts.extend(resources.filter_map(|one| account(one.source())));
    let conditions = all.iter().flat_map(|one| one.conditions());
    for condition in conditions.filter(|one| one.lower_key().starts_with("aws:principal")) {
        let values = condition.values().iter();
        let values = values.flat_map(|text| account(text).into_iter().chain([text.to_string()]));
        names.accounts.extend(values);
    }
    names.accounts.retain(|id| is_account(id));
    names.accounts.sort_unstable();
    names.accounts.dedup();
    names
}

/// A name that nobody has whom the policies name.
fn fresh(named: &BTreeSet<Named<'_>>) -> String {
    let texts = named.iter().map(|one| match one {
        Named::Account(it) | Named::Arn(it) | Named::Service(it) | Named::Federated(it) => *it,
    });
    let taken: HashSet<&str> = texts.flat_map(|text| text.split(['/', ':', '.'])).collect();
    let mut name = "x".to_owned();
    while taken.contains(&*name) {
        name.push('x');
    }
    name
}

/// A federated user whose session a user made.
fn federated(user: &str, name: &str) -> Principal {
    let (account, partition) = (user.split(':').nth(4), user.split(':').nth(1));
    let (account, partition) = (account.unwrap_or_default(), partition.unwrap_or("aws"));
    Principal::FederatedUser {
        arn: format!("arn:{partition}:sts::{account}:federated-user/{name}"),
        user_arn: user.to_owned(),
    }
}

fn session(role: &str, path: &str, of: &str) -> Principal {
    let name = path.rsplit('/').next().unwrap_or(path);
    let account = role.split(':').nth(4).unwrap_or_default();
    let partition = role.split(':').nth(1).unwrap_or("aws");
    Principal::RoleSession {
        role_arn: role.to_owned(),
        session_arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/{of}"),
    }
}
