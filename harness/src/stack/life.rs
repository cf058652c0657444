//! The life of a stack's upstream, and the stack's end.

use super::{Stack, StackError};
use crate::emulator;

impl Stack {
    /// Does something for as long as the upstream answers.
    ///
    /// # Errors
    /// The work's own, or [`StackError::Died`].
    pub async fn while_upstream_lives<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let url = self.emulator.url();
        tokio::select! {
            done = work => done,
            () = emulator::silence(url) => {
                let words = self.emulator.last_words().await;
                Err(StackError::Died { url: url.clone(), words }.into())
            }
        }
    }

    /// The error that explains others: the upstream does not answer any more.
    pub(super) async fn death(&self) -> Option<StackError> {
        let alive = self.http.get(self.emulator.url().clone()).send().await;
        match alive {
            Err(error) if error.is_connect() => {
                let (url, words) = (self.emulator.url().clone(), self.emulator.last_words().await);
                Some(StackError::Died { url, words })
            }
            _ => None,
        }
    }

    /// Ends everything and waits until it is gone.
    pub async fn stop(self) {
        let Self { guard, emulator, scratch, .. } = self;
        // What fails here failed before and was reported then; the sweeper
        // removes what is left.
        let _ = guard.stop().await;
        emulator.stop().await;
        scratch.remove().await;
    }
}
