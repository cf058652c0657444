//! A decision and its reasons.

use std::fmt;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Allowed.
    Allow,
    /// Denied because nothing allows it.
    ImplicitDeny,
    /// Denied by a statement.
    ExplicitDeny,
    /// Neither: it hangs on condition keys of which nothing is known
    /// ([`crate::Context::set_unknown`]).
    Undecided,
}

impl Outcome {
    /// `allow`, `implicit_deny`, `explicit_deny`, `undecided`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::ImplicitDeny => "implicit_deny",
            Self::ExplicitDeny => "explicit_deny",
            Self::Undecided => "undecided",
        }
    }
}

/// A layer of policies, in the order of evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// The policy of the VPC endpoint that the request comes through.
    VpcEndpoint,
    /// Resource control policies.
    ResourceControl,
    /// Service control policies.
    ServiceControl,
    /// The resource's own policy, trust policies included.
    Resource,
    /// The principal's identity policies.
    Identity,
    /// The principal's permissions boundary.
    Boundary,
    /// The session's policies.
    Session,
    /// No policy: the principal is the account's root user.
    Root,
}

impl Layer {
    /// `vpc_endpoint`, `rcp`, `scp`, `resource`, `identity`, `boundary`, `session`,
    /// `root`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VpcEndpoint => "vpc_endpoint",
            Self::ResourceControl => "rcp",
            Self::ServiceControl => "scp",
            Self::Resource => "resource",
            Self::Identity => "identity",
            Self::Boundary => "boundary",
            Self::Session => "session",
            Self::Root => "root",
        }
    }

    /// The layer as AWS calls it, with its article.
    pub(crate) fn phrase(self, trust: bool) -> &'static str {
        match self {
            Self::VpcEndpoint => "a VPC endpoint policy",
            Self::ResourceControl => "a resource control policy",
            Self::ServiceControl => "a service control policy",
            Self::Resource if trust => "the role trust policy",
            Self::Resource => "a resource-based policy",
            Self::Identity | Self::Root => "an identity-based policy",
            Self::Boundary => "a permissions boundary",
            Self::Session => "a session policy",
        }
    }
}

/// A statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRef {
    /// The layer it decided in.
    pub layer: Layer,
    /// The policy's name or ARN, as given to [`crate::Document::parse`].
    pub policy: String,
    /// The statement's `Sid`, if it has one.
    pub sid: Option<String>,
    /// The statement's place in its document, from 0.
    pub index: usize,
}

impl fmt::Display for StatementRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sid {
            Some(sid) => write!(formatter, "statement `{sid}` of `{}`", self.policy),
            // For people the first one is 1.
            None => {
                write!(formatter, "statement {} of `{}`", self.index.saturating_add(1), self.policy)
            }
        }
    }
}

/// A decision and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub outcome: Outcome,
    /// The layer that decided: the one that denied, or the one whose Allow
    /// was granted; the first on which an undecided request hangs.
    pub layer: Layer,
    /// The statements that decided, in order of layers and documents; none for
    /// an implicit deny. Of an undecided request, those that may apply or not,
    /// and decide it then.
    pub statements: Vec<StatementRef>,
    /// The condition keys on which an undecided request hangs, each once, as
    /// the statements first write it; empty for every other.
    pub unknown: Vec<String>,
    /// For people: why, and for a near miss what was missing.
    pub explanation: String,
    /// Whether the resource's policy is a role's trust policy, which AWS
    /// calls by its own name.
    pub trust_policy: bool,
}

impl Decision {
    /// Whether the request may go on.
    pub fn allowed(&self) -> bool {
        self.outcome == Outcome::Allow
    }

    /// Whether the request is denied, whatever is unknown.
    pub fn denied(&self) -> bool {
        matches!(self.outcome, Outcome::ImplicitDeny | Outcome::ExplicitDeny)
    }

    /// The end of AWS's denial message, with which a caller completes
    /// `User: ARN is not authorized to perform: ACTION on resource: RESOURCE …`
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
    /// Empty when the request is allowed; AWS has no words for one that is
    /// undecided.
    pub fn reason(&self, action: &str) -> String {
        match self.outcome {
            Outcome::Allow => String::new(),
            Outcome::Undecided => {
                let keys: Vec<String> = self.unknown.iter().map(|key| format!("`{key}`")).collect();
                format!("undecided: nothing is known of {}", keys.join(", "))
            }
            Outcome::ExplicitDeny => {
                format!("with an explicit deny in {}", self.layer.phrase(self.trust_policy))
            }
            Outcome::ImplicitDeny => {
                let phrase = self.layer.phrase(self.trust_policy);
                let policy = phrase.split_once(' ').map_or(phrase, |(_, policy)| policy);
                format!("because no {policy} allows the {action} action")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const IMPLICIT: Outcome = Outcome::ImplicitDeny;
    const EXPLICIT: Outcome = Outcome::ExplicitDeny;

    /// The wordings of AWS's page on access denied messages.
    #[rstest]
    #[case(Layer::VpcEndpoint, IMPLICIT, "because no VPC endpoint policy allows the a:B action")]
    #[case(Layer::VpcEndpoint, EXPLICIT, "with an explicit deny in a VPC endpoint policy")]
    #[case(Layer::ResourceControl, EXPLICIT, "with an explicit deny in a resource control policy")]
    #[case(
        Layer::ServiceControl,
        IMPLICIT,
        "because no service control policy allows the a:B action"
    )]
    #[case(Layer::ServiceControl, EXPLICIT, "with an explicit deny in a service control policy")]
    #[case(Layer::Resource, IMPLICIT, "because no resource-based policy allows the a:B action")]
    #[case(Layer::Resource, EXPLICIT, "with an explicit deny in a resource-based policy")]
    #[case(Layer::Identity, IMPLICIT, "because no identity-based policy allows the a:B action")]
    #[case(Layer::Identity, EXPLICIT, "with an explicit deny in an identity-based policy")]
    #[case(Layer::Boundary, IMPLICIT, "because no permissions boundary allows the a:B action")]
    #[case(Layer::Boundary, EXPLICIT, "with an explicit deny in a permissions boundary")]
    #[case(Layer::Session, IMPLICIT, "because no session policy allows the a:B action")]
    #[case(Layer::Session, EXPLICIT, "with an explicit deny in a session policy")]
    #[case(Layer::Identity, Outcome::Allow, "")]
    fn a_denial_ends_in_aws_words(
        #[case] layer: Layer,
        #[case] outcome: Outcome,
        #[case] reason: &str,
    ) {
        assert_eq!(decision(layer, outcome, false).reason("a:B"), reason);
    }

    #[rstest]
    #[case(IMPLICIT, "because no role trust policy allows the a:B action")]
    #[case(EXPLICIT, "with an explicit deny in the role trust policy")]
    fn a_trust_policy_has_its_own_words(#[case] outcome: Outcome, #[case] reason: &str) {
        assert_eq!(decision(Layer::Resource, outcome, true).reason("a:B"), reason);
    }

    fn decision(layer: Layer, outcome: Outcome, trust_policy: bool) -> Decision {
        let (statements, explanation) = (Vec::new(), String::new());
        let unknown = Vec::new();
        Decision { outcome, layer, statements, unknown, explanation, trust_policy }
    }
}
