//! What was decided about, kept so that it can be decided again under other
//! policies: "would this call have gone through without that statement?"
//!
//! [`Inputs`] is everything that a decision depends on, and [`Inputs::decide`]
//! the one place where the guard decides: a live request and a repeated one
//! take the same path, so that nothing is proved about a second evaluator.

mod requests;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ringfence_policy::key::Shared;
use ringfence_policy::{
    Context, Decision, Document, Layer, Outcome, Policies, Principal, Request, decide, judge,
};

pub use self::requests::{Recorded, Recording};
use crate::requirements::Needed;

/// The places and ids of documents, callers and operations, which stand in each recorded
/// request.
static PLACES: Shared = Shared::up_to(1 << 16);

/// A policy document where it applies. Two are the same where their documents are one.
#[derive(Debug, Clone)]
pub struct Attached {
    /// The place: `role/NAME/inline/POLICY`, `role/NAME/attached/ARN`,
    /// `role/NAME/boundary`, `role/NAME/trust`, `session/N`, `scp/LEVEL/N`,
    /// `rcp/LEVEL/N`, `vpc-endpoint/N`, `resource/ARN`, `authorizer/ARN`.
    pub slot: Arc<str>,
    /// The document that stands there: `policy/ARN` for a managed policy, else
    /// the place itself.
    pub id: Arc<str>,
    /// The document.
    pub document: Arc<Document>,
}

/// The place and id of a role's trust policy.
pub fn trust_id(role: &str) -> String {
    format!("role/{role}/trust")
}

/// The place and id of an inline policy of a `role`, `user` or `group`.
pub fn inline_id(kind: &str, name: &str, policy: &str) -> String {
    format!("{kind}/{name}/inline/{policy}")
}

/// The id of a managed policy, wherever it stands.
pub fn managed_id(arn: &str) -> String {
    format!("policy/{arn}")
}

/// The place and id of a policy that an authorizer gave.
pub(crate) fn given_id(arn: &str) -> String {
    format!("authorizer/{arn}")
}

/// The place and id of a resource's own policy.
pub fn resource_id(arn: &str) -> String {
    format!("resource/{arn}")
}

/// The place of a boundary; its id is the managed policy's. `owner` is
/// `role/NAME` or `user/NAME`.
pub fn boundary_slot(owner: &str) -> String {
    format!("{owner}/boundary")
}

impl PartialEq for Attached {
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot
            && self.id == other.id
            && Arc::ptr_eq(&self.document, &other.document)
    }
}

impl Eq for Attached {}

impl Hash for Attached {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.slot.hash(state);
        Arc::as_ptr(&self.document).hash(state);
    }
}

impl Attached {
    /// A document that belongs to its place.
    pub(crate) fn own(slot: impl AsRef<str>, document: Arc<Document>) -> Self {
        let slot = PLACES.of(slot.as_ref());
        Self { id: Arc::clone(&slot), slot, document }
    }

    /// A managed policy in a place.
    pub(crate) fn managed(slot: impl AsRef<str>, arn: &str, document: Arc<Document>) -> Self {
        Self { slot: PLACES.of(slot.as_ref()), id: PLACES.of(&managed_id(arn)), document }
    }
}

/// A permission that is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The IAM action.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// All condition keys, the global ones included.
    pub context: Arc<Context>,
    /// The policy on the resource's side.
    pub resource_policy: Option<Attached>,
    /// Whether the call needs it.
    pub needed: Needed,
}

impl Asked {
    /// What comes of the denial of a permission of which nobody knows whether the
    /// call needs it.
    fn outcome(&self, decided: Outcome) -> Outcome {
        match (&self.needed, decided) {
            (Needed::Perhaps(_), Outcome::ImplicitDeny | Outcome::ExplicitDeny) => {
                Outcome::Undecided
            }
            _ => decided,
        }
    }
}

/// The key on which a call hangs that may need a permission which is denied.
const NEEDED_KEY: &str = "ringfence:Needed";

/// The resource control policies of an account, by level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ResourceControl {
    /// The account in which the decision is made, whose resources alone they bind.
    pub account_id: String,
    /// The policies.
    pub levels: Vec<Vec<Attached>>,
    /// Resources that they do not bind: keys of KMS that AWS manages
    /// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>).
    pub spared: Vec<String>,
}

impl ResourceControl {
    /// Those that bind the use of a resource. An action without one is bound by
    /// those of the account; a bucket's ARN names no account, and every bucket here
    /// is the account's.
    pub fn of(&self, resource: &str) -> &[Vec<Attached>] {
        let account = resource.split(':').nth(4).filter(|account| !account.is_empty());
        match account {
            _ if self.spared.iter().any(|spared| spared == resource) => &[],
            Some(account) if account != self.account_id => &[],
            _ => &self.levels,
        }
    }
}

/// A VPC endpoint that a caller's requests come through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ThroughEndpoint {
    /// The services that it leads to, by the prefixes of their actions.
    pub services: Vec<String>,
    /// Its policy.
    pub policy: Attached,
}

impl ThroughEndpoint {
    /// Whether requests for the action come through it.
    pub fn leads_to(&self, action: &str) -> bool {
        let prefix = action.split(':').next().unwrap_or_default();
        self.services.iter().any(|service| service.eq_ignore_ascii_case(prefix))
    }
}

/// Who asks, and the policies that apply to all that they ask for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BoundCaller {
    /// Who asks.
    pub principal: Principal,
    /// The role or user behind it: `role/NAME`, `user/NAME`.
    pub owner: Option<Arc<str>>,
    /// The VPC endpoints that the caller's requests come through, one for each
    /// service at most.
    pub vpc_endpoints: Vec<ThroughEndpoint>,
    /// Resource control policies.
    pub resource_control: ResourceControl,
    /// Service control policies, by level.
    pub service_control: Vec<Vec<Attached>>,
    /// Identity policies.
    pub identity: Vec<Attached>,
    /// The permissions boundary.
    pub boundary: Option<Vec<Attached>>,
    /// Session policies.
    pub session: Option<Vec<Attached>>,
}

/// Everything that a decision depends on.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Who asks: the same for many requests, which have it in common.
    pub caller: Arc<BoundCaller>,
    /// What is asked for, in order.
    pub asked: Vec<Asked>,
}

/// How a permission was decided, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What was decided.
    pub outcome: Outcome,
    /// The layer that decided.
    pub layer: Layer,
    /// The `Sid` of the first statement that decided, if it has one.
    pub sid: Option<String>,
}

impl Verdict {
    /// Whether the permission is given.
    pub fn allowed(&self) -> bool {
        self.outcome == Outcome::Allow
    }

    /// Whether the permission hangs on a key of which nothing is known.
    pub fn undecided(&self) -> bool {
        self.outcome == Outcome::Undecided
    }
}

/// Changes to policies, as if they had been deployed.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    replaced: BTreeMap<String, Option<Arc<Document>>>,
    added: Vec<(Option<String>, Layer, Arc<Document>)>,
    keys: Vec<(String, String, Option<String>)>,
}

impl Overlay {
    /// No change.
    pub fn none() -> Self {
        Self::default()
    }

    /// Puts a document in the place of another; `id` is a place's or a
    /// document's ([`Attached::slot`], [`Attached::id`]).
    #[must_use]
    pub fn replace(mut self, id: impl Into<String>, document: Arc<Document>) -> Self {
        self.replaced.insert(id.into(), Some(document));
        self
    }

    /// Removes a document. A boundary or a session policy that is removed
    /// limits nobody any more.
    #[must_use]
    pub fn remove(mut self, id: impl Into<String>) -> Self {
        self.replaced.insert(id.into(), None);
        self
    }

    /// Adds a document to the identity policies, the boundary or the session
    /// policies (as an alternative there), to every level of service control or
    /// resource control policies, or as the policy of a resource that has none; of `owner`
    /// (`role/NAME`) alone, where one is given.
    #[must_use]
    pub fn add(mut self, owner: Option<&str>, layer: Layer, document: Arc<Document>) -> Self {
        self.added.push((owner.map(str::to_owned), layer, document));
        self
    }

    /// Gives requests about a resource another value of a condition key, or
    /// none.
    #[must_use]
    pub fn key(
        mut self,
        resource: impl Into<String>,
        key: impl Into<String>,
        value: Option<String>,
    ) -> Self {
        self.keys.push((resource.into(), key.into(), value));
        self
    }

    /// What stands in a place under the change, if anything.
    pub fn of(&self, attached: &Attached) -> Option<Arc<Document>> {
        let change =
            self.replaced.get(&*attached.slot).or_else(|| self.replaced.get(&*attached.id));
        match change {
            Some(change) => change.clone(),
            None => Some(Arc::clone(&attached.document)),
        }
    }

    fn all(&self, attached: &[Attached]) -> Vec<Arc<Document>> {
        attached.iter().filter_map(|attached| self.of(attached)).collect()
    }

    fn added(&self, owner: Option<&str>, layer: Layer) -> impl Iterator<Item = Arc<Document>> {
        self.added
            .iter()
            .filter(move |(whose, which, _)| {
                *which == layer && (whose.is_none() || whose.as_deref() == owner)
            })
            .map(|(_, _, document)| Arc::clone(document))
    }

    /// The policies of an organization, by level.
    fn levels(
        &self,
        levels: &[Vec<Attached>],
        owner: Option<&str>,
        layer: Layer,
    ) -> Vec<Vec<Arc<Document>>> {
        let level = |level: &Vec<Attached>| {
            let mut level = self.all(level);
            level.extend(self.added(owner, layer));
            level
        };
        levels.iter().map(level).collect()
    }

    fn context(&self, asked: &Asked) -> Option<Context> {
        let mut changed = None;
        for (resource, key, value) in &self.keys {
            if *resource == asked.resource {
                let context = changed.get_or_insert_with(|| Context::clone(&asked.context));
                match value {
                    Some(value) => context.set(key, value),
                    None => context.unset(key),
                };
            }
        }
        changed
    }
}

impl Inputs {
    /// Decides each permission in turn; the first denial ends it. Of a request
    /// without a denial the first permission that is undecided is the last of
    /// the list: the last one decides.
    pub fn decide(&self, overlay: &Overlay) -> Vec<Decision> {
        let mut policies = self.policies(overlay);
        let mut decisions = Vec::with_capacity(self.asked.len());
        let mut undecided = None;
        for asked in &self.asked {
            let decision = self.one(asked, &mut policies, overlay);
            let outcome = decision.outcome;
            decisions.push(decision);
            match outcome {
                Outcome::Allow => {}
                // A later denial is certain, whatever this one comes to.
                Outcome::Undecided => {
                    undecided.get_or_insert(decisions.len());
                }
                Outcome::ImplicitDeny | Outcome::ExplicitDeny => return decisions,
            }
        }
        decisions.truncate(undecided.unwrap_or(decisions.len()));
        decisions
    }

    /// Decides each permission by itself: as many decisions as questions.
    pub fn decide_each(&self, overlay: &Overlay) -> Vec<Decision> {
        let mut policies = self.policies(overlay);
        self.asked.iter().map(|asked| self.one(asked, &mut policies, overlay)).collect()
    }

    /// The same decisions without their explanations, many times as fast.
    pub fn verdict_of_each(&self, overlay: &Overlay) -> Vec<Verdict> {
        let mut policies = self.policies(overlay);
        let mut verdicts = Vec::with_capacity(self.asked.len());
        for asked in &self.asked {
            let changed = self.prepare(asked, &mut policies, overlay);
            let judged = judge(&self.request(asked, changed.as_ref()), &policies);
            verdicts.push(Verdict {
                outcome: asked.outcome(judged.outcome),
                layer: judged.layer,
                sid: judged
                    .statement
                    .and_then(|(document, index)| document.statement_sid(index))
                    .map(str::to_owned),
            });
        }
        verdicts
    }

    /// All documents that decide.
    pub fn documents(&self) -> impl Iterator<Item = &Attached> {
        self.caller
            .resource_control
            .levels
            .iter()
            .chain(&self.caller.service_control)
            .flatten()
            .chain(self.caller.vpc_endpoints.iter().map(|endpoint| &endpoint.policy))
            .chain(&self.caller.identity)
            .chain(self.caller.boundary.iter().flatten())
            .chain(self.caller.session.iter().flatten())
            .chain(self.asked.iter().filter_map(|asked| asked.resource_policy.as_ref()))
    }

    /// The document by whose name a decision cites a statement of a layer.
    pub fn cited(&self, layer: Layer, name: &str) -> Option<&Attached> {
        let named = |attached: &&Attached| attached.document.name() == name;
        match layer {
            Layer::ServiceControl => self.caller.service_control.iter().flatten().find(named),
            Layer::Identity => self.caller.identity.iter().find(named),
            Layer::Boundary => self.caller.boundary.iter().flatten().find(named),
            Layer::Session => self.caller.session.iter().flatten().find(named),
            Layer::Resource => {
                self.asked.iter().filter_map(|asked| asked.resource_policy.as_ref()).find(named)
            }
            Layer::ResourceControl => {
                self.caller.resource_control.levels.iter().flatten().find(named)
            }
            Layer::VpcEndpoint => {
                self.caller.vpc_endpoints.iter().map(|endpoint| &endpoint.policy).find(named)
            }
            Layer::Root => None,
        }
    }

    fn policies(&self, overlay: &Overlay) -> Policies {
        let owner = self.caller.owner.as_deref();
        let limit = |documents: &Option<Vec<Attached>>, layer| {
            let mut kept = overlay.all(documents.as_ref()?);
            if kept.is_empty() {
                return None;
            }
            kept.extend(overlay.added(owner, layer));
            Some(kept)
        };
        let mut identity = overlay.all(&self.caller.identity);
        identity.extend(overlay.added(owner, Layer::Identity));
        Policies {
            service_control: overlay.levels(
                &self.caller.service_control,
                owner,
                Layer::ServiceControl,
            ),
            identity,
            boundary: limit(&self.caller.boundary, Layer::Boundary),
            session: limit(&self.caller.session, Layer::Session),
            ..Policies::default()
        }
    }

    /// The policies that decide about all that is not a VPC endpoint's, on resources
    /// that have this policy, or none, and that resource control binds.
    pub fn policies_with(&self, resource: Option<&Attached>, overlay: &Overlay) -> Policies {
        let owner = self.caller.owner.as_deref();
        let levels = &self.caller.resource_control.levels;
        Policies {
            resource_control: overlay.levels(levels, owner, Layer::ResourceControl),
            resource: resource.and_then(|attached| overlay.of(attached)),
            ..self.policies(overlay)
        }
    }

    /// The policy of the VPC endpoint that requests for the action come through.
    pub fn endpoint_of(&self, action: &str) -> Option<&Attached> {
        let mut endpoints = self.caller.vpc_endpoints.iter();
        endpoints.find(|endpoint| endpoint.leads_to(action)).map(|endpoint| &endpoint.policy)
    }

    fn one(&self, asked: &Asked, policies: &mut Policies, overlay: &Overlay) -> Decision {
        let changed = self.prepare(asked, policies, overlay);
        let mut decision = decide(&self.request(asked, changed.as_ref()), policies);
        if let Needed::Perhaps(reason) = &asked.needed
            && decision.denied()
        {
            decision.outcome = asked.outcome(decision.outcome);
            decision.unknown = vec![NEEDED_KEY.to_owned()];
            decision.explanation =
                format!("undecided: the call may need it, {reason}; {}", decision.explanation);
        }
        decision
    }

    /// Puts what goes with the resource in its place; the condition keys where
    /// the overlay changes some.
    fn prepare(
        &self,
        asked: &Asked,
        policies: &mut Policies,
        overlay: &Overlay,
    ) -> Option<Context> {
        policies.vpc_endpoint =
            self.endpoint_of(&asked.action).and_then(|policy| overlay.of(policy));
        policies.resource_control = overlay.levels(
            self.caller.resource_control.of(&asked.resource),
            self.caller.owner.as_deref(),
            Layer::ResourceControl,
        );
        policies.resource = match &asked.resource_policy {
            Some(attached) => overlay.of(attached),
            None => overlay.added(self.caller.owner.as_deref(), Layer::Resource).next(),
        };
        overlay.context(asked)
    }

    /// The account of what an ARN does not say whose it is, where it is not the
    /// caller's: a bucket is of the account that is asked.
    fn owner_of(&self, resource: &str) -> Option<&str> {
        let acting = self.caller.resource_control.account_id.as_str();
        let mut parts = resource.splitn(6, ':').skip(4);
        let is_of_some = parts.next().is_some_and(|account| !account.is_empty());
        let caller = self.caller.principal.account_id()?;
        (!is_of_some && !acting.is_empty() && caller != acting).then_some(acting)
    }

    fn request<'a>(&'a self, asked: &'a Asked, changed: Option<&'a Context>) -> Request<'a> {
        Request {
            principal: &self.caller.principal,
            action: &asked.action,
            resource: &asked.resource,
            resource_account: self.owner_of(&asked.resource),
            context: changed.unwrap_or(&asked.context),
        }
    }
}
