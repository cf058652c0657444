//! The control policies of an organization that bind an account, by level of its tree.
//!
//! - Levels, each of which must allow:
//!   <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>
//! - Whom they bind: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>,
//!   <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>
//!
//! What surely binds is composed. What may bind besides, since nobody says where it is
//! attached or what it says, can only keep back more: it proves nothing, and what it could
//! keep back is not violated for certain.

use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, statements};
use ringfence_policy::{Document, Kind, Policies, Principal};

use super::estate::{Entry, Estate};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// What AWS attaches to each root, unit and account that is made.
const FULL_ACCESS: [&str; 2] = ["p-FullAWSAccess", "p-RCPFullAWSAccess"];

/// Units within units, at most ("You can nest OUs up to five levels deep":
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>).
const DEEPEST: usize = 6;

/// Policies of both kinds, by level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Levels {
    pub(crate) service: Vec<Vec<Arc<Document>>>,
    pub(crate) resource: Vec<Vec<Arc<Document>>>,
}

/// A VPC endpoint that requests come through, as the configuration has it.
#[derive(Debug, Clone)]
pub(crate) struct Through {
    pub(crate) policy: Arc<Document>,
    /// The prefixes of the services' actions.
    pub(crate) services: Vec<String>,
    /// `role/NAME` or the beginning of it with a `*`.
    pub(crate) callers: Vec<String>,
}

impl Through {
    /// Whether requests of an identity, `role/NAME`, come through it.
    pub(crate) fn is_of(&self, name: &str) -> bool {
        self.callers.iter().any(|caller| match caller.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => caller == name,
        })
    }
}

/// What the configuration says of the organization and of the endpoints.
#[derive(Debug, Clone, Default)]
pub struct Stated {
    /// The path of the account, as `aws:PrincipalOrgPaths` has it.
    pub(crate) path: Option<String>,
    /// The account that no control policy binds.
    pub(crate) management: Option<String>,
    pub(crate) levels: Levels,
    pub(crate) endpoints: Vec<Through>,
}

/// What limits the identities and the resources of an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits {
    account: String,
    /// What surely binds.
    sure: Levels,
    /// That, and what may bind as far as it is known.
    most: Levels,
    may: Vec<May>,
}

/// A policy that may keep something back.
#[derive(Debug, Clone)]
pub(super) struct May {
    /// Its name, and why nobody knows.
    pub(super) why: String,
    /// What of it, where `why` does not tell all.
    of: String,
    /// The level that it would be, where it is known what it says.
    level: Option<Vec<Arc<Document>>>,
    /// `None`: nobody knows.
    kind: Option<Kind>,
}

impl May {
    /// Whether it binds where the other does.
    fn binds_as(&self, other: &Self) -> bool {
        (&self.why, &self.of, self.kind) == (&other.why, &other.of, other.kind)
    }

    /// Whether it binds where the other does, and says the same.
    fn says(&self, other: &Self) -> bool {
        let texts = |one: &Self| -> Option<Vec<String>> {
            let level = one.level.as_ref()?;
            Some(level.iter().map(|document| document.text().to_owned()).collect())
        };
        self.binds_as(other) && texts(self) == texts(other)
    }

    /// Policies under it; `None` where nobody knows what it says.
    pub(super) fn over(&self, policies: &Policies) -> Option<Policies> {
        let (level, mut policies) = (self.level.clone()?, policies.clone());
        match self.kind {
            Some(Kind::ResourceControl) => policies.resource_control.push(level),
            _ => policies.service_control.push(level),
        }
        Some(policies)
    }
}

/// Whom a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// An identity of the account.
    Own,
    /// Whoever asks: other accounts' service control policies are not known.
    Anybody,
}

impl Limits {
    /// Policies under what surely binds.
    pub(crate) fn over(&self, policies: &Policies, whose: Whose) -> Policies {
        self.with(&self.sure, policies, whose)
    }

    /// Policies under all that may bind; `None` where nobody knows what that says.
    pub(crate) fn most_over(&self, policies: &Policies, whose: Whose) -> Option<Policies> {
        let is_known = self.counting(whose).all(|may| may.level.is_some());
        is_known.then(|| self.with(&self.most, policies, whose))
    }

    /// What may keep back a request besides what surely binds, and why nobody knows.
    pub(crate) fn may(&self, whose: Whose) -> Option<&str> {
        self.counting(whose).next().map(|may| may.why.as_str())
    }

    /// What may keep back requests here, and not in the same way there; each with what it is
    /// there, where it binds as it does here.
    pub(super) fn beyond<'l>(
        &'l self,
        other: &'l Self,
        whose: Whose,
    ) -> impl Iterator<Item = (&'l May, Option<&'l May>)> {
        let is_there = |may: &&May| other.may.iter().any(|one| one.says(may));
        let others = self.counting(whose).filter(move |may| !is_there(may));
        others.map(|may| (may, other.may.iter().find(|one| one.binds_as(may))))
    }

    fn counting(&self, whose: Whose) -> impl Iterator<Item = &May> {
        let is_own = whose == Whose::Own;
        self.may.iter().filter(move |may| is_own || may.kind != Some(Kind::ServiceControl))
    }

    fn with(&self, levels: &Levels, policies: &Policies, whose: Whose) -> Policies {
        let mut policies = policies.clone();
        if whose == Whose::Own {
            policies.service_control.extend(levels.service.iter().cloned());
            if !levels.resource.is_empty() {
                policies.resource_control_of = Some(self.account.as_str().into());
            }
        }
        policies.resource_control.extend(levels.resource.iter().cloned());
        policies
    }

    fn add(&mut self, kind: Kind, sure: Option<Vec<Arc<Document>>>, most: Vec<Arc<Document>>) {
        let [of_sure, of_most] = match kind {
            Kind::ResourceControl => [&mut self.sure.resource, &mut self.most.resource],
            _ => [&mut self.sure.service, &mut self.most.service],
        };
        of_sure.extend(sure);
        of_most.push(most);
    }
}

impl Estate {
    /// What limits an account, as the files and the configuration have it.
    pub(crate) fn limits(&self, account: &str, stated: &Stated) -> Limits {
        let mut limits = Limits { account: account.to_owned(), ..Limits::default() };
        let management = stated.management.as_deref().or_else(|| self.management());
        // "SCPs do not affect users or roles in the management account", and RCPs none of
        // its resources.
        if management == Some(account) {
            return limits;
        }
        limits.sure = stated.levels.clone();
        limits.most = stated.levels.clone();
        let tree = Tree::of(self, account, stated.path.as_deref(), management.is_some());
        tree.bind(&mut limits);
        limits
    }

    /// What limits an entry, as the files have it.
    pub(super) fn limits_of(&self, entry: &Entry) -> (Limits, Whose) {
        let account = entry.principal.as_ref().and_then(Principal::account_id);
        if let Some(account) = account {
            return (self.limits(account, &Stated::default()), Whose::Own);
        }
        // A resource's policy is of the account that its files are of; what only limits is
        // looked at by itself.
        let place = self.place().filter(|_| !entry.only_limits());
        let limits = place.map(|place| self.limits(&place.account, &Stated::default()));
        (limits.unwrap_or_default(), Whose::Anybody)
    }

    fn of_kind<'e>(&'e self, kind: &'e str) -> impl Iterator<Item = &'e Resource> {
        self.resources.iter().filter(move |one| one.kind == kind && !one.is_data)
    }

    /// The management account, where the files say.
    fn management(&self) -> Option<&str> {
        let kind = "aws_organizations_organization";
        let mut all = self.resources.iter().filter(|one| one.kind == kind);
        all.find_map(|one| text(one, "master_account_id"))
    }
}

fn text<'r>(resource: &'r Resource, attribute: &str) -> Option<&'r str> {
    resource.values.get(attribute).and_then(Node::text).filter(|text| !text.is_empty())
}

/// Whether an organization enables a type of policies, as far as it is known.
fn enables(organization: &Resource, written: &str) -> Option<bool> {
    if text(organization, "feature_set") == Some("CONSOLIDATED_BILLING") {
        return Some(false);
    }
    let Some(types) = organization.values.get("enabled_policy_types") else { return Some(true) };
    // What is `null` the plan leaves to the provider.
    let Value::List(all) = &types.value else { return None };
    let is_among = all.iter().any(|one| one.text() == Some(written));
    (is_among || types.open() == 0).then_some(is_among)
}

/// How a policy of the files stands to the account.
enum Bound<'t> {
    /// It is attached at these of its places.
    At(Vec<&'t str>),
    /// Nobody knows, and why.
    Maybe(String),
    Not,
}

/// Where an account stands.
struct Tree<'e> {
    estate: &'e Estate,
    /// The account, and what is above it.
    above: Vec<String>,
    /// Whether that is all of it.
    is_whole: bool,
    /// Whether it is known not to be the management account.
    is_member: bool,
}

impl<'e> Tree<'e> {
    fn of(estate: &'e Estate, account: &str, path: Option<&str>, is_member: bool) -> Self {
        let mut above = vec![account.to_owned()];
        if let Some(path) = path {
            let ids = path.split('/').filter(|id| !id.is_empty() && !id.starts_with("o-"));
            above.extend(ids.rev().map(str::to_owned));
            return Self { estate, above, is_whole: true, is_member };
        }
        let with = |kind: &'e str, id: &str| {
            let found = estate.of_kind(kind).find(|one| text(one, "id") == Some(id));
            found.and_then(|one| text(one, "parent_id"))
        };
        let mut parent = with("aws_organizations_account", account);
        while let Some(id) = parent.filter(|_| above.len() <= DEEPEST) {
            above.push(id.to_owned());
            parent = with("aws_organizations_organizational_unit", id);
        }
        let is_whole = above.last().is_some_and(|id| id.starts_with("r-"));
        Self { estate, above, is_whole, is_member }
    }

    /// Adds what binds and what may.
    fn bind(&self, limits: &mut Limits) {
        let mut at: Vec<(&str, Kind, &Arc<Document>)> = Vec::new();
        for policy in self.estate.of_kind("aws_organizations_policy") {
            let written = text(policy, "type").unwrap_or("SERVICE_CONTROL_POLICY");
            let kind = match written {
                "SERVICE_CONTROL_POLICY" => Kind::ServiceControl,
                "RESOURCE_CONTROL_POLICY" => Kind::ResourceControl,
                _ => continue,
            };
            let document = self.document(policy);
            let bound = match (self.is_enabled(written), self.bound(policy)) {
                (Some(false), _) | (_, Bound::Not) => Bound::Not,
                (Some(true), bound) => bound,
                (None, _) => Bound::Maybe(format!(
                    "whether the organization enables policies of the type of `{}`, which is \
                     `{written}`, the files do not say",
                    policy.address
                )),
            };
            match (bound, document) {
                (Bound::Not, _) => {}
                (Bound::At(ids), Some(document)) => {
                    at.extend(ids.into_iter().map(|id| (id, kind, document)));
                }
                (Bound::At(_), None) => {
                    let why = format!("`{}` is known after apply only", policy.address);
                    limits.may.push(May { why, of: String::new(), level: None, kind: Some(kind) });
                }
                (Bound::Maybe(why), document) => {
                    let level = document.map(|document| alone(kind, &[document]));
                    if let Some(level) = &level {
                        limits.add(kind, None, level.clone());
                    }
                    limits.may.push(May { why, of: String::new(), level, kind: Some(kind) });
                }
            }
        }
        for id in &self.above {
            for kind in [Kind::ServiceControl, Kind::ResourceControl] {
                let here = at.iter().filter(|(at, of, _)| at == id && *of == kind);
                let here: Vec<&Arc<Document>> = here.map(|(.., document)| *document).collect();
                if !here.is_empty() {
                    self.level(id, kind, &here, limits);
                }
            }
        }
        self.not_here(limits);
    }

    /// A level. That `FullAWSAccess` is not attached to it any more, the files do not say
    /// where they say nothing of it.
    fn level(&self, id: &str, kind: Kind, here: &[&Arc<Document>], limits: &mut Limits) {
        let own = || here.iter().map(|one| Arc::clone(one));
        let full = full_access().filter(|_| kind == Kind::ServiceControl);
        let sure: Vec<_> = own().chain(full).collect();
        let is_full = self.attachments().any(|one| {
            text(one, "target_id") == Some(id) && text(one, "policy_id") == Some(FULL_ACCESS[0])
        });
        let most = if is_full { sure.clone() } else { alone(kind, here) };
        if most.len() < sure.len() {
            let why =
                format!("whether `{}` is attached to `{id}` the files do not say", FULL_ACCESS[0]);
            let level = Some(most.clone());
            limits.may.push(May { why, of: String::new(), level, kind: Some(kind) });
        }
        limits.add(kind, Some(sure), most);
    }

    /// Policies that are attached and are not in the files.
    fn not_here(&self, limits: &mut Limits) {
        let known: Vec<&str> = self
            .estate
            .of_kind("aws_organizations_policy")
            .filter_map(|one| text(one, "id"))
            .collect();
        for attachment in self.attachments() {
            let policy = text(attachment, "policy_id");
            let is_known =
                policy.is_some_and(|id| known.contains(&id) || FULL_ACCESS.contains(&id));
            let target = text(attachment, "target_id");
            if is_known || target.is_some_and(|id| self.is_elsewhere(id)) {
                continue;
            }
            let why =
                format!("`{}` attaches a policy that is not in the files", attachment.address);
            let of = format!("{policy:?} at {target:?}");
            limits.may.push(May { why, of, level: None, kind: None });
        }
    }

    /// Whether policies of a type count: all features are there, and the type is enabled in the
    /// root. What is disabled is detached from everything
    /// (<https://docs.aws.amazon.com/organizations/latest/userguide/disable-policy-type.html>,
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>).
    /// Where the files have no organization of their own, nothing says that it is not; `None`
    /// where one is not known, or two differ.
    fn is_enabled(&self, written: &str) -> Option<bool> {
        let all = self.estate.of_kind("aws_organizations_organization");
        let says: Vec<Option<bool>> = all.map(|one| enables(one, written)).collect();
        let all_say = |is: bool| says.iter().all(|said| *said == Some(is));
        match (all_say(true), all_say(false)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    fn attachments(&self) -> impl Iterator<Item = &'e Resource> {
        self.estate.of_kind("aws_organizations_policy_attachment")
    }

    fn document(&self, policy: &Resource) -> Option<&'e Arc<Document>> {
        let policies = &self.estate.entries.get(&policy.address)?.policies;
        policies.service_control.iter().chain(&policies.resource_control).flatten().next()
    }

    fn bound(&self, policy: &Resource) -> Bound<'_> {
        let name = &policy.address;
        let id = text(policy, "id");
        let is_its = |one: &&Resource| text(one, "policy_id").is_some_and(|it| Some(it) == id);
        let its: Vec<&Resource> = self.attachments().filter(is_its).collect();
        if its.is_empty() {
            return Bound::Maybe(format!("to what `{name}` is attached the files do not say"));
        }
        let mut at: Vec<&str> = Vec::new();
        let mut maybe = None;
        for one in its {
            match text(one, "target_id") {
                None => {
                    maybe =
                        Some(format!("to what `{}` attaches `{name}` is not known", one.address));
                }
                Some(id) => match self.above.iter().find(|above| *above == id) {
                    Some(above) => at.push(above),
                    None if self.is_elsewhere(id) => {}
                    None => {
                        maybe = Some(format!(
                            "`{name}` is attached to `{id}`, and whether the account is under that \
                             neither the files nor `[account.organization]` say"
                        ));
                    }
                },
            }
        }
        match (at.is_empty(), maybe) {
            (false, _) if self.is_member => Bound::At(at),
            (false, _) => Bound::Maybe(format!(
                "whether `{name}` binds the account hangs on which is the management account, which \
                 neither the files nor `[account.organization]` say"
            )),
            (true, Some(why)) => Bound::Maybe(why),
            (true, None) => Bound::Not,
        }
    }

    /// Whether a target is known not to be the account, nor above it.
    fn is_elsewhere(&self, id: &str) -> bool {
        let is_account = id.len() == 12 && id.bytes().all(|one| one.is_ascii_digit());
        (self.is_whole || is_account) && !self.above.iter().any(|above| above == id)
    }
}

/// A policy by itself, as a level with it alone, where that could allow anything.
pub(super) fn by_itself(policies: &Policies) -> Policies {
    let levels = |kind, all: &[Vec<Arc<Document>>]| -> Vec<Vec<Arc<Document>>> {
        all.iter().map(|level| alone(kind, &level.iter().collect::<Vec<_>>())).collect()
    };
    Policies {
        service_control: levels(Kind::ServiceControl, &policies.service_control),
        ..policies.clone()
    }
}

/// The same where `FullAWSAccess` is attached besides.
pub(super) fn with_full_access(policies: &Policies) -> Policies {
    let mut policies = policies.clone();
    for level in &mut policies.service_control {
        level.extend(full_access());
    }
    policies
}

/// A level with these alone, where that could allow anything.
fn alone(kind: Kind, documents: &[&Arc<Document>]) -> Vec<Arc<Document>> {
    let mut all = documents.iter().flat_map(|one| statements(one));
    let allows = all.any(|one| one.effect() == Effect::Allow);
    let full = full_access().filter(|_| kind == Kind::ServiceControl && !allows);
    documents.iter().map(|one| Arc::clone(one)).chain(full).collect()
}

fn full_access() -> Option<Arc<Document>> {
    const TEXT: &str =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    Document::parse("FullAWSAccess", TEXT, Kind::ServiceControl).ok().map(Arc::new)
}
