//! The mistakes (see `seeding.rs`): each makes the prover prove what does not
//! hold, find requests that are none, or decide less.

use crate::seeding::Mistake;

pub(crate) const MISTAKES: &[Mistake] = &[
    // Sets and formulas.
    ("an intersection is a union", "set.rs", "self.zip(other, |a, b| «a & b»)", "a | b"),
    ("a union is an intersection", "set.rs", "self.zip(other, |a, b| «a | b»)", "a & b"),
    ("every set is within every other", "set.rs", "all(|(a, b)| «a & !b == 0»)", "true"),
    ("every set is apart from every other", "set.rs", "all(|(a, b)| «a & b == 0»)", "true"),
    (
        "of two conditions on a key that both must hold one is enough",
        "formula.rs",
        "let set = if unit { «set.intersection(with)» }",
        "set.union(with)",
    ),
    (
        "of two conditions on a key of which one must hold both must",
        "formula.rs",
        "else { «set.union(with)» };",
        "set.intersection(with)",
    ),
    (
        "a leaf is not negated",
        "formula.rs",
        "Self::within(*variable, «set.complement()»)",
        "set.clone()",
    ),
    (
        "not all is none",
        "formula.rs",
        "Node::All(all) => «Self::any(all.iter().cloned().map(Self::negate))»",
        "Self::all(all.iter().cloned().map(Self::negate))",
    ),
    (
        "not any is not all",
        "formula.rs",
        "Node::Any(any) => «Self::all(any.iter().cloned().map(Self::negate))»",
        "Self::any(any.iter().cloned().map(Self::negate))",
    ),
    // The search.
    (
        "one way to meet a clause is tried",
        "solve.rs",
        "for way in «ways(&clause)» {",
        "ways(&clause).get(..1).unwrap_or_default()",
    ),
    (
        "where a way is closed the rest is closed",
        "solve.rs",
        "&state.atoms, *variable, &«set.complement()»)",
        "set.clone()",
    ),
    (
        "what holds is taken not to",
        "solve.rs",
        "let holds = «domain.contains(1)»;",
        "!domain.contains(1)",
    ),
    (
        "what is open is closed",
        "solve.rs",
        "_ => «formula.clone()»,\n            };",
        "Formula::Constant(false)",
    ),
    // Of many clauses those that a way leaves open.
    (
        "a way is refuted by a text that stands in its pattern",
        "clauses.rs",
        "all.any(|own| «tests.is_within(own.variable, of.variable)»)",
        "true",
    ),
    (
        "of patterns that are like none only some are looked at",
        "clauses.rs",
        "None => «open.extend(&by_part.all)»,",
        "()",
    ),
    ("what was true before is not", "clauses.rs", "«found.extend(others)»;", "()"),
    // Patterns of ARNs.
    (
        "the first of two patterns is taken for the second",
        "patterns.rs",
        "self.relation(other, one).map(«Relation::turned»)",
        "|relation| relation",
    ),
    (
        "a pattern follows of a wider one",
        "patterns.rs",
        "is_some_and(|found| «!found.one»)",
        "!found.other",
    ),
    (
        "patterns that must not match do not count",
        "patterns.rs",
        "!«all.iter().any(apart)»",
        "true",
    ),
    ("no resource has a colon", "patterns.rs", "if «part == RESOURCE» {", "false"),
    (
        "a pattern with a wildcard matches everything",
        "parts.rs",
        "if «pattern == [Symbol::Many]» {",
        "pattern.contains(&Symbol::Many)",
    ),
    (
        "no pattern says more than another",
        "relation.rs",
        "(true, false) => «relation.one = true»,",
        "()",
    ),
    (
        "no pattern says less than another",
        "relation.rs",
        "(false, true) => «relation.other = true»,",
        "()",
    ),
    (
        "no two patterns match together",
        "relation.rs",
        "(true, true) => «relation.both = true»,",
        "()",
    ),
    (
        "a wildcard stands for nothing or one character",
        "product.rs",
        "(moving << 1) | carry | «staying»",
        "0",
    ),
    (
        "letters of either case differ",
        "words.rs",
        "Symbol::Letter(one) => «one.eq_ignore_ascii_case(&character)»",
        "one == character",
    ),
    (
        "letters count as they are written",
        "words.rs",
        "Token::Letter(byte) if «byte.is_ascii_alphabetic()»",
        "false",
    ),
    ("`?` is `*`", "words.rs", "Token::One => out.push(«Symbol::Any»)", "Symbol::Many"),
    ("`*` is `?`", "words.rs", "Token::Many => out.push(«Symbol::Many»)", "Symbol::Any"),
    (
        "what begins as a pattern is the pattern's beginning",
        "words.rs",
        "words.insert(«format!(\"{word}{fresh}\")»)",
        "word.clone()",
    ),
    (
        "case counts in all texts or in none",
        "words.rs",
        "if «characters && letters && !are_apart_by_case(patterns)» {",
        "false",
    ),
    (
        "no text is compared without regard to case",
        "words.rs",
        "match «fold && character.is_ascii_alphabetic()» {",
        "false",
    ),
    // Values of keys.
    ("no number is between two", "values.rs", "values.extend(«between»)", "Vec::<i128>::new()"),
    ("no number is beyond all", "values.rs", "values.extend(«[below, above]»)", "[0, 0]"),
    (
        "no date is before or after all",
        "values.rs",
        "all.extend(«[first - SECOND, last + SECOND]»)",
        "[*first, *last]",
    ),
    ("no date is between two", "values.rs", ".map(|(a, b)| «a.midpoint(*b)»));", "*a"),
    (
        "no address is beyond a range",
        "values.rs",
        "out.extend(«(first | rest).checked_add(1).map(|next| IpAddr::V4(next.into()))»)",
        "None",
    ),
    ("a key is always there", "held.rs", "if «how.may_be_absent» {", "false"),
    (
        "no key holds a list",
        "held.rs",
        "if «matches!(how.holds, Holds::Many | Holds::Either)» {",
        "false",
    ),
    (
        "each key holds a list",
        "held.rs",
        "if «matches!(how.holds, Holds::One | Holds::Either)» {",
        "false",
    ),
    (
        "no list holds two values",
        "held.rs",
        "while let Some((known, of_known)) = «kept.get(place).cloned()» {",
        "None::<(Vec<String>, Vec<bool>)>",
    ),
    (
        "of all values of a list one is enough",
        "held.rs",
        "Self::All => «known && word»",
        "known || word",
    ),
    (
        "of any value of a list all must pass",
        "held.rs",
        "Self::Any => «known || word»",
        "known && word",
    ),
    (
        "a condition of a Deny is one of an Allow",
        "keys.rs",
        "if holds(condition, context, «effect») {",
        "Effect::Allow",
    ),
    (
        "no variable holds what others say in its place",
        "held.rs",
        "found.words.extend(«residuals»)",
        "Vec::<String>::new()",
    ),
    // What is acted upon.
    (
        "`NotResource` is `Resource`",
        "encode.rs",
        "when.clone().and(«covered.clone().negate()»)",
        "covered.clone()",
    ),
    (
        "a pattern of ARNs covers `*`",
        "encode.rs",
        "«is_arn()».and(Formula::any(ways",
        "Formula::Constant(true)",
    ),
    (
        "no wildcard goes on beyond its part",
        "encode.rs",
        "beyond = «keys.beyond(pattern_of.source())»",
        "Formula::Constant(false)",
    ),
    (
        "what has a variable without a value leaves out nothing",
        "encode.rs",
        "known.or_else(|| «pattern_of.covered(&context)»)",
        "None",
    ),
    // Actions, callers and layers.
    (
        "no action is of a service that nobody names",
        "actions.rs",
        "let rest = «rest.into_iter()».map(|name| Service { name, elsewhere: true });",
        "Vec::<&str>::new().into_iter()",
    ),
    (
        "patterns of every service are forgotten",
        "actions.rs",
        "let mut names = «of(None)»;",
        "Vec::new()",
    ),
    (
        "all actions are alike",
        "actions.rs",
        "self.alike(service, name, «about.clone()»)",
        "Vec::new()",
    ),
    (
        "nothing is of another account",
        "tried.rs",
        "if !own && «self.question.inner.resource.is_none()» {",
        "true",
    ),
    (
        "the outer side does not count",
        "tried.rs",
        "let rest = «side(self.question.outer).negate()»;",
        "Formula::Constant(true)",
    ),
    (
        "no root user is a caller",
        "callers.rs",
        "if «!has_own» {\n            principals.push((Principal::Root",
        "false",
    ),
    (
        "no service that is named is a caller",
        "callers.rs",
        "Named::Service(name) => «Some((*name).to_owned())»",
        "None",
    ),
    (
        "nobody of a named account is a caller",
        "callers.rs",
        "«accounts.iter().for_each(|account| of_account(account, false))»;",
        "()",
    ),
    (
        "nobody who is named is a caller",
        "callers.rs",
        "Named::Arn(arn) => «of_arn(arn, &roles, &x)»",
        "None",
    ),
    (
        "the outer side's Denies are known",
        "common.rs",
        "«of(outer, Effect::Deny).all(|deny| denies.includes(deny))»",
        "true",
    ),
    (
        "the other layers are the same",
        "common.rs",
        "if «!is_same_but_for_identity(inner, outer)» {",
        "false",
    ),
];
