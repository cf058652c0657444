//! What wakes a watch: the kernel says that something in a directory changed. Which
//! file it was shows when the files are looked at ([`super::tree`]).

#[cfg(target_os = "linux")]
mod told {
    use std::io;
    use std::path::Path;

    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    use tokio::net::unix::pipe::Receiver;

    /// Many events; they are only counted.
    const BUFFER: usize = 4 << 10;

    /// Directories under watch. Their events are read as a pipe's bytes are.
    #[derive(Debug)]
    pub(in crate::watch) struct Wake(Receiver);

    impl Wake {
        /// Of no directory yet.
        pub(in crate::watch) fn new() -> io::Result<Self> {
            let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            Receiver::from_owned_fd_unchecked(events).map(Self)
        }

        /// Watches a directory, also one that it watches already.
        pub(in crate::watch) fn cover(&self, directory: &Path) -> io::Result<()> {
            let events = WatchFlags::CREATE
                | WatchFlags::MODIFY
                | WatchFlags::CLOSE_WRITE
                | WatchFlags::MOVED_FROM
                | WatchFlags::MOVED_TO
                | WatchFlags::DELETE;
            add_watch(&self.0, directory, events).map(drop).map_err(io::Error::from)
        }

        /// Waits for the next events.
        pub(in crate::watch) async fn event(&self) -> io::Result<()> {
            loop {
                self.0.readable().await?;
                match self.0.try_read(&mut [0; BUFFER]) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read.map(drop),
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod told {
    use std::io;
    use std::path::Path;
    use std::time::Duration;

    /// How often the files are looked at where nobody tells.
    const LOOK: Duration = Duration::from_millis(500);

    /// Wakes again and again: the standard library has no other way.
    #[derive(Debug)]
    pub(in crate::watch) struct Wake;

    impl Wake {
        /// Of everything.
        pub(in crate::watch) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        /// There is nothing to do.
        pub(in crate::watch) fn cover(&self, _: &Path) -> io::Result<()> {
            Ok(())
        }

        /// Waits until it is time to look.
        pub(in crate::watch) async fn event(&self) -> io::Result<()> {
            tokio::time::sleep(LOOK).await;
            Ok(())
        }
    }
}

pub(super) use told::Wake;
