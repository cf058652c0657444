//! How long an answer took.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// How long an answer took, and how long the plan before it, where the root modules were
/// planned for it.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// From reading the files to the answer.
    pub answer: Duration,
    /// Terraform's work, with all that it needs.
    pub planning: Option<Duration>,
}

fn whole(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

impl Took {
    /// A summary of numbers with `ms`, and `plan_ms` where there was a plan to make.
    pub(super) fn summary(self, numbers: &[(&str, usize)]) -> Value {
        let mut members: Map<String, Value> =
            numbers.iter().map(|(name, number)| ((*name).to_owned(), json!(number))).collect();
        members.insert("ms".to_owned(), json!(whole(self.answer)));
        members.extend(self.planning.map(|took| ("plan_ms".to_owned(), json!(whole(took)))));
        json!({"summary": members})
    }

    /// `12 ms`.
    pub(super) fn answer(self) -> String {
        format!("{} ms", whole(self.answer))
    }

    /// A closing line, and one for the plan where there was one to make.
    pub(super) fn closed(self, line: String, end: &str) -> String {
        let plan = self.planning.map(|took| {
            format!("the root modules were planned in {} ms before that{end}", whole(took))
        });
        line + end + &plan.unwrap_or_default()
    }
}
