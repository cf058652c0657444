//! Lines in, one line of JSON out for each, in order.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use anyhow::Context;
use ringfence_policy::jsonl::Answer;

use crate::exit::Exit;
use crate::printing;

/// The longest line that is read. AWS's own limits keep all policies of a
/// request far below it.
const LONGEST: usize = 4 << 20;

/// Bytes taken from standard input at a time, and kept for standard output.
const BUFFER: usize = 256 << 10;

/// Answers every line of standard input on standard output.
pub(super) fn answer(each: impl FnMut(&str) -> Answer) -> anyhow::Result<Exit> {
    match run(io::stdin().lock(), io::stdout().lock(), each) {
        Ok(true) => Ok(Exit::Held),
        Ok(false) => Ok(Exit::CouldNotRun),
        // Whoever read the answers has enough of them.
        Err(Stopped::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Held),
        Err(Stopped::Write(error)) => Err(error).context("cannot write to standard output"),
        Err(Stopped::Read(error)) => Err(error).context("cannot read standard input"),
    }
}

/// Why it ended before its input did.
#[derive(Debug)]
enum Stopped {
    Read(io::Error),
    Write(io::Error),
}

/// How a line ended.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole,
    /// It was longer than [`LONGEST`]; the rest of it has been skipped.
    TooLong,
    /// There was none.
    End,
}

/// Answers every line; whether all could be read.
fn run(
    input: impl Read,
    output: impl Write,
    mut each: impl FnMut(&str) -> Answer,
) -> Result<bool, Stopped> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut output = BufWriter::with_capacity(BUFFER, output);
    let mut line = Vec::new();
    let mut all_readable = true;
    loop {
        line.clear();
        let ended = next(&mut input, &mut line, &mut || output.flush())?;
        let unreadable = match ended {
            Line::End => break,
            Line::TooLong => Some(format!("the line is longer than {LONGEST} bytes")),
            Line::Whole => match std::str::from_utf8(&line) {
                Ok(text) => {
                    let answer = each(text);
                    all_readable &= answer.readable;
                    write(&mut output, &answer.text)?;
                    None
                }
                Err(error) => {
                    Some(format!("the line is not UTF-8 after byte {}", error.valid_up_to()))
                }
            },
        };
        if let Some(error) = unreadable {
            all_readable = false;
            write(&mut output, &serde_json::json!({"id": null, "error": error}).to_string())?;
        }
    }
    output.flush().map_err(Stopped::Write)?;
    Ok(all_readable)
}

/// An answer holds what its question named, and goes where all output goes. Its `id` is
/// as it was written: a carriage return in it stands between its values alone, where a
/// space is as good and an escape would be none.
fn write(output: &mut impl Write, text: &str) -> Result<(), Stopped> {
    let text = text.replace('\r', " ");
    let text = printing::shown(&text);
    output.write_all(text.as_bytes()).and_then(|()| output.write_all(b"\n")).map_err(Stopped::Write)
}

/// Reads one line, without its end. What has been answered is flushed before
/// the input may keep us waiting.
fn next<R: Read>(
    input: &mut BufReader<R>,
    line: &mut Vec<u8>,
    flush: &mut impl FnMut() -> io::Result<()>,
) -> Result<Line, Stopped> {
    let mut too_long = false;
    let mut any = false;
    loop {
        if input.buffer().is_empty() {
            flush().map_err(Stopped::Write)?;
        }
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Stopped::Read(error)),
        };
        let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
        let part = parts.next().unwrap_or_default();
        let ends = parts.next().is_some();
        let end_of_input = bytes.is_empty();
        any |= !end_of_input;
        too_long |= line.len() + part.len() > LONGEST;
        if !too_long {
            line.extend_from_slice(part);
        }
        let taken = part.len() + usize::from(ends);
        input.consume(taken);
        if ends || end_of_input {
            return Ok(match (too_long, any) {
                (true, _) => Line::TooLong,
                (false, true) => Line::Whole,
                (false, false) => Line::End,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use ringfence_policy::jsonl::Decider;
    use serde_json::{Value, json};

    use super::*;

    fn decide(input: impl Read, output: impl Write) -> Result<bool, Stopped> {
        let mut decider = Decider::default();
        run(input, output, |line| decider.line(line))
    }

    fn answers(input: &[u8]) -> (bool, Vec<String>) {
        let mut output = Vec::new();
        let readable = decide(input, &mut output).unwrap();
        (readable, String::from_utf8(output).unwrap().lines().map(str::to_owned).collect())
    }

    #[test]
    fn a_line_of_the_longest_length_is_read_and_a_longer_one_is_not() {
        let mut input = vec![b' '; LONGEST];
        input.push(b'\n');
        input.extend(vec![b' '; LONGEST + 1]);
        input.extend(b"\n{\"id\":1}\n");
        let (readable, lines) = answers(&input);
        assert!(!readable);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].contains("EOF while parsing"), "{}", lines[0]);
        assert_eq!(lines[1], r#"{"id":null,"error":"the line is longer than 4194304 bytes"}"#);
        assert!(lines[2].starts_with(r#"{"id":1,"error":"missing field `principal`"#));
    }

    /// The answers tell the `id` as it was given, the `Sid` that decided and the names of
    /// what is compared.
    #[test]
    fn an_answer_is_no_command_and_keeps_its_value() {
        let name = "a ##vso[task.complete] ##[error]x ##teamcity[y] \u{202e}z\u{9b}2J";
        let plain = "a of-the-team, ä";
        let arn = "arn:aws:iam::123456789012:role/r";
        for (sid, is_plain) in [(name, false), (plain, true)] {
            let policy = json!({"name": sid, "document": {"Version": "2012-10-17", "Statement": [
                {"Sid": sid, "Effect": "Allow", "Action": "*", "Resource": "*"}]}});
            let asked = json!({"id": sid, "principal": arn, "action": "s3:GetObject",
                "resource": "arn:aws:s3:::b/k", "identity": [policy]});
            let own = Decider::default().line(&asked.to_string()).text;
            let (_, lines) = answers(asked.to_string().as_bytes());
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(value(line), value(&own));
            assert_eq!(value(line)["id"], sid);
            assert_eq!(*line == own, is_plain, "{line}");
            assert!(!line.chars().any(ringfence_evidence::is_active), "{line}");
            for command in ["##[", "##vso[", "##teamcity["] {
                assert!(!line.contains(command), "{line}");
            }
        }
    }

    #[test]
    fn an_id_keeps_its_value_whatever_stands_between_its_parts() {
        let (_, lines) = answers(b"{\"id\":[1,\r2,\"a\\r\"]}\n");
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(!line.contains('\r'), "{line}");
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["id"], json!([1, 2, "a\r"]));
    }

    #[test]
    fn nothing_is_answered_with_nothing_and_a_last_line_needs_no_end() {
        assert_eq!(answers(b""), (true, vec![]));
        assert_eq!(answers(b"\n").1.len(), 1);
        assert_eq!(answers(b"{}").1.len(), 1);
        assert_eq!(answers(b"{}\n{}").1.len(), 2);
    }

    /// Gives one line, then looks whether it has been answered.
    struct OneByOne {
        given: usize,
        answered: Rc<RefCell<Vec<u8>>>,
    }

    impl Read for OneByOne {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let lines = self.answered.borrow().iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(lines, self.given);
            if self.given == 3 {
                return Ok(0);
            }
            self.given += 1;
            buffer[..3].copy_from_slice(b"{}\n");
            Ok(3)
        }
    }

    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_can_be_answered_is_answered_before_waiting_for_more() {
        let answered = Rc::new(RefCell::new(Vec::new()));
        let input = OneByOne { given: 0, answered: Rc::clone(&answered) };
        assert!(!decide(input, Shared(answered)).unwrap());
    }
}
