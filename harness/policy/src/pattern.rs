//! Wildcards: `*` is any run of characters, `?` is any one character.
//!
//! Matching keeps one place to go back to (the last `*`), so it takes at most
//! length of pattern × length of text steps, whatever the pattern. A `*` that
//! stays within a part of an ARN is a second such place, good until the part
//! ends.

/// What a place of a pattern accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// This byte of the UTF-8 text.
    Byte(u8),
    /// The same, letters in either case.
    Letter(u8),
    /// `?`
    One,
    /// `*`
    Many,
    /// `?`, but no colon.
    OneInPart,
    /// `*`, but no colon.
    ManyInPart,
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Glob {
    /// Accepts everything.
    Any,
    /// No wildcards.
    Exact(Box<str>),
    /// `text*`
    Prefix(Box<str>),
    Tokens(Box<[Token]>),
}

/// How letters compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    /// ASCII letters compare without regard to case.
    Fold,
}

impl Glob {
    /// A pattern in which `*` and `?` are wildcards.
    pub(crate) fn new(text: &str) -> Self {
        let head = text.trim_end_matches('*');
        if head.is_empty() && !text.is_empty() {
            return Self::Any;
        }
        if !head.contains(['*', '?']) {
            return if head.len() == text.len() {
                Self::Exact(text.into())
            } else {
                Self::Prefix(head.into())
            };
        }
        let mut tokens = Vec::with_capacity(text.len());
        push_wild(&mut tokens, text);
        Self::Tokens(tokens.into())
    }

    /// A pattern of which parts are literal whatever they contain.
    pub(crate) fn from_tokens(tokens: Vec<Token>) -> Self {
        Self::Tokens(tokens.into())
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str, case: Case) -> bool {
        self.matches_counted(text, case, &mut || {})
    }

    /// [`Self::matches`], calling `step` for each comparison.
    pub(crate) fn matches_counted(&self, text: &str, case: Case, step: &mut impl FnMut()) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => same(exact.as_bytes(), text.as_bytes(), case),
            Self::Prefix(prefix) => text
                .as_bytes()
                .get(..prefix.len())
                .is_some_and(|head| same(prefix.as_bytes(), head, case)),
            Self::Tokens(tokens) => run(tokens, text.as_bytes(), case, step),
        }
    }

    /// Appends the pattern's tokens.
    pub(crate) fn push_to(&self, tokens: &mut Vec<Token>) {
        match self {
            Self::Any => tokens.push(Token::Many),
            Self::Exact(text) => push_literal(tokens, text),
            Self::Prefix(text) => {
                push_literal(tokens, text);
                tokens.push(Token::Many);
            }
            Self::Tokens(own) => tokens.extend_from_slice(own),
        }
    }

    /// The text, if the pattern has no wildcards.
    pub(crate) fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(text) => Some(text),
            _ => None,
        }
    }
}

/// A pattern as policies write one: `*` is any run of characters, `?` is any one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    glob: Glob,
    case: Case,
}

impl Wildcard {
    /// A pattern of actions: letters compare without regard to case.
    pub fn of_actions(pattern: &str) -> Self {
        Self { glob: Glob::new(pattern), case: Case::Fold }
    }

    /// A pattern of any other text.
    pub fn of_text(pattern: &str) -> Self {
        Self { glob: Glob::new(pattern), case: Case::Sensitive }
    }

    /// Whether the whole text fits. `*` in the text is a character like any other.
    pub fn matches(&self, text: &str) -> bool {
        self.glob.matches(text, self.case)
    }
}

/// Appends text in which `*` and `?` are wildcards.
pub(crate) fn push_wild(tokens: &mut Vec<Token>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'*' if tokens.last() == Some(&Token::Many) => {}
            b'*' => tokens.push(Token::Many),
            b'?' => tokens.push(Token::One),
            byte => tokens.push(Token::Byte(byte)),
        }
    }
}

/// Appends a part of an ARN before the resource, of which only a `*` at its end
/// goes beyond it.
pub(crate) fn push_part(tokens: &mut Vec<Token>, part: &str, case: Case) {
    let start = tokens.len();
    push_wild(tokens, part);
    let end = tokens.len();
    for (place, token) in tokens.iter_mut().enumerate().skip(start) {
        *token = match *token {
            Token::Byte(byte) if case == Case::Fold => Token::Letter(byte),
            Token::One => Token::OneInPart,
            Token::Many if place + 1 < end => Token::ManyInPart,
            other => other,
        };
    }
}

/// Appends text as it is.
pub(crate) fn push_literal(tokens: &mut Vec<Token>, text: &str) {
    tokens.extend(text.bytes().map(Token::Byte));
}

fn same(a: &[u8], b: &[u8], case: Case) -> bool {
    match case {
        Case::Sensitive => a == b,
        Case::Fold => a.eq_ignore_ascii_case(b),
    }
}

/// Whether a byte continues a character of several bytes (UTF-8).
fn continues(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// The place after the character that starts at `at`.
fn after_character(text: &[u8], at: usize) -> usize {
    let rest = text.get(at + 1..).unwrap_or(&[]);
    at + 1 + rest.iter().take_while(|byte| continues(**byte)).count()
}

/// Whether the whole text matches the tokens.
pub(crate) fn run(tokens: &[Token], text: &[u8], case: Case, step: &mut impl FnMut()) -> bool {
    let (mut token, mut at) = (0, 0);
    // After the last `*`, and the first place of the text it has not eaten;
    // the same of the last `*` that stays within its part.
    let mut back: Option<(usize, usize)> = None;
    let mut within: Option<(usize, usize)> = None;
    loop {
        step();
        let fits = match (tokens.get(token), text.get(at)) {
            (Some(Token::Many), _) => {
                token += 1;
                if token == tokens.len() {
                    return true;
                }
                (back, within) = (Some((token, at)), None);
                continue;
            }
            (Some(Token::ManyInPart), _) => {
                token += 1;
                within = Some((token, at));
                continue;
            }
            (Some(Token::OneInPart), Some(b':')) => false,
            (Some(Token::One | Token::OneInPart), Some(_)) => {
                at = after_character(text, at);
                true
            }
            (Some(Token::Letter(wanted)), Some(found)) => {
                at += 1;
                wanted.eq_ignore_ascii_case(found)
            }
            (Some(Token::Byte(wanted)), Some(found)) => {
                at += 1;
                wanted == found || (case == Case::Fold && wanted.eq_ignore_ascii_case(found))
            }
            (None, None) => return true,
            _ => false,
        };
        if fits {
            token += 1;
            continue;
        }
        if let Some((after_star, eaten)) = within
            && text.get(eaten).is_some_and(|byte| *byte != b':')
        {
            let eaten = after_character(text, eaten);
            within = Some((after_star, eaten));
            (token, at) = (after_star, eaten);
            continue;
        }
        within = None;
        let Some((after_star, eaten)) = back else { return false };
        if eaten >= text.len() {
            return false;
        }
        let eaten = after_character(text, eaten);
        back = Some((after_star, eaten));
        (token, at) = (after_star, eaten);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("*", "", true)]
    #[case("", "", true)]
    #[case("", "a", false)]
    #[case("a?c", "abc", true)]
    #[case("a?c", "ac", false)]
    #[case("?", "é", true)]
    #[case("??", "é", false)]
    #[case("*?", "€", true)]
    #[case("*??", "€", false)]
    #[case("a*b*c", "axxbyyc", true)]
    #[case("a*b*c", "axxbyy", false)]
    #[case("*a", "ba", true)]
    #[case("**a**", "xay", true)]
    #[case("a*", "A", false)]
    fn wildcards_match_as_aws_does(
        #[case] pattern: &str,
        #[case] text: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(Glob::new(pattern).matches(text, Case::Sensitive), expected);
    }

    #[test]
    fn letters_fold_only_when_asked() {
        assert!(Glob::new("Get*").matches("getobject", Case::Fold));
        assert!(Glob::new("g?T*t").matches("GETOBJECT", Case::Fold));
        assert!(!Glob::new("Get*").matches("getobject", Case::Sensitive));
    }

    /// The pattern on which naive matchers take exponential time.
    #[test]
    fn a_hostile_pattern_costs_pattern_times_text_steps() {
        let pattern = "a*".repeat(64) + "b";
        for length in [256_usize, 512, 1024] {
            let mut steps = 0_usize;
            let text = "a".repeat(length);
            assert!(!Glob::new(&pattern).matches_counted(&text, Case::Sensitive, &mut || {
                steps += 1;
            }));
            assert!(steps <= (pattern.len() + 1) * (length + 1), "{steps} steps for {length}");
        }
    }

    /// The definition, written as it reads.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                slow(&pattern[1..], text) || (!text.is_empty() && slow(pattern, &text[1..]))
            }
            (Some('?'), Some(_)) => slow(&pattern[1..], &text[1..]),
            (Some(a), Some(b)) => a == b && slow(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    /// Each part covers a piece between colons; one that ends with `*` covers
    /// as many as it likes.
    fn spread(parts: &[String], pieces: &[&str]) -> bool {
        let Some((part, parts)) = parts.split_first() else { return pieces.is_empty() };
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let fits = pieces.first().is_some_and(|piece| slow(&chars(part), &chars(piece)));
        let most = if part.ends_with('*') { pieces.len() } else { 1 };
        fits && (1..=most).any(|taken| spread(parts, &pieces[taken..]))
    }

    proptest! {
        #[test]
        fn matching_agrees_with_its_definition(
            pattern in "[ab*?é]{0,8}",
            text in "[abé€]{0,8}",
        ) {
            let expected = slow(
                &pattern.chars().collect::<Vec<_>>(),
                &text.chars().collect::<Vec<_>>(),
            );
            prop_assert_eq!(Glob::new(&pattern).matches(&text, Case::Sensitive), expected);
        }

        #[test]
        fn parts_agree_with_their_definition(
            parts in proptest::collection::vec("[ab*?]{0,4}", 1..4),
            text in "[ab:]{0,10}",
        ) {
            let mut tokens = Vec::new();
            for (place, part) in parts.iter().enumerate() {
                if place > 0 {
                    tokens.push(Token::Byte(b':'));
                }
                push_part(&mut tokens, part, Case::Sensitive);
            }
            let pieces: Vec<&str> = text.split(':').collect();
            let mut steps = 0_usize;
            let found = run(&tokens, text.as_bytes(), Case::Sensitive, &mut || steps += 1);
            prop_assert_eq!(found, spread(&parts, &pieces), "{:?} on {}", parts, text);
            prop_assert!(steps <= 2 * (tokens.len() + 1) * (text.len() + 1));
        }

        #[test]
        fn no_pattern_costs_more_than_pattern_times_text(
            pattern in "[ab*?]{0,40}",
            text in "[ab]{0,200}",
        ) {
            let mut steps = 0_usize;
            Glob::new(&pattern).matches_counted(&text, Case::Sensitive, &mut || steps += 1);
            prop_assert!(steps <= 2 * (pattern.len() + 1) * (text.len() + 1));
        }
    }
}
