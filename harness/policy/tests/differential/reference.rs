//! The slow evaluator, written from AWS's pages: [evaluation logic], and of the
//! policy reference the pages of `Condition`, `Principal`, `NotPrincipal`,
//! `Resource`, and of variables.
//!
//! [evaluation logic]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

use std::net::IpAddr;

use crate::world::{Caller, Case, Held, Policy, Statement, Test, Whose};

/// Outcome and layer.
pub(crate) fn evaluate(case: &Case) -> (&'static str, &'static str) {
    let resource = said(case, case.resource.as_slice(), true);
    let anonymous = matches!(case.caller, Caller::Anonymous);
    if case.action == "sts:GetCallerIdentity" && !anonymous {
        return ("allow", "identity");
    }
    let endpoint = match &case.endpoint {
        Some(policy) => said(case, std::slice::from_ref(policy), true),
        None => Said { deny: false, allow: 4 },
    };
    // RCPs are about some services, whoever asks, and only deny.
    let controlled = ["s3", "kms", "sts"].contains(&case.action.split(':').next().unwrap());
    let control = controlled && case.rcp.iter().any(|level| said(case, level, true).deny);
    for (deny, layer) in [(endpoint.deny, "vpc_endpoint"), (control, "rcp")] {
        if deny {
            return ("explicit_deny", layer);
        }
    }
    if anonymous || matches!(case.caller, Caller::Service | Caller::WebIdentity) {
        return match (resource.deny, endpoint.allow, resource.allow) {
            (true, ..) => ("explicit_deny", "resource"),
            (false, 0, _) => ("implicit_deny", "vpc_endpoint"),
            (false, _, 0) => ("implicit_deny", "resource"),
            _ => ("allow", "resource"),
        };
    }
    let identity = said(case, &case.identity, false);
    let limit = |policies: &Option<Vec<Policy>>| match policies {
        Some(policies) => said(case, policies, false),
        None => Said { deny: false, allow: 4 },
    };
    let boundary = limit(&case.boundary);
    // A federated user without a session policy has no permissions.
    let session = match (&case.session, &case.caller) {
        (None, Caller::FederatedUser) => Said { deny: false, allow: 0 },
        (policies, _) => limit(policies),
    };
    let levels: Vec<Said> = case.scp.iter().map(|level| said(case, level, false)).collect();
    let denies = [
        (levels.iter().any(|level| level.deny), "scp"),
        (resource.deny, "resource"),
        (identity.deny, "identity"),
        (boundary.deny, "boundary"),
        (session.deny, "session"),
    ];
    if let Some((_, layer)) = denies.into_iter().find(|(deny, _)| *deny) {
        return ("explicit_deny", layer);
    }
    if endpoint.allow == 0 {
        return ("implicit_deny", "vpc_endpoint");
    }
    if levels.iter().any(|level| level.allow == 0) {
        return ("implicit_deny", "scp");
    }
    let root = matches!(case.caller, Caller::Root);
    let in_arn = case.target.split(':').nth(4).filter(|account| !account.is_empty());
    let same = case.account.or(in_arn).unwrap_or("111111111111") == "111111111111";
    let must = case.action == "sts:AssumeRole" || case.target.starts_with("arn:aws:kms:");
    if (must || !same) && resource.allow == 0 {
        return ("implicit_deny", "resource");
    }
    let by_resource = same && resource.allow >= 2;
    if !by_resource && !root && identity.allow == 0 {
        return ("implicit_deny", "identity");
    }
    if !(by_resource && resource.allow >= 3) && boundary.allow == 0 {
        return ("implicit_deny", "boundary");
    }
    if !(by_resource && resource.allow == 4) && session.allow == 0 {
        return ("implicit_deny", "session");
    }
    if root && same && !must {
        return ("allow", "root");
    }
    ("allow", if by_resource || root { "resource" } else { "identity" })
}

/// What a list of policies says.
#[derive(Clone, Copy, Default)]
struct Said {
    deny: bool,
    /// The strongest naming of an Allow: 1 account, 2 role or user behind a
    /// session, 3 everybody, 4 itself.
    allow: u8,
}

fn said(case: &Case, policies: &[Policy], whose: bool) -> Said {
    let mut said = Said::default();
    for policy in policies {
        let new = policy.version == Some("2012-10-17");
        for statement in &policy.statements {
            let named = if whose { named(case, statement) } else { 4 };
            let applies = named > 0
                && about_action(case, statement)
                && about_target(case, statement, new)
                && statement.conditions.iter().all(|test| holds(case, test, new, statement.allow));
            if applies && statement.allow {
                said.allow = said.allow.max(named);
            }
            said.deny |= applies && !statement.allow;
        }
    }
    said
}

fn named(case: &Case, statement: &Statement) -> u8 {
    let element = statement.principals.as_ref().unwrap();
    if element.negated && !statement.allow {
        return if case.boundary.is_some() || !spared(case, &element.values) { 3 } else { 0 };
    }
    let best = match &element.values {
        Whose::Everyone => 3,
        Whose::Service(_) => u8::from(matches!(case.caller, Caller::Service)) * 4,
        Whose::Federated(_) => u8::from(matches!(case.caller, Caller::WebIdentity)) * 4,
        Whose::Aws(entries) => entries.iter().map(|entry| names(case, entry)).max().unwrap(),
    };
    match (element.negated, best) {
        (false, best) => best,
        (true, 0) => 3,
        (true, _) => 0,
    }
}

/// Whether `NotPrincipal` of a Deny leaves the caller out: by its own name, a
/// session with that of its role beside it.
fn spared(case: &Case, values: &Whose) -> bool {
    let entries = match values {
        Whose::Everyone => return true,
        Whose::Service(_) => return matches!(case.caller, Caller::Service),
        Whose::Federated(_) => return matches!(case.caller, Caller::WebIdentity),
        Whose::Aws(entries) => entries,
    };
    let lists =
        |wanted: &[&str]| entries.iter().any(|entry| *entry == "*" || wanted.contains(entry));
    match case.caller {
        Caller::Root => lists(&["111111111111", "arn:aws:iam::111111111111:root"]),
        Caller::User => lists(&["arn:aws:iam::111111111111:user/u"]),
        Caller::FederatedUser => lists(&["arn:aws:sts::111111111111:federated-user/u"]),
        Caller::RoleSession => {
            lists(&["arn:aws:sts::111111111111:assumed-role/r/s"])
                && lists(&[
                    "arn:aws:iam::111111111111:role/r",
                    "arn:aws:iam::111111111111:role/p/r",
                ])
        }
        Caller::WebIdentity | Caller::Service | Caller::Anonymous => lists(&[]),
    }
}

fn names(case: &Case, entry: &str) -> u8 {
    let account = u8::from(["111111111111", "arn:aws:iam::111111111111:root"].contains(&entry));
    match (&case.caller, entry) {
        (_, "*") => 3,
        (Caller::Root, _) => account * 4,
        (Caller::User, "arn:aws:iam::111111111111:user/u")
        | (Caller::RoleSession, "arn:aws:sts::111111111111:assumed-role/r/s")
        | (Caller::FederatedUser, "arn:aws:sts::111111111111:federated-user/u") => 4,
        (
            Caller::RoleSession,
            "arn:aws:iam::111111111111:role/r" | "arn:aws:iam::111111111111:role/p/r",
        )
        | (Caller::FederatedUser, "arn:aws:iam::111111111111:user/u") => 2,
        (Caller::User | Caller::RoleSession | Caller::FederatedUser, _) => account,
        // A web identity is a principal of no account.
        (Caller::WebIdentity | Caller::Service | Caller::Anonymous, _) => 0,
    }
}

fn about_action(case: &Case, statement: &Statement) -> bool {
    let Case { action, .. } = case;
    let listed = statement
        .actions
        .values
        .iter()
        .any(|pattern| like(&wild(&pattern.to_lowercase()), &action.to_lowercase()));
    listed != statement.actions.negated
}

fn about_target(case: &Case, statement: &Statement, new: bool) -> bool {
    let Some(element) = &statement.resources else { return true };
    // `None`: a variable has no value.
    let covers = |pattern: &&'static str| -> Option<bool> {
        if *pattern == "*" {
            return Some(true);
        }
        if case.target == "*" {
            return Some(false);
        }
        let parts: Vec<&str> = pattern.splitn(6, ':').collect();
        let mut padded = parts.clone();
        padded.resize(6, "*");
        let target: Vec<&str> = case.target.splitn(6, ':').collect();
        let head =
            |part: usize| like(&wild(&padded[part].to_lowercase()), &target[part].to_lowercase());
        if (0..5).all(head) && like(&expand(case, padded[5], new)?, target[5]) {
            return Some(true);
        }
        let pieces: Vec<&str> = case.target.split(':').collect();
        // A variable holds no colon of the pattern's own.
        let parts = match parts.iter().position(|part| part.contains("${")) {
            Some(at) if at < 5 => pattern.splitn(at + 1, ':').collect(),
            _ => parts,
        };
        spread(case, &parts, false, &pieces, new)
    };
    let mut answers = element.values.iter().map(covers);
    match element.negated {
        true => answers.all(|answer| answer == Some(false)),
        false => answers.any(|answer| answer == Some(true)),
    }
}

/// Whether the pattern's parts cover the pieces between the target's colons:
/// the last part takes all that are left, another one as many as it likes where
/// it ends with `*`, else one. Behind such a `*` (`loose`) letters do not fold.
fn spread(case: &Case, parts: &[&str], loose: bool, pieces: &[&str], new: bool) -> Option<bool> {
    let Some((part, parts)) = parts.split_first() else { return Some(false) };
    let Some(piece) = pieces.first() else { return Some(false) };
    if parts.is_empty() {
        return if loose {
            Some(like(&expand(case, part, new)?, &pieces.join(":")))
        } else {
            Some(false)
        };
    }
    let fold = |text: &str| if loose { text.to_owned() } else { text.to_lowercase() };
    if !like(&wild(&fold(part)), &fold(piece)) {
        return Some(false);
    }
    let ends = part.ends_with('*');
    let most = if ends { pieces.len() } else { 1 };
    for taken in 1..=most {
        if spread(case, parts, loose || ends, &pieces[taken..], new)? {
            return Some(true);
        }
    }
    Some(false)
}

/// The text as a pattern in which what came from a variable is literal:
/// wildcards become private characters first. `None`: a variable has no
/// value.
fn expand(case: &Case, text: &str, new: bool) -> Option<String> {
    let Some((before, rest)) = text.split_once("${").filter(|_| new) else {
        return Some(wild(text));
    };
    let (name, after) = rest.split_once('}').unwrap();
    let value = match name {
        "*" => "*",
        _ => {
            let (key, default) = match name.split_once(", ") {
                Some((key, default)) => (key, Some(default.trim_matches('\''))),
                None => (name, None),
            };
            match case.context.get(key) {
                Some(Held::One(value)) => value,
                _ => default?,
            }
        }
    };
    Some(wild(before) + value + &wild(after))
}

fn holds(case: &Case, test: &Test, new: bool, allow: bool) -> bool {
    let all = test.operator.starts_with("ForAllValues:");
    let any = test.operator.starts_with("ForAnyValue:");
    let base = test.operator.rsplit(':').next().unwrap();
    let (base, if_exists) = match base.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (base, false),
    };
    let held: Option<(&[&str], bool)> = match case.context.get(test.key) {
        None => None,
        Some(Held::Many(values)) if values.is_empty() => None,
        Some(Held::Many(values)) => Some((values, true)),
        Some(Held::One(value)) => Some((std::slice::from_ref(value), false)),
    };
    if base == "Null" {
        let absent = if held.is_none() { "true" } else { "false" };
        return test.values.contains(&absent);
    }
    let negated = base.contains("Not");
    let base = base.replace("Not", "");
    let Some((held, list)) = held else {
        return if_exists || all || (negated && !any);
    };
    let passes = |value: &&str| {
        let answers: Vec<Option<bool>> =
            test.values.iter().map(|wanted| equal(case, &base, wanted, value, new)).collect();
        // What cannot be compared with anything passes no test of an Allow, and
        // all of a Deny.
        match answers.iter().any(Option::is_some) {
            true => answers.contains(&Some(true)) != negated,
            false => !allow,
        }
    };
    if all {
        return held.iter().all(|value| value.is_empty()) || held.iter().all(passes);
    }
    // Without a set operator a list passes no test.
    (any || !list) && held.iter().any(passes)
}

/// Whether the values are equal, in the operator's sense without its
/// negation; `None` when they cannot be compared.
fn equal(case: &Case, base: &str, wanted: &str, value: &str, new: bool) -> Option<bool> {
    let ordered = |wanted: f64, value: f64| match base {
        _ if base.ends_with("LessThan") => value < wanted,
        _ if base.ends_with("LessThanEquals") => value <= wanted,
        _ if base.ends_with("GreaterThan") => value > wanted,
        _ if base.ends_with("GreaterThanEquals") => value >= wanted,
        _ => value == wanted,
    };
    match base {
        "StringEquals" | "StringEqualsIgnoreCase" => {
            let Some(wanted) = expand(case, wanted, new) else { return Some(false) };
            let wanted = wanted.replace('\u{1}', "*").replace('\u{2}', "?");
            Some(match base {
                "StringEquals" => wanted == value,
                _ => wanted.to_lowercase() == value.to_lowercase(),
            })
        }
        "StringLike" => Some(expand(case, wanted, new).is_some_and(|wanted| like(&wanted, value))),
        "Bool" => Some(wanted.to_lowercase() == value.to_lowercase()),
        "BinaryEquals" => {
            let bytes = |text: &str| match text {
                "YQ==" | "a" => Some("a"),
                "YWI=" => Some("ab"),
                _ => None,
            };
            Some(bytes(wanted)? == bytes(value)?)
        }
        number if number.starts_with("Numeric") => {
            Some(ordered(wanted.parse().ok()?, value.parse().ok()?))
        }
        date if date.starts_with("Date") => Some(ordered(seconds(wanted)?, seconds(value)?)),
        "IpAddress" => {
            let value: IpAddr = value.parse().ok()?;
            let (network, bits) = wanted.split_once('/').unwrap_or((wanted, "32"));
            let (network, bits): (IpAddr, u32) = (network.parse().ok()?, bits.parse().ok()?);
            match (network, value) {
                (IpAddr::V4(_), _) if bits > 32 => None,
                (IpAddr::V4(a), IpAddr::V4(b)) => {
                    let shift = 32 - bits;
                    Some(u64::from(u32::from(a)) >> shift == u64::from(u32::from(b)) >> shift)
                }
                (IpAddr::V6(a), IpAddr::V6(b)) => {
                    Some(u128::from(a) >> (128 - bits) == u128::from(b) >> (128 - bits))
                }
                _ => Some(false),
            }
        }
        "ArnLike" | "ArnEquals" => {
            let value: Vec<&str> = value.splitn(6, ':').collect();
            let wanted = match expand(case, wanted, new) {
                _ if value.len() < 6 || !wanted.starts_with("arn:") => return None,
                None => return Some(false),
                Some(wanted) => wanted,
            };
            Some(wanted.splitn(6, ':').zip(&value).all(|(wanted, value)| like(wanted, value)))
        }
        other => panic!("{other} is not generated"),
    }
}

/// The instants of the cases, in seconds since 1970, as a calendar has them.
fn seconds(date: &str) -> Option<f64> {
    match date {
        "2020-01-01T00:00:00Z" | "2020-01-01" | "1577836800" => Some(1_577_836_800.0),
        "2019-12-31T23:59:59.5Z" => Some(1_577_836_799.5),
        "2021-01-01" => Some(1_609_459_200.0),
        "2020-06-01T12:00:00+02:00" | "2020-06-01T10:00:00Z" => Some(1_591_005_600.0),
        _ => None,
    }
}

/// Wildcards as private characters.
fn wild(text: &str) -> String {
    text.replace('*', "\u{1}").replace('?', "\u{2}")
}

/// Whether the text is like the pattern, whose wildcards are private
/// characters.
fn like(pattern: &str, text: &str) -> bool {
    let mut rest = text.chars();
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('\u{1}') => {
            like(&pattern[1..], text) || (rest.next().is_some() && like(pattern, rest.as_str()))
        }
        Some('\u{2}') => rest.next().is_some() && like(&pattern[1..], rest.as_str()),
        Some(letter) => rest.next() == Some(letter) && like(&pattern[1..], rest.as_str()),
    }
}
