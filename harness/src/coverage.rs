//! What the guard decides, told to people: the text of `ringfence coverage` and
//! `docs/coverage.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ringfence_guard::coverage::{self, Class};
use ringfence_wire::Service;
use serde::Serialize;

/// The services that serverless platform teams use most; `docs/coverage.md` tells
/// of each of their operations that is refused.
const FIRST: &str = "acm apigateway apigatewayv2 appconfig application-autoscaling appsync athena \
                     batch bedrock-runtime cloudformation cloudfront cloudtrail cloudwatch \
                     codebuild codepipeline cognito-identity cognito-idp config dynamodb \
                     dynamodbstreams ec2 ecr ecs efs eks elasticache elbv2 events firehose glue \
                     iam kinesis kms lambda logs opensearch organizations pipes rds rds-data \
                     resourcegroupstaggingapi route53 s3 scheduler secretsmanager \
                     servicediscovery sesv2 sns sqs ssm stepfunctions sts wafv2 xray";

/// What is told of a service.
#[derive(Debug, Serialize)]
pub struct Told {
    /// Its id.
    service: &'static str,
    /// How many operations of each class it has.
    counts: BTreeMap<&'static str, usize>,
    /// Its operations, by name.
    operations: Vec<Operation>,
}

/// What is told of an operation.
#[derive(Debug, Serialize)]
struct Operation {
    operation: &'static str,
    class: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown_keys: Vec<&'static str>,
    sources: Vec<&'static str>,
}

impl Told {
    /// What is told of a service.
    pub fn of(service: Service) -> Self {
        let covered = coverage::of(service);
        let counts = coverage::counts(&covered);
        let operation = |one: coverage::Covered| Operation {
            operation: one.operation,
            class: one.class.name(),
            reason: one.reason,
            actions: one.actions,
            unknown_keys: one.unknown_keys,
            sources: one.sources,
        };
        Self {
            service: service.name(),
            counts: counts.into_iter().map(|(class, count)| (class.name(), count)).collect(),
            operations: covered.into_iter().map(operation).collect(),
        }
    }

    fn count(&self, class: Class) -> usize {
        self.counts.get(class.name()).copied().unwrap_or_default()
    }

    fn is_first(&self) -> bool {
        FIRST.split(' ').any(|name| name == self.service)
    }
}

/// Operations by class.
struct Sum {
    operations: usize,
    counts: Vec<usize>,
}

impl Sum {
    fn of<'t>(told: impl IntoIterator<Item = &'t Told>) -> Self {
        let mut sum = Self { operations: 0, counts: vec![0; Class::ALL.len()] };
        for one in told {
            sum.operations += one.operations.len();
            for (count, class) in sum.counts.iter_mut().zip(Class::ALL) {
                *count += one.count(class);
            }
        }
        sum
    }

    /// How many per cent are decided.
    fn decided(&self) -> f64 {
        let refused = self.counts.last().copied().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "there are some thousand operations")]
        let share = |count: usize| count as f64 * 100.0 / self.operations.max(1) as f64;
        share(self.operations - refused)
    }

    fn cells(&self) -> String {
        let counts: Vec<String> = self.counts.iter().map(ToString::to_string).collect();
        format!("{} | {} | {:.1} %", self.operations, counts.join(" | "), self.decided())
    }
}

/// The text: a line a service, or an operation.
pub fn text(told: &[Told], each: bool) -> String {
    let mut out = String::new();
    let line = |out: &mut String, name: &str, cells: [String; 6]| {
        let [all, exact, by_rule, by_hand, refused, decided] = cells;
        let _ = writeln!(
            out,
            "{name:34}{all:>7}{exact:>8}{by_rule:>9}{by_hand:>9}{refused:>9}{decided:>9}"
        );
    };
    let heads = ["all", "exact", "by rule", "by hand", "refused", "decided"];
    line(&mut out, "service", heads.map(str::to_owned));
    let row = |sum: &Sum| {
        let mut counts = sum.counts.iter().map(ToString::to_string);
        let mut next = || counts.next().unwrap_or_default();
        [
            sum.operations.to_string(),
            next(),
            next(),
            next(),
            next(),
            format!("{:.1} %", sum.decided()),
        ]
    };
    for one in told {
        line(&mut out, one.service, row(&Sum::of([one])));
        if each {
            for operation in &one.operations {
                let _ = writeln!(
                    out,
                    "  {:44}{}{}",
                    operation.operation,
                    operation.class,
                    more(operation)
                );
            }
        }
    }
    if told.len() > 1 {
        let first = told.iter().filter(|one| one.is_first());
        line(&mut out, "the 54 used most", row(&Sum::of(first)));
        line(&mut out, "all", row(&Sum::of(told)));
    }
    out
}

fn more(operation: &Operation) -> String {
    match &operation.reason {
        Some(reason) => format!(": {reason}"),
        None if operation.actions.is_empty() => String::new(),
        None => {
            let unknown = match operation.unknown_keys.as_slice() {
                [] => String::new(),
                keys => format!("; unknown: {}", keys.join(", ")),
            };
            format!(": {}{unknown}", operation.actions.join(", "))
        }
    }
}

const HEAD: &str = "\
# What the guard decides

Generated: `ringfence coverage --markdown > docs/coverage.md`; a test compares. The classes are those of [models.md](models.md#what-a-call-needs). `ringfence coverage SERVICE` tells of
each operation of a service, `--json` with the sources.

";

/// `docs/coverage.md`.
pub fn markdown(told: &[Told]) -> String {
    let mut out = HEAD.to_owned();
    let head = |out: &mut String, what: &str| {
        let _ = writeln!(
            out,
            "| {what} | operations | exact | by rule | by hand | refused | decided |"
        );
        out.push_str("|---|--:|--:|--:|--:|--:|--:|\n");
    };
    head(&mut out, "");
    let first: Vec<&Told> = told.iter().filter(|one| one.is_first()).collect();
    let _ = writeln!(
        out,
        "| the {} services used most | {} |",
        first.len(),
        Sum::of(first.iter().copied()).cells()
    );
    let _ = writeln!(out, "| all {} | {} |\n", told.len(), Sum::of(told).cells());
    out.push_str("## The services used most\n\n");
    head(&mut out, "service");
    for one in &first {
        let _ = writeln!(out, "| {} | {} |", one.service, Sum::of([*one]).cells());
    }
    out.push_str("\n## What of them is refused\n\n");
    for one in &first {
        let mut reasons = BTreeMap::<&str, Vec<&str>>::new();
        for operation in &one.operations {
            if let Some(reason) = &operation.reason {
                reasons.entry(reason).or_default().push(operation.operation);
            }
        }
        if !reasons.is_empty() {
            let _ = writeln!(out, "{}:\n", one.service);
            for (reason, operations) in reasons {
                let _ = writeln!(out, "- {reason}: {}", operations.join(", "));
            }
            out.push('\n');
        }
    }
    out.push_str("## The others\n\n");
    head(&mut out, "service");
    for one in told.iter().filter(|one| !one.is_first()) {
        let _ = writeln!(out, "| {} | {} |", one.service, Sum::of([one]).cells());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What shrinks is seen: the file tells how much of each service is decided.
    #[test]
    fn the_document_tells_what_is_decided() {
        let told: Vec<Told> = Service::all().map(Told::of).collect();
        let file = include_str!("../../docs/coverage.md");
        assert!(
            markdown(&told) == file,
            "docs/coverage.md is another: `ringfence coverage --markdown > docs/coverage.md`, then \
             read the difference"
        );
    }

    #[test]
    fn every_service_used_most_is_there() {
        for name in FIRST.split(' ') {
            assert!(Service::of(name).is_some(), "{name}");
        }
        assert_eq!(FIRST.split(' ').count(), 54);
    }
}
