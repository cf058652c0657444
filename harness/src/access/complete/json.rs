//! `*.tf.json`: the same blocks, written as JSON
//! (<https://developer.hashicorp.com/terraform/language/syntax/json>).
//!
//! A text is a template there, and an object is a block or a value as the schema of what it
//! stands in has it. The schema is not here: what the plan says of the same resource tells
//! the two apart.

use std::path::Path;

use hcl_edit::Ident;
use hcl_edit::expr::{Expression, Object, ObjectKey, ObjectValue};
use hcl_edit::structure::{Attribute, Block, Body};
use hcl_edit::template::{Element, StringTemplate};
use ringfence_text::json::{self, Numbers};
use ringfence_text::{Bounds, Member, Node, Place, Repeats, Value};

use crate::hcl::Broken;
use crate::lint::known;

const DIALECT: json::Dialect = json::Dialect {
    repeats: Repeats::Refused,
    numbers: Numbers::AsWritten,
    bounds: Bounds { depth: 100, bytes: 64 << 20 },
};

/// What stands in a file.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Calls of modules, variables, outputs and local values, each a block.
    pub(super) blocks: Vec<Block>,
    /// Resources and data sources by address, each with what stands in it.
    pub(super) resources: Vec<(String, Node)>,
}

/// What cannot be read, and where.
type Result<T> = std::result::Result<T, (Place, String)>;

/// Reads a file.
///
/// # Errors
/// With the place of what is wrong.
pub(super) fn read(path: &Path, text: &str) -> std::result::Result<Written, Broken> {
    let broken = |(at, message)| Broken { file: path.to_owned(), at, message };
    let document = json::read(text, &DIALECT)
        .map_err(|error| error.placed(text))
        .map_err(|error| broken((error.at, error.to_string())))?;
    blocks(&document.placed(text).root).map_err(broken)
}

fn blocks(root: &Node) -> Result<Written> {
    let mut written = Written::default();
    for body in bodies(root)? {
        for member in members(body)? {
            let kind = member.key.as_str();
            match kind {
                "resource" | "data" => {
                    for (labels, node) in labelled(&member.value, 2)? {
                        let prefix = if kind == "data" { "data." } else { "" };
                        let address = format!("{prefix}{}", labels.join("."));
                        // What is no template is told where it stands.
                        members(node)?.try_for_each(|one| checked(&one.value))?;
                        written.resources.push((address, node.clone()));
                    }
                }
                "module" | "variable" | "output" => {
                    for (labels, node) in labelled(&member.value, 1)? {
                        let mut block = Block::new(ident(member)?);
                        block.labels = labels.into_iter().map(Into::into).collect();
                        block.body = of_values(kind, node)?;
                        written.blocks.push(block);
                    }
                }
                "locals" => {
                    for node in bodies(&member.value)? {
                        let mut block = Block::new(ident(member)?);
                        block.body = of_values(kind, node)?;
                        written.blocks.push(block);
                    }
                }
                // Nothing else tells a value.
                _ => {}
            }
        }
    }
    Ok(written)
}

/// The objects of a place that has one or a list of them.
fn bodies(node: &Node) -> Result<Vec<&Node>> {
    let all = match &node.value {
        Value::Array(items) => items.iter().collect(),
        _ => vec![node],
    };
    match all.iter().find(|one| !matches!(one.value, Value::Object(_))) {
        Some(other) => Err((other.at, "an object is expected here".to_owned())),
        None => Ok(all),
    }
}

/// The members of an object that is a body: `//` is a comment.
fn members(body: &Node) -> Result<impl Iterator<Item = &Member>> {
    match &body.value {
        Value::Object(members) => Ok(members.iter().filter(|one| one.key != "//")),
        _ => Err((body.at, "an object is expected here".to_owned())),
    }
}

/// As many objects deep as there are labels, what stands in each.
fn labelled(node: &Node, depth: usize) -> Result<Vec<(Vec<String>, &Node)>> {
    let mut found = Vec::new();
    for body in bodies(node)? {
        if depth == 0 {
            found.push((Vec::new(), body));
            continue;
        }
        for member in members(body)? {
            for (mut labels, node) in labelled(&member.value, depth - 1)? {
                labels.insert(0, member.key.clone());
                found.push((labels, node));
            }
        }
    }
    Ok(found)
}

/// The name of a member, as it is one of Terraform's.
fn ident(member: &Member) -> Result<Ident> {
    Ident::try_new(&member.key)
        .map_err(|_| (member.at, format!("`{}` is no name of Terraform's", member.key)))
}

/// A body in which all is values: those of modules, variables, outputs, local values.
fn of_values(kind: &str, node: &Node) -> Result<Body> {
    let mut body = Body::new();
    for member in members(node)? {
        let name = member.key.as_str();
        let value = match (kind, name) {
            // Written as it is in the other files.
            ("variable", "type") => match member.value.text() {
                Some(text) => expression(member.value.at, text)?,
                None => return Err((member.value.at, "a type is a text here".to_owned())),
            },
            // Read before anything has a value: a text is what it is
            // (<https://developer.hashicorp.com/terraform/language/syntax/json#expression-mapping>).
            ("module", "source" | "version")
            | ("variable", "default" | "description")
            | ("output", "description") => literal(&member.value)?,
            ("variable", "validation") => continue,
            (_, "depends_on") => references(&member.value)?,
            ("module", "providers") => continue,
            _ => value(&member.value)?,
        };
        body.push(Attribute::new(ident(member)?, value));
    }
    Ok(body)
}

/// A body of a resource, whose blocks and values the plan tells apart (`expressions` of its
/// configuration,
/// <https://developer.hashicorp.com/terraform/internals/json-format#block-expressions-representation>):
/// blocks are a list there, or an object that is none of an expression.
pub(super) fn of_resource(node: &Node, planned: Option<&known::Node>) -> Result<Body> {
    let mut body = Body::new();
    for member in members(node)? {
        let own = planned.and_then(|all| all.get(&member.key));
        match member.key.as_str() {
            // What a resource is made by, and what Terraform does with it.
            "provider" | "lifecycle" => {}
            "depends_on" => {
                body.push(Attribute::new(ident(member)?, references(&member.value)?));
            }
            "count" | "for_each" => {
                body.push(Attribute::new(ident(member)?, value(&member.value)?));
            }
            "provisioner" | "dynamic" => {
                for (labels, node) in labelled(&member.value, 1)? {
                    let mut block = Block::new(ident(member)?);
                    block.labels = labels.into_iter().map(Into::into).collect();
                    block.body = of_resource(node, None)?;
                    body.push(block);
                }
            }
            _ if is_block(&member.value, own) => {
                let items = own.map(known::Node::items).unwrap_or_default();
                for (place, node) in bodies(&member.value)?.into_iter().enumerate() {
                    let mut block = Block::new(ident(member)?);
                    block.body = of_resource(node, items.get(place).or(own))?;
                    body.push(block);
                }
            }
            _ => body.push(Attribute::new(ident(member)?, value(&member.value)?)),
        }
    }
    Ok(body)
}

/// Whether a member is a block, or several: by what the plan says, else by what it looks
/// like.
fn is_block(node: &Node, planned: Option<&known::Node>) -> bool {
    let is_object = |node: &Node| matches!(node.value, Value::Object(_));
    let looks_like_one = match &node.value {
        Value::Array(items) => !items.is_empty() && items.iter().all(is_object),
        _ => is_object(node),
    };
    let is_of_expression = |node: &known::Node| {
        ["constant_value", "references"].iter().any(|it| node.get(it).is_some())
    };
    looks_like_one
        && match planned.map(|node| (&node.value, node)) {
            None | Some((known::Value::List(_), _)) => true,
            Some((known::Value::Map(all), node)) => !all.is_empty() && !is_of_expression(node),
            Some(_) => false,
        }
}

/// A value: a text is a template, and the keys of objects are.
fn value(node: &Node) -> Result<Expression> {
    Ok(match &node.value {
        Value::String(text) => template(node.at, text)?,
        Value::Array(items) => {
            Expression::Array(items.iter().map(value).collect::<Result<Vec<_>>>()?.into())
        }
        Value::Object(members) => {
            let of = |member: &Member| {
                let key = ObjectKey::Expression(template(member.at, &member.key)?);
                Ok((key, ObjectValue::new(value(&member.value)?)))
            };
            Expression::Object(members.iter().map(of).collect::<Result<Object>>()?)
        }
        _ => literal(node)?,
    })
}

/// A value as it stands there, without templates.
fn literal(node: &Node) -> Result<Expression> {
    let text = |text: &str| Expression::String(text.to_owned().into());
    Ok(match &node.value {
        Value::Null => Expression::null(),
        Value::Bool(flag) => Expression::Bool((*flag).into()),
        Value::Number(number) => expression(node.at, number)?,
        Value::String(one) => text(one),
        Value::Array(items) => {
            Expression::Array(items.iter().map(literal).collect::<Result<Vec<_>>>()?.into())
        }
        Value::Object(members) => {
            let of = |member: &Member| {
                let key = ObjectKey::Expression(text(&member.key));
                Ok((key, ObjectValue::new(literal(&member.value)?)))
            };
            Expression::Object(members.iter().map(of).collect::<Result<Object>>()?)
        }
    })
}

/// What is referred to, each a text: `depends_on`.
fn references(node: &Node) -> Result<Expression> {
    let all = node.items().iter().map(|one| match one.text() {
        Some(text) => expression(one.at, text),
        None => Err((one.at, "a reference is expected here".to_owned())),
    });
    Ok(Expression::Array(all.collect::<Result<Vec<_>>>()?.into()))
}

fn expression(at: Place, text: &str) -> Result<Expression> {
    hcl_edit::parser::parse_expr(text).map_err(|error| (at, told(&error)))
}

/// A text as a template.
fn template(at: Place, text: &str) -> Result<Expression> {
    if !text.contains(['$', '%']) {
        return Ok(Expression::String(text.to_owned().into()));
    }
    let parsed = hcl_edit::parser::parse_template(text).map_err(|error| (at, told(&error)))?;
    let mut elements = parsed.into_iter().peekable();
    let mut all = StringTemplate::new();
    // Of nothing but literal pieces it is a text.
    let mut plain = String::new();
    let mut is_plain = true;
    for element in elements.by_ref() {
        match &element {
            Element::Literal(piece) => plain.push_str(piece),
            Element::Interpolation(_) | Element::Directive(_) => is_plain = false,
        }
        all.push(element);
    }
    Ok(match is_plain {
        true => Expression::String(plain.into()),
        false => Expression::StringTemplate(all),
    })
}

fn checked(node: &Node) -> Result<()> {
    match &node.value {
        Value::String(text) => template(node.at, text).map(|_| ()),
        Value::Array(items) => items.iter().try_for_each(checked),
        Value::Object(members) => members.iter().try_for_each(|one| checked(&one.value)),
        _ => Ok(()),
    }
}

fn told(error: &hcl_edit::parser::Error) -> String {
    error.message().trim().replace('\n', "; ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// What is no template in Terraform is no broken one, and what is one is read as one.
    #[rstest]
    #[case(r#"{"variable": {"v": {"description": "x ${ b %{"}}}"#, true)]
    #[case(r#"{"output": {"o": {"description": "x ${ b %{"}}}"#, true)]
    #[case(r#"{"module": {"m": {"version": "x ${ b %{"}}}"#, true)]
    #[case(r#"{"output": {"o": {"value": "x ${ b %{"}}}"#, false)]
    #[case(r#"{"module": {"m": {"description": "x ${ b %{"}}}"#, false)]
    #[case(r#"{"locals": {"description": "x ${ b %{"}}"#, false)]
    fn what_is_taken_literally_is_no_template(#[case] text: &str, #[case] is_read: bool) {
        assert_eq!(read(Path::new("main.tf.json"), text).is_ok(), is_read);
    }
}
