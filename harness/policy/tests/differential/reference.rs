//! The slow evaluator.

use std::net::IpAddr;

use ringfence_policy::Principal;
use serde_json::Value;

use crate::cases::{Case, Held};

/// Mistakes that evaluators make; each one on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    DenyAfterAllowIgnored,
    DenyInBoundaryIgnored,
    DenyInSessionIgnored,
    ScpLevelsAreAUnion,
    BoundaryGrants,
    SessionGrants,
    BoundaryIgnored,
    SessionIgnored,
    AccountPrincipalGrantsAlone,
    RoleGrantBypassesBoundary,
    UserGrantIsLimitedByBoundary,
    SessionGrantIsLimitedBySession,
    CrossAccountNeedsOneSide,
    TrustNeedNotAllow,
    NotPrincipalIsPrincipal,
    NotPrincipalSparesTheBounded,
    NotActionIsAction,
    NotResourceIsResource,
    ActionsAreCaseSensitive,
    ResourcesIgnoreCase,
    NegatedMissingIsFalse,
    NegatedValuesAreOred,
    IfExistsIgnored,
    ForAllMissingIsFalse,
    ForAnyMissingIsTrue,
    ForAnyIsForAll,
    ListWithoutSetOperatorMatches,
    NullReversed,
    VariablesInOldVersions,
    VariableValueIsAWildcard,
    MissingVariableIsEmpty,
    DefaultIgnored,
    StringEqualsTakesWildcards,
    NumbersCompareAsText,
    AddressesCompareAsText,
    ArnsCompareAsText,
    StarCoversLessThanEverything,
    RootIsNotBoundByResource,
    AnonymousIsAnAccount,
}

impl Bug {
    pub(crate) const ALL: [Self; 39] = [
        Self::DenyAfterAllowIgnored,
        Self::DenyInBoundaryIgnored,
        Self::DenyInSessionIgnored,
        Self::ScpLevelsAreAUnion,
        Self::BoundaryGrants,
        Self::SessionGrants,
        Self::BoundaryIgnored,
        Self::SessionIgnored,
        Self::AccountPrincipalGrantsAlone,
        Self::RoleGrantBypassesBoundary,
        Self::UserGrantIsLimitedByBoundary,
        Self::SessionGrantIsLimitedBySession,
        Self::CrossAccountNeedsOneSide,
        Self::TrustNeedNotAllow,
        Self::NotPrincipalIsPrincipal,
        Self::NotPrincipalSparesTheBounded,
        Self::NotActionIsAction,
        Self::NotResourceIsResource,
        Self::ActionsAreCaseSensitive,
        Self::ResourcesIgnoreCase,
        Self::NegatedMissingIsFalse,
        Self::NegatedValuesAreOred,
        Self::IfExistsIgnored,
        Self::ForAllMissingIsFalse,
        Self::ForAnyMissingIsTrue,
        Self::ForAnyIsForAll,
        Self::ListWithoutSetOperatorMatches,
        Self::NullReversed,
        Self::VariablesInOldVersions,
        Self::VariableValueIsAWildcard,
        Self::MissingVariableIsEmpty,
        Self::DefaultIgnored,
        Self::StringEqualsTakesWildcards,
        Self::NumbersCompareAsText,
        Self::AddressesCompareAsText,
        Self::ArnsCompareAsText,
        Self::StarCoversLessThanEverything,
        Self::RootIsNotBoundByResource,
        Self::AnonymousIsAnAccount,
    ];
}

struct World<'a> {
    case: &'a Case,
    bug: Option<Bug>,
}

/// Outcome and layer.
pub(crate) fn evaluate(case: &Case, bug: Option<Bug>) -> (String, String) {
    let (outcome, layer) = World { case, bug }.decide();
    (outcome.to_owned(), layer.to_owned())
}

/// What a list of documents says.
#[derive(Clone, Copy, Default)]
struct Said {
    deny: bool,
    /// The strongest naming of an Allow: 1 account, 2 role or user behind a
    /// session, 3 everybody, 4 itself.
    allow: u8,
}

impl World<'_> {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn decide(&self) -> (&'static str, &'static str) {
        let case = self.case;
        let resource = self.said(case.resource.as_slice(), true);
        let alone = match case.principal {
            Principal::Service { .. } | Principal::WebIdentity { .. } => true,
            Principal::Anonymous => !self.has(Bug::AnonymousIsAnAccount),
            _ => false,
        };
        if alone {
            return match (resource.deny, resource.allow) {
                (true, _) => ("explicit_deny", "resource"),
                (false, 0) => ("implicit_deny", "resource"),
                _ => ("allow", "resource"),
            };
        }
        let identity = self.said(&case.identity, false);
        let limit = |texts: &Option<Vec<Value>>, ignored| match texts {
            Some(texts) if !self.has(ignored) => self.said(texts, false),
            _ => Said { deny: false, allow: 4 },
        };
        let mut boundary = limit(&case.boundary, Bug::BoundaryIgnored);
        let mut session = limit(&case.session, Bug::SessionIgnored);
        boundary.deny &= !self.has(Bug::DenyInBoundaryIgnored);
        session.deny &= !self.has(Bug::DenyInSessionIgnored);
        let levels: Vec<Said> = case.scp.iter().map(|level| self.said(level, false)).collect();
        let root = matches!(case.principal, Principal::Root { .. });
        let denies = [
            (levels.iter().any(|level| level.deny), "scp"),
            (resource.deny && !(root && self.has(Bug::RootIsNotBoundByResource)), "resource"),
            (identity.deny, "identity"),
            (boundary.deny, "boundary"),
            (session.deny, "session"),
        ];
        if let Some((_, layer)) = denies.into_iter().find(|(deny, _)| *deny) {
            return ("explicit_deny", layer);
        }
        let scp = if self.has(Bug::ScpLevelsAreAUnion) {
            levels.is_empty() || levels.iter().any(|level| level.allow > 0)
        } else {
            levels.iter().all(|level| level.allow > 0)
        };
        if !scp {
            return ("implicit_deny", "scp");
        }
        let in_arn = case.target.split(':').nth(4).filter(|account| !account.is_empty());
        let owner = case.account.as_deref().or(in_arn).unwrap_or("111111111111");
        let same = owner == "111111111111" || self.has(Bug::CrossAccountNeedsOneSide);
        let mut grant = resource.allow;
        if grant == 1 && self.has(Bug::AccountPrincipalGrantsAlone) {
            grant = 4;
        }
        if grant == 2 && self.has(Bug::RoleGrantBypassesBoundary) {
            grant = 3;
        }
        let must = case.resource.is_some()
            && case.action.starts_with("sts:")
            && !self.has(Bug::TrustNeedNotAllow);
        if (must || !same) && grant == 0 {
            return ("implicit_deny", "resource");
        }
        let by_resource = same && grant >= 2;
        let identity_allows = identity.allow > 0
            || (self.has(Bug::BoundaryGrants) && case.boundary.is_some() && boundary.allow > 0)
            || (self.has(Bug::SessionGrants) && case.session.is_some() && session.allow > 0);
        if !by_resource && !root && !identity_allows {
            return ("implicit_deny", "identity");
        }
        let past_boundary =
            by_resource && grant >= 3 && !self.has(Bug::UserGrantIsLimitedByBoundary);
        if !past_boundary && boundary.allow == 0 {
            return ("implicit_deny", "boundary");
        }
        let past_session =
            by_resource && grant == 4 && !self.has(Bug::SessionGrantIsLimitedBySession);
        if !past_session && session.allow == 0 {
            return ("implicit_deny", "session");
        }
        if root && same && !must {
            return ("allow", "root");
        }
        ("allow", if by_resource || root { "resource" } else { "identity" })
    }

    fn said(&self, documents: &[Value], whose: bool) -> Said {
        let mut said = Said::default();
        for document in documents {
            let new = document["Version"] == "2012-10-17" || self.has(Bug::VariablesInOldVersions);
            for statement in document["Statement"].as_array().unwrap() {
                let named = if whose { self.named(statement) } else { 4 };
                let applies = named > 0
                    && self.about_action(statement)
                    && self.about_target(statement, new)
                    && self.conditions(statement, new);
                if !applies {
                    continue;
                }
                if statement["Effect"] == "Allow" {
                    said.allow = said.allow.max(named);
                } else if said.allow == 0 || !self.has(Bug::DenyAfterAllowIgnored) {
                    said.deny = true;
                }
            }
        }
        said
    }

    fn named(&self, statement: &Value) -> u8 {
        let Some(negated) = statement.get("NotPrincipal") else {
            return self.best(&statement["Principal"]);
        };
        let bounded = self.case.boundary.is_some() && !self.has(Bug::NotPrincipalSparesTheBounded);
        if bounded && statement["Effect"] == "Deny" {
            return 3;
        }
        let best = self.best(negated);
        if self.has(Bug::NotPrincipalIsPrincipal) {
            return best;
        }
        if best == 0 { 3 } else { 0 }
    }

    fn best(&self, element: &Value) -> u8 {
        if element == "*" {
            return 3;
        }
        if let Some(service) = element.get("Service") {
            let called =
                matches!(&self.case.principal, Principal::Service { name } if service == name);
            return if called { 4 } else { 0 };
        }
        let entries = texts(&element["AWS"]);
        entries.iter().map(|entry| self.names(entry)).max().unwrap_or(0)
    }

    fn names(&self, entry: &str) -> u8 {
        const ACCOUNT: [&str; 2] = ["111111111111", "arn:aws:iam::111111111111:root"];
        if entry == "*" {
            return 3;
        }
        let account = u8::from(ACCOUNT.contains(&entry));
        match &self.case.principal {
            Principal::Root { .. } => account * 4,
            Principal::User { arn } => {
                if arn == entry {
                    4
                } else {
                    account
                }
            }
            Principal::RoleSession { session_arn, .. } => {
                if session_arn == entry {
                    4
                } else if entry.contains(":role/") && entry.ends_with("/r") {
                    2
                } else {
                    account
                }
            }
            Principal::FederatedUser { arn, user_arn } => {
                if arn == entry {
                    4
                } else if user_arn == entry {
                    2
                } else {
                    account
                }
            }
            Principal::Anonymous if self.has(Bug::AnonymousIsAnAccount) => account,
            _ => 0,
        }
    }

    fn about_action(&self, statement: &Value) -> bool {
        let listed = |value: &Value| {
            texts(value).iter().any(|pattern| {
                if self.has(Bug::ActionsAreCaseSensitive) {
                    like(pattern, &self.case.action)
                } else {
                    like(&pattern.to_lowercase(), &self.case.action.to_lowercase())
                }
            })
        };
        match statement.get("NotAction") {
            Some(value) => listed(value) == self.has(Bug::NotActionIsAction),
            None => listed(&statement["Action"]),
        }
    }

    /// The text as a pattern in which what came from a variable is literal:
    /// wildcards become private characters first. `None`: a variable has no
    /// value.
    fn expand(&self, text: &str, new: bool) -> Option<String> {
        let text = text.to_owned();
        if !new {
            return Some(wild(&text));
        }
        let (before, rest) = match text.split_once("${") {
            None => return Some(wild(&text)),
            Some((before, rest)) => (before.to_owned(), rest.to_owned()),
        };
        let (name, after) = rest.split_once('}').unwrap();
        let value = match name {
            "*" => "*".to_owned(),
            "aws:PrincipalTag/t" => match self.case.context.get(name) {
                Some(Held::One(value)) => value.clone(),
                _ if self.has(Bug::MissingVariableIsEmpty) => String::new(),
                _ => return None,
            },
            "aws:no, 'b'" if !self.has(Bug::DefaultIgnored) => "b".to_owned(),
            _ if self.has(Bug::MissingVariableIsEmpty) => String::new(),
            _ => return None,
        };
        let value = if self.has(Bug::VariableValueIsAWildcard) { wild(&value) } else { value };
        Some(wild(&before) + &value + &wild(after))
    }

    fn about_target(&self, statement: &Value, new: bool) -> bool {
        let covers = |pattern: &str| -> Option<bool> {
            if pattern == "*" {
                return Some(
                    !self.has(Bug::StarCoversLessThanEverything) || self.case.target != "*",
                );
            }
            if self.case.target == "*" {
                return Some(false);
            }
            let mut parts: Vec<&str> = pattern.splitn(6, ':').collect();
            while parts.len() < 6 {
                parts.push("*");
            }
            let target: Vec<&str> = self.case.target.splitn(6, ':').collect();
            let head = (0..5).all(|part| like(parts[part], target[part]));
            if !head {
                return Some(false);
            }
            let tail = self.expand(parts[5], new)?;
            Some(if self.has(Bug::ResourcesIgnoreCase) {
                like_marked(&tail.to_lowercase(), &target[5].to_lowercase())
            } else {
                like_marked(&tail, target[5])
            })
        };
        if let Some(value) = statement.get("NotResource") {
            let answers: Vec<Option<bool>> =
                texts(value).iter().map(|pattern| covers(pattern)).collect();
            if self.has(Bug::NotResourceIsResource) {
                return answers.contains(&Some(true));
            }
            return answers.iter().all(|answer| *answer == Some(false));
        }
        match statement.get("Resource") {
            Some(value) => texts(value).iter().any(|pattern| covers(pattern) == Some(true)),
            None => true,
        }
    }

    fn conditions(&self, statement: &Value, new: bool) -> bool {
        let Some(blocks) = statement.get("Condition").and_then(Value::as_object) else {
            return true;
        };
        blocks.iter().all(|(operator, keys)| {
            keys.as_object()
                .unwrap()
                .iter()
                .all(|(key, values)| self.condition(operator, key, &texts(values), new))
        })
    }

    fn condition(&self, operator: &str, key: &str, wanted: &[String], new: bool) -> bool {
        let all = operator.starts_with("ForAllValues:");
        let any = operator.starts_with("ForAnyValue:");
        let base = operator.rsplit(':').next().unwrap();
        let (base, if_exists) = match base.strip_suffix("IfExists") {
            Some(base) => (base, !self.has(Bug::IfExistsIgnored)),
            None => (base, false),
        };
        let held: Option<(Vec<String>, bool)> = match self.case.context.get(key) {
            None => None,
            Some(Held::Many(values)) if values.is_empty() => None,
            Some(Held::Many(values)) => Some((values.clone(), true)),
            Some(Held::One(value)) => Some((vec![value.clone()], false)),
        };
        if base == "Null" {
            let absent = held.is_none() != self.has(Bug::NullReversed);
            return wanted.iter().any(|value| *value == absent.to_string());
        }
        let negated = base.contains("Not");
        let Some((held, list)) = held else {
            if if_exists {
                return true;
            }
            if all {
                return !self.has(Bug::ForAllMissingIsFalse);
            }
            if any {
                return self.has(Bug::ForAnyMissingIsTrue);
            }
            return negated && !self.has(Bug::NegatedMissingIsFalse);
        };
        let passes = |value: &String| {
            let answers: Vec<Option<bool>> =
                wanted.iter().map(|wanted| self.equal(base, wanted, value, new)).collect();
            if answers.iter().all(Option::is_none) {
                return false;
            }
            if negated && self.has(Bug::NegatedValuesAreOred) {
                return answers.contains(&Some(false));
            }
            answers.contains(&Some(true)) != negated
        };
        if all || (any && self.has(Bug::ForAnyIsForAll)) {
            return (all && held.iter().all(String::is_empty)) || held.iter().all(passes);
        }
        if any {
            return held.iter().any(passes);
        }
        (!list || self.has(Bug::ListWithoutSetOperatorMatches)) && held.iter().any(passes)
    }

    /// Whether the values are equal, in the operator's sense without its
    /// negation; `None` when they cannot be compared.
    fn equal(&self, base: &str, wanted: &str, value: &str, new: bool) -> Option<bool> {
        match base.replace("Not", "").as_str() {
            "StringEquals" | "StringEqualsIgnoreCase" => {
                let Some(wanted) = self.expand(wanted, new) else { return Some(false) };
                if self.has(Bug::StringEqualsTakesWildcards) {
                    return Some(like_marked(&wanted, value));
                }
                let wanted = wanted.replace('\u{1}', "*").replace('\u{2}', "?");
                Some(if base.ends_with("IgnoreCase") {
                    wanted.to_lowercase() == value.to_lowercase()
                } else {
                    wanted == value
                })
            }
            "StringLike" => {
                Some(self.expand(wanted, new).is_some_and(|wanted| like_marked(&wanted, value)))
            }
            number if number.starts_with("Numeric") => {
                if self.has(Bug::NumbersCompareAsText) {
                    return Some(wanted == value);
                }
                let (value, wanted) = (value.parse::<f64>().ok()?, wanted.parse::<f64>().ok()?);
                Some(match number {
                    "NumericEquals" => value == wanted,
                    "NumericLessThan" => value < wanted,
                    "NumericGreaterThanEquals" => value >= wanted,
                    other => panic!("{other} is not generated"),
                })
            }
            "IpAddress" => {
                if self.has(Bug::AddressesCompareAsText) {
                    return Some(wanted == value);
                }
                let value: IpAddr = value.parse().ok()?;
                let (network, bits) = wanted.split_once('/').unwrap_or((wanted, "32"));
                let (network, bits): (IpAddr, u32) = (network.parse().ok()?, bits.parse().ok()?);
                Some(match (network, value) {
                    (IpAddr::V4(a), IpAddr::V4(b)) => {
                        u64::from(u32::from(a)) >> (32 - bits)
                            == u64::from(u32::from(b)) >> (32 - bits)
                    }
                    (IpAddr::V6(a), IpAddr::V6(b)) => {
                        u128::from(a) >> (128 - bits) == u128::from(b) >> (128 - bits)
                    }
                    _ => false,
                })
            }
            "ArnLike" | "ArnEquals" => {
                if self.has(Bug::ArnsCompareAsText) {
                    return Some(wanted == value);
                }
                let wanted: Vec<&str> = wanted.splitn(6, ':').collect();
                let value: Vec<&str> = value.splitn(6, ':').collect();
                if value.len() < 6 {
                    return None;
                }
                Some(wanted.iter().zip(&value).all(|(wanted, value)| like(wanted, value)))
            }
            other => panic!("{other} is not generated"),
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        other => vec![other.as_str().unwrap().to_owned()],
    }
}

/// Wildcards as private characters.
fn wild(text: &str) -> String {
    text.replace('*', "\u{1}").replace('?', "\u{2}")
}

fn like(pattern: &str, text: &str) -> bool {
    like_marked(&wild(pattern), text)
}

fn like_marked(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('\u{1}'), _) => {
                go(&pattern[1..], text) || (!text.is_empty() && go(pattern, &text[1..]))
            }
            (Some('\u{2}'), Some(_)) => go(&pattern[1..], &text[1..]),
            (Some(a), Some(b)) => a == b && go(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
    go(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
}
