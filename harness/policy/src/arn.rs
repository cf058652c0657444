//! ARNs: `arn:partition:service:region:account:resource`, six parts, of which
//! the last may hold colons.

use crate::pattern::{self, Case, Glob, Token};
use crate::request::Context;
use crate::variables::{Match, Pattern, Template, TemplateError, Tokens};

/// The parts of an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    /// All of it.
    pub(crate) text: &'a str,
    pub(crate) partition: &'a str,
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Reads `arn:…` with all its six parts.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if !text.get(..4)?.eq_ignore_ascii_case("arn:") {
            return None;
        }
        // One pass: every decision takes an ARN or two apart.
        let mut colons = text.bytes().enumerate().filter(|(_, byte)| *byte == b':');
        let mut colon = || colons.next().map(|(place, _)| place);
        let (a, b, c, d, e) = (colon()?, colon()?, colon()?, colon()?, colon()?);
        Some(Self {
            text,
            partition: text.get(a + 1..b)?,
            service: text.get(b + 1..c)?,
            region: text.get(c + 1..d)?,
            account: text.get(d + 1..e)?,
            resource: text.get(e + 1..)?,
        })
    }

    /// The account, if it is one: S3 ARNs have none, and AWS's own resources
    /// have `aws`.
    pub(crate) fn account_id(&self) -> Option<&'a str> {
        is_account_id(self.account).then_some(self.account)
    }
}

/// Twelve digits.
pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a request acts upon, taken apart once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// An action without resource types: only a literal `*` covers it.
    Everything,
    Arn(Arn<'a>),
    /// Not an ARN: only a literal `*` covers it.
    Other,
}

impl<'a> Target<'a> {
    pub(crate) fn parse(resource: &'a str) -> Self {
        match Arn::parse(resource) {
            Some(arn) => Self::Arn(arn),
            None if resource == "*" => Self::Everything,
            None => Self::Other,
        }
    }
}

/// An entry of `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourcePattern {
    source: Box<str>,
    form: Form,
    spans: Option<Box<Spans>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// `*`
    Everything,
    Arn(Box<ArnPattern>),
    /// An ARN that is too short for its kind of document: it covers nothing.
    Nothing,
}

/// What an ARN with fewer than six parts means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShortArn {
    /// The missing parts are `*`.
    Pad,
    /// As `Pad`, but only with a wildcard somewhere; else it covers nothing.
    PadWithWildcard,
}

impl ResourcePattern {
    pub(crate) fn parse(
        text: &str,
        variables: bool,
        short: ShortArn,
    ) -> Result<Self, TemplateError> {
        let form = if !text.is_empty() && text.bytes().all(|byte| byte == b'*') {
            Form::Everything
        } else if Arn::parse(text).is_none()
            && short == ShortArn::PadWithWildcard
            && !text.contains('*')
        {
            Form::Nothing
        } else {
            let arn = ArnPattern::parse(&padded(text), variables)?;
            arn.map_or(Form::Nothing, |arn| Form::Arn(Box::new(arn)))
        };
        let spans = match form {
            Form::Arn(_) => Spans::parse(text, variables)?.map(Box::new),
            Form::Everything | Form::Nothing => None,
        };
        Ok(Self { source: text.into(), form, spans })
    }

    /// The keys of its variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let pattern = match &self.form {
            Form::Arn(pattern) => Some(&pattern.resource),
            Form::Everything | Form::Nothing => None,
        };
        pattern.into_iter().flat_map(Pattern::variables)
    }

    /// The text as written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether the entry covers the target.
    pub(crate) fn covers(&self, target: &Target<'_>, context: &Context) -> Match<'_> {
        match (&self.form, target) {
            (Form::Everything, _) => Match::Yes,
            (Form::Arn(pattern), Target::Arn(arn)) => {
                // Partition to account compare without regard to case, the
                // resource with it ([SIM] resource.ts).
                let found = pattern.matches(arn, Case::Fold, context);
                let Some(spans) = &self.spans else { return found };
                match found {
                    Match::No => spans.cover(arn.text, context),
                    // For some of its values it does not match, and what spans
                    // parts is asked.
                    Match::Unknown { may: false } => Match::Unknown {
                        may: matches!(
                            spans.cover(arn.text, context),
                            Match::Yes | Match::Unknown { may: true }
                        ),
                    },
                    decided => decided,
                }
            }
            _ => Match::No,
        }
    }
}

fn padded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in text.split(':').count()..6 {
        text.push_str(":*");
    }
    text
}

/// An entry whose parts before the resource have a `*` at their end: "If the
/// `*` wildcard is the last character of a resource ARN segment, it can expand
/// to match beyond the colon boundaries"
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>).
/// `arn:aws:lambda:*:function:app` so covers `arn:aws:lambda:r:1:function:app`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spans {
    tokens: Box<[Token]>,
    /// The rest, where it has variables.
    rest: Option<Template>,
    /// The least colons of what it covers, none of them spanned.
    colons: usize,
}

impl Spans {
    /// The last part is the resource, however many stand before it. What comes
    /// behind a `*` that goes on may be the resource too, so that its letters
    /// do not fold. `None`: no `*` can go beyond its part.
    fn parse(text: &str, variables: bool) -> Result<Option<Self>, TemplateError> {
        let parts = parts(text);
        let Some((resource, head)) = parts.split_last() else { return Ok(None) };
        let Some(first) = head.iter().position(|part| part.ends_with('*')) else {
            return Ok(None);
        };
        let mut tokens = Vec::with_capacity(text.len());
        for (place, part) in head.iter().enumerate() {
            let case = if place <= first { Case::Fold } else { Case::Sensitive };
            pattern::push_part(&mut tokens, part, case);
            tokens.push(Token::Byte(b':'));
        }
        let rest = match Pattern::parse(resource, variables)? {
            Pattern::Fixed(glob) => {
                glob.push_to(&mut tokens);
                None
            }
            Pattern::Template(template) => Some(template),
        };
        let colons = tokens.iter().filter(|token| **token == Token::Byte(b':')).count();
        Ok(Some(Self { tokens: tokens.into(), rest, colons }))
    }

    /// Whether the entry covers an ARN when its `*`s span parts. A variable
    /// counts only where what stands before it fits.
    fn cover(&self, arn: &str, context: &Context) -> Match<'_> {
        // Without a colon to spare there is nothing to span.
        if arn.bytes().filter(|byte| *byte == b':').count() <= self.colons {
            return Match::No;
        }
        let like =
            |tokens: &[Token]| pattern::run(tokens, arn.as_bytes(), Case::Sensitive, &mut || {});
        let like_all = |rest: &[Token]| like(&[&self.tokens, rest].concat());
        match &self.rest {
            None if like(&self.tokens) => Match::Yes,
            Some(rest) if like_all(&[Token::Many]) => rest.passes(context, |rest| like_all(&rest)),
            _ => Match::No,
        }
    }
}

/// The parts of an entry, six at most; a colon within `${…}` parts nothing.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut inside, mut before) = (0, false, ' ');
    text.splitn(6, |character| {
        inside = match character {
            '{' => inside || before == '$',
            '}' => false,
            _ => inside,
        };
        before = character;
        let ends = character == ':' && !inside && parts < 5;
        parts += usize::from(ends);
        ends
    })
    .collect()
}

/// A pattern for ARNs, part by part: a `*` stays within its part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArnPattern {
    partition: Glob,
    service: Glob,
    region: Glob,
    account: Glob,
    resource: Pattern,
}

impl ArnPattern {
    /// Reads six parts; `None` when there are fewer or it is no ARN.
    pub(crate) fn parse(text: &str, variables: bool) -> Result<Option<Self>, TemplateError> {
        let Some(arn) = Arn::parse(text) else { return Ok(None) };
        Ok(Some(Self {
            partition: Glob::new(arn.partition),
            service: Glob::new(arn.service),
            region: Glob::new(arn.region),
            account: Glob::new(arn.account),
            resource: Pattern::parse(arn.resource, variables)?,
        }))
    }

    /// Whether the ARN matches; `head` says how the first parts compare.
    pub(crate) fn matches(&self, arn: &Arn<'_>, head: Case, context: &Context) -> Match<'_> {
        if !(self.service.matches(arn.service, head)
            && self.account.matches(arn.account, head)
            && self.region.matches(arn.region, head)
            && self.partition.matches(arn.partition, head))
        {
            return Match::No;
        }
        self.resource.matches(arn.resource, Case::Sensitive, context)
    }
}

/// A value of an ARN condition operator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ArnValue {
    Fixed(ArnPattern),
    /// With variables, which may stand anywhere and may hold colons: it is
    /// taken apart when its values are known.
    Template(Template),
}

impl ArnValue {
    /// Reads a value; `None` when it is no ARN.
    pub(crate) fn parse(text: &str, variables: bool) -> Result<Option<Self>, TemplateError> {
        if variables && let Some(template) = Template::parse(text)? {
            return Ok(Some(Self::Template(template)));
        }
        Ok(ArnPattern::parse(text, false)?.map(Self::Fixed))
    }

    /// The keys of its variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let template = match self {
            Self::Fixed(_) => None,
            Self::Template(template) => Some(template),
        };
        template.into_iter().flat_map(Template::keys)
    }

    /// Whether a variable has no value: nothing matches.
    pub(crate) fn is_nothing(&self, context: &Context) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Template(template) => template.is_nothing(context),
        }
    }

    /// Whether the ARN matches: six parts, each by itself, case-sensitive. A
    /// variable without a value matches nothing.
    pub(crate) fn matches(&self, arn: &Arn<'_>, context: &Context) -> Match<'_> {
        let template = match self {
            Self::Fixed(pattern) => return pattern.matches(arn, Case::Sensitive, context),
            Self::Template(template) => template,
        };
        match template.tokens(context) {
            Ok(Tokens { tokens, known: true }) if by_parts(&tokens, arn) => Match::Yes,
            Ok(Tokens { known: true, .. }) => Match::No,
            // A value may hold colons: which parts it fills is not known either.
            Ok(Tokens { tokens, known: false }) => {
                let whole = six_parts(arn).join(":");
                Match::Unknown { may: Glob::from_tokens(tokens).matches(&whole, Case::Sensitive) }
            }
            Err(key) => Match::NoValue(key),
        }
    }
}

fn six_parts<'a>(arn: &Arn<'a>) -> [&'a str; 6] {
    ["arn", arn.partition, arn.service, arn.region, arn.account, arn.resource]
}

/// Whether each part of an ARN matches its part of the pattern.
fn by_parts(tokens: &[Token], arn: &Arn<'_>) -> bool {
    let parts = six_parts(arn);
    let patterns: Vec<_> = tokens.splitn(6, |token| *token == Token::Byte(b':')).collect();
    patterns.len() == parts.len()
        && patterns.iter().zip(parts).all(|(pattern, part)| {
            Glob::from_tokens(pattern.to_vec()).matches(part, Case::Sensitive)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("*", "arn:aws:s3:::b/k", true)]
    #[case("*", "*", true)]
    #[case("arn:aws:s3:::b/*", "*", false)]
    #[case("arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y", true)]
    #[case("arn:aws:s3:::b", "arn:aws:s3:::B", false)]
    #[case("arn:AWS:S3:::b", "arn:aws:s3:::b", true)]
    #[case("arn:aws:s3:*", "arn:aws:s3:::b", true)]
    #[case("arn:aws:s3", "arn:aws:s3:::b", true)]
    #[case("arn:aws:logs:*:*:*", "arn:aws:logs:r:1:log-group:g:*", true)]
    #[case("arn:aws:s*:::b", "arn:aws:s3:x::b", false)]
    #[case("arn:aws:ec2:*:*:security-group*/*", "arn:aws:ec2:r:1:security-group-rule/x", true)]
    #[case("arn:aws:lambda:*:function:a-*", "arn:aws:lambda:r:1:function:a-b", true)]
    #[case("arn:aws:LAMBDA:R*:function:a", "arn:aws:lambda:r:1:function:a", true)]
    #[case("arn:aws:lambda:*:Function:a", "arn:aws:lambda:r:1:function:a", false)]
    #[case("arn:aws:dynamodb:*:table/A", "arn:aws:dynamodb:r:1:table/a", false)]
    #[case("arn:aws:dynamodb:*:TABLE/*", "arn:aws:dynamodb:r:1:table/a", false)]
    #[case("arn:aws:s3:*:b/a*.txt", "arn:aws:s3:::b/a:b.txt", true)]
    #[case("arn:aws:s3:*:b/a?b", "arn:aws:s3:::b/a:b", true)]
    #[case("arn:aws:dynamodb:*:table/${*}", "arn:aws:dynamodb:r:1:table/*", true)]
    #[case("arn:aws:dynamodb:*:table/${*}", "arn:aws:dynamodb:r:1:table/a", false)]
    #[case("arn:aws:lambda:*:function:A", "arn:aws:lambda:r:1:function:a", false)]
    #[case("arn:aws:lambda:r*:function:a", "arn:aws:lambda:r:1:function:a", true)]
    #[case("arn:aws:lambda:*r:function:a", "arn:aws:lambda:r:1:function:a", false)]
    #[case("arn:aws:lambda:r*x:function:a", "arn:aws:lambda:r:1x:function:a", false)]
    #[case("arn:aws:lambda:?:function:a", "arn:aws:lambda:r:1:function:a", false)]
    #[case("arn:aws:dynamodb:*:table/a-*", "arn:aws:dynamodb:r:1:table/a-b", true)]
    #[case("arn:aws:dynamodb:*:table/a-*", "arn:aws:dynamodb:r:1:table/b", false)]
    #[case("arn:aws:dynamodb:*:table/a", "arn:aws:dynamodb:r:1:table/a", true)]
    #[case("arn:aws:lambda:*:function:${*}", "arn:aws:lambda:r:1:function:*", true)]
    #[case("arn:aws:lambda:*:function:${*}", "arn:aws:lambda:r:1:function:a", false)]
    #[case("arn:aws:s3*k", "arn:aws:s3:::b/k", false)]
    #[case("arn:aws:iam::1:*", "arn:aws:iam::1:role/x", true)]
    #[case("arn:aws:s3:::bucket-*/k", "arn:aws:s3:::bucket-1/k", true)]
    #[case("arn:aws:execute-api:r:1:*/prod/GET/x", "arn:aws:execute-api:r:1:a/prod/GET/x", true)]
    #[case("arn:aws:apigateway:*::/apis/*", "arn:aws:apigateway:r::/apis/1/routes", true)]
    fn resources_match_part_by_part(
        #[case] pattern: &str,
        #[case] resource: &str,
        #[case] expected: bool,
    ) {
        let pattern = ResourcePattern::parse(pattern, true, ShortArn::Pad).unwrap();
        assert_eq!(
            pattern.covers(&Target::parse(resource), &Context::new()),
            if expected { Match::Yes } else { Match::No }
        );
    }

    #[rstest]
    #[case("arn:aws:s3:::b:c", &["arn", "aws", "s3", "", "", "b:c"])]
    #[case("arn:aws:s3:*:b/${a:b, 'x:y'}:c", &["arn", "aws", "s3", "*", "b/${a:b, 'x:y'}", "c"])]
    #[case("a:{b:c}", &["a", "{b", "c}"])]
    fn a_colon_of_a_variable_parts_nothing(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(parts(text), expected);
    }

    #[test]
    fn a_short_arn_without_wildcard_covers_nothing_in_a_resource_policy() {
        let short = ResourcePattern::parse("arn:aws:s3", true, ShortArn::PadWithWildcard).unwrap();
        assert_eq!(short.covers(&Target::parse("arn:aws:s3:::b"), &Context::new()), Match::No);
    }

    #[test]
    fn a_variable_without_value_is_named() {
        let pattern =
            ResourcePattern::parse("arn:aws:s3:::b/${aws:username}", true, ShortArn::Pad).unwrap();
        let target = Target::parse("arn:aws:s3:::b/alice");
        assert_eq!(pattern.covers(&target, &Context::new()), Match::NoValue("aws:username"));
        let mut context = Context::new();
        context.set("aws:username", "alice");
        assert_eq!(pattern.covers(&target, &context), Match::Yes);
    }

    /// Under `NotResource` an entry that cannot be told keeps its statement from
    /// applying: only where its fixed parts fit may it be so.
    #[rstest]
    #[case("arn:aws:dynamodb:*:*:table/${aws:username}")]
    #[case("arn:aws:dynamodb:*:table/${aws:username}")]
    fn a_variable_is_asked_for_where_the_rest_fits(#[case] entry: &str) {
        let pattern = ResourcePattern::parse(entry, true, ShortArn::Pad).unwrap();
        let none = Context::new();
        for other in ["arn:aws:lambda:r:1:function:app", "arn:aws:s3:::b/k"] {
            assert_eq!(pattern.covers(&Target::parse(other), &none), Match::No, "{other}");
        }
        let target = Target::parse("arn:aws:dynamodb:r:1:table/alice");
        assert_eq!(pattern.covers(&target, &none), Match::NoValue("aws:username"));
        let mut context = Context::new();
        context.set("aws:username", "alice");
        assert_eq!(pattern.covers(&target, &context), Match::Yes);
        context.set("aws:username", "bob");
        assert_eq!(pattern.covers(&target, &context), Match::No);
    }
}
