//! What is decided and not called, because nothing deployed would show it: a
//! role of the team's own name that somebody else made, an operation that is
//! not served.

use ringfence_guard::{Caller, Question};
use ringfence_policy::Context;

use super::super::asked::Asking;
use super::super::attack::Reason;
use super::super::facts::{DeployerFacts, Facts};
use super::super::finding::Road;
use super::Scene;
use super::platform_routes;
use crate::config::Job;
use crate::guard_rail::GuardRail;

const BOUNDARY: GuardRail = GuardRail::BoundaryCarried;
const STACKS: GuardRail = GuardRail::Stacks;
const DOORS: GuardRail = GuardRail::Doors;

/// Something that is decided for a deployer.
#[derive(Debug)]
pub struct Asked {
    pub(super) name: String,
    pub(super) guard_rail: GuardRail,
    pub(super) title: String,
    pub(super) question: Question,
    /// What must refuse it.
    pub(super) reason: Reason,
    /// The same in the deployer's own place; where there is no such thing, it
    /// reads its function.
    pub(super) twin: Option<Question>,
}

impl Asked {
    /// What no identity policy allows.
    fn beyond(name: &'static str, guard_rail: GuardRail, title: &str, question: Question) -> Self {
        let (name, title) = (name.to_owned(), title.to_owned());
        Self { name, guard_rail, title, question, reason: Reason::NoIdentityPolicy, twin: None }
    }
}

/// All that is decided for a deployer, in a stable order.
pub fn asked(facts: &Facts, deployer: &DeployerFacts) -> Vec<Asked> {
    let scene = Scene { facts, deployer };
    let mut asked = match deployer.job {
        Job::Stack => {
            roles(&scene).into_iter().chain([policy(&scene)]).chain(templates(&scene)).collect()
        }
        Job::Code | Job::Configuration => Vec::new(),
    };
    asked.extend(platform_routes::asked(&scene));
    asked
}

/// Roles of the team's own names that are not under the boundary.
fn roles(scene: &Scene<'_>) -> Vec<Asked> {
    let other = format!("arn:aws:iam::{}:policy/ringfence-other-boundary", scene.facts.account);
    let role = scene.facts.role_arn(&scene.own_role("ringfence-found"));
    let on = |action: &str, boundary: Option<&str>| {
        let mut context = Context::new();
        if let Some(boundary) = boundary {
            context.set("iam:PermissionsBoundary", boundary);
        }
        Question { action: action.to_owned(), resource: role.clone(), context }
    };
    let asked = |name, title, question| Asked::beyond(name, BOUNDARY, title, question);
    vec![
        asked(
            "unbounded-role-deleted",
            "cannot delete a role that has no boundary",
            on("iam:DeleteRole", None),
        ),
        asked(
            "unbounded-role-detached",
            "cannot detach a policy from a role that has no boundary",
            on("iam:DetachRolePolicy", None),
        ),
        asked(
            "unbounded-role-emptied",
            "cannot delete a policy of a role that has no boundary",
            on("iam:DeleteRolePolicy", None),
        ),
        asked(
            "otherwise-bounded-role-deleted",
            "cannot delete a role that has another boundary",
            on("iam:DeleteRole", Some(&other)),
        ),
    ]
}

/// The whole policy of a function at once, by an operation that is newer than
/// `AddPermission`.
fn policy(scene: &Scene<'_>) -> Asked {
    let mut context = Context::new();
    context.set("lambda:Principal", "apigateway.amazonaws.com");
    Asked::beyond(
        "function-policy-replaced",
        DOORS,
        "cannot replace the whole policy of its function",
        Question {
            action: "lambda:PutResourcePolicy".to_owned(),
            resource: scene.facts.function_arn(&scene.deployer.function),
            context,
        },
    )
}

/// What a template could ask CloudFormation for on the deployer's behalf, and
/// what it would need for that: nested stacks, macros, custom resources.
fn templates(scene: &Scene<'_>) -> Vec<Asked> {
    let facts = scene.facts;
    let stacks =
        |rest: &str| format!("arn:aws:cloudformation:{}:{}:{rest}", facts.region, facts.account);
    let via = |action: &str, resource: String| {
        let mut context = Context::new();
        context.set_list("aws:CalledVia", ["cloudformation.amazonaws.com"]);
        Question { action: action.to_owned(), resource, context }
    };
    let mut asked = vec![
        Asked::beyond(
            "nested-stack",
            STACKS,
            "cannot nest a stack, which CloudFormation would create for it",
            via("cloudformation:CreateStack", stacks(&format!("stack/{}/*", scene.own("Nested")))),
        ),
        Asked::beyond(
            "macro-of-the-account",
            STACKS,
            "cannot have its template rewritten by a macro of the account",
            via("cloudformation:CreateChangeSet", stacks("transform/RingfenceMacro")),
        ),
        Asked::beyond(
            "custom-resource-by-topic",
            DOORS,
            "cannot have a custom resource announced to a topic",
            via("sns:Publish", format!("arn:aws:sns:{}:{}:ringfence", facts.region, facts.account)),
        ),
    ];
    if let Some(foreign) = scene.foreign() {
        asked.push(Asked::beyond(
            "custom-resource-by-foreign-function",
            DOORS,
            "cannot have a custom resource made by another team's function",
            via("lambda:InvokeFunction", facts.function_arn(foreign)),
        ));
        asked.push(Asked::beyond(
            "foreign-function-imported",
            STACKS,
            "cannot import another team's function into a stack of its own",
            via("lambda:GetFunction", facts.function_arn(foreign)),
        ));
    }
    asked
}

impl Asked {
    /// The id of its finding.
    pub fn id(&self, identity: &str) -> String {
        format!("{identity}/{}/{}", self.name, Road::Api)
    }

    /// The question for the holder of a key. `may` is what it may do, where
    /// the question has no twin of its own, and `work` where that is refused.
    pub(in crate::attacks) fn asking<'a>(
        &self,
        identity: &'a str,
        key: &'a str,
        may: &Question,
        work: Option<&Question>,
    ) -> Asking<'a> {
        Asking {
            id: self.id(identity),
            guard_rail: self.guard_rail.clone(),
            identity,
            title: format!("{identity} {}", self.title),
            caller: Caller::Key(key),
            question: self.question.clone(),
            twin: (Caller::Key(key), self.twin.clone().unwrap_or_else(|| may.clone())),
            work: work.cloned(),
            reason: self.reason,
        }
    }
}
