//! Deciding: every action on every resource, by the engine that decides the
//! guard's own calls.

use std::sync::Arc;

use ringfence_policy::{Decision, Layer, Outcome, Policies, Request, decide, layer_outcome};

use super::arns;
use super::input::{Simulation, is_sts};
use super::keys;
use super::position::Position;
use super::source::Source;
use crate::recording::Attached;

/// A simulation with the policies that decide it.
#[derive(Debug)]
pub(super) struct Simulated {
    simulation: Simulation,
    policies: Policies,
    /// The same for actions of STS, whose resource has a trust policy.
    sts_policies: Policies,
    missing: Vec<String>,
}

/// The result for one action and resource.
#[derive(Debug, Clone)]
pub(super) struct Evaluated<'s> {
    pub(super) action: &'s str,
    pub(super) resource: &'s str,
    pub(super) outcome: Outcome,
    pub(super) matched: Vec<Matched<'s>>,
    /// "A list of context keys that are required by the included input policies
    /// but that were not provided by one of the input parameters": of all these
    /// policies, whether or not they speak of the action. "If a missing context
    /// key is referenced only by an SCP, that key is not returned."
    pub(super) missing: &'s [String],
    /// Whether service control policies allow; `None` where none bind the caller.
    pub(super) organizations: Option<bool>,
    /// Whether the permissions boundary allows; `None` where there is none.
    pub(super) boundary: Option<bool>,
    pub(super) details: Details,
}

/// A statement that determines the result.
#[derive(Debug, Clone)]
pub(super) struct Matched<'s> {
    pub(super) source: &'s Source,
    pub(super) start: Position,
    pub(super) end: Position,
}

/// `EvalDecisionDetails`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Details {
    /// Of no use here.
    Absent,
    /// "If the simulation evaluates policies within the same account and includes
    /// a resource ARN, then the parameter is present but the response is empty."
    Empty,
    /// What each type of policy says, where two accounts decide.
    CrossAccount(Vec<(&'static str, Outcome)>),
}

impl Simulated {
    /// `service_control` binds the callers of `own_account`, unless the call gives
    /// a hierarchy to simulate.
    pub(super) fn new(
        simulation: Simulation,
        own_account: &str,
        service_control: &[Vec<Attached>],
    ) -> Self {
        // "… the Organizations service control policies that impact the simulated
        // user's account"
        // (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_OrganizationsDecisionDetail.html>).
        let levels = if simulation.account == own_account { service_control } else { &[] };
        let service_control = simulation.service_control.clone().unwrap_or_else(|| {
            let document = |policy: &Attached| Arc::clone(&policy.document);
            levels.iter().map(|level| level.iter().map(document).collect()).collect()
        });
        let document = |source: &Source| Arc::clone(&source.document);
        let policies = Policies {
            service_control,
            identity: simulation.identity.iter().map(document).collect(),
            boundary: simulation.boundary.as_ref().map(|source| vec![document(source)]),
            resource: simulation.resource.as_ref().map(document),
            ..Policies::default()
        };
        let trust = simulation.trust.as_ref().map(document);
        let sts_policies = Policies { resource: trust, ..policies.clone() };
        let missing = keys::of(sources(&simulation))
            .into_iter()
            .filter(|key| simulation.context.get(key).is_none())
            .map(str::to_owned)
            .collect();
        Self { simulation, policies, sts_policies, missing }
    }

    /// The results of an action, by its place, for all resources.
    pub(super) fn results(&self, action: usize) -> Vec<Evaluated<'_>> {
        let Some(action) = self.simulation.actions.get(action) else { return Vec::new() };
        let resources = self.simulation.resources.iter();
        resources.map(|resource| self.evaluate(action, resource)).collect()
    }

    fn evaluate<'s>(&'s self, action: &'s str, resource: &'s str) -> Evaluated<'s> {
        let simulation = &self.simulation;
        let policies = if is_sts(action) { &self.sts_policies } else { &self.policies };
        // ResourceOwner owns "any simulated resource that does not identify its
        // owner in the resource ARN", and else it is the caller's account.
        let owner = arns::account(resource).or(simulation.owner.as_deref());
        let request = Request {
            principal: &simulation.principal,
            action,
            resource,
            resource_account: owner,
            context: &simulation.context,
        };
        let decision = decide(&request, policies);
        let allows = |layer| {
            layer_outcome(&request, policies, layer).map(|outcome| outcome == Outcome::Allow)
        };
        let organizations = allows(Layer::ServiceControl);
        let crosses = owner.is_some_and(|owner| owner != simulation.account);
        let details = match organizations {
            // "If an Organizations SCP included in the evaluation denies access,
            // the simulation ends. In this case […] this parameter is not
            // returned."
            Some(false) => Details::Absent,
            _ if crosses => Details::CrossAccount(by_type(&request, policies)),
            _ if resource == "*" => Details::Absent,
            _ => Details::Empty,
        };
        Evaluated {
            action,
            resource,
            outcome: decision.outcome,
            matched: self.matched(&decision),
            missing: &self.missing,
            organizations,
            boundary: allows(Layer::Boundary),
            details,
        }
    }

    /// "A list of the statements in the input policies that determine the result
    /// for this scenario." Of service control policies "the matched statements
    /// returned for a result do not include statements"
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/policies_policy-simulator-how-to.html>).
    fn matched(&self, decision: &Decision) -> Vec<Matched<'_>> {
        let cited = decision.statements.iter();
        cited
            .filter(|statement| statement.layer != Layer::ServiceControl)
            .filter_map(|statement| {
                let source = sources(&self.simulation)
                    .find(|source| source.document.name() == statement.policy)?;
                let (start, end) = *source.positions.get(statement.index)?;
                Some(Matched { source, start, end })
            })
            .collect()
    }
}

/// The policies that the call gives or asks for. `ResourcePolicy` stands there
/// once, as whichever it was read.
fn sources(simulation: &Simulation) -> impl Iterator<Item = &Source> {
    let resource = simulation.resource.as_ref().or(simulation.trust.as_ref());
    simulation.identity.iter().chain(&simulation.boundary).chain(resource)
}

/// "It contains a brief summary of how each policy type contributes to the final
/// evaluation decision": the names are those of the reference's example
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html#API_SimulatePrincipalPolicy_Example_3>).
fn by_type(request: &Request<'_>, policies: &Policies) -> Vec<(&'static str, Outcome)> {
    let types = [
        ("IAM Policy", Layer::Identity),
        ("Resource Policy", Layer::Resource),
        ("Permissions Boundary Policy", Layer::Boundary),
    ];
    types
        .into_iter()
        .filter_map(|(name, layer)| Some((name, layer_outcome(request, policies, layer)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use ringfence_models::Partition;
    use ringfence_policy::{Document, Kind, Principal};
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::input::Fields;
    use super::*;

    const OWN: &str = "123456789012";
    const ALICE: &str = "arn:aws:iam::123456789012:user/alice";
    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/k";

    fn policy(effect: &str, action: &str) -> String {
        json!({"Version": "2012-10-17", "Statement":
            {"Effect": effect, "Action": action, "Resource": "*"}})
        .to_string()
    }

    fn level(documents: &[String]) -> Vec<Attached> {
        let parse = |text: &String| Document::parse("scp", text, Kind::ServiceControl).unwrap();
        let documents = documents.iter().map(|text| Arc::new(parse(text)));
        documents.map(|document| Attached::own("scp/0/0", document)).collect()
    }

    fn simulated(more: &Value, service_control: &[Vec<Attached>]) -> Simulated {
        let mut input = json!({"ActionNames": ["kms:Decrypt"], "ResourceArns": [KEY],
            "PolicyInputList": [policy("Allow", "kms:*")], "CallerArn": ALICE});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        let simulation =
            Simulation::read(Fields(input.as_object().unwrap()), None, OWN, Partition::default())
                .unwrap();
        Simulated::new(simulation, OWN, service_control)
    }

    fn first(simulated: &Simulated) -> Evaluated<'_> {
        simulated.results(0).into_iter().next().unwrap()
    }

    #[rstest]
    #[case("aws")]
    #[case("aws-cn")]
    #[case("aws-us-gov")]
    fn where_nobody_is_named_it_is_somebody_of_the_accounts_partition(#[case] id: &str) {
        let partition = Partition::of_id(id).unwrap();
        let input = json!({"ActionNames": ["kms:Decrypt"]});
        let fields = Fields(input.as_object().unwrap());
        let simulation = Simulation::read(fields, None, OWN, partition).unwrap();
        let arn = format!("arn:{id}:iam::{OWN}:user/");
        assert_eq!(simulation.principal, Principal::User { arn });
        let input = json!({"ActionNames": ["kms:Decrypt"], "CallerArn": "alice"});
        let fields = Fields(input.as_object().unwrap());
        let refused = Simulation::read(fields, None, OWN, partition).unwrap_err();
        let instead = format!("write arn:{id}:iam::ACCOUNT:user/NAME");
        assert!(refused.message.ends_with(&instead), "{}", refused.message);
    }

    #[test]
    fn each_type_is_told_by_itself_whichever_decided() {
        let more = json!({"PermissionsBoundaryPolicyInputList": [policy("Deny", "kms:*")]});
        let simulated = simulated(&more, &[]);
        let result = first(&simulated);
        assert_eq!((result.outcome, result.boundary), (Outcome::ExplicitDeny, Some(false)));
        let [matched] = result.matched.as_slice() else { panic!("{result:?}") };
        assert_eq!(matched.source.id, "PermissionsBoundaryPolicyInputList.1");
        assert_eq!(matched.source.kind(), "Permissions Boundary Policy");
        assert_eq!(
            result.details,
            Details::CrossAccount(vec![
                ("IAM Policy", Outcome::Allow),
                ("Permissions Boundary Policy", Outcome::ExplicitDeny),
            ])
        );
        assert!(simulated.results(1).is_empty());
    }

    #[rstest]
    #[case::own_bucket(json!({"ResourceArns": ["arn:aws:s3:::b"]}), Details::Empty)]
    #[case::everything(json!({"ResourceArns": ["*"]}), Details::Absent)]
    #[case::the_owner_is_the_callers_account(
        json!({"ResourceArns": ["arn:aws:s3:::b"], "ResourceOwner": OWN}),
        Details::Empty
    )]
    #[case::the_arn_names_its_owner(
        json!({"ResourceArns": [format!("arn:aws:kms:eu-west-1:{OWN}:key/k")],
            "ResourceOwner": "111122223333"}),
        Details::Empty
    )]
    #[case::everything_of_another_account(
        json!({"ResourceArns": ["*"], "ResourceOwner": "111122223333"}),
        Details::CrossAccount(vec![("IAM Policy", Outcome::Allow)])
    )]
    fn details_are_told_across_accounts(#[case] more: Value, #[case] details: Details) {
        assert_eq!(first(&simulated(&more, &[])).details, details);
    }

    #[test]
    fn service_control_policies_are_told_whoever_decided_and_end_the_details() {
        let silent = [level(&[policy("Allow", "s3:*")])];
        let denied = json!({"PolicyInputList": [policy("Deny", "*")]});
        for (more, outcome) in [(json!({}), Outcome::ImplicitDeny), (denied, Outcome::ExplicitDeny)]
        {
            let simulated = simulated(&more, &silent);
            let result = first(&simulated);
            assert_eq!((result.outcome, result.organizations), (outcome, Some(false)));
            assert_eq!(result.details, Details::Absent);
        }
        let open = [level(&[policy("Allow", "*")])];
        let own = simulated(&json!({}), &open);
        assert_eq!(first(&own).organizations, Some(true));
        let foreign = json!({"CallerArn": "arn:aws:iam::111122223333:user/mallory"});
        assert_eq!(first(&simulated(&foreign, &silent)).organizations, None);
    }

    #[test]
    fn one_resource_policy_serves_roles_and_other_resources() {
        let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
            "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"}});
        let simulated = simulated(
            &json!({
                "ActionNames": ["sts:AssumeRole", "STS:TagSession", "iam:GetRole"],
                "ResourceArns": [format!("arn:aws:iam::{OWN}:role/app")],
                "PolicyInputList": [policy("Allow", "*")],
                "ResourcePolicy": trust.to_string(),
            }),
            &[],
        );
        let outcomes = [0, 1, 2].map(|action| simulated.results(action)[0].outcome);
        assert_eq!(outcomes, [Outcome::Allow, Outcome::ImplicitDeny, Outcome::Allow]);
    }
}
