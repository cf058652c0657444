//! How many decisions agree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::Compared;

/// The counts of a calibration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The decisions that there were.
    pub decisions: usize,
    /// Those that AWS judged.
    pub judged: usize,
    /// Those of the judged that AWS decides alike.
    pub agree: usize,
    /// Those of the agreeing where both name statements and share one.
    pub same_statement: usize,
    /// Those of the agreeing where both name statements and share none.
    pub other_statement: usize,
    /// Those that the simulator cannot judge, by reason.
    pub left_out: BTreeMap<String, usize>,
    /// Those that it refused to judge, by its error.
    pub refused: BTreeMap<String, usize>,
}

impl Summary {
    /// Counts.
    pub fn of<'a>(compared: impl IntoIterator<Item = &'a Compared>) -> Self {
        let mut summary = Self::default();
        for compared in compared {
            summary.decisions += 1;
            match compared {
                Compared::Agrees { same_statement, .. } => {
                    summary.judged += 1;
                    summary.agree += 1;
                    match same_statement {
                        Some(true) => summary.same_statement += 1,
                        Some(false) => summary.other_statement += 1,
                        None => {}
                    }
                }
                Compared::Disagrees { .. } => summary.judged += 1,
                Compared::LeftOut { why } => {
                    *summary.left_out.entry(why.reason().to_owned()).or_default() += 1;
                }
                Compared::Refused { code, .. } => {
                    *summary.refused.entry(code.clone()).or_default() += 1;
                }
            }
        }
        summary
    }

    /// Whether AWS contradicts none, and judged some.
    pub const fn agrees(&self) -> bool {
        self.judged > 0 && self.agree == self.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Told;
    use crate::scope::LeftOut;

    fn told() -> Told {
        Told { decision: "allowed".to_owned(), statements: Vec::new(), missing: Vec::new() }
    }

    #[test]
    fn what_was_not_judged_is_counted_and_never_agrees() {
        let all = [
            Compared::Agrees { aws: told(), same_statement: Some(true) },
            Compared::LeftOut { why: LeftOut::TrustPolicy },
            Compared::Refused { code: "InvalidInput".to_owned(), message: String::new() },
        ];
        let summary = Summary::of(&all);
        assert_eq!((summary.decisions, summary.judged, summary.agree), (3, 1, 1));
        assert_eq!(summary.left_out["a trust policy decides"], 1);
        assert_eq!(summary.refused["InvalidInput"], 1);
        assert!(summary.agrees());
        assert!(!Summary::of(&all[1..]).agrees());
    }

    #[test]
    fn one_that_disagrees_is_enough() {
        let all = [
            Compared::Agrees { aws: told(), same_statement: None },
            Compared::Disagrees { aws: told() },
        ];
        assert!(!Summary::of(&all).agrees());
    }
}
