//! Terraform's language as far as the harness looks into it: blocks, their
//! attributes with what is written there plainly, references and paths, each
//! with its place. Values are Terraform's matter and are not computed.
//!
//! - [`parse`]: from text, with `hcl-edit`, to what is here;
//! - [`json`]: the same of `*.tf.json`;
//! - [`visit`]: references and paths inside expressions.

mod json;
mod parse;
mod visit;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ringfence_text::Place;

pub(crate) use visit::{Base, PathText};

/// Why a file is not Terraform's language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}:{}: {message}", file.display(), at.line, at.column)]
pub(crate) struct Broken {
    /// The file.
    pub(crate) file: PathBuf,
    /// Where.
    pub(crate) at: Place,
    /// What is wrong.
    pub(crate) message: String,
}

/// A directory's files in Terraform's language.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Those that could be read, by name.
    pub(crate) files: Vec<File>,
    /// What could not.
    pub(crate) broken: Vec<Broken>,
}

/// A file.
#[derive(Debug)]
pub(crate) struct File {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) text: String,
    /// Its attributes outside all blocks: the values of `*.tfvars`.
    pub(crate) attributes: Vec<Attribute>,
    /// Its blocks.
    pub(crate) blocks: Vec<Block>,
    /// Everything that its expressions refer to: `var.a`, `aws_iam_role.b.arn`.
    pub(crate) references: Vec<Reference>,
    /// Its texts that are paths.
    pub(crate) paths: Vec<PathText>,
}

/// A block: `resource "aws_iam_role" "a" { … }`.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// `resource`.
    pub(crate) kind: String,
    /// `aws_iam_role`, `a`.
    pub(crate) labels: Vec<String>,
    /// Where it begins.
    pub(crate) at: Place,
    /// Which bytes of the text it is; none in JSON.
    pub(crate) span: Option<Range<usize>>,
    /// Its attributes.
    pub(crate) attributes: Vec<Attribute>,
    /// The blocks in it.
    pub(crate) blocks: Vec<Block>,
}

/// An attribute: `name = value`.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    /// Its name.
    pub(crate) name: String,
    /// Where it begins.
    pub(crate) at: Place,
    /// Which bytes of the text it is; none in JSON.
    pub(crate) span: Option<Range<usize>>,
    /// What stands there.
    pub(crate) value: Value,
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// `true`, `false`.
    Bool(bool),
    /// A text without expressions.
    Text(String),
    /// A text with expressions: its pieces.
    Template(Vec<Value>),
    /// `[…]`.
    List(Vec<Value>),
    /// `{…}`, with the keys that are plain.
    Object(Vec<(String, Value)>),
    /// `a.b["c"]`: its names, as far as they are plain.
    Names(Vec<String>),
    /// `{ for k, v in a.b : k => … if v.c != null }`: what is gone through, and
    /// the members of its items that the condition asks for.
    For {
        /// `a`, `b`.
        over: Vec<String>,
        /// `c`.
        needs: Vec<String>,
    },
    /// Anything else: only Terraform knows its value.
    Other,
}

/// Something that an expression refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// `var`, `a`.
    pub(crate) names: Vec<String>,
    /// Where it begins.
    pub(crate) at: Place,
}

impl Module {
    /// Reads the files of one directory, as Terraform does: `*.tf` and
    /// `*.tf.json`, not what is hidden nor an editor's backup
    /// (<https://developer.hashicorp.com/terraform/language/files>).
    ///
    /// # Errors
    /// When the directory or a file cannot be read.
    pub(crate) fn read(directory: &Path) -> io::Result<Self> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if is_terraform(&path) && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        let mut module = Self::default();
        for path in paths {
            match File::read(&path)? {
                Ok(file) => module.files.push(file),
                Err(broken) => module.broken.push(broken),
            }
        }
        Ok(module)
    }

    /// Whether there is no file.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.broken.is_empty()
    }

    /// The blocks of all files, each with its file.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (&File, &Block)> {
        self.files.iter().flat_map(|file| file.blocks.iter().map(move |block| (file, block)))
    }

    /// The blocks of a kind.
    pub(crate) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a File, &'a Block)> {
        self.blocks().filter(move |(_, block)| block.kind == kind)
    }
}

impl File {
    /// Reads a file. One that is not UTF-8, or not Terraform's language, is
    /// broken.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(path: &Path) -> io::Result<Result<Self, Broken>> {
        let bytes = fs::read(path)?;
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Self::parse(path, text),
            Err(_) => Err(Broken {
                file: path.to_owned(),
                at: Place { line: 1, column: 1 },
                message: "not UTF-8".to_owned(),
            }),
        })
    }

    /// Reads a text under a path.
    ///
    /// # Errors
    /// With the place of what is wrong.
    pub(crate) fn parse(path: &Path, text: String) -> Result<Self, Broken> {
        match path.extension().is_some_and(|end| end == "json") {
            true => json::file(path, text),
            false => parse::file(path, text),
        }
    }
}

impl Block {
    /// An attribute of this name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// An attribute that is a plain text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.attribute(name)?.value.text()
    }

    /// The blocks of a kind in it.
    pub(crate) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Self> {
        self.blocks.iter().filter(move |block| block.kind == kind)
    }

    /// A label.
    pub(crate) fn label(&self, number: usize) -> &str {
        self.labels.get(number).map(String::as_str).unwrap_or_default()
    }

    /// As references name it: `aws_iam_role.a`, `data.aws_vpc.b`, `var.c`.
    pub(crate) fn address(&self) -> String {
        let labels = self.labels.join(".");
        match self.kind.as_str() {
            "resource" => labels,
            "variable" => format!("var.{labels}"),
            kind if labels.is_empty() => kind.to_owned(),
            kind => format!("{kind}.{labels}"),
        }
    }
}

impl Value {
    /// A plain text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|it| &it.1),
            _ => None,
        }
    }
}

/// All that the expressions of a body refer to, by name.
pub(crate) fn references(body: &hcl_edit::structure::Body) -> Vec<Vec<String>> {
    use hcl_edit::visit::Visit as _;
    let lines = parse::Lines::of("");
    let mut collector = visit::Collector::new(&lines);
    collector.visit_body(body);
    collector.references.into_iter().map(|reference| reference.names).collect()
}

/// Whether Terraform reads a file of this name.
pub(crate) fn is_terraform(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else { return false };
    (name.ends_with(".tf") || name.ends_with(".tf.json")) && !name.starts_with('.')
}

#[cfg(test)]
mod tests;
