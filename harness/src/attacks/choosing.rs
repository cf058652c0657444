//! Choosing between the approaches: what each costs and risks, measured.
//! `docs/choosing.md` says how each number is measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ringfence_evidence::{MutantVerdict, Mutations};

use super::escalations::PATHS;
use super::facts::DeployerFacts;
use super::finding::{Finding, Verdict};
use super::reach::Reach;
use crate::config::{Config, Job};
use crate::stack::Judged;
use crate::terraform::Instance;

/// What was measured of a deployer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The deployer.
    pub name: String,
    /// Its job.
    pub job: Job,
    /// What its team changes without the platform.
    pub changes: Vec<&'static str>,
    /// Layer 1's resources for its service.
    pub platform_resources: usize,
    /// Fields that the platform fills in for it.
    pub fields: usize,
    /// Resources that its team declares and keeps.
    pub team_resources: usize,
    /// Actions that stolen credentials reach, and those that change something.
    pub reach: (usize, usize),
    /// What else might let them reach more, and is not decided.
    pub undecided: usize,
    /// Services among these.
    pub services: usize,
    /// Known escalation paths that were refused, and tried.
    pub paths: (usize, usize),
    /// Attacks that held, and all of them.
    pub held: (usize, usize),
    /// Mutants killed, and all that were run, where they were.
    pub mutants: Option<(usize, usize)>,
}

/// What a team may change by itself, by the action that shows it.
const CHANGES: [(&str, &str); 6] = [
    ("lambda:UpdateFunctionCode", "code"),
    ("lambda:UpdateFunctionConfiguration", "configuration"),
    ("lambda:CreateFunction", "functions"),
    ("iam:CreateRole", "roles"),
    ("apigateway:POST", "routes"),
    ("cloudformation:CreateChangeSet", "stacks"),
];

impl Measured {
    /// Measures a deployer. `team_resources` is what its team's stack holds.
    pub fn of(
        (deployer, account): (&DeployerFacts, &Judged),
        instances: &[Instance],
        team_resources: usize,
        reach: &Reach,
        findings: &[Finding],
        mutations: Option<&Mutations>,
    ) -> Self {
        let name = account.scoped(&deployer.name);
        let own = || findings.iter().filter(|finding| finding.identity == name);
        let held = |finding: &&Finding| finding.verdict == Verdict::Held;
        let paths = || own().filter(|finding| finding.guard_rail == PATHS);
        Self {
            name: name.clone(),
            job: deployer.job,
            changes: CHANGES
                .iter()
                .filter(|(action, _)| reach.rows.iter().any(|row| row.action == *action))
                .map(|(_, what)| *what)
                .collect(),
            platform_resources: instances
                .iter()
                .filter(|instance| instance.is_of(&deployer.app))
                .count(),
            fields: fields(account.config(), &deployer.app),
            team_resources,
            reach: (reach.actions(), reach.changing()),
            undecided: reach.undecided.len(),
            services: reach.by_service().len(),
            paths: (paths().filter(held).count(), paths().count()),
            held: (own().filter(held).count(), own().count()),
            mutants: mutations.map(|mutations| noticed((deployer, account), mutations)),
        }
    }
}

/// How many weakened documents of a deployer were noticed, of those that can
/// be told from the original.
fn noticed(
    (deployer, account): (&DeployerFacts, &Judged),
    mutations: &Mutations,
) -> (usize, usize) {
    let own = format!("{}/", deployer.entry());
    let own = mutations.mutants.iter().filter(|mutant| {
        let Some(document) = account.own(&mutant.guard_rail_document) else { return false };
        let managed = document.strip_prefix("policy/");
        document.starts_with(&own)
            || managed.is_some_and(|arn| deployer.policies.iter().any(|own| own == arn))
    });
    let verdicts: Vec<MutantVerdict> = own.map(|mutant| mutant.verdict).collect();
    let of = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    (of(MutantVerdict::Killed), verdicts.len() - of(MutantVerdict::Equivalent))
}

/// The fields of Layer 1's variables that are about an app.
fn fields(config: &Config, app: &str) -> usize {
    let variables = config.layer1.iter().flat_map(|layer1| layer1.variables.values());
    let services = variables.filter_map(toml::Value::as_table);
    let own = services.filter_map(|services| services.get(app)).filter_map(toml::Value::as_table);
    own.map(toml::Table::len).sum()
}

/// The comparison as a table: a column a deployer.
pub fn table(measured: &[Measured]) -> String {
    let of = |counts: (usize, usize)| format!("{} of {}", counts.0, counts.1);
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    let mut add = |head, cell: &dyn Fn(&Measured) -> String| {
        rows.push((head, measured.iter().map(cell).collect()));
    };
    add("", &|one| one.name.clone());
    add("approach", &|one| {
        match one.job {
            Job::Stack => "A, stack",
            Job::Code => "B, code",
            Job::Configuration => "hybrid",
        }
        .to_owned()
    });
    add("self-service: its team changes", &|one| one.changes.join(", "));
    add("onboarding: fields the platform fills in", &|one| one.fields.to_string());
    add("onboarding: resources the team declares", &|one| one.team_resources.to_string());
    add("toil: Layer 1's resources for the service", &|one| one.platform_resources.to_string());
    add("escalation: known paths refused", &|one| of(one.paths));
    add("blast radius: actions of a stolen session", &|one| {
        let open = match one.undecided {
            0 => String::new(),
            open => format!(", {open} undecided"),
        };
        format!("{}, {} change something{open}", one.reach.0, one.reach.1)
    });
    add("blast radius: services", &|one| one.services.to_string());
    add("attacks held", &|one| of(one.held));
    add("mutants killed", &|one| one.mutants.map_or_else(|| "not run here".to_owned(), of));
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for (head, cells) in &rows {
        let all = std::iter::once(*head).chain(cells.iter().map(String::as_str));
        for (place, cell) in all.enumerate() {
            let width = widths.entry(place).or_default();
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for (head, cells) in &rows {
        let all = std::iter::once(*head).chain(cells.iter().map(String::as_str));
        let mut line = String::new();
        for (place, cell) in all.enumerate() {
            let width = widths.get(&place).copied().unwrap_or_default();
            // Writing to a text does not fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &str, job: Job) -> Measured {
        Measured {
            name: name.into(),
            job,
            changes: vec!["code"],
            platform_resources: 12,
            fields: 6,
            team_resources: 0,
            reach: (9, 3),
            undecided: 0,
            services: 2,
            paths: (65, 65),
            held: (200, 201),
            mutants: None,
        }
    }

    #[test]
    fn the_table_has_a_column_a_deployer() {
        let low = Measured { undecided: 1, ..measured("low", Job::Code) };
        let text = table(&[measured("high", Job::Stack), low]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].trim_start().starts_with("high"), "{text}");
        assert!(lines[0].ends_with("low"), "{text}");
        let radius = lines.iter().find(|line| line.starts_with("blast radius: actions")).unwrap();
        assert!(radius.contains("9, 3 change something  "), "{text}");
        assert!(radius.ends_with("9, 3 change something, 1 undecided"), "{text}");
        assert!(text.contains("200 of 201"), "{text}");
        assert!(text.contains("not run here"), "{text}");
    }
}
