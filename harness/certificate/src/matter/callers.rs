//! Who asks, and the condition keys that follow from that.

use std::collections::BTreeMap;

use ringfence_policy::{Context, Principal};

use crate::language::{Language, Symbol, literal};

/// The account of callers of any account; no policy may name it.
pub(crate) const ANY_ACCOUNT: &str = "100000000001";

/// For whom a caller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// For nobody else.
    Itself,
    /// For those of its kind, and of its account where it has one, whom no policy names.
    Account,
    /// For those of any account that no policy names.
    Anybody,
}

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// For whom it stands.
    pub stands: Stands,
    /// The keys that are the same of all for whom it stands: absent, or one value.
    fixed: BTreeMap<&'static str, Option<String>>,
    /// Keys that hold one text of these.
    pub(crate) shapes: BTreeMap<&'static str, Shape>,
}

/// Texts of a language that are in none of others.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    like: Language,
    unlike: Vec<Language>,
}

impl Shape {
    pub(crate) fn has(&self, text: &str) -> bool {
        self.like.has(text) && !self.unlike.iter().any(|one| one.has(text))
    }

    pub(crate) fn languages(&self) -> impl Iterator<Item = &Language> {
        std::iter::once(&self.like).chain(&self.unlike)
    }
}

/// What policies name.
pub(crate) struct Names {
    pub(crate) arns: Vec<String>,
    pub(crate) accounts: Vec<String>,
    pub(crate) services: Vec<String>,
}

impl Caller {
    /// Nobody but this one.
    pub fn one(principal: Principal) -> Self {
        let fixed = fixed(&principal);
        Self { principal, stands: Stands::Itself, fixed, shapes: BTreeMap::new() }
    }

    /// One that stands for all like it.
    pub(crate) fn standing(principal: Principal, stands: Stands, names: &Names) -> Self {
        let mut caller = Self { stands, ..Self::one(principal) };
        match stands {
            Stands::Itself => {}
            Stands::Account | Stands::Anybody => caller.vary(names),
        }
        caller
    }

    /// Its names are any that no policy names.
    fn vary(&mut self, names: &Names) {
        let any = self.stands == Stands::Anybody;
        let own = self.principal.account_id().unwrap_or_default().to_owned();
        let accounts: Vec<String> = if any { names.accounts.clone() } else { Vec::new() };
        let alone = |all: &[String]| all.iter().map(|one| one_of(&[Piece::Text(one)])).collect();
        let account = if any { Piece::Account } else { Piece::Text(&own) };
        let (service, kind, name) = match &self.principal {
            Principal::Root { .. } => (":iam::", ":root", false),
            Principal::User { .. } => (":iam::", ":user/", true),
            Principal::RoleSession { .. } => (":iam::", ":role/", true),
            Principal::FederatedUser { .. } => (":sts::", ":federated-user/", true),
            Principal::Service { .. } => {
                let named = names.services.iter().map(|name| Language(vec![literal(name, true)]));
                let unlike = named.collect();
                return self.set("aws:principalservicename", one_of(&[Piece::Any]), unlike);
            }
            Principal::WebIdentity { .. } | Principal::Anonymous => return,
        };
        let arn = |account: Piece<'_>| {
            let mut pieces = vec![Piece::Text("arn:"), Piece::Part, Piece::Text(service)];
            pieces.extend([account, Piece::Text(kind)]);
            pieces.extend(name.then_some(Piece::Any));
            one_of(&pieces)
        };
        let mut unlike: Vec<Language> = alone(&names.arns);
        unlike.extend(accounts.iter().map(|account| arn(Piece::Text(account))));
        let like = arn(account);
        self.set("aws:principalarn", like, unlike);
        if matches!(self.principal, Principal::User { .. }) {
            let path = one_of(&[Piece::Any, Piece::Text("/"), Piece::Any]);
            self.set("aws:username", one_of(&[Piece::Any]), vec![one_of(&[]), path]);
        }
        if any {
            self.set("aws:principalaccount", one_of(&[account]), alone(&accounts));
            if matches!(self.principal, Principal::Root { .. }) {
                self.set("aws:userid", one_of(&[account]), alone(&accounts));
            }
        }
    }

    fn set(&mut self, key: &'static str, like: Language, unlike: Vec<Language>) {
        self.fixed.remove(key);
        self.shapes.insert(key, Shape { like, unlike });
    }

    /// Whether a key is the same of all for whom it stands.
    pub(crate) fn is_fixed(&self, key: &str) -> bool {
        let lower = key.to_ascii_lowercase();
        self.fixed.contains_key(&*lower)
    }

    /// The context of all its requests.
    pub(crate) fn context(&self) -> Context {
        let mut context = Context::new();
        for (key, value) in &self.fixed {
            let _ = match value {
                Some(value) => context.set(key, value.as_str()),
                None => context.unset(key),
            };
        }
        context
    }
}

/// The condition keys that follow from who asks
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
fn fixed(principal: &Principal) -> BTreeMap<&'static str, Option<String>> {
    let some = |text: &str| Some(text.to_owned());
    let account = principal.account_id().map(str::to_owned);
    let (arn, kind) = match principal {
        Principal::Root { account_id } => (format!("arn:aws:iam::{account_id}:root"), "Account"),
        Principal::User { arn } => (arn.clone(), "User"),
        Principal::RoleSession { role_arn, .. } => (role_arn.clone(), "AssumedRole"),
        Principal::FederatedUser { arn, .. } => (arn.clone(), "FederatedUser"),
        Principal::Service { name } => {
            return BTreeMap::from([
                ("aws:principalisawsservice", some("true")),
                ("aws:principalservicename", some(name)),
                ("aws:username", None),
            ]);
        }
        Principal::WebIdentity { .. } => return unsigned(),
        Principal::Anonymous => {
            let mut fixed = unsigned();
            fixed.extend([
                ("aws:principalaccount", some("anonymous")),
                ("aws:principaltype", some("Anonymous")),
                ("aws:userid", some("anonymous")),
            ]);
            return fixed;
        }
    };
    let user = matches!(principal, Principal::User { .. });
    let name = arn.rsplit('/').next().filter(|_| user).map(str::to_owned);
    let mut fixed = BTreeMap::from([
        ("aws:principalarn", Some(arn)),
        ("aws:principalaccount", account.clone()),
        ("aws:principalisawsservice", some("false")),
        ("aws:principalservicename", None),
        ("aws:principalservicenameslist", None),
        ("aws:principaltype", some(kind)),
        ("aws:username", name),
    ]);
    if matches!(principal, Principal::Root { .. }) {
        fixed.insert("aws:userid", account);
    }
    fixed
}

/// What requests without credentials of AWS do not have
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties>).
fn unsigned() -> BTreeMap<&'static str, Option<String>> {
    let keys = [
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:username",
    ];
    keys.map(|key| (key, None)).into()
}

#[derive(Debug, Clone, Copy)]
enum Piece<'t> {
    Text(&'t str),
    /// Any text without a colon.
    Part,
    Any,
    /// Twelve digits.
    Account,
}

fn one_of(pieces: &[Piece<'_>]) -> Language {
    let symbols = pieces.iter().flat_map(|piece| match piece {
        Piece::Text(text) => literal(text, false),
        Piece::Part => vec![Symbol::ManyInPart],
        Piece::Any => vec![Symbol::Many],
        Piece::Account => vec![Symbol::Digit; 12],
    });
    Language(vec![symbols.collect()])
}
