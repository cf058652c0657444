//! How certificates are written: one JSON file, of this version; what earlier ones have is
//! read.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::{Document, Kind, Policies, Principal, Values};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::packets::PacketCertificate;

/// The version of the form that is written. Version 1 had certificates about requests
/// alone, and neither it nor version 2 states the claims that it is of; both are read.
pub const VERSION: u32 = 3;

/// The first version that states its claims.
const STATED: u32 = 3;

/// Certificates, with the documents of all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificates {
    /// [`VERSION`], or an earlier one.
    pub version: u32,
    /// The text of each policy, by its SHA-256 in hexadecimal digits.
    pub documents: BTreeMap<String, String>,
    /// One a claim about requests.
    pub certificates: Vec<Certificate>,
    /// One a claim about packets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packets: Vec<PacketCertificate>,
    /// What is proved without one, and why.
    pub without: Vec<Without>,
    /// Of how many claims the file is, by guard rail and by whose requests: each has a
    /// certificate, or stands in `without`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: Claims,
}

/// How many claims there are, by guard rail and by whose requests.
pub type Claims = BTreeMap<String, BTreeMap<String, usize>>;

/// A claim that is proved and has no certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Without {
    /// The guard rail.
    pub rail: String,
    /// Whose requests.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// That every request which one side allows is allowed by the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The guard rail.
    pub rail: String,
    /// Whose requests.
    pub who: String,
    /// `proved`: nothing else has a certificate.
    pub verdict: String,
    /// What requests there are.
    pub universe: Universe,
    /// The policies whose requests are looked at.
    pub inner: Side,
    /// Those that allow all of these: the guard rail.
    pub outer: Side,
    /// Who asks; none is anybody.
    pub principal: Option<Who>,
    /// The classes of callers.
    pub callers: Vec<CallerCase>,
}

/// What requests there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Universe {
    /// Of actions.
    pub actions: String,
    /// Of what is acted upon.
    pub resources: String,
    /// Of condition keys.
    pub keys: String,
}

impl Universe {
    /// Any.
    pub fn all() -> Self {
        Self {
            actions: "any name".to_owned(),
            resources: "`*` and any ARN".to_owned(),
            keys: "each absent, any text, any list of texts".to_owned(),
        }
    }

    /// Any, but that no request has a list of a key that has one value at most, and of an
    /// action that the policies name none has a key that AWS's reference gives to other
    /// actions of its service alone.
    pub fn sent() -> Self {
        Self { keys: SENT_KEYS.to_owned(), ..Self::all() }
    }
}

/// What condition keys are where not each may be in every request.
pub const SENT_KEYS: &str = "each absent, any text, any list of texts where AWS does not say that \
     it has one value; absent of an action that is named where AWS's reference gives it to other \
     actions of the service alone";

/// Policies by layer, each a document's kind and SHA-256.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Identity policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<Named>,
    /// The permissions boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Vec<Named>>,
    /// Session policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Vec<Named>>,
    /// The resource's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Named>,
    /// Service control policies, by level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scp: Vec<Vec<Named>>,
    /// The VPC endpoint's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint: Option<Named>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// As what it is read.
    pub kind: DocumentKind,
    /// The SHA-256 of its text.
    pub sha256: String,
}

/// [`Kind`], as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the kinds of documents that there are")]
pub enum DocumentKind {
    Identity,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    VpcEndpoint,
    Resource,
    Trust,
}

/// A caller, as [`Principal`] has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "those of the engine")]
pub enum Who {
    Root { account_id: String },
    User { arn: String },
    RoleSession { role_arn: String, session_arn: String },
    FederatedUser { arn: String, user_arn: String },
    WebIdentity { provider_arn: String },
    Service { name: String },
    Anonymous,
}

/// The requests of a caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerCase {
    /// The caller; of a class, one of it.
    pub principal: Who,
    /// The classes of what each condition key holds, by its name in lower case: one
    /// value each, `null` where it is absent.
    pub keys: BTreeMap<String, Vec<Option<Held>>>,
    /// The classes of actions.
    pub actions: Vec<ActionCase>,
}

/// What a condition key holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Held {
    /// One value.
    One(String),
    /// A list.
    Many(Vec<String>),
}

/// The requests for an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionCase {
    /// The action, one of its class.
    pub action: String,
    /// A tree: the first is its root, and each one's branches come after it.
    pub cases: Vec<Case>,
}

/// A branching, or a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Case {
    /// Two parts of the requests.
    Split(Split),
    /// Requests that are decided alike.
    Class(Class),
}

/// Two parts of the requests, which are all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// What tells them apart.
    pub on: On,
    /// The number of the case for which it holds.
    pub yes: usize,
    /// The number of the other.
    pub no: usize,
}

/// What tells requests apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// Nothing but `*` is acted upon, no ARN.
    Star,
    /// The ARN is covered by this entry of `Resource`.
    Resource(String),
    /// A key holds a value of one of these classes.
    Key {
        /// The key, in lower case.
        key: String,
        /// The numbers of the classes.
        classes: Vec<usize>,
    },
}

/// Requests that are decided alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// What decides it.
    pub why: Why,
    /// What is acted upon in its request; none where there is no request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The class of each key in its request, where it is not the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, usize>,
    /// What the engine says of its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What decides a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The inner side refuses all of it.
    Refused,
    /// The outer side allows all of it.
    Allowed,
    /// The one or the other, by whose the resource is.
    Either,
    /// There is no such request.
    Empty,
}

/// Why a file is none of certificates.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// They are of another form.
    #[error("certificates of version {0} are not read here; 1 to {VERSION} are")]
    Version(u32),
    /// Those about packets came with version 2.
    #[error("certificates of version 1 have none about packets")]
    Packets,
    /// The claims came with version 3.
    #[error("certificates of version {0} state no claims")]
    Claims(u32),
    /// It is another text.
    #[error("no certificates of version 1 to {VERSION}: {0}")]
    Form(serde_json::Error),
}

impl From<serde_json::Error> for Unread {
    fn from(error: serde_json::Error) -> Self {
        Self::Form(error)
    }
}

impl Certificates {
    /// Reads a file.
    ///
    /// # Errors
    /// Of another version, or another form.
    pub fn read(text: &[u8]) -> Result<Self, Unread> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(text)?;
        if version == 0 || version > VERSION {
            return Err(Unread::Version(version));
        }
        let all: Self = serde_json::from_slice(text)?;
        match all.version {
            1 if !all.packets.is_empty() => Err(Unread::Packets),
            version if !all.states_claims() && !all.claims.is_empty() => {
                Err(Unread::Claims(version))
            }
            _ => Ok(all),
        }
    }

    /// Whether it states the claims that it is of, so that a missing certificate shows.
    pub fn states_claims(&self) -> bool {
        self.version >= STATED
    }

    /// States that it is of a claim more.
    pub fn state(&mut self, rail: &str, who: &str) {
        let of = self.claims.entry(rail.to_owned()).or_default();
        *of.entry(who.to_owned()).or_default() += 1;
    }

    /// The claims that have a certificate or a reason why not.
    pub(crate) fn told(&self) -> Claims {
        let requests = self.certificates.iter().map(|one| (&one.rail, &one.who));
        let packets = self.packets.iter().map(|one| (&one.rail, &one.who));
        let without = self.without.iter().map(|one| (&one.rail, &one.who));
        let mut told = Claims::new();
        for (rail, who) in requests.chain(packets).chain(without) {
            *told.entry(rail.clone()).or_default().entry(who.clone()).or_default() += 1;
        }
        told
    }

    /// None, yet.
    pub fn new() -> Self {
        Self { version: VERSION, ..Self::default() }
    }

    /// Writes policies down.
    pub fn side(&mut self, policies: &Policies) -> Side {
        let mut one = |document: &Arc<Document>| {
            let sha256 = digest(document.text());
            self.documents.entry(sha256.clone()).or_insert_with(|| document.text().to_owned());
            Named { kind: document.kind().into(), sha256 }
        };
        let mut all = |list: &Vec<Arc<Document>>| list.iter().map(&mut one).collect::<Vec<_>>();
        Side {
            identity: all(&policies.identity),
            boundary: policies.boundary.as_ref().map(&mut all),
            session: policies.session.as_ref().map(&mut all),
            scp: policies.service_control.iter().map(&mut all).collect(),
            resource: policies.resource.as_ref().map(&mut one),
            vpc_endpoint: policies.vpc_endpoint.as_ref().map(&mut one),
        }
    }

    /// Reads policies, each of which must be what its digest says.
    ///
    /// # Errors
    /// The first that is not.
    pub(crate) fn policies(&self, side: &Side) -> Result<Policies, String> {
        let one = |named: &Named| {
            let Named { kind, sha256 } = named;
            let text = self.documents.get(sha256);
            let text = text.ok_or_else(|| format!("the policy `{sha256}` is not there"))?;
            if digest(text) != *sha256 {
                return Err(format!("the policy `{sha256}` was changed: it has another digest"));
            }
            let document = Document::parse(sha256.as_str(), text, (*kind).into());
            document.map(Arc::new).map_err(|error| format!("the policy `{sha256}`: {error}"))
        };
        let all = |list: &Vec<Named>| list.iter().map(one).collect::<Result<Vec<_>, String>>();
        Ok(Policies {
            identity: all(&side.identity)?,
            boundary: side.boundary.as_ref().map(all).transpose()?,
            session: side.session.as_ref().map(all).transpose()?,
            service_control: side.scp.iter().map(all).collect::<Result<_, String>>()?,
            resource: side.resource.as_ref().map(one).transpose()?,
            vpc_endpoint: side.vpc_endpoint.as_ref().map(one).transpose()?,
            resource_control: Vec::new(),
            resource_control_of: None,
        })
    }
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl From<Kind> for DocumentKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Identity => Self::Identity,
            Kind::Boundary => Self::Boundary,
            Kind::Session => Self::Session,
            Kind::ServiceControl => Self::ServiceControl,
            Kind::ResourceControl => Self::ResourceControl,
            Kind::VpcEndpoint => Self::VpcEndpoint,
            Kind::Resource => Self::Resource,
            Kind::Trust => Self::Trust,
        }
    }
}

impl From<DocumentKind> for Kind {
    fn from(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::Identity => Self::Identity,
            DocumentKind::Boundary => Self::Boundary,
            DocumentKind::Session => Self::Session,
            DocumentKind::ServiceControl => Self::ServiceControl,
            DocumentKind::ResourceControl => Self::ResourceControl,
            DocumentKind::VpcEndpoint => Self::VpcEndpoint,
            DocumentKind::Resource => Self::Resource,
            DocumentKind::Trust => Self::Trust,
        }
    }
}

impl From<&Principal> for Who {
    fn from(principal: &Principal) -> Self {
        match principal.clone() {
            Principal::Root { account_id } => Self::Root { account_id },
            Principal::User { arn } => Self::User { arn },
            Principal::RoleSession { role_arn, session_arn } => {
                Self::RoleSession { role_arn, session_arn }
            }
            Principal::FederatedUser { arn, user_arn } => Self::FederatedUser { arn, user_arn },
            Principal::WebIdentity { provider_arn } => Self::WebIdentity { provider_arn },
            Principal::Service { name } => Self::Service { name },
            Principal::Anonymous => Self::Anonymous,
        }
    }
}

impl From<&Who> for Principal {
    fn from(who: &Who) -> Self {
        match who.clone() {
            Who::Root { account_id } => Self::Root { account_id },
            Who::User { arn } => Self::User { arn },
            Who::RoleSession { role_arn, session_arn } => {
                Self::RoleSession { role_arn, session_arn }
            }
            Who::FederatedUser { arn, user_arn } => Self::FederatedUser { arn, user_arn },
            Who::WebIdentity { provider_arn } => Self::WebIdentity { provider_arn },
            Who::Service { name } => Self::Service { name },
            Who::Anonymous => Self::Anonymous,
        }
    }
}

impl From<&Values> for Held {
    fn from(values: &Values) -> Self {
        match values {
            Values::One(one) => Self::One(one.clone()),
            Values::Many(many) => Self::Many(many.clone()),
        }
    }
}
