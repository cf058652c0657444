//! The policies of a simulation, and what AWS calls them in its answer.

use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use ringfence_wire::ServiceError;

use super::error::invalid;
use super::position::{self, Position};
use crate::recording::Attached;

/// "The maximum length of the policy document that you can pass in this
/// operation, including whitespace": 131,072 characters.
const LONGEST: usize = 131_072;

/// A policy of a simulation.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// `SourcePolicyId`.
    pub(super) id: String,
    /// Under a name that no other policy of the simulation has.
    pub(super) document: Arc<Document>,
    /// Where each statement begins and ends.
    pub(super) positions: Arc<[(Position, Position)]>,
}

impl Source {
    /// A policy that the call gives, by the name of its parameter.
    pub(super) fn given(id: String, text: &str, kind: Kind) -> Result<Self, ServiceError> {
        if text.chars().count() > LONGEST {
            return Err(invalid(format!("{id} is longer than {LONGEST} characters")));
        }
        let document = Document::parse(&id, text, kind)
            .map_err(|cause| invalid(format!("Invalid Input {id}: {cause}")))?;
        Ok(Self::new(id, document))
    }

    fn new(id: String, document: Document) -> Self {
        let positions = position::all(&document).into();
        Self { id, document: Arc::new(document), positions }
    }

    /// A policy of the account. Its name is the place where it stands: two
    /// places may hold policies of one name.
    pub(super) fn attached(attached: &Attached) -> Result<Self, ServiceError> {
        let document = &attached.document;
        let named = Document::parse(&*attached.slot, document.text(), document.kind())
            .map_err(|cause| invalid(format!("Invalid Input {}: {cause}", document.name())))?;
        Ok(Self::new(id(&attached.slot, document.name()), named))
    }

    /// `SourcePolicyType`, as the simulator answers it. The values that the
    /// reference lists (`user`, `aws-managed`, …) are not those of its examples
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html#API_SimulatePrincipalPolicy_Examples>).
    pub(super) fn kind(&self) -> &'static str {
        match self.document.kind() {
            Kind::Boundary => "Permissions Boundary Policy",
            Kind::Resource | Kind::Trust => "Resource Policy",
            Kind::Identity
            | Kind::Session
            | Kind::ServiceControl
            | Kind::ResourceControl
            | Kind::VpcEndpoint => "IAM Policy",
        }
    }
}

/// A managed policy goes by its name (`AmazonS3ReadOnlyAccess`), an inline one
/// by its owner's too (`user_admin_AdminUser`); both are in the reference's
/// examples.
fn id(slot: &str, name: &str) -> String {
    let mut parts = slot.splitn(4, '/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(kind), Some(owner), Some("inline"), Some(policy)) => {
            format!("{kind}_{owner}_{policy}")
        }
        _ => name.rsplit('/').next().unwrap_or(name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("user/alice/inline/Own", "Own", "user_alice_Own")]
    #[case("group/team/inline/a.b", "a.b", "group_team_a.b")]
    #[case(
        "role/app/attached/arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
        "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
        "ViewOnlyAccess"
    )]
    #[case("user/alice/boundary", "arn:aws:iam::123456789012:policy/limits", "limits")]
    fn policies_have_the_simulators_names(
        #[case] slot: &str,
        #[case] name: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(id(slot, name), expected);
    }

    #[test]
    fn a_policy_that_is_none_is_refused_with_its_place() {
        let text = "{\"Version\": \"2012-10-17\",\n \"Statement\": {\"Efect\": \"Allow\"}}";
        let error = Source::given("PolicyInputList.2".into(), text, Kind::Identity).unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
        assert_eq!(
            error.message,
            "Invalid Input PolicyInputList.2: unknown element `Efect`: write `Effect` (line 2, \
             column 16)"
        );
        let long = " ".repeat(LONGEST + 1);
        let error = Source::given("ResourcePolicy".into(), &long, Kind::Resource).unwrap_err();
        assert_eq!(error.message, "ResourcePolicy is longer than 131072 characters");
    }
}
