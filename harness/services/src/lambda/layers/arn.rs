//! The names of layers.

use ringfence_wire::ServiceError;

use crate::lambda::error::{invalid, not_found, validation};
use crate::setting::Setting;

/// The pattern of a version's ARN, as AWS's messages print it.
pub(super) const PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)";
/// The pattern of a layer's name or ARN.
const NAME_PATTERN: &str =
    r"(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+";

/// A version's ARN, in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VersionArn {
    pub(super) region: String,
    pub(super) account: String,
    pub(super) layer: String,
    pub(super) version: u64,
}

impl VersionArn {
    /// Reads an ARN; nothing for what is none.
    pub(super) fn read(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, "lambda", region, account, "layer", layer, version] =
            parts.as_slice()
        else {
            return None;
        };
        let fits = partition.starts_with("aws")
            && !region.is_empty()
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && is_name(layer)
            && version.bytes().all(|byte| byte.is_ascii_digit());
        fits.then_some(())?;
        Some(Self {
            region: (*region).to_owned(),
            account: (*account).to_owned(),
            layer: (*layer).to_owned(),
            version: version.parse().ok()?,
        })
    }
}

/// A layer's own name, from a `LayerName` that may be its ARN.
///
/// # Errors
/// `ValidationException` for what is no name, and what AWS says of a layer of
/// another account or region.
pub(super) fn layer_name(given: &str, setting: &Setting) -> Result<String, ServiceError> {
    let malformed = || {
        validation(format!(
            "1 validation error detected: Value '{given}' at 'layerName' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: {NAME_PATTERN}"
        ))
    };
    if !given.starts_with("arn:") {
        return is_name(given).then(|| given.to_owned()).ok_or_else(malformed);
    }
    let parts: Vec<&str> = given.split(':').collect();
    let ["arn", _, "lambda", region, account, "layer", layer] = parts.as_slice() else {
        return Err(malformed());
    };
    if !is_name(layer) {
        return Err(malformed());
    }
    if *account != setting.account_id || *region != setting.region {
        return Err(not_found("The resource you requested does not exist."));
    }
    Ok((*layer).to_owned())
}

/// A version's number (LocalStack's test_layer_exceptions, recorded on AWS).
///
/// # Errors
/// `InvalidParameterValueException` for what is below the first.
pub(super) fn version_number(given: i64) -> Result<u64, ServiceError> {
    u64::try_from(given)
        .ok()
        .filter(|version| *version > 0)
        .ok_or_else(|| invalid("Layer Version Cannot be less than 1"))
}

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= 140 && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_versions_arn_is_read_in_its_parts() {
        let read = VersionArn::read("arn:aws:lambda:eu-west-1:123456789012:layer:tools:7").unwrap();
        let expected = VersionArn {
            region: "eu-west-1".to_owned(),
            account: "123456789012".to_owned(),
            layer: "tools".to_owned(),
            version: 7,
        };
        assert_eq!(read, expected);
    }

    #[rstest]
    #[case("arn:aws:lambda:eu-west-1:123456789012:layer:tools")]
    #[case("arn:aws:lambda:eu-west-1:1:layer:tools:7")]
    #[case("arn:aws:lambda:eu-west-1:123456789012:layer:to.ols:7")]
    #[case("arn:aws:lambda:eu-west-1:123456789012:layer:tools:x")]
    #[case("tools:7")]
    fn what_is_no_versions_arn_is_none(#[case] arn: &str) {
        assert_eq!(VersionArn::read(arn), None);
    }
}
