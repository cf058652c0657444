//! The applications, deployed by their own workflows.

use std::path::Path;

use ringfence::config::IssuerKind;
use ringfence::issuers::GithubRun;
use ringfence::progress::Progress;
use ringfence::stack::{ApiAnswer, Stack, StackError};
use rstest::rstest;

use crate::stack::with_stack;

/// A call of an app's route with a good token.
async fn ask(stack: &Stack, app: &str) -> ApiAnswer {
    let api = stack.api_id().unwrap().unwrap();
    let token = format!("Bearer {}", stack.access_token().unwrap());
    let path = format!("/{app}/hello");
    stack.api_request(&api, "GET", &path, Some(&token)).await.unwrap()
}

/// What it answers.
async fn answer(stack: &Stack, app: &str) -> serde_json::Value {
    let answer = ask(stack, app).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn deploy(stack: &Stack, app: &str, run: GithubRun) -> Result<(), StackError> {
    let app = stack.app(app).unwrap();
    let directory = app.directory.clone();
    let phase = Progress::silent().phase("deploy");
    stack.deploy_from(app, Path::new(&directory), run, &phase).await.map(drop)
}

#[rstest]
#[case("service-a")]
#[case("service-b")]
fn a_new_commit_is_deployed_and_answers_through_the_api(#[case] app: &str) {
    with_stack(async |stack| {
        let mut run = GithubRun::of(stack.app(app).unwrap(), None);
        let before = answer(stack, app).await;
        run.sha = "0123456789abcdef0123456789abcdef01234567".into();
        assert_ne!(before["version"], run.sha.as_str());
        let deployed = deploy(stack, app, run.clone()).await;
        let after = ask(stack, app).await;
        // Back to the commit that the other tests know, whatever came of it.
        deploy(stack, app, GithubRun::of(stack.app(app).unwrap(), None)).await.unwrap();
        let put_back = answer(stack, app).await;
        deployed.unwrap();
        assert_eq!(after.status, 200, "{}", after.body);
        let after = after.json();
        assert_eq!(after["version"], run.sha.as_str());
        assert_eq!(after["service"], app);
        assert_eq!(after["path"], format!("/{app}/hello"));
        assert_eq!(after["caller"]["subject"], "user@example.com");
        let issuer = &stack.issuer(IssuerKind::Okta).unwrap().url;
        assert_eq!(after["caller"]["claims"]["iss"], issuer.as_str());
        assert!(after["interpreter"].as_str().unwrap().starts_with("python3."));
        assert_eq!(put_back["version"], before["version"]);
    });
}

#[test]
fn a_deployment_without_changes_succeeds() {
    with_stack(async |stack| {
        let run = GithubRun::of(stack.app("service-a").unwrap(), None);
        deploy(stack, "service-a", run).await.unwrap();
    });
}

#[rstest]
#[case("service-a")]
#[case("service-b")]
fn another_repositorys_workflow_fails_where_it_asks_for_credentials(#[case] app: &str) {
    with_stack(async |stack| {
        let mut run = GithubRun::of(stack.app(app).unwrap(), None);
        run.name = "somebody-else".into();
        run.repository_id = "909090909".into();
        let error = deploy(stack, app, run).await.unwrap_err().to_string();
        assert!(
            error.contains(
                "aws-actions/configure-aws-credentials@7474bc4690e29a8392af63c5b98e7449536d5c3a"
            ),
            "{error}"
        );
        assert!(
            error.contains("Not authorized to perform sts:AssumeRoleWithWebIdentity"),
            "{error}"
        );
    });
}
