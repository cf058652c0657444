//! Policies of lines seen before. Most lines that follow each other differ
//! only in what is asked, and `policies` is their last member and their bulk:
//! where a line ends as one before did, only its beginning is read.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::evaluate::Policies;

/// Ends kept; the oldest goes first.
const KEPT: usize = 16;

/// The longest end that is kept.
const LONGEST: usize = 256 << 10;

const MEMBER: &str = "\"policies\"";

/// Ends of lines with the policies that they give.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    ends: VecDeque<End>,
}

#[derive(Debug)]
struct End {
    /// From the member's name to the end of the line.
    text: Box<str>,
    /// Whether the action was one of STS: its resource's policy is a trust
    /// policy.
    sts: bool,
    policies: Policies,
}

/// All that may stand in an end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlyPolicies {
    #[serde(rename = "policies")]
    _policies: IgnoredAny,
}

impl Recent {
    /// The line without an end that is known, closed, and the policies that
    /// the end gives to an action that is one of STS or is not.
    ///
    /// Where the beginning is an object, the end stands in that object: the
    /// whole is what the line is, read in two parts.
    pub(crate) fn split<'a>(
        &'a self,
        line: &'a str,
    ) -> Option<(String, impl Fn(bool) -> Option<&'a Policies>)> {
        let known = self.ends.iter().find(|end| line.ends_with(&*end.text))?;
        let head = closed(line.strip_suffix(&*known.text)?)?;
        let length = known.text.len();
        let policies = move |sts| {
            let mut same = self.ends.iter().filter(|end| end.text.len() == length);
            let found = same.find(|end| end.sts == sts && line.ends_with(&*end.text))?;
            Some(&found.policies)
        };
        Some((head, policies))
    }

    /// Keeps the end of a line that could be read.
    pub(crate) fn keep(&mut self, line: &str, sts: bool, policies: &Policies) {
        let Some((head, text)) = line.find(MEMBER).and_then(|at| line.split_at_checked(at)) else {
            return;
        };
        let alone = || serde_json::from_str::<OnlyPolicies>(&format!("{{{text}")).is_ok();
        let beginning =
            || closed(head).is_some_and(|head| serde_json::from_str::<IgnoredAny>(&head).is_ok());
        if text.len() > LONGEST || !alone() || !beginning() {
            return;
        }
        self.ends.truncate(KEPT - 1);
        self.ends.push_front(End { text: text.into(), sts, policies: policies.clone() });
    }
}

/// The beginning of an object, up to a comma, as an object of its own.
fn closed(head: &str) -> Option<String> {
    let members = head.trim_ascii_end().strip_suffix(',')?;
    Some([members, "}"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const END: &str = r#""policies":{"identity":[]}}"#;

    fn after(line: &str) -> Recent {
        let mut recent = Recent::default();
        recent.keep(line, false, &Policies::default());
        recent
    }

    #[test]
    fn a_line_that_ends_as_another_did_is_split() {
        let recent = after(&format!(r#"{{"id":1, {END}"#));
        let line = format!(r#"{{"id":2,"a":["b"] , {END}"#);
        let (head, policies) = recent.split(&line).unwrap();
        assert_eq!(head, r#"{"id":2,"a":["b"] }"#);
        assert!(policies(false).is_some());
        assert!(policies(true).is_none());
    }

    #[rstest]
    #[case::not_the_last_member(r#"{"id":1,"policies":{},"x":1}"#)]
    #[case::the_only_member(r#"{"policies":{}}"#)]
    #[case::within_another(r#"{"id":{"a":1,"policies":{}}}"#)]
    #[case::within_a_text(r#"{"id":"\"policies\":{}"}"#)]
    #[case::twice(r#"{"id":1,"policies":{},"policies":{}}"#)]
    #[case::no_member(r#"{"id":1}"#)]
    fn only_a_last_member_is_kept(#[case] line: &str) {
        assert!(after(line).ends.is_empty());
    }

    #[test]
    fn old_ends_are_forgotten() {
        let mut recent = Recent::default();
        let line = |number: usize| format!(r#"{{"id":1,"policies":{{"boundary":[{number}]}}}}"#);
        for number in 0..=KEPT {
            recent.keep(&line(number), false, &Policies::default());
        }
        assert_eq!(recent.ends.len(), KEPT);
        assert!(recent.split(&line(0)).is_none());
        assert!(recent.split(&line(KEPT)).is_some());
    }
}
