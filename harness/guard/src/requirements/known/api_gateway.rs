//! API Gateway v2.

use super::{Known, absent, set};

/// What the keys about custom domains say is the state of a domain, which the
/// mapping does not read: it says of calls about a domain that they are unknown.
const OF_DOMAINS: &str = "custom domains alone have it; calls about one say that it is unknown";

/// The resources whose tags are those of their API or stage.
pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    set(&["aws:ResourceTag/*"]),
    set(&[
        "apigateway:Request/AccessLoggingDestination",
        "apigateway:Request/AccessLoggingFormat",
        "apigateway:Request/ApiKeyRequired",
        "apigateway:Request/ApiName",
        "apigateway:Request/AuthorizerType",
        "apigateway:Request/AuthorizerUri",
        "apigateway:Request/DisableExecuteApiEndpoint",
        "apigateway:Request/EndpointType",
        "apigateway:Request/RouteAuthorizationType",
        "apigateway:Request/StageName",
        "apigateway:Resource/AccessLoggingDestination",
        "apigateway:Resource/AccessLoggingFormat",
        "apigateway:Resource/ApiKeyRequired",
        "apigateway:Resource/ApiName",
        "apigateway:Resource/AuthorizerType",
        "apigateway:Resource/AuthorizerUri",
        "apigateway:Resource/DisableExecuteApiEndpoint",
        "apigateway:Resource/EndpointType",
        "apigateway:Resource/RouteAuthorizationType",
    ]),
    absent(
        &[
            "apigateway:Request/MtlsTrustStoreUri",
            "apigateway:Request/MtlsTrustStoreVersion",
            "apigateway:Request/SecurityPolicy",
            "apigateway:Resource/MtlsTrustStoreUri",
            "apigateway:Resource/MtlsTrustStoreVersion",
            "apigateway:Resource/RoutingMode",
            "apigateway:Resource/SecurityPolicy",
        ],
        OF_DOMAINS,
    ),
    absent(
        &["apigateway:Request/AccessAssociationSource", "apigateway:Request/DomainNameArn"],
        "private custom domains are those of REST APIs, which are not served",
    ),
];

/// Requests to routes with `AWS_IAM`.
pub(super) const INVOKE: &[Known] =
    &[absent(&["execute-api:viaDomainArn"], "APIs are reached by their own hosts alone")];
