//! What the installers of tools share: a lock on the cache, and their lines as notes.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use tokio::process::Command;

use crate::process;
use crate::progress::Phase;

/// Runs an installer; its lines are notes.
pub(super) async fn say(command: &mut Command, phase: &Phase) -> Result<(), String> {
    // The caller's virtual environment is none of the installer's business.
    command.env_remove("VIRTUAL_ENV").env_remove("PYTHONHOME").env_remove("PYTHONPATH");
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let finished = process::run(command, |_, line| {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with(['+', '~']) {
            phase.note(line);
        }
    })
    .await
    .map_err(|error| format!("{program}: {error}"))?;
    if finished.status.success() {
        Ok(())
    } else {
        Err(format!("{program}: {}: {}", finished.status, finished.tail.join(" | ")))
    }
}

/// Takes the cache's lock; says so when it has to wait. The lock ends with the
/// file, so also with the process.
pub(super) async fn lock(path: &Path, phase: &Phase) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            phase.note("another run is installing; waiting for it");
            tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await?
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;

    #[tokio::test]
    async fn a_second_run_waits_for_the_first_ones_lock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let phase = Progress::silent().phase("test");
        let first = lock(&path, &phase).await.unwrap();
        let second = tokio::spawn({
            let path = path.clone();
            async move { lock(&path, &Progress::silent().phase("second")).await.unwrap() }
        });
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap();
    }
}
