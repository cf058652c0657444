//! CloudFormation's resource types: the properties of each with their shapes,
//! what it gives (attributes), what identifies it, and the permissions of its
//! handlers.
//!
//! The data is AWS's resource provider schemas, as `cfn-lint` carries them
//! (<https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html>).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::service::index;

/// A resource type.
#[derive(Debug, Deserialize)]
pub struct Type {
    /// Its properties, attributes included.
    pub properties: BTreeMap<&'static str, Shape>,
    /// Shapes that others refer to by name.
    #[serde(default)]
    definitions: BTreeMap<&'static str, Shape>,
    /// The properties that a template must give.
    #[serde(default)]
    pub required: Vec<&'static str>,
    /// What only the service sets: `Arn`, `Endpoint.Address`. `Fn::GetAtt` gives
    /// these.
    #[serde(default)]
    pub read_only: Vec<&'static str>,
    /// What cannot be changed without another resource taking its place.
    #[serde(default)]
    pub create_only: Vec<&'static str>,
    /// The properties that tell a resource from all others of the type.
    #[serde(borrow)]
    pub identifier: Vec<&'static str>,
    /// The longest texts that properties which are names may have.
    #[serde(default)]
    pub longest: BTreeMap<&'static str, usize>,
    /// The property with the tags, where the type has some.
    pub tag_property: Option<&'static str>,
    /// Whether CloudFormation adds its own tags (`aws:cloudformation:…`).
    #[serde(default)]
    pub system_tags: bool,
    /// The permissions of each handler: `create`, `read`, `update`, `delete`.
    #[serde(default)]
    handlers: BTreeMap<&'static str, Vec<&'static str>>,
}

/// The shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Any JSON.
    Json,
    /// Items of a shape.
    List(Box<Self>),
    /// Free keys with values of a shape.
    Map(Box<Self>),
    /// These members and no others.
    Object {
        /// The members.
        members: BTreeMap<&'static str, Self>,
        /// Those that must be there.
        required: Vec<&'static str>,
    },
    /// A definition of the type.
    Definition(&'static str),
}

impl Type {
    /// The shape itself, in place of a definition's name.
    pub fn resolve<'s>(&'s self, shape: &'s Shape) -> &'s Shape {
        let mut shape = shape;
        // Definitions that only name each other would go round for ever.
        for _ in 0..8 {
            match shape {
                Shape::Definition(name) => match self.definitions.get(name) {
                    Some(found) => shape = found,
                    None => return &Shape::Json,
                },
                other => return other,
            }
        }
        &Shape::Json
    }

    /// The permissions that a handler may need.
    pub fn permissions(&self, handler: &str) -> &[&'static str] {
        self.handlers.get(handler).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a template may give a property.
    pub fn takes(&self, property: &str) -> bool {
        self.properties.contains_key(property) && !self.read_only.contains(&property)
    }
}

/// The type of a name: `AWS::SQS::Queue`.
pub fn find(name: &str) -> Option<&'static Type> {
    let (namespace, short) = name.strip_prefix("AWS::")?.split_once("::")?;
    let at = index::TYPES.binary_search_by(|entry| entry.namespace.cmp(namespace)).ok()?;
    namespace_at(at).get(short)
}

/// Every type by its name, in their order.
pub fn all() -> impl Iterator<Item = (String, &'static Type)> {
    index::TYPES.iter().enumerate().flat_map(|(at, entry)| {
        let named = move |(short, found): (&&'static str, &'static Type)| {
            (format!("AWS::{}::{short}", entry.namespace), found)
        };
        namespace_at(at).iter().map(named)
    })
}

/// The types of a namespace, unpacked when first asked for.
fn namespace_at(at: usize) -> &'static BTreeMap<&'static str, Type> {
    static EMPTY: BTreeMap<&'static str, Type> = BTreeMap::new();
    static CELLS: [OnceLock<BTreeMap<&'static str, Type>>; index::TYPES.len()] =
        [const { OnceLock::new() }; index::TYPES.len()];
    let (Some(cell), Some(entry)) = (CELLS.get(at), index::TYPES.get(at)) else { return &EMPTY };
    cell.get_or_init(|| {
        let text = entry.place.unpack(index::TYPES_DATA);
        #[expect(clippy::expect_used, reason = "embedded data, all of it read by a test")]
        serde_json::from_str(text).expect("the data is whole")
    })
}

impl<'de: 'static> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de: 'static> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a shape")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Shape, E> {
        Ok(match text {
            "s" => Shape::Text,
            "i" => Shape::Integer,
            "n" => Shape::Number,
            "b" => Shape::Boolean,
            "j" => Shape::Json,
            other => match other.strip_prefix('#') {
                Some(name) => Shape::Definition(name),
                None => return Err(E::custom(format!("`{other}` is no shape"))),
            },
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut members = None;
        let mut required = Vec::new();
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "l" => return Ok(Shape::List(Box::new(map.next_value()?))),
                "m" => return Ok(Shape::Map(Box::new(map.next_value()?))),
                "o" => members = Some(map.next_value()?),
                "r" => required = map.next_value()?,
                other => return Err(de::Error::custom(format!("`{other}` is no shape"))),
            }
        }
        let members = members.ok_or_else(|| de::Error::missing_field("o"))?;
        Ok(Shape::Object { members, required })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_and_found_by_its_name() {
        let mut count = 0;
        for (name, of) in all() {
            count += 1;
            assert!(std::ptr::eq(find(&name).unwrap(), of), "{name}");
            assert!(!of.properties.is_empty(), "{name}");
            assert!(!of.identifier.is_empty(), "{name}");
            for definition in of.definitions.values() {
                assert_ne!(of.resolve(definition), &Shape::Definition(""), "{name}");
            }
        }
        assert!(count > 1_800, "{count}");
        assert!(find("AWS::Nope::Thing").is_none());
        assert!(find("AWS::SQS::Nope").is_none());
    }

    #[test]
    fn a_queue_is_what_its_schema_says() {
        let queue = find("AWS::SQS::Queue").unwrap();
        assert_eq!(queue.identifier, ["QueueUrl"]);
        assert_eq!(queue.read_only, ["Arn", "QueueUrl"]);
        assert_eq!(queue.create_only, ["FifoQueue", "QueueName"]);
        assert_eq!(queue.tag_property, Some("Tags"));
        assert!(queue.takes("QueueName") && !queue.takes("Arn") && !queue.takes("Nope"));
        assert!(queue.permissions("create").contains(&"sqs:CreateQueue"));
        let tags = Shape::List(Box::new(Shape::Definition("Tag")));
        assert_eq!(queue.properties["Tags"], tags);
        let Shape::Object { members, required } = queue.resolve(&Shape::Definition("Tag")) else {
            panic!("a tag");
        };
        assert_eq!(members.keys().copied().collect::<Vec<_>>(), ["Key", "Value"]);
        assert_eq!(*required, ["Key", "Value"]);
    }
}
