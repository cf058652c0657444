//! Comparisons from JSON lines, as `ringfence compare` reads and writes them.
//!
//! In: `{"id","a":{policies},"b":{policies},"principal","universe"}`, with
//! policies as [`ringfence_policy::jsonl`] has them. Out:
//! `{"id","a_within_b","b_within_a","witness_a","witness_b","reason","universe"}`,
//! or `{"id","error"}` for a line that cannot be read.

use std::collections::BTreeMap;

use ringfence_policy::jsonl::{Answer, Decider, principal};
use ringfence_policy::{Context, Policies, Principal, Values};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::callers::written;
use crate::compare::{Disagreement, Question, Verdict, Witness};
use crate::domain::Universe;
use crate::elsewhere;
use crate::federated;

/// What a request hangs on that a federated user makes.
const BY_SESSION: &str = "a session that a user federates, under session policies that allow it";

/// A line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    a: &'a RawValue,
    #[serde(borrow)]
    b: &'a RawValue,
    #[serde(default)]
    principal: Option<String>,
    #[serde(default)]
    universe: Option<Universe>,
}

/// Only the id, for the answer to a line that is wrong elsewhere.
#[derive(Deserialize)]
struct IdOnly<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Compared<'a> {
    id: Option<&'a RawValue>,
    a_within_b: &'static str,
    b_within_a: &'static str,
    witness_a: Option<Shown>,
    witness_b: Option<Shown>,
    reason: Option<String>,
    universe: Universe,
}

/// A request, as a line of `ringfence decide` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Who asks.
    pub principal: String,
    /// The action.
    pub action: String,
    /// What is acted upon.
    pub resource: String,
    /// Whose it is, where its ARN does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_account: Option<String>,
    /// The condition keys.
    pub context: BTreeMap<String, Value>,
}

/// What a condition key holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// One value.
    One(String),
    /// A list.
    Many(Vec<String>),
}

impl Shown {
    /// A request that was found.
    pub fn of(witness: &Witness) -> Self {
        Self {
            principal: written(&witness.principal),
            action: witness.action.clone(),
            resource: witness.resource.clone(),
            resource_account: witness.resource_account.clone(),
            context: members(&witness.context),
        }
    }
}

#[derive(Serialize)]
struct Failed<'a> {
    id: Option<&'a RawValue>,
    error: String,
}

/// Compares policies from lines, and keeps the documents that it has seen
/// compiled.
#[derive(Debug, Default)]
pub struct Comparer {
    decider: Decider,
}

impl Comparer {
    /// Answers one line.
    pub fn line(&mut self, line: &str) -> Answer {
        let (text, readable) = match self.compared(line) {
            Ok(text) => (text, true),
            Err(error) => {
                let id = serde_json::from_str::<IdOnly<'_>>(line).ok().and_then(|line| line.id);
                let id = id.filter(|id| can_be_read(id));
                (serde_json::to_string(&Failed { id, error }).unwrap_or_default(), false)
            }
        };
        Answer { text, readable }
    }

    fn compared(&mut self, text: &str) -> Result<String, String> {
        let line: Line<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !line.id.is_none_or(can_be_read) {
            return Err("`id` has a number that is out of range".to_owned());
        }
        let caller = line.principal.as_deref().map(principal).transpose()?;
        let a = self.policies("a", line.a.get())?;
        let b = self.policies("b", line.b.get())?;
        let universe = line.universe.unwrap_or(Universe::All);
        let mut reasons: Vec<String> = Vec::new();
        let mut ask = |inner: &Policies, outer: &Policies, [which, witness]: [&str; 2]| {
            let question = Question { inner, outer, principal: caller.as_ref(), universe };
            let verdict = elsewhere::beside(&question, federated::within(&question)?)?;
            if let Verdict::Undecided(reason) = &verdict {
                reasons.push(format!("{which}: {reason}"));
            }
            if federated::hangs_on_session(&question, &verdict) {
                reasons.push(format!("{witness}: {BY_SESSION}"));
            }
            Ok::<_, Disagreement>(verdict)
        };
        let internal = |error: Disagreement| error.to_string();
        let a_within_b = ask(&a, &b, ["a_within_b", "witness_a"]).map_err(internal)?;
        let b_within_a = ask(&b, &a, ["b_within_a", "witness_b"]).map_err(internal)?;
        serde_json::to_string(&Compared {
            id: line.id,
            a_within_b: word(&a_within_b),
            b_within_a: word(&b_within_a),
            witness_a: shown(&a_within_b, caller.as_ref(), line.principal.as_deref()),
            witness_b: shown(&b_within_a, caller.as_ref(), line.principal.as_deref()),
            reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
            universe,
        })
        .map_err(|error| error.to_string())
    }

    fn policies(&mut self, side: &str, text: &str) -> Result<Policies, String> {
        // The policy of a resource is a trust policy where it reads as one.
        let trust = self.decider.policies_of(text, true).ok();
        let trust = trust.filter(|found| found.resource.is_some());
        trust.map_or_else(
            || self.decider.policies_of(text, false).map_err(|error| format!("{side}: {error}")),
            Ok,
        )
    }
}

/// Whether an id can be read from an answer that has it as it is written: JSON bounds no
/// number, and its readers do.
fn can_be_read(id: &RawValue) -> bool {
    serde_json::from_str::<serde_json::Value>(id.get()).is_ok()
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Proved => "proved",
        Verdict::Violated(_) => "violated",
        Verdict::Undecided(_) => "undecided",
    }
}

fn shown(verdict: &Verdict, caller: Option<&Principal>, given: Option<&str>) -> Option<Shown> {
    let Verdict::Violated(witness) = verdict else { return None };
    let shown = Shown::of(witness);
    // As the line has it.
    let given = given.filter(|_| caller == Some(&witness.principal)).map(str::to_owned);
    let principal = given.unwrap_or(shown.principal);
    Some(Shown { principal, ..shown })
}

fn members(context: &Context) -> BTreeMap<String, Value> {
    let keys = context.keys().filter_map(|key| {
        let value = match context.get(key)? {
            Values::One(value) => Value::One(value.clone()),
            Values::Many(values) => Value::Many(values.clone()),
        };
        Some((key.to_owned(), value))
    });
    keys.collect()
}
