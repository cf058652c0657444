//! The actions that are known here, their inputs, and what the configuration
//! says of others.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::model::Inputs;

pub(super) const CHECKOUT: &str = "actions/checkout";
pub(super) const CREDENTIALS: &str = "aws-actions/configure-aws-credentials";
pub(super) const SETUP_SAM: &str = "aws-actions/setup-sam";
pub(super) const SETUP_PYTHON: &str = "actions/setup-python";
pub(super) const ECR_LOGIN: &str = "aws-actions/amazon-ecr-login";
pub(super) const GITHUB_SCRIPT: &str = "actions/github-script";
pub(super) const CLOUDFORMATION: &str = "aws-actions/aws-cloudformation-github-deploy";
pub(super) const CACHE: [&str; 3] =
    ["actions/cache", "actions/cache/restore", "actions/cache/save"];
pub(super) const UPLOAD: &str = "actions/upload-artifact";
pub(super) const DOWNLOAD: &str = "actions/download-artifact";

/// An action that can be run, with the inputs that are honoured or change
/// nothing here.
struct Known {
    name: &'static str,
    inputs: &'static [&'static str],
    required: &'static [&'static str],
}

const KNOWN: [Known; 18] = [
    Known {
        name: CHECKOUT,
        // The whole repository is there, with all of its history that the
        // directory has.
        inputs: &[
            "repository",
            "ref",
            "path",
            "token",
            "ssh-key",
            "ssh-known-hosts",
            "ssh-strict",
            "ssh-user",
            "fetch-depth",
            "fetch-tags",
            "filter",
            "persist-credentials",
            "clean",
            "lfs",
            "show-progress",
            "set-safe-directory",
            "sparse-checkout",
            "sparse-checkout-cone-mode",
            "submodules",
        ],
        required: &[],
    },
    Known {
        name: CREDENTIALS,
        inputs: &[
            "role-to-assume",
            "aws-region",
            "aws-access-key-id",
            "aws-secret-access-key",
            "aws-session-token",
            "role-chaining",
            "role-session-name",
            "role-duration-seconds",
            "role-external-id",
            "role-skip-session-tagging",
            "transitive-tag-keys",
            "custom-tags",
            "audience",
            "inline-session-policy",
            "managed-session-policies",
            "mask-aws-account-id",
            "output-credentials",
            "output-env-credentials",
            "unset-current-credentials",
            "use-existing-credentials",
            "allowed-account-ids",
            "force-skip-oidc",
            // The guard answers at once, or not at all.
            "disable-retry",
            "retry-max-attempts",
            "special-characters-workaround",
            "action-timeout-s",
        ],
        required: &["aws-region"],
    },
    Known { name: SETUP_SAM, inputs: &["use-installer", "version", "token"], required: &[] },
    Known {
        name: SETUP_PYTHON,
        inputs: &[
            "python-version",
            "cache",
            "cache-dependency-path",
            "architecture",
            "check-latest",
            "token",
            "update-environment",
            "allow-prereleases",
            "pip-version",
            "pip-install",
        ],
        required: &[],
    },
    Known {
        name: "actions/setup-node",
        inputs: &[
            "node-version",
            "node-version-file",
            "always-auth",
            "architecture",
            "check-latest",
            "registry-url",
            "scope",
            "token",
            "cache",
            "cache-dependency-path",
            "package-manager-cache",
        ],
        required: &[],
    },
    Known {
        name: "actions/setup-java",
        inputs: &[
            "java-version",
            "java-version-file",
            "distribution",
            "java-package",
            "architecture",
            "check-latest",
            "cache",
            "cache-dependency-path",
            "token",
        ],
        required: &[],
    },
    Known {
        name: "actions/setup-go",
        inputs: &[
            "go-version",
            "go-version-file",
            "check-latest",
            "token",
            "cache",
            "cache-dependency-path",
            "architecture",
        ],
        required: &[],
    },
    Known {
        name: "ruby/setup-ruby",
        inputs: &["ruby-version", "rubygems", "bundler", "working-directory"],
        required: &[],
    },
    Known {
        name: "hashicorp/setup-terraform",
        inputs: &["terraform_version", "terraform_wrapper"],
        required: &[],
    },
    Known {
        name: "dtolnay/rust-toolchain",
        inputs: &["toolchain", "targets", "target", "components"],
        required: &[],
    },
    Known {
        name: CACHE[0],
        inputs: &[
            "path",
            "key",
            "restore-keys",
            "upload-chunk-size",
            "enableCrossOsArchive",
            "fail-on-cache-miss",
            "lookup-only",
            "save-always",
        ],
        required: &["path", "key"],
    },
    Known {
        name: CACHE[1],
        inputs: &[
            "path",
            "key",
            "restore-keys",
            "enableCrossOsArchive",
            "fail-on-cache-miss",
            "lookup-only",
        ],
        required: &["path", "key"],
    },
    Known {
        name: CACHE[2],
        inputs: &["path", "key", "upload-chunk-size", "enableCrossOsArchive"],
        required: &["path", "key"],
    },
    Known {
        name: UPLOAD,
        inputs: &[
            "name",
            "path",
            "if-no-files-found",
            "retention-days",
            "compression-level",
            "overwrite",
            "include-hidden-files",
        ],
        required: &["path"],
    },
    Known {
        name: DOWNLOAD,
        inputs: &["name", "path", "pattern", "merge-multiple", "github-token"],
        required: &[],
    },
    Known {
        name: ECR_LOGIN,
        inputs: &["registries", "registry-type", "skip-logout", "mask-password"],
        required: &[],
    },
    Known {
        name: GITHUB_SCRIPT,
        // Most of them are about requests to GitHub's API, which are not served.
        inputs: &[
            "script",
            "github-token",
            "debug",
            "user-agent",
            "previews",
            "result-encoding",
            "retries",
            "retry-exempt-status-codes",
            "base-url",
        ],
        required: &["script"],
    },
    Known {
        name: CLOUDFORMATION,
        inputs: &[
            "mode",
            "name",
            "template",
            "capabilities",
            "parameter-overrides",
            "no-execute-changeset",
            "no-delete-failed-changeset",
            "no-fail-on-empty-changeset",
            "fail-on-empty-changeset",
            "disable-rollback",
            "timeout-in-minutes",
            "notification-arns",
            "role-arn",
            "tags",
            "termination-protection",
            "change-set-name",
            "include-nested-stacks-change-set",
            "execute-change-set-id",
            "s3-bucket",
            "s3-prefix",
        ],
        required: &["name"],
    },
];

/// The actions that set up a tool, with the program that must be there, how it
/// tells its version, and the input that says which.
pub(super) const TOOLS: [Tool; 6] = [
    Tool {
        action: "actions/setup-node",
        program: "node",
        asks: "--version",
        input: "node-version",
    },
    Tool { action: "actions/setup-java", program: "java", asks: "-version", input: "java-version" },
    Tool { action: "actions/setup-go", program: "go", asks: "version", input: "go-version" },
    Tool { action: "ruby/setup-ruby", program: "ruby", asks: "--version", input: "ruby-version" },
    Tool {
        action: "hashicorp/setup-terraform",
        program: "terraform",
        asks: "version",
        input: "terraform_version",
    },
    Tool {
        action: "dtolnay/rust-toolchain",
        program: "cargo",
        asks: "--version",
        input: "toolchain",
    },
];

/// A tool that an action sets up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tool {
    pub(super) action: &'static str,
    pub(super) program: &'static str,
    pub(super) asks: &'static str,
    pub(super) input: &'static str,
}

/// The tool that an action sets up.
pub(super) fn tool(action: &str) -> Option<Tool> {
    TOOLS.into_iter().find(|tool| tool.action.eq_ignore_ascii_case(action))
}

/// The releases of the first version of [`CLOUDFORMATION`], by their commits: the tags
/// of <https://github.com/aws-actions/aws-cloudformation-github-deploy>.
const CLOUDFORMATION_FIRST: [&str; 7] = [
    "94102bfc4f7d69ae3d6ee5074f3d28063f9d9e9d",
    "37713ba036dfc06a9734c611be858a51a9d300f2",
    "dfbee8a4fec90af61b71bafda3890f8c4a2075ef",
    "a4dc90cda3c9eb7c34b2b5eda5594d06384d80a6",
    "6901756eb70595fa9c1169141934562aa4e86f2a",
    "e675be17f6d393aacca6f94986bc6560de5aedd0",
    "33527b83bddcf6b3f0b135d9550bde8475325c73",
];

/// Whether a version of [`CLOUDFORMATION`] makes a new stack by a change set, as the
/// second does. A version that does not say is told by an input that the second has not.
pub(super) fn deploys_by_change_sets<'n>(
    version: &str,
    mut inputs: impl Iterator<Item = &'n str>,
) -> bool {
    let first = version == "v1"
        || version.starts_with("v1.")
        || CLOUDFORMATION_FIRST.contains(&version.to_ascii_lowercase().as_str());
    !first && !inputs.any(|name| name.eq_ignore_ascii_case("no-fail-on-empty-changeset"))
}

/// What the configuration says of an action.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Substitute {
    /// Whether it is left out.
    #[serde(default)]
    pub skip: bool,
    /// A script in its place: its inputs are there as `INPUT_NAME`.
    #[serde(default)]
    pub run: Option<String>,
    /// The outputs of an action that is left out.
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
}

impl Substitute {
    /// What is wrong with it.
    ///
    /// # Errors
    /// That it says neither or both of what it can say.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match (self.skip, &self.run) {
            (true, None) => Ok(()),
            (false, Some(_)) if self.outputs.is_empty() => Ok(()),
            (false, Some(_)) => Err("a script writes its outputs to `$GITHUB_OUTPUT` itself"),
            _ => Err("an action has either `skip = true` or `run`"),
        }
    }
}

/// What stands for actions that are not known here, by `owner/name`.
pub type Substitutes = BTreeMap<String, Spanned<Substitute>>;

/// What the configuration says of an action.
pub(super) fn substitute<'s>(substitutes: &'s Substitutes, action: &str) -> Option<&'s Substitute> {
    let found = substitutes.iter().find(|(key, _)| key.eq_ignore_ascii_case(action));
    found.map(|(_, substitute)| substitute.get_ref())
}

fn known_as(action: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name.eq_ignore_ascii_case(action))
}

/// The name of a known action, as it is written here.
pub(super) fn known(action: &str) -> Option<&'static str> {
    known_as(action).map(|known| known.name)
}

/// The names of all that are known.
pub(super) fn all_known() -> String {
    let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
    names.join(", ")
}

/// What is wrong with the inputs of a known action: one that would change what
/// happens and is not honoured, and one that is missing.
pub(super) fn faults_of_inputs(action: &str, Inputs(with): &Inputs) -> Vec<String> {
    let Some(known) = known_as(action) else { return Vec::new() };
    let has = |name: &str| with.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    let extra = with
        .iter()
        .filter(|(name, _)| !known.inputs.iter().any(|it| it.eq_ignore_ascii_case(name)));
    let mut faults: Vec<String> = extra
        .map(|(name, _)| format!("the input `{name}` of `{}` is not supported", known.name))
        .collect();
    let missing = known.required.iter().filter(|name| has(name).is_none());
    faults.extend(missing.map(|name| format!("`{}` needs the input `{name}`", known.name)));
    if known.name == SETUP_PYTHON {
        let version = has("python-version").and_then(|(_, version)| version.plain());
        faults.extend(version.and_then(|version| super::python::minor(version).err()));
    }
    faults
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::deploys_by_change_sets;

    #[rstest]
    #[case("v1", &[], false)]
    #[case("v1.2.0", &["fail-on-empty-changeset"], false)]
    #[case("e675be17f6d393aacca6f94986bc6560de5aedd0", &[], false)]
    #[case("0000000000000000000000000000000000000000", &["no-fail-on-empty-changeset"], false)]
    #[case("0000000000000000000000000000000000000000", &[], true)]
    #[case("v2.1.0", &[], true)]
    #[case("v10", &[], true)]
    #[case("main", &["name", "template"], true)]
    fn the_second_version_makes_stacks_by_change_sets(
        #[case] version: &str,
        #[case] inputs: &[&str],
        #[case] by_change_sets: bool,
    ) {
        assert_eq!(deploys_by_change_sets(version, inputs.iter().copied()), by_change_sets);
    }
}
