//! A policy statement as a person reads it, with what applied to the request
//! marked.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use crate::Decider;

/// The statement's text, or that none spoke.
pub(super) fn text(decider: &Decider) -> Markup {
    let Some(text) = &decider.text else {
        return html! { p.none { "No statement spoke; this is the answer by default." } };
    };
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            let mut pen = Pen { out: String::with_capacity(text.len() * 2), decider };
            pen.value(&value, 0, "");
            html! { pre tabindex="0" { code { (PreEscaped(pen.out)) } } }
        }
        Err(_) => html! { pre tabindex="0" { code { (text) } } },
    }
}

struct Pen<'a> {
    out: String,
    decider: &'a Decider,
}

impl Pen<'_> {
    fn value(&mut self, value: &Value, depth: usize, key: &str) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                self.out.push('{');
                for (index, (name, member)) in members.iter().enumerate() {
                    self.next(index, depth + 1);
                    self.out.push_str("<i>");
                    self.string(name);
                    self.out.push_str("</i>");
                    self.out.push_str(": ");
                    // Below Condition keys have no meaning of their own.
                    let key = if depth == 0 { name.as_str() } else { "" };
                    self.value(member, depth + 1, key);
                }
                self.next(0, depth);
                self.out.push('}');
            }
            Value::Array(items) if !items.is_empty() => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.next(index, depth + 1);
                    self.value(item, depth + 1, key);
                }
                self.next(0, depth);
                self.out.push(']');
            }
            Value::String(text) if self.applied(key, text) => {
                self.out.push_str("<mark>");
                self.string(text);
                self.out.push_str("</mark>");
            }
            Value::String(text) => self.string(text),
            // Numbers, truths and empty lists have nothing to escape.
            other => self.out.push_str(&other.to_string()),
        }
    }

    /// A new line, after a comma where something stands before it.
    fn next(&mut self, index: usize, depth: usize) {
        if index > 0 {
            self.out.push(',');
        }
        let _ = write!(self.out, "\n{:width$}", "", width = depth * 2);
    }

    /// A string as JSON has it. Quotes need no escape outside attributes, and
    /// a page has very many of them.
    fn string(&mut self, text: &str) {
        for piece in Value::from(text).to_string().split_inclusive(['&', '<', '>']) {
            match piece.char_indices().next_back() {
                Some((at, special @ ('&' | '<' | '>'))) => {
                    self.out.push_str(piece.get(..at).unwrap_or_default());
                    self.out.push_str(match special {
                        '&' => "&amp;",
                        '<' => "&lt;",
                        _ => "&gt;",
                    });
                }
                _ => self.out.push_str(piece),
            }
        }
    }

    /// Whether this is what made the statement apply to the request.
    fn applied(&self, key: &str, text: &str) -> bool {
        match key {
            "Effect" | "Sid" => true,
            "Action" | "NotAction" => {
                matches(&text.to_ascii_lowercase(), &self.decider.action.to_ascii_lowercase())
            }
            "Resource" | "NotResource" => matches(text, &self.decider.resource),
            _ => false,
        }
    }
}

/// Whether a pattern with `*` and `?` matches, as IAM reads them. It marks text
/// for a reader and decides nothing.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when the last star has to take one character more.
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let ahead = (pattern.clone().next(), text.clone().next());
        match ahead {
            (None, None) => return true,
            (Some('*'), _) => {
                pattern.next();
                star = Some((pattern.clone(), text.clone()));
            }
            (Some(one), Some(other)) if one == other || one == '?' => {
                pattern.next();
                text.next();
            }
            _ => {
                let Some((after, from)) = &mut star else { return false };
                if from.next().is_none() {
                    return false;
                }
                pattern = after.clone();
                text = from.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[rstest::rstest]
    #[case("iam:*", "iam:createrole", true)]
    #[case("*", "", true)]
    #[case("a*b*c", "aXbbYc", true)]
    #[case("a*b*c", "aXbbYd", false)]
    #[case("a?c", "abc", true)]
    #[case("a?c", "ac", false)]
    #[case("abc", "abcd", false)]
    #[case("", "a", false)]
    fn patterns(#[case] pattern: &str, #[case] text: &str, #[case] is: bool) {
        assert_eq!(matches(pattern, text), is);
    }

    #[test]
    fn what_applied_is_marked_and_the_text_stays_what_it_was() {
        let mut decider = fixtures::probe("a", crate::Verdict::Held, "x").decided_by.remove(0);
        let text = r#"{"Sid":"A<b>","Effect":"Deny","Action":["iam:Create*","s3:*"],"Resource":"*","Condition":{"Bool":{"Effect":true}},"NotAction":[]}"#;
        decider.text = Some(text.to_owned());
        let page = super::text(&decider).into_string();
        for marked in ["\"A<b>\"", "\"Deny\"", "\"iam:Create*\"", "\"*\""] {
            let escaped = marked.replace('<', "&lt;").replace('>', "&gt;");
            assert!(page.contains(&format!("<mark>{escaped}</mark>")), "{marked}: {page}");
        }
        assert_eq!(page.matches("<mark>").count(), 4, "{page}");
        let plain = crate::html::tests::text_of(&page);
        let (read, was): (Value, Value) =
            (serde_json::from_str(&plain).unwrap(), serde_json::from_str(text).unwrap());
        assert_eq!(read, was);
    }
}
