//! What the policies of resources decide, as a foreign client (boto3) meets it.

use serde_json::{Value, json};

use crate::cloudformation::has_tables;
use crate::stack::{python, with_empty_account};

#[test]
fn boto3_meets_the_policies_of_keys_objects_and_tables() {
    with_empty_account(async |stack| {
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
        let answers = python(stack, "resources/questions.py", &setting).await;
        let wrong = answers.iter().filter(|answer| answer["agrees"] != true);
        let wrong: Vec<String> = wrong.map(Value::to_string).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(answers.len(), if tables { 17 } else { 15 });
    });
}
