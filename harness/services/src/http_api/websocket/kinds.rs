//! The records of a WebSocket API: what each is called, where it belongs, what it
//! must be given and what it has without being asked.
//! <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid.html>

use serde_json::{Value, json};

/// A kind of record.
#[derive(Debug)]
pub(super) struct Kind {
    /// `Route`, as operations have it: `CreateRoute`, `GetRoutes`.
    pub(super) noun: &'static str,
    /// The member that names one: `RouteId`.
    pub(super) id: &'static str,
    /// The kind that it is a part of, where that is not the API.
    pub(super) parent: Option<&'static str>,
    /// What a creation must say.
    pub(super) required: &'static [&'static str],
    /// Members of which the values are known.
    pub(super) values: &'static [(&'static str, &'static [&'static str])],
}

pub(super) const KINDS: [Kind; 8] = [
    Kind {
        noun: "Authorizer",
        id: "AuthorizerId",
        parent: None,
        required: &["AuthorizerType", "Name", "AuthorizerUri"],
        // "REQUEST": the only one of WebSocket APIs
        // (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-control-access.html>).
        values: &[("AuthorizerType", &["REQUEST"])],
    },
    Kind { noun: "Deployment", id: "DeploymentId", parent: None, required: &[], values: &[] },
    Kind {
        noun: "Integration",
        id: "IntegrationId",
        parent: None,
        required: &["IntegrationType"],
        values: &[
            ("IntegrationType", &["AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"]),
            ("ConnectionType", &["INTERNET", "VPC_LINK"]),
            ("ContentHandlingStrategy", &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]),
            ("PassthroughBehavior", &["WHEN_NO_MATCH", "NEVER", "WHEN_NO_TEMPLATES"]),
        ],
    },
    Kind {
        noun: "IntegrationResponse",
        id: "IntegrationResponseId",
        parent: Some("Integration"),
        required: &["IntegrationResponseKey"],
        values: &[("ContentHandlingStrategy", &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"])],
    },
    Kind { noun: "Model", id: "ModelId", parent: None, required: &["Name", "Schema"], values: &[] },
    Kind {
        noun: "Route",
        id: "RouteId",
        parent: None,
        required: &["RouteKey"],
        values: &[("AuthorizationType", &["NONE", "AWS_IAM", "CUSTOM"])],
    },
    Kind {
        noun: "RouteResponse",
        id: "RouteResponseId",
        parent: Some("Route"),
        required: &["RouteResponseKey"],
        values: &[],
    },
    Kind { noun: "Stage", id: "StageName", parent: None, required: &["StageName"], values: &[] },
];

/// What is done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Get,
    List,
    Update,
    Delete,
}

impl Kind {
    /// What an operation does with which kind.
    pub(super) fn of(operation: &str) -> Option<(Verb, &'static Self)> {
        let named = |noun: &str| KINDS.iter().find(|kind| kind.noun == noun);
        for (prefix, verb) in
            [("Create", Verb::Create), ("Update", Verb::Update), ("Delete", Verb::Delete)]
        {
            if let Some(noun) = operation.strip_prefix(prefix) {
                return Some((verb, named(noun)?));
            }
        }
        let noun = operation.strip_prefix("Get")?;
        match named(noun) {
            Some(kind) => Some((Verb::Get, kind)),
            None => Some((Verb::List, named(noun.strip_suffix('s')?)?)),
        }
    }

    /// What a new record has that its creation did not say (the pages of the
    /// `Create…` operations).
    pub(super) fn defaults(&self, now: &str) -> Value {
        match self.noun {
            "Route" => json!({ "apiKeyRequired": false, "authorizationType": "NONE" }),
            "Integration" => json!({
                "connectionType": "INTERNET", "passthroughBehavior": "WHEN_NO_MATCH",
                "payloadFormatVersion": "1.0", "timeoutInMillis": 29_000,
                "integrationResponseSelectionExpression": "${integration.response.statuscode}",
            }),
            "Deployment" => json!({
                "autoDeployed": false, "createdDate": now, "deploymentStatus": "DEPLOYED",
            }),
            "Stage" => json!({
                "createdDate": now, "lastUpdatedDate": now, "defaultRouteSettings": {},
                "routeSettings": {}, "stageVariables": {}, "tags": {},
            }),
            "Model" => json!({ "contentType": "application/json" }),
            _ => json!({}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_name_what_they_do_with_which_kind() {
        let told = |operation: &str| Kind::of(operation).map(|(verb, kind)| (verb, kind.noun));
        assert_eq!(told("CreateRoute"), Some((Verb::Create, "Route")));
        assert_eq!(told("GetRouteResponses"), Some((Verb::List, "RouteResponse")));
        assert_eq!(told("GetStage"), Some((Verb::Get, "Stage")));
        assert_eq!(told("DeleteIntegrationResponse"), Some((Verb::Delete, "IntegrationResponse")));
        assert_eq!(told("ExportApi"), None);
        assert_eq!(told("GetModelTemplate"), None);
    }
}
