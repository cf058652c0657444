//! Findings about a route, put together.

use std::time::Instant;

use serde_json::json;

use super::{Answered, CLIENT, id};
use crate::attacks::facts::RouteFacts;
use crate::attacks::finding::{Companions, Finding, Road, Scope, Traces};
use crate::guard_rail::GuardRail;

/// What a client tried at a route, and what came of it.
pub(super) struct Shown<'a> {
    /// What was tried.
    pub(super) name: &'a str,
    pub(super) route: &'a RouteFacts,
    pub(super) guard_rail: GuardRail,
    pub(super) title: String,
    pub(super) expected: String,
    pub(super) observed: String,
}

impl Shown<'_> {
    /// The finding, judged by its companions; `fault` is what was not as expected.
    pub(super) fn judged(
        self,
        companions: Companions,
        fault: Option<&str>,
        start: Instant,
        answers: impl IntoIterator<Item = Answered>,
    ) -> Finding {
        let (verdict, reason) = companions.judge(fault, &[]);
        Finding {
            id: id(self.name, self.route),
            guard_rail: self.guard_rail,
            identity: CLIENT.into(),
            road: Road::Http,
            scope: Scope::Executed,
            title: self.title,
            expected: self.expected,
            observed: self.observed,
            verdict,
            reason,
            companions,
            decided_by: Vec::new(),
            duration: start.elapsed(),
            request_ids: answers.into_iter().filter_map(|it| it.request_id).collect(),
            traces: Traces::default(),
        }
    }
}

/// A refusal of the API's, as reports write it.
pub(super) fn answer((status, message): (u16, &str)) -> String {
    format!("{status} {}", json!({ "message": message }))
}
