//! A function in Rust, as teams write one: AWS's own runtime and SDK. Behind an API it asks
//! IAM for what its event's path names, by its own session, and answers with the status and
//! the code; of a queue's messages it prints the first.

#![allow(clippy::print_stdout, reason = "what a function prints is its log")]

use std::env;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(LambdaEvent { payload: event, .. }: LambdaEvent<Value>) -> Result<Value, Error> {
    if let Some(message) = event.pointer("/Records/0/body").and_then(Value::as_str) {
        println!("polled {message}");
        return Ok(json!({}));
    }
    let path = event.get("rawPath").or_else(|| event.get("path")).and_then(Value::as_str);
    let action = path.and_then(|path| path.rsplit('/').next()).ok_or("no path")?;
    let iam = iam()?;
    let told = match action {
        "ListRoles" => told(iam.list_roles().send().await),
        "ListUsers" => told(iam.list_users().send().await),
        other => return Err(format!("`{other}` is not asked").into()),
    };
    Ok(json!({"statusCode": 200, "body": format!("rust {told}")}))
}

fn iam() -> Result<Client, Error> {
    let set = |name: &str| env::var(name).map_err(|error| format!("{name}: {error}"));
    let session = Credentials::new(
        set("AWS_ACCESS_KEY_ID")?,
        set("AWS_SECRET_ACCESS_KEY")?,
        Some(set("AWS_SESSION_TOKEN")?),
        None,
        "function",
    );
    let config = aws_sdk_iam::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(set("AWS_REGION")?))
        .endpoint_url(set("AWS_ENDPOINT_URL")?)
        .credentials_provider(session)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Ok(Client::from_conf(config.build()))
}

/// The status of an answer, and its code or `OK`.
fn told<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> String {
    match answer {
        Ok(_) => "200 OK".to_owned(),
        Err(error) => {
            let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
            format!("{status} {}", error.code().unwrap_or_default())
        }
    }
}
