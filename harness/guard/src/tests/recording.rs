//! What was decided can be decided again, by the same code, under other
//! policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::{Context, Document, Kind, Layer, Outcome};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::upstream::Role;
use super::{ACCOUNT, Stage, allow, get_app, trust};
use crate::recording::Overlay;
use crate::{Caller, Question};

const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/boundary";

fn parsed(name: &str, text: &str, kind: Kind) -> Arc<Document> {
    Arc::new(Document::parse(name, text, kind).unwrap())
}

fn id(stage: &Stage) -> String {
    stage.last_entry().request_id.clone()
}

/// A role that may do all of IAM within a boundary that reads roles alone.
async fn bounded() -> (Stage, ringfence_services::Credentials) {
    let stage = Stage::new().await;
    let role = Role {
        id: "AROA1".into(),
        path: String::new(),
        trust: trust(),
        boundary: Some(BOUNDARY.into()),
        inline: BTreeMap::from([("own".into(), allow("iam:*"))]),
        attached: Vec::new(),
    };
    stage.upstream.role("app", role);
    stage.upstream.state.lock().unwrap().policies.insert(BOUNDARY.into(), allow("iam:GetRole"));
    let app = stage.session("app", "AROA1", OffsetDateTime::now_utc() + Duration::hours(1));
    (stage, app)
}

#[tokio::test]
async fn without_changes_the_same_is_decided_again() {
    let (stage, app) = bounded().await;
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    let allowed = stage.guard.decide_again(&id(&stage), &Overlay::none()).unwrap();
    assert_eq!(allowed.len(), 1);
    assert_eq!((allowed[0].outcome, allowed[0].layer), (Outcome::Allow, Layer::Identity));
    stage.call(&app, "DeleteRole", get_app()).await.unwrap_err();
    let entry = stage.last_entry();
    let denied = stage.guard.decide_again(&entry.request_id, &Overlay::none()).unwrap();
    assert_eq!((denied[0].outcome, denied[0].layer), (Outcome::ImplicitDeny, Layer::Boundary));
    assert_eq!(denied[0].explanation, entry.checks[0].explanation);
}

#[tokio::test]
async fn a_boundary_is_taken_away_by_its_place_and_changed_by_its_arn() {
    let (stage, app) = bounded().await;
    stage.call(&app, "DeleteRole", get_app()).await.unwrap_err();
    let again = |overlay: &Overlay| stage.guard.decide_again(&id(&stage), overlay).unwrap();
    let detached = again(&Overlay::none().remove("role/app/boundary"));
    assert!(detached[0].allowed());
    let wider = parsed(BOUNDARY, &allow("iam:*"), Kind::Boundary);
    let changed = again(&Overlay::none().replace(format!("policy/{BOUNDARY}"), wider.clone()));
    assert!(changed[0].allowed());
    let added = again(&Overlay::none().add(Some("role/app"), Layer::Boundary, wider.clone()));
    assert!(added[0].allowed());
    let of_another = again(&Overlay::none().add(Some("role/b"), Layer::Boundary, wider));
    assert!(!of_another[0].allowed());
}

#[tokio::test]
async fn an_inline_policy_is_replaced_and_a_key_taken_away() {
    let stage = Stage::new().await;
    let conditional = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "iam:CreateRole", "Resource": "*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}}]});
    let app = stage.role(&conditional.to_string());
    let input = json!({"RoleName": "new", "AssumeRolePolicyDocument": trust(),
        "PermissionsBoundary": BOUNDARY});
    // The upstream of these tests creates nothing; the decision is what counts.
    let _ = stage.call(&app, "CreateRole", input).await;
    let id = id(&stage);
    let again = |overlay: &Overlay| stage.guard.decide_again(&id, overlay).unwrap();
    assert!(again(&Overlay::none())[0].allowed());
    let role = format!("arn:aws:iam::{ACCOUNT}:role/new");
    assert!(!again(&Overlay::none().key(role, "iam:PermissionsBoundary", None))[0].allowed());
    let other = parsed("own", &allow("iam:GetRole"), Kind::Identity);
    assert!(!again(&Overlay::none().replace("role/app/inline/own", other))[0].allowed());
    assert!(!again(&Overlay::none().remove("role/app/inline/own"))[0].allowed());
}

#[tokio::test]
async fn what_was_never_decided_is_not_decided_again() {
    let stage = Stage::new().await;
    let error = stage.guard.decide_again("none", &Overlay::none()).unwrap_err();
    assert_eq!(error.to_string(), "no decision is recorded of the request `none`");
}

#[tokio::test]
async fn questions_are_decided_each_by_itself_for_keys_roles_and_services() {
    let (stage, app) = bounded().await;
    let question = |action: &str| Question {
        action: action.into(),
        resource: format!("arn:aws:iam::{ACCOUNT}:role/app"),
        context: Context::new(),
    };
    let questions = [question("iam:DeleteRole"), question("iam:GetRole")];
    let key = &app.access_key_id;
    let decisions = stage.guard.ask(key, &questions, &Overlay::none()).await.unwrap();
    let outcomes: Vec<_> = decisions.iter().map(|decision| decision.outcome).collect();
    assert_eq!(outcomes, [Outcome::ImplicitDeny, Outcome::Allow]);
    let role = Caller::Role { arn: "arn:aws:iam::123456789012:role/app", session: "app" };
    let inputs = stage.guard.inputs(role, &questions).await.unwrap();
    let outcomes: Vec<_> =
        inputs.decide_each(&Overlay::none()).iter().map(|decision| decision.outcome).collect();
    assert_eq!(outcomes, [Outcome::ImplicitDeny, Outcome::Allow]);
    // The role trusts Lambda, and no other service.
    for (principal, trusted) in [("lambda.amazonaws.com", true), ("ec2.amazonaws.com", false)] {
        let caller = Caller::Service { principal, source_arn: None, source_account: None };
        let inputs = stage.guard.inputs(caller, &[question("sts:AssumeRole")]).await.unwrap();
        assert_eq!(inputs.decide(&Overlay::none())[0].allowed(), trusted, "{principal}");
        let slots: Vec<&str> = inputs.documents().map(|document| &*document.slot).collect();
        assert_eq!(slots, ["role/app/trust"]);
    }
    let unknown = stage.guard.ask("AKIANOBODY", &questions, &Overlay::none()).await.unwrap_err();
    assert_eq!(unknown.code, "InvalidClientTokenId");
}
