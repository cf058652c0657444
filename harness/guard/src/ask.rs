//! What the guard would decide, asked without a request: for services that it
//! does not serve, and for callers whose keys nobody but AWS holds.

use std::net::{IpAddr, Ipv4Addr};

use ringfence_models::Partition;
use ringfence_policy::{Context, Decision};
use ringfence_services::credentials::{Identity, RoleSession, Session};
use ringfence_wire::{Service, ServiceError};

use crate::accounts;
use crate::authorize::{Keys, Subject};
use crate::context::Circumstances;
use crate::guard::Guard;
use crate::pipeline::Pipeline;
use crate::recording::{Inputs, Overlay, Recorded, Recording};
use crate::refusal;
use crate::requirements::bucket_policy::{self, Asked};
use crate::requirements::state::Told;
use crate::requirements::{Extent, Needed, Requirement, ResourcePolicy, State as _};

/// A permission to ask about.
#[derive(Debug, Clone)]
pub struct Question {
    /// The IAM action.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// The condition keys of action and resource, as a question supposes them:
    /// what it does not set is absent, unless it says that it is unknown
    /// ([`Context::set_unknown`]). The global ones are added.
    pub context: Context,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Caller<'a> {
    /// The holder of an access key.
    Key(&'a str),
    /// A session of a role, as a service (Lambda) would hold it.
    Role {
        /// The role's ARN; its account is one that is guarded.
        arn: &'a str,
        /// The session's name.
        session: &'a str,
    },
    /// A user with a key of its own.
    User {
        /// The user's ARN; its account is one that is guarded.
        arn: &'a str,
    },
    /// A service in its own right.
    Service {
        /// `apigateway.amazonaws.com`, ….
        principal: &'a str,
        /// `aws:SourceArn`.
        source_arn: Option<&'a str>,
        /// `aws:SourceAccount`.
        source_account: Option<&'a str>,
    },
    /// Nobody.
    Anonymous,
}

impl Guard {
    /// What the guard would decide about each question for the holder of an
    /// access key: as many decisions as questions.
    ///
    /// # Errors
    /// When the key is unknown or ended, its policies cannot be read, or it is of
    /// a session that more than policies bounds.
    pub async fn ask(
        &self,
        access_key_id: &str,
        questions: &[Question],
        overlay: &Overlay,
    ) -> Result<Vec<Decision>, ServiceError> {
        Ok(self.inputs(Caller::Key(access_key_id), questions).await?.decide_each(overlay))
    }

    /// What a caller's questions would be decided by.
    ///
    /// # Errors
    /// When the caller is unknown, or policies cannot be read.
    pub async fn inputs(
        &self,
        caller: Caller<'_>,
        questions: &[Question],
    ) -> Result<Inputs, ServiceError> {
        let mut inputs = self.pipeline().inputs(caller, questions).await?;
        // Who asks keeps them as often as not.
        if let Some(recording) = self.recording() {
            recording.share(&mut inputs);
        }
        Ok(inputs)
    }

    /// The requests that were decided, where the configuration asked for it.
    pub fn recording(&self) -> Option<&Recording> {
        self.pipeline().recording.as_deref()
    }

    /// Decides a recorded request again under changed policies; the first
    /// denial ends it.
    ///
    /// # Errors
    /// When the request is not recorded.
    pub fn decide_again(
        &self,
        request_id: &str,
        overlay: &Overlay,
    ) -> Result<Vec<Decision>, NotRecorded> {
        let recorded = self.recording().and_then(|recording| recording.find(request_id));
        let recorded: std::sync::Arc<Recorded> =
            recorded.ok_or_else(|| NotRecorded(request_id.to_owned()))?;
        Ok(recorded.inputs.decide(overlay))
    }
}

/// A request of which no decision is recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no decision is recorded of the request `{0}`")]
pub struct NotRecorded(pub String);

impl Pipeline {
    pub(crate) async fn inputs(
        &self,
        caller: Caller<'_>,
        questions: &[Question],
    ) -> Result<Inputs, ServiceError> {
        let session = self.caller(caller).await?;
        let home = accounts::of_session(&session);
        let mut owner = None;
        for question in questions {
            if owner.is_none() {
                owner = self.directories.owner(&question.resource).await?;
            }
        }
        let acting = owner.or(home.as_deref()).map_or(self, |account| self.of(account));
        acting.inputs_of_questions(&session, questions).await
    }

    async fn inputs_of_questions(
        &self,
        session: &Session,
        questions: &[Question],
    ) -> Result<Inputs, ServiceError> {
        let mut required = Vec::with_capacity(questions.len());
        for question in questions {
            let mut context = Context::new();
            context.set("aws:RequestedRegion", self.region_of(question));
            context.extend(&question.context);
            let resource_policy = self.policy_on(session, question, &mut context).await?;
            required.push(Requirement {
                action: question.action.clone(),
                resource: question.resource.clone(),
                printed_resource: None,
                context,
                resource_policy,
                managed_by_aws: false,
                extent: Extent::Call,
                needed: Needed::Surely,
            });
        }
        let own = &self.setting.account_id;
        if let Some((requirement, owner)) = self.directories.elsewhere(&required, own).await? {
            return Err(refusal::elsewhere(requirement, owner));
        }
        let service = Service::Sts;
        let subject = Subject::of(session, &self.directories, &self.perimeter, service).await?;
        let circumstances = Circumstances {
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: None,
            referer: None,
            arrival: None,
            now: self.setting.now(),
        };
        let region = &self.setting.region;
        let directory = &self.directory;
        subject.inputs(&required, region, session, directory, &circumstances, Keys::Stated)
    }

    /// The region that a call for a resource goes to.
    fn region_of<'a>(&'a self, question: &'a Question) -> &'a str {
        if question.action.starts_with("iam:") {
            return "us-east-1";
        }
        let region = question.resource.split(':').nth(3).filter(|region| !region.is_empty());
        region.unwrap_or(&self.setting.region)
    }

    async fn caller(&self, caller: Caller<'_>) -> Result<Session, ServiceError> {
        match caller {
            Caller::Key(id) => {
                let key = self.setting.keyring.find(id).filter(|key| key.active);
                let gone = || crate::authenticate::gone(Service::Sts);
                let session = key.ok_or_else(gone)?.session;
                if session.expiration.is_some_and(|end| end <= self.setting.now()) {
                    return Err(gone());
                }
                // Their bounds are of calls, not of policies.
                let restricted = session.session_token_issued_at.is_some()
                    || matches!(session.identity, Identity::FederatedUser(_));
                if restricted {
                    return Err(ServiceError::new(
                        501,
                        "NotImplemented",
                        "what a session of GetFederationToken or GetSessionToken may do is told \
                         by its calls, not by questions",
                    ));
                }
                Ok(session)
            }
            Caller::Role { arn, session } => {
                let name = arn.rsplit('/').next().unwrap_or_default();
                let account = arn.split(':').nth(4).unwrap_or_default();
                let role = match self.directories.of(account) {
                    Some(directory) => directory.role(name).await?,
                    None => None,
                };
                let role = role.filter(|role| role.arn == arn).ok_or_else(|| {
                    let message = format!("The role with name {name} cannot be found.");
                    ServiceError::new(404, "NoSuchEntity", message)
                })?;
                let now = self.setting.now();
                let identity = Identity::Role(Box::new(RoleSession {
                    role_arn: role.arn.clone(),
                    role_name: name.to_owned(),
                    role_id: role.id.clone(),
                    session_name: session.to_owned(),
                    session_policies: None,
                    tags: Vec::new(),
                    transitive_tag_keys: Vec::new(),
                    source_identity: None,
                    web_keys: Vec::new(),
                    federated_provider: None,
                    issued_at: now,
                    assumed_by: None,
                }));
                let expiration = Some(now + time::Duration::hours(1));
                Ok(Session { expiration, ..Session::direct(identity) })
            }
            Caller::User { arn } => {
                let name = arn.rsplit('/').next().unwrap_or_default();
                let account = arn.split(':').nth(4).unwrap_or_default();
                let user = match self.directories.of(account) {
                    Some(directory) => directory.user(name).await?,
                    None => None,
                };
                let user = user.filter(|user| user.arn == arn).ok_or_else(|| {
                    let message = format!("The user with name {name} cannot be found.");
                    ServiceError::new(404, "NoSuchEntity", message)
                })?;
                Ok(Session::direct(Identity::User {
                    arn: user.arn.clone(),
                    name: name.to_owned(),
                    user_id: user.id.clone(),
                }))
            }
            Caller::Service { principal, source_arn, source_account } => {
                Ok(Session::direct(Identity::Service {
                    principal: principal.to_owned(),
                    source_arn: source_arn.map(str::to_owned),
                    source_account: source_account.map(str::to_owned),
                }))
            }
            Caller::Anonymous => Ok(Session::direct(Identity::Anonymous)),
        }
    }

    /// The policy on the resource's side; the context learns what is unknown of it.
    async fn policy_on(
        &self,
        caller: &Session,
        question: &Question,
        context: &mut Context,
    ) -> Result<ResourcePolicy, ServiceError> {
        let (action, resource) = (question.action.as_str(), question.resource.as_str());
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        let (["arn", _, service, region, account, rest], Some((prefix, _))) =
            (parts.as_slice(), action.split_once(':'))
        else {
            return Ok(ResourcePolicy::None);
        };
        let present = self.present(region);
        let ours = *account == self.setting.account_id;
        let own = |name: String, document: Option<String>| match document {
            Some(document) => ResourcePolicy::Resource { name, document },
            None => ResourcePolicy::None,
        };
        match (prefix, *service) {
            ("sts", "iam") if ours => {
                let Some(name) = rest.strip_prefix("role/") else {
                    return Ok(ResourcePolicy::None);
                };
                let name = name.rsplit('/').next().unwrap_or_default();
                let role = self.directory.role(name).await?;
                Ok(match role.filter(|role| role.arn == resource) {
                    Some(role) => ResourcePolicy::Trust {
                        name: role.arn.clone(),
                        document: role.trust.clone(),
                    },
                    None => ResourcePolicy::None,
                })
            }
            ("s3", "s3") => {
                let bucket = rest.split('/').next().unwrap_or_default();
                let asked = Asked {
                    action,
                    resource,
                    version: bucket_policy::single(context, "s3:VersionId"),
                    sets_acl: bucket_policy::single(context, "s3:x-amz-acl"),
                };
                let told = bucket_policy::for_caller(&present, caller, &asked).await?;
                if let Some(key) = told.unknown {
                    context.set_unknown(key);
                }
                let name = format!("arn:{}:s3:::{bucket}", Partition::of_region(region));
                Ok(own(name, told.document))
            }
            ("lambda", "lambda") if ours => {
                let mut names = rest.strip_prefix("function:").unwrap_or_default().split(':');
                let (Some(name), qualifier) = (names.next(), names.next()) else {
                    return Ok(ResourcePolicy::None);
                };
                let document = present.function_policy(name, qualifier).await?;
                Ok(own(resource.to_owned(), document))
            }
            ("iam" | "sts", _) => Ok(ResourcePolicy::None),
            _ => Ok(match present.resource_policy(resource).await? {
                Told::Is(document) => {
                    ResourcePolicy::Resource { name: resource.to_owned(), document }
                }
                Told::Nothing => ResourcePolicy::None,
                Told::Unknown(reason) => {
                    ResourcePolicy::Unknown { name: resource.to_owned(), reason }
                }
            }),
        }
    }
}
