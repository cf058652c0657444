//! A value of which a part is not known before something else is: a policy as Terraform's files
//! or a template have it.

use serde_json::{Map, Value as Json};

use crate::lint::known::{Node, Value};

/// A value, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// A text, a number, `true`, `false` or `null`.
    Leaf(Json),
    /// A text of which it is known with what it begins and ends.
    Text(Text),
    /// Items in their order; an open one may stand for any number of them.
    List(Vec<Self>),
    /// Members in their order.
    Map(Vec<(String, Self)>),
    /// Nothing is known of it: the expression, where there is one.
    Open(String),
}

/// A text of which a part is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// What stands before the first part that is not known.
    pub(crate) before: String,
    /// What stands behind the last one.
    pub(crate) after: String,
    /// The first expression that is not known.
    pub(crate) open: String,
}

impl From<Json> for Part {
    fn from(value: Json) -> Self {
        match value {
            Json::Array(items) => Self::List(items.into_iter().map(Into::into).collect()),
            Json::Object(members) => {
                Self::Map(members.into_iter().map(|(key, one)| (key, one.into())).collect())
            }
            leaf => Self::Leaf(leaf),
        }
    }
}

impl From<&Node> for Part {
    fn from(node: &Node) -> Self {
        match &node.value {
            Value::List(items) => Self::List(items.iter().map(Into::into).collect()),
            Value::Map(members) => Self::Map(
                members.iter().map(|one| (one.key.clone(), (&one.value).into())).collect(),
            ),
            _ => super::complete::known(node).map_or_else(|| Self::Open(String::new()), Self::Leaf),
        }
    }
}

impl Part {
    /// All of it, where all is known.
    pub(crate) fn known(&self) -> Option<Json> {
        Some(match self {
            Self::Leaf(value) => value.clone(),
            Self::List(items) => {
                Json::Array(items.iter().map(Self::known).collect::<Option<Vec<_>>>()?)
            }
            Self::Map(members) => {
                let all = members.iter().map(|(key, one)| Some((key.clone(), one.known()?)));
                Json::Object(all.collect::<Option<Map<_, _>>>()?)
            }
            Self::Text(_) | Self::Open(_) => return None,
        })
    }

    /// A member's value.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }

    /// A member's value, to be changed.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Map(members) => {
                members.iter_mut().find(|(own, _)| own == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The members of a map; none of anything else.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    /// The items of a list, or the one value.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            one => std::slice::from_ref(one),
        }
    }

    /// The text, where it is one and known.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Leaf(Json::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Where the first part is that is not known (`Statement[0].Resource`), and the expression
    /// that stands there.
    pub(crate) fn first_open(&self) -> Option<(String, &str)> {
        match self {
            Self::Leaf(_) => None,
            Self::Text(text) => Some((String::new(), &text.open)),
            Self::Open(written) => Some((String::new(), written)),
            Self::List(items) => items.iter().enumerate().find_map(|(at, one)| {
                let (path, written) = one.first_open()?;
                let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
                Some((format!("[{at}]{dot}{path}"), written))
            }),
            Self::Map(members) => members.iter().find_map(|(key, one)| {
                let (path, written) = one.first_open()?;
                let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
                Some((format!("{key}{dot}{path}"), written))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_open_part_is_named_by_its_path() {
        let open = || Part::Open("aws_kms_key.k.arn".to_owned());
        let statement = |value| Part::Map(vec![("Resource".to_owned(), value)]);
        let document = |statements| {
            let version = ("Version".to_owned(), Part::from(json!("2012-10-17")));
            Part::Map(vec![version, ("Statement".to_owned(), Part::List(statements))])
        };
        let known = || statement(Part::from(json!("*")));
        let path = |part: &Part| part.first_open().map(|(path, _)| path);
        assert_eq!(path(&document(vec![known()])), None);
        let list = Part::List(vec![Part::from(json!("*")), open()]);
        let all = document(vec![known(), statement(list), statement(open())]);
        assert_eq!(
            all.first_open(),
            Some(("Statement[1].Resource[1]".to_owned(), "aws_kms_key.k.arn"))
        );
        assert_eq!(path(&document(vec![open()])).as_deref(), Some("Statement[0]"));
        assert_eq!(all.known(), None);
        let whole = json!({"Statement": [{"Resource": ["*", 1, null]}]});
        assert_eq!(Part::from(whole.clone()).known(), Some(whole));
    }
}
