//! Who makes a call, and what comes with it: a session with tags, a source identity, a
//! token's claims.

use ringfence_guard::recording::Asked;
use ringfence_guard::requirements::state::Tags;
use ringfence_guard::supposed::Supposed;
use ringfence_models::Partition;
use ringfence_models::actions::is_global_key;
use ringfence_policy::{Principal, Values};
use ringfence_prove::Witness;
use ringfence_services::credentials::{ClaimValues, RoleSession, WebIdentity};
use ringfence_services::{Identity, Session};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::issuers::AUDIENCE;

/// The permissions boundary: of a call that sets one its input's, else the identity's.
const BOUNDARY: &str = "iam:permissionsboundary";

/// The key of the source identity of a session.
const SOURCE: &str = "aws:sourceidentity";

/// Who calls, and the keys of the request by where they come from.
#[derive(Debug)]
pub(super) struct Comes {
    pub(super) session: Session,
    /// Those that the input sets.
    pub(super) keys: Vec<(String, Values)>,
    /// The tags of the resource.
    tags: Tags,
    boundary: Option<String>,
    /// The tags of the caller, of its session where it has one.
    caller_tags: Tags,
    source: Option<String>,
}

impl Comes {
    /// Reads a request.
    ///
    /// # Errors
    /// Why nobody makes its call.
    pub(super) fn of(witness: &Witness, now: OffsetDateTime) -> Result<Self, String> {
        let is_token = matches!(witness.principal, Principal::WebIdentity { .. });
        let mut comes = Self {
            session: Session::direct(Identity::Anonymous),
            keys: Vec::new(),
            tags: Tags::new(),
            boundary: None,
            caller_tags: Tags::new(),
            source: None,
        };
        let mut claims: Vec<(String, ClaimValues)> = Vec::new();
        let mut user_id = None;
        for key in witness.context.keys() {
            let Some(values) = witness.context.get(key) else { continue };
            let one = || values.as_slice().first().cloned().unwrap_or_default();
            let tag = key.split_once("tag/").map(|(_, tag)| tag.to_owned());
            match tag {
                Some(tag) if key.starts_with("aws:principaltag/") => {
                    comes.caller_tags.push((tag, one()));
                }
                Some(tag) if key.contains("resourcetag/") => comes.tags.push((tag, one())),
                _ if key == BOUNDARY => {
                    comes.boundary = Some(one());
                    comes.keys.push((key.to_owned(), values.clone()));
                }
                _ if key == SOURCE => comes.source = Some(one()),
                _ if key == "aws:userid" => user_id = Some(one()),
                _ if is_token && !key.starts_with("aws:") && !key.starts_with("sts:") => {
                    claims.push((key.to_owned(), claim(values)));
                }
                _ if is_global_key(key) && key != "aws:tagkeys" && !key.contains("requesttag/") => {
                }
                _ => comes.keys.push((key.to_owned(), values.clone())),
            }
        }
        comes.session = comes.session_of(&witness.principal, user_id, claims, now)?;
        Ok(comes)
    }

    fn session_of(
        &self,
        principal: &Principal,
        user_id: Option<String>,
        claims: Vec<(String, ClaimValues)>,
        now: OffsetDateTime,
    ) -> Result<Session, String> {
        let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        let identity = match principal {
            Principal::Root { account_id } => {
                let partition = Partition::default();
                Identity::Root { account_id: account_id.clone(), partition }
            }
            Principal::User { arn } => Identity::User {
                arn: arn.clone(),
                name: last(arn),
                user_id: user_id.unwrap_or_else(|| "AIDAEXAMPLE".to_owned()),
            },
            Principal::RoleSession { role_arn, session_arn } => {
                let id = user_id.as_deref().and_then(|id| Some(id.split_once(':')?.0.to_owned()));
                Identity::Role(Box::new(RoleSession {
                    role_arn: role_arn.clone(),
                    role_name: last(role_arn),
                    role_id: id.unwrap_or_else(|| "AROAEXAMPLE".to_owned()),
                    session_name: last(session_arn),
                    session_policies: None,
                    tags: self.caller_tags.clone(),
                    transitive_tag_keys: Vec::new(),
                    source_identity: self.source.clone(),
                    web_keys: Vec::new(),
                    federated_provider: None,
                    assumed_by: None,
                    issued_at: now,
                }))
            }
            Principal::WebIdentity { provider_arn } => token(provider_arn, claims),
            Principal::Anonymous => Identity::Anonymous,
            Principal::Service { name } => {
                return Err(format!("`{name}` itself asks for it, and nobody sends its calls"));
            }
            Principal::FederatedUser { .. } => {
                return Err(
                    "a federated user asks for it, whose session is not made here".to_owned()
                );
            }
        };
        Ok(Session::direct(identity))
    }

    /// The state of which the request speaks.
    pub(super) fn supposed(&self, resource: &str, account: &str, now: OffsetDateTime) -> Supposed {
        let is_user = matches!(self.session.identity, Identity::User { .. });
        Supposed {
            account_id: account.to_owned(),
            resource: resource.to_owned(),
            tags: self.tags.clone(),
            boundary: self.boundary.clone(),
            caller_tags: if is_user { self.caller_tags.clone() } else { Tags::new() },
            now,
        }
    }

    /// What must be so for what a call asks for, in words.
    pub(super) fn supposes(&self, asked: &Asked) -> Vec<String> {
        let list = |tags: &Tags| {
            let all: Vec<String> =
                tags.iter().map(|(key, value)| format!("`{key}` = `{value}`")).collect();
            all.join(", ")
        };
        let mut all = Vec::new();
        if !self.tags.is_empty() {
            all.push(format!("`{}` has the tags {}", asked.resource, list(&self.tags)));
        }
        let is_set = self.keys.iter().any(|(key, _)| key == BOUNDARY)
            && asked.action.rsplit(':').next().is_some_and(sets_boundary);
        if let Some(boundary) = self.boundary.as_ref().filter(|_| !is_set) {
            all.push(format!("`{}` carries the boundary `{boundary}`", asked.resource));
        }
        if !self.caller_tags.is_empty() {
            all.push(format!("who calls has the tags {}", list(&self.caller_tags)));
        }
        if let Some(source) = &self.source {
            all.push(format!("its session has the source identity `{source}`"));
        }
        all
    }

    /// The claims of the token that the call brings.
    pub(super) fn token(&self) -> Option<Map<String, Value>> {
        let Identity::WebIdentity(token) = &self.session.identity else { return None };
        let claims = token.keys.iter().map(|(key, values)| {
            let claim = key.rsplit(':').next().unwrap_or_default().to_owned();
            let value = match values {
                ClaimValues::One(value) => json!(value),
                ClaimValues::Many(values) => json!(values),
            };
            (claim, value)
        });
        let issuer = ("iss".to_owned(), json!(token.issuer));
        Some(std::iter::once(issuer).chain(claims).collect())
    }
}

/// Whether an operation puts a boundary itself.
fn sets_boundary(name: &str) -> bool {
    name.starts_with("Create") || name.starts_with("Put") && name.ends_with("PermissionsBoundary")
}

fn claim(values: &Values) -> ClaimValues {
    match values {
        Values::One(value) => ClaimValues::One(value.clone()),
        Values::Many(values) => ClaimValues::Many(values.clone()),
    }
}

/// The bearer of a token, which has an audience and a subject whatever a policy asks for
/// (<https://openid.net/specs/openid-connect-core-1_0.html#IDToken>).
fn token(provider_arn: &str, mut claims: Vec<(String, ClaimValues)>) -> Identity {
    let host = provider_arn.split_once("oidc-provider/").map_or("", |(_, host)| host);
    for (name, usual) in [("aud", AUDIENCE), ("sub", "ringfence-probe")] {
        let key = format!("{host}:{name}");
        if !claims.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            claims.push((key, ClaimValues::One(usual.to_owned())));
        }
    }
    let text = |name: &str| {
        let of = |(key, _): &&(String, ClaimValues)| key.rsplit(':').next() == Some(name);
        match claims.iter().find(of) {
            Some((_, ClaimValues::One(value))) => value.clone(),
            Some((_, ClaimValues::Many(values))) => values.first().cloned().unwrap_or_default(),
            None => String::new(),
        }
    };
    Identity::WebIdentity(Box::new(WebIdentity {
        provider_arn: provider_arn.to_owned(),
        issuer: format!("https://{host}"),
        subject: text("sub"),
        audience: text("aud"),
        keys: claims,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    }))
}
