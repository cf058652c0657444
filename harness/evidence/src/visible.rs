//! Names that somebody under test chose, shown so that they can do nothing to
//! who reads them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text whose control characters, and those that turn or hide what stands
/// around them, are written out: a terminal would obey them.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    // Most texts are of plain letters, which is told at once.
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain || !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_active(character) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character does something to those around it, or to a terminal:
/// controls, zero-width and bidirectional formatting
/// (<https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing>).
pub fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A text on one line.
pub(crate) fn line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// A text in a paragraph, a list or a table of Markdown, of which nothing is
/// markup (<https://github.github.com/gfm/#backslash-escapes>).
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in line(text).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    // What begins a line would be a heading, a list, a quotation or a rule.
    if escaped.starts_with(['#', '+', '-', '=', '>']) {
        escaped.insert(0, '\\');
    }
    let digits = escaped.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && escaped.get(digits..).is_some_and(|rest| rest.starts_with(['.', ')'])) {
        escaped.insert(digits, '\\');
    }
    // A bare address would be a link.
    escaped.replace("://", ":\\//").replace("www.", "www\\.")
}

/// A text as code in Markdown, between as many backticks as it needs.
pub(crate) fn code(text: &str) -> String {
    let text = line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("plain, `code`", "plain, `code`")]
    #[case("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m")]
    #[case("bell\u{7}", "bell\\u{7}")]
    #[case("a\u{202e}b", "a\\u{202e}b")]
    #[case("a\u{200b}b", "a\\u{200b}b")]
    #[case("\u{9b}2J", "\\u{9b}2J")]
    fn a_terminal_has_nothing_to_obey(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(visible(text), shown);
    }

    #[rstest]
    #[case("[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))")]
    #[case("![x](y)", "!\\[x\\](y)")]
    #[case("<img src=x>", "&lt;img src=x>")]
    #[case("&lt;b>", "&amp;lt;b>")]
    #[case("a | b\n# c", "a \\| b # c")]
    #[case("`a` *b*", "\\`a\\` \\*b\\*")]
    #[case("https://evil.example", "https:\\//evil.example")]
    #[case("# All held", "\\# All held")]
    #[case("- [x] held", "\\- \\[x\\] held")]
    #[case("> quoted", "\\> quoted")]
    #[case("1. held", "1\\. held")]
    #[case("2026-11-28", "2026-11-28")]
    #[case("_held_", "\\_held\\_")]
    #[case("\u{1b}[2J", "\\\\u{1b}\\[2J")]
    fn markdown_has_no_markup(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(markdown(text), shown);
    }

    #[rstest]
    #[case("a/b", "`a/b`")]
    #[case("a`](x)", "``a`](x)``")]
    #[case("`", "`` ` ``")]
    #[case("a|b", "`a\\|b`")]
    fn code_ends_where_it_should(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(code(text), shown);
    }
}
