//! Access logs: one line a request, in the stage's format.
//!
//! On AWS the lines go to the stage's log group by way of log delivery, which
//! a resource policy of CloudWatch Logs lets in. The guard does not decide by
//! such policies, so the lines stay here, the latest thousand a stage, for
//! [`HttpApis::access_log`](super::HttpApis::access_log) to show.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

const MOST_LINES: usize = 1000;

/// The lines of every stage, by API and stage.
#[derive(Debug, Default)]
pub(super) struct AccessLog(Mutex<HashMap<(String, String), VecDeque<String>>>);

/// What a line may say, by name: `requestId` for `$context.requestId`.
pub(super) type Context = BTreeMap<String, String>;

impl AccessLog {
    /// Writes a request's line.
    pub(super) fn write(&self, api_id: &str, stage: &str, format: &str, context: &Context) {
        let line = render(format, context);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = all.entry((api_id.to_owned(), stage.to_owned())).or_default();
        if lines.len() >= MOST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(super) fn lines(&self, api_id: &str, stage: &str) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(api_id.to_owned(), stage.to_owned())).into_iter().flatten().cloned().collect()
    }

    pub(super) fn forget(&self, api_id: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(api, _), _| api != api_id);
    }
}

/// A line: each `$context.NAME` becomes its value, or `-` where it has none
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html>).
fn render(format: &str, context: &Context) -> String {
    const MARK: &str = "$context.";
    let mut line = String::new();
    let mut rest = format.trim_end_matches('\n');
    while let Some((before, after)) = rest.split_once(MARK) {
        line.push_str(before);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
        let end = after.find(|c: char| !fits(c)).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        // What ends a sentence does not belong to the name.
        let name = name.trim_end_matches(['.', ':', '-']);
        match context.get(name) {
            Some(value) => escape(value, &mut line),
            None => line.push('-'),
        }
        let taken = name.len();
        rest = after.get(taken..).unwrap_or(tail);
    }
    line.push_str(rest);
    line
}

/// A value with quotes, backslashes and control characters escaped, so that a
/// request cannot write a line of its own or leave the field that it is in.
fn escape(value: &str, line: &mut String) {
    for letter in value.chars() {
        match letter {
            '"' | '\\' => line.extend(['\\', letter]),
            letter if letter.is_control() => {
                line.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => line.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("$context.requestId", "r1")]
    #[case("$context.requestId $context.status", "r1 200")]
    #[case(
        r#"{"p":"$context.path","e":"$context.error.message"}"#,
        r#"{"p":"/a\"b\u000a","e":"-"}"#
    )]
    #[case("$context.status.", "200.")]
    #[case("$context.status-$context.status", "200-200")]
    #[case("$context.authorizer.claims.sub|", "alice|")]
    #[case("$context.unknown\n", "-")]
    #[case("no variable", "no variable")]
    fn variables_become_values(#[case] format: &str, #[case] expected: &str) {
        let context = [
            ("requestId", "r1"),
            ("status", "200"),
            ("path", "/a\"b\n"),
            ("authorizer.claims.sub", "alice"),
        ];
        let context = context.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(render(format, &context), expected);
    }

    #[test]
    fn a_stage_keeps_its_latest_lines() {
        let log = AccessLog::default();
        for number in 0..=MOST_LINES {
            let context = [("requestId".to_owned(), number.to_string())].into();
            log.write("api", "$default", "$context.requestId", &context);
        }
        let lines = log.lines("api", "$default");
        assert_eq!(lines.len(), MOST_LINES);
        assert_eq!(lines.first().unwrap(), "1");
        assert!(log.lines("api", "other").is_empty());
        log.forget("api");
        assert!(log.lines("api", "$default").is_empty());
    }
}
