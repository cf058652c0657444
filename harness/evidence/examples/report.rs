//! Writes the report of a made-up run of any size, or of a real one, and says
//! what that cost:
//!
//! ```text
//! cargo run --release -p ringfence-evidence --example report -- 5000 report.html
//! cargo run --release -p ringfence-evidence --example report -- run.json report.html
//! cargo run --release -p ringfence-evidence --example report -- 5000 bundle/
//! ```
//!
//! With a directory in the report's place, every form is written there.
//!
//! The made-up run has services, deployers and attacks as a large estate would,
//! a few failures and every verdict there is. It is for measuring and for
//! looking at; nothing in it happened.
#![allow(clippy::print_stdout, reason = "an example talks to whoever ran it")]

use std::path::Path;
use std::time::{Duration, Instant};

use ringfence_evidence::bundle::{self, Surroundings};
use ringfence_evidence::controls::Catalogue;
use ringfence_evidence::{
    Allowed, Companion, Companions, Decider, Input, KeyValue, Mutant, MutantVerdict,
    MutationSummary, Mutations, Phase, Probe, Provenance, Reach, ReachRow, RunRecord, RunStatus,
    SCHEMA_VERSION, Scope, Summary, Upstream, Verdict, html,
};

const ACCOUNT: &str = "123456789012";

/// An attack: guard rail, road, name, what is claimed, action, resource below
/// the service.
const ATTACKS: [(&str, &str, &str, &str, &str, &str); 20] = [
    (
        "no call without a valid token",
        "http",
        "expired-token",
        "cannot call the API with an expired token",
        "execute-api:Invoke",
        "route",
    ),
    (
        "no call without one of the route's scopes",
        "http",
        "other-scope",
        "cannot call the API with a token of other scopes",
        "execute-api:Invoke",
        "route",
    ),
    (
        "every route is behind the authorizer",
        "api",
        "open-route",
        "cannot create a route without authorization",
        "apigateway:POST",
        "routes",
    ),
    (
        "the API, its stage and its authorizer are the platform's",
        "api",
        "authorizer-changed",
        "cannot change the authorizer's issuer",
        "apigateway:PATCH",
        "authorizers/x1",
    ),
    (
        "the platform's routes lead where the platform says",
        "api",
        "route-moved",
        "cannot lead a platform's route elsewhere",
        "apigateway:PATCH",
        "routes/r1",
    ),
    (
        "functions are reached through the API alone",
        "api",
        "function-url",
        "cannot make a function URL",
        "lambda:CreateFunctionUrlConfig",
        "function",
    ),
    (
        "every execution role carries the boundary",
        "api",
        "role-without-boundary",
        "cannot create a role without the boundary",
        "iam:CreateRole",
        "role",
    ),
    (
        "every execution role carries the boundary",
        "cloudformation",
        "role-without-boundary",
        "cannot create a role without the boundary",
        "iam:CreateRole",
        "role",
    ),
    (
        "no boundary is removed or replaced",
        "api",
        "boundary-removed",
        "cannot remove a boundary",
        "iam:DeleteRolePermissionsBoundary",
        "role",
    ),
    (
        "the boundary caps running code",
        "function",
        "user-created",
        "cannot create a user from inside a function",
        "iam:CreateUser",
        "user",
    ),
    (
        "only a team's own roles run its functions",
        "cloudformation",
        "foreign-role-passed",
        "cannot run code as another team's role",
        "iam:PassRole",
        "role",
    ),
    (
        "identities are the platform's",
        "api",
        "user-created",
        "cannot create a user",
        "iam:CreateUser",
        "user",
    ),
    (
        "a team's functions are its own",
        "api",
        "foreign-code",
        "cannot change another team's code",
        "lambda:UpdateFunctionCode",
        "function",
    ),
    (
        "a team's stacks are its own",
        "api",
        "foreign-stack",
        "cannot delete another team's stack",
        "cloudformation:DeleteStack",
        "stack",
    ),
    (
        "a team's artifacts are its own",
        "api",
        "foreign-artifact",
        "cannot read another team's artifacts",
        "s3:GetObject",
        "bucket",
    ),
    (
        "what the platform publishes is the platform's",
        "api",
        "parameter-changed",
        "cannot change what the platform publishes",
        "ssm:PutParameter",
        "parameter",
    ),
    (
        "functions stay in the platform's network",
        "api",
        "vpc-left",
        "cannot take its function out of the network",
        "lambda:UpdateFunctionConfiguration",
        "function",
    ),
    (
        "the network is the platform's",
        "api",
        "egress-opened",
        "cannot widen where functions connect to",
        "ec2:AuthorizeSecurityGroupEgress",
        "security-group",
    ),
    (
        "only its own workflow becomes a deployer",
        "oidc",
        "other-branch",
        "is not assumed from another branch",
        "sts:AssumeRoleWithWebIdentity",
        "role",
    ),
    (
        "the issuer's keys rotate",
        "http",
        "retired-key",
        "cannot call the API with a token of a retired key",
        "execute-api:Invoke",
        "route",
    ),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(what), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("usage: report NUMBER-OF-PROBES|RUN.JSON REPORT.HTML [PREVIOUS.JSON]".into());
    };
    let record = match what.parse() {
        Ok(probes) => made_up(probes),
        Err(_) => RunRecord::read(Path::new(&what))?,
    };
    let previous = match arguments.next() {
        Some(path) => Some(RunRecord::read(Path::new(&path))?),
        None => what.parse::<usize>().is_ok().then(|| before(&record)),
    };
    let resident = peak();
    let start = Instant::now();
    let catalogue = Catalogue::builtin()?;
    if to.ends_with('/') {
        let surroundings = Surroundings { previous: previous.as_ref(), inputs: None };
        let forms = bundle::render(&record, &catalogue, &surroundings)?;
        let (took, bytes) = (start.elapsed(), forms.iter().map(|(_, bytes)| bytes.len()).sum());
        told("forms", &record, took, bytes, resident);
        for (name, bytes) in forms {
            bundle::put(&Path::new(&to).join(name), &bytes)?;
        }
        return Ok(());
    }
    let mut page = Vec::new();
    html::write(&record, &catalogue, previous.as_ref(), &mut page)?;
    let took = start.elapsed();
    told("HTML", &record, took, page.len(), resident);
    std::fs::write(to, page)?;
    Ok(())
}

fn told(what: &str, record: &RunRecord, took: Duration, bytes: usize, resident: u64) {
    println!(
        "{} probes: {:.0} ms, {:.1} MB of {what}; peak memory {} MB before rendering, {} MB after",
        record.probes.len(),
        took.as_secs_f64() * 1000.0,
        bytes as f64 / 1e6,
        resident,
        peak()
    );
}

/// The process's highest resident memory in MB, as Linux counts it.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

/// The same run with one probe fewer and one verdict otherwise.
fn before(record: &RunRecord) -> RunRecord {
    let mut previous = record.clone();
    previous.run_id = "7f0a0b51-61d5-4f0c-8b0f-8d6f33b0a001".to_owned();
    previous.started = "2026-11-21T02:00:01Z".to_owned();
    previous.probes.pop();
    for probe in previous.probes.iter_mut().filter(|probe| probe.verdict == Verdict::Failed) {
        probe.verdict = Verdict::Held;
    }
    previous.summary = Summary::of(&previous.probes);
    for input in previous.inputs.iter_mut().take(1) {
        input.sha256 = "0".repeat(64);
    }
    previous
}

fn made_up(count: usize) -> RunRecord {
    let probes: Vec<Probe> = (0..count).map(probe).collect();
    let mutants: Vec<Mutant> = (0..count / 10).map(mutant).collect();
    RunRecord {
        schema_version: SCHEMA_VERSION,
        run_id: "2b1d9a3e-5f0e-4f53-9d14-0a64fb8d1c77".to_owned(),
        status: RunStatus::Complete {},
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: "2026-11-22T02:00:01Z".to_owned(),
        ended: Some("2026-11-22T02:03:44Z".to_owned()),
        duration_ms: 223_120,
        configuration: "ringfence.toml".to_owned(),
        account_id: ACCOUNT.to_owned(),
        accounts: Vec::new(),
        region: "us-east-1".to_owned(),
        upstream: Upstream {
            backend: "localstack".to_owned(),
            product: "LocalStack".to_owned(),
            version: Some("4.14.0".to_owned()),
            image: Some("localstack/localstack:4.14.0".to_owned()),
            digest: Some(format!("sha256:{}", "3c".repeat(32))),
            chosen_because: Some("a Docker engine answers and the image is there".to_owned()),
        },
        tools: [("terraform", "1.11.4"), ("python", "3.12.3"), ("aws-sam-cli", "1.170.0")]
            .map(|(tool, version)| (tool.to_owned(), version.to_owned()))
            .into(),
        phases: [("upstream", 4100), ("terraform apply", 21_300), ("attack", 180_400)]
            .map(|(name, duration_ms)| Phase { name: name.to_owned(), duration_ms })
            .into(),
        deviations: vec!["service-003: Python 3.11.7 stands in for 3.12".to_owned()],
        provenance: Provenance {
            actor: "octocat".to_owned(),
            commit: Some("c29da23f4e1b0a9d8c7b6a5f4e3d2c1b0a9f8e7d".to_owned()),
            tree_clean: Some(true),
            binary_sha256: "9f".repeat(32),
            command: ["ringfence", "verify", "--config", "estate/ring fence.toml"]
                .map(str::to_owned)
                .into(),
            platform: "linux x86_64".to_owned(),
            ci: [("GITHUB_RUN_ID", "8841"), ("GITHUB_WORKFLOW", "nightly")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            previous_manifest_sha256: Some("5a".repeat(32)),
            signing_key: None,
        },
        inputs: (0..12)
            .map(|number| Input {
                path: format!("sam-apps/service-{number:03}/template.yaml"),
                kind: "template".to_owned(),
                sha256: format!("{number:02x}").repeat(32),
            })
            .collect(),
        summary: Summary::of(&probes),
        probes,
        mutations: Some(Mutations {
            summary: MutationSummary::of(&mutants),
            duration_ms: 8410,
            mutants,
        }),
        reach: (0..3).map(reach).collect(),
        isolation: None,
        proofs: Vec::new(),
        certificates_sha256: None,
        part: None,
        shares: Vec::new(),
        calibration: None,
        stale: Vec::new(),
        readings: Vec::new(),
    }
}

fn probe(number: usize) -> Probe {
    let attack = ATTACKS.iter().cycle().nth(number % ATTACKS.len());
    let (guard_rail, road, name, title, action, below) =
        attack.copied().unwrap_or(("", "", "", "", "", ""));
    let service = number / ATTACKS.len();
    let identity = if road == "http" {
        "client".to_owned()
    } else {
        format!(
            "{}-{:03}",
            ["high-perm", "low-perm", "hybrid"]
                .iter()
                .cycle()
                .nth(service % 3)
                .unwrap_or(&"hybrid"),
            service
        )
    };
    let verdict = match number {
        37 | 418 => Verdict::Failed,
        59 | 777 | 1503 => Verdict::Inconclusive,
        n if n % 997 == 13 => Verdict::NotRun,
        _ => Verdict::Held,
    };
    let resource = format!("arn:aws:iam::{ACCOUNT}:{below}/app-service-{service:03}-{name}");
    let who = format!(
        "arn:aws:sts::{ACCOUNT}:assumed-role/GitHubActionsDeployer-service-{service:03}/ringfence"
    );
    let refused = if road == "http" {
        r#"401 {"message":"Unauthorized"}"#.to_owned()
    } else {
        format!(
            "403 AccessDenied: User: {who} is not authorized to perform: {action} on resource: {resource} with an explicit deny in a permissions boundary"
        )
    };
    let shown = |detail: String| Some(Companion { shown: true, detail });
    let statement = format!(
        r#"{{"Sid":"NoEscalation{service}","Effect":"Deny","Action":["iam:CreateUser","iam:Delete*Boundary","{action}"],"Resource":["arn:aws:iam::{ACCOUNT}:*","arn:aws:iam::{ACCOUNT}:{below}/app-service-{service:03}-*"],"Condition":{{"StringNotEquals":{{"iam:PermissionsBoundary":"arn:aws:iam::{ACCOUNT}:policy/platform/lambda-boundary"}}}}}}"#
    );
    Probe {
        id: format!("{identity}/service-{service:03}/{name}/{road}"),
        guard_rail: guard_rail.to_owned(),
        identity: identity.clone(),
        road: road.to_owned(),
        scope: if number % 11 == 5 { Scope::Decided } else { Scope::Executed },
        title: format!("{identity} {title} of service-{service:03}"),
        expected: refused.clone(),
        observed: match verdict {
            Verdict::Failed => {
                "it was allowed: 200, the role was created without a boundary".to_owned()
            }
            Verdict::NotRun | Verdict::NotApplicable => String::new(),
            Verdict::Accepted | Verdict::Held | Verdict::Inconclusive => refused,
        },
        verdict,
        reason: match verdict {
            Verdict::Inconclusive => Some(
                "the mutant is not shown: the call stays refused by the identity policy".to_owned(),
            ),
            Verdict::NotRun => Some("no route of service leads there".to_owned()),
            Verdict::NotApplicable => Some("the estate has no such service".to_owned()),
            Verdict::Held | Verdict::Failed | Verdict::Accepted => None,
        },
        companions: if verdict == Verdict::NotRun {
            Companions::default()
        } else {
            Companions {
            twin: shown(format!("{action} with the boundary on app-service-{service:03}-twin succeeded: 200")),
            canary: shown(format!("a role without policies was refused: no identity-based policy allows the {action} action")),
            mutant: (verdict != Verdict::Inconclusive).then(|| Companion {
                shown: true,
                detail: format!("policy/platform/deployer-boundary without statement NoEscalation{service}: allowed"),
            }),
        }
        },
        decided_by: if road == "http" || verdict == Verdict::NotRun {
            Vec::new()
        } else {
            vec![Decider {
                action: action.to_owned(),
                resource,
                outcome: "explicit_deny".to_owned(),
                layer: "boundary".to_owned(),
                policy: Some(format!(
                    "policy/arn:aws:iam::{ACCOUNT}:policy/platform/deployer-boundary"
                )),
                sid: Some(format!("NoEscalation{service}")),
                index: Some(4),
                text: Some(statement),
                explanation: format!(
                    "denied: statement 4 of the boundary denies {action}; it applies because iam:PermissionsBoundary is not in the request"
                ),
            }]
        },
        duration_us: 900 + (number as u64 * 7919) % 40_000,
        request_ids: if road == "http" {
            Vec::new()
        } else {
            vec![
                format!("{:08x}-0be0-4b88-beec-492defd18f1e", number * 2),
                format!("{:08x}-0be0-4b88-beec-492defd18f1e", number * 2 + 1),
            ]
        },
        accepted: None,
    }
}

fn mutant(number: usize) -> Mutant {
    let verdict = match number {
        12 => MutantVerdict::Survived,
        n if n % 40 == 7 => MutantVerdict::Equivalent,
        n if n % 90 == 11 => MutantVerdict::NotRun,
        _ => MutantVerdict::Killed,
    };
    let document = format!("role/GitHubActionsDeployer-service-{:03}/inline/deploy", number / 20);
    Mutant {
        id: format!("{document}/{number}"),
        guard_rail_document: document,
        kind: "statement-dropped".to_owned(),
        statement: Some(format!("NoEscalation{number}")),
        change: format!("statement NoEscalation{number} is gone"),
        verdict,
        reason: match verdict {
            MutantVerdict::Equivalent => Some("another statement says the same".to_owned()),
            MutantVerdict::NotRun => Some("time was up".to_owned()),
            MutantVerdict::Killed | MutantVerdict::Survived => None,
        },
        killed_by: if verdict == MutantVerdict::Killed {
            vec![probe(number).id, probe(number + 20).id]
        } else {
            Vec::new()
        },
        duration_us: 41,
    }
}

fn reach(number: usize) -> Reach {
    let identity = ["high-perm", "low-perm", "hybrid"].iter().cycle().nth(number).unwrap_or(&"");
    Reach {
        identity: (*identity).to_owned(),
        rows: (0..20 * (number + 1))
            .map(|row| {
                let context =
                    [("aws:RequestedRegion".to_owned(), KeyValue::One("us-east-1".to_owned()))];
                ReachRow::Decided(Allowed {
                    action: format!("lambda:Action{row}"),
                    resource: format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:app-service-a-"),
                    context: context.into_iter().filter(|_| row % 3 == 0).collect(),
                    allowed_by: vec!["statement ManageFunctions of `deploy`".to_owned()],
                    with: None,
                })
            })
            .collect(),
        undecided: Vec::new(),
        actions: 1680,
    }
}
