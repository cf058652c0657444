//! `AllowedPattern`: regular expressions of Java's, as AWS reads them, for a whole value
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>,
//! <https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html>).

use std::iter::Peekable;
use std::str::Chars;

/// Classes by their letter; that of the capital is all else. They are of ASCII, but for blanks
/// and ends of lines.
const CLASSES: [(char, &str); 5] = [
    ('d', "0-9"),
    ('h', r"\x20\t\u{a0}\u{1680}\u{180e}\u{2000}-\u{200a}\u{202f}\u{205f}\u{3000}"),
    ('s', r"\x20\t\n\x0B\f\r"),
    ('v', r"\n\x0B\f\r\u{85}\u{2028}\u{2029}"),
    ('w', "0-9A-Z_a-z"),
];

/// Classes of ASCII by their names: `\p{Alpha}`.
const NAMED: [(&str, &str); 13] = [
    ("ASCII", "ascii"),
    ("Alnum", "alnum"),
    ("Alpha", "alpha"),
    ("Blank", "blank"),
    ("Cntrl", "cntrl"),
    ("Digit", "digit"),
    ("Graph", "graph"),
    ("Lower", "lower"),
    ("Print", "print"),
    ("Punct", "punct"),
    ("Space", "space"),
    ("Upper", "upper"),
    ("XDigit", "xdigit"),
];

/// A pattern; `None` where it is none, or none that is read here.
pub(super) fn read(pattern: &str) -> Option<fancy_regex::Regex> {
    fancy_regex::Regex::new(&format!("^(?:{})$", translated(pattern))).ok()
}

/// A pattern in the dialect that is read here.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    let (mut depth, mut is_behind_class) = (0_usize, false);
    while let Some(character) = characters.next() {
        let was_class = std::mem::take(&mut is_behind_class);
        match character {
            '\\' => is_behind_class = escape(&mut characters, depth > 0, &mut out),
            // No range begins with a class: `[\w-+]` has a dash.
            '-' if depth > 0 && was_class && characters.peek() != Some(&']') => out.push_str("\\-"),
            other => {
                match other {
                    '[' => depth += 1,
                    ']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                out.push(other);
            }
        }
    }
    out
}

/// Writes what stands behind a backslash; whether that is a class.
fn escape(characters: &mut Peekable<Chars<'_>>, is_inside: bool, out: &mut String) -> bool {
    let Some(letter) = characters.next() else {
        out.push('\\');
        return false;
    };
    let lower = letter.to_ascii_lowercase();
    if let Some((_, members)) = CLASSES.iter().find(|(one, _)| *one == lower) {
        match (letter == lower, is_inside) {
            (true, true) => out.push_str(members),
            (true, false) => *out += &format!("[{members}]"),
            (false, _) => *out += &format!("[^{members}]"),
        }
        return true;
    }
    if lower == 'p' {
        let rest: String = characters.clone().collect();
        let name = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(it, _)| it);
        let named = name.and_then(|name| NAMED.iter().find(|(one, _)| *one == name));
        if let Some((name, ascii)) = named {
            characters.nth(name.len() + 1);
            let not = if letter == 'P' { "^" } else { "" };
            *out += &match is_inside {
                true => format!("[:{not}{ascii}:]"),
                false => format!("[[:{not}{ascii}:]]"),
            };
            return true;
        }
    }
    // The end: a value has no line after it.
    let letter = if letter == 'Z' { 'z' } else { letter };
    out.extend(['\\', letter]);
    lower == 'p'
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::read;

    #[rstest]
    #[case::letters(r"\w+", "a_9", "ä")]
    #[case::digits(r"\d+", "09", "٣")]
    #[case::none_of_them(r"\D+", "٣ä", "3")]
    #[case::blanks(r"a\sb", "a b", "a\u{a0}b")]
    #[case::horizontal(r"a\hb", "a\u{a0}b", "afb")]
    #[case::ends_of_lines(r"a\vb", "a\u{2028}b", "avb")]
    #[case::in_brackets(r"[\w.-]+", "a.b-c", "a b")]
    #[case::a_dash_behind(r"[\w-+]+", "a-b+c", "a,b")]
    #[case::all_but(r"[^\s]+", "a-b", "a b")]
    #[case::not_in_brackets(r"[\S]+", "ab", "a b")]
    #[case::an_escaped_bracket(r"[\[\w\]]+", "[a]", "{a}")]
    #[case::in_two_brackets(r"[a[\d]]+", "a1", "b")]
    #[case::named(r"\p{Alpha}[\p{Digit}-]*", "a-1", "ä")]
    #[case::not_named(r"\P{Upper}", "a", "A")]
    #[case::of_unicode(r"\p{L}+", "ä", "1")]
    #[case::looking_ahead(r"^(?!-)[a-z-]+\Z", "a-b", "-a")]
    fn a_pattern_is_for_the_whole_value(
        #[case] pattern: &str,
        #[case] matches: &str,
        #[case] other: &str,
    ) {
        let pattern = read(pattern).unwrap();
        assert!(pattern.is_match(matches).unwrap(), "{pattern:?}");
        assert!(!pattern.is_match(other).unwrap(), "{pattern:?}");
    }

    #[rstest]
    #[case("[a-")]
    #[case("(")]
    #[case("a\\")]
    fn what_is_no_pattern_is_not_read(#[case] pattern: &str) {
        assert!(read(pattern).is_none());
    }
}
