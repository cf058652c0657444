//! What the published architecture gets wrong holds here.

use std::collections::BTreeSet;
use std::slice::from_ref;

use ringfence::attacks::{Choice, Part, Suite, Verdict, campaign};
use ringfence::progress::Progress;

use crate::stack::{root, with_stack};

/// `docs/findings.md` names the probes that hold in the corrected Layer 1.
#[test]
fn each_finding_has_probes_that_hold_in_the_corrected_layer1() {
    let page = std::fs::read_to_string(root().join("docs/findings.md")).unwrap();
    let lines: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("- Holds here as ")).collect();
    assert_eq!(lines.len(), 22, "a list for each finding");
    let named: BTreeSet<&str> =
        lines.iter().flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let attacks: BTreeSet<String> =
            campaign::ids(from_ref(&suite)).unwrap().into_iter().collect();
        let chosen: Vec<String> =
            named.iter().filter(|id| attacks.contains(**id)).map(|id| (*id).to_owned()).collect();
        let mut findings =
            campaign::run(from_ref(&suite), &Choice::of(&chosen), &Progress::silent())
                .await
                .unwrap();
        for part in [Part::Deployments, Part::Policies] {
            findings.extend(suite.run(part).await.unwrap());
        }
        let held: BTreeSet<&str> = findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Held)
            .map(|finding| finding.id.as_str())
            .collect();
        let missing: Vec<&&str> = named.difference(&held).collect();
        assert!(missing.is_empty(), "not held: {missing:?}");
    });
}
