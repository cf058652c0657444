//! `actions/setup-python`: which interpreter a version means, and whether this
//! machine has it.

use std::path::PathBuf;

use tokio::process::Command;

use crate::process;

/// The minor version of Python 3 that is asked for; none where nothing is.
///
/// # Errors
/// That it is no version of Python 3.
pub(super) fn minor(version: &str) -> Result<Option<&str>, String> {
    if version.is_empty() {
        return Ok(None);
    }
    let mut numbers = version.split('.');
    match (numbers.next(), numbers.next()) {
        (Some("3"), Some(minor)) => Ok(Some(minor)),
        _ => Err(format!("`{version}` is not a version of Python such as 3.12")),
    }
}

/// The interpreter of a minor version, where this machine has one.
pub(super) async fn installed(minor: &str) -> Option<PathBuf> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let path = process::which(&format!("python3.{minor}"), &search)?;
    // A shim may be there with nothing behind it.
    let mut command = Command::new(&path);
    command.args(["-I", "-c", "import sys; print(sys.executable)"]);
    let text = process::output(&mut command).await.ok()?;
    Some(PathBuf::from(text.trim()))
}
