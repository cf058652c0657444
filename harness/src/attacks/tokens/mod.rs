//! Attacks on the APIs by their clients: every route, every way in which a token can be
//! bad.
//!
//! - [`cases`]: the ways, as data;
//! - [`functions`]: routes about which a function decides;
//! - [`keys`]: those that ask for an API key;
//! - [`signed`]: those that ask for a signature;
//! - [`shown`]: findings, put together;
//! - [`taken`]: a request that a route takes, and no other;
//! - [`mirror`]: a copy of the routes without the guard rail, for the mutants.

mod cases;
mod functions;
mod keys;
mod mirror;
mod shown;
mod signed;
mod taken;

use std::collections::BTreeSet;
use std::time::Instant;

use reqwest::header::{AUTHORIZATION, HOST, HeaderValue};
use ringfence_guard::Guard;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use url::Url;

use self::cases::Case;
use self::functions::{MADE_UP_IDENTITY, NO_IDENTITY, Place, asks_for_identity};
use self::mirror::Mirror;
use self::shown::Shown;
use super::actor::Actor;
use super::facts::{ApiKind, DEFAULT_STAGE, Facts, RouteFacts};
use super::finding::{Companion, Companions, Finding, Road, Scope, Traces, Untried, Verdict};
use super::lack::Lack;
use super::suite::Selected;
use crate::guard_rail::GuardRail;
use crate::issuers::{Grant, Issuer, IssuerError};

const TOKEN: GuardRail = GuardRail::Tokens;
const SCOPE: GuardRail = GuardRail::Scopes;
const AUTHORIZER: GuardRail = GuardRail::Routes;
const ROTATION: GuardRail = GuardRail::Rotation;
const CLAIMS: GuardRail = GuardRail::Claims;

/// What becomes of keys, in order.
const ROTATIONS: [&str; 4] = ["new-key", "old-key", "withdrawn-key", "remaining-key"];

const UNAUTHORIZED: (u16, &str) = (401, "Unauthorized");
const FORBIDDEN: (u16, &str) = (403, "Forbidden");

/// Who calls, in the reports.
const CLIENT: &str = "client";

/// The HTTP API with the issuers, whose keys are ours.
#[derive(Debug)]
pub struct Gateway<'a> {
    /// The deployed state.
    pub facts: &'a Facts,
    /// The routes that are attacked.
    pub routes: Vec<&'a RouteFacts>,
    /// Who issues tokens: for each route one whose tokens are good there, while
    /// those of the others must not be taken.
    pub issuers: &'a [Issuer],
    /// The guard, whose journal tells which functions were called.
    pub guard: &'a Guard,
    /// Where it answers.
    pub endpoint: &'a Url,
    /// What makes the requests.
    pub http: reqwest::Client,
    /// The platform team, which makes the copies without guard rails.
    pub platform: &'a Actor,
    /// A role without policies, where a route asks for signatures.
    pub nobody: Option<&'a Actor>,
}

/// How a request carries its token.
enum Carried<'r> {
    Nothing,
    Header(String),
    Headers(Vec<String>),
    /// In a query parameter.
    Query(&'static str, String),
    /// In another header.
    Elsewhere(&'static str, String),
    /// Values where a function looks for them.
    Identity(Vec<(Place<'r>, &'static str)>),
    /// Signed by somebody.
    Signed(&'r Actor),
}

impl Carried<'_> {
    fn bearer(token: impl std::fmt::Display) -> Self {
        Self::Header(format!("Bearer {token}"))
    }
}

/// What the API answered.
#[derive(Debug, Clone)]
struct Answered {
    status: u16,
    body: Value,
    request_id: Option<String>,
    /// Whether the authorizer let it through, as the guard's journal says; none where
    /// it does not say. A function may answer as the gateway does who refuses, or
    /// finds no route.
    let_in: Option<bool>,
}

impl Answered {
    /// Whether the authorizer let it through, whatever the integration made of it.
    fn was_let_in(&self) -> bool {
        self.let_in == Some(true)
    }

    /// Whether the gateway itself refused it.
    fn was_refused(&self) -> bool {
        self.let_in == Some(false) && matches!(self.status, 401 | 403)
    }

    /// Whether it is an answer of the gateway's own.
    fn is(&self, (status, message): (u16, &str)) -> bool {
        let said = self.status == status && self.body == json!({"message": message});
        said && self.let_in == Some(false)
    }
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.body)?;
        match (self.let_in, self.status) {
            (Some(true), 401 | 403 | 404) => {
                f.write_str(", which the integration answered: the request was let in")
            }
            (None, _) => f.write_str(", and the journal does not say who answered"),
            _ => Ok(()),
        }
    }
}

impl Gateway<'_> {
    /// Runs all token attacks.
    ///
    /// # Errors
    /// When a token cannot be made or the API does not answer.
    pub async fn run(&self, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        // Where nothing decides that a client carries, there is nothing to show by a copy.
        let tried: Vec<&RouteFacts> = self
            .routes
            .iter()
            .copied()
            .filter(|route| self.shadowed(route).is_none())
            .filter(|route| is_tried_apart(route) || self.untried(route).is_none())
            .collect();
        let mirror = Mirror::of(self.facts, &tried, self.platform);
        if tried.is_empty() {
            self.attack(&mirror, selected, &mut findings).await?;
            return Ok(findings);
        }
        let made = mirror.make().await;
        let result = match &made {
            Ok(()) => self.attack(&mirror, selected, &mut findings).await,
            Err(_) => Ok(()),
        };
        let removed = mirror.remove().await;
        made?;
        result?;
        removed?;
        Ok(findings)
    }

    async fn attack(
        &self,
        mirror: &Mirror<'_>,
        selected: Selected<'_>,
        findings: &mut Vec<Finding>,
    ) -> anyhow::Result<()> {
        for &route in &self.routes {
            if let Some(shadowed) = self.shadowed(route) {
                findings.extend(Some(shadowed).filter(|shadowed| selected(&shadowed.id)));
                continue;
            }
            if asks_for_identity(route) {
                findings.extend(self.at_function(route, mirror, selected).await?);
                continue;
            }
            if asks_for_signature(route) {
                findings.extend(self.at_signed(route, mirror, selected).await?);
                continue;
            }
            if asks_for_key(route) {
                findings.extend(self.at_key(route, mirror, selected).await?);
                continue;
            }
            if let Some(untried) = self.untried(route) {
                findings.extend(Some(untried).filter(|untried| selected(&untried.id)));
                continue;
            }
            let canary = self.canary(route).await?;
            if selected(&id("route-guarded", route)) {
                findings.push(self.guarded(route, mirror, &canary).await?);
            }
            if selected(&id("valid", route)) {
                findings.push(self.valid(route).await?);
            }
            for case in self.cases(route)?.iter().filter(|case| selected(&id(&case.name, route))) {
                findings.push(self.refused(route, case, mirror, &canary).await?);
            }
        }
        for route in self.rotating() {
            if ROTATIONS.iter().any(|name| selected(&id(name, route))) {
                // One story: it is told to its end.
                findings.extend(self.rotation(route).await?);
            }
        }
        Ok(())
    }

    /// The findings' ids.
    ///
    /// # Errors
    /// When no token can be made.
    pub fn ids(&self) -> Result<Vec<String>, IssuerError> {
        let mut ids = Vec::new();
        for &route in &self.routes {
            if let Some(shadowed) = self.shadowed(route) {
                ids.push(shadowed.id);
                continue;
            }
            if asks_for_identity(route) {
                ids.extend([NO_IDENTITY, MADE_UP_IDENTITY].map(|name| id(name, route)));
                continue;
            }
            if asks_for_signature(route) {
                ids.extend(signed::NAMES.map(|name| id(name, route)));
                continue;
            }
            if asks_for_key(route) {
                ids.extend(keys::NAMES.map(|name| id(name, route)));
                continue;
            }
            if let Some(untried) = self.untried(route) {
                ids.push(untried.id);
                continue;
            }
            ids.extend([id("route-guarded", route), id("valid", route)]);
            ids.extend(self.cases(route)?.iter().map(|case| id(&case.name, route)));
        }
        for route in self.rotating() {
            ids.extend(ROTATIONS.map(|name| id(name, route)));
        }
        Ok(ids)
    }

    /// What is told of a route of which no request can be made that it takes: what
    /// another one answers says nothing about it.
    fn shadowed(&self, route: &RouteFacts) -> Option<Finding> {
        let other = self.request_to(route).err()?;
        let reason = format!(
            "`{other}` takes its requests: nothing that was tried reaches `{}`",
            route.route_key
        );
        Some(untried(route, Verdict::Inconclusive, reason))
    }

    /// A method and path that a route takes, or the key of the route that takes them.
    fn request_to(&self, route: &RouteFacts) -> Result<(String, String), String> {
        taken::request_to(route, &self.facts.routes, self.facts.api_kind)
    }

    /// What is told of a route where no token decides anything, or none can be made.
    fn untried(&self, route: &RouteFacts) -> Option<Finding> {
        let told = |verdict, reason: String| Some(untried(route, verdict, reason));
        let (trusted, _) = self.facts.trusted(route);
        match route.authorization_type.as_str() {
            "COGNITO_USER_POOLS" if self.trusts_ours(route) => None,
            "JWT" if self.issuer(route).is_ok() => None,
            "JWT" | "COGNITO_USER_POOLS" => told(
                Verdict::NotRun,
                format!("no `[[issuers]]` of the configuration has the url `{trusted}`"),
            ),
            // A token can be tried where another route's would be good.
            "NONE"
                if self.facts.api_kind == ApiKind::Http
                    && self.issuer(route).is_ok()
                    && self.facts.has(Lack::Authorizer) =>
            {
                None
            }
            "NONE" => told(Verdict::Failed, "its authorization is NONE".to_owned()),
            "CUSTOM" => told(
                Verdict::NotRun,
                "its authorizer's function looks at nothing that a request carries by itself"
                    .to_owned(),
            ),
            other => told(
                Verdict::NotApplicable,
                format!("its authorization is {other}, and no token opens it"),
            ),
        }
    }

    /// The first route of each issuer: there its keys rotate.
    fn rotating(&self) -> Vec<&RouteFacts> {
        let mut seen = BTreeSet::new();
        let with_token = |route: &&RouteFacts| {
            !is_tried_apart(route)
                && self.untried(route).is_none()
                && self.shadowed(route).is_none()
        };
        let routes = self.routes.iter().copied().filter(with_token);
        let issuer = |route| self.issuer(route).map(|issuer| issuer.url.as_str()).ok();
        routes.filter(|route| seen.insert(issuer(route))).collect()
    }

    /// The issuer whose tokens are good at a route: the one that its authorizer
    /// trusts. Where that is none of ours, the first one: its tokens are
    /// refused then, and the findings say so.
    fn issuer(&self, route: &RouteFacts) -> Result<&Issuer, IssuerError> {
        let (trusted, _) = self.facts.trusted(route);
        let ours = || self.issuers.iter().filter(|issuer| issuer.kind.is_for_apis());
        let own = ours().find(|issuer| issuer.url == trusted);
        own.or_else(|| ours().next()).ok_or(IssuerError::None)
    }

    /// Whether a route's own issuer is one of ours.
    fn trusts_ours(&self, route: &RouteFacts) -> bool {
        let (trusted, _) = self.facts.trusted(route);
        self.issuers.iter().any(|issuer| issuer.kind.is_for_apis() && issuer.url == trusted)
    }

    /// The issuers whose tokens are not good at a route.
    fn strangers(&self, route: &RouteFacts) -> Result<impl Iterator<Item = &Issuer>, IssuerError> {
        let own = self.issuer(route)?;
        Ok(self.issuers.iter().filter(|issuer| issuer.url != own.url))
    }

    fn claims(&self, route: &RouteFacts) -> Result<Map<String, Value>, IssuerError> {
        self.claims_of("probe@example.com", route)
    }

    /// The claims of a good token of somebody's: where a user pool decides and the route
    /// has no scope, an identity token's
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html>).
    fn claims_of(
        &self,
        subject: &str,
        route: &RouteFacts,
    ) -> Result<Map<String, Value>, IssuerError> {
        let issuer = self.issuer(route)?;
        let grant = Grant::user(subject, &route.scopes);
        let mut claims = issuer.access_claims(&grant, OffsetDateTime::now_utc());
        // Another of the pool's clients, where the authorizer names that one.
        let (_, audience) = self.facts.trusted(route);
        if issuer.has_client(audience) {
            claims.insert(issuer.audience_claim().to_owned(), audience.into());
        }
        if self.facts.api_kind == ApiKind::Rest && route.scopes.is_empty() {
            claims.insert("token_use".to_owned(), "id".into());
            let client = claims.remove("client_id").unwrap_or_default();
            claims.insert("aud".to_owned(), client);
        }
        Ok(claims)
    }

    /// A good token for a route.
    fn good(&self, route: &RouteFacts) -> Result<String, IssuerError> {
        self.issuer(route)?.sign(&self.claims(route)?)
    }

    async fn fetch(&self, route: &RouteFacts, carried: &Carried<'_>) -> anyhow::Result<Answered> {
        self.fetch_from(&self.facts.api_id, self.facts.stage(), route, carried).await
    }

    async fn fetch_from(
        &self,
        api_id: &str,
        stage: &str,
        route: &RouteFacts,
        carried: &Carried<'_>,
    ) -> anyhow::Result<Answered> {
        let (method, path) = self.request_to(route).map_err(|other| {
            anyhow::anyhow!("`{other}` takes the requests to `{}`", route.route_key)
        })?;
        // A stage that is not the default one stands first in the path.
        // <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html>
        let path = match stage {
            DEFAULT_STAGE => path,
            named => format!("/{named}{path}"),
        };
        let mut url = self.endpoint.join(&path)?;
        if let Carried::Query(name, token) = carried {
            url.query_pairs_mut().append_pair(name, token);
        }
        let identity = match carried {
            Carried::Identity(values) => values.as_slice(),
            _ => &[],
        };
        for (place, value) in identity {
            if let Place::Query(name) = place {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        let host = format!("{api_id}.execute-api.{}.amazonaws.com", self.facts.region);
        let mut request = self.http.request(method.parse()?, url.clone());
        match carried {
            Carried::Signed(actor) => {
                let mut signed = http::Request::builder()
                    .method(method.as_str())
                    .uri(url.as_str())
                    .header(HOST, &host)
                    .body(bytes::Bytes::new())?;
                actor.sign(&mut signed);
                request = request.headers(signed.headers().clone());
            }
            _ => request = request.header(HOST, host),
        }
        let values: &[String] = match carried {
            Carried::Header(value) => std::slice::from_ref(value),
            Carried::Headers(values) => values,
            Carried::Nothing
            | Carried::Query(..)
            | Carried::Elsewhere(..)
            | Carried::Identity(_)
            | Carried::Signed(_) => &[],
        };
        for value in values {
            let mut value = HeaderValue::from_str(value)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Carried::Elsewhere(name, value) = carried {
            let mut value = HeaderValue::from_str(value)?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        for (place, value) in identity {
            if let Place::Header(name) = place {
                request = request.header(*name, *value);
            }
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let request_id = response.headers().get("x-amzn-requestid");
        let request_id = request_id.and_then(|id| Some(id.to_str().ok()?.to_owned()));
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let entry = request_id.as_deref().and_then(|id| self.guard.journal().find(id));
        let let_in = entry.and_then(|entry| entry.let_in);
        Ok(Answered { status, body, request_id, let_in })
    }

    /// A bad token is refused, and a good one beside it is not.
    async fn refused(
        &self,
        route: &RouteFacts,
        case: &Case,
        mirror: &Mirror<'_>,
        canary: &Companion,
    ) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let observed = self.fetch(route, &case.carried).await?;
        let token = self.good(route)?;
        let twin = self.fetch(route, &Carried::bearer(token)).await?;
        let copy = mirror.without(&case.guard_rail);
        let mutant = self.fetch_from(copy.api_id, DEFAULT_STAGE, route, &case.carried).await?;
        let companions = Companions {
            twin: Some(match twin.was_let_in() {
                true => Companion::shown(format!("a valid token gets {}", twin.status)),
                false => Companion::missing(format!("a valid token gets {twin}")),
            }),
            canary: Some(canary.clone()),
            mutant: Some(copy.shows(&mutant, "the same request reaches a function")),
        };
        let fault = (!observed.is(case.expected)).then(|| format!("the API answered {observed}"));
        let shown = Shown {
            name: &case.name,
            route,
            guard_rail: case.guard_rail.clone(),
            title: format!("{CLIENT} cannot call `{}` {}", route.route_key, case.title),
            expected: shown::answer(case.expected),
            observed: observed.to_string(),
        };
        Ok(shown.judged(companions, fault.as_deref(), start, [observed, twin]))
    }

    /// A request without a token gets nowhere, whatever the route.
    async fn canary(&self, route: &RouteFacts) -> anyhow::Result<Companion> {
        let answer = self.fetch(route, &Carried::Nothing).await?;
        Ok(if answer.is(UNAUTHORIZED) {
            Companion::shown(format!("the same request without a token gets {answer}"))
        } else {
            Companion::missing(format!("the same request without a token gets {answer}"))
        })
    }

    /// The route asks for a token at all.
    async fn guarded(
        &self,
        route: &RouteFacts,
        mirror: &Mirror<'_>,
        canary: &Companion,
    ) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let token = self.good(route)?;
        let twin = self.fetch(route, &Carried::bearer(token)).await?;
        let copy = mirror.without(&TOKEN);
        let mutant = self.fetch_from(copy.api_id, DEFAULT_STAGE, route, &Carried::Nothing).await?;
        let companions = Companions {
            twin: Some(match twin.was_let_in() {
                true => Companion::shown(format!("a valid token gets {}", twin.status)),
                false => Companion::missing(format!("a valid token gets {twin}")),
            }),
            canary: Some(canary.clone()),
            mutant: Some(copy.shows(&mutant, "anybody reaches a function")),
        };
        let is_guarded = asks_for_token(route);
        let kind = &route.authorization_type;
        let fault = (!is_guarded).then(|| format!("its authorization is {kind}"));
        let shown = Shown {
            name: "route-guarded",
            route,
            guard_rail: AUTHORIZER,
            title: format!("`{}` is behind the authorizer", route.route_key),
            expected: if is_guarded { kind.clone() } else { "JWT".to_owned() },
            observed: kind.clone(),
        };
        Ok(shown.judged(companions, fault.as_deref(), start, [twin]))
    }

    /// A good token reaches the route's own function, and its claims arrive.
    async fn valid(&self, route: &RouteFacts) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let subject = format!("{}@example.com", uuid::Uuid::new_v4());
        let claims = self.claims_of(&subject, route)?;
        let token = self.issuer(route)?.sign(&claims)?;
        let mark = self.guard.journal().mark();
        let answer = self.fetch(route, &Carried::bearer(token)).await?;
        let arn = route.integration_uri.split('/').find(|part| part.contains(":function:"));
        let function = arn.and_then(|arn| arn.split_once(":function:")).map_or("", |(_, it)| it);
        let is_named = names(&answer, function);
        let reached = reaches(&answer, function, &subject, self.called(arn, mark));
        Ok(Finding {
            id: id("valid", route),
            guard_rail: CLAIMS,
            identity: CLIENT.into(),
            road: Road::Http,
            scope: Scope::Executed,
            title: format!("a valid token reaches `{function}` by `{}`", route.route_key),
            expected: format!("200 from `{function}`, naming the token's subject"),
            observed: match (reached, is_named) {
                (true, true) => format!("200 from `{function}`, naming the token's subject"),
                (true, false) => format!("{} after `{function}` was called", answer.status),
                (false, _) => answer.to_string(),
            },
            verdict: if reached { Verdict::Held } else { Verdict::Failed },
            reason: None,
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration: start.elapsed(),
            request_ids: Vec::new(),
            traces: Traces::default(),
        })
    }

    /// Whether API Gateway called a function since, by its ARN; where there is none behind
    /// the route, there is nothing to look for.
    fn called(&self, arn: Option<&str>, mark: u64) -> bool {
        let Some(arn) = arn else { return true };
        let entries = self.guard.journal().entries_since(mark);
        let mut checks = entries.iter().flat_map(|entry| &entry.checks);
        checks.any(|check| {
            let rest = check.resource.strip_prefix(arn);
            check.action == "lambda:InvokeFunction"
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
                && check.outcome == "allow"
        })
    }

    /// After a rotation both keys serve; once the old one is withdrawn, its
    /// tokens are refused.
    async fn rotation(&self, route: &RouteFacts) -> anyhow::Result<Vec<Finding>> {
        let old = self.good(route)?;
        self.issuer(route)?.rotate()?;
        let new = self.good(route)?;
        let mut findings = Vec::new();
        let canary = self.canary(route).await?;
        let mut accepted = false;
        let mut expect = async |name: &str, title: &str, token: &str, status: u16| {
            let start = Instant::now();
            let answer = self.fetch(route, &Carried::bearer(token)).await?;
            let held = match status {
                200 => answer.was_let_in(),
                refused => answer.was_refused() && answer.status == refused,
            };
            accepted |= name == "old-key" && held;
            let (companions, verdict, reason) = match name {
                // The mutant is the key that is still published.
                "withdrawn-key" => {
                    let before = "the same token was accepted while its key was published";
                    let twin = self.fetch(route, &Carried::bearer(&new)).await?;
                    let companions = Companions {
                        twin: Some(match twin.was_let_in() {
                            true => Companion::shown(format!(
                                "a token of the new key gets {}",
                                twin.status
                            )),
                            false => Companion::missing(format!("the new key's token gets {twin}")),
                        }),
                        canary: Some(canary.clone()),
                        mutant: Some(match accepted {
                            true => Companion::shown(before),
                            false => Companion::missing("it was never accepted"),
                        }),
                    };
                    let fault = (!held).then(|| format!("the API answered {answer}"));
                    let (verdict, reason) = companions.judge(fault.as_deref(), &[]);
                    (companions, verdict, reason)
                }
                _ if held => (Companions::default(), Verdict::Held, None),
                _ => (Companions::default(), Verdict::Failed, None),
            };
            findings.push(Finding {
                id: id(name, route),
                guard_rail: ROTATION,
                identity: CLIENT.into(),
                road: Road::Http,
                scope: Scope::Executed,
                title: title.into(),
                expected: status.to_string(),
                observed: answer.status.to_string(),
                verdict,
                reason,
                companions,
                decided_by: Vec::new(),
                duration: start.elapsed(),
                request_ids: answer.request_id.into_iter().collect(),
                traces: Traces::default(),
            });
            anyhow::Ok(())
        };
        expect("new-key", "a token of the new key is accepted", &new, 200).await?;
        expect("old-key", "a token of the old key is accepted meanwhile", &old, 200).await?;
        self.issuer(route)?.retire();
        expect("withdrawn-key", "a token of a withdrawn key is refused", &old, 401).await?;
        expect("remaining-key", "the new key serves on", &new, 200).await?;
        Ok(findings)
    }
}

/// Whether a token decides about a route's requests.
fn asks_for_token(route: &RouteFacts) -> bool {
    matches!(route.authorization_type.as_str(), "JWT" | "COGNITO_USER_POOLS")
}

/// Whether a signature does.
fn asks_for_signature(route: &RouteFacts) -> bool {
    route.authorization_type == "AWS_IAM"
}

/// Whether an API key alone does.
fn asks_for_key(route: &RouteFacts) -> bool {
    route.authorization_type == "NONE" && route.api_key
}

/// Whether something else than a token decides that a client carries.
fn is_tried_apart(route: &RouteFacts) -> bool {
    asks_for_identity(route) || asks_for_signature(route) || asks_for_key(route)
}

/// The id of the finding that a valid token reaches a route's function.
pub fn valid_id(route: &RouteFacts) -> String {
    id("valid", route)
}

fn id(name: &str, route: &RouteFacts) -> String {
    format!("{CLIENT}/{name}/{}", route.route_key)
}

/// What is told of a route at which nothing is tried.
fn untried(route: &RouteFacts, verdict: Verdict, reason: String) -> Finding {
    let told = Untried {
        id: id("route-guarded", route),
        guard_rail: AUTHORIZER,
        identity: CLIENT.into(),
        road: Road::Http,
        scope: Scope::Executed,
        title: format!("`{}` is behind the authorizer", route.route_key),
        expected: match asks_for_token(route) {
            true => route.authorization_type.clone(),
            false => "JWT".to_owned(),
        },
    };
    Finding::untried(told, verdict, reason)
}

/// Whether an answer has a text as a value.
fn names(answer: &Answered, text: &str) -> bool {
    !text.is_empty() && answer.body.to_string().contains(&format!("\"{text}\""))
}

/// Whether a request came to a route's function, of which the journal says whether it was
/// called: any function may say that it is this one. One that says who it is says who
/// calls, too.
fn reaches(answer: &Answered, function: &str, subject: &str, was_called: bool) -> bool {
    let says_who_calls = || answer.status == 200 && names(answer, subject);
    was_called && answer.was_let_in() && (!names(answer, function) || says_who_calls())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_reached_where_the_journal_says_so_whatever_an_answer_says() {
        let reached = |status, body: Value, was_called, let_in| {
            let answer = Answered { status, body, request_id: None, let_in: Some(let_in) };
            reaches(&answer, "orders", "su@example.com", was_called)
        };
        let full = || json!({"service": "orders", "caller": {"subject": "su@example.com"}});
        assert!(reached(200, full(), true, true));
        assert!(!reached(200, full(), false, true), "another function says that it is this one");
        assert!(!reached(200, full(), true, false));
        assert!(!reached(500, full(), true, true));
        assert!(!reached(200, json!({"service": "orders", "caller": "else"}), true, true));
        // One that does not say who it is may answer what it likes.
        assert!(reached(404, json!({"message": "no such order"}), true, true));
        assert!(!reached(404, json!({"message": "no such order"}), false, true));
        // A route without a function.
        let empty = Answered { status: 200, body: json!(""), request_id: None, let_in: Some(true) };
        assert!(reaches(&empty, "", "su@example.com", true));
    }
}
