//! S3's answers. The recorded tests are LocalStack's.

use ringfence_wire::Call;
use serde_json::{Map, Value};

/// Whether answers to a call may have anything to mend.
pub(super) fn is_mended(call: &Call) -> bool {
    call.name() == "GetObjectLockConfiguration"
}

/// Mends the fields of an answer; whether there was anything to mend.
pub(super) fn answer(call: &Call, fields: &mut Value) -> bool {
    if !is_mended(call) {
        return false;
    }
    let period = fields
        .pointer_mut("/ObjectLockConfiguration/Rule/DefaultRetention")
        .and_then(Value::as_object_mut);
    period.is_some_and(one_period)
}

/// A default retention is of days or of years; the other one is not shown
/// (`test_object_lock_configuration`).
fn one_period(retention: &mut Map<String, Value>) -> bool {
    let before = retention.len();
    retention.retain(|name, value| !["Days", "Years"].contains(&name.as_str()) || !is_zero(value));
    retention.len() != before
}

fn is_zero(value: &Value) -> bool {
    value.as_u64() == Some(0) || value.as_str() == Some("0")
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn call(operation: &str) -> Call {
        Call {
            operation: Operation::find(Service::S3, operation).unwrap(),
            region: "eu-west-1".to_owned(),
            input: Map::new(),
            payload: None,
        }
    }

    fn locked(retention: Value) -> Value {
        json!({"ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention},
        }})
    }

    #[rstest]
    #[case(json!({"Mode": "GOVERNANCE", "Days": 2, "Years": 0}), json!({"Mode": "GOVERNANCE", "Days": 2}))]
    #[case(json!({"Mode": "GOVERNANCE", "Days": "0", "Years": "1"}), json!({"Mode": "GOVERNANCE", "Years": "1"}))]
    fn a_period_of_nothing_is_not_shown(#[case] told: Value, #[case] shown: Value) {
        let mut fields = locked(told);
        assert!(answer(&call("GetObjectLockConfiguration"), &mut fields));
        assert_eq!(fields, locked(shown));
    }

    #[test]
    fn what_is_right_stays() {
        let right = locked(json!({"Mode": "GOVERNANCE", "Days": 2}));
        let mut fields = right.clone();
        assert!(!answer(&call("GetObjectLockConfiguration"), &mut fields));
        assert_eq!(fields, right);
        let mut other = json!({"Days": 0});
        assert!(!answer(&call("GetBucketLifecycleConfiguration"), &mut other));
        assert_eq!(other, json!({"Days": 0}));
    }
}
