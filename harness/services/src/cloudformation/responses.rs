//! Where the functions of custom resources answer: the `ResponseURL` of a request.
//!
//! AWS gives a presigned URL of a bucket of its own
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html>).
//! Here it is a path on the guard's port that no bucket can have, with a signature
//! that nobody can guess; it is good for one answer, as long as that is waited for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use url::{Url, form_urlencoded};
use uuid::Uuid;

/// A bucket's name has no underscore in front, so this is no path of S3.
const PREFIX: &str = "/_cloudformation/custom-resource-response/";

/// The answers that are waited for, by signature.
#[derive(Debug, Default)]
pub(super) struct Responses {
    waiting: Mutex<BTreeMap<String, (String, oneshot::Sender<Bytes>)>>,
}

impl Responses {
    /// Waits for the answer to a request.
    pub(super) fn open(self: &Arc<Self>, endpoint: &Url, request_id: &str) -> Waiting {
        let path = format!("{PREFIX}{request_id}");
        let signature = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(signature.clone(), (path.clone(), sender));
        let url = format!(
            "{}{path}?X-Amz-Signature={signature}",
            endpoint.as_str().trim_end_matches('/')
        );
        Waiting { responses: Arc::clone(self), signature, receiver, url }
    }

    /// Whether a path is one of answers.
    pub(super) fn is_path(path: &str) -> bool {
        path.starts_with(PREFIX)
    }

    /// Whether somebody waits for an answer at this URL.
    pub(super) fn awaits(&self, path: &str, query: &str) -> bool {
        self.lock().get(&signature(query)).is_some_and(|(own, _)| own == path)
    }

    /// Takes an answer; false where nobody waits for it at this URL.
    pub(super) fn take(&self, path: &str, query: &str, body: Bytes) -> bool {
        let given = signature(query);
        let mut waiting = self.lock();
        if waiting.get(&given).is_none_or(|(own, _)| own != path) {
            return false;
        }
        waiting.remove(&given).is_some_and(|(_, sender)| sender.send(body).is_ok())
    }

    fn lock(
        &self,
    ) -> std::sync::MutexGuard<'_, BTreeMap<String, (String, oneshot::Sender<Bytes>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The signature in a URL's query.
fn signature(query: &str) -> String {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "X-Amz-Signature")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// An answer that is waited for.
#[derive(Debug)]
pub(super) struct Waiting {
    responses: Arc<Responses>,
    signature: String,
    receiver: oneshot::Receiver<Bytes>,
    url: String,
}

impl Waiting {
    /// Where to answer.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The answer; none where it does not come in time.
    pub(super) async fn answer(mut self, patience: Duration) -> Option<Bytes> {
        tokio::time::timeout(patience, &mut self.receiver).await.ok()?.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.responses.lock().remove(&self.signature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_taken_once_at_its_own_url() {
        let responses = Arc::new(Responses::default());
        let endpoint = Url::parse("http://127.0.0.1:1/").unwrap();
        let waiting = responses.open(&endpoint, "r");
        let url = Url::parse(waiting.url()).unwrap();
        let (path, query) = (url.path(), url.query().unwrap());
        assert!(Responses::is_path(path) && !Responses::is_path("/bucket/key"));
        let body = Bytes::from_static(b"x");
        assert!(responses.awaits(path, query) && !responses.awaits(path, "X-Amz-Signature=0"));
        assert!(!responses.take(path, "X-Amz-Signature=0", body.clone()));
        assert!(!responses.take(&format!("{path}2"), query, body.clone()));
        assert!(responses.take(path, query, body.clone()));
        assert!(!responses.take(path, query, body.clone()));
        assert_eq!(waiting.answer(Duration::from_secs(9)).await, Some(body));
    }

    #[tokio::test]
    async fn nobody_answers_what_is_not_waited_for_any_more() {
        let responses = Arc::new(Responses::default());
        let endpoint = Url::parse("http://127.0.0.1:1/").unwrap();
        let waiting = responses.open(&endpoint, "r");
        let url = Url::parse(waiting.url()).unwrap();
        assert_eq!(waiting.answer(Duration::from_millis(1)).await, None);
        assert!(!responses.take(url.path(), url.query().unwrap(), Bytes::new()));
    }
}
