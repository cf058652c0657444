//! Claims of identity providers' tokens that are no condition keys.
//!
//! STS gives some claims as keys when a role is assumed, fewer of them to the
//! session's later requests. What it gives for whom is in its reference; of
//! other providers "`aud`, `azp`, `amr`, `oaud`, `sub`":
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif>.

use super::{Note, Rule, UNKNOWN, note};
use crate::catalog;
use crate::document::{Document, Kind};
use crate::request::Context;
use crate::statement::{Statement, Truth};

/// Claims that are keys whatever the provider, and that "are also available"
/// in requests made with the session.
const EVERYWHERE: [&str; 5] = ["aud", "azp", "amr", "oaud", "sub"];

/// The providers that go by other names for the same: "Login with Amazon",
/// "Facebook".
const SOCIAL: [(&str, &[&str]); 2] =
    [("www.amazon.com", &["app_id", "user_id"]), ("graph.facebook.com", &["app_id", "id"])];

/// Provider and claim of a key that is one: `host/path:claim`. The services'
/// own keys have no dot before the colon.
pub(super) fn provider(key: &str) -> Option<(&str, &str)> {
    // A path may hold colons, a claim of CircleCI's holds a host: the provider
    // ends at the first colon after its host.
    let (provider, claim) = key.split_once(':')?;
    let host = provider.split('/').next()?;
    (host.contains('.') && !key.contains(UNKNOWN)).then_some((provider, claim))
}

pub(super) fn check(document: &Document, statement: &Statement, notes: &mut Vec<Note>) {
    for condition in &statement.conditions {
        let key = condition.key.as_ref();
        let Some((name, claim)) = provider(key) else { continue };
        let everywhere = EVERYWHERE.iter().any(|known| known.eq_ignore_ascii_case(claim))
            || SOCIAL.iter().any(|(host, claims)| {
                host.eq_ignore_ascii_case(name)
                    && claims.iter().any(|known| known.eq_ignore_ascii_case(claim))
            });
        let at_sign_in = document.kind() == Kind::Trust;
        if everywhere || (at_sign_in && is_of_the_reference(key)) {
            continue;
        }
        let effect = match condition.holds(&Context::new(), statement.effect) {
            Truth::True => "so the condition limits nothing",
            Truth::False | Truth::Unknown => "so it never holds",
        };
        let message = match is_of_the_reference(key) {
            // Only where the role is assumed.
            true => format!(
                "`{key}` is a condition key when a role is assumed, and no later request carries \
                 it, {effect}"
            ),
            false => format!(
                "`{claim}` is a claim of the tokens of `{name}` at most, and no condition key, \
                 {effect}"
            ),
        };
        let instead = match (is_of_the_reference(key), keys_of(name)) {
            (true, _) => "put it into the role's trust policy".to_owned(),
            (false, known) if at_sign_in && !known.is_empty() => {
                format!("STS takes of this provider: sub, aud, {}", known.join(", "))
            }
            (false, _) => format!("compare `{name}:sub`, which tells who asks"),
        };
        notes.push(note(Rule::KeyNeverCarried, message, instead).about(key));
    }
}

/// Whether STS's reference lists the key.
fn is_of_the_reference(key: &str) -> bool {
    catalog::service("sts").is_some_and(|sts| sts.key_type(key).is_some())
}

/// The further claims that STS's reference lists of a provider.
fn keys_of(provider: &str) -> Vec<&'static str> {
    let keys = catalog::service("sts").into_iter().flat_map(catalog::Service::keys);
    keys.filter_map(|key| key.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case(provider))
        .map(|(_, claim)| claim)
        .collect()
}
