//! Progress for people: a line that moves on a terminal, plain lines
//! elsewhere.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::progress::{Lines, PhaseOutcome, Progress, Watch};

/// Progress on standard error.
pub(super) fn progress() -> Progress {
    if std::io::stderr().is_terminal() {
        Progress::new(Arc::new(Moving::default()))
    } else {
        Progress::new(Arc::new(Lines))
    }
}

#[derive(Default)]
struct Moving {
    all: MultiProgress,
    bars: Mutex<HashMap<String, ProgressBar>>,
}

impl Watch for Moving {
    fn begin(&self, phase: &str) {
        let bar = self.all.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(phase.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bars.lock().unwrap_or_else(PoisonError::into_inner).insert(phase.to_owned(), bar);
    }

    fn note(&self, phase: &str, text: &str) {
        let bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = bars.get(phase) {
            bar.set_message(text.to_owned());
        }
    }

    fn end(&self, phase: &str, took: Duration, outcome: PhaseOutcome) {
        let bar = self.bars.lock().unwrap_or_else(PoisonError::into_inner).remove(phase);
        let Some(bar) = bar else { return };
        let said = bar.message();
        bar.finish_and_clear();
        let mark = match outcome {
            PhaseOutcome::Done => "✓",
            PhaseOutcome::Failed => "✗",
        };
        let line = format!("{mark} {phase} ({:.1} s) {said}", took.as_secs_f64());
        // A terminal that is gone hears nothing.
        let _ = self.all.println(line.trim_end());
    }
}
