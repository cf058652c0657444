//! `ringfence decide`.

use clap::Args;
use ringfence_policy::jsonl::Decider;

use super::lines;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct Decide {}

impl Decide {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut decider = Decider::default();
        lines::answer(|line| decider.line(line))
    }
}
