//! `aws-actions/configure-aws-credentials`, as its own code does it
//! (<https://github.com/aws-actions/configure-aws-credentials>).

use ringfence_wire::{Secret, Service, ServiceError};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::WorkflowError;
use super::super::expression::Object;
use super::super::model::Step;
use super::job::JobRun;
use super::session;
use super::state::State;
use super::step::Given;
use super::{Runner, failed, failure};
use crate::aws::WebIdentity;
use crate::terraform::Access;

/// The audience that the action asks for.
const AUDIENCE: &str = "sts.amazonaws.com";

/// What the action exports, and what it takes away.
const KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// How long a session lasts, in seconds.
const DURATION: u32 = 3600;

/// Whose credentials the role is assumed with.
enum Source {
    /// A token of the run's own.
    Token,
    /// Static keys, those of a step before, or those of the job.
    Keys(Access),
}

impl JobRun<'_> {
    pub(super) async fn credentials(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let region = given.text("aws-region").unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || !region.bytes().all(plain) {
            return Err(failed(step, format!("Region is not valid: {region}")));
        }
        let exports = given.flag("output-env-credentials").unwrap_or(true);
        if given.flag("unset-current-credentials").unwrap_or_default() {
            self.place.exported.retain(|name, _| !KEYS.contains(&name.as_str()));
        }
        if exports {
            for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
                self.place.exported.insert(name.to_owned(), region.clone());
            }
        }
        if given.flag("use-existing-credentials").unwrap_or_default()
            && let Some(access) = self.present(runner, &region)
            && account(runner, &access).await.is_ok()
        {
            return Ok(());
        }
        let role = given.text("role-to-assume");
        let source = self.source(runner, step, given, role.is_some(), &region)?;
        if let Source::Keys(access) = &source {
            if given.text("aws-access-key-id").is_some() {
                self.hand_over(access, exports, given, outputs, state);
            }
            let found = account(runner, access).await.map_err(|error| {
                let message = format!(
                    "Credentials could not be loaded, please check your action inputs: {}: {}",
                    error.code, error.message
                );
                failure(step, message, Some(error), Vec::new())
            })?;
            if role.is_none() {
                allowed(step, given, &found)?;
            }
            outputs.set("aws-account-id", found);
        }
        let Some(role) = role else { return Ok(()) };
        let access = match source {
            Source::Token => self.by_token(runner, step, given, &role, &region).await?,
            Source::Keys(access) => {
                let known = outputs.get("aws-account-id").map(|it| it.text().to_string());
                let known = known.unwrap_or_default();
                let role = match role.starts_with("arn:aws") {
                    true => role.clone(),
                    false => format!("arn:aws:iam::{known}:role/{role}"),
                };
                self.by_keys(runner, step, given, &role, &access).await?
            }
        };
        // Whose role it is: the action asks STS, which says nothing else.
        if let Some(account) = role.split(':').nth(4) {
            allowed(step, given, account)?;
            if given.flag("mask-aws-account-id").unwrap_or_default() {
                state.hide(account);
            }
            outputs.set("aws-account-id", account);
        }
        self.hand_over(&access, exports, given, outputs, state);
        Ok(())
    }

    /// Whose credentials are used.
    fn source(
        &self,
        runner: &Runner<'_>,
        step: &Step,
        given: &Given,
        for_role: bool,
        region: &str,
    ) -> Result<Source, WorkflowError> {
        let chains = given.flag("role-chaining").unwrap_or_default();
        if let Some(id) = given.text("aws-access-key-id") {
            let Some(secret) = given.text("aws-secret-access-key") else {
                let message =
                    "'aws-secret-access-key' must be provided if 'aws-access-key-id' is provided";
                return Err(failed(step, message));
            };
            return Ok(Source::Keys(Access {
                endpoint: runner.endpoint.clone(),
                region: region.to_owned(),
                access_key_id: id,
                secret_access_key: Secret::new(&secret),
                session_token: given.text("aws-session-token").map(|token| Secret::new(&token)),
            }));
        }
        let by_token = for_role && !chains && !given.flag("force-skip-oidc").unwrap_or_default();
        if by_token && self.permissions.id_token {
            return Ok(Source::Token);
        }
        match self.present(runner, region) {
            Some(access) => Ok(Source::Keys(access)),
            // GitHub gives the job no ACTIONS_ID_TOKEN_REQUEST_URL then.
            None if by_token => Err(failed(
                step,
                "Credentials could not be loaded, please check your action inputs: `permissions` has no `id-token: write`",
            )),
            None => Err(failed(
                step,
                "Credentials could not be loaded, please check your action inputs: Could not load credentials from any providers",
            )),
        }
    }

    /// The credentials that the step's variables hold.
    fn present(&self, runner: &Runner<'_>, region: &str) -> Option<Access> {
        let variables = self.variables();
        let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty());
        let [id, secret, token] = KEYS;
        Some(Access {
            endpoint: runner.endpoint.clone(),
            region: region.to_owned(),
            access_key_id: variable(id)?.clone(),
            secret_access_key: Secret::new(variable(secret)?),
            session_token: variable(token).map(Secret::new),
        })
    }

    /// A token of the run's own for a session of the role.
    async fn by_token(
        &self,
        runner: &Runner<'_>,
        step: &Step,
        given: &Given,
        role: &str,
        region: &str,
    ) -> Result<Access, WorkflowError> {
        let duration = duration(step, given)?;
        let audience = given.text("audience");
        let audience = audience.as_deref().unwrap_or(AUDIENCE);
        let token = runner
            .issuer
            .github_token(&self.identity, audience, OffsetDateTime::now_utc())
            .map_err(|error| failed(step, error.to_string()))?;
        let session = given.text("role-session-name");
        let policy = given.text("inline-session-policy");
        let policies = given.lines("managed-session-policies");
        let request = WebIdentity {
            role_arn: role,
            session_name: session.as_deref().unwrap_or(session::NAME),
            token: &token,
            duration: Some(duration),
            policy: policy.as_deref(),
            policies: &policies,
        };
        let assumed =
            runner.client.assume_with_web_identity(runner.endpoint, region, &request).await;
        assumed.map_err(|error| {
            let message =
                format!("could not assume `{role}` with OIDC: {}: {}", error.code, error.message);
            failure(step, message, Some(error), Vec::new())
        })
    }

    /// The keys, or another role's session, for a session of the role.
    async fn by_keys(
        &self,
        runner: &Runner<'_>,
        step: &Step,
        given: &Given,
        role: &str,
        source: &Access,
    ) -> Result<Access, WorkflowError> {
        let mut input = json!({
            "RoleArn": role,
            "RoleSessionName": given.text("role-session-name").unwrap_or(session::NAME.to_owned()),
            "DurationSeconds": duration(step, given)?,
        });
        let mut set = |name: &str, value: Option<Json>| {
            if let (Some(members), Some(value)) = (input.as_object_mut(), value) {
                members.insert(name.to_owned(), value);
            }
        };
        set("ExternalId", given.text("role-external-id").map(Json::from));
        set("Policy", given.text("inline-session-policy").map(Json::from));
        let policies = given.lines("managed-session-policies");
        let arns: Vec<Json> = policies.iter().map(|arn| json!({"arn": arn})).collect();
        set("PolicyArns", (!arns.is_empty()).then(|| arns.into()));
        if !given.flag("role-skip-session-tagging").unwrap_or_default() {
            let tags = session::tags(&self.frame.github, given.text("custom-tags").as_deref())
                .map_err(|message| failed(step, message))?;
            let asked = given.lines("transitive-tag-keys");
            let transitive = session::transitive(&tags, &asked);
            set(
                "Tags",
                Some(tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()),
            );
            set("TransitiveTagKeys", (!transitive.is_empty()).then(|| json!(transitive)));
        }
        runner.client.assume_role(source, input).await.map_err(|error| {
            let message = format!(
                "could not assume `{role}` with user credentials: {}: {}",
                error.code, error.message
            );
            failure(step, message, Some(error), Vec::new())
        })
    }

    /// Exports credentials, and makes them outputs where that is asked for.
    fn hand_over(
        &mut self,
        access: &Access,
        exports: bool,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) {
        let secret = access.secret_access_key.expose();
        let token = access.session_token.as_ref().map(Secret::expose).unwrap_or_default();
        state.hide(secret);
        state.hide(token);
        let values = [access.access_key_id.as_str(), secret, token];
        if exports {
            for (name, value) in KEYS.into_iter().zip(values) {
                if value.is_empty() {
                    self.place.exported.remove(name);
                } else {
                    self.place.exported.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        if given.flag("output-credentials").unwrap_or_default() {
            let names = ["aws-access-key-id", "aws-secret-access-key", "aws-session-token"];
            for (name, value) in names.into_iter().zip(values) {
                outputs.set(name, value);
            }
            let seconds = given.text("role-duration-seconds").and_then(|it| it.parse().ok());
            let ends = OffsetDateTime::now_utc()
                + time::Duration::seconds(i64::from(seconds.unwrap_or(DURATION)));
            if let (Ok(ends), false) = (ends.format(&Rfc3339), token.is_empty()) {
                outputs.set("aws-expiration", ends);
            }
        }
    }
}

/// Whose account credentials are of, as the action asks it.
async fn account(runner: &Runner<'_>, access: &Access) -> Result<String, ServiceError> {
    let answer = runner.client.call(access, Service::Sts, "GetCallerIdentity", json!({})).await;
    let output = answer.result?;
    let account = output.get("Account").and_then(Json::as_str);
    Ok(account.unwrap_or_default().to_owned())
}

fn duration(step: &Step, given: &Given) -> Result<u32, WorkflowError> {
    match given.text("role-duration-seconds").map(|text| text.parse()) {
        None => Ok(DURATION),
        Some(Ok(seconds)) => Ok(seconds),
        Some(Err(_)) => Err(failed(step, "`role-duration-seconds` is not a number")),
    }
}

/// `allowed-account-ids`
fn allowed(step: &Step, given: &Given, account: &str) -> Result<(), WorkflowError> {
    let Some(listed) = given.text("allowed-account-ids") else { return Ok(()) };
    match listed.split(',').any(|id| id.trim() == account) {
        true => Ok(()),
        false => {
            let message = format!(
                "The account ID of the provided credentials ({account}) does not match any of the expected account IDs: {listed}"
            );
            Err(failed(step, message))
        }
    }
}
