//! Attacks on the HTTP API with tokens: every route, every way in which a
//! token can be bad.

use std::time::Instant;

use reqwest::header::{AUTHORIZATION, HOST, HeaderValue};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};
use url::Url;

use super::facts::{Facts, RouteFacts};
use super::finding::{Companions, Finding, Road, Scope, Verdict};
use crate::issuers::{
    Issuer, IssuerError, OktaGrant, SigningKey, hmac_with_public_key, unsigned, with_payload,
};

const TOKEN: &str = "no call without a valid token";
const SCOPE: &str = "no call without one of the route's scopes";
const AUTHORIZER: &str = "every route is behind the authorizer";
const ROTATION: &str = "the issuer's keys rotate";
const CLAIMS: &str = "a valid token reaches its function";

/// Who calls, in the reports.
const CLIENT: &str = "client";

/// The HTTP API with an issuer whose keys are ours.
#[derive(Debug)]
pub struct Gateway<'a> {
    /// The deployed state.
    pub facts: &'a Facts,
    /// Who issues the tokens.
    pub issuer: &'a Issuer,
    /// Another issuer, whose tokens the API must not take.
    pub stranger: &'a Issuer,
    /// Where the guard answers.
    pub endpoint: &'a Url,
    /// What makes the requests.
    pub http: reqwest::Client,
}

/// How a request carries its token.
enum Carried {
    Nothing,
    Header(String),
    Headers(Vec<String>),
    Query(String),
}

impl Carried {
    fn bearer(token: impl std::fmt::Display) -> Self {
        Self::Header(format!("Bearer {token}"))
    }
}

/// What the API answered.
#[derive(Debug, Clone, PartialEq)]
struct Answered {
    status: u16,
    body: Value,
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.body)
    }
}

impl Gateway<'_> {
    /// Runs all token attacks.
    ///
    /// # Errors
    /// When a token cannot be made or the API does not answer.
    pub async fn run(&self) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        // No route, no attack: that must not pass for a guard rail that holds.
        anyhow::ensure!(!self.facts.routes.is_empty(), "API {} has no route", self.facts.api_id);
        for route in &self.facts.routes {
            findings.push(guarded(route));
            findings.push(self.valid(route).await?);
            for case in self.cases(route)? {
                findings.push(self.refused(route, case).await?);
            }
        }
        if let Some(route) = self.facts.routes.first() {
            findings.extend(self.rotation(route).await?);
        }
        Ok(findings)
    }

    fn claims(&self, route: &RouteFacts) -> Map<String, Value> {
        let grant = OktaGrant::user("probe@example.com", &route.scopes);
        self.issuer.okta_claims(&grant, OffsetDateTime::now_utc())
    }

    /// Every way in which a token can be bad.
    fn cases(&self, route: &RouteFacts) -> Result<Vec<Case>, IssuerError> {
        let good = || self.claims(route);
        let now = OffsetDateTime::now_utc();
        let at = |offset: Duration| json!((now + offset).unix_timestamp());
        let with = |changes: &[(&str, Option<Value>)]| {
            let mut claims = good();
            for (name, value) in changes {
                match value {
                    Some(value) => claims.insert((*name).to_owned(), value.clone()),
                    None => claims.remove(*name),
                };
            }
            claims
        };
        let signed = |changes: &[(&str, Option<Value>)]| self.issuer.sign(&with(changes));
        let stranger = SigningKey::generate()?;
        let valid = self.issuer.sign(&good())?;
        let mut bigger = good();
        bigger.insert("sub".into(), json!("admin@example.com"));
        let unauthorized = |name, title, carried| Case {
            name,
            guard_rail: TOKEN,
            title,
            carried,
            expected: Answered { status: 401, body: json!({"message": "Unauthorized"}) },
        };
        let bearer = |name, title, token: String| unauthorized(name, title, Carried::bearer(token));
        let mut cases = vec![
            unauthorized("no-token", "without a token", Carried::Nothing),
            unauthorized("empty-token", "with an empty token", Carried::Header("Bearer ".into())),
            bearer("malformed", "with something that is no token", "not.a.token".into()),
            bearer("truncated", "with half a token", valid.chars().take(40).collect()),
            unauthorized("basic", "with another scheme", Carried::Header(format!("Basic {valid}"))),
            unauthorized(
                "token-in-query",
                "with a token in the query",
                Carried::Query(valid.clone()),
            ),
            unauthorized(
                "two-headers",
                "with two Authorization headers",
                Carried::Headers(vec![format!("Bearer {valid}"), "Bearer x.y.z".into()]),
            ),
            bearer(
                "expired",
                "with an expired token",
                signed(&[
                    ("iat", Some(at(Duration::hours(-2)))),
                    ("exp", Some(at(Duration::hours(-1)))),
                ])?,
            ),
            bearer(
                "not-yet-valid",
                "with a token that is not yet valid",
                signed(&[("nbf", Some(at(Duration::hours(1))))])?,
            ),
            bearer(
                "issued-in-future",
                "with a token from the future",
                signed(&[("iat", Some(at(Duration::hours(1))))])?,
            ),
            bearer(
                "wrong-issuer",
                "with a token that names another issuer",
                signed(&[("iss", Some(json!("https://evil.example.com/oauth2/default")))])?,
            ),
            bearer(
                "issuer-slash",
                "with a token whose issuer ends in a slash",
                signed(&[("iss", Some(json!(format!("{}/", self.facts.issuer))))])?,
            ),
            bearer(
                "other-issuers-token",
                "with a good token of an issuer that the API does not trust",
                self.stranger.sign(&with(&[("iss", Some(json!(self.stranger.url)))]))?,
            ),
            bearer(
                "wrong-audience",
                "with a token for somebody else",
                signed(&[("aud", Some(json!("api://other")))])?,
            ),
            bearer("no-audience", "with a token for nobody", signed(&[("aud", None)])?),
            bearer(
                "unknown-key",
                "with a token of an unknown key",
                self.issuer.sign_with_foreign_key(&stranger, false, &good())?,
            ),
            bearer(
                "foreign-key",
                "with a token of another key under the issuer's key id",
                self.issuer.sign_with_foreign_key(&stranger, true, &good())?,
            ),
            bearer("alg-none", "with an unsigned token", unsigned(&good())),
            bearer(
                "hs256-public-key",
                "with a token signed by HMAC with the public key",
                hmac_with_public_key(self.issuer, &good()),
            ),
            bearer(
                "tampered",
                "with a token whose claims were changed",
                with_payload(&valid, &bigger),
            ),
        ];
        if !route.scopes.is_empty() {
            for (name, title, scopes) in [
                ("no-scope", "with a token without scopes", vec![]),
                ("other-scope", "with a token of other scopes", vec!["ringfence-other".to_owned()]),
            ] {
                let grant = OktaGrant::user("probe@example.com", &scopes);
                let token = self.issuer.sign(&self.issuer.okta_claims(&grant, now))?;
                cases.push(Case {
                    name,
                    guard_rail: SCOPE,
                    title,
                    carried: Carried::bearer(token),
                    expected: Answered { status: 403, body: json!({"message": "Forbidden"}) },
                });
            }
        }
        Ok(cases)
    }

    async fn fetch(&self, route: &RouteFacts, carried: &Carried) -> anyhow::Result<Answered> {
        let (method, path) = request_of(&route.route_key);
        let mut url = self.endpoint.join(&path)?;
        if let Carried::Query(token) = carried {
            url.query_pairs_mut().append_pair("Authorization", token);
        }
        let host = format!("{}.execute-api.{}.amazonaws.com", self.facts.api_id, self.facts.region);
        let mut request = self.http.request(method.parse()?, url).header(HOST, host);
        let values: &[String] = match carried {
            Carried::Header(value) => std::slice::from_ref(value),
            Carried::Headers(values) => values,
            Carried::Nothing | Carried::Query(_) => &[],
        };
        for value in values {
            let mut value = HeaderValue::from_str(value)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answered { status, body })
    }

    /// A bad token is refused, and a good one beside it is not.
    async fn refused(&self, route: &RouteFacts, case: Case) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let observed = self.fetch(route, &case.carried).await?;
        let token = self.issuer.sign(&self.claims(route))?;
        let twin = self.fetch(route, &Carried::bearer(token)).await?;
        let verdict = match (observed == case.expected, twin.status) {
            (false, _) => Verdict::Failed,
            (true, 200) => Verdict::Held,
            (true, _) => Verdict::Inconclusive,
        };
        let note = match verdict {
            Verdict::Inconclusive => format!("; the valid token's answer: {twin}"),
            _ => String::new(),
        };
        Ok(Finding {
            id: format!("{CLIENT}/{}/{}", case.name, route.route_key),
            guard_rail: case.guard_rail,
            identity: CLIENT.into(),
            road: Road::Http,
            scope: Scope::Executed,
            title: format!("{CLIENT} cannot call `{}` {}", route.route_key, case.title),
            expected: case.expected.to_string(),
            observed: format!("{observed}{note}"),
            verdict,
            reason: None,
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration: start.elapsed(),
            request_ids: Vec::new(),
        })
    }

    /// A good token reaches the route's own function, and its claims arrive.
    async fn valid(&self, route: &RouteFacts) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let subject = format!("{}@example.com", uuid::Uuid::new_v4());
        let grant = OktaGrant::user(&subject, &route.scopes);
        let claims = self.issuer.okta_claims(&grant, OffsetDateTime::now_utc());
        let answer = self.fetch(route, &Carried::bearer(self.issuer.sign(&claims)?)).await?;
        let function = route
            .integration_uri
            .split('/')
            .find_map(|part| part.split_once(":function:"))
            .map_or("", |(_, name)| name);
        let text = answer.body.to_string();
        let reached = answer.status == 200
            && text.contains(&format!("\"{subject}\""))
            && text.contains(&format!("\"{function}\""));
        Ok(Finding {
            id: format!("{CLIENT}/valid/{}", route.route_key),
            guard_rail: CLAIMS,
            identity: CLIENT.into(),
            road: Road::Http,
            scope: Scope::Executed,
            title: format!("a valid token reaches `{function}` by `{}`", route.route_key),
            expected: format!("200 from `{function}`, naming the token's subject"),
            observed: if reached {
                format!("200 from `{function}`, naming the token's subject")
            } else {
                answer.to_string()
            },
            verdict: if reached { Verdict::Held } else { Verdict::Failed },
            reason: None,
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration: start.elapsed(),
            request_ids: Vec::new(),
        })
    }

    /// After a rotation both keys serve; once the old one is withdrawn, its
    /// tokens are refused.
    async fn rotation(&self, route: &RouteFacts) -> anyhow::Result<Vec<Finding>> {
        let old = self.issuer.sign(&self.claims(route))?;
        self.issuer.rotate()?;
        let new = self.issuer.sign(&self.claims(route))?;
        let mut findings = Vec::new();
        let mut expect = async |name, title: &str, token: &str, status: u16| {
            let start = Instant::now();
            let answer = self.fetch(route, &Carried::bearer(token)).await?;
            findings.push(Finding {
                id: format!("{CLIENT}/{name}/{}", route.route_key),
                guard_rail: ROTATION,
                identity: CLIENT.into(),
                road: Road::Http,
                scope: Scope::Executed,
                title: title.into(),
                expected: status.to_string(),
                observed: answer.status.to_string(),
                verdict: if answer.status == status { Verdict::Held } else { Verdict::Failed },
                reason: None,
                companions: Companions::default(),
                decided_by: Vec::new(),
                duration: start.elapsed(),
                request_ids: Vec::new(),
            });
            anyhow::Ok(())
        };
        expect("new-key", "a token of the new key is accepted", &new, 200).await?;
        expect("old-key", "a token of the old key is accepted meanwhile", &old, 200).await?;
        self.issuer.retire();
        expect("withdrawn-key", "a token of a withdrawn key is refused", &old, 401).await?;
        expect("remaining-key", "the new key serves on", &new, 200).await?;
        Ok(findings)
    }
}

/// A way in which a token is bad.
struct Case {
    name: &'static str,
    guard_rail: &'static str,
    title: &'static str,
    carried: Carried,
    expected: Answered,
}

/// The route asks for a token at all.
fn guarded(route: &RouteFacts) -> Finding {
    let held = route.authorization_type == "JWT";
    Finding {
        id: format!("{CLIENT}/route-guarded/{}", route.route_key),
        guard_rail: AUTHORIZER,
        identity: CLIENT.into(),
        road: Road::Http,
        scope: Scope::Executed,
        title: format!("`{}` is behind the authorizer", route.route_key),
        expected: "JWT".into(),
        observed: route.authorization_type.clone(),
        verdict: if held { Verdict::Held } else { Verdict::Failed },
        reason: None,
        companions: Companions::default(),
        decided_by: Vec::new(),
        duration: std::time::Duration::ZERO,
        request_ids: Vec::new(),
    }
}

/// A method and path that the route takes: `GET /a/{proxy+}` is `GET`,
/// `/a/ringfence`.
fn request_of(route_key: &str) -> (String, String) {
    let Some((method, path)) = route_key.split_once(' ') else {
        return ("GET".into(), "/ringfence".into());
    };
    let method = if method == "ANY" { "GET" } else { method };
    let segments = path.split('/').map(|segment| match segment.strip_prefix('{') {
        Some(_) => "ringfence",
        None => segment,
    });
    (method.into(), segments.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("GET /a/{proxy+}", "GET", "/a/ringfence")]
    #[case("ANY /a/{id}/b", "GET", "/a/ringfence/b")]
    #[case("POST /", "POST", "/")]
    #[case("$default", "GET", "/ringfence")]
    fn a_route_key_gives_a_request(#[case] key: &str, #[case] method: &str, #[case] path: &str) {
        assert_eq!(request_of(key), (method.to_owned(), path.to_owned()));
    }
}
