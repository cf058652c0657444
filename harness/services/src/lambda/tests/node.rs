//! Functions of Node.js, run by the interpreter of this machine.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rstest::rstest;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::support::{ARN, Invoked, World};
use crate::setting::Interpreters;

/// A package of text files, as base64.
fn packed(files: &[(&str, &str)]) -> String {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    BASE64.encode(writer.finish().unwrap().into_inner())
}

async fn world() -> World {
    let node = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|it| it.join("node"))
        .find(|it| it.is_file());
    World::with(Interpreters { python: None, node: Some(node.expect("a node on the PATH")) }).await
}

fn function(runtime: &str, files: &[(&str, &str)]) -> Value {
    json!({
        "Runtime": runtime, "Handler": "index.handler", "Timeout": 20,
        "Code": { "ZipFile": packed(files) },
    })
}

/// Makes a function of one file and invokes it.
async fn invoked(runtime: &str, file: &str, text: &str, event: Value) -> Invoked {
    let world = world().await;
    world.create(function(runtime, &[(file, text)])).await;
    let invoked = world.invoke_with(json!({ "LogType": "Tail" }), event).await;
    world.lambda.shutdown().await;
    invoked
}

#[rstest]
#[case::common_js(
    "nodejs22.x",
    "index.js",
    "exports.handler = async (it) => ({ sum: it.a + it.b });"
)]
#[case::es_module(
    "nodejs24.x",
    "index.mjs",
    "export const handler = async (it) => ({ sum: it.a + it.b });"
)]
#[case::cjs(
    "nodejs20.x",
    "index.cjs",
    "exports.handler = (it, context) => Promise.resolve({ sum: it.a + it.b });"
)]
#[case::callback(
    "nodejs18.x",
    "index.js",
    "exports.handler = (it, _, end) => { end(null, { sum: it.a + it.b }); };"
)]
#[case::later(
    "nodejs22.x",
    "index.js",
    "exports.handler = (it, _, end) => { setTimeout(() => end(null, { sum: it.a + it.b }), 5); };"
)]
#[case::does_not_wait(
    "nodejs22.x",
    "index.js",
    "exports.handler = (it, context, end) => { context.callbackWaitsForEmptyEventLoop = false; setInterval(() => {}, 1000); end(null, { sum: it.a + it.b }); };"
)]
#[case::done(
    "nodejs22.x",
    "index.js",
    "exports.handler = (it, context) => { context.succeed({ sum: it.a + it.b }); };"
)]
#[tokio::test]
async fn a_handler_of_each_form_answers(
    #[case] runtime: &str,
    #[case] file: &str,
    #[case] text: &str,
) {
    let it = invoked(runtime, file, text, json!({ "a": 1, "b": 2 })).await;
    assert_eq!((it.answer, it.error), (json!({ "sum": 3 }), None), "{:?}", it.log);
}

const FACTS: &str = "
import { basename } from 'node:path';
let count = 0;
export const handler = async (event, context) => {
  console.log('seen', { a: 1 });
  count += 1;
  const { getRemainingTimeInMillis, ...plain } = context;
  const { env } = process;
  return { count, pid: process.pid, left: getRemainingTimeInMillis(), context: plain,
    cwd: process.cwd(), variables: { path: env.NODE_PATH, name: env.AWS_EXECUTION_ENV,
      mine: env.MINE, trace: env._X_AMZN_TRACE_ID } };
};
";

#[tokio::test]
async fn a_warm_process_has_awss_context_environment_and_log() {
    let world = world().await;
    let mut made = function("nodejs20.x", &[("index.mjs", FACTS)]);
    made["Environment"] = json!({ "Variables": { "MINE": "yes" } });
    world.create(made).await;
    let first = world.invoke_with(json!({ "LogType": "Tail" }), json!({})).await;
    let second = world.invoke(json!({})).await;
    let (one, two) = (&first.answer, &second.answer);
    assert_eq!((&one["count"], &two["count"]), (&json!(1), &json!(2)), "{:?}", first.log);
    assert_eq!(one["pid"], two["pid"]);
    let context = &one["context"];
    assert_eq!(context["functionName"], "orders");
    assert_eq!(context["functionVersion"], "$LATEST");
    assert_eq!(context["memoryLimitInMB"], "128");
    assert_eq!(context["invokedFunctionArn"], ARN);
    assert_eq!(context["logGroupName"], "/aws/lambda/orders");
    assert_eq!(context["callbackWaitsForEmptyEventLoop"], true);
    assert!(context["logStreamName"].as_str().unwrap().contains("[$LATEST]"));
    let id = context["awsRequestId"].as_str().unwrap();
    assert_ne!(two["context"]["awsRequestId"], id);
    let left = one["left"].as_i64().unwrap();
    assert!((10_000..=20_000).contains(&left), "{left}");
    let variables = &one["variables"];
    assert_eq!(variables["name"], "AWS_Lambda_nodejs20.x");
    assert_eq!(variables["mine"], "yes");
    assert!(variables["trace"].as_str().unwrap().starts_with("Root=1-"));
    let (cwd, path) = (one["cwd"].as_str().unwrap(), variables["path"].as_str().unwrap());
    assert_eq!(
        path,
        format!(
            "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:\
             /var/runtime/node_modules:/var/runtime:{cwd}"
        )
    );
    let line = format!("\t{id}\tINFO\tseen {{ a: 1 }}\n");
    assert!(first.log.as_ref().unwrap().contains(&line), "{:?}", first.log);
    let began = |lines: &[String]| lines.iter().find(|it| it.starts_with("INIT_START")).cloned();
    let began = world.until(|state| began(&state.log_lines)).await;
    let actual = world.lambda.interpreter("orders").unwrap();
    let version = format!("INIT_START Runtime Version: nodejs:{}\t", actual.actual);
    assert!(began.starts_with(&version), "{began}");
    assert_eq!((&*actual.declared, actual.language), ("nodejs20.x", "nodejs"));
    world.lambda.shutdown().await;
}

#[rstest]
#[case::thrown(
    "exports.handler = async () => { throw new TypeError('no'); };",
    "TypeError",
    "no",
    "Invoke Error"
)]
#[case::given(
    "exports.handler = (_, __, end) => end('a text');",
    "string",
    "a text",
    "Invoke Error"
)]
#[case::missing_package(
    "const sdk = require('@aws-sdk/client-s3'); exports.handler = async () => sdk;",
    "Runtime.ImportModuleError",
    "Error: Cannot find module '@aws-sdk/client-s3'",
    "Uncaught Exception"
)]
#[case::syntax(
    "exports.handler = async () => {",
    "Runtime.UserCodeSyntaxError",
    "SyntaxError: ",
    "Uncaught Exception"
)]
#[case::no_handler(
    "exports.other = 1;",
    "Runtime.HandlerNotFound",
    "index.handler is undefined or not exported",
    "Uncaught Exception"
)]
#[case::no_function(
    "exports.handler = 1;",
    "Runtime.HandlerNotFound",
    "index.handler is not a function",
    "Uncaught Exception"
)]
#[case::uncaught(
    "exports.handler = () => { setTimeout(() => { throw new Error('later'); }, 1); };",
    "Error",
    "later",
    "Uncaught Exception"
)]
#[case::rejected(
    "exports.handler = () => { Promise.reject(new Error('alone')); };",
    "Runtime.UnhandledPromiseRejection",
    "Error: alone",
    "Unhandled Promise Rejection"
)]
#[case::never_settled(
    "exports.handler = async () => { await new Promise(() => {}); };",
    "Runtime.NodeJsExit",
    "The Lambda runtime client detected an unexpected Node.js exit code.",
    "Invoke Error"
)]
#[tokio::test]
async fn an_error_is_told_as_awss_runtime_tells_it(
    #[case] text: &str,
    #[case] kind: &str,
    #[case] message: &str,
    #[case] logged: &str,
) {
    let it = invoked("nodejs22.x", "index.js", text, json!({})).await;
    assert_eq!(it.error.as_deref(), Some("Unhandled"));
    assert_eq!(it.answer["errorType"], kind, "{:?}", it.log);
    let said = it.answer["errorMessage"].as_str().unwrap();
    assert!(said.starts_with(message), "{said}");
    assert!(it.answer["trace"].is_array());
    let log = it.log.unwrap();
    assert!(log.contains(&format!("\tERROR\t{logged} \t{{\"errorType\":\"")), "{log}");
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html>
#[tokio::test]
async fn node_24_takes_no_callbacks() {
    let text = "exports.handler = (it, _, end) => end(null, 1);";
    let it = invoked("nodejs24.x", "index.js", text, json!({})).await;
    assert_eq!(it.answer["errorType"], "Runtime.CallbackHandlerDeprecated");
    assert_eq!(invoked("nodejs22.x", "index.js", text, json!({})).await.answer, json!(1));
}

#[rstest]
#[case::require("index.js", "const it = require('tool'); exports.handler = async () => it.name;")]
#[case::import("index.mjs", "import it from 'tool'; export const handler = async () => it.name;")]
#[tokio::test]
async fn a_layers_packages_are_found(#[case] file: &str, #[case] text: &str) {
    let world = world().await;
    let tool = "module.exports = { name: 'of the layer' };";
    let content = packed(&[("nodejs/node_modules/tool/index.js", tool)]);
    let layer = json!({ "LayerName": "tools", "Content": { "ZipFile": content } });
    let arn = world.fields("PublishLayerVersion", layer).await["LayerVersionArn"].clone();
    let mut made = function("nodejs22.x", &[(file, text)]);
    made["Layers"] = json!([arn]);
    world.create(made).await;
    let it = world.invoke_with(json!({ "LogType": "Tail" }), json!({})).await;
    assert_eq!(it.answer, json!("of the layer"), "{:?}", it.log);
    world.lambda.shutdown().await;
}

#[rstest]
#[case("/usr/bin/env", json!(1), None)]
#[case("/idontexist.sh", json!("Runtime.ExitError"), Some("exit status 127"))]
#[tokio::test]
async fn a_wrapper_gets_the_interpreters_command_line(
    #[case] wrapper: &str,
    #[case] answer: Value,
    #[case] message: Option<&str>,
) {
    let world = world().await;
    let mut made = function("nodejs22.x", &[("index.js", "exports.handler = async () => 1;")]);
    made["Environment"] = json!({ "Variables": { "AWS_LAMBDA_EXEC_WRAPPER": wrapper } });
    world.create(made).await;
    let given = world.invoke(json!({})).await.answer;
    match message {
        None => assert_eq!(given, answer),
        Some(message) => {
            assert_eq!(given["errorType"], answer);
            assert!(given["errorMessage"].as_str().unwrap().ends_with(message), "{given}");
        }
    }
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn a_timer_that_is_left_fires_in_the_next_invocation() {
    let world = world().await;
    let text = "let fired = null;
exports.handler = async () => {
  if (fired === null) { setTimeout(() => { fired = Date.now(); }, 50); fired = 0; return 0; }
  await new Promise((end) => setTimeout(end, 100));
  return fired;
};";
    world.create(function("nodejs22.x", &[("index.js", text)])).await;
    assert_eq!(world.invoke(json!({})).await.answer, json!(0));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let began = time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    let fired = world.invoke(json!({})).await.answer.as_i64().unwrap();
    assert!(i128::from(fired) >= began, "{fired} before {began}");
    world.lambda.shutdown().await;
}
