//! What the policies of resources deny everybody, so that it counts for groups and for policies of
//! nobody knows whom, too.

use std::sync::Arc;

use ringfence_policy::Document;
use serde_json::Value as Json;

use super::{Denials, Denied, about};

impl Denials {
    /// What every user and role is denied for sure.
    pub(in crate::access) fn of_everybody(&self) -> Denied {
        let of = |document: &Arc<Document>| {
            let text: Json = serde_json::from_str(document.text()).ok()?;
            let all = text.get("Statement")?;
            about(document, |at| all.get(at).is_some_and(names_everybody))
        };
        let sure = self.0.iter().flat_map(|one| one.denies.sure.iter().filter_map(of));
        Denied { sure: sure.collect(), may: Vec::new() }
    }
}

/// Whether a statement names everybody: who is left out by `NotPrincipal` is somebody.
fn names_everybody(statement: &Json) -> bool {
    let is_any = |one: &Json| one == "*";
    let Some(named) = statement.get("Principal") else { return false };
    let of_aws = named.get("AWS");
    let all = of_aws.and_then(Json::as_array);
    is_any(named) || of_aws.is_some_and(is_any) || all.is_some_and(|all| all.iter().any(is_any))
}
