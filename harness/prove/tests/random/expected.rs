//! Which requests there are, as `docs/compare.md` says it, written down a second time.

use std::collections::BTreeMap;

use ringfence_models::actions;
use ringfence_policy::{Policies, Principal, ValueType, Values};
use ringfence_prove::{Universe, Witness};

use super::dice::Dice;

/// Who may ask.
pub(crate) struct Callers {
    /// Whether somebody has policies of an identity.
    has_own: bool,
}

const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "999999999999"];

impl Callers {
    pub(crate) fn of(policies: [&Policies; 2], _universe: Universe) -> Self {
        let has_own = |all: &&Policies| {
            !all.identity.is_empty() || all.boundary.is_some() || all.session.is_some()
        };
        Self { has_own: policies.iter().any(has_own) }
    }

    /// Whether somebody is one of those who may ask.
    pub(crate) fn may_be(&self, principal: &Principal) -> bool {
        !self.has_own
            || matches!(
                principal,
                Principal::User { .. }
                    | Principal::RoleSession { .. }
                    | Principal::FederatedUser { .. }
            )
    }

    /// One of them: who is named, or somebody else.
    pub(crate) fn any(&self, dice: &mut Dice, named: &[String]) -> Option<Principal> {
        if dice.one_in(2)
            && let Some(name) = dice.any(named)
            && let Some(principal) = called(name)
        {
            return Some(principal).filter(|it| self.may_ask(it));
        }
        let account = dice.one_of(&ACCOUNTS);
        let name = dice.one_of(&["alice", "team/bob", "worker", "admin", "zed"]);
        let last = name.rsplit('/').next()?;
        let principal = match dice.below(if self.has_own { 2 } else { 7 }) {
            0 => Principal::User { arn: format!("arn:aws:iam::{account}:user/{name}") },
            1 => Principal::RoleSession {
                role_arn: format!("arn:aws:iam::{account}:role/{name}"),
                session_arn: format!("arn:aws:sts::{account}:assumed-role/{last}/s1"),
            },
            2 => Principal::Root { account_id: account.to_owned() },
            3 => Principal::FederatedUser {
                arn: format!("arn:aws:sts::{account}:federated-user/{last}"),
                user_arn: format!("arn:aws:iam::{account}:user/{name}"),
            },
            4 => Principal::Service { name: format!("{last}.amazonaws.com") },
            5 => Principal::Service { name: "sns.amazonaws.com".to_owned() },
            _ => Principal::Anonymous,
        };
        Some(principal)
    }

    fn may_ask(&self, principal: &Principal) -> bool {
        !self.has_own || matches!(principal, Principal::User { .. } | Principal::RoleSession { .. })
    }
}

/// Who is called so in a policy.
fn called(name: &str) -> Option<Principal> {
    if name.ends_with(":root") || !name.contains([':', '.']) {
        let account = name.split(':').nth(4).unwrap_or(name);
        return (account.len() == 12)
            .then(|| Principal::User { arn: format!("arn:aws:iam::{account}:user/zed") });
    }
    if let Some((before, role)) = name.split_once(":role/") {
        let account = before.split(':').nth(4)?;
        let last = role.rsplit('/').next()?;
        return Some(Principal::RoleSession {
            role_arn: name.to_owned(),
            session_arn: format!("arn:aws:sts::{account}:assumed-role/{last}/s2"),
        });
    }
    ringfence_policy::jsonl::principal(name).ok()
}

/// The condition keys that the caller decides: absent, or one value
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
pub(crate) fn keys(principal: &Principal) -> BTreeMap<&'static str, Option<String>> {
    let account = principal.account_id().map(str::to_owned);
    let of = |arn: Option<String>, kind: &str, name: Option<String>| {
        BTreeMap::from([
            ("aws:principalarn", arn),
            ("aws:principalaccount", account.clone()),
            ("aws:principaltype", Some(kind.to_owned())),
            ("aws:username", name),
            ("aws:principalisawsservice", Some("false".to_owned())),
            ("aws:principalservicename", None),
            ("aws:principalservicenameslist", None),
        ])
    };
    match principal {
        Principal::Root { account_id } => {
            let mut all = of(Some(format!("arn:aws:iam::{account_id}:root")), "Account", None);
            all.insert("aws:userid", Some(account_id.clone()));
            all
        }
        Principal::User { arn } => {
            of(Some(arn.clone()), "User", arn.rsplit('/').next().map(str::to_owned))
        }
        Principal::RoleSession { role_arn, .. } => of(Some(role_arn.clone()), "AssumedRole", None),
        Principal::FederatedUser { arn, .. } => of(Some(arn.clone()), "FederatedUser", None),
        Principal::Service { name } => BTreeMap::from([
            ("aws:principalisawsservice", Some("true".to_owned())),
            ("aws:principalservicename", Some(name.clone())),
            ("aws:username", None),
        ]),
        Principal::WebIdentity { .. } => BTreeMap::new(),
        Principal::Anonymous => BTreeMap::from([
            ("aws:principaltype", Some("Anonymous".to_owned())),
            ("aws:principalarn", None),
            ("aws:principalaccount", None),
            ("aws:username", None),
            ("aws:userid", None),
        ]),
    }
}

/// Whether a key that is always there of a caller, and says nothing of who it is, may hold
/// a text.
fn may_send(principal: &Principal, key: &str, text: &str) -> Option<bool> {
    let digits = |text: &str| text.len() == 12 && text.bytes().all(|one| one.is_ascii_digit());
    match (key, principal) {
        ("aws:userid", Principal::User { .. }) => {
            Some(text.strip_prefix("AIDA").is_some_and(|rest| !rest.is_empty()))
        }
        ("aws:userid", Principal::RoleSession { .. }) => {
            let session = text.strip_prefix("AROA").and_then(|rest| rest.split_once(':'));
            Some(session.is_some_and(|(id, name)| !id.is_empty() && !name.is_empty()))
        }
        ("aws:userid", Principal::FederatedUser { .. }) => {
            let session = text.split_once(':');
            Some(session.is_some_and(|(account, name)| digits(account) && !name.is_empty()))
        }
        ("aws:tokenissuetime", Principal::RoleSession { .. } | Principal::FederatedUser { .. }) => {
            Some(ValueType::Date.admits(text))
        }
        _ => None,
    }
}

/// A text of a key that is always there of a caller.
pub(crate) fn sent(
    dice: &mut Dice,
    principal: &Principal,
    key: &str,
    value: &mut dyn FnMut(&mut Dice) -> String,
) -> Option<String> {
    may_send(principal, key, "")?;
    let known = ["AIDAX", "AROAX:s1", "AROAX:alice", "111122223333:alice", "2020-01-01T00:00:00Z"];
    for _ in 0..8 {
        let text = value(dice);
        if may_send(principal, key, &text) == Some(true) {
            return Some(text);
        }
    }
    known.iter().find(|text| may_send(principal, key, text) == Some(true)).map(|it| (*it).into())
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Lists {
    Never,
    Always,
    Maybe,
}

/// What a condition key may be.
pub(crate) struct Rule {
    pub(crate) is_always: bool,
    pub(crate) lists: Lists,
    is_never: bool,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Any,
    Value(ValueType),
    Flag,
    Account,
    Arn,
}

impl Rule {
    pub(crate) fn admits(&self, text: &str) -> bool {
        match self.kind {
            _ if self.is_never => false,
            Kind::Any => true,
            Kind::Flag => text == "true" || text == "false",
            Kind::Value(kind) => kind.admits(text),
            Kind::Account => text.len() == 12 && text.bytes().all(|one| one.is_ascii_digit()),
            Kind::Arn => text.starts_with("arn:") && text.matches(':').count() >= 5,
        }
    }
}

/// Keys of every service, by type; whether each request has them, and whether a text is
/// theirs of whatever action
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>).
const GLOBAL: [(&str, Kind, bool, bool); 13] = [
    ("aws:currenttime", Kind::Value(ValueType::Date), true, true),
    ("aws:epochtime", Kind::Value(ValueType::Date), true, true),
    ("aws:tokenissuetime", Kind::Value(ValueType::Date), false, true),
    ("aws:securetransport", Kind::Flag, true, true),
    ("aws:multifactorauthpresent", Kind::Flag, false, true),
    ("aws:principalisawsservice", Kind::Flag, false, true),
    ("aws:multifactorauthage", Kind::Value(ValueType::Numeric), false, true),
    ("aws:sourceip", Kind::Value(ValueType::Ip), false, true),
    ("aws:vpcsourceip", Kind::Value(ValueType::Ip), false, true),
    ("aws:requestedregion", Kind::Any, true, true),
    ("aws:useragent", Kind::Any, true, true),
    ("aws:principalarn", Kind::Arn, false, false),
    ("aws:sourcearn", Kind::Arn, false, false),
];

/// What a key may be in a request for an action.
pub(crate) fn rule(action: &str, key: &str, universe: Universe) -> Rule {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let service = service.to_ascii_lowercase();
    let is_known = actions::of(&service).is_some();
    let of_most = match key {
        "aws:resourceaccount" => Some(Kind::Account),
        "aws:viaawsservice" => Some(Kind::Flag),
        _ => None,
    };
    if let Some(kind) = of_most {
        // Those of which AWS names exceptions: taken for there, which all may be.
        let is_any = kind == Kind::Account && !is_known && universe != Universe::Catalogue;
        let kind = if is_any { Kind::Any } else { kind };
        return Rule { is_always: true, lists: Lists::Never, is_never: false, kind };
    }
    let global = GLOBAL.iter().find(|(known, ..)| *known == key);
    let is_always = global.is_some_and(|(_, _, always, _)| *always);
    let known = actions::of(&service).and_then(|it| Some((it, it.action(name)?)));
    let is_never = known.is_some_and(|(prefix, action)| prefix.never_sends(action, key));
    match (universe, global) {
        (Universe::Sent, _) if is_never => {
            Rule { is_always, lists: Lists::Never, is_never, kind: Kind::Any }
        }
        (Universe::All | Universe::Sent, Some((_, kind, _, true))) => {
            Rule { is_always, lists: Lists::Never, is_never: false, kind: *kind }
        }
        (Universe::All | Universe::Sent, _) => {
            Rule { is_always, lists: Lists::Maybe, is_never: false, kind: Kind::Any }
        }
        (Universe::Catalogue, _) => {
            let is_carried = known.is_some_and(|(prefix, action)| prefix.carries(action, key));
            let own = known.and_then(|(prefix, _)| prefix.key_type(key)).unwrap_or("String");
            let own = if key == "aws:tagkeys" { "ArrayOfString" } else { own };
            let (lists, own) = match own.strip_prefix("ArrayOf") {
                Some(own) => (Lists::Always, own),
                None => (Lists::Never, own),
            };
            let own = match own {
                "Bool" | "Boolean" => Kind::Flag,
                "Numeric" | "Long" | "Integer" => Kind::Value(ValueType::Numeric),
                "Date" => Kind::Value(ValueType::Date),
                "IPAddress" | "IpAddress" => Kind::Value(ValueType::Ip),
                "Binary" => Kind::Value(ValueType::Binary),
                "ARN" | "Arn" => Kind::Arn,
                _ => Kind::Any,
            };
            let kind = global.map_or(own, |(_, kind, ..)| *kind);
            let lists = if global.is_some() { Lists::Never } else { lists };
            Rule { is_always, lists, is_never: !is_always && !is_carried, kind }
        }
    }
}

/// Why something is no request.
pub(crate) fn is_none(witness: &Witness, universe: Universe) -> Option<String> {
    let Some((service, name)) = witness.action.split_once(':') else {
        return Some("the action has no service".to_owned());
    };
    let is_name = |one: char| one.is_ascii_alphanumeric() || one == '-';
    if name.is_empty() || service.is_empty() || !name.chars().all(is_name) {
        return Some(format!("`{}` is no action", witness.action));
    }
    let resource = &witness.resource;
    if resource != "*" && (!resource.starts_with("arn:") || resource.matches(':').count() < 5) {
        return Some(format!("`{resource}` is no ARN"));
    }
    let fixed = keys(&witness.principal);
    for key in witness.context.keys() {
        let held = witness.context.get(key);
        let lower = key.to_ascii_lowercase();
        if let Some(expected) = fixed.get(lower.as_str()) {
            let same = match (held, expected) {
                (Some(Values::One(text)), Some(expected)) => text == expected,
                (None, None) => true,
                _ => false,
            };
            if !same {
                return Some(format!("`{key}` is not that of who asks: {expected:?}"));
            }
            continue;
        }
        let rule = rule(&witness.action, &lower, universe);
        let (texts, is_list) = match held {
            None => continue,
            Some(Values::One(text)) => (std::slice::from_ref(text), false),
            Some(Values::Many(texts)) => (texts.as_slice(), true),
        };
        let [first, ..] = texts else { continue };
        if let Some(may) = may_send(&witness.principal, &lower, first) {
            if !may || is_list {
                return Some(format!("`{key}` holds {texts:?} of nobody"));
            }
            continue;
        }
        let is_form = match rule.lists {
            Lists::Never => !is_list,
            Lists::Always => is_list,
            Lists::Maybe => true,
        };
        // Of which services each request has it, `All` does not say.
        if universe != Universe::Catalogue && lower == "aws:resourceaccount" {
            continue;
        }
        if !is_form || !texts.iter().all(|text| rule.admits(text)) {
            return Some(format!("`{key}` never holds {texts:?}"));
        }
    }
    let fits = universe != Universe::Catalogue || is_of_catalogue(service, name, resource);
    (!fits).then(|| format!("`{}` does not act upon `{resource}`", witness.action))
}

/// Whether an action of the reference acts upon an ARN, or upon nothing.
fn is_of_catalogue(service: &str, name: &str, resource: &str) -> bool {
    let Some((prefix, action)) = actions::of(service).and_then(|it| Some((it, it.action(name)?)))
    else {
        return false;
    };
    if resource == "*" {
        return action.resources.iter().all(|one| !one.required);
    }
    let kinds = action.resources.iter().filter_map(|one| prefix.resource_type(one.name));
    let formats: Vec<&str> = kinds.flat_map(|kind| kind.arn.iter().copied()).collect();
    formats.iter().any(|format| is_like(format, resource, 0))
}

/// Whether a text is of a format: an account is twelve digits, a bucket's name and an id of
/// EC2 have no slash, parts before the resource no colon, and whatever else varies is a text.
fn is_like(format: &str, text: &str, colons: usize) -> bool {
    if let Some((name, after)) = format.strip_prefix("${").and_then(|it| it.split_once('}')) {
        let ends = text.char_indices().map(|(at, one)| at + one.len_utf8());
        let fits = |part: &str| match name {
            "Account" => part.len() == 12 && part.bytes().all(|one| one.is_ascii_digit()),
            _ if colons < 5 && part.contains(':') => false,
            "BucketName" => !part.contains('/'),
            _ => true,
        };
        let mut parts = ends.filter_map(|end| text.split_at_checked(end));
        return parts.any(|(part, rest)| fits(part) && is_like(after, rest, colons));
    }
    let mut rest = format.chars();
    let Some(first) = rest.next() else { return text.is_empty() };
    let rest = rest.as_str();
    if first == '*' {
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let mut after = ends.filter_map(|end| text.get(end..));
        return after.any(|after| is_like(rest, after, colons));
    }
    let mut after = text.chars();
    let Some(one) = after.next() else { return false };
    let same = if colons < 5 { one.eq_ignore_ascii_case(&first) } else { one == first };
    same && is_like(rest, after.as_str(), colons + usize::from(one == ':'))
}

/// What a reason names, without the names that are in it.
pub(crate) fn construct(reason: &str) -> String {
    let mut out = String::new();
    for (place, piece) in reason.split('`').enumerate() {
        out.push_str(if place % 2 == 0 { piece } else { "…" });
    }
    out
}
