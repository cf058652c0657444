//! What limits and is there on one side of a comparison alone: where there is none, it keeps
//! nothing back.

use ringfence_policy::Policies;

use super::estate::{Entry, Estate, everything};
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

/// What stands for an entry that one side lacks.
pub(super) enum Absent {
    /// It allows nothing.
    Nothing,
    /// It keeps nothing back.
    Everything,
    /// Nobody knows, and why.
    Unknown(String),
}

/// What stands, on a side that lacks it, for an entry of the other side that only limits.
/// Without a control policy nothing is kept back by it. The policy of an endpoint is one of an
/// endpoint that is there, which lets everything through by its default policy where it has no
/// other (<https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>);
/// through one that is not there comes nothing.
pub(super) fn of(name: &str, entry: &Entry, there: &Estate, here: &Estate) -> Absent {
    if !entry.only_limits() {
        return Absent::Nothing;
    }
    if entry.policies.vpc_endpoint.is_none() {
        return Absent::Everything;
    }
    let find = |estate: &'_ Estate, is: &dyn Fn(&Resource) -> bool| {
        estate.resources.iter().find(|one| !one.is_data && is(one)).cloned()
    };
    let is_endpoint = |one: &Resource| one.kind == "aws_vpc_endpoint";
    let Some(own) = find(there, &|one| one.address == name) else { return Absent::Everything };
    let id = |one: &Resource, attribute: &str| {
        let text = one.values.get(attribute).and_then(Node::text);
        text.map(str::to_owned)
    };
    let endpoint = match is_endpoint(&own) {
        true => Some(own.address.clone()),
        false => {
            let of = id(&own, "vpc_endpoint_id");
            let is_it = |one: &Resource| is_endpoint(one) && of.is_some() && id(one, "id") == of;
            find(there, &is_it).map(|one| one.address)
        }
    };
    match endpoint {
        // It is another file's, and there before and after.
        None => Absent::Everything,
        Some(address) => match find(here, &|one| is_endpoint(one) && one.address == address) {
            None => Absent::Nothing,
            Some(_) if is_endpoint(&own) || here.entries.contains_key(&address) => {
                Absent::Unknown(format!("what `{address}` lets through, another resource says"))
            }
            Some(_) => Absent::Everything,
        },
    }
}

/// What keeps nothing back.
pub(super) fn unlimited() -> Entry {
    let identity = everything().into_iter().collect();
    Entry { policies: Policies { identity, ..Policies::default() }, ..Entry::default() }
}
