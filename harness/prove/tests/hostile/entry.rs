//! Where text from elsewhere enters the prover, with what must hold whatever it is. The
//! fuzz targets (`harness/prove/fuzz`) and the tests beside this file call the same
//! functions.

use ringfence_certificate::{Certificates, Known, check};
use ringfence_policy::jsonl::{self, Decider};
use ringfence_policy::{Policies, Principal, Request, judge};
use ringfence_prove::jsonl::Comparer;
use ringfence_prove::{Question, Universe, Verdict, certify, within};
use serde_json::{Value, json};

use crate::made::Made;

/// Lines of `ringfence compare`: each has one answer, whatever lines were before it.
pub(crate) fn lines(text: &str) {
    let mut comparer = Comparer::default();
    for line in text.lines() {
        let answer = comparer.line(line);
        let told: Value = serde_json::from_str(&answer.text).expect("an answer is JSON");
        let members = told.as_object().expect("an answer is an object");
        assert_eq!(answer.readable, !members.contains_key("error"), "{line}");
        let error = told["error"].as_str().unwrap_or_default();
        assert!(!error.starts_with("internal error"), "{error}: {line}");
        assert_eq!(Comparer::default().line(line).text, answer.text, "{line}");
    }
}

/// A text as certificates: they are good, or refused.
pub(crate) fn certificates(text: &str) {
    if let Ok(all) = Certificates::read(text.as_bytes()) {
        let _ = check(&all);
    }
}

/// Two sides that are made from bytes, and what the prover says of them.
pub(crate) fn sides(data: &[u8]) {
    let mut made = Made::new(data);
    let (one, other) = (made.side(), made.side());
    let caller = made.caller();
    let universe = if made.below(4) == 0 { Universe::Catalogue } else { Universe::All };
    let mut decider = Decider::default();
    let read = |decider: &mut Decider, side: &Value| decider.policies_of(&side.to_string(), false);
    // A document may be none: of these the engine's own targets are.
    let (Ok(a), Ok(b)) = (read(&mut decider, &one), read(&mut decider, &other)) else { return };
    let told = format!("{}", json!({"a": one, "b": other}));
    let ask = |inner: &Policies, outer: &Policies| {
        let question = Question { inner, outer, principal: caller.as_ref(), universe };
        match within(&question) {
            Ok(verdict) => verdict,
            Err(error) => panic!("{error}: {told}"),
        }
    };
    for policies in [&a, &b] {
        assert!(!matches!(ask(policies, policies), Verdict::Violated(_)), "{told}");
    }
    for (inner, outer) in [(&a, &b), (&b, &a)] {
        let verdict = ask(inner, outer);
        if verdict == Verdict::Proved && universe == Universe::All {
            samples(&mut made, [inner, outer], caller.as_ref(), &told);
        }
        if universe == Universe::All {
            certified([inner, outer], caller.as_ref(), &verdict, &told);
        }
    }
}

/// No request of some breaks what is proved.
fn samples(
    made: &mut Made<'_>,
    [inner, outer]: [&Policies; 2],
    of: Option<&Principal>,
    told: &str,
) {
    for _ in 0..8 {
        // Where a side has policies of an identity, root users and services do not ask.
        let Some(principal) = of.cloned().or_else(|| made.somebody()) else { continue };
        let (action, resource) = (made.called(), made.acted_upon());
        let context = made.context(&principal);
        let request = Request {
            principal: &principal,
            action: &action,
            resource: &resource,
            resource_account: None,
            context: &context,
        };
        let breaks = judge(&request, inner).allowed() && !judge(&request, outer).allowed();
        assert!(!breaks, "{principal:?} {action} {resource} {context:?}: {told}");
    }
}

/// What is written is good, and nothing is that does not hold.
fn certified(
    [inner, outer]: [&Policies; 2],
    of: Option<&Principal>,
    verdict: &Verdict,
    told: &str,
) {
    let question = Question { inner, outer, principal: of, universe: Universe::All };
    let mut all = Certificates::new();
    if certify(&question, ("a rail", "somebody"), &Known::default(), &mut all).is_ok() {
        assert!(!matches!(verdict, Verdict::Violated(_)), "a certificate of what fails: {told}");
        assert_eq!(check(&all), Ok(()), "{of:?}: {told}");
    }
}

/// A caller by name.
pub(crate) fn caller(text: &str) -> Option<Principal> {
    jsonl::principal(text).ok()
}
