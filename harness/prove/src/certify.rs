//! The certificate of what is proved: the classes of the prover, and a tree over them of
//! which each leaf is decided as a whole.
//!
//! Nothing here judges whether the proof holds. What the checker (`ringfence-certificate`)
//! would not find good by its own means is not written, and it says why.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use ringfence_certificate::check::{CASES, NO_REQUEST, undecided};
use ringfence_certificate::form::{
    ActionCase, CallerCase, Case, Certificate, Class, Held, On, Split, Universe as Stated, Who, Why,
};
use ringfence_certificate::matter::{Caller, Matter, Part, Stands, told};
use ringfence_certificate::{Certificates, Known, cover};
use ringfence_policy::Document;
use ringfence_policy::symbolic::{FRAMES, StatementView, statements};

use crate::actions::{Groups, Names};
use crate::compare::{Question, documents, lists};
use crate::domain::{Admits, Universe};
use crate::encode::Scope;
use crate::keys::Keys;
use crate::names;
use crate::patterns::Patterns;

/// Ways to tell requests apart that are tried, at most.
const TRIED: usize = 8;

/// Writes the certificate of a claim that is proved of all requests, or of those that AWS
/// sends, and states the claim. What is known of
/// ARNs is shared by the claims about an identity.
///
/// # Errors
/// Why there is none.
pub fn certify(
    question: &Question<'_>,
    (rail, who): (&str, &str),
    known: &Known,
    into: &mut Certificates,
) -> Result<(), String> {
    let universe = match question.universe {
        Universe::All => Stated::all(),
        Universe::Sent => Stated::sent(),
        Universe::Catalogue => {
            return Err("it is proved of the requests of the reference alone".to_owned());
        }
    };
    let asking = match question.principal {
        Some(principal) => vec![Caller::one(principal.clone())],
        None => cover::callers(question.inner, question.outer)?,
    };
    let mut left = CASES;
    let callers: Result<Vec<CallerCase>, String> =
        asking.iter().map(|one| caller(question, one, known, &mut left)).collect();
    let certificate = Certificate {
        rail: rail.to_owned(),
        who: who.to_owned(),
        verdict: "proved".to_owned(),
        universe,
        callers: callers?,
        inner: into.side(question.inner),
        outer: into.side(question.outer),
        principal: question.principal.map(Who::from),
    };
    into.certificates.push(certificate);
    into.state(rail, who);
    Ok(())
}

fn caller(
    question: &Question<'_>,
    asking: &Caller,
    known: &Known,
    left: &mut usize,
) -> Result<CallerCase, String> {
    let both = [question.inner, question.outer].into_iter().flat_map(documents);
    let all: Vec<StatementView<'_>> = both.flat_map(statements).collect();
    let keys = classes(&all, asking, question.universe);
    let mut matter = Matter::new(question.inner, question.outer, asking, &keys, known)?;
    if question.universe == Universe::Sent {
        matter.without_unsent();
    }
    cover::keys(&matter)?;
    let names = Names::of(&all);
    let of_list = |(list, documents): (usize, &[Arc<Document>])| {
        let count: usize = documents.iter().map(|one| statements(one).count()).sum();
        std::iter::repeat_n(list, count)
    };
    let in_lists: Vec<usize> = lists(question.inner).enumerate().flat_map(of_list).collect();
    let mut by_service = Groups::new(&all, &names, (question.universe, false)).in_lists(&in_lists);
    let services = by_service.services(|_| true);
    let mut groups: Vec<_> = services.iter().flat_map(|it| by_service.of(it)).collect();
    let mut seen = HashSet::new();
    groups.retain(|group| seen.insert(group.alike.clone()));
    let named: Vec<&str> = groups.iter().map(|group| &*group.action).collect();
    cover::actions(&matter, &named)?;
    let mut actions = Vec::new();
    for group in groups {
        let mut tree = Tree { matter: &matter, action: &group.action, cases: Vec::new(), left };
        let all = tree.look(matter.all(&group.action));
        tree.grow(all)?;
        let cases = tree.cases;
        actions.push(ActionCase { action: group.action, cases });
    }
    Ok(CallerCase { principal: (&asking.principal).into(), keys, actions })
}

/// The classes of each condition key.
fn classes(
    all: &[StatementView<'_>],
    asking: &Caller,
    universe: Universe,
) -> BTreeMap<String, Vec<Option<Held>>> {
    let admits = match universe {
        Universe::Sent => Admits::any_single(),
        Universe::All | Universe::Catalogue => Admits::anything(),
    };
    let stands = match asking.stands {
        Stands::Itself => names::Stands::Itself,
        Stands::Account => names::Stands::Account,
        Stands::Anybody => names::Stands::Anybody,
    };
    let caller = names::standing(&asking.principal, stands, all);
    let keys = Keys::new(&Scope {
        statements: all,
        caller: &caller,
        patterns: &Rc::new(RefCell::new(Patterns::default())),
        told: &RefCell::default(),
        frames: [false; FRAMES.len()],
        admits: &admits,
        opaque: false,
        either_beyond: true,
    });
    let of = |value: &Option<_>| value.as_ref().map(Held::from);
    let keys = keys.all.into_iter();
    keys.map(|key| (key.name.to_ascii_lowercase(), key.values.iter().map(of).collect())).collect()
}

struct Tree<'t, 'p> {
    matter: &'t Matter<'p>,
    action: &'t str,
    cases: Vec<Case>,
    /// How many more classes there may be.
    left: &'t mut usize,
}

/// A part of the requests, and what decides it.
struct Looked {
    part: Part,
    end: End,
}

enum End {
    Decided(Why),
    /// What may tell its requests apart.
    Open(Vec<On>),
}

impl Tree<'_, '_> {
    fn look(&self, part: Part) -> Looked {
        let end = match self.matter.is_empty(&part) {
            true => End::Decided(Why::Empty),
            false => match self.matter.decided(self.action, &part) {
                Ok(why) => End::Decided(why),
                Err(open) => End::Open(open),
            },
        };
        Looked { part, end }
    }

    /// Adds a part of the requests: its number.
    fn grow(&mut self, looked: Looked) -> Result<usize, String> {
        *self.left = self.left.checked_sub(1).ok_or("it has too many classes")?;
        let number = self.cases.len();
        let Looked { part, end } = looked;
        let split = match &end {
            End::Decided(_) => None,
            End::Open(open) => self.split(&part, open),
        };
        let Some((on, [yes, no])) = split else {
            let class = match end {
                End::Decided(why) => self.class(&part, why)?,
                End::Open(open) => return Err(self.at(&undecided(&open))),
            };
            self.cases.push(Case::Class(class));
            return Ok(number);
        };
        self.cases.push(Case::Split(Split { on: on.clone(), yes: number, no: number }));
        let split = Case::Split(Split { on, yes: self.grow(yes)?, no: self.grow(no)? });
        if let Some(case) = self.cases.get_mut(number) {
            *case = split;
        }
        Ok(number)
    }

    /// What leaves the fewest parts undecided.
    fn split(&self, part: &Part, open: &[On]) -> Option<(On, [Looked; 2])> {
        let is_open = |looked: &&Looked| matches!(looked.end, End::Open(_));
        let mut best: Option<(usize, &On, [Looked; 2])> = None;
        for on in open.iter().take(TRIED) {
            let Ok(parts) = self.matter.split(part, on) else { continue };
            let parts = parts.map(|part| self.look(part));
            let open = parts.iter().filter(is_open).count();
            if best.as_ref().is_none_or(|(fewest, ..)| open < *fewest) {
                best = Some((open, on, parts));
            }
            if open == 0 {
                break;
            }
        }
        best.map(|(_, on, parts)| (on.clone(), parts))
    }

    fn class(&self, part: &Part, why: Why) -> Result<Class, String> {
        let chosen = match why {
            Why::Empty => None,
            _ => Some(self.matter.choose(part).ok_or_else(|| self.at(NO_REQUEST))?),
        };
        let by = chosen.as_ref().map(|chosen| told(&self.matter.judged(self.action, chosen)));
        let (resource, keys) = chosen.map(|it| (it.resource, it.keys)).unzip();
        Ok(Class { why, resource, keys: keys.unwrap_or_default(), by })
    }

    fn at(&self, why: &str) -> String {
        format!("the action `{}`: {why}", self.action)
    }
}
