//! What AWS was recorded to answer, asked by boto3.

use ringfence::stack::Stack;
use serde_json::{Value, json};

use crate::stack::{python, with_empty_account};

fn setting(stack: &Stack) -> Value {
    let root = stack.root();
    json!({
        "endpoint": stack.endpoint().as_str(),
        "root": {
            "AccessKeyId": root.access_key_id,
            "SecretAccessKey": root.secret_access_key.expose(),
        },
        "region": stack.config().account.region.as_str(),
        "account": stack.config().account.id.as_str(),
    })
}

fn assert_all(answers: &[Value], count: usize) {
    let wrong = answers.iter().filter(|answer| answer["observed"] != answer["expected"]);
    let wrong: Vec<String> = wrong.map(Value::to_string).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(answers.len(), count, "{answers:#?}");
}

/// LocalStack rotates by functions of its own alone.
#[test]
fn services_reach_the_functions_that_let_them_in() {
    with_empty_account(async |stack| {
        let mut setting = setting(stack);
        let rotates = stack.emulator().identity().backend == "embedded";
        setting["rotates"] = rotates.into();
        let answers = python(stack, "recorded/functions.py", &setting).await;
        assert_all(&answers, if rotates { 18 } else { 10 });
    });
}
