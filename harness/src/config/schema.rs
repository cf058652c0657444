//! The fields of `ringfence.toml`, their meaning and defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ringfence_guard::{Membership, NoMembership};
use serde::Deserialize;
use toml::Spanned;

use crate::registries::{self, Registry};
use crate::workflow::Substitutes;

use super::accepted::Accepted;
use super::deployer::WrittenDeployer;
use super::existing::Existing;
use super::guard_rail::Declaration;
use super::layer1::{self, Layer1};
use super::statements::Statements;
use super::value::{AccountId, Backend, Region, Repository};

/// A whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The account under test.
    #[serde(default)]
    pub account: Account,
    /// Accounts beside it, which root modules and roles may be of.
    #[serde(default)]
    pub accounts: Vec<OtherAccount>,
    /// What answers behind the guard.
    #[serde(default)]
    pub upstream: Upstream,
    /// The root modules of the platform team's Terraform, in the order in which
    /// they are applied; none means an empty account.
    #[serde(default, deserialize_with = "layer1::one_or_several")]
    pub layer1: Vec<Layer1>,
    /// What exists outside the estate, and is there before it.
    #[serde(default)]
    pub existing: Vec<Existing>,
    /// The HTTP API under test; none means what Layer 1 made.
    #[serde(default)]
    pub api: Option<Api>,
    /// What Layer 1 guards with; none means what it made.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// Who issues tokens.
    #[serde(default)]
    pub issuers: Vec<Issuer>,
    /// The applications, in the order in which they are deployed.
    #[serde(default)]
    pub apps: Vec<App>,
    /// The deployment roles.
    #[serde(default)]
    pub deployers: Vec<Deployer>,
    /// Service control and resource control policies, from the organisation's
    /// root downwards.
    #[serde(default)]
    pub organization: Vec<OrganizationLevel>,
    /// The VPC endpoints that calls come through.
    #[serde(default)]
    pub vpc_endpoints: Vec<VpcEndpoint>,
    /// What the applications' workflows may do.
    #[serde(default)]
    pub workflows: Workflows,
    /// What stands for actions of workflows that are not known here, by
    /// `owner/name`.
    #[serde(default)]
    pub actions: Substitutes,
    /// How the evidence is made.
    #[serde(default)]
    pub evidence: Evidence,
    /// The guard rails of this estate, beside the built-in ones.
    #[serde(default)]
    pub guard_rail: Vec<Declaration>,
    /// What a team has accepted of what is found.
    #[serde(default)]
    pub accepted: Vec<Accepted>,
    /// The file that this was read from.
    #[serde(skip)]
    pub file: PathBuf,
}

/// What the applications' workflows may do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workflows {
    /// The hosts that steps may reach, beside the guard and this machine's own
    /// package index.
    pub registries: Vec<Registry>,
}

impl Default for Workflows {
    fn default() -> Self {
        Self { registries: registries::public() }
    }
}

/// How the evidence is made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evidence {
    /// A directory with more objectives and frameworks, beside the built-in.
    pub controls: Option<PathBuf>,
}

/// The account under test.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// Default `123456789012`.
    pub id: AccountId,
    /// Default `us-east-1`.
    pub region: Region,
    /// Where it stands in its organization; default unknown.
    pub organization: Option<Organization>,
}

/// An account beside the one under test.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherAccount {
    /// Its name here.
    pub name: Spanned<String>,
    /// Its id.
    pub id: Spanned<AccountId>,
    /// Where it stands in its organization; default unknown.
    #[serde(default)]
    pub organization: Option<Organization>,
    /// The line that it stands in.
    #[serde(skip)]
    pub line: usize,
}

/// Where an account stands in its organization.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// As the condition key `aws:PrincipalOrgPaths` has it.
    pub path: Spanned<String>,
    /// The management account, which the organization's policies do not bind.
    pub management_account: AccountId,
}

impl Organization {
    /// The same for the guard.
    ///
    /// # Errors
    /// When the path is none.
    pub fn membership(&self) -> Result<Membership, NoMembership> {
        Membership::new(self.path.get_ref(), self.management_account.as_str())
    }
}

/// What answers behind the guard.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// `auto` (default), `localstack`, `embedded` or a URL.
    pub backend: Backend,
    /// LocalStack's image; default [`crate::emulator::IMAGE`].
    pub image: String,
    /// More environment for the LocalStack container.
    pub environment: BTreeMap<String, String>,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            backend: Backend::Auto,
            image: crate::emulator::IMAGE.to_owned(),
            environment: BTreeMap::new(),
        }
    }
}

/// The HTTP API under test. A field names a Terraform output, a resource by its
/// address, or an ARN; what none names is derived from what Layer 1 made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// The API's id; default the output `api_id`, else the first by name.
    pub id_output: Option<String>,
    /// Its authorizer's id; default the output `authorizer_id`, else its first JWT
    /// authorizer by name.
    pub authorizer_output: Option<String>,
}

/// What Layer 1 guards with: the targets of the attacks. A field names a
/// Terraform output, a resource by its address, or an ARN; what none names is
/// derived from what Layer 1 made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Platform {
    /// The ARN of the boundary that execution roles carry; default every one
    /// that roles carry which no web identity may assume.
    pub execution_boundary_output: Option<String>,
    /// The ARN of the deployers' own boundary; default every one that roles
    /// carry which a web identity may assume.
    pub deployer_boundary_output: Option<String>,
    /// The artifacts bucket's name; default every bucket, where there are deployers.
    pub artifacts_bucket_output: Option<String>,
    /// The ids of the subnets that functions run in; default those of Layer 1's
    /// functions, else all of which no route leads to an internet gateway.
    pub subnets_output: Option<String>,
    /// The id of the functions' security group; default those of Layer 1's
    /// functions, else all.
    pub security_group_output: Option<String>,
    /// The services of the VPC endpoints that functions may reach, by what stands after
    /// the region in their names (`s3`) or by their whole names; default any.
    pub endpoints: Option<Vec<Spanned<String>>>,
    /// Whether they may reach the internet by NAT, where `endpoints` says what else;
    /// default yes.
    pub nat: Option<Spanned<bool>>,
    /// The prefix of the SSM parameters that the platform publishes; default what
    /// their names begin with.
    pub parameters: Option<String>,
    /// Parameters that the platform promises to publish, by name.
    pub published: Vec<String>,
    /// Which statements must refuse the attacks.
    pub refusals: Refusals,
    /// The names of these statements.
    pub statements: Statements,
}

/// Which statements must refuse the attacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Refusals {
    /// Those of the layer that an attack expects, and of these the one that
    /// `statements` names.
    Named,
    /// Whichever.
    #[default]
    Any,
}

/// A token issuer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// What its tokens look like.
    pub kind: IssuerKind,
    /// The `iss` of its tokens, to the letter: https; of workflows' issuers without
    /// a final slash.
    pub url: Spanned<String>,
    /// The `aud` of its tokens; of Cognito's the `client_id`. Required of all but
    /// GitHub, where the default is what the workflow's action asks for.
    #[serde(default)]
    pub audience: Option<String>,
    /// All clients of a user pool that Layer 1 makes, of which `audience` is one.
    #[serde(skip)]
    pub clients: Vec<String>,
    /// The scopes that a good token carries.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// More claims of a good token; they win over those of its kind.
    #[serde(default)]
    pub claims: BTreeMap<String, serde_json::Value>,
}

/// What an issuer's tokens look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssuerKind {
    /// Access tokens of an Okta custom authorization server.
    Okta,
    /// Access tokens of Auth0.
    Auth0,
    /// Access tokens of a Cognito user pool.
    Cognito,
    /// Access tokens of Microsoft Entra ID, version 2.0.
    Entra,
    /// Access tokens of Microsoft Entra ID, version 1.0.
    EntraV1,
    /// Access tokens of Keycloak.
    Keycloak,
    /// Identity tokens of Google, who gives no access tokens of this form.
    Google,
    /// Access tokens with the registered claims and `scope` alone (RFC 9068).
    Custom,
    /// GitHub Actions' OIDC tokens.
    Github,
    /// Tokens of any other system that deploys (GitLab, Bitbucket, CircleCI, Buildkite,
    /// Terraform Cloud, …), whose subject the configuration says.
    Oidc,
}

impl IssuerKind {
    /// Whether its tokens are for APIs, and not a workflow's.
    pub const fn is_for_apis(self) -> bool {
        !matches!(self, Self::Github | Self::Oidc)
    }
}

/// An application team's repository.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its name here.
    pub name: Spanned<String>,
    /// The repository's directory.
    pub directory: PathBuf,
    /// The workflow in it; default `.github/workflows/deploy.yml`.
    #[serde(default = "workflow")]
    pub workflow: PathBuf,
    /// `org/repo`.
    pub repository: Repository,
    /// The issuer of its workflows' tokens, by URL, of the kind `github` or `oidc`; needed
    /// where there is more than one.
    #[serde(default)]
    pub issuer: Option<Spanned<String>>,
    /// The `sub` of its tokens, where its issuer is of the kind `oidc`; a `*` in it stands
    /// for what is right whatever it is.
    #[serde(default)]
    pub subject: Option<Spanned<String>>,
    /// The organisation's id, as in an immutable `sub`.
    #[serde(default)]
    pub owner_id: Option<u64>,
    /// The repository's id.
    #[serde(default)]
    pub repository_id: Option<u64>,
    /// Whether `sub` carries the ids (`repo:ORG@ID/REPO@ID:…`), as for
    /// repositories created, renamed or transferred since 2026-07-15.
    #[serde(default)]
    pub immutable_subject: bool,
    /// The ref that the workflow runs on; default `refs/heads/main`.
    #[serde(default = "main_branch", rename = "ref")]
    pub git_ref: String,
    /// The event that starts the workflow; default the one that it deploys by.
    #[serde(default)]
    pub event: Option<String>,
    /// The inputs of the workflow (`inputs.X`).
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// The workflow's variables (`vars.X`).
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
    /// Variables (`vars.X`) whose values are Terraform outputs: variable to
    /// output name.
    #[serde(default)]
    pub vars_from_outputs: BTreeMap<String, String>,
    /// The workflow's secrets (`secrets.X`): masked in its output.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Secrets (`secrets.X`) whose values are Terraform outputs: the key of a
    /// user that deploys, say.
    #[serde(default)]
    pub secrets_from_outputs: BTreeMap<String, String>,
}

/// What a template may be called in an application's repository.
const TEMPLATES: [&str; 4] = ["template.yaml", "template.yml", "template.json", "template"];

impl App {
    /// Its template, where it has one.
    pub fn template(&self) -> Option<PathBuf> {
        let paths = TEMPLATES.iter().map(|name| self.directory.join(name));
        paths.into_iter().find(|path| path.is_file())
    }
}

/// Who deploys an app: a role, assumed with a token of its repository's workflow, or a user
/// whose keys the workflow has.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WrittenDeployer")]
pub struct Deployer {
    /// Its name here.
    pub name: Spanned<String>,
    /// Who it is in the account.
    pub identity: DeployerIdentity,
    /// The app whose repository deploys as it. Its name is also its namespace:
    /// functions, stacks and artifacts carry it.
    pub app: Spanned<String>,
    /// What the deployer is for.
    pub job: Job,
    /// How the names of the roles begin that a `stack` deployer may create.
    pub role_prefix: Option<String>,
    /// The role that its workflow's token becomes, and that assumes its own then, where
    /// the token does not become it directly: as a rule one of another account.
    pub through_output: Option<Spanned<String>>,
    /// The ref in the token; default the app's.
    pub git_ref: Option<String>,
    /// The deployment environment in the token; default none.
    pub environment: Option<String>,
    /// The `sub` of its tokens; default the app's.
    pub subject: Option<Spanned<String>>,
    /// What is wrong with who it is, which no configuration that was read has.
    pub(super) fault: Option<String>,
}

/// Who a deployer is in the account, as the configuration names it: a Terraform output, a
/// resource's address or an ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployerIdentity {
    /// A role, by `role_output`.
    Role(String),
    /// A user, by `user_output`: no token becomes it.
    User(String),
}

/// What a deployer is for: which calls are its own, and which are attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// The app's whole stack, its roles and routes included (approach A).
    Stack,
    /// The app's code alone (approach B).
    Code,
    /// Its code and its function's configuration (the hybrid).
    Configuration,
}

/// A VPC endpoint that calls come through; all others reach AWS directly.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VpcEndpoint {
    /// The file with its policy in JSON.
    pub policy: PathBuf,
    /// The services that it leads to, by the prefixes of their actions.
    pub services: Vec<String>,
    /// Who calls through it: `role/NAME`, which stands for the role's sessions,
    /// `user/NAME`, `root` or `anonymous`; a `*` at the end stands for all that
    /// begin so.
    pub callers: Vec<String>,
}

/// One level of the organisation: what is attached there, all together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationLevel {
    /// Where it is attached: the id of the organization's root, of an organizational
    /// unit or of an account; without, every account is below it.
    #[serde(default)]
    pub at: Option<Spanned<String>>,
    /// Files with service control policies in JSON; without, the level does not
    /// limit the account's callers.
    #[serde(default)]
    pub policies: Option<Vec<PathBuf>>,
    /// Files with resource control policies in JSON.
    #[serde(default)]
    pub resource_control: Vec<PathBuf>,
}

pub(super) fn workflow() -> PathBuf {
    PathBuf::from(".github/workflows/deploy.yml")
}

pub(super) fn main_branch() -> String {
    "refs/heads/main".to_owned()
}
