//! Shows a file with the program that the desktop has for it.

use std::path::Path;
use std::process::{Command, Stdio};

/// What opens a file by its kind.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Opens a file, and says where nothing can: a run's verdict does not hang on it.
pub(super) fn open(file: &Path) {
    let quiet = || Stdio::null();
    let mut opener = Command::new(OPENER);
    let started = opener.arg(file).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    if let Err(error) = started {
        eprintln!("ringfence: `{}` cannot be opened by {OPENER}: {error}", file.display());
    }
}
