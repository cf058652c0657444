//! What the contexts hold
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/contexts>).

use std::collections::BTreeMap;

use super::expression::{Object, Value};
use super::place::Place;
use crate::issuers::GithubRun;

/// The members of `github`.
pub(super) const GITHUB: [&str; 42] = [
    "action",
    "action_path",
    "action_ref",
    "action_repository",
    "action_status",
    "actor",
    "actor_id",
    "api_url",
    "artifact_cache_size_limit",
    "base_ref",
    "env",
    "event",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "job_workflow_sha",
    "output",
    "path",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repositoryurl",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "secret_source",
    "server_url",
    "sha",
    "token",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "workspace",
];

/// Those of `runner`.
pub(super) const RUNNER: [&str; 8] =
    ["arch", "debug", "environment", "name", "os", "temp", "tool_cache", "workspace"];

/// Those of `job`.
pub(super) const JOB: [&str; 4] = ["check_run_id", "container", "services", "status"];

/// The members of `github` that are variables of each step too, as
/// `GITHUB_NAME`
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables>).
const VARIABLES: [&str; 27] = [
    "action",
    "actor",
    "actor_id",
    "api_url",
    "base_ref",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workspace",
];

/// `github`, for a job.
pub(super) fn github(
    run: &GithubRun,
    place: &Place,
    job: &str,
    event: Value,
    token: &str,
) -> Object {
    let inside = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let mut github = github_of_run(run, event, token);
    github.set("event_path", inside(&place.event.inside.join("event.json")));
    github.set("job", job);
    github.set("workspace", inside(&place.workspace.inside));
    github
}

/// The same before there is a job.
pub(super) fn github_of_run(run: &GithubRun, event: Value, token: &str) -> Object {
    let ref_name = ["refs/heads/", "refs/tags/", "refs/pull/"]
        .iter()
        .find_map(|prefix| run.git_ref.strip_prefix(prefix))
        .unwrap_or(&run.git_ref);
    let tag = run.git_ref.starts_with("refs/tags/");
    let repository = run.repository();
    let workflow_ref = format!("{repository}/{}@{}", run.workflow_file, run.git_ref);
    let texts = [
        ("action", "__run".to_owned()),
        ("actor", run.actor.clone()),
        ("actor_id", run.actor_id()),
        ("api_url", "https://api.github.com".to_owned()),
        ("base_ref", run.base_ref().to_owned()),
        ("event_name", run.event.clone()),
        ("graphql_url", "https://api.github.com/graphql".to_owned()),
        ("head_ref", run.head_ref().to_owned()),
        ("ref", run.git_ref.clone()),
        ("ref_name", ref_name.to_owned()),
        ("ref_type", if tag { "tag" } else { "branch" }.to_owned()),
        ("repositoryUrl", format!("git://github.com/{repository}.git")),
        ("repository", repository),
        ("repository_id", run.repository_id.clone()),
        ("repository_owner", run.owner.clone()),
        ("repository_owner_id", run.owner_id.clone()),
        ("retention_days", "90".to_owned()),
        ("run_attempt", "1".to_owned()),
        ("run_id", run.run_id.clone()),
        ("run_number", "1".to_owned()),
        ("secret_source", "Actions".to_owned()),
        ("server_url", "https://github.com".to_owned()),
        ("sha", run.sha.clone()),
        ("token", token.to_owned()),
        ("triggering_actor", run.actor.clone()),
        ("workflow", run.workflow.clone()),
        ("workflow_ref", workflow_ref),
        ("workflow_sha", run.sha.clone()),
    ];
    let mut github: Object = texts.into_iter().collect();
    github.set("ref_protected", true);
    github.set("event", event);
    github
}

/// The variables that `github` makes.
pub(super) fn variables(github: &Object) -> BTreeMap<String, String> {
    VARIABLES
        .into_iter()
        .filter_map(|name| {
            let value = github.get(name)?.text().to_string();
            Some((format!("GITHUB_{}", name.to_uppercase()), value))
        })
        .collect()
}

/// `runner`
pub(super) fn runner(place: &Place) -> Value {
    let inside = |path: &std::path::Path| path.to_string_lossy().into_owned();
    [
        ("arch", "X64".to_owned()),
        ("environment", "github-hosted".to_owned()),
        ("name", "ringfence".to_owned()),
        ("os", "Linux".to_owned()),
        ("temp", inside(&place.temporary.inside)),
        ("tool_cache", inside(&place.temporary.inside.join("tools"))),
        ("workspace", inside(&place.workspace.inside)),
    ]
    .into_iter()
    .collect::<Object>()
    .into()
}

/// `github.event`, as far as the run tells it: the rest of GitHub's payloads is
/// not there.
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads>
pub(super) fn event(run: &GithubRun, inputs: Option<&Object>, schedules: &[String]) -> Value {
    let object = |members: Vec<(&str, Value)>| Value::from(members.into_iter().collect::<Object>());
    let user = || object(vec![("login", run.actor.as_str().into())]);
    let repository = object(vec![
        ("full_name", run.repository().into()),
        ("name", run.name.as_str().into()),
        ("private", true.into()),
        ("default_branch", "main".into()),
        ("owner", object(vec![("login", run.owner.as_str().into())])),
    ]);
    let mut members = vec![("repository", repository), ("sender", user())];
    match run.event.as_str() {
        "push" => members.extend([
            ("ref", run.git_ref.as_str().into()),
            ("after", run.sha.as_str().into()),
            ("before", "0".repeat(40).into()),
            ("created", false.into()),
            ("deleted", false.into()),
            ("forced", false.into()),
            ("head_commit", object(vec![("id", run.sha.as_str().into())])),
            ("pusher", object(vec![("name", run.actor.as_str().into())])),
        ]),
        "workflow_dispatch" => {
            // All of them are texts here, whatever they are in `inputs`.
            let texts: Object = inputs
                .map(Object::members)
                .unwrap_or_default()
                .iter()
                .map(|(name, value)| (name.as_str(), Value::Text(value.text())))
                .collect();
            members.extend([
                ("inputs", texts.into()),
                ("ref", run.git_ref.as_str().into()),
                ("workflow", run.workflow_file.as_str().into()),
            ]);
        }
        "pull_request" | "pull_request_target" => {
            let side =
                |name: &str| object(vec![("ref", name.into()), ("sha", run.sha.as_str().into())]);
            let request = object(vec![
                ("number", 1.0.into()),
                ("merged", false.into()),
                ("draft", false.into()),
                ("base", side(run.base_ref())),
                ("head", side(run.head_ref())),
                ("user", user()),
            ]);
            members.extend([
                ("action", "opened".into()),
                ("number", 1.0.into()),
                ("pull_request", request),
            ]);
        }
        "release" => {
            let tag = run.git_ref.strip_prefix("refs/tags/").unwrap_or_default();
            let release = object(vec![
                ("tag_name", tag.into()),
                ("name", tag.into()),
                ("draft", false.into()),
                ("prerelease", false.into()),
            ]);
            members.extend([("action", "published".into()), ("release", release)]);
        }
        "schedule" => {
            let schedule = schedules.first().map_or(Value::Null, |it| it.as_str().into());
            members.push(("schedule", schedule));
        }
        "workflow_run" => {
            let run = object(vec![
                ("conclusion", "success".into()),
                ("head_branch", run.git_ref.trim_start_matches("refs/heads/").into()),
                ("head_sha", run.sha.as_str().into()),
                ("event", "push".into()),
            ]);
            members.extend([("action", "completed".into()), ("workflow_run", run)]);
        }
        _ => {}
    }
    object(members)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    #[test]
    fn what_github_holds_and_what_steps_find_of_it_can_be_named() {
        let text = include_str!("../../../docs/ringfence.example.toml");
        let config = Config::parse(text, Path::new("ringfence.toml")).unwrap();
        let run = GithubRun::of(config.app("service-a").unwrap(), None);
        let github = github_of_run(&run, Value::Null, "token");
        let of_a_job = ["event_path", "job", "workspace"];
        let held = github.members().iter().map(|(name, _)| name.as_str());
        for name in held.chain(VARIABLES).chain(of_a_job) {
            assert!(GITHUB.iter().any(|known| known.eq_ignore_ascii_case(name)), "{name}");
        }
    }
}
