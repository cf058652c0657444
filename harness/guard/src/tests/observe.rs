//! A guard that only observes.

use super::*;
use crate::Mode;

async fn observing() -> Stage {
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let config = Config { mode: Mode::Observe, ..config(&upstream, &directory) };
    let guard = Guard::start(config).await.unwrap();
    let client = Client::new(guard.setting().clone());
    Stage { upstream, guard, client, directory }
}

#[tokio::test]
async fn what_would_be_denied_goes_on_and_the_journal_says_what_it_would_have_been() {
    let stage = observing().await;
    let app = stage.role(&allow("iam:ListRoles"));
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    let entry = stage.last_entry();
    assert_eq!((entry.outcome, entry.status), (Ending::Denied, 200));
    assert_eq!(entry.upstream_status, Some(200));
    assert_eq!(entry.error, None);
    let check = entry.checks.last().unwrap();
    assert_eq!((check.action.as_str(), check.outcome.as_str()), ("iam:GetRole", "implicit_deny"));
    // A guard that enforces refuses the same call.
    let enforcing = Stage::new().await;
    let app = enforcing.role(&allow("iam:ListRoles"));
    let error = enforcing.call(&app, "GetRole", get_app()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert_eq!(enforcing.last_entry().observed, None);
}

#[tokio::test]
async fn every_permission_is_journalled_also_those_after_a_denial() {
    let stage = observing().await;
    let app = stage.role(&allow("iam:TagRole"));
    let input = json!({"RoleName": "new", "AssumeRolePolicyDocument": trust(),
        "PermissionsBoundary": format!("arn:aws:iam::{ACCOUNT}:policy/b"),
        "Tags": [{"Key": "Team", "Value": "a"}]});
    // The upstream of this test makes no roles.
    let _ = stage.call(&app, "CreateRole", input).await;
    let entry = stage.last_entry();
    let checks: Vec<(&str, &str)> =
        entry.checks.iter().map(|check| (check.action.as_str(), check.outcome.as_str())).collect();
    assert_eq!(checks, [("iam:CreateRole", "implicit_deny"), ("iam:TagRole", "allow")]);
    assert_eq!(
        serde_json::to_value(&entry.checks[0].keys).unwrap(),
        json!({
            "aws:requestedregion": ["us-east-1"],
            "aws:requesttag/team": ["a"],
            "aws:tagkeys": ["Team"],
            "iam:permissionsboundary": [format!("arn:aws:iam::{ACCOUNT}:policy/b")],
        })
    );
}

#[tokio::test]
async fn policies_are_journalled_when_they_are_new_and_when_they_changed() {
    let stage = observing().await;
    let app = stage.role(&allow("iam:GetRole"));
    let policies = |stage: &Stage| {
        let observed = stage.last_entry().observed.clone().unwrap();
        observed
            .policies
            .map(|policies| policies.into_iter().map(|policy| policy.document).collect::<Vec<_>>())
    };
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    assert_eq!(policies(&stage), Some(vec![allow("iam:GetRole")]));
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    assert_eq!(policies(&stage), None);
    // Through the guard, which so knows that something changed.
    let changed = json!({"RoleName": "app", "PolicyName": "own", "PolicyDocument": allow("iam:*")});
    stage.call_as_root("PutRolePolicy", changed).await.unwrap();
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    assert_eq!(policies(&stage), Some(vec![allow("iam:*")]));
}

#[tokio::test]
async fn who_is_not_known_stays_refused() {
    let stage = observing().await;
    let mut stranger = root();
    stranger.access_key_id = "AKIAIOSFODNN7EXAMPLE".into();
    let error = stage.call(&stranger, "GetRole", get_app()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InvalidClientTokenId", 403));
    assert_eq!(stage.upstream.seen("GetRole").len(), 0);
}

/// Of root's calls too: another principal would need what is not known.
#[tokio::test]
async fn why_nothing_is_known_of_a_call_is_journalled_whoever_makes_it() {
    let stage = observing().await;
    let sqs = Service::of("sqs").unwrap();
    let input = json!({"TaskHandle": "h"});
    let _ = stage.client.call(&root(), sqs, "CancelMessageMoveTask", input).await;
    let entry = stage.last_entry();
    assert_eq!((entry.outcome, entry.checks.len()), (Ending::Allowed, 0));
    let unmapped = entry.observed.as_ref().unwrap().unmapped.as_deref().unwrap();
    assert!(unmapped.contains("the handle of a task hides its queue"), "{unmapped}");
}
