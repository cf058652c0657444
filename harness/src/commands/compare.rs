//! `ringfence compare`.

use clap::Args;
use ringfence_prove::jsonl::Comparer;

use super::lines;
use crate::exit::Exit;

const EXAMPLE: &str = r#"Example:
  echo '{"id":1,"a":{"identity":[{"Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}]},"b":{"identity":[{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}]}}' | ringfence compare

Exit codes: 0 done, whatever the verdicts, 2 some input could not be read."#;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Compare {}

impl Compare {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut comparer = Comparer::default();
        lines::answer(|line| comparer.line(line))
    }
}
