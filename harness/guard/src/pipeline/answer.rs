//! What answers a call whose caller is known.

use bytes::Bytes;
use http::{Method, Response, request};
use ringfence_services::Session;
use ringfence_services::credentials::Identity;
use ringfence_services::lambda::Asked;
use ringfence_services::sts;
use ringfence_wire::{Call, Reply, Service, ServiceError, reply};
use serde_json::json;

use super::decide::Granted;
use super::{Passage, Pipeline};
use crate::authenticate::{self, Authenticated};
use crate::services::Services;
use crate::{
    account, checks, dry_run, exists, identity_tags, lengths, limits, naming, simulate, uploads,
    upstream, validate,
};

impl Pipeline {
    /// Decides and answers a call whose caller is known.
    pub(crate) async fn answer(
        &self,
        call: &Call,
        authenticated: Authenticated,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> Result<Response<Bytes>, ServiceError> {
        let Authenticated { caller, mut body, signed } = authenticated;
        passage.scheme = signed;
        if call.service() == Service::S3 && [Method::GET, Method::HEAD].contains(&parts.method) {
            // S3 passes over the body of a read.
            body = Bytes::new();
        }
        passage.caller(&caller);
        authenticate::restricted(&caller, call)?;
        upstream::check_bucket(call)?;
        if call.service() == Service::Sts {
            sts::check_input(call, Some(&caller))?;
        }
        if !matches!(caller.identity, Identity::Anonymous) {
            checks::s3::region(call, &self.directory.regions)?;
        }
        lengths::check(call)?;
        let named = naming::named(call, &self.present(&call.region)).await?;
        let call = named.call.as_ref();
        let granted = self.authorize(call, &caller, parts, passage).await?;
        let checked = match named.absent {
            Some(absent) => Err(absent),
            None => match self.validate(call, &caller).await {
                Ok(()) => match self.lockout(call, &caller, parts, passage).await {
                    Ok(()) if self.observer.is_some() => Ok(()),
                    Ok(()) => self.destinations(call).await,
                    refused => refused,
                },
                refused => refused,
            },
        };
        checked.inspect_err(|_| passage.invalid())?;
        if Services::answers(call.service()) {
            let asked = Asked {
                request_id: &passage.entry.request_id,
                trace: parts.headers.get("x-amzn-trace-id").and_then(|it| it.to_str().ok()),
            };
            let reply = self.services.answer(call, &caller, &asked).await?;
            return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
        }
        if account::answers(call) {
            let reply = account::answer(call, &self.directory, &self.setting).await?;
            return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
        }
        if simulate::answers(call) {
            let reply = simulate::answer(call, self.account()).await?;
            return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
        }
        if let Some(reply) = self.policy_status(call).await? {
            return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
        }
        if let Some(reply) = checks::s3::retention(call, &self.directory).await? {
            return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
        }
        match granted {
            Granted::Call => {
                let answer = self.forward(call, &caller, parts, body, passage).await?;
                self.directory.upload_began(call, &answer).await?;
                self.directory.iterator_given(call, &answer);
                let Some(reply) = self.services.after(call, &answer).await? else {
                    return Ok(answer);
                };
                passage.entry.error = None;
                Ok(reply::render(&reply, call.operation, &passage.entry.request_id))
            }
            Granted::Part(partial) => {
                self.delete_allowed(call, &caller, &partial, parts, passage).await
            }
            Granted::Secrets(batch) => {
                self.read_allowed(call, &caller, &batch, parts, passage).await
            }
        }
    }

    /// Whether a bucket's policy is public, which emulators do not know; where it
    /// has none, its error is the upstream's.
    async fn policy_status(&self, call: &Call) -> Result<Option<Reply>, ServiceError> {
        if (call.service(), call.name()) != (Service::S3, "GetBucketPolicyStatus") {
            return Ok(None);
        }
        let bucket = call.text("Bucket").unwrap_or_default();
        let Some(policy) = self.directory.bucket_policy(bucket).await? else {
            exists::bucket(call, &self.directory).await?;
            return Err(ServiceError::new(
                404,
                "NoSuchBucketPolicy",
                "The bucket policy does not exist",
            )
            .with("BucketName", bucket));
        };
        let status = json!({"PolicyStatus": {"IsPublic": checks::s3::is_public(&policy)}});
        Ok(Some(Reply::fields(status)))
    }

    /// What a simulation may know of the account.
    fn account(&self) -> simulate::Account<'_> {
        simulate::Account {
            partition: self.setting.partition(),
            id: &self.setting.account_id,
            directory: &self.directory,
            service_control: self.perimeter.organizations.service_control(&self.setting.account_id),
        }
    }

    /// What AWS refuses of an authorized call and an emulator takes.
    async fn validate(&self, call: &Call, caller: &Session) -> Result<(), ServiceError> {
        dry_run::check(call)?;
        validate::validate(call, &self.setting.account_id)?;
        checks::tags::check(call, caller.is_cloudformation())?;
        match call.service() {
            Service::Iam => {
                checks::iam::arns(call)?;
                checks::iam::protected(call, &self.directory).await?;
                checks::iam::creation(call, &self.directory).await?;
                checks::iam::deletion(call, &self.directory).await?;
            }
            Service::SecretsManager => checks::secrets::marked(call, &self.directory).await?,
            Service::S3 => {
                checks::s3::owner(call, &self.setting.account_id)?;
                checks::s3::acl(call)?;
                checks::s3::access(call, &caller.identity, &self.directory).await?;
                checks::s3::lock(call, &self.directory, self.setting.now()).await?;
            }
            _ => {}
        }
        limits::check(call, &self.directory).await?;
        identity_tags::limit(call, &self.directory).await?;
        exists::check(call, &self.directory, &self.directories).await?;
        uploads::check(call, &self.directory).await
    }
}
