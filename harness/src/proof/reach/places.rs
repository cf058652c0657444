//! Where functions run.

use std::collections::BTreeSet;

use serde_json::Value;

use super::known::{At, Files, Known};
use crate::access::estate::Estate;
use crate::config::Config;
use crate::proof::guarded::{output_of, outputs_of};

/// Where an interface of functions stands.
pub(super) enum Place {
    /// In no VPC.
    Nowhere,
    /// In a subnet, with groups: by their ids.
    In { subnet: String, groups: Known<Vec<String>> },
    /// It is not known.
    Unknown(String),
}

/// The places of functions, each with whose it is: the platform's, by the configuration,
/// and those of the functions in the files.
pub(super) fn all(estate: &Estate, config: &Config, files: Files<'_>) -> Vec<(String, Place)> {
    let functions: Vec<(At<'_>, Known<Option<Inside>>)> =
        files.of(&["aws_lambda_function"]).map(|one| (one, inside(one))).collect();
    let platform = config.platform.as_ref();
    let named = platform.and_then(|it| it.subnets_output.as_ref());
    // Who runs nothing in a VPC has no network to prove anything of.
    if named.is_none() && !functions.iter().any(|(_, inside)| !matches!(inside, Ok(None))) {
        return Vec::new();
    }
    let mut all = Vec::new();
    if let Some(output) = named {
        let known: Vec<&Inside> =
            functions.iter().filter_map(|(_, inside)| inside.as_ref().ok()?.as_ref()).collect();
        let groups = platform_groups(estate, config, files, &known);
        match texts(estate, output) {
            Ok(subnets) => {
                in_each(files, "the platform's functions", &subnets, &groups, &mut all);
            }
            Err(reason) => {
                all.push(("the platform's functions".to_owned(), Place::Unknown(reason)));
            }
        }
    }
    for (function, inside) in functions {
        let who = function.address;
        match inside {
            Ok(Some((subnets, groups))) => in_each(files, who, &subnets, &Ok(groups), &mut all),
            Ok(None) => all.push((who.to_owned(), Place::Nowhere)),
            Err(reason) => all.push((who.to_owned(), Place::Unknown(reason))),
        }
    }
    all
}

/// The subnets and the groups of a function.
type Inside = (Vec<String>, Vec<String>);

/// Where a function runs; `None` for no VPC.
fn inside(function: At<'_>) -> Known<Option<Inside>> {
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
    let Some(network) = function.inner("vpc_config")?.into_iter().next() else { return Ok(None) };
    let subnets: Vec<String> = owned(network.texts("subnet_ids")?);
    let groups = owned(network.texts("security_group_ids")?);
    // Empty lists take a function out of its VPC
    // (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html).
    Ok((!subnets.is_empty()).then_some((subnets, groups)))
}

fn in_each(
    files: Files<'_>,
    who: &str,
    subnets: &[String],
    groups: &Known<Vec<String>>,
    all: &mut Vec<(String, Place)>,
) {
    let named = subnets.iter().map(|subnet| {
        let named = files.with_id(&super::site::SUBNETS, subnet);
        (named.map_or(subnet.as_str(), |one| one.address), subnet)
    });
    // Their ids, by which a state has them, differ from run to run.
    for (named, subnet) in named.collect::<BTreeSet<_>>() {
        let place = Place::In { subnet: subnet.clone(), groups: groups.clone() };
        all.push((format!("{who} in {named}"), place));
    }
}

/// The platform's security group: the one that is named, else those of the functions in
/// the files, else the only one.
fn platform_groups(
    estate: &Estate,
    config: &Config,
    files: Files<'_>,
    functions: &[&Inside],
) -> Known<Vec<String>> {
    let named = config.platform.as_ref().and_then(|it| it.security_group_output.as_ref());
    if let Some(output) = named {
        let group = output_of(estate, output).map(|group| vec![group.to_owned()]);
        return group.ok_or_else(|| unknown(output));
    }
    let groups = functions.iter().flat_map(|(_, groups)| groups.iter().cloned());
    let groups: BTreeSet<String> = groups.collect();
    if !groups.is_empty() {
        return Ok(groups.into_iter().collect());
    }
    let mut all = files.of(&["aws_security_group"]);
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(vec![only.needed("id")?.to_owned()]),
        _ => Err(
            "which security group functions have, `platform.security_group_output` does not say"
                .to_owned(),
        ),
    }
}

/// An output that is a list of texts.
fn texts(estate: &Estate, output: &str) -> Known<Vec<String>> {
    let (outputs, name) = outputs_of(estate, output);
    let value = outputs.get(name);
    let items = value.and_then(Value::as_array).filter(|items| !items.is_empty());
    let texts = items.and_then(|items| {
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    texts.ok_or_else(|| unknown(output))
}

fn unknown(output: &str) -> String {
    format!("the files do not say what the output `{output}` is")
}
