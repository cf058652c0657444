//! A run in a step of GitHub Actions.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use ringfence_evidence::sarif::Place;
use ringfence_evidence::{RunRecord, Told, github};

/// The step, as its runner says.
#[derive(Debug)]
pub(super) struct Step {
    /// What is appended to the job's summary.
    summary: PathBuf,
    /// Where the repository is checked out.
    workspace: PathBuf,
}

impl Step {
    /// The step that this process runs in.
    ///
    /// # Errors
    /// When it runs in none.
    pub(super) fn of_environment() -> anyhow::Result<Self> {
        let variable = |name: &str| match std::env::var_os(name).filter(|it| !it.is_empty()) {
            Some(value) => Ok(PathBuf::from(value)),
            None => bail!("--github is for steps of GitHub Actions: {name} is not set"),
        };
        Ok(Self {
            summary: variable("GITHUB_STEP_SUMMARY")?,
            workspace: variable("GITHUB_WORKSPACE")?,
        })
    }

    /// Annotates what did not hold of a run of this configuration, and adds to the
    /// job's summary.
    ///
    /// # Errors
    /// When the summary cannot be written.
    pub(super) fn tell(
        &self,
        record: &RunRecord,
        told: &Told<'_>,
        config: &Path,
    ) -> anyhow::Result<()> {
        let below = config.parent().unwrap_or(Path::new(""));
        let file = |place: &Place| in_repository(&self.workspace, &below.join(&place.file));
        crate::printing::commands(&github::annotations(record, told, &file));
        let failed = || format!("cannot write `{}`", self.summary.display());
        let mut summary = OpenOptions::new();
        let mut summary =
            summary.create(true).append(true).open(&self.summary).with_context(failed)?;
        summary.write_all(github::summary(record, told).as_bytes()).with_context(failed)
    }
}

/// The path of a file from the root of the repository; none for what is no file of
/// it, as a deployed document.
fn in_repository(workspace: &Path, file: &Path) -> Option<String> {
    let (workspace, file) = (workspace.canonicalize().ok()?, file.canonicalize().ok()?);
    let path = file.strip_prefix(&workspace).ok().filter(|_| file.is_file())?;
    path.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_from_the_repositorys_root_and_what_is_none_is_not() {
        let repository = tempfile::tempdir().unwrap();
        let infrastructure = repository.path().join("infra");
        std::fs::create_dir(&infrastructure).unwrap();
        std::fs::write(infrastructure.join("main.tf"), "").unwrap();
        let named = |file: &str| in_repository(repository.path(), &infrastructure.join(file));
        assert_eq!(named("main.tf").as_deref(), Some("infra/main.tf"));
        assert_eq!(named("../infra/main.tf").as_deref(), Some("infra/main.tf"));
        assert_eq!(named("policies/role/a.json"), None);
        assert_eq!(named("."), None);
        assert_eq!(in_repository(&infrastructure, Path::new("/etc/passwd")), None);
    }
}
