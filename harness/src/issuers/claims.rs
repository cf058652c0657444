//! What workflows' tokens say.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::{App, Config, Deployer};

/// Who works, as a token says it that takes a role.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// A workflow of GitHub's.
    Github(Box<GithubRun>),
    /// Who works with the system of another issuer.
    Other(Workload),
}

/// What a token of another issuer's than GitHub says of who works: the account's trust can
/// ask for `sub` and `aud` alone
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif>).
#[derive(Debug, Clone)]
pub struct Workload {
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: String,
}

/// What stands in a subject where it may be anything.
const ANYTHING: &str = "ringfence";

impl Workload {
    /// With a subject as the configuration says it.
    pub fn new(subject: &str, audience: &str) -> Self {
        Self { subject: Self::filled(subject), audience: audience.to_owned() }
    }

    /// A subject, or a part of one, with something where it may be anything.
    pub fn filled(subject: &str) -> String {
        subject.replace('*', ANYTHING)
    }

    /// The same under another subject, to the letter.
    pub fn called(&self, subject: &str) -> Bearer {
        Bearer::Other(Self { subject: subject.to_owned(), audience: self.audience.clone() })
    }

    /// The claims.
    fn claims(&self, issuer: &str, audience: &str, now: OffsetDateTime) -> Map<String, Value> {
        let issued = now.unix_timestamp();
        let claims = json!({
            "iss": issuer, "sub": self.subject, "aud": audience, "iat": issued,
            "nbf": issued - 300, "exp": issued + 300, "jti": Uuid::new_v4().to_string(),
        });
        claims.as_object().cloned().unwrap_or_default()
    }
}

impl Bearer {
    /// Who works with an app, by a subject where there is one.
    pub fn of(
        config: &Config,
        app: &App,
        subject: Option<&str>,
        run: impl FnOnce() -> GithubRun,
    ) -> Self {
        let audience = config.issuer_of(app).and_then(|issuer| issuer.audience.as_deref());
        match subject {
            Some(subject) => Self::Other(Workload::new(subject, audience.unwrap_or(AUDIENCE))),
            None => Self::Github(Box::new(run())),
        }
    }

    /// The audience of its tokens for AWS.
    pub fn audience(&self) -> &str {
        match self {
            Self::Github(_) => AUDIENCE,
            Self::Other(workload) => &workload.audience,
        }
    }

    /// The claims of its tokens.
    pub fn claims(&self, issuer: &str, audience: &str, now: OffsetDateTime) -> Map<String, Value> {
        match self {
            Self::Github(run) => run.claims(issuer, audience, now),
            Self::Other(workload) => workload.claims(issuer, audience, now),
        }
    }
}

/// The audience that AWS's action asks for
/// (<https://github.com/aws-actions/configure-aws-credentials#oidc-audience>).
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// A workflow run, as GitHub's token describes it.
#[derive(Debug, Clone)]
pub struct GithubRun {
    /// The repository's owner.
    pub owner: String,
    /// Its id.
    pub owner_id: String,
    /// The repository's name, without its owner.
    pub name: String,
    /// Its id.
    pub repository_id: String,
    /// Whether `sub` carries the ids.
    pub immutable_subject: bool,
    /// The full ref.
    pub git_ref: String,
    /// The deployment environment.
    pub environment: Option<String>,
    /// `push`, `pull_request`, ….
    pub event: String,
    /// The commit.
    pub sha: String,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's file, within the repository.
    pub workflow_file: String,
    /// The file of the workflow that the run's own calls, and whose job this is.
    pub called_file: Option<String>,
    /// Who started it.
    pub actor: String,
    /// The run's id.
    pub run_id: String,
}

impl GithubRun {
    /// A push to the app's own ref.
    pub fn of(app: &App, environment: Option<&str>) -> Self {
        let repository = app.repository.as_str();
        let id = |given: Option<u64>, name: &str| {
            given.map_or_else(|| digits(name, 9), |id| id.to_string())
        };
        Self {
            owner: app.repository.owner().to_owned(),
            owner_id: id(app.owner_id, app.repository.owner()),
            name: app.repository.name().to_owned(),
            repository_id: id(app.repository_id, repository),
            immutable_subject: app.immutable_subject,
            git_ref: app.git_ref.clone(),
            environment: environment.map(str::to_owned),
            event: "push".to_owned(),
            sha: hex::encode(Sha256::digest(repository)).chars().take(40).collect(),
            workflow: "Deploy".to_owned(),
            workflow_file: app.workflow.to_string_lossy().into_owned(),
            called_file: None,
            actor: "octocat".to_owned(),
            run_id: digits(&Uuid::new_v4().to_string(), 11),
        }
    }

    /// The run of which a deployer's tokens tell.
    pub fn of_deployer(deployer: &Deployer, app: &App) -> Self {
        let mut run = Self::of(app, deployer.environment.as_deref());
        if let Some(git_ref) = &deployer.git_ref {
            run.git_ref.clone_from(git_ref);
        }
        run
    }

    /// `owner/name`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The id of who started it.
    pub fn actor_id(&self) -> String {
        digits(&self.actor, 7)
    }

    /// The branch that a pull request goes to; empty elsewhere.
    pub fn base_ref(&self) -> &'static str {
        if self.is_pull_request() { "main" } else { "" }
    }

    /// The branch that it comes from; empty elsewhere.
    pub fn head_ref(&self) -> &'static str {
        if self.is_pull_request() { "feature" } else { "" }
    }

    fn is_pull_request(&self) -> bool {
        self.event == "pull_request"
    }

    /// `sub`: the environment wins over the event, the event over the ref; a
    /// colon inside a value is escaped
    /// (<https://docs.github.com/en/actions/reference/security/oidc>).
    pub fn subject(&self) -> String {
        let repository = if self.immutable_subject {
            format!("{}@{}/{}@{}", self.owner, self.owner_id, self.name, self.repository_id)
        } else {
            self.repository()
        };
        let escaped = |value: &str| value.replace(':', "%3A");
        let context = match (&self.environment, self.event.as_str()) {
            (Some(environment), _) => format!("environment:{}", escaped(environment)),
            (None, "pull_request") => "pull_request".to_owned(),
            (None, _) => format!("ref:{}", escaped(&self.git_ref)),
        };
        format!("repo:{repository}:{context}")
    }

    /// The claims; ids and counters are text, as GitHub has them.
    pub fn claims(&self, issuer: &str, audience: &str, now: OffsetDateTime) -> Map<String, Value> {
        let issued = now.unix_timestamp();
        let repository = self.repository();
        let workflow_ref = format!("{repository}/{}@{}", self.workflow_file, self.git_ref);
        let tag = self.git_ref.starts_with("refs/tags/");
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("actor", json!(self.actor));
        set("actor_id", json!(self.actor_id()));
        set("aud", json!(audience));
        set("base_ref", json!(self.base_ref()));
        set("check_run_id", json!(digits(&self.run_id, 11)));
        if let Some(environment) = &self.environment {
            set("environment", json!(environment));
        }
        set("event_name", json!(self.event));
        set("exp", json!(issued + 300));
        set("head_ref", json!(self.head_ref()));
        set("iat", json!(issued));
        set("iss", json!(issuer));
        let job_file = self.called_file.as_ref().unwrap_or(&self.workflow_file);
        set("job_workflow_ref", json!(format!("{repository}/{job_file}@{}", self.git_ref)));
        set("job_workflow_sha", json!(self.sha));
        set("jti", json!(Uuid::new_v4().to_string()));
        set("nbf", json!(issued - 300));
        set("ref", json!(self.git_ref));
        set("ref_protected", json!("true"));
        set("ref_type", json!(if tag { "tag" } else { "branch" }));
        set("repository", json!(repository));
        set("repository_id", json!(self.repository_id));
        set("repository_owner", json!(self.owner));
        set("repository_owner_id", json!(self.owner_id));
        set("repository_visibility", json!("private"));
        set("run_attempt", json!("1"));
        set("run_id", json!(self.run_id));
        set("run_number", json!("1"));
        set("runner_environment", json!("github-hosted"));
        set("sha", json!(self.sha));
        set("sub", json!(self.subject()));
        set("workflow", json!(self.workflow));
        set("workflow_ref", json!(workflow_ref));
        set("workflow_sha", json!(self.sha));
        claims
    }
}

/// A number of so many digits that a name always gives.
pub(super) fn digits(name: &str, length: usize) -> String {
    let hash = Sha256::digest(name);
    let mut digits: String = hash.iter().map(|byte| char::from(b'0' + byte % 10)).collect();
    digits.truncate(length);
    digits.replacen('0', "1", 1)
}
