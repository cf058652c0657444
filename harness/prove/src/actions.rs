//! The actions in classes: those of which the same statements speak.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ringfence_models::actions;
use ringfence_policy::resource_control_supports;
use ringfence_policy::symbolic::{Action, Special, StatementView, Token};

use crate::domain::{OF_MOST, Universe, never_sent, sends};
use crate::ends::{ByEnds, Ends};
use crate::enough::{Sides, enough, ways};
use crate::names::mentioned;
use crate::words::{Alphabet, Classes, Entry, Pattern, Symbol, classes_of, literal, pattern};

/// Actions of which the same statements speak.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// One of them.
    pub(crate) action: String,
    /// The statements that speak of them.
    pub(crate) about: Vec<usize>,
    /// All of them in the catalogue, of the services that are named.
    pub(crate) actions: Vec<String>,
    /// Whether actions of services that no statement names are among them.
    pub(crate) elsewhere: bool,
    /// What they have in common.
    pub(crate) alike: Alike,
}

/// The services of which the engine itself knows something, by what it knows.
pub(crate) fn trait_of(service: &str, resource_control: bool) -> u8 {
    let own = match service {
        "sts" => 1,
        "kms" => 2,
        "iam" => 3,
        _ => 0,
    };
    own + if resource_control && resource_control_supports(service) { 4 } else { 0 }
}

/// The patterns of actions' names, by the service that they stand under, each with the
/// statements that have it.
pub(crate) struct Names(BTreeMap<Option<String>, Vec<Entry>>);

impl Names {
    pub(crate) fn of(statements: &[StatementView<'_>]) -> Self {
        let mut names: BTreeMap<Option<String>, Vec<Entry>> = BTreeMap::new();
        let mut places: HashMap<(Option<&str>, Pattern), usize> = HashMap::new();
        for (number, statement) in statements.iter().enumerate() {
            for (service, tokens) in statement.actions() {
                let fold = |symbol: Symbol| match symbol {
                    Symbol::Character(one) => Symbol::Letter(one.to_ascii_lowercase()),
                    other => other,
                };
                let name: Pattern = pattern(&tokens).into_iter().map(fold).collect();
                let entries = names.entry(service.map(str::to_owned)).or_default();
                let place = *places.entry((service, name.clone())).or_insert(entries.len());
                match entries.get_mut(place) {
                    Some(entry) => entry.of.push(number),
                    None => entries.push(Entry { pattern: name, of: vec![number] }),
                }
            }
        }
        Self(names)
    }

    fn services(&self) -> impl Iterator<Item = &str> {
        self.0.keys().flatten().map(String::as_str)
    }

    fn under(&self, service: Option<&str>) -> Vec<Entry> {
        let of = |key: Option<String>| self.0.get(&key).cloned().unwrap_or_default();
        let mut names = of(None);
        if let Some(service) = service {
            names.extend(of(Some(service.to_owned())));
        }
        names
    }

    /// Whether a pattern of a service's names is this name and no other.
    fn has(&self, service: &str, name: &str) -> bool {
        let own: Pattern =
            name.chars().map(|one| Symbol::Letter(one.to_ascii_lowercase())).collect();
        let lists = [self.0.get(&None), self.0.get(&Some(service.to_owned()))];
        lists.into_iter().flatten().any(|entries| entries.iter().any(|one| one.pattern == own))
    }

    /// A name of each class of a service's names: of those of which the same statements
    /// speak, and, where names in full are told apart, of each of these.
    fn words(&self, service: &Service<'_>, mut entries: Vec<Entry>, apart: bool) -> Classes {
        // No name is empty: of names that are like the empty text another is taken.
        let mut next = entries.iter().flat_map(|entry| &entry.of).max().map_or(0, |last| last + 1);
        let mut by_itself = |pattern: Pattern| {
            next += 1;
            Entry { pattern, of: vec![next] }
        };
        let is_full =
            |entry: &&Entry| entry.pattern.iter().all(|symbol| matches!(symbol, Symbol::Letter(_)));
        let full = entries.iter().filter(is_full).filter(|_| apart);
        let full: Vec<Entry> = full.map(|entry| by_itself(entry.pattern.clone())).collect();
        entries.extend(full);
        entries.push(by_itself(Pattern::new()));
        let mut found = classes_of(&entries, Alphabet::Name);
        // What stands for others is none that the engine treats by itself.
        let is_special =
            |word: &String| special(service.name, word).is_some() && !self.has(service.name, word);
        if found.words.iter().any(is_special) {
            let names = Special::names(service.name).map(|name| by_itself(literal(name, true)));
            entries.extend(names);
            found = classes_of(&entries, Alphabet::Name);
        }
        found.words.retain(|word| !word.is_empty());
        found
    }
}

/// How the engine treats an action by itself.
fn special(service: &str, name: &str) -> Option<Special> {
    Special::of(&Action { service, name })
}

/// In as many ways by what stands in their middle names are told apart one by one.
const WAYS: usize = 8;

/// Where they are told apart into so many more classes than there are entries, it is looked
/// for those that are enough.
const CLASSES: usize = 512;

/// What it may cost to hold names of actions beside entries of policies.
const MATCHED: usize = 100_000_000;

/// What it costs beside an entry with a wildcard that is not at its end; beside any other 1.
const WILD: usize = 24;

/// What the engine and the policies know of actions: those that are alike in it are asked
/// about as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Alike {
    /// The statements that speak of them.
    about: Vec<usize>,
    traits: u8,
    sent: [bool; 2],
    /// The keys that no request for them has.
    never: Vec<String>,
    /// How the engine treats them by themselves.
    special: Option<Special>,
}

/// A service of whose actions is asked.
pub(crate) struct Service<'s> {
    name: &'s str,
    /// Whether it stands for those that no statement names.
    elsewhere: bool,
}

/// The actions in groups, service by service.
pub(crate) struct Groups<'s, 'p> {
    universe: Universe,
    resource_control: bool,
    names: &'s Names,
    spoken: Spoken<'s, 'p>,
    /// Of each statement of the inner side, which come first, the list of policies that it
    /// is in, where one of each class of actions need not be asked about.
    lists: Option<&'s [usize]>,
    /// The condition keys that are asked for, in order.
    keys: Vec<String>,
    complete: bool,
}

impl<'s, 'p> Groups<'s, 'p> {
    pub(crate) fn new(
        statements: &'s [StatementView<'p>],
        names: &'s Names,
        (universe, resource_control): (Universe, bool),
    ) -> Self {
        let mut keys: Vec<String> = mentioned(statements).into_iter().collect();
        keys.sort_unstable();
        let spoken = Spoken::of(statements);
        Self { universe, resource_control, names, spoken, lists: None, keys, complete: true }
    }

    /// The same, where it is asked whether the one side, of which each statement is in one of
    /// these lists of policies, allows more than the other: what follows of others is left.
    pub(crate) fn in_lists(self, lists: &'s [usize]) -> Self {
        Self { lists: Some(lists), ..self }
    }

    /// Names of a service's of which it is asked.
    fn words(&self, service: &Service<'_>) -> Classes {
        let entries = self.names.under(Some(service.name).filter(|_| !service.elsewhere));
        // Actions of the catalogue are looked for in each class.
        let lists = self.lists.filter(|_| self.universe != Universe::Catalogue);
        let count = lists.map_or(0, |_| ways(&entries));
        let most = CLASSES + entries.len();
        let kept = if count > 0 { entries.clone() } else { Vec::new() };
        let enough = || {
            let sides = Sides::of(self.spoken.statements, lists?);
            let words = enough(&kept, &sides, Special::names(service.name))?;
            Some(Classes { words, complete: true })
        };
        if count > WAYS
            && let Some(found) = enough()
        {
            return found;
        }
        let all = self.names.words(service, entries, self.universe == Universe::Sent);
        let are_few = all.complete && all.words.len() <= most;
        if count == 0 || count > WAYS || are_few {
            return all;
        }
        enough().filter(|few| !all.complete || few.words.len() < all.words.len()).unwrap_or(all)
    }

    /// The services of which some action may be asked for.
    pub(crate) fn services(&self, is_asked_for: impl Fn(&str) -> bool) -> Vec<Service<'s>> {
        let named: BTreeSet<&str> = self.names.services().collect();
        // Services that nobody names: `*` and `NotAction` speak of them.
        let mut rest: Vec<&str> = Vec::new();
        rest.extend(["xyz", "x-y-z", "q0"].into_iter().find(|service| !named.contains(service)));
        rest.extend(["sts", "kms", "iam"].into_iter().filter(|one| !named.contains(one)));
        if self.resource_control {
            rest.extend(["sqs", "ecr", "s3", "dynamodb"].iter().find(|one| !named.contains(*one)));
        }
        let named = named.into_iter().map(|name| Service { name, elsewhere: false });
        let rest = rest.into_iter().map(|name| Service { name, elsewhere: true });
        named.chain(rest).filter(|service| is_asked_for(service.name)).collect()
    }

    /// The groups of a service's actions. Of those that other services had before, too, each
    /// is another.
    pub(crate) fn of(&mut self, service: &Service<'_>) -> Vec<Group> {
        let mut names: Vec<(String, bool)> = Vec::new();
        if service.elsewhere || self.universe != Universe::Catalogue {
            let words = self.words(service);
            self.complete &= words.complete;
            names.extend(words.words.into_iter().map(|name| (name, false)));
            // More than is allowed with others of its service may be with this one.
            if service.name == "kms" && self.resource_control {
                names.push(("retiregrant".to_owned(), false));
            }
        }
        let &Service { name: service, elsewhere } = service;
        if self.universe != Universe::All {
            let known = actions::of(service).filter(|_| !elsewhere);
            let known = known.into_iter().flat_map(|prefix| prefix.actions());
            names.extend(known.map(|action| (action.name.to_owned(), true)));
        }
        // Those that are treated by themselves are with others where there are any.
        let mut order: Vec<(usize, &(String, bool))> = names.iter().enumerate().collect();
        order.sort_by_key(|(_, (name, _))| special(service, name).is_some());
        let mut found = Found { all: Vec::new(), places: HashMap::new() };
        let mut firsts: Vec<usize> = Vec::new();
        for (at, (name, is_known)) in order {
            let group = self.add(service, name, elsewhere, &mut found);
            if let Some(group) = group.filter(|_| *is_known) {
                group.actions.push(format!("{service}:{name}"));
            }
            firsts.resize(found.all.len(), at);
        }
        self.complete &= !self.spoken.has_spent_all();
        let mut groups: Vec<(usize, Group)> = firsts.into_iter().zip(found.all).collect();
        groups.sort_by_key(|(first, _)| *first);
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// Whether no actions were left out of those that were asked for.
    pub(crate) fn are_complete(&self) -> bool {
        self.complete
    }

    /// The group of an action, which is made where there is none.
    fn add<'f>(
        &self,
        service: &str,
        name: &str,
        elsewhere: bool,
        found: &'f mut Found,
    ) -> Option<&'f mut Group> {
        if self.spoken.has_spent_all() {
            return None;
        }
        let about = self.spoken.about(service, name);
        let mut alike = self.alike(service, name, about.clone());
        // Of what is allowed whatever policies say, or not, no more is allowed one side alone
        // than of the others of which the same statements speak.
        if alike.special.is_some_and(|special| special != Special::GrantRetired) {
            let plain = Alike { special: None, ..alike.clone() };
            if found.places.contains_key(&plain) {
                alike = plain;
            }
        }
        let place = *found.places.entry(alike.clone()).or_insert(found.all.len());
        if place == found.all.len() {
            let (action, actions) = (format!("{service}:{name}"), Vec::new());
            found.all.push(Group { action, about, actions, elsewhere, alike });
        }
        found.all.get_mut(place)
    }

    fn alike(&self, service: &str, name: &str, about: Vec<usize>) -> Alike {
        // Those that have a key and those that may not are told apart where somebody asks.
        let is_asked = |key: &str| self.keys.binary_search_by(|one| one.as_str().cmp(key)).is_ok();
        let sent = OF_MOST.map(|(key, _)| is_asked(key) && sends(service, key));
        // Of names that a pattern has besides nobody knows what AWS sends.
        let is_named = self.universe == Universe::Sent && self.names.has(service, name);
        let keys = self.keys.iter().map(String::as_str).filter(|_| is_named);
        let never = never_sent((service, name), keys);
        let traits = trait_of(service, self.resource_control);
        let special = special(service, name);
        let special = special.filter(|it| self.resource_control || *it != Special::GrantRetired);
        Alike { about, traits, sent, never, special }
    }
}

/// The groups of a service.
struct Found {
    all: Vec<Group>,
    places: HashMap<Alike, usize>,
}

/// One action alone, that is none of a group's.
pub(crate) fn only(statements: &[StatementView<'_>], action: &str) -> Group {
    let of = Action::parse(action);
    let about = statements.iter().enumerate().filter(|(_, one)| one.is_about(&of));
    let about: Vec<usize> = about.map(|(number, _)| number).collect();
    Group {
        action: action.to_owned(),
        about: about.clone(),
        actions: vec![action.to_owned()],
        elsewhere: false,
        alike: Alike { about, traits: 0, sent: [false; 2], never: Vec::new(), special: None },
    }
}

/// Statements, by the services and the names of their actions.
struct Spoken<'s, 'p> {
    statements: &'s [StatementView<'p>],
    /// Those that may speak of a service that they do not name.
    of_any: Vec<usize>,
    /// The others, by what the names begin and end with.
    by_service: HashMap<&'p str, ByEnds<usize>>,
    /// What it costs to hold a name beside each statement.
    costs: Vec<usize>,
    spent: Cell<usize>,
}

impl<'s, 'p> Spoken<'s, 'p> {
    /// No service is called so.
    const NONE: &'static str = "\0";

    fn of(statements: &'s [StatementView<'p>]) -> Self {
        let mut spoken = Self {
            statements,
            of_any: Vec::new(),
            by_service: HashMap::new(),
            costs: statements.iter().map(|statement| cost(*statement)).collect(),
            spent: Cell::new(0),
        };
        for (number, statement) in statements.iter().enumerate() {
            if statement.is_about_service(Self::NONE) {
                spoken.of_any.push(number);
                continue;
            }
            for (service, tokens) in statement.actions() {
                let Some(service) = service else { continue };
                let ends = Ends::of(&pattern(&tokens));
                spoken.by_service.entry(service).or_default().insert(&ends, number);
            }
        }
        spoken
    }

    /// The statements that speak of an action.
    fn about(&self, service: &str, name: &str) -> Vec<usize> {
        let action = Action { service, name };
        let of_service = self.by_service.get(&*service.to_ascii_lowercase());
        let alike = of_service.map(|all| all.alike(&Ends::of(&literal(name, true))));
        let mut about = self.of_any.clone();
        about.extend(alike.unwrap_or_default());
        about.sort_unstable();
        about.dedup();
        let costs = about.iter().filter_map(|number| self.costs.get(*number));
        self.spent.set(self.spent.get().saturating_add(costs.sum()));
        about.retain(|number| self.statements.get(*number).is_some_and(|it| it.is_about(&action)));
        about
    }

    /// Whether no more names are held beside entries.
    fn has_spent_all(&self) -> bool {
        self.spent.get() > MATCHED
    }
}

/// What it costs to hold a name beside all entries of a statement.
fn cost(statement: StatementView<'_>) -> usize {
    let of = |tokens: &[Token]| {
        let wild =
            tokens.iter().rev().skip(1).any(|token| matches!(token, Token::Many | Token::One));
        if wild { WILD } else { 1 }
    };
    statement.actions().map(|(_, tokens)| of(&tokens)).sum()
}

impl Group {
    /// Whether each of them is named by itself, and has keys that its requests never have.
    pub(crate) fn is_named(&self) -> bool {
        !self.alike.never.is_empty()
    }

    /// All actions of the catalogue that are in the group, those of services that
    /// no statement names included.
    pub(crate) fn catalogued(&self, statements: &[StatementView<'_>]) -> Vec<String> {
        let mut all = self.actions.clone();
        if !self.elsewhere {
            return all;
        }
        let spoken = Spoken::of(statements);
        let services = statements.iter().flat_map(|one| one.actions());
        let named: HashSet<&str> = services.filter_map(|(service, _)| service).collect();
        for prefix in actions::prefixes().filter(|prefix| !named.contains(*prefix)) {
            let known = actions::of(prefix).into_iter().flat_map(|known| known.actions());
            let alike = known.filter(|action| spoken.about(prefix, action.name) == self.about);
            all.extend(alike.map(|action| format!("{prefix}:{}", action.name)));
        }
        all
    }

    /// Whether the actions are of more than one service.
    pub(crate) fn is_of_services(&self) -> bool {
        let mut services = self.actions.iter().filter_map(|one| Some(one.split_once(':')?.0));
        let first = services.next();
        self.elsewhere || services.any(|one| Some(one) != first)
    }
}
