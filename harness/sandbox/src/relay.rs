//! The way out: what connects to a port inside is connected to one outside.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use std::io;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// Connections at once through one opening.
const CONNECTIONS: usize = 256;

/// A relay; it ends with this value.
#[derive(Debug)]
pub(crate) struct Relay(JoinHandle<()>);

impl Relay {
    /// Serves a socket that listens inside.
    ///
    /// # Errors
    /// When it is no such socket.
    pub(crate) fn start(inside: OwnedFd, outside: SocketAddr) -> io::Result<Self> {
        let listener = StdListener::from(inside);
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        Ok(Self(tokio::spawn(serve(listener, outside))))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn serve(listener: TcpListener, outside: SocketAddr) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    // The connections end with the relay.
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { break };
        let Ok((mut inside, _)) = listener.accept().await else {
            // Out of descriptors, or aborted by the peer: neither is for ever.
            tokio::task::yield_now().await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let _permit = permit;
            if let Ok(mut outside) = TcpStream::connect(outside).await {
                let _ = inside.set_nodelay(true);
                let _ = outside.set_nodelay(true);
                // One side hung up: so does the other.
                let _ = copy_bidirectional(&mut inside, &mut outside).await;
            }
        });
    }
}
