//! Policy variables: `${aws:username}`, `${aws:username, 'nobody'}`, and the
//! escapes `${*}`, `${?}`, `${$}`.
//!
//! Source: [IAM policy elements: Variables and tags]. They exist only in
//! documents of version 2012-10-17; older text stays literal. A substituted
//! value is literal: a `*` in a tag's value is no wildcard.
//!
//! [IAM policy elements: Variables and tags]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html

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

    /// The text with its values, in which `*` is a literal; `None` where a
    /// value is unknown. `Err` names the key that has none.
    pub(crate) fn text(&self, context: &Context) -> Result<Option<String>, &str> {
        let mut out = Some(String::new());
        for part in &self.parts {
            let piece = match part {
                Part::Text(text) | Part::Literal(text) => Some(text.as_ref()),
                Part::Variable { key, default } => value(context, key, default.as_deref())?,
            };
            match (&mut out, piece) {
                (Some(out), Some(piece)) => out.push_str(piece),
                _ => out = None,
            }
        }
        Ok(out)
    }

    /// The pattern with its values; `Err` names the key that has none.
    pub(crate) fn tokens(&self, context: &Context) -> Result<Tokens, &str> {
        self.pieces(context, push_wild)
    }

    /// [`Self::tokens`] of a text in which `*` is a literal.
    fn literal_tokens(&self, context: &Context) -> Result<Tokens, &str> {
        self.pieces(context, push_literal)
    }

    fn pieces(
        &self,
        context: &Context,
        push_text: fn(&mut Vec<Token>, &str),
    ) -> Result<Tokens, &str> {
        let mut found = Tokens { tokens: Vec::new(), known: true };
        for part in &self.parts {
            match part {
                Part::Text(text) => push_text(&mut found.tokens, text),
                Part::Literal(text) => push_literal(&mut found.tokens, text),
                Part::Variable { key, default } => match value(context, key, default.as_deref())? {
                    Some(value) => push_literal(&mut found.tokens, value),
                    None => {
                        found.tokens.push(Token::Many);
                        found.known = false;
                    }
                },
            }
        }
        Ok(found)
    }

    /// [`Self::tokens`] where all values are known and there.
    pub(crate) fn known_tokens(&self, context: &Context) -> Option<Vec<Token>> {
        self.tokens(context).ok().filter(|found| found.known).map(|found| found.tokens)
    }

    /// Whether a variable is known to have no value.
    pub(crate) fn is_nothing(&self, context: &Context) -> bool {
        self.text(context).is_err()
    }

    /// Whether some values of the variables that are not known make the text
    /// equal to a value.
    fn may_equal(&self, value: &str, case: Case, context: &Context) -> bool {
        // Letters beyond ASCII may fold into several.
        let folds = case == Case::Fold && !value.is_ascii();
        let literal = self.literal_tokens(context);
        folds || literal.is_ok_and(|found| Glob::from_tokens(found.tokens).matches(value, case))
    }

    /// Whether the pattern with its values passes a test, which must hold for
    /// every pattern that is wider than one for which it holds.
    pub(crate) fn passes(&self, context: &Context, test: impl Fn(Vec<Token>) -> bool) -> Match<'_> {
        match self.tokens(context) {
            Ok(Tokens { tokens, known }) => Match::of(test(tokens), known),
            Err(key) => Match::NoValue(key),
        }
    }
}

/// A pattern with the values of its variables.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token>,
    /// Whether all values are known. In the place of one that is not, whatever
    /// it holds, stands `*`: the tokens cover all that the pattern can become.
    pub(crate) known: bool,
}

/// Whether a text matches a pattern that may hold variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match<'t> {
    Yes,
    No,
    /// A variable, named by its key, has no value: nothing matches.
    NoValue(&'t str),
    /// It hangs on a key of which nothing is known. The key may also have no
    /// value, and nothing match.
    Unknown {
        /// Whether the text matches for any value.
        may: bool,
    },
}

impl Match<'_> {
    /// The answer of the widest pattern that the values leave open.
    fn of(matches: bool, known: bool) -> Self {
        match (known, matches) {
            (true, true) => Self::Yes,
            (true, false) => Self::No,
            (false, may) => Self::Unknown { may },
        }
    }
}

/// The value of a single-valued key ("multivalued keys cannot be variables"),
/// else the default; `Ok(None)` where nothing is known of the key.
fn value<'v, 'k>(
    context: &'v Context,
    key: &'k str,
    default: Option<&'v str>,
) -> Result<Option<&'v str>, &'k str> {
    match context.get(key) {
        Some(Values::One(value)) => Ok(Some(value)),
        None if context.is_unknown(key) => Ok(None),
        _ => default.map(Some).ok_or(key),
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

    /// The text with the values of its variables, where all are known and there.
    pub(crate) fn known(&self, context: &Context) -> Option<String> {
        match self {
            Self::Fixed(text) => Some(text.to_string()),
            Self::Template(template) => template.text(context).ok().flatten(),
        }
    }

    /// Whether the text has a variable without a value: it is equal to nothing.
    pub(crate) fn is_nothing(&self, context: &Context) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Template(template) => template.is_nothing(context),
        }
    }

    /// Whether the text is equal to a value.
    pub(crate) fn equals(&self, value: &str, case: Case, context: &Context) -> Match<'_> {
        let template = match self {
            Self::Fixed(text) => return Match::of(equal(text, value, case), true),
            Self::Template(template) => template,
        };
        match template.text(context) {
            Ok(Some(text)) => Match::of(equal(&text, value, case), true),
            Ok(None) => Match::Unknown { may: template.may_equal(value, case, context) },
            Err(key) => Match::NoValue(key),
        }
    }
}

fn equal(a: &str, b: &str, case: Case) -> bool {
    match case {
        Case::Sensitive => a == b,
        Case::Fold => {
            a.eq_ignore_ascii_case(b)
                || (!a.is_ascii() && !b.is_ascii() && a.to_lowercase() == b.to_lowercase())
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

    /// The pattern with the values of its variables, where all are known and there.
    pub(crate) fn tokens_with(&self, context: &Context) -> Option<Vec<Token>> {
        match self {
            Self::Fixed(glob) => {
                let mut tokens = Vec::new();
                glob.push_to(&mut tokens);
                Some(tokens)
            }
            Self::Template(template) => template.known_tokens(context),
        }
    }

    /// Whether the pattern has a variable without a value: nothing matches it.
    pub(crate) fn is_nothing(&self, context: &Context) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Template(template) => template.is_nothing(context),
        }
    }

    /// Whether a text begins as the pattern does before its first variable or wildcard: one
    /// that does not is unlike it, whatever the variables hold.
    pub(crate) fn may_begin(&self, text: &str) -> bool {
        let Self::Template(template) = self else { return true };
        match template.parts.first() {
            Some(Part::Text(first)) => {
                let head = first.split(['*', '?']).next().unwrap_or_default();
                text.starts_with(head)
            }
            Some(Part::Literal(first)) => text.starts_with(&**first),
            Some(Part::Variable { .. }) | None => true,
        }
    }

    /// Whether the text matches.
    pub(crate) fn matches(&self, text: &str, case: Case, context: &Context) -> Match<'_> {
        match self {
            Self::Fixed(glob) => Match::of(glob.matches(text, case), true),
            Self::Template(template) => {
                template.passes(context, |tokens| Glob::from_tokens(tokens).matches(text, case))
            }
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
        assert_eq!(template.text(&context()).ok().flatten().as_deref(), expected);
    }

    #[rstest]
    #[case::it_may_be_any_text("home/${x:unknown}/*", "home/alice/x", Match::Unknown { may: true })]
    #[case::the_rest_does_not_fit("home/${x:unknown}/*", "work/alice/x", Match::Unknown { may: false })]
    #[case::it_may_be_its_default("${x:unknown, 'a'}", "a", Match::Unknown { may: true })]
    #[case::another_has_no_value("${x:unknown}${aws:missing}", "a", Match::NoValue("aws:missing"))]
    #[case::another_is_not_asked("${aws:username}", "alice", Match::Yes)]
    fn a_variable_of_an_unknown_key_is_unknown(
        #[case] text: &str,
        #[case] value: &str,
        #[case] expected: Match<'_>,
    ) {
        let mut context = context();
        context.set_unknown("x:Unknown");
        let pattern = Pattern::parse(text, true).unwrap();
        assert_eq!(pattern.matches(value, Case::Sensitive, &context), expected);
        let literal = Text::parse(&text.replace("/*", "/x"), true).unwrap();
        assert_eq!(literal.equals(value, Case::Sensitive, &context), expected);
    }

    #[test]
    fn an_equal_text_takes_no_wildcard_around_an_unknown_value() {
        let mut context = Context::new();
        context.set_unknown("x:k");
        let text = Text::parse("a*${x:k}", true).unwrap();
        let equals = |value, case| text.equals(value, case, &context);
        assert_eq!(equals("abc", Case::Sensitive), Match::Unknown { may: false });
        assert_eq!(equals("a*c", Case::Sensitive), Match::Unknown { may: true });
        assert_eq!(equals("A*c", Case::Sensitive), Match::Unknown { may: false });
        assert_eq!(equals("A*c", Case::Fold), Match::Unknown { may: true });
    }

    #[test]
    fn a_wildcard_in_a_value_is_literal() {
        let template = Template::parse("${aws:PrincipalTag/team}-*").unwrap().unwrap();
        let like = |text: &str| {
            template.passes(&context(), |tokens| {
                Glob::from_tokens(tokens).matches(text, Case::Sensitive)
            })
        };
        assert_eq!(like("a*-x"), Match::Yes);
        assert_eq!(like("abc-x"), Match::No);
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
