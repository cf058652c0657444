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
pub struct ResourcePattern {
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
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        // Where a `*` spans parts, the last part is what it is then, however many stand
        // before it.
        let rest = self.spans.as_ref().and_then(|spans| spans.rest.as_ref());
        let pattern = match &self.form {
            Form::Arn(pattern) if rest.is_none() => Some(&pattern.resource),
            Form::Arn(_) | Form::Everything | Form::Nothing => None,
        };
        let rest = rest.into_iter().flat_map(Template::keys);
        rest.chain(pattern.into_iter().flat_map(Pattern::variables))
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// An entry that is written in the program.
    pub fn of(text: &str) -> Option<Self> {
        Self::parse(text, false, ShortArn::Pad).ok()
    }

    /// What the entry covers, part by part, with the values that a context
    /// gives to its variables; `None` where a variable has no value, or one
    /// that is not known.
    pub fn covered(&self, context: &Context) -> Option<Covered> {
        let pattern = match &self.form {
            Form::Everything => return Some(Covered::Everything),
            Form::Nothing => return Some(Covered::Arns(Vec::new())),
            Form::Arn(pattern) => pattern,
        };
        let resource = pattern.resource.tokens_with(context)?;
        let heads = [&pattern.partition, &pattern.service, &pattern.region, &pattern.account];
        let [partition, service, region, account] = heads.map(folded);
        let mut ways = vec![[partition, service, region, account, resource]];
        if let Some(spans) = &self.spans {
            let mut tokens = spans.tokens.to_vec();
            if let Some(rest) = &spans.rest {
                tokens.extend(rest.known_tokens(context)?);
            }
            for way in cuts(&tokens, 5, false) {
                let [arn, partition, service, region, account, resource] = way;
                let way = [partition, service, region, account, resource];
                let is_arn = pattern::run(&arn, b"arn", Case::Sensitive, &mut || {});
                if is_arn && !ways.contains(&way) {
                    ways.push(way);
                }
            }
        }
        Some(Covered::Arns(ways))
    }

    /// What the entry covers at most, whatever its variables are: anything in its last
    /// part. Beyond that it covers nothing, also where a variable has no value.
    pub fn reached(&self) -> Option<Self> {
        let spans = self.spans.as_ref().is_some_and(|spans| spans.rest.is_some());
        match parts(&self.source).as_slice() {
            [head @ .., _] if spans || head.len() == 5 => {
                Self::of(&format!("{}:*", head.join(":")))
            }
            _ => Self::of(&self.source),
        }
    }

    /// Whether the entry covers what a request acts upon, an ARN or `*`, whatever else the
    /// request says; `None` where that hangs on a variable.
    pub fn has(&self, resource: &str) -> Option<bool> {
        if self.source.contains("${") {
            return None;
        }
        Some(matches!(self.covers(&Target::parse(resource), &Context::new()), Match::Yes))
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

/// What an entry of `Resource` covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Covered {
    /// Whatever there is, `*` included.
    Everything,
    /// ARNs of which in one of these ways each part matches: partition, service,
    /// region, account, resource.
    Arns(Vec<[Vec<Token>; 5]>),
}

fn folded(glob: &Glob) -> Vec<Token> {
    let mut tokens = Vec::new();
    glob.push_to(&mut tokens);
    for token in &mut tokens {
        if let Token::Byte(byte) = *token {
            *token = Token::Letter(byte);
        }
    }
    tokens
}

/// The ways to cut a pattern where the first colons of an ARN are, of which at
/// least one is a `*`'s or a `?`'s: without any, the parts match each by itself.
fn cuts(tokens: &[Token], colons: usize, spans: bool) -> Vec<[Vec<Token>; 6]> {
    let mut found = Vec::new();
    cut(tokens, colons, spans, &mut Vec::new(), &mut found);
    found
}

fn cut(
    tokens: &[Token],
    colons: usize,
    spans: bool,
    parts: &mut Vec<Vec<Token>>,
    found: &mut Vec<[Vec<Token>; 6]>,
) {
    if colons == 0 {
        let all: Vec<_> = parts.iter().cloned().chain([tokens.to_vec()]).collect();
        if let (true, Ok(all)) = (spans, all.try_into()) {
            found.push(all);
        }
        return;
    }
    for (place, token) in tokens.iter().enumerate() {
        // What the part before the colon keeps, what begins behind it.
        let (kept, rest, eats) = match token {
            Token::Byte(b':') => (place, place + 1, false),
            Token::One => (place, place + 1, true),
            Token::Many => (place + 1, place, true),
            _ => continue,
        };
        parts.push(tokens.get(..kept).unwrap_or_default().to_vec());
        let rest = tokens.get(rest..).unwrap_or_default();
        cut(rest, colons - 1, spans || eats, parts, found);
        parts.pop();
        // No part before the resource holds a colon.
        if *token == Token::Byte(b':') {
            return;
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

    /// The whole text of the ARNs that match, with the values that a context gives
    /// to its variables; `None` where one has no known value, or there are none.
    pub(crate) fn tokens(&self, context: &Context) -> Option<Vec<Token>> {
        let parts: Vec<Vec<Token>> = match self {
            Self::Fixed(ArnPattern { partition, service, region, account, resource }) => {
                let mut parts = vec![b"arn".map(Token::Byte).to_vec()];
                for glob in [partition, service, region, account] {
                    let mut tokens = Vec::new();
                    glob.push_to(&mut tokens);
                    parts.push(tokens);
                }
                parts.push(resource.tokens_with(context)?);
                parts
            }
            Self::Template(template) => {
                let tokens = template.known_tokens(context)?;
                let parts = tokens.splitn(6, |token| *token == Token::Byte(b':'));
                parts.map(<[Token]>::to_vec).collect()
            }
        };
        let (resource, heads) = parts.split_last().filter(|(_, heads)| heads.len() == 5)?;
        let mut tokens = Vec::new();
        for head in heads {
            tokens.extend(head.iter().map(|token| match token {
                Token::One => Token::OneInPart,
                Token::Many => Token::ManyInPart,
                other => *other,
            }));
            tokens.push(Token::Byte(b':'));
        }
        tokens.extend(resource);
        Some(tokens)
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

    /// Part by part an entry covers what it covers as a whole.
    #[test]
    fn an_entry_covers_the_same_part_by_part() {
        let mut seen = [0, 0];
        let parts = ["", "a", "*", "?", "a*", "*a", "a*b", "b:*", "a?b", "B"];
        let texts = ["", "a", "b", "A", "ab", "a:b", "a:a:b", "b:", ":", "b:a:ab"];
        let context = Context::new();
        let mut state = 7_usize;
        let mut of = |all: &[&'static str]| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            all[(state >> 33) % all.len()]
        };
        let covers = |way: &[Vec<Token>; 5], arn: &Arn<'_>| {
            let texts = [arn.partition, arn.service, arn.region, arn.account, arn.resource];
            way.iter().zip(texts).all(|(tokens, text)| {
                pattern::run(tokens, text.as_bytes(), Case::Sensitive, &mut || {})
            })
        };
        for _ in 0..200_000 {
            let entry = format!("arn:{}:{}:{}:{}", of(&parts), of(&parts), of(&parts), of(&parts));
            let entry = format!("{entry}:{}", of(&parts));
            let text = format!("arn:{}:{}:{}:{}", of(&texts), of(&texts), of(&texts), of(&texts));
            let text = format!("{text}:{}", of(&texts));
            let entry = ResourcePattern::parse(&entry, false, ShortArn::Pad).unwrap();
            let arn = Arn::parse(&text).unwrap();
            let whole = entry.covers(&Target::Arn(arn), &context) == Match::Yes;
            let Some(Covered::Arns(ways)) = entry.covered(&context) else { panic!("{entry:?}") };
            assert_eq!(ways.iter().any(|way| covers(way, &arn)), whole, "{entry:?} {text}");
            seen[usize::from(whole)] += 1;
        }
        assert!(seen[1] > 3_000, "{seen:?}");
    }

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
