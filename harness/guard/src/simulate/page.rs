//! `MaxItems`, `Marker` and `IsTruncated`.
//!
//! "If you do not include this parameter, the number of items defaults to 100";
//! "Minimum value of 1. Maximum value of 1000"
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>).

use std::ops::Range;

use ringfence_wire::ServiceError;

use super::error::invalid;
use super::input::Fields;

const DEFAULT: usize = 100;
const MOST: usize = 1_000;

/// "IAM might return fewer results, even when there are more results available":
/// a page looks at this many statements, each once for every action and resource.
/// All of them may be cited, some kilobytes each.
const STATEMENTS: usize = 100_000;

/// The results that are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    places: Range<usize>,
    total: usize,
}

impl Page {
    /// The page of `total` results that a call asks for, each of which looks at
    /// `statements`.
    pub(super) fn read(
        fields: Fields<'_>,
        total: usize,
        statements: usize,
    ) -> Result<Self, ServiceError> {
        if statements > STATEMENTS {
            return Err(invalid(format!(
                "{statements} statements would be looked at for one action, each policy's on each \
                 resource: give fewer ResourceArns, so that it is {STATEMENTS} at most"
            )));
        }
        let most = match fields.integer("MaxItems")? {
            None => DEFAULT,
            Some(given) => usize::try_from(given)
                .ok()
                .filter(|most| (1..=MOST).contains(most))
                .ok_or_else(|| invalid(format!("MaxItems is {given}: it must be 1 to {MOST}")))?,
        };
        let start = match fields.text("Marker")? {
            None => 0,
            Some(marker) => {
                marker.parse().ok().filter(|start| (1..total).contains(start)).ok_or_else(|| {
                    invalid(format!(
                        "Invalid Marker `{marker}`: use the one of the answer before, with the \
                         same parameters"
                    ))
                })?
            }
        };
        let most = most.min(STATEMENTS / statements.max(1));
        Ok(Self { places: start..total.min(start + most), total })
    }

    /// Which results, from 0.
    pub(super) fn places(&self) -> Range<usize> {
        self.places.clone()
    }

    /// Where to go on, if there is more.
    pub(super) fn marker(&self) -> Option<String> {
        (self.places.end < self.total).then(|| self.places.end.to_string())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn page(input: &Value, total: usize) -> Result<Page, ServiceError> {
        Page::read(Fields(input.as_object().unwrap()), total, 1)
    }

    #[test]
    fn a_page_looks_at_so_many_statements() {
        let none = serde_json::Map::new();
        let page = |statements| Page::read(Fields(&none), 5, statements);
        assert_eq!(page(50_000).unwrap().places(), 0..2);
        assert_eq!(page(100_000).unwrap().places(), 0..1);
        assert_eq!(page(0).unwrap().places(), 0..5);
        let error = page(100_001).unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("InvalidInput", 400));
        assert_eq!(
            error.message,
            "100001 statements would be looked at for one action, each policy's on each resource: \
             give fewer ResourceArns, so that it is 100000 at most"
        );
    }

    #[rstest]
    #[case(json!({}), 3, 0..3, None)]
    #[case(json!({}), 101, 0..100, Some("100"))]
    #[case(json!({"MaxItems": 2}), 3, 0..2, Some("2"))]
    #[case(json!({"MaxItems": 2, "Marker": "2"}), 3, 2..3, None)]
    #[case(json!({"MaxItems": 1000}), 1000, 0..1000, None)]
    fn results_come_in_pages(
        #[case] input: Value,
        #[case] total: usize,
        #[case] places: Range<usize>,
        #[case] marker: Option<&str>,
    ) {
        let page = page(&input, total).unwrap();
        assert_eq!((page.places(), page.marker().as_deref()), (places, marker));
    }

    #[rstest]
    #[case(json!({"MaxItems": 0}), "MaxItems is 0: it must be 1 to 1000")]
    #[case(json!({"MaxItems": 1001}), "MaxItems is 1001: it must be 1 to 1000")]
    #[case(json!({"Marker": "3"}), "Invalid Marker `3`: use the one of the answer before, with the same parameters")]
    #[case(json!({"Marker": "x"}), "Invalid Marker `x`: use the one of the answer before, with the same parameters")]
    fn what_is_no_page_is_refused(#[case] input: Value, #[case] message: &str) {
        let error = page(&input, 3).unwrap_err();
        assert_eq!((error.code.as_ref(), error.message.as_str()), ("InvalidInput", message));
    }
}
