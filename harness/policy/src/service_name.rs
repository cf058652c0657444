//! The names of services, as far as they can be told: which services there are,
//! nobody lists.

/// The domains that names of services end with: those of AWS's partitions
/// (<https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json>), and
/// Amazon's own, where Alexa is
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-alexa.html>).
const DOMAINS: [&str; 10] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.aws",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
    ".amazon.com",
    ".aws.internal",
];

/// A name without its domain, where that is one of AWS's.
pub(crate) fn without_domain(name: &str) -> Option<&str> {
    DOMAINS.iter().find_map(|domain| {
        let (own, end) = name.split_at_checked(name.len().checked_sub(domain.len())?)?;
        end.eq_ignore_ascii_case(domain).then_some(own)
    })
}
