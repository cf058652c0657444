//! The catalogue: for each deployer, what lies beyond its job. Everything is
//! derived from the deployed state; no service's name stands here.

mod api;
mod api_front;
pub mod asked;
mod bucket;
mod code;
mod data;
mod foreign_roles;
mod functions;
mod identities;
mod logs;
mod network;
mod platform_routes;
mod roles;
mod sessions;
mod settings;
mod stacks;
mod templates;
mod through_stacks;
mod updates;

use ringfence_wire::services::Lambda;
use serde_json::{Value, json};

use super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::escalations;
use super::facts::{DeployerFacts, Facts};
use crate::guard_rail::GuardRail;

/// The attacks of one deployer, in a stable order.
pub fn attacks(facts: &Facts, deployer: &DeployerFacts) -> Vec<Attack> {
    let scene = Scene { facts, deployer };
    let mut attacks = [
        roles::attacks(&scene),
        identities::attacks(&scene),
        foreign_roles::attacks(&scene),
        sessions::attacks(&scene),
        api::attacks(&scene),
        api_front::attacks(&scene),
        functions::attacks(&scene),
        code::attacks(&scene),
        settings::attacks(&scene),
        network::attacks(&scene),
        stacks::attacks(&scene),
        templates::attacks(&scene),
        through_stacks::attacks(&scene),
        updates::attacks(&scene),
        data::attacks(&scene),
        bucket::attacks(&scene),
        logs::attacks(&scene),
        escalations::calls::attacks(facts, deployer),
    ]
    .concat();
    for attack in &mut attacks {
        attack.refusal = facts.refusal(&attack.refusal);
    }
    attacks
}

/// A deployer in the deployed state.
struct Scene<'a> {
    facts: &'a Facts,
    deployer: &'a DeployerFacts,
}

impl Scene<'_> {
    /// A name in the deployer's own namespace.
    fn own(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.deployer.app)
    }

    /// A role's name in the deployer's own namespace, or beside its function's
    /// role where it has none.
    fn own_role(&self, suffix: &str) -> String {
        match &self.deployer.role_prefix {
            Some(prefix) => format!("{prefix}{suffix}"),
            None => {
                let function = self.facts.function(&self.deployer.app);
                let role = function.and_then(|function| function.role_arn.rsplit('/').next());
                format!("{}-{suffix}", role.unwrap_or(&self.deployer.app))
            }
        }
    }

    /// The id of the statement that lets the API call a function; one that is
    /// not there where there is none, for permissions are decided first.
    fn api_permission(&self, function: &str) -> &str {
        let function = self.facts.function_named(function);
        function.and_then(|it| it.api_permission.as_deref()).unwrap_or("ringfence-probe")
    }

    /// The deployer's own role or user.
    fn itself(&self) -> Itself<'_> {
        Itself { name: self.deployer.own_name(), is_user: self.deployer.is_user() }
    }

    /// A role that is no function's to have: the deployer's own, or where it is a user the
    /// one that it would gain most by.
    fn other_role(&self) -> &str {
        self.deployer.role_arn().unwrap_or_else(|| self.facts.coveted(self.deployer))
    }

    /// What every deployer may do: look at its own function.
    fn own_work(&self) -> Twin {
        let input = json!({"FunctionName": self.deployer.function});
        let step = Step::new(Lambda, "GetFunctionConfiguration", input);
        Twin::same(Attempt::Call(step), Vec::new())
    }

    /// The function of another team, by name.
    fn foreign(&self) -> Option<&str> {
        self.facts.foreign_function(&self.deployer.app).map(|function| function.name.as_str())
    }

    fn rail(&self, guard_rail: GuardRail) -> Rail<'_> {
        Rail { scene: self, guard_rail }
    }
}

/// A deployer's own role or user, as IAM's calls name it.
#[derive(Clone, Copy)]
struct Itself<'a> {
    name: &'a str,
    is_user: bool,
}

impl Itself<'_> {
    /// As AWS's messages print it.
    fn printed(&self) -> String {
        format!("{} {}", self.of("role", "user"), self.name)
    }

    /// A call's members.
    fn input(&self, more: Value) -> Value {
        with(&json!({self.of("RoleName", "UserName"): self.name}), more)
    }

    /// What is so of a role, and what of a user.
    fn of<T>(&self, role: T, user: T) -> T {
        if self.is_user { user } else { role }
    }

    /// Why nothing is let become more of it: of a role the boundary's statement may tell.
    fn bounded(&self) -> Reason {
        let of_role = Reason::BoundaryStatement(crate::config::Forbids::UnboundedRoles);
        self.of(of_role, Reason::NoIdentityPolicy)
    }
}

/// A guard rail, for tables of attacks by one call each.
struct Rail<'a> {
    scene: &'a Scene<'a>,
    guard_rail: GuardRail,
}

impl Rail<'_> {
    /// A call that no identity policy allows, beside the deployer's own work.
    /// The other cases are told by [`Attack::because`] and [`Attack::beside`].
    fn case(
        &self,
        name: &'static str,
        title: &str,
        step: Step,
        action: &'static str,
        resource: impl Into<String>,
    ) -> Attack {
        let (service, resource) = (step.service, resource.into());
        Attack {
            name,
            guard_rail: self.guard_rail.clone(),
            title: title.into(),
            attempt: Attempt::Call(step),
            refusal: Refusal {
                service,
                action: action.into(),
                resource,
                reason: Reason::NoIdentityPolicy,
            },
            twin: self.scene.own_work(),
        }
    }
}

impl Attack {
    /// Refused for another reason.
    fn because(mut self, reason: Reason) -> Self {
        self.refusal.reason = reason;
        self
    }

    /// With another twin.
    fn beside(mut self, twin: Twin) -> Self {
        self.twin = twin;
        self
    }

    /// The platform does the same, and undoes it.
    fn platform_may(mut self, undo: Vec<Step>) -> Self {
        if let Attempt::Call(step) = &self.attempt {
            self.twin = Twin::platform(step.clone(), undo);
        }
        self
    }
}

/// An object with more members.
fn with(base: &Value, more: Value) -> Value {
    let mut members = base.as_object().cloned().unwrap_or_default();
    if let Value::Object(more) = more {
        members.extend(more);
    }
    Value::Object(members)
}

/// A trust policy for Lambda.
pub(super) fn lambda_trust() -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }],
    })
    .to_string()
}

/// A policy that allows everything.
pub(super) fn everything() -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    })
    .to_string()
}

/// A deployment package of one Python source, as `ZipFile` takes it: base64.
pub(super) fn package(source: &str) -> String {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    // Writing to memory does not fail; were it to, the empty package would be
    // refused, and the attack inconclusive.
    let bytes = archive
        .start_file("index.py", options)
        .and_then(|()| Ok(std::io::Write::write_all(&mut archive, source.as_bytes())?))
        .and_then(|()| archive.finish())
        .map(std::io::Cursor::into_inner)
        .unwrap_or_default();
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}
