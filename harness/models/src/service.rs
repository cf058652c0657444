//! AWS's services by id.

use std::sync::OnceLock;

use crate::model::Model;
use crate::operation::Operation;
use crate::packed::Place;

/// One of AWS's APIs. Services compare by their ids.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service(u16);

/// How requests and replies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Form-encoded `Action=…`, XML back (IAM, STS, CloudFormation).
    Query,
    /// EC2's dialect of the query protocol.
    Ec2,
    /// JSON with `X-Amz-Target` (SSM, Logs, DynamoDB, Secrets Manager).
    Json,
    /// REST with JSON bodies (Lambda, API Gateway).
    RestJson,
    /// REST with XML bodies (S3, Route 53, CloudFront).
    RestXml,
    /// CBOR at `/service/NAME/operation/OPERATION` (the newest SDKs, to
    /// CloudWatch and others).
    Cbor,
}

/// What the index says of a service.
pub(crate) struct Entry {
    pub(crate) id: &'static str,
    full_name: &'static str,
    sdk_id: &'static str,
    api_versions: &'static [&'static str],
    protocols: &'static [Protocol],
    signing_name: &'static str,
    endpoint_prefix: &'static str,
    iam_prefix: Option<&'static str>,
    target_prefix: Option<&'static str>,
    json_version: Option<&'static str>,
    xml_namespace: Option<&'static str>,
    global_endpoint: Option<&'static str>,
    query_compatible: bool,
    query_path: Option<&'static str>,
    body_limit: Option<usize>,
    pub(crate) place: Place,
}

/// What the index says of an IAM prefix.
pub(crate) struct PrefixEntry {
    pub(crate) prefix: &'static str,
    pub(crate) name: &'static str,
    pub(crate) actions: usize,
    pub(crate) place: Place,
}

/// What the index says of a namespace of resource types.
pub(crate) struct TypesEntry {
    pub(crate) namespace: &'static str,
    pub(crate) place: Place,
}

/// What the index says of some managed policies: the name of the first of them.
pub(crate) struct ManagedEntry {
    pub(crate) first: &'static str,
    pub(crate) place: Place,
}

/// Made by `build.rs`.
pub(crate) mod index {
    use super::{Entry, ManagedEntry, Place, PrefixEntry, Protocol, Service, TypesEntry};

    include!(concat!(env!("OUT_DIR"), "/index.rs"));

    pub(crate) static SERVICES_DATA: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/services.bin"));
    pub(crate) static PREFIXES_DATA: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/actions.bin"));
    pub(crate) static TYPES_DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/types.bin"));
    pub(crate) static MANAGED_DATA: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/managed.bin"));
}

/// The services that the code names. They stand where variants would, in
/// patterns too.
macro_rules! named {
    ($($name:ident = $id:literal),* $(,)?) => {
        #[expect(non_upper_case_globals, reason = "they stand where variants would")]
        impl Service {
            $(#[doc = concat!("The service `", $id, "`.")]
            pub const $name: Self = Self::known($id);)*
        }

        /// The services that the code names, to be imported by their names.
        #[expect(non_upper_case_globals, reason = "they stand where variants would")]
        pub mod services {
            use super::Service;

            $(#[doc = concat!("The service `", $id, "`.")]
            pub const $name: Service = Service::$name;)*
        }
    };
}

named!(
    ApiGateway = "apigateway",
    ApiGatewayV2 = "apigatewayv2",
    CloudFormation = "cloudformation",
    DynamoDb = "dynamodb",
    Ec2 = "ec2",
    Iam = "iam",
    Kms = "kms",
    Lambda = "lambda",
    Logs = "logs",
    S3 = "s3",
    S3Control = "s3control",
    SecretsManager = "secretsmanager",
    Sns = "sns",
    Ssm = "ssm",
    Sts = "sts",
);

impl Service {
    /// How many there are.
    pub const COUNT: usize = index::SERVICES.len();

    /// The service of an id that the code names: one that is not there stops
    /// the build.
    #[expect(clippy::panic, clippy::indexing_slicing, reason = "at compile time alone")]
    #[expect(clippy::cast_possible_truncation, reason = "there are some hundred services")]
    const fn known(id: &str) -> Self {
        let mut position = 0;
        while position < Self::COUNT {
            if same(index::SERVICES[position].id, id) {
                return Self(position as u16);
            }
            position += 1;
        }
        panic!("no service has this id")
    }

    /// Every service, in the order of their ids.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        #[expect(clippy::cast_possible_truncation, reason = "there are some hundred services")]
        (0..Self::COUNT as u16).map(Self)
    }

    /// The service of an id: `sqs`, `apigatewayv2`, `stepfunctions`.
    pub fn of(id: &str) -> Option<Self> {
        let position = index::SERVICES.binary_search_by(|entry| entry.id.cmp(id)).ok()?;
        u16::try_from(position).ok().map(Self)
    }

    /// The services that sign with a name: `rds` is RDS's, Neptune's and
    /// DocumentDB's.
    pub fn by_signing_name(name: &str) -> &'static [Self] {
        find(&index::SIGNING_NAMES, name)
    }

    /// The services whose hosts begin with a prefix: `monitoring`.
    pub fn by_endpoint_prefix(prefix: &str) -> &'static [Self] {
        find(&index::ENDPOINT_PREFIXES, prefix)
    }

    /// The services of an `X-Amz-Target: PREFIX.Operation`.
    pub fn by_target_prefix(prefix: &str) -> &'static [Self] {
        find(&index::TARGET_PREFIXES, prefix)
    }

    /// The services whose actions have a prefix: `states`.
    pub fn by_iam_prefix(prefix: &str) -> &'static [Self] {
        find(&index::IAM_PREFIXES, prefix)
    }

    /// The services whose query API has a version: `2010-05-08`.
    pub fn by_api_version(version: &str) -> &'static [Self] {
        find(&index::VERSIONS, version)
    }

    fn entry(self) -> &'static Entry {
        #[expect(clippy::indexing_slicing, reason = "made by a lookup in the index alone")]
        &index::SERVICES[usize::from(self.0)]
    }

    /// Its place among all, below [`Service::COUNT`].
    pub fn position(self) -> usize {
        usize::from(self.0)
    }

    /// Its id, the one name that it has everywhere.
    pub fn name(self) -> &'static str {
        self.entry().id
    }

    /// Its name for people: `Amazon Simple Queue Service`.
    pub fn full_name(self) -> &'static str {
        self.entry().full_name
    }

    /// Its name in the SDKs: `API Gateway`.
    pub fn sdk_id(self) -> &'static str {
        self.entry().sdk_id
    }

    /// The versions of its API, the newest first.
    pub fn api_versions(self) -> &'static [&'static str] {
        self.entry().api_versions
    }

    /// The newest version of its API, which the model is of.
    pub fn api_version(self) -> &'static str {
        self.entry().api_versions.first().copied().unwrap_or_default()
    }

    /// The protocols that it speaks, the one that new SDKs prefer first.
    pub fn protocols(self) -> &'static [Protocol] {
        self.entry().protocols
    }

    /// The protocol of a request that does not tell: the first of them that is
    /// written in text.
    pub fn protocol(self) -> Protocol {
        let mut texts = self.protocols().iter().filter(|protocol| **protocol != Protocol::Cbor);
        texts.next().copied().unwrap_or(Protocol::Cbor)
    }

    /// The name in a credential scope: `apigateway` for API Gateway v2.
    pub fn signing_name(self) -> &'static str {
        self.entry().signing_name
    }

    /// What its hosts begin with.
    pub fn endpoint_prefix(self) -> &'static str {
        self.entry().endpoint_prefix
    }

    /// What the service's ARNs have in a variable for a word of an input.
    pub fn word_in_arns(self, variable: &str, text: &str) -> Option<&'static str> {
        self.model().rules.word(variable, text)
    }

    /// The prefix of its IAM actions; nothing where none is known.
    pub fn iam_prefix(self) -> Option<&'static str> {
        self.entry().iam_prefix
    }

    /// `X-Amz-Target: PREFIX.Operation`.
    pub fn target_prefix(self) -> Option<&'static str> {
        self.entry().target_prefix
    }

    /// `1.0` or `1.1`, where it speaks JSON.
    pub fn json_version(self) -> Option<&'static str> {
        self.entry().json_version
    }

    /// The namespace of its XML.
    pub fn xml_namespace(self) -> Option<&'static str> {
        self.entry().xml_namespace
    }

    /// The one host of a global service.
    pub fn global_endpoint(self) -> Option<&'static str> {
        self.entry().global_endpoint
    }

    /// Whether its errors keep the codes of the query protocol that it spoke
    /// once (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#x-amzn-query-error-header>).
    pub fn query_compatible(self) -> bool {
        self.entry().query_compatible
    }

    /// The member whose URL requests of the query protocol may be sent to.
    pub fn query_path(self) -> Option<&'static str> {
        self.entry().query_path
    }

    /// The most bytes that the body of a request may have, where it is not the
    /// usual.
    pub fn body_limit(self) -> Option<usize> {
        self.entry().body_limit
    }

    /// Operations, errors and shapes.
    pub fn model(self) -> &'static Model {
        static MODELS: [OnceLock<Model>; Service::COUNT] =
            [const { OnceLock::new() }; Service::COUNT];
        #[expect(clippy::indexing_slicing, reason = "one lock for each service")]
        MODELS[self.position()]
            .get_or_init(|| Model::read(self, self.entry().place.unpack(index::SERVICES_DATA)))
    }

    /// The operation of this name.
    pub fn operation(self, name: &str) -> Option<&'static Operation> {
        self.model().operation(name)
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

fn find(table: &'static [(&'static str, &'static [Service])], key: &str) -> &'static [Service] {
    match table.binary_search_by(|(known, _)| (*known).cmp(key)) {
        Ok(position) => table.get(position).map_or(&[], |(_, services)| services),
        Err(_) => &[],
    }
}

#[expect(clippy::indexing_slicing, reason = "both are of one length")]
const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut position = 0;
    while position < one.len() {
        if one[position] != other[position] {
            return false;
        }
        position += 1;
    }
    true
}
