//! `*.tf.json`: the same blocks, written as JSON
//! (<https://developer.hashicorp.com/terraform/language/syntax/json>).

use std::path::Path;

use ringfence_text::json::{self, Numbers};
use ringfence_text::{Bounds, Member, Node, Repeats, Value as Json};

use super::visit::Base;
use super::{Attribute, Block, Broken, File, PathText, Value};

const DIALECT: json::Dialect = json::Dialect {
    repeats: Repeats::LastWins,
    numbers: Numbers::AsWritten,
    bounds: Bounds { depth: 100, bytes: 64 << 20 },
};

pub(super) fn file(path: &Path, text: String) -> Result<File, Broken> {
    let broken = |at, message: String| Broken { file: path.to_owned(), at, message };
    let document = json::read(&text, &DIALECT)
        .map_err(|error| error.placed(&text))
        .map_err(|error| broken(error.at, error.to_string()))?;
    let root = document.placed(&text).root;
    let Json::Object(members) = &root.value else {
        return Err(broken(root.at, "an object is expected here".to_owned()));
    };
    let blocks = members.iter().flat_map(|member| {
        let depth = match member.key.as_str() {
            "resource" | "data" => 2,
            "provider" | "module" | "variable" | "output" => 1,
            _ => 0,
        };
        labelled(&member.key, member, depth, Vec::new())
    });
    let blocks = blocks.collect();
    let attributes = attributes(&root).collect();
    let mut paths = Vec::new();
    texts(&root, &mut paths);
    Ok(File { path: path.to_owned(), attributes, blocks, references: Vec::new(), paths, text })
}

/// The blocks of a member: as many objects deep as there are labels.
fn labelled(kind: &str, member: &Member, depth: usize, labels: Vec<String>) -> Vec<Block> {
    let each: Vec<&Node> = match &member.value.value {
        Json::Array(items) => items.iter().collect(),
        _ => vec![&member.value],
    };
    let mut found = Vec::new();
    for node in each {
        if depth == 0 {
            found.push(block(kind, labels.clone(), member, node));
            continue;
        }
        for inner in node.members() {
            let labels = labels.iter().cloned().chain([inner.key.clone()]).collect();
            found.extend(labelled(kind, inner, depth - 1, labels));
        }
    }
    found
}

fn attributes(node: &Node) -> impl Iterator<Item = Attribute> {
    node.members().iter().map(|member| Attribute {
        name: member.key.clone(),
        at: member.at,
        span: None,
        value: value(&member.value),
    })
}

/// In JSON a block and an object look alike, so that an object is both.
fn block(kind: &str, labels: Vec<String>, member: &Member, node: &Node) -> Block {
    let blocks = node.members().iter().flat_map(|member| match &member.value.value {
        Json::Object(_) if ["backend", "provider"].contains(&member.key.as_str()) => {
            labelled(&member.key, member, 1, Vec::new())
        }
        Json::Object(_) | Json::Array(_) => labelled(&member.key, member, 0, Vec::new()),
        _ => Vec::new(),
    });
    Block {
        kind: kind.to_owned(),
        labels,
        at: member.at,
        span: None,
        attributes: attributes(node).collect(),
        blocks: blocks.collect(),
    }
}

fn value(node: &Node) -> Value {
    match &node.value {
        Json::Bool(flag) => Value::Bool(*flag),
        Json::String(text) if !text.contains("${") => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(members) => Value::Object(
            members.iter().map(|member| (member.key.clone(), value(&member.value))).collect(),
        ),
        _ => Value::Other,
    }
}

fn texts(node: &Node, paths: &mut Vec<PathText>) {
    match &node.value {
        Json::String(text) => paths.extend(path(text)),
        Json::Array(items) => items.iter().for_each(|item| texts(item, paths)),
        Json::Object(members) => members.iter().for_each(|member| texts(&member.value, paths)),
        _ => {}
    }
}

fn path(text: &str) -> Option<PathText> {
    let bases = [
        ("${path.module}", Base::Module),
        ("${path.root}", Base::Root),
        ("${path.cwd}", Base::Root),
    ];
    let (base, rest) = bases
        .iter()
        .find_map(|(sign, base)| Some((*base, text.strip_prefix(sign)?)))
        .or_else(|| text.starts_with("../").then_some((Base::Relative, text)))?;
    let (path, more) = rest.split_once("${").map_or((rest, false), |(path, _)| (path, true));
    Some(PathText { base, path: path.trim_start_matches('/').to_owned(), whole: !more })
}
