//! What is granted and not read: the most that it may be.

use std::sync::Arc;

use ringfence_models::actions;
use ringfence_policy::{Document, DocumentError, Kind, Principal};
use serde_json::json;

use super::written;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// What a resource may let somebody do, where nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Why it is not known.
    pub(crate) why: String,
    /// The actions that may be allowed, as a policy has them.
    actions: Vec<String>,
    /// Whom it names, where that is known.
    to: Option<Vec<String>>,
    /// All that stands there, where it is known.
    values: Option<String>,
}

/// The services whose requests what a type of the provider grants is about, by the
/// beginning of the type's name. What is not here may be about any.
const SERVICES: [(&str, &[&str]); 52] = [
    ("aws_acmpca_", &["acm-pca"]),
    ("aws_api_gateway_", &["execute-api", "apigateway"]),
    ("aws_backup_vault_", &["backup"]),
    ("aws_cloud9_", &["cloud9"]),
    ("aws_cloudsearch_", &["cloudsearch"]),
    ("aws_cloudwatch_event_", &["events"]),
    ("aws_cloudwatch_log_", &["logs"]),
    ("aws_codeartifact_", &["codeartifact"]),
    ("aws_codebuild_resource_policy", &["codebuild"]),
    ("aws_dynamodb_", &["dynamodb"]),
    ("aws_ecr_", &["ecr"]),
    ("aws_ecrpublic_", &["ecr-public"]),
    ("aws_efs_", &["elasticfilesystem"]),
    ("aws_elasticsearch_", &["es"]),
    ("aws_elastictranscoder_", &["s3"]),
    ("aws_glacier_", &["glacier"]),
    ("aws_glue_", &["glue", "lakeformation", "s3"]),
    ("aws_iot_", &["s3"]),
    ("aws_kinesis_", &["kinesis"]),
    ("aws_kms_", &["kms"]),
    ("aws_lakeformation_", &["lakeformation", "glue", "s3"]),
    ("aws_lambda_", &["lambda"]),
    ("aws_licensemanager_", &["license-manager"]),
    ("aws_media_store_", &["mediastore"]),
    ("aws_medialive_", &["s3"]),
    ("aws_msk_", &["kafka", "kafka-cluster"]),
    ("aws_networkfirewall_", &["network-firewall"]),
    ("aws_oam_", &["oam"]),
    ("aws_opensearch_", &["es"]),
    ("aws_opsworks_", &["opsworks"]),
    ("aws_organizations_", &["organizations"]),
    ("aws_redshift_", &["redshift"]),
    ("aws_redshiftserverless_", &["redshift-serverless"]),
    ("aws_s3_", &["s3", "s3express", "s3-object-lambda"]),
    ("aws_s3control_", &["s3", "s3express", "s3-object-lambda", "s3-outposts"]),
    ("aws_s3tables_", &["s3tables"]),
    ("aws_sagemaker_model_package_", &["sagemaker"]),
    ("aws_schemas_", &["schemas"]),
    ("aws_secretsmanager_", &["secretsmanager"]),
    ("aws_securitylake_", &["s3", "lakeformation", "glue", "sqs"]),
    ("aws_ses_", &["ses"]),
    ("aws_sesv2_", &["ses"]),
    ("aws_signer_", &["signer"]),
    ("aws_sns_", &["sns"]),
    ("aws_sqs_", &["sqs"]),
    ("aws_storagegateway_", &["s3"]),
    ("aws_vpclattice_", &["vpc-lattice", "vpc-lattice-svcs"]),
    ("aws_xray_", &["xray"]),
    ("aws_athena_", &["s3"]),
    ("aws_acm_", &["acm"]),
    ("aws_quicksight_", &["quicksight"]),
    ("aws_dataexchange_", &["dataexchange", "s3", "kms"]),
];

impl Unread {
    /// Of a resource, which names whom it lets in by an attribute.
    pub(crate) fn of(resource: &Resource, why: String, principal: &str) -> Self {
        let services = SERVICES.iter().find(|(before, _)| resource.kind.starts_with(before));
        let actions = match services {
            Some((_, services)) => all_of(services),
            None if resource.kind.contains("::") => of_type(&resource.kind),
            None => vec!["*".to_owned()],
        };
        let to = resource.values.get(principal).and_then(named);
        Self { why, actions, to, values: written(&resource.values) }
    }

    /// Of a resource of a template, by its type.
    pub(crate) fn of_template(kind: &str, why: String) -> Self {
        Self { why, actions: of_type(kind), to: None, values: None }
    }

    /// That it is the same on both sides, whatever it is.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.values.is_some() && self == other
    }

    /// The most that it may allow anybody, of whatever account, and services.
    ///
    /// # Errors
    /// None that is known.
    pub(crate) fn most_for_anybody(&self) -> Result<Arc<Document>, DocumentError> {
        self.document(None)
    }

    /// The most that it may allow a caller of the account; `None` where it names others
    /// alone.
    ///
    /// # Errors
    /// Where the caller cannot stand in a policy.
    pub(crate) fn most(
        &self,
        caller: Option<&Principal>,
    ) -> Result<Option<Arc<Document>>, DocumentError> {
        let (names, own): (Vec<&str>, Option<&str>) = match caller {
            Some(Principal::User { arn }) => (vec![arn], Some(arn)),
            Some(Principal::RoleSession { role_arn, session_arn }) => {
                (vec![role_arn, session_arn], Some(session_arn))
            }
            _ => (Vec::new(), None),
        };
        let is_named = |to: &String| {
            names.contains(&to.as_str()) || !(is_of_others(to) || (own.is_some() && is_iam(to)))
        };
        if self.to.as_ref().is_some_and(|to| !to.iter().any(is_named)) {
            return Ok(None);
        }
        self.document(own).map(Some)
    }

    /// All that may be allowed, to everybody and to one by name.
    fn document(&self, own: Option<&str>) -> Result<Arc<Document>, DocumentError> {
        let statement = |principal| {
            json!({"Effect": "Allow", "Principal": principal, "Action": self.actions,
                "Resource": "*"})
        };
        let mut statements = vec![statement(json!("*"))];
        // Whom a policy names a boundary does not always limit.
        statements.extend(own.map(|arn| statement(json!({"AWS": arn}))));
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Document::parse(self.why.clone(), &text, Kind::Resource).map(Arc::new)
    }
}

/// All actions of services.
fn all_of(services: &[&str]) -> Vec<String> {
    services.iter().map(|one| format!("{one}:*")).collect()
}

/// The actions that what a type of a template grants may be about.
fn of_type(kind: &str) -> Vec<String> {
    let service = kind.split("::").nth(1).unwrap_or_default().to_ascii_lowercase();
    match service.as_str() {
        "apigateway" => all_of(&["execute-api"]),
        "opensearchservice" | "elasticsearch" => all_of(&["es"]),
        "efs" => all_of(&["elasticfilesystem"]),
        "lakeformation" => all_of(&["lakeformation", "glue", "s3"]),
        // What is shared may be of any service.
        "ram" => vec!["*".to_owned()],
        own if actions::of(own).is_some() => all_of(&[own]),
        // What it may be about is not known.
        _ => vec!["*".to_owned()],
    }
}

/// The texts of an attribute; `None` where they are not all known, or there are none.
fn named(node: &Node) -> Option<Vec<String>> {
    let all = match &node.value {
        Value::Text(text) => vec![text.clone()],
        Value::List(items) => {
            items.iter().map(|item| item.text().map(str::to_owned)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    (!all.is_empty() && !all.iter().any(String::is_empty)).then_some(all)
}

/// Whether it is an account or an organization, of which each identity needs its own
/// policies besides, or a service.
fn is_of_others(to: &str) -> bool {
    let is_account = to.len() == 12 && to.bytes().all(|one| one.is_ascii_digit());
    is_account
        || to.contains(":organizations::")
        || (to.starts_with("arn:") && to.ends_with(":root"))
        || (!to.starts_with("arn:") && to.ends_with(".amazonaws.com"))
}

/// Whether it is one identity.
fn is_iam(to: &str) -> bool {
    to.starts_with("arn:")
        && [":user/", ":role/", ":assumed-role/"].iter().any(|kind| to.contains(kind))
}
