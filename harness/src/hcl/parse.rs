//! From text, with `hcl-edit`.

use std::ops::Range;
use std::path::Path;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ForExpr, ObjectKey, TraversalOperator};
use hcl_edit::structure::Body;
use hcl_edit::template::Element;
use hcl_edit::visit::Visit as _;
use ringfence_text::Place;

use super::visit::Collector;
use super::{Attribute, Block, Broken, File, Value};

/// Where the lines of a text begin.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(starts.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    pub(super) fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied();
        let before = self.text.get(start.unwrap_or_default()..at).unwrap_or_default();
        Place { line: line.max(1), column: before.chars().count() + 1 }
    }

    pub(super) fn of_span(&self, span: Option<&Range<usize>>) -> Place {
        self.place(span.map_or(0, |span| span.start))
    }
}

pub(super) fn file(path: &Path, text: String) -> Result<File, Broken> {
    // An editor of another system may have left a mark of the byte order.
    let read = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let shift = text.len() - read.len();
    let body = hcl_edit::parser::parse_body(read).map_err(|error| Broken {
        file: path.to_owned(),
        at: Place { line: error.location().line(), column: error.location().column() },
        message: error.message().trim().replace('\n', "; "),
    })?;
    let lines = Lines::of(read);
    let mut collector = Collector::new(&lines);
    collector.visit_body(&body);
    let Collector { references, paths, .. } = collector;
    let (attributes, mut blocks) = structures(&body, &lines);
    blocks.iter_mut().for_each(|block| shifted(block, shift));
    Ok(File { path: path.to_owned(), attributes, blocks, references, paths, text })
}

/// Spans are of the whole text.
fn shifted(block: &mut Block, by: usize) {
    if by == 0 {
        return;
    }
    let shift = |span: &mut Option<Range<usize>>| {
        if let Some(span) = span {
            *span = span.start + by..span.end + by;
        }
    };
    shift(&mut block.span);
    block.attributes.iter_mut().for_each(|attribute| shift(&mut attribute.span));
    block.blocks.iter_mut().for_each(|block| shifted(block, by));
}

fn structures(body: &Body, lines: &Lines<'_>) -> (Vec<Attribute>, Vec<Block>) {
    let attributes = body.attributes().map(|attribute| Attribute {
        name: attribute.key.to_string(),
        at: lines.of_span(attribute.span().as_ref()),
        span: attribute.span(),
        value: value(&attribute.value),
    });
    let blocks = body.blocks().map(|block| {
        let (attributes, blocks) = structures(&block.body, lines);
        Block {
            kind: block.ident.to_string(),
            labels: block.labels.iter().map(|label| label.as_str().to_owned()).collect(),
            at: lines.of_span(block.span().as_ref()),
            span: block.span(),
            attributes,
            blocks,
        }
    });
    (attributes.collect(), blocks.collect())
}

fn value(expression: &Expression) -> Value {
    match expression {
        Expression::Bool(flag) => Value::Bool(**flag),
        Expression::String(text) => Value::Text(text.as_str().to_owned()),
        Expression::StringTemplate(template) => literal(template.iter()),
        Expression::HeredocTemplate(heredoc) => literal(heredoc.template.iter()),
        Expression::Parenthesis(inner) => value(inner.inner()),
        Expression::Array(items) => Value::List(items.iter().map(value).collect()),
        Expression::Object(members) => Value::Object(
            members
                .iter()
                .filter_map(|(key, member)| {
                    let key = match key {
                        ObjectKey::Ident(name) => name.to_string(),
                        ObjectKey::Expression(key) => match value(key) {
                            Value::Text(text) => text,
                            _ => return None,
                        },
                    };
                    Some((key, value(member.expr())))
                })
                .collect(),
        ),
        Expression::Variable(name) => Value::Names(vec![name.to_string()]),
        Expression::Traversal(traversal) => {
            names(&traversal.expr, traversal.operators.iter().map(|operator| &**operator))
                .map_or(Value::Other, Value::Names)
        }
        Expression::ForExpr(of) => match value(&of.intro.collection_expr) {
            Value::Names(over) => Value::For { over, needs: needs(of) },
            _ => Value::Other,
        },
        _ => Value::Other,
    }
}

/// The members of the items that a condition asks for.
fn needs(of: &ForExpr) -> Vec<String> {
    let Some(condition) = &of.cond else { return Vec::new() };
    let lines = Lines::of("");
    let mut collector = Collector::new(&lines);
    collector.visit_expr(&condition.expr);
    let item = of.intro.value_var.to_string();
    let references = collector.references.into_iter().map(|reference| reference.names);
    references
        .filter(|names| names.first() == Some(&item))
        .filter_map(|names| names.get(1).cloned())
        .collect()
}

fn literal<'a>(elements: impl Iterator<Item = &'a Element>) -> Value {
    let pieces = elements.map(|element| match element {
        Element::Literal(part) => Value::Text(part.to_string()),
        Element::Interpolation(inner) => value(&inner.expr),
        Element::Directive(_) => Value::Other,
    });
    let pieces: Vec<Value> = pieces.collect();
    let texts: Option<Vec<&str>> = pieces
        .iter()
        .map(|piece| match piece {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    // A text inside an interpolation is as good as one beside it.
    texts.map_or_else(|| Value::Template(pieces.clone()), |texts| Value::Text(texts.concat()))
}

/// The names of a traversal, as far as they are plain.
pub(super) fn names<'a>(
    root: &Expression,
    operators: impl Iterator<Item = &'a TraversalOperator>,
) -> Option<Vec<String>> {
    let Expression::Variable(root) = root else { return None };
    let mut names = vec![root.to_string()];
    for operator in operators {
        match operator {
            TraversalOperator::GetAttr(name) => names.push(name.to_string()),
            TraversalOperator::Index(Expression::String(key)) => {
                names.push(key.as_str().to_owned());
            }
            _ => break,
        }
    }
    Some(names)
}
