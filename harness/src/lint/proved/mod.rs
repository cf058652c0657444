//! What the prover says of a document's statements, for all requests: that one matches none,
//! that an Allow is denied wholly, that a condition limits nothing; and with which request
//! what lint found of the text shows.
//!
//! - [`shape`]: a statement as at most, and at least, what is not known lets it be;
//! - [`ask`]: the questions;
//! - [`rules`]: the findings.
//!
//! What the prover leaves undecided, and what hangs on a value that is not known, is no
//! finding. So is what a document asks beyond [`ask::MOST`] questions.

mod ask;
mod rules;
mod shape;
#[cfg(test)]
mod tests;

use ringfence_policy::Document;
use ringfence_policy::lint::Finding as Text;

use super::configuration::Rule;
use super::source::Source;
use ask::Asker;
use shape::Statements;

/// Nothing that is asked meets all of a statement.
pub const NEVER_MATCHES: Rule = Rule {
    name: "never-matches",
    description: "No request meets all conditions of the statement.",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html",
};

/// What a statement allows, others of its document deny.
pub const NEVER_TAKES_EFFECT: Rule = Rule {
    name: "never-takes-effect",
    description: "Other statements of the document deny all that the statement allows.",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_AccessPolicyLanguage_Interplay.html",
};

/// A condition of an Allow that no request fails.
pub const LIMITS_NOTHING: Rule = Rule {
    name: "condition-limits-nothing",
    description: "A condition of an Allow holds for every request.",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
};

/// The rules that are the prover's.
pub const ALL: [Rule; 3] = [NEVER_MATCHES, NEVER_TAKES_EFFECT, LIMITS_NOTHING];

/// A finding of the prover's.
#[derive(Debug, PartialEq)]
pub(super) struct Proved {
    pub(super) rule: &'static str,
    /// The statement's place in its document, from 0.
    pub(super) statement: usize,
    /// Its `Sid`.
    pub(super) sid: Option<String>,
    /// The entry that it is about, if it is about one.
    pub(super) about: Option<String>,
    pub(super) message: String,
    pub(super) instead: String,
}

/// What the prover finds of a document. What lint found of its text is told once: a finding
/// of which the prover shows that no request bears it out goes, others get a request that
/// does.
pub(super) fn judge(source: &Source, document: &Document, found: &mut Vec<Text>) -> Vec<Proved> {
    let Some(statements) = Statements::of(document, source) else { return Vec::new() };
    let (denies, asker) = (statements.denies(), Asker::of(document));
    let all = rules::all(&statements, &denies, &asker, found);
    rules::with_requests(&statements, &denies, &asker, found);
    all
}
