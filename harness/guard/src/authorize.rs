//! Whether a caller may make a call: each permission that it requires is put to
//! the policy engine with every policy that applies.

use std::sync::Arc;

use ringfence_policy::{Decision, Document, Kind, Principal};
use ringfence_services::credentials::{FederatedUser, Identity, LongTerm, RoleSession, Session};
use ringfence_wire::{Service, ServiceError};

use crate::accounts::Directories;
use crate::api_keys;
use crate::authenticate::gone;
use crate::context::{self, Circumstances};
use crate::directory::Directory;
use crate::perimeter::Perimeter;
use crate::recording::{self, Asked, Attached, BoundCaller, Inputs};
use crate::refusal;
use crate::requirements::state::Tags;
use crate::requirements::{Requirement, ResourcePolicy, known};
use crate::vpc_endpoint;

/// A caller with everything that decides for it.
#[derive(Debug)]
pub(crate) struct Subject {
    principal: Principal,
    /// `role/NAME` or `user/NAME`.
    owner: Option<Arc<str>>,
    identity: Vec<Attached>,
    boundary: Option<Vec<Attached>>,
    session: Option<Vec<Attached>>,
    /// The principal's own tags.
    tags: Tags,
    service_control: Vec<Vec<Attached>>,
    perimeter: Arc<Perimeter>,
}

/// Where the condition keys of a permission come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// From a call, by its mapping: keys of the action that the mapping does not
    /// know are unknown.
    OfCall,
    /// From a question, which supposes a request: what it does not set is
    /// absent.
    Stated,
}

/// A permission that was asked for, and what was decided.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// What was required.
    pub(crate) requirement: Requirement,
    /// What was decided.
    pub(crate) decision: Decision,
}

impl Subject {
    /// Gathers what decides for a caller.
    ///
    /// # Errors
    /// When its user or role is gone, or its policies cannot be read: it is
    /// refused then, whatever it asks.
    pub(crate) async fn of(
        caller: &Session,
        directories: &Directories,
        perimeter: &Arc<Perimeter>,
        service: Service,
    ) -> Result<Self, ServiceError> {
        let mut subject = Self::anyone(perimeter);
        match &caller.identity {
            Identity::Service { principal, .. } => {
                subject.principal = Principal::Service { name: principal.clone() };
                return Ok(subject);
            }
            Identity::WebIdentity(web) => {
                subject.principal =
                    Principal::WebIdentity { provider_arn: web.provider_arn.clone() };
                return Ok(subject);
            }
            Identity::Anonymous => return Ok(subject),
            Identity::Root { .. }
            | Identity::User { .. }
            | Identity::Role(_)
            | Identity::FederatedUser(_) => {}
        }
        let directory =
            directories.of_caller(&caller.identity).ok_or_else(|| gone(service))?.as_ref();
        match &caller.identity {
            Identity::Root { account_id, .. } => {
                subject.principal = Principal::Root { account_id: account_id.clone() };
            }
            Identity::User { arn, name, user_id } => {
                subject.user(name, user_id, directory, service).await?;
                subject.principal = Principal::User { arn: arn.clone() };
            }
            Identity::Role(session) => {
                subject.role(caller, session, directory, service).await?;
            }
            Identity::FederatedUser(session) => {
                subject.federated_user(caller, session, directory, service).await?;
            }
            Identity::Service { .. } | Identity::WebIdentity(_) | Identity::Anonymous => {}
        }
        // Service control policies bind the account's own principals, root
        // included: not services, and not those who have no account here.
        let levels = perimeter.organizations.service_control(directory.account_id());
        subject.service_control = levels.to_vec();
        Ok(subject)
    }

    /// Whoever has what a policy says that was given with the request: an
    /// authorizer's. No other policy of the account speaks of it.
    pub(crate) fn given(arn: &str, document: Document, perimeter: &Arc<Perimeter>) -> Self {
        Self {
            principal: Principal::User { arn: arn.to_owned() },
            identity: vec![Attached::own(recording::given_id(arn), Arc::new(document))],
            ..Self::anyone(perimeter)
        }
    }

    /// Whoever comes without a signature.
    pub(crate) fn anyone(perimeter: &Arc<Perimeter>) -> Self {
        Self {
            principal: Principal::Anonymous,
            owner: None,
            identity: Vec::new(),
            boundary: None,
            session: None,
            tags: Tags::new(),
            service_control: Vec::new(),
            perimeter: Arc::clone(perimeter),
        }
    }

    /// What a user has, itself or behind a session that it federated.
    async fn user(
        &mut self,
        name: &str,
        user_id: &str,
        directory: &Directory,
        service: Service,
    ) -> Result<(), ServiceError> {
        // A user of the same name that was made later is another user.
        let user = directory
            .user(name)
            .await?
            .filter(|user| user.id == user_id)
            .ok_or_else(|| gone(service))?;
        let policies = directory.user_policies(name, &user).await?;
        self.owner = Some(format!("user/{}", directory.scoped(name)).into());
        self.identity = policies.identity;
        self.boundary = policies.boundary.map(|boundary| vec![boundary]);
        self.tags.clone_from(&user.tags);
        Ok(())
    }

    /// The session has what its user and its session policies both allow, as
    /// they are now
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html>).
    async fn federated_user(
        &mut self,
        caller: &Session,
        session: &FederatedUser,
        directory: &Directory,
        service: Service,
    ) -> Result<(), ServiceError> {
        match &session.federator {
            LongTerm::Root { .. } => {}
            LongTerm::User { name, user_id, .. } => {
                self.user(name, user_id, directory, service).await?;
            }
        }
        let arn = caller.identity.arn();
        self.session = session_policies(session.session_policies.as_deref(), &arn, directory)?;
        self.principal = Principal::FederatedUser { arn, user_arn: session.federator.arn() };
        Ok(())
    }

    async fn role(
        &mut self,
        caller: &Session,
        session: &RoleSession,
        directory: &Directory,
        service: Service,
    ) -> Result<(), ServiceError> {
        // A role of the same name that was made later is another role.
        let role = directory
            .role(&session.role_name)
            .await?
            .filter(|role| role.id == session.role_id)
            .ok_or_else(|| gone(service))?;
        let policies = directory.role_policies(&session.role_name, &role).await?;
        let session_arn = caller.identity.arn();
        let texts = session.session_policies.as_deref();
        self.session = session_policies(texts, &session_arn, directory)?;
        self.principal = Principal::RoleSession { role_arn: role.arn.clone(), session_arn };
        self.owner = Some(format!("role/{}", directory.scoped(&session.role_name)).into());
        self.identity = policies.identity;
        self.boundary = policies.boundary.map(|boundary| vec![boundary]);
        self.tags.clone_from(&role.tags);
        Ok(())
    }

    /// Everything that the decision about these permissions depends on, in the
    /// account of a directory.
    ///
    /// # Errors
    /// When a resource's policy cannot be read.
    pub(crate) fn inputs(
        self,
        requirements: &[Requirement],
        region: &str,
        caller: &Session,
        directory: &Directory,
        circumstances: &Circumstances<'_>,
        keys: Keys,
    ) -> Result<Inputs, ServiceError> {
        let mut global = context::global(region, caller, &self.tags, circumstances);
        self.perimeter.organizations.describe_caller(&mut global, caller);
        let through = self.perimeter.vpc_endpoints.of(caller);
        let mut asked = Vec::with_capacity(requirements.len());
        let organizations = &self.perimeter.organizations;
        let mut resource_control = organizations.resource_control(directory.account_id());
        let managed = requirements.iter().filter(|it| it.managed_by_aws);
        resource_control.spared.extend(managed.map(|it| it.resource.clone()));
        for requirement in requirements {
            let mut context = global.clone();
            let account = resource_account(&requirement.resource);
            let acting = caller.identity.account_id().map(|_| directory.account_id());
            match account.or(acting) {
                Some(account) => {
                    context.set("aws:ResourceAccount", account);
                    organizations.describe_resource(&mut context, account);
                }
                // Of a bucket, and of an action without a resource, the ARN does
                // not tell; nor does a caller who belongs to no account.
                None => drop(context.set_unknown("aws:ResourceAccount")),
            }
            if let Some(arrival) = circumstances.arrival
                && requirement.action.starts_with("s3:")
            {
                arrival.describe(&mut context, circumstances.now);
            }
            if requirement.action == api_keys::INVOKE {
                api_keys::describe(&mut context, caller);
            }
            if through.iter().any(|endpoint| endpoint.leads_to(&requirement.action)) {
                vpc_endpoint::describe(&mut context);
            }
            context.extend(&requirement.context);
            if keys == Keys::OfCall {
                known::mark_unknown(&requirement.action, &requirement.resource, &mut context);
            }
            if let ResourcePolicy::Unknown { .. } = requirement.resource_policy {
                context.set_unknown(UNREAD_KEY);
            }
            asked.push(Asked {
                action: requirement.action.clone(),
                resource: requirement.resource.clone(),
                context: Arc::new(context),
                resource_policy: resource_policy(&requirement.resource_policy, directory)?,
                needed: requirement.needed,
            });
        }
        Ok(Inputs {
            caller: Arc::new(BoundCaller {
                principal: self.principal,
                owner: self.owner,
                vpc_endpoints: through,
                resource_control,
                service_control: self.service_control,
                identity: self.identity,
                boundary: self.boundary,
                session: self.session,
            }),
            asked,
        })
    }
}

/// The session policies, where the session has any.
fn session_policies(
    texts: Option<&[String]>,
    session_arn: &str,
    directory: &Directory,
) -> Result<Option<Vec<Attached>>, ServiceError> {
    let Some(texts) = texts else { return Ok(None) };
    let documents = texts.iter().enumerate().map(|(index, text)| {
        let name = format!("{session_arn}#{index}");
        let document = directory.document(&name, text, Kind::Session, session_arn)?;
        Ok(Attached::own(format!("session/{index}"), document))
    });
    documents.collect::<Result<_, _>>().map(Some)
}

/// The policy on the resource's side, by its stable id.
fn resource_policy(
    policy: &ResourcePolicy,
    directory: &Directory,
) -> Result<Option<Attached>, ServiceError> {
    Ok(match policy {
        ResourcePolicy::None => None,
        ResourcePolicy::Resource { name, document } => Some(Attached::own(
            recording::resource_id(name),
            directory.document(name, document, Kind::Resource, name)?,
        )),
        ResourcePolicy::Unknown { name, reason } => {
            let cited = format!("the policy of {name} ({reason})");
            let document = directory.document(&cited, &unread(), Kind::Resource, name)?;
            Some(Attached::own(recording::resource_id(name), document))
        }
        ResourcePolicy::Trust { name, document } => {
            let role = directory.scoped(name.rsplit('/').next().unwrap_or(name));
            Some(Attached::own(
                recording::trust_id(&role),
                directory.document(name, document, Kind::Trust, name)?,
            ))
        }
    })
}

/// The key on which everything hangs that a policy says which cannot be read.
const UNREAD_KEY: &str = "ringfence:ResourcePolicy";

/// A policy of which nothing is known: it may allow and it may deny.
fn unread() -> String {
    let statement = |effect: &str| {
        let condition = serde_json::json!({"StringEquals": {UNREAD_KEY: effect}});
        serde_json::json!({"Sid": format!("May{effect}"), "Effect": effect, "Principal": "*",
            "Action": "*", "Resource": "*", "Condition": condition})
    };
    let statements = [statement("Allow"), statement("Deny")];
    serde_json::json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// Pairs what was required with what was decided; what comes after a denial
/// was not decided.
pub(crate) fn verdicts(required: Vec<Requirement>, decisions: Vec<Decision>) -> Vec<Verdict> {
    required
        .into_iter()
        .zip(decisions)
        .map(|(requirement, decision)| Verdict { requirement, decision })
        .collect()
}

/// The account in an ARN, where it has one.
pub(crate) fn resource_account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// A refusal that is worded for a service: directories do not know for whom
/// they were asked.
pub(crate) fn worded(error: ServiceError, service: Service) -> ServiceError {
    if error.code == "AccessDenied" { refusal::refused(service, error.message) } else { error }
}
