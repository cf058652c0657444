//! Policy variables: `${aws:username}`, `${aws:username, 'nobody'}`, and the
//! escapes `${*}`, `${?}`, `${$}`.
//!
//! Source: [IAM policy elements: Variables and tags]. They exist only in
//! documents of version 2012-10-17; older text stays literal. A substituted
//! value is literal: a `*` in a tag's value is no wildcard.
//!
//! [IAM policy elements: Variables and tags]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html

use std::borrow::Cow;

use crate::pattern::{Case, Glob, Token, push_literal, push_wild};
use crate::request::{Context, Values};

/// A text that may hold variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Box<[Part]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Text in which `*` and `?` may be wildcards.
    Text(Box<str>),
    /// An escaped character.
    Literal(Box<str>),
    Variable {
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError(pub(crate) String);

impl Template {
    /// Reads a text; `None` when it holds no variables.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            let (part, after) = variable(after)
                .ok_or_else(|| TemplateError(format!("`{text}` has a malformed variable")))?;
            parts.push(part);
            rest = after;
        }
        if parts.is_empty() {
            return Ok(None);
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Some(Self { parts: parts.into() }))
    }

    /// The keys of its variables.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { key, .. } => Some(key.as_ref()),
            Part::Text(_) | Part::Literal(_) => None,
        })
    }

    /// The text with its values, in which `*` is a literal; `Err` names the
    /// key that has none.
    pub(crate) fn text(&self, context: &Context) -> Result<String, &str> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) | Part::Literal(text) => out.push_str(text),
                Part::Variable { key, default } => {
                    out.push_str(value(context, key, default.as_deref()).ok_or(key.as_ref())?);
                }
            }
        }
        Ok(out)
    }

    /// The pattern with its values; `Err` names the key that has none.
    pub(crate) fn glob(&self, context: &Context) -> Result<Glob, &str> {
        self.tokens(context).map(Glob::from_tokens)
    }

    /// [`Self::glob`], as tokens.
    pub(crate) fn tokens(&self, context: &Context) -> Result<Vec<Token>, &str> {
        let mut tokens: Vec<Token> = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => push_wild(&mut tokens, text),
                Part::Literal(text) => push_literal(&mut tokens, text),
                Part::Variable { key, default } => push_literal(
                    &mut tokens,
                    value(context, key, default.as_deref()).ok_or(key.as_ref())?,
                ),
            }
        }
        Ok(tokens)
    }
}

/// The value of a single-valued key ("multivalued keys cannot be variables"),
/// else the default.
fn value<'a>(context: &'a Context, key: &str, default: Option<&'a str>) -> Option<&'a str> {
    match context.get(key) {
        Some(Values::One(value)) => Some(value),
        _ => default,
    }
}

/// Reads what follows `${`, and gives what follows the closing `}`.
fn variable(text: &str) -> Option<(Part, &str)> {
    let end = text.find([',', '}'])?;
    let (name, after) = text.split_at_checked(end)?;
    let name = name.trim();
    if let Some(after) = after.strip_prefix('}') {
        let part = match name {
            "*" | "?" | "$" => Part::Literal(name.into()),
            "" => return None,
            _ => Part::Variable { key: name.into(), default: None },
        };
        return Some((part, after));
    }
    let quoted = after.strip_prefix(',')?.trim_start().strip_prefix('\'')?;
    let (default, after) = quoted.split_once('\'')?;
    let after = after.trim_start().strip_prefix('}')?;
    if name.is_empty() {
        return None;
    }
    Some((Part::Variable { key: name.into(), default: Some(default.into()) }, after))
}

/// A text to compare with, with or without variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    Fixed(Box<str>),
    Template(Template),
}

impl Text {
    pub(crate) fn parse(text: &str, variables: bool) -> Result<Self, TemplateError> {
        let template = if variables { Template::parse(text)? } else { None };
        Ok(template.map_or_else(|| Self::Fixed(text.into()), Self::Template))
    }

    /// The keys of its variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let template = match self {
            Self::Fixed(_) => None,
            Self::Template(template) => Some(template),
        };
        template.into_iter().flat_map(Template::keys)
    }

    pub(crate) fn resolve(&self, context: &Context) -> Result<Cow<'_, str>, &str> {
        match self {
            Self::Fixed(text) => Ok(Cow::Borrowed(text)),
            Self::Template(template) => template.text(context).map(Cow::Owned),
        }
    }
}

/// A pattern to compare with, with or without variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Fixed(Glob),
    Template(Template),
}

impl Pattern {
    pub(crate) fn parse(text: &str, variables: bool) -> Result<Self, TemplateError> {
        let template = if variables { Template::parse(text)? } else { None };
        Ok(template.map_or_else(|| Self::Fixed(Glob::new(text)), Self::Template))
    }

    /// The keys of its variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let template = match self {
            Self::Fixed(_) => None,
            Self::Template(template) => Some(template),
        };
        template.into_iter().flat_map(Template::keys)
    }

    /// Whether the text matches; `Err` names the variable without a value.
    pub(crate) fn matches(&self, text: &str, case: Case, context: &Context) -> Result<bool, &str> {
        match self {
            Self::Fixed(glob) => Ok(glob.matches(text, case)),
            Self::Template(template) => Ok(template.glob(context)?.matches(text, case)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn context() -> Context {
        let mut context = Context::new();
        context.set("aws:username", "alice").set("aws:PrincipalTag/team", "a*");
        context.set_list("aws:TagKeys", ["k"]);
        context
    }

    #[rstest]
    #[case("home/${aws:username}/*", Some("home/alice/*"))]
    #[case("${AWS:UserName}", Some("alice"))]
    #[case("${aws:missing}", None)]
    #[case("${aws:missing, 'x y'}", Some("x y"))]
    #[case("${aws:username, 'x'}", Some("alice"))]
    #[case("${aws:missing,'x'}", Some("x"))]
    #[case("${*}${?}${$}", Some("*?$"))]
    #[case("${aws:TagKeys}", None)]
    fn variables_take_the_value_of_a_single_valued_key(
        #[case] text: &str,
        #[case] expected: Option<&str>,
    ) {
        let template = Template::parse(text).unwrap().unwrap();
        assert_eq!(template.text(&context()).ok().as_deref(), expected);
    }

    #[test]
    fn a_wildcard_in_a_value_is_literal() {
        let template = Template::parse("${aws:PrincipalTag/team}-*").unwrap().unwrap();
        let glob = template.glob(&context()).unwrap();
        assert!(glob.matches("a*-x", Case::Sensitive));
        assert!(!glob.matches("abc-x", Case::Sensitive));
    }

    #[rstest]
    #[case("${aws:username")]
    #[case("${}")]
    #[case("${aws:username, x}")]
    #[case("${aws:username, 'x}")]
    fn a_malformed_variable_is_refused(#[case] text: &str) {
        assert!(Template::parse(text).is_err());
    }

    #[test]
    fn text_without_variables_is_no_template() {
        assert_eq!(Template::parse("a$b{c}").unwrap(), None);
    }
}
