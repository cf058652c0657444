//! A call as AWS's command line takes it.

use ringfence_models::{Operation, Protocol};
use serde_json::{Map, Value};

/// What the command line calls services otherwise than the models do
/// (<https://docs.aws.amazon.com/cli/latest/reference/>).
const SERVICES: [(&str, &str); 3] =
    [("codedeploy", "deploy"), ("config", "configservice"), ("s3", "s3api")];

/// Operations whose words the rule does not find
/// (<https://github.com/boto/botocore/blob/develop/botocore/__init__.py>).
const OPERATIONS: [(&str, &str); 8] = [
    ("CreateCachediSCSIVolume", "create-cached-iscsi-volume"),
    ("CreateStorediSCSIVolume", "create-stored-iscsi-volume"),
    ("DescribeCachediSCSIVolumes", "describe-cached-iscsi-volumes"),
    ("DescribeStorediSCSIVolumes", "describe-stored-iscsi-volumes"),
    ("ExecutePartiQLBatch", "execute-partiql-batch"),
    ("ExecutePartiQLStatement", "execute-partiql-statement"),
    ("ExecutePartiQLTransaction", "execute-partiql-transaction"),
    ("ListHITsForQualificationType", "list-hits-for-qualification-type"),
];

/// A line for a shell; none for EC2, whose members are called here as on the wire.
pub(crate) fn line(
    operation: &Operation,
    region: &str,
    input: &Map<String, Value>,
) -> Option<String> {
    if operation.service.protocol() == Protocol::Ec2 {
        return None;
    }
    let name = operation.service.name();
    let service = SERVICES.iter().find(|(own, _)| *own == name).map_or(name, |(_, other)| *other);
    let input = Value::Object(input.clone()).to_string().replace('\'', r"'\''");
    let words = words(operation.name);
    Some(format!("aws {service} {words} --region {region} --cli-input-json '{input}'"))
}

/// `create-role` of `CreateRole`, as botocore's `xform_name` has it.
fn words(name: &str) -> String {
    if let Some((_, words)) = OPERATIONS.iter().find(|(own, _)| *own == name) {
        return (*words).to_owned();
    }
    // `ListWebACLs`: the capitals at the end are one word.
    let plain = name.strip_suffix('s').unwrap_or_default();
    let start = plain.trim_end_matches(|one: char| one.is_ascii_uppercase()).len();
    let (head, tail) = match plain.len() - start >= 2 {
        true => name.split_at_checked(start).unwrap_or((name, "")),
        false => (name, ""),
    };
    let letters: Vec<char> = head.chars().collect();
    let mut words = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let begins = |before: &char| {
            before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || letters.get(at + 1).is_some_and(char::is_ascii_lowercase)
        };
        if letter.is_ascii_uppercase() && before.is_some_and(begins) {
            words.push('-');
        }
        words.push(letter.to_ascii_lowercase());
    }
    if !tail.is_empty() {
        words.push('-');
        words.push_str(&tail.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use ringfence_models::Service;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("CreateRole", "create-role")]
    #[case("AddClientIDToOpenIDConnectProvider", "add-client-id-to-open-id-connect-provider")]
    #[case("CreateDBCluster", "create-db-cluster")]
    #[case("ListObjectsV2", "list-objects-v2")]
    #[case("ListWebACLs", "list-web-acls")]
    #[case("GetObjectAcl", "get-object-acl")]
    #[case("ExecutePartiQLStatement", "execute-partiql-statement")]
    #[case("ListMFADevices", "list-mfa-devices")]
    #[case("ListTags", "list-tags")]
    fn operations_are_called_as_botocore_does(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(words(name), expected);
    }

    #[test]
    fn a_line_is_one_for_a_shell() {
        let input = json!({"Bucket": "b", "Key": "it's"});
        let operation = Operation::find(Service::S3, "GetObject").unwrap();
        assert_eq!(
            line(operation, "us-east-1", input.as_object().unwrap()).unwrap(),
            r#"aws s3api get-object --region us-east-1 --cli-input-json '{"Bucket":"b","Key":"it'\''s"}'"#
        );
        let operation = Operation::find(Service::Ec2, "DescribeVpcs").unwrap();
        assert_eq!(line(operation, "us-east-1", &Map::new()), None);
    }
}
