//! Lambda authorizers.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

mod event;
mod sources;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use time::Duration;

use super::HttpApis;
use super::event::Event;
use super::failure::Failure;
use super::model::{Authorizer, LambdaAuthorizer, PayloadFormat};
use crate::gateway::answer::{self, Answer, Form, Says};
use crate::gateway::cache::Key;
use crate::gateway::invoke::{Invocation, InvokeError};
use crate::gateway::{Judge, Judgement, Question};

/// "Authorizer timeout: 10,000 milliseconds"
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const TIMEOUT_IN_MILLIS: u32 = 10_000;
/// The function's own error that stands for 401
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/call-api-with-api-gateway-lambda-authorization.html>).
const UNAUTHORIZED: &str = "Unauthorized";

/// Why a request does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An identity source is missing or empty: the function is not asked.
    NoIdentity,
    /// The function threw `Unauthorized`.
    Unauthorized,
    /// It answered no.
    Denied,
    /// It could not be asked, or its answer is none.
    Failed(String),
}

impl Refusal {
    /// `$context.authorizer.error`.
    pub(super) fn log(&self) -> String {
        match self {
            Self::NoIdentity => "an identity source is missing".to_owned(),
            Self::Unauthorized => "the authorizer answered that nobody is known".to_owned(),
            Self::Denied => "the authorizer denied the request".to_owned(),
            Self::Failed(why) => why.clone(),
        }
    }

    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::NoIdentity | Self::Unauthorized => Failure::unauthorized(),
            Self::Denied => Failure::forbidden(),
            Self::Failed(_) => Failure::internal(),
        }
    }
}

impl HttpApis {
    /// Asks an authorizer whether a request passes; `arn` is what it asks for.
    pub(super) async fn ask(
        &self,
        authorizer: &Authorizer,
        lambda: &LambdaAuthorizer,
        event: &Event<'_>,
        arn: &str,
        judge: &mut dyn Judge,
    ) -> Result<Arc<Answer>, Refusal> {
        let facts = self.facts(event.api_id, event.stage, event.route_key, event.request);
        let identity =
            sources::values(&lambda.sources, event.request, event.stage_variables, &facts)
                .ok_or(Refusal::NoIdentity)?;
        let own = format!("authorizers/{}", authorizer.authorizer_id);
        let authorizer_arn = self.arn_of(event.api_id, &own);
        let key = Key {
            api_id: event.api_id.to_owned(),
            stage: event.stage.to_owned(),
            authorizer_id: authorizer.authorizer_id.clone(),
            identity,
        };
        let seconds = lambda.authorizer_result_ttl_in_seconds.unwrap_or_default();
        let now = event.request.time;
        let kept = (seconds > 0).then(|| self.answers.get(&key, now)).flatten();
        let answer = match kept {
            Some(answer) => answer,
            None => {
                let answer = self.answer_of(lambda, event, arn, &authorizer_arn, &key).await?;
                let answer = Arc::new(answer);
                if seconds > 0 {
                    let end = now + Duration::seconds(seconds.into());
                    self.answers.put(key, &answer, end, now);
                }
                answer
            }
        };
        match decide(&answer, &authorizer_arn, arn, judge) {
            Judgement::Allowed => Ok(answer),
            Judgement::Malformed => {
                Err(Refusal::Failed("the authorizer's policy is no policy".to_owned()))
            }
            Judgement::ImplicitDeny | Judgement::ExplicitDeny | Judgement::Undecided => {
                Err(Refusal::Denied)
            }
        }
    }

    /// What the function says now.
    async fn answer_of(
        &self,
        lambda: &LambdaAuthorizer,
        event: &Event<'_>,
        arn: &str,
        authorizer_arn: &str,
        key: &Key,
    ) -> Result<Answer, Refusal> {
        let format = lambda.authorizer_payload_format_version;
        let payload = event::of(event, format, arn, &key.identity);
        let invocation = Invocation {
            api_id: event.api_id,
            source_arn: authorizer_arn,
            function: &lambda.function_arn,
            role: lambda.authorizer_credentials_arn.as_deref(),
            timeout_in_millis: TIMEOUT_IN_MILLIS,
        };
        let result =
            self.functions.invoke(invocation, &payload).await.map_err(|error| match error {
                InvokeError::Function(message) if message == UNAUTHORIZED => Refusal::Unauthorized,
                other => Refusal::Failed(other.to_string()),
            })?;
        let simple = lambda.enable_simple_responses && format == PayloadFormat::V2;
        let form = if simple { Form::Simple } else { Form::Policy };
        answer::read(&result, form).map_err(|why| Refusal::Failed(why.to_owned()))
    }
}

fn decide(answer: &Answer, authorizer: &str, arn: &str, judge: &mut dyn Judge) -> Judgement {
    match &answer.says {
        Says::Simply(true) => Judgement::Allowed,
        Says::Simply(false) => Judgement::ImplicitDeny,
        Says::Policy { document, .. } => {
            let given = Some((authorizer, document));
            judge.judge(&Question { given, resource: arn, policy: None })
        }
    }
}
