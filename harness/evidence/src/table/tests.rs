use super::*;
use crate::fixtures::record;

fn brief(record: &RunRecord) -> String {
    told(record, false, &Places::default())
}

fn told(record: &RunRecord, every_probe: bool, places: &Places) -> String {
    let again = |probe: &Probe| (probe.id != "d").then(|| format!("attack {}", probe.id));
    table(record, &Told { every_probe, places, again: &again })
}

#[test]
fn an_unisolated_run_says_so_and_an_isolated_one_does_not() {
    let mut record = record();
    assert!(!brief(&record).contains("UNISOLATED"));
    record.isolation.as_mut().unwrap().unisolated = Some("nothing works here".to_owned());
    let text = brief(&record);
    let line =
        "UNISOLATED, so that code under test could have changed anything: nothing works here";
    assert_eq!(text.lines().last(), Some(line));
}

#[test]
fn what_the_simulator_said_stands_below_the_counts() {
    let mut record = record();
    let before = brief(&record);
    record.calibration = Some(crate::fixtures::calibration());
    let after = brief(&record);
    let more: Vec<&str> = after.strip_prefix(&before).unwrap().lines().collect();
    assert_eq!(
        more,
        [
            "4,120 of 4,120 decisions agree with AWS's policy simulator in account 111122223333",
            "of 3,871 with statements on both sides, 3,870 share one",
            "left out: 212: a trust policy decides",
            "not judged: 3: InvalidInput",
        ]
    );
}

#[test]
fn what_is_left_open_has_its_cause_its_place_and_its_command() {
    let inputs = [("iam.tf".to_owned(), "\n  sid = \"RolesCarryTheBoundary\"\n".to_owned())];
    let places = Places::of(&inputs.into());
    let text = told(&record(), false, &places);
    let decided = "implicit deny of iam:CreateRole on arn:aws:iam::123456789012:role/app-service-a-x: \
                   statement `RolesCarryTheBoundary` of `role/deployer/inline/deploy` (identity)";
    let observed = "200 ".repeat(40);
    let paragraph = |word: &str, id: &str, observed: &str, more: &[&str]| {
        let mut text = format!("{word:<14}title of {id}\n");
        let told = ["expected  AccessDenied, 403".to_owned(), format!("observed  {observed}")];
        let reasons = more.iter().filter(|line| line.starts_with("because")).copied();
        let rest = more.iter().filter(|line| !line.starts_with("because")).copied();
        let decided = format!("decided   {decided}");
        let lines = told.iter().map(String::as_str).chain(reasons);
        for line in lines.chain([decided.as_str(), "see       iam.tf:2"]).chain(rest) {
            text.push_str(&format!("              {line}\n"));
        }
        text
    };
    let expected = [
        paragraph("FAILED", "b", observed.trim_end(), &["again     attack b"]),
        paragraph(
            "INCONCLUSIVE",
            "c",
            "AccessDenied, 403",
            &["because   reason of c", "again     attack c"],
        ),
        paragraph("not run", "d", "nothing", &["because   reason of d"]),
    ]
    .concat();
    assert!(text.starts_with(&format!("{expected}\nFAILED  every")), "{text}");
    assert!(!text.contains("title of a"), "{text}");
}

#[test]
fn every_probe_is_shown_where_it_is_asked_for_and_what_failed_is_never_cut() {
    let text = told(&record(), true, &Places::default());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0].split_whitespace().next(), Some("probe"));
    assert!(lines[2].starts_with("held          title of a  AccessDenied, 403"), "{text}");
    assert!(lines[3].contains(&"200 ".repeat(40)), "{text}");
    assert!(lines[4].starts_with("INCONCLUSIVE"), "{text}");
    assert!(lines[5].starts_with("not run"), "{text}");
    assert_eq!(lines[7], "FAILED        title of b");
}

#[test]
fn the_counts_and_the_longest_phases_stand_at_the_end() {
    let mut record = record();
    record.phases = [("terraform apply", 21_831), ("upstream", 499), ("attack", 34_896)]
        .map(|(name, duration_ms)| crate::Phase { name: name.to_owned(), duration_ms })
        .to_vec();
    let text = brief(&record);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[lines.len() - 7..],
        [
            "FAILED  every execution role carries the boundary  1 of 4, proved for all requests",
            "",
            "4 probes: 1 held, 1 failed, 1 inconclusive, 1 not run, in 12.3 s on moto server 5.2.5",
            "1 guard rails for all requests: 1 proved, 0 violated, 0 undecided",
            "UNNOTICED   m-2: the statement is gone",
            "2 guard rails weakened: 1 noticed, 1 unnoticed, 0 equivalent, 0 not run, in 0.0 s",
            "longest: attack 34.9 s, terraform apply 21.8 s",
        ]
    );
}

/// What no attack found.
#[test]
fn what_gets_past_a_guard_rail_is_told_beside_its_attacks() {
    let mut record = record();
    record.proofs[0].verdict = crate::ProofVerdict::Violated;
    record.proofs[0].told = vec!["role/d: `s3:GetObject` on `*` is allowed by p".to_owned()];
    let text = brief(&record);
    let rail = "every execution role carries the boundary";
    assert!(text.contains(&format!("{rail}  1 of 4, VIOLATED by another request\n")), "{text}");
    let told = format!("VIOLATED    {rail}: role/d: `s3:GetObject` on `*` is allowed by p\n");
    assert!(text.contains(&told), "{text}");
    record.proofs[0].verdict = crate::ProofVerdict::Undecided;
    let text = brief(&record);
    assert!(text.contains(&format!("{rail}  1 of 4, undecided for all requests\n")), "{text}");
    assert!(text.contains(&format!("undecided   {rail}: role/d")), "{text}");
}

/// The claims about who becomes a deployer say less than the attacks try.
#[test]
fn of_whom_something_is_proved_stands_in_its_line() {
    let mut record = record();
    let rail = "only its own workflow becomes a deployer";
    for probe in &mut record.probes {
        probe.guard_rail = rail.to_owned();
    }
    record.proofs[0].guard_rail = rail.to_owned();
    let text = brief(&record);
    let line = format!(
        "FAILED  {rail}  1 of 4, proved for all requests of other repositories and teams\n"
    );
    assert!(text.contains(&line), "{text}");
}

#[test]
fn what_is_accepted_names_who_and_until_when_and_counts_as_no_failure() {
    let mut record = record();
    record.probes = vec![
        crate::fixtures::probe("a", Verdict::Held, "AccessDenied, 403"),
        crate::fixtures::accepted("b", Verdict::Failed, "200"),
    ];
    record.summary = crate::Summary::of(&record.probes);
    record.stale.push("ringfence.toml:9: finding `f` was accepted until 2026-01-01".to_owned());
    let text = brief(&record);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "accepted      title of b");
    let accepted = "              accepted  failed; accepted by platform until 2027-03-31: the old | API \
                    goes in March (ringfence.toml:12)";
    assert!(lines.contains(&accepted), "{text}");
    assert!(
        lines.contains(&"accept. every execution role carries the boundary  1 of 2, 1 accepted, proved for all requests"),
        "{text}"
    );
    assert!(text.contains("2 probes: 1 held, 0 failed, 0 inconclusive, 0 not run, 1 accepted, in"));
    let stale = "ACCEPTED IN VAIN: ringfence.toml:9: finding `f` was accepted until 2026-01-01";
    assert_eq!(lines.last(), Some(&stale));
}

/// No packet is sent, so that no probe has the guard rail.
#[test]
fn a_guard_rail_of_packets_stands_by_itself() {
    let mut record = record();
    let rail = "nothing from the internet reaches a function";
    let mut with = |verdict| {
        record.proofs.truncate(1);
        record.proofs.push(crate::fixtures::of_packets(rail, verdict));
        if verdict == crate::ProofVerdict::Violated {
            record.proofs[1].told = vec!["f in s: 1.0.0.0 enters by g".to_owned()];
        }
        brief(&record)
    };
    let text = with(crate::ProofVerdict::Proved);
    assert!(text.contains(&format!("\nheld    {rail}  proved for all packets\n")), "{text}");
    let text = with(crate::ProofVerdict::Undecided);
    assert!(text.contains(&format!("\nopen    {rail}  undecided for all packets\n")), "{text}");
    let text = with(crate::ProofVerdict::Violated);
    assert!(text.contains(&format!("\nFAILED  {rail}  VIOLATED by a packet\n")), "{text}");
    assert!(text.contains(&format!("VIOLATED    {rail}: f in s: 1.0.0.0 enters by g\n")), "{text}");
    assert!(!record.passed());
}
