//! The form of inputs.

use std::sync::Arc;

/// A named type of a service's model.
#[derive(Debug)]
pub struct Shape {
    /// `RoleArn`, `TagList`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it consists of.
    pub form: Form,
    /// For lists and maps of the XML protocols: `NAME.1`, not `NAME.member.1`.
    pub flattened: bool,
    /// What the query protocol calls the entries of a map, where it is not the
    /// member's name.
    pub entry: Option<&'static str>,
    /// How a timestamp is written, where it is not the protocol's way.
    pub timestamp: Option<&'static str>,
    /// Whether its values are secrets.
    pub sensitive: bool,
    /// Whether it is a stream of bytes.
    pub streaming: bool,
    /// Whether it is a stream of events.
    pub event_stream: bool,
    /// Whether it is any JSON.
    pub document: bool,
    /// Whether exactly one of its members is set.
    pub union: bool,
    /// The least length of a text, the least of a number; kept of IAM's alone.
    pub min: Option<u64>,
    /// How many items a list or a map may have; of IAM's, how long a text may be and how
    /// high a number.
    pub max: Option<u64>,
    /// The values that a text may have; none: any text.
    pub values: Vec<&'static str>,
}

/// What a shape consists of.
#[derive(Debug)]
pub enum Form {
    /// One value.
    Scalar,
    /// Members, by name.
    Structure(Arc<[Member]>),
    /// Items.
    List(Member),
    /// Keys with values.
    Map {
        /// The key.
        key: Member,
        /// The value.
        value: Member,
    },
}

/// A member of a structure, the item of a list, the key or value of a map.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The name in the model: `FunctionName`. EC2's members go by their names on
    /// the wire.
    pub name: &'static str,
    /// The name on the wire: `authorizationType`, `x-amz-acl`.
    pub wire: &'static str,
    /// The shape, in [`crate::Model::shapes`].
    pub(crate) shape: u32,
    /// The type of its shape.
    pub kind: Kind,
    /// Where it travels.
    pub location: Location,
    /// Whether a request must have it.
    pub required: bool,
    /// As [`Shape::flattened`], said by the shape or by the member.
    pub flattened: bool,
    /// Whether clients make its value up where none is given.
    pub idempotency_token: bool,
    /// Whether its value is a part of the host's name.
    pub host_label: bool,
    /// Whether it is JSON in a text.
    pub json: bool,
    /// Whether it is an attribute in XML.
    pub attribute: bool,
}

/// Where a member of the input travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// A label of the path.
    Uri,
    /// The query string.
    QueryString,
    /// A header.
    Header,
    /// All headers of a prefix, as a map.
    Headers,
    /// A field of the body.
    Body,
    /// The whole body.
    Payload,
}

/// The type of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A 32-bit number.
    Integer,
    /// A 64-bit number.
    Long,
    /// A number of single precision.
    Float,
    /// A number of double precision.
    Double,
    /// Text.
    String,
    /// A moment.
    Timestamp,
    /// Bytes, base64 in JSON.
    Blob,
    /// A list.
    List,
    /// A map.
    Map,
    /// A structure.
    Structure,
}
