//! What can be weakened: the policy documents of the deployed state, by the
//! ids that the guard's recording knows them by.

use ringfence_guard::{Recording, recording};
use ringfence_policy::{Document, DocumentError, Kind};
use ringfence_wire::services::{Iam, Lambda, S3};
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use crate::attacks::actor::Actor;
use crate::attacks::policies::{PoliciesError, RolePolicies, is_service_linked, role_policies};
use crate::attacks::{Step, Suite};

/// How the names of the roles begin that probes make.
const PROBES: &str = "ringfence-";

/// A policy document of the deployed state.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its id in the guard's recording: `policy/ARN`, `role/NAME/trust`, ….
    pub id: String,
    /// The document.
    pub document: Document,
}

/// A role with a permissions boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded {
    /// The role's name.
    pub role: String,
    /// The boundary's ARN.
    pub boundary: String,
}

/// All that can be weakened.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// The documents, by id.
    pub documents: Vec<Target>,
    /// The roles that a boundary limits.
    pub bounded: Vec<Bounded>,
}

/// Why the deployed state cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TargetsError {
    /// A service refused.
    #[error("cannot read what can be weakened: {operation} answers")]
    Call {
        /// The operation.
        operation: &'static str,
        /// The service's error.
        source: ServiceError,
    },
    /// A role's policies cannot be had.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    /// A deployed document is none.
    #[error("the document `{id}` cannot be read")]
    Document {
        /// Its id.
        id: String,
        /// What is wrong with it.
        source: DocumentError,
    },
}

impl Targets {
    /// Reads the deployed state.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn deployed(suite: &Suite<'_>, recording: &Recording) -> Result<Self, TargetsError> {
        let (facts, platform) = (suite.facts(), suite.platform());
        let mut targets = Self::default();
        for role in ask(platform, Iam, "ListRoles", json!({}), "Roles").await? {
            let (Some(name), Some(arn)) = (text(&role, "RoleName"), text(&role, "Arn")) else {
                continue;
            };
            // What an attack that succeeded left behind is nobody's guard rail, and what is
            // AWS's is not the account's to weaken.
            if name.starts_with(PROBES) || is_service_linked(arn) {
                continue;
            }
            let mut policies = role_policies(platform, name).await?;
            // What a team gives its own roles is the team's choice, and no
            // guard rail: the boundary is. Nor is what a pipeline may do: whoever
            // applies Layer 1 is the platform.
            if facts.is_teams_own_role(name) || suite.is_pipeline(arn) {
                policies.inline.clear();
                policies.attached.clear();
            }
            let name = suite.account().in_documents(name);
            targets.role(&name, arn, policies)?;
        }
        for bucket in ask(platform, S3, "ListBuckets", json!({}), "Buckets").await? {
            let Some(name) = text(&bucket, "Name") else { continue };
            // The answer of GetBucketPolicy is a payload, and every decision
            // about a bucket was made with its policy.
            let arn = format!("arn:aws:s3:::{name}");
            if let Some(policy) = recording.latest(&recording::resource_id(&arn)) {
                targets.resource(&arn, policy.text())?;
            }
        }
        for function in ask(platform, Lambda, "ListFunctions", json!({}), "Functions").await? {
            let (Some(name), Some(arn)) =
                (text(&function, "FunctionName"), text(&function, "FunctionArn"))
            else {
                continue;
            };
            let step = Step::new(Lambda, "GetPolicy", json!({"FunctionName": name}));
            match platform.call(&step).await.result {
                Ok(answer) => targets.resource(arn, text(&answer, "Policy").unwrap_or_default())?,
                // It has none.
                Err(error) if error.status == 404 => {}
                Err(source) => return Err(TargetsError::Call { operation: "GetPolicy", source }),
            }
        }
        targets.documents.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(targets)
    }

    fn role(&mut self, name: &str, arn: &str, role: RolePolicies) -> Result<(), TargetsError> {
        self.add(recording::trust_id(name), arn, &role.trust, Kind::Trust)?;
        for (policy, text) in &role.inline {
            self.add(recording::inline_id("role", name, policy), policy, text, Kind::Identity)?;
        }
        for (arn, text) in &role.attached {
            self.managed(arn, text, Kind::Identity)?;
        }
        if let Some((arn, text)) = &role.boundary {
            self.managed(arn, text, Kind::Boundary)?;
            self.bounded.push(Bounded { role: name.to_owned(), boundary: arn.clone() });
        }
        Ok(())
    }

    fn managed(&mut self, arn: &str, text: &str, kind: Kind) -> Result<(), TargetsError> {
        // AWS's own policies are not the account's to weaken.
        if arn.split(':').nth(4) == Some("aws") {
            return Ok(());
        }
        self.add(recording::managed_id(arn), arn, text, kind)
    }

    fn resource(&mut self, arn: &str, text: &str) -> Result<(), TargetsError> {
        self.add(recording::resource_id(arn), arn, text, Kind::Resource)
    }

    fn add(&mut self, id: String, name: &str, text: &str, kind: Kind) -> Result<(), TargetsError> {
        if self.documents.iter().any(|known| known.id == id) {
            return Ok(());
        }
        let document = Document::parse(name, text, kind)
            .map_err(|source| TargetsError::Document { id: id.clone(), source })?;
        self.documents.push(Target { id, document });
        Ok(())
    }
}

async fn ask(
    platform: &Actor,
    service: Service,
    operation: &'static str,
    input: Value,
    member: &str,
) -> Result<Vec<Value>, TargetsError> {
    let answer = platform.call(&Step::new(service, operation, input)).await.result;
    let answer = answer.map_err(|source| TargetsError::Call { operation, source })?;
    Ok(answer.get(member).and_then(Value::as_array).cloned().unwrap_or_default())
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}
