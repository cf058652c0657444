//! A provider that is started once.
//!
//! Terraform starts the AWS provider anew for each command, several times in an apply,
//! and each start builds the schemas of all its resources: some seconds of both cores.
//! A provider that is started to be debugged stays, and Terraform attaches itself to it
//! (<https://developer.hashicorp.com/terraform/plugin/debugging>).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::watch;

use super::examine::{AWS, named};
use super::{Access, overrides};
use crate::hcl::Module;
use crate::process::{Group, executable};

/// Where Terraform is told of what it attaches itself to.
pub(super) const ATTACH: &str = "TF_REATTACH_PROVIDERS";

/// Where `init` puts the AWS provider, below the root module: a directory for each
/// version, and in it one for each platform.
const INSTALLED: &str = ".terraform/providers/registry.terraform.io/hashicorp/aws";

/// How long it may take to be ready; Terraform itself gives one a minute
/// (<https://pkg.go.dev/github.com/hashicorp/go-plugin#ClientConfig>).
const STARTING: Duration = Duration::from_secs(60);

/// How its executable's name begins.
const EXECUTABLE: &str = "terraform-provider-aws_";

/// An AWS provider that runs; ends when dropped.
#[derive(Debug)]
pub(super) struct Provider {
    /// What [`ATTACH`] is set to, once it is ready. Nobody sends any more when it ended.
    attachment: watch::Receiver<Option<String>>,
    _group: Group,
}

impl Provider {
    /// Starts one that acts with these credentials for the root module at `work`, from
    /// where it reads the files that resources name. It is ready some seconds later.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(
        path: &Path,
        access: &Access,
        work: &Path,
        temporary: &Path,
    ) -> io::Result<Self> {
        let mut command = Command::new(path);
        access.apply_to(&mut command);
        command.arg("-debug").current_dir(work).env("TMPDIR", temporary);
        super::run::collect_less(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut group = Group::spawn(&mut command)?;
        let (sender, attachment) = watch::channel(None);
        if let Some(output) = group.child().stdout.take() {
            tokio::spawn(async move {
                let mut lines = BufReader::new(output).lines();
                // Read to the end, so that it never waits for a reader.
                while let Ok(Some(line)) = lines.next_line().await {
                    if let Some(said) = attachment_of(&line) {
                        sender.send_replace(Some(said.to_owned()));
                    }
                }
            });
        }
        Ok(Self { attachment, _group: group })
    }

    /// What [`ATTACH`] is set to: waits until it is ready. None where it has ended, or
    /// says nothing for too long.
    pub(super) async fn attachment(&self) -> Option<String> {
        let mut attachment = self.attachment.clone();
        let ready = attachment.wait_for(Option::is_some);
        let said = tokio::time::timeout(STARTING, ready).await.ok()?.ok()?.clone();
        said.filter(|_| self.attachment.has_changed().is_ok())
    }
}

/// `TF_REATTACH_PROVIDERS='{…}'`, as it prints it.
fn attachment_of(line: &str) -> Option<&str> {
    let (name, value) = line.trim().split_once('=')?;
    (name == ATTACH).then_some(value)?.strip_prefix('\'')?.strip_suffix('\'')
}

/// The AWS provider of a root module that was initialised; none where there are
/// several, or none.
pub(super) fn installed(root: &Path) -> Option<PathBuf> {
    let mut found = Vec::new();
    for version in entries(&root.join(INSTALLED)) {
        for platform in entries(&version) {
            found.extend(entries(&platform).into_iter().filter(|file| {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with(EXECUTABLE) && executable(file)
            }));
        }
    }
    let one = found.pop()?;
    found.is_empty().then_some(one)?.canonicalize().ok()
}

/// What is in a directory; nothing where there is none.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Whether a root module that was initialised, with the modules that it calls,
/// configures the AWS provider once: the configurations of several would replace each
/// other in one provider.
///
/// # Errors
/// When a module cannot be read.
pub(super) fn configured_once(root: &Path) -> io::Result<bool> {
    let mut configurations = 0_usize;
    for directory in called(root)? {
        let module = Module::read(&directory)?;
        if is_called_otherwise(&module) {
            return Ok(false);
        }
        let blocks = module.of("provider").filter(|(_, block)| block.label(0) == "aws");
        // Our own override says of each once more where it reaches the guard.
        configurations += blocks.filter(|(file, _)| !overrides::is_ours(&file.path)).count();
    }
    Ok(configurations <= 1)
}

/// Whether a module calls the AWS provider by another name: what configures it is not
/// looked for.
fn is_called_otherwise(module: &Module) -> bool {
    let required = module.of("terraform").flat_map(|(_, block)| block.of("required_providers"));
    let mut attributes = required.flat_map(|block| &block.attributes);
    attributes.any(|attribute| {
        let source = attribute.value.get("source").and_then(|source| source.text());
        attribute.name != "aws" && source.is_some_and(|source| named(source) == AWS)
    })
}

/// The directories of a root module and of each call of another, as `init` found them.
fn called(root: &Path) -> io::Result<Vec<PathBuf>> {
    let text = match fs::read(root.join(".terraform/modules/modules.json")) {
        Ok(text) => text,
        // It is written where there are calls.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![root.to_owned()]),
        Err(error) => return Err(error),
    };
    let Manifest { modules } = serde_json::from_slice(&text)?;
    Ok(modules.into_iter().map(|call| root.join(call.dir)).collect())
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(rename = "Modules")]
    modules: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(rename = "Dir")]
    dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_prints_to_attach_to_it_is_found() {
        let said = r#"	TF_REATTACH_PROVIDERS='{"registry.terraform.io/hashicorp/aws":{"Pid":1}}'"#;
        let expected = r#"{"registry.terraform.io/hashicorp/aws":{"Pid":1}}"#;
        assert_eq!(attachment_of(said), Some(expected));
        assert_eq!(attachment_of("Provider started. To attach Terraform CLI, set it"), None);
    }

    #[test]
    fn one_provider_serves_a_root_module_that_configures_it_once() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("main.tf");
        let ours = root.path().join("zz_ringfence_provider_override.tf");
        fs::write(ours, "provider \"aws\" {}\n").unwrap();
        fs::write(&file, "provider \"aws\" {}\nprovider \"random\" {}\n").unwrap();
        assert!(configured_once(root.path()).unwrap());
        fs::write(&file, "provider \"aws\" {}\nprovider \"aws\" { alias = \"west\" }\n").unwrap();
        assert!(!configured_once(root.path()).unwrap());
        let named = |name: &str| {
            let required = format!("{name} = {{ source = \"hashicorp/aws\" }}");
            format!("terraform {{\n  required_providers {{\n    {required}\n  }}\n}}\n")
        };
        fs::write(&file, named("amazon")).unwrap();
        assert!(!configured_once(root.path()).unwrap());
        fs::write(&file, named("aws")).unwrap();
        assert!(configured_once(root.path()).unwrap());
        fs::write(&file, "provider \"aws\" {}\nmodule \"m\" { source = \"./m\" }\n").unwrap();
        fs::create_dir_all(root.path().join(".terraform/modules")).unwrap();
        let manifest = r#"{"Modules": [{"Key": "", "Dir": "."}, {"Key": "m", "Dir": "m"}]}"#;
        fs::write(root.path().join(".terraform/modules/modules.json"), manifest).unwrap();
        fs::create_dir(root.path().join("m")).unwrap();
        assert!(configured_once(root.path()).unwrap());
        fs::write(root.path().join("m/main.tf"), "provider \"aws\" {}\n").unwrap();
        assert!(!configured_once(root.path()).unwrap());
    }

    /// Programs in the provider's place: one that says what to attach to and stays, and
    /// one that ends.
    #[tokio::test]
    async fn a_provider_is_attached_to_while_it_runs() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir().unwrap();
        let program = |name: &str, then: &str| {
            let path = directory.path().join(name);
            let text = format!("#!/bin/sh\necho \"TF_REATTACH_PROVIDERS='{{}}'\"\n{then}\n");
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let access = Access {
            endpoint: "http://127.0.0.1:1".parse().unwrap(),
            region: "us-east-1".to_owned(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: ringfence_wire::Secret::new("secret"),
            session_token: None,
        };
        let start = |path: &Path| {
            Provider::start(path, &access, directory.path(), directory.path()).unwrap()
        };
        let stays = start(&program("stays", "exec sleep 600"));
        assert_eq!(stays.attachment().await.as_deref(), Some("{}"));
        let ends = start(&program("ends", ""));
        let mut ended = ends.attachment.clone();
        while ended.changed().await.is_ok() {}
        assert_eq!(ends.attachment().await, None);
    }
}
