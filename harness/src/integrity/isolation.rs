//! Whether the code of the teams is kept apart from what judges it.

use ringfence_sandbox::{Mechanism, Started, started};

use crate::config::Backend;

/// How the code of the teams is kept apart in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Isolation {
    /// What keeps it apart from the harness and from each other.
    pub mechanism: Mechanism,
    /// Why that is not enough; none where it is.
    pub reason: Option<String>,
    /// What this process had started before.
    before: Started,
}

impl Isolation {
    /// What a mechanism and an upstream amount to, from now on.
    pub fn of(mechanism: Mechanism, backend: &Backend) -> Self {
        let mut reasons = Vec::new();
        if !mechanism.isolates() {
            reasons.push(
                "neither namespaces nor Landlock work here, so that steps and functions can do what \
                 Ringfence can"
                    .to_owned(),
            );
        }
        if let Backend::Endpoint(url) = backend {
            reasons.push(format!(
                "the upstream at {url} was not started here, and may answer others than the guard"
            ));
        }
        let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        Self { mechanism, reason, before: started() }
    }
}

/// As a record keeps it, with what was started until now.
impl From<&Isolation> for ringfence_evidence::Isolation {
    fn from(own: &Isolation) -> Self {
        let Started { count, waited } = started().since(own.before);
        let duration_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        Self {
            mechanism: own.mechanism.to_string(),
            unisolated: own.reason.clone(),
            starts: Some(ringfence_evidence::Starts { count, duration_ms }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(Mechanism::Namespaces { other_user: true }, "embedded", None)]
    #[case(Mechanism::Landlock { other_user: false }, "localstack", None)]
    #[case(Mechanism::Nothing, "embedded", Some("neither namespaces nor Landlock work here"))]
    #[case(Mechanism::Landlock { other_user: false }, "http://127.0.0.1:9/", Some("the upstream at http://127.0.0.1:9/ was not started here"))]
    fn a_mechanism_and_an_upstream_that_answers_the_guard_alone_isolate(
        #[case] mechanism: Mechanism,
        #[case] backend: &str,
        #[case] expected: Option<&str>,
    ) {
        let isolation = Isolation::of(mechanism, &backend.parse().unwrap());
        match expected {
            None => assert_eq!(isolation.reason, None),
            Some(beginning) => {
                let reason = isolation.reason.unwrap();
                assert!(reason.starts_with(beginning), "{reason}");
            }
        }
    }
}
