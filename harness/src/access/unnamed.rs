//! Identities of whose name AWS, or the stack, chooses a part: which names it may be, what asks
//! for it, and what does not matter all the same.

use std::sync::Arc;

use ringfence_policy::{Document, Policies};

pub(super) use super::complete::UNKNOWN;
use super::estate::Entry;

/// What tells the caller's name, as a key of a condition or as a variable
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties>).
const KEYS: [&str; 3] = ["aws:principalarn", "aws:userid", "aws:username"];

/// What stands before a logical id for the name that `CloudFormation` chooses: the stack's, the
/// logical id and letters of its own, with hyphens between them
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html>).
pub(super) const OF_STACK: &str = "known-after-deployment.";

/// So many characters of a logical id stay whatever is cut off of a name that is too long.
const KEPT: usize = 8;

/// Which names one may have of which a part is not known, as a pattern: of an entry's name,
/// without the kind before it, or with it.
pub(crate) fn form(name: &str) -> Option<String> {
    if let Some((before, rest)) = name.split_once(OF_STACK) {
        let id: String = rest.chars().take_while(|one| *one != '.').take(KEPT).collect();
        return Some(format!("{before}*-{id}*-*"));
    }
    let (before, _) = name.split_once(UNKNOWN)?;
    Some(format!("{before}*"))
}

/// Whether a text may fit two patterns of `*` and `?` at once, in whatever case.
pub(crate) fn meet(one: &str, other: &str) -> bool {
    let of = |text: &str| text.to_ascii_lowercase().into_bytes();
    let (one, other) = (of(one), of(other));
    // Whether what begins at each place may be the same, from the ends on.
    let mut after = vec![false; other.len() + 1];
    for at in (0..=one.len()).rev() {
        let mut here = vec![false; other.len() + 1];
        for to in (0..=other.len()).rev() {
            let (first, second) = (one.get(at), other.get(to));
            let get = |row: &[bool], at: usize| row.get(at).copied().unwrap_or_default();
            let met = match (first, second) {
                (None, None) => true,
                (Some(b'*'), _) if get(&after, to) => true,
                (_, Some(b'*')) if get(&here, to + 1) => true,
                (Some(b'*'), Some(_)) => get(&here, to + 1),
                (Some(_), Some(b'*')) => get(&after, to),
                (Some(a), Some(b)) => (a == b || *a == b'?' || *b == b'?') && get(&after, to + 1),
                (Some(_), None) | (None, Some(_)) => false,
            };
            if let Some(place) = here.get_mut(to) {
                *place = met;
            }
        }
        after = here;
    }
    after.first().copied().unwrap_or_default()
}

/// Whether a document asks for the caller's name.
pub(crate) fn asks_for_name(document: &Document) -> bool {
    let text = document.text().to_ascii_lowercase();
    KEYS.iter().any(|key| text.contains(key))
}

/// Why nobody knows what policies say of somebody whose name is not known.
pub(crate) fn hangs_on_name(who: &str, policies: &Policies) -> Option<String> {
    let by = documents(policies).find(|document| asks_for_name(document))?.name();
    Some(format!("`{by}` asks for a name, and that of `{who}` is not known"))
}

/// What tells the caller's account, or where that stands.
pub(super) const OF_ACCOUNTS: [&str; 3] =
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
pub(crate) fn documents(policies: &Policies) -> impl Iterator<Item = &Arc<Document>> {
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("known-after-deployment.AppRole", Some("*-AppRole*-*"))]
    #[case("role/known-after-deployment.AppRole", Some("role/*-AppRole*-*"))]
    #[case("known-after-deployment.HelloWorldFunctionRole.2", Some("*-HelloWor*-*"))]
    #[case("app-known-after-apply.aws_5f_iam_5f_role.app", Some("app-*"))]
    #[case("AppRole", None)]
    fn a_name_that_is_not_known_has_a_form(#[case] name: &str, #[case] form: Option<&str>) {
        assert_eq!(super::form(name).as_deref(), form);
    }

    #[rstest]
    #[case("*-AppRole*-*", "shop-AppRole-1ABCDEFGHIJ", true)]
    #[case("*-AppRole*-*", "shop-approle-1abcdefghij", true)]
    #[case("*-AppRole*-*", "shop-*", true)]
    #[case("*-AppRole*-*", "*-prod", true)]
    #[case("*-AppRole*-*", "????????????*", true)]
    #[case("*-AppRole*-*", "????", false)]
    #[case("*-AppRole*-*", "AppRole", false)]
    #[case("*-AppRole*-*", "shop-Other-1ABCDEFGHIJ", false)]
    #[case("*-AppRole*-*", "*", true)]
    #[case("app-*", "app-?", true)]
    #[case("app-*", "ap*", true)]
    #[case("app-*", "b*", false)]
    #[case("app-*", "*b", true)]
    #[case("a", "a", true)]
    #[case("", "*", true)]
    #[case("", "?", false)]
    fn patterns_meet_where_a_text_fits_both(
        #[case] one: &str,
        #[case] other: &str,
        #[case] do_meet: bool,
    ) {
        assert_eq!(meet(one, other), do_meet);
        assert_eq!(meet(other, one), do_meet);
    }
}
