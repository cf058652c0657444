//! Authorizers of REST APIs.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value, json};
use time::Duration;

use super::RestApis;
use super::answers::Failure;
use super::event::Asked;
use super::serve::{MethodMatch, header};
use super::snapshot::{Authorizer, Kind};
use crate::gateway::answer::{self, Answer, Form, Says};
use crate::gateway::cache::Key;
use crate::gateway::invoke::{Invocation, InvokeError};
use crate::gateway::{Judge, Judgement, Question};
use crate::http_api::Caller;
use crate::token::{Rules, TokenError};

/// How long a function may take: no page of AWS's gives another time than that of
/// HTTP APIs.
const TIMEOUT_IN_MILLIS: u32 = 10_000;
const UNAUTHORIZED: &str = "Unauthorized";

/// Who authorized a request.
#[derive(Debug)]
pub(super) enum Granted {
    Anyone,
    Caller(Caller),
    /// A function, by its answer.
    Function(Arc<Answer>),
    /// A user pool, by a token's claims.
    Claims(Map<String, Value>),
}

impl Granted {
    /// `requestContext.authorizer`.
    pub(super) fn told(&self) -> Option<Value> {
        match self {
            Self::Anyone | Self::Caller(_) => None,
            Self::Claims(claims) => Some(json!({ "claims": claims })),
            Self::Function(answer) => {
                // "API Gateway … returns all values as strings"
                // (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>).
                let texts = answer.context.iter().flatten().map(|(name, value)| {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    (name.clone(), Value::String(text))
                });
                let principal =
                    answer.principal_id().map(|id| ("principalId".to_owned(), id.into()));
                Some(Value::Object(texts.chain(principal).collect()))
            }
        }
    }
}

impl RestApis {
    /// Asks an authorizer whether a request passes.
    pub(super) async fn ask(
        &self,
        authorizer: &Authorizer,
        scopes: &[String],
        asked: &Asked<'_>,
        taken: &MethodMatch,
        judge: &mut dyn Judge,
    ) -> Result<Granted, Failure> {
        let identity = identity(authorizer, asked)?;
        let (function, role, event) = match &authorizer.kind {
            Kind::Unserved(what) => return Err(Failure::Unserved(what.clone())),
            Kind::Cognito(issuers) => {
                let token = identity.first().ok_or(Failure::Unauthorized)?;
                let claims = self.claims(issuers, token, scopes, asked).await?;
                self.let_in(taken, judge)?;
                return Ok(Granted::Claims(claims));
            }
            Kind::Token { function, role, expression } => {
                let token = identity.first().ok_or(Failure::Unauthorized)?;
                if let Some(expression) = expression {
                    let whole = regex_lite::Regex::new(&format!("^(?:{expression})$"))
                        .map_err(|_| Failure::Unserved(format!("the expression {expression}")))?;
                    if !whole.is_match(token) {
                        return Err(Failure::Unauthorized);
                    }
                }
                let event = json!({
                    "type": "TOKEN", "methodArn": taken.arn, "authorizationToken": token,
                });
                (function, role, event)
            }
            Kind::Request { function, role } => (function, role, asked.of_authorizer(&taken.arn)),
        };
        let own = self.arn_of(asked.api_id, &format!("authorizers/{}", authorizer.id));
        let key = Key {
            api_id: asked.api_id.to_owned(),
            stage: asked.stage.to_owned(),
            authorizer_id: authorizer.id.clone(),
            identity,
        };
        let now = asked.request.time;
        let keeps = authorizer.seconds > 0 && !key.identity.is_empty();
        let answer = match keeps.then(|| self.answers.get(&key, now)).flatten() {
            Some(answer) => answer,
            None => {
                let invocation = Invocation {
                    api_id: asked.api_id,
                    source_arn: &own,
                    function,
                    role: role.as_deref(),
                    timeout_in_millis: TIMEOUT_IN_MILLIS,
                };
                let result = self.functions.invoke(invocation, &event).await;
                let result = result.map_err(|error| match error {
                    InvokeError::Function(message) if message == UNAUTHORIZED => {
                        Failure::Unauthorized
                    }
                    _ => Failure::Authorizer,
                })?;
                let answer = Arc::new(read(&result)?);
                if keeps {
                    let end = now + Duration::seconds(authorizer.seconds.into());
                    self.answers.put(key, &answer, end, now);
                }
                answer
            }
        };
        let Says::Policy { document, .. } = &answer.says else { return Err(Failure::Authorizer) };
        let question = Question {
            given: Some((&own, document)),
            resource: &taken.arn,
            policy: taken.policy.as_deref(),
        };
        let denied = |tail: &str| {
            Failure::AccessDenied(format!("User is not authorized to access this resource{tail}"))
        };
        match judge.judge(&question) {
            Judgement::Allowed => Ok(Granted::Function(answer)),
            Judgement::ExplicitDeny => Err(denied(" with an explicit deny")),
            Judgement::ImplicitDeny | Judgement::Undecided => Err(denied("")),
            Judgement::Malformed => Err(Failure::Authorizer),
        }
    }

    /// The claims of a user pool's token. Without scopes it is an identity token, with
    /// scopes an access token that holds one of them
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html>).
    async fn claims(
        &self,
        issuers: &[String],
        token: &str,
        scopes: &[String],
        asked: &Asked<'_>,
    ) -> Result<Map<String, Value>, Failure> {
        let token = match token.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => token,
        };
        for issuer in issuers {
            let rules = Rules {
                issuer,
                algorithms: &[Algorithm::RS256],
                now: asked.request.time,
                require_kid: true,
            };
            let claims = match self.issuers.verify(token, &rules).await {
                Ok(claims) => claims,
                Err(TokenError::Expired) => return Err(Failure::Expired),
                Err(_) => continue,
            };
            let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
            let fits = match scopes.is_empty() {
                true => text("token_use") == "id",
                false => {
                    let mut held = text("scope").split(' ');
                    text("token_use") == "access"
                        && held.any(|scope| scopes.iter().any(|own| own == scope))
                }
            };
            return fits.then_some(claims).ok_or(Failure::Unauthorized);
        }
        Err(Failure::Unauthorized)
    }
}

/// Reads the answer of a function: the values of its context are texts, numbers and
/// truth values
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>).
fn read(result: &[u8]) -> Result<Answer, Failure> {
    let answer = answer::read(result, Form::Policy).map_err(|_| Failure::Authorizer)?;
    let mut values = answer.context.iter().flatten().map(|(_, value)| value);
    match values.all(|value| value.is_string() || value.is_number() || value.is_boolean()) {
        true => Ok(answer),
        false => Err(Failure::Authorizer),
    }
}

/// The values of the identity sources; 401 where one is missing.
fn identity(authorizer: &Authorizer, asked: &Asked<'_>) -> Result<Vec<String>, Failure> {
    let of = |source: &String| -> Result<String, Failure> {
        let request = asked.request;
        let value = if let Some(name) = source.strip_prefix("method.request.header.") {
            header(&request.headers, name).map(str::to_owned)
        } else if let Some(name) = source.strip_prefix("method.request.querystring.") {
            request.query.get_all(name).first().map(|value| (*value).to_owned())
        } else if let Some(name) = source.strip_prefix("stageVariables.") {
            asked.stage_variables.get(name).cloned()
        } else {
            return Err(Failure::Unserved(format!("the identity source {source}")));
        };
        value.filter(|value| !value.is_empty()).ok_or(Failure::Unauthorized)
    };
    authorizer.sources.iter().map(of).collect()
}
