//! Generated estates: copies of the two sample applications, half of approach
//! A and half of approach B, under this repository's Layer 1. Each has its own
//! name, repository, function, role, route and deployer.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is not copied: what tools leave behind.
const LEFT_BEHIND: [&str; 3] = [".aws-sam", ".terraform", "__pycache__"];

/// How an application is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Approach {
    /// Its team owns the stack: `sam-apps/service-a`.
    SelfManaged,
    /// Its team deploys code: `sam-apps/service-b`.
    Managed,
}

impl Approach {
    fn sample(self) -> &'static str {
        match self {
            Self::SelfManaged => "service-a",
            Self::Managed => "service-b",
        }
    }
}

/// Writes an estate of this many services into a directory; the answer is its
/// configuration.
///
/// # Errors
/// When the samples cannot be read or the estate cannot be written.
pub(crate) fn generate(root: &Path, services: usize, into: &Path) -> io::Result<PathBuf> {
    copy(&root.join("terraform"), &into.join("terraform"), &|text| text)?;
    let half = services / 2;
    let services: Vec<(String, Approach)> = (1..=services)
        .map(|number| {
            let approach = match number <= services - half {
                true => Approach::SelfManaged,
                false => Approach::Managed,
            };
            (format!("{}{number:02}", approach.sample()), approach)
        })
        .collect();
    for (name, approach) in &services {
        let sample = approach.sample();
        let from = root.join("sam-apps").join(sample);
        copy(&from, &into.join("sam-apps").join(name), &|text| text.replace(sample, name))?;
    }
    let file = into.join("ringfence.toml");
    let sample = fs::read_to_string(root.join("ringfence.toml"))?;
    fs::write(&file, configuration(&sample, &services).map_err(io::Error::other)?)?;
    Ok(file)
}

/// The sample's configuration, with these services in place of its own.
fn configuration(sample: &str, services: &[(String, Approach)]) -> Result<String, toml::de::Error> {
    let mut table: toml::Table = toml::from_str(sample)?;
    let names: Vec<toml::Value> = services.iter().map(|(name, _)| name.as_str().into()).collect();
    if let Some(layer1) = table.get_mut("layer1").and_then(toml::Value::as_table_mut)
        && let Some(variables) = layer1.get_mut("variables").and_then(toml::Value::as_table_mut)
    {
        variables.remove("self_managed_services");
        variables.remove("managed_services");
    }
    for issuer in table.get_mut("issuers").and_then(toml::Value::as_array_mut).into_iter().flatten()
    {
        if let Some(scopes) = issuer.get_mut("scopes") {
            *scopes = toml::Value::Array(names.clone());
        }
    }
    table.remove("apps");
    table.remove("deployers");
    let mut text = table.to_string();
    for (name, approach) in services {
        text.push_str(&service(name, *approach));
    }
    Ok(text)
}

/// One service: Layer 1's variables for it, its repository and its deployer.
fn service(name: &str, approach: Approach) -> String {
    let mut text = String::new();
    let (kind, members, output, job) = match approach {
        Approach::SelfManaged => (
            "self_managed_services",
            String::new(),
            "high_perm_deployer_role_arns",
            format!("job = \"stack\"\nrole_prefix = \"app-{name}-\""),
        ),
        Approach::Managed => (
            "managed_services",
            format!("path = \"/{name}/{{proxy+}}\"\nscopes = [\"{name}\"]\n"),
            "low_perm_deployer_role_arns",
            "job = \"code\"".to_owned(),
        ),
    };
    let bucket = match approach {
        Approach::SelfManaged => ", SAM_ARTIFACTS_BUCKET = \"artifacts_bucket\"",
        Approach::Managed => "",
    };
    let _ = write!(
        text,
        r#"
[layer1.variables.{kind}.{name}]
repository = "example-org/{name}"
{members}
[[apps]]
name = "{name}"
directory = "sam-apps/{name}"
repository = "example-org/{name}"
vars_from_outputs = {{ AWS_ACCOUNT_ID = "account_id"{bucket} }}

[[deployers]]
name = "deployer-{name}"
role_output = "{output}.{name}"
app = "{name}"
{job}
"#
    );
    text
}

/// Copies a directory, with what is text changed.
fn copy(from: &Path, to: &Path, change: &dyn Fn(String) -> String) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if LEFT_BEHIND.iter().any(|left| name == *left) {
            continue;
        }
        let target = to.join(&name);
        if entry.is_dir() {
            copy(&entry, &target, change)?;
            continue;
        }
        let bytes = fs::read(&entry)?;
        match String::from_utf8(bytes) {
            Ok(text) => fs::write(&target, change(text))?,
            Err(binary) => fs::write(&target, binary.as_bytes())?,
        }
    }
    Ok(())
}
