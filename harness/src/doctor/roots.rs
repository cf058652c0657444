//! Root modules of Terraform.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Diagnosis, Found, Kind, Options, network, start};
use crate::config::Layer1;
use crate::hcl::Module;
use crate::terraform::{self, Examined, Machine, Need, States};

pub(super) async fn examine(
    found: &Found,
    machine: Machine,
    options: &Options,
    diagnosis: &mut Diagnosis,
) {
    let mut needs: Vec<Need> = Vec::new();
    let mut files: BTreeSet<PathBuf> = BTreeSet::new();
    let roots = roots(&found.modules);
    for directory in &roots {
        one(directory, &machine, diagnosis, &mut files, &mut needs);
    }
    let layers: Vec<Layer1> = roots.into_iter().map(Layer1::at).collect();
    // What cannot be read was told above.
    if let Ok(states) = States::unordered(&layers) {
        diagnosis.add(Kind::Root, states.remarks());
    }
    // Modules that call each other in a circle are called by no root.
    let left: Vec<&PathBuf> = found.modules.iter().filter(|it| !is_told(it, &files)).collect();
    for directory in left {
        one(directory, &machine, diagnosis, &mut files, &mut needs);
    }
    let hosts: BTreeSet<String> = needs.iter().map(|need| need.host.clone()).collect();
    let away = if options.offline { hosts } else { network::unreachable(hosts).await };
    let remarks = needs.iter().filter(|need| away.contains(&need.host)).map(Need::unreachable);
    diagnosis.add(Kind::Root, remarks);
    diagnosis.complete(Kind::Root, files);
}

fn is_told(directory: &Path, files: &BTreeSet<PathBuf>) -> bool {
    files.iter().any(|file| file.parent() == Some(directory))
}

fn one(
    directory: &Path,
    machine: &Machine,
    diagnosis: &mut Diagnosis,
    files: &mut BTreeSet<PathBuf>,
    needs: &mut Vec<Need>,
) {
    match terraform::examine(directory, machine) {
        Ok(Examined { files: own, remarks, needs: more, broken }) => {
            files.extend(own);
            diagnosis.add(Kind::Root, remarks);
            for remark in broken {
                diagnosis.unreadable(Kind::Root, remark.place, remark.because);
            }
            needs.extend(more);
        }
        Err(error) => diagnosis.unreadable(Kind::Root, start(directory), error.to_string()),
    }
}

/// Those of the directories that no module of another calls.
pub(crate) fn roots(modules: &[PathBuf]) -> Vec<PathBuf> {
    let real: BTreeMap<PathBuf, &PathBuf> =
        modules.iter().filter_map(|it| Some((it.canonicalize().ok()?, it))).collect();
    let mut called = BTreeSet::new();
    for (directory, named) in &real {
        let Ok(module) = Module::read(named) else { continue };
        for (_, call) in module.of("module") {
            let source = call.text("source").unwrap_or_default();
            if source.starts_with("./") || source.starts_with("../") {
                called.extend(directory.join(source).canonicalize());
            }
        }
    }
    let roots = real.into_iter().filter(|(directory, _)| !called.contains(directory));
    roots.map(|(_, named)| named.clone()).collect()
}
