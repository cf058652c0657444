//! Calls that could name one target in two ways. The guard would decide on one
//! name and the upstream act on the other, so that they are refused as AWS
//! refuses them; and a name that is an alternative to an id is resolved before
//! anything is decided: decision and upstream see the id alone.

mod dynamodb;
mod ec2;
mod exclusive;
mod kinesis;
mod logs;
mod paths;
#[cfg(test)]
mod tests;
mod within;

use std::borrow::Cow;

use ringfence_wire::{Call, Service, ServiceError};

pub(crate) use self::logs::group_name;
use crate::requirements::State;

/// A call that names each target once.
#[derive(Debug)]
pub(crate) struct Named<'a> {
    /// The call.
    pub(crate) call: Cow<'a, Call>,
    /// Why it cannot be made, for whoever may make it: nothing has the name, and the id
    /// is `*` then; or what the name is of is not here.
    pub(crate) absent: Option<ServiceError>,
}

/// Resolves the names of a call.
///
/// # Errors
/// AWS's own error for a call that names a target twice, or not at all; or that
/// the upstream cannot tell.
pub(crate) async fn named<'a>(
    call: &'a Call,
    state: &dyn State,
) -> Result<Named<'a>, ServiceError> {
    exclusive::check(call)?;
    paths::check(call)?;
    match call.service() {
        Service::DynamoDb => {
            return Ok(Named { call: dynamodb::named(call)?, absent: None });
        }
        Service::Ec2 => return ec2::named(call, state).await,
        Service::Logs => {
            let absent = logs::absent(call, state);
            return Ok(Named { call: Cow::Borrowed(call), absent });
        }
        service if service.name() == "autoscaling" => {
            return within::of_a_group(call, state).await;
        }
        service if service.name() == "events" => within::of_a_bus(call, state).await?,
        service if service.name() == "kinesis" => return kinesis::named(call, state),
        _ => {}
    }
    Ok(Named { call: Cow::Borrowed(call), absent: None })
}
