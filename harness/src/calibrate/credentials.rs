//! Who asks AWS, and where.

use ringfence_wire::{Secret, Service};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use super::CalibrateError;
use crate::aws::Client;
use crate::process;
use crate::terraform::Access;
use crate::tools::PythonTools;

/// botocore's chain of credentials: environment, profiles, SSO, web identity,
/// instance roles.
const CHAIN: &str = include_str!("credentials.py");

/// Where IAM, STS and Access Analyzer answer.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// IAM: one a partition.
    pub iam: Url,
    /// The region that calls of IAM are signed for.
    pub iam_region: String,
    /// STS.
    pub sts: Url,
    /// Access Analyzer.
    pub analyzer: Url,
}

impl Endpoints {
    /// AWS's own endpoints.
    ///
    /// Source: <https://docs.aws.amazon.com/general/latest/gr/iam-service.html>.
    ///
    /// # Errors
    /// When the region is of a partition that is not known here.
    pub fn of(region: &str) -> Result<Self, CalibrateError> {
        let (iam, iam_region, suffix) = match region {
            _ if region.starts_with("cn-") => {
                ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1", "amazonaws.com.cn")
            }
            _ if region.starts_with("us-gov-") => {
                ("iam.us-gov.amazonaws.com", "us-gov-west-1", "amazonaws.com")
            }
            _ if region.starts_with("us-iso") || region.starts_with("eu-iso") => {
                return Err(CalibrateError::Region(region.to_owned()));
            }
            _ => ("iam.amazonaws.com", "us-east-1", "amazonaws.com"),
        };
        Ok(Self {
            iam: https(iam)?,
            iam_region: iam_region.to_owned(),
            sts: https(&format!("sts.{region}.{suffix}"))?,
            analyzer: https(&format!("access-analyzer.{region}.{suffix}"))?,
        })
    }

    /// One endpoint for all, as a guard's.
    pub fn all_at(url: Url, region: &str) -> Self {
        Self { iam: url.clone(), iam_region: region.to_owned(), sts: url.clone(), analyzer: url }
    }
}

fn https(host: &str) -> Result<Url, CalibrateError> {
    let url = format!("https://{host}/");
    Url::parse(&url).map_err(|source| CalibrateError::Endpoint { url, source })
}

/// Credentials with the account that they are of.
#[derive(Debug, Clone)]
pub struct Session {
    /// The account.
    pub account_id: String,
    /// The caller's ARN.
    pub caller: String,
    /// For IAM.
    pub iam: Access,
    /// For Access Analyzer.
    pub analyzer: Access,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    region: Option<String>,
}

/// Finds credentials as AWS's own clients do, and asks STS whose they are.
///
/// # Errors
/// When there are none, or STS refuses them.
pub async fn session(
    tools: &PythonTools,
    client: &Client,
    profile: Option<&str>,
    region: Option<&str>,
    endpoint: Option<Url>,
) -> Result<Session, CalibrateError> {
    let mut command = Command::new(tools.python());
    command.args(["-I", "-c", CHAIN]).args(profile);
    let text = process::output(&mut command)
        .await
        .map_err(|error| CalibrateError::Credentials(error.to_string()))?;
    // serde_json's own words could hold a part of the text.
    let found: Found = serde_json::from_str(&text)
        .map_err(|_| CalibrateError::Credentials("the chain's answer is no JSON".to_owned()))?;
    let secret = Secret::new(found.secret_access_key);
    let token = found.session_token.map(Secret::new);
    let region = region.map(str::to_owned).or(found.region).unwrap_or("us-east-1".to_owned());
    let endpoints = match endpoint {
        Some(url) => Endpoints::all_at(url, &region),
        None => Endpoints::of(&region)?,
    };
    let access = |endpoint: &Url, region: &str| Access {
        endpoint: endpoint.clone(),
        region: region.to_owned(),
        access_key_id: found.access_key_id.clone(),
        secret_access_key: secret.clone(),
        session_token: token.clone(),
    };
    let operation = "GetCallerIdentity";
    let sts = access(&endpoints.sts, &region);
    let identity = client.call(&sts, Service::Sts, operation, json!({})).await.result;
    let identity =
        identity.map_err(|error| CalibrateError::Refused { operation, error: Box::new(error) })?;
    let member = |member: &'static str| {
        let value = identity.get(member).and_then(Value::as_str).map(str::to_owned);
        value.ok_or(CalibrateError::Answer { operation, member })
    };
    Ok(Session {
        account_id: member("Account")?,
        caller: member("Arn")?,
        iam: access(&endpoints.iam, &endpoints.iam_region),
        analyzer: access(&endpoints.analyzer, &region),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "eu-central-1",
        "https://iam.amazonaws.com/",
        "us-east-1",
        "https://access-analyzer.eu-central-1.amazonaws.com/"
    )]
    #[case(
        "us-gov-east-1",
        "https://iam.us-gov.amazonaws.com/",
        "us-gov-west-1",
        "https://access-analyzer.us-gov-east-1.amazonaws.com/"
    )]
    #[case(
        "cn-northwest-1",
        "https://iam.cn-north-1.amazonaws.com.cn/",
        "cn-north-1",
        "https://access-analyzer.cn-northwest-1.amazonaws.com.cn/"
    )]
    fn iam_has_one_endpoint_a_partition(
        #[case] region: &str,
        #[case] iam: &str,
        #[case] signed_for: &str,
        #[case] analyzer: &str,
    ) {
        let endpoints = Endpoints::of(region).unwrap();
        assert_eq!(endpoints.iam.as_str(), iam);
        assert_eq!(endpoints.iam_region, signed_for);
        assert_eq!(endpoints.analyzer.as_str(), analyzer);
    }

    #[test]
    fn a_region_of_another_partition_is_refused_by_its_name() {
        let error = Endpoints::of("us-iso-east-1").unwrap_err().to_string();
        assert!(error.contains("`us-iso-east-1`"), "{error}");
    }
}
