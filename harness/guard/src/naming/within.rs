//! What is named within another thing: a scaling policy of a group, a rule of a bus.
//! The guard would decide on the thing that the call names; an emulator that keeps
//! what is within by its own name alone acts on that of another.

mod buses;
mod groups;

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::{Map, Value};

use crate::requirements::State;
use crate::requirements::state::{Question, Told};

pub(super) use buses::check as of_a_bus;
pub(super) use groups::named as of_a_group;

/// What the service of a call answers to a question of one member: texts, none where
/// there is nothing.
///
/// # Errors
/// That the upstream does not tell it.
async fn told(
    call: &Call,
    state: &dyn State,
    operation: &'static str,
    input: Map<String, Value>,
    answer: &'static [&'static str],
) -> Result<Vec<String>, ServiceError> {
    let question = Question { api: call.service(), operation, input, answer };
    match state.told(&question).await? {
        Told::Is(texts) => Ok(texts),
        Told::Nothing => Ok(Vec::new()),
        Told::Unknown(why) => Err(lacking(call.service(), &why)),
    }
}

fn lacking(service: Service, why: &str) -> ServiceError {
    ServiceError::not_implemented(service, why.to_owned())
}

/// Members of a question.
fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
