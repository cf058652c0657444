//! Routes that ask for a signature of IAM's: nobody passes without one, and who may not
//! invoke the route does not pass with one.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html>

use std::time::Instant;

use anyhow::Context as _;
use serde_json::Value;

use super::mirror::Mirror;
use super::shown::{self, Shown};
use super::{AUTHORIZER, Answered, CLIENT, Carried, DEFAULT_STAGE, FORBIDDEN, Gateway, TOKEN, id};
use crate::attacks::facts::{ApiKind, RouteFacts};
use crate::attacks::finding::{Companion, Companions, Finding};

pub(super) const NAMES: [&str; 2] = ["no-signature", "signed-by-nobody"];

/// Who signs is missing: a request that nobody signed would be refused as well.
const NOBODY: &str = "there is no role without policies to sign with";

const UNSIGNED: (u16, &str) = (403, "Missing Authentication Token");

impl Gateway<'_> {
    /// The attacks at such a route.
    pub(super) async fn at_signed(
        &self,
        route: &RouteFacts,
        mirror: &Mirror<'_>,
        selected: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for (name, title) in
            NAMES.into_iter().zip(["without a signature", "signed by a role that may nothing"])
        {
            if !selected(&id(name, route)) {
                continue;
            }
            let start = Instant::now();
            let carried = match name {
                "signed-by-nobody" => Carried::Signed(self.nobody.context(NOBODY)?),
                _ => Carried::Nothing,
            };
            let observed = self.fetch(route, &carried).await?;
            let twin = self.fetch(route, &Carried::Signed(self.platform)).await?;
            let unsigned = self.fetch(route, &Carried::Nothing).await?;
            let copy = mirror.without(&TOKEN);
            let mutant = self.fetch_from(copy.api_id, DEFAULT_STAGE, route, &carried).await?;
            let refusal = self.without_signature();
            let companions = Companions {
                twin: Some(match twin.was_let_in() {
                    true => {
                        Companion::shown(format!("signed by the platform it gets {}", twin.status))
                    }
                    false => Companion::missing(format!("signed by the platform it gets {twin}")),
                }),
                canary: Some(match unsigned.is(refusal) {
                    true => Companion::shown(format!("unsigned it gets {unsigned}")),
                    false => Companion::missing(format!("unsigned it gets {unsigned}")),
                }),
                mutant: Some(copy.shows(&mutant, "the same request reaches a function")),
            };
            let is_refused = match name {
                "signed-by-nobody" => self.is_denial(&observed),
                _ => observed.is(refusal),
            };
            let fault = (!is_refused).then(|| format!("the API answered {observed}"));
            let shown = Shown {
                name,
                route,
                guard_rail: AUTHORIZER,
                title: format!("{CLIENT} cannot call `{}` {title}", route.route_key),
                expected: match (name, self.facts.api_kind) {
                    ("signed-by-nobody", ApiKind::Rest) => {
                        "403, not authorized to perform execute-api:Invoke".to_owned()
                    }
                    ("signed-by-nobody", ApiKind::Http) => shown::answer(FORBIDDEN),
                    _ => shown::answer(refusal),
                },
                observed: observed.to_string(),
            };
            findings.push(shown.judged(companions, fault.as_deref(), start, [observed, twin]));
        }
        Ok(findings)
    }

    /// What the API answers where there is no signature.
    fn without_signature(&self) -> (u16, &'static str) {
        match self.facts.api_kind {
            ApiKind::Http => FORBIDDEN,
            ApiKind::Rest => UNSIGNED,
        }
    }

    /// Whether an answer refuses who signed.
    fn is_denial(&self, answer: &Answered) -> bool {
        let told = answer.body.get("Message").and_then(Value::as_str).unwrap_or_default();
        match self.facts.api_kind {
            ApiKind::Http => answer.is(FORBIDDEN),
            ApiKind::Rest => {
                answer.status == 403
                    && answer.was_refused()
                    && told
                        .contains(" is not authorized to perform: execute-api:Invoke on resource: ")
            }
        }
    }
}
