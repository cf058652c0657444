//! The directory of a run, and what removes it and all that lives there, even
//! when the run is killed.
//!
//! A sweeper process holds the reading end of a pipe whose writing end is
//! ours. However we end, the kernel closes it; the sweeper then ends the
//! processes of our session that work inside the directory, removes the
//! containers it was told of, and the directory. Dropping a [`Scratch`] closes
//! the pipe and waits for it.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const SWEEPER: &str = include_str!("sweeper.py");

/// How long the end of a run waits for its sweeper, and how often it looks.
const SWEEP_TIME: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);

/// A run's directory with its sweeper.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
    sweeper: Child,
    orders: Mutex<Option<ChildStdin>>,
}

impl Scratch {
    /// Makes a directory and starts its sweeper.
    ///
    /// # Errors
    /// When either cannot be done.
    pub fn create(python: &Path) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("ringfence-").tempdir()?;
        let mut sweeper = Command::new(python)
            .args(["-I", "-c", SWEEPER])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // Nobody must wait for the sweeper who waits for our own output.
            .stderr(Stdio::null())
            // Ctrl-C at the terminal is for us; the sweeper acts when we are gone.
            .process_group(0)
            .spawn()?;
        let orders = Mutex::new(sweeper.stdin.take());
        let scratch = Self { directory, sweeper, orders };
        scratch.order("directory", &scratch.path().to_string_lossy())?;
        Ok(scratch)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Makes a directory inside.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn subdirectory(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Tells the sweeper of a container.
    ///
    /// # Errors
    /// When the sweeper is gone.
    pub fn container(&self, id: &str) -> io::Result<()> {
        self.order("container", id)
    }

    fn order(&self, kind: &str, value: &str) -> io::Result<()> {
        match self.orders.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(orders) => orders.write_all(format!("{kind} {value}\n").as_bytes()),
            None => Err(io::Error::other("the sweeper has been dismissed")),
        }
    }

    /// Sweeps and waits until everything is gone, off the async threads.
    pub async fn remove(self) {
        // A sweeper that hangs is left to itself: it ends on its own.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).take();
        let began = Instant::now();
        while matches!(self.sweeper.try_wait(), Ok(None)) && began.elapsed() < SWEEP_TIME {
            std::thread::sleep(LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;

    #[tokio::test]
    async fn a_process_that_works_in_the_directory_ends_with_it() {
        let python = process::which("python3", &std::env::var_os("PATH").unwrap()).unwrap();
        let scratch = Scratch::create(&python).unwrap();
        let directory = scratch.subdirectory("work").unwrap();
        let mut child = Command::new("sleep").arg("600").current_dir(&directory).spawn().unwrap();
        scratch.remove().await;
        assert!(!child.wait().unwrap().success());
        assert!(!directory.exists());
    }
}
