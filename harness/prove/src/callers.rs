//! Who may ask: one caller, or all that policies tell apart.

use std::collections::{BTreeSet, HashSet};

use ringfence_policy::symbolic::{Named, StatementView};
use ringfence_policy::{Context, Policies, Principal, Values};

use crate::alike::distinct;
use crate::names::{Keys, Names, Stands, keys, keys_of, mentioned, sent};

/// A caller, or one of some that the policies do not tell apart by their names.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// Whether the caller may be of any account that no policy names.
    pub(crate) any_account: bool,
    /// What the caller decides of the condition keys.
    pub(crate) keys: Keys,
}

/// The account of callers of any account, in a witness where the question names nobody;
/// no policy names it.
pub const SOME_ACCOUNT: &str = "100000000001";
/// Another account than any caller's.
pub const OTHER_ACCOUNT: &str = "100000000002";

/// Keys of which users have other values than sessions of roles
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
const USERS: [&str; 2] = ["aws:userid", "aws:username"];

/// One caller. The condition keys that name the caller are constants
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
pub(crate) fn one(principal: &Principal) -> Caller {
    let (fixed, sent) = (keys(principal), sent(principal));
    let keys = Keys { fixed, sent, ..Keys::default() };
    Caller { keys, principal: principal.clone(), any_account: false }
}

/// A name that nobody whom the policies name has.
fn fresh<'n>(named: impl Iterator<Item = &'n str>) -> String {
    let parts = |text: &'n str| text.split(['/', ':', '.']);
    let taken: HashSet<&str> = named.flat_map(parts).collect();
    let mut name = "x".to_owned();
    while taken.contains(&*name) {
        name.push('x');
    }
    name
}

/// All callers that the policies tell apart. Who has policies of its own is a
/// user or the session of a role; where there is only the resource's policy,
/// anybody asks.
pub(crate) fn all(
    policies: [&Policies; 2],
    statements: &[StatementView<'_>],
    accounts: &BTreeSet<String>,
) -> Vec<Caller> {
    let has_own = policies
        .iter()
        .any(|all| !all.identity.is_empty() || all.boundary.is_some() || all.session.is_some());
    let has_session = policies.iter().any(|all| all.session.is_some());
    let organized = policies
        .iter()
        .any(|all| !all.service_control.is_empty() || !all.resource_control.is_empty());
    let named: BTreeSet<Named<'_>> = statements.iter().flat_map(|one| one.principals()).collect();
    let asked_for = mentioned(statements);
    let names_principals = names_principals(statements);
    // A user has other ids than a session of a role, which has no `aws:username`.
    let tells_kinds =
        names_principals || USERS.iter().any(|key| asked_for.contains(*key)) || has_session;
    let arns = named_set(statements);
    let x = fresh(named.iter().map(|one| match one {
        Named::Account(text) | Named::Arn(text) | Named::Service(text) | Named::Federated(text) => {
            *text
        }
    }));
    let mut principals: Vec<(Principal, Stands)> = Vec::new();
    let user = |account: &str| Principal::User { arn: format!("arn:aws:iam::{account}:user/{x}") };
    let session = |account: &str, role: &str| Principal::RoleSession {
        role_arn: format!("arn:aws:iam::{account}:role/{role}"),
        session_arn: format!(
            "arn:aws:sts::{account}:assumed-role/{}/{x}",
            role.rsplit('/').next().unwrap_or(role)
        ),
    };
    let linked = format!("aws-service-role/x.amazonaws.com/{x}");
    let mut of_account = |account: &str, any: bool| {
        let any = if any { Stands::Anybody } else { Stands::Account };
        principals.push((user(account), any));
        if tells_kinds {
            principals.push((session(account, &x), any));
        }
        // Nobody but AWS writes the policies of a service-linked role.
        if organized && !has_own {
            principals.push((session(account, &linked), any));
        }
        if has_session || !has_own {
            let arn = format!("arn:aws:sts::{account}:federated-user/{x}");
            let user_arn = format!("arn:aws:iam::{account}:user/{x}");
            principals.push((Principal::FederatedUser { arn, user_arn }, any));
        }
        if !has_own {
            principals.push((Principal::Root { account_id: account.to_owned() }, any));
        }
    };
    of_account(SOME_ACCOUNT, true);
    accounts.iter().for_each(|account| of_account(account, false));
    let roles = named_arns(&arns);
    principals.extend(named.iter().filter_map(|named| match named {
        Named::Arn(arn) => of_arn(arn, &roles, &x),
        _ => None,
    }));
    if has_session || !has_own {
        principals.extend(arns.iter().filter_map(|arn| issued_by(arn, &x)));
    }
    if !has_own && names_principals {
        let services = named.iter().filter_map(|named| match named {
            Named::Service(name) => Some((*name).to_owned()),
            _ => None,
        });
        principals.extend(services.map(|name| (Principal::Service { name }, Stands::Itself)));
        let name = format!("{x}.amazonaws.com");
        principals.push((Principal::Service { name }, Stands::Account));
        let providers = named.iter().filter_map(|named| match named {
            Named::Federated(arn) => Some((*arn).to_owned()),
            _ => None,
        });
        let other = format!("arn:aws:iam::{SOME_ACCOUNT}:oidc-provider/{x}");
        let providers = providers.chain([other]);
        principals.extend(
            providers.map(|provider_arn| (Principal::WebIdentity { provider_arn }, Stands::Itself)),
        );
        principals.push((Principal::Anonymous, Stands::Itself));
    }
    let names = Names::of(&named, accounts);
    let caller = |(principal, stands)| {
        let mut keys = keys_of(&principal, stands, &names);
        keys.sent = sent(&principal);
        // What no policy asks for makes no difference.
        keys.fixed.retain(|key, _| asked_for.contains(key));
        keys.shapes.retain(|key, _| asked_for.contains(key));
        keys.sent.retain(|key, _| asked_for.contains(key));
        Caller { principal, any_account: stands == Stands::Anybody, keys }
    };
    distinct(principals.into_iter().map(caller).collect(), statements, policies)
}

/// Whether any statement tells callers apart by who they are.
fn names_principals(statements: &[StatementView<'_>]) -> bool {
    statements.iter().any(|one| one.has_principals())
        || mentioned(statements).iter().any(|key| key.starts_with("aws:principal"))
}

/// The accounts by which callers are told apart: of which account what is acted upon is
/// matters to none of them where nothing says who asks.
pub(crate) fn accounts_of_callers(
    policies: [&Policies; 2],
    statements: &[StatementView<'_>],
) -> BTreeSet<String> {
    let bound = policies.into_iter().filter_map(|all| all.resource_control_of.as_deref());
    let mut all: BTreeSet<String> = bound.map(str::to_owned).collect();
    if names_principals(statements) {
        all.extend(accounts(statements));
    }
    all
}

/// A federated user whose session a user made that is named.
fn issued_by(user_arn: &str, name: &str) -> Option<(Principal, Stands)> {
    let account = user_arn.split(':').nth(4).filter(|_| user_arn.contains(":user/"))?;
    let partition = user_arn.split(':').nth(1)?;
    let arn = format!("arn:{partition}:sts::{account}:federated-user/{name}");
    let user_arn = user_arn.to_owned();
    Some((Principal::FederatedUser { arn, user_arn }, Stands::Account))
}

fn named_set<'p>(statements: &[StatementView<'p>]) -> Vec<&'p str> {
    let all = statements.iter().flat_map(|one| one.principals());
    all.filter_map(|named| if let Named::Arn(arn) = named { Some(arn) } else { None }).collect()
}

/// The roles among them, by account and name.
fn named_arns<'p>(all: &[&'p str]) -> Vec<&'p str> {
    all.iter().filter(|arn| arn.contains(":role/")).copied().collect()
}

/// The caller that an ARN names; of a session whose role is named as well, with
/// the role's path, else with any.
fn of_arn(arn: &str, roles: &[&str], fresh: &str) -> Option<(Principal, Stands)> {
    let mut parts = arn.splitn(6, ':').skip(1);
    let (partition, service, _, account) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (kind, rest) = parts.next()?.split_once('/')?;
    let name = rest.rsplit('/').next().unwrap_or(rest);
    match (service, kind) {
        ("iam", "user") => Some((Principal::User { arn: arn.to_owned() }, Stands::Itself)),
        ("iam", "role") => {
            let session_arn = format!("arn:{partition}:sts::{account}:assumed-role/{name}/{fresh}");
            let role_arn = arn.to_owned();
            Some((Principal::RoleSession { role_arn, session_arn }, Stands::Itself))
        }
        ("sts", "assumed-role") => {
            let (role, _) = rest.split_once('/')?;
            let ends = format!("/{role}");
            let prefix = format!("arn:{partition}:iam::{account}:role/");
            let known =
                roles.iter().find(|known| known.starts_with(&prefix) && known.ends_with(&ends));
            let stands = if known.is_some() { Stands::Itself } else { Stands::Account };
            let role_arn =
                known.map_or_else(|| format!("{prefix}{role}"), |known| (*known).to_owned());
            Some((Principal::RoleSession { role_arn, session_arn: arn.to_owned() }, stands))
        }
        ("sts", "federated-user") => {
            let user_arn = format!("arn:{partition}:iam::{account}:user/{fresh}");
            let arn = arn.to_owned();
            Some((Principal::FederatedUser { arn, user_arn }, Stands::Itself))
        }
        _ => None,
    }
}

/// The caller that is named like these keys, of the kind and account of another.
pub(crate) fn called(like: &Principal, context: &Context) -> Option<Principal> {
    let one = |key: &str| match context.get(key) {
        Some(Values::One(text)) => Some(text.as_str()),
        _ => None,
    };
    if let Principal::Service { .. } = like {
        let name = one("aws:principalservicename").filter(|name| !name.is_empty())?;
        return Some(Principal::Service { name: name.to_owned() });
    }
    let arn = one("aws:principalarn");
    let stated = arn.and_then(|arn| arn.split(':').nth(4)).or(one("aws:principalaccount"));
    let stated = stated.or(match like {
        Principal::Root { .. } => one("aws:userid"),
        _ => None,
    });
    let account = stated.or(like.account_id())?;
    // A text of few characters is of no partition.
    let of = |kind: &str, service: &str, own: &str| match arn.and_then(|it| it.split_once(kind)) {
        Some((_, "")) | None => format!("arn:aws:{service}::{account}{kind}{own}"),
        Some((before, name)) => match before.split(':').nth(1) {
            Some("") | None => format!("arn:aws:{service}::{account}{kind}{name}"),
            Some(partition) => format!("arn:{partition}:{service}::{account}{kind}{name}"),
        },
    };
    let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    Some(match like {
        Principal::Root { .. } => Principal::Root { account_id: account.to_owned() },
        Principal::User { arn } => {
            let own = one("aws:username").map_or_else(|| last(arn), str::to_owned);
            Principal::User { arn: of(":user/", "iam", &own) }
        }
        Principal::RoleSession { role_arn, session_arn } => {
            let (_, path) = role_arn.split_once(":role/")?;
            let role = of(":role/", "iam", path);
            let partition = role.split(':').nth(1)?;
            let (name, session) = (last(&role), last(session_arn));
            let session_arn =
                format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}");
            Principal::RoleSession { session_arn, role_arn: role }
        }
        Principal::FederatedUser { arn, user_arn } => {
            let session = of(":federated-user/", "sts", &last(arn));
            let (_, user) = user_arn.split_once(":user/")?;
            let user_arn = format!("arn:aws:iam::{account}:user/{user}");
            Principal::FederatedUser { arn: session, user_arn }
        }
        Principal::Service { .. } | Principal::WebIdentity { .. } | Principal::Anonymous => {
            return None;
        }
    })
}

/// The accounts that policies name as principals, or as owners of resources.
pub(crate) fn accounts(statements: &[StatementView<'_>]) -> BTreeSet<String> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|one| one.is_ascii_digit());
    let fifth = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
    let principals = statements.iter().flat_map(|one| one.principals());
    let principals = principals.filter_map(|named| match named {
        Named::Account(id) => Some(id.to_owned()),
        Named::Arn(arn) | Named::Federated(arn) => fifth(arn),
        Named::Service(_) => None,
    });
    let resources = statements.iter().flat_map(|one| one.resources());
    let resources = resources.filter_map(|pattern| fifth(pattern.source()));
    let conditions = statements.iter().flat_map(|one| one.conditions());
    let conditions = conditions.filter(|one| one.lower_key().starts_with("aws:principal"));
    let values = conditions.flat_map(|one| one.values().iter().map(|text| (**text).to_owned()));
    let values = values.flat_map(|text| fifth(&text).into_iter().chain([text]));
    principals.chain(resources).chain(values).filter(|account| is_account(account)).collect()
}

/// How a caller is written in a line.
pub(crate) fn written(principal: &Principal) -> String {
    match principal {
        Principal::Root { account_id } => format!("arn:aws:iam::{account_id}:root"),
        Principal::User { arn } | Principal::FederatedUser { arn, .. } => arn.clone(),
        // A session of a role with a path does not show the path, and of a service-linked role
        // it is the path that counts.
        Principal::RoleSession { role_arn, session_arn } => {
            let is_linked = role_arn.contains(":role/aws-service-role/");
            let has_path = role_arn.matches('/').count() > 1;
            match is_linked || has_path && session_arn.ends_with('/') {
                true => role_arn.clone(),
                false => session_arn.clone(),
            }
        }
        Principal::WebIdentity { provider_arn } => provider_arn.clone(),
        Principal::Service { name } => name.clone(),
        Principal::Anonymous => "*".to_owned(),
    }
}
