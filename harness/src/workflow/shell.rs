//! What `shell:` means
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell>).

/// Where the script's path goes in a shell's own command.
const SCRIPT: &str = "{0}";

/// The program and its arguments, without the script's path at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) options: Vec<String>,
}

/// # Errors
/// That the shell is not supported.
pub(super) fn program(shell: Option<&str>) -> Result<Program, String> {
    let known = |name: &str, options: &[&str]| {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Ok(Program { name: name.to_owned(), options })
    };
    match shell {
        None => known("bash", &["-e"]),
        Some("bash") => known("bash", &["--noprofile", "--norc", "-eo", "pipefail"]),
        Some("sh") => known("sh", &["-e"]),
        Some("python") => known("python", &[]),
        // A command of its own, with the script at its end.
        Some(command) => {
            let mut words = command.split_whitespace().map(str::to_owned);
            let name = words.next().filter(|name| {
                matches!(name.as_str(), "bash" | "sh" | "python" | "python3" | "perl" | "node")
            });
            let mut options: Vec<String> = words.collect();
            let script = options.pop();
            match name {
                Some(name)
                    if script.as_deref() == Some(SCRIPT)
                        && !options.iter().any(|it| it.contains(SCRIPT)) =>
                {
                    Ok(Program { name, options })
                }
                _ => Err(format!("the shell `{command}` is not supported")),
            }
        }
    }
}
