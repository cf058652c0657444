//! The copy's data sources that read a state read it where this run keeps it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Link, Target};

const FILE: &str = "zz_ringfence_states_override.tf";

/// Overrides the data sources of a module's copy: whatever backend they name,
/// they read a file.
///
/// # Errors
/// What the system says.
pub(in crate::terraform) fn overrides<'l>(
    module: &Path,
    links: impl Iterator<Item = &'l Link>,
    states: &[PathBuf],
) -> io::Result<()> {
    let state = |root: &usize| {
        let missing = || io::Error::other("a state is read before its root module is prepared");
        let path = states.get(*root).ok_or_else(missing)?;
        Ok::<_, io::Error>(quoted(&path.to_string_lossy()))
    };
    let mut text = String::new();
    for link in links {
        let path = match &link.target {
            Target::One(root) => state(root)?,
            Target::Each(roots) => {
                let mut each = String::from("{");
                for (key, root) in roots {
                    let _ = write!(each, " {} = {},", quoted(key), state(root)?);
                }
                each.push_str(" }[each.key]");
                each
            }
        };
        // An override replaces an argument as a whole
        // (<https://developer.hashicorp.com/terraform/language/files/override>).
        let _ = write!(
            text,
            "data \"terraform_remote_state\" \"{}\" {{\n  backend   = \"local\"\n  workspace = \"default\"\n  config    = {{ path = {path} }}\n}}\n",
            link.name
        );
    }
    if text.is_empty() {
        return Ok(());
    }
    fs::write(module.join(FILE), text)
}

/// A text as Terraform's language has it.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace("${", "$${").replace("%{", "%%{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_itself() {
        assert_eq!(quoted("/a b/$c/%d"), r#""/a b/$c/%d""#);
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(quoted("${x}%{y}"), r#""$${x}%%{y}""#);
    }
}
