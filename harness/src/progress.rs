//! What a run says while it runs: phases with their times, and notes.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::printing::harmless_line;

/// Who listens to a run's progress.
pub trait Watch: Send + Sync {
    /// A phase begins. Phases may overlap.
    fn begin(&self, phase: &str);
    /// Something worth saying, within a phase.
    fn note(&self, phase: &str, text: &str);
    /// A phase has ended.
    fn end(&self, phase: &str, took: Duration, outcome: PhaseOutcome);
}

/// How a phase ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseOutcome {
    /// It did its work.
    Done,
    /// It was left before its end.
    Failed,
}

/// A handle to whoever listens.
#[derive(Clone)]
pub struct Progress(Arc<dyn Watch>);

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

struct Nobody;

impl Watch for Nobody {
    fn begin(&self, _: &str) {}
    fn note(&self, _: &str, _: &str) {}
    fn end(&self, _: &str, _: Duration, _: PhaseOutcome) {}
}

/// Plain lines on standard error, for logs and tests.
#[derive(Debug, Default)]
pub struct Lines;

impl Watch for Lines {
    fn begin(&self, phase: &str) {
        eprintln!("ringfence: {phase} …");
    }

    fn note(&self, phase: &str, text: &str) {
        eprintln!("ringfence: {phase}: {text}");
    }

    fn end(&self, phase: &str, took: Duration, outcome: PhaseOutcome) {
        let verb = match outcome {
            PhaseOutcome::Done => "took",
            PhaseOutcome::Failed => "failed after",
        };
        eprintln!("ringfence: {phase} {verb} {:.1} s", took.as_secs_f64());
    }
}

impl Progress {
    /// Progress that this listener hears.
    pub fn new(watch: Arc<dyn Watch>) -> Self {
        Self(watch)
    }

    /// Progress that nobody hears.
    pub fn silent() -> Self {
        Self(Arc::new(Nobody))
    }

    /// Begins a phase; it ends as failed unless [`Phase::done`] is called.
    pub fn phase(&self, name: impl Into<String>) -> Phase {
        let name = harmless_line(&name.into()).into_owned();
        self.0.begin(&name);
        Phase { progress: self.clone(), name, began: Instant::now(), outcome: PhaseOutcome::Failed }
    }
}

/// A phase that is under way.
#[derive(Debug)]
pub struct Phase {
    progress: Progress,
    name: String,
    began: Instant,
    outcome: PhaseOutcome,
}

impl Phase {
    /// Says something.
    pub fn note(&self, text: impl AsRef<str>) {
        self.progress.0.note(&self.name, &harmless_line(text.as_ref()));
    }

    /// Ends the phase and says how long it took.
    pub fn done(mut self) -> Duration {
        self.outcome = PhaseOutcome::Done;
        self.began.elapsed()
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        self.progress.0.end(&self.name, self.began.elapsed(), self.outcome);
    }
}
