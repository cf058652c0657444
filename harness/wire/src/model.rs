//! The services' models, read from the embedded data once, when first asked
//! for.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::operation::{Kind, Location, Member, Operation, Service};
use crate::route::Routes;

/// What the data says of a service.
#[derive(Debug)]
pub struct Model {
    /// The API's version: `2010-05-08`.
    pub api_version: &'static str,
    /// The namespace of XML answers.
    pub xml_namespace: Option<&'static str>,
    /// `X-Amz-Target: PREFIX.Operation`.
    pub target_prefix: Option<&'static str>,
    /// `1.0` or `1.1`, where the service speaks JSON.
    pub json_version: Option<&'static str>,
    /// The errors of the service, by code.
    pub errors: HashMap<&'static str, ErrorModel>,
    /// The operations, by name.
    pub operations: Vec<Operation>,
    by_name: HashMap<&'static str, usize>,
    routes: OnceLock<Routes>,
}

/// An error of a service's model.
#[derive(Debug, Deserialize)]
pub struct ErrorModel {
    /// The HTTP status, where the model has one (usually 400 where not).
    pub status: Option<u16>,
}

#[derive(Deserialize)]
struct RawModel<'a> {
    api_version: &'a str,
    xml_namespace: Option<&'a str>,
    target_prefix: Option<&'a str>,
    json_version: Option<&'a str>,
    #[serde(borrow, default)]
    errors: HashMap<&'a str, ErrorModel>,
    #[serde(borrow)]
    operations: BTreeMap<&'a str, RawOperation<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawOperation<'a> {
    /// EC2: the names of the members alone.
    Names(#[serde(borrow)] Vec<&'a str>),
    Full(#[serde(borrow)] FullOperation<'a>),
}

#[derive(Deserialize)]
struct FullOperation<'a> {
    method: &'a str,
    uri: &'a str,
    status: Option<u16>,
    #[serde(default)]
    unsigned: bool,
    #[serde(default)]
    deprecated: bool,
    #[serde(borrow, default)]
    errors: Vec<&'a str>,
    #[serde(borrow, default)]
    input: BTreeMap<&'a str, RawMember<'a>>,
}

#[derive(Deserialize)]
struct RawMember<'a> {
    r#in: Location,
    name: Option<&'a str>,
    r#type: Kind,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    flattened: bool,
}

impl Model {
    /// The model of a service.
    pub fn of(service: Service) -> &'static Self {
        static MODELS: [OnceLock<Model>; Service::ALL.len()] =
            [const { OnceLock::new() }; Service::ALL.len()];
        #[expect(clippy::indexing_slicing, reason = "one lock for each service")]
        MODELS[service as usize].get_or_init(|| Self::read(service))
    }

    fn read(service: Service) -> Self {
        #[expect(clippy::expect_used, reason = "embedded data, all of it read by a test")]
        let raw: RawModel<'static> =
            serde_json::from_str(data(service)).expect("the embedded model is valid");
        let operations: Vec<Operation> = raw
            .operations
            .into_iter()
            .map(|(name, operation)| operation.named(service, name))
            .collect();
        let by_name = operations.iter().enumerate().map(|(index, op)| (op.name, index)).collect();
        Self {
            api_version: raw.api_version,
            xml_namespace: raw.xml_namespace,
            target_prefix: raw.target_prefix,
            json_version: raw.json_version,
            errors: raw.errors,
            operations,
            by_name,
            routes: OnceLock::new(),
        }
    }

    /// The operation of this name.
    pub fn operation(&'static self, name: &str) -> Option<&'static Operation> {
        self.by_name.get(name).and_then(|index| self.operations.get(*index))
    }

    /// All operations.
    pub(crate) fn all(&'static self) -> &'static [Operation] {
        &self.operations
    }

    /// The operations by method and path.
    pub(crate) fn routes(&'static self) -> &'static Routes {
        self.routes.get_or_init(|| Routes::new(&self.operations))
    }

    /// The service whose query API has this version.
    pub(crate) fn service_of_version(version: &str) -> Option<Service> {
        [Service::Iam, Service::Sts, Service::CloudFormation, Service::Ec2]
            .into_iter()
            .find(|service| Self::of(*service).api_version == version)
    }

    /// The service of an `X-Amz-Target` prefix.
    pub(crate) fn service_of_target(prefix: &str) -> Option<Service> {
        [Service::Ssm, Service::Logs, Service::DynamoDb, Service::SecretsManager]
            .into_iter()
            .find(|service| Self::of(*service).target_prefix == Some(prefix))
    }
}

impl RawOperation<'static> {
    fn named(self, service: Service, name: &'static str) -> Operation {
        match self {
            Self::Names(names) => Operation {
                service,
                name,
                method: http::Method::POST,
                uri: "/",
                status: 200,
                unsigned: false,
                deprecated: false,
                members: names
                    .into_iter()
                    .map(|name| Member {
                        name,
                        wire: name,
                        location: Location::Body,
                        kind: Kind::Unknown,
                        required: false,
                        flattened: true,
                    })
                    .collect(),
                errors: Vec::new(),
            },
            Self::Full(full) => Operation {
                service,
                name,
                method: http::Method::from_bytes(full.method.as_bytes())
                    .unwrap_or(http::Method::POST),
                uri: full.uri,
                status: full.status.unwrap_or(200),
                unsigned: full.unsigned,
                deprecated: full.deprecated,
                members: full
                    .input
                    .into_iter()
                    .map(|(name, member)| Member {
                        name,
                        wire: member.name.unwrap_or(name),
                        location: member.r#in,
                        kind: member.r#type,
                        required: member.required,
                        flattened: member.flattened,
                    })
                    .collect(),
                errors: full.errors,
            },
        }
    }
}

const fn data(service: Service) -> &'static str {
    match service {
        Service::ApiGatewayV2 => include_str!("../data/apigatewayv2.json"),
        Service::CloudFormation => include_str!("../data/cloudformation.json"),
        Service::DynamoDb => include_str!("../data/dynamodb.json"),
        Service::Ec2 => include_str!("../data/ec2.json"),
        Service::Iam => include_str!("../data/iam.json"),
        Service::Lambda => include_str!("../data/lambda.json"),
        Service::Logs => include_str!("../data/logs.json"),
        Service::S3 => include_str!("../data/s3.json"),
        Service::SecretsManager => include_str!("../data/secretsmanager.json"),
        Service::Ssm => include_str!("../data/ssm.json"),
        Service::Sts => include_str!("../data/sts.json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_model_is_read_whole() {
        for service in Service::ALL {
            let data: serde_json::Value = serde_json::from_str(data(service)).unwrap();
            let written: Vec<&str> =
                data["operations"].as_object().unwrap().keys().map(String::as_str).collect();
            let read = &Model::of(service).operations;
            assert_eq!(read.len(), written.len(), "{service:?}");
            assert!(written.iter().all(|name| Operation::find(service, name).is_some()));
            for operation in &Model::of(service).operations {
                assert_eq!(operation.service, service);
                assert!(
                    ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"]
                        .contains(&operation.method.as_str())
                );
            }
        }
    }

    #[test]
    fn versions_and_targets_name_their_service() {
        assert_eq!(Model::service_of_version("2011-06-15"), Some(Service::Sts));
        assert_eq!(Model::service_of_target("AmazonSSM"), Some(Service::Ssm));
        assert_eq!(Model::service_of_version("2012-11-05"), None);
    }
}
