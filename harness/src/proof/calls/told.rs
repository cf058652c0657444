//! A call in words, and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use ringfence_policy::{Context, Values};
use ringfence_prove::Witness;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Asks, Call, Made, Sent};

/// A call, or why there is none.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::proof) enum Called<'f> {
    Made {
        service: &'static str,
        operation: &'static str,
        region: &'f str,
        input: &'f Map<String, Value>,
        request: Asked<'f>,
        allowed_by: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        besides: Vec<Asked<'f>>,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        supposes: &'f [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'f Map<String, Value>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        command: Option<&'f str>,
    },
    None {
        none: &'f str,
    },
}

/// What a call asks for.
#[derive(Serialize)]
pub(in crate::proof) struct Asked<'f> {
    action: &'f str,
    resource: &'f str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    context: BTreeMap<&'f str, Value>,
}

impl<'f> Called<'f> {
    pub(in crate::proof) fn of(call: &'f Call) -> Self {
        match call {
            Call::Made(made) => Self::Made {
                service: made.service,
                operation: made.operation,
                region: &made.region,
                input: &made.input,
                request: Asked::of(&made.breaks),
                allowed_by: made.allowed_by.iter().map(ToString::to_string).collect(),
                besides: made.besides.iter().map(Asked::of).collect(),
                supposes: &made.supposes,
                token: made.token.as_ref(),
                command: made.command.as_deref(),
            },
            Call::None(why) => Self::None { none: why },
        }
    }
}

impl<'f> Asked<'f> {
    fn of(asks: &'f Asks) -> Self {
        let context = members(&asks.context);
        Self { action: &asks.action, resource: &asks.resource, context }
    }
}

fn members(context: &Context) -> BTreeMap<&str, Value> {
    let keys = context.keys().filter_map(|key| {
        let value = match context.get(key)? {
            Values::One(value) => json!(value),
            Values::Many(values) => json!(values),
        };
        Some((key, value))
    });
    keys.collect()
}

/// In a line: the call, what it asks for where that is not the request that it was made
/// for, and what must be so.
pub(in crate::proof) fn line(call: &Call, witness: &Witness) -> String {
    match call {
        Call::None(why) => format!("no operation can produce it: {why}"),
        Call::Made(made) => {
            let mut line = format!("as a call: `{}`", made.line());
            let Asks { action, resource, .. } = &made.breaks;
            if !action.eq_ignore_ascii_case(&witness.action) || *resource != witness.resource {
                let by: Vec<String> = made.allowed_by.iter().map(ToString::to_string).collect();
                line += &format!(
                    ", which asks for `{action}` on `{resource}`, allowed by {}",
                    by.join(", ")
                );
            }
            if let Some(token) = &made.token {
                line += &format!(", with a token of `{}`", Value::Object(token.clone()));
            }
            for supposed in &made.supposes {
                line += &format!("; where {supposed}");
            }
            if let Some(sent) = &made.sent {
                line += &format!("; {sent}");
            }
            line
        }
    }
}

/// How it ended, in words.
impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed { request_id, by, answered, stays } => {
                write!(
                    f,
                    "sent as request {request_id}: the guard allowed it by {}",
                    by.join(", ")
                )?;
                if !answered.is_empty() {
                    write!(f, ", and the service answered {answered}")?;
                }
                stays.iter().try_for_each(|stays| write!(f, "; {stays}"))
            }
            Self::Decided { by } => write!(
                f,
                "not sent, for it would change what is there; the guard would allow it by {}",
                by.join(", ")
            ),
            Self::Otherwise { request_id: Some(id), why } => {
                write!(f, "sent as request {id}, and the state for it was not made: {why}")
            }
            Self::Otherwise { request_id: None, why } => {
                write!(f, "not sent, and the state for it was not made: {why}")
            }
            Self::Not(why) => write!(f, "not sent: {why}"),
        }
    }
}

impl Made {
    /// As AWS's command line takes it, else its service, operation and input.
    fn line(&self) -> String {
        self.command.clone().unwrap_or_else(|| {
            let input = Value::Object(self.input.clone());
            format!("{} {} {input} in {}", self.service, self.operation, self.region)
        })
    }
}
