//! Formulas over variables with finitely many classes each.

use std::collections::HashMap;
use std::rc::Rc;

use ringfence_policy::symbolic::Logic;

use crate::set::Set;

/// A variable, by its number.
pub(crate) type Variable = usize;

/// A formula, with negation only in the sets of its leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Formula {
    Constant(bool),
    Of(Rc<Node>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// The variable's class is one of these: some, not all.
    In(Variable, Set),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

impl Formula {
    pub(crate) fn within(variable: Variable, set: Set) -> Self {
        if set.is_empty() {
            Self::Constant(false)
        } else if set.is_full() {
            Self::Constant(true)
        } else {
            Self::Of(Rc::new(Node::In(variable, set)))
        }
    }

    pub(crate) fn node(&self) -> Option<&Node> {
        match self {
            Self::Constant(_) => None,
            Self::Of(node) => Some(node),
        }
    }

    /// Whether it is this very formula.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Constant(one), Self::Constant(other)) => one == other,
            (Self::Of(one), Self::Of(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// The leaf and another of its variable: both, or one of them.
    fn with(self, other: Self, unit: bool) -> Self {
        match (self.node(), other.node()) {
            (Some(Node::In(variable, set)), Some(Node::In(_, with))) => {
                let set = if unit { set.intersection(with) } else { set.union(with) };
                Self::within(*variable, set)
            }
            (None, _) if self == Self::Constant(unit) => other,
            _ => self,
        }
    }

    /// All of them, or any of them: `unit` is what changes nothing.
    fn joined(formulas: impl IntoIterator<Item = Self>, unit: bool) -> Self {
        Self::flat(formulas, unit, !unit)
    }

    /// What is left of all of some, or of any of them.
    pub(crate) fn left(formulas: Vec<Self>, unit: bool) -> Self {
        Self::flat(formulas, unit, false)
    }

    fn flat(formulas: impl IntoIterator<Item = Self>, unit: bool, merges: bool) -> Self {
        let mut leaves: Vec<(Variable, Self)> = Vec::new();
        let mut rest: Vec<Self> = Vec::new();
        let mut left: Vec<Self> = formulas.into_iter().collect();
        left.reverse();
        while let Some(formula) = left.pop() {
            match &formula {
                Self::Constant(holds) if *holds == unit => {}
                Self::Constant(_) => return Self::Constant(!unit),
                Self::Of(node) => match (&**node, unit) {
                    (Node::In(variable, _), _) => leaves.push((*variable, formula)),
                    (Node::All(inner), true) | (Node::Any(inner), false) => {
                        left.extend(inner.iter().rev().cloned());
                    }
                    _ => rest.push(formula),
                },
            }
        }
        let mut all = Vec::with_capacity(leaves.len() + rest.len());
        leaves.sort_by_key(|(variable, _)| *variable);
        let mut leaves = leaves.into_iter().peekable();
        while let Some((variable, mut leaf)) = leaves.next() {
            while let Some((_, other)) = leaves.next_if(|(next, _)| *next == variable) {
                leaf = leaf.with(other, unit);
            }
            match leaf {
                Self::Constant(holds) if holds == unit => {}
                Self::Constant(_) => return Self::Constant(!unit),
                leaf @ Self::Of(_) => all.push(leaf),
            }
        }
        if merges && rest.len() > 3 {
            rest = merged(rest);
        }
        all.append(&mut rest);
        match all.len() {
            0 => Self::Constant(unit),
            1 => all.pop().unwrap_or(Self::Constant(unit)),
            _ if unit => Self::Of(Rc::new(Node::All(all))),
            _ => Self::Of(Rc::new(Node::Any(all))),
        }
    }
}

/// Boxes that differ in their last variable alone are one.
fn merged(formulas: Vec<Formula>) -> Vec<Formula> {
    let mut out: Vec<Formula> = Vec::new();
    let mut boxes: HashMap<(Vec<(Variable, Set)>, Variable), usize> = HashMap::new();
    for formula in formulas {
        let Some((mut head, (last, set))) = leaves(&formula).and_then(split_last) else {
            out.push(formula);
            continue;
        };
        head.shrink_to_fit();
        let place = *boxes.entry((head.clone(), last)).or_insert(out.len());
        match out.get_mut(place) {
            None => out.push(formula),
            Some(known) => {
                let before = leaves(known).and_then(split_last);
                let set = before.map_or(set.clone(), |(_, (_, before))| before.union(&set));
                let head = head.into_iter().map(|(variable, set)| Formula::within(variable, set));
                *known = Formula::all(head.chain([Formula::within(last, set)]));
            }
        }
    }
    out
}

type Leaves = Vec<(Variable, Set)>;

fn split_last(mut leaves: Leaves) -> Option<(Leaves, (Variable, Set))> {
    let last = leaves.pop()?;
    Some((leaves, last))
}

/// The leaves of a box.
fn leaves(formula: &Formula) -> Option<Leaves> {
    let Some(Node::All(all)) = formula.node() else { return None };
    all.iter()
        .map(|one| match one.node() {
            Some(Node::In(variable, set)) => Some((*variable, set.clone())),
            _ => None,
        })
        .collect()
}

impl Logic for Formula {
    fn constant(holds: bool) -> Self {
        Self::Constant(holds)
    }

    fn known(&self) -> Option<bool> {
        match self {
            Self::Constant(holds) => Some(*holds),
            Self::Of(_) => None,
        }
    }

    fn and(self, other: Self) -> Self {
        Self::joined([self, other], true)
    }

    fn or(mut self, other: Self) -> Self {
        // Of many ways each is added as it is.
        if let Self::Of(node) = &mut self
            && let Some(Node::Any(ways)) = Rc::get_mut(node)
            && matches!(other.node(), Some(Node::All(_)))
        {
            ways.push(other);
            return self;
        }
        Self::joined([self, other], false)
    }

    fn negate(self) -> Self {
        let node = match &self {
            Self::Constant(holds) => return Self::Constant(!holds),
            Self::Of(node) => node,
        };
        match &**node {
            Node::In(variable, set) => Self::within(*variable, set.complement()),
            Node::All(all) => Self::any(all.iter().cloned().map(Self::negate)),
            Node::Any(any) => Self::all(any.iter().cloned().map(Self::negate)),
        }
    }

    fn all(all: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(all, true)
    }

    fn any(all: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(all, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(variable: Variable, members: &[usize]) -> Formula {
        Formula::within(variable, Set::of(4, members.iter().copied()))
    }

    #[test]
    fn leaves_of_one_variable_are_one_leaf() {
        assert_eq!(leaf(0, &[0, 1]).and(leaf(0, &[1, 2])), leaf(0, &[1]));
        assert_eq!(leaf(0, &[0]).or(leaf(0, &[1])), leaf(0, &[0, 1]));
        assert_eq!(leaf(0, &[0]).and(leaf(0, &[1])), Formula::Constant(false));
        assert_eq!(leaf(0, &[0, 1]).or(leaf(0, &[2, 3])), Formula::Constant(true));
    }

    #[test]
    fn what_is_negated_twice_is_as_before() {
        let formula = leaf(0, &[0]).and(leaf(1, &[1])).or(leaf(2, &[2]));
        assert_eq!(formula.clone().negate().negate(), formula);
    }

    #[test]
    fn boxes_that_differ_in_the_last_variable_are_one() {
        let one = |last: usize| leaf(0, &[0]).and(leaf(1, &[last]));
        let all = Formula::any((0..4).map(one));
        assert_eq!(all, leaf(0, &[0]));
    }
}
