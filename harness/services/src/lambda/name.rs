//! How a function is named: by name, partial ARN or full ARN, each with or
//! without a qualifier. The guard decides on what is read here, and the service
//! acts on it.

use ringfence_wire::{Call, ServiceError};

use super::error::{access_denied, invalid, not_found, validation};
use crate::setting::Setting;

/// The parts that all patterns of a function's name begin with, as AWS prints
/// them in its messages.
const PATTERN_PREFIX: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?";
const PATTERN_QUALIFIER: &str = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";

/// The unpublished version.
pub(super) const LATEST: &str = "$LATEST";
const LATEST_PUBLISHED: &str = "$LATEST.PUBLISHED";
/// AWS's limit of a function's own name.
const LONGEST_NAME: usize = 64;

/// A function's name as a call writes it, read by the rules of the call's
/// operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionName {
    /// The region, where an ARN or partial ARN names one.
    pub region: Option<String>,
    /// The account, where an ARN or partial ARN names one.
    pub account: Option<String>,
    /// The function's own name.
    pub name: String,
    /// A version or an alias: from the name or the call's `Qualifier`.
    pub qualifier: Option<String>,
}

/// A function of this account and region, as a call names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The function's own name.
    pub(super) function: String,
    /// A version or an alias, where one was given.
    pub(super) qualifier: Option<String>,
}

/// The shapes that the API model has for a function's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `FunctionName`.
    Function,
    /// `NamespacedFunctionName`: names may have dots, and be longer.
    Namespaced,
    /// `UnqualifiedFunctionName`.
    Unqualified,
}

/// The operations whose `FunctionName` is a `FunctionName` of the model; all
/// others but the unqualified ones take a `NamespacedFunctionName`.
const FUNCTION_NAMES: [&str; 21] = [
    "CreateAlias",
    "CreateFunction",
    "CreateFunctionUrlConfig",
    "DeleteAlias",
    "DeleteFunctionConcurrency",
    "DeleteFunctionUrlConfig",
    "DeleteProvisionedConcurrencyConfig",
    "GetAlias",
    "GetFunctionConcurrency",
    "GetFunctionUrlConfig",
    "GetProvisionedConcurrencyConfig",
    "ListAliases",
    "ListFunctionUrlConfigs",
    "ListProvisionedConcurrencyConfigs",
    "PublishVersion",
    "PutFunctionConcurrency",
    "PutProvisionedConcurrencyConfig",
    "UpdateAlias",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
    "UpdateFunctionUrlConfig",
];

const UNQUALIFIED_NAMES: [&str; 4] = [
    "GetFunctionRecursionConfig",
    "GetFunctionScalingConfig",
    "PutFunctionRecursionConfig",
    "PutFunctionScalingConfig",
];

impl Form {
    fn of(operation: &str) -> Self {
        if FUNCTION_NAMES.contains(&operation) {
            Self::Function
        } else if UNQUALIFIED_NAMES.contains(&operation) {
            Self::Unqualified
        } else {
            Self::Namespaced
        }
    }

    const fn longest(self) -> usize {
        match self {
            Self::Function | Self::Unqualified => 140,
            Self::Namespaced => 256,
        }
    }

    fn pattern(self) -> String {
        let end = match self {
            Self::Function => r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
            Self::Namespaced => r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
            Self::Unqualified => "([a-zA-Z0-9-_]+)",
        };
        format!("{PATTERN_PREFIX}{end}")
    }

    fn is_name(self, text: &str) -> bool {
        let fits = |c: char| is_name_character(c) || (self == Self::Namespaced && c == '.');
        !text.is_empty() && text.chars().all(fits)
    }

    fn is_qualifier(self, text: &str) -> bool {
        let plain = !text.is_empty() && text.chars().all(is_name_character);
        match self {
            Self::Function => plain || text == LATEST,
            Self::Namespaced => plain || text == LATEST || text == LATEST_PUBLISHED,
            Self::Unqualified => false,
        }
    }
}

impl FunctionName {
    /// Reads the `FunctionName` and the `Qualifier` of a call.
    ///
    /// # Errors
    /// AWS's, for what is no name, and for two qualifiers that differ.
    pub fn read(
        operation: &str,
        given: &str,
        qualifier: Option<&str>,
    ) -> Result<Self, ServiceError> {
        let form = Form::of(operation);
        let parts = Self::parts(form, given);
        let mut failures = Vec::new();
        let mut fail = |member: &str, value: &str, constraint: &str| {
            failures.push(format!(
                "Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
            ));
        };
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
        let longest = form.longest();
        if given.len() > longest {
            let constraint = format!("Member must have length less than or equal to {longest}");
            fail("functionName", given, &constraint);
        }
        let Some(mut parts) = parts else {
            let pattern = form.pattern();
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            fail("functionName", given, &constraint);
            return Err(validation(summary(&failures).unwrap_or_default()));
        };
        if let Some(message) = summary(&failures) {
            return Err(validation(message));
        }
        if let (Some(one), Some(other)) = (parts.qualifier.as_deref(), qualifier)
            && one != other
        {
            return Err(invalid(
                "The derived qualifier from the function name does not match the specified \
                 qualifier.",
            ));
        }
        if let Some(qualifier) = qualifier {
            parts.qualifier = Some(qualifier.to_owned());
        }
        Ok(parts)
    }

    /// The parts of a name by AWS's pattern. Each part before the name itself
    /// may be absent; like a regular expression, this takes as many as leave
    /// something that fits behind them: `function:$LATEST` is a version of a
    /// function `function`.
    fn parts(form: Form, given: &str) -> Option<Self> {
        let tokens: Vec<&str> = given.split(':').collect();
        let arn = match tokens.as_slice() {
            ["arn", partition, "lambda", rest @ ..] if is_partition(partition) => Some(rest),
            _ => None,
        };
        arn.into_iter().chain([tokens.as_slice()]).find_map(|rest| Self::after_arn(form, rest))
    }

    fn after_arn(form: Form, tokens: &[&str]) -> Option<Self> {
        taking(tokens, is_region).find_map(|(region, rest)| {
            taking(rest, is_account).find_map(|(account, rest)| {
                taking(rest, |token| token == "function").find_map(|(_, rest)| {
                    let (name, qualifier) = match *rest {
                        [name] => (name, None),
                        [name, qualifier] if form.is_qualifier(qualifier) => {
                            (name, Some(qualifier.to_owned()))
                        }
                        _ => return None,
                    };
                    form.is_name(name).then(|| Self {
                        region: region.map(str::to_owned),
                        account: account.map(str::to_owned),
                        name: name.to_owned(),
                        qualifier,
                    })
                })
            })
        })
    }
}

/// The ways to read an optional first part: taken where it fits, then not.
fn taking<'a, 'b>(
    tokens: &'a [&'b str],
    fits: fn(&str) -> bool,
) -> impl Iterator<Item = (Option<&'b str>, &'a [&'b str])> {
    let taken = match tokens {
        [first, rest @ ..] if fits(first) && !rest.is_empty() => Some((Some(*first), rest)),
        _ => None,
    };
    taken.into_iter().chain([(None, tokens)])
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
        let parts = FunctionName::read(operation, given, qualifier)?;
        if parts.account.as_ref().is_some_and(|account| *account != setting.account_id) {
            // AWS sends no message here (tests/aws/services/lambda_ of LocalStack,
            // recorded on AWS).
            return Err(access_denied(""));
        }
        if let Some(region) = parts.region.filter(|region| *region != setting.region) {
            return Err(not_found(format!(
                "Functions from '{region}' are not reachable in this region ('{}')",
                setting.region
            )));
        }
        if operation == "CreateFunction" && parts.name.len() > LONGEST_NAME {
            // The one constraint that has this code.
            return Err(invalid(format!(
                "1 validation error detected: Value '{}' at 'functionName' failed to satisfy \
                 constraint: Member must have length less than or equal to {LONGEST_NAME}",
                parts.name
            )));
        }
        Ok(Self { function: parts.name, qualifier: parts.qualifier })
    }

    /// The ARN as the call named it: with its qualifier, where it had one.
    pub(super) fn arn(&self, setting: &Setting) -> String {
        qualified(&function_arn(setting, &self.function), self.qualifier.as_deref())
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
    let partition = setting.partition();
    format!("arn:{partition}:lambda:{}:{}:function:{name}", setting.region, setting.account_id)
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
    text == LATEST_PUBLISHED
        || (!text.is_empty() && text.chars().all(|c| is_name_character(c) || c == '$'))
}

fn is_partition(text: &str) -> bool {
    let fits = |rest: &str| rest.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    text.is_empty() || text.strip_prefix("aws").is_some_and(fits)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
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
        Setting::new(
            "123456789012",
            "eu-west-1",
            crate::setting::Interpreters::default(),
            PathBuf::new(),
        )
    }

    #[rstest]
    #[case("orders", None, "orders", None)]
    #[case("orders:live", None, "orders", Some("live"))]
    #[case("orders", Some("7"), "orders", Some("7"))]
    #[case("orders:$LATEST", Some("$LATEST"), "orders", Some("$LATEST"))]
    #[case("123456789012:function:orders", None, "orders", None)]
    #[case("123456789012:function:orders:live", None, "orders", Some("live"))]
    #[case("arn:aws:lambda:orders", None, "orders", None)]
    #[case("arn:aws:lambda:eu-west-1:123456789012:function", None, "function", None)]
    #[case("function:$LATEST", None, "function", Some("$LATEST"))]
    #[case("arn:aws", None, "arn", Some("aws"))]
    #[case("or.ders:$LATEST.PUBLISHED", None, "or.ders", Some("$LATEST.PUBLISHED"))]
    #[case("123456789012", None, "123456789012", None)]
    #[case("eu-west-1:123456789012:orders", None, "orders", None)]
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
    #[case("arn:aws:lambda::123456789012:function:orders", None, "ValidationException")]
    #[case("arn:aws:lambda:eu-west-1::function:orders", None, "ValidationException")]
    #[case("orders:1:2", None, "ValidationException")]
    #[case("orders:$LATES", None, "ValidationException")]
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

    /// LocalStack's test_function_name_and_qualifier_validation, recorded on
    /// AWS: the qualifier first, then length and pattern of the name.
    #[rstest]
    #[case::get(
        "GetFunction",
        300,
        "2 validation errors detected: Value 'q!' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+; Value 'NAME' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 256"
    )]
    #[case::create(
        "CreateFunction",
        150,
        "2 validation errors detected: Value 'q!' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+; Value 'NAME' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 140"
    )]
    fn constraints_are_told_together(
        #[case] operation: &str,
        #[case] length: usize,
        #[case] message: &str,
    ) {
        let name = "n".repeat(length);
        let error = FunctionName::read(operation, &name, Some("q!")).unwrap_err();
        assert_eq!(error.message, message.replace("NAME", &name));
        assert!(FunctionName::read(operation, "orders", Some("q")).is_ok());
    }

    #[rstest]
    #[case("GetFunction", r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?")]
    #[case("UpdateAlias", r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?")]
    #[case("GetFunctionRecursionConfig", "([a-zA-Z0-9-_]+)")]
    fn each_operation_prints_its_own_pattern(#[case] operation: &str, #[case] end: &str) {
        let arn = "arn:aws:ec2:eu-west-1:123456789012:instance:i-1";
        let error = FunctionName::read(operation, arn, None).unwrap_err();
        assert_eq!(
            error.message,
            format!(
                "1 validation error detected: Value '{arn}' at 'functionName' failed to satisfy \
                 constraint: Member must satisfy regular expression pattern: {PATTERN_PREFIX}{end}"
            )
        );
        assert!(FunctionName::read(operation, "orders", None).is_ok());
    }
}
