//! JUnit XML: a suite a guard rail, a case a probe.
//!
//! What failed is a failure, what is inconclusive an error, what was not run
//! skipped: none of them is a pass. A run that did not come to its end has one
//! more suite, with an error, so that no reader takes the rest for a result.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::shown::is_active;

use super::csv::mapping;
use crate::controls::Catalogue;
use crate::probe::{Probe, Verdict};
use crate::record::{RunRecord, RunStatus, Summary};

pub(super) fn junit(
    record: &RunRecord,
    catalogue: &Catalogue,
    xml: &mut dyn Write,
) -> io::Result<()> {
    let mut rails: Vec<(&str, Vec<&Probe>)> = Vec::new();
    for probe in &record.probes {
        match rails.iter_mut().find(|(rail, _)| *rail == probe.guard_rail) {
            Some((_, probes)) => probes.push(probe),
            None => rails.push((&probe.guard_rail, vec![probe])),
        }
    }
    let summary = Summary::of(&record.probes);
    let incomplete = usize::from(!record.status.is_complete());
    xml.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    writeln!(
        xml,
        "<testsuites name=\"ringfence\" id=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" \
         skipped=\"{}\" time=\"{}\" timestamp=\"{}\">",
        Xml(&record.run_id),
        summary.probes + incomplete,
        summary.failed,
        summary.inconclusive + incomplete,
        summary.not_run + summary.not_applicable + summary.accepted,
        seconds(record.duration_ms * 1000),
        Xml(&record.started),
    )?;
    if let RunStatus::Incomplete { reason } = &record.status {
        writeln!(
            xml,
            "  <testsuite name=\"the run\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n    \
             <testcase classname=\"the run\" name=\"came to its end\">\n      \
             <error type=\"incomplete\" message=\"{}\"/>\n    </testcase>\n  </testsuite>",
            Xml(reason)
        )?;
    }
    for (rail, probes) in rails {
        suite(xml, rail, &probes, &mapping(catalogue, rail))?;
    }
    xml.write_all(b"</testsuites>\n")
}

fn suite(
    xml: &mut dyn Write,
    rail: &str,
    probes: &[&Probe],
    mapping: &(String, String),
) -> io::Result<()> {
    let count = |verdict| probes.iter().filter(|probe| probe.verdict == verdict).count();
    writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">",
        Xml(rail),
        probes.len(),
        count(Verdict::Failed),
        count(Verdict::Inconclusive),
        [Verdict::NotRun, Verdict::NotApplicable, Verdict::Accepted]
            .map(count)
            .iter()
            .sum::<usize>(),
        seconds(probes.iter().map(|probe| probe.duration_us).sum()),
    )?;
    let (objectives, controls) = mapping;
    writeln!(
        xml,
        "    <properties>\n      <property name=\"objectives\" value=\"{}\"/>\n      \
         <property name=\"controls\" value=\"{}\"/>\n    </properties>",
        Xml(objectives),
        Xml(controls)
    )?;
    for probe in probes {
        case(xml, probe)?;
    }
    xml.write_all(b"  </testsuite>\n")
}

fn case(xml: &mut dyn Write, probe: &Probe) -> io::Result<()> {
    writeln!(
        xml,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">\n      <properties>\n        \
         <property name=\"identity\" value=\"{}\"/>\n        <property name=\"road\" value=\"{}\"/>\n        \
         <property name=\"scope\" value=\"{}\"/>\n      </properties>",
        Xml(&probe.guard_rail),
        Xml(&probe.id),
        seconds(probe.duration_us),
        Xml(&probe.identity),
        Xml(&probe.road),
        probe.scope.as_str(),
    )?;
    let why = probe.reason.as_deref().unwrap_or(&probe.observed);
    // `skipped` has a message alone, and so that says which of the three it is.
    let why = match probe.verdict {
        Verdict::NotApplicable => format!("not applicable: {why}"),
        Verdict::Accepted => format!("accepted: {}", probe.why()),
        _ => why.to_owned(),
    };
    let element = match probe.verdict {
        Verdict::Held => None,
        Verdict::Failed => Some("failure"),
        Verdict::Inconclusive => Some("error"),
        Verdict::NotRun | Verdict::NotApplicable | Verdict::Accepted => Some("skipped"),
    };
    if let Some(element) = element {
        let kind = match probe.verdict {
            Verdict::NotRun | Verdict::NotApplicable | Verdict::Accepted => String::new(),
            verdict => format!(" type=\"{}\"", verdict.as_str()),
        };
        writeln!(xml, "      <{element}{kind} message=\"{}\"/>", Xml(&why))?;
    }
    let mut said =
        format!("{}\nexpected: {}\nobserved: {}\n", probe.title, probe.expected, probe.observed);
    for (name, companion) in probe.companions.named() {
        let _ = match companion {
            Some(companion) if companion.shown => writeln!(said, "{name}: {}", companion.detail),
            Some(companion) => writeln!(said, "{name}, NOT shown: {}", companion.detail),
            None => writeln!(said, "{name}: none"),
        };
    }
    for decider in &probe.decided_by {
        let _ = writeln!(said, "decision: {}", decider.explanation);
    }
    writeln!(xml, "      <system-out>{}</system-out>\n    </testcase>", Xml(&said))
}

fn seconds(microseconds: u64) -> String {
    format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000)
}

/// A text as XML. What XML 1.0 cannot hold, escaped or not, is replaced; what a
/// viewer or a terminal would obey is written out.
struct Xml<'a>(&'a str);

impl std::fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            // Kept in attributes, where a plain one becomes a space.
            '\n' | '\t' | '\r' => write!(f, "&#{};", u32::from(c)),
            '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}'),
            active if is_active(active) => write!(f, "\\u{{{:x}}}", u32::from(active)),
            _ => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn text_that_xml_cannot_hold_is_replaced_and_the_rest_escaped() {
        assert_eq!(
            Xml("a<b & \"c\">\u{1}\u{9b}\u{202e}\u{ffff}\nd").to_string(),
            "a&lt;b &amp; &quot;c&quot;&gt;\\u{1}\\u{9b}\\u{202e}\u{fffd}&#10;d"
        );
    }

    #[test]
    fn nothing_but_held_passes_and_an_incomplete_run_has_an_error_of_its_own() {
        let mut record = fixtures::record();
        let catalogue = Catalogue::builtin().unwrap();
        let text = |record: &RunRecord| {
            let mut text = Vec::new();
            junit(record, &catalogue, &mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        let complete = text(&record);
        assert!(complete.contains("tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\""));
        assert!(complete.contains("<error type=\"inconclusive\" message=\"reason of c\"/>"));
        assert!(complete.contains("<skipped message=\"reason of d\"/>"));
        assert_eq!(complete.matches("<failure ").count(), 1);
        record.status = RunStatus::Incomplete { reason: "killed".to_owned() };
        let incomplete = text(&record);
        assert!(incomplete.contains("tests=\"5\" failures=\"1\" errors=\"2\" skipped=\"1\""));
        assert!(incomplete.contains("<error type=\"incomplete\" message=\"killed\"/>"));
    }
}
