//! The evaluation over many requests at once against the evaluation of each:
//! a truth is the set of the requests for which it holds, a bit each.

use ringfence_policy::symbolic::{
    Action, Asks, Condition, Effect, Frame, Logic, ResourcePattern, Truth, allowed, one,
};
use ringfence_policy::{Context, Policies, Principal, Request, judge};

use crate::choices::{Choices, splitmix};
use crate::{cases, engine};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Set(u64);

impl Logic for Set {
    fn constant(holds: bool) -> Self {
        Self(if holds { u64::MAX } else { 0 })
    }

    fn known(&self) -> Option<bool> {
        match self.0 {
            0 => Some(false),
            u64::MAX => Some(true),
            _ => None,
        }
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn negate(self) -> Self {
        Self(!self.0)
    }
}

/// Requests of one caller for one action: 64, of which some may be the same.
struct Many<'a> {
    requests: &'a [Request<'a>],
    policies: &'a Policies,
    action: Action<'a>,
    principal: &'a Principal,
}

impl Many<'_> {
    fn each(&self, holds: impl Fn(&Request<'_>) -> Truth) -> Set {
        let bits = self.requests.iter().enumerate();
        Set(bits.fold(0, |set, (bit, request)| match holds(request) {
            Truth::True => set | (1 << bit),
            Truth::False => set,
            Truth::Unknown => panic!("every key is known"),
        }))
    }
}

impl Asks for Many<'_> {
    type Truth = Set;

    fn action(&self) -> &Action<'_> {
        &self.action
    }

    fn principal(&self) -> &Principal {
        self.principal
    }

    fn is_bounded(&self) -> bool {
        self.policies.boundary.is_some()
    }

    fn covers(&self, pattern: &ResourcePattern) -> Set {
        self.each(|request| one(request, self.policies).covers(pattern))
    }

    fn leaves_out(&self, pattern: &ResourcePattern) -> Set {
        self.each(|request| one(request, self.policies).leaves_out(pattern))
    }

    fn holds(&self, condition: &Condition, effect: Effect) -> Set {
        self.each(|request| one(request, self.policies).holds(condition, effect))
    }
}

/// Objects whose requests are of one frame.
const OBJECTS: [&str; 3] = ["arn:aws:s3:::b/k", "arn:aws:s3:::b/a", "arn:aws:s3:::c/k"];

#[test]
fn many_requests_at_once_are_decided_as_each_by_itself() {
    let mut state = 12;
    let (mut some, mut differ) = (0, 0);
    for _ in 0..20_000 {
        let mut choices = Choices::random(splitmix(&mut state));
        let mut case = cases::case(&mut choices);
        case.unknown.clear();
        let policies = engine::policies(&case);
        let principal = engine::principal(&case.caller);
        let contexts: Vec<Context> =
            (0..64).map(|_| engine::context(&cases::context(&mut choices))).collect();
        let requests: Vec<Request<'_>> = contexts
            .iter()
            .enumerate()
            .map(|(place, context)| Request {
                principal: &principal,
                action: case.action,
                resource: match case.action {
                    "s3:GetObject" => OBJECTS[place % OBJECTS.len()],
                    _ => case.target,
                },
                resource_account: case.account,
                context,
            })
            .collect();
        let many = Many {
            requests: &requests,
            policies: &policies,
            action: Action::parse(case.action),
            principal: &principal,
        };
        let frame = Frame::of(&requests[0], &policies);
        let found = allowed(frame, &many, &policies);
        let each = many.each(|request| Truth::of(judge(request, &policies).allowed()));
        assert_eq!(found, each, "{case}");
        some += usize::from(each != Set(0));
        differ += usize::from(each.known().is_none());
    }
    println!("{some} cases allow some of the requests, {differ} not all of them");
    assert!(differ > 2_000, "{differ}");
}
