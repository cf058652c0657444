//! S3's answers. The recorded tests are LocalStack's.

use bytes::Bytes;
use ringfence_wire::Call;

/// The body of an answer as AWS writes it; nothing where it is the same.
pub(super) fn body(call: &Call, told: &Bytes) -> Option<Bytes> {
    if call.name() != "GetObjectLockConfiguration" {
        return None;
    }
    // A default retention is of days or of years; the other one is not shown
    // (`test_object_lock_configuration`).
    let text = std::str::from_utf8(told).ok()?;
    let mended = text.replace("<Days>0</Days>", "").replace("<Years>0</Years>", "");
    (mended != text).then(|| mended.into())
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use rstest::rstest;
    use serde_json::Map;

    use super::*;

    fn mended(operation: &str, told: &'static str) -> Option<String> {
        let call = Call {
            operation: Operation::find(Service::S3, operation).unwrap(),
            region: "eu-west-1".to_owned(),
            input: Map::new(),
            payload: None,
        };
        let body = body(&call, &Bytes::from_static(told.as_bytes()))?;
        Some(String::from_utf8(body.to_vec()).unwrap())
    }

    #[rstest]
    #[case::of_days("<A><Days>2</Days><Years>0</Years></A>", Some("<A><Days>2</Days></A>"))]
    #[case::of_years("<A><Days>0</Days><Years>1</Years></A>", Some("<A><Years>1</Years></A>"))]
    #[case::right("<A><Days>20</Days></A>", None)]
    fn a_period_of_nothing_is_not_shown(#[case] told: &'static str, #[case] shown: Option<&str>) {
        assert_eq!(mended("GetObjectLockConfiguration", told).as_deref(), shown);
    }

    #[test]
    fn other_answers_stay_as_they_are() {
        assert_eq!(mended("GetObject", "<A><Days>0</Days></A>"), None);
    }
}
