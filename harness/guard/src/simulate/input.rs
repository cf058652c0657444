//! What a simulation is asked, read from the call.

use std::sync::Arc;

use ringfence_models::Partition;
use ringfence_policy::{Context, Document, Kind, Principal};
use ringfence_wire::ServiceError;
use serde_json::{Map, Value};

use super::error::invalid;
use super::principal::PolicySource;
use super::source::Source;
use super::{arns, entries, hierarchy, populated};

/// The members of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn text(self, member: &str) -> Result<Option<&'a str>, ServiceError> {
        match self.0.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(format!("{member} is no text"))),
        }
    }

    pub(super) fn integer(self, member: &str) -> Result<Option<i64>, ServiceError> {
        match self.0.get(member) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| invalid(format!("{member} is no whole number"))),
        }
    }

    fn list(self, member: &str) -> Result<&'a [Value], ServiceError> {
        match self.0.get(member) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(invalid(format!("{member} is no list"))),
        }
    }

    fn strings(self, member: &str) -> Result<Vec<&'a str>, ServiceError> {
        self.0.get(member).map_or(Ok(Vec::new()), |value| strings(member, value))
    }
}

/// The items of a list of texts. An empty list travels as an empty text.
pub(super) fn strings<'v>(name: &str, value: &'v Value) -> Result<Vec<&'v str>, ServiceError> {
    let no_list = || invalid(format!("{name} is no list of texts"));
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(|item| item.as_str().ok_or_else(no_list)).collect(),
        _ => Err(no_list()),
    }
}

/// `PolicyInputList`, each under the name by which AWS cites it:
/// `PolicyInputList.1`.
pub(super) fn identity_policies(fields: Fields<'_>) -> Result<Vec<Source>, ServiceError> {
    let texts = fields.strings("PolicyInputList")?;
    let numbered = texts.into_iter().enumerate();
    numbered
        .map(|(place, text)| {
            Source::given(format!("PolicyInputList.{}", place + 1), text, Kind::Identity)
        })
        .collect()
}

/// A simulation, understood.
#[derive(Debug)]
pub(super) struct Simulation {
    pub(super) principal: Principal,
    /// The caller's account.
    pub(super) account: String,
    pub(super) identity: Vec<Source>,
    pub(super) boundary: Option<Source>,
    /// `ResourcePolicy` as the policy of a resource, where an action asks for it.
    pub(super) resource: Option<Source>,
    /// `ResourcePolicy` as a trust policy: what the resource of an action of STS
    /// has, a role.
    pub(super) trust: Option<Source>,
    /// Service control policies that stand in for the account's.
    pub(super) service_control: Option<Vec<Vec<Arc<Document>>>>,
    /// The account that owns the resources whose ARNs name none.
    pub(super) owner: Option<String>,
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) context: Context,
}

impl Simulation {
    /// Reads a call. `source` is the principal whose policies it asks for;
    /// `own_account` the account that stands in where nothing names a caller, in its
    /// partition.
    pub(super) fn read(
        fields: Fields<'_>,
        source: Option<PolicySource>,
        own_account: &str,
        partition: Partition,
    ) -> Result<Self, ServiceError> {
        unsupported(fields)?;
        let actions = fields.strings("ActionNames")?;
        if actions.is_empty() {
            return Err(invalid("ActionNames is empty: name an action, such as iam:CreateUser"));
        }
        actions.iter().try_for_each(|name| arns::action(name))?;
        let mut resources = fields.strings("ResourceArns")?;
        if resources.is_empty() {
            // "If this parameter is not provided, then the value defaults to *".
            resources.push("*");
        }
        resources.iter().try_for_each(|arn| arns::resource(arn))?;
        let owner =
            fields.text("ResourceOwner")?.map(|text| arns::owner(text, partition)).transpose()?;
        let given_context = entries::context(fields.list("ContextEntries")?)?;
        let given = identity_policies(fields)?;
        let boundary = boundary(fields)?;
        let text = fields.text("ResourcePolicy")?;
        let caller = Caller::read(fields, source.as_ref(), own_account, partition)?;
        // "Simulation of resource-based policies isn't supported for IAM roles."
        if text.is_some() && !caller.is_user {
            return Err(invalid(
                "Invalid caller - Caller must be an IAM user in this context: a ResourcePolicy \
                 needs a user as CallerArn, whom its Principal is compared with",
            ));
        }
        let policy = |wanted: bool, kind| match text {
            Some(text) if wanted => Source::given("ResourcePolicy".into(), text, kind).map(Some),
            _ => Ok(None),
        };
        let resource = policy(!actions.iter().all(|name| is_sts(name)), Kind::Resource)?;
        let trust = policy(actions.iter().any(|name| is_sts(name)), Kind::Trust)?;
        let mut context = caller.context;
        context.extend(&given_context);
        let (mut identity, own_boundary) =
            source.map_or_else(Default::default, |source| (source.identity, source.boundary));
        identity.extend(given);
        Ok(Self {
            principal: caller.principal,
            account: caller.account,
            identity,
            // "If a permissions boundary is attached to an entity and you pass in
            // a different permissions boundary policy using this parameter, then
            // the new permissions boundary policy is used for the simulation."
            boundary: boundary.or(own_boundary),
            resource,
            trust,
            service_control: hierarchy::levels(fields.list("OrderedOrganizationPolicyInputList")?)?,
            owner: owner.map(str::to_owned),
            actions: actions.into_iter().map(str::to_owned).collect(),
            resources: resources.into_iter().map(str::to_owned).collect(),
            context,
        })
    }

    /// How many statements a decision may have to look at and cite. Service
    /// control policies of the account are not the call's doing.
    pub(super) fn statements(&self) -> usize {
        let given = self.identity.iter().chain(&self.boundary).chain(&self.resource);
        let given = given.chain(&self.trust).map(|source| source.document.statement_count());
        let levels = self.service_control.iter().flatten().flatten();
        given.chain(levels.map(|document| document.statement_count())).sum()
    }
}

/// Refuses what would change the verdict and is not simulated.
fn unsupported(fields: Fields<'_>) -> Result<(), ServiceError> {
    const INSTEAD: [(&str, &str); 2] = [
        ("ResourceHandlingOption", "name every resource of the scenario in ResourceArns"),
        ("PolicyExclusionList", "give the policies that remain to SimulateCustomPolicy"),
    ];
    match INSTEAD.iter().find(|(member, _)| fields.0.contains_key(*member)) {
        Some((member, instead)) => {
            Err(invalid(format!("{member} is not supported: leave it out, and {instead}")))
        }
        None => Ok(()),
    }
}

/// Whether the action's resource is a role, and its policy a trust policy.
pub(super) fn is_sts(action: &str) -> bool {
    action.split(':').next().is_some_and(|service| service.eq_ignore_ascii_case("sts"))
}

/// "You can input only one permissions boundary when you pass a policy to this
/// operation."
fn boundary(fields: Fields<'_>) -> Result<Option<Source>, ServiceError> {
    const MEMBER: &str = "PermissionsBoundaryPolicyInputList";
    match fields.strings(MEMBER)?.as_slice() {
        [] => Ok(None),
        [text] => Source::given(format!("{MEMBER}.1"), text, Kind::Boundary).map(Some),
        more => Err(invalid(format!("{MEMBER} has {} policies: it takes one", more.len()))),
    }
}

/// Who is simulated.
struct Caller {
    principal: Principal,
    account: String,
    is_user: bool,
    /// What the simulator fills in.
    context: Context,
}

impl Caller {
    /// "If you do not specify a `CallerArn`, it defaults to the ARN of the user,
    /// group, or role that you specify in `PolicySourceArn`. If you include both
    /// […] the result is that you simulate calling the API operations as Bob, as
    /// if Bob had David's policies."
    ///
    /// Where nobody is named, it is a user of the account without a name: no
    /// policy can name it, and there is no resource policy that would.
    fn read(
        fields: Fields<'_>,
        source: Option<&PolicySource>,
        own_account: &str,
        partition: Partition,
    ) -> Result<Self, ServiceError> {
        if let Some(arn) = fields.text("CallerArn")? {
            let entity = arns::caller(arn, partition)?;
            let (principal, account) = (entity.principal(), entity.account.to_owned());
            let context = populated::context(&entity, None);
            let is_user = entity.kind == "user";
            return Ok(Self { principal, account, is_user, context });
        }
        Ok(match source {
            Some(source) => Self {
                principal: source.principal.clone(),
                account: own_account.to_owned(),
                is_user: source.is_user,
                context: source.context.clone(),
            },
            None => Self {
                principal: Principal::User {
                    arn: format!("arn:{partition}:iam::{own_account}:user/"),
                },
                account: own_account.to_owned(),
                is_user: false,
                context: Context::new(),
            },
        })
    }
}
