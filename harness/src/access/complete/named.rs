//! What an expression is and nothing else: one attribute of one resource.
//!
//! A plan says to what an expression refers, and not what it makes of it: the Terraform files
//! alone tell `aws_s3_bucket.a.id` from `"${aws_s3_bucket.a.id}-logs"`.

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression, Object, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::structure::Block;
use hcl_edit::template::Element;

use super::documents;
use super::fill::{is_the_plans, split};
use super::source::Source;
use crate::lint::known::Node;
use crate::lint::terraform::{Resource, without_keys};

/// An attribute of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::access) struct Named {
    /// The address of the instance, with all keys; [`ANY`] for one that is not known.
    pub(in crate::access) address: String,
    pub(in crate::access) attribute: String,
}

/// In the place of a key that is not known.
const ANY: &str = "[*]";

impl Named {
    /// Whether an address may be its own.
    pub(in crate::access) fn may_be(&self, address: &str) -> bool {
        let mut parts = self.address.split(ANY);
        let begin = parts.next().and_then(|first| address.strip_prefix(first));
        let rest = parts.try_fold(begin, |rest, part| {
            let rest = rest?;
            let end = if rest.starts_with("[\"") { "\"]" } else { "]" };
            let key = rest.strip_prefix('[')?.split_once(end);
            Some(key.and_then(|(_, after)| after.strip_prefix(part)))
        });
        rest.flatten() == Some("")
    }
}

/// By the address of an instance and an attribute of it that is not known, what that is.
pub(in crate::access) type Names = BTreeMap<(String, String), Named>;

/// Values that are handed on.
const DEEPEST: usize = 32;

/// What is not known and is an attribute of a resource by the files.
pub(super) fn of(root: &Node, source: &Source, resources: &[Resource]) -> Names {
    let mut names = Names::new();
    for resource in resources.iter().filter(|one| !one.is_data && one.values.open() > 0) {
        let (module, own) = split(&resource.address);
        let Some(place) = Place::of(source, module) else { continue };
        let Some(block) = place.source.block(&without_keys(own)) else { continue };
        if !is_the_plans(root, &resource.configured(), &block.body) {
            continue;
        }
        let own = Own::of(own, block);
        let open = block.body.attributes().filter(|attribute| {
            resource.values.get(attribute.key.as_str()).is_some_and(|node| node.open() > 0)
        });
        for attribute in open {
            // A list of nothing else is that.
            let value = match &attribute.value {
                Expression::Array(items) if items.len() == 1 => items.get(0),
                other => Some(other),
            };
            let named = value.and_then(|value| place.follow(value, own, DEEPEST));
            let pair = (resource.address.clone(), attribute.key.to_string());
            names.extend(named.map(|named| (pair, named)));
        }
    }
    names
}

/// Which instance of a block it is.
#[derive(Debug, Clone, Copy, Default)]
struct Own<'s> {
    /// Its key as its address has it; of the only one nothing.
    key: &'s str,
    /// What the block has an instance for each of.
    each: Option<&'s Expression>,
}

impl<'s> Own<'s> {
    fn of(address: &'s str, block: &'s Block) -> Self {
        let each = block.body.get_attribute("for_each").map(|one| &one.value);
        Self { key: key(address), each }
    }
}

/// A name, with the key behind it as addresses have it: `["a"]`, `[0]`.
type Word = (String, String);

/// An instance of a module.
#[derive(Clone)]
struct Place<'s> {
    source: &'s Source,
    /// Its address, with a dot behind it; of the root module nothing.
    prefix: String,
    /// Its call, the instance of the call, and where that stands.
    call: Option<(&'s Block, String, Box<Self>)>,
}

impl<'s> Place<'s> {
    /// The instance of a module of an address.
    fn of(root: &'s Source, module: &str) -> Option<Self> {
        if module.is_empty() {
            return Some(Self { source: root, prefix: String::new(), call: None });
        }
        let around = module.rfind("module.").and_then(|at| module.get(..at))?;
        let call = module.get(around.len()..)?.strip_prefix("module.")?;
        let outer = Self::of(root, around.trim_end_matches('.'))?;
        outer.inner(call.split('[').next()?, key(call))
    }

    /// The instance of a module that is called here.
    fn inner(&self, name: &str, key: &str) -> Option<Self> {
        let call = self.source.block(&format!("module.{name}"))?;
        Some(Self {
            source: self.source.module(name)?,
            prefix: format!("{}module.{name}{key}.", self.prefix),
            call: Some((call, key.to_owned(), Box::new(self.clone()))),
        })
    }

    /// What an expression here is, of an instance of a block.
    fn follow(&self, expression: &Expression, own: Own<'_>, depth: usize) -> Option<Named> {
        let depth = depth.checked_sub(1)?;
        match expression {
            Expression::Parenthesis(inner) => self.follow(inner.inner(), own, depth),
            // A template of nothing but one expression is that expression.
            Expression::StringTemplate(template) => {
                let mut elements = template.iter();
                let (Some(Element::Interpolation(only)), None) = (elements.next(), elements.next())
                else {
                    return None;
                };
                self.follow(&only.expr, own, depth)
            }
            Expression::Traversal(traversal) => {
                self.named(&self.words(traversal, own, depth)?, own, depth)
            }
            _ => None,
        }
    }

    /// What a path of names is.
    fn named(&self, words: &[Word], own: Own<'_>, depth: usize) -> Option<Named> {
        let depth = depth.checked_sub(1)?;
        let plain: Vec<(&str, &str)> =
            words.iter().map(|(word, key)| (word.as_str(), key.as_str())).collect();
        match plain.as_slice() {
            [("var", ""), (name, key), ..] => {
                let (call, of_call, outer) = self.call.as_ref()?;
                let given = &call.body.get_attribute(name)?.value;
                let own = Own { key: of_call, ..Own::of("", call) };
                outer.within(given, steps(key, words.get(2..)?), own, depth)
            }
            [("local", ""), (name, key), ..] => {
                let steps = steps(key, words.get(2..)?);
                self.within(self.source.local(name)?, steps, Own::default(), depth)
            }
            [("each", ""), ("value", key), ..] => {
                let mut path = vec![Step::Key(own.key.to_owned())];
                path.extend(steps(key, words.get(2..)?));
                self.within(own.each?, path, Own::default(), depth)
            }
            [("module", ""), (name, key), (output, inside), ..] => {
                let inner = self.inner(name, key)?;
                let steps = steps(inside, words.get(3..)?);
                inner.within(inner.source.output(output)?, steps, Own::default(), depth)
            }
            [(kind, ""), (name, key), (attribute, "")] if kind.contains('_') => Some(Named {
                address: format!("{}{kind}.{name}{key}", self.prefix),
                attribute: (*attribute).to_owned(),
            }),
            // Of a data source alone what a document is.
            [("data", ""), (kind, ""), (name, key), (attribute, "")]
                if *kind == documents::KIND =>
            {
                Some(Named {
                    address: format!("{}data.{kind}.{name}{key}", self.prefix),
                    attribute: (*attribute).to_owned(),
                })
            }
            _ => None,
        }
    }

    /// What a part of an expression is.
    fn within(
        &self,
        expression: &Expression,
        path: Vec<Step>,
        own: Own<'_>,
        depth: usize,
    ) -> Option<Named> {
        let depth = depth.checked_sub(1)?;
        let (found, rest) = project(expression, &path);
        if rest.is_empty() {
            return self.follow(found, own, depth);
        }
        // Of what is named, a part of it is.
        let Expression::Traversal(traversal) = found else { return None };
        let mut words = self.words(traversal, own, depth)?;
        for step in rest {
            match step {
                Step::Name(name) => words.push((name.clone(), String::new())),
                Step::Key(key) => {
                    let (_, last) = words.last_mut().filter(|(_, last)| last.is_empty())?;
                    last.clone_from(key);
                }
            }
        }
        self.named(&words, own, depth)
    }

    /// The names of a traversal.
    fn words(&self, traversal: &Traversal, own: Own<'_>, depth: usize) -> Option<Vec<Word>> {
        let Expression::Variable(root) = &traversal.expr else { return None };
        let mut words = vec![(root.as_str().to_owned(), String::new())];
        for operator in &traversal.operators {
            match operator.value() {
                TraversalOperator::GetAttr(name) => {
                    words.push((name.as_str().to_owned(), String::new()));
                }
                TraversalOperator::Index(index) => {
                    let (_, key) = words.last_mut().filter(|(_, key)| key.is_empty())?;
                    *key = self.written(index, own, depth).unwrap_or_else(|| ANY.to_owned());
                }
                _ => return None,
            }
        }
        Some(words)
    }

    /// A key that stands there, or that of the instance itself, or what stands there for it;
    /// any other is not computed here.
    fn written(&self, index: &Expression, own: Own<'_>, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        match index {
            Expression::String(text) => Some(format!("[{}]", serde_json::json!(text.as_str()))),
            Expression::Number(number) => Some(format!("[{}]", number.as_u64()?)),
            Expression::Parenthesis(inner) => self.written(inner.inner(), own, depth),
            Expression::Traversal(traversal) => {
                let words = self.words(traversal, Own::default(), depth)?;
                let plain: Vec<(&str, &str)> =
                    words.iter().map(|(word, key)| (word.as_str(), key.as_str())).collect();
                let has_key = !own.key.is_empty();
                match plain.as_slice() {
                    [("each", ""), ("key", "")] | [("count", ""), ("index", "")] => {
                        has_key.then(|| own.key.to_owned())
                    }
                    [("each", ""), ("value", key), ..] if has_key => {
                        let mut path = vec![Step::Key(own.key.to_owned())];
                        path.extend(steps(key, words.get(2..)?));
                        self.key_within(own.each?, &path, depth)
                    }
                    [("local", ""), (name, key), ..] => {
                        let path = steps(key, words.get(2..)?);
                        self.key_within(self.source.local(name)?, &path, depth)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// A part of an expression, where it is written out and may be a key.
    fn key_within(&self, expression: &Expression, path: &[Step], depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let (found, rest) = project(expression, path);
        match (found, rest) {
            (found, []) => self.written(found, Own::default(), depth),
            // In a set each is its own key.
            (Expression::FuncCall(call), [Step::Key(own)])
                if call.name.name.as_str() == "toset" =>
            {
                own.starts_with("[\"").then(|| own.clone())
            }
            (Expression::Traversal(traversal), rest) => {
                let words = self.words(traversal, Own::default(), depth)?;
                let [(root, none), (name, key), more @ ..] = words.as_slice() else { return None };
                if root != "local" || !none.is_empty() {
                    return None;
                }
                let mut path = steps(key, more);
                path.extend(rest.iter().cloned());
                self.key_within(self.source.local(name)?, &path, depth)
            }
            _ => None,
        }
    }
}

/// A step from a value to a part of it.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// `.a`
    Name(String),
    /// `["a"]`, `[0]`, as addresses have it.
    Key(String),
}

/// The steps that are left behind a name: its key, and the names that follow.
fn steps(key: &str, rest: &[Word]) -> Vec<Step> {
    let of_key = |key: &str| (!key.is_empty()).then(|| Step::Key(key.to_owned()));
    let rest = rest
        .iter()
        .flat_map(|(name, key)| std::iter::once(Step::Name(name.clone())).chain(of_key(key)));
    of_key(key).into_iter().chain(rest).collect()
}

/// The part of an expression that steps lead to as far as it is written out, and the steps
/// that are left.
fn project<'e, 'p>(
    mut expression: &'e Expression,
    mut path: &'p [Step],
) -> (&'e Expression, &'p [Step]) {
    loop {
        if let Expression::Parenthesis(inner) = expression {
            expression = inner.inner();
            continue;
        }
        let Some((first, rest)) = path.split_first() else { return (expression, path) };
        let part = match (expression, first) {
            (Expression::Object(object), Step::Name(name)) => member(object, name),
            (Expression::Object(object), Step::Key(key)) => {
                let inside = key.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
                let name = inside.and_then(|it| serde_json::from_str::<String>(it).ok());
                name.and_then(|name| member(object, &name))
            }
            (Expression::Array(items), Step::Key(key)) => {
                let inside = key.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
                inside.and_then(|it| it.parse().ok()).and_then(|at| items.get(at))
            }
            _ => None,
        };
        let Some(part) = part else { return (expression, path) };
        (expression, path) = (part, rest);
    }
}

/// The member of an object whose keys are all written out.
fn member<'e>(object: &'e Object, name: &str) -> Option<&'e Expression> {
    let mut found = None;
    for (key, value) in object {
        let key = match key {
            ObjectKey::Ident(name) => name.as_str(),
            ObjectKey::Expression(Expression::Variable(name)) => name.as_str(),
            ObjectKey::Expression(Expression::String(text)) => text.as_str(),
            ObjectKey::Expression(_) => return None,
        };
        if key == name {
            found = Some(value.expr());
        }
    }
    found
}

/// The key of an instance of a resource or a module, as its address has it.
fn key(own: &str) -> &str {
    own.find('[').and_then(|at| own.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MODULE: &str = r#"
resource "aws_s3_bucket" "this" {
  count = 1
}
output "id" {
  value = aws_s3_bucket.this[0].id
}
output "given" {
  value = var.bucket
}
"#;

    /// What an expression is in the root module, of an instance of the key `["x"]`.
    fn named(expression: &str) -> Option<(String, String)> {
        named_of(expression, "null")
    }

    /// The same of what there is an instance for each of.
    fn named_of(expression: &str, each: &str) -> Option<(String, String)> {
        let directory = tempfile::tempdir().unwrap();
        let main = format!(
            "locals {{\n  it = {expression}\n  each = {each}\n  map = {{ x = aws_s3_bucket.a, (local.k) = 1 }}\n  \
             of = {{ x = {{ b = aws_s3_bucket.a.id, k = \"y\" }} }}\n  b = aws_s3_bucket.a.id\n  others = aws_s3_bucket.b\n  round = local.round\n}}\n\
             module \"m\" {{\n  source = \"./m\"\n  for_each = {{}}\n  \
             bucket = aws_s3_bucket.b[each.key].id\n}}\n"
        );
        std::fs::write(directory.path().join("main.tf"), main).unwrap();
        std::fs::create_dir(directory.path().join("m")).unwrap();
        std::fs::write(directory.path().join("m/main.tf"), MODULE).unwrap();
        let source = Source::read(directory.path()).unwrap();
        let place = Place::of(&source, "").unwrap();
        let each = source.local("each");
        let own = Own { key: "[\"x\"]", each };
        let named = place.follow(source.local("it")?, own, DEEPEST)?;
        Some((named.address, named.attribute))
    }

    #[rstest]
    #[case("aws_s3_bucket.a.id", "aws_s3_bucket.a")]
    #[case(r#""${aws_s3_bucket.a.id}""#, "aws_s3_bucket.a")]
    #[case("(aws_s3_bucket.a.id)", "aws_s3_bucket.a")]
    #[case("local.b", "aws_s3_bucket.a")]
    #[case(r#"aws_s3_bucket.a["k"].id"#, r#"aws_s3_bucket.a["k"]"#)]
    #[case("aws_s3_bucket.a[0].id", "aws_s3_bucket.a[0]")]
    #[case("aws_s3_bucket.a[each.key].id", r#"aws_s3_bucket.a["x"]"#)]
    #[case("aws_s3_bucket.a[each.value.of].id", "aws_s3_bucket.a[*]")]
    #[case("module.m[local.k].given", "aws_s3_bucket.b[*]")]
    #[case(r#"module.m["k"].id"#, r#"module.m["k"].aws_s3_bucket.this[0]"#)]
    #[case("module.m[each.key].id", r#"module.m["x"].aws_s3_bucket.this[0]"#)]
    #[case(r#"module.m["k"].given"#, r#"aws_s3_bucket.b["k"]"#)]
    fn what_is_one_attribute_is_followed(#[case] expression: &str, #[case] address: &str) {
        assert_eq!(named(expression), Some((address.to_owned(), "id".to_owned())));
    }

    /// Of an instance, what there is one for each of tells its own.
    #[rstest]
    #[case("each.value", "{ x = aws_s3_bucket.a.id }", "aws_s3_bucket.a")]
    #[case("each.value.b", "{ x = { b = aws_s3_bucket.a.id }, y = {} }", "aws_s3_bucket.a")]
    #[case("each.value.id", "{ x = aws_s3_bucket.a }", "aws_s3_bucket.a")]
    #[case("each.value.id", "aws_s3_bucket.a", r#"aws_s3_bucket.a["x"]"#)]
    #[case("each.value.id", "local.each2", r#"aws_s3_bucket.b["x"]"#)]
    #[case("each.value.b", "local.of", "aws_s3_bucket.a")]
    #[case("each.value.id", "module.m", r#"module.m["x"].aws_s3_bucket.this[0]"#)]
    #[case("aws_s3_bucket.a[each.value].id", r#"toset(["x", "y"])"#, r#"aws_s3_bucket.a["x"]"#)]
    #[case("aws_s3_bucket.a[each.value].id", r#"{ x = "y" }"#, r#"aws_s3_bucket.a["y"]"#)]
    #[case("aws_s3_bucket.a[each.value.k].id", "local.of", r#"aws_s3_bucket.a["y"]"#)]
    #[case("aws_s3_bucket.a[each.value.of].id", "{ x = { of = var.v } }", "aws_s3_bucket.a[*]")]
    fn what_an_instance_is_of_is_followed(
        #[case] expression: &str,
        #[case] each: &str,
        #[case] address: &str,
    ) {
        let each = each.replace("local.each2", "local.others");
        assert_eq!(named_of(expression, &each), Some((address.to_owned(), "id".to_owned())));
    }

    /// Which member it is, is not known where a key is not written out, and of a list each
    /// is its own.
    #[rstest]
    #[case("each.value.id", "local.map")]
    #[case("each.value", "{ y = aws_s3_bucket.a.id }")]
    #[case("each.value", r#"toset(["x"])"#)]
    #[case("each.value.id", "data.aws_s3_bucket.a")]
    fn what_may_be_any_instance_is_not(#[case] expression: &str, #[case] each: &str) {
        assert_eq!(named_of(expression, each), None);
    }

    #[rstest]
    #[case(r#""${aws_s3_bucket.a.id}-logs""#)]
    #[case(r#"replace(aws_s3_bucket.a.id, "a", "b")"#)]
    #[case("aws_s3_bucket.a[*].id")]
    #[case("true ? aws_s3_bucket.a.id : \"b\"")]
    #[case("data.aws_s3_bucket.a.id")]
    #[case("aws_s3_bucket.a.website[0].id")]
    #[case("module.other.id")]
    #[case("local.round")]
    #[case("each.value")]
    fn what_is_made_of_it_is_not(#[case] expression: &str) {
        assert_eq!(named(expression), None);
    }

    #[rstest]
    #[case("a.b", "a.b", true)]
    #[case("a.b", "a.b[0]", false)]
    #[case("a.b[*]", "a.b[0]", true)]
    #[case("a.b[*]", "a.b[\"x]y\"]", true)]
    #[case("a.b[*]", "a.b", false)]
    #[case("module.m[*].a.b[1]", "module.m[\"k\"].a.b[1]", true)]
    #[case("module.m[*].a.b[1]", "module.m[\"k\"].a.b[0]", false)]
    #[case("module.m[*].a.b[*]", "module.m[0].a.b[0]", true)]
    #[case("a.b[*]", "a.b[0].c", false)]
    fn a_key_that_is_not_known_may_be_any(
        #[case] named: &str,
        #[case] address: &str,
        #[case] expected: bool,
    ) {
        let named = Named { address: named.to_owned(), attribute: String::new() };
        assert_eq!(named.may_be(address), expected);
    }
}
