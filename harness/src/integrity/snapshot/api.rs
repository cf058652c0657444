//! HTTP APIs: each with its stages, routes, integrations and authorizers, which
//! are objects of their own, so that what an application adds is no change.

use futures_util::future::try_join_all;
use ringfence_wire::services::ApiGatewayV2;
use serde_json::{Value, json};

use super::SnapshotError;
use super::reader::{Objects, Reader, object, text};

/// A stage that deploys by itself gets a deployment with each change of a route.
const LEFT_OUT: [&str; 6] = [
    "createdDate",
    "lastUpdatedDate",
    "deploymentId",
    "lastDeploymentStatusMessage",
    "apiEndpoint",
    "warnings",
];

/// What belongs to an API: kind, operation, path, and the member with its name.
const PARTS: [(&str, &str, &str, &str); 4] = [
    ("stage", "GetStages", "stages", "stageName"),
    ("route", "GetRoutes", "routes", "routeId"),
    ("integration", "GetIntegrations", "integrations", "integrationId"),
    ("authorizer", "GetAuthorizers", "authorizers", "authorizerId"),
];

pub(super) async fn read(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let apis = reader.list(ApiGatewayV2, "GetApis", json!({}), "items").await?;
    let each = apis.into_iter().map(|api| one(reader, api));
    Ok(try_join_all(each).await?.into_iter().flatten().collect())
}

async fn one(reader: &Reader<'_>, api: Value) -> Result<Objects, SnapshotError> {
    let id = text(&api, "apiId");
    let arn = format!("arn:aws:apigateway:{}::/apis/{id}", reader.region());
    let mut objects = Objects::new();
    let parts = PARTS.map(|(_, operation, ..)| {
        reader.list(ApiGatewayV2, operation, json!({"ApiId": id}), "items")
    });
    let parts = try_join_all(parts).await?;
    for ((kind, _, path, name), parts) in PARTS.into_iter().zip(parts) {
        for part in parts {
            let own = text(&part, name);
            let arns = vec![format!("{arn}/{path}/{own}")];
            // A route is known to people by its key.
            let shown = match text(&part, "routeKey") {
                key if key.is_empty() => format!("{id}/{own}"),
                key => format!("{id}/{own} ({key})"),
            };
            objects.push(object(kind, shown, part, &LEFT_OUT, arns));
        }
    }
    objects.push(object("API", id, api, &LEFT_OUT, vec![arn]));
    Ok(objects)
}
