//! The actions in classes: those of which the same statements speak.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ringfence_models::actions;
use ringfence_policy::resource_control_supports;
use ringfence_policy::symbolic::{Action, StatementView, Token};

use crate::domain::{OF_MOST, Universe, sends};
use crate::ends::{ByEnds, Ends};
use crate::names::mentioned;
use crate::words::{Alphabet, Classes, Pattern, Symbol, classes, literal, pattern};

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
}

/// The services of which the engine itself knows something, by what it knows.
fn trait_of(service: &str, resource_control: bool) -> u8 {
    let own = match service {
        "sts" => 1,
        "kms" => 2,
        "iam" => 3,
        _ => 0,
    };
    own + if resource_control && resource_control_supports(service) { 4 } else { 0 }
}

/// The patterns of actions' names, by the service that they stand under.
struct Names(BTreeMap<Option<String>, Vec<Pattern>>);

impl Names {
    fn of(statements: &[StatementView<'_>]) -> Self {
        let mut names: BTreeMap<Option<String>, Vec<Pattern>> = BTreeMap::new();
        let mut seen: HashSet<(Option<&str>, Pattern)> = HashSet::new();
        for (service, tokens) in statements.iter().flat_map(|statement| statement.actions()) {
            let fold = |symbol: Symbol| match symbol {
                Symbol::Character(one) => Symbol::Letter(one.to_ascii_lowercase()),
                other => other,
            };
            let name: Pattern = pattern(&tokens).into_iter().map(fold).collect();
            if seen.insert((service, name.clone())) {
                names.entry(service.map(str::to_owned)).or_default().push(name);
            }
        }
        Self(names)
    }

    fn services(&self) -> impl Iterator<Item = &str> {
        self.0.keys().flatten().map(String::as_str)
    }

    fn under(&self, service: Option<&str>) -> Vec<Pattern> {
        let of = |key: Option<String>| self.0.get(&key).cloned().unwrap_or_default();
        let mut names = of(None);
        if let Some(service) = service {
            names.extend(of(Some(service.to_owned())));
        }
        names
    }

    /// A name of each class of a service's names.
    fn words(&self, service: Option<&str>) -> Classes {
        // No name is empty: of names that are like the empty text another is taken.
        let mut patterns = self.under(service);
        patterns.push(Pattern::new());
        let mut found = classes(&patterns, Alphabet::Name);
        found.words.retain(|word| !word.is_empty());
        found
    }
}

/// The actions in groups.
pub(crate) struct Groups {
    pub(crate) all: Vec<Group>,
    /// Whether no other actions are told apart.
    pub(crate) complete: bool,
}

/// What it may cost to hold names of actions beside entries of policies.
const MATCHED: usize = 100_000_000;

/// What it costs beside an entry with a wildcard that is not at its end; beside any other 1.
const WILD: usize = 24;

/// The actions in groups, of the services of which some may be asked for.
pub(crate) fn groups(
    statements: &[StatementView<'_>],
    universe: Universe,
    resource_control: bool,
    is_asked_for: impl Fn(&str) -> bool,
) -> Groups {
    let names = Names::of(statements);
    let spoken = Spoken::of(statements);
    let mut complete = true;
    let named: BTreeSet<&str> = names.services().collect();
    // Those that have a key and those that may not are told apart where somebody asks.
    let mentioned = mentioned(statements);
    let sent =
        |service: &str| OF_MOST.map(|(key, _)| mentioned.contains(key) && sends(service, key));
    let mut groups: HashMap<(Vec<usize>, u8, [bool; 2]), usize> = HashMap::new();
    let mut all: Vec<Group> = Vec::new();
    let mut add = |service: &str, name: &str, known: bool, elsewhere: bool| {
        if spoken.has_spent_all() {
            return;
        }
        let about = spoken.about(service, name);
        let key = (about.clone(), trait_of(service, resource_control), sent(service));
        let place = *groups.entry(key).or_insert(all.len());
        let action = format!("{service}:{name}");
        if place == all.len() {
            let action = action.clone();
            all.push(Group { action, about, actions: Vec::new(), elsewhere });
        }
        if let Some(group) = all.get_mut(place) {
            group.elsewhere |= elsewhere;
            if known {
                group.actions.push(action);
            }
        }
    };
    for service in named.iter().filter(|service| is_asked_for(service)) {
        match (universe, actions::of(service)) {
            (Universe::All, _) => {
                let found = names.words(Some(service));
                complete &= found.complete;
                found.words.iter().for_each(|name| add(service, name, false, false));
            }
            (Universe::Catalogue, Some(prefix)) => {
                prefix.actions().for_each(|action| add(service, action.name, true, false));
            }
            // Nothing is known of its actions.
            (Universe::Catalogue, None) => {}
        }
    }
    // Services that nobody names: `*` and `NotAction` speak of them.
    let mut rest: Vec<&str> = Vec::new();
    rest.extend(["xyz", "x-y-z", "q0"].into_iter().find(|service| !named.contains(service)));
    rest.extend(["sts", "kms", "iam"].into_iter().filter(|one| !named.contains(one)));
    if resource_control {
        rest.extend(["sqs", "ecr", "s3", "dynamodb"].iter().find(|one| !named.contains(*one)));
    }
    for service in rest.into_iter().filter(|service| is_asked_for(service)) {
        let found = names.words(None);
        complete &= found.complete;
        found.words.iter().for_each(|name| add(service, name, false, true));
    }
    complete &= !spoken.has_spent_all();
    Groups { all, complete }
}

/// One action alone, that is none of a group's.
pub(crate) fn only(statements: &[StatementView<'_>], action: &str) -> Group {
    let of = Action::parse(action);
    let about = statements.iter().enumerate().filter(|(_, one)| one.is_about(&of));
    Group {
        action: action.to_owned(),
        about: about.map(|(number, _)| number).collect(),
        actions: vec![action.to_owned()],
        elsewhere: false,
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
