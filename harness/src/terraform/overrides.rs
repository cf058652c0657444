//! What the copy has that the user's directory has not: the override file,
//! the local state, and the variables.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::Access;

/// The provider's names of the services that the guard knows.
const ENDPOINTS: [&str; 13] = [
    "apigatewayv2",
    "cloudformation",
    "dynamodb",
    "ec2",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "s3control",
    "secretsmanager",
    "ssm",
    "sts",
];

/// Sorts last, so that no override of the user's own wins over it.
const BACKEND: &str = "zz_ringfence_backend_override.tf";
const PROVIDER: &str = "zz_ringfence_provider_override.tf";
const NEW_PROVIDER: &str = "zz_ringfence_provider.tf";
const VARIABLES: &str = "zz_ringfence.auto.tfvars.json";

pub(super) fn has_terraform(module: &Path) -> io::Result<bool> {
    Ok(!sources(module)?.is_empty() || any_json(module)?)
}

fn any_json(module: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(module)? {
        if entry?.file_name().to_string_lossy().ends_with(".tf.json") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The texts of the module's files.
fn sources(module: &Path) -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(module)? {
        let path = entry?.path();
        let ours =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("zz_ringfence"));
        if path.extension().is_some_and(|extension| extension == "tf") && !ours {
            texts.push(fs::read_to_string(path)?);
        }
    }
    Ok(texts)
}

/// State stays in the copy, wherever the user's lives.
pub(super) fn write_backend(module: &Path) -> io::Result<()> {
    fs::write(module.join(BACKEND), "terraform {\n  backend \"local\" {}\n}\n")
}

pub(super) fn write_variables(
    module: &Path,
    variables: &BTreeMap<String, toml::Value>,
) -> io::Result<()> {
    let json = serde_json::to_vec_pretty(variables).map_err(io::Error::other)?;
    fs::write(module.join(VARIABLES), json)
}

/// Sends the provider, and each of its aliases, to the guard.
pub(super) fn write_provider(module: &Path, access: &Access) -> io::Result<()> {
    let texts = sources(module)?;
    let aliases: Vec<Option<String>> = texts.iter().flat_map(|text| providers(text)).collect();
    let blocks: String = aliases.iter().map(|alias| block(alias.as_deref(), access)).collect();
    fs::write(module.join(PROVIDER), blocks)?;
    // An override needs something to override; a module that never names the
    // provider needs neither.
    let used = texts.iter().any(|text| text.contains("\"aws_"));
    if used && !aliases.contains(&None) {
        fs::write(module.join(NEW_PROVIDER), block(None, access))?;
    }
    Ok(())
}

fn block(alias: Option<&str>, access: &Access) -> String {
    let mut text = String::from("provider \"aws\" {\n");
    if let Some(alias) = alias {
        let _ = writeln!(text, "  alias = \"{alias}\"");
    } else {
        let _ = writeln!(text, "  region = \"{}\"", access.region);
    }
    text.push_str(
        "  s3_use_path_style           = true\n  \
           skip_credentials_validation = true\n  \
           skip_metadata_api_check     = true\n  \
           skip_region_validation      = true\n  \
           endpoints {\n",
    );
    let endpoint = access.endpoint.as_str().trim_end_matches('/');
    for service in ENDPOINTS {
        let _ = writeln!(text, "    {service} = \"{endpoint}\"");
    }
    text.push_str("  }\n}\n");
    text
}

/// The `provider "aws"` blocks of a file: the alias of each, or none.
fn providers(text: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let opens = matches!(words.as_slice(), ["provider", "\"aws\"", rest @ ..] if rest.first().is_some_and(|word| word.starts_with('{')));
        if !opens {
            continue;
        }
        let mut alias = None;
        let mut depth = depth_of(line);
        while depth > 0 {
            let Some(line) = lines.next() else { break };
            if depth == 1
                && let Some((name, value)) = line.split_once('=')
                && name.trim() == "alias"
            {
                alias = Some(value.trim().trim_matches('"').to_owned());
            }
            depth += depth_of(line);
        }
        found.push(alias);
    }
    found
}

/// How much deeper a line leads into braces; comments do not count.
fn depth_of(line: &str) -> i32 {
    let code = line.split('#').next().unwrap_or_default();
    code.chars().map(|c| i32::from(c == '{') - i32::from(c == '}')).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_block_is_found_with_its_alias() {
        let text = r#"
provider "aws" {
  region = var.region
  default_tags {
    tags = { alias = "no" }
  }
}
provider "random" { }
provider "aws" {
  alias  = "replica"
  region = "eu-west-1"
}
provider "aws" {}
"#;
        assert_eq!(providers(text), [None, Some("replica".to_owned()), None]);
    }
}
