//! Blocks within a block, with what their expressions determine.

use std::collections::BTreeSet;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};
use serde_json::{Map, Value as Json};

use super::agree::agreed;
use super::evaluate::{Scope, World, items};
use crate::lint::known::{Node, Value};

/// The values of a block with what its expressions determine; `None` where the two
/// do not agree.
pub(super) fn of_body(
    world: &World<'_>,
    body: &Body,
    values: &Node,
    scope: &Scope<'_>,
) -> Option<Node> {
    let mut out = values.clone();
    for attribute in body.attributes() {
        let name = attribute.key.as_str();
        let (Some(node), Some(value)) = (values.get(name), world.value(&attribute.value, scope))
        else {
            continue;
        };
        put(&mut out, name, agreed(node, &value)?);
    }
    let kinds: BTreeSet<&str> = body.blocks().map(made).collect();
    for kind in kinds {
        let Some(node) = values.get(kind).filter(|node| node.open() > 0) else { continue };
        let Some(blocks) = expanded(world, body, kind, scope) else { continue };
        if let Value::List(items) = &node.value {
            let all = items.iter().map(|item| {
                let each = blocks.iter().enumerate();
                let each = each.filter_map(|(at, (body, scope))| {
                    Some((at, of_body(world, body, item, scope)?))
                });
                each.collect::<Vec<_>>()
            });
            let is_ordered = kind == "statement";
            let list = assigned(items, all.collect(), is_ordered)?;
            put(&mut out, kind, Node::new(node.at, Value::List(list)));
        }
    }
    Some(out)
}

/// The type of the blocks that a block is one of, or makes.
fn made(block: &Block) -> &str {
    match (block.ident.as_str(), block.labels.first()) {
        ("dynamic", Some(kind)) => kind.as_str(),
        (kind, _) => kind,
    }
}

/// The blocks of a type as they are once all are made, each with the names that it knows;
/// `None` where it is not known how many there are
/// (<https://developer.hashicorp.com/terraform/language/expressions/dynamic-blocks>).
fn expanded<'b, 'e>(
    world: &World<'_>,
    body: &'b Body,
    kind: &str,
    scope: &Scope<'e>,
) -> Option<Vec<(&'b Body, Scope<'e>)>> {
    let mut all = Vec::new();
    for block in body.blocks().filter(|block| made(block) == kind) {
        if block.ident.as_str() != "dynamic" {
            all.push((&block.body, scope.clone()));
            continue;
        }
        let content = block.body.get_blocks("content").next()?;
        let name = match block.body.get_attribute("iterator").map(|one| &one.value) {
            None => kind,
            Some(Expression::Variable(name)) => name.as_str(),
            Some(_) => return None,
        };
        let each = &block.body.get_attribute("for_each")?.value;
        let collection = world.value(each, scope)?;
        let is_set = world.is_set(each, scope);
        for (key, value) in items(collection)? {
            // In a set each is its own key: of a list that may be one, the place is not told.
            let mut member = Map::from_iter([("value".to_owned(), value.clone())]);
            match is_set {
                Some(true) => drop(member.insert("key".to_owned(), value)),
                Some(false) => drop(member.insert("key".to_owned(), key)),
                None => {}
            }
            let mut scope = scope.clone();
            scope.names.insert(name.to_owned(), Json::Object(member));
            all.push((&content.body, scope));
        }
    }
    Some(all)
}

/// The blocks that an item may be of, by their places, each with the item as it makes it.
type Fits = Vec<(usize, Node)>;

/// The items with what the blocks that they are of determine, each block of one item: by
/// what agrees with one alone, else, where the plan has them in their order, by their
/// places. It has those of a set in an order of its own: of what agrees with several that
/// differ nothing is known. `None` where nothing agrees.
fn assigned(items: &[Node], mut fits: Vec<Fits>, is_ordered: bool) -> Option<Vec<Node>> {
    let mut out: Vec<Option<Node>> = vec![None; items.len()];
    loop {
        if fits.iter().zip(&out).any(|(all, done)| done.is_none() && all.is_empty()) {
            return None;
        }
        let mut open = fits.iter().zip(&out).enumerate();
        let by_itself = open.find(|(_, (all, done))| done.is_none() && all.len() == 1);
        let mut open = fits.iter().zip(&out).enumerate();
        let by_place = || {
            open.find_map(|(at, (all, done))| {
                let own = all.iter().position(|(block, _)| *block == at);
                own.filter(|_| is_ordered && done.is_none()).map(|own| (at, own))
            })
        };
        let next = by_itself.map(|(at, _)| (at, 0)).or_else(by_place);
        let Some((at, own)) = next else { break };
        let (block, filled) = fits.get(at)?.get(own)?.clone();
        *out.get_mut(at)? = Some(filled);
        // What is of one item is of no other.
        for all in &mut fits {
            all.retain(|(other, _)| *other != block);
        }
    }
    let same = |all: &[(usize, Node)]| {
        let (_, first) = all.first()?;
        all.iter().all(|(_, filled)| filled == first).then(|| first.clone())
    };
    let left = items.iter().zip(fits).zip(out);
    let all =
        left.map(|((item, all), done)| done.or_else(|| same(&all)).unwrap_or_else(|| item.clone()));
    Some(all.collect())
}

fn put(values: &mut Node, name: &str, value: Node) {
    if let Some(place) = values.get_mut(name) {
        *place = value;
    }
}
