//! Node.js from the PATH, for functions.

use std::path::PathBuf;

use tokio::process::Command;

use crate::process;

/// The oldest that runs the functions' client.
const OLDEST: u32 = 18;

/// An interpreter for functions of Node.js runtimes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it is.
    pub path: PathBuf,
    /// Its version, `20.20.2`.
    pub version: String,
}

impl Node {
    /// The first `node` on the PATH; none where there is none that works and is
    /// new enough.
    pub async fn find() -> Option<Self> {
        let path = process::which("node", &std::env::var_os("PATH")?)?;
        let mut command = Command::new(&path);
        command.args(["-p", "process.versions.node"]).env_remove("NODE_OPTIONS");
        let version = process::output(&mut command).await.ok()?.trim().to_owned();
        recent(&version).then_some(Self { path, version })
    }
}

fn recent(version: &str) -> bool {
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= OLDEST)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::recent;

    #[rstest]
    #[case("18.0.0", true)]
    #[case("24.1.0", true)]
    #[case("16.20.2", false)]
    #[case("", false)]
    fn node_18_is_the_oldest(#[case] version: &str, #[case] fits: bool) {
        assert_eq!(recent(version), fits);
    }
}
