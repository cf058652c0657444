//! What Systems Manager answers of parameters: LocalStack's `test_put_parameters` and
//! `test_get_secret_parameter`, recorded on AWS.

use ringfence_wire::Call;
use serde_json::Value;

/// How secrets are named as parameters.
const SECRETS: &str = "/aws/reference/secretsmanager/";

/// Names each parameter as the call does; whether there was anything to mend.
pub(super) fn answer(call: &Call, fields: &mut Value) -> bool {
    let before = fields.clone();
    match call.name() {
        "GetParameter" => {
            if let Some((asked, told)) = call.text("Name").zip(fields.get_mut("Parameter")) {
                named([asked].into_iter(), told);
            }
        }
        "GetParameters" => {
            let asked = call.input.get("Names").and_then(Value::as_array);
            let told = fields.get_mut("Parameters").and_then(Value::as_array_mut);
            for one in told.into_iter().flatten() {
                named(asked.into_iter().flatten().filter_map(Value::as_str), one);
            }
        }
        _ => {}
    }
    *fields != before
}

fn named<'a>(mut asked: impl Iterator<Item = &'a str>, told: &mut Value) {
    let Some(name) = told.get_mut("Name") else { return };
    let own = name.as_str().unwrap_or_default().to_owned();
    let is_it = |asked: &&str| {
        *asked == own
            || asked.strip_prefix('/') == Some(own.as_str())
            || asked.strip_prefix(SECRETS) == Some(own.as_str())
    };
    if let Some(asked) = asked.find(is_it) {
        *name = asked.into();
    }
}
