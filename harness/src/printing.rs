//! Where text leaves for a terminal, a log or a pipe: the crate's own `print!`,
//! `println!` and `eprintln!`, which take the place of the standard
//! library's.
//!
//! What a team chose (names, the output of a step) may hold what a terminal or the
//! runner of a pipeline obeys; it is written out here. Who closes the pipe has read
//! enough: nothing more is written, and nothing panics.

use std::borrow::Cow;
use std::fmt::{Arguments, Write as _};
use std::io;
use std::sync::OnceLock;

use ringfence_evidence::is_active;

macro_rules! print {
    ($($arg:tt)*) => { $crate::printing::out(::std::format_args!($($arg)*), "") };
}

macro_rules! println {
    () => { $crate::printing::out(::std::format_args!(""), "\n") };
    ($($arg:tt)*) => { $crate::printing::out(::std::format_args!($($arg)*), "\n") };
}

macro_rules! eprintln {
    ($($arg:tt)*) => { $crate::printing::err(::std::format_args!($($arg)*)) };
}

/// Why not all could be written to standard output.
static STOPPED: OnceLock<io::Error> = OnceLock::new();

/// Why not all could be written to standard output: nobody reads it any more
/// ([`io::ErrorKind::BrokenPipe`]), or something is wrong with it.
pub(crate) fn stopped() -> Option<&'static io::Error> {
    STOPPED.get()
}

/// Writes to standard output.
pub(crate) fn out(text: Arguments<'_>, end: &str) {
    if stopped().is_none()
        && let Err(error) = write(io::stdout().lock(), text, end)
    {
        STOPPED.get_or_init(|| error);
    }
}

/// Writes to standard error. One that is closed has nobody to tell.
pub(crate) fn err(text: Arguments<'_>) {
    let _ = write(io::stderr().lock(), text, "\n");
}

/// Writes to standard output what the runner of a pipeline is to obey: each line is a
/// command of ours.
pub(crate) fn commands(text: &str) {
    if stopped().is_none()
        && let Err(error) = write_all(io::stdout().lock(), &harmless(text), "")
    {
        STOPPED.get_or_init(|| error);
    }
}

fn write(to: impl io::Write, text: Arguments<'_>, end: &str) -> io::Result<()> {
    write_all(to, &shown(&text.to_string()), end)
}

fn write_all(mut to: impl io::Write, text: &str, end: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.write_all(end.as_bytes())?;
    to.flush()
}

/// A text as a terminal and the runner of a pipeline may have it; a line of JSON keeps
/// its value.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    match harmless(text) {
        Cow::Borrowed(text) => without_commands(text),
        Cow::Owned(text) => Cow::Owned(without_commands(&text).into_owned()),
    }
}

/// How commands begin that the runners of pipelines obey anywhere in a line of a log:
/// GitHub's older ones, Azure Pipelines' and TeamCity's.
const ANYWHERE: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// A text of which nothing is a command to the runner of a pipeline that logs it, as
/// JSON would write it (`\u003a:error::`). GitHub's looks for `::NAME …::` at the
/// beginning of a line, behind white space too, and for `##[NAME …]` anywhere, in both
/// outputs of a step (<https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>):
/// with `stop-commands` the findings would not be annotated, with `add-mask` not be
/// read.
fn without_commands(text: &str) -> Cow<'_, str> {
    let is_command = |line: &str| {
        let command = line.trim_start().strip_prefix("::");
        command.is_some_and(|rest| {
            rest.starts_with(|first: char| first.is_ascii_alphabetic()) && rest.contains("::")
        })
    };
    let has_any = ANYWHERE.iter().any(|begin| text.contains(begin));
    if !has_any && !text.lines().any(is_command) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive('\n') {
        match is_command(line) {
            true => shown.push_str(&line.replacen("::", "\\u003a:", 1)),
            false => shown.push_str(line),
        }
    }
    for begin in ANYWHERE {
        shown = shown.replace(begin, &begin.replacen("##", "#\\u0023", 1));
    }
    Cow::Owned(shown)
}

/// A text whose control characters, and those that turn or hide what stands
/// around them, are written as JSON writes them: `\u001b`. Inside JSON, where
/// they stand in strings alone, it stays the same value. Ends of lines and tabs
/// stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_active(character) && !matches!(character, '\n' | '\t'))
}

/// The same on one line.
pub(crate) fn harmless_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_active)
}

fn escaped(text: &str, is_active: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_active) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_active(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("plain ä ✓\n\ttext ::add-mask::x", "plain ä ✓\n\ttext ::add-mask::x")]
    #[case(
        "\u{1b}]0;pwned\u{7}\u{1b}[2K\u{1b}[1;32mheld",
        "\\u001b]0;pwned\\u0007\\u001b[2K\\u001b[1;32mheld"
    )]
    #[case("1442 held\r1443 failed", "1442 held\\u000d1443 failed")]
    #[case("\u{9b}2J\u{202e}a\u{200b}", "\\u009b2J\\u202ea\\u200b")]
    #[case("a\u{e0041}", "a\\udb40\\udc41")]
    fn a_terminal_has_nothing_to_obey(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(harmless(text), shown);
    }

    #[rstest]
    #[case("::error file=x::y", "\\u003a:error file=x::y")]
    #[case("a\n    ::stop-commands::t\nb", "a\n    \\u003a:stop-commands::t\nb")]
    #[case("\u{3000}::add-mask::held", "\u{3000}\\u003a:add-mask::held")]
    #[case("told: ##[error]x", "told: #\\u0023[error]x")]
    #[case(
        "a ##vso[task.complete result=Succeeded;]",
        "a #\\u0023vso[task.complete result=Succeeded;]"
    )]
    #[case("##teamcity[x]###[y]", "#\\u0023teamcity[x]##\\u0023[y]")]
    #[case("::1 and ::2", "::1 and ::2")]
    #[case("::/0\nAWS::IAM::Role\n## heading [x]", "::/0\nAWS::IAM::Role\n## heading [x]")]
    fn the_runner_of_a_pipeline_has_nothing_to_obey(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(without_commands(text), shown);
    }

    #[test]
    fn json_keeps_its_value() {
        let name = "\u{9b}2J\u{202e}a\u{e0041}\u{1b}\n::error::x ##[y] \\##[z]";
        let value = serde_json::json!({ "name": name });
        let shown = shown(&value.to_string()).into_owned();
        assert!(!shown.chars().any(is_active) && !shown.contains("##["));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn a_name_stays_on_its_line() {
        assert_eq!(harmless_line("a\nringfence: all held"), "a\\u000aringfence: all held");
    }
}
