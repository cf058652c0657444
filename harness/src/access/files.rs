//! An estate from a file or a directory.

use std::fs;
use std::path::{Path, PathBuf};

use ringfence_policy::Document;

use super::complete::{Setting, Source};
pub use super::configurations::Configurations;
use super::configurations::fitted;
use super::shape::misshapen;
use super::together::{self, File};
use super::{
    estate::{Estate, Home},
    templates,
};
use crate::config::Account;
use crate::lint::known::{Node, Value};
use crate::lint::read::{Read, read};
use crate::lint::{kind_of, terraform};

/// Larger files are refused.
const LARGEST: u64 = 256 << 20;

/// What has more values is refused: each takes a hundred bytes and more.
const MOST: usize = 12_000_000;

const RAW_STATE: &str = "this is Terraform's own state file, whose form is not stable: write \
                         `terraform show -json > state.json`";

const BINARY_PLAN: &str = "this is Terraform's binary plan: `terraform show -json FILE > plan.json` makes \
                           what is read here";

const TEMPLATE: &str = "this is a CloudFormation template, which is read beside plans, states and \
                        policies alone: give its directory with `--templates` to `who-can`, \
                        `what-can` and `prove`, and with `--plan`, `--state` or `--in` what \
                        Terraform makes or policies";

/// What a file of a plan begins with: a ZIP archive
/// (<https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, 4.3.7) whose first member,
/// named 30 bytes after its signature, is `tfplan`
/// (<https://github.com/hashicorp/terraform/blob/v1.11.4/internal/plans/planfile/writer.go>).
fn is_binary_plan(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && bytes.get(30..36) == Some(b"tfplan")
}

/// Why an estate cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Unreadable {
    path: String,
    message: String,
}

impl Unreadable {
    pub(super) fn new(path: &Path, message: impl ToString) -> Self {
        Self::at(path.display().to_string(), message.to_string())
    }

    pub(super) fn at(path: String, message: String) -> Self {
        Self { path, message }
    }
}

/// Reads an estate: what `terraform show -json` prints, a policy, or a directory of
/// such files, whose policies are named by their paths in it. What a plan leaves open
/// is completed from the configuration that it is of. A plan or a state need not have a policy:
/// then nobody has one there.
///
/// # Errors
/// What cannot be read, and why; a directory with neither a policy nor a plan or a state.
pub fn estate(path: &Path, configurations: &Configurations) -> Result<Estate, Unreadable> {
    let mut reader = Reader::new(configurations);
    if path.is_dir() {
        reader.directory(path, path)?;
    } else {
        reader.file(path, "policy", false)?;
    }
    let is_shown = !reader.shown.is_empty();
    let estate = reader.done()?;
    match estate.entries.is_empty() && !is_shown {
        true => Err(Unreadable::new(path, "no policies and no identities in it")),
        false => Ok(estate),
    }
}

/// Reads what `terraform show -json` prints of plans and states, together.
///
/// # Errors
/// What is no such thing, or of another form.
pub fn shown(paths: &[PathBuf], configurations: &Configurations) -> Result<Estate, Unreadable> {
    let mut reader = Reader::new(configurations);
    for path in paths {
        let content = content(path)?;
        match read(content.strip_prefix('\u{feff}').unwrap_or(&content)) {
            Ok(Read::Other(root)) if terraform::is_shown(&root) => reader.add(path, root)?,
            Ok(Read::Other(root)) if terraform::is_raw_state(&root) => {
                return Err(Unreadable::new(path, RAW_STATE));
            }
            Ok(Read::Template { .. }) => return Err(Unreadable::new(path, TEMPLATE)),
            Ok(_) => {
                let what = "not what `terraform show -json` prints of a plan or a state";
                return Err(Unreadable::new(path, what));
            }
            Err(error) => {
                let at = error.at;
                return Err(Unreadable::new(path, format!("{}:{}: {error}", at.line, at.column)));
            }
        }
    }
    reader.done()
}

/// What `terraform show -json` prints of a root module that was applied or planned here.
#[derive(Debug)]
pub struct Printed {
    /// What others call the root module.
    pub name: String,
    /// Its directory.
    pub directory: PathBuf,
    /// What is printed.
    pub text: String,
}

/// Reads root modules that were applied or planned here, together, on an account.
///
/// # Errors
/// What is no plan and no state, or of another form.
pub fn printed(roots: Vec<Printed>, account: &Account) -> Result<Estate, Unreadable> {
    let configurations = &Configurations::default();
    let mut reader = Reader::new(configurations);
    for Printed { name, directory, text } in roots {
        let root = match read(&text) {
            Ok(Read::Other(root)) if terraform::is_shown(&root) => root,
            Ok(_) => {
                let what = "not what Terraform shows of a plan or a state";
                return Err(Unreadable::new(&directory, what));
            }
            Err(error) => return Err(Unreadable::new(&directory, error)),
        };
        // A state leaves nothing open.
        let source = root.get("configuration").map(|_| Source::read(&directory)).transpose();
        let source = source.map_err(|error| Unreadable::new(&directory, error))?;
        if let Some(broken) = source.as_ref().and_then(Source::broken) {
            return Err(broken.into());
        }
        let source = source.map(|source| fitted(source, &root));
        let setting = Setting::of_account(account);
        reader.add_file(&directory, File { name, root, source, setting })?;
    }
    reader.done()
}

/// What stands in a file. What is none (a pipe, a terminal) may never end.
fn content(path: &Path) -> Result<String, Unreadable> {
    let wrong = |message: String| Unreadable::new(path, message);
    let metadata = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if metadata.is_dir() {
        let what = "a directory, and a file is read here: `terraform show -json PLAN > plan.json` \
                    makes one of a plan, `terraform show -json > state.json` of the state";
        return Err(wrong(what.to_owned()));
    }
    if !metadata.is_file() {
        return Err(wrong("not a regular file".to_owned()));
    }
    if metadata.len() > LARGEST {
        return Err(wrong(format!("larger than {LARGEST} bytes")));
    }
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    if is_binary_plan(&bytes) {
        return Err(wrong(BINARY_PLAN.to_owned()));
    }
    let values = bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if values > MOST {
        return Err(wrong(format!("more than {MOST} values")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let read = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = 1 + read.iter().filter(|byte| **byte == b'\n').count();
        wrong(format!("line {line}: not UTF-8"))
    })
}

/// Adds the roles of a template.
///
/// # Errors
/// What cannot be read, or is no template.
pub fn template(path: &Path, estate: &mut Estate) -> Result<(), Unreadable> {
    let place = place(path, estate)?;
    match added(path, &place, estate)? {
        true => Ok(()),
        false => Err(Unreadable::new(path, "no CloudFormation template")),
    }
}

fn place(path: &Path, estate: &Estate) -> Result<templates::Place, Unreadable> {
    estate.place_of_templates().ok_or_else(|| {
        let why = "whose account the templates are for, no plan or state says, or they are of \
                   several and the configuration says none of these: give `id` and `region` \
                   under `[account]` in the file of `--config`, or a plan that reads \
                   `aws_caller_identity`";
        Unreadable::new(path, why)
    })
}

fn is_template(path: &Path) -> Result<bool, Unreadable> {
    let content = content(path)?;
    Ok(matches!(read(&content), Ok(Read::Template { .. })))
}

/// Whether a text that cannot be read was meant for a template.
fn is_like_a_template(content: &str) -> bool {
    let begins = |sign: &str| content.lines().any(|line| line.trim_start().starts_with(sign));
    let has = |name: &str| begins(&format!("{name}:")) || begins(&format!("\"{name}\""));
    has("AWSTemplateFormatVersion") || (has("Resources") && content.contains("AWS::"))
}

/// Adds the roles of a file, where it is a template; whether it is one.
fn added(path: &Path, place: &templates::Place, estate: &mut Estate) -> Result<bool, Unreadable> {
    let Some(root) = parsed(path)? else { return Ok(false) };
    templates::add(&root, place, estate).map_err(|message| Unreadable::new(path, message))?;
    Ok(true)
}

/// A template, where a file is one.
fn parsed(path: &Path) -> Result<Option<Node>, Unreadable> {
    let content = content(path)?;
    match read(&content) {
        Ok(Read::Template { root, .. }) => Ok(Some(root)),
        Ok(_) => Ok(None),
        // What of a template cannot be read is no less of one.
        Err(error) if is_like_a_template(&content) => {
            let why = format!("{}:{}: {error}", error.at.line, error.at.column);
            Err(Unreadable::new(path, why))
        }
        Err(_) => Ok(None),
    }
}

/// Adds the roles of the templates in a directory, but for those in some others.
///
/// # Errors
/// What cannot be read; a directory without templates.
pub fn templates(directory: &Path, but: &[PathBuf], estate: &mut Estate) -> Result<(), Unreadable> {
    if directory.is_file() {
        let what = "a file, and `--templates` takes the directory that templates are in";
        return Err(Unreadable::new(directory, what));
    }
    let mut found = Vec::new();
    find(directory, &mut found)?;
    let but: Vec<PathBuf> = but.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let place = place(directory, estate)?;
    let mut any = false;
    let mut all = Vec::new();
    for path in found {
        let is_in = |other: &PathBuf| path.canonicalize().is_ok_and(|it| it.starts_with(other));
        if but.iter().any(is_in) {
            any |= is_template(&path)?;
        } else if let Some(root) = parsed(&path)? {
            // What is no template is somebody else's.
            any = true;
            all.push((path, root));
        }
    }
    let are_several = all.len() > 1 || estate.templates > 0;
    for (path, root) in all {
        estate.template = are_several.then(|| path.display().to_string());
        let added = templates::add(&root, &place, estate);
        added.map_err(|message| Unreadable::new(&path, message))?;
    }
    estate.template = None;
    if any { Ok(()) } else { Err(Unreadable::new(directory, "no CloudFormation template in it")) }
}

/// How the names of templates end.
const TEMPLATES: [&str; 4] = ["json", "template", "yaml", "yml"];

/// The files of a directory that may be templates.
pub(crate) fn find(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Unreadable> {
    let wrong = |error| Unreadable::new(directory, error);
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = entries.map_err(|error| wrong(error.to_string()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| wrong(error.to_string()))?;
        if entry.file_name().to_string_lossy().starts_with('.') || kind.is_symlink() {
            continue;
        }
        let extension = path.extension().map(|end| end.to_string_lossy().to_lowercase());
        if kind.is_dir() {
            find(&path, found)?;
        } else if extension.is_some_and(|end| TEMPLATES.contains(&&*end)) {
            found.push(path);
        }
    }
    Ok(())
}

/// Why a plan does not hold all that will be
/// (<https://developer.hashicorp.com/terraform/internals/json-format#plan-representation>).
/// Older versions say nothing of it.
fn partial(root: &Node) -> Option<&'static str> {
    let is = |name: &str, truth: bool| match root.get(name).map(|node| &node.value) {
        Some(Value::Bool(said)) => *said == truth,
        _ => false,
    };
    if is("errored", true) {
        return Some("a plan that ended in an error: it holds a part of what will be");
    }
    let why = "a plan of a part, by `-target` or with what is deferred: plan all of it";
    is("complete", false).then_some(why)
}

struct Reader<'r> {
    configurations: &'r Configurations,
    /// The policies that stand by themselves.
    estate: Estate,
    /// The plans and states, each with where it is.
    shown: Vec<(PathBuf, File)>,
}

impl<'r> Reader<'r> {
    fn new(configurations: &'r Configurations) -> Self {
        Self { configurations, estate: Estate::default(), shown: Vec::new() }
    }

    /// The estate of all that was read.
    fn done(self) -> Result<Estate, Unreadable> {
        let (paths, files): (Vec<PathBuf>, Vec<File>) = self.shown.into_iter().unzip();
        let setting = files.first().map_or(&self.configurations.setting, |file| &file.setting);
        let home = Home { account: setting.account.clone(), region: setting.region.clone() };
        let wrong = |file: usize, message: String| {
            Unreadable::new(paths.get(file).map_or(Path::new(""), PathBuf::as_path), message)
        };
        let mut all = together::read(files).map_err(|unfit| wrong(unfit.file, unfit.message))?;
        for (name, entry) in self.estate.entries {
            if all.entries.contains_key(&name) {
                return Err(wrong(0, format!("`{name}` is in another file too")));
            }
            all.entries.insert(name, entry);
        }
        all.home = home;
        Ok(all)
    }

    fn directory(&mut self, path: &Path, root: &Path) -> Result<(), Unreadable> {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = entries.map_err(|error| Unreadable::new(path, error))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            let kind = entry.file_type().map_err(|error| Unreadable::new(&path, error))?;
            // What a link leads to may be anywhere.
            if hidden || kind.is_symlink() {
                continue;
            }
            let extension = path.extension().map(|end| end.to_string_lossy().to_lowercase());
            if kind.is_dir() {
                self.directory(&path, root)?;
            } else if extension.is_some_and(|end| ["json", "yaml", "yml"].contains(&&*end)) {
                let name: PathBuf = path.strip_prefix(root).unwrap_or(&path).with_extension("");
                self.file(&path, &name.to_string_lossy(), true)?;
            }
        }
        Ok(())
    }

    /// Reads a file; one that was come upon in a directory need not be ours.
    fn file(&mut self, path: &Path, name: &str, come_upon: bool) -> Result<(), Unreadable> {
        let wrong = |message: String| Unreadable::new(path, message);
        let content = content(path)?;
        let content = content.strip_prefix('\u{feff}').unwrap_or(&content);
        let root = match read(content) {
            Ok(Read::Other(root)) => root,
            Ok(Read::Template { .. }) => {
                return Err(wrong(TEMPLATE.to_owned()));
            }
            Ok(Read::Workflow(_)) if come_upon => return Ok(()),
            Ok(Read::Workflow(_)) => return Err(wrong("neither a policy nor a plan".to_owned())),
            Err(error) => {
                return Err(wrong(format!("{}:{}: {error}", error.at.line, error.at.column)));
            }
        };
        if terraform::is_shown(&root) {
            self.add(path, root)?;
        } else if terraform::is_raw_state(&root) {
            return Err(wrong(RAW_STATE.to_owned()));
        } else if root.get("Statement").is_some() {
            let document = Document::parse(name, content, kind_of(&root));
            let document = document.map_err(|error| wrong(error.to_string()))?;
            self.estate.add(name, document).map_err(|error| wrong(error.to_string()))?;
        } else if !come_upon {
            return Err(wrong(
                "neither a policy nor what `terraform show -json` prints".to_owned(),
            ));
        }
        Ok(())
    }

    /// Adds a plan or a state, called as its path is.
    fn add(&mut self, path: &Path, root: Node) -> Result<(), Unreadable> {
        let source = self.configurations.of(path, &root)?;
        let setting = self.configurations.setting.clone();
        self.add_file(path, File { name: path.display().to_string(), root, source, setting })
    }

    fn add_file(&mut self, path: &Path, file: File) -> Result<(), Unreadable> {
        let wrong = |message: String| Unreadable::new(path, message);
        if let Some(what) = misshapen(&file.root) {
            return Err(wrong(format!("{what}: not what `terraform show -json` prints")));
        }
        let version = file.root.get("format_version").and_then(Node::text).unwrap_or_default();
        // <https://developer.hashicorp.com/terraform/internals/json-format>: a new major
        // version is not compatible. Older ones begin with 0.
        if !["0", "1"].contains(&version.split('.').next().unwrap_or_default()) {
            let said = format!("format version `{version}` is not read here; 0 and 1 are");
            return Err(wrong(said));
        }
        if let Some(why) = partial(&file.root) {
            return Err(wrong(why.to_owned()));
        }
        self.shown.push((path.to_owned(), file));
        Ok(())
    }
}
