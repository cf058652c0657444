//! One entry a decision: who asked for what, which permissions that took, what
//! decided, and how it ended. Never a secret, token, signature or input value, but for
//! the part of a policy that is malformed, and the names of what a call changes
//! ([`Change`]).

mod change;
mod lines;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_policy::Decision;
use serde::{Deserialize, Serialize};

pub use self::change::Change;
use self::lines::{Kept, Lines};
use crate::requirements::{Needed, Requirement};

/// How many entries stay in memory: more than what the attacks that run side by side
/// in a large estate make. One takes forty bytes where its line stands in a file, and
/// seven hundred beside where it does not.
const CAPACITY: usize = 16_384;

/// A decision, as the journal keeps it. The names of its members are a
/// contract: evidence is made from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When the request arrived: RFC 3339, UTC.
    pub time: String,
    /// The id that the answer's `x-amzn-requestid` carries.
    pub request_id: String,
    /// The caller's ARN; `anonymous` for nobody, empty where the caller could
    /// not be told.
    pub principal: String,
    /// The id of the key that signed, as CloudTrail's `accessKeyId`; empty
    /// where nobody signed, or wrongly.
    #[serde(default)]
    pub access_key_id: String,
    /// The service: `iam`, …; empty where it could not be told.
    pub service: String,
    /// The operation: `CreateRole`, …; empty where it could not be told.
    pub operation: String,
    /// The services that forwarded the call, in order.
    pub called_via: Vec<String>,
    /// Every permission that was checked, in order; the last one decided. Of a
    /// multi-object delete each object is decided by itself: what was not
    /// deleted is what its own checks do not allow.
    pub checks: Vec<Check>,
    /// How it ended.
    pub outcome: Ending,
    /// The code of the error that was answered, if one was.
    pub error: Option<String>,
    /// Of an allowed call that changes something: what it says beside what was
    /// checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Of a request to an API: whether it came past who authorizes it. What an
    /// integration answers may look like a refusal of the gateway's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub let_in: Option<bool>,
    /// What a guard that only observes adds; see [`Observed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observed>,
    /// What the guard knows of the error, beyond its code: where a policy is
    /// malformed, and why; why nothing is known of what a call requires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// The HTTP status that was answered.
    pub status: u16,
    /// The upstream's HTTP status, where it was asked.
    pub upstream_status: Option<u16>,
    /// From arrival to answer.
    pub duration_us: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Authorized, and answered by a service or by the upstream (an error of
    /// theirs included). A multi-object delete too where its answer has errors
    /// for the objects that may not be deleted.
    Allowed,
    /// Refused by a policy, or because nothing allows it.
    Denied,
    /// Refused by the guard alone: it hangs on a condition key of which nothing
    /// is known, and AWS may allow it or deny it.
    Undecided,
    /// Refused before any policy was asked: not identified, not authenticated,
    /// not mapped, not valid.
    Refused,
}

/// What a guard that only observes adds to an entry: the outcome is what a guard
/// that enforces would have come to, and the call went on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The identity policies of the caller's user or role, where they are not
    /// those of its entry before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<Policy>>,
    /// Why nothing is known of the permissions that the call requires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmapped: Option<String>,
}

/// A policy as it decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name or ARN, by which decisions cite it.
    pub name: String,
    /// Its JSON.
    pub document: String,
}

/// A permission and its decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The IAM action.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// The outcome, by [`ringfence_policy::Outcome::as_str`].
    pub outcome: String,
    /// The layer that decided, by [`ringfence_policy::Layer::as_str`].
    pub layer: String,
    /// The statements that decided; of what is undecided, those that may.
    pub statements: Vec<Statement>,
    /// The condition keys on which an undecided permission hangs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// The engine's own words.
    pub explanation: String,
    /// Why the call may need it and may not; none where it surely needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perhaps: Option<String>,
    /// Where the guard only observes: the condition keys by which a policy can
    /// limit this permission to what was done, in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, Vec<String>>,
}

/// A statement that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The policy's name or ARN.
    pub policy: String,
    /// The statement's `Sid`, if it has one.
    pub sid: Option<String>,
    /// Its place in the policy, from 0.
    pub index: usize,
}

impl Entry {
    /// Whether it was allowed, may be done, and by AWS's levels writes.
    pub fn is_change(&self) -> bool {
        self.outcome == Ending::Allowed
            && self.may_be_done()
            && self.checks.iter().any(Check::is_change)
    }

    /// Whether an allowed call was done, or nothing says that it was not: the upstream did
    /// it, and what came after failed; or something failed (5xx) before an answer came.
    /// What is not there at all (501) does nothing.
    pub fn may_be_done(&self) -> bool {
        let failed = |status: u16| (400..500).contains(&status) || status == 501;
        !failed(self.status) || self.upstream_status.is_some_and(|status| status < 400)
    }
}

impl Check {
    /// Whether its action does more than list and read, by AWS's levels; one of
    /// which nothing is known does.
    pub fn is_change(&self) -> bool {
        use ringfence_models::actions::{Access, action};
        action(&self.action).is_none_or(|action| {
            action.access.is_empty()
                || action.access.iter().any(|level| !matches!(level, Access::List | Access::Read))
        })
    }

    /// Whether its action grants or changes permissions, by AWS's levels.
    pub fn is_of_permissions(&self) -> bool {
        self.has_level(ringfence_models::actions::Access::PermissionsManagement)
    }

    /// Whether its action changes tags, by AWS's levels.
    pub fn is_of_tags(&self) -> bool {
        self.has_level(ringfence_models::actions::Access::Tagging)
    }

    fn has_level(&self, level: ringfence_models::actions::Access) -> bool {
        let action = ringfence_models::actions::action(&self.action);
        action.is_some_and(|action| action.access.contains(&level))
    }

    /// What was decided about one permission.
    pub(crate) fn new(required: &Requirement, decision: &Decision) -> Self {
        Self {
            action: required.action.clone(),
            resource: required.resource.clone(),
            outcome: decision.outcome.as_str().to_owned(),
            layer: decision.layer.as_str().to_owned(),
            statements: decision
                .statements
                .iter()
                .map(|statement| Statement {
                    policy: statement.policy.clone(),
                    sid: statement.sid.clone(),
                    index: statement.index,
                })
                .collect(),
            unknown: decision.unknown.clone(),
            explanation: decision.explanation.clone(),
            perhaps: match required.needed {
                Needed::Surely => None,
                Needed::Perhaps(reason) => Some(reason.to_owned()),
            },
            keys: BTreeMap::new(),
        }
    }
}

/// Why a journal cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("the journal `{path}` cannot be written")]
pub struct JournalError {
    /// The journal's file.
    pub path: PathBuf,
    #[source]
    cause: io::Error,
}

/// The journal: the latest entries in memory and, where configured, all of
/// them in a file of JSON lines.
#[derive(Debug)]
pub struct Journal {
    state: Mutex<State>,
    path: Option<PathBuf>,
}

#[derive(Debug)]
struct State {
    entries: VecDeque<Kept>,
    /// The mark of the first entry in memory: how many were dropped.
    dropped: u64,
    /// Of what was dropped the changes, where they are asked for, each with its
    /// place.
    changes: Option<Vec<(u64, Kept)>>,
    lines: Lines,
}

impl Journal {
    /// A journal, with a file where a path is given. The file is appended to.
    ///
    /// # Errors
    /// When the file cannot be opened for writing.
    pub fn open(path: Option<&Path>) -> Result<Self, JournalError> {
        let lines = path.map(|path| {
            Lines::of(path).map_err(|cause| JournalError { path: path.to_owned(), cause })
        });
        let lines = lines.transpose()?.unwrap_or_default();
        Ok(Self {
            state: Mutex::new(State { entries: VecDeque::new(), dropped: 0, changes: None, lines }),
            path: path.map(Path::to_owned),
        })
    }

    /// Keeps an entry.
    pub fn record(&self, entry: &Entry) {
        let mut state = self.lock();
        let kept = match state.lines.write(entry) {
            Ok(kept) => kept,
            Err(cause) => {
                state.lines.failure.get_or_insert(cause.into());
                return;
            }
        };
        if state.entries.len() >= CAPACITY {
            let dropped = state.entries.pop_front();
            let place = state.dropped;
            state.dropped += 1;
            if let (Some(kept), Some(changes)) = (dropped, &mut state.changes)
                && kept.is_change
            {
                changes.push((place, kept));
            }
        }
        state.entries.push_back(kept);
    }

    /// Whether every entry could be kept, and read again. A guard whose journal fails
    /// refuses further calls: a decision that nobody can read later is none.
    ///
    /// # Errors
    /// The first failure to write the file.
    pub fn check(&self) -> Result<(), JournalError> {
        let state = self.lock();
        let Some(failure) = &state.lines.failure else { return Ok(()) };
        Err(JournalError {
            path: self.path.clone().unwrap_or_else(|| PathBuf::from("in memory")),
            cause: io::Error::new(failure.kind(), failure.to_string()),
        })
    }

    /// The place after the latest entry.
    pub fn mark(&self) -> u64 {
        let state = self.lock();
        state.dropped + state.entries.len() as u64
    }

    /// The entries from a mark on, as far as they are still in memory.
    pub fn entries_since(&self, mark: u64) -> Vec<Arc<Entry>> {
        self.read(&self.kept_since(mark))
    }

    fn kept_since(&self, mark: u64) -> Vec<Kept> {
        let state = self.lock();
        let skipped = usize::try_from(mark.saturating_sub(state.dropped)).unwrap_or(usize::MAX);
        state.entries.iter().skip(skipped).cloned().collect()
    }

    /// The same, each read when it is asked for: all of a large run's would fill the
    /// memory. Where one cannot be read, it is the end.
    pub fn each_since(&self, mark: u64) -> impl Iterator<Item = Arc<Entry>> {
        self.each(self.kept_since(mark))
    }

    /// Keeps from now on every entry that is a change, however many follow.
    pub fn keep_changes(&self) {
        self.lock().changes.get_or_insert_default();
    }

    /// The changes between two marks: all of them, where they were kept from the
    /// first one on. Each is read when it is asked for, as by [`Self::each_since`].
    pub fn changes_between(&self, from: u64, to: u64) -> impl Iterator<Item = Arc<Entry>> {
        let state = self.lock();
        let places = state.dropped..;
        let inside = state.entries.iter().zip(places).map(|(kept, place)| (place, kept));
        let dropped = state.changes.iter().flatten().map(|(place, kept)| (*place, kept));
        let found = dropped.chain(inside).filter(|(place, _)| (from..to).contains(place));
        let kept: Vec<Kept> =
            found.filter(|(_, kept)| kept.is_change).map(|(_, kept)| kept.clone()).collect();
        drop(state);
        self.each(kept)
    }

    /// The entry of a request, if it is still in memory.
    pub fn find(&self, request_id: &str) -> Option<Arc<Entry>> {
        // The latest first: whoever asks has just got the answer.
        let state = self.lock();
        let possible = state.entries.iter().rev().filter(|kept| kept.may_be_of(request_id));
        let possible: Vec<Kept> = possible.cloned().collect();
        drop(state);
        self.read(&possible).into_iter().find(|entry| entry.request_id == request_id)
    }

    /// What lines say. One that cannot be read is a failure of the journal.
    fn read(&self, kept: &[Kept]) -> Vec<Arc<Entry>> {
        let reader = self.lock().lines.reader();
        let entries: io::Result<_> = kept.iter().map(|kept| reader.read(kept)).collect();
        entries.unwrap_or_else(|cause| {
            self.unreadable(&cause);
            Vec::new()
        })
    }

    fn each(&self, kept: Vec<Kept>) -> impl Iterator<Item = Arc<Entry>> {
        let reader = self.lock().lines.reader();
        kept.into_iter().map_while(move |kept| {
            reader.read(&kept).inspect_err(|cause| self.unreadable(cause)).ok()
        })
    }

    fn unreadable(&self, cause: &io::Error) {
        let told = format!("an entry cannot be read again: {cause}");
        self.lock().lines.failure.get_or_insert(io::Error::new(cause.kind(), told));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(request_id: &str) -> Entry {
        Entry {
            time: "2026-01-01T00:00:00Z".into(),
            request_id: request_id.into(),
            principal: "arn:aws:iam::123456789012:root".into(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            service: "iam".into(),
            operation: "GetRole".into(),
            called_via: Vec::new(),
            checks: Vec::new(),
            outcome: Ending::Allowed,
            error: None,
            change: None,
            let_in: None,
            observed: None,
            explanation: None,
            status: 200,
            upstream_status: Some(200),
            duration_us: 1,
        }
    }

    #[test]
    fn a_call_may_be_done_where_nothing_says_that_it_was_not() {
        let may_be =
            |status, upstream_status| Entry { status, upstream_status, ..entry("a") }.may_be_done();
        let done = [(200, Some(200)), (302, None), (502, Some(200)), (400, Some(204)), (503, None)];
        assert_eq!(done.map(|(own, upstream)| may_be(own, upstream)), [true; 5]);
        let not = [(403, None), (409, Some(409)), (501, Some(500)), (501, None)];
        assert_eq!(not.map(|(own, upstream)| may_be(own, upstream)), [false; 4]);
    }

    #[test]
    fn entries_are_found_by_mark_and_by_request_id() {
        let journal = Journal::open(None).unwrap();
        journal.record(&entry("a"));
        let mark = journal.mark();
        journal.record(&entry("b"));
        let later = journal.entries_since(mark);
        assert_eq!(later.len(), 1);
        assert_eq!(later[0].request_id, "b");
        let of = |entry: Arc<Entry>| entry.request_id.clone();
        assert_eq!(journal.each_since(0).map(of).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(journal.each_since(mark).map(of).collect::<Vec<_>>(), ["b"]);
        assert_eq!(*journal.find("a").unwrap(), entry("a"));
        assert_eq!(journal.find("c"), None);
    }

    #[test]
    fn entries_are_read_again_from_a_file_that_others_append_to() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        std::fs::write(&path, "{}\n").unwrap();
        let (one, other) =
            (Journal::open(Some(&path)).unwrap(), Journal::open(Some(&path)).unwrap());
        for (journal, id) in [(&one, "a"), (&other, "bcd"), (&one, "e"), (&other, "f")] {
            journal.record(&entry(id));
        }
        let of = |journal: &Journal| {
            let all = journal.entries_since(0);
            all.iter().map(|entry| entry.request_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            (of(&one), of(&other)),
            (["a", "e"].map(str::to_owned).into(), ["bcd", "f"].map(str::to_owned).into())
        );
        assert_eq!(*one.find("a").unwrap(), entry("a"));
        assert_eq!(one.find("bcd"), None);
        // The name may be another file's by now.
        std::fs::remove_file(&path).unwrap();
        assert_eq!(*other.find("f").unwrap(), entry("f"));
        one.check().unwrap();
        other.check().unwrap();
    }

    #[test]
    fn entries_of_what_gives_nothing_back_stay_in_memory() {
        let journal = Journal::open(Some(Path::new("/dev/null"))).unwrap();
        journal.record(&entry("a"));
        assert_eq!(*journal.find("a").unwrap(), entry("a"));
        journal.check().unwrap();
    }

    #[test]
    fn a_line_that_is_gone_is_a_failure_of_the_journal() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let journal = Journal::open(Some(&path)).unwrap();
        journal.record(&entry("a"));
        std::fs::write(&path, "").unwrap();
        assert_eq!(journal.find("b"), None);
        journal.check().unwrap();
        assert_eq!(journal.find("a"), None);
        let error = journal.check().unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "an entry cannot be read again: failed to fill whole buffer");
    }

    #[test]
    fn where_a_line_is_another_the_entries_end_and_that_is_a_failure() {
        let change = || {
            let check = serde_json::json!({"action": "iam:TagRole", "resource": "r",
                "outcome": "allow", "layer": "identity", "explanation": "", "statements": []});
            Entry { checks: vec![serde_json::from_value(check).unwrap()], ..entry("same") }
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        for changes in [false, true] {
            for broken in [None, Some(1)] {
                std::fs::write(&path, "").unwrap();
                let journal = Journal::open(Some(&path)).unwrap();
                (0..3).for_each(|_| journal.record(&change()));
                let text = std::fs::read_to_string(&path).unwrap();
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                if let Some(line) = broken {
                    lines[line] = " ".repeat(lines[line].len());
                }
                std::fs::write(&path, format!("{}\n", lines.join("\n"))).unwrap();
                let read = match changes {
                    true => journal.changes_between(0, 3).count(),
                    false => journal.each_since(0).count(),
                };
                assert_eq!(read, broken.unwrap_or(3));
                assert_eq!(journal.check().is_err(), broken.is_some());
            }
        }
    }

    #[test]
    fn memory_is_bounded_and_marks_stay_true() {
        let journal = Journal::open(None).unwrap();
        for index in 0..CAPACITY + 10 {
            journal.record(&entry(&index.to_string()));
        }
        assert_eq!(journal.mark(), (CAPACITY + 10) as u64);
        assert_eq!(journal.entries_since(0).len(), CAPACITY);
        assert_eq!(journal.entries_since((CAPACITY + 9) as u64)[0].request_id, "16393");
    }

    #[test]
    fn changes_are_kept_beyond_the_bound_where_they_are_asked_for() {
        let change = || {
            let check = serde_json::json!({"action": "iam:TagRole", "resource": "r",
                "outcome": "allow", "layer": "identity", "explanation": "", "statements": []});
            Entry { checks: vec![serde_json::from_value(check).unwrap()], ..entry("change") }
        };
        for kept in [true, false] {
            let journal = Journal::open(None).unwrap();
            if kept {
                journal.keep_changes();
            }
            journal.record(&change());
            for index in 0..CAPACITY {
                journal.record(&entry(&index.to_string()));
            }
            journal.record(&change());
            let end = journal.mark();
            assert_eq!(journal.changes_between(0, end).count(), if kept { 2 } else { 1 });
            assert_eq!(journal.changes_between(1, end).count(), 1);
            assert_eq!(journal.changes_between(0, 1).count(), usize::from(kept));
        }
    }

    #[test]
    fn the_file_holds_one_json_line_an_entry() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let journal = Journal::open(Some(&path)).unwrap();
        journal.record(&entry("a"));
        journal.record(&entry("b"));
        let text = std::fs::read_to_string(&path).unwrap();
        let read: Vec<Entry> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, [entry("a"), entry("b")]);
        journal.check().unwrap();
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let error = Journal::open(Some(Path::new("/nonexistent/journal"))).unwrap_err();
        assert_eq!(error.to_string(), "the journal `/nonexistent/journal` cannot be written");
    }
}
