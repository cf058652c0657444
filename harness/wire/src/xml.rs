//! XML as AWS's services read and write it.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use serde_json::{Map, Value};

use crate::s3_lists;

/// Elements nest at most this deep.
const MAX_DEPTH: usize = 64;

/// An element with its children.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Element {
    /// The name.
    pub(crate) name: String,
    /// The attributes, by their names with prefix; namespaces left out.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// The text of an element without children.
    pub(crate) text: String,
}

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XmlError {
    #[error("not well-formed: {0}")]
    Syntax(String),
    #[error("the document is not UTF-8")]
    Utf8,
    #[error("document types and entities of its own are refused")]
    DocumentType,
    #[error("an element holds both text and elements")]
    Mixed,
    #[error("an element has a prefix")]
    Prefix,
    #[error("an element has an attribute other than xsi:type")]
    Attribute,
    #[error("the document is in another encoding than UTF-8")]
    Encoding,
    #[error("elements are nested too deep")]
    Depth,
    #[error("the document has no root element, or several")]
    Root,
}

impl Element {
    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

/// Reads a document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Element, XmlError> {
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::Utf8)?;
    let mut reader = quick_xml::Reader::from_str(text);
    // The document itself is the bottom of the stack; the root is its child.
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(syntax)?;
        let text = match event {
            Event::Start(start) => {
                if open.len() > MAX_DEPTH {
                    return Err(XmlError::Depth);
                }
                open.push(element(&start)?);
                continue;
            }
            Event::Empty(start) => {
                close(&mut open, element(&start)?)?;
                continue;
            }
            Event::End(_) => {
                let element = open.pop().ok_or(XmlError::Root)?;
                close(&mut open, element)?;
                continue;
            }
            Event::Text(text) => text.xml10_content().into_owned(),
            Event::CData(text) => text.xml10_content().into_owned(),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(syntax)? {
                Some(character) => character.to_string(),
                None => resolve_xml_entity(&reference).ok_or(XmlError::DocumentType)?.to_owned(),
            },
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Decl(declaration) => {
                encoding(&declaration)?;
                continue;
            }
            Event::PI(_) | Event::Comment(_) => continue,
            Event::Eof => break,
        };
        open.last_mut().ok_or(XmlError::Root)?.text.push_str(&text);
    }
    let document = open.pop().ok_or(XmlError::Root)?;
    let [root] = <[Element; 1]>::try_from(document.children).map_err(|_| XmlError::Root)?;
    if open.is_empty() && document.text.trim().is_empty() { Ok(root) } else { Err(XmlError::Root) }
}

fn syntax(error: impl std::fmt::Display) -> XmlError {
    XmlError::Syntax(error.to_string())
}

/// A reader that believes the declaration reads other names than one that takes
/// all for UTF-8.
fn encoding(declaration: &BytesDecl<'_>) -> Result<(), XmlError> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name))
            if ["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known)) =>
        {
            Ok(())
        }
        Some(_) => Err(XmlError::Encoding),
    }
}

/// Names that readers take for different things are refused: emulators know
/// no namespaces, so that `<x:VersionId>` is no `VersionId` to them, and no
/// attribute is a member. What S3's schemas have is `xsi:type`
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_Grantee.html>).
fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    if start.name().prefix().is_some() {
        return Err(XmlError::Prefix);
    }
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(syntax)?;
        let name = attribute.key.as_ref();
        if name != "xmlns" && !name.starts_with("xmlns:") {
            if name != "xsi:type" {
                return Err(XmlError::Attribute);
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(syntax)?;
            attributes.push((name.to_owned(), value.into_owned()));
        }
    }
    let name = start.local_name().as_ref().to_owned();
    Ok(Element { name, attributes, ..Element::default() })
}

/// Ends an element: hangs it under the one that is open.
fn close(open: &mut [Element], mut element: Element) -> Result<(), XmlError> {
    if !element.children.is_empty() {
        if !element.text.trim().is_empty() {
            return Err(XmlError::Mixed);
        }
        element.text.clear();
    }
    open.last_mut().ok_or(XmlError::Root)?.children.push(element);
    Ok(())
}

/// How a service writes lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// Wrapped: `<Roles><member>…</member></Roles>`, and maps as `entry`
    /// elements of `key` and `value`.
    Member,
    /// Wrapped: `<subnetSet><item>…</item></subnetSet>`.
    Item,
    /// S3's, by element: repeated, or wrapped with a name of their own.
    S3,
}

impl Lists {
    /// The name of the items inside a wrapping element.
    fn item_of(self, list: &str) -> Option<&'static str> {
        match self {
            // How AWS writes maps: repeated in their wrapping element.
            Self::Member if list == "entry" => None,
            Self::Member => Some("member"),
            Self::Item => Some("item"),
            Self::S3 => s3_lists::item_of(list),
        }
    }
}

/// An element's content as JSON: text, or an object of its children. Repeated
/// children are arrays, also where they wrap nothing but the items of a list;
/// maps are objects.
pub(crate) fn value(element: &Element, lists: Lists) -> Value {
    if element.attributes.is_empty() {
        let item = lists.item_of(&element.name).filter(|item| wraps(element, item, lists));
        if item.is_some() {
            let items = element.children.iter().map(|child| value(child, lists));
            return Value::Array(items.collect());
        }
        if let Some(map) = entries(element, lists) {
            return Value::Object(map);
        }
        if element.children.is_empty() {
            return Value::String(element.text.clone());
        }
    }
    let mut object = Map::new();
    for (name, text) in &element.attributes {
        object.insert(name.clone(), Value::String(text.clone()));
    }
    for child in &element.children {
        let item = value(child, lists);
        match object.get_mut(&child.name) {
            Some(Value::Array(items)) if repeats(element, &child.name) => items.push(item),
            _ if repeats(element, &child.name)
                || (lists == Lists::S3 && s3_lists::is_list(&element.name, &child.name)) =>
            {
                object.insert(child.name.clone(), Value::Array(vec![item]));
            }
            _ => {
                object.insert(child.name.clone(), item);
            }
        }
    }
    Value::Object(object)
}

fn repeats(element: &Element, name: &str) -> bool {
    element.children.iter().filter(|child| child.name == name).nth(1).is_some()
}

/// Whether an element holds items alone. S3 names its lists, so one that is
/// empty is a list too; with the others it cannot be told from empty text.
fn wraps(element: &Element, item: &str, lists: Lists) -> bool {
    let all = element.children.iter().all(|child| child.name == item);
    all && (lists == Lists::S3 || !element.children.is_empty())
}

fn entries(element: &Element, lists: Lists) -> Option<Map<String, Value>> {
    if lists != Lists::Member || !wraps(element, "entry", lists) {
        return None;
    }
    element
        .children
        .iter()
        .map(|entry| match entry.children.as_slice() {
            [key, item] if key.name == "key" && item.name == "value" => {
                Some((key.text.clone(), value(item, lists)))
            }
            _ => None,
        })
        .collect()
}

/// Writes one member: `<Name>…</Name>`; null is left out.
pub(crate) fn write(out: &mut String, name: &str, value: &Value, lists: Lists) {
    match (value, lists.item_of(name)) {
        (Value::Null, _) => {}
        (Value::Array(items), Some(item)) => tagged(out, name, |out| {
            for value in items {
                write(out, item, value, lists);
            }
        }),
        (Value::Array(items), None) => {
            for item in items {
                write(out, name, item, lists);
            }
        }
        _ => {
            // An attribute of S3's grantees, the only one in use.
            let kind = value.get("xsi:type").and_then(Value::as_str);
            open(out, name, kind);
            write_content(out, value, lists);
            out.push_str("</");
            out.push_str(name);
            out.push('>');
        }
    }
}

fn open(out: &mut String, name: &str, xsi_type: Option<&str>) {
    out.push('<');
    out.push_str(name);
    if let Some(kind) = xsi_type {
        out.push_str(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"");
        escape(out, kind);
        out.push('"');
    }
    out.push('>');
}

/// Writes what is inside an element.
pub(crate) fn write_content(out: &mut String, value: &Value, lists: Lists) {
    match value {
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        Value::String(text) => escape(out, text),
        Value::Array(items) => {
            let item = lists.item_of("").unwrap_or("member");
            items.iter().for_each(|value| write(out, item, value, lists));
        }
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, _)| *name != "xsi:type") {
                write(out, name, value, lists);
            }
        }
    }
}

/// Writes `<name>CONTENT</name>`.
pub(crate) fn tagged(out: &mut String, name: &str, content: impl FnOnce(&mut String)) {
    open(out, name, None);
    content(out);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Writes `<name>TEXT</name>`.
pub(crate) fn text(out: &mut String, name: &str, text: &str) {
    tagged(out, name, |out| escape(out, text));
}

/// Writes text. Characters that XML 1.0 does not have become U+FFFD; a
/// carriage return is escaped, since readers turn a bare one into a line feed.
pub(crate) fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        value(&parse(text.as_bytes()).unwrap(), Lists::Member)
    }

    #[test]
    fn lists_are_arrays_even_of_one_and_maps_are_objects() {
        assert_eq!(
            read(
                "<R><A><member>1</member></A>\
                 <M><entry><key>k</key><value>v</value></entry></M><T>a</T><T>b</T><E/></R>"
            ),
            json!({"A": ["1"], "M": {"k": "v"}, "T": ["a", "b"], "E": ""})
        );
    }

    #[test]
    fn s3_lists_are_arrays_by_name() {
        let text = "<R><TagSet><Tag><Key>k</Key></Tag></TagSet><Object><Key>o</Key></Object>\
            <AccessControlList/><Tag><Key>k</Key></Tag></R>";
        let expected = json!({
            "TagSet": [{"Key": "k"}],
            "Object": [{"Key": "o"}],
            "AccessControlList": [],
            "Tag": {"Key": "k"}
        });
        assert_eq!(value(&parse(text.as_bytes()).unwrap(), Lists::S3), expected);
        let mut out = String::new();
        write(&mut out, "R", &expected, Lists::S3);
        assert_eq!(
            out,
            text.replace("<AccessControlList/>", "<AccessControlList></AccessControlList>")
        );
    }

    #[test]
    fn text_is_unescaped_and_white_space_between_elements_ignored() {
        assert_eq!(
            read(
                "<?xml version='1.0'?>\n<R xmlns='u'>\n <A> a&amp;b&#x41;<![CDATA[<c>]]></A>\n</R>\n"
            ),
            json!({"A": " a&bA<c>"})
        );
    }

    #[rstest]
    #[case("<a><b></a>")]
    #[case("<a/><b/>")]
    #[case("")]
    #[case("text")]
    #[case("<a>x<b/></a>")]
    #[case("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>")]
    #[case("<a>&unknown;</a>")]
    #[case("<a")]
    #[case::prefixed_element("<a xmlns:x='u'><x:b/></a>")]
    #[case::attribute("<a b='c'/>")]
    #[case::attribute_of_xml("<a xml:space='preserve'>b</a>")]
    #[case::encoding("<?xml version='1.0' encoding='iso-8859-5'?><a/>")]
    fn broken_documents_are_refused(#[case] text: &str) {
        assert!(parse(text.as_bytes()).is_err());
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = "<a>".repeat(70) + &"</a>".repeat(70);
        assert!(matches!(parse(deep.as_bytes()), Err(XmlError::Depth)));
    }

    #[test]
    fn writing_escapes_and_leaves_out_null() {
        let mut out = String::new();
        let fields = json!({"A": "<&>\"'\u{1}\r", "N": null, "L": [1, true], "O": {"X": "y"}});
        write_content(&mut out, &fields, Lists::Member);
        assert_eq!(
            out,
            "<A>&lt;&amp;&gt;&quot;&apos;\u{fffd}&#13;</A>\
             <L><member>1</member><member>true</member></L><O><X>y</X></O>"
        );
    }
}
