//! Whether all that some policies allow others allow as well.

use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, StatementView, statements};
use ringfence_policy::{Document, Policies};

use crate::actions::only;
use crate::common;
use crate::domain::{Admits, Universe};
pub use crate::question::{Disagreement, Question, Verdict, Witness};
use crate::search::{Known, Search};

/// The lists of documents of some policies: one Allow of each is enough.
pub(crate) fn lists(policies: &Policies) -> impl Iterator<Item = &[Arc<Document>]> {
    let levels = policies.service_control.iter().chain(&policies.resource_control);
    let limits = policies.boundary.iter().chain(&policies.session);
    let own = [policies.identity.as_slice(), policies.resource.as_slice()];
    let lists = levels.chain(limits).map(Vec::as_slice).chain(own);
    lists.chain([policies.vpc_endpoint.as_slice()])
}

/// All documents of some policies.
pub(crate) fn documents(policies: &Policies) -> impl Iterator<Item = &Document> {
    lists(policies).flatten().map(|document| &**document)
}

/// Entries of policies that are looked at, at most: actions, resources and values of
/// conditions. AWS's own largest policy has 4,587, and twice that beside itself.
const ENTRIES: usize = 16_384;

/// Why a question is not looked at: it has too many entries.
fn too_many(question: &Question<'_>) -> Option<String> {
    let both = [question.inner, question.outer].into_iter().flat_map(documents);
    let of = |statement: StatementView<'_>| {
        let values = statement.conditions().map(|condition| condition.values().len());
        statement.actions().count() + statement.resources().count() + values.sum::<usize>()
    };
    let entries: usize = both.flat_map(statements).map(of).sum();
    (entries > ENTRIES).then(|| {
        format!("the policies have {entries} actions, resources and values, more than {ENTRIES}")
    })
}

/// Answers a question.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub fn within(question: &Question<'_>) -> Result<Verdict, Disagreement> {
    searched(question, false)
}

/// The same, where who asks is stated, with its partition: nobody reaches another ("you
/// cannot use IAM credentials from one partition to interact with resources in a different
/// partition",
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
/// A caller of files may have an ARN of which the partition is not known.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub(crate) fn within_a_partition(question: &Question<'_>) -> Result<Verdict, Disagreement> {
    searched(question, true)
}

fn searched(question: &Question<'_>, in_partition: bool) -> Result<Verdict, Disagreement> {
    if let Some(reason) = too_many(question) {
        return Ok(Verdict::Undecided(reason));
    }
    let known = common::known(question.inner, question.outer);
    let of_identity = |document: &Document| {
        question.inner.identity.iter().any(|one| std::ptr::eq(&**one, document))
    };
    let mut all: Vec<StatementView<'_>> = Vec::new();
    let mut in_lists: Vec<usize> = Vec::new();
    let mut allows = false;
    for (list, documents) in lists(question.inner).enumerate() {
        for document in documents {
            let own = known.as_ref().filter(|_| of_identity(document));
            for statement in statements(document) {
                if !own.is_some_and(|known| known.has(statement)) {
                    allows |= own.is_some() && statement.effect() == Effect::Allow;
                    all.push(statement);
                    in_lists.push(list);
                }
            }
        }
    }
    // Whatever is allowed, a statement allows that the outer side has.
    if known.is_some() && !allows {
        return Ok(Verdict::Proved);
    }
    let inner = all.len();
    all.extend(documents(question.outer).flat_map(statements));
    let search = Search::new(question, &all, inner).in_lists(&in_lists);
    match in_partition {
        true => search.within_a_partition().run(),
        false => search.run(),
    }
}

/// Answers a question about all requests, whatever universe it names, and says what the
/// verdict is about. What does not hold of all may hold of those that AWS sends. Of requests
/// that break the claim one that AWS's reference has is taken where there is one.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub fn within_sent(question: &Question<'_>) -> Result<(Verdict, Universe), Disagreement> {
    sent(|universe| within(&Question { universe, ..*question }))
}

/// The same about the requests for one action alone.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub fn within_sent_for(
    question: &Question<'_>,
    action: &str,
) -> Result<(Verdict, Universe), Disagreement> {
    sent(|universe| within_for(&Question { universe, ..*question }, action))
}

fn sent(
    ask: impl Fn(Universe) -> Result<Verdict, Disagreement>,
) -> Result<(Verdict, Universe), Disagreement> {
    if ask(Universe::All)? == Verdict::Proved {
        return Ok((Verdict::Proved, Universe::All));
    }
    if let known @ Verdict::Violated(_) = ask(Universe::Catalogue)? {
        return Ok((known, Universe::Catalogue));
    }
    Ok(match ask(Universe::Sent)? {
        Verdict::Proved => (Verdict::Proved, Universe::Sent),
        // It is one of all.
        other => (other, Universe::All),
    })
}

/// Answers a question about the requests for one action alone.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub fn within_for(question: &Question<'_>, action: &str) -> Result<Verdict, Disagreement> {
    EachAction::new(question).ask(action)
}

/// A question about the requests for one action after another. What is found of the conditions
/// for one is kept for the others.
pub struct EachAction<'q, 'p> {
    question: &'q Question<'p>,
    all: Both<'p>,
    too_many: Option<String>,
    known: Known,
}

impl<'q, 'p> EachAction<'q, 'p> {
    /// Of this question.
    pub fn new(question: &'q Question<'p>) -> Self {
        let (all, too_many) = (both(question), too_many(question));
        Self { question, all, too_many, known: Known::default() }
    }

    /// Answers it for an action.
    ///
    /// # Errors
    /// Where the engine does not confirm a request that breaks the claim.
    pub fn ask(&self, action: &str) -> Result<Verdict, Disagreement> {
        if let Some(reason) = &self.too_many {
            return Ok(Verdict::Undecided(reason.clone()));
        }
        let statements = &self.all.statements;
        let search = Search::new(self.question, statements, self.all.inner);
        let mut search = search.knowing(&self.known);
        let group = only(statements, action);
        let found = match self.question.universe {
            Universe::All => search.decide(action, &group, &Admits::sent(action)),
            Universe::Sent => search.decide(action, &group, &Admits::named(action)),
            Universe::Catalogue => search.catalogued(&group),
        };
        search.answer(found)
    }
}

/// Answers a question about the requests for one action on resources of one type, as the
/// catalogue has them.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub fn within_for_type(
    question: &Question<'_>,
    action: &str,
    kind: &str,
) -> Result<Verdict, Disagreement> {
    if let Some(reason) = too_many(question) {
        return Ok(Verdict::Undecided(reason));
    }
    let all = both(question);
    let mut search = Search::new(question, &all.statements, all.inner);
    let group = only(&all.statements, action);
    let mut types = Admits::of_type(action, kind).into_iter();
    let found = types.find_map(|admits| search.decide(action, &group, &admits));
    search.answer(found)
}

/// The statements of both sides.
struct Both<'p> {
    statements: Vec<StatementView<'p>>,
    /// How many are of the inner side.
    inner: usize,
}

fn both<'p>(question: &Question<'p>) -> Both<'p> {
    let mut all: Vec<StatementView<'_>> = documents(question.inner).flat_map(statements).collect();
    let inner = all.len();
    all.extend(documents(question.outer).flat_map(statements));
    Both { statements: all, inner }
}
