//! Values that live elsewhere: SSM parameter types, dynamic references,
//! availability zones. All are read as whoever deploys.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ringfence_wire::{Operation, Service, ServiceError, response};
use serde_json::{Map, Value, json};

use super::error::{internal, validation};
use super::resources::request_id;
use super::template::{Named, SsmNeed, Thing};
use crate::client::Client;
use crate::credentials::Credentials;

/// Reads values as a session.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) client: Client,
    pub(super) credentials: Credentials,
}

/// `ssm:GetParameters` takes this many names.
const BATCH: usize = 10;

impl Reader {
    /// The values of SSM parameters that parameters of the template name.
    ///
    /// # Errors
    /// `ValidationError`, with SSM's own refusal.
    pub(super) async fn ssm(
        &self,
        names: &SsmNeed,
    ) -> Result<BTreeMap<String, String>, ServiceError> {
        let mut found = BTreeMap::new();
        let names: Vec<&String> = names.iter().collect();
        for names in names.chunks(BATCH) {
            let answer = self.get_parameters(names).await.map_err(validation)?;
            for parameter in
                answer.get("Parameters").and_then(Value::as_array).into_iter().flatten()
            {
                let text = |key: &str| parameter.get(key).and_then(Value::as_str);
                if text("Type") == Some("SecureString") {
                    return Err(validation(format!(
                        "Parameters [{}] referenced by template have types not supported by CloudFormation.",
                        text("Name").unwrap_or_default()
                    )));
                }
                if let (Some(name), Some(value)) = (text("Name"), text("Value")) {
                    found.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        Ok(found)
    }

    /// The same properties with their dynamic references resolved.
    ///
    /// # Errors
    /// The reason for the resource's failure.
    pub(super) async fn dynamic(
        &self,
        kind: &str,
        properties: &Map<String, Value>,
    ) -> Result<Map<String, Value>, String> {
        let mut values = BTreeMap::new();
        for (name, value) in properties {
            for reference in found_in(value) {
                if reference.starts_with("ssm-secure:") {
                    return Err(format!(
                        "SSM Secure reference is not supported in: [{kind}/Properties/{name}]"
                    ));
                }
                if let Entry::Vacant(entry) = values.entry(reference) {
                    let text = self.reference(entry.key()).await?;
                    entry.insert(text);
                }
            }
        }
        if values.is_empty() {
            return Ok(properties.clone());
        }
        Ok(properties.iter().map(|(name, value)| (name.clone(), replace(value, &values))).collect())
    }

    async fn reference(&self, reference: &str) -> Result<String, String> {
        let (service, rest) = reference.split_once(':').unwrap_or((reference, ""));
        match service {
            "ssm" => {
                let answer = self.get_parameters(&[&rest.to_owned()]).await?;
                let parameter = answer
                    .pointer("/Parameters/0")
                    .ok_or_else(|| format!("Parameters: [ssm:{rest}] cannot be found."))?;
                if parameter.get("Type").and_then(Value::as_str) == Some("SecureString") {
                    return Err(format!(
                        "Non-secure ssm prefix was used for secure parameter: {rest}"
                    ));
                }
                Ok(parameter.get("Value").and_then(Value::as_str).unwrap_or_default().to_owned())
            }
            "secretsmanager" => self.secret(rest).await,
            other => Err(format!(
                "Invalid dynamic reference service: {other}. Ringfence's CloudFormation resolves ssm and secretsmanager"
            )),
        }
    }

    /// `SECRET-ID:SecretString:KEY:STAGE:VERSION`; an ARN brings colons of its
    /// own.
    async fn secret(&self, rest: &str) -> Result<String, String> {
        let (id, parts) = match rest.find(":SecretString") {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let mut parts = parts.split(':').skip(2);
        let key = parts.next().filter(|text| !text.is_empty());
        let stage = parts.next().filter(|text| !text.is_empty());
        let version = parts.next().filter(|text| !text.is_empty());
        let mut input = json!({"SecretId": id});
        if let Value::Object(members) = &mut input {
            for (name, value) in [("VersionStage", stage), ("VersionId", version)] {
                if let Some(value) = value {
                    members.insert(name.to_owned(), value.into());
                }
            }
        }
        let answer = self
            .call(Service::SecretsManager, "GetSecretValue", input, "AWSSecretsManager")
            .await?;
        let text = answer.get("SecretString").and_then(Value::as_str).unwrap_or_default();
        let Some(key) = key else { return Ok(text.to_owned()) };
        let parsed: Value = serde_json::from_str(text)
            .map_err(|_| format!("Could not parse SecretString JSON of {id}"))?;
        match parsed.get(key) {
            Some(Value::String(value)) => Ok(value.clone()),
            Some(value) => Ok(value.to_string()),
            None => {
                Err("Could not find a value associated with JSONKey in SecretString".to_owned())
            }
        }
    }

    /// Whether everything exists that parameters name.
    ///
    /// # Errors
    /// AWS's sentence about the first that does not, or a service's refusal.
    pub(super) async fn exist(&self, named: &[Named]) -> Result<(), String> {
        for Named { thing, key, id } in named {
            let Some((service, operation, member, sdk_name)) = lookup(*thing) else {
                return Err(format!("nothing here looks up what parameter {key} names"));
            };
            let input = match thing {
                Thing::HostedZone => json!({member: id}),
                _ => json!({member: [id]}),
            };
            let missing = || {
                format!(
                    "Parameter validation failed: parameter value {id} for parameter name {key} does not exist"
                )
            };
            match self.answer(service, operation, input).await {
                Ok(answer) => {
                    let invalid = answer.get("InvalidParameters").and_then(Value::as_array);
                    let is_invalid = invalid.is_some_and(|names| !names.is_empty());
                    // Emulators describe nothing where EC2 knows no such name.
                    if is_invalid || service == Service::Ec2 && !tells(&answer, id) {
                        return Err(missing());
                    }
                }
                Err((error, _)) if names_nothing(&error) => {
                    return Err(missing());
                }
                Err((error, request_id)) => return Err(told(&error, sdk_name, &request_id)),
            }
        }
        Ok(())
    }

    /// The availability zones of the region.
    ///
    /// # Errors
    /// EC2's own refusal, as a `ValidationError`.
    pub(super) async fn zones(&self) -> Result<Vec<String>, ServiceError> {
        let answer = self
            .call(Service::Ec2, "DescribeAvailabilityZones", json!({}), "AmazonEC2")
            .await
            .map_err(|reason| validation(format!("Template error: Fn::GetAZs: {reason}")))?;
        let mut zones: Vec<String> = answer
            .get("availabilityZoneInfo")
            .and_then(|list| list.get("item").or(Some(list)))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|zone| Some(zone.get("zoneName")?.as_str()?.to_owned()))
            .collect();
        zones.sort();
        Ok(zones)
    }

    async fn get_parameters(&self, names: &[&String]) -> Result<Value, String> {
        let input = json!({"Names": names});
        self.call(Service::Ssm, "GetParameters", input, "AWSSimpleSystemsManagement").await
    }

    /// A call whose refusal is told as CloudFormation's own clients tell it.
    async fn call(
        &self,
        service: Service,
        operation: &str,
        input: Value,
        sdk_name: &str,
    ) -> Result<Value, String> {
        let answer = self.answer(service, operation, input).await;
        answer.map_err(|(error, request_id)| told(&error, sdk_name, &request_id))
    }

    /// A service's answer, or its error with the id of the request.
    async fn answer(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, (ServiceError, String)> {
        let without_id = |error| (error, String::new());
        let model = Operation::find(service, operation)
            .ok_or_else(|| without_id(internal(format_args!("no operation {operation}"))))?;
        let answer = self
            .client
            .exchange(&self.credentials, service, operation, input, None)
            .await
            .map_err(without_id)?;
        let id = request_id(&answer);
        response::decode(model, &answer).map_err(|error| (error, id))
    }
}

fn told(error: &ServiceError, sdk_name: &str, request_id: &str) -> String {
    format!(
        "{} (Service: {sdk_name}; Status Code: {}; Error Code: {}; Request ID: {request_id}; Proxy: null)",
        error.message, error.status, error.code
    )
}

/// How a thing is looked up: service, operation, the member that names it, and
/// the service's name in messages.
fn lookup(thing: Thing) -> Option<(Service, &'static str, &'static str, &'static str)> {
    let (operation, member) = match thing {
        Thing::AvailabilityZone => ("DescribeAvailabilityZones", "ZoneName"),
        Thing::Image => ("DescribeImages", "ImageId"),
        Thing::Instance => ("DescribeInstances", "InstanceId"),
        Thing::KeyPair => ("DescribeKeyPairs", "KeyName"),
        Thing::SecurityGroupName => ("DescribeSecurityGroups", "GroupName"),
        Thing::SecurityGroup => ("DescribeSecurityGroups", "GroupId"),
        Thing::Subnet => ("DescribeSubnets", "SubnetId"),
        Thing::Volume => ("DescribeVolumes", "VolumeId"),
        Thing::Vpc => ("DescribeVpcs", "VpcId"),
        Thing::SsmParameter => {
            return Some((Service::Ssm, "GetParameters", "Names", "AWSSimpleSystemsManagement"));
        }
        Thing::HostedZone => {
            return Some((Service::of("route53")?, "GetHostedZone", "Id", "AmazonRoute53"));
        }
    };
    Some((Service::Ec2, operation, member, "AmazonEC2"))
}

/// Whether an error says that there is no such thing.
fn names_nothing(error: &ServiceError) -> bool {
    let code = error.code.as_ref();
    let is_of_ec2 = code.ends_with(".NotFound")
        || code.ends_with(".Malformed")
        || code == "InvalidParameterValue";
    code == "NoSuchHostedZone" || (error.status == 400 && is_of_ec2)
}

/// Whether an answer tells of what was asked for.
fn tells(answer: &Value, id: &str) -> bool {
    match answer {
        Value::String(text) => text == id,
        Value::Array(items) => items.iter().any(|item| tells(item, id)),
        Value::Object(members) => members.values().any(|member| tells(member, id)),
        _ => false,
    }
}

/// The dynamic references in a value, without their braces.
fn found_in(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text
            .split("{{resolve:")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once("}}")?.0.to_owned()))
            .collect(),
        Value::Array(items) => items.iter().flat_map(found_in).collect(),
        Value::Object(map) => map.values().flat_map(found_in).collect(),
        _ => Vec::new(),
    }
}

fn replace(value: &Value, values: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => {
            let mut text = text.clone();
            for (reference, value) in values {
                text = text.replace(&format!("{{{{resolve:{reference}}}}}"), value);
            }
            Value::String(text)
        }
        Value::Array(items) => items.iter().map(|item| replace(item, values)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), replace(value, values))).collect()
        }
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thing_is_looked_up_by_a_member_that_there_is() {
        let things = [
            Thing::AvailabilityZone,
            Thing::Image,
            Thing::Instance,
            Thing::KeyPair,
            Thing::SecurityGroupName,
            Thing::SecurityGroup,
            Thing::Subnet,
            Thing::Volume,
            Thing::Vpc,
            Thing::SsmParameter,
            Thing::HostedZone,
        ];
        for thing in things {
            let (service, operation, member, _) = lookup(thing).unwrap();
            let model = Operation::find(service, operation).unwrap();
            assert!(model.member(member).is_some(), "{thing:?}");
        }
    }
}
