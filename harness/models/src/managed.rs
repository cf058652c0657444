//! AWS's managed policies: the default version of each when the data was made. AWS
//! changes them without asking, so that an account may have a newer version.
//!
//! The data is what moto carries of IAM's own answers ([`source`]).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::service::index;

/// A managed policy of AWS's.
#[derive(Debug, Deserialize)]
pub struct Managed {
    /// The version, `v3`.
    pub version: &'static str,
    /// The day from which it is the default version, `2026-09-30`.
    pub updated: &'static str,
    /// The document, in JSON.
    pub document: String,
}

/// What the data is from: `moto 5.2.5`.
pub const fn source() -> &'static str {
    index::MANAGED_SOURCE
}

/// A policy by its ARN, `arn:aws:iam::aws:policy/job-function/ViewOnlyAccess`. The
/// documents of other partitions differ, and are not known.
pub fn find(arn: &str) -> Option<&'static Managed> {
    let name = arn.strip_prefix("arn:aws:iam::aws:policy/")?;
    let after = index::MANAGED.partition_point(|entry| entry.first <= name);
    block_at(after.checked_sub(1)?).get(name)
}

/// Every policy by its ARN, in the order of their names.
pub fn all() -> impl Iterator<Item = (String, &'static Managed)> {
    let blocks = (0..index::MANAGED.len()).flat_map(|at| block_at(at).iter());
    blocks.map(|(name, policy)| (format!("arn:aws:iam::aws:policy/{name}"), policy))
}

/// The policies of a block, unpacked when first asked for.
fn block_at(at: usize) -> &'static BTreeMap<&'static str, Managed> {
    static EMPTY: BTreeMap<&'static str, Managed> = BTreeMap::new();
    static CELLS: [OnceLock<BTreeMap<&'static str, Managed>>; index::MANAGED.len()] =
        [const { OnceLock::new() }; index::MANAGED.len()];
    let (Some(cell), Some(entry)) = (CELLS.get(at), index::MANAGED.get(at)) else { return &EMPTY };
    cell.get_or_init(|| {
        let text = entry.place.unpack(index::MANAGED_DATA);
        #[expect(clippy::expect_used, reason = "embedded data, all of it read by a test")]
        serde_json::from_str(text).expect("the data is whole")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_found_by_its_arn_whatever_its_path() {
        for name in [
            "ReadOnlyAccess",
            "job-function/ViewOnlyAccess",
            "service-role/AWSLambdaBasicExecutionRole",
            "aws-service-role/AWSSupportServiceRolePolicy",
        ] {
            let found = find(&format!("arn:aws:iam::aws:policy/{name}")).unwrap();
            assert!(found.document.contains("\"Statement\""), "{name}");
        }
        for arn in [
            "arn:aws:iam::aws:policy/ViewOnlyAccess",
            "arn:aws:iam::aws:policy/readonlyaccess",
            "arn:aws:iam::aws:policy/",
            "arn:aws-cn:iam::aws:policy/ReadOnlyAccess",
            "arn:aws:iam::123456789012:policy/ReadOnlyAccess",
        ] {
            assert!(find(arn).is_none(), "{arn}");
        }
        assert_eq!(find("arn:aws:iam::aws:policy/AdministratorAccess").unwrap().version, "v1");
    }

    #[test]
    fn all_of_them_are_there_in_order_and_found_again() {
        let names: Vec<String> = all().map(|(arn, _)| arn).collect();
        assert_eq!((names.len(), source()), (1_582, "moto 5.2.5"));
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
        for (arn, policy) in all() {
            let found = find(&arn).unwrap();
            assert_eq!(found.document, policy.document);
            let date = policy.updated.split('-').map(str::len).collect::<Vec<_>>();
            assert_eq!(date, [4, 2, 2], "{arn}");
        }
        assert_eq!(all().map(|(_, one)| one.updated).max(), Some("2026-09-30"));
    }
}
