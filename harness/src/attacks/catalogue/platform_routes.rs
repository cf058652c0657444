//! Every route that is not the deployer's to change, and its integration. One
//! is attacked by calls (`api.rs`); here the others are decided, so that a
//! statement which lists them is shown to hold for each.

use ringfence_guard::Question;
use ringfence_policy::Context;

use super::super::attack::Reason;
use super::super::facts::RouteFacts;
use super::Scene;
use super::asked::Asked;
use crate::config::{Forbids, Job};
use crate::guard_rail::GuardRail;

pub(super) const ROUTES: GuardRail = GuardRail::RoutesLead;

/// What can be done to a route or an integration that is there.
const CHANGES: [(&str, &str, &str); 2] = [
    ("changed", "cannot change", "apigateway:PATCH"),
    ("removed", "cannot remove", "apigateway:DELETE"),
];

/// The routes that a deployer must leave alone. For one that makes stacks these
/// are the ones that the platform wired: routes carry neither owner nor tag, so
/// that no policy can tell the routes of other teams' stacks from its own.
pub(super) fn foreign<'a>(scene: &'a Scene<'_>) -> impl Iterator<Item = &'a RouteFacts> {
    let (facts, own) = (scene.facts, &scene.deployer.app);
    facts.routes.iter().filter(move |route| {
        let function = facts.functions.iter().find(|it| route.leads_to(&it.name));
        let app = function.map(|function| function.owner());
        match (app, scene.deployer.job) {
            (Some(app), _) if app == own => false,
            (Some(app), Job::Stack) => {
                !facts.deployers.iter().any(|it| it.job == Job::Stack && it.app == app)
            }
            (Some(_), Job::Code | Job::Configuration) | (None, _) => true,
        }
    })
}

/// Why a deployer cannot change them.
pub(super) fn reason(job: Job) -> Reason {
    match job {
        Job::Stack => Reason::IdentityStatement(Forbids::PlatformRoutes),
        Job::Code | Job::Configuration => Reason::NoIdentityPolicy,
    }
}

/// All but the first, decided; of many, those that are this deployer's to attack.
pub(super) fn asked(scene: &Scene<'_>) -> Vec<Asked> {
    let (rivals, name) = (&scene.facts.rivals, &scene.deployer.name);
    let others = foreign(scene).skip(1);
    let others = others.filter(|route| rivals.attacks_route(name, &route.route_id));
    others.flat_map(|route| of_route(scene, route)).collect()
}

fn of_route(scene: &Scene<'_>, route: &RouteFacts) -> Vec<Asked> {
    let key = &route.route_key;
    let own = scene.facts.route(&scene.deployer.app);
    // Where it makes stacks, its own route and integration are its to change.
    let own = own.filter(|_| scene.deployer.job == Job::Stack);
    let mut asked = Vec::new();
    for (name, title, action) in CHANGES {
        for part in [Part::Route, Part::Integration] {
            let on = |route: &RouteFacts| question(scene, action, part, route);
            let called = part.called();
            asked.push(Asked {
                name: format!("foreign-{called}-{name}/{key}"),
                guard_rail: ROUTES,
                title: format!("{title} the {called} of `{key}`"),
                question: on(route),
                reason: scene.facts.reason(reason(scene.deployer.job)),
                twin: own.map(on),
            });
        }
    }
    asked
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Route,
    Integration,
}

impl Part {
    fn called(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Integration => "integration",
        }
    }

    fn path(self, route: &RouteFacts) -> String {
        match self {
            Self::Route => format!("/routes/{}", route.route_id),
            Self::Integration => format!("/integrations/{}", route.integration_id),
        }
    }
}

/// An action on a part of the API, as a request has it that keeps a route
/// behind the authorizer.
fn question(scene: &Scene<'_>, action: &str, part: Part, route: &RouteFacts) -> Question {
    let mut context = Context::new();
    if action == "apigateway:PATCH" && part == Part::Route {
        context.set_list("apigateway:Request/RouteAuthorizationType", ["JWT"]);
    }
    Question {
        action: action.to_owned(),
        resource: scene.facts.api_arn(&part.path(route)),
        context,
    }
}
