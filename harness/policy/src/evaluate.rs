//! The evaluation.
//!
//! Order, from AWS's [policy evaluation logic]:
//!
//! 1. A matching Deny anywhere ends it. Of several layers with one, the first
//!    in the order of [`Layer`] is named; AWS names one too and does not say
//!    which it chooses.
//! 2. The policy of the VPC endpoint that the request comes through must allow,
//!    whoever asks for whatever: that no other grant goes round it, and that it
//!    is asked first, the pages of [endpoint policies] and people's denials show.
//! 3. Resource control policies only deny (`resource_control.rs`); each level of
//!    service control policies must allow.
//! 4. The resource's policy may allow by itself, or must (role trust policies,
//!    KMS keys, other accounts, services, unsigned callers): see
//!    `Shape::needs`.
//! 5. Identity policies, then the boundary, then session policies must allow.
//!
//! The first layer in this order that should allow and does not is the one
//! that an implicit deny names.
//!
//! Where nothing is known of a condition key, a statement may apply or not
//! (`scan.rs`), and what of the above hangs on it is undecided (`layers.rs`):
//! an answer that is given holds whatever the key turns out to be.
//!
//! [endpoint policies]: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
//! [policy evaluation logic]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

use std::sync::Arc;

use crate::arn::Target;
use crate::decision::{Decision, Layer, Outcome};
use crate::document::{Document, Kind};
use crate::explain;
use crate::layers::{Gates, Levels, Reached, Scans};
use crate::logic::{Asks, Logic};
use crate::principal::Naming;
use crate::request::{Principal, Request};
use crate::resource_control;
use crate::scan::{Found, Scan};
use crate::special;
use crate::statement::{Action, Asked, Effect, Truth};

/// All policies that apply to a request. `Default` is none at all.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// The policy of the VPC endpoint that the request comes through, where it
    /// comes through one.
    pub vpc_endpoint: Option<Arc<Document>>,
    /// Resource control policies of the resource's account, or of the caller's
    /// where the action authorizes no resource, by level.
    pub resource_control: Vec<Vec<Arc<Document>>>,
    /// Whose resources these bind: an account. `None` says that what is acted
    /// upon is of theirs, whoever asks.
    pub resource_control_of: Option<Arc<str>>,
    /// Service control policies by level; every level must allow.
    pub service_control: Vec<Vec<Arc<Document>>>,
    /// The principal's identity policies.
    pub identity: Vec<Arc<Document>>,
    /// The permissions boundary; `None` where the principal has none.
    pub boundary: Option<Vec<Arc<Document>>>,
    /// The session policies; `None` where the session has none, with which a
    /// federated user may do nothing of its own accord
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html>).
    /// A list must have one document that allows: AWS takes the inline policy
    /// and the managed ones of a session together.
    pub session: Option<Vec<Arc<Document>>>,
    /// The resource's own policy. A [`crate::Kind::Trust`] document must allow
    /// by itself. Roles and KMS keys always have one: without it, nobody
    /// assumes the role or uses the key.
    pub resource: Option<Arc<Document>>,
}

impl Policies {
    /// The documents of a layer; the account's root user has none.
    pub fn documents(&self, layer: Layer) -> Vec<&Arc<Document>> {
        match layer {
            Layer::VpcEndpoint => self.vpc_endpoint.iter().collect(),
            Layer::ResourceControl => self.resource_control.iter().flatten().collect(),
            Layer::ServiceControl => self.service_control.iter().flatten().collect(),
            Layer::Resource => self.resource.iter().collect(),
            Layer::Identity => self.identity.iter().collect(),
            Layer::Boundary => self.boundary.iter().flatten().collect(),
            Layer::Session => self.session.iter().flatten().collect(),
            Layer::Root => Vec::new(),
        }
    }
}

/// A decision without its explanation, borrowed from the policies: what
/// [`judge`] finds without allocating.
#[derive(Debug, Clone, Copy)]
pub struct Verdict<'p> {
    /// What was decided.
    pub outcome: Outcome,
    /// The layer that decided, as in [`Decision::layer`].
    pub layer: Layer,
    /// The first statement that decided, and its document.
    pub statement: Option<(&'p Document, usize)>,
}

impl Verdict<'_> {
    /// Whether the request may go on.
    pub fn allowed(&self) -> bool {
        self.outcome == Outcome::Allow
    }
}

/// Decides a request and explains the decision.
pub fn decide(request: &Request<'_>, policies: &Policies) -> Decision {
    explain::explain(request, policies, &judge(request, policies))
}

/// Decides a request: [`decide`] without the explanation, for where only the
/// verdict counts.
pub fn judge<'p>(request: &Request<'_>, policies: &'p Policies) -> Verdict<'p> {
    let asked = asked(request, policies);
    let fixed = special::outcome(request).map(|outcome| Verdict {
        outcome,
        layer: Layer::Identity,
        statement: None,
    });
    if let Some(allowed) = fixed.filter(|fixed| fixed.outcome == Outcome::Allow) {
        return allowed;
    }
    let shape = Shape::of(request, policies, &asked);
    if !shape.account_policies {
        return fixed.unwrap_or_else(|| {
            let resource = Scan::of(policies.resource.as_slice(), &asked);
            only_resource(&gates(policies, &shape, &asked), &resource)
        });
    }
    let scans = scans(policies, &shape, &asked);
    if let Some((layer, found)) = scans.denies(|scan| scan.deny) {
        return found.verdict(Outcome::ExplicitDeny, layer);
    }
    // An explicit deny is told as one, whoever owns the resource.
    if let Some(fixed) = fixed {
        return fixed;
    }
    match (scans.allowed(&shape), scans.denies(|scan| scan.may_deny)) {
        // Whatever else may deny it.
        (Reached::Denied(layer), _) => {
            Verdict { outcome: Outcome::ImplicitDeny, layer, statement: None }
        }
        (Reached::Allowed(verdict), None) => verdict,
        (_, Some((layer, found))) | (Reached::Undecided(layer, found, _), None) => {
            found.verdict(Outcome::Undecided, layer)
        }
    }
}

/// What stands before every resource, whoever asks.
fn gates<'p, A: Asks>(policies: &'p Policies, shape: &Shape, asked: &A) -> Gates<'p, A::Truth> {
    let mut control = Scan::silent();
    if shape.resource_controlled {
        for level in &policies.resource_control {
            control.add_denies(&Scan::of(level, asked));
        }
    }
    let endpoint = policies.vpc_endpoint.as_slice();
    let endpoint = (!endpoint.is_empty()).then(|| Scan::of(endpoint, asked));
    Gates { endpoint, control }
}

/// What each layer says of a principal with policies of its account.
fn scans<'p, A: Asks>(policies: &'p Policies, shape: &Shape, asked: &A) -> Scans<'p, A::Truth> {
    let mut levels = Levels::default();
    if !shape.service_linked {
        for level in &policies.service_control {
            levels.add(&Scan::of(level, asked));
        }
    }
    let of = |documents: &'p [Arc<Document>]| Scan::of(documents, asked);
    Scans {
        gates: gates(policies, shape, asked),
        levels,
        resource: of(policies.resource.as_slice()),
        identity: of(&policies.identity),
        boundary: policies.boundary.as_deref().map(of),
        // "If you do not pass a policy with the GetFederationToken API call, the
        // resulting temporary security credentials have no permissions."
        session: match policies.session.as_deref() {
            None if !shape.federated => None,
            documents => Some(of(documents.unwrap_or_default())),
        },
    }
}

/// What of a request decides which layers count, and what no policy can change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    shape: Shape,
    fixed: Option<Outcome>,
}

impl Frame {
    pub(crate) fn of(request: &Request<'_>, policies: &Policies) -> Self {
        let shape = Shape::of(request, policies, &asked(request, policies));
        Self { shape, fixed: special::outcome(request) }
    }
}

/// Whether the requests are allowed that are asked about and of this frame.
pub(crate) fn allowed<A: Asks>(frame: &Frame, asked: &A, policies: &Policies) -> A::Truth {
    if let Some(fixed) = frame.fixed {
        return A::Truth::constant(fixed == Outcome::Allow);
    }
    if !frame.shape.account_policies {
        let gates = gates(policies, &frame.shape, asked);
        let resource = Scan::of(policies.resource.as_slice(), asked);
        let wanted = alone(&gates, &resource);
        let allowed = A::Truth::all(wanted.into_iter().flatten().map(|(_, scan)| scan.allows()));
        return allowed.and(gates.denied().or(resource.denies()).negate());
    }
    let scans = scans(policies, &frame.shape, asked);
    let allowed = scans.allowed(&frame.shape).truth();
    allowed.and(scans.denied().negate())
}

/// The layers that must allow where there is nothing but the resource's policy.
fn alone<'s, 'p, T: Logic>(
    gates: &'s Gates<'p, T>,
    resource: &'s Scan<'p, T>,
) -> [Option<(Layer, &'s Scan<'p, T>)>; 2] {
    let endpoint = gates.endpoint.as_ref();
    [endpoint.map(|scan| (Layer::VpcEndpoint, scan)), Some((Layer::Resource, resource))]
}

/// Where an undecided request may still be decided: layers of which statements
/// with this effect hang on keys of which nothing is known.
pub(crate) fn open_layers(request: &Request<'_>, policies: &Policies) -> Vec<(Layer, Effect)> {
    let asked = asked(request, policies);
    let shape = Shape::of(request, policies, &asked);
    if !shape.account_policies {
        let scan = Scan::of(policies.resource.as_slice(), &asked);
        let endpoint = gates(policies, &shape, &asked).endpoint;
        let allows = [(Layer::VpcEndpoint, endpoint), (Layer::Resource, Some(scan))];
        let open = allows
            .into_iter()
            .filter(|(_, scan)| scan.as_ref().is_some_and(|scan| scan.allows() == Truth::Unknown));
        let denies = [Layer::VpcEndpoint, Layer::ResourceControl, Layer::Resource];
        let denies = denies.into_iter().filter(|layer| shape.meets(*layer));
        return denies
            .map(|layer| (layer, Effect::Deny))
            .chain(open.map(|(layer, _)| (layer, Effect::Allow)))
            .collect();
    }
    let scans = scans(policies, &shape, &asked);
    let layers = [
        Layer::VpcEndpoint,
        Layer::ResourceControl,
        Layer::ServiceControl,
        Layer::Resource,
        Layer::Identity,
        Layer::Boundary,
        Layer::Session,
    ];
    let denies = layers.into_iter().filter(|layer| shape.meets(*layer));
    let allows = scans.open(&shape).into_iter().map(|layer| (layer, Effect::Allow));
    denies.map(|layer| (layer, Effect::Deny)).chain(allows).collect()
}

/// What one layer says of a request by itself, as if there were no other:
/// `None` where the request meets no such layer. Of service control policies
/// every level must allow.
pub fn layer_outcome(request: &Request<'_>, policies: &Policies, layer: Layer) -> Option<Outcome> {
    let asked = asked(request, policies);
    let outcome = |documents: &[Arc<Document>]| Scan::of(documents, &asked).outcome();
    match layer {
        Layer::VpcEndpoint => policies.vpc_endpoint.as_ref().map(std::slice::from_ref).map(outcome),
        Layer::ResourceControl => {
            let shape = Shape::of(request, policies, &asked);
            if policies.resource_control.is_empty() || !shape.resource_controlled {
                return None;
            }
            let control = gates(policies, &shape, &asked).control;
            Some(match (control.deny, control.may_deny) {
                (Some(_), _) => Outcome::ExplicitDeny,
                (None, Some(_)) => Outcome::Undecided,
                (None, None) => Outcome::Allow,
            })
        }
        Layer::ServiceControl => {
            let shape = Shape::of(request, policies, &asked);
            if shape.service_linked || !shape.account_policies {
                return None;
            }
            let levels = policies.service_control.iter().map(|level| outcome(level));
            levels.max_by_key(|outcome| match outcome {
                Outcome::Allow => 0,
                Outcome::Undecided => 1,
                Outcome::ImplicitDeny => 2,
                Outcome::ExplicitDeny => 3,
            })
        }
        Layer::Resource => policies.resource.as_ref().map(std::slice::from_ref).map(outcome),
        Layer::Identity => Some(outcome(&policies.identity)),
        Layer::Boundary => policies.boundary.as_deref().map(outcome),
        Layer::Session => policies.session.as_deref().map(outcome),
        Layer::Root => None,
    }
}

/// Services, web identities and unsigned callers: there is nothing but the
/// resource's policy, and what stands before it.
fn only_resource<'p>(gates: &Gates<'p>, resource: &Scan<'p>) -> Verdict<'p> {
    let resource_deny = |deny: fn(&Scan<'p>) -> Option<Found<'p>>| {
        gates.denies(deny).or_else(|| Some((Layer::Resource, deny(resource)?)))
    };
    if let Some((layer, found)) = resource_deny(|scan| scan.deny) {
        return found.verdict(Outcome::ExplicitDeny, layer);
    }
    let wanted = alone(gates, resource);
    let wanted = || wanted.into_iter().flatten();
    if let Some((layer, _)) = wanted().find(|(_, scan)| scan.allows() == Truth::False) {
        return Verdict { outcome: Outcome::ImplicitDeny, layer, statement: None };
    }
    if let Some((layer, found)) = resource_deny(|scan| scan.may_deny) {
        return found.verdict(Outcome::Undecided, layer);
    }
    let open = wanted().find(|(_, scan)| scan.allow.is_none());
    if let Some((layer, found)) =
        open.and_then(|(layer, scan)| Some((layer, scan.may_allow.first()?)))
    {
        return found.verdict(Outcome::Undecided, layer);
    }
    match resource.allow {
        Some(found) => found.verdict(Outcome::Allow, Layer::Resource),
        None => Verdict { outcome: Outcome::ImplicitDeny, layer: Layer::Resource, statement: None },
    }
}

/// Takes a request apart.
pub(crate) fn asked<'a>(request: &Request<'a>, policies: &Policies) -> Asked<'a> {
    Asked {
        principal: request.principal,
        action: Action::parse(request.action),
        target: Target::parse(request.resource),
        context: request.context,
        bounded: policies.boundary.is_some(),
    }
}

/// What of a request decides which layers count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Whether the caller is a principal of an account, with policies there.
    pub(crate) account_policies: bool,
    /// Whether the caller is the root user or was federated by it.
    pub(crate) root: bool,
    /// Whether the caller is a federated user, with what session policies give.
    pub(crate) federated: bool,
    /// Whether service control policies leave the caller out: they do not
    /// restrict service-linked roles
    /// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>).
    pub(crate) service_linked: bool,
    /// Whether resource control policies bind the request.
    pub(crate) resource_controlled: bool,
    pub(crate) same_account: bool,
    /// Whether the resource's policy must allow even in the same account.
    pub(crate) resource_must_allow: bool,
}

/// Which layers must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) resource: bool,
    pub(crate) identity: bool,
    /// The permissions boundary.
    pub(crate) limits: bool,
    pub(crate) session: bool,
}

impl Shape {
    pub(crate) fn of(request: &Request<'_>, policies: &Policies, asked: &Asked<'_>) -> Self {
        let owner = request.resource_account.or(match &asked.target {
            Target::Arn(arn) => arn.account_id(),
            _ => None,
        });
        // What is not of any account is of the caller's.
        let is_of = |account: &str| owner.is_none_or(|owner| owner == account);
        Self {
            account_policies: !matches!(
                request.principal,
                Principal::Service { .. } | Principal::WebIdentity { .. } | Principal::Anonymous
            ),
            root: request.principal.is_of_root(),
            federated: matches!(request.principal, Principal::FederatedUser { .. }),
            service_linked: matches!(request.principal, Principal::RoleSession { role_arn, .. }
                if role_arn.contains(":role/aws-service-role/")),
            resource_controlled: !policies.resource_control.is_empty()
                && policies.resource_control_of.as_deref().is_none_or(is_of)
                && resource_control::bind(request, asked),
            same_account: owner.is_none() || owner == request.principal.account_id(),
            resource_must_allow: must_allow(policies.resource.as_deref(), asked),
        }
    }

    /// Whether the request meets the layer at all.
    fn meets(&self, layer: Layer) -> bool {
        match layer {
            Layer::ServiceControl => !self.service_linked,
            Layer::ResourceControl => self.resource_controlled,
            _ => true,
        }
    }

    /// Which layers must allow, given how the resource's policy names the
    /// caller in an Allow (table 1.2 of the IAM user guide's evaluation page:
    /// "implicit denies in …").
    pub(crate) fn needs(&self, grant: Option<Naming>) -> Needs {
        if !self.same_account {
            // Both accounts must allow; the limits apply on the caller's side.
            return Needs { resource: true, identity: !self.root, limits: true, session: true };
        }
        let resource = self.resource_must_allow;
        match grant {
            // "… the permissions granted are not limited by an implicit deny"
            // in identity policy, boundary or session policy.
            Some(Naming::Itself) => {
                Needs { resource, identity: false, limits: false, session: false }
            }
            // Everybody: bypasses the boundary like a name of its own; that
            // it bypassed a session policy is written nowhere, so it does not.
            Some(Naming::Everyone) => {
                Needs { resource, identity: false, limits: false, session: true }
            }
            Some(Naming::Behind) => {
                Needs { resource, identity: false, limits: true, session: true }
            }
            Some(Naming::Account) | None => {
                Needs { resource, identity: true, limits: true, session: true }
            }
        }
    }
}

/// Role trust policies and KMS key policies must allow explicitly, in their
/// own account too.
fn must_allow(policy: Option<&Document>, asked: &Asked<'_>) -> bool {
    let target = |service: &str, start: &str| {
        matches!(asked.target, Target::Arn(arn)
            if arn.service.eq_ignore_ascii_case(service) && arn.resource.starts_with(start))
    };
    let sts = asked.action.service.eq_ignore_ascii_case("sts");
    let key = target("kms", "key/");
    match policy {
        Some(policy) => policy.kind() == Kind::Trust || sts || key,
        None => key || (sts && target("iam", "role/")),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::request::Context;

    const FEDERATED: &str = "arn:aws:sts::123456789012:federated-user/bob";
    const ROOT: &str = "arn:aws:iam::123456789012:root";

    /// The root user has every permission, so that of a session that it
    /// federates the session policies alone are the limit.
    #[rstest]
    #[case::no_session_policy(None, None, Outcome::ImplicitDeny, Layer::Session)]
    #[case::its_session_policy(Some("s3:GetObject"), None, Outcome::Allow, Layer::Root)]
    #[case::another(Some("s3:PutObject"), None, Outcome::ImplicitDeny, Layer::Session)]
    #[case::named_by_the_resource(None, Some(FEDERATED), Outcome::Allow, Layer::Resource)]
    #[case::its_account_is_named(None, Some(ROOT), Outcome::ImplicitDeny, Layer::Session)]
    #[case::everybody_is_named(None, Some("*"), Outcome::ImplicitDeny, Layer::Session)]
    fn a_session_that_root_federated_has_what_its_session_policies_allow(
        #[case] session: Option<&str>,
        #[case] named: Option<&str>,
        #[case] outcome: Outcome,
        #[case] layer: Layer,
    ) {
        let parse = |kind, text: String| Arc::new(Document::parse("p", &text, kind).unwrap());
        let session = session.map(|action| {
            let statement = format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#);
            vec![parse(Kind::Session, format!(r#"{{"Statement":{statement}}}"#))]
        });
        let resource = named.map(|principal| {
            let principal = format!(r#""Principal":{{"AWS":"{principal}"}}"#);
            let rest = r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*""#;
            parse(Kind::Resource, format!(r#"{{"Statement":{{{principal},{rest}}}}}"#))
        });
        let principal = Principal::FederatedUser { arn: FEDERATED.into(), user_arn: ROOT.into() };
        let request = Request {
            principal: &principal,
            action: "s3:GetObject",
            resource: "arn:aws:s3:::b/k",
            resource_account: None,
            context: &Context::new(),
        };
        let policies = Policies { session, resource, ..Policies::default() };
        let decision = decide(&request, &policies);
        assert_eq!((decision.outcome, decision.layer), (outcome, layer));
        let allows = usize::from(decision.outcome == Outcome::Allow);
        assert_eq!(decision.statements.len(), allows, "{}", decision.explanation);
    }

    fn document(kind: Kind, statements: &str) -> Arc<Document> {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        Arc::new(Document::parse("p", &text, kind).unwrap())
    }

    #[test]
    fn a_layer_by_itself_says_what_it_would_say_alone() {
        let all = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;
        let deny = r#"{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}"#;
        let other = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
        let named = r#"{"Effect": "Allow", "Action": "kms:*", "Resource": "*",
            "Principal": {"AWS": "arn:aws:iam::123456789012:user/alice"}}"#;
        let level = |statements: &str| vec![document(Kind::ServiceControl, statements)];
        let mut policies = Policies {
            service_control: vec![level(all), level(other)],
            identity: vec![document(Kind::Identity, all)],
            boundary: Some(vec![document(Kind::Boundary, &format!("{all}, {deny}"))]),
            resource: Some(document(Kind::Resource, named)),
            ..Policies::default()
        };
        let principal = Principal::User { arn: "arn:aws:iam::123456789012:user/alice".into() };
        let request = Request {
            principal: &principal,
            action: "kms:Decrypt",
            resource: "arn:aws:kms:eu-west-1:111122223333:key/k",
            resource_account: None,
            context: &Context::new(),
        };
        let outcome = |policies: &Policies, layer| layer_outcome(&request, policies, layer);
        let implicit = Some(Outcome::ImplicitDeny);
        assert_eq!(outcome(&policies, Layer::ServiceControl), implicit);
        assert_eq!(outcome(&policies, Layer::Identity), Some(Outcome::Allow));
        assert_eq!(outcome(&policies, Layer::Boundary), Some(Outcome::ExplicitDeny));
        assert_eq!(outcome(&policies, Layer::Resource), Some(Outcome::Allow));
        assert_eq!(outcome(&policies, Layer::Session), None);
        assert_eq!(outcome(&policies, Layer::Root), None);
        policies.service_control = vec![level(other), level(&format!("{all}, {deny}"))];
        assert_eq!(outcome(&policies, Layer::ServiceControl), Some(Outcome::ExplicitDeny));
        policies.service_control = vec![level(all)];
        assert_eq!(outcome(&policies, Layer::ServiceControl), Some(Outcome::Allow));
        policies.service_control.clear();
        assert_eq!(outcome(&policies, Layer::ServiceControl), None);
        assert_eq!(outcome(&Policies::default(), Layer::Identity), implicit);
    }
}
