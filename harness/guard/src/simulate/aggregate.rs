//! One result an action, over its resources.
//!
//! "The response returns a single `EvaluationResult` per action, with aggregate
//! decisions at the top level and per-resource details in
//! `ResourceSpecificResults`"
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/policies_policy-simulator-how-to.html>).
//! How it is put together no page says. Here the worst counts: what is not
//! allowed on one of the resources is not allowed as a whole.

use std::collections::HashSet;

use ringfence_policy::Outcome;

use super::run::{Details, Evaluated, Matched};

/// What stands for several resources. AWS puts the ARN of the resource type
/// there, with placeholders.
const SEVERAL: &str = "*";

/// The result over all resources; `None` where there are none.
pub(super) fn of<'s>(results: &[Evaluated<'s>]) -> Option<Evaluated<'s>> {
    let (first, rest) = results.split_first()?;
    if rest.is_empty() {
        return Some(first.clone());
    }
    let outcome = worst(results.iter().map(|result| result.outcome))?;
    let organizations = all(results.iter().map(|result| result.organizations));
    Some(Evaluated {
        resource: SEVERAL,
        outcome,
        matched: matched(results, outcome),
        organizations,
        boundary: all(results.iter().map(|result| result.boundary)),
        details: if organizations == Some(false) { Details::Absent } else { details(results) },
        ..first.clone()
    })
}

/// The outcome that leaves the least.
fn worst(outcomes: impl Iterator<Item = Outcome>) -> Option<Outcome> {
    outcomes.max_by_key(|outcome| match outcome {
        Outcome::Allow => 0,
        Outcome::Undecided => 1,
        Outcome::ImplicitDeny => 2,
        Outcome::ExplicitDeny => 3,
    })
}

/// Whether all of those allow that have a say.
fn all(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    verdicts.flatten().reduce(|all, one| all && one)
}

/// The statements that led to the outcome, each once.
fn matched<'s>(results: &[Evaluated<'s>], outcome: Outcome) -> Vec<Matched<'s>> {
    let mut known = HashSet::new();
    let same = results.iter().filter(|one| one.outcome == outcome);
    same.flat_map(|one| &one.matched)
        .filter(|one| known.insert((one.source.document.name(), one.start)))
        .cloned()
        .collect()
}

fn details(results: &[Evaluated<'_>]) -> Details {
    let mut types: Vec<(&'static str, Outcome)> = Vec::new();
    for result in results {
        let Details::CrossAccount(told) = &result.details else { continue };
        for (name, outcome) in told {
            match types.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => {
                    *known = worst([*known, *outcome].into_iter()).unwrap_or(*outcome);
                }
                None => types.push((name, *outcome)),
            }
        }
    }
    if !types.is_empty() {
        return Details::CrossAccount(types);
    }
    let empty = results.iter().any(|result| result.details == Details::Empty);
    if empty { Details::Empty } else { Details::Absent }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: Outcome = Outcome::Allow;
    const IMPLICIT: Outcome = Outcome::ImplicitDeny;
    const EXPLICIT: Outcome = Outcome::ExplicitDeny;

    fn one(outcome: Outcome, details: Details) -> Evaluated<'static> {
        Evaluated {
            action: "s3:GetObject",
            resource: "arn:aws:s3:::b/k",
            outcome,
            matched: Vec::new(),
            missing: &[],
            organizations: None,
            boundary: None,
            details,
        }
    }

    #[test]
    fn one_resource_is_told_as_it_is() {
        assert!(of(&[]).is_none());
        let result = of(&[one(IMPLICIT, Details::Empty)]).unwrap();
        assert_eq!((result.resource, result.outcome), ("arn:aws:s3:::b/k", IMPLICIT));
    }

    #[test]
    fn the_worst_of_several_counts() {
        for (outcomes, worst) in [
            ([ALLOW, ALLOW], ALLOW),
            ([ALLOW, IMPLICIT], IMPLICIT),
            ([EXPLICIT, IMPLICIT], EXPLICIT),
        ] {
            let results = outcomes.map(|outcome| one(outcome, Details::Empty));
            let result = of(&results).unwrap();
            assert_eq!((result.resource, result.outcome), ("*", worst));
            assert_eq!(result.details, Details::Empty);
        }
        let mut results = [one(ALLOW, Details::Empty), one(IMPLICIT, Details::Absent)];
        assert_eq!(
            (of(&results).unwrap().boundary, of(&results).unwrap().organizations),
            (None, None)
        );
        results[0].boundary = Some(true);
        results[0].organizations = Some(true);
        assert_eq!(of(&results).unwrap().boundary, Some(true));
        results[1].boundary = Some(false);
        results[1].organizations = Some(false);
        let result = of(&results).unwrap();
        assert_eq!((result.boundary, result.organizations), (Some(false), Some(false)));
        assert_eq!(result.details, Details::Absent);
    }

    #[test]
    fn types_are_told_once_with_their_worst() {
        let told = |identity, resource| {
            Details::CrossAccount(vec![("IAM Policy", identity), ("Resource Policy", resource)])
        };
        let results = [
            one(ALLOW, told(ALLOW, ALLOW)),
            one(ALLOW, Details::Empty),
            one(IMPLICIT, told(IMPLICIT, ALLOW)),
        ];
        assert_eq!(of(&results).unwrap().details, told(IMPLICIT, ALLOW));
    }
}
