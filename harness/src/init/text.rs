//! The file that is written.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::Draft;

pub(super) struct Text {
    /// The directory that the file will stand in.
    place: PathBuf,
    lines: Vec<String>,
    open: Vec<String>,
    deployers: BTreeSet<String>,
}

impl Text {
    pub(super) fn new(place: &Path) -> Self {
        Self {
            place: place.to_owned(),
            lines: Vec::new(),
            open: Vec::new(),
            deployers: BTreeSet::new(),
        }
    }

    pub(super) fn blank(&mut self) {
        self.lines.push(String::new());
    }

    pub(super) fn comment(&mut self, text: &str) {
        self.lines.push(format!("# {text}"));
    }

    pub(super) fn table(&mut self, header: &str) {
        self.lines.push(header.to_owned());
    }

    /// `name = value`, and where it was found.
    pub(super) fn field(&mut self, name: &str, value: &str, place: &str) {
        let place = if place.is_empty() { String::new() } else { format!("  # {place}") };
        self.lines.push(format!("{name} = {value}{place}"));
    }

    /// Begins a deployer; a second one of the same name is left to decide. Whether it was
    /// begun.
    pub(super) fn deployer(&mut self, name: &str, field: &str, value: &str, place: &str) -> bool {
        let is_new = self.deployers.insert(name.to_owned());
        if is_new {
            self.table("[[deployers]]");
            self.field("name", name, place);
        } else {
            self.open(&format!(
                "[[deployers]] name = {name}, {field} = {value} ({place}): another deployer has \
                 this name"
            ));
            self.blank();
        }
        is_new
    }

    /// A line that is left to decide.
    pub(super) fn open(&mut self, text: &str) {
        self.lines.push(format!("# ? {text}"));
        self.open.push(text.to_owned());
    }

    /// A path as the file names it.
    pub(super) fn path(&self, path: &Path) -> String {
        let (from, to) = (absolute(&self.place), absolute(path));
        let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
        let ups = from.components().skip(common).map(|_| Component::ParentDir);
        let relative: PathBuf = ups.chain(to.components().skip(common)).collect();
        match relative.as_os_str().is_empty() {
            true => ".".to_owned(),
            false => relative.to_string_lossy().into_owned(),
        }
    }

    pub(super) fn done(self) -> Draft {
        let mut text = self.lines.join("\n");
        text.push('\n');
        Draft { text, open: self.open }
    }
}

fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A text as TOML has it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A list of texts.
pub(super) fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}
