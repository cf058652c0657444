//! The condition keys that follow from who asks, and those of callers that stand for
//! others: what is the same of all of them, and names that no policy has.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ringfence_policy::symbolic::{Named, StatementView};
use ringfence_policy::{Context, Principal, Values};

use crate::callers::accounts;
use crate::words::{Pattern, Symbol, literal, matches};

/// The condition keys that the caller decides, in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Absent, or one value.
    pub(crate) fixed: HashMap<String, Option<String>>,
    /// One value of some.
    pub(crate) shapes: BTreeMap<String, Shape>,
    /// One value of some, which says nothing of who asks.
    pub(crate) sent: BTreeMap<String, Shape>,
}

/// Texts that are like one pattern, and like none of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    like: Pattern,
    unlike: Vec<Pattern>,
    /// Whether it ends with a name.
    is_named: bool,
}

impl Shape {
    pub(crate) fn has(&self, text: &str) -> bool {
        matches(&self.like, text)
            && !self.unlike.iter().any(|one| matches(one, text))
            && (!self.is_named || text.rsplit('/').next().is_some_and(is_name))
    }

    /// A text of it in which another stands where most may: where each value counts by
    /// itself, one of its form for any other.
    pub(crate) fn with(&self, text: &str) -> String {
        let mut out = String::new();
        for symbol in &self.like {
            match *symbol {
                Symbol::Character(one) | Symbol::Letter(one) => out.push(one),
                Symbol::Digit => out.push('1'),
                Symbol::Many => out.push_str(text),
                Symbol::Any | Symbol::AnyInPart | Symbol::AnyInPath => out.push('x'),
                Symbol::ManyInPart | Symbol::ManyInPath => {}
            }
        }
        out
    }

    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        std::iter::once(&self.like).chain(&self.unlike)
    }
}

/// Whether a user, a role or a session may have a name
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names>).
fn is_name(text: &str) -> bool {
    text.chars().all(|one| one.is_ascii_alphanumeric() || "_+=,.@-".contains(one))
}

/// For whom a caller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    /// For nobody else.
    Itself,
    /// For those of its kind, and of its account where it has one, whom no policy names.
    Account,
    /// For those of any account that no policy names.
    Anybody,
}

/// What is there for signed requests, for users and for services alone.
const UNSIGNED: [&str; 5] = [
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:username",
];

/// Of one caller: absent, or one value
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
pub(crate) fn keys(principal: &Principal) -> HashMap<String, Option<String>> {
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
        // Whoever comes without credentials of AWS. Account, type and id are there for all
        // requests; of a web identity no page says what they hold.
        Principal::WebIdentity { .. } | Principal::Anonymous => {
            for key in UNSIGNED {
                set(key, None);
            }
            if let Principal::Anonymous = principal {
                set("aws:principalaccount", Some("anonymous"));
                set("aws:principaltype", Some("Anonymous"));
                set("aws:userid", Some("anonymous"));
            }
            return keys;
        }
    }
    set("aws:principalaccount", account);
    set("aws:principalisawsservice", Some("false"));
    set("aws:principalservicename", None);
    set("aws:principalservicenameslist", None);
    keys
}

/// What AWS always sends and a caller's names alone do not tell. A signed request has
/// `aws:userid`, of a session with the name that whoever takes it chooses at its end, and
/// one with temporary credentials `aws:TokenIssueTime`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
pub(crate) fn sent(principal: &Principal) -> BTreeMap<String, Shape> {
    let any = || vec![Symbol::Any, Symbol::Many];
    let shape =
        |parts: [Pattern; 3]| Shape { like: parts.concat(), unlike: Vec::new(), is_named: false };
    let text = |text: &str| literal(text, false);
    let (id, is_session) = match principal {
        Principal::User { .. } => ([text("AIDA"), any(), Pattern::new()], false),
        Principal::RoleSession { .. } => ([[text("AROA"), any()].concat(), text(":"), any()], true),
        Principal::FederatedUser { .. } => ([[Symbol::Digit; 12].to_vec(), text(":"), any()], true),
        _ => return BTreeMap::new(),
    };
    let mut all = BTreeMap::from([("aws:userid".to_owned(), shape(id))]);
    if is_session {
        let time = shape([any(), Pattern::new(), Pattern::new()]);
        all.insert("aws:tokenissuetime".to_owned(), time);
    }
    all
}

/// What a caller that stands for others decides of the keys: what is the same of all of
/// them is constant, their names are any that no policy names.
pub(crate) fn keys_of(principal: &Principal, stands: Stands, names: &Names<'_>) -> Keys {
    let mut all = Keys { fixed: keys(principal), ..Keys::default() };
    if stands == Stands::Itself {
        return all;
    }
    let is_root = matches!(principal, Principal::Root { .. });
    let mut vary = |key: &str, like: Pattern, unlike: Vec<Pattern>| {
        if all.fixed.remove(key).is_some() {
            let is_named = ["aws:principalarn", "aws:username"].contains(&key) && !is_root;
            all.shapes.insert(key.to_owned(), Shape { like, unlike, is_named });
        }
    };
    let own = match stands {
        Stands::Anybody => vec![Symbol::Digit; 12],
        _ => literal(principal.account_id().unwrap_or_default(), false),
    };
    let others = || match stands {
        Stands::Anybody => names.accounts.iter().map(|id| literal(id, false)).collect(),
        _ => Vec::new(),
    };
    let arn = |account: &Pattern, service: &str, resource: &str| {
        let service = format!(":{service}::");
        let (arn, service) = (literal("arn:", false), literal(&service, false));
        let mut resource: Pattern = literal(resource, false);
        resource.iter_mut().filter(|it| **it == Symbol::Character('*')).for_each(|it| {
            *it = Symbol::Many;
        });
        let parts = [&arn, &vec![Symbol::ManyInPart], &service, account, &resource];
        parts.into_iter().flatten().copied().collect::<Pattern>()
    };
    let (service, resource) = match principal {
        Principal::Root { .. } => ("iam", ":root"),
        Principal::User { .. } => ("iam", ":user/*"),
        Principal::RoleSession { .. } => ("iam", ":role/*"),
        Principal::FederatedUser { .. } => ("sts", ":federated-user/*"),
        Principal::Service { .. } => {
            let known = names.services.iter().map(|name| literal(name, true)).collect();
            // `NAME.amazonaws.com`, or another domain:
            // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
            let like =
                [Symbol::Any, Symbol::Many, Symbol::Character('.'), Symbol::Any, Symbol::Many];
            vary("aws:principalservicename", like.to_vec(), known);
            return all;
        }
        Principal::WebIdentity { .. } | Principal::Anonymous => return all,
    };
    let mut unlike: Vec<Pattern> = names.arns.iter().map(|arn| literal(arn, false)).collect();
    unlike.extend(others().iter().map(|account| arn(account, service, resource)));
    vary("aws:principalarn", arn(&own, service, resource), unlike);
    if let Principal::User { .. } = principal {
        let path = [Symbol::Many, Symbol::Character('/'), Symbol::Many].to_vec();
        vary("aws:username", vec![Symbol::Many], vec![Pattern::new(), path]);
    }
    if stands == Stands::Anybody {
        vary("aws:principalaccount", own.clone(), others());
        vary("aws:userid", own, others());
    }
    all
}

/// The keys of a caller that stands for others.
pub(crate) fn standing(
    principal: &Principal,
    stands: Stands,
    statements: &[StatementView<'_>],
) -> Keys {
    let named: BTreeSet<Named<'_>> = statements.iter().flat_map(|one| one.principals()).collect();
    keys_of(principal, stands, &Names::of(&named, &accounts(statements)))
}

/// What the policies name.
pub(crate) struct Names<'n> {
    arns: Vec<&'n str>,
    accounts: &'n BTreeSet<String>,
    services: Vec<&'n str>,
}

impl<'n> Names<'n> {
    pub(crate) fn of(named: &BTreeSet<Named<'n>>, accounts: &'n BTreeSet<String>) -> Self {
        let arns = named.iter().filter_map(|one| match one {
            Named::Arn(arn) => Some(*arn),
            _ => None,
        });
        let services = named.iter().filter_map(|one| match one {
            Named::Service(name) => Some(*name),
            _ => None,
        });
        Self { arns: arns.collect(), accounts, services: services.collect() }
    }
}

/// Whether what a request says of who asks is of who asks, as far as these keys say it.
pub(crate) fn are_of(principal: &Principal, keys: &Keys, context: &Context) -> bool {
    self::keys(principal).into_iter().filter(|(key, _)| keys.shapes.contains_key(key)).all(
        |(key, value)| match context.get(&key) {
            None => value.is_none(),
            Some(Values::One(text)) => value.as_deref() == Some(text.as_str()),
            Some(Values::Many(_)) => false,
        },
    )
}

/// The condition keys that policies ask for, as key or as variable, in lower case.
pub(crate) fn mentioned(statements: &[StatementView<'_>]) -> HashSet<String> {
    let conditions = statements.iter().flat_map(|one| one.conditions());
    let keys = conditions.flat_map(|one| std::iter::once(one.lower_key()).chain(one.variables()));
    let resources = statements.iter().flat_map(|one| one.resources());
    let variables = resources.flat_map(|one| one.variables());
    keys.chain(variables).map(str::to_ascii_lowercase).collect()
}
