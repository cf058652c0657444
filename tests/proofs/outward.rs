//! What a team writes reaches nobody by way of the upstream, which stands outside the
//! walls that the team's own code runs in.

use ringfence_wire::Service;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::kept::{as_root, text};
use crate::stack::with_empty_account;

#[test]
fn what_is_published_reaches_a_queue_and_no_address() {
    with_empty_account(async |stack| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let (sns, sqs) = (Service::of("sns").unwrap(), Service::of("sqs").unwrap());
        let topic = as_root(stack, sns, "CreateTopic", json!({"Name": "outward"})).await;
        let topic = text(&topic.result.unwrap(), "/TopicArn").to_owned();
        let queue = as_root(stack, sqs, "CreateQueue", json!({"QueueName": "outward"})).await;
        let queue = text(&queue.result.unwrap(), "/QueueUrl").to_owned();
        let arn = topic.replace(":sns:", ":sqs:");
        for (protocol, endpoint) in [("http", &address), ("sqs", &arn)] {
            let input = json!({"TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint});
            as_root(stack, sns, "Subscribe", input).await.result.unwrap();
        }
        let message = json!({"TopicArn": topic, "Message": "to everybody"});
        as_root(stack, sns, "Publish", message).await.result.unwrap();
        let read = json!({"QueueUrl": queue, "WaitTimeSeconds": 20});
        let read = as_root(stack, sqs, "ReceiveMessage", read).await.result.unwrap();
        assert!(text(&read, "/Messages/0/Body").contains("to everybody"), "{read}");
        // Whoever had connected stands first; else it is this very test.
        let own = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut first, from) = listener.accept().await.unwrap();
        assert_eq!(from, own.local_addr().unwrap());
        drop(own);
        assert_eq!(first.read_u8().await.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    });
}
