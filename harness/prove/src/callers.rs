//! Who may ask: one caller, or all that policies tell apart.

use std::collections::{BTreeSet, HashMap};

use ringfence_policy::symbolic::{Named, StatementView};
use ringfence_policy::{Policies, Principal};

/// A caller, or all that are alike but for their account.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// Whether the caller may be of any account that no policy names.
    pub(crate) any_account: bool,
    /// The condition keys that the caller decides, in lower case: absent, or one
    /// value.
    pub(crate) keys: HashMap<String, Option<String>>,
}

/// The account of callers of any account; no policy should name it.
pub(crate) const SOME_ACCOUNT: &str = "100000000001";
/// Another account than any caller's.
pub(crate) const OTHER_ACCOUNT: &str = "100000000002";

/// One caller. The condition keys that name the caller are constants
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
pub(crate) fn one(principal: &Principal) -> Caller {
    Caller { keys: keys(principal), principal: principal.clone(), any_account: false }
}

fn keys(principal: &Principal) -> HashMap<String, Option<String>> {
    let mut keys: HashMap<String, Option<String>> = HashMap::new();
    let mut set = |key: &str, value: Option<&str>| {
        keys.insert(key.to_owned(), value.map(str::to_owned));
    };
    let account = principal.account_id();
    let root = account.map(|account| format!("arn:aws:iam::{account}:root"));
    let name = |arn: &str| arn.rsplit('/').next().map(str::to_owned);
    match principal {
        Principal::Root { account_id } => {
            set("aws:principalarn", root.as_deref());
            set("aws:principaltype", Some("Account"));
            set("aws:userid", Some(account_id));
            set("aws:username", None);
        }
        Principal::User { arn } => {
            set("aws:principalarn", Some(arn));
            set("aws:principaltype", Some("User"));
            set("aws:username", name(arn).as_deref());
        }
        Principal::RoleSession { role_arn, .. } => {
            set("aws:principalarn", Some(role_arn));
            set("aws:principaltype", Some("AssumedRole"));
            set("aws:username", None);
        }
        Principal::FederatedUser { arn, .. } => {
            set("aws:principalarn", Some(arn));
            set("aws:principaltype", Some("FederatedUser"));
            set("aws:username", None);
        }
        Principal::Service { name } => {
            set("aws:principalisawsservice", Some("true"));
            set("aws:principalservicename", Some(name));
            set("aws:username", None);
            return keys;
        }
        Principal::WebIdentity { .. } => return keys,
        Principal::Anonymous => {
            for key in ["aws:principalarn", "aws:principalaccount", "aws:username", "aws:userid"] {
                set(key, None);
            }
            set("aws:principaltype", Some("Anonymous"));
            return keys;
        }
    }
    set("aws:principalaccount", account);
    set("aws:principalisawsservice", Some("false"));
    set("aws:principalservicename", None);
    set("aws:principalservicenameslist", None);
    keys
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
    let names_principals = statements.iter().any(|one| one.has_principals());
    let mut principals: Vec<(Principal, bool)> = Vec::new();
    let user = |account: &str| Principal::User { arn: format!("arn:aws:iam::{account}:user/x") };
    let session = |account: &str, role: &str| Principal::RoleSession {
        role_arn: format!("arn:aws:iam::{account}:role/{role}"),
        session_arn: format!(
            "arn:aws:sts::{account}:assumed-role/{}/x",
            role.rsplit('/').next().unwrap_or(role)
        ),
    };
    let linked = "aws-service-role/x.amazonaws.com/x";
    let mut of_account = |account: &str, any: bool| {
        principals.push((user(account), any));
        if names_principals || has_session {
            principals.push((session(account, "x"), any));
        }
        // Nobody but AWS writes the policies of a service-linked role.
        if organized && !has_own {
            principals.push((session(account, linked), any));
        }
        if has_session || !has_own {
            let arn = format!("arn:aws:sts::{account}:federated-user/x");
            let user_arn = format!("arn:aws:iam::{account}:user/x");
            principals.push((Principal::FederatedUser { arn, user_arn }, any));
        }
        if !has_own {
            principals.push((Principal::Root { account_id: account.to_owned() }, any));
        }
    };
    of_account(SOME_ACCOUNT, true);
    if names_principals {
        accounts.iter().for_each(|account| of_account(account, false));
    }
    principals.extend(
        named
            .iter()
            .filter_map(|named| match named {
                Named::Arn(arn) => of_arn(arn, &named_arns(&named_set(statements))),
                _ => None,
            })
            .map(|principal| (principal, false)),
    );
    if !has_own && names_principals {
        let services = named.iter().filter_map(|named| match named {
            Named::Service(name) => Some((*name).to_owned()),
            _ => None,
        });
        let services = services.chain(["x.amazonaws.com".to_owned()]);
        principals.extend(services.map(|name| (Principal::Service { name }, false)));
        let providers = named.iter().filter_map(|named| match named {
            Named::Federated(arn) => Some((*arn).to_owned()),
            _ => None,
        });
        let other = format!("arn:aws:iam::{SOME_ACCOUNT}:oidc-provider/x");
        let providers = providers.chain([other]);
        principals
            .extend(providers.map(|provider_arn| (Principal::WebIdentity { provider_arn }, false)));
        principals.push((Principal::Anonymous, false));
    }
    principals
        .into_iter()
        .map(|(principal, any_account)| {
            let is_named = named.iter().any(|named| matches!(named, Named::Arn(_)));
            let keys = if any_account && !is_named { HashMap::new() } else { keys(&principal) };
            Caller { principal, any_account, keys }
        })
        .collect()
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
/// the role's path.
fn of_arn(arn: &str, roles: &[&str]) -> Option<Principal> {
    let mut parts = arn.splitn(6, ':').skip(1);
    let (partition, service, _, account) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (kind, rest) = parts.next()?.split_once('/')?;
    let name = rest.rsplit('/').next().unwrap_or(rest);
    match (service, kind) {
        ("iam", "user") => Some(Principal::User { arn: arn.to_owned() }),
        ("iam", "role") => Some(Principal::RoleSession {
            role_arn: arn.to_owned(),
            session_arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/x"),
        }),
        ("sts", "assumed-role") => {
            let (role, _) = rest.split_once('/')?;
            let ends = format!("/{role}");
            let prefix = format!("arn:{partition}:iam::{account}:role/");
            let known =
                roles.iter().find(|known| known.starts_with(&prefix) && known.ends_with(&ends));
            let role_arn =
                known.map_or_else(|| format!("{prefix}{role}"), |known| (*known).to_owned());
            Some(Principal::RoleSession { role_arn, session_arn: arn.to_owned() })
        }
        ("sts", "federated-user") => Some(Principal::FederatedUser {
            arn: arn.to_owned(),
            user_arn: format!("arn:{partition}:iam::{account}:user/{rest}"),
        }),
        _ => None,
    }
}

/// How a caller is written in a line.
pub(crate) fn written(principal: &Principal) -> String {
    match principal {
        Principal::Root { account_id } => format!("arn:aws:iam::{account_id}:root"),
        Principal::User { arn } | Principal::FederatedUser { arn, .. } => arn.clone(),
        // A session of a role with a path does not show the path.
        Principal::RoleSession { role_arn, session_arn } => {
            match role_arn.matches('/').count() > 1 && session_arn.ends_with('/') {
                true => role_arn.clone(),
                false => session_arn.clone(),
            }
        }
        Principal::WebIdentity { provider_arn } => provider_arn.clone(),
        Principal::Service { name } => name.clone(),
        Principal::Anonymous => "*".to_owned(),
    }
}
