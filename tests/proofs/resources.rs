//! What the policies of resources decide, as a foreign client (boto3) meets it.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::cloudformation::has_tables;
use crate::stack::{root, with_empty_account};

#[test]
fn boto3_meets_the_policies_of_keys_objects_and_tables() {
    with_empty_account(async |stack| {
        let mut child = tokio::process::Command::new(stack.tools().python())
            .arg(root().join("tests/proofs/resources/questions.py"))
            // Set on some machines; it is not for a loopback endpoint.
            .env_remove("AWS_CA_BUNDLE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let access = stack.root();
        let tables = has_tables(stack).await;
        let setting = json!({
            "tables": tables,
            "endpoint": stack.endpoint().as_str(),
            "region": stack.config().account.region.as_str(),
            "account": stack.config().account.id.as_str(),
            "root": {
                "AccessKeyId": access.access_key_id,
                "SecretAccessKey": access.secret_access_key.expose(),
            },
        });
        let mut input = child.stdin.take().unwrap();
        input.write_all(setting.to_string().as_bytes()).await.unwrap();
        drop(input);
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answers: Vec<Value> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let wrong = answers.iter().filter(|answer| answer["agrees"] != true);
        let wrong: Vec<String> = wrong.map(Value::to_string).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(answers.len(), if tables { 17 } else { 15 });
    });
}
