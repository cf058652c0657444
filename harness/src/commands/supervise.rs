//! `verify --sign-key`: the process that knows the key starts nothing that a
//! team wrote.
//!
//! It first replaces itself by a process on whose command line the key does not
//! stand; that one starts a worker, which does the run and knows nothing of the
//! key, waits for its end, and signs what the worker says that it left.

use std::ffi::OsString;
use std::io::{PipeReader, Read as _, Write as _, pipe};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use ringfence_evidence::manifest::{MANIFEST, sha256};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use tokio::process::{Child, Command};

use crate::commands::interrupted;
use crate::evidence::{WORKER, sign_bundle};
use crate::exit;

/// What the command line calls the process that knows the key.
pub(super) const SUPERVISOR: &str = "--sign-with-key-on-stdin";

/// Replaces this process by one that has the key on its standard input, and not
/// on its command line, which others can read.
///
/// # Errors
/// When it cannot.
pub(super) fn hide(key: &Path) -> anyhow::Result<exit::Exit> {
    let (reader, mut writer) = pipe()?;
    writer.write_all(key.as_os_str().as_bytes())?;
    drop(writer);
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.args(without_key(std::env::args_os().skip(1))).arg(SUPERVISOR).stdin(reader);
    Err(command.exec()).context("cannot start again without the key on the command line")
}

/// The arguments without `--sign-key` and its value.
fn without_key(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let (mut kept, mut skip) = (Vec::new(), false);
    for argument in arguments {
        if std::mem::take(&mut skip) {
            continue;
        }
        let bytes = argument.as_bytes();
        if bytes == b"--sign-key" {
            skip = true;
        } else if !bytes.starts_with(b"--sign-key=") {
            kept.push(argument);
        }
    }
    kept
}

/// The key's path, which [`hide`] left on standard input.
///
/// # Errors
/// When it cannot be read.
pub(super) fn key() -> anyhow::Result<PathBuf> {
    let mut path = Vec::new();
    std::io::stdin().read_to_end(&mut path)?;
    ensure!(!path.is_empty(), "{SUPERVISOR} is for Ringfence itself; use --sign-key FILE");
    Ok(OsString::from_vec(path).into())
}

/// Runs the worker to its end and signs the bundle that it left.
///
/// # Errors
/// When the worker cannot be run, or the bundle cannot be signed.
pub(super) async fn run(key: &Path, bundle: &Path, unisolated: bool) -> anyhow::Result<exit::Exit> {
    let (told, writer) = pipe()?;
    let own = std::env::args_os().skip(1).filter(|argument| argument != SUPERVISOR);
    let mut worker = Command::new(std::env::current_exe()?)
        .args(own)
        .arg(WORKER)
        .stdin(writer)
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the run")?;
    let code = waited(&mut worker).await?;
    let ended = exit::Exit::of(code);
    if !matches!(ended, exit::Exit::Held | exit::Exit::Failed) {
        return Ok(ended);
    }
    let expected = manifest(told)?;
    let found = std::fs::read(bundle.join(MANIFEST)).map(|text| sha256(&text)).ok();
    ensure!(
        found.as_deref() == Some(expected.as_str()),
        "`{}` is not the bundle that the run left: somebody changed it since; it is not signed",
        bundle.display()
    );
    let signer = sign_bundle(bundle, key, unisolated)?;
    eprintln!("ringfence: {} is signed by {}", bundle.display(), signer.fingerprint);
    Ok(ended)
}

/// Waits for the worker; a signal to us goes on to it.
async fn waited(worker: &mut Child) -> anyhow::Result<Option<i32>> {
    loop {
        tokio::select! {
            status = worker.wait() => return Ok(status?.code()),
            signal = interrupted() => {
                let signal = match signal? {
                    exit::Signal::Interrupt => Signal::INT,
                    exit::Signal::Terminate => Signal::TERM,
                };
                let id = worker.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
                if let Some(id) = id {
                    // One that has ended needs no signal.
                    let _ = kill_process(id, signal);
                }
            }
        }
    }
}

/// The hash that the worker told.
fn manifest(mut told: PipeReader) -> anyhow::Result<String> {
    let mut text = String::new();
    told.read_to_string(&mut text)?;
    ensure!(!text.is_empty(), "the run did not say what it left; it is not signed");
    Ok(text)
}

/// In the worker: ends with the supervisor.
///
/// # Errors
/// When the system refuses.
pub(super) fn end_with_supervisor() -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    Ok(())
}

/// In the worker: tells the supervisor the hash of the finished manifest, over
/// the descriptor that is nobody else's.
///
/// # Errors
/// When it cannot be read or told.
pub(super) fn tell(bundle: &Path) -> anyhow::Result<()> {
    let path = bundle.join(MANIFEST);
    let text = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let descriptor = std::io::stdin().as_fd().try_clone_to_owned()?;
    std::fs::File::from(descriptor).write_all(sha256(&text).as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_leaves_the_command_line_in_either_form() {
        let arguments =
            ["verify", "--sign-key", "a key", "--json", "--sign-key=other", "--config", "c"];
        let kept = without_key(arguments.iter().map(OsString::from));
        assert_eq!(kept, ["verify", "--json", "--config", "c"]);
    }
}
