//! Functions that run: a runtime in plain Python on the Runtime API.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use http::{Request, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::support::{
    ARN, World, creation, mark_of, orders, processes, sleep_of, sleeping, until_running, with,
    zipped,
};
use crate::credentials::{Identity, Session};
use crate::lambda::UrlHost;

#[tokio::test]
async fn a_function_answers_and_its_environment_is_used_again() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let first = world.invoke(json!({ "a": 1 })).await;
    assert_eq!((first.status, first.error), (Some(200), None));
    assert_eq!(first.version.as_deref(), Some("$LATEST"));
    assert_eq!(first.answer["event"], json!({ "a": 1 }));
    assert_eq!(first.answer["headers"]["lambda-runtime-invoked-function-arn"], ARN);
    let second = world.invoke(json!({})).await;
    assert_eq!(second.answer["count"], 2);
    assert_eq!(second.answer["pid"], first.answer["pid"], "a warm environment");
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn a_function_sees_awss_environment_and_nothing_of_ours() {
    let world = World::new().await;
    let variables = json!({ "STAGE": "test", "TZ": "CET" });
    world.create(json!({ "Timeout": 20, "Environment": { "Variables": variables } })).await;
    let answer = world.invoke(json!({})).await.answer;
    let seen = answer["environment"].as_object().unwrap();
    let endpoint = world.setting.endpoint().unwrap().as_str().trim_end_matches('/').to_owned();
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "ASIAORDERS"),
        ("AWS_SECRET_ACCESS_KEY", "role-secret"),
        ("AWS_SESSION_TOKEN", "role-token"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "orders"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/orders"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("_HANDLER", "app.handler"),
        ("STAGE", "test"),
        ("TZ", "CET"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    assert_eq!(seen["LAMBDA_TASK_ROOT"], answer["cwd"]);
    assert!(!seen.contains_key("AWS_EXECUTION_ENV"), "a provided runtime has none");
    for ours in std::env::vars().map(|(name, _)| name).filter(|it| it.starts_with("CARGO")) {
        assert!(!seen.contains_key(&ours), "{ours}");
    }
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn what_the_function_writes_is_logged_as_the_role() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    world.asked();
    let invoked = world.invoke_with(json!({ "LogType": "Tail" }), json!({})).await;
    let log = invoked.log.unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let [start, one, two, end, report] = lines.as_slice() else { panic!("{log}") };
    assert_eq!((*one, *two), ("line one", "line two"));
    let id = start.strip_prefix("START RequestId: ").unwrap();
    let id = id.strip_suffix(" Version: $LATEST").unwrap();
    assert_eq!(*end, format!("END RequestId: {id}"));
    assert!(report.starts_with(&format!("REPORT RequestId: {id}\tDuration: ")), "{report}");
    assert!(report.contains("\tMemory Size: 128 MB\tMax Memory Used: "), "{report}");
    assert!(report.contains("\tInit Duration: "), "{report}");
    let written =
        world.until(|state| (state.log_lines.len() == 6).then(|| state.log_lines.clone()));
    let written = written.await;
    assert_eq!(written[0], "loaded\n");
    assert_eq!(written[1..].concat(), log);
    assert_eq!(world.upstream.state.lock().unwrap().log_groups, ["/aws/lambda/orders"]);
    assert_eq!(
        world.asked(),
        [
            "sts AssumeRole as lambda.amazonaws.com",
            "logs CreateLogStream as ASIAORDERS",
            "logs CreateLogGroup as ASIAORDERS",
            "logs CreateLogStream as ASIAORDERS",
            "logs PutLogEvents as ASIAORDERS",
        ]
    );
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn a_role_that_may_not_log_still_runs() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    world.deny("logs CreateLogStream");
    assert_eq!(world.invoke(json!({})).await.error, None);
    world.until(|state| state.asked.iter().any(|it| it.starts_with("logs")).then_some(())).await;
    assert_eq!(world.invoke(json!({})).await.error, None);
    world.lambda.shutdown().await;
    assert!(world.upstream.state.lock().unwrap().log_lines.is_empty());
}

#[tokio::test]
async fn a_failure_of_the_function_is_an_answer_with_a_header() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let failed = world.invoke(json!({ "do": "fail" })).await;
    assert_eq!((failed.status, failed.error.as_deref()), (Some(200), Some("Unhandled")));
    assert_eq!(
        (&failed.answer["errorType"], &failed.answer["errorMessage"]),
        (&json!("ValueError"), &json!("no"))
    );
    assert_eq!(world.invoke(json!({})).await.answer["count"], 2, "the environment lives on");
    world.lambda.shutdown().await;
}

#[rstest]
#[case(0, "Runtime exited without providing a reason")]
#[case(3, "Runtime exited with error: exit status 3")]
#[tokio::test]
async fn a_runtime_that_exits_is_an_exit_error(#[case] code: i32, #[case] text: &str) {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let exited = world.invoke(json!({ "do": "exit", "code": code })).await;
    assert_eq!(exited.error.as_deref(), Some("Unhandled"));
    assert_eq!(exited.answer["errorType"], "Runtime.ExitError");
    let message = exited.answer["errorMessage"].as_str().unwrap();
    assert!(
        message.starts_with("RequestId: ") && message.ends_with(&format!(" Error: {text}")),
        "{message}"
    );
    assert_eq!(world.invoke(json!({})).await.answer["count"], 1, "a new environment");
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn a_timeout_ends_the_function_with_all_that_it_started() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 1 })).await;
    let event = json!({ "do": "hang", "mark": sleep_of(1) });
    let timed_out = world.invoke_with(json!({ "LogType": "Tail" }), event).await;
    assert_eq!(timed_out.error.as_deref(), Some("Unhandled"));
    assert_eq!(timed_out.answer["errorType"], "Sandbox.Timedout");
    let message = timed_out.answer["errorMessage"].as_str().unwrap();
    assert!(message.ends_with(" Error: Task timed out after 1.00 seconds"), "{message}");
    assert!(timed_out.log.unwrap().contains("Status: timeout"));
    assert_eq!(processes(&sleeping(1)), []);
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_ends_what_runs_and_leaves_nothing_behind() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 60 })).await;
    let idle = mark_of(&world.invoke(json!({})).await.answer);
    assert_eq!(processes(&idle).len(), 1);
    let event = Bytes::from(json!({ "do": "hang", "mark": sleep_of(2) }).to_string());
    let input = with(orders(), json!({ "InvocationType": "Event" }));
    let accepted = world.call_with("Invoke", input, Some(event)).await.unwrap();
    assert_eq!(accepted.status, Some(202));
    until_running(&sleeping(2), 2).await;
    world.lambda.shutdown().await;
    until_running(&sleeping(2), 0).await;
    until_running(&idle, 0).await;
    for kind in ["code", "environments"] {
        let left = world.directory.path().join("work/lambda").join(kind);
        assert_eq!(std::fs::read_dir(left).unwrap().count(), 0, "{kind}");
    }
    let error = world.refusal("Invoke", orders()).await;
    assert_eq!(error.status, 404);
}

#[tokio::test]
async fn an_asynchronous_failure_is_tried_twice_again() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let event = Bytes::from_static(br#"{"do":"fail"}"#);
    let input = with(orders(), json!({ "InvocationType": "Event" }));
    world.call_with("Invoke", input, Some(event)).await.unwrap();
    let starts = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|it| it.starts_with("START")).cloned().collect()
    };
    let seen = world
        .until(|state| (starts(&state.log_lines).len() == 3).then(|| starts(&state.log_lines)))
        .await;
    assert!(seen.iter().all(|it| *it == seen[0]), "one request id: {seen:?}");
    // Nothing waits to be tried again: the task of the event is over.
    world.lambda.shutdown().await;
    assert_eq!(starts(&world.upstream.state.lock().unwrap().log_lines).len(), 3);
}

#[tokio::test]
async fn an_initialization_that_fails_is_tried_again_and_then_reported() {
    let world = World::new().await;
    world
        .create(json!({ "Environment": { "Variables": { "FAIL_INIT": "1" } }, "Timeout": 20 }))
        .await;
    let failed = world.invoke_with(json!({ "LogType": "Tail" }), json!({})).await;
    assert_eq!(failed.error.as_deref(), Some("Unhandled"));
    assert_eq!(
        failed.answer,
        json!({ "errorType": "Runtime.ImportModuleError", "errorMessage": "no module" })
    );
    let tail = failed.log.unwrap();
    assert_eq!(tail.matches("loaded").count(), 1, "the second time is the invocation's: {tail}");
    let report = "Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError";
    assert!(!tail.contains(report), "{tail}");
    let written = world.until(|state| {
        let loaded = state.log_lines.iter().filter(|line| *line == "loaded\n").count();
        (loaded == 2).then(|| state.log_lines.concat())
    });
    assert!(written.await.contains(report));
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn a_package_without_a_runtime_has_an_invalid_entrypoint() {
    let world = World::new().await;
    let code = json!({ "ZipFile": zipped("not a program") });
    world.create(json!({ "Code": code })).await;
    let failed = world.invoke(json!({})).await;
    assert_eq!(failed.answer["errorType"], "Runtime.InvalidEntrypoint");
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn an_update_runs_the_new_code_and_its_old_version_the_old() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let old = mark_of(&world.invoke(json!({})).await.answer);
    assert_eq!(processes(&old).len(), 1);
    world.fields("PublishVersion", orders()).await;
    let changed = super::support::BOOTSTRAP.replace("\"event\": event", "\"event\": \"changed\"");
    let update = with(orders(), json!({ "ZipFile": zipped(&changed) }));
    world.fields("UpdateFunctionCode", update).await;
    assert_eq!(world.invoke(json!({})).await.error, None, "it answers while it is updated");
    world.settled().await;
    assert_eq!(world.invoke(json!({})).await.answer["event"], "changed");
    let first = world.invoke_with(json!({ "Qualifier": "1" }), json!({ "a": 1 })).await;
    assert_eq!((&first.answer["event"], first.version.as_deref()), (&json!({ "a": 1 }), Some("1")));
    assert_eq!(first.answer["headers"]["lambda-runtime-invoked-function-arn"], format!("{ARN}:1"));
    until_running(&old, 0).await;
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn reserved_concurrency_is_the_most_that_runs_at_once() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let reserve = |count: u32| with(orders(), json!({ "ReservedConcurrentExecutions": count }));
    let shown = world.fields("PutFunctionConcurrency", reserve(1)).await;
    assert_eq!(shown, json!({ "ReservedConcurrentExecutions": 1 }));
    let running = world.invoke(json!({ "do": "wait", "mark": sleep_of(3) }));
    let second = async {
        until_running(&sleeping(3), 1).await;
        let error = world.refusal("Invoke", orders()).await;
        for process in processes(&sleeping(3)) {
            rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        }
        error
    };
    let (first, error) = tokio::join!(running, second);
    assert_eq!(first.error, None);
    assert_eq!(
        (error.status, &*error.code, &*error.message),
        (429, "TooManyRequestsException", "Rate Exceeded.")
    );
    world.call("DeleteFunctionConcurrency", orders()).await.unwrap();
    assert_eq!(world.invoke(json!({})).await.error, None);
    let all = world.refusal("PutFunctionConcurrency", reserve(901)).await;
    assert_eq!(
        all.message,
        "Specified ReservedConcurrentExecutions for function decreases account's \
         UnreservedConcurrentExecution below its minimum value of [100]."
    );
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn payloads_are_checked_and_bounded() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let invoke = async |input: Value, payload: Bytes| {
        world.call_with("Invoke", with(orders(), input), Some(payload)).await
    };
    let error = invoke(json!({}), Bytes::from_static(b"{no}")).await.unwrap_err();
    assert_eq!((error.status, &*error.code), (400, "InvalidRequestContentException"));
    assert!(error.message.starts_with("Could not parse request body into json: "), "{error}");
    let large = Bytes::from(vec![b' '; 6_291_457]);
    let error = invoke(json!({}), large).await.unwrap_err();
    assert_eq!((error.status, &*error.code), (413, "RequestEntityTooLargeException"));
    assert_eq!(
        error.message,
        "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 \
         bytes)"
    );
    let large = Bytes::from(vec![b' '; 1_048_577]);
    let error = invoke(json!({ "InvocationType": "Event" }), large).await.unwrap_err();
    assert_eq!(error.status, 413);
    let reply = invoke(json!({ "InvocationType": "DryRun" }), Bytes::new()).await.unwrap();
    assert_eq!(reply.status, Some(204));
    let answer = world.invoke(json!({ "do": "large" })).await;
    assert_eq!(answer.answer["errorType"], "Function.ResponseSizeTooLarge");
    let forged = world.invoke_with(json!({ "LogType": "Tail" }), json!({ "do": "forge" })).await;
    assert!(forged.log.unwrap().contains("forged 400"));
    world.lambda.shutdown().await;
}

#[rstest]
#[case("ruby3.4", "running the runtime `ruby3.4` (`nodejs*`, `python*` and `provided.*` are)")]
#[case("nodejs22.x", "running the runtime `nodejs22.x` without Node.js on this machine")]
#[case(
    "python3.12",
    "running the runtime `python3.12` without a Python interpreter that holds awslambdaric"
)]
#[tokio::test]
async fn a_runtime_that_cannot_run_here_is_refused_by_name(
    #[case] runtime: &str,
    #[case] what: &str,
) {
    let world = World::new().await;
    world.create(json!({ "Runtime": runtime })).await;
    let error = world.refusal("Invoke", orders()).await;
    assert_eq!((error.status, &*error.code), (501, "NotImplementedException"));
    assert_eq!(error.message, format!("{what} is not built in this Lambda; nothing was changed"));
    assert_eq!(world.lambda.interpreter("orders"), None);
}

#[tokio::test]
async fn a_pending_function_cannot_be_invoked() {
    let world = World::new().await;
    world.fields("CreateFunction", creation()).await;
    let error = world.refusal("Invoke", orders()).await;
    assert_eq!((error.status, &*error.code), (409, "ResourceConflictException"));
    assert_eq!(
        error.message,
        "The operation cannot be performed at this time. The function is currently in the \
         following state: Pending"
    );
}

#[tokio::test]
async fn a_url_hands_the_request_to_its_function() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let cors = json!({ "AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"] });
    let input = with(orders(), json!({ "AuthType": "AWS_IAM", "Cors": cors }));
    let created = world.fields("CreateFunctionUrlConfig", input).await;
    let url: ::url::Url = created["FunctionUrl"].as_str().unwrap().parse().unwrap();
    let Some(UrlHost::Served(target)) = world.lambda.url_of_host(url.host_str().unwrap()) else {
        panic!("the URL leads nowhere");
    };
    let request = Request::post("/a%20b/c?x=1&x=2&y=%26")
        .header("host", format!("{}:4566", url.host_str().unwrap()))
        .header("connection", "close")
        .header("cookie", "one=1; two=2")
        .header("content-type", "text/plain")
        .header("origin", "https://a.example")
        .body(Bytes::from_static(b"hello"))
        .unwrap();
    let caller = Session::direct(Identity::Root {
        account_id: "123456789012".to_owned(),
        partition: ringfence_models::Partition::default(),
    });
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let response = world.lambda.serve_url(&target, request, ip, Some(&caller), "id-1").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["access-control-allow-origin"], "https://a.example");
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let event = &answer["event"];
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/a b/c");
    assert_eq!(event["rawQueryString"], "x=1&x=2&y=%26");
    assert_eq!(event["queryStringParameters"], json!({ "x": "1,2", "y": "&" }));
    assert_eq!(event["cookies"], json!(["one=1", "two=2"]));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("hello"), &json!(false)));
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!(event["requestContext"]["requestId"], "id-1");
    assert_eq!(event["headers"].get("connection"), None);
    assert_eq!(event["headers"]["host"], event["requestContext"]["domainName"]);
    assert_eq!(event["headers"]["host"], url.host_str().unwrap());
    let given = ["x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"];
    assert_eq!(given.map(|it| &event["headers"][it]), ["127.0.0.1", "443", "https"]);
    let trace = event["headers"]["x-amzn-trace-id"].as_str().unwrap();
    assert!(trace.starts_with("Root=1-") && trace.len() == 40, "{trace}");
    assert_eq!(
        event["requestContext"]["authorizer"]["iam"]["userArn"],
        "arn:aws:iam::123456789012:root"
    );
    let request = Request::get("/").body(Bytes::new()).unwrap();
    let anonymous = world.lambda.serve_url(&target, request, ip, None, "id-2").await;
    let answer: Value = serde_json::from_slice(anonymous.body()).unwrap();
    assert_eq!(answer["event"]["requestContext"].get("authorizer"), None);
    assert_eq!(answer["event"]["requestContext"]["accountId"], "anonymous");
    assert_eq!(anonymous.headers().get("access-control-allow-origin"), None);
    world.lambda.shutdown().await;
}
