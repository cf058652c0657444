//! What of an estate changed, from the files that did, and which attacks look at
//! it. Pure, but for [`Sources::of`], which follows what Terraform reaches.

mod git;
mod parts;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{Config, Layer1};
use crate::terraform;

pub(crate) use git::since;
pub(crate) use parts::attacks;

/// Where what is under test comes from, by canonical paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    /// The configuration, and what comes with it: policies of the organization and
    /// of VPC endpoints, and frameworks of controls.
    configuration: BTreeSet<PathBuf>,
    /// What each root module consists of, in the order of the configuration.
    roots: Vec<BTreeSet<PathBuf>>,
    /// Each application's directory, by name.
    apps: BTreeMap<String, PathBuf>,
}

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Whether the configuration did, or what comes with it.
    pub(crate) configuration: bool,
    /// The root modules, by their places in the configuration.
    pub(crate) roots: BTreeSet<usize>,
    /// The applications, by name.
    pub(crate) apps: BTreeSet<String>,
    /// Files of nothing that is under test.
    pub(crate) others: usize,
}

impl Changed {
    /// Whether nothing that is under test changed.
    pub(crate) fn is_nothing(&self) -> bool {
        !self.configuration && self.roots.is_empty() && self.apps.is_empty()
    }

    /// What changed here or there.
    pub(crate) fn add(&mut self, other: &Self) {
        self.configuration |= other.configuration;
        self.roots.extend(&other.roots);
        self.apps.extend(other.apps.iter().cloned());
        self.others += other.others;
    }

    /// What changed, in a line; `roots` are the root modules' names.
    pub(crate) fn told(&self, since: Option<&str>, roots: &[String]) -> String {
        let when = since.map(|revision| format!(" since {revision}")).unwrap_or_default();
        let others = match self.others {
            0 => String::new(),
            1 => "; 1 file beside it".to_owned(),
            several => format!("; {several} files beside it"),
        };
        if self.is_nothing() {
            return format!("nothing that is under test changed{when}{others}");
        }
        let configuration = self.configuration.then(|| "the configuration".to_owned());
        let roots = self.roots.iter().filter_map(|place| roots.get(*place));
        let roots = roots.map(|name| format!("Layer 1 ({name})"));
        let apps = self.apps.iter().map(|app| format!("app {app}"));
        let all: Vec<String> = configuration.into_iter().chain(roots).chain(apps).collect();
        format!("changed{when}: {}{others}", all.join(", "))
    }
}

impl Sources {
    /// Where what a configuration names comes from.
    ///
    /// # Errors
    /// When a root module cannot be read.
    pub(crate) fn of(config: &Config) -> io::Result<Self> {
        let levels = config.organization.iter();
        let policies = levels
            .flat_map(|level| level.policies.iter().flatten().chain(&level.resource_control))
            .chain(config.vpc_endpoints.iter().map(|endpoint| &endpoint.policy))
            .chain(&config.evidence.controls)
            .chain([&config.file]);
        let roots = config.layer1.iter().map(root).collect::<io::Result<_>>()?;
        let apps = config.apps.iter();
        let apps = apps.map(|app| (app.name.get_ref().clone(), real(&app.directory))).collect();
        Ok(Self { configuration: policies.map(|path| real(path)).collect(), roots, apps })
    }

    /// All files and directories.
    pub(crate) fn places(&self) -> BTreeSet<PathBuf> {
        let roots = self.roots.iter().flatten();
        self.configuration.iter().chain(roots).chain(self.apps.values()).cloned().collect()
    }

    /// What these files are of. One file can be of several things.
    pub(crate) fn changed<'p>(&self, files: impl IntoIterator<Item = &'p Path>) -> Changed {
        let mut changed = Changed::default();
        for file in files {
            let of = |place: &PathBuf| file.starts_with(place);
            let configuration = self.configuration.iter().any(of);
            let roots: BTreeSet<usize> = self
                .roots
                .iter()
                .enumerate()
                .filter(|(_, places)| places.iter().any(of))
                .map(|(number, _)| number)
                .collect();
            let apps: BTreeSet<String> = self
                .apps
                .iter()
                .filter(|&(_, place)| of(place))
                .map(|(name, _)| name.clone())
                .collect();
            changed.others += usize::from(!configuration && roots.is_empty() && apps.is_empty());
            changed.configuration |= configuration;
            changed.roots.extend(roots);
            changed.apps.extend(apps);
        }
        changed
    }
}

/// What a root module consists of: its directory, what it reaches outside of it,
/// and the files with its values.
fn root(layer1: &Layer1) -> io::Result<BTreeSet<PathBuf>> {
    if let Some(template) = &layer1.template {
        return Ok(BTreeSet::from([real(&template.file)]));
    }
    let mut places = terraform::places(&layer1.directory)?;
    places.extend(layer1.var_files.iter().map(|file| real(file)));
    Ok(places)
}

/// The path without links; what is not there keeps its name below the directory
/// that is.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).canonicalize();
    match (parent, path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let set = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        Sources {
            configuration: set(&["/r/ringfence.toml", "/r/scp.json"]),
            roots: vec![set(&["/r/network"]), set(&["/r/iam", "/r/modules/role"])],
            apps: BTreeMap::from([("a".into(), "/r/apps/a".into()), ("b".into(), "/r/b".into())]),
        }
    }

    fn changed(files: &[&str]) -> Changed {
        sources().changed(files.iter().map(Path::new))
    }

    #[test]
    fn a_file_is_of_what_it_lies_in() {
        let nothing = Changed::default();
        assert_eq!(changed(&[]), nothing);
        let one = |roots: &[usize], apps: &[&str]| Changed {
            roots: roots.iter().copied().collect(),
            apps: apps.iter().map(|app| (*app).to_owned()).collect(),
            ..Changed::default()
        };
        assert_eq!(changed(&["/r/network/main.tf"]), one(&[0], &[]));
        assert_eq!(changed(&["/r/modules/role/policy.json"]), one(&[1], &[]));
        assert_eq!(changed(&["/r/apps/a/template.yaml", "/r/b/x"]), one(&[], &["a", "b"]));
        let policy = Changed { configuration: true, ..Changed::default() };
        assert_eq!(changed(&["/r/scp.json"]), policy);
        assert_eq!(changed(&["/r/ringfence.toml"]), policy);
    }

    #[test]
    fn a_name_that_begins_like_a_directorys_is_not_in_it() {
        let others = changed(&["/r/network-docs/a.md", "/r/apps/ab/x"]);
        assert_eq!(others, Changed { others: 2, ..Changed::default() });
        assert!(others.is_nothing());
        assert!(!changed(&["/r/network/a.md"]).is_nothing());
    }

    #[test]
    fn what_changed_is_told_in_a_line() {
        let names = ["network".to_owned(), "iam".to_owned()];
        let told = |files: &[&str]| changed(files).told(Some("main"), &names);
        assert_eq!(told(&[]), "nothing that is under test changed since main");
        let now = changed(&["/r/iam/a.tf"]).told(None, &names);
        assert_eq!(now, "changed: Layer 1 (iam)");
        assert_eq!(
            told(&["/r/README.md"]),
            "nothing that is under test changed since main; 1 file beside it"
        );
        assert_eq!(
            told(&["/r/x", "/r/y", "/r/scp.json", "/r/iam/a.tf", "/r/b/x"]),
            "changed since main: the configuration, Layer 1 (iam), app b; 2 files beside it"
        );
    }

    #[test]
    fn the_sources_of_a_configuration_hold_what_a_root_module_reaches() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(top.join(name).parent().unwrap()).unwrap();
            std::fs::write(top.join(name), text).unwrap();
        };
        std::fs::create_dir(top.join(".git")).unwrap();
        write("live/main.tf", "module \"r\" {\n  source = \"../modules/r\"\n}\n");
        write("modules/r/main.tf", "");
        let text = "[layer1]\ndirectory = \"live\"\nvar_files = [\"prod.tfvars\"]\n\
                    [[organization]]\npolicies = [\"scp.json\"]\n";
        let config = Config::parse(text, &top.join("ringfence.toml")).unwrap();
        let sources = Sources::of(&config).unwrap();
        let at = |names: &[&str]| names.iter().map(|name| top.join(name)).collect();
        let expected = Sources {
            configuration: at(&["ringfence.toml", "scp.json"]),
            roots: vec![at(&["live", "modules/r", "prod.tfvars"])],
            apps: BTreeMap::new(),
        };
        assert_eq!(sources, expected);
        let policy = top.join("scp.json");
        assert!(sources.changed([policy.as_path()]).configuration);
    }
}
