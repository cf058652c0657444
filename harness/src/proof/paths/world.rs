//! The identities of an estate, and what means act upon: [`things`] has what is no
//! identity, [`named`] what hangs on a name that is not known, [`running`] as which role something runs, [`permissions`] what lets somebody use functions.

mod boundaries;
mod named;
mod ownerless;
mod permissions;
mod running;
mod things;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, statements};
use ringfence_policy::{Document, Policies, Principal};

use ownerless::{Ownerless, is_ownerless, ownerless};
use permissions::Permissions;

use super::denied::Denied;
use super::grown::everything;
use super::means::{ANYTHING, Any, Table};
use super::read::{arn, attribute, by_role, names};
use super::tags::{self, Tags};
use crate::access::estate::{Entry, Estate, allows};
use crate::access::grants::Unread;
use crate::access::running::Profile;
use crate::access::tagged::Tags as Tagged;
use crate::lint::terraform::Resource;

/// What an identity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Role,
    User,
    /// One that is not there yet.
    NewRole,
    NewUser,
}

/// Whose a policy of an identity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Itself,
    /// A managed one, by its place among the policies where it is there.
    Managed(Option<usize>),
    Group(usize),
}

#[derive(Debug)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) arn: String,
    pub(super) principal: Principal,
    /// Whether a part of its name is not known.
    pub(super) is_unnamed: bool,
    pub(super) documents: Vec<(From, Arc<Document>)>,
    pub(super) boundary: Option<Vec<Arc<Document>>>,
    /// The boundary's place among the policies.
    pub(super) bounded_by: Option<usize>,
    /// What counts and is not known.
    pub(super) open: Vec<String>,
    /// The most that this may allow.
    pub(super) most: Vec<Arc<Document>>,
    /// What it leaves of what is known; `None` where it may leave nothing.
    least: Option<Least>,
    /// What can be taken away of it.
    pub(super) has: Has,
    /// Of a user its tags, as far as they are known.
    pub(super) tagged: Option<Tagged>,
}

/// What is not known of an identity's policies, at its narrowest.
#[derive(Debug, Default)]
struct Least {
    /// The most that it may deny.
    denies: Vec<Arc<Document>>,
    /// The least that the boundary allows, where not all of it is known.
    boundary: Option<Vec<Arc<Document>>>,
}

impl Identity {
    /// Policies of its as far as they count for certain, whatever is not known: `None` where
    /// nothing does.
    pub(super) fn surely(&self, mut policies: Policies) -> Option<Policies> {
        if self.open.is_empty() {
            return Some(policies);
        }
        let Least { denies, boundary } = self.least.as_ref()?;
        policies.identity.extend(denies.iter().cloned());
        if let (Some(own), Some(least)) = (&mut policies.boundary, boundary) {
            own.clone_from(least);
        }
        Some(policies)
    }

    /// Its account, where that is known.
    pub(super) fn account(&self) -> Option<&str> {
        account_of(&self.arn)
    }
}

/// What an identity or a group has that can be taken away.
#[derive(Debug, Clone, Default)]
pub(super) struct Has {
    pub(super) inline: bool,
    pub(super) attached: bool,
    pub(super) boundary: bool,
    /// Whether one of its own policies denies something.
    pub(super) inline_denies: bool,
    /// Whether one of its managed policies does.
    pub(super) attached_denies: bool,
    /// What it may have besides and is not known.
    pub(super) unknown: Option<String>,
}

impl Has {
    fn of(entry: &Entry, documents: &[(From, Arc<Document>)]) -> Self {
        let denies = |document: &Document| {
            statements(document).any(|statement| statement.effect() == Effect::Deny)
        };
        let of = |is: fn(&From) -> bool| documents.iter().filter(move |(from, _)| is(from));
        let inline = || of(|from| *from == From::Itself);
        let attached = || of(|from| matches!(from, From::Managed(_)));
        Self {
            inline: inline().next().is_some(),
            attached: attached().next().is_some() || !entry.outside.is_empty(),
            boundary: entry.policies.boundary.is_some(),
            inline_denies: inline().any(|(_, document)| denies(document)),
            attached_denies: attached().any(|(_, document)| denies(document)),
            unknown: entry.unknown.first().cloned(),
        }
    }
}

/// What is acted upon.
#[derive(Debug, Default)]
pub(super) struct Thing {
    pub(super) name: String,
    pub(super) arn: String,
    /// The identity that it is, or that it runs as.
    pub(super) of: Option<usize>,
    /// Its policy, or a role's trust policy.
    pub(super) policy: Option<Arc<Document>>,
    /// Whether that may let in somebody who is neither a service nor federated.
    pub(super) names_identities: bool,
    /// Whether it may let in somebody with a token.
    pub(super) names_federated: bool,
    /// What is not known of it.
    pub(super) open: Option<String>,
    /// Whom the trust policy of a role lets in at most, of which a part is not known.
    pub(super) at_most: Option<Arc<Document>>,
    /// Why nobody knows whether what is allowed of it gains anything: its name or its role is
    /// not known.
    pub(super) maybe: Option<String>,
    /// Whether it runs as a role, and nobody knows as which.
    pub(super) is_anybodys: bool,
    /// The type of which it is any.
    pub(super) of_type: Option<String>,
    /// The boundary that a new identity has: its ARN.
    pub(super) bounded_by: Option<Option<String>>,
    /// The account that it is of, where its ARN does not say so and the estate has several.
    pub(super) account: Option<String>,
    /// Whether it stands for what is not in the files.
    pub(super) is_other: bool,
}

impl Thing {
    /// Whether its ARN stands for many.
    pub(super) fn is_many(&self) -> bool {
        self.arn.is_empty() || self.arn.contains('*')
    }

    /// Whether it is of an account, as far as that is known.
    pub(super) fn is_in(&self, account: &str) -> bool {
        self.account().is_none_or(|own| own == account)
    }

    /// Whether it may be of the account of another.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        other.account().is_none_or(|account| self.is_in(account))
    }

    fn account(&self) -> Option<&str> {
        self.account.as_deref().or_else(|| account_of(&self.arn))
    }
}

/// The account of an ARN that names one.
fn account_of(arn: &str) -> Option<&str> {
    let account = arn.split(':').nth(4)?;
    let is_one = account.len() == 12 && account.bytes().all(|one| one.is_ascii_digit());
    is_one.then_some(account)
}

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) identities: Vec<Identity>,
    pub(super) things: BTreeMap<String, Vec<Thing>>,
    /// Of each group, its documents.
    pub(super) groups: Vec<Vec<Arc<Document>>>,
    /// Of each group, what can be taken away of it.
    pub(super) of_groups: Vec<Has>,
    /// Of each group, its users.
    pub(super) members: Vec<BTreeSet<usize>>,
    /// Whether its identities are of several accounts: a call of IAM is of the caller's
    /// (`RoleName` names no other, <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>),
    /// a role is passed to services of its own
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>), and what
    /// another account has needs a policy that lets the caller in
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>).
    pub(super) is_of_several: bool,
    /// Of each policy, the identities that have it.
    pub(super) attached: Vec<BTreeSet<usize>>,
    /// A control policy of an organization that may keep back requests.
    pub(super) kept_back_by: Option<String>,
    /// The ARNs of groups, roles and users: nobody of these can be made again.
    pub(super) taken: HashSet<String>,
    /// Whom nobody can be told from others.
    pub(super) unknown: Vec<String>,
    /// What the files grant and nobody reads: the most that each may be to anybody, with
    /// whom it names.
    pub(super) unread: Vec<Unread>,
    /// The roles that instance profiles hold.
    pub(super) in_profiles: BTreeSet<usize>,
    /// By ARN, where they are known.
    pub(super) tags: BTreeMap<String, Tags>,
    /// What resources' policies deny.
    pub(super) denied: Denied,
    /// The places of the things whose own policies may let somebody in.
    letting_in: BTreeMap<String, Vec<usize>>,
}

impl World {
    pub(super) fn of(estate: &Estate, table: &Table, setting: (&str, &str, &str)) -> Self {
        let permissions = Permissions::of(estate);
        let mut builder = Builder {
            estate,
            setting,
            accounts: accounts(estate),
            ownerless: ownerless(estate),
            policies: BTreeMap::new(),
            permissions,
            read: BTreeSet::new(),
        };
        builder.world(table)
    }

    pub(super) fn of_kind(&self, name: &str) -> &[Thing] {
        self.things.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn letting_in(&self, name: &str) -> &[usize] {
        self.letting_in.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether an identity may be of the account of a thing.
    pub(super) fn is_beside(&self, identity: usize, thing: &Thing) -> bool {
        let own = self.identities.get(identity).and_then(Identity::account);
        own.is_none_or(|account| thing.is_in(account))
    }
}

/// The accounts of an estate's identities, where these are several; of one nothing need be told
/// apart.
fn accounts(estate: &Estate) -> Vec<Option<String>> {
    let all =
        estate.entries.values().filter_map(|entry| account_of(arn(entry.principal.as_ref()?)));
    let all: BTreeSet<&str> = all.collect();
    match all.len() {
        0 | 1 => vec![None],
        _ => all.into_iter().map(|account| Some(account.to_owned())).collect(),
    }
}

struct Builder<'e> {
    estate: &'e Estate,
    /// Partition, account and region.
    setting: (&'e str, &'e str, &'e str),
    /// The accounts of the identities, where these are several.
    accounts: Vec<Option<String>>,
    /// What may be of every identity of a kind.
    ownerless: Vec<Ownerless>,
    /// Managed policies by address and by ARN.
    policies: BTreeMap<&'e str, usize>,
    permissions: Permissions<'e>,
    /// The entries that are the policies of things.
    read: BTreeSet<&'e str>,
}

impl<'e> Builder<'e> {
    fn world(&mut self, table: &Table) -> World {
        let mut things: BTreeMap<String, Vec<Thing>> = BTreeMap::new();
        let anything =
            |account: &Option<String>| Thing { account: account.clone(), ..Thing::default() };
        things.insert(ANYTHING.to_owned(), self.accounts.iter().map(anything).collect());
        for (name, any) in &table.types {
            things.insert(name.clone(), self.any(name, any));
        }
        things.insert("policy".to_owned(), self.managed());
        let mut unknown = Vec::new();
        let (mut groups, mut group_things, mut group_names) = (Vec::new(), Vec::new(), Vec::new());
        let mut of_groups = Vec::new();
        for (name, entry) in self.entries("group/") {
            let arn = self.arn_of_group(name, &mut unknown);
            groups.push(entry.policies.identity.clone());
            let of_group = entry.policies.identity.iter();
            let documents: Vec<_> = of_group.map(|one| (self.from(one), one.clone())).collect();
            of_groups.push(Has::of(entry, &documents));
            group_names.push(name);
            group_things.push(Thing { name: name.to_owned(), arn, ..Thing::default() });
        }
        things.insert("group".to_owned(), group_things);
        let mut identities: Vec<Identity> = Vec::new();
        for (before, kind) in [("role/", Kind::Role), ("user/", Kind::User)] {
            let mut all = Vec::new();
            for (name, entry) in self.entries(before) {
                let Some(principal) = &entry.principal else {
                    unknown.push(format!("{name}: its ARN is not known: {}", entry.no_arn()));
                    continue;
                };
                if entry.is_unnamed
                    && let Some(what) = named::speaks_of(self.estate, principal)
                {
                    unknown.push(format!("{name}: its name is not known, and {what}"));
                }
                let identity = self.identity(name, kind, entry, principal, &groups);
                let arn = identity.arn.clone();
                let (policy, open) = self.trust(name, kind);
                let of = Some(identities.len());
                let trust = self.estate.entries.get(&format!("trust of {name}"));
                let at_most = trust.and_then(|trust| trust.trusts_at_most.clone());
                let name = name.to_owned();
                let names = |key| policy.as_ref().is_some_and(|one| names(one, key));
                let (names_identities, names_federated) = (names("AWS"), names("Federated"));
                all.push(Thing {
                    name,
                    arn,
                    of,
                    names_identities,
                    names_federated,
                    policy,
                    open,
                    at_most,
                    ..Thing::default()
                });
                identities.push(identity);
            }
            things.insert(before.trim_end_matches('/').to_owned(), all);
        }
        let whose = |(name, entry): (&String, &Entry)| {
            let is_owner = ["role/", "user/", "group/", "trust of "]
                .iter()
                .any(|before| name.starts_with(before));
            let first = entry.unknown.first().filter(|_| !is_owner && name.contains("aws_iam_"))?;
            Some(first.clone())
        };
        unknown.extend(self.estate.entries.iter().filter_map(whose));
        let members = group_names.iter().map(|group| {
            let is_in = |one: &Identity| {
                let entry = self.estate.entries.get(&one.name);
                entry.is_some_and(|entry| entry.groups.contains(*group))
            };
            identities.iter().enumerate().filter(|(_, one)| is_in(one)).map(|(at, _)| at).collect()
        });
        let members: Vec<BTreeSet<usize>> = members.collect();
        unknown.extend(self.new_ones(&mut identities, &mut things));
        for (name, held) in &table.held {
            things.insert(name.clone(), self.held(held, &identities));
        }
        for kind in Table::things() {
            let all = self.of_type(kind, &identities);
            things.insert(kind.name.clone(), all);
        }
        let unread = self.unread();
        let mut attached = vec![BTreeSet::new(); things.get("policy").map_or(0, Vec::len)];
        for (at, identity) in identities.iter().enumerate() {
            let managed = identity.documents.iter().filter_map(|(from, _)| match from {
                From::Managed(place) => *place,
                From::Itself | From::Group(_) => None,
            });
            for place in managed.chain(identity.bounded_by) {
                attached.get_mut(place).map(|all: &mut BTreeSet<usize>| all.insert(at));
            }
        }
        let kept_back_by = self.estate.may_keep_back(true).map(str::to_owned);
        let kinds = ["group", "role", "user"].into_iter();
        let there = kinds.flat_map(|kind| things.get(kind)).flatten();
        let taken = there.map(|one| one.arn.clone()).collect();
        let may = |(_, one): &(usize, &Thing)| one.names_identities || one.open.is_some();
        let letting_in = things.iter().map(|(name, all)| {
            let places = all.iter().enumerate().filter(may).map(|(place, _)| place);
            (name.clone(), places.collect())
        });
        let letting_in = letting_in.collect();
        let in_profiles = self.in_profiles(&identities);
        World {
            identities,
            things,
            groups,
            of_groups,
            members,
            is_of_several: self.accounts.len() > 1,
            attached,
            kept_back_by,
            taken,
            unknown,
            unread,
            in_profiles,
            tags: tags::of(&self.estate.resources),
            denied: Denied::of(self.estate),
            letting_in,
        }
    }

    /// Any resource of a type, in each account.
    fn any(&self, name: &str, any: &Any) -> Vec<Thing> {
        let (partition, home, _) = self.setting;
        let form = any.form.replace("{partition}", partition);
        let of = |account: &Option<String>| Thing {
            name: name.to_owned(),
            arn: form.replace("{account}", account.as_deref().unwrap_or(home)),
            of_type: any.kind.clone(),
            account: account.clone(),
            ..Thing::default()
        };
        match any.kind {
            Some(_) => self.accounts.iter().map(of).collect(),
            // Its own ARN says of which it is.
            None => vec![of(&None)],
        }
    }

    /// The ARN of the group of an entry; where nobody knows of which of several accounts it is,
    /// that is noted.
    fn arn_of_group(&self, name: &str, unknown: &mut Vec<String>) -> String {
        let own = name.split_once('/').map(|(_, own)| own);
        let made = self.resources("aws_iam_group").find(|one| attribute(one, "name") == own);
        if let Some(arn) = made.and_then(|one| attribute(one, "arn")) {
            return arn.to_owned();
        }
        if self.accounts.len() > 1 {
            unknown.push(format!("{name}: of which account it is, is not known"));
        }
        let (partition, account, _) = self.setting;
        format!("arn:{partition}:iam::{account}:{name}")
    }

    fn in_profiles(&self, identities: &[Identity]) -> BTreeSet<usize> {
        let all = self.resources("aws_iam_instance_profile");
        let roles = all.filter_map(|profile| attribute(profile, "role"));
        let roles = roles.chain(self.estate.profiles.iter().filter_map(Profile::role));
        roles.filter_map(|role| by_role(identities, role.rsplit('/').next()?)).collect()
    }

    /// What is not read and is no policy of one of the things, each kind of it once.
    fn unread(&self) -> Vec<Unread> {
        // What is ownerless is told of by itself.
        let is_other = |(name, entry): &(&String, &Entry)| {
            !self.read.contains(&***name) && !is_ownerless(name, entry)
        };
        let others = self.estate.entries.iter().filter(is_other);
        let mut all: Vec<Unread> = Vec::new();
        for unread in others.flat_map(|(_, entry)| &entry.unread) {
            if !all.iter().any(|known| known.covers(unread)) {
                all.push(unread.clone());
            }
        }
        all
    }

    fn entries(
        &self,
        before: &'static str,
    ) -> impl Iterator<Item = (&'e str, &'e Entry)> + use<'e> {
        let all = self.estate.entries.range(before.to_owned()..);
        let all = all.take_while(move |(name, _)| name.starts_with(before));
        all.map(|(name, entry)| (name.as_str(), entry))
    }

    fn resources(&self, kind: &str) -> impl Iterator<Item = &'e Resource> {
        self.estate.resources.iter().filter(move |one| one.kind == kind && !one.is_data)
    }

    fn managed(&mut self) -> Vec<Thing> {
        let estate = self.estate;
        let all =
            estate.resources.iter().filter(|one| one.kind == "aws_iam_policy" && !one.is_data);
        let mut things = Vec::new();
        for resource in all {
            let Some(arn) = attribute(resource, "arn") else { continue };
            self.policies.insert(&resource.address, things.len());
            self.policies.insert(arn, things.len());
            let arn = arn.to_owned();
            things.push(Thing { name: resource.address.clone(), arn, ..Thing::default() });
        }
        things
    }

    fn place(&self, document: &Document) -> Option<usize> {
        self.policies.get(document.name()).copied()
    }

    /// Whose a policy is that is no group's.
    fn from(&self, document: &Document) -> From {
        match self.place(document) {
            Some(place) => From::Managed(Some(place)),
            None if document.name().starts_with("arn:") => From::Managed(None),
            None => From::Itself,
        }
    }

    fn identity(
        &self,
        name: &str,
        kind: Kind,
        entry: &Entry,
        principal: &Principal,
        groups: &[Vec<Arc<Document>>],
    ) -> Identity {
        let from = |document: &Arc<Document>| {
            let of_group =
                groups.iter().zip(self.entries("group/")).position(|(all, (group, _))| {
                    entry.groups.contains(group) && all.iter().any(|one| Arc::ptr_eq(one, document))
                });
            of_group.map_or_else(|| self.from(document), From::Group)
        };
        let boundary = entry.policies.boundary.clone();
        let first = boundary.iter().flatten().next();
        let own = entry.policies.identity.iter();
        let documents: Vec<_> = own.map(|one| (from(one), one.clone())).collect();
        let tagged = match principal {
            Principal::User { arn } => self.estate.tags_of_user(arn),
            _ => None,
        };
        let ownerless = || self.ownerless.iter().filter(move |one| one.may_be_of(kind));
        let open = entry.open(name).into_iter().chain(ownerless().map(|one| one.why.clone()));
        let is_bounded = entry.unbounded(name).is_empty();
        let mut most: Vec<_> = match is_bounded {
            true => allows(&entry.bounded).cloned().collect(),
            false => everything().into_iter().collect(),
        };
        most.extend(ownerless().filter_map(Ownerless::allows));
        let least = (is_bounded && ownerless().all(Ownerless::is_known)).then(|| {
            let denies = entry.bounded.values().flat_map(|one| &one.denies).cloned();
            Least {
                denies: denies.chain(ownerless().filter_map(Ownerless::denies)).collect(),
                boundary: entry.bounded.values().find_map(|one| one.boundary.clone()),
            }
        });
        Identity {
            tagged,
            name: name.to_owned(),
            kind,
            arn: arn(principal).to_owned(),
            principal: principal.clone(),
            is_unnamed: entry.is_unnamed,
            has: Has::of(entry, &documents),
            documents,
            bounded_by: first.and_then(|document| self.place(document)),
            boundary,
            open: open.collect(),
            most,
            least,
        }
    }

    fn trust(&self, name: &str, kind: Kind) -> (Option<Arc<Document>>, Option<String>) {
        if kind != Kind::Role {
            return (None, None);
        }
        let entry = self.estate.entries.get(&format!("trust of {name}"));
        let policy = entry.and_then(|entry| entry.policies.resource.clone());
        let open = match entry {
            Some(entry) => entry.unknown.first().cloned(),
            None => Some(format!("{name}: its trust policy is not in the files")),
        };
        (policy, open)
    }

    /// A role and a user that somebody makes, under each boundary that there is. What is not
    /// known of these.
    fn new_ones(
        &self,
        identities: &mut Vec<Identity>,
        things: &mut BTreeMap<String, Vec<Thing>>,
    ) -> Vec<String> {
        let (partition, home, _) = self.setting;
        let policies = things.get("policy").map_or(&[][..], Vec::as_slice);
        let document = |place: usize| self.boundary(policies.get(place));
        let (boundaries, unknown) = boundaries::all(identities, policies, partition, document);
        for (word, kind, new) in
            [("role", Kind::NewRole, "new-role"), ("user", Kind::NewUser, "new-user")]
        {
            let mut all = Vec::new();
            let of_each =
                self.accounts.iter().flat_map(|it| boundaries.iter().map(move |of| (it, of)));
            for (account, boundary) in of_each {
                let of_another = |account: &String| {
                    let own = boundary.arn.as_deref().and_then(account_of);
                    own.is_some_and(|own| own != account)
                };
                if account.as_ref().is_some_and(of_another) {
                    continue;
                }
                let within = account.as_ref().map(|it| format!(" in {it}")).unwrap_or_default();
                let account = account.as_deref().unwrap_or(home);
                let name = match &boundary.arn {
                    Some(arn) => format!("a new {word} under {arn}{within}"),
                    None => format!("a new {word} without a boundary{within}"),
                };
                let arn = format!("arn:{partition}:iam::{account}:{word}/ringfence-new");
                let Some(principal) = crate::access::principal(word, &arn) else { continue };
                all.push(Thing {
                    name: name.clone(),
                    arn: format!("arn:{partition}:iam::{account}:{word}/*"),
                    of: Some(identities.len()),
                    bounded_by: Some(boundary.arn.clone()),
                    ..Thing::default()
                });
                identities.push(Identity {
                    name,
                    kind,
                    arn,
                    principal,
                    is_unnamed: false,
                    documents: Vec::new(),
                    boundary: boundary.documents.clone(),
                    bounded_by: boundary.place,
                    // A boundary gives nothing, whatever it says.
                    open: boundary.open.clone().into_iter().collect(),
                    most: Vec::new(),
                    least: None,
                    has: Has::default(),
                    // Whoever makes it chooses them.
                    tagged: None,
                });
            }
            things.insert(new.to_owned(), all);
        }
        let group = |account: &Option<String>| {
            let within = account.as_ref().map(|it| format!(" in {it}")).unwrap_or_default();
            let account = account.as_deref().unwrap_or(home);
            let arn = format!("arn:{partition}:iam::{account}:group/*");
            Thing { name: format!("a new group{within}"), arn, ..Thing::default() }
        };
        things.insert("new-group".to_owned(), self.accounts.iter().map(group).collect());
        unknown
    }

    /// A policy of the files as a boundary.
    fn boundary(&self, policy: Option<&Thing>) -> Result<Arc<Document>, String> {
        let name = policy.map_or("", |policy| &policy.name);
        let is_it = |one: &&Resource| one.kind == "aws_iam_policy" && one.address == name;
        let written = self.estate.resources.iter().find(is_it);
        let text = written.and_then(|one| attribute(one, "policy"));
        let text = text.ok_or_else(|| format!("{name}: policy is known after apply only"))?;
        let document = Document::parse(name.to_owned(), text, ringfence_policy::Kind::Boundary);
        document.map(Arc::new).map_err(|error| format!("{name}: {error}"))
    }
}
