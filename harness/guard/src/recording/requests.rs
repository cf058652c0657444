//! The requests that were decided, each with what was decided about.

use std::borrow::Borrow;
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_policy::{Document, Sharing};

use super::{BoundCaller, Inputs, PLACES};
use crate::journal::Entry;

/// How many requests are kept. One takes about a kilobyte (documents, callers and most
/// condition keys are shared); a run makes about two thousand for each service.
const CAPACITY: usize = 1 << 20;

/// How many different callers are looked among; a copy more does no harm.
const MOST_CALLERS: usize = 4096;

/// A request that was decided.
#[derive(Debug)]
pub struct Recorded {
    /// The journal entry's id.
    pub request_id: String,
    /// The caller's ARN.
    pub principal: Arc<str>,
    /// The service: `iam`, ….
    pub service: Arc<str>,
    /// The operation: `CreateRole`, ….
    pub operation: Arc<str>,
    /// The services that forwarded the call.
    pub called_via: Vec<String>,
    /// What was decided about.
    pub inputs: Arc<Inputs>,
}

/// The requests that were decided, the latest [`CAPACITY`] of them.
#[derive(Debug, Default)]
pub struct Recording {
    kept: Mutex<Kept>,
    common: Mutex<Common>,
}

/// What the requests have in common.
#[derive(Debug, Default)]
struct Common {
    contexts: Sharing,
    callers: HashSet<Arc<BoundCaller>>,
}

impl Common {
    /// Puts the caller that is known in the place of one that is the same.
    fn caller(&mut self, own: &mut Arc<BoundCaller>) {
        if let Some(known) = self.callers.get(own) {
            *own = Arc::clone(known);
            return;
        }
        if self.callers.len() >= MOST_CALLERS {
            self.callers.clear();
        }
        self.callers.insert(Arc::clone(own));
    }
}

#[derive(Debug, Default)]
struct Kept {
    by_id: HashSet<ById>,
    order: VecDeque<Arc<Recorded>>,
    dropped: u64,
}

/// A request, found by its id.
#[derive(Debug)]
struct ById(Arc<Recorded>);

impl Borrow<str> for ById {
    fn borrow(&self) -> &str {
        &self.0.request_id
    }
}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.request_id.hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.request_id == other.0.request_id
    }
}

impl Eq for ById {}

impl Recorded {
    /// What was decided about, with what the journal says of the request.
    pub(crate) fn of(entry: &Entry, inputs: Inputs) -> Self {
        Self {
            request_id: entry.request_id.clone(),
            principal: PLACES.of(&entry.principal),
            service: PLACES.of(&entry.service),
            operation: PLACES.of(&entry.operation),
            called_via: entry.called_via.clone(),
            inputs: Arc::new(inputs),
        }
    }
}

impl Recording {
    pub(crate) fn keep(&self, mut recorded: Recorded) {
        if let Some(inputs) = Arc::get_mut(&mut recorded.inputs) {
            self.share(inputs);
        }
        let recorded = Arc::new(recorded);
        let mut kept = self.lock();
        if kept.order.len() >= CAPACITY
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.by_id.remove(oldest.request_id.as_str());
            kept.dropped += 1;
        }
        kept.by_id.replace(ById(Arc::clone(&recorded)));
        kept.order.push_back(recorded);
    }

    /// A request, if it was decided and is still kept.
    pub fn find(&self, request_id: &str) -> Option<Arc<Recorded>> {
        self.lock().by_id.get(request_id).map(|found| Arc::clone(&found.0))
    }

    /// Lets what is kept have its caller and condition keys in common with the rest, in
    /// the recording and beside it.
    pub(crate) fn share(&self, inputs: &mut Inputs) {
        let mut common = self.common.lock().unwrap_or_else(PoisonError::into_inner);
        common.caller(&mut inputs.caller);
        for asked in &mut inputs.asked {
            Arc::make_mut(&mut asked.context).share(&mut common.contexts);
        }
    }

    /// All that is kept, in order.
    pub fn all(&self) -> Vec<Arc<Recorded>> {
        self.lock().order.iter().cloned().collect()
    }

    /// The place after the latest request.
    pub fn mark(&self) -> u64 {
        let kept = self.lock();
        kept.dropped + kept.order.len() as u64
    }

    /// The requests from a mark on, as far as they are kept.
    pub fn since(&self, mark: u64) -> Vec<Arc<Recorded>> {
        let kept = self.lock();
        let skipped = usize::try_from(mark.saturating_sub(kept.dropped)).unwrap_or(usize::MAX);
        kept.order.iter().skip(skipped).cloned().collect()
    }

    /// Forgets what is kept: of a guard that runs on, whose requests were looked at.
    pub fn forget(&self) {
        let mut kept = self.lock();
        kept.dropped += kept.order.len() as u64;
        kept.order.clear();
        kept.by_id.clear();
        drop(kept);
        *self.common.lock().unwrap_or_else(PoisonError::into_inner) = Common::default();
    }

    /// The document of an id, as the latest request was decided with it.
    pub fn latest(&self, id: &str) -> Option<Arc<Document>> {
        let all = self.all();
        let documents = all.iter().rev().flat_map(|recorded| recorded.inputs.documents());
        let mut found = documents.filter(|attached| *attached.id == *id);
        found.next().map(|attached| Arc::clone(&attached.document))
    }

    /// How many requests were dropped because there were too many.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::{Context, Kind, Principal};

    use super::*;
    use crate::recording::{Asked, Attached, ResourceControl};
    use crate::requirements::Needed;

    fn document() -> Arc<Document> {
        let text = r#"{"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
        Arc::new(Document::parse("own", text, Kind::Identity).unwrap())
    }

    /// A request by a role with this document, with a context of its own.
    fn inputs(document: &Arc<Document>) -> Inputs {
        let mut context = Context::new();
        context.set("aws:PrincipalAccount", "123456789012");
        Inputs {
            caller: Arc::new(BoundCaller {
                principal: Principal::Root { account_id: "123456789012".into() },
                owner: Some("role/app".into()),
                vpc_endpoints: Vec::new(),
                resource_control: ResourceControl::default(),
                service_control: Vec::new(),
                identity: vec![Attached::own("role/app/inline/own", Arc::clone(document))],
                boundary: None,
                session: None,
            }),
            asked: vec![Asked {
                action: "iam:GetRole".into(),
                resource: "*".into(),
                context: Arc::new(context),
                resource_policy: None,
                needed: Needed::Surely,
            }],
        }
    }

    #[test]
    fn callers_with_the_same_documents_are_one_and_others_are_not() {
        let recording = Recording::default();
        let (one, other) = (document(), document());
        let mut kept = [&one, &one, &other].map(inputs);
        for inputs in &mut kept {
            recording.share(inputs);
        }
        let [first, second, third] = &kept;
        assert!(Arc::ptr_eq(&first.caller, &second.caller));
        assert_ne!(first.caller, third.caller);
        let mut renamed = inputs(&one);
        Arc::make_mut(&mut renamed.caller).owner = None;
        recording.share(&mut renamed);
        assert_eq!(renamed.caller.owner, None);
        recording.forget();
        let mut later = inputs(&one);
        recording.share(&mut later);
        assert!(!Arc::ptr_eq(&first.caller, &later.caller));
    }

    #[test]
    fn what_callers_are_looked_among_is_bounded() {
        let mut common = Common::default();
        let document = document();
        for place in 0..=MOST_CALLERS {
            let mut caller = inputs(&document).caller;
            Arc::make_mut(&mut caller).owner = Some(place.to_string().into());
            common.caller(&mut caller);
            assert_eq!(caller.owner.as_deref(), Some(place.to_string().as_str()));
        }
        assert_eq!(common.callers.len(), 1);
    }
}
