//! AWS's partitions, by botocore's `partitions.json`.

use std::fmt;

use crate::service::index;

/// A partition: regions with accounts, names and endpoints of their own
/// (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// What ARNs call it: `aws`, `aws-cn`, `aws-us-gov`, ….
    pub id: &'static str,
    /// What its endpoints end in: `amazonaws.com`, `amazonaws.com.cn`.
    pub dns_suffix: &'static str,
    /// What its endpoints for IPv4 and IPv6 end in: `api.aws`.
    pub dual_stack_dns_suffix: &'static str,
    /// The region that signs for the services without regions.
    pub global_region: &'static str,
    /// What stands before the last two words of its regions: `us-gov`, `cn`.
    pub(crate) areas: &'static [&'static str],
    /// The regions that are known by name.
    pub regions: &'static [&'static str],
}

impl Partition {
    /// All partitions; `aws` is the first.
    pub fn all() -> &'static [Self] {
        &index::PARTITIONS
    }

    /// The partition of an id.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::all().iter().find(|partition| partition.id == id).copied()
    }

    /// What a service is called here, as roles trust it and as they are handed to it, by
    /// its name in `aws`. Most are called the same everywhere; of some the name has the
    /// partition's suffix
    /// (<https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/region-info/lib/default.ts>).
    pub fn service_principal(&self, name: &str) -> String {
        match name {
            "ec2.amazonaws.com" | "elasticmapreduce.amazonaws.com" => {
                name.replace("amazonaws.com", self.dns_suffix)
            }
            _ => name.to_owned(),
        }
    }

    /// Whether a name ends as those of services do, in `aws` or in another partition.
    pub fn is_service_principal(name: &str) -> bool {
        Self::all().iter().any(|partition| {
            name.strip_suffix(partition.dns_suffix).is_some_and(|rest| rest.ends_with('.'))
        })
    }

    /// The partition that a region is in: the one that names it, else the one of
    /// whose form it is, else `aws`, as AWS's SDKs have it
    /// (<https://smithy.io/2.0/aws/rules-engine/library-functions.html#aws-partition-function>).
    pub fn of_region(region: &str) -> Self {
        let named = |partition: &&Self| partition.regions.contains(&region);
        let formed =
            |partition: &&Self| area(region).is_some_and(|area| partition.areas.contains(&area));
        let all = || Self::all().iter();
        all().find(named).or_else(|| all().find(formed)).copied().unwrap_or_default()
    }
}

/// `us-gov` of `us-gov-west-1`.
fn area(region: &str) -> Option<&str> {
    let mut words = region.rsplitn(3, '-');
    let number = words.next()?;
    let place = words.next()?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !place.is_empty()
        && place.chars().all(is_word);
    words.next().filter(|_| fits)
}

impl Default for Partition {
    /// `aws`.
    fn default() -> Self {
        index::AWS
    }
}

/// The id.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_called_as_their_partition_has_it() {
        let named = |id: &str, name: &str| Partition::of_id(id).unwrap().service_principal(name);
        assert_eq!(named("aws-cn", "ec2.amazonaws.com"), "ec2.amazonaws.com.cn");
        assert_eq!(named("aws-us-gov", "ec2.amazonaws.com"), "ec2.amazonaws.com");
        assert_eq!(named("aws-cn", "lambda.amazonaws.com"), "lambda.amazonaws.com");
        assert!(Partition::is_service_principal("ec2.amazonaws.com.cn"));
        assert!(Partition::is_service_principal("ec2.amazonaws.com"));
        assert!(!Partition::is_service_principal("amazonaws.com"));
        assert!(!Partition::is_service_principal("arn:aws:iam::123456789012:role/ec2"));
    }

    #[test]
    fn a_region_is_in_its_partition() {
        let of = |region| Partition::of_region(region).id;
        assert_eq!(of("eu-central-1"), "aws");
        assert_eq!(of("us-gov-west-1"), "aws-us-gov");
        assert_eq!(of("cn-north-1"), "aws-cn");
        assert_eq!(of("eusc-de-east-1"), "aws-eusc");
        assert_eq!(of("us-iso-east-1"), "aws-iso");
        // Not listed, and told by their form.
        assert_eq!(of("cn-south-7"), "aws-cn");
        assert_eq!(of("us-gov-north-2"), "aws-us-gov");
        // Of no form: as AWS's SDKs have it.
        for region in ["cn-north", "cn-north-x", "mars", "", "us-gov--1"] {
            assert_eq!(of(region), "aws", "{region}");
        }
    }

    #[test]
    fn a_partition_has_its_endpoints() {
        let china = Partition::of_id("aws-cn").unwrap();
        assert_eq!(china.dns_suffix, "amazonaws.com.cn");
        assert_eq!(china.dual_stack_dns_suffix, "api.amazonwebservices.com.cn");
        assert_eq!(china.global_region, "cn-northwest-1");
        assert_eq!(Partition::default(), Partition::of_id("aws").unwrap());
        assert_eq!(Partition::of_id("mars"), None);
    }
}
