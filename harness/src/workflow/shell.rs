//! What `shell:` means
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell>).

/// The program and its options.
///
/// # Errors
/// That the shell is not supported.
pub(super) fn program(
    shell: Option<&str>,
) -> Result<(&'static str, &'static [&'static str]), String> {
    match shell {
        None => Ok(("bash", &["-e"])),
        Some("bash") => Ok(("bash", &["--noprofile", "--norc", "-eo", "pipefail"])),
        Some("sh") => Ok(("sh", &["-e"])),
        Some("python") => Ok(("python", &[])),
        Some(other) => Err(format!("the shell `{other}` is not supported")),
    }
}
