//! Callers that no statement and no resource tells apart: one is enough.

use std::collections::{BTreeSet, HashMap, HashSet};

use ringfence_policy::symbolic::{Named, StatementView};
use ringfence_policy::{Policies, Principal, Wildcard};

use crate::callers::Caller;

/// So few callers are asked about one by one.
const FEW: usize = 32;

/// The kinds of callers that the engine itself tells apart.
type Sort = (std::mem::Discriminant<Principal>, [bool; 2]);

/// By which of its names each statement names a caller, and how resources know its account.
type Seen = (Sort, Vec<bool>, Vec<bool>, Option<String>);

/// Of callers with the same condition keys whom each statement names alike, and whose
/// accounts each entry of `Resource` treats alike, the first.
pub(crate) fn distinct(
    callers: Vec<Caller>,
    statements: &[StatementView<'_>],
    policies: [&Policies; 2],
) -> Vec<Caller> {
    if callers.len() <= FEW {
        return callers;
    }
    let accounts = Accounts::of(statements, policies);
    let named: Vec<HashSet<&str>> = statements.iter().map(|statement| names(*statement)).collect();
    let mut by_seen: HashMap<Seen, Vec<usize>> = HashMap::new();
    let mut kept: HashSet<usize> = HashSet::new();
    for (place, caller) in callers.iter().enumerate() {
        let all = by_seen.entry(seen(caller, &named, &accounts)).or_default();
        let is_known = all
            .iter()
            .filter_map(|other| callers.get(*other))
            .any(|other| other.keys == caller.keys && other.any_account == caller.any_account);
        if !is_known {
            all.push(place);
            kept.insert(place);
        }
    }
    let numbered = callers.into_iter().enumerate();
    numbered.filter(|(place, _)| kept.contains(place)).map(|(_, caller)| caller).collect()
}

/// Whom a statement names, everybody aside.
fn names<'p>(statement: StatementView<'p>) -> HashSet<&'p str> {
    let all = statement.principals().map(|named| match named {
        Named::Account(name) | Named::Arn(name) | Named::Service(name) | Named::Federated(name) => {
            name
        }
    });
    all.collect()
}

fn seen(caller: &Caller, named: &[HashSet<&str>], accounts: &Accounts) -> Seen {
    let principal = &caller.principal;
    let is_linked = matches!(principal, Principal::RoleSession { role_arn, .. }
        if role_arn.contains(":role/aws-service-role/"));
    let (own, is_of_root): (Vec<&str>, bool) = match principal {
        Principal::Root { .. } => (Vec::new(), true),
        Principal::User { arn } => (vec![arn], false),
        Principal::RoleSession { role_arn, session_arn } => (vec![role_arn, session_arn], false),
        Principal::FederatedUser { arn, user_arn } => {
            (vec![arn, user_arn], user_arn.ends_with(":root"))
        }
        Principal::WebIdentity { provider_arn } => (vec![provider_arn], false),
        Principal::Service { name } => (vec![name], false),
        Principal::Anonymous => (Vec::new(), false),
    };
    let sort = (std::mem::discriminant(principal), [is_linked, is_of_root]);
    let account = principal.account_id();
    // Names of services are so in whatever case.
    let is_lower = |name: &&str| !name.contains(':');
    let by = |all: &HashSet<&str>| {
        let has = |name: &&str| {
            all.contains(name)
                || (is_lower(name) && all.iter().any(|one| one.eq_ignore_ascii_case(name)))
        };
        own.iter().map(has).chain([account.is_some_and(|it| all.contains(it))]).collect::<Vec<_>>()
    };
    let named = named.iter().flat_map(by).collect();
    let (known, itself) = account.map(|account| accounts.see(account)).unwrap_or_default();
    (sort, named, known, itself)
}

/// What entries of `Resource` say of accounts.
struct Accounts {
    /// The patterns of their parts; `None` where a part may hang on it otherwise.
    parts: Option<Vec<Wildcard>>,
    /// Whose resources are bound by control policies.
    bound: Vec<String>,
}

impl Accounts {
    fn of(statements: &[StatementView<'_>], policies: [&Policies; 2]) -> Self {
        let mut parts: Option<BTreeSet<&str>> = Some(BTreeSet::new());
        for pattern in statements.iter().flat_map(|statement| statement.resources()) {
            let source = pattern.source();
            if source == "*" {
                continue;
            }
            let all: Vec<&str> = source.splitn(6, ':').collect();
            // A `*` before the account may go on into it, where something stands behind it.
            let goes_on = |part: &&str| part.trim_end_matches('*').contains('*');
            let is_plain = all.len() == 6 && !source.contains("${");
            match all.get(4).filter(|_| is_plain && !all.iter().take(4).any(goes_on)) {
                Some(part) => drop(parts.as_mut().map(|parts| parts.insert(part))),
                None => parts = None,
            }
        }
        let parts = parts.map(|parts| parts.into_iter().map(Wildcard::of_text).collect());
        let bound = policies.iter().filter_map(|all| all.resource_control_of.as_deref());
        Self { parts, bound: bound.map(str::to_owned).collect() }
    }

    /// Which patterns know an account, and the account itself where it counts.
    fn see(&self, account: &str) -> (Vec<bool>, Option<String>) {
        let is_bound = self.bound.iter().any(|bound| bound == account);
        match &self.parts {
            Some(parts) if !is_bound => {
                (parts.iter().map(|part| part.matches(account)).collect(), None)
            }
            _ => (Vec::new(), Some(account.to_owned())),
        }
    }
}
