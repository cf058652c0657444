//! IAM's policy simulator, answered by the engine that decides the guard's own
//! calls: `SimulateCustomPolicy`, `SimulatePrincipalPolicy` and the two calls
//! that tell which context keys policies ask for.
//!
//! Rules, by AWS's pages:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html>.
//!
//! [`answer`] is the edge: it reads the account's policies where a call names a
//! principal. `input` reads a call, `run` decides it, `shape` writes the answer;
//! these do no I/O.
//!
//! Not simulated: `ResourceHandlingOption` and `PolicyExclusionList` are refused by
//! name.

mod aggregate;
mod arns;
mod entries;
mod error;
mod hierarchy;
mod input;
mod keys;
mod page;
mod populated;
mod position;
mod principal;
mod run;
mod shape;
mod source;

use ringfence_models::Partition;
use ringfence_wire::{Call, Reply, Service, ServiceError};

use crate::directory::Directory;
use crate::recording::Attached;
use input::{Fields, Simulation};
use principal::PolicySource;
pub(crate) use principal::own_source;
use run::Simulated;

/// What a simulation may know of the account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account<'a> {
    pub(crate) id: &'a str,
    pub(crate) partition: Partition,
    pub(crate) directory: &'a Directory,
    /// The service control policies that bind the account, by level.
    pub(crate) service_control: &'a [Vec<Attached>],
}

/// Whether a call is the simulator's.
pub(crate) fn answers(call: &Call) -> bool {
    call.service() == Service::Iam
        && matches!(
            call.name(),
            "SimulateCustomPolicy"
                | "SimulatePrincipalPolicy"
                | "GetContextKeysForCustomPolicy"
                | "GetContextKeysForPrincipalPolicy"
        )
}

/// Answers an authorized call.
///
/// # Errors
/// AWS's own: `InvalidInput`, `NoSuchEntity`, `PolicyEvaluation`.
pub(crate) async fn answer(call: &Call, account: Account<'_>) -> Result<Reply, ServiceError> {
    let fields = Fields(&call.input);
    let source = match fields.text("PolicySourceArn")? {
        Some(arn) => Some(PolicySource::load(arn, account).await?),
        None => None,
    };
    if call.name().starts_with("GetContextKeys") {
        let given = input::identity_policies(fields)?;
        let attached = source.as_ref().map_or(&[][..], |source| &source.identity);
        return Ok(Reply::fields(keys::answer(attached.iter().chain(&given))));
    }
    let simulation = Simulation::read(fields, source, account.id, account.partition)?;
    let cost = simulation.resources.len().saturating_mul(simulation.statements().max(1));
    let page = page::Page::read(fields, simulation.actions.len(), cost)?;
    let simulated = Simulated::new(simulation, account.id, account.service_control);
    let results = page.places().map(|action| simulated.results(action)).collect::<Vec<_>>();
    Ok(Reply::fields(shape::answer(&results, page.marker())))
}
