//! By what a guard rail of the configuration is to be refused.

use super::finding::{Decider, Finding, Verdict};

/// A refusal that holds only where one of these statements or layers is among what
/// refused.
pub(super) fn refused_as_said(refused_by: &[String], found: Finding) -> Finding {
    let refusing = || found.decided_by.iter().filter(|one| one.outcome != "allow");
    let is = |one: &Decider| {
        refused_by.iter().any(|own| one.sid.as_ref() == Some(own) || one.layer == *own)
    };
    if refused_by.is_empty() || found.verdict != Verdict::Held || refusing().any(is) {
        return found;
    }
    let named = refusing().map(|one| match (&one.sid, &one.policy) {
        (Some(sid), _) => format!("statement {sid}"),
        (None, Some(policy)) => format!("a statement of {policy}"),
        (None, None) => format!("the {} policies' silence", one.layer),
    });
    let named: Vec<String> = named.collect();
    let reason = format!("refused by {}, and not by {}", named.join(", "), refused_by.join(" or "));
    Finding { verdict: Verdict::Failed, reason: Some(reason), ..found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attacks::finding::{Road, Scope, Untried};
    use crate::guard_rail::GuardRail;

    /// A call that a statement of the boundary denied.
    fn held(sid: Option<&str>) -> Finding {
        let told = Untried {
            id: "app/ledger/dynamodb-PutItem/api".to_owned(),
            guard_rail: GuardRail::Identities,
            identity: "app".to_owned(),
            road: Road::Api,
            scope: Scope::Executed,
            title: "app writes".to_owned(),
            expected: "it is refused".to_owned(),
        };
        let decider = Decider {
            action: "dynamodb:PutItem".to_owned(),
            resource: "*".to_owned(),
            outcome: if sid.is_some() { "explicit_deny" } else { "implicit_deny" }.to_owned(),
            layer: "boundary".to_owned(),
            policy: sid.map(|_| "policy/arn".to_owned()),
            sid: sid.map(str::to_owned),
            index: sid.map(|_| 0),
            text: None,
            explanation: String::new(),
        };
        let found = Finding::untried(told, Verdict::Held, String::new());
        Finding { decided_by: vec![decider], reason: None, ..found }
    }

    #[test]
    fn a_refusal_holds_by_what_it_must_be_refused_by() {
        let by = |names: &[&str], found: Finding| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let found = refused_as_said(&names, found);
            (found.verdict, found.reason)
        };
        let holds = (Verdict::Held, None);
        assert_eq!(by(&[], held(Some("DenyLedger"))), holds);
        assert_eq!(by(&["DenyLedger"], held(Some("DenyLedger"))), holds);
        assert_eq!(by(&["boundary"], held(None)), holds);
        let failed = |reason: &str| (Verdict::Failed, Some(reason.to_owned()));
        assert_eq!(
            by(&["DenyLedger"], held(Some("DenyEscape"))),
            failed("refused by statement DenyEscape, and not by DenyLedger")
        );
        assert_eq!(
            by(&["DenyLedger", "identity"], held(None)),
            failed("refused by the boundary policies' silence, and not by DenyLedger or identity")
        );
    }
}
