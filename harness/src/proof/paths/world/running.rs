//! As which role something of the files runs: it names the role itself, an instance profile that
//! holds it, or a task definition that names it.

use super::Builder;
use crate::access::running::Profile;
use crate::lint::terraform::Resource;
use crate::proof::paths::means::Held;
use crate::proof::paths::read::{attribute, is_open, named};

/// As which role something runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RunsAs {
    /// As none.
    Nothing,
    /// As the one of this name.
    Role(String),
    /// Nobody knows as which, or whether as any.
    NotKnown,
}

impl RunsAs {
    /// As the role of a name or an ARN.
    pub(super) fn named(role: &str) -> Self {
        Self::Role(role.rsplit('/').next().unwrap_or(role).to_owned())
    }

    /// What an attribute says that names a role or has its ARN.
    fn by(resource: &Resource, path: &str) -> Self {
        match named(resource, path) {
            Some(name) => Self::named(&name),
            None if is_open(resource, path) => Self::NotKnown,
            None => Self::Nothing,
        }
    }
}

impl Builder<'_> {
    pub(super) fn runs_as(&self, resource: &Resource, row: &Held) -> RunsAs {
        let by = match row.role.split('.').next() {
            Some("iam_instance_profile") => Self::in_profile,
            Some("task_definition") => Self::as_task,
            _ => return RunsAs::by(resource, &row.role),
        };
        match attribute(resource, &row.role) {
            Some(named) => by(self, named),
            None if is_open(resource, &row.role) => RunsAs::NotKnown,
            None => RunsAs::Nothing,
        }
    }

    /// The role that an instance profile holds, by the profile's name or ARN. A profile may
    /// have the name of a role that it does not hold
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html>),
    /// so that of one that is not in the files the role is not known.
    pub(super) fn in_profile(&self, named: &str) -> RunsAs {
        let is_arn = named.starts_with("arn:");
        let own = self.resources("aws_iam_instance_profile").find(|profile| {
            let arn = attribute(profile, "arn");
            match arn.filter(|_| is_arn) {
                Some(arn) => arn == named,
                // The name is what stands last in the ARN.
                None => attribute(profile, "name") == named.rsplit('/').next(),
            }
        });
        if let Some(profile) = own {
            return RunsAs::by(profile, "role");
        }
        let name = named.rsplit('/').next().unwrap_or(named);
        let mut of_templates = self.estate.profiles.iter();
        let role = of_templates.find(|one| one.is_named(name)).and_then(Profile::role);
        role.map_or(RunsAs::NotKnown, RunsAs::named)
    }

    /// The role of a service's tasks, by the ARN of their task definition, by its family and
    /// revision, or by its family.
    fn as_task(&self, named: &str) -> RunsAs {
        let family = named.rsplit('/').next().and_then(|name| name.split(':').next());
        let mut all = self.resources("aws_ecs_task_definition");
        let own = all
            .find(|one| attribute(one, "arn") == Some(named) || attribute(one, "family") == family);
        own.map_or(RunsAs::NotKnown, |task| RunsAs::by(task, "task_role_arn"))
    }
}
