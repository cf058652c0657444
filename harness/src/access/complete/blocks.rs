//! Blocks within a block, with what their expressions determine.

use std::collections::BTreeSet;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};
use serde_json::{Map, Value as Json};

use super::agree::{agreed, tree};
use super::evaluate::{Name, Scope, World, items};
use crate::lint::known::{Member, Node, Value};

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
            let list = match kind == "statement" {
                true => in_order(world, items, &blocks)?,
                false => {
                    let all = items.iter().map(|item| {
                        let each = blocks.iter().enumerate();
                        let each = each.filter_map(|(at, (body, scope))| {
                            Some((at, of_body(world, body, item, scope)?))
                        });
                        each.collect::<Vec<_>>()
                    });
                    assigned(items, all.collect())?
                }
            };
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
pub(super) fn expanded<'b, 'e>(
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
        for (key, value) in gone_through(world, each, scope)? {
            let mut scope = scope.clone();
            scope.names.insert(name.to_owned(), iterator(key, value));
            all.push((&content.body, scope));
        }
    }
    Some(all)
}

/// What a `dynamic` block goes through, each item with its key: in a set each is its own, and
/// of a list that may be one, the place is not told.
fn gone_through(
    world: &World<'_>,
    each: &Expression,
    scope: &Scope<'_>,
) -> Option<Vec<(Option<Json>, Name)>> {
    if let Some(all) = world.instances_of(each, scope) {
        return Some(all.into_iter().map(|(key, value)| (Some(key), value)).collect());
    }
    let collection = world.value(each, scope)?;
    let is_set = world.is_set(each, scope);
    let all = items(collection)?.into_iter().map(|(key, value)| match is_set {
        Some(true) => (Some(value.clone()), value.into()),
        Some(false) => (Some(key), value.into()),
        None => (None, value.into()),
    });
    Some(all.collect())
}

/// What a `dynamic` block's content knows an item by.
fn iterator(key: Option<Json>, value: Name) -> Name {
    match value {
        Name::Value(value) => {
            let mut member = Map::from_iter([("value".to_owned(), value)]);
            member.extend(key.map(|key| ("key".to_owned(), key)));
            Json::Object(member).into()
        }
        Name::Node(value) => {
            let at = value.at;
            let mut all = vec![Member { at, key: "value".to_owned(), value }];
            let key = key.map(|key| tree(at, &key));
            all.extend(key.map(|value| Member { at, key: "key".to_owned(), value }));
            Name::Node(Node::new(at, Value::Map(all)))
        }
    }
}

/// The items of blocks that the plan has in their order, each with what its own determines;
/// `None` where there are more or less, or one does not agree.
fn in_order(world: &World<'_>, items: &[Node], blocks: &[(&Body, Scope<'_>)]) -> Option<Vec<Node>> {
    let pairs = items.iter().zip(blocks);
    let all = pairs.map(|(item, (body, scope))| of_body(world, body, item, scope));
    (items.len() == blocks.len()).then(|| all.collect()).flatten()
}

/// The blocks that an item may be of, by their places, each with the item as it makes it.
type Fits = Vec<(usize, Node)>;

/// The items with what the blocks that they are of determine, each block of one item: by
/// what agrees with one alone. The plan has those of a set in an order of its own: of what
/// agrees with several that differ nothing is known. `None` where nothing agrees.
fn assigned(items: &[Node], mut fits: Vec<Fits>) -> Option<Vec<Node>> {
    let mut out: Vec<Option<Node>> = vec![None; items.len()];
    loop {
        if fits.iter().zip(&out).any(|(all, done)| done.is_none() && all.is_empty()) {
            return None;
        }
        let mut open = fits.iter().zip(&out).enumerate();
        let by_itself = open.find(|(_, (all, done))| done.is_none() && all.len() == 1);
        let Some((at, _)) = by_itself else { break };
        let (block, filled) = fits.get(at)?.first()?.clone();
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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use hcl_edit::structure::Block;
    use ringfence_text::Place;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::access::complete::Source;
    use crate::access::complete::evaluate::Key;

    const PLACE: Place = Place { line: 1, column: 1 };

    /// A node of JSON in which `"?"` is not known.
    fn given(value: &Json) -> Node {
        let mut node = tree(PLACE, value);
        fn open(node: &mut Node) {
            match &mut node.value {
                Value::Text(text) if text == "?" => node.value = Value::Unknown,
                Value::List(items) => items.iter_mut().for_each(open),
                Value::Map(members) => members.iter_mut().for_each(|one| open(&mut one.value)),
                _ => {}
            }
        }
        open(&mut node);
        node
    }

    /// The blocks of a body, completed, beside a resource with a known and an open attribute.
    fn completed(written: &str, plan: &Json) -> Option<Node> {
        let source = Source::of("");
        let one = given(&json!({"arn": "one", "id": "?"}));
        let other = given(&json!({"arn": "other", "id": "?"}));
        let named = |name: &str| Key::Name(name.to_owned());
        let world = World {
            source: &source,
            variables: BTreeMap::new(),
            modules: BTreeMap::new(),
            instances: BTreeMap::from([(
                "aws_x.f".to_owned(),
                vec![(named("x"), &one), (named("y"), &other)],
            )]),
            locals: RefCell::default(),
            parts: RefCell::default(),
            tries: Cell::default(),
        };
        let body = hcl_edit::parser::parse_body(written).unwrap();
        let blocks: Vec<&Block> = body.blocks().collect();
        assert!(!blocks.is_empty());
        of_body(&world, &body, &given(plan), &Scope::default())
    }

    const STATEMENTS: &str = "statement {\n  sid = \"a\"\n  of = \"1\"\n}\n\
                              statement {\n  sid = \"b\"\n  of = \"2\"\n}\n";

    #[rstest]
    #[case(json!([{"sid": "?", "of": "?"}, {"sid": "b", "of": "?"}]), Some(json!([{"sid": "a", "of": "1"}, {"sid": "b", "of": "2"}])))]
    // The same in another order, more or less of them: they are not those of the plan.
    #[case(json!([{"sid": "b", "of": "?"}, {"sid": "a", "of": "?"}]), None)]
    #[case(json!([{"sid": "b", "of": "?"}]), None)]
    #[case(json!([{"sid": "?", "of": "?"}]), None)]
    #[case(json!([{"sid": "a", "of": "?"}, {"sid": "b", "of": "?"}, {"sid": "?", "of": "?"}]), None)]
    fn statements_are_those_in_their_places(#[case] plan: Json, #[case] expected: Option<Json>) {
        let filled = completed(STATEMENTS, &json!({"statement": plan}));
        let expected = expected.map(|all| given(&json!({"statement": all})));
        assert_eq!(filled, expected);
    }

    /// Of a set each is the one that it agrees with.
    #[test]
    fn blocks_of_a_set_are_in_any_order() {
        let written = STATEMENTS.replace("statement", "rule");
        let plan = json!({"rule": [{"sid": "b", "of": "?"}, {"sid": "a", "of": "?"}]});
        let expected = json!({"rule": [{"sid": "b", "of": "2"}, {"sid": "a", "of": "1"}]});
        assert_eq!(completed(&written, &plan), Some(given(&expected)));
    }

    /// Blocks that are made of resources, of which not all is known.
    #[test]
    fn blocks_of_resources_have_what_is_known_of_them() {
        let written = "dynamic \"statement\" {\n  for_each = aws_x.f\n  content {\n    \
                       sid = statement.key\n    of = statement.value.arn\n    id = statement.value.id\n  }\n}\n";
        let open = json!({"sid": "?", "of": "?", "id": "?"});
        let expected = json!({"statement": [
            {"sid": "x", "of": "one", "id": "?"},
            {"sid": "y", "of": "other", "id": "?"},
        ]});
        let filled = completed(written, &json!({"statement": [open, open]}));
        assert_eq!(filled, Some(given(&expected)));
    }
}
