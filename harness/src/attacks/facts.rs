//! What the attacks must know of the deployed state: Layer 1's outputs, and
//! what the applications' deployment left behind. What the estate has none of has
//! a name that nothing can have ([`Lack`]); [`super::gather`] reads it.

use std::collections::BTreeMap;

use ringfence_wire::ServiceError;
use serde_json::{Value, json};

use super::attack::{Reason, Refusal};
use super::lack::Lack;
use super::rivals::Rivals;
use crate::config::{Job, Refusals, Statements};
use crate::terraform::OutputError;

/// The stage whose name stands in no path.
pub(crate) const DEFAULT_STAGE: &str = "$default";

/// The deployed state.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The account's id.
    pub account: String,
    /// The region.
    pub region: String,
    /// The boundary that execution roles carry.
    pub execution_boundary: String,
    /// The deployers' own boundary.
    pub deployer_boundary: String,
    /// The artifacts bucket.
    pub bucket: String,
    /// The subnets that functions run in.
    pub subnets: Vec<String>,
    /// The network that these are part of; none where EC2 does not know them.
    pub vpc: Option<String>,
    /// The functions' security group, the first of them.
    pub security_group: String,
    /// All security groups that functions may have.
    pub security_groups: Vec<String>,
    /// The prefix of the platform's parameters.
    pub parameters: String,
    /// Which statements may refuse.
    pub refusals: Refusals,
    /// The names of these statements.
    pub statements: Statements,
    /// One parameter that the platform published.
    pub published_parameter: String,
    /// Of which kind the API is.
    pub api_kind: ApiKind,
    /// The HTTP API.
    pub api_id: String,
    /// Its name.
    pub api_name: String,
    /// Its JWT authorizer.
    pub authorizer_id: String,
    /// The authorizer's name.
    pub authorizer_name: String,
    /// The issuer that the authorizer trusts.
    pub issuer: String,
    /// The audience that it asks for.
    pub audience: String,
    /// All its JWT authorizers, this one among them.
    pub authorizers: Vec<AuthorizerFacts>,
    /// The account's OIDC providers, by URL without its scheme, each with the
    /// audiences that it takes.
    pub providers: BTreeMap<String, Vec<String>>,
    /// Its stages.
    pub stages: Vec<String>,
    /// Its routes.
    pub routes: Vec<RouteFacts>,
    /// The functions: the apps', by app, and then all others.
    pub functions: Vec<FunctionFacts>,
    /// The deployers.
    pub deployers: Vec<DeployerFacts>,
    /// The ARN of a role that is not there, which stands for others where nobody has one.
    pub victim: String,
    /// The users, and the roles that are neither a deployer's nor a function's.
    pub roles: Vec<RoleFacts>,
    /// The same with another API, boundary or bucket in the place of the first.
    pub further: Vec<Further>,
    /// The same with a REST API in the place of the HTTP API, for what clients try:
    /// other calls configure it.
    pub rest: Vec<Further>,
    /// Whom deployers attack of the others.
    pub(super) rivals: Rivals,
}

/// The deployed state with something else in the place of the first of its kind.
#[derive(Debug, Clone)]
pub struct Further {
    /// The name of what is other.
    pub name: String,
    /// What it is.
    pub kind: Lack,
    /// The state.
    pub facts: Facts,
}

/// The deployed state as attacks look at it: with the first of each kind, or with
/// another one.
#[derive(Debug, Clone, Copy)]
pub struct Variant<'a> {
    /// What is other, by kind and name.
    other: Option<(Lack, &'a str)>,
    /// The state.
    pub facts: &'a Facts,
}

impl Variant<'_> {
    /// Whether it is the one with the first of each kind.
    pub fn is_first(&self) -> bool {
        self.other.is_none()
    }

    /// Whether what is about such a thing belongs here.
    pub fn is_about(&self, kind: Lack) -> bool {
        self.other.is_none_or(|(other, _)| other == kind)
    }

    /// The id of a finding, which names what is other.
    pub fn id(&self, id: &str) -> String {
        self.other.map_or_else(|| id.to_owned(), |(_, name)| format!("{id}@{name}"))
    }
}

/// A user, or a role that is neither a deployer's nor a function's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFacts {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

impl RoleFacts {
    /// Whether it is a user.
    pub fn is_user(&self) -> bool {
        self.arn.contains(":user/")
    }

    /// How reports call it.
    pub fn identity(&self) -> String {
        match self.is_user() {
            true => format!("user-{}", self.name),
            false => format!("role-{}", self.name),
        }
    }
}

/// A JWT authorizer of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizerFacts {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The issuer that it trusts.
    pub issuer: String,
    /// The first audience that it asks for.
    pub audience: String,
}

/// A route of the HTTP API.
#[derive(Debug, Clone)]
pub struct RouteFacts {
    /// Its id.
    pub route_id: String,
    /// `GET /service-a/{proxy+}`.
    pub route_key: String,
    /// The integration that it targets.
    pub integration_id: String,
    /// The integration's URI, in which the function's ARN stands.
    pub integration_uri: String,
    /// `JWT`, `NONE`, ….
    pub authorization_type: String,
    /// The authorizer that it asks, if it asks one.
    pub authorizer_id: Option<String>,
    /// Where that looks for who asks, if a function does: `$request.header.NAME`, ….
    pub identity_sources: Vec<String>,
    /// The scopes of which a token must hold one.
    pub scopes: Vec<String>,
    /// Whether it asks for an API key.
    pub api_key: bool,
}

/// A kind of API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApiKind {
    /// An HTTP API: API Gateway v2.
    #[default]
    Http,
    /// A REST API: API Gateway v1.
    Rest,
}

impl RouteFacts {
    /// Whether it leads to a function.
    pub fn leads_to(&self, function: &str) -> bool {
        let name = format!(":function:{function}");
        self.integration_uri.split('/').any(|part| part.ends_with(&name))
    }
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionFacts {
    /// The function's name.
    pub name: String,
    /// The app of the configuration that deploys it, if one does.
    pub app: Option<String>,
    /// Its execution role's ARN.
    pub role_arn: String,
    /// The statement of its policy that lets API Gateway call it, by its id;
    /// none where there is none.
    pub api_permission: Option<String>,
    /// Whether it may write its logs, the usual work of code: of apps' functions it
    /// is asked for.
    pub logs: bool,
    /// Whether it exists. Where its app could not be deployed it does not, and
    /// its role's name is only one that its deployer might choose: permissions
    /// are decided before existence, so attacks on it still tell.
    pub deployed: bool,
}

impl FunctionFacts {
    /// Whose it is: its app, or where no app deploys it the function by itself.
    pub fn owner(&self) -> &str {
        self.app.as_deref().unwrap_or(&self.name)
    }
}

/// A deployer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployerFacts {
    /// Its name in the configuration.
    pub name: String,
    /// The ARN of its role or user.
    pub arn: String,
    /// The ARN of the role that its token becomes, and that assumes its own, where the
    /// token does not become it directly.
    pub through: Option<String>,
    /// What it is for.
    pub job: Job,
    /// The app that it deploys: its namespace.
    pub app: String,
    /// The app's function: the first of several, and where there is none the name
    /// that it would have.
    pub function: String,
    /// The app's stack, by the same rule.
    pub stack: String,
    /// The names of a function and of its role that it may make; none where its
    /// policies let it make none of a new name.
    pub makes: Option<Makes>,
    /// How the names of the roles begin that it may create.
    pub role_prefix: Option<String>,
    /// The managed policies attached to its role or user.
    pub policies: Vec<String>,
}

/// The names of a function and of its role that a deployer may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Makes {
    /// The function's.
    pub function: String,
    /// The role's.
    pub role: String,
}

impl DeployerFacts {
    /// Whether it is a user, whose keys its workflow has: no token becomes it.
    pub fn is_user(&self) -> bool {
        self.arn.contains(":user/")
    }

    /// Its role's ARN; none where it is a user.
    pub fn role_arn(&self) -> Option<&str> {
        (!self.is_user()).then_some(self.arn.as_str())
    }

    /// The name of its role or user.
    pub fn own_name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// `role/NAME`, `user/NAME`.
    pub fn entry(&self) -> String {
        let kind = if self.is_user() { "user" } else { "role" };
        format!("{kind}/{}", self.own_name())
    }

    /// The usual names: in its app's namespace, and with its roles' prefix.
    pub fn usual(&self) -> Makes {
        Makes {
            function: format!("{}-inside", self.app),
            role: format!("{}inside", self.role_prefix.as_deref().unwrap_or_default()),
        }
    }
}

/// Why the deployed state could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// Layer 1 has no such output or resource.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A question was refused.
    #[error("could not read the deployed state with {operation}")]
    Call {
        /// The operation.
        operation: &'static str,
        /// The service's error.
        source: ServiceError,
    },
    /// An answer lacks what AWS always gives.
    #[error("{operation} answered without `{member}`")]
    Answer {
        /// The operation.
        operation: &'static str,
        /// The member that is missing.
        member: &'static str,
    },
}

impl Facts {
    /// What AWS answers in this architecture: where its statements have names
    /// of their own, whichever of them may refuse.
    pub fn refusal(&self, refusal: &Refusal) -> Refusal {
        Refusal { reason: self.reason(refusal.reason), ..refusal.clone() }
    }

    /// Why AWS refuses in this architecture.
    pub fn reason(&self, reason: Reason) -> Reason {
        match self.refusals {
            Refusals::Named => reason,
            Refusals::Any => Reason::Any,
        }
    }

    /// The state as attacks look at it, once for each thing of which there are
    /// several.
    pub fn variants(&self) -> impl Iterator<Item = Variant<'_>> {
        let further = self.further.iter().map(|further| Variant {
            other: Some((further.kind, further.name.as_str())),
            facts: &further.facts,
        });
        std::iter::once(Variant { other: None, facts: self }).chain(further)
    }

    /// The state with each API that clients can call, in the place of the first.
    pub fn fronts(&self) -> impl Iterator<Item = Variant<'_>> {
        let rest = self.rest.iter().map(|further| Variant {
            other: Some((further.kind, further.name.as_str())),
            facts: &further.facts,
        });
        self.variants().filter(|variant| variant.is_about(Lack::Api)).chain(rest)
    }

    /// Whether the estate has something.
    pub fn has(&self, lack: Lack) -> bool {
        match lack {
            Lack::Api => self.api_id != lack.name(),
            Lack::Authorizer => self.authorizer_id != lack.name(),
            Lack::ExecutionBoundary => self.execution_boundary != lack.name(),
            Lack::DeployerBoundary => self.deployer_boundary != lack.name(),
            Lack::Bucket => self.bucket != lack.name(),
            Lack::Subnets => self.subnets.iter().all(|it| it != lack.name()),
            Lack::SecurityGroup => self.security_group != lack.name(),
            Lack::Parameters => !self.parameters.contains(lack.name()),
            Lack::Deployers => !self.deployers.is_empty(),
            Lack::DeployerRoles => self.deployers.iter().any(|it| it.role_arn().is_some()),
            Lack::Functions => self.functions.iter().any(|function| function.deployed),
            Lack::Apps => self.functions.iter().any(|function| function.app.is_some()),
        }
    }

    /// An owner's function, the first of several.
    pub fn function(&self, owner: &str) -> Option<&FunctionFacts> {
        self.functions.iter().find(|function| function.owner() == owner)
    }

    /// A function by its name.
    pub fn function_named(&self, name: &str) -> Option<&FunctionFacts> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// The stack of another owner than this one.
    pub fn foreign_stack(&self, owner: &str) -> Option<&str> {
        let foreign = self.foreign_function(owner)?;
        let deployer = self.deployers.iter().find(|it| it.app == foreign.owner());
        Some(deployer.map_or(foreign.name.as_str(), |it| it.stack.as_str()))
    }

    /// The stage that requests go to: the one without a name in its path, else the
    /// first.
    pub fn stage(&self) -> &str {
        let default = self.stages.iter().find(|stage| *stage == DEFAULT_STAGE);
        default.or_else(|| self.stages.first()).map_or(DEFAULT_STAGE, String::as_str)
    }

    /// A function that is not this owner's: the one that its deployers attack first,
    /// or that comes after its own.
    pub fn foreign_function(&self, owner: &str) -> Option<&FunctionFacts> {
        let rival = self.rivals.functions(owner).first();
        let rival = rival.and_then(|name| self.function_named(name));
        rival.or_else(|| self.after(owner).find(|function| function.owner() != owner))
    }

    /// All functions, those first that come after an owner's own.
    pub(super) fn after(&self, owner: &str) -> impl Iterator<Item = &FunctionFacts> {
        let own = self.functions.iter().rposition(|function| function.owner() == owner);
        let (before, after) = self.functions.split_at(own.map_or(0, |place| place + 1));
        after.iter().chain(before)
    }

    /// The state as an owner's deployers look at it, once for each further function
    /// that they attack, with its name.
    pub(super) fn further_rivals(&self, owner: &str) -> impl Iterator<Item = (&str, Self)> {
        self.rivals.functions(owner).iter().skip(1).map(move |rival| {
            (rival.as_str(), Self { rivals: self.rivals.first(owner, rival), ..self.clone() })
        })
    }

    /// The role that a deployer would gain most by: that of another deployer,
    /// one that makes stacks if there is one, or another team's function's.
    pub fn coveted<'a>(&'a self, deployer: &'a DeployerFacts) -> &'a str {
        let others = || self.deployers.iter().filter(|other| other.arn != deployer.arn);
        let roles = || others().filter_map(|other| Some((other.job, other.role_arn()?)));
        let stacks = roles().find(|(job, _)| *job == Job::Stack);
        let other = stacks.or_else(|| roles().next()).map(|(_, arn)| arn);
        let foreign = || self.foreign_function(&deployer.app).map(|f| f.role_arn.as_str());
        other.or_else(foreign).or_else(|| deployer.role_arn()).unwrap_or(&self.victim)
    }

    /// The role that some other role would gain most by: the first deployer's, or
    /// else another role of the account; one that is not there where it is alone.
    pub fn coveted_by(&self, role_arn: &str) -> String {
        let deployers = self.deployers.iter().filter_map(DeployerFacts::role_arn);
        let roles = self.roles.iter().filter(|role| !role.is_user()).map(|role| role.arn.as_str());
        let functions = self.functions.iter().map(|function| function.role_arn.as_str());
        let mut all = deployers.chain(roles).chain(functions);
        all.find(|arn| *arn != role_arn).unwrap_or(&self.victim).to_owned()
    }

    /// The route that leads to a function of an owner.
    pub fn route(&self, owner: &str) -> Option<&RouteFacts> {
        let own = || self.functions.iter().filter(|function| function.owner() == owner);
        self.routes.iter().find(|route| own().any(|function| route.leads_to(&function.name)))
    }

    /// The issuer and the audience that a route's tokens must name: its own
    /// authorizer's, or the API's where it asks none.
    pub fn trusted(&self, route: &RouteFacts) -> (&str, &str) {
        let own = route.authorizer_id.as_ref();
        let own = self.authorizers.iter().find(|authorizer| Some(&authorizer.id) == own);
        own.map_or((&self.issuer, &self.audience), |it| (&it.issuer, &it.audience))
    }

    /// Whether a role of this name is one that a stack deployer makes for its
    /// own functions.
    pub fn is_teams_own_role(&self, name: &str) -> bool {
        let prefixes = self.deployers.iter().filter_map(|deployer| deployer.role_prefix.as_deref());
        prefixes.into_iter().any(|prefix| name.starts_with(prefix))
    }

    /// How reports call the code in a function.
    pub fn code_in(function: &FunctionFacts) -> String {
        format!("code-in-{}", function.name)
    }

    /// The input that makes a bucket of this name in the region: us-east-1 is the
    /// one that must not be named
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>).
    pub fn new_bucket(&self, name: &str) -> Value {
        new_bucket(&self.region, name)
    }

    /// A function's ARN.
    pub fn function_arn(&self, name: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{name}", self.region, self.account)
    }

    /// A role's ARN.
    pub fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }

    /// The ARN by which IAM knows a part of the HTTP API: no account, no `/v2`.
    pub fn api_arn(&self, path: &str) -> String {
        format!("arn:aws:apigateway:{}::/apis/{}{path}", self.region, self.api_id)
    }
}

fn new_bucket(region: &str, name: &str) -> Value {
    match region {
        "us-east-1" => json!({ "Bucket": name }),
        region => json!({"Bucket": name,
            "CreateBucketConfiguration": {"LocationConstraint": region}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buckets_region_is_named_but_for_the_first() {
        assert_eq!(new_bucket("us-east-1", "b"), json!({"Bucket": "b"}));
        assert_eq!(
            new_bucket("eu-west-1", "b"),
            json!({"Bucket": "b", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}})
        );
    }
}
