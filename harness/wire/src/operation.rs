//! The operations of the services that the guard knows, from AWS's own API
//! models (`data/`, taken from botocore).

pub use crate::model::{ErrorModel, Model};

/// A service that the guard can identify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Amazon API Gateway, version 2 (HTTP APIs).
    ApiGatewayV2,
    /// AWS CloudFormation.
    CloudFormation,
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon EC2.
    Ec2,
    /// AWS Identity and Access Management.
    Iam,
    /// AWS Lambda.
    Lambda,
    /// Amazon CloudWatch Logs.
    Logs,
    /// Amazon S3.
    S3,
    /// AWS Secrets Manager.
    SecretsManager,
    /// AWS Systems Manager.
    Ssm,
    /// AWS Security Token Service.
    Sts,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 11] = [
        Self::ApiGatewayV2,
        Self::CloudFormation,
        Self::DynamoDb,
        Self::Ec2,
        Self::Iam,
        Self::Lambda,
        Self::Logs,
        Self::S3,
        Self::SecretsManager,
        Self::Ssm,
        Self::Sts,
    ];

    /// The name in the data files: `apigatewayv2`, `cloudformation`, ….
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiGatewayV2 => "apigatewayv2",
            Self::CloudFormation => "cloudformation",
            Self::DynamoDb => "dynamodb",
            Self::Ec2 => "ec2",
            Self::Iam => "iam",
            Self::Lambda => "lambda",
            Self::Logs => "logs",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
            Self::Sts => "sts",
        }
    }

    /// The name in a credential scope, which is also the prefix of the
    /// service's IAM actions: `apigateway` for API Gateway v2.
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::ApiGatewayV2 => "apigateway",
            other => other.name(),
        }
    }
}

/// How a service's requests and replies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Form-encoded `Action=…`, XML back (IAM, STS, CloudFormation).
    Query,
    /// EC2's dialect of the query protocol.
    Ec2,
    /// JSON with `X-Amz-Target` (SSM, Logs, DynamoDB, Secrets Manager).
    Json,
    /// REST with JSON bodies (Lambda, API Gateway v2).
    RestJson,
    /// REST with XML bodies (S3).
    RestXml,
}

impl Service {
    /// The protocol of the service.
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::ApiGatewayV2 | Self::Lambda => Protocol::RestJson,
            Self::CloudFormation | Self::Iam | Self::Sts => Protocol::Query,
            Self::DynamoDb | Self::Logs | Self::SecretsManager | Self::Ssm => Protocol::Json,
            Self::Ec2 => Protocol::Ec2,
            Self::S3 => Protocol::RestXml,
        }
    }

    /// The service's model.
    pub fn model(self) -> &'static Model {
        Model::of(self)
    }
}

/// An operation of a service, from its model.
#[derive(Debug)]
pub struct Operation {
    /// The service.
    pub service: Service,
    /// `CreateRole`, ….
    pub name: &'static str,
    /// The HTTP method.
    pub method: http::Method,
    /// The path's template, with its fixed query part:
    /// `/2015-03-31/functions/{FunctionName}/policy`, `/{Bucket}?tagging`.
    pub uri: &'static str,
    /// The status of a success.
    pub status: u16,
    /// Whether clients send the call without a signature.
    pub unsigned: bool,
    /// Whether the operation has a successor.
    pub deprecated: bool,
    /// The members of the input.
    pub members: Vec<Member>,
    /// The codes of the errors that the model names.
    pub errors: Vec<&'static str>,
}

impl Operation {
    /// The operation of this name, if the service has it.
    pub fn find(service: Service, name: &str) -> Option<&'static Self> {
        Model::of(service).operation(name)
    }

    /// The input's member of this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The member whose value is the whole body, if there is one.
    pub fn payload(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.location == Location::Payload)
    }

    /// The members at a place, with their names on the wire.
    pub(crate) fn members_in(&self, location: Location) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.location == location)
    }

    /// The path of the template, without its fixed query part.
    pub(crate) fn path(&self) -> &'static str {
        self.uri.split_once('?').map_or(self.uri, |(path, _)| path)
    }

    /// The fixed query parameters of the template: `list-type=2`, `tagging`.
    pub(crate) fn fixed_query(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let query = self.uri.split_once('?').map_or("", |(_, query)| query);
        query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

/// A member of an operation's input.
#[derive(Debug)]
pub struct Member {
    /// The name in the model: `FunctionName`.
    pub name: &'static str,
    /// The name on the wire: `authorizationType`, `x-amz-acl`.
    pub wire: &'static str,
    /// Where the member travels.
    pub location: Location,
    /// Its type.
    pub kind: Kind,
    /// Whether a request must have it.
    pub required: bool,
    /// For lists of the query protocol: `NAME.1`, not `NAME.member.1`.
    pub flattened: bool,
}

/// Where a member of the input travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// A label of the path.
    Uri,
    /// The query string.
    QueryString,
    /// A header.
    Header,
    /// All headers of a prefix, as a map.
    Headers,
    /// A field of the body.
    Body,
    /// The whole body.
    Payload,
}

/// The type of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A 32-bit number.
    Integer,
    /// A 64-bit number.
    Long,
    /// Text.
    String,
    /// A moment.
    Timestamp,
    /// Bytes, base64 in JSON.
    Blob,
    /// A list.
    List,
    /// A map.
    Map,
    /// A structure.
    Structure,
    /// Not known: the data names only the members of EC2's operations.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_found_by_service_and_name() {
        let operation = Operation::find(Service::Iam, "CreateRole").unwrap();
        assert_eq!((operation.service, operation.name), (Service::Iam, "CreateRole"));
        assert!(Operation::find(Service::Sts, "CreateRole").is_none());
    }

    #[test]
    fn a_template_is_a_path_and_fixed_query_parameters() {
        let operation = Operation::find(Service::S3, "SelectObjectContent").unwrap();
        assert_eq!(operation.path(), "/{Bucket}/{Key+}");
        assert_eq!(
            operation.fixed_query().collect::<Vec<_>>(),
            [("select", ""), ("select-type", "2")]
        );
    }

    #[test]
    fn members_know_where_they_travel() {
        let operation = Operation::find(Service::ApiGatewayV2, "CreateRoute").unwrap();
        let member = operation.member("AuthorizationType").unwrap();
        assert_eq!((member.wire, member.location), ("authorizationType", Location::Body));
        assert_eq!(operation.member("ApiId").unwrap().location, Location::Uri);
        assert_eq!(operation.status, 201);
    }
}
