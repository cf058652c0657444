//! With which keys of KMS the parameters of Systems Manager are encrypted.

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use super::arns::Arn;
use super::{Directory, read};
use crate::requirements::state::Told;

impl Directory {
    /// The key of a parameter, by ARN; none of one that is no secure string.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(super) async fn parameter_key(
        &self,
        region: &str,
        arn: &Arn<'_>,
    ) -> Result<Told<String>, ServiceError> {
        let Some(name) = arn.resource.strip_prefix("parameter/") else { return Ok(Told::Nothing) };
        // An ARN has lost the slash that a name may begin with. One of a
        // hierarchy has it always.
        let names = match name.contains('/') {
            true => vec![format!("/{name}")],
            false => vec![name.to_owned(), format!("/{name}")],
        };
        let key = format!("ssm\n{}", arn.text);
        let load = async {
            let filter = json!({"Key": "Name", "Option": "Equals", "Values": names});
            let found = self.described_parameters(region, filter).await?;
            Ok(found.into_iter().find_map(|(_, key)| key))
        };
        told(self.encryption_keys.get(&key, load).await)
            .map(|told| told.map_or_else(Told::Unknown, |key| key.map_or(Told::Nothing, Told::Is)))
    }

    /// The secure strings beneath a path: name and key of each.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn parameter_keys(
        &self,
        region: &str,
        path: &str,
        recursive: bool,
    ) -> Result<Told<Vec<(String, String)>>, ServiceError> {
        let option = if recursive { "Recursive" } else { "OneLevel" };
        let filter = json!({"Key": "Path", "Option": option, "Values": [path]});
        let found = told(self.described_parameters(region, filter).await)?;
        let secure = |all: Vec<(String, Option<String>)>| {
            Told::Is(all.into_iter().filter_map(|(name, key)| Some((name, key?))).collect())
        };
        Ok(found.map_or_else(Told::Unknown, secure))
    }

    async fn described_parameters(
        &self,
        region: &str,
        filter: Value,
    ) -> Result<Vec<(String, Option<String>)>, ServiceError> {
        let mut all = Vec::new();
        let mut input = json!({"ParameterFilters": [filter]});
        loop {
            let page =
                self.ask_in(region, Service::Ssm, "DescribeParameters", input.clone()).await?;
            for parameter in read::list(&page, "Parameters") {
                let Some(name) = read::text(parameter, "Name") else { continue };
                let is_secure = read::text(parameter, "Type") == Some("SecureString");
                let key = read::text(parameter, "KeyId").unwrap_or(DEFAULT);
                all.push((name.to_owned(), is_secure.then(|| key.to_owned())));
            }
            match read::text(&page, "NextToken").filter(|token| !token.is_empty()) {
                Some(token) => input = json!({"ParameterFilters": [filter], "NextToken": token}),
                None => return Ok(all),
            }
        }
    }
}

impl Directory {
    /// Whether a parameter is there and of the advanced tier.
    ///
    /// # Errors
    /// That the upstream cannot tell.
    pub(crate) async fn parameter_is_advanced(
        &self,
        region: &str,
        name: &str,
    ) -> Result<bool, ServiceError> {
        let filter = json!({"Key": "Name", "Option": "Equals", "Values": [name]});
        let input = json!({"ParameterFilters": [filter]});
        let page = self.look_up_in(region, Service::Ssm, "DescribeParameters", input).await?;
        let found = page.as_ref().map(|page| read::list(page, "Parameters")).unwrap_or_default();
        Ok(found.iter().any(|parameter| read::text(parameter, "Tier") == Some("Advanced")))
    }
}

/// The key of a secure string that names none
/// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>).
const DEFAULT: &str = "alias/aws/ssm";

/// What the upstream told, or why it did not.
fn told<T>(answer: Result<T, ServiceError>) -> Result<Result<T, String>, ServiceError> {
    match answer {
        Ok(told) => Ok(Ok(told)),
        Err(error) if error.code == "ServiceUnavailable" => Err(error),
        Err(error) => Ok(Err(format!("ssm:DescribeParameters answers {}", error.code))),
    }
}
