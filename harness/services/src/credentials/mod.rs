//! Who holds which key: root, users, role sessions, federated users, and the
//! forward access sessions with which one service acts for a caller of another.

mod access_key;
mod identity;
mod keyring;
mod session;
mod sts_sessions;
#[cfg(test)]
mod tests;

pub use self::access_key::Credentials;
pub use self::identity::{Identity, LongTerm};
pub use self::keyring::{Key, Keyring};
pub use self::session::Session;
pub use self::sts_sessions::{ClaimValues, FederatedUser, RoleSession, WebIdentity};
