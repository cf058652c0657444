//! The mistakes: a name, the file, the place, and the wrong expression. The
//! place stands in the file exactly once; the expression that the wrong one
//! replaces is the whole of it, or what `«»` enclose. Most are mistakes that
//! other engines make.

type Mistake = (&'static str, &'static str, &'static str, &'static str);

pub(crate) const MISTAKES: &[Mistake] = &[
    // How layers combine.
    (
        "a Deny after an Allow is lost",
        "evaluate.rs",
        "if «scan.deny.is_none_or(|found| std::ptr::eq(found.document, &**document))»",
        "scan.allow.is_none()",
    ),
    ("a boundary's Deny is lost", "evaluate.rs", "boundary.and_then(|scan| scan.deny)", "None"),
    (
        "a session policy's Deny is lost",
        "evaluate.rs",
        "session.and_then(|scan| scan.deny)",
        "None",
    ),
    ("a level's Deny is lost", "evaluate.rs", "level_deny.or(scan.deny)", "level_deny"),
    (
        "a resource policy's Deny is lost",
        "evaluate.rs",
        "(Layer::Resource, «resource.deny»)",
        "None",
    ),
    ("a level need not allow", "evaluate.rs", "levels_allow &= «scan.allow.is_some()»", "true"),
    (
        "the boundary is no limit",
        "evaluate.rs",
        "needs.limits && boundary.is_some_and(|scan| scan.allow.is_none())",
        "false",
    ),
    (
        "session policies are no limit",
        "evaluate.rs",
        "needs.session && session.is_some_and(|scan| scan.allow.is_none())",
        "false",
    ),
    (
        "another account needs one side",
        "evaluate.rs",
        "same_account: «owner.is_none() || owner == request.principal.account_id()»",
        "true",
    ),
    (
        "a resource policy alone suffices for another account",
        "evaluate.rs",
        "identity: «!self.root»",
        "false",
    ),
    (
        "an account's grant is a grant to its principals",
        "evaluate.rs",
        "resource.allow.map(|found| found.naming)",
        "resource.allow.map(|_| Naming::Itself)",
    ),
    (
        "a role's grant passes the boundary",
        "evaluate.rs",
        "Needs { resource, identity: false, limits: true, session: true }",
        "Needs { resource, identity: false, limits: false, session: true }",
    ),
    (
        "a grant to everybody passes session policies",
        "evaluate.rs",
        "Needs { resource, identity: false, limits: false, session: true }",
        "Needs { resource, identity: false, limits: false, session: false }",
    ),
    (
        "a user's grant is limited by the boundary",
        "evaluate.rs",
        "Needs { resource, identity: false, limits: false, session: false }",
        "Needs { resource, identity: false, limits: true, session: false }",
    ),
    (
        "a trust policy need not allow",
        "evaluate.rs",
        "policy.kind() == Kind::Trust || sts || key",
        "key",
    ),
    ("a key's policy need not allow", "evaluate.rs", "target(\"kms\", \"key/\")", "false"),
    (
        "unsigned callers have an account",
        "evaluate.rs",
        "!matches!(\n                request.principal,\n                Principal::Service { .. } \
         | Principal::WebIdentity { .. } | Principal::Anonymous\n            )",
        "true",
    ),
    ("the root user needs a policy", "evaluate.rs", "request.principal.is_of_root()", "false"),
    (
        "the first grant counts, not the most direct",
        "evaluate.rs",
        "naming > found.naming",
        "false",
    ),
    (
        "GetCallerIdentity needs a policy",
        "special.rs",
        "request.action.eq_ignore_ascii_case(\"sts:GetCallerIdentity\")",
        "false",
    ),
    (
        "GetCallerIdentity is open to unsigned callers",
        "special.rs",
        "!matches!(request.principal, Principal::Anonymous)",
        "true",
    ),
    // Of whom, what and which resource a statement speaks.
    ("NotPrincipal is Principal", "principal.rs", "!self.negated", "true"),
    (
        "a role is found by its path only",
        "principal.rs",
        "same_role(arn, role_arn)",
        "same(arn, role_arn)",
    ),
    (
        "NotPrincipal spares those with a boundary",
        "statement.rs",
        "«asked.bounded» || !principals.spares",
        "false",
    ),
    (
        "NotPrincipal spares all sessions of a role",
        "principal.rs",
        "named(Naming::Itself) && named(Naming::Behind)",
        "named(Naming::Behind)",
    ),
    (
        "NotPrincipal spares all principals of an account",
        "principal.rs",
        "_ => «named(Naming::Itself)»",
        "self.entries.iter().any(|entry| entry.names(principal).is_some())",
    ),
    (
        "a federated user needs no session policy",
        "evaluate.rs",
        "matches!(request.principal, Principal::FederatedUser { .. })",
        "false",
    ),
    (
        "a role without a trust policy can be assumed",
        "evaluate.rs",
        "sts && target(\"iam\", \"role/\")",
        "false",
    ),
    ("NotAction is Action", "statement.rs", "listed != self.actions.negated", "listed"),
    ("NotResource is Resource", "statement.rs", "!self.negated", "true"),
    (
        "NotResource passes a variable without value",
        "statement.rs",
        "pattern.covers(target, context) == Ok(false)",
        "pattern.covers(target, context) != Ok(true)",
    ),
    (
        "actions regard case",
        "statement.rs",
        "self.name.matches(action.name, Case::Fold)",
        "self.name.matches(action.name, Case::Sensitive)",
    ),
    (
        "one condition is enough",
        "statement.rs",
        "self.conditions.iter().all(holds).then_some(naming)",
        "(self.conditions.is_empty() || self.conditions.iter().any(holds)).then_some(naming)",
    ),
    (
        "resources ignore case",
        "arn.rs",
        "self.resource.matches(arn.resource, Case::Sensitive, context)",
        "self.resource.matches(arn.resource, Case::Fold, context)",
    ),
    (
        "partition and service regard case",
        "arn.rs",
        "pattern.matches(arn, Case::Fold, context)",
        "pattern.matches(arn, Case::Sensitive, context)",
    ),
    (
        "`*` covers ARNs only",
        "arn.rs",
        "(Form::Everything, _) => «Ok(true)»",
        "Ok(!matches!(target, Target::Everything))",
    ),
    ("a `*` stays within its part", "arn.rs", "spans.cover(arn.text, context)", "Ok(false)"),
    (
        "a `*` amid a part goes beyond it",
        "pattern.rs",
        "Token::Many if «place + 1 < end» => Token::ManyInPart",
        "false",
    ),
    ("a short ARN covers nothing", "arn.rs", "&«padded(text)»", "text.to_owned()"),
    (
        "a long document is indexed by exact names only",
        "index.rs",
        "self.services.get(&hash(action.service, \"\"))",
        "None",
    ),
    ("the index regards case", "index.rs", "byte.to_ascii_lowercase()", "byte"),
    ("the index forgets NotAction", "index.rs", "statement.actions.negated", "false"),
    // Conditions.
    ("IfExists is ignored", "condition.rs", "self.operator.if_exists", "false"),
    (
        "a negated operator needs its key",
        "condition.rs",
        "None => «self.operator.negated»",
        "false",
    ),
    (
        "ForAllValues needs its key",
        "condition.rs",
        "Some(Quantifier::ForAllValues) => «true»",
        "false",
    ),
    (
        "ForAnyValue holds without its key",
        "condition.rs",
        "Some(Quantifier::ForAnyValue) => «false»",
        "true",
    ),
    (
        "ForAnyValue asks for all values",
        "condition.rs",
        "values.as_slice().iter().any(|value| self.holds_for(value, context, effect))",
        "values.as_slice().iter().all(|value| self.holds_for(value, context, effect))",
    ),
    (
        "ForAllValues counts the empty string",
        "condition.rs",
        "values.as_slice().iter().all(String::is_empty)",
        "false",
    ),
    (
        "a list needs no set operator",
        "condition.rs",
        "(None, Values::Many(_)) => «false»",
        "values.as_slice().iter().any(|value| self.holds_for(value, context, effect))",
    ),
    (
        "Null is reversed",
        "condition.rs",
        "*absent == Some(values.is_none())",
        "*absent == Some(values.is_some())",
    ),
    (
        "what cannot be compared differs",
        "condition.rs",
        "Found::Incomparable => «effect == Effect::Deny»",
        "self.operator.negated",
    ),
    (
        "what cannot be compared is skipped",
        "statement.rs",
        "let holds = |condition: &Condition| condition.holds(asked.context, «self.effect»)",
        "Effect::Allow",
    ),
    (
        "StringEquals ignores case",
        "condition.rs",
        "self.operator.base != Base::StringEquals",
        "true",
    ),
    (
        "negated values are alternatives",
        "condition.rs",
        "match «self.compare(value, context)»",
        "match self.compare(value, context) { Found::Match if self.operator.negated && \
         self.sources.len() > 1 => Found::Differ, found => found }",
    ),
    (
        "LessThanEquals is LessThan",
        "condition.rs",
        "Order::LessThanEquals => «ordering != Ordering::Greater»",
        "ordering == Ordering::Less",
    ),
    (
        "numbers compare as text",
        "value.rs",
        "(self.whole.len().cmp(&other.whole.len()))",
        "Ordering::Equal",
    ),
    ("a range is an address", "value.rs", "let shift = «32 - self.prefix»", "0"),
    (
        "a time zone is added",
        "value.rs",
        "hour * 3600 + minute * 60 + second - offset",
        "hour * 3600 + minute * 60 + second + offset",
    ),
    // Variables and wildcards.
    ("old versions have variables", "compile.rs", "self.version == Version::V2012", "true"),
    (
        "a variable's value is a pattern",
        "variables.rs",
        "Part::Variable { key, default } => «push_literal»(",
        "push_wild",
    ),
    (
        "a variable without value is empty",
        "variables.rs",
        "_ => «default»,",
        "default.or(Some(\"\"))",
    ),
    (
        "a variable's default is ignored",
        "variables.rs",
        "key: name.into(), default: «Some(default.into())»",
        "None",
    ),
    (
        "an escaped star is a wildcard",
        "variables.rs",
        "\"*\" | \"?\" | \"$\" => «Part::Literal(name.into())»",
        "Part::Text(name.into())",
    ),
    (
        "patterns ignore case",
        "pattern.rs",
        "case == Case::Fold && wanted.eq_ignore_ascii_case(found)",
        "wanted.eq_ignore_ascii_case(found)",
    ),
];
