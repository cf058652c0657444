//! The statements of a platform's policies that must refuse the attacks, by name.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a statement forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forbids {
    /// To make or change roles that do not carry the boundary.
    UnboundedRoles,
    /// To pass roles to other services than Lambda.
    PassingOtherRoles,
    /// URLs of functions.
    FunctionUrls,
    /// To change an API beyond its routes and integrations.
    ApiFoundation,
    /// To change other teams' routes and integrations.
    PlatformRoutes,
    /// IAM, accounts and organizations to code.
    Escape,
    /// The artifacts' bucket to code.
    Artifacts,
    /// The artifacts' bucket without TLS.
    PlainHttp,
}

/// The `Sid` of the statement that forbids something.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Statements(BTreeMap<Forbids, String>);

impl Statements {
    /// The `Sid` of what forbids it; none where whichever statement may.
    pub fn sid(&self, forbids: Forbids) -> Option<&str> {
        self.0.get(&forbids).map(String::as_str)
    }
}
