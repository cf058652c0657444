//! How much a request may send, and to whom.

use std::time::Duration;

use ringfence_wire::{Secret, signature};
use rstest::rstest;
use serde_json::json;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Stage, root};
use crate::journal::Ending;

/// A request's head as text, signed where there is a key; of its body nothing
/// was sent.
fn head(stage: &Stage, service: &str, key: Option<(&str, &str)>, more: &[(&str, &str)]) -> String {
    let (method, path, content_type) = match service {
        "s3" => ("PUT", "/bucket/key", "application/octet-stream"),
        "lambda" => ("POST", "/2015-03-31/functions", "application/json"),
        _ => ("POST", "/", "application/x-www-form-urlencoded"),
    };
    let endpoint = stage.guard.endpoint();
    let mut request = http::Request::builder()
        .method(method)
        .uri(endpoint.join(path).unwrap().as_str())
        .header("content-type", content_type)
        .body(bytes::Bytes::from_static(b"announced"))
        .unwrap();
    if let Some((id, secret)) = key {
        let (secret, now) = (Secret::new(secret), OffsetDateTime::now_utc());
        signature::sign(&mut request, id, &secret, None, service, "eu-central-1", now);
    }
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    if !request.headers().contains_key("host") {
        text.push_str(&format!("host: 127.0.0.1:{}\r\n", endpoint.port().unwrap()));
    }
    for (name, value) in more {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text + "\r\n"
}

/// What the guard answers to a head whose body never comes.
async fn answer(stage: &Stage, head: &str) -> String {
    let mut stream =
        TcpStream::connect(("127.0.0.1", stage.guard.endpoint().port().unwrap())).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let read = async {
        while !String::from_utf8_lossy(&answer).contains("</Error>")
            && !String::from_utf8_lossy(&answer).contains("\"}")
        {
            let read = stream.read(&mut buffer).await.unwrap();
            if read == 0 {
                break;
            }
            answer.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::time::timeout(Duration::from_secs(10), read).await.expect("an answer, body or not");
    String::from_utf8(answer).unwrap()
}

#[rstest]
#[case::unknown_key("s3", Some(("AKIAUNKNOWN", "x")), "InvalidAccessKeyId")]
#[case::wrong_secret("s3", Some(("test", "another")), "SignatureDoesNotMatch")]
#[case::unknown_key_of_iam("iam", Some(("AKIAUNKNOWN", "x")), "InvalidClientTokenId")]
#[case::unsigned("lambda", None, "MissingAuthenticationToken")]
#[tokio::test]
async fn who_is_not_known_is_refused_before_the_body_comes(
    #[case] service: &str,
    #[case] key: Option<(&str, &str)>,
    #[case] code: &str,
) {
    let stage = Stage::new().await;
    let size = [("content-length", "1000000")];
    let head = head(&stage, service, key, &size);
    let head = if key.is_none() {
        head.replace("application/json", "application/x-amz-json-1.1")
    } else {
        head
    };
    let answer = answer(&stage, &head).await;
    assert!(answer.contains(code), "{answer}");
    assert_eq!(stage.last_entry().outcome, Ending::Refused);
}

#[rstest]
#[case::s3(
    "s3",
    "300000000",
    "HTTP/1.1 501",
    "bodies of more than 268435456 bytes are not held here; upload in parts"
)]
#[case::s3_of_aws(
    "s3",
    "5368709121",
    "HTTP/1.1 400",
    "Your proposed upload exceeds the maximum allowed size"
)]
#[case::lambda(
    "lambda",
    "70167212",
    "HTTP/1.1 413",
    "Request must be smaller than 70167211 bytes for the CreateFunction operation"
)]
#[case::iam("iam", "4194305", "HTTP/1.1 413", "Request must be smaller than 4194304 bytes")]
#[tokio::test]
async fn what_is_too_large_is_refused_before_it_comes(
    #[case] service: &str,
    #[case] size: &str,
    #[case] status: &str,
    #[case] message: &str,
) {
    let stage = Stage::new().await;
    let root = root();
    let key = Some((root.access_key_id.as_str(), root.secret_access_key.expose()));
    let answer = answer(&stage, &head(&stage, service, key, &[("content-length", size)])).await;
    assert!(answer.starts_with(status), "{answer}");
    assert!(answer.contains(message), "{answer}");
}

#[tokio::test]
async fn an_unsigned_form_is_as_large_as_a_token_at_most() {
    let stage = Stage::new().await;
    let answer = answer(&stage, &head(&stage, "sts", None, &[("content-length", "131073")])).await;
    assert!(answer.contains("Request must be smaller than 131072 bytes"), "{answer}");
}

/// A bucket that nobody may write to, and one that everybody may: the body of an
/// unsigned upload is read where it could be stored.
#[rstest]
#[case::closed(None, false)]
#[case::open(Some("s3:PutObject"), true)]
#[case::open_to_readers(Some("s3:GetObject"), false)]
#[tokio::test]
async fn the_body_of_nobody_is_read_where_nobody_may(
    #[case] action: Option<&str>,
    #[case] read: bool,
) {
    let stage = Stage::new().await;
    let document = action.map(|action| {
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
            "Action": action, "Resource": "arn:aws:s3:::bucket/*"}})
        .to_string()
    });
    stage.upstream.state.lock().unwrap().bucket_policy = document;
    let chunked = [("transfer-encoding", "chunked")];
    let head = head(&stage, "s3", None, &chunked);
    let asked = tokio::time::timeout(Duration::from_secs(3), answer(&stage, &head)).await;
    match read {
        true => assert!(asked.is_err(), "{asked:?}"),
        false => assert!(asked.unwrap().contains("<Code>AccessDenied</Code>")),
    }
}

/// Connections that say nothing, or drip, take the room of nobody else.
#[rstest]
#[case::nothing("")]
#[case::half_a_head("PUT /bucket/key HTTP/1.1\r\nhost: 127.0.0.1\r\n")]
#[case::half_a_form("POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\nAction=")]
#[tokio::test]
async fn clients_that_are_slow_stop_no_other(#[case] begin: &str) {
    let stage = Stage::new().await;
    let port = stage.guard.endpoint().port().unwrap();
    let mut slow = Vec::new();
    for _ in 0..60 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let root = root();
    let asked = stage.call(&root, "GetRole", json!({"RoleName": "none"}));
    let answered = tokio::time::timeout(Duration::from_secs(10), asked).await;
    assert_eq!(answered.expect("an answer").unwrap_err().code, "NoSuchEntity");
}
