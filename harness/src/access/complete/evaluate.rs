//! Expressions of Terraform over what a plan knows. `None`: it is not known, or the
//! expression is of a form that is not computed here.
//!
//! <https://developer.hashicorp.com/terraform/language/expressions>

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use hcl_edit::expr::{
    BinaryOp, BinaryOperator, Conditional, Expression, ForExpr, Object, ObjectKey, UnaryOperator,
};
use hcl_edit::template::{Element, Strip};
use ringfence_text::Place;
use serde_json::{Map, Value};

use super::agree::tree;
use super::source::Source;
use super::types::{self, Beside};
use crate::lint::known::{self, Member, Node};

/// Expressions nest no deeper.
const DEPTH: usize = 64;

/// What names stand for.
pub(super) struct World<'w> {
    pub(super) source: &'w Source,
    /// `var`.
    pub(super) variables: BTreeMap<String, Value>,
    /// What the modules that are called give out, by the call's name.
    pub(super) modules: BTreeMap<String, Node>,
    /// Instances of resources and data sources: by address without a key, the key and
    /// the values.
    pub(super) instances: BTreeMap<String, Vec<(Key, &'w Node)>>,
    /// Local values that were computed.
    pub(super) locals: RefCell<HashMap<String, Option<Value>>>,
    /// Parts of those that are not known as a whole.
    pub(super) parts: RefCell<HashMap<String, Option<Value>>>,
    /// How many expressions were asked whether they fail.
    pub(super) tries: Cell<usize>,
}

/// Which instance of a resource it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    /// The only one.
    Only,
    /// Of `count`.
    Number(usize),
    /// Of `for_each`.
    Name(String),
}

/// The names of an expression's surroundings.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope<'e> {
    /// `each`, `count`, those of `for`.
    pub(super) names: BTreeMap<String, Name>,
    /// What there is an instance for each of, and the key of this one.
    pub(super) each: Option<(&'e Expression, Value)>,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) enum Name {
    Value(Value),
    /// Of which a part may be known and another not: a resource.
    Node(Node),
}

impl From<Value> for Name {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl Scope<'_> {
    /// With an item that is gone through, and its key.
    pub(super) fn of_item(&self, of: &ForExpr, key: Value, item: Name) -> Self {
        let mut scope = self.clone();
        if let Some(name) = &of.intro.key_var {
            scope.names.insert(name.as_str().to_owned(), key.into());
        }
        scope.names.insert(of.intro.value_var.as_str().to_owned(), item);
        scope
    }
}

impl<'w> World<'w> {
    /// The value of an expression.
    pub(super) fn value(&self, expression: &Expression, scope: &Scope<'_>) -> Option<Value> {
        self.at(expression, scope, DEPTH)
    }

    pub(super) fn at(
        &self,
        expression: &Expression,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let all = |items: &mut dyn Iterator<Item = &Expression>| -> Option<Vec<Value>> {
            items.map(|item| self.at(item, scope, depth)).collect()
        };
        Some(match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(flag) => Value::Bool(**flag),
            Expression::Number(number) => number_of(number)?,
            Expression::String(text) => Value::String(composed(text.as_str())?),
            Expression::Array(items) => Value::Array(all(&mut items.iter())?),
            Expression::Object(object) => self.object(object, scope, depth)?,
            Expression::StringTemplate(template) => {
                self.template(&mut template.iter(), scope, depth)?
            }
            // Without what all its lines are indented by (`<<-`), as it was read.
            Expression::HeredocTemplate(heredoc) => {
                self.template(&mut heredoc.template.iter(), scope, depth)?
            }
            Expression::Parenthesis(inner) => self.at(inner.inner(), scope, depth)?,
            Expression::Variable(_) => self.found(expression, scope, depth)?.value()?,
            Expression::Conditional(of) => self.conditional(of, scope, depth)?,
            Expression::FuncCall(call) => self.call(call, scope, depth)?,
            Expression::Traversal(traversal) => self.traversal(traversal, scope, depth)?,
            Expression::UnaryOp(of) => {
                match (of.operator.value(), self.at(&of.expr, scope, depth)?) {
                    (UnaryOperator::Not, Value::Bool(flag)) => Value::Bool(!flag),
                    _ => return None,
                }
            }
            Expression::BinaryOp(of) => self.binary(of, scope, depth)?,
            Expression::ForExpr(of) => self.each(of, scope, depth)?,
        })
    }

    fn object(&self, object: &Object, scope: &Scope<'_>, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        for (own, value) in object.iter() {
            let key = key(own, |expression| self.at(expression, scope, depth))?;
            members.insert(key, self.at(value.expr(), scope, depth)?);
        }
        Some(Value::Object(members))
    }

    fn template(
        &self,
        elements: &mut dyn Iterator<Item = &Element>,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Value> {
        let parts = elements.map(|element| match element {
            Element::Literal(literal) => Some(Value::String(composed(literal)?)),
            // `~` takes away what stands beside it.
            Element::Interpolation(of) if of.strip == Strip::None => {
                self.at(&of.expr, scope, depth)
            }
            Element::Interpolation(_) | Element::Directive(_) => None,
        });
        let mut parts = parts.collect::<Option<Vec<Value>>>()?;
        // A template of nothing but one expression is that expression.
        if parts.len() == 1 {
            return parts.pop();
        }
        parts.iter().map(text).collect::<Option<String>>().map(Value::String)
    }

    fn conditional(&self, of: &Conditional, scope: &Scope<'_>, depth: usize) -> Option<Value> {
        let (chosen, other) = match self.at(&of.cond_expr, scope, depth)? {
            Value::Bool(true) => (&of.true_expr, &of.false_expr),
            Value::Bool(false) => (&of.false_expr, &of.true_expr),
            _ => return None,
        };
        let value = self.at(chosen, scope, depth)?;
        let are_lists = [chosen, other].iter().all(|one| matches!(one, Expression::Array(_)));
        let own = self.at(other, scope, depth);
        let beside = match (own.as_ref(), is_null(other)) {
            (_, true) => Beside::Null,
            (None, false) => Beside::Unknown { are_lists },
            (Some(value), false) => Beside::Value { value, is_empty: is_empty(other), are_lists },
        };
        types::together(value, &beside)
    }

    fn binary(&self, of: &BinaryOp, scope: &Scope<'_>, depth: usize) -> Option<Value> {
        let left = self.at(&of.lhs_expr, scope, depth)?;
        let right = self.at(&of.rhs_expr, scope, depth)?;
        let numbers = || Some((left.as_i64()?, right.as_i64()?));
        Some(match of.operator.value() {
            BinaryOperator::Eq => Value::Bool(same(&left, &right)?),
            BinaryOperator::NotEq => Value::Bool(!same(&left, &right)?),
            BinaryOperator::And => Value::Bool(left.as_bool()? && right.as_bool()?),
            BinaryOperator::Or => Value::Bool(left.as_bool()? || right.as_bool()?),
            BinaryOperator::Less => numbers().map(|(left, right)| Value::Bool(left < right))?,
            BinaryOperator::Greater => numbers().map(|(left, right)| Value::Bool(left > right))?,
            BinaryOperator::LessEq => numbers().map(|(left, right)| Value::Bool(left <= right))?,
            BinaryOperator::GreaterEq => {
                numbers().map(|(left, right)| Value::Bool(left >= right))?
            }
            BinaryOperator::Plus => {
                numbers().and_then(|(left, right)| left.checked_add(right)).map(Value::from)?
            }
            BinaryOperator::Minus => {
                numbers().and_then(|(left, right)| left.checked_sub(right)).map(Value::from)?
            }
            BinaryOperator::Mul | BinaryOperator::Div | BinaryOperator::Mod => return None,
        })
    }

    fn each(&self, of: &ForExpr, scope: &Scope<'_>, depth: usize) -> Option<Value> {
        let mut list = Vec::new();
        let mut members = Map::new();
        for (key, item) in self.gone_through(of, scope, depth)? {
            let scope = scope.of_item(of, key, item);
            if let Some(condition) = &of.cond
                && !self.at(&condition.expr, &scope, depth)?.as_bool()?
            {
                continue;
            }
            let value = self.at(&of.value_expr, &scope, depth)?;
            match &of.key_expr {
                None => list.push(value),
                Some(_) if of.grouping => return None,
                Some(key) => {
                    members.insert(text(&self.at(key, &scope, depth)?)?, value);
                }
            }
        }
        Some(if of.key_expr.is_some() { Value::Object(members) } else { Value::Array(list) })
    }

    /// What an expression stands for, as far as it is known, as if it stood at a place.
    pub(super) fn node(&self, expression: &Expression, at: Place) -> Node {
        self.node_to(expression, at, DEPTH).unwrap_or_else(|| Node::new(at, known::Value::Unknown))
    }

    fn node_to(&self, expression: &Expression, at: Place, depth: usize) -> Option<Node> {
        let depth = depth.checked_sub(1)?;
        let scope = Scope::default();
        if let Some(value) = self.at(expression, &scope, depth) {
            return Some(tree(at, &value));
        }
        let open = || Node::new(at, known::Value::Unknown);
        let part = |one: &Expression| self.node_to(one, at, depth).unwrap_or_else(open);
        match expression {
            Expression::Parenthesis(inner) => self.node_to(inner.inner(), at, depth),
            Expression::Array(items) => {
                Some(Node::new(at, known::Value::List(items.iter().map(part).collect())))
            }
            Expression::Object(object) => {
                let mut all: Vec<Member> = Vec::new();
                for (own, value) in object {
                    let key = key(own, |expression| self.at(expression, &scope, depth))?;
                    all.retain(|known| known.key != key);
                    all.push(Member { at, key, value: part(value.expr()) });
                }
                Some(Node::new(at, known::Value::Map(all)))
            }
            _ => self.found(expression, &scope, depth)?.node(at),
        }
    }

    /// The instances of a resource that an expression names, each with its key.
    pub(super) fn instances_of(
        &self,
        expression: &Expression,
        scope: &Scope<'_>,
    ) -> Option<Vec<(Value, Name)>> {
        self.found(expression, scope, DEPTH)?.instances()
    }

    /// What `for` goes through, each item with its key.
    pub(super) fn gone_through(
        &self,
        of: &ForExpr,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Vec<(Value, Name)>> {
        let written = &of.intro.collection_expr;
        if let Some(all) = self.found(written, scope, depth).and_then(|found| found.instances()) {
            return Some(all);
        }
        let collection = self.at(written, scope, depth)?;
        // In a set each is its own key.
        let is_keyed = of.intro.key_var.is_some() && collection.is_array();
        let is_set = is_keyed && self.is_set(written, scope)?;
        let all = items(collection)?.into_iter();
        Some(
            all.map(|(key, item)| (if is_set { item.clone() } else { key }, item.into())).collect(),
        )
    }
}

/// Whether `null` is written: of no type, where that of a name has one.
pub(super) fn is_null(written: &Expression) -> bool {
    match written {
        Expression::Parenthesis(inner) => is_null(inner.inner()),
        Expression::Null(_) => true,
        _ => false,
    }
}

/// Whether `[]` or `{}` is written.
fn is_empty(written: &Expression) -> bool {
    match written {
        Expression::Parenthesis(inner) => is_empty(inner.inner()),
        Expression::Array(items) => items.is_empty(),
        Expression::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Whether two values are the same: of two collections it hangs on their types, too.
fn same(left: &Value, right: &Value) -> Option<bool> {
    let is_plain = |value: &Value| !value.is_array() && !value.is_object();
    match (is_plain(left), is_plain(right)) {
        (true, true) => Some(left == right),
        // Nothing that there is, is `null`.
        (false, true) if right.is_null() => Some(false),
        (true, false) if left.is_null() => Some(false),
        _ => None,
    }
}

/// The key of a member of an object.
pub(super) fn key(
    written: &ObjectKey,
    value: impl FnOnce(&Expression) -> Option<Value>,
) -> Option<String> {
    match written {
        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(Expression::Variable(name)) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(key) => text(&value(key)?),
    }
}

/// What `for` goes through, each item with its key.
pub(super) fn items(collection: Value) -> Option<Vec<(Value, Value)>> {
    match collection {
        Value::Array(items) => {
            Some(items.into_iter().enumerate().map(|(at, item)| (Value::from(at), item)).collect())
        }
        Value::Object(members) => {
            let all = sorted(members).into_iter();
            Some(all.map(|(key, item)| (Value::String(key), item)).collect())
        }
        _ => None,
    }
}

/// A text as Terraform has it, which composes its characters (Unicode's normal form C,
/// <https://developer.hashicorp.com/terraform/language/expressions/types#string>): of
/// characters that are not made of others it is the same.
pub(super) fn composed(text: &str) -> Option<String> {
    let is_whole = |one: char| matches!(one, '\u{0}'..='\u{2ff}' | '\u{2010}'..='\u{2027}' | '\u{4e00}'..='\u{9fff}');
    text.chars().all(is_whole).then(|| text.to_owned())
}

/// The members of a map in Terraform's order.
pub(super) fn sorted(members: Map<String, Value>) -> Vec<(String, Value)> {
    let mut members: Vec<(String, Value)> = members.into_iter().collect();
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    members
}

/// A value of a file as JSON; `None` where not all of it is known.
pub(super) fn json(node: &Node) -> Option<Value> {
    Some(match &node.value {
        known::Value::Null => Value::Null,
        known::Value::Bool(flag) => Value::Bool(*flag),
        known::Value::Number(text) => number(text)?,
        known::Value::Text(text) => Value::String(text.clone()),
        known::Value::List(items) => Value::Array(items.iter().map(json).collect::<Option<_>>()?),
        known::Value::Map(members) => Value::Object(
            members
                .iter()
                .map(|member| Some((member.key.clone(), json(&member.value)?)))
                .collect::<Option<_>>()?,
        ),
        known::Value::Unknown => return None,
    })
}

/// A value where a text is wanted
/// (<https://developer.hashicorp.com/terraform/language/expressions/types#type-conversion>).
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(whole.to_string()),
            // All its digits, and no exponent.
            None => number.as_f64().filter(|it| is_exact(*it)).map(|it| it.to_string()),
        },
        _ => None,
    }
}

/// A number of a file, where it is the same here: Terraform's have more digits
/// (<https://developer.hashicorp.com/terraform/language/expressions/types#numbers>).
pub(super) fn number(written: &str) -> Option<Value> {
    let number: Value = serde_json::from_str(written).ok()?;
    if number.is_i64() {
        return Some(number);
    }
    let mantissa = written.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.chars().filter(char::is_ascii_digit).count();
    let value = number.as_f64().filter(|it| digits <= DIGITS && is_exact(*it))?;
    // `1.0` is `1`.
    let whole = value.to_string().parse::<i64>().ok().map(Value::from);
    Some(whole.unwrap_or(number))
}

/// Decimal digits that a number keeps.
const DIGITS: usize = 15;

/// Whether a number is written alike in a text and in JSON.
fn is_exact(number: f64) -> bool {
    let size = number.abs();
    size == 0.0 || (1e-5..1e15).contains(&size)
}

fn number_of(number: &hcl_edit::Number) -> Option<Value> {
    number.as_i64().map(Value::from)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const PLACE: Place = Place { line: 1, column: 1 };

    fn named(members: &[(&str, known::Value)]) -> Node {
        let at = PLACE;
        let member = |(key, value): &(&str, known::Value)| Member {
            at,
            key: (*key).to_owned(),
            value: Node::new(at, value.clone()),
        };
        Node::new(at, known::Value::Map(members.iter().map(member).collect()))
    }

    /// The value of an expression where a few names stand for something.
    fn value(expression: &str) -> Option<Value> {
        let text = |text: &str| known::Value::Text(text.to_owned());
        let bucket = named(&[("arn", text("arn:aws:s3:::b")), ("id", known::Value::Unknown)]);
        let whole = named(&[("arn", text("arn:aws:s3:::w")), ("id", text("w"))]);
        let listed =
            |at: &str| named(&[("n", known::Value::List(vec![Node::new(PLACE, text(at))]))]);
        let (first, second) = (listed("l-0"), listed("l-1"));
        let subnets = [named(&[("id", text("s-0"))]), named(&[("id", text("s-1"))])];
        let numbered = subnets.iter().enumerate().rev();
        let numbered = numbered.map(|(at, node)| (Key::Number(at), node)).collect();
        let source = Source::of(&format!(
            "locals {{\n  it = {expression}\n  a = \"x-${{var.n}}\"\n  round = local.round\n  \
             b = aws_s3_bucket.b\n  f = aws_s3_bucket.f\n}}\n\
             resource \"aws_x\" \"none\" {{\n  count = var.n == \"one\" ? 0 : 1\n}}\n\
             resource \"aws_x\" \"empty\" {{\n  for_each = toset([])\n}}\n\
             resource \"aws_x\" \"some\" {{\n  count = 1\n}}"
        ));
        let world = World {
            source: &source,
            modules: BTreeMap::from([
                ("one".to_owned(), named(&[("arn", text("m")), ("id", known::Value::Unknown)])),
                ("two".to_owned(), Node::new(PLACE, known::Value::List(subnets.to_vec()))),
            ]),
            variables: BTreeMap::from([
                ("n".to_owned(), json!("one")),
                ("m".to_owned(), json!({"b": {"k": 2}, "a": {"k": null}})),
                ("v".to_owned(), json!(1.2)),
                ("big".to_owned(), json!(1e30)),
                ("null".to_owned(), json!(null)),
                ("none".to_owned(), json!([])),
            ]),
            instances: BTreeMap::from([
                ("aws_s3_bucket.b".to_owned(), vec![(Key::Only, &bucket)]),
                ("aws_s3_bucket.w".to_owned(), vec![(Key::Only, &whole)]),
                (
                    "aws_s3_bucket.f".to_owned(),
                    vec![(Key::Name("y".to_owned()), &whole), (Key::Name("x".to_owned()), &bucket)],
                ),
                ("aws_x.l".to_owned(), vec![(Key::Number(0), &first), (Key::Number(1), &second)]),
                ("aws_subnet.s".to_owned(), numbered),
            ]),
            locals: RefCell::default(),
            parts: RefCell::default(),
            tries: Cell::default(),
        };
        let names = BTreeMap::from([("each".to_owned(), json!({"key": "e"}).into())]);
        let each = source.local("each").map(|all| (all, json!("e")));
        world.value(source.local("it")?, &Scope { names, each })
    }

    #[rstest]
    #[case(r#""${aws_s3_bucket.b.arn}/${each.key}/*""#, json!("arn:aws:s3:::b/e/*"))]
    #[case("local.a", json!("x-one"))]
    #[case(r#""data-${var.v}/*""#, json!("data-1.2/*"))]
    #[case(r#""${["a"]}""#, json!(["a"]))]
    #[case(r#"tolist(toset(["b", "a", "b"]))[0]"#, json!("a"))]
    #[case(r#"length(toset(["1", "1"]))"#, json!(1))]
    #[case(r#"distinct(["b", "a", "b"])"#, json!(["b", "a"]))]
    #[case(r#"compact([1, "", "b", null])"#, json!(["1", "b"]))]
    #[case("aws_subnet.s[*].id", json!(["s-0", "s-1"]))]
    #[case("aws_subnet.s[1].id", json!("s-1"))]
    #[case(r#"[for name, one in var.m : "${name}!" if one.k != null]"#, json!(["b!"]))]
    #[case("{ for name, one in var.m : name => one.k }", json!({"a": null, "b": 2}))]
    #[case("keys(var.m)", json!(["a", "b"]))]
    #[case(r#"flatten([["a"], [["b"]], []])"#, json!(["a", "b"]))]
    #[case(r#"var.m["a"].k == null ? "none" : "some""#, json!("none"))]
    #[case(r#"format("%s-%d%%", var.n, 3)"#, json!("one-3%"))]
    #[case(r#"coalesce(null, "", "c")"#, json!("c"))]
    #[case(r#"chunklist(concat(["a", "b"], ["c"]), 2)"#, json!([["a", "b"], ["c"]]))]
    #[case(r#"merge({a = 1}, {"b" = 2})"#, json!({"a": 1, "b": 2}))]
    #[case(r#"join("/", split(".", "a.b"))"#, json!("a/b"))]
    #[case("<<-EOT\n    a ${var.n}\n      b\n  EOT\n", json!("a one\n  b\n"))]
    #[case(r#"jsonencode({b = "<&", a = [{d = 1, c = null}]})"#, json!(r#"{"a":[{"c":null,"d":1}],"b":"\u003c\u0026"}"#))]
    // Of a resource what is known, and all of one that is known as a whole.
    #[case("local.b.arn", json!("arn:aws:s3:::b"))]
    #[case(r#"local.f["x"].arn"#, json!("arn:aws:s3:::b"))]
    #[case("[for one in aws_s3_bucket.f : one.arn]", json!(["arn:aws:s3:::b", "arn:aws:s3:::w"]))]
    #[case("{ for k, one in local.f : k => one.arn }", json!({"x": "arn:aws:s3:::b", "y": "arn:aws:s3:::w"}))]
    #[case("values(aws_s3_bucket.f)[*].arn", json!(["arn:aws:s3:::b", "arn:aws:s3:::w"]))]
    #[case("keys(aws_s3_bucket.f)", json!(["x", "y"]))]
    #[case("length(aws_s3_bucket.f)", json!(2))]
    #[case("merge({ id = 1 }, aws_s3_bucket.w)", json!({"arn": "arn:aws:s3:::w", "id": "w"}))]
    #[case("length(aws_s3_bucket.w)", json!(2))]
    // What follows `.*` beside attributes is of the list.
    #[case("aws_x.l.*.n[0]", json!(["l-0"]))]
    #[case("aws_x.l[*].n[0]", json!(["l-0", "l-1"]))]
    #[case("aws_x.l.*.n", json!([["l-0"], ["l-1"]]))]
    // As the type has it that all have together.
    #[case("tomap({ a = \"x\", b = null })", json!({"a": "x", "b": null}))]
    #[case("tomap({ a = 1, b = 2 })", json!({"a": 1, "b": 2}))]
    #[case(r#"concat([1], ["a"])"#, json!([1, "a"]))]
    #[case(r#"concat(tolist([1]), ["a"])"#, json!([1, "a"]))]
    #[case("concat(var.none, tolist([\"a\"]))", json!(["a"]))]
    #[case("concat(tolist([1]), tolist([2]))", json!([1, 2]))]
    #[case("chunklist([1, 2, 3], 2)", json!([[1, 2], [3]]))]
    #[case("true ? 10 : null", json!(10))]
    #[case("true ? [1] : []", json!([1]))]
    #[case(r#"true ? "a" : var.null"#, json!("a"))]
    #[case("coalesce(null, 1)", json!(1))]
    #[case(r#"coalesce(var.null, "a")"#, json!("a"))]
    #[case(r#"contains(["a", 1], 1)"#, json!(true))]
    #[case(r#"one(["a"])"#, json!("a"))]
    #[case("one(aws_x.none[*].id)", json!(null))]
    #[case(r#"element(["a", "b"], 3)"#, json!("b"))]
    #[case("element(aws_subnet.s[*].id, 1)", json!("s-1"))]
    #[case(r#"coalescelist(aws_x.none[*].id, ["b", 1])"#, json!(["b", 1]))]
    #[case(r#"lookup({ a = 1 }, "a", "c")"#, json!(1))]
    #[case(r#"lookup({ a = 1 }, "b", "c")"#, json!("c"))]
    #[case(r#"lookup({ a = "x" }, "b", "1")"#, json!("1"))]
    #[case(r#"replace("https://a/b", "https://", "")"#, json!("a/b"))]
    // Of what its count or its keys say that there is none, there is none.
    #[case("aws_x.none[*].id", json!([]))]
    #[case("length(aws_x.none)", json!(0))]
    #[case("length(aws_x.empty)", json!(0))]
    #[case("concat(aws_x.none[*].id, aws_subnet.s[*].id)", json!(["s-0", "s-1"]))]
    #[case(r#"coalesce(one(aws_x.none[*].id), "c")"#, json!("c"))]
    // What fails is passed over, and only that.
    #[case(r#"try(aws_subnet.s[0].id, "x")"#, json!("s-0"))]
    #[case(r#"try(aws_subnet.s[7].id, "x")"#, json!("x"))]
    #[case(r#"try(aws_x.none[0].id, aws_x.empty["k"].id, "x")"#, json!("x"))]
    #[case(r#"try("${aws_x.none[0].id}/*", lower(aws_x.none[0].id), "x")"#, json!("x"))]
    #[case(r#"try(var.m["a"].k, "x")"#, json!(null))]
    #[case(r#"try(var.m.c, var.null.k, var.none[0], "x")"#, json!("x"))]
    #[case(r#"[for one in [{ k = "a" }, {}] : try(one.k, "x")]"#, json!(["a", "x"]))]
    #[case("try(aws_subnet.s[0], null).id", json!("s-0"))]
    #[case("can(aws_subnet.s[7].id)", json!(false))]
    #[case("can(aws_s3_bucket.b.id)", json!(true))]
    // What a module gives out.
    #[case("module.one.arn", json!("m"))]
    #[case("module.two[*].id", json!(["s-0", "s-1"]))]
    #[case(r#"try(module.two[1].id, "x")"#, json!("s-1"))]
    #[case(r#"try(module.two[2].id, "x")"#, json!("x"))]
    // Texts are texts, whatever the other result is.
    #[case("true ? [aws_s3_bucket.b.arn] : [aws_s3_bucket.b.id]", json!(["arn:aws:s3:::b"]))]
    #[case(r#"true ? ["a"] : aws_x.some[*].id"#, json!(["a"]))]
    fn what_is_known_is_computed(#[case] expression: &str, #[case] expected: Value) {
        assert_eq!(value(expression), Some(expected));
    }

    #[rstest]
    #[case(r#""${aws_s3_bucket.b.id}/*""#)]
    #[case("aws_s3_bucket.other.arn")]
    #[case("local.round")]
    #[case(r#"strrev("a")"#)]
    #[case("aws_subnet.s[7].id")]
    #[case(r#""${["a"]}-${var.n}""#)]
    #[case(r#""${var.m}${var.n}""#)]
    #[case(r#""${null}-a""#)]
    #[case(r#""data-${var.big}""#)]
    #[case(r#"toset([1, "1"])"#)]
    #[case(r#"distinct([1, "1"])"#)]
    #[case(r#"tolist([1, "a"])"#)]
    #[case(r#"coalesce(1, "a")"#)]
    #[case(r#""%{ if true }a%{ endif }""#)]
    // A resource of which not all is known is no value.
    #[case(r#"merge({ id = "x" }, aws_s3_bucket.b).id"#)]
    #[case("jsonencode(aws_s3_bucket.b)")]
    #[case("length(aws_s3_bucket.b)")]
    #[case("keys(aws_s3_bucket.b)")]
    #[case("[for k, v in aws_s3_bucket.b : k]")]
    #[case("[for one in aws_s3_bucket.f : one]")]
    #[case("jsonencode(local.f)")]
    #[case("aws_x.l.*.n.x")]
    #[case(r#"tomap({ a = "x", b = true })"#)]
    #[case(r#"tolist([["b", "a"], toset(["a", "b"])])"#)]
    #[case(r#"concat(tolist([1]), tolist(["a"]))"#)]
    #[case("concat(var.none, tolist([1]))")]
    #[case(r#"chunklist([1, "a"], 2)"#)]
    // `null` of a variable has its type.
    #[case("var.null == null ? 10 : var.null")]
    #[case("true ? [1] : [var.null]")]
    #[case("true ? [1] : var.none")]
    #[case("coalesce(var.null, 1)")]
    #[case("tolist([var.null, 1])")]
    #[case(r#"contains([["a"]], ["a"])"#)]
    #[case(r#"contains(["a"], ["a"])"#)]
    #[case(r#"contains([["a"]], "a")"#)]
    #[case(r#"contains(["a"], null)"#)]
    #[case(r#"one(["a", "b"])"#)]
    #[case("element([], 0)")]
    #[case(r#"replace("ab", "/a/", "b")"#)]
    #[case(r#"replace("{\"a\":1}", "a", "b")"#)]
    #[case(r#"lookup({}, "a", "1")"#)]
    #[case(r#"lookup({ a = 1 }, "b", "1")"#)]
    #[case("lookup({ a = true }, \"b\", false)")]
    // There is one, and nothing is known of it.
    #[case("aws_x.some[*].id")]
    #[case(r#"try(aws_x.some[0].id, "x")"#)]
    // Whether it fails is not known, or what it is where it does not.
    #[case(r#"try(aws_s3_bucket.b.id, "x")"#)]
    #[case(r#"try(tolist(["a"])[0], "x")"#)]
    #[case(r#"try(jsondecode("x"), "x")"#)]
    #[case(r#"try("${aws_s3_bucket.b.id}/*", "x")"#)]
    #[case(r#"try(each.value.k, "x")"#)]
    #[case(r#"try(aws_x.none[0].id)"#)]
    #[case("can(jsondecode(\"x\"))")]
    #[case("module.one.id")]
    #[case("module.other.arn")]
    #[case("jsonencode(module.one)")]
    #[case(r#"true ? [["b", "a"]] : [[aws_s3_bucket.b.id]]"#)]
    #[case(r#"true ? ["b", "a"] : aws_x.some[*].id"#)]
    #[case("true ? [1] : [aws_s3_bucket.b.id]")]
    fn what_is_not_known_or_not_computed_is_nothing(#[case] expression: &str) {
        assert_eq!(value(expression), None);
    }

    #[rstest]
    #[case("1.2", Some(json!(1.2)))]
    #[case("1.0", Some(json!(1)))]
    #[case("-0.5", Some(json!(-0.5)))]
    #[case("1e3", Some(json!(1000)))]
    #[case("0.12345678901234567", None)]
    #[case("1e30", None)]
    #[case("18446744073709551615", None)]
    fn a_number_is_the_same_or_nothing(#[case] written: &str, #[case] expected: Option<Value>) {
        assert_eq!(number(written), expected);
    }
}
