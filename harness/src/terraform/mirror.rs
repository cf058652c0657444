//! Where this machine keeps Terraform's providers.
//!
//! A mirror has Terraform's layout, `HOST/NAMESPACE/TYPE/VERSION/OS_ARCH/` or
//! `HOST/NAMESPACE/TYPE/terraform-provider-TYPE_VERSION_OS_ARCH.zip`. It is
//! looked for in Terraform's implied directories
//! (<https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories>),
//! in those that the user's own CLI configuration or `TF_PLUGIN_CACHE_DIR`
//! names, and where vendors put such things. What is found is used for exactly
//! the providers that it holds; all others come from their registries.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A directory of providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirror {
    path: PathBuf,
    /// `HOST/NAMESPACE/TYPE`, each.
    providers: BTreeSet<String>,
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

impl Mirror {
    /// The versions of a provider that it holds.
    pub(super) fn versions(&self, provider: &str) -> Vec<String> {
        if !self.providers.contains(provider) {
            return Vec::new();
        }
        let directory = self.path.join(provider);
        let program = format!("terraform-provider-{}_", name(&directory));
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let file = entry.file_name().to_string_lossy().into_owned();
                match entry.path().is_dir() {
                    true => Some(file),
                    false => Some(file.strip_prefix(&program)?.split('_').next()?.to_owned()),
                }
            })
            .collect()
    }
}

/// What a root module holds itself.
pub(super) fn own(platform: &str, module: &Path) -> Vec<Mirror> {
    select(vec![module.join(OWN)], platform)
}

/// Where a root module may hold providers.
const OWN: &str = "terraform.d/plugins";

/// The mirrors with providers for a platform, the most specific first; a
/// provider that several hold counts for the first.
pub(super) fn find(platform: &str, module: Option<&Path>) -> Vec<Mirror> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut roots = Vec::new();
    roots.extend(variable("TF_PLUGIN_CACHE_DIR"));
    for file in variable("TF_CLI_CONFIG_FILE")
        .into_iter()
        .chain(variable("HOME").map(|home| home.join(".terraformrc")))
        .chain(variable("HOME").map(|home| home.join(".tofurc")))
    {
        if let Ok(text) = fs::read_to_string(file) {
            roots.extend(named_in(&text));
        }
    }
    roots.extend(module.map(|module| module.join(OWN)));
    if let Some(home) = variable("HOME") {
        roots.extend([home.join(".terraform.d/plugins"), home.join(".terraform.d/plugin-cache")]);
        roots.extend(around(&home.join(".terraform.d")));
    }
    let data = variable("XDG_DATA_HOME")
        .or_else(|| Some(variable("HOME")?.join(".local/share")))
        .into_iter();
    let shared = std::env::var("XDG_DATA_DIRS").unwrap_or_default();
    let shared = if shared.is_empty() { "/usr/local/share:/usr/share".to_owned() } else { shared };
    for directory in data.chain(std::env::split_paths(&shared)) {
        for product in ["terraform", "opentofu"] {
            roots.push(directory.join(product).join("plugins"));
            roots.extend(around(&directory.join(product)));
        }
    }
    for directory in
        ["/opt", "/usr/local/lib", "/usr/lib", "/usr/local/share", "/usr/share", "/var/lib", "/srv"]
    {
        roots.extend(around(Path::new(directory)));
    }
    select(roots, platform)
}

fn select(roots: Vec<PathBuf>, platform: &str) -> Vec<Mirror> {
    let mut mirrors: Vec<Mirror> = Vec::new();
    let mut known = BTreeSet::new();
    for path in roots {
        let mut providers = providers(&path, platform);
        providers.retain(|provider| known.insert(provider.clone()));
        if !providers.is_empty() {
            mirrors.push(Mirror { path, providers });
        }
    }
    mirrors
}

/// A directory's subdirectories, and theirs: `/opt/NAME`, `/opt/NAME/plugins`.
/// Large directories are not searched two deep.
fn around(directory: &Path) -> Vec<PathBuf> {
    let children = subdirectories(directory);
    let deep = children.len() <= 64;
    let mut all = Vec::new();
    for child in children {
        let related = ["terraform", "tofu", "tf", "provider", "plugin"].iter().any(|word| {
            child.file_name().is_some_and(|name| name.to_string_lossy().contains(word))
        });
        if deep || related {
            all.extend(subdirectories(&child));
        }
        all.push(child);
    }
    all
}

fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    paths.sort();
    paths
}

/// The providers that a root holds for a platform.
fn providers(root: &Path, platform: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // A host has a dot; that keeps ordinary directories out.
    let hosts = subdirectories(root).into_iter().filter(|path| name(path).contains('.'));
    for host in hosts {
        for namespace in subdirectories(&host) {
            for provider in subdirectories(&namespace) {
                if holds(&provider, platform) {
                    found.insert(format!(
                        "{}/{}/{}",
                        name(&host),
                        name(&namespace),
                        name(&provider)
                    ));
                }
            }
        }
    }
    found
}

fn holds(provider: &Path, platform: &str) -> bool {
    let program = format!("terraform-provider-{}", name(provider));
    let unpacked = subdirectories(provider).iter().any(|version| {
        let Ok(entries) = fs::read_dir(version.join(platform)) else { return false };
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(&program))
    });
    unpacked
        || fs::read_dir(provider).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let file = entry.file_name();
                let file = file.to_string_lossy();
                file.starts_with(&program) && file.ends_with(&format!("_{platform}.zip"))
            })
        })
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The directories that a CLI configuration names as mirrors or cache.
fn named_in(text: &str) -> Vec<PathBuf> {
    text.lines()
        .filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim().strip_prefix('"')?;
            let value = value.get(..value.find('"')?)?;
            matches!(key.trim(), "path" | "plugin_cache_dir").then(|| PathBuf::from(value))
        })
        .collect()
}

/// Terraform's CLI configuration for these mirrors.
pub(super) fn cli_config(mirrors: &[Mirror]) -> String {
    let list = |providers: &mut dyn Iterator<Item = &String>| {
        providers.map(|provider| format!("{provider:?}")).collect::<Vec<_>>().join(", ")
    };
    let mut text = String::from("disable_checkpoint = true\nprovider_installation {\n");
    for mirror in mirrors {
        text.push_str(&format!(
            "  filesystem_mirror {{\n    path    = {:?}\n    include = [{}]\n  }}\n",
            mirror.path,
            list(&mut mirror.providers.iter())
        ));
    }
    let found = list(&mut mirrors.iter().flat_map(|mirror| &mirror.providers));
    text.push_str(&format!("  direct {{\n    exclude = [{found}]\n  }}\n}}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacked_and_packed_mirrors_are_found_for_the_platform_alone() {
        let top = tempfile::tempdir().unwrap();
        let unpacked = top.path().join("unpacked");
        let program = unpacked.join("registry.terraform.io/hashicorp/aws/5.1.0/linux_amd64");
        fs::create_dir_all(&program).unwrap();
        fs::write(program.join("terraform-provider-aws_v5.1.0_x5"), "").unwrap();
        let packed = top.path().join("vendor/packed");
        let archive = packed.join("registry.terraform.io/hashicorp/random");
        fs::create_dir_all(&archive).unwrap();
        fs::write(archive.join("terraform-provider-random_3.0.0_linux_amd64.zip"), "").unwrap();

        let found = select(around(top.path()), "linux_amd64");
        let paths: Vec<&Path> = found.iter().map(|mirror| mirror.path.as_path()).collect();
        assert_eq!(paths, [unpacked.as_path(), packed.as_path()]);
        let config = cli_config(&found);
        assert!(
            config.contains(r#"include = ["registry.terraform.io/hashicorp/aws"]"#),
            "{config}"
        );
        assert!(config.contains(
            r#"exclude = ["registry.terraform.io/hashicorp/aws", "registry.terraform.io/hashicorp/random"]"#
        ));
        assert_eq!(found[0].versions("registry.terraform.io/hashicorp/aws"), ["5.1.0"]);
        assert_eq!(found[1].versions("registry.terraform.io/hashicorp/random"), ["3.0.0"]);
        assert_eq!(select(around(top.path()), "darwin_arm64"), []);
    }

    #[test]
    fn the_users_own_cli_configuration_is_read_for_directories() {
        let text = "plugin_cache_dir = \"/a/b\"\nprovider_installation {\n filesystem_mirror {\n  path = \"/c\" # why\n }\n}";
        assert_eq!(named_in(text), [PathBuf::from("/a/b"), PathBuf::from("/c")]);
    }
}
