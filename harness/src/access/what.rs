//! What an identity of an estate can do, action by action, for all requests.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use ringfence_policy::symbolic::{Action, Effect, StatementView, statements};
use ringfence_policy::{
    Document, DocumentError, Kind, Policies, Principal, StatementRef, catalog, decide,
};
use ringfence_prove::jsonl::Shown;
use ringfence_prove::{Disagreement, EachAction, Question, Universe, Verdict, within, within_for};
use serde::Serialize;
use serde_json::{Value, json};

use super::can::role_of_trust;
use super::control::{Limits, Through, Whose};
use super::denies::{Denials, Denied, Left, left};
use super::elsewhere::Besides;
use super::estate::{Entry, Estate};
use super::federated;
use super::sessions::{lets_in, sessions};
use super::stated::Stated;
use super::unnamed::documents;

/// What an identity can do.
#[derive(Debug, Serialize)]
pub struct What {
    /// Its name.
    pub principal: String,
    /// The actions of AWS's reference that it can take, in order.
    pub can: Vec<Can>,
    /// How many there are.
    pub asked: usize,
    /// What counts and is not decided.
    pub undecided: Vec<String>,
}

/// An action, with a smallest request.
#[derive(Debug, Serialize)]
pub struct Can {
    /// `s3:GetObject`.
    pub action: String,
    /// The request: what it acts upon, and the condition keys that it must carry.
    pub request: Shown,
    /// The statements that allow it.
    pub allowed_by: Vec<String>,
    /// The resource's policy without which it is not allowed.
    pub with: Option<String>,
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// There is no such identity.
    #[error(
        "no identity of the files is `{named}`{like}: names are `role/NAME`, `user/NAME`, \
         `group/NAME`, an ARN, or that of a policy's file, which is its path in the directory \
         without its ending, and `policy` where one file alone is given"
    )]
    Nobody {
        /// What was asked for.
        named: String,
        /// The identities that have the name, where there are some.
        like: String,
    },
    /// Prover and engine differ.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
    /// An identity that no policy can name.
    #[error("an identity cannot stand in a policy: {0}")]
    Name(#[from] DocumentError),
}

impl NoAnswer {
    fn nobody(estate: &Estate, named: &str) -> Self {
        let all = ["role", "user", "group"].map(|word| format!("{word}/{named}"));
        let all = all.iter().filter(|name| estate.entries.contains_key(*name));
        let all: Vec<String> = all.map(|name| format!("`{name}`")).collect();
        let like = match all.is_empty() {
            true => String::new(),
            false => format!(", but {} is", all.join(" or ")),
        };
        Self::Nobody { named: named.to_owned(), like }
    }
}

/// Finds it.
///
/// # Errors
/// Where there is no such identity.
pub fn what_can(estate: &Estate, named: &str) -> Result<What, NoAnswer> {
    let is_named = |(name, entry): &(&String, &Entry)| {
        let arn = match &entry.principal {
            Some(Principal::RoleSession { role_arn, .. }) => Some(role_arn),
            Some(Principal::User { arn }) => Some(arn),
            _ => None,
        };
        let is_identity = !name.starts_with("trust of ") && entry.policies.resource.is_none();
        (is_identity && *name == named) || arn.is_some_and(|arn| arn == named)
    };
    let found = estate.entries.iter().find(is_named);
    let (name, entry) = found.ok_or_else(|| NoAnswer::nobody(estate, named))?;
    decided(estate, (name, entry), estate.limits_of(entry), &[])
}

/// The same of an entry, under what the configuration says too.
///
/// # Errors
/// Where there is none.
pub(crate) fn of_entry(estate: &Estate, name: &str, stated: &Stated) -> Result<What, NoAnswer> {
    let entry = estate.entries.get(name).ok_or_else(|| NoAnswer::nobody(estate, name))?;
    let limits = match entry.principal.as_ref().and_then(Principal::account_id) {
        Some(account) => (estate.limits(account, stated), Whose::Own),
        None => estate.limits_of(entry),
    };
    decided(estate, (name, entry), limits, &stated.endpoints)
}

fn decided(
    estate: &Estate,
    (name, entry): (&str, &Entry),
    (limits, whose): (Limits, Whose),
    endpoints: &[Through],
) -> Result<What, NoAnswer> {
    let mut undecided: Vec<String> = entry.unknown.iter().cloned().collect();
    undecided.extend(
        entry.outside.iter().map(|arn| format!("the document of `{arn}` is not in the files")),
    );
    undecided.extend(entry.elsewhere(name));
    let besides = estate.may_be_given(name);
    undecided.extend(besides.flat_map(|given| given.unknown.iter().cloned()));
    undecided.extend(limits.may(whose).map(str::to_owned));
    let under = limits.over(&entry.policies, whose);
    let taken: Vec<&Through> = endpoints.iter().filter(|one| one.is_of(name)).collect();
    let way = Way { through: None, taken: &taken };
    let mut asked = Asked {
        estate,
        denials: estate.denials(),
        denied: Vec::new(),
        name,
        entry,
        way,
        can: BTreeMap::new(),
        may: BTreeMap::new(),
        undecided,
    };
    let principal = entry.principal.as_ref();
    let nothing = Policies::default();
    let by = By { with: None, principal, outer: &nothing };
    for through in taken.iter().copied().map(Some).chain([None]) {
        asked.way.through = through;
        let vpc_endpoint = through.map(|one| Arc::clone(&one.policy));
        let under = Policies { vpc_endpoint, ..under.clone() };
        asked.by(&by, &under)?;
        for (address, standing) in &estate.entries {
            let policy = standing.policies.resource.as_ref();
            // Whom it does not let in, it allows nothing that their own policies do not.
            let lets_in = |policy: &&Arc<Document>| lets_in(principal, policy);
            let policy = policy.filter(|policy| policy.kind() == Kind::Resource);
            if let Some(policy) = policy.filter(lets_in) {
                let with = Policies { resource: Some(policy.clone()), ..under.clone() };
                asked.by_any_session(By { with: Some(address), ..by }, &with, policy)?;
            }
            if let Some(role) = address.strip_prefix("trust of ") {
                asked.by_trust((role, standing), By { with: Some(address), ..by }, &under)?;
            }
        }
    }
    asked.way = Way { through: None, taken: &[] };
    asked.by_federated(principal, &under)?;
    asked.by_others(principal, &under)?;
    let standing = estate.entries.values().filter(|standing| standing.given_to.is_empty());
    for unread in standing.flat_map(|standing| &standing.unread) {
        // Whom the most that it may be does not let in, it lets in by no part.
        let most = unread.most(principal)?.filter(|most| asked.may_be_let_in(most));
        asked.undecided.extend(most.map(|_| unread.why.clone()));
    }
    asked.tell_what_may_be_denied();
    let Asked { can, mut undecided, .. } = asked;
    let mut told = HashSet::new();
    undecided.retain(|why| told.insert(why.clone()));
    let asked = catalog::count();
    Ok(What { principal: name.to_owned(), can: can.into_values().collect(), asked, undecided })
}

/// How requests go.
#[derive(Clone, Copy)]
struct Way<'w> {
    /// The VPC endpoint that they come through.
    through: Option<&'w Through>,
    /// All that requests of the identity come through.
    taken: &'w [&'w Through],
}

impl Way<'_> {
    /// Whether requests for actions of a service go this way.
    fn is_of(&self, service: &str) -> bool {
        let leads = |one: &Through| one.services.iter().any(|it| it == service);
        match self.through {
            Some(one) => leads(one),
            None => !self.taken.iter().any(|one| leads(one)),
        }
    }
}

struct Asked<'e> {
    estate: &'e Estate,
    denials: Denials,
    /// What the policies of resources deny whoever it asks as.
    denied: Vec<(Principal, Denied)>,
    name: &'e str,
    entry: &'e Entry,
    way: Way<'e>,
    can: BTreeMap<String, Can>,
    /// The actions that all else allows, and that may be denied, by why.
    may: BTreeMap<String, BTreeSet<String>>,
    undecided: Vec<String>,
}

/// How an identity asks.
#[derive(Clone, Copy)]
struct By<'b> {
    /// The resource's policy beside its own.
    with: Option<&'b str>,
    principal: Option<&'b Principal>,
    /// What is not asked about.
    outer: &'b Policies,
}

impl Asked<'_> {
    /// Whether the most that somebody's policy may say lets it in.
    fn may_be_let_in(&self, most: &Document) -> bool {
        let principal = self.entry.principal.as_ref();
        self.entry.is_unnamed || lets_in(principal, most) || federated::lets_in(principal, most)
    }

    /// What a policy allows it and each of its sessions that the policy lets in by its own ARN.
    fn by_any_session(
        &mut self,
        by: By<'_>,
        policies: &Policies,
        policy: &Document,
    ) -> Result<(), Disagreement> {
        self.by(&by, policies)?;
        for session in sessions(by.principal, policy).values() {
            self.by(&By { principal: Some(session), ..by }, policies)?;
        }
        Ok(())
    }

    /// Whether it may become a role: whom a trust policy names needs no policy of its own.
    fn by_trust(
        &mut self,
        (role, trust): (&str, &Entry),
        by: By<'_>,
        under: &Policies,
    ) -> Result<(), NoAnswer> {
        // A policy by itself is nobody's whom a trust policy names.
        if by.principal.is_none() && !is_somebody(self.name) {
            return Ok(());
        }
        if trust.trusts_at_most.as_ref().is_some_and(|most| !self.may_be_let_in(most)) {
            return Ok(());
        }
        self.undecided.extend(trust.unknown.iter().cloned());
        let Some(policy) = &trust.policies.resource else { return Ok(()) };
        if !lets_in(by.principal, policy) {
            return Ok(());
        }
        if by.principal.is_none() {
            let why = format!(
                "whether `trust of {role}` lets in `{}`, whose ARN is not known: {}",
                self.name,
                self.entry.no_arn()
            );
            self.undecided.push(why);
            return Ok(());
        }
        let others = of_others(role)?;
        let with = Policies { resource: Some(policy.clone()), ..under.clone() };
        self.by_any_session(By { outer: &others, ..by }, &with, policy)?;
        Ok(())
    }

    /// What sessions can that a user federates, by its policies and by those of resources, where
    /// a policy may tell them from the user.
    fn by_federated(&mut self, user: Option<&Principal>, under: &Policies) -> Result<(), NoAnswer> {
        let estate = self.estate;
        let is_user = |it: &&Principal| matches!(it, Principal::User { .. });
        let Some(user) = user.filter(is_user) else { return Ok(()) };
        if !federated::are_told_apart(under, estate) {
            return Ok(());
        }
        let policies = |entry: &Entry| {
            let policy = entry.policies.resource.as_ref();
            policy.filter(|policy| policy.kind() == Kind::Resource).cloned()
        };
        let resources = estate.entries.iter().filter_map(|(at, it)| Some((at, policies(it)?)));
        let mut all: Vec<(Option<&str>, Policies)> = vec![(None, under.clone())];
        for (address, policy) in resources {
            let with = Policies { resource: Some(policy), ..under.clone() };
            all.push((Some(address.as_str()), with));
        }
        let outer = Policies::default();
        let of_resources = federated::of_resources(estate);
        for (with, policies) in &all {
            for session in federated::sessions(user, &[policies, &of_resources]) {
                let principal = Some(&session.principal);
                let is_let_in = |policy: &Arc<Document>| lets_in(principal, policy);
                if !policies.resource.as_ref().is_none_or(is_let_in)
                    || !session.is_made_by(user, under)?
                {
                    continue;
                }
                self.by(
                    &By { with: *with, principal, outer: &outer },
                    &federated::of_session(policies),
                )?;
                self.undecided.extend(session.beyond);
            }
        }
        Ok(())
    }

    /// What it can beside policies of resources that are not in the files, if these let it in:
    /// each action is told as undecided.
    fn by_others(
        &mut self,
        principal: Option<&Principal>,
        under: &Policies,
    ) -> Result<(), Disagreement> {
        let (elsewhere, nothing) = (self.estate.elsewhere(), Policies::default());
        for besides in elsewhere.besides(principal, [under, &nothing]) {
            let Besides { principal, mut inner, outer, known, why } = besides;
            inner.identity.extend(known.iter().cloned());
            let own: BTreeSet<String> = self.can.keys().cloned().collect();
            let by = By { with: None, principal: principal.as_ref(), outer: &outer };
            self.by(&by, &inner)?;
            let all = std::mem::take(&mut self.can).into_values();
            let (can, may): (Vec<Can>, Vec<Can>) = all.partition(|one| own.contains(&one.action));
            self.can = can.into_iter().map(|one| (one.action.clone(), one)).collect();
            let Some((first, others)) = may.split_first() else { continue };
            let others = match others.len() {
                0 => String::new(),
                1 => ", and so does another action".to_owned(),
                count => format!(", and so do {count} other actions"),
            };
            self.undecided.push(why(&first.action, &first.request.resource) + &others);
        }
        Ok(())
    }

    /// What the policies of resources deny somebody as whom it asks.
    fn denied(&mut self, who: Option<&Principal>, is_bounded: bool) -> Denied {
        let Some(who) = who else { return self.denials.of_everybody() };
        if let Some((_, known)) = self.denied.iter().find(|(known, _)| known == who) {
            return known.clone();
        }
        let denied = self.denials.of(&[who], is_bounded);
        let denied = if self.entry.is_unnamed { denied.of_unnamed(self.name) } else { denied };
        self.denied.push((who.clone(), denied.clone()));
        denied
    }

    /// What all else allows and is not certain, since something may deny it, is told by that.
    fn tell_what_may_be_denied(&mut self) {
        for (why, actions) in std::mem::take(&mut self.may) {
            let mut left = actions.iter().filter(|action| !self.can.contains_key(*action));
            let Some(first) = left.next() else { continue };
            let others = match left.count() {
                0 => String::new(),
                1 => " and another action".to_owned(),
                count => format!(" and {count} other actions"),
            };
            self.undecided.push(format!("all else allows `{first}`{others}, and {why}"));
        }
    }

    /// What some policies allow, beside a resource's policy.
    fn by(&mut self, by: &By<'_>, policies: &Policies) -> Result<(), Disagreement> {
        let By { with, principal, outer } = *by;
        if let Some(why) = self.entry.hangs_on_name(self.name, policies) {
            if !self.undecided.contains(&why) {
                self.undecided.push(why);
            }
            return Ok(());
        }
        let Denied { sure, mut may } = self.denied(principal, policies.boundary.is_some());
        let mut own = policies.clone();
        own.identity.extend(sure);
        let policies = &own;
        let asked = documents(policies).chain(may.iter().map(|(_, document)| document));
        let tags = self.estate.kept_back_by_tags(self.name, principal, asked);
        may.extend(tags);
        let question = |universe| Question { inner: policies, outer, principal, universe };
        // What is allowed to nobody needs no looking at each action.
        if with.is_some() && within(&question(Universe::All))? == Verdict::Proved {
            return Ok(());
        }
        let of_resource = policies.resource.iter().flat_map(|one| statements(one));
        let identity = policies.identity.iter().flat_map(|one| statements(one));
        let allows: Vec<StatementView<'_>> = match with {
            Some(_) => of_resource.filter(|one| one.effect() == Effect::Allow).collect(),
            None => identity.filter(|one| one.effect() == Effect::Allow).collect(),
        };
        let levels = policies.service_control.iter().chain(&policies.resource_control).flatten();
        let levels = levels.chain(&policies.vpc_endpoint);
        let limits = policies.identity.iter().chain(policies.boundary.iter().flatten());
        let all: Vec<StatementView<'_>> = limits
            .chain(levels)
            .chain(&policies.resource)
            .flat_map(|one| statements(one))
            .collect();
        let mut none: HashMap<(String, Vec<bool>), bool> = HashMap::new();
        let (any, listed) = (question(Universe::All), question(Universe::Catalogue));
        let (any, listed) = (EachAction::new(&any), EachAction::new(&listed));
        // What no Allow speaks of need not be unpacked.
        let spoken_of = |prefix: &&str| allows.iter().any(|one| one.is_about_service(prefix));
        let ways = catalog::prefixes().filter(|prefix| self.way.is_of(prefix));
        for prefix in ways.filter(spoken_of) {
            for action in catalog::service(prefix).into_iter().flat_map(|service| service.actions())
            {
                let name = format!("{prefix}:{}", action.name);
                let parsed = Action::parse(&name);
                let is_allowed = allows.iter().any(|one| one.is_about(&parsed));
                if !is_allowed || self.can.contains_key(&name) {
                    continue;
                }
                let about = all.iter().map(|one| one.is_about(&parsed)).collect();
                let is_none = match none.entry((prefix.to_owned(), about)) {
                    std::collections::hash_map::Entry::Occupied(known) => *known.get(),
                    std::collections::hash_map::Entry::Vacant(place) => {
                        *place.insert(any.ask(&name)? == Verdict::Proved)
                    }
                };
                if is_none {
                    continue;
                }
                match listed.ask(&name)? {
                    Verdict::Proved => {}
                    Verdict::Undecided(reason) => {
                        self.undecided.push(format!("`{name}`: {reason}"))
                    }
                    Verdict::Violated(found) => {
                        let ask = |inner: &Policies| {
                            let universe = Universe::Catalogue;
                            let question = Question { inner, outer, principal, universe };
                            within_for(&question, &name).map(|verdict| (verdict, ()))
                        };
                        let witness = match may.is_empty() {
                            true => found,
                            false => match left(policies, &may, ask)? {
                                Left::Some { witness, .. } => witness,
                                Left::Nothing(why) => {
                                    self.may.entry(why).or_default().insert(name);
                                    continue;
                                }
                            },
                        };
                        let by = decide(&witness.request(), policies).statements;
                        let allowed_by = once(&by);
                        let request = Shown::of(&witness);
                        let with = with.map(str::to_owned);
                        self.can
                            .insert(name.clone(), Can { action: name, request, allowed_by, with });
                    }
                }
            }
        }
        Ok(())
    }
}

/// What statements are called, each once: a user may have a policy by a group too.
pub(crate) fn once(statements: &[StatementRef]) -> Vec<String> {
    let mut told = HashSet::new();
    let all = statements.iter().map(ToString::to_string);
    all.filter(|one| told.insert(one.clone())).collect()
}

/// Whether a name is a role's or a user's.
pub(super) fn is_somebody(name: &str) -> bool {
    name.starts_with("role/") || name.starts_with("user/")
}

/// What allows everything on all but a role: of others their own trust policies tell.
fn of_others(role: &str) -> Result<Policies, DocumentError> {
    let own = role_of_trust(&format!("trust of {role}"));
    let mut statement = json!({"Effect": "Allow", "Action": "*", "NotResource": own});
    let text =
        |statement: &Value| json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let name = "what other roles say";
    let identity = Document::parse(name, &text(&statement), Kind::Identity)?;
    if let Some(members) = statement.as_object_mut() {
        members.insert("Principal".to_owned(), json!("*"));
    }
    let resource = Document::parse(name, &text(&statement), Kind::Resource)?;
    Ok(Policies {
        identity: vec![Arc::new(identity)],
        resource: Some(Arc::new(resource)),
        ..Policies::default()
    })
}

impl What {
    /// Whether it is shown that it can do nothing.
    pub fn is_nothing(&self) -> bool {
        self.can.is_empty() && self.undecided.is_empty()
    }

    /// As text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for one in &self.can {
            let context = serde_json::to_string(&one.request.context).unwrap_or_default();
            let context =
                if context == "{}" { String::new() } else { format!(" with `{context}`") };
            let by = one.allowed_by.join(", ");
            out += &format!("`{}` on `{}`{context}, by {by}\n", one.action, one.request.resource);
        }
        for reason in &self.undecided {
            out += &format!("undecided: {reason}\n");
        }
        let (name, can) = (&self.principal, self.can.len());
        out + &format!(
            "{name} can take {can} of {} actions, {} undecided\n",
            self.asked,
            self.undecided.len()
        )
    }

    /// As JSON.
    ///
    /// # Errors
    /// None that is known.
    pub fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
