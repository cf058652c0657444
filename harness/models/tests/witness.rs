//! What the rule tells of operations, beside what AWS's own tables say that they may
//! need (`witness/operations.txt`): the largest sets, with tags, roles and all. The
//! tables are no input of the models, but they stand on the pages of the reference
//! whose other tables are: a witness of the same author.
//! Each difference is in `witness/differences.txt`, with its reason.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test are a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ringfence_models::Service;
use ringfence_models::needs::{ByRule, Needs};

const TABLES: &str = include_str!("witness/operations.txt");
const DIFFERENCES: &str = include_str!("witness/differences.txt");

const PASS_ROLE: &str = "iam:PassRole";

/// A row of AWS's: an operation, its actions, and to which services roles go.
#[derive(Debug)]
struct Row {
    service: Service,
    operation: &'static str,
    actions: BTreeSet<String>,
    passed_to: BTreeSet<&'static str>,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut service = None;
    for line in TABLES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[') {
            let (id, _) = head.split_once(']').unwrap();
            service = Some(Service::of(id).unwrap_or_else(|| panic!("{id}")));
            continue;
        }
        let service = service.unwrap();
        match line.split_once(" = ") {
            Some((operation, actions)) => rows.push(row(service, operation, actions)),
            None => rows.extend(line.split(' ').map(|name| row(service, name, name))),
        }
    }
    rows
}

fn row(service: Service, operation: &'static str, listed: &'static str) -> Row {
    let prefix = service.iam_prefix().unwrap();
    let mut passed_to = BTreeSet::new();
    let actions = listed.split(' ').map(|action| {
        let (action, services) = action.split_once('(').unwrap_or((action, ""));
        passed_to.extend(services.trim_end_matches(')').split(',').filter(|it| !it.is_empty()));
        if action.contains(':') { action.to_owned() } else { format!("{prefix}:{action}") }
    });
    let actions = actions.collect();
    Row { service, operation, actions, passed_to }
}

/// All that a call may need.
fn largest(needs: &ByRule) -> BTreeSet<String> {
    let own = needs.permissions.iter().map(|permission| permission.action.to_string());
    own.chain((!needs.passes.is_empty()).then(|| PASS_ROLE.to_owned())).collect()
}

/// How many rows there are of each kind.
#[derive(Debug, Default)]
struct Counts {
    services: BTreeSet<&'static str>,
    rows: usize,
    same: usize,
    refused: usize,
    unknown: usize,
}

#[test]
fn the_rule_agrees_with_the_tables_of_aws() {
    let mut found = String::new();
    let mut counts = Counts::default();
    for row in rows() {
        let name = format!("{} {}", row.service, row.operation);
        let Some(operation) = row.service.operation(row.operation) else {
            counts.unknown += 1;
            writeln!(found, "{name}: not in the models").unwrap();
            continue;
        };
        let needs = match operation.needs() {
            Needs::ByRule(needs) => needs,
            Needs::Refused(_) => {
                counts.refused += 1;
                continue;
            }
            Needs::ByHand => panic!("{name} is decided by hand"),
        };
        counts.services.insert(row.service.name());
        counts.rows += 1;
        let own = largest(needs);
        let mut line = String::new();
        for more in own.difference(&row.actions) {
            write!(line, " +{more}").unwrap();
        }
        for less in row.actions.difference(&own) {
            write!(line, " -{less}").unwrap();
        }
        // Where both say to whom a role goes, they say the same.
        let to: BTreeSet<_> = needs.passes.iter().filter_map(|pass| pass.service).collect();
        if !row.passed_to.is_empty() {
            for other in to.difference(&row.passed_to) {
                write!(line, " to {other}").unwrap();
            }
        }
        match line.is_empty() {
            true => counts.same += 1,
            false => writeln!(found, "{name}:{line}").unwrap(),
        }
    }
    println!("{counts:?}");
    assert!(counts.services.len() >= 40, "{}", counts.services.len());
    let expected = DIFFERENCES.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let expected: BTreeMap<_, _> =
        expected.map(|line| line.split_once(" | ").expect("a reason")).collect();
    let found: BTreeSet<&str> = found.lines().collect();
    let listed: BTreeSet<&str> = expected.keys().copied().collect();
    let new: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert_eq!((new, gone), (Vec::new(), Vec::new()), "new differences, and those that are gone");
    // At least 98 of a hundred rows agree, or differ as another page of AWS's says.
    let explained =
        expected.values().filter(|why| why.starts_with("exception: ")).collect::<Vec<_>>();
    assert!(explained.iter().all(|why| why.contains("; https://docs.aws.amazon.com/")));
    let agree = counts.same + explained.len();
    assert!(agree * 100 >= counts.rows * 98, "{agree} of {}", counts.rows);
}
