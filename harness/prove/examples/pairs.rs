//! Compares pairs of policies and says how long each took: lines of `ringfence compare`
//! in, one line of JSON out. What is timed is the comparison alone, the best of three, in
//! processor time where the system tells. `scripts/compare-z3.sh` puts it beside a solver.

use std::io::{self, BufRead as _, Write as _};
use std::time::{Duration, Instant};

use ringfence_policy::jsonl::{Decider, principal};
use ringfence_prove::jsonl::Shown;
use ringfence_prove::{Question, Universe, Verdict, within};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Processor time is counted by the system's clock ticks: shorter than a few of these,
/// the time of day is closer.
const TICKS: Duration = Duration::from_millis(20);

/// The processor time of this thread.
fn used() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[derive(Deserialize)]
struct Line<'l> {
    id: Value,
    #[serde(borrow)]
    a: &'l RawValue,
    #[serde(borrow)]
    b: &'l RawValue,
    #[serde(default)]
    principal: Option<String>,
    #[serde(default)]
    universe: Option<Universe>,
}

fn compared(text: &str) -> Result<Value, String> {
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut decider = Decider::default();
    let inner = decider.policies_of(line.a.get(), false)?;
    let outer = decider.policies_of(line.b.get(), false)?;
    let principal = line.principal.as_deref().map(principal).transpose()?;
    let question = Question {
        inner: &inner,
        outer: &outer,
        principal: principal.as_ref(),
        universe: line.universe.unwrap_or(Universe::All),
    };
    let mut best = Duration::MAX;
    let mut verdict = Verdict::Proved;
    for _ in 0..3 {
        let (before, start) = (used(), Instant::now());
        verdict = within(&question).map_err(|error| error.to_string())?;
        let took = start.elapsed();
        let of_processor = before.zip(used()).map(|(before, now)| now.saturating_sub(before));
        best = best.min(of_processor.filter(|_| took > TICKS).unwrap_or(took));
    }
    let (word, witness, reason) = match &verdict {
        Verdict::Proved => ("proved", None, None),
        Verdict::Violated(witness) => ("violated", Some(Shown::of(witness)), None),
        Verdict::Undecided(reason) => ("undecided", None, Some(reason)),
    };
    let ms = best.as_secs_f64() * 1e3;
    Ok(json!({"id": line.id, "verdict": word, "ms": ms, "witness": witness, "reason": reason}))
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let told = compared(&line?).unwrap_or_else(|error| json!({"error": error}));
        writeln!(out, "{told}")?;
    }
    Ok(())
}
