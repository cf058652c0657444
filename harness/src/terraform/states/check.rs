//! What does not come together between root modules that read each other.

use std::collections::BTreeSet;
use std::path::Path;

use super::{DATA, Link, Root};
use crate::config::Place;
use crate::hcl::Module;
use crate::remark::{Outcome, Remark};

/// Each state is read after it was made.
pub(super) fn order(links: &[Link], roots: &[Root<'_>]) -> Vec<Remark> {
    let circles = circles(links, roots);
    if !circles.is_empty() {
        return circles;
    }
    let early = links.iter().flat_map(|link| {
        let later = link.targets().into_iter().filter(|target| *target > link.reader);
        later.filter_map(|target| {
            let (reader, other) = (name(roots, link.reader)?, name(roots, target)?);
            let because = format!(
                "`{reader}` reads the state of `{other}`, which is applied after it: put the \
                 [[layer1]] of `{other}` before that of `{reader}`"
            );
            Some(link.remark(Outcome::Unsupported, because))
        })
    });
    early.collect()
}

fn name<'r>(roots: &'r [Root<'_>], at: usize) -> Option<&'r str> {
    roots.get(at).map(|root| root.name.as_str())
}

/// Root modules that read each other in a circle: each data source in one.
pub(super) fn circles(links: &[Link], roots: &[Root<'_>]) -> Vec<Remark> {
    let reached = |from: usize| {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(at) = waiting.pop() {
            for link in links.iter().filter(|link| link.reader == at) {
                waiting.extend(link.targets().into_iter().filter(|next| seen.insert(*next)));
            }
        }
        seen
    };
    let circular = links.iter().flat_map(|link| {
        let back = link.targets().into_iter().filter(|target| {
            *target == link.reader || reached(*target).contains(&link.reader)
        });
        back.filter_map(|target| {
            let (reader, other) = (name(roots, link.reader)?, name(roots, target)?);
            let because = format!(
                "`{reader}` reads the state of `{other}`, which reads that of `{reader}`, itself or \
                 through others: neither can be applied first; move what both need to a root \
                 module of its own"
            );
            Some(link.remark(Outcome::Unsupported, because))
        })
    });
    circular.collect()
}

/// Everything that `reads` names is a data source, or a key of one.
pub(super) fn reads(roots: &[Root<'_>], file: &Path) -> Vec<Remark> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut told = Vec::new();
    for root in roots {
        let named: BTreeSet<String> = root
            .modules
            .iter()
            .flat_map(|(_, module)| module.of("data"))
            .filter(|(_, block)| block.label(0) == DATA)
            .map(|(_, block)| format!("data.{DATA}.{}", block.label(1)))
            .collect();
        let addresses = root.layer1.reads.iter().filter(|(key, _)| key.starts_with("data."));
        for (key, root_name) in addresses {
            let plain = key.split('[').next().unwrap_or(key);
            if !named.contains(plain) {
                let has: Vec<&str> = named.iter().map(String::as_str).collect();
                let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
                told.push(Remark {
                    place: Place::of(file, &text, root_name.span().start),
                    construct: format!("layer1.reads.{key}"),
                    outcome: Outcome::Unsupported,
                    because: format!(
                        "`reads` of `{}` names `{key}`, which is no data source of it; it has: {has}",
                        root.name
                    ),
                });
            }
        }
    }
    told
}

/// Every output that is read is declared.
pub(super) fn outputs(links: &[Link], roots: &[Root<'_>]) -> Vec<Remark> {
    let mut told = Vec::new();
    for link in links {
        let Some(reader) = roots.get(link.reader) else { continue };
        let Some((_, module)) = reader.modules.iter().find(|(path, _)| *path == link.module) else {
            continue;
        };
        for target in link.targets() {
            let Some(other) = roots.get(target) else { continue };
            let declared: BTreeSet<&str> = other.own().map(declared).unwrap_or_default();
            for file in &module.files {
                for reference in &file.references {
                    let Some(output) = output_of(&reference.names, &link.name) else { continue };
                    if declared.contains(output) {
                        continue;
                    }
                    let has: Vec<&str> = declared.iter().copied().collect();
                    let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
                    told.push(Remark {
                        place: reader.place(&file.path, reference.at),
                        construct: format!("data.{DATA}.{}.outputs.{output}", link.name),
                        outcome: Outcome::Unsupported,
                        because: format!(
                            "root module `{}` has no output `{output}`; it has: {has}",
                            other.name
                        ),
                    });
                }
            }
        }
    }
    told
}

fn declared(module: &Module) -> BTreeSet<&str> {
    module.of("output").map(|(_, block)| block.label(0)).collect()
}

/// `data.terraform_remote_state.NAME.outputs.OUTPUT`, also behind a key.
fn output_of<'n>(names: &'n [String], name: &str) -> Option<&'n str> {
    let rest = names.strip_prefix(["data".to_owned(), DATA.to_owned(), name.to_owned()].as_slice());
    let rest = rest?;
    let at = rest.iter().take(2).position(|part| part == "outputs")?;
    rest.get(at + 1).map(String::as_str)
}
