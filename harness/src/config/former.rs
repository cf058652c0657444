//! Configurations as they were written for earlier states of version 0.1, every
//! field of that state in them: each loads, and says what it said. A field that
//! goes or takes another name needs an error that names its successor, and its
//! case here.

use std::path::Path;

use rstest::rstest;

use super::{Backend, Config, IssuerKind, Job};

#[rstest]
#[case::first(include_str!("former/1-guard-and-attacks.toml"))]
#[case::completions_published_and_refusals(include_str!(
    "former/2-completions-and-published.toml"
))]
#[case::workflows(include_str!("former/3-workflows.toml"))]
#[case::ignored_attributes(include_str!("former/4-ignored-attributes.toml"))]
fn a_former_configuration_loads_and_says_what_it_said(#[case] text: &str) {
    let config = Config::parse(text, Path::new("/etc/rf/ringfence.toml")).unwrap();
    assert_eq!(config.account.id.as_str(), "123456789012");
    assert_eq!(config.account.region.as_str(), "us-east-1");
    assert_eq!(config.upstream.backend, Backend::Auto);
    assert_eq!(config.upstream.environment["DEBUG"], "1");
    let layer1 = &config.layer1[0];
    assert_eq!(layer1.directory, Path::new("/etc/rf/terraform"));
    assert_eq!(layer1.variables["github_org"].as_str(), Some("example-org"));
    let api = config.api.as_ref().unwrap();
    assert_eq!(api.id_output.as_deref(), Some("api_id"));
    assert_eq!(api.authorizer_output.as_deref(), Some("authorizer_id"));
    assert_eq!(config.platform.as_ref().unwrap().parameters.as_deref(), Some("/platform/"));
    assert_eq!(config.issuer(IssuerKind::Okta).unwrap().scopes, ["service-a", "service-b"]);
    assert!(config.issuer(IssuerKind::Github).is_some());
    let app = config.app("service-a").unwrap();
    assert_eq!(app.repository.owner(), "example-org");
    assert_eq!(app.vars_from_outputs["SAM_ARTIFACTS_BUCKET"], "artifacts_bucket");
    assert_eq!(
        (app.owner_id, app.repository_id, app.immutable_subject),
        (Some(1001), Some(2001), true)
    );
    assert_eq!(config.app("service-b").unwrap().secrets["CHAT_WEBHOOK"], "not-a-real-secret");
    let jobs: Vec<_> =
        config.deployers.iter().map(|it| (it.name.get_ref().as_str(), it.job)).collect();
    assert_eq!(
        jobs,
        [
            ("deployer-a", Job::Stack),
            ("deployer-b", Job::Code),
            ("deployer-hybrid", Job::Configuration)
        ]
    );
    assert_eq!(config.organization[0].policies.as_ref().unwrap().len(), 2);
}

/// What came later is added to the first: nothing of it is gone.
#[test]
fn fields_that_came_later_are_read_where_they_stand() {
    let text = include_str!("former/4-ignored-attributes.toml");
    let config = Config::parse(text, Path::new("ringfence.toml")).unwrap();
    let layer1 = &config.layer1[0];
    assert_eq!(layer1.completions, [Path::new("completions.tf")]);
    assert_eq!(layer1.ignore_changes.len(), 1);
    let platform = config.platform.as_ref().unwrap();
    assert_eq!(platform.published, ["/platform/apigw/api-id"]);
    assert_eq!(config.workflows.registries.len(), 3);
}
