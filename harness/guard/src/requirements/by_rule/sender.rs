//! The identity of SES's with which a call sends
//! (<https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html>).

use ringfence_models::Service;
use serde_json::{Value, json};

use crate::requirements::RequirementsError;
use crate::requirements::scope::Scope;
use crate::requirements::state::{Question, Told};

/// The address, where it is an identity itself: its settings count before those of
/// its domain. Else the domain.
pub(super) async fn identity(scope: &Scope<'_>, text: &str) -> Result<String, RequirementsError> {
    let Some((address, domain)) = address(text) else {
        return Err(scope.undecided(format!("the address `{text}` is not a plain one")));
    };
    let Value::Object(input) = json!({"Identities": [address]}) else {
        return Err(scope.unmapped());
    };
    let question = Question {
        api: Service::of("ses").ok_or_else(|| scope.unmapped())?,
        operation: "GetIdentityVerificationAttributes",
        input,
        answer: &["VerificationAttributes", "#"],
    };
    match scope.state.told(&question).await? {
        Told::Is(known) if known.iter().any(|known| known == address) => Ok(address.to_owned()),
        Told::Is(_) | Told::Nothing => Ok(domain.to_ascii_lowercase()),
        Told::Unknown(why) => Err(scope.undecided(why)),
    }
}

/// An address and its domain: `NAME <ADDRESS>` or the address alone, without what
/// readers take apart in different ways: quotes, comments, several addresses.
fn address(text: &str) -> Option<(&str, &str)> {
    let address = match text.split_once('<') {
        Some((name, rest)) if !name.contains(['@', ',', ';', ':', '"', '(', ')', '\\']) => {
            rest.strip_suffix('>')?
        }
        Some(_) => return None,
        None => text,
    };
    let is_plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte))
    };
    let (local, domain) = address.split_once('@')?;
    (is_plain(local) && is_plain(domain)).then_some((address, domain))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a@example.com", Some(("a@example.com", "example.com")))]
    #[case("An App <a+b@example.com>", Some(("a+b@example.com", "example.com")))]
    #[case("example.com", None)]
    #[case("a@b@example.com", None)]
    #[case("\"x <b@other.com>\" <a@example.com>", None)]
    #[case("b@other.com, <a@example.com>", None)]
    #[case("<a@example.com> <b@other.com>", None)]
    #[case("a@example.com (b)", None)]
    fn an_address_is_read_in_one_way(#[case] text: &str, #[case] expected: Option<(&str, &str)>) {
        assert_eq!(address(text), expected);
    }
}
