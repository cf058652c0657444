//! A policy of which a part is not known: what is known of it, and the most that the rest may
//! allow.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind};
use serde_json::{Value as Json, json};

use super::complete::known;
use crate::lint::known::{Node, Value};

/// A policy of an identity, as far as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Bounded {
    /// The statements that are known.
    pub(crate) sure: Option<Arc<Document>>,
    /// The others, each an Allow, on everything and under no condition where these are not
    /// known.
    pub(crate) most: Arc<Document>,
}

impl Bounded {
    /// What a document says; `None` where what is not known may deny, or allow whatever
    /// action.
    ///
    /// # Errors
    /// A statement that AWS would not store.
    pub(super) fn of(name: &str, node: &Node) -> Result<Option<Self>, DocumentError> {
        let Some(statements) = node.get("Statement") else { return Ok(None) };
        let own = std::slice::from_ref(statements);
        let statements = match &statements.value {
            Value::List(items) => items.as_slice(),
            Value::Map(_) => own,
            _ => return Ok(None),
        };
        let is_open = |member: &&crate::lint::known::Member| member.value.open() > 0;
        // Of former versions texts mean something else.
        let rest = node.members().iter().filter(|member| member.key != "Statement");
        if rest.into_iter().any(|member| is_open(&member)) {
            return Ok(None);
        }
        let (mut sure, mut most) = (Vec::new(), Vec::new());
        for statement in statements {
            match (known(statement), widened(statement)) {
                (Some(known), _) => sure.push(known),
                (None, Some(wide)) => most.push(wide),
                (None, None) => return Ok(None),
            }
        }
        let version = node.get("Version").and_then(Node::text).unwrap_or("2008-10-17");
        let document = |name: String, all: &[Json]| {
            let text = json!({"Version": version, "Statement": all}).to_string();
            Document::parse(name, &text, Kind::Identity).map(Arc::new)
        };
        let name_of_sure = format!("{name}, as far as it is known");
        let sure = (!sure.is_empty()).then(|| document(name_of_sure, &sure)).transpose()?;
        Ok(Some(Self { sure, most: document(format!("the most of {name}"), &most)? }))
    }
}

/// An Allow that allows no less, where its actions are known.
fn widened(statement: &Node) -> Option<Json> {
    if statement.get("Effect")?.text()? != "Allow" {
        return None;
    }
    let mut wide = json!({"Effect": "Allow", "Resource": "*"});
    let members = wide.as_object_mut()?;
    for member in statement.members() {
        match member.key.as_str() {
            "Action" | "NotAction" => {
                members.insert(member.key.clone(), known(&member.value)?);
            }
            "Resource" => {
                if let Some(resource) = known(&member.value) {
                    members.insert("Resource".to_owned(), resource);
                }
            }
            "Condition" => {
                let condition = known(&member.value);
                members.extend(condition.map(|it| ("Condition".to_owned(), it)));
            }
            _ => {}
        }
    }
    Some(wide)
}
