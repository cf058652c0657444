//! What is not proved, as SARIF 2.1.0: each request, packet and open question at the
//! file that lets it be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use ringfence_evidence::Places;
use ringfence_evidence::sarif::{Level, Located, Place, Rule, sarif};

use super::decide::{Broken, Packets};
use super::told::{Rail, told};
use crate::access::estate::Estate;
use crate::access::files::find;
use crate::hcl::Module;
use crate::lint::known::Node;

/// Modules within modules whose files are looked at.
const DEEPEST: usize = 8;

/// What tells the log from others of a commit.
const CATEGORY: &str = "ringfence-prove";

/// Where resources and statements are written.
pub struct Written<'e> {
    estate: &'e Estate,
    /// By `Sid`.
    statements: Places,
    /// By address, without the keys of instances.
    blocks: BTreeMap<String, Place>,
    /// The configuration of the guard rails: where nothing else is known.
    configuration: Place,
}

impl<'e> Written<'e> {
    /// Reads the Terraform files of root modules, with the modules of theirs that lie
    /// beside them, and templates. What cannot be read has no places.
    pub fn of(
        estate: &'e Estate,
        configuration: &Path,
        roots: &[PathBuf],
        templates: &[PathBuf],
    ) -> Self {
        let mut blocks = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for root in roots {
            module(root, "", DEEPEST, &mut blocks, &mut texts);
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
            let address = configured(word);
            let mut address = address.trim_end_matches(['.', '-']);
            loop {
                if let Some(place) = self.blocks.get(address) {
                    return Some((address.len(), place));
                }
                // `aws_route_table.a.route`: a part of a block.
                (address, _) = address.rsplit_once('.')?;
            }
        });
        found.max_by_key(|(length, _)| *length).map(|(_, place)| place.clone())
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
            self.blocks.get(&own.configured())
        });
        found.cloned().or_else(|| self.named_in(who)).unwrap_or_else(|| self.configuration.clone())
    }
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

/// An address without the keys of instances.
fn configured(address: &str) -> String {
    let mut depth = 0_usize;
    let kept = address.chars().filter(|one| {
        match one {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    });
    kept.collect()
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
