//! How a function is named: by name, partial ARN or full ARN, each with or
//! without a qualifier.

use ringfence_wire::{Call, ServiceError};

use super::error::{access_denied, invalid, not_found, validation};
use crate::setting::Setting;

/// AWS prints these patterns in its messages.
const PATTERN_GET: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";
const PATTERN_CREATE: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?";
const PATTERN_QUALIFIER: &str = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";

/// The unpublished version.
pub(super) const LATEST: &str = "$LATEST";

/// A function as a call names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The function's own name.
    pub(super) function: String,
    /// A version or an alias, where one was given.
    pub(super) qualifier: Option<String>,
}

/// The parts of a function's name, partial ARN or ARN.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts<'a> {
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
    is_arn: bool,
}

impl Name {
    /// The name in `FunctionName` and `Qualifier` of a call.
    ///
    /// # Errors
    /// AWS's, for a name that is none, a foreign account or region, or two
    /// qualifiers that differ.
    pub(super) fn of(call: &Call, setting: &Setting) -> Result<Self, ServiceError> {
        let given = call.text("FunctionName").unwrap_or_default();
        Self::parse(given, call.text("Qualifier"), call.name(), setting)
    }

    fn parse(
        given: &str,
        qualifier: Option<&str>,
        operation: &str,
        setting: &Setting,
    ) -> Result<Self, ServiceError> {
        let parts = Parts::of(given);
        if let Some(account) = parts.as_ref().and_then(|parts| parts.account)
            && account != setting.account_id
        {
            // AWS sends no message here (tests/aws/services/lambda_ of LocalStack,
            // recorded on AWS).
            return Err(access_denied(""));
        }
        if let Some(region) = parts.as_ref().and_then(|parts| parts.region)
            && region != setting.region
        {
            return Err(not_found(format!(
                "Functions from '{region}' are not reachable in this region ('{}')",
                setting.region
            )));
        }
        let mut failures = Vec::new();
        let bare = parts.as_ref().is_some_and(|parts| parts.name == given);
        let (pattern, longest) = match operation {
            "CreateFunction" => (PATTERN_CREATE, if bare { 64 } else { 140 }),
            "GetFunction" | "Invoke" => (PATTERN_GET, 170),
            "DeleteFunction" => (PATTERN_GET, 140),
            _ => (PATTERN_CREATE, 170),
        };
        let mut fail = |member: &str, value: &str, constraint: &str| {
            failures.push(format!(
                "Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
            ));
        };
        if parts.is_none() {
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            fail("functionName", given, &constraint);
        }
        if given.len() > longest {
            let constraint = format!("Member must have length less than or equal to {longest}");
            fail("functionName", given, &constraint);
        }
        if let Some(qualifier) = qualifier {
            if qualifier.len() > 128 {
                let constraint = "Member must have length less than or equal to 128";
                fail("qualifier", qualifier, constraint);
            }
            if !is_qualifier(qualifier) {
                let constraint =
                    format!("Member must satisfy regular expression pattern: {PATTERN_QUALIFIER}");
                fail("qualifier", qualifier, &constraint);
            }
        }
        if let Some(message) = summary(&failures) {
            // A bare name in CreateFunction is the one case with another code.
            return Err(if operation == "CreateFunction" && bare {
                invalid(message)
            } else {
                validation(message)
            });
        }
        let parts = parts.unwrap_or_default();
        if let (Some(one), Some(other)) = (parts.qualifier, qualifier)
            && one != other
        {
            return Err(invalid(
                "The derived qualifier from the function name does not match the specified \
                 qualifier.",
            ));
        }
        Ok(Self {
            function: parts.name.to_owned(),
            qualifier: qualifier.or(parts.qualifier).map(str::to_owned),
        })
    }

    /// The ARN as the call named it: with its qualifier, where it had one.
    pub(super) fn arn(&self, setting: &Setting) -> String {
        qualified(&function_arn(setting, &self.function), self.qualifier.as_deref())
    }
}

impl<'a> Parts<'a> {
    fn of(given: &'a str) -> Option<Self> {
        let mut tokens = given.split(':').peekable();
        let mut parts = Self::default();
        if tokens.peek() == Some(&"arn") {
            tokens.next();
            tokens.next().filter(|partition| partition.starts_with("aws"))?;
            tokens.next().filter(|service| *service == "lambda")?;
            parts.is_arn = true;
        }
        let mut rest: Vec<&str> = tokens.collect();
        let mut take = |fits: fn(&str) -> bool| {
            let first = *rest.first()?;
            (rest.len() > 1 && fits(first)).then(|| rest.remove(0))
        };
        parts.region = take(is_region);
        parts.account =
            take(|token| token.len() == 12 && token.bytes().all(|byte| byte.is_ascii_digit()));
        let marker = take(|token| token == "function");
        if parts.is_arn && (parts.region.is_none() || parts.account.is_none() || marker.is_none()) {
            return None;
        }
        match rest.as_slice() {
            [name] => parts.name = name,
            [name, qualifier] => {
                parts.name = name;
                parts.qualifier = Some(qualifier);
            }
            _ => return None,
        }
        let named = !parts.name.is_empty() && parts.name.chars().all(is_name_character);
        let qualified = parts
            .qualifier
            .is_none_or(|it| it == LATEST || (!it.is_empty() && it.chars().all(is_name_character)));
        (named && qualified).then_some(parts)
    }
}

/// `1 validation error detected: …`, or nothing where nothing failed.
pub(super) fn summary(failures: &[String]) -> Option<String> {
    let plural = if failures.len() > 1 { "s" } else { "" };
    (!failures.is_empty()).then(|| {
        format!("{} validation error{plural} detected: {}", failures.len(), failures.join("; "))
    })
}

/// The ARN of a function, unqualified.
pub(super) fn function_arn(setting: &Setting, name: &str) -> String {
    format!("arn:aws:lambda:{}:{}:function:{name}", setting.region, setting.account_id)
}

/// An ARN with a qualifier, where there is one.
pub(super) fn qualified(arn: &str, qualifier: Option<&str>) -> String {
    match qualifier {
        Some(qualifier) => format!("{arn}:{qualifier}"),
        None => arn.to_owned(),
    }
}

/// Whether a qualifier names a published version.
pub(super) fn is_version(qualifier: &str) -> bool {
    !qualifier.is_empty() && qualifier.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a qualifier can be an alias's name.
pub(super) fn is_alias(qualifier: &str) -> bool {
    !qualifier.is_empty() && qualifier.chars().all(is_name_character) && !is_version(qualifier)
}

fn is_qualifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| is_name_character(c) || c == '$')
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// `eu-west-1`, `us-gov-east-1`: letters, dashes and one final digit.
fn is_region(token: &str) -> bool {
    let mut words = token.rsplit('-');
    let digit =
        words.next().is_some_and(|it| it.len() == 1 && it.bytes().all(|b| b.is_ascii_digit()));
    let rest: Vec<&str> = words.collect();
    digit
        && (2..=3).contains(&rest.len())
        && rest.iter().all(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_lowercase()))
        && rest.last().is_some_and(|it| it.len() == 2)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rstest::rstest;

    use super::*;

    fn setting() -> Setting {
        Setting::new("123456789012", "eu-west-1", None, PathBuf::new())
    }

    #[rstest]
    #[case("orders", None, "orders", None)]
    #[case("orders:live", None, "orders", Some("live"))]
    #[case("orders", Some("7"), "orders", Some("7"))]
    #[case("orders:$LATEST", Some("$LATEST"), "orders", Some("$LATEST"))]
    #[case("123456789012:function:orders", None, "orders", None)]
    #[case("123456789012:function:orders:live", None, "orders", Some("live"))]
    #[case("arn:aws:lambda:eu-west-1:123456789012:function:orders", None, "orders", None)]
    #[case(
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:3",
        Some("3"),
        "orders",
        Some("3")
    )]
    fn every_form_of_a_name_is_read(
        #[case] given: &str,
        #[case] qualifier: Option<&str>,
        #[case] function: &str,
        #[case] expected: Option<&str>,
    ) {
        let name = Name::parse(given, qualifier, "GetFunction", &setting()).unwrap();
        assert_eq!(name.function, function);
        assert_eq!(name.qualifier.as_deref(), expected);
    }

    #[rstest]
    #[case("a b", None, "ValidationException")]
    #[case("", None, "ValidationException")]
    #[case("x:y:z:w", None, "ValidationException")]
    #[case("arn:aws:s3:eu-west-1:123456789012:function:orders", None, "ValidationException")]
    #[case("arn:aws:lambda:orders", None, "ValidationException")]
    #[case("orders:live", Some("other"), "InvalidParameterValueException")]
    #[case("orders", Some("sp ace"), "ValidationException")]
    #[case("999999999999:function:orders", None, "AccessDeniedException")]
    #[case(
        "arn:aws:lambda:us-east-1:123456789012:function:orders",
        None,
        "ResourceNotFoundException"
    )]
    fn what_is_no_name_of_ours_is_refused(
        #[case] given: &str,
        #[case] qualifier: Option<&str>,
        #[case] code: &str,
    ) {
        let error = Name::parse(given, qualifier, "GetFunction", &setting()).unwrap_err();
        assert_eq!(error.code, code, "{error}");
    }

    #[test]
    fn a_long_name_is_refused_on_creation_only() {
        let name = "n".repeat(65);
        let error = Name::parse(&name, None, "CreateFunction", &setting()).unwrap_err();
        assert_eq!(error.code, "InvalidParameterValueException");
        assert_eq!(
            error.message,
            format!(
                "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy \
                 constraint: Member must have length less than or equal to 64"
            )
        );
        assert!(Name::parse(&name, None, "GetFunction", &setting()).is_ok());
        assert!(Name::parse(&"n".repeat(64), None, "CreateFunction", &setting()).is_ok());
    }
}
