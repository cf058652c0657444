//! What `ringfence init` drafts of this repository's own estate is its
//! `ringfence.toml`: so a run of either gives the same verdicts.

use std::path::{Path, PathBuf};

use ringfence::config::{App, Config, Deployer, Issuer};
use ringfence::init;

use crate::stack::root;

fn issuer(issuer: &Issuer) -> String {
    let Issuer { kind, url, audience, scopes, claims, clients } = issuer;
    format!("{kind:?} {} {audience:?} {scopes:?} {claims:?} {clients:?}", url.get_ref())
}

fn app(app: &App) -> String {
    let App { name, directory, workflow, repository, owner_id, repository_id, .. } = app;
    let App { immutable_subject, git_ref, vars_from_outputs, .. } = app;
    format!(
        "{} {:?} {workflow:?} {} {owner_id:?} {repository_id:?} {immutable_subject} {git_ref} {vars_from_outputs:?}",
        name.get_ref(),
        directory.canonicalize().unwrap(),
        repository.as_str(),
    )
}

fn deployer(deployer: &Deployer) -> String {
    let Deployer { name, identity, app, job, .. } = deployer;
    let Deployer { role_prefix, git_ref, environment, subject, .. } = deployer;
    let (name, app) = (name.get_ref(), app.get_ref());
    let subject = subject.as_ref().map(|subject| subject.get_ref());
    format!(
        "{name} {identity:?} {app} {job:?} {role_prefix:?} {git_ref:?} {environment:?} {subject:?}"
    )
}

fn sorted<T>(items: &[T], shown: impl Fn(&T) -> String) -> Vec<String> {
    let mut shown: Vec<String> = items.iter().map(shown).collect();
    shown.sort();
    shown
}

fn drafted(directories: &[PathBuf], values: &Path) -> (Config, Vec<String>) {
    let place = values.parent().unwrap();
    let draft = init::draft(directories, place).unwrap();
    let config = Config::parse(&draft.text, &place.join("ringfence.toml"));
    (config.unwrap_or_else(|error| panic!("{error}\n{}", draft.text)), draft.open)
}

#[test]
fn the_draft_of_this_estate_is_its_configuration() {
    let place = tempfile::tempdir().unwrap();
    let values = place.path().join("own.tfvars");
    std::fs::copy(root().join("tests/fixtures/own.tfvars"), &values).unwrap();
    let directories = ["terraform", "sam-apps"].map(|name| root().join(name));
    let directories: Vec<PathBuf> =
        directories.into_iter().chain([place.path().to_owned()]).collect();
    let (drafted, open) = drafted(&directories, &values);
    assert_eq!(open, [""; 0]);
    let own = Config::load(&root().join("ringfence.toml")).unwrap();
    assert_eq!(drafted.account.region.as_str(), own.account.region.as_str());
    let directory = |config: &Config| config.layer1[0].directory.canonicalize();
    assert_eq!(directory(&drafted).unwrap(), directory(&own).unwrap());
    assert_eq!(drafted.layer1[0].var_files, [values]);
    // What `[api]` means where it names nothing.
    let api = drafted.api.unwrap();
    assert_eq!(api.id_output.as_deref(), Some("api_id"));
    assert_eq!(api.authorizer_output.as_deref(), Some("authorizer_id"));
    let (found, wanted) = (drafted.platform.unwrap(), own.platform.unwrap());
    assert_eq!(found.execution_boundary_output, wanted.execution_boundary_output);
    assert_eq!(found.deployer_boundary_output, wanted.deployer_boundary_output);
    assert_eq!(found.artifacts_bucket_output, wanted.artifacts_bucket_output);
    assert_eq!(found.subnets_output, wanted.subnets_output);
    assert_eq!(found.security_group_output, wanted.security_group_output);
    assert_eq!(found.parameters, wanted.parameters);
    // The promise is a part of what is published.
    assert!(wanted.published.iter().all(|name| found.published.contains(name)), "{found:?}");
    assert_eq!(sorted(&drafted.issuers, issuer), sorted(&own.issuers, issuer));
    assert_eq!(sorted(&drafted.apps, app), sorted(&own.apps, app));
    assert_eq!(sorted(&drafted.deployers, deployer), sorted(&own.deployers, deployer));
}
