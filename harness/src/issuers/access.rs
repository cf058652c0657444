//! What tokens for APIs say, kind by kind: the claims that each issuer's
//! documentation lists, so that an authorizer meets what it will meet.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::claims::digits;
use crate::config::IssuerKind;

/// To whom an access token is given.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The client application.
    pub client: String,
    /// The user's login; none for the client-credentials grant, whose tokens
    /// have the client as `sub`.
    pub user: Option<String>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// How long it is good for, in seconds.
    pub lifetime: i64,
}

impl Grant {
    /// A signed-in user.
    pub fn user(login: &str, scopes: &[String]) -> Self {
        Self {
            client: "0oa1ringfence2client".to_owned(),
            user: Some(login.to_owned()),
            scopes: scopes.to_vec(),
            lifetime: 3600,
        }
    }

    /// A machine.
    pub fn machine(client: &str, scopes: &[String]) -> Self {
        Self { client: client.to_owned(), user: None, scopes: scopes.to_vec(), lifetime: 3600 }
    }

    /// Who it is for.
    fn subject(&self) -> &str {
        self.user.as_deref().unwrap_or(&self.client)
    }
}

/// The claim that names the audience. API Gateway looks at `client_id` where there
/// is no `aud`.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>
pub(super) const fn audience_claim(kind: IssuerKind) -> &'static str {
    match kind {
        IssuerKind::Cognito => "client_id",
        _ => "aud",
    }
}

/// The claims of a good token.
pub(super) fn claims(
    kind: IssuerKind,
    grant: &Grant,
    issuer: &str,
    audience: &str,
    now: OffsetDateTime,
) -> Map<String, Value> {
    let issued = now.unix_timestamp();
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), json!(issuer));
    claims.insert("sub".to_owned(), json!(grant.subject()));
    claims.insert("iat".to_owned(), json!(issued));
    claims.insert("exp".to_owned(), json!(issued + grant.lifetime));
    claims.insert(audience_claim(kind).to_owned(), json!(audience));
    let own = match kind {
        IssuerKind::Okta => okta(grant, issued),
        IssuerKind::Auth0 => auth0(grant, issuer, audience),
        IssuerKind::Cognito => cognito(grant, issued),
        IssuerKind::Entra => entra(grant, issued, "2.0"),
        IssuerKind::EntraV1 => entra(grant, issued, "1.0"),
        IssuerKind::Keycloak => keycloak(grant),
        IssuerKind::Google => json!({
            "azp": grant.client, "email": grant.subject(), "email_verified": true,
        }),
        IssuerKind::Custom | IssuerKind::Github | IssuerKind::Oidc => json!({
            "client_id": grant.client, "jti": Uuid::new_v4().to_string(),
            "scope": grant.scopes.join(" "),
        }),
    };
    if let Value::Object(own) = own {
        claims.extend(own);
    }
    claims
}

/// A custom authorization server's.
/// <https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/#access-token-payload>
fn okta(grant: &Grant, issued: i64) -> Value {
    let mut claims = json!({
        "ver": 1, "jti": format!("AT.{}", Uuid::new_v4().simple()),
        "cid": grant.client, "scp": grant.scopes,
    });
    if let (Some(login), Some(members)) = (&grant.user, claims.as_object_mut()) {
        members.insert("uid".to_owned(), json!(format!("00u{}", digits(login, 17))));
        members.insert("auth_time".to_owned(), json!(issued));
    }
    claims
}

/// A user's token is for the API and for Auth0's own endpoint.
/// <https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles>
fn auth0(grant: &Grant, issuer: &str, audience: &str) -> Value {
    let scope = grant.scopes.join(" ");
    match &grant.user {
        Some(_) => json!({
            "aud": [audience, format!("{issuer}userinfo")], "azp": grant.client, "scope": scope,
        }),
        None => json!({"azp": grant.client, "scope": scope, "gty": "client-credentials"}),
    }
}

/// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>
fn cognito(grant: &Grant, issued: i64) -> Value {
    let id = || Uuid::new_v4().to_string();
    let mut claims = json!({
        "token_use": "access", "scope": grant.scopes.join(" "), "auth_time": issued,
        "version": 2, "jti": id(),
    });
    if let (Some(login), Some(members)) = (&grant.user, claims.as_object_mut()) {
        members.insert("username".to_owned(), json!(login));
        members.insert("origin_jti".to_owned(), json!(id()));
        members.insert("event_id".to_owned(), json!(id()));
    }
    claims
}

/// Version 1.0 names the client and the user by other claims than 2.0.
/// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
fn entra(grant: &Grant, issued: i64, version: &str) -> Value {
    let subject = grant.subject();
    let mut claims = json!({
        "nbf": issued, "ver": version, "tid": Uuid::nil().to_string(),
        "oid": format!("00000000-0000-0000-0000-{}", digits(subject, 12)),
        "uti": Uuid::new_v4().simple().to_string(),
    });
    let (client, method, user) = match version {
        "1.0" => ("appid", "appidacr", "upn"),
        _ => ("azp", "azpacr", "preferred_username"),
    };
    if let Some(members) = claims.as_object_mut() {
        members.insert(client.to_owned(), json!(grant.client));
        members.insert(method.to_owned(), json!("1"));
        match &grant.user {
            Some(login) => {
                members.insert("scp".to_owned(), json!(grant.scopes.join(" ")));
                members.insert(user.to_owned(), json!(login));
            }
            // Applications have roles in place of scopes, which API Gateway does not
            // look at.
            None => {
                members.insert("roles".to_owned(), json!(grant.scopes));
            }
        }
    }
    claims
}

/// <https://www.keycloak.org/docs/latest/server_admin/#_oidc_token_claims>
fn keycloak(grant: &Grant) -> Value {
    json!({
        "typ": "Bearer", "azp": grant.client, "acr": "1", "jti": Uuid::new_v4().to_string(),
        "sid": Uuid::new_v4().to_string(), "scope": grant.scopes.join(" "),
        "preferred_username": grant.subject(),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn of(kind: IssuerKind) -> Map<String, Value> {
        let grant = Grant::user("eve@example.com", &["read".into(), "write".into()]);
        claims(kind, &grant, "https://id.example/", "orders", OffsetDateTime::UNIX_EPOCH)
    }

    #[rstest]
    #[case(IssuerKind::Okta, json!("orders"), json!({"scp": ["read", "write"], "ver": 1}))]
    #[case(
        IssuerKind::Auth0,
        json!(["orders", "https://id.example/userinfo"]),
        json!({"scope": "read write"})
    )]
    #[case(
        IssuerKind::Cognito,
        Value::Null,
        json!({"client_id": "orders", "token_use": "access", "scope": "read write"})
    )]
    #[case(IssuerKind::Entra, json!("orders"), json!({"scp": "read write", "ver": "2.0"}))]
    #[case(
        IssuerKind::EntraV1,
        json!("orders"),
        json!({"scp": "read write", "ver": "1.0", "upn": "eve@example.com"})
    )]
    #[case(IssuerKind::Keycloak, json!("orders"), json!({"scope": "read write", "typ": "Bearer"}))]
    #[case(IssuerKind::Google, json!("orders"), json!({"email": "eve@example.com"}))]
    #[case(IssuerKind::Custom, json!("orders"), json!({"scope": "read write"}))]
    fn each_kind_has_its_own_audience_and_scopes(
        #[case] kind: IssuerKind,
        #[case] audience: Value,
        #[case] own: Value,
    ) {
        let claims = of(kind);
        assert_eq!(claims.get("aud").cloned().unwrap_or_default(), audience);
        assert_eq!(claims["iss"], "https://id.example/");
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(0), &json!(3600)));
        for (name, value) in own.as_object().unwrap() {
            assert_eq!(&claims[name], value, "{name}");
        }
    }
}
