//! What a run keeps while it goes on.

use super::Report;
use super::artifacts::Artifact;
use crate::progress::Phase;

pub(super) struct State<'r> {
    masked: Vec<String>,
    pub(super) report: Report,
    pub(super) phase: &'r Phase,
    /// How many jobs were run, of all workflows.
    pub(super) jobs: usize,
    pub(super) artifacts: Vec<Artifact>,
}

impl<'r> State<'r> {
    pub(super) fn new(phase: &'r Phase) -> Self {
        Self {
            masked: Vec::new(),
            report: Report::default(),
            phase,
            jobs: 0,
            artifacts: Vec::new(),
        }
    }

    pub(super) fn mask(&self, text: &str) -> String {
        self.masked.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    /// Whether a text holds a secret.
    pub(super) fn is_secret(&self, text: &str) -> bool {
        self.masked.iter().any(|secret| text.contains(secret))
    }

    pub(super) fn hide(&mut self, secret: &str) {
        for line in secret.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if self.masked.len() < MASKS && !self.masked.iter().any(|it| it == line) {
                self.masked.push(line.to_owned());
            }
        }
    }

    pub(super) fn note(&mut self, text: String) {
        self.phase.note(&text);
        self.report.log.push(text);
    }

    /// Tells of a step without keeping it in the log.
    pub(super) fn tell(&self, text: &str) {
        self.phase.note(text);
    }

    pub(super) fn stand_in(&mut self, text: String) {
        if !self.report.stand_ins.contains(&text) {
            self.phase.note(&text);
            self.report.stand_ins.push(text);
        }
    }

    pub(super) fn skipped(&mut self, text: String) {
        self.phase.note(&text);
        self.report.log.push(text.clone());
        if !self.report.skipped.contains(&text) {
            self.report.skipped.push(text);
        }
    }
}

/// How many texts are masked: each line of a log is looked through for all of
/// them.
const MASKS: usize = 1000;
