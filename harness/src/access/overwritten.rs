//! Inline policies of one identity and one name, and policies of one resource that has one:
//! each overwrites the other
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>).

use std::collections::BTreeMap;

use super::kept::known_text;
use super::plan::{IDENTITIES, Plan};
use crate::lint::known::Node;
use crate::lint::terraform::{DOCUMENTS, Resource};

/// Types of policies of which a resource, or an account and region, has one, with what names
/// that and the policy.
const OF_ONE: [(&str, &[&str]); 37] = [
    ("aws_acmpca_policy", &["resource_arn"]),
    ("aws_api_gateway_rest_api_policy", &["rest_api_id"]),
    ("aws_backup_vault_policy", &["backup_vault_name"]),
    ("aws_cloudwatch_event_bus_policy", &["event_bus_name"]),
    ("aws_cloudwatch_log_destination_policy", &["destination_name"]),
    ("aws_cloudwatch_log_resource_policy", &["policy_name"]),
    ("aws_codeartifact_domain_permissions_policy", &["domain"]),
    ("aws_codeartifact_repository_permissions_policy", &["domain", "repository"]),
    ("aws_codebuild_resource_policy", &["resource_arn"]),
    ("aws_dynamodb_resource_policy", &["resource_arn"]),
    ("aws_ecr_registry_policy", &[]),
    ("aws_ecr_repository_policy", &["repository"]),
    ("aws_ecrpublic_repository_policy", &["repository_name"]),
    ("aws_efs_file_system_policy", &["file_system_id"]),
    ("aws_elasticsearch_domain_policy", &["domain_name"]),
    ("aws_glacier_vault_lock", &["vault_name"]),
    ("aws_glue_resource_policy", &[]),
    ("aws_kinesis_resource_policy", &["resource_arn"]),
    ("aws_kms_key_policy", &["key_id"]),
    ("aws_media_store_container_policy", &["container_name"]),
    ("aws_msk_cluster_policy", &["cluster_arn"]),
    ("aws_networkfirewall_resource_policy", &["resource_arn"]),
    ("aws_oam_sink_policy", &["sink_identifier"]),
    ("aws_opensearch_domain_policy", &["domain_name"]),
    ("aws_s3_bucket_policy", &["bucket"]),
    ("aws_s3control_access_point_policy", &["access_point_arn"]),
    ("aws_s3control_bucket_policy", &["bucket"]),
    ("aws_s3tables_table_bucket_policy", &["table_bucket_arn"]),
    ("aws_s3tables_table_policy", &["table_bucket_arn", "namespace", "name"]),
    ("aws_sagemaker_model_package_group_policy", &["model_package_group_name"]),
    ("aws_schemas_registry_policy", &["registry_name"]),
    ("aws_secretsmanager_secret_policy", &["secret_arn"]),
    ("aws_ses_identity_policy", &["identity", "name"]),
    ("aws_sesv2_email_identity_policy", &["email_identity", "policy_name"]),
    ("aws_sns_topic_policy", &["arn"]),
    ("aws_sqs_queue_policy", &["queue_url"]),
    ("aws_xray_resource_policy", &["policy_name"]),
];

/// By file and address, why nobody knows whether an inline policy is there, or the policy of a
/// resource.
pub(super) type Overwritten = BTreeMap<(usize, String), String>;

/// What a policy is of: a type, and what names its resource.
type Target<'k> = (&'k str, Vec<String>);

impl Plan<'_, '_> {
    /// Of inline policies with one name and different documents, one is there in the end.
    pub(super) fn overwritten(&self) -> Overwritten {
        let mut all: BTreeMap<(String, String), Vec<(usize, &Resource)>> = BTreeMap::new();
        for (at, file) in self.files.iter().enumerate() {
            for one in file.resources.iter().filter(|one| !one.is_data) {
                let rest = one.kind.strip_prefix("aws_iam_").unwrap_or_default();
                let word = rest.strip_suffix("_policy").unwrap_or_default();
                let is_identity = IDENTITIES.iter().any(|(_, own)| *own == word);
                let Some(name) = one.values.get("name").and_then(Node::text) else { continue };
                if is_identity {
                    for owner in self.whose(file, one, word, word).all {
                        all.entry((owner, name.to_owned())).or_default().push((at, one));
                    }
                }
            }
        }
        let mut overwritten = Overwritten::new();
        for ((owner, name), makers) in all.iter().filter(|(_, makers)| makers.len() > 1) {
            let mut said = makers.iter().map(|(_, one)| one.values.get("policy"));
            let first = said.next().flatten().and_then(known_text);
            if first.is_some() && said.all(|other| other.and_then(known_text) == first) {
                continue;
            }
            let called = makers.iter().filter_map(|(at, one)| {
                Some(format!("`{}`", self.files.get(*at)?.apart.called(&one.address)))
            });
            let called: Vec<String> = called.collect();
            let why = format!(
                "{} make the inline policy `{name}` of `{owner}`: which of them is there is not \
                 known",
                called.join(" and ")
            );
            for (at, one) in makers {
                overwritten.insert((*at, one.address.clone()), why.clone());
            }
        }
        self.of_resources(&mut overwritten);
        overwritten
    }

    /// Of policies of one resource with different documents, the last that is written is there.
    fn of_resources(&self, overwritten: &mut Overwritten) {
        let mut all: BTreeMap<Target<'_>, Vec<(usize, &Resource)>> = BTreeMap::new();
        for (at, file) in self.files.iter().enumerate() {
            for one in file.resources.iter().filter(|one| !one.is_data) {
                let of_one = OF_ONE.iter().find(|(kind, _)| *kind == one.kind);
                let Some((kind, attributes)) = of_one else { continue };
                let named = attributes.iter().map(|name| self.target(at, one, name));
                if let Some(named) = named.collect::<Option<Vec<_>>>() {
                    all.entry((*kind, named)).or_default().push((at, one));
                }
            }
        }
        let document = |one: &Resource| {
            let (_, attribute, _) = DOCUMENTS.iter().find(|(kind, ..)| *kind == one.kind)?;
            one.values.get(attribute).and_then(known_text)
        };
        for makers in all.values().filter(|makers| makers.len() > 1) {
            for (at, one) in makers {
                let rivals = makers.iter().filter(|(other_at, other)| {
                    let is_other = other_at != at || other.address != one.address;
                    let (own, others) = (document(one), document(other));
                    let is_same = own.is_some() && own == others;
                    is_other && !is_same && self.may_be_together((*at, *one), (*other_at, *other))
                });
                let own = (*at, *one);
                let called = std::iter::once(&own).chain(rivals).filter_map(|(at, one)| {
                    Some(format!("`{}`", self.files.get(*at)?.apart.called(&one.address)))
                });
                let mut called: Vec<String> = called.collect();
                if called.len() > 1 {
                    called.sort();
                    let why = format!(
                        "{} are policies of one resource: which of them is there is not known",
                        called.join(" and ")
                    );
                    overwritten.insert((*at, one.address.clone()), why);
                }
            }
        }
    }

    /// What an attribute names: by its text, or by what it is an attribute of; `None` where
    /// that is not known.
    fn target(&self, at: usize, one: &Resource, attribute: &str) -> Option<String> {
        let node = one.values.get(attribute);
        match node.and_then(Node::text) {
            Some(text) => Some(in_short(attribute, text).to_owned()),
            // One that is not said is the account's own.
            None if !node.is_some_and(Node::is_something) => Some(String::new()),
            None => {
                let (named, _) = self.files.get(at)?.named(&one.address, attribute)?;
                Some(format!("{at} {}", named.address))
            }
        }
    }

    /// Whether two resources may be of one account and region.
    fn may_be_together(&self, one: (usize, &Resource), other: (usize, &Resource)) -> bool {
        let of = |(at, one): (usize, &Resource)| Some(self.files.get(at)?.setting().at(one));
        let (Some(one), Some(other)) = (of(one), of(other)) else { return true };
        let differ = |one: &Option<String>, other: &Option<String>| {
            one.is_some() && other.is_some() && one != other
        };
        !differ(&one.account, &other.account) && !differ(&one.region, &other.region)
    }
}

/// The name of what may be named by its ARN, too: a key by its id
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>), a secret by
/// its name, after which the ARN has six characters
/// (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html>).
/// What an account's ARNs alone name stays as it is.
fn in_short<'t>(attribute: &str, text: &'t str) -> &'t str {
    let Some(of) = text.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4)) else {
        return text;
    };
    if attribute == "secret_arn" {
        let name = of.strip_prefix("secret:").unwrap_or(text);
        let is_suffix =
            |end: &str| end.len() == 6 && end.bytes().all(|it| it.is_ascii_alphanumeric());
        return name
            .rsplit_once('-')
            .filter(|(_, end)| is_suffix(end))
            .map_or(name, |(name, _)| name);
    }
    if attribute.ends_with("arn") {
        return text;
    }
    of.split_once('/').map_or(text, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::in_short;

    #[rstest]
    #[case::a_key("key_id", "arn:aws:kms:eu-west-1:123456789012:key/k1", "k1")]
    #[case::a_key_by_its_id("key_id", "k1", "k1")]
    #[case::a_bus("event_bus_name", "arn:aws:events:eu-west-1:123456789012:event-bus/b", "b")]
    #[case::a_secret(
        "secret_arn",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-AbCd12",
        "a/b"
    )]
    #[case::a_secret_by_its_name("secret_arn", "a/b", "a/b")]
    #[case::a_bucket("bucket", "arn:aws:s3:::b", "arn:aws:s3:::b")]
    #[case::by_arn_alone(
        "resource_arn",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/t",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/t"
    )]
    fn what_has_a_name_and_an_arn_is_one(
        #[case] attribute: &str,
        #[case] written: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(in_short(attribute, written), expected);
    }
}
