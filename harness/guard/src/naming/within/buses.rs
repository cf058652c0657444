//! Tags of EventBridge's rules and buses, whose ARN says all of what they are of.

use ringfence_wire::{Call, ServiceError};

use super::{lacking, members, told};
use crate::requirements::State;

/// Refuses an ARN whose rule is of another bus, and tags that the upstream, which
/// reads what follows the last slash, would give to another rule.
///
/// # Errors
/// `ResourceNotFoundException`
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TagResource.html>;
/// LocalStack's recorded `test_list_tags_for_deleted_rule` has its words).
pub(in crate::naming) async fn check(call: &Call, state: &dyn State) -> Result<(), ServiceError> {
    if !["ListTagsForResource", "TagResource", "UntagResource"].contains(&call.name()) {
        return Ok(());
    }
    let arn = call.text("ResourceARN").unwrap_or_default();
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let name = resource.rsplit('/').next().unwrap_or_default();
    if name.is_empty() {
        return Ok(());
    }
    let of = resource.strip_prefix("rule/").map(|path| match path.rsplit_once('/') {
        Some((bus, _)) => bus,
        None => "default",
    });
    let mut holders = Vec::new();
    for bus in
        told(call, state, "ListEventBuses", members([]), &["EventBuses", "*", "Name"]).await?
    {
        let input = members([("Name", name.into()), ("EventBusName", bus.as_str().into())]);
        if !told(call, state, "DescribeRule", input, &["Arn"]).await?.is_empty() {
            holders.push(bus);
        }
    }
    // The ARN of a rule of the default bus has no bus.
    let is_none = resource.starts_with("rule/default/");
    if let Some(of) = of.filter(|of| is_none || !holders.iter().any(|bus| bus == of)) {
        let message = format!("Rule {name} does not exist on EventBus {of}.");
        return Err(ServiceError::new(400, "ResourceNotFoundException", message));
    }
    let other = holders.iter().find(|bus| Some(bus.as_str()) != of);
    match other.filter(|_| call.name() != "ListTagsForResource") {
        None => Ok(()),
        Some(other) => Err(lacking(
            call.service(),
            &format!(
                "the upstream keeps tags by the last part of an ARN, and the bus `{other}` has a rule `{name}` too"
            ),
        )),
    }
}
