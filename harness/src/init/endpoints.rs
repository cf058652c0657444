//! The VPC endpoints that functions may reach, and whether there is a NAT gateway besides.

use super::facts::Facts;
use super::text::{Text, list};
use crate::hcl::{Block, Value};

/// What AWS's names of services begin with, before the region
/// (<https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>).
const PREFIXES: [&str; 2] = ["com.amazonaws.", "cn.com.amazonaws."];

/// `endpoints` and `nat` of `[platform]`: nothing where the root modules make no endpoint.
pub(super) fn write(text: &mut Text, all: &[&Facts]) {
    let mut services: Vec<String> = Vec::new();
    let (mut places, mut open) = (Vec::new(), Vec::new());
    for facts in all {
        for endpoint in facts.resources("aws_vpc_endpoint") {
            places.push(format!("{}: {}", facts.place(endpoint), endpoint.address()));
            match of_endpoint(facts, endpoint) {
                Some(found) => services.extend(found),
                None => open.push(format!("{} ({})", endpoint.address(), facts.place(endpoint))),
            }
        }
    }
    services.sort_unstable();
    services.dedup();
    if places.is_empty() {
        return;
    }
    let written = list(&services);
    if !open.is_empty() {
        text.open(&format!(
            "endpoints = {written}: and the service of {}, which is not plain?",
            open.join(", ")
        ));
        return;
    }
    text.field("endpoints", &written, &places.join(", "));
    let public = |nat: &&Block| nat.text("connectivity_type") != Some("private");
    let nat = all.iter().find_map(|facts| {
        let nat = facts.resources("aws_nat_gateway").find(public)?;
        Some(format!("{}: {}", facts.place(nat), nat.address()))
    });
    match nat {
        Some(place) => text.field("nat", "true", &place),
        None => text.comment("nat = false: no aws_nat_gateway was found"),
    }
}

/// Whether they make any.
pub(super) fn any(all: &[&Facts]) -> bool {
    all.iter().any(|facts| facts.resources("aws_vpc_endpoint").next().is_some())
}

/// The services of an endpoint, one for each key of its `for_each`, as `endpoints` names
/// them; `None` where they are not plain.
fn of_endpoint(facts: &Facts, endpoint: &Block) -> Option<Vec<String>> {
    let written = facts.known(&endpoint.attribute("service_name")?.value);
    match &written {
        Value::Text(name) => Some(vec![short(name)]),
        Value::Names(names) if names.first().is_some_and(|first| first == "data") => {
            let data = facts.referred(names).filter(|it| it.label(0) == "aws_vpc_endpoint_service");
            data?.text("service").map(|service| vec![service.to_owned()])
        }
        Value::Names(names) => {
            Some(each(facts, endpoint, names)?.iter().map(|it| short(it)).collect())
        }
        Value::Template(pieces) => {
            // Between the prefix and the service stands the region.
            let [Value::Text(prefix), _, rest @ ..] = pieces.as_slice() else { return None };
            if !PREFIXES.contains(&prefix.as_str()) {
                return None;
            }
            match rest {
                [Value::Text(service)] => Some(vec![service.strip_prefix('.')?.to_owned()]),
                [Value::Text(dot), Value::Names(names)] if dot == "." => {
                    each(facts, endpoint, names)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// `each.key` and `each.value`, of each key.
fn each(facts: &Facts, endpoint: &Block, names: &[String]) -> Option<Vec<String>> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = facts.each(endpoint);
    let found = match names.as_slice() {
        ["each", "key"] => all.into_iter().map(|(key, _)| Some(key)).collect(),
        ["each", "value"] => all.iter().map(|(_, value)| value.text().map(str::to_owned)).collect(),
        _ => None,
    };
    found.filter(|found: &Vec<String>| !found.is_empty())
}

/// What stands after the region in a name of AWS's; other names as they are.
fn short(name: &str) -> String {
    let own = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
    let own = own.filter(|rest| !rest.starts_with("vpce.")).and_then(|rest| rest.split_once('.'));
    own.map_or(name, |(_, service)| service).to_owned()
}
