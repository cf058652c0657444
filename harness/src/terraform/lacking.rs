//! Resources that Ringfence's own services refuse: what these lack
//! ([`ringfence_services::lacking`]), found in the files before anything runs.
//! Only what is certain to be made is told: no resource with a `count` or a
//! `for_each`, of its own or of the module that it stands in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ringfence_services::lacking::{Made, lacking};

use super::examine::place;
use crate::hcl::{Block, File, Module, Value};
use crate::remark::{Outcome, Remark};

/// The resource types that these services answer for.
const MADE: [(&str, Made); 2] =
    [("aws_apigatewayv2_integration", Made::Integration), ("aws_lambda_function", Made::Function)];

/// The directories of the modules that are made whatever the variables are: the
/// root module, and what such a one calls once.
pub(super) fn certain<'m>(root: &Path, modules: &[(&'m Path, &Module)]) -> BTreeSet<&'m Path> {
    let mut certain = BTreeSet::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        let found = modules.iter().find(|(path, _)| **path == *directory);
        let Some((path, module)) = found.filter(|(path, _)| certain.insert(*path)) else {
            continue;
        };
        let calls = module.of("module").filter(|(_, call)| is_certain(call));
        let sources = calls.filter_map(|(_, call)| call.text("source"));
        waiting.extend(sources.filter_map(|source| path.join(source).canonicalize().ok()));
    }
    certain
}

fn is_certain(block: &Block) -> bool {
    let count = block.attribute("count").map(|attribute| &attribute.value);
    let repeats = count.is_some() || block.attribute("for_each").is_some();
    let never = block.of("lifecycle").next().is_some_and(|it| it.attribute("enabled").is_some());
    !repeats && !never
}

/// What of a module is refused, with its place.
pub(super) fn refused(module: &Module) -> Vec<Remark> {
    let blocks = module.of("resource").filter(|(_, block)| is_certain(block));
    blocks
        .flat_map(|(file, block)| {
            let made = MADE.iter().find(|(kind, _)| *kind == block.label(0));
            made.map(|(_, made)| of(file, block, *made)).unwrap_or_default()
        })
        .collect()
}

fn of(file: &File, block: &Block, made: Made) -> Vec<Remark> {
    let own = block.attributes.iter();
    let nested = block.blocks.iter();
    let asked = own.filter_map(|own| Some((own.at, asks(made, &own.name, &own.value)?))).chain(
        nested.flat_map(|nested| {
            let whole = lacking(made, &nested.kind, None).map(|what| (nested.at, what));
            let within = nested.attributes.iter();
            let within =
                within.filter_map(|own| Some((own.at, asks(made, &own.name, &own.value)?)));
            whole.into_iter().chain(within).collect::<Vec<_>>()
        }),
    );
    asked
        .map(|(at, what)| Remark {
            place: place(file, at),
            construct: block.address(),
            outcome: Outcome::Unsupported,
            because: format!("Ringfence does not have {what}"),
        })
        .collect()
}

/// What an attribute asks for. Of one whose value only a run knows it is unknown,
/// but for a reference to a resource: that is something.
fn asks(made: Made, name: &str, value: &Value) -> Option<&'static str> {
    match value {
        Value::Text(text) => lacking(made, name, Some(text)),
        Value::Names(names) if names.first().is_some_and(|first| first.starts_with("aws_")) => {
            lacking(made, name, None)
        }
        Value::Object(members) if !members.is_empty() => lacking(made, name, None),
        _ => None,
    }
}

/// The modules with their directories, as [`certain`] takes them.
pub(super) fn borrowed<'m>(modules: &'m [(&'m PathBuf, Module)]) -> Vec<(&'m Path, &'m Module)> {
    modules.iter().map(|(path, module)| (path.as_path(), module)).collect()
}
