//! What an invocation brings along, what its log holds, and what is run of the
//! events that wait. As LocalStack's tests in
//! `tests/aws/services/lambda_` were recorded on AWS; each names its own.

use bytes::Bytes;
use ringfence_wire::reply::Body;
use ringfence_wire::{Call, Operation, Service};
use serde_json::{Value, json};

use super::support::{
    ACCOUNT, REGION, World, orders, processes, sleep_of, sleeping, until_running, with,
};
use crate::credentials::{Identity, Session};
use crate::lambda::Asked;

/// An event that lets the function run Python, with stderr as its log.
fn run(code: &str) -> Value {
    json!({ "do": "run", "facts": {}, "code": code })
}

/// `test_multi_line_prints`: one event a line, with the line's end; empty lines
/// are none, and a carriage return ends nothing.
#[tokio::test]
async fn each_line_is_an_event_with_its_end_and_empty_lines_are_none() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let code = "import sys\nprint('\\nmulti\\nline\\n\\nanother\\rline\\n', file=sys.stderr)";
    let invoked = world.invoke_with(json!({ "LogType": "Tail" }), run(code)).await;
    let whole = |lines: &[String]| {
        lines.last().is_some_and(|last| last.starts_with("REPORT")).then_some(())
    };
    world.until(|state| whole(&state.log_lines)).await;
    let lines = world.upstream.state.lock().unwrap().log_lines.clone();
    let [loaded, start, multi, line, another, end, report] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!(loaded, "loaded\n");
    assert_eq!([multi, line, another], ["multi\n", "line\n", "another\rline\n"]);
    assert!(start.starts_with("START ") && start.ends_with(" Version: $LATEST\n"), "{start:?}");
    assert!(end.starts_with("END RequestId: ") && end.ends_with('\n'), "{end:?}");
    assert!(report.ends_with(" ms\t\n"), "{report:?}");
    assert_eq!(invoked.log.unwrap(), lines.get(1..).unwrap().concat());
    world.lambda.shutdown().await;
}

/// Lambda's own records in JSON have no line's end in CloudWatch Logs.
#[tokio::test]
async fn lambdas_own_records_in_json_have_no_lines_end() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20, "LoggingConfig": { "LogFormat": "JSON" } })).await;
    world.invoke(json!({})).await;
    let reported = |lines: &[String]| lines.iter().any(|it| it.contains("platform.report"));
    world.until(|state| reported(&state.log_lines).then_some(())).await;
    let lines = world.upstream.state.lock().unwrap().log_lines.clone();
    for line in &lines {
        assert_eq!(line.ends_with('\n'), !line.contains("\"type\":\"platform."), "{line:?}");
    }
    assert!(lines.contains(&"line one\n".to_owned()), "{lines:?}");
    world.lambda.shutdown().await;
}

/// `test_xray_trace_propagation`
#[tokio::test]
async fn an_invocation_goes_on_with_its_callers_trace() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let invoke = async |trace: Option<&str>| {
        let call = Call {
            operation: Operation::find(Service::Lambda, "Invoke").unwrap(),
            region: REGION.to_owned(),
            input: orders().as_object().unwrap().clone(),
            payload: Some(Bytes::from_static(b"{}")),
        };
        let root = Session::direct(Identity::Root {
            account_id: ACCOUNT.to_owned(),
            partition: ringfence_models::Partition::default(),
        });
        let asked = Asked { request_id: "9c1e", trace };
        let reply = world.lambda.answer(&call, &root, &asked).await.unwrap();
        let Body::Raw(answer) = reply.body else { panic!("no payload") };
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["headers"]["lambda-runtime-trace-id"].as_str().unwrap().to_owned()
    };
    let given = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1";
    assert_eq!(invoke(Some(given)).await, given);
    let own = invoke(None).await;
    assert!(own.starts_with("Root=1-") && own.ends_with(";Sampled=0"), "{own}");
    assert!(!own.contains("8954dae64eda91bc9a23a7e8"), "{own}");
    world.lambda.shutdown().await;
}

/// `test_async_invoke_queue_upon_function_update`: an event that waits for its
/// function's only environment runs what the function is by then.
#[tokio::test]
async fn an_event_that_waited_runs_what_the_function_has_become() {
    let world = World::new().await;
    let stage = |name: &str| json!({ "Environment": { "Variables": { "STAGE": name } } });
    world.create(with(json!({ "Timeout": 20 }), stage("before"))).await;
    let reserve = with(orders(), json!({ "ReservedConcurrentExecutions": 1 }));
    world.fields("PutFunctionConcurrency", reserve).await;
    let running = world.invoke(json!({ "do": "wait", "mark": sleep_of(7) }));
    let meanwhile = async {
        until_running(&sleeping(7), 1).await;
        let says = run("import os, sys\nprint('stage', os.environ['STAGE'], file=sys.stderr)");
        let sent = world.invoke_with(json!({ "InvocationType": "Event" }), says).await;
        assert_eq!(sent.status, Some(202));
        world.fields("UpdateFunctionConfiguration", with(orders(), stage("after"))).await;
        world.settled().await;
        for process in processes(&sleeping(7)) {
            rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        }
    };
    let (first, ()) = tokio::join!(running, meanwhile);
    assert_eq!(first.error, None);
    let said = |lines: &[String]| lines.iter().find(|it| it.starts_with("stage ")).cloned();
    assert_eq!(world.until(|state| said(&state.log_lines)).await, "stage after\n");
    world.lambda.shutdown().await;
}
