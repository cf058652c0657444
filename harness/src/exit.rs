//! How the process ends: the contract with whoever calls it.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what it was asked for; every control held.
    Held,
    /// 1: a control failed, or could not be run while others were.
    Failed,
    /// 2: it could not run: no Terraform, no Docker, a broken configuration,
    /// wrong usage. The message says what to do.
    CouldNotRun,
    /// 130 or 143: it was interrupted by SIGINT or SIGTERM, and removed what it
    /// had started.
    Interrupted(Signal),
    /// 141: whoever read its output closed the pipe; a shell says the same of
    /// who is ended by SIGPIPE.
    Closed,
}

impl Exit {
    /// How a process of ours ended; none is the code of one that was killed.
    pub const fn of(code: Option<i32>) -> Self {
        match code {
            Some(0) => Self::Held,
            Some(1) => Self::Failed,
            Some(130) => Self::Interrupted(Signal::Interrupt),
            Some(143) => Self::Interrupted(Signal::Terminate),
            _ => Self::CouldNotRun,
        }
    }
}

/// A signal that ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Held => 0,
            Exit::Failed => 1,
            Exit::CouldNotRun => 2,
            Exit::Interrupted(Signal::Interrupt) => 130,
            Exit::Interrupted(Signal::Terminate) => 143,
            Exit::Closed => 141,
        })
    }
}
