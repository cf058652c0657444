//! The guard rails, as somebody states them who writes tests with the fixture.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ringfence_fixture::{Stack, assert_allowed, assert_denied};

use crate::stack::{root, with_fixture};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

async fn iam(stack: &Stack, deployer: &str) -> aws_sdk_iam::Client {
    aws_sdk_iam::Client::new(&stack.deployer(deployer).await.unwrap())
}

#[test]
fn nobody_gets_in_without_a_good_token() {
    with_fixture(async |stack| {
        let api = stack.api("platform-api").await.unwrap();
        let status = async |token: Option<String>| {
            let request = api.get("/service-a/hello?x=1");
            let request = match token {
                Some(token) => request.bearer(token),
                None => request,
            };
            request.send().await.unwrap().status
        };
        let token = || stack.issuer("okta").unwrap().token().unwrap();
        assert_eq!(status(Some(token().sign().unwrap())).await, 200);
        assert_eq!(status(None).await, 401);
        for bad in [
            token().expired(),
            token().not_yet_valid(),
            token().audience("api://another"),
            token().without("exp"),
            token().claim("iss", "https://example.com"),
            token().signed_by_a_stranger(),
        ] {
            assert_eq!(status(Some(bad.clone().sign().unwrap())).await, 401, "{bad:?}");
        }
        let forbidden = token().scope("another");
        assert_eq!(status(Some(forbidden.sign().unwrap())).await, 403);
    });
}

#[test]
fn the_stack_deployer_creates_no_role_without_the_boundary() {
    with_fixture(async |stack| {
        let iam = iam(stack, "high-perm").await;
        let name = "app-service-a-fixture";
        let create = iam.create_role().role_name(name).assume_role_policy_document(TRUST);
        assert_denied!(create.clone().send().await, by = "DenyRolesWithoutBoundary");
        assert_denied!(create.clone().send().await, layer = "boundary");
        let boundary = stack.output("lambda_permission_boundary_arn").unwrap();
        let made = assert_allowed!(create.permissions_boundary(boundary).send().await);
        assert_eq!(made.role().unwrap().role_name(), name);
        assert_allowed!(iam.delete_role().role_name(name).send().await);
    });
}

#[test]
fn the_code_deployer_and_running_code_do_not_touch_iam() {
    with_fixture(async |stack| {
        let function = stack.function("service-b").await.unwrap();
        for iam in [iam(stack, "low-perm").await, aws_sdk_iam::Client::new(&function)] {
            let create = iam.create_role().role_name("x").assume_role_policy_document(TRUST);
            assert_denied!(create.send().await);
            assert_denied!(iam.delete_role().role_name("service-b-role").send().await);
            assert_denied!(iam.list_roles().send().await);
        }
        let root = aws_sdk_iam::Client::new(&stack.root());
        assert_allowed!(root.list_roles().send().await);
    });
}

/// What an assertion says where it fails.
fn said(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[test]
fn an_assertion_that_fails_says_what_decided() {
    with_fixture(async |stack| {
        let iam = iam(stack, "high-perm").await;
        let name = "app-service-a-told";
        let create = iam.create_role().role_name(name).assume_role_policy_document(TRUST);
        let refused = create.send().await;
        let allowed = aws_sdk_iam::Client::new(&stack.root()).list_roles().send().await;
        let missing =
            aws_sdk_iam::Client::new(&stack.root()).get_role().role_name("no").send().await;

        let text = said(|| assert_denied!(refused, by = "Another"));
        assert!(
            text.starts_with("not denied by statement `Another`\n  iam:CreateRole by arn:aws:sts:"),
            "{text}"
        );
        assert!(text.contains("explicit_deny by boundary (DenyRolesWithoutBoundary in "), "{text}");
        let text = said(|| drop(assert_allowed!(refused)));
        assert!(text.starts_with("not allowed: "), "{text}");
        assert!(text.contains("DenyRolesWithoutBoundary"), "{text}");
        let text = said(|| assert_denied!(allowed));
        assert!(
            text.starts_with(
                "not denied\n  iam:ListRoles by arn:aws:iam::123456789012:root: allowed"
            ),
            "{text}"
        );
        // An error of the service's is no denial.
        let text = said(|| assert_denied!(missing));
        assert!(text.contains("allowed, status 404, NoSuchEntity"), "{text}");
    });
}

#[test]
fn who_asks_for_the_same_stack_gets_it_however_quiet() {
    with_fixture(async |stack| {
        let builder = Stack::builder().config(root().join("ringfence.toml"));
        let same = builder.quiet().shared().await.unwrap();
        assert!(std::ptr::eq(stack.harness(), same.harness()));
    });
}

#[test]
fn a_name_that_names_nothing_is_told_with_those_that_there_are() {
    with_fixture(async |stack| {
        let error = stack.api("another").await.unwrap_err().to_string();
        assert_eq!(error, "there is no HTTP API `another`; there is `platform-api`");
        let error = stack.issuer("auth0").unwrap_err().to_string();
        assert!(error.starts_with("there is no issuer `auth0`; there are `https://"), "{error}");
        let error = stack.deployer("another").await.unwrap_err().to_string();
        assert_eq!(error, "ringfence.toml names no deployer `another`");
        let error = stack.function("another").await.unwrap_err().to_string();
        assert!(
            error.contains(
                "Function not found: arn:aws:lambda:us-east-1:123456789012:function:another"
            ),
            "{error}"
        );
        let github = stack.issuer("github").unwrap();
        assert!(
            github.token().unwrap_err().to_string().contains("`Stack::deployer` exchanges one")
        );
    });
}
