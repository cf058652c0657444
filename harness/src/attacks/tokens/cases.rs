//! Every way in which a token can be bad, as data.
//!
//! Who cannot sign as the issuer forges; who can get a token of the issuer's
//! presents one that was meant for something else.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::super::facts::{ApiKind, RouteFacts};
use super::{Carried, FORBIDDEN, Gateway, SCOPE, TOKEN, UNAUTHORIZED};
use crate::config::IssuerKind;
use crate::guard_rail::GuardRail;
use crate::issuers::{
    Grant, Issuer, IssuerError, SigningKey, hmac_with_public_key, unsigned, with_payload,
};

/// A way in which a token is bad.
pub(super) struct Case {
    pub(super) name: Cow<'static, str>,
    pub(super) guard_rail: GuardRail,
    pub(super) title: Cow<'static, str>,
    pub(super) carried: Carried<'static>,
    /// Status and message.
    pub(super) expected: (u16, &'static str),
}

impl Case {
    fn carried(name: &'static str, title: &'static str, carried: Carried<'static>) -> Self {
        let (name, title) = (name.into(), title.into());
        Self { name, guard_rail: TOKEN, title, carried, expected: UNAUTHORIZED }
    }

    fn bearer(name: &'static str, title: &'static str, token: impl std::fmt::Display) -> Self {
        Self::carried(name, title, Carried::bearer(token))
    }
}

type Claims = Map<String, Value>;

/// Good claims with changes; `Null` takes a claim away.
fn with(claims: &Claims, changes: Value) -> Claims {
    let mut claims = claims.clone();
    if let Value::Object(changes) = changes {
        for (name, value) in changes {
            match value {
                Value::Null => claims.remove(&name),
                value => claims.insert(name, value),
            };
        }
    }
    claims
}

impl Gateway<'_> {
    /// Every way in which a token can be bad.
    pub(super) fn cases(&self, route: &RouteFacts) -> Result<Vec<Case>, IssuerError> {
        let (issuer, good) = (self.issuer(route)?, self.claims(route)?);
        let mut cases = carriage(&issuer.sign(&good)?);
        cases.extend(signatures(issuer, &good)?);
        cases.extend(headers(issuer, &good)?);
        cases.extend(self.claimed(route, &good)?);
        cases.extend(self.of_strangers(route, &good)?);
        if !route.scopes.is_empty() {
            cases.extend(self.scopes(route)?);
        }
        if self.facts.api_kind == ApiKind::Rest {
            cases.retain(|case| !is_of_http_apis(&case.name));
            let (name, title) = match route.scopes.is_empty() {
                true => ("access-token", "with an access token of the same user"),
                false => ("identity-token", "with an identity token of the same user"),
            };
            let other = if route.scopes.is_empty() { "access" } else { "id" };
            let other = with(&good, json!({ "token_use": other }));
            cases.push(Case::bearer(name, title, issuer.sign(&other)?));
            for case in &mut cases {
                case.expected = match &*case.name {
                    "expired" | "expired-long-ago" => EXPIRED,
                    _ => UNAUTHORIZED,
                };
            }
        }
        Ok(cases)
    }

    /// Tokens of the issuer's that say something else.
    fn claimed(&self, route: &RouteFacts, good: &Claims) -> Result<Vec<Case>, IssuerError> {
        let now = OffsetDateTime::now_utc();
        let at = |offset: Duration| json!((now + offset).unix_timestamp());
        let (issuer, audience) = self.facts.trusted(route);
        let ours = self.issuer(route)?;
        let to = |audience: Value| {
            let mut claims = Map::new();
            claims.insert(ours.audience_claim().to_owned(), audience);
            Value::Object(claims)
        };
        // AWS compares to the letter: the slash at the end is a part of the name.
        let (slash, otherwise) = match issuer.strip_suffix('/') {
            Some(bare) => ("with a token whose issuer lacks its slash", bare.to_owned()),
            None => ("with a token whose issuer ends in a slash", format!("{issuer}/")),
        };
        let insecure = issuer.replacen("https://", "http://", 1);
        let table = [
            (
                "expired",
                "with an expired token",
                json!({"iat": at(Duration::hours(-2)), "exp": at(Duration::hours(-1))}),
            ),
            (
                "expired-long-ago",
                "with a token of years ago",
                json!({"iat": 1_000_000_000, "exp": 1_000_003_600}),
            ),
            (
                "not-yet-valid",
                "with a token that is not yet valid",
                json!({"nbf": at(Duration::hours(1))}),
            ),
            (
                "issued-in-future",
                "with a token from the future",
                json!({"iat": at(Duration::hours(1))}),
            ),
            (
                "wrong-issuer",
                "with a token that names another issuer",
                json!({"iss": "https://evil.example.com/oauth2/default"}),
            ),
            ("no-issuer", "with a token of no issuer", json!({"iss": null})),
            ("issuer-slash", slash, json!({"iss": otherwise})),
            (
                "issuer-longer",
                "with a token whose issuer only begins right",
                json!({"iss": format!("{issuer}.example.com")}),
            ),
            ("issuer-insecure", "with a token of the issuer without TLS", json!({"iss": insecure})),
            (
                "issuer-capital",
                "with a token whose issuer is in capitals",
                json!({"iss": issuer.to_uppercase()}),
            ),
            ("wrong-audience", "with a token for somebody else", to(json!("api://other"))),
            ("no-audience", "with a token for nobody", to(Value::Null)),
            (
                "audience-longer",
                "with a token whose audience only begins right",
                to(json!(format!("{audience}.example.com"))),
            ),
            (
                "audience-capital",
                "with a token whose audience is in capitals",
                to(json!(audience.to_uppercase())),
            ),
            (
                "other-audiences",
                "with a token for several others",
                json!({"aud": ["api://other", "api://another"]}),
            ),
            ("audience-empty", "with a token for an empty list", json!({"aud": []})),
            // AWS looks at client_id only where there is no aud.
            (
                "audience-by-client",
                "with a token for somebody else whose client is the audience",
                json!({"aud": "api://other", "client_id": audience}),
            ),
            (
                "identity-token",
                "with an identity token of the same user",
                json!({
                    "aud": "0oa1ringfence2client", "scp": null, "scope": null, "nonce": "n",
                }),
            ),
        ];
        let mut cases = Vec::new();
        for (name, title, changes) in table {
            if does_not_apply(name, ours.kind, audience) {
                continue;
            }
            cases.push(Case::bearer(name, title, ours.sign(&with(good, changes))?));
        }
        Ok(cases)
    }

    /// Tokens of the other issuers, whom the API may trust elsewhere.
    fn of_strangers(&self, route: &RouteFacts, good: &Claims) -> Result<Vec<Case>, IssuerError> {
        let mut cases = Vec::new();
        for stranger in self.strangers(route)? {
            let called = stranger.called();
            let theirs = with(good, json!({"iss": stranger.url}));
            for (what, title, token) in [
                (
                    "token",
                    "with a good token of an issuer that it does not trust",
                    stranger.sign(&theirs)?,
                ),
                (
                    "signature",
                    "with another issuer's signature under its issuer's name",
                    stranger.sign(good)?,
                ),
            ] {
                cases.push(Case {
                    name: format!("other-issuers-{what}/{called}").into(),
                    guard_rail: TOKEN,
                    title: format!("{title}: {}", stranger.url).into(),
                    carried: Carried::bearer(token),
                    expected: UNAUTHORIZED,
                });
            }
        }
        Ok(cases)
    }

    /// Tokens without one of the route's scopes.
    fn scopes(&self, route: &RouteFacts) -> Result<Vec<Case>, IssuerError> {
        let now = OffsetDateTime::now_utc();
        let own = route.scopes.first().map_or("", String::as_str);
        let mut table = vec![
            ("no-scope", "with a token without scopes", vec![]),
            ("other-scope", "with a token of other scopes", vec!["ringfence-other".to_owned()]),
            ("scope-longer", "with a scope that only begins right", vec![format!("{own}-admin")]),
            (
                "scope-shorter",
                "with the beginning of a scope",
                vec![own.chars().take(own.chars().count().saturating_sub(1)).collect()],
            ),
            ("scope-capital", "with a scope in capitals", vec![own.to_uppercase()]),
            ("scope-wildcard", "with a wildcard for a scope", vec!["*".to_owned()]),
            ("scope-joined", "with scopes joined by a comma", vec![format!("{own},other")]),
        ];
        let others = self.facts.routes.iter().flat_map(|route| &route.scopes);
        if let Some(foreign) = others.into_iter().find(|scope| !route.scopes.contains(scope)) {
            table.push((
                "scope-of-another-team",
                "with another team's scope",
                vec![foreign.clone()],
            ));
        }
        let mut cases = Vec::new();
        for (name, title, scopes) in table {
            let grant = Grant::user("probe@example.com", &scopes);
            let issuer = self.issuer(route)?;
            let token = issuer.sign(&issuer.access_claims(&grant, now))?;
            cases.push(Case {
                name: name.into(),
                guard_rail: SCOPE,
                title: title.into(),
                carried: Carried::bearer(token),
                expected: FORBIDDEN,
            });
        }
        Ok(cases)
    }
}

/// A user pool's tokens are no longer good.
const EXPIRED: (u16, &str) = (401, "The incoming token has expired");

/// What is no attack on REST APIs: their user pools let each client of the pool in, and of
/// a header that is there twice no page of AWS's says which counts.
fn is_of_http_apis(case: &str) -> bool {
    case.contains("audience") || case.starts_with("two-headers")
}

/// What is no attack on tokens of a kind: Cognito's access tokens name one client
/// and no list, and its identity tokens are good where no scope is asked for, as
/// Google's are the good ones; an audience without letters has no capitals.
fn does_not_apply(case: &str, kind: IssuerKind, audience: &str) -> bool {
    match case {
        "other-audiences" | "audience-empty" => kind == IssuerKind::Cognito,
        "identity-token" => matches!(kind, IssuerKind::Cognito | IssuerKind::Google),
        "audience-capital" => audience.to_uppercase() == audience,
        _ => false,
    }
}

/// Tokens that the issuer never signed.
fn signatures(issuer: &Issuer, good: &Claims) -> Result<Vec<Case>, IssuerError> {
    let stranger = SigningKey::of_a_stranger()?;
    let valid = issuer.sign(good)?;
    let bigger = with(good, json!({"sub": "admin@example.com"}));
    let other = issuer.sign(&bigger)?;
    let cut = valid.rsplit_once('.').map_or("", |(message, _)| message);
    let swapped = other.rsplit_once('.').map_or("", |(_, signature)| signature);
    // A parser that takes the first of two claims, a verifier the last.
    let twice = Value::Object(good.clone()).to_string();
    let twice = twice.replacen('{', "{\"sub\":\"admin@example.com\",", 1);
    let header = valid.split('.').next().unwrap_or_default();
    let twice = format!("{header}.{}.{swapped}", URL_SAFE_NO_PAD.encode(twice));
    let spelt = |alg: &str| {
        let header = json!({"alg": alg, "typ": "JWT", "kid": issuer.current_kid()});
        let text = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(Value::Object(good.clone()).to_string())
        );
        format!("{text}.")
    };
    Ok(vec![
        Case::bearer(
            "unknown-key",
            "with a token of an unknown key",
            issuer.sign_with_foreign_key(stranger, false, good)?,
        ),
        Case::bearer(
            "foreign-key",
            "with a token of another key under the issuer's key id",
            issuer.sign_with_foreign_key(stranger, true, good)?,
        ),
        Case::bearer("alg-none", "with an unsigned token", unsigned(good)),
        Case::bearer("alg-none-capital", "with an unsigned token of `None`", spelt("None")),
        Case::bearer("alg-none-mixed", "with an unsigned token of `nOnE`", spelt("nOnE")),
        Case::bearer("alg-empty", "with a token of no algorithm", spelt("")),
        Case::bearer(
            "hs256-public-key",
            "with a token signed by HMAC with the public key",
            hmac_with_public_key(issuer, good),
        ),
        Case::bearer(
            "tampered",
            "with a token whose claims were changed",
            with_payload(&valid, &bigger),
        ),
        Case::bearer("signature-cut", "with a token without its signature", format!("{cut}.")),
        Case::bearer(
            "signature-swapped",
            "with another token's signature",
            format!("{cut}.{swapped}"),
        ),
        Case::bearer("claims-twice", "with a token that has a claim twice", twice),
    ])
}

/// Headers that would have the verifier look elsewhere for the key, or
/// verify otherwise.
fn headers(issuer: &Issuer, good: &Claims) -> Result<Vec<Case>, IssuerError> {
    let stranger = SigningKey::of_a_stranger()?;
    let kid = issuer.current_kid();
    let forged = |header: Value| stranger.sign(&header, good);
    let issued = |header: Value| issuer.sign_with_header(&header, good);
    Ok(vec![
        Case::bearer(
            "kid-missing",
            "with a token that names no key",
            issued(json!({"alg": "RS256"}))?,
        ),
        Case::bearer(
            "kid-of-another",
            "with a token that names another key than its own",
            issued(json!({"alg": "RS256", "kid": stranger.kid()}))?,
        ),
        Case::bearer(
            "kid-path",
            "with a key id that is a path",
            forged(json!({"alg": "RS256", "kid": "../../../../dev/null"}))?,
        ),
        Case::bearer(
            "kid-query",
            "with a key id that is a query",
            forged(json!({"alg": "RS256", "kid": "x' UNION SELECT 'key"}))?,
        ),
        Case::bearer(
            "kid-list",
            "with a list of key ids",
            forged(json!({"alg": "RS256", "kid": [kid, stranger.kid()]}))?,
        ),
        Case::bearer(
            "key-within",
            "with a token that brings its own key",
            forged(json!({"alg": "RS256", "kid": kid, "jwk": stranger.jwk()}))?,
        ),
        Case::bearer(
            "key-elsewhere",
            "with a token that says where its key is",
            forged(json!({
                "alg": "RS256", "kid": stranger.kid(), "jku": "https://keys.example.com/jwks",
            }))?,
        ),
        Case::bearer(
            "certificate-elsewhere",
            "with a token that says where its certificate is",
            forged(json!({
                "alg": "RS256", "kid": stranger.kid(), "x5u": "https://keys.example.com/x",
            }))?,
        ),
        Case::bearer(
            "critical-extension",
            "with a forged token that calls an extension critical",
            forged(json!({"alg": "RS256", "kid": kid, "crit": ["b64"], "b64": false}))?,
        ),
        Case::bearer(
            "alg-rs512",
            "with a token that names another hash than its signature's",
            issued(json!({"alg": "RS512", "kid": kid}))?,
        ),
        Case::bearer(
            "alg-ps256",
            "with a token that names another padding",
            issued(json!({"alg": "PS256", "kid": kid}))?,
        ),
        Case::bearer(
            "alg-es256",
            "with a token that names a curve",
            issued(json!({"alg": "ES256", "kid": kid}))?,
        ),
        Case::bearer(
            "alg-hs512",
            "with a token that names HMAC",
            issued(json!({"alg": "HS512", "kid": kid}))?,
        ),
    ])
}

/// A good token where it does not belong, and what is no token.
fn carriage(valid: &str) -> Vec<Case> {
    let header = |value: String| Carried::Header(value);
    vec![
        Case::carried("no-token", "without a token", Carried::Nothing),
        Case::carried("empty-token", "with an empty token", header("Bearer ".into())),
        Case::bearer("malformed", "with something that is no token", "not.a.token"),
        Case::bearer("truncated", "with half a token", valid.chars().take(40).collect::<String>()),
        Case::bearer("huge", "with nine thousand letters for a token", "a".repeat(9000)),
        Case::bearer("dots", "with a token of dots", "...."),
        Case::bearer("five-parts", "with an encrypted token", format!("{valid}.e.e")),
        Case::carried("basic", "with another scheme", header(format!("Basic {valid}"))),
        Case::carried(
            "two-tokens",
            "with two tokens in one header",
            header(format!("Bearer {valid} {valid}")),
        ),
        Case::carried(
            "two-headers",
            "with two Authorization headers",
            Carried::Headers(vec![format!("Bearer {valid}"), "Bearer x.y.z".into()]),
        ),
        Case::carried(
            "two-headers-bad-first",
            "with two Authorization headers, the good one last",
            Carried::Headers(vec!["Bearer x.y.z".into(), format!("Bearer {valid}")]),
        ),
        Case::carried(
            "token-in-query",
            "with a token in the query",
            Carried::Query("Authorization", valid.to_owned()),
        ),
        Case::carried(
            "access-token-in-query",
            "with a token in the query, as OAuth once allowed",
            Carried::Query("access_token", valid.to_owned()),
        ),
        Case::carried(
            "token-in-cookie",
            "with a token in a cookie",
            Carried::Elsewhere("cookie", format!("Authorization={valid}")),
        ),
        Case::carried(
            "token-in-other-header",
            "with a token in a header of its own",
            Carried::Elsewhere("x-authorization", format!("Bearer {valid}")),
        ),
        Case::carried(
            "token-for-a-proxy",
            "with a token that is meant for a proxy",
            Carried::Elsewhere("proxy-authorization", format!("Bearer {valid}")),
        ),
    ]
}
