//! Calls by root that the harness did not make.

use std::time::Duration;

use crate::attacks::finding::{Companions, Finding, Road, Scope, Traces, Verdict};
use crate::guard_rail::GuardRail;
use crate::root::ForeignCall;

/// How many calls are named in one line; the journal has all.
const NAMED: usize = 10;

/// One finding about all of them.
pub(super) fn finding(foreign: &[ForeignCall]) -> Finding {
    let observed = match foreign {
        [] => "every call by root was the harness's own".to_owned(),
        calls => told(calls),
    };
    let verdict = if foreign.is_empty() { Verdict::Held } else { Verdict::Failed };
    Finding {
        id: "integrity/root-user".to_owned(),
        guard_rail: GuardRail::Root,
        identity: "everybody".to_owned(),
        road: Road::Workflow,
        scope: Scope::Executed,
        title: "once Layer 1 is applied, no call is made as root but by the harness".to_owned(),
        expected: "no call as root with a key that was retired or taken from the harness"
            .to_owned(),
        reason: (!foreign.is_empty()).then(|| {
            "somebody under test held a key of root's, with which everything that is judged can \
             be changed"
                .to_owned()
        }),
        observed,
        verdict,
        companions: Companions::default(),
        decided_by: Vec::new(),
        duration: Duration::ZERO,
        request_ids: foreign.iter().map(|foreign| foreign.call.request_id.clone()).collect(),
        traces: Traces::default(),
    }
}

fn told(calls: &[ForeignCall]) -> String {
    let one = |ForeignCall { call, why }: &ForeignCall| {
        format!(
            "{}:{} at {} with the key {} (journal line {}): {why}",
            call.service, call.operation, call.time, call.access_key_id, call.request_id
        )
    };
    let mut named: Vec<String> = calls.iter().take(NAMED).map(one).collect();
    if let Some(more) = calls.len().checked_sub(NAMED).filter(|more| *more > 0) {
        named.push(format!("and {more} more"));
    }
    named.join("; ")
}

#[cfg(test)]
mod tests {
    use ringfence_guard::RootCall;

    use super::*;

    fn foreign(operation: &str) -> ForeignCall {
        let call = RootCall {
            time: "2026-01-01T00:00:00Z".into(),
            request_id: "r-1".into(),
            principal: "arn:aws:iam::123456789012:root".into(),
            service: "iam".into(),
            operation: operation.into(),
            access_key_id: "AKIATERRAFORM".into(),
            called_via: Vec::new(),
            invocation: None,
            retired: true,
        };
        ForeignCall { call, why: "the key was retired" }
    }

    #[test]
    fn no_foreign_call_holds_and_one_fails_and_is_named_with_its_line() {
        let held = finding(&[]);
        assert_eq!((held.verdict, held.reason), (Verdict::Held, None));
        assert_eq!(held.observed, "every call by root was the harness's own");
        let failed = finding(&[foreign("PutRolePolicy")]);
        assert_eq!(failed.verdict, Verdict::Failed);
        assert_eq!(
            failed.observed,
            "iam:PutRolePolicy at 2026-01-01T00:00:00Z with the key AKIATERRAFORM (journal line \
             r-1): the key was retired"
        );
        assert_eq!(failed.request_ids, ["r-1"]);
    }

    #[test]
    fn of_many_calls_the_first_are_named_and_all_are_referred_to() {
        let many = vec![foreign("GetRole"); 12];
        let failed = finding(&many);
        assert!(failed.observed.ends_with("; and 2 more"), "{}", failed.observed);
        assert_eq!(failed.request_ids.len(), 12);
    }
}
