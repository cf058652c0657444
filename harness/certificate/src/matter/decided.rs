//! What both sides say of a part.

use std::cell::RefCell;
use std::collections::BTreeSet;

use ringfence_policy::symbolic::{
    Action, Asks, Condition, Effect, Frame, ResourcePattern, Truth, allowed,
};
use ringfence_policy::{Context, Policies, Principal, Request};

use super::known::{KEYS_OF_KMS, Number, ROLES};
use super::{Matter, Part, Reach};
use crate::form::{On, Why};

impl Matter<'_> {
    /// What decides all of a part, or, where that differs, what may tell its requests
    /// apart.
    pub fn decided(&self, action: &str, part: &Part) -> Result<Why, Vec<On>> {
        let mut open = Vec::new();
        let mut whys = BTreeSet::new();
        for (arn, account) in self.targets(action, part) {
            let context = Context::new();
            let request = Request {
                principal: &self.caller.principal,
                action,
                resource: arn,
                resource_account: account.as_deref(),
                context: &context,
            };
            let says = |policies: &Policies| {
                let asking = Asking {
                    matter: self,
                    part,
                    action: Action::parse(action),
                    bounded: policies.boundary.is_some(),
                    open: RefCell::default(),
                };
                let truth = allowed(Frame::of(&request, policies), &asking, policies);
                (truth, asking.open.into_inner())
            };
            let (outer, of_outer) = says(self.outer);
            if outer == Truth::True {
                whys.insert(true);
                continue;
            }
            let (inner, of_inner) = says(self.inner);
            if inner == Truth::False {
                whys.insert(false);
                continue;
            }
            for on in of_outer.into_iter().chain(of_inner) {
                if !open.contains(&on) {
                    open.push(on);
                }
            }
            return Err(open);
        }
        Ok(match (whys.contains(&true), whys.contains(&false)) {
            (true, true) => Why::Either,
            (true, false) => Why::Allowed,
            (false, _) => Why::Refused,
        })
    }

    /// What the engine tells apart of what is acted upon, one of each that is in the
    /// part, and whose it is where that is not the caller's.
    fn targets(&self, action: &str, part: &Part) -> Vec<(&'static str, Option<String>)> {
        let is_sts = Action::parse(action).service.eq_ignore_ascii_case("sts");
        let special = [(KEYS_OF_KMS, "arn:aws:kms:::key/x"), (ROLES, "arn:aws:iam:::role/x")];
        let mut arns = Vec::new();
        let mut others = true;
        for (number, arn) in special.into_iter().filter(|(one, _)| *one != ROLES || is_sts) {
            let are_in = self.are_in(part, number);
            if are_in != Truth::False {
                arns.push(arn);
            }
            others &= are_in != Truth::True;
        }
        if others {
            arns.push("arn:aws:x:::x");
        }
        let mut all: Vec<_> = arns.iter().map(|arn| (*arn, None)).collect();
        let Some(own) = self.caller.principal.account_id() else { return all };
        if self.others.iter().any(|account| self.are_in(part, *account) == Truth::True) {
            all.clear();
        }
        if part.star != Some(true) && self.are_in(part, self.own) != Truth::True {
            let known = ["100000000001", "100000000002"];
            let other = known.into_iter().find(|one| *one != own).map(str::to_owned);
            all.extend(arns.into_iter().map(|arn| (arn, other.clone())));
        }
        all
    }
}

/// What the engine asks of a part.
struct Asking<'a, 'p> {
    matter: &'a Matter<'p>,
    part: &'a Part,
    action: Action<'a>,
    bounded: bool,
    /// What may tell its requests apart.
    open: RefCell<Vec<On>>,
}

impl Asking<'_, '_> {
    fn reach(&self, pattern: &ResourcePattern) -> Option<&Reach> {
        self.matter.reaches.get(&std::ptr::from_ref(pattern).addr())
    }

    /// Whether what is acted upon is among these ARNs, by the entry that says so.
    fn is_among(&self, number: Number, source: impl FnOnce() -> String) -> Truth {
        let truth = self.matter.are_in(self.part, number);
        if truth == Truth::Unknown {
            self.open.borrow_mut().push(match self.part.star {
                None => On::Star,
                Some(_) => On::Resource(source()),
            });
        }
        truth
    }
}

impl Asks for Asking<'_, '_> {
    type Truth = Truth;

    fn action(&self) -> &Action<'_> {
        &self.action
    }

    fn principal(&self) -> &Principal {
        &self.matter.caller.principal
    }

    fn is_bounded(&self) -> bool {
        self.bounded
    }

    fn covers(&self, pattern: &ResourcePattern) -> Truth {
        match self.reach(pattern) {
            None | Some(Reach::AtMost(_)) => Truth::False,
            Some(Reach::Everything) => Truth::True,
            Some(Reach::Arns(number)) => self.is_among(*number, || pattern.source().to_owned()),
        }
    }

    fn leaves_out(&self, pattern: &ResourcePattern) -> Truth {
        let of_any = || pattern.reached().map(|one| one.source().to_owned()).unwrap_or_default();
        let covered = match self.reach(pattern) {
            None | Some(Reach::Everything) => Truth::True,
            Some(Reach::Arns(number)) => self.is_among(*number, || pattern.source().to_owned()),
            Some(Reach::AtMost(number)) => self.is_among(*number, of_any),
        };
        match covered {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }

    fn holds(&self, condition: &Condition, effect: Effect) -> Truth {
        let address = std::ptr::from_ref(condition).addr();
        let known = self.matter.passes.get(&(address, effect));
        let Some((number, passes)) = known else { return Truth::Unknown };
        let classes = self.part.keys.get(*number).map(Vec::as_slice).unwrap_or_default();
        let mut said = passes.iter().zip(classes).filter(|(_, is_in)| **is_in);
        let Some((first, _)) = said.next() else { return Truth::Unknown };
        if said.all(|(passes, _)| passes == first) {
            return Truth::of(*first);
        }
        if let Some(key) = self.matter.keys.get(*number) {
            let passing = passes.iter().enumerate().filter(|(_, passes)| **passes);
            self.open.borrow_mut().push(On::Key {
                key: key.lower.clone(),
                classes: passing.map(|(class, _)| class).collect(),
            });
        }
        Truth::Unknown
    }
}
