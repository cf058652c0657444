//! The engines, each behind the same question. `iam-rs` and
//! `scratchstack-aspen` decide a list of documents; how layers combine is
//! written here by hand, as their users must.

use std::str::FromStr;

use ringfence_policy::{Policies, jsonl, judge};
use serde_json::{Value, json};

use crate::case::Case;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Engine {
    Ringfence,
    RingfenceExplained,
    IamRs,
    Aspen,
}

/// Decides a case that has been prepared: documents compiled, request made.
pub(crate) type Decide = Box<dyn Fn() -> &'static str>;

/// What the documents of a layer say.
#[derive(Clone, Copy)]
struct Said {
    deny: bool,
    allow: bool,
}

impl Engine {
    pub(crate) const ALL: [Self; 4] =
        [Self::Ringfence, Self::RingfenceExplained, Self::IamRs, Self::Aspen];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ringfence => "ringfence-policy, `judge`",
            Self::RingfenceExplained => "ringfence-policy, `decide` (with the explanation)",
            Self::IamRs => "iam-rs 0.8.0, layers by hand",
            Self::Aspen => "scratchstack-aspen 0.3.1, layers by hand",
        }
    }

    /// None where the engine refuses the documents or has no such request.
    pub(crate) fn prepare(self, case: &Case) -> Option<Decide> {
        match self {
            Self::Ringfence => {
                let question = jsonl::Decider::default().read(&case.line.to_string()).ok()?;
                Some(Box::new(move || {
                    judge(&question.request(), &question.policies).outcome.as_str()
                }))
            }
            Self::RingfenceExplained => {
                let question = jsonl::Decider::default().read(&case.line.to_string()).ok()?;
                Some(Box::new(move || {
                    let policies: &Policies = &question.policies;
                    ringfence_policy::decide(&question.request(), policies).outcome.as_str()
                }))
            }
            Self::IamRs => iam_rs(case),
            Self::Aspen => aspen(case),
        }
    }
}

/// The layers of a case, compiled.
struct Layers<D> {
    scp: Vec<D>,
    resource: Option<D>,
    identity: D,
    boundary: Option<D>,
    session: Option<D>,
    same_account: bool,
    account_policies: bool,
    trust: bool,
}

impl<D> Layers<D> {
    fn of(case: &Case, mut compile: impl FnMut(&[String]) -> Option<D>) -> Option<Self> {
        let mut optional = |layer: &str| -> Option<Option<D>> {
            let documents = case.documents(layer);
            match documents.is_empty() {
                true => Some(None),
                false => compile(&documents).map(Some),
            }
        };
        let (boundary, session) = (optional("boundary")?, optional("session")?);
        let resource = match case.resource_policy() {
            Some(policy) => Some(compile(&[policy])?),
            None => None,
        };
        let mut scp = Vec::new();
        for level in case.levels() {
            scp.push(compile(&level)?);
        }
        let principal = case.text("principal");
        Some(Self {
            scp,
            resource,
            identity: compile(&case.documents("identity"))?,
            boundary,
            session,
            same_account: case.same_account(),
            account_policies: principal != "*"
                && (principal.starts_with("arn:") || principal.len() == 12)
                && !principal.contains("-provider/"),
            trust: case.text("action").starts_with("sts:"),
        })
    }

    /// The layers together, as AWS's flow chart joins them.
    fn decide(&self, said: impl Fn(&D) -> Said) -> &'static str {
        let none = Said { deny: false, allow: false };
        let resource = self.resource.as_ref().map_or(none, &said);
        if !self.account_policies {
            return verdict(resource.deny, resource.allow);
        }
        let identity = said(&self.identity);
        let boundary = self.boundary.as_ref().map(&said);
        let session = self.session.as_ref().map(&said);
        let levels: Vec<Said> = self.scp.iter().map(&said).collect();
        let limits = || [boundary, session].into_iter().flatten().chain(levels.iter().copied());
        let deny = resource.deny || identity.deny || limits().any(|said| said.deny);
        let allow = match (self.same_account, self.trust && self.resource.is_some()) {
            (true, false) => resource.allow || identity.allow,
            (true, true) => resource.allow,
            (false, _) => resource.allow && identity.allow,
        };
        verdict(deny, allow && limits().all(|said| said.allow))
    }
}

fn verdict(deny: bool, allow: bool) -> &'static str {
    match (deny, allow) {
        (true, _) => "explicit_deny",
        (false, true) => "allow",
        (false, false) => "implicit_deny",
    }
}

fn iam_rs(case: &Case) -> Option<Decide> {
    use iam_rs::{Decision, IAMPolicy, IAMRequest, PolicyEvaluator};

    let layers = Layers::of(case, |documents| {
        let policies: Option<Vec<IAMPolicy>> =
            documents.iter().map(|text| IAMPolicy::from_json(text).ok()).collect();
        Some(PolicyEvaluator::with_policies(policies?))
    })?;
    let principal = match case.text("principal") {
        "*" => json!("*"),
        provider if provider.contains("-provider/") => json!({ "Federated": provider }),
        arn if arn.starts_with("arn:") => json!({ "AWS": arn }),
        id if id.len() == 12 => json!({ "AWS": format!("arn:aws:iam::{id}:root") }),
        service => json!({ "Service": service }),
    };
    let request: IAMRequest = serde_json::from_value(json!({
        "Principal": principal,
        "Action": case.text("action"),
        "Resource": case.text("resource"),
        "Context": case.context(),
    }))
    .ok()?;
    Some(Box::new(move || {
        layers.decide(|evaluator| match evaluator.evaluate(&request) {
            Ok(result) => Said {
                deny: result.decision == Decision::Deny,
                allow: result.decision == Decision::Allow,
            },
            // What cannot be evaluated is not allowed.
            Err(_) => Said { deny: false, allow: false },
        })
    }))
}

fn aspen(case: &Case) -> Option<Decide> {
    use scratchstack_arn::Arn;
    use scratchstack_aspen::{Context, Decision, Policy};
    use scratchstack_aws_principal::{
        AssumedRole, FederatedUser, Principal, RootUser, Service, SessionData, User,
    };

    let layers = Layers::of(case, |documents| {
        documents.iter().map(|text| Policy::from_str(text).ok()).collect::<Option<Vec<_>>>()
    })?;
    let name = case.text("principal");
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let actor = match parts.as_slice() {
        ["arn", _, "iam", _, account, "root"] => RootUser::new("aws", account).ok()?.into(),
        ["arn", _, "iam", ..] => Principal::from(User::from_str(name).ok()?),
        ["arn", _, "sts", _, account, session] => match session.split_once('/')? {
            ("assumed-role", _) => AssumedRole::from_str(name).ok()?.into(),
            ("federated-user", user) => FederatedUser::new("aws", account, user).ok()?.into(),
            _ => return None,
        },
        [id] if id.len() == 12 => RootUser::new("aws", id).ok()?.into(),
        [service] => match service.split_once('.') {
            Some((service, suffix)) => Service::new(service, None, suffix).ok()?.into(),
            None => Principal::new(Vec::new()),
        },
        _ => return None,
    };
    let mut data = SessionData::new();
    for (key, value) in case.context() {
        // It knows no keys of several values: the first stands for all.
        let value = match value {
            Value::Array(values) => values.first()?.clone(),
            value => value,
        };
        data.insert(&key, session_value(value.as_str().map_or(value.to_string(), str::to_owned)));
    }
    let resource = case.text("resource");
    let (service, api) = case.text("action").split_once(':')?;
    let context = Context::builder()
        .service(service)
        .api(api)
        .actor(actor)
        .session_data(data)
        .resources(match resource {
            "*" => Vec::new(),
            arn => vec![Arn::from_str(arn).ok()?],
        })
        .build()
        .ok()?;
    Some(Box::new(move || {
        layers.decide(|policies| {
            let mut said = Said { deny: false, allow: false };
            for policy in policies {
                match policy.evaluate(&context) {
                    Ok(Decision::Deny) => said.deny = true,
                    Ok(Decision::Allow) => said.allow = true,
                    _ => {}
                }
            }
            said
        })
    }))
}

/// A value in the type that the engine's operators look for.
fn session_value(text: String) -> scratchstack_aws_principal::SessionValue {
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return address.into();
    }
    match text.as_str() {
        "true" => true.into(),
        "false" => false.into(),
        _ => text.into(),
    }
}
