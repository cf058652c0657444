//! What another engine says of the run's decisions: AWS's policy simulator, as
//! `ringfence calibrate` asks it after the run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many decisions of a run another simulator decides alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// When it was asked, RFC 3339 in UTC.
    pub asked: String,
    /// Whose simulator: `AWS's policy simulator`, or one at another endpoint.
    pub simulator: String,
    /// The account that was asked.
    pub account_id: String,
    /// Whether the account's own roles and users were asked about, and not the
    /// run's documents alone.
    pub principals: bool,
    /// The SHA-256 of the bundle's decisions, as they were asked about.
    pub decisions_sha256: String,
    /// The decisions that there were.
    pub decisions: usize,
    /// Those that the simulator judged.
    pub judged: usize,
    /// Those of the judged that it decides alike.
    pub agree: usize,
    /// Those of the agreeing where both name statements and share one.
    pub same_statement: usize,
    /// Those of the agreeing where both name statements and share none.
    pub other_statement: usize,
    /// Those that it cannot judge, by reason.
    pub left_out: BTreeMap<String, usize>,
    /// Those that it refused to judge, by its error.
    pub refused: BTreeMap<String, usize>,
    /// The policies of the account that differ from the run's, or grant less;
    /// zero where none was compared.
    pub differing_policies: usize,
}

impl Calibration {
    /// Whether every decision stands in exactly one place of the count.
    pub fn counts(&self) -> bool {
        let others = self.left_out.values().chain(self.refused.values());
        self.agree <= self.judged
            && self.same_statement + self.other_statement <= self.agree
            && others.sum::<usize>() + self.judged == self.decisions
    }

    /// Whether the simulator contradicts none, and judged some.
    pub const fn agrees(&self) -> bool {
        self.judged > 0 && self.agree == self.judged && self.differing_policies == 0
    }

    /// In a sentence.
    pub fn sentence(&self) -> String {
        format!(
            "{} of {} decisions agree with {} in account {}",
            grouped(self.agree),
            grouped(self.judged),
            self.simulator,
            self.account_id
        )
    }

    /// What the sentence leaves out, a line each.
    pub fn beside(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let named = self.same_statement + self.other_statement;
        if named > 0 {
            lines.push(format!(
                "of {} with statements on both sides, {} share one",
                grouped(named),
                grouped(self.same_statement)
            ));
        }
        if self.differing_policies > 0 {
            let many = grouped(self.differing_policies);
            lines.push(format!("policies of the account that differ from the run's: {many}"));
        }
        let count = |what: &str, of: &BTreeMap<String, usize>| -> Vec<String> {
            of.iter().map(|(why, many)| format!("{what}: {}: {why}", grouped(*many))).collect()
        };
        lines.extend(count("left out", &self.left_out));
        lines.extend(count("not judged", &self.refused));
        lines
    }
}

/// A number with its thousands apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::calibration;

    #[test]
    fn every_decision_is_counted_once() {
        let good = calibration();
        assert!(good.counts() && good.agrees());
        for change in [
            |it: &mut Calibration| it.decisions += 1,
            |it: &mut Calibration| it.agree = it.judged + 1,
            |it: &mut Calibration| it.same_statement = it.agree + 1,
            |it: &mut Calibration| it.left_out.clear(),
        ] {
            let mut bad = calibration();
            change(&mut bad);
            assert!(!bad.counts(), "{bad:?}");
        }
    }

    #[test]
    fn it_says_what_agrees_and_what_was_left_out() {
        let mut own = calibration();
        assert_eq!(
            own.sentence(),
            "4,120 of 4,120 decisions agree with AWS's policy simulator in account 111122223333"
        );
        assert_eq!(
            own.beside(),
            [
                "of 3,871 with statements on both sides, 3,870 share one",
                "left out: 212: a trust policy decides",
                "not judged: 3: InvalidInput",
            ]
        );
        own.agree -= 1;
        assert!(!own.agrees());
        let mut own = calibration();
        own.differing_policies = 2;
        assert!(!own.agrees());
        assert_eq!(own.beside()[1], "policies of the account that differ from the run's: 2");
        own.judged = 0;
        own.agree = 0;
        own.differing_policies = 0;
        assert!(!own.agrees(), "nothing judged is no agreement");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(4_120), "4,120");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
