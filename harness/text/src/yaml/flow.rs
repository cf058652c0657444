//! What the readers of `sam` and CloudFormation take and YAML 1.2 does not:
//! lines inside flow collections and quotes that are indented less than their
//! block, and a comment right behind a quote.
//!
//! ```yaml
//! Action: [
//!   "s3:GetObject"
//! ]
//! Description: 'goes
//! on here'# not text
//! ```
//!
//! Inside of both, leading spaces mean nothing, so such lines are indented as
//! YAML 1.2 wants them, the comment gets its space, and the text is read again.

/// A text as YAML 1.2 wants it.
pub(super) struct Indented {
    text: String,
    /// For each line, by how many columns it was moved.
    shifts: Vec<usize>,
}

impl Indented {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// By how many columns a line (from 1) was moved.
    pub(super) fn shift(&self, line: usize) -> usize {
        line.checked_sub(1).and_then(|line| self.shifts.get(line)).copied().unwrap_or(0)
    }
}

/// Indents the lines inside flow collections and quotes, and sets comments
/// apart; `None` where there is nothing of the kind.
pub(super) fn indented(text: &str) -> Option<Indented> {
    // Deeper than any block that can be open.
    let margin = text.lines().map(indentation).max().unwrap_or(0) + 1;
    let mut scanner = Scanner::default();
    let mut result = Indented { text: String::new(), shifts: Vec::new() };
    for line in text.split_inclusive('\n') {
        let shift = if scanner.depth > 0 || scanner.quote.is_some() { margin } else { 0 };
        result.text.extend(std::iter::repeat_n(' ', shift));
        scanner.line(line);
        match scanner.comment.take().and_then(|at| line.split_at_checked(at)) {
            // Nothing behind it has a place.
            Some((before, comment)) => result.text.extend([before, " ", comment]),
            None => result.text.push_str(line),
        }
        result.shifts.push(shift);
    }
    (result.text.len() > text.len()).then_some(result)
}

fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

/// What a line ends inside of.
#[derive(Default)]
struct Scanner {
    /// How many flow collections are open.
    depth: usize,
    /// The quote of a scalar that is open.
    quote: Option<char>,
    /// The indentation of the line that began a block scalar.
    block: Option<usize>,
    /// The indentation of the line whose plain scalar may go on in a deeper
    /// one.
    plain: Option<usize>,
    /// Where a comment starts right behind a quote, as an offset in its line.
    comment: Option<usize>,
}

impl Scanner {
    fn line(&mut self, line: &str) {
        let content = line.trim_end_matches(['\n', '\r']);
        let indent = indentation(content);
        if self.depth == 0 && self.quote.is_none() {
            if content.trim().is_empty() {
                return;
            }
            if self.block.is_some_and(|begun| indent > begun) {
                return;
            }
            self.block = None;
            if self.plain.is_some_and(|begun| indent > begun) && !is_entry(content) {
                return;
            }
            self.plain = None;
        }
        self.characters(content, indent);
    }

    /// Goes through a line's characters. `fresh` is whether a node may start.
    fn characters(&mut self, content: &str, indent: usize) {
        let mut fresh = true;
        let mut is_plain = false;
        let mut characters = content.char_indices().peekable();
        let mut before = ' ';
        // Whether the character before ended a quoted scalar.
        let mut quoted = false;
        while let Some((at, c)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            if let Some(quote) = self.quote {
                match c {
                    '\\' if quote == '"' => {
                        characters.next();
                    }
                    '\'' if quote == '\'' && next == Some('\'') => {
                        characters.next();
                    }
                    _ if c == quote => (self.quote, quoted) = (None, true),
                    _ => {}
                }
                before = c;
                continue;
            }
            let behind_quote = std::mem::take(&mut quoted);
            let ends = next.is_none_or(char::is_whitespace);
            match c {
                '#' if behind_quote => {
                    self.comment = Some(at);
                    break;
                }
                '#' if before.is_whitespace() => break,
                c if c.is_whitespace() => {}
                '[' | '{' if fresh || self.depth > 0 => {
                    self.depth += 1;
                    (fresh, is_plain) = (true, false);
                }
                ']' | '}' if self.depth > 0 => {
                    self.depth -= 1;
                    (fresh, is_plain) = (false, false);
                }
                ',' if self.depth > 0 => (fresh, is_plain) = (true, false),
                ':' | '-' | '?' if ends && (c == ':' || fresh) => {
                    (fresh, is_plain) = (true, false);
                }
                ':' if self.depth > 0 && matches!(before, '"' | '\'') => fresh = true,
                '"' | '\'' if fresh => {
                    self.quote = Some(c);
                    (fresh, is_plain) = (false, false);
                }
                '|' | '>' if fresh && self.depth == 0 => {
                    self.block = Some(indent);
                    return;
                }
                // A tag or an anchor stands before its node.
                '!' | '&' if fresh => {
                    while characters.next_if(|(_, c)| !c.is_whitespace()).is_some() {}
                }
                _ => (fresh, is_plain) = (false, true),
            }
            before = c;
        }
        if self.depth == 0 && self.quote.is_none() && is_plain {
            self.plain = Some(indent);
        }
    }
}

/// Whether a line is an entry of a block and so no continuation of a plain
/// scalar.
fn is_entry(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("- ") || line == "-" || line.contains(": ") || line.trim_end().ends_with(':')
}
