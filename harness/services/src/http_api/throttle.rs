//! Throttling by a stage's settings: a token bucket per stage and route.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use super::model::RouteSettings;

/// What an account has where a stage sets one of the two limits only
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>).
const ACCOUNT_RATE: f64 = 10_000.0;
const ACCOUNT_BURST: u32 = 5_000;

/// The buckets, by API, stage and route key.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<(String, String, String), Bucket>>);

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: OffsetDateTime,
}

impl Throttle {
    /// Whether a request may pass. Without limits, all may: the account's own
    /// are not enforced.
    pub(super) fn admit(
        &self,
        (api_id, stage, route_key): (&str, &str, &str),
        settings: &RouteSettings,
        now: OffsetDateTime,
    ) -> bool {
        let (rate, burst) = (settings.throttling_rate_limit, settings.throttling_burst_limit);
        if rate.is_none() && burst.is_none() {
            return true;
        }
        let rate = rate.unwrap_or(ACCOUNT_RATE);
        let burst = f64::from(burst.unwrap_or(ACCOUNT_BURST));
        let place = (api_id.to_owned(), stage.to_owned(), route_key.to_owned());
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(place).or_insert(Bucket { tokens: burst, filled: now });
        let gained = (now - bucket.filled).as_seconds_f64().max(0.0) * rate;
        bucket.tokens = (bucket.tokens + gained).min(burst);
        bucket.filled = now;
        // A rate of nothing lets nothing through, however full the bucket began.
        let admitted = rate > 0.0 && bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }

    pub(super) fn forget(&self, api_id: &str) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|(api, ..), _| api != api_id);
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    fn limits(rate: Option<f64>, burst: Option<u32>) -> RouteSettings {
        RouteSettings {
            throttling_rate_limit: rate,
            throttling_burst_limit: burst,
            ..RouteSettings::default()
        }
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let throttle = Throttle::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        let settings = limits(Some(2.0), Some(3));
        let admit = |key, now| throttle.admit(("api", "$default", key), &settings, now);
        assert_eq!([(); 4].map(|()| admit("GET /a", start)), [true, true, true, false]);
        let later = start + Duration::milliseconds(500);
        assert_eq!([(); 2].map(|()| admit("GET /a", later)), [true, false]);
        assert!(admit("GET /b", start), "each route has its own bucket");
    }

    #[test]
    fn no_limit_passes_all_and_a_limit_of_nothing_none() {
        let throttle = Throttle::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        assert!(throttle.admit(("a", "s", "k"), &limits(None, None), now));
        assert!(!throttle.admit(("a", "s", "k"), &limits(Some(0.0), None), now));
        assert!(!throttle.admit(("b", "s", "k"), &limits(Some(1.0), Some(0)), now));
    }
}
