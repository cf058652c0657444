//! The connections that are open at once. Where there is no room for another, one
//! that waits for its client makes room: a slow client stops nobody else, and what
//! idle clients keep open for later stops nobody who comes now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How long to wait for a connection to be done before looking again for one that
/// waits.
const AGAIN: Duration = Duration::from_millis(50);

/// How long a connection waits before it counts as slow, or as kept for later.
const PROMPT: Duration = Duration::from_secs(1);

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Its client is to send a request: the first, or another.
    Idle,
    /// Its client is to send a body.
    Sending,
    /// The guard is to answer.
    Answered,
}

#[derive(Debug, Clone)]
struct State {
    phase: Phase,
    /// Whether a request over it was signed by somebody.
    known: bool,
    /// Since when it is in its phase.
    since: Instant,
    close: CancellationToken,
}

/// How much a connection would be missed, the least first. A flood of clients that
/// say nothing closes what they and others keep idle, and no call that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Missed {
    /// Nobody known called, and it had time to.
    Silent,
    /// Kept open for a later call.
    Kept,
    /// Has just come.
    New,
    /// Somebody known is using it.
    Used,
}

impl State {
    fn missed(&self, now: Instant) -> Option<Missed> {
        let prompt = now.saturating_duration_since(self.since) < PROMPT;
        match (self.phase, self.known) {
            (Phase::Answered, _) => None,
            (_, false) if prompt => Some(Missed::New),
            (_, false) => Some(Missed::Silent),
            (Phase::Idle, true) if !prompt => Some(Missed::Kept),
            (Phase::Idle | Phase::Sending, true) => Some(Missed::Used),
        }
    }
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    states: BTreeMap<u64, State>,
}

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    open: Arc<Mutex<Open>>,
    room: Arc<Semaphore>,
}

/// One of them; it is gone when dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    id: u64,
    all: Connections,
    close: CancellationToken,
    _room: OwnedSemaphorePermit,
}

impl Connections {
    /// With room for so many.
    pub(crate) fn of(most: usize) -> Self {
        Self { open: Arc::default(), room: Arc::new(Semaphore::new(most)) }
    }

    /// Room for one more, where another that waits is closed if there is none.
    pub(crate) async fn enter(&self) -> Option<Connection> {
        let room = loop {
            if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                break room;
            }
            self.close_one();
            let room = Arc::clone(&self.room).acquire_owned();
            // Where all were at work, one may wait by then.
            if let Ok(room) = tokio::time::timeout(AGAIN, room).await {
                break room.ok()?;
            }
        };
        let close = CancellationToken::new();
        let mut open = self.open();
        let id = open.next;
        open.next += 1;
        let since = Instant::now();
        let state = State { phase: Phase::Idle, known: false, since, close: close.clone() };
        open.states.insert(id, state);
        drop(open);
        Some(Connection { id, all: self.clone(), close, _room: room })
    }

    /// Closes the connection that is missed least of those that wait for their
    /// clients, and of these the one that waits longest.
    pub(crate) fn close_one(&self) {
        self.close_one_at(Instant::now());
    }

    fn close_one_at(&self, now: Instant) {
        let mut open = self.open();
        let waiting = open.states.iter();
        let waiting =
            waiting.filter_map(|(id, state)| Some((state.missed(now)?, state.since, *id)));
        if let Some((_, _, id)) = waiting.min()
            && let Some(state) = open.states.remove(&id)
        {
            state.close.cancel();
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// When it is to close, for another.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.close.clone()
    }

    /// Its client, known from the request or not, is to send a body.
    pub(crate) fn sends(&self, known: bool) {
        self.come_to(Phase::Sending, known);
    }

    /// Its client, known from the request or not, is to read the answer and to send
    /// another request.
    pub(crate) fn idles(&self, known: bool) {
        self.come_to(Phase::Idle, known);
    }

    /// Its request is there.
    pub(crate) fn works(&self) {
        self.come_to(Phase::Answered, false);
    }

    fn come_to(&self, phase: Phase, known: bool) {
        let since = Instant::now();
        if let Some(state) = self.all.open().states.get_mut(&self.id) {
            state.phase = phase;
            state.known |= known;
            state.since = since;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open().states.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many as there is room for, and one that has to make room.
    async fn closed(prepare: impl Fn(usize, &Connection)) -> Vec<usize> {
        let all = Connections::of(3);
        let mut open = Vec::new();
        for number in 0..3 {
            let connection = all.enter().await.unwrap();
            prepare(number, &connection);
            open.push(Some(connection));
        }
        let tokens: Vec<_> =
            open.iter().map(|connection| connection.as_ref().unwrap().closing()).collect();
        let one_more = all.enter();
        tokio::pin!(one_more);
        loop {
            tokio::select! {
                entered = &mut one_more => {
                    assert!(entered.is_some());
                    break;
                }
                () = tokio::task::yield_now() => {}
            }
            // Whoever serves a connection drops it when it is to close.
            for (connection, token) in open.iter_mut().zip(&tokens) {
                if token.is_cancelled() {
                    *connection = None;
                }
            }
        }
        let is_closed =
            |(number, token): (usize, &CancellationToken)| token.is_cancelled().then_some(number);
        tokens.iter().enumerate().filter_map(is_closed).collect()
    }

    fn later() -> Instant {
        Instant::now() + PROMPT
    }

    #[tokio::test]
    async fn the_oldest_that_waits_makes_room() {
        assert_eq!(closed(|_, _| {}).await, [0]);
    }

    /// One that answered a request meanwhile is younger.
    #[tokio::test]
    async fn what_counts_is_since_when_it_waits() {
        let all = Connections::of(2);
        let first = all.enter().await.unwrap();
        let second = all.enter().await.unwrap();
        first.works();
        first.idles(false);
        all.close_one_at(later());
        assert!(!first.closing().is_cancelled());
        assert!(second.closing().is_cancelled());
    }

    #[tokio::test]
    async fn one_that_somebody_known_uses_stays_longer() {
        let closed = closed(|number, connection| {
            connection.works();
            connection.idles(number == 0);
        });
        assert_eq!(closed.await, [1]);
    }

    /// Functions that wait for their next call keep theirs: whoever comes is served.
    #[tokio::test]
    async fn one_that_is_kept_for_later_makes_room_for_who_has_just_come() {
        let all = Connections::of(3);
        let sending = all.enter().await.unwrap();
        sending.sends(true);
        let kept = all.enter().await.unwrap();
        kept.works();
        kept.idles(true);
        all.open().states.get_mut(&kept.id).unwrap().since = Instant::now() - PROMPT;
        let new = all.enter().await.unwrap();
        all.close_one();
        assert!(kept.closing().is_cancelled());
        all.close_one();
        assert!(new.closing().is_cancelled());
        assert!(!sending.closing().is_cancelled());
    }

    /// Clients that say nothing make room before what others keep.
    #[tokio::test]
    async fn one_that_said_nothing_in_time_makes_room_first() {
        let all = Connections::of(2);
        let kept = all.enter().await.unwrap();
        kept.works();
        kept.idles(true);
        let silent = all.enter().await.unwrap();
        all.close_one_at(later());
        assert!(silent.closing().is_cancelled());
        assert!(!kept.closing().is_cancelled());
    }

    #[tokio::test]
    async fn what_is_at_work_is_not_closed() {
        let all = Connections::of(1);
        let first = all.enter().await.unwrap();
        first.works();
        let second = all.enter();
        tokio::pin!(second);
        assert!(futures_util::poll!(&mut second).is_pending());
        assert!(!first.closing().is_cancelled());
        drop(first);
        assert!(second.await.is_some());
    }
}
