//! Names that somebody under test chose, shown so that they can do nothing to
//! who reads them.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::shown::is_active;

/// A text whose control characters, and those that turn or hide what stands
/// around them, are written out: a terminal would obey them.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    written_out(text, &[])
}

/// The same of a text of several lines.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    written_out(text, &['\n', '\t'])
}

fn written_out<'a>(text: &'a str, but: &[char]) -> Cow<'a, str> {
    let acts = |character: char| is_active(character) && !but.contains(&character);
    // Most texts are of plain letters, which is told at once.
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain || !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// A text on one line.
pub(crate) fn line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// A text in a paragraph, a list or a table of Markdown, of which nothing is
/// markup (<https://github.github.com/gfm/#backslash-escapes>).
pub(crate) fn markdown(text: &str) -> String {
    without_markup(&line(text))
}

/// A sentence of ours in Markdown, in which backticks stand around names: each name is
/// code, and neither it nor anything else is markup, whatever it holds. Where a name has
/// backticks of its own, what is code is not what was meant, and no more than that.
pub fn prose(text: &str) -> String {
    let text = line(text);
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return without_markup(&text);
    }
    let mut out = String::with_capacity(text.len());
    for (place, piece) in pieces.iter().enumerate() {
        match (place % 2 == 1, piece.is_empty()) {
            (true, true) => out.push_str("\\`\\`"),
            (true, false) => {
                let _ = write!(out, "`{}`", piece.replace('|', "\\|"));
            }
            // Two names that touch would be one.
            (false, true) if !out.is_empty() && place + 1 < pieces.len() => out.push(' '),
            (false, _) => out.push_str(&without_markup(piece)),
        }
    }
    out
}

/// A text of one line, of which nothing is markup.
fn without_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
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
    #[case("now: `s3:Get*` on `arn:a_b|c`, by R", "now: `s3:Get*` on `arn:a_b\\|c`, by R")]
    #[case("1 of *", "1 of \\*")]
    #[case(
        "on `b/` [x](y) <img> **all held** `c`",
        "on `b/` \\[x\\](y) &lt;img> \\*\\*all held\\*\\* `c`"
    )]
    #[case("on `b` [x](y)` c", "on \\`b\\` \\[x\\](y)\\` c")]
    #[case("on `a``[x](y)`", "on `a` `[x](y)`")]
    #[case("on `` [x](y)", "on \\`\\` \\[x\\](y)")]
    #[case("on ``[x](y)``", "on \\`\\`\\[x\\](y)\\`\\`")]
    #[case("a \\`[x](y)`", "a \\\\`[x](y)`")]
    #[case("`a\n\n# All held\n- x` b", "`a # All held - x` b")]
    #[case("`a\u{202e}`", "`a\\u{202e}`")]
    fn a_sentence_has_code_and_no_other_markup(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(prose(text), shown);
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
