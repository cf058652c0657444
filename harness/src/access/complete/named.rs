//! What an expression is and nothing else: one attribute of one resource.
//!
//! A plan says to what an expression refers, and not what it makes of it: the Terraform files
//! alone tell `aws_s3_bucket.a.id` from `"${aws_s3_bucket.a.id}-logs"`.

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::Block;
use hcl_edit::template::Element;

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
        let open = block.body.attributes().filter(|attribute| {
            resource.values.get(attribute.key.as_str()).is_some_and(|node| node.open() > 0)
        });
        for attribute in open {
            // A list of nothing else is that.
            let value = match &attribute.value {
                Expression::Array(items) if items.len() == 1 => items.get(0),
                other => Some(other),
            };
            let named = value.and_then(|value| place.follow(value, key(own), DEEPEST));
            let pair = (resource.address.clone(), attribute.key.to_string());
            names.extend(named.map(|named| (pair, named)));
        }
    }
    names
}

/// An instance of a module.
#[derive(Clone)]
struct Place<'s> {
    source: &'s Source,
    /// Its address, with a dot behind it; of the root module nothing.
    prefix: String,
    /// Its call, the key of the call, and where that stands.
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

    /// What an expression here is, of an instance of a key.
    fn follow(&self, expression: &Expression, own: &str, depth: usize) -> Option<Named> {
        let depth = depth.checked_sub(1)?;
        let traversal = match expression {
            Expression::Parenthesis(inner) => return self.follow(inner.inner(), own, depth),
            // A template of nothing but one expression is that expression.
            Expression::StringTemplate(template) => {
                let mut elements = template.iter();
                let (Some(Element::Interpolation(only)), None) = (elements.next(), elements.next())
                else {
                    return None;
                };
                return self.follow(&only.expr, own, depth);
            }
            Expression::Traversal(traversal) => traversal,
            _ => return None,
        };
        let words = words(traversal, own)?;
        let words: Vec<(&str, &str)> =
            words.iter().map(|(word, key)| (word.as_str(), key.as_str())).collect();
        match words.as_slice() {
            [("var", ""), (name, "")] => {
                let (call, key, outer) = self.call.as_ref()?;
                outer.follow(&call.body.get_attribute(name)?.value, key, depth)
            }
            [("local", ""), (name, "")] => self.follow(self.source.local(name)?, "", depth),
            [("module", ""), (name, key), (output, "")] => {
                let inner = self.inner(name, key)?;
                inner.follow(inner.source.output(output)?, "", depth)
            }
            [(kind, ""), (name, key), (attribute, "")] if kind.contains('_') => Some(Named {
                address: format!("{}{kind}.{name}{key}", self.prefix),
                attribute: (*attribute).to_owned(),
            }),
            _ => None,
        }
    }
}

/// The names of a traversal, each with the key behind it as addresses have it: `["a"]`, `[0]`.
fn words(traversal: &Traversal, own: &str) -> Option<Vec<(String, String)>> {
    let Expression::Variable(root) = &traversal.expr else { return None };
    let mut words = vec![(root.as_str().to_owned(), String::new())];
    for operator in &traversal.operators {
        match operator.value() {
            TraversalOperator::GetAttr(name) => {
                words.push((name.as_str().to_owned(), String::new()));
            }
            TraversalOperator::Index(index) => {
                let (_, key) = words.last_mut().filter(|(_, key)| key.is_empty())?;
                *key = written(index, own).unwrap_or_else(|| ANY.to_owned());
            }
            _ => return None,
        }
    }
    Some(words)
}

/// A key that stands there, or that of the instance itself; any other is not computed here.
fn written(index: &Expression, own: &str) -> Option<String> {
    match index {
        Expression::String(text) => Some(format!("[{}]", serde_json::json!(text.as_str()))),
        Expression::Number(number) => Some(format!("[{}]", number.as_u64()?)),
        Expression::Traversal(traversal) => {
            let words = words(traversal, "")?;
            let words: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
            let is_own = words == ["each", "key"] || words == ["count", "index"];
            (is_own && !own.is_empty()).then(|| own.to_owned())
        }
        _ => None,
    }
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
        let directory = tempfile::tempdir().unwrap();
        let main = format!(
            "locals {{\n  it = {expression}\n  b = aws_s3_bucket.a.id\n  round = local.round\n}}\n\
             module \"m\" {{\n  source = \"./m\"\n  for_each = {{}}\n  \
             bucket = aws_s3_bucket.b[each.key].id\n}}\n"
        );
        std::fs::write(directory.path().join("main.tf"), main).unwrap();
        std::fs::create_dir(directory.path().join("m")).unwrap();
        std::fs::write(directory.path().join("m/main.tf"), MODULE).unwrap();
        let source = Source::read(directory.path()).unwrap();
        let place = Place::of(&source, "").unwrap();
        let named = place.follow(source.local("it")?, "[\"x\"]", DEEPEST)?;
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
