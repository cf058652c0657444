//! Routes behind a Lambda authorizer. Which identities its function lets in is not
//! known; that it is asked, and that nobody passes unasked, can be tried.

use std::time::Instant;

use super::mirror::Mirror;
use super::shown::{self, Shown};
use super::{
    AUTHORIZER, Answered, CLIENT, Carried, DEFAULT_STAGE, Gateway, TOKEN, UNAUTHORIZED, id,
};
use crate::attacks::facts::RouteFacts;
use crate::attacks::finding::{Companion, Companions, Finding, Road, Scope, Untried, Verdict};

/// A value that no function knows.
const MADE_UP: &str = "ringfence-nobody";
pub(super) const NO_IDENTITY: &str = "no-identity";
pub(super) const MADE_UP_IDENTITY: &str = "made-up-identity";

/// Where a request carries an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'r> {
    Header(&'r str),
    Query(&'r str),
}

/// The places of an authorizer's identity sources that a request can fill; stage
/// variables and what the gateway knows are there anyway.
pub(super) fn places(route: &RouteFacts) -> Vec<Place<'_>> {
    route.identity_sources.iter().filter_map(|source| place(source)).collect()
}

fn place(source: &str) -> Option<Place<'_>> {
    let header = source.strip_prefix("$request.header.").map(Place::Header);
    header.or_else(|| source.strip_prefix("$request.querystring.").map(Place::Query))
}

/// Whether a function decides about a route's requests by what these carry.
pub(super) fn asks_for_identity(route: &RouteFacts) -> bool {
    route.authorization_type == "CUSTOM" && !places(route).is_empty()
}

impl Gateway<'_> {
    /// The attacks at such a route.
    pub(super) async fn at_function(
        &self,
        route: &RouteFacts,
        mirror: &Mirror<'_>,
        selected: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        if selected(&id(NO_IDENTITY, route)) {
            findings.push(self.unidentified(route, mirror).await?);
        }
        if selected(&id(MADE_UP_IDENTITY, route)) {
            findings.push(self.made_up(route).await?);
        }
        Ok(findings)
    }

    fn nobody<'r>(route: &'r RouteFacts) -> Carried<'r> {
        let places = places(route);
        Carried::Identity(places.into_iter().map(|place| (place, MADE_UP)).collect())
    }

    /// Nobody passes without an identity: the function is not even asked.
    async fn unidentified(
        &self,
        route: &RouteFacts,
        mirror: &Mirror<'_>,
    ) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let mark = self.guard.journal().mark();
        let observed = self.fetch(route, &Carried::Nothing).await?;
        let asked_for_nobody = self.gateway_called(mark);
        let mark = self.guard.journal().mark();
        let twin = self.fetch(route, &Self::nobody(route)).await?;
        let asked = self.gateway_called(mark);
        let copy = mirror.without(&TOKEN);
        let mutant = self.fetch_from(copy.api_id, DEFAULT_STAGE, route, &Carried::Nothing).await?;
        let companions = Companions {
            twin: Some(match asked {
                true => Companion::shown(format!(
                    "with an identity the authorizer's function is asked: {}",
                    twin.status
                )),
                false => Companion::missing(format!("no function is asked: {twin}")),
            }),
            canary: Some(self.canary(route).await?),
            mutant: Some(copy.shows(&mutant, "anybody reaches a function")),
        };
        let fault = match (observed.is(UNAUTHORIZED), asked_for_nobody) {
            (true, false) => None,
            (true, true) => Some("a function was called all the same".to_owned()),
            (false, _) => Some(format!("the API answered {observed}")),
        };
        let shown = Shown {
            name: NO_IDENTITY,
            route,
            guard_rail: AUTHORIZER,
            title: format!("{CLIENT} cannot call `{}` without an identity", route.route_key),
            expected: shown::answer(UNAUTHORIZED),
            observed: observed.to_string(),
        };
        Ok(shown.judged(companions, fault.as_deref(), start, [observed, twin]))
    }

    /// An identity that nobody has does not pass. That it is refused shows nothing,
    /// since none is known that passes; that it is let in does.
    async fn made_up(&self, route: &RouteFacts) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let answer = self.fetch(route, &Self::nobody(route)).await?;
        let told = Untried {
            id: id(MADE_UP_IDENTITY, route),
            guard_rail: AUTHORIZER,
            identity: CLIENT.into(),
            road: Road::Http,
            scope: Scope::Executed,
            title: format!("{CLIENT} cannot call `{}` with a made-up identity", route.route_key),
            expected: "401 or 403".into(),
        };
        let (verdict, reason) = judged(&answer);
        Ok(Finding {
            observed: answer.to_string(),
            duration: start.elapsed(),
            request_ids: answer.request_id.into_iter().collect(),
            ..Finding::untried(told, verdict, reason)
        })
    }

    /// Whether API Gateway called a function since.
    fn gateway_called(&self, mark: u64) -> bool {
        let entries = self.guard.journal().entries_since(mark);
        entries.iter().any(|entry| {
            let mut checks = entry.checks.iter();
            entry.principal == "apigateway.amazonaws.com"
                && checks.any(|check| check.action == "lambda:InvokeFunction")
        })
    }
}

/// What an answer to a made-up identity shows.
fn judged(answer: &Answered) -> (Verdict, String) {
    match answer.status {
        401 | 403 if answer.was_refused() => (
            Verdict::NotRun,
            format!("it is refused with {}, and no identity that passes is known", answer.status),
        ),
        500 if !answer.was_let_in() => {
            (Verdict::NotRun, "the authorizer's function did not answer".to_owned())
        }
        _ => (Verdict::Failed, format!("the API answered {answer}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_a_request_can_carry_is_an_identity() {
        let sources = ["$request.header.Auth", "$context.routeKey", "$request.querystring.k"];
        let mut route = RouteFacts {
            route_id: "r".into(),
            route_key: "GET /".into(),
            integration_id: String::new(),
            integration_uri: String::new(),
            authorization_type: "CUSTOM".into(),
            authorizer_id: Some("a".into()),
            identity_sources: sources.map(str::to_owned).to_vec(),
            scopes: Vec::new(),
            api_key: false,
        };
        assert_eq!(places(&route), [Place::Header("Auth"), Place::Query("k")]);
        assert!(asks_for_identity(&route));
        route.identity_sources = vec!["$context.routeKey".into()];
        assert!(!asks_for_identity(&route));
    }

    #[test]
    fn a_made_up_identity_that_is_let_in_fails() {
        let verdict = |status, let_in| {
            judged(&Answered { status, body: Value::Null, request_id: None, let_in }).0
        };
        let refused = |status| verdict(status, Some(false));
        assert_eq!(refused(200), Verdict::Failed);
        assert_eq!(refused(404), Verdict::Failed);
        assert_eq!([401, 403, 500].map(refused), [Verdict::NotRun; 3]);
        // What a function answers that was reached is no refusal, whatever it says.
        for let_in in [Some(true), None] {
            assert_eq!([401, 403].map(|status| verdict(status, let_in)), [Verdict::Failed; 2]);
        }
    }
}
