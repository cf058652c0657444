//! Roles of the deployed state that no plan and no state of Terraform has: those that
//! stacks made.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Principal};

use super::estate::Estate;
use crate::attacks::RolePolicies;

/// Adds a role with its policies as IAM has them, as one that a template made.
///
/// # Errors
/// When a deployed policy is none.
pub fn role(estate: &mut Estate, arn: &str, found: &RolePolicies) -> Result<(), DocumentError> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let account = arn.split(':').nth(4).unwrap_or_default();
    let partition = arn.split(':').nth(1).unwrap_or("aws");
    let entry = estate.entry(&format!("role/{name}"));
    entry.principal = Some(Principal::RoleSession {
        role_arn: arn.to_owned(),
        session_arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/session"),
    });
    for (policy, text) in found.inline.iter().chain(&found.attached) {
        let document = Document::parse(policy, text, Kind::Identity)?;
        entry.policies.identity.push(Arc::new(document));
    }
    entry.policies.boundary = match &found.boundary {
        Some((policy, text)) => {
            Some(vec![Arc::new(Document::parse(policy, text, Kind::Boundary)?)])
        }
        None => None,
    };
    estate.of_templates.push(format!("role/{name}"));
    Ok(())
}
