//! Formula against verdict with the layers of an organization and of a VPC endpoint:
//! what the prover says of all requests, the engine says of each of a world that has one
//! of every class.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use ringfence_policy::jsonl::Decider;
use ringfence_policy::{Context, Policies, Principal, Request, judge};
use ringfence_prove::{Question, Universe, Verdict, within};
use serde_json::{Value, json};

fn statement(effect: &str, rest: &Value) -> Value {
    let mut statement = json!({"Effect": effect, "Action": "*", "Resource": "*"});
    let members = statement.as_object_mut().unwrap();
    members.extend(rest.as_object().unwrap().clone());
    statement
}

fn of_everybody(mut statement: Value) -> Value {
    statement.as_object_mut().unwrap().insert("Principal".to_owned(), json!("*"));
    statement
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Policies under each choice of the three layers.
fn sides() -> Vec<Policies> {
    let full = || statement("Allow", &json!({}));
    let deny = |rest: &Value| statement("Deny", rest);
    let get = json!({"Action": "s3:GetObject"});
    let marked = json!({"Condition": {"StringEquals": {"x:k": "a"}}});
    let scp = [
        Value::Null,
        json!([[document(&[full(), deny(&get)])]]),
        json!([[document(&[full()])], [document(&[full(), deny(&marked)])]]),
        json!([
            [document(&[full()])],
            [document(&[statement("Allow", &json!({"Action": "s3:*"}))])]
        ]),
    ];
    let everybody = |rest: &Value| document(&[of_everybody(deny(rest))]);
    let rcp = [
        Value::Null,
        json!([[everybody(&json!({"Resource": "arn:aws:s3:::b/*", "Action": "s3:*"}))]]),
        json!([[everybody(
            &json!({"Action": "s3:*", "Condition": {"StringNotEquals": {"x:k": "a"}}})
        )]]),
    ];
    let through = |rest: &Value| document(&[of_everybody(statement("Allow", rest))]);
    let endpoint = [
        Value::Null,
        through(&json!({"Resource": "arn:aws:s3:::b/*"})),
        through(&json!({"Action": ["s3:GetObject", "iam:*"]})),
    ];
    let mut decider = Decider::default();
    let identity = document(&[statement("Allow", &json!({"Action": ["s3:*", "iam:*"]}))]);
    let mut all = Vec::new();
    for scp in &scp {
        for rcp in &rcp {
            for endpoint in &endpoint {
                let side = json!({"identity": [identity], "scp": scp, "rcp": rcp, "vpc_endpoint": endpoint});
                all.push(decider.policies_of(&side.to_string(), false).unwrap());
            }
        }
    }
    all
}

#[test]
fn formula_and_verdict_agree_on_every_layer() {
    let alice = Principal::User { arn: "arn:aws:iam::111122223333:user/alice".to_owned() };
    let mut marked = Context::new();
    marked.set("x:k", "a");
    let (mut empty, mut several, mut other) = (Context::new(), Context::new(), Context::new());
    empty.set_list("x:k", [""; 0]);
    several.set_list("x:k", ["a"]);
    other.set_list("x:k", [""]);
    let contexts = [Context::new(), marked, empty, several, other];
    let actions = ["s3:GetObject", "s3:PutObject", "iam:CreateUser"];
    let resources = ["arn:aws:s3:::b/k", "arn:aws:s3:::c/k", "*"];
    let requests = || {
        let of = |action| resources.iter().map(move |resource| (action, *resource));
        let all = actions.iter().flat_map(move |action| of(*action));
        all.flat_map(|(action, resource)| contexts.iter().map(move |it| (action, resource, it)))
    };
    let allows = |policies: &Policies, (action, resource, context)| {
        let principal = &alice;
        judge(&Request { principal, action, resource, resource_account: None, context }, policies)
            .allowed()
    };
    let sides = sides();
    let mut violated = 0;
    for inner in &sides {
        for outer in &sides {
            let breaks = requests().any(|one| allows(inner, one) && !allows(outer, one));
            let question =
                Question { inner, outer, principal: Some(&alice), universe: Universe::All };
            let verdict = within(&question).unwrap();
            let expected = matches!(verdict, Verdict::Violated(_));
            assert!(expected == breaks && !matches!(verdict, Verdict::Undecided(_)), "{verdict:?}");
            violated += usize::from(breaks);
        }
    }
    assert_eq!(sides.len(), 36);
    assert!(violated > 400 && violated < 1200, "{violated}");
}

/// What binds resources binds those of one account.
#[test]
fn resources_of_another_account_are_not_bound() {
    let mut decider = Decider::default();
    let all = statement("Allow", &json!({"Resource": "arn:aws:s3:::b/*"}));
    let mut open = all.clone();
    open["Principal"] = json!("*");
    let mut deny = statement("Deny", &json!({"Action": "s3:*"}));
    deny["Principal"] = json!("*");
    let side = json!({"identity": [document(&[all])], "resource": document(&[open]),
        "rcp": [[document(&[deny])]]});
    let mut inner = decider.policies_of(&side.to_string(), false).unwrap();
    let alice = Principal::User { arn: "arn:aws:iam::111122223333:user/alice".to_owned() };
    let nothing = Policies::default();
    let mut of = |account: Option<&str>| {
        inner.resource_control_of = account.map(Into::into);
        let rest = json!({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"});
        let mut open = rest.clone();
        open["Principal"] = json!("*");
        let only = json!({"identity": [document(&[rest])], "resource": document(&[open])});
        let outer = decider.policies_of(&only.to_string(), false).unwrap();
        let question = Question {
            inner: &inner,
            outer: &outer,
            principal: Some(&alice),
            universe: Universe::All,
        };
        within(&question).unwrap()
    };
    assert_eq!(of(None), Verdict::Proved);
    let verdict = of(Some("111122223333"));
    let Verdict::Violated(witness) = &verdict else { panic!("{verdict:?}") };
    assert!(!judge(&witness.request(), &nothing).allowed());
    let account = witness.resource.split(':').nth(4).unwrap_or_default();
    assert_ne!((account, witness.resource_account.as_deref()), ("111122223333", None));
}
