//! Identities of whose name AWS, or the stack, chooses a part: what asks for the name, and
//! what does not matter all the same.

use std::sync::Arc;

use ringfence_policy::{Document, Policies};

use super::estate::Entry;

/// What tells the caller's name, as a key of a condition or as a variable
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties>).
const KEYS: [&str; 3] = ["aws:principalarn", "aws:userid", "aws:username"];

/// Why nobody knows what policies say of somebody whose name is not known.
pub(crate) fn hangs_on_name(who: &str, policies: &Policies) -> Option<String> {
    let asks = |document: &&Arc<Document>| {
        let text = document.text().to_ascii_lowercase();
        KEYS.iter().any(|key| text.contains(key))
    };
    let by = documents(policies).find(asks)?.name();
    Some(format!("`{by}` asks for a name, and that of `{who}` is not known"))
}

/// What tells the caller's account, or where that stands.
const OF_ACCOUNTS: [&str; 3] =
    ["aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths"];

/// By which of its documents policies ask who the caller is: for its name, or for its account
/// too.
pub(super) fn asks_for_caller(policies: &Policies, is_for_account: bool) -> Option<&str> {
    let of_accounts = if is_for_account { &OF_ACCOUNTS[..] } else { &[] };
    let asks = |document: &&Arc<Document>| {
        let text = document.text().to_ascii_lowercase();
        KEYS.iter().chain(of_accounts).any(|key| text.contains(key))
    };
    documents(policies).find(asks).map(|document| document.name())
}

/// All documents, of each layer.
fn documents(policies: &Policies) -> impl Iterator<Item = &Arc<Document>> {
    let levels = policies.service_control.iter().chain(&policies.resource_control);
    let own = policies.identity.iter().chain(policies.boundary.iter().flatten());
    own.chain(&policies.resource)
        .chain(policies.session.iter().flatten())
        .chain(levels.flatten())
        .chain(&policies.vpc_endpoint)
}

impl Entry {
    /// The same of an entry's own policies under what limits it.
    pub(super) fn hangs_on_name(&self, who: &str, policies: &Policies) -> Option<String> {
        self.is_unnamed.then(|| hangs_on_name(who, policies)).flatten()
    }
}

/// Whether two say the same in each layer: whatever the name is, neither allows more.
pub(super) fn are_alike(one: &Policies, other: &Policies) -> bool {
    let list = |all: &[Arc<Document>]| -> Vec<String> {
        all.iter().map(|document| document.text().to_owned()).collect()
    };
    let levels = |all: &[Vec<Arc<Document>>]| -> Vec<Vec<String>> {
        all.iter().map(|level| list(level)).collect()
    };
    let of = |policies: &Policies| {
        (
            list(policies.vpc_endpoint.as_slice()),
            (levels(&policies.resource_control), policies.resource_control_of.clone()),
            levels(&policies.service_control),
            list(&policies.identity),
            policies.boundary.as_deref().map(list),
            policies.session.as_deref().map(list),
            list(policies.resource.as_slice()),
        )
    };
    of(one) == of(other)
}
