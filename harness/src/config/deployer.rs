//! Who deploys, as it is written: by a role or by a user.

use serde::Deserialize;
use toml::Spanned;

use super::{Deployer, DeployerIdentity, Job};

/// A deployer as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenDeployer {
    name: Spanned<String>,
    role_output: Option<String>,
    user_output: Option<String>,
    app: Spanned<String>,
    job: Job,
    role_prefix: Option<String>,
    through_output: Option<Spanned<String>>,
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    environment: Option<String>,
    subject: Option<Spanned<String>>,
}

impl WrittenDeployer {
    /// What is wrong with who it is.
    fn fault(&self) -> Option<String> {
        let name = self.name.get_ref();
        let of_tokens = [
            ("through_output", self.through_output.is_some()),
            ("ref", self.git_ref.is_some()),
            ("environment", self.environment.is_some()),
            ("subject", self.subject.is_some()),
        ];
        let of_tokens = of_tokens.iter().find(|(_, given)| *given);
        match (&self.role_output, &self.user_output, of_tokens) {
            (Some(_), Some(_), _) => Some(format!(
                "deployer `{name}` is a role or a user: give `role_output` or `user_output`, not \
                 both"
            )),
            (None, None, _) => {
                Some(format!("deployer `{name}` needs `role_output` or `user_output`"))
            }
            (None, Some(_), Some((field, _))) => Some(format!(
                "`{field}` is about tokens, and none becomes the user of deployer `{name}`: its \
                 workflow has the user's key"
            )),
            (Some(_), None, _) | (None, Some(_), None) => None,
        }
    }
}

/// Its fault is told by the check of the whole file, with its place.
impl From<WrittenDeployer> for Deployer {
    fn from(written: WrittenDeployer) -> Self {
        let fault = written.fault();
        let identity = match (written.role_output, written.user_output) {
            (None, Some(user)) => DeployerIdentity::User(user),
            (role, _) => DeployerIdentity::Role(role.unwrap_or_default()),
        };
        Self {
            identity,
            name: written.name,
            app: written.app,
            job: written.job,
            role_prefix: written.role_prefix,
            through_output: written.through_output,
            git_ref: written.git_ref,
            environment: written.environment,
            subject: written.subject,
            fault,
        }
    }
}

impl DeployerIdentity {
    /// What names it.
    pub fn named(&self) -> &str {
        match self {
            Self::Role(named) | Self::User(named) => named,
        }
    }

    /// The field that names it.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Role(_) => "role_output",
            Self::User(_) => "user_output",
        }
    }

    /// Whether it is a user.
    pub const fn is_user(&self) -> bool {
        matches!(self, Self::User(_))
    }

    /// What it is, as ARNs say it.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::User(_) => "user",
        }
    }
}
