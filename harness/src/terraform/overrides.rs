//! What the copy has that the user's directory has not: the override file,
//! the local state, and the variables. And what it has no more: where state is
//! kept, which Terraform may run, and whose credentials are used.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Access;
use crate::copying;
use crate::hcl::{Attribute, Block, File, Module};

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

/// What our own files are called. They sort last, so that no override of the
/// user's own wins over them.
const OURS: &str = "zz_ringfence";
const BACKEND: &str = "zz_ringfence_backend_override.tf";
const PROVIDER: &str = "zz_ringfence_provider_override.tf";
const NEW_PROVIDER: &str = "zz_ringfence_provider.tf";
const VARIABLES: &str = "zz_ringfence.auto.tfvars.json";

/// What the copies of files with values are called: they come in their order,
/// and before [`VARIABLES`].
const VALUES: &str = "zz_ringfence-";

/// What of a `terraform` block is not for the copy: where state is kept, and
/// which Terraform may run.
const LEFT_OUT: [&str; 3] = ["backend", "cloud", "required_version"];

/// What of a provider's block says whose credentials are used and on which
/// account: here they are the guard's
/// (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs#provider-configuration>).
const CREDENTIALS: [&str; 13] = [
    "access_key",
    "allowed_account_ids",
    "assume_role",
    "assume_role_with_web_identity",
    "custom_ca_bundle",
    "ec2_metadata_service_endpoint",
    "forbidden_account_ids",
    "http_proxy",
    "https_proxy",
    "profile",
    "secret_key",
    "shared_config_files",
    "shared_credentials_files",
];

/// Members of both kinds that are replaced in the copy, with what they are.
#[derive(Debug)]
pub(super) struct Replaced<'m> {
    /// The file.
    pub(super) file: &'m File,
    /// The block that they stand in.
    pub(super) block: &'m Block,
    /// Their name.
    pub(super) name: &'m str,
    /// Where.
    pub(super) at: ringfence_text::Place,
    span: Option<std::ops::Range<usize>>,
}

/// What of a module is replaced in the copy.
pub(super) fn replaced(module: &Module) -> impl Iterator<Item = Replaced<'_>> {
    module.blocks().flat_map(|(file, block)| {
        let names: &'static [&'static str] = match block.kind.as_str() {
            "terraform" => &LEFT_OUT,
            "provider" if block.label(0) == "aws" => &CREDENTIALS,
            _ => &[],
        };
        let attributes = block.attributes.iter().map(|Attribute { name, at, span, .. }| Replaced {
            file,
            block,
            name,
            at: *at,
            span: span.clone(),
        });
        // In JSON an object is both; it is told once.
        let blocks = block.blocks.iter().filter(|inner| inner.span.is_some());
        let blocks = blocks.map(|inner| Replaced {
            file,
            block,
            name: &inner.kind,
            at: inner.at,
            span: inner.span.clone(),
        });
        attributes.chain(blocks).filter(|member| names.contains(&member.name))
    })
}

/// Takes what is replaced out of a module's copy. What stands there becomes
/// spaces, so that every other thing keeps its line and column.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn blank(directory: &Path) -> io::Result<()> {
    let module = Module::read(directory)?;
    let mut texts: BTreeMap<&Path, Vec<u8>> = BTreeMap::new();
    for Replaced { file, span, .. } in replaced(&module) {
        let Some(span) = span else { continue };
        let text = texts.entry(&file.path).or_insert_with(|| file.text.clone().into_bytes());
        for byte in text.get_mut(span).unwrap_or_default() {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    for (path, text) in texts {
        // A file may be write-protected, and its copy then is too.
        fs::remove_file(path)?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// State stays in the copy, wherever the user's lives.
pub(super) fn write_backend(module: &Path) -> io::Result<()> {
    fs::write(module.join(BACKEND), "terraform {\n  backend \"local\" {}\n}\n")
}

/// Copies files with values to where Terraform reads them by itself.
///
/// # Errors
/// What the system says, with the path.
pub(super) fn copy_values(module: &Path, files: &[PathBuf]) -> io::Result<()> {
    for (number, file) in files.iter().enumerate() {
        let json = file.extension().is_some_and(|end| end == "json");
        let end = if json { ".json" } else { "" };
        let copy = module.join(format!("{VALUES}{number:03}.auto.tfvars{end}"));
        fs::copy(file, copy).map_err(|error| copying::at(file, error))?;
    }
    Ok(())
}

pub(super) fn write_variables(
    module: &Path,
    variables: &BTreeMap<String, toml::Value>,
) -> io::Result<()> {
    let json = serde_json::to_vec_pretty(variables).map_err(io::Error::other)?;
    fs::write(module.join(VARIABLES), json)
}

/// Sends the provider, and each of its aliases, to the guard.
pub(super) fn write_provider(directory: &Path, access: &Access) -> io::Result<()> {
    let mut module = Module::read(directory)?;
    module.files.retain(|file| !is_ours(&file.path));
    let aliases = providers(&module);
    let blocks: String = aliases.iter().map(|alias| block(*alias, access)).collect();
    fs::write(directory.join(PROVIDER), blocks)?;
    // An override needs something to override; a module that never names the
    // provider needs neither.
    let used = module.files.iter().any(|file| file.text.contains("\"aws_"));
    if used && !aliases.contains(&None) {
        fs::write(directory.join(NEW_PROVIDER), block(None, access))?;
    }
    Ok(())
}

/// Whether a file of the copy is our own.
pub(super) fn is_ours(file: &Path) -> bool {
    file.file_name().unwrap_or_default().to_string_lossy().starts_with(OURS)
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

/// The `provider "aws"` blocks of a module: the alias of each, or none.
fn providers(module: &Module) -> Vec<Option<&str>> {
    let blocks = module.of("provider").filter(|(_, block)| block.label(0) == "aws");
    blocks.map(|(_, block)| block.text("alias")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(text: &str) -> (tempfile::TempDir, Module) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("main.tf"), text).unwrap();
        let module = Module::read(directory.path()).unwrap();
        (directory, module)
    }

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
/* provider "aws" { alias = "comment" } */
provider "aws" {}
provider aws { alias = "oneline" }
"#;
        let (_directory, module) = module(text);
        assert_eq!(providers(&module), [None, Some("replica"), None, Some("oneline")]);
    }

    #[test]
    fn state_version_and_credentials_are_taken_out_and_all_else_keeps_its_place() {
        let text = r#"terraform {
  required_version = "~> 99.0"
  backend "s3" {
    bucket = "b"
  }
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region  = "eu-west-1" # why
  profile = var.profile
  assume_role {
    role_arn = "arn:aws:iam::${var.account}:role/deploy"
  }
}
provider "okta" { profile = "kept" }
resource "aws_x" "y" { profile = "kept too" }
"#;
        let (directory, _) = module(text);
        blank(directory.path()).unwrap();
        let blanked = fs::read_to_string(directory.path().join("main.tf")).unwrap();
        let kept: Vec<&str> = blanked.lines().map(str::trim_end).collect();
        assert_eq!(
            kept,
            [
                "terraform {",
                "",
                "",
                "",
                "",
                "  required_providers { aws = { source = \"hashicorp/aws\" } }",
                "}",
                "provider \"aws\" {",
                "  region  = \"eu-west-1\" # why",
                "",
                "",
                "",
                "",
                "}",
                "provider \"okta\" { profile = \"kept\" }",
                "resource \"aws_x\" \"y\" { profile = \"kept too\" }",
            ]
        );
        assert_eq!(blanked.len(), text.len());
    }
}
