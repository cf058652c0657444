//! References and paths inside expressions.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Traversal};
use hcl_edit::template::{Element, StringTemplate};
use hcl_edit::visit::{Visit, visit_expr, visit_string_template, visit_traversal};

use super::Reference;
use super::parse::{Lines, names};

/// What a path in a text begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// `path.module`: the directory of the file.
    Module,
    /// `path.root`, `path.cwd`: the root module.
    Root,
    /// Nothing: a path that begins with a dot, relative to whatever takes it.
    Relative,
}

/// A text that is a path, as far as it is plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathText {
    /// What it begins with.
    pub(crate) base: Base,
    /// What follows, without a slash before it.
    pub(crate) path: String,
    /// Whether that is all.
    pub(crate) whole: bool,
}

pub(super) struct Collector<'l> {
    lines: &'l Lines<'l>,
    pub(super) references: Vec<Reference>,
    pub(super) paths: Vec<PathText>,
}

impl<'l> Collector<'l> {
    pub(super) fn new(lines: &'l Lines<'l>) -> Self {
        Self { lines, references: Vec::new(), paths: Vec::new() }
    }
}

impl Visit for Collector<'_> {
    fn visit_expr(&mut self, node: &Expression) {
        if let Expression::String(text) = node {
            self.paths.extend(relative(text.as_str(), true));
        }
        visit_expr(self, node);
    }

    fn visit_traversal(&mut self, node: &Traversal) {
        if let Some(names) = names(&node.expr, node.operators.iter().map(|one| &**one)) {
            let at = self.lines.of_span(node.span().as_ref());
            self.references.push(Reference { names, at });
        }
        visit_traversal(self, node);
    }

    fn visit_string_template(&mut self, node: &StringTemplate) {
        self.paths.extend(path(node.iter()));
        visit_string_template(self, node);
    }
}

/// A text with expressions that begins with a path.
fn path<'a>(mut elements: impl Iterator<Item = &'a Element>) -> Option<PathText> {
    let (base, mut path) = match elements.next()? {
        Element::Literal(text) => {
            let PathText { base, path, .. } = relative(text, false)?;
            (base, path)
        }
        Element::Interpolation(inner) => (base(&inner.expr)?, String::new()),
        Element::Directive(_) => return None,
    };
    for element in elements {
        match element {
            Element::Literal(text) => path.push_str(text),
            _ => return Some(PathText { base, path: plain(&path), whole: false }),
        }
    }
    Some(PathText { base, path: plain(&path), whole: true })
}

fn plain(path: &str) -> String {
    path.trim_start_matches('/').to_owned()
}

fn base(expression: &Expression) -> Option<Base> {
    let Expression::Traversal(traversal) = expression else { return None };
    let operators = traversal.operators.iter().map(|operator| &**operator);
    let names = names(&traversal.expr, operators)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["path", "module"] => Some(Base::Module),
        ["path", "root" | "cwd"] => Some(Base::Root),
        _ => None,
    }
}

fn relative(text: &str, whole: bool) -> Option<PathText> {
    let dotted = text.starts_with("./") || text.starts_with("../") || text == "..";
    // A text of several lines is no path.
    let path = (dotted && !text.contains('\n')).then(|| text.to_owned())?;
    Some(PathText { base: Base::Relative, path, whole })
}
