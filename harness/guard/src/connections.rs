//! The connections that are open at once. Where there is no room for another, one
//! that waits for its client makes room: a slow client stops nobody else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How long to wait for a connection to be done before looking again for one that
/// waits.
const AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug, Clone)]
struct State {
    /// Whether its client is to send or to read something, and not the guard to
    /// answer.
    waits: bool,
    /// Whether a request over it was signed by somebody.
    known: bool,
    /// When it began to wait or to be answered, in steps.
    since: u64,
    close: CancellationToken,
}

#[derive(Debug, Default)]
struct Open {
    steps: u64,
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
        let id = open.steps;
        open.steps += 1;
        let state = State { waits: true, known: false, since: id, close: close.clone() };
        open.states.insert(id, state);
        drop(open);
        Some(Connection { id, all: self.clone(), close, _room: room })
    }

    /// Closes the connection that waits for its client and can be missed most: one
    /// over which nobody known called before the others, and of these the oldest.
    pub(crate) fn close_one(&self) {
        let mut open = self.open();
        let waiting = open.states.iter().filter(|(_, state)| state.waits);
        let missed_most = waiting.min_by_key(|(_, state)| (state.known, state.since));
        if let Some((&id, _)) = missed_most
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

    /// Its client, known from the request or not, is to send a body, or to read the
    /// answer and to send another request.
    pub(crate) fn waits(&self, known: bool) {
        self.come_to(true, known);
    }

    /// Its request is there.
    pub(crate) fn works(&self) {
        self.come_to(false, false);
    }

    fn come_to(&self, waits: bool, known: bool) {
        let mut open = self.all.open();
        open.steps += 1;
        let since = open.steps;
        if let Some(state) = open.states.get_mut(&self.id) {
            state.waits = waits;
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
        first.waits(false);
        all.close_one();
        assert!(!first.closing().is_cancelled());
        assert!(second.closing().is_cancelled());
    }

    #[tokio::test]
    async fn one_over_which_somebody_known_called_stays_longer() {
        let closed = closed(|number, connection| {
            connection.works();
            connection.waits(number == 0);
        });
        assert_eq!(closed.await, [1]);
    }

    /// One that has just come has had no time to say anything, whatever the others
    /// have begun to send.
    #[tokio::test]
    async fn one_that_has_just_come_stays_longer() {
        let closed = closed(|number, connection| {
            if number < 2 {
                connection.waits(false);
            }
        });
        // Numbered before the third came.
        assert_eq!(closed.await, [0]);
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
