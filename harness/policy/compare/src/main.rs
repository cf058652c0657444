//! Our engine beside others, in one run: decisions a second on Layer 1's
//! deployer policies with their boundary, and wrong verdicts on the corpus.
//! `scripts/compare.sh` runs it. `--verdicts` lists every wrong verdict,
//! `--lines FILE` compares the verdicts on lines of `ringfence decide` instead.

#![allow(clippy::unwrap_used, reason = "a measurement stops where it fails")]

mod case;
mod engines;
#[path = "../../benches/layer1/mod.rs"]
mod layer1;
mod simulate;

use std::sync::LazyLock;
use std::time::Instant;

use case::Case;
use engines::Engine;

/// Measured in each of so many rounds; the best counts.
const ROUNDS: usize = 3;
const ROUND: f64 = 0.8;

/// Decisions a second of processor time: what a core does, whoever else uses
/// the machine.
fn speed(mut decide_all: impl FnMut(), cases: usize) -> f64 {
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let (start, mut decided) = (used(), 0);
        while used() - start < ROUND {
            // Reading the clock costs as much as many decisions.
            for _ in 0..50 {
                decide_all();
            }
            decided += 50 * cases;
        }
        best = best.max(decided as f64 / (used() - start));
    }
    best
}

/// Seconds of processor time that this process has used; where the system
/// does not say, the time of day.
fn used() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let ticks = || -> Option<f64> {
        let text = std::fs::read_to_string("/proc/self/stat").ok()?;
        // After the name, which may hold anything, utime and stime are the
        // 12th and 13th: hundredths of a second.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut next = || fields.next()?.parse::<f64>().ok();
        Some((next()? + next()?) / 100.0)
    };
    ticks().unwrap_or_else(|| START.elapsed().as_secs_f64())
}

#[derive(Default)]
struct Wrong {
    allows: usize,
    denies: usize,
    accepted: usize,
    /// It says that it cannot.
    unable: usize,
    names: Vec<String>,
}

impl Wrong {
    fn count(&mut self, case: &Case, verdict: &str) {
        let expected = case.decision.as_deref();
        match (expected, verdict) {
            (None, "allow" | "implicit_deny" | "explicit_deny") => self.accepted += 1,
            (None, _) => return,
            (Some("allow"), "implicit_deny" | "explicit_deny") => self.denies += 1,
            (Some("implicit_deny" | "explicit_deny"), "allow") => self.allows += 1,
            (Some(_), "allow" | "implicit_deny" | "explicit_deny") => return,
            (Some(_), _) => self.unable += 1,
        }
        self.names.push(format!("{}: {verdict}, not {}", case.name, expected.unwrap_or("refused")));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    if let Some(file) = value("--lines") {
        return differences(file);
    }
    let corpus = case::corpus();
    let deployment: Vec<Case> =
        layer1::cases().iter().map(|one| Case::layer1(&one.line(), &one.decision)).collect();
    let mut rows = Vec::new();
    for engine in Engine::ALL {
        let mut wrong = Wrong::default();
        for case in &corpus {
            wrong.count(case, engine.prepare(case).map_or("error", |decide| decide()));
        }
        let ready: Vec<_> = deployment.iter().filter_map(|case| engine.prepare(case)).collect();
        for (case, decide) in deployment.iter().zip(&ready) {
            if engine == Engine::Ringfence {
                assert_eq!(Some(decide()), case.decision.as_deref(), "{}", case.name);
            }
        }
        let second = speed(
            || {
                for decide in &ready {
                    std::hint::black_box(decide());
                }
            },
            ready.len(),
        );
        rows.push((engine.name(), Some(second), wrong));
    }
    match simulate::run(&corpus, &deployment) {
        Ok((verdicts, second)) => {
            let mut wrong = Wrong::default();
            for (case, verdict) in corpus.iter().zip(&verdicts) {
                wrong.count(case, verdict);
            }
            rows.push(("iam-simulate 0.1.173 (Node)", second, wrong));
        }
        Err(why) => eprintln!("iam-simulate was not run: {why}"),
    }
    let refused = corpus.iter().filter(|case| case.decision.is_none()).count();
    println!(
        "{} decided cases and {refused} documents that AWS refuses; Layer 1: {} requests",
        corpus.len() - refused,
        deployment.len()
    );
    println!(
        "| engine | decisions a second and core | ours is | false allows | false denies | refused documents accepted | cannot say |"
    );
    println!("|---|---|---|---|---|---|---|");
    let ours = rows.first().and_then(|row| row.1).unwrap_or_default();
    for (name, second, wrong) in &rows {
        let second = second.unwrap_or_default();
        println!(
            "| {name} | {second:.0} | {:.1} × | {} | {} | {} | {} |",
            ours / second,
            wrong.allows,
            wrong.denies,
            wrong.accepted,
            wrong.unable
        );
    }
    if arguments.iter().any(|argument| argument == "--verdicts") {
        for (name, _, wrong) in &rows {
            wrong.names.iter().for_each(|line| println!("{name}: {line}"));
        }
    }
}

/// Our verdicts against iam-simulate's on lines of a file.
fn differences(file: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    let cases: Vec<Case> = text.lines().map(|line| Case::layer1(line, "")).collect();
    let (verdicts, _) = simulate::run(&cases, &[]).unwrap();
    let mut same = 0;
    for (case, theirs) in cases.iter().zip(&verdicts) {
        let ours = Engine::Ringfence.prepare(case).map_or("error", |decide| decide());
        match ours == theirs {
            true => same += 1,
            false => println!("ours {ours}, theirs {theirs}: {}", case.line),
        }
    }
    println!("{same} of {} the same", cases.len());
}
