//! Questions to the account, and how answers become objects.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ringfence_guard::journal::Entry;
use ringfence_wire::Service;
use serde_json::{Map, Value};
use tokio::sync::{OnceCell, Semaphore};

use super::canonical::canonical;
use super::{Object, ObjectId, Of, SnapshotError, reads};

/// The objects of a service.
pub(super) type Objects = Vec<(ObjectId, Object)>;

/// The reading of a service.
pub(super) type Reading<'a> =
    Pin<Box<dyn Future<Output = Result<Objects, SnapshotError>> + Send + 'a>>;

/// How lists go on, by service: the answer's member and the input's.
const PAGES: [(&str, &str); 5] = [
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("NextMarker", "Marker"),
    ("Marker", "Marker"),
    ("LastEvaluatedTableName", "ExclusiveStartTableName"),
];

/// How many questions are under way at once: more of them wait for each other
/// inside the emulator.
const AT_ONCE: usize = 16;

/// An answer, which all who ask the same share.
type Answer = Arc<OnceCell<Option<Value>>>;

/// Asks the account, each question once.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    of: Of<'a>,
    /// By service, operation and input.
    answers: Mutex<HashMap<(Service, String, String), Answer>>,
    /// The services in which something may have been made, as the journal has it;
    /// none where it does not tell of all.
    written: OnceLock<Option<HashSet<String>>>,
    at_once: Semaphore,
}

impl<'a> Reader<'a> {
    pub(super) fn new(of: Of<'a>) -> Self {
        let at_once = Semaphore::new(AT_ONCE);
        let (answers, written) = (Mutex::default(), OnceLock::new());
        Self { of, answers, written, at_once }
    }

    /// Whether nothing can have been made in a service: nobody passes by the
    /// guard, and its journal, from the first line on, has no call of the
    /// service's that writes.
    pub(super) fn is_untouched(&self, service: Service) -> bool {
        let written = self.written.get_or_init(|| {
            let journal = self.of.guard.journal();
            let mark = journal.mark();
            let (mut told, mut services) = (0, HashSet::new());
            for entry in journal.each_since(0) {
                told += 1;
                if is_written(&entry) && !services.contains(&entry.service) {
                    services.insert(entry.service.clone());
                }
            }
            (self.of.sealed && told >= mark).then_some(services)
        });
        written.as_ref().is_some_and(|written| !written.contains(service.name()))
    }

    pub(super) fn account(&self) -> &'a str {
        self.of.account_id
    }

    pub(super) fn region(&self) -> &'a str {
        &self.of.guard.setting().region
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region(), self.account())
    }

    /// An answer; none where what was asked for is not there.
    pub(super) async fn ask(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Option<Value>, SnapshotError> {
        let answer = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let question = (service, operation.to_owned(), input.to_string());
            Arc::clone(answers.entry(question).or_default())
        };
        answer.get_or_try_init(|| self.send(service, operation, input)).await.cloned()
    }

    async fn send(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Option<Value>, SnapshotError> {
        // It is never closed.
        let _turn = self.at_once.acquire().await.ok();
        match self.of.guard.read(self.of.account_id, service, operation, input).await {
            Ok(answer) => Ok(Some(answer)),
            // "Not there" is 404 of most services; SSM, Secrets Manager, Logs and
            // DynamoDB say it with 400.
            Err(error) if error.status == 404 || error.code.contains("NotFound") => Ok(None),
            Err(cause) => {
                let operation = format!("{}:{operation}", service.name());
                Err(SnapshotError { operation, cause })
            }
        }
    }

    /// All items of a list of a service that the upstream may lack: then there are
    /// none.
    pub(super) async fn list_if_built(
        &self,
        service: Service,
        operation: &str,
        input: Value,
        member: &str,
    ) -> Result<Vec<Value>, SnapshotError> {
        match self.list(service, operation, input, member).await {
            Err(error) if error.cause.status == 501 => Ok(Vec::new()),
            other => other,
        }
    }

    /// All items of a list.
    pub(super) async fn list(
        &self,
        service: Service,
        operation: &str,
        input: Value,
        member: &str,
    ) -> Result<Vec<Value>, SnapshotError> {
        let mut input = match input {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let mut items = Vec::new();
        loop {
            let asked = Value::Object(input.clone());
            let Some(mut page) = self.ask(service, operation, asked).await? else {
                return Ok(items);
            };
            if let Some(Value::Array(own)) = page.get_mut(member).map(Value::take) {
                items.extend(own);
            }
            let next = PAGES.iter().find_map(|(given, asked)| {
                let token = page.get(*given)?.as_str().filter(|token| !token.is_empty())?;
                Some((*asked, token.to_owned()))
            });
            match next {
                Some((member, token)) if input.get(member) != Some(&Value::from(&*token)) => {
                    input.insert(member.to_owned(), token.into());
                }
                _ => return Ok(items),
            }
        }
    }
}

/// Whether a call may have written something. One that the guard did not send on wrote
/// nothing, and neither did one that the emulator could not serve: what Terraform or a
/// stack has made was answered.
fn is_written(entry: &Entry) -> bool {
    !reads(&entry.operation) && entry.upstream_status.is_some_and(|status| status < 500)
}

/// A text member.
pub(super) fn text(value: &Value, member: &str) -> String {
    value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An object of these members but for some, which are no content: dates, states
/// and the ids of versions.
pub(super) fn object(
    kind: &'static str,
    name: impl Into<String>,
    value: Value,
    left_out: &[&str],
    arns: Vec<String>,
) -> (ObjectId, Object) {
    let members: BTreeMap<String, Value> = match canonical(value) {
        Value::Object(members) => {
            members.into_iter().filter(|(name, _)| !left_out.contains(&name.as_str())).collect()
        }
        other => BTreeMap::from([("value".to_owned(), other)]),
    };
    (ObjectId { kind, name: name.into() }, Object { members, arns })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(service: &str, operation: &str, upstream: Option<u16>) -> Entry {
        let entry = json!({"time": "t", "request_id": "r", "principal": "d", "service": service,
            "operation": operation, "called_via": [], "checks": [], "outcome": "allowed",
            "error": null, "status": 200, "upstream_status": upstream, "duration_us": 1});
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn a_service_is_untouched_until_the_emulator_takes_a_call_of_its_own_that_writes() {
        let others = [
            entry("s3", "CreateBucket", Some(200)),
            entry("dynamodb", "DescribeTable", Some(200)),
            entry("dynamodb", "CreateTable", None),
            entry("dynamodb", "CreateTable", Some(500)),
        ];
        assert_eq!(others.map(|entry| is_written(&entry)), [true, false, false, false]);
        for taken in [200, 400] {
            assert!(is_written(&entry("dynamodb", "CreateTable", Some(taken))), "{taken}");
        }
    }
}
