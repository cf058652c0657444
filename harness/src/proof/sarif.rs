//! What is not proved, as SARIF 2.1.0: each request, packet and open question at the
//! file that lets it be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use ringfence_evidence::Places;
use ringfence_evidence::sarif::{Level, Located, Place, Rule, sarif};

use super::decide::{Broken, Packets};
use super::paths::Found;
use super::told::{Rail, told};
use crate::access::estate::Estate;
use crate::access::files::find;
use crate::hcl::Module;
use crate::lint::known::Node;
use crate::lint::terraform::without_keys;

/// Modules within modules whose files are looked at.
const DEEPEST: usize = 8;

/// What tells the log from others of a commit.
const CATEGORY: &str = "ringfence-prove";

/// A root module: what it is called, and its directory.
type Root = (String, PathBuf);

/// Where resources and statements are written.
pub struct Written<'e> {
    estate: &'e Estate,
    /// By `Sid`.
    statements: Places,
    /// By address, without the keys of instances: in each root module that has it.
    blocks: BTreeMap<String, Vec<(Root, Place)>>,
    /// The configuration of the guard rails: where nothing else is known.
    configuration: Place,
}

impl<'e> Written<'e> {
    /// Reads the Terraform files of root modules, with the modules of theirs that lie
    /// beside them, and templates. What cannot be read has no places.
    pub fn of(
        estate: &'e Estate,
        configuration: &Path,
        roots: &[(String, PathBuf)],
        templates: &[PathBuf],
    ) -> Self {
        let mut blocks = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for root in roots {
            let mut own = BTreeMap::new();
            module(&root.1, "", DEEPEST, &mut own, &mut texts);
            for (address, place) in own {
                let all: &mut Vec<(Root, Place)> = blocks.entry(address).or_default();
                all.push((root.clone(), place));
            }
        }
        let mut files = Vec::new();
        for directory in templates {
            // A directory that cannot be read was refused before.
            let _ = find(directory, &mut files);
        }
        for file in files {
            if let Ok(text) = fs::read_to_string(&file) {
                texts.insert(shown(&file), text);
            }
        }
        Self {
            estate,
            statements: Places::of(&texts),
            blocks,
            configuration: line(configuration, 1),
        }
    }

    fn of_broken(&self, who: &str, broken: &Broken) -> Place {
        let place = match broken {
            Broken::Request { allowed_by, .. } => allowed_by.iter().find_map(|statement| {
                let sid = statement.sid.as_deref();
                let stands = sid.and_then(|sid| self.statements.statement(sid));
                stands.cloned().or_else(|| self.named_in(&statement.policy))
            }),
            Broken::Packets(Packets { through, .. }) => {
                through.iter().rev().find_map(|passed| self.named_in(passed))
            }
        };
        place.unwrap_or_else(|| self.of_identity(who))
    }

    fn of_reason(&self, who: &str, reason: &str) -> Place {
        self.named_in(reason).unwrap_or_else(|| self.of_identity(who))
    }

    /// The block of the longest address in a text.
    fn named_in(&self, text: &str) -> Option<Place> {
        let is_part = |one: char| one.is_alphanumeric() || "._-".contains(one);
        let words = text.split(|one: char| !is_part(one) && !"[]\"/".contains(one));
        let found = words.filter_map(|word| {
            let address = without_keys(word);
            // What several root modules have stands behind the name of each.
            let (root, address) = address.rsplit_once('/').unwrap_or(("", &address));
            let mut address = address.trim_end_matches(['.', '-']);
            loop {
                if let Some(place) = self.block(root, address) {
                    return Some((address.len(), place));
                }
                // `aws_route_table.a.route`: a part of a block.
                (address, _) = address.rsplit_once('.')?;
            }
        });
        found.max_by_key(|(length, _)| *length).map(|(_, place)| place.clone())
    }

    /// The block of an address: of the root module that is called so, or that the plan
    /// of this path lies in; of another name, where one root module alone has it.
    fn block(&self, root: &str, address: &str) -> Option<&Place> {
        let all = self.blocks.get(address)?;
        let plan = Path::new(root);
        let is_it = |(name, directory): &Root| {
            name == root || plan.parent().is_some_and(|it| it == directory || same(it, directory))
        };
        let own = all.iter().find(|(of, _)| root.is_empty() || is_it(of));
        let only = || all.first().filter(|_| all.len() == 1);
        own.or_else(only).map(|(_, place)| place)
    }

    /// The block of an identity, `role/NAME`, of which a claim's name speaks first.
    fn of_identity(&self, who: &str) -> Place {
        let name = who.strip_prefix("trust of ").unwrap_or(who);
        let entry = name.split(' ').next().unwrap_or_default();
        let found = entry.split_once('/').and_then(|(word, name)| {
            let kind = format!("aws_iam_{word}");
            let is_it = |text: Option<&Node>| text.and_then(Node::text) == Some(name);
            let mut all = self.estate.resources.iter().filter(|one| one.kind == kind);
            let own = all.find(|one| is_it(one.values.get("name")))?;
            let address = own.configured();
            let (root, address) = address.rsplit_once('/').unwrap_or(("", &address));
            self.block(root, address)
        });
        found.cloned().or_else(|| self.named_in(who)).unwrap_or_else(|| self.configuration.clone())
    }
}

/// Whether two paths are one directory.
fn same(one: &Path, other: &Path) -> bool {
    let one = if one.as_os_str().is_empty() { Path::new(".") } else { one };
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| Some(one) == real(other))
}

fn module(
    directory: &Path,
    prefix: &str,
    deeper: usize,
    blocks: &mut BTreeMap<String, Place>,
    texts: &mut BTreeMap<String, String>,
) {
    let Ok(read) = Module::read(directory) else { return };
    for (file, block) in read.blocks() {
        if matches!(block.kind.as_str(), "resource" | "data") {
            let place =
                || Place { column: Some(block.at.column), ..line(&file.path, block.at.line) };
            blocks.entry(format!("{prefix}{}", block.address())).or_insert_with(place);
        }
    }
    for (_, block) in read.of("module") {
        let source = block.text("source").filter(|source| source.starts_with('.'));
        if let (Some(source), Some(deeper)) = (source, deeper.checked_sub(1)) {
            let prefix = format!("{prefix}module.{}.", block.label(0));
            module(&directory.join(source), &prefix, deeper, blocks, texts);
        }
    }
    texts.extend(read.files.into_iter().map(|file| (shown(&file.path), file.text)));
}

fn line(file: &Path, line: usize) -> Place {
    Place { file: shown(file), line, column: None }
}

/// A path from the current directory on: in a pipeline the repository's root.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    let parts = below.components().filter(|part| *part != Component::CurDir);
    parts.collect::<PathBuf>().to_string_lossy().replace('\\', "/")
}

/// The rails, each a rule, and what is not proved of them.
///
/// # Errors
/// None that is known.
pub fn log(rails: &[Rail<'_>], written: &Written<'_>) -> serde_json::Result<Vec<u8>> {
    let mut rules = Vec::new();
    let mut found = Vec::new();
    for rail in rails {
        let id = format!("prove/{}", rail.id());
        let mut add = |level, who: &str, told: String, place, of: &str| {
            found.push(Located {
                rule: id.clone(),
                level,
                message: format!("{}: {who}: {told}", rail.name()),
                place,
                fingerprint: format!("prove|{}|{who}|{of}", rail.id()),
                accepted: None,
            });
        };
        for (who, broken) in rail.violations() {
            add(Level::Error, who, told(broken), written.of_broken(who, broken), "violated");
        }
        for (who, reason) in rail.undecided() {
            let told = format!("undecided: {reason}");
            add(Level::Warning, who, told, written.of_reason(who, reason), "undecided");
        }
        rules.push(Rule {
            summary: format!("Guard rail, for all requests: {}", rail.name()),
            help: Some(format!("What there is: {}", rail.universe_told())),
            id,
        });
    }
    sarif(env!("CARGO_PKG_VERSION"), Some(CATEGORY), &rules, &found)
}

/// The paths, a rule each kind of gain.
///
/// # Errors
/// None that is known.
pub fn paths(found: &Found, written: &Written<'_>) -> serde_json::Result<Vec<u8>> {
    let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
    let mut results = Vec::new();
    for source in &found.sources {
        for path in &source.paths {
            let id = format!("prove/paths/{}", path.gain.replace(' ', "-"));
            let steps: Vec<&str> = path.steps.iter().map(|step| step.by.as_str()).collect();
            let (level, word) = match &path.undecided {
                None => (Level::Error, "gains"),
                Some(_) => (Level::Warning, "may gain"),
            };
            let requests = path.steps.iter().flat_map(|step| &step.requests);
            let mut by = requests.flat_map(|one| &one.allowed_by);
            let place = by.find_map(|statement| written.named_in(statement));
            let why = path.undecided.as_ref().map(|why| format!(": undecided: {why}"));
            results.push(Located {
                rule: id.clone(),
                level,
                message: format!(
                    "{} {word} {} of {} by {}{}",
                    source.name,
                    path.gain,
                    path.of,
                    steps.join(", "),
                    why.unwrap_or_default()
                ),
                place: place.unwrap_or_else(|| written.of_identity(&source.name)),
                fingerprint: format!("paths|{}|{}|{}", source.name, path.gain, path.of),
                accepted: None,
            });
            rules.entry(id.clone()).or_insert_with(|| Rule {
                summary: format!("A path to the gain `{}`", path.gain),
                help: None,
                id,
            });
        }
    }
    let unknown = "prove/paths/unknown".to_owned();
    for what in &found.unknown {
        results.push(Located {
            rule: unknown.clone(),
            level: Level::Warning,
            message: what.clone(),
            place: written.of_reason("", what),
            fingerprint: format!("paths|unknown|{what}"),
            accepted: None,
        });
        rules.entry(unknown.clone()).or_insert_with(|| Rule {
            summary: "What is not known of the estate".to_owned(),
            help: None,
            id: unknown.clone(),
        });
    }
    let rules: Vec<Rule> = rules.into_values().collect();
    sarif(env!("CARGO_PKG_VERSION"), Some(CATEGORY), &rules, &results)
}
