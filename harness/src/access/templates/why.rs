//! Why a value of a template is not known: the function, or the dynamic reference, that it
//! hangs on, with its line.

use super::names::{DYNAMIC, is_function};
use super::sam;
use crate::lint::known::{Node, Place, Value};

/// How long what a function is given may be to be told.
const LONGEST: usize = 80;

/// What a value hangs on, to be told behind that it is not known: `: it hangs on … (line 3)`;
/// the line alone where no function says it. `written` is a part of the template in which the
/// value stands.
pub(in crate::access) fn cause(written: &Node, value: &Node) -> String {
    let open = first_open(value).unwrap_or(value);
    let line = open.at.line;
    match giving(written, open.at) {
        Some(what) => format!(": it hangs on {what} (line {line})"),
        None => format!(" (line {line})"),
    }
}

/// The first part of a value that is not known.
fn first_open(value: &Node) -> Option<&Node> {
    match &value.value {
        Value::Unknown => Some(value),
        Value::List(items) => items.iter().find_map(first_open),
        Value::Map(members) => members.iter().find_map(|member| first_open(&member.value)),
        _ => None,
    }
}

/// What gives the value at a place.
fn giving(written: &Node, at: Place) -> Option<String> {
    let own = || if written.at == at { told(written) } else { None };
    let within = || match &written.value {
        Value::List(items) => items.iter().find_map(|item| giving(item, at)),
        Value::Map(members) => members.iter().find_map(|member| giving(&member.value, at)),
        _ => None,
    };
    own().or_else(within)
}

fn told(written: &Node) -> Option<String> {
    if let Some(text) = written.text() {
        return text.contains(DYNAMIC).then(|| "a dynamic reference".to_owned());
    }
    if sam::is_unknown(written) {
        return Some("what SAM makes of it".to_owned());
    }
    let function = written.members().iter().find(|member| is_function(&member.key))?;
    let given = match &function.value.value {
        Value::Text(text) => Some(text.clone()),
        Value::List(parts) if function.key == "Fn::GetAtt" => {
            let parts: Option<Vec<&str>> = parts.iter().map(Node::text).collect();
            parts.map(|parts| parts.join("."))
        }
        _ => None,
    };
    let key = &function.key;
    Some(match given.filter(|given| given.chars().count() <= LONGEST) {
        Some(given) => format!("`{key}` of `{given}`"),
        None => format!("`{key}`"),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::lint::read::{Read, read};

    /// The value is `Unknown` where the template has `P`.
    #[rstest]
    #[case::a_function("P: !ImportValue p", ": it hangs on `Fn::ImportValue` of `p` (line 2)")]
    #[case::a_reference("P: !Ref Who", ": it hangs on `Ref` of `Who` (line 2)")]
    #[case::an_attribute("P: !GetAtt T.Arn", ": it hangs on `Fn::GetAtt` of `T.Arn` (line 2)")]
    #[case::in_full("P: {Fn::GetAtt: [T, Arn]}", ": it hangs on `Fn::GetAtt` of `T.Arn` (line 2)")]
    #[case::of_more_than_a_text("P: !If [C, a, b]", ": it hangs on `Fn::If` (line 2)")]
    #[case::in_a_list("P:\n  - a\n  - !Ref Who", ": it hangs on `Ref` of `Who` (line 4)")]
    #[case::deeper("P:\n  A: {B: [!Ref Who]}", ": it hangs on `Ref` of `Who` (line 3)")]
    #[case::a_dynamic_reference(
        "P: 'x-{{resolve:ssm:/a}}'",
        ": it hangs on a dynamic reference (line 2)"
    )]
    #[case::what_no_function_gives("P: x", " (line 2)")]
    fn the_first_function_that_is_not_known_is_told(#[case] text: &str, #[case] expected: &str) {
        let text = format!("Resources: {{R: {{Type: 'AWS::SNS::Topic'}}}}\n{text}\n");
        let Ok(Read::Template { root, .. }) = read(&text) else { panic!("no template: {text}") };
        let written = root.get("P").unwrap();
        assert_eq!(cause(&root, &opened(written)), expected);
    }

    /// A value as the names of a template that has none leave it.
    fn opened(node: &Node) -> Node {
        let value = match &node.value {
            Value::Map(members) if members.iter().any(|one| is_function(&one.key)) => {
                Value::Unknown
            }
            Value::Map(members) => {
                let of = |one: &crate::lint::known::Member| crate::lint::known::Member {
                    value: opened(&one.value),
                    ..one.clone()
                };
                Value::Map(members.iter().map(of).collect())
            }
            Value::List(items) => Value::List(items.iter().map(opened).collect()),
            Value::Text(text) if text.contains(DYNAMIC) => Value::Unknown,
            other => other.clone(),
        };
        Node::new(node.at, value)
    }
}
