//! The names of the functions and roles that the probes from inside make: within what AWS
//! takes, and one for each function.

use sha2::{Digest as _, Sha256};

/// How long the name of a function or a role may be, in characters.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const LONGEST: usize = 64;

const INSIDE: &str = "ringfence-inside-";
const CANARY: &str = "ringfence-canary-";

/// The function that runs other code under a function's role.
pub(super) fn inside(function: &str) -> String {
    // So that its canary's name is its own name and no more.
    format!("{INSIDE}{}", within(function, LONGEST - CANARY.len() - INSIDE.len()))
}

/// The canary of a function that probes, and its role.
pub(super) fn canary(function: &str) -> String {
    format!("{CANARY}{}", within(function, LONGEST - CANARY.len()))
}

/// A name, or where it is longer its beginning and what tells it from others that begin alike.
fn within(name: &str, longest: usize) -> String {
    if name.len() <= longest {
        return name.to_owned();
    }
    let digest = Sha256::digest(name.as_bytes());
    let tail: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = name.chars().take(longest - tail.len() - 1).collect();
    format!("{kept}-{tail}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_short_one("orders-api", "ringfence-inside-orders-api")]
    #[case::the_longest(
        "orders-api-0123456789abcdef012",
        "ringfence-inside-orders-api-0123456789abcdef012"
    )]
    #[case::one_that_is_longer(
        "orders-api-0123456789abcdef0123",
        "ringfence-inside-orders-api-0123456789-a835a50b"
    )]
    fn a_function_is_named_after_the_one_whose_role_it_has(
        #[case] function: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(inside(function), expected);
    }

    /// SAM names functions by stack, logical id and twelve characters of its own.
    #[rstest]
    #[case("sam-app-HelloWorldFunction-AbCdEfGhIjKl")]
    #[case("0123456789012345678901234567890123456789012345678901234567890123")]
    fn names_are_no_longer_than_they_may_be(#[case] function: &str) {
        let inside = inside(function);
        let canary = canary(&inside);
        assert!(inside.len() <= LONGEST, "{inside}");
        assert_eq!(canary, format!("ringfence-canary-{inside}"));
        assert!(canary.len() <= LONGEST, "{canary}");
        assert!(self::canary(function).len() <= LONGEST);
    }

    #[test]
    fn functions_that_begin_alike_have_names_of_their_own() {
        let long = "sam-app-HelloWorldFunction-AbCdEfGhIjK";
        assert_ne!(inside(&format!("{long}l")), inside(&format!("{long}m")));
    }
}
