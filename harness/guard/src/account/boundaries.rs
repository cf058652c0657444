//! Users' permissions boundaries
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html>).
//! Emulators drop that of `CreateUser` and know no other call, so that a bounded
//! user would do what its boundary forbids; here they are kept by the user's
//! unique id, which a rename leaves as it is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Response;
use ringfence_wire::{Call, Reply, Service, ServiceError, response};
use serde_json::Value;

use super::no_such_entity;
use crate::directory::{Directory, unique_ids};

/// The boundaries of the users that were made, or whose boundary was changed,
/// through the guard.
#[derive(Debug, Default)]
pub(crate) struct UserBoundaries {
    by_user: Mutex<HashMap<String, Kept>>,
}

/// What is kept of a user.
#[derive(Debug)]
struct Kept {
    name: String,
    boundary: Option<String>,
}

impl UserBoundaries {
    /// The boundary of a user, by its id; nothing where only the upstream could
    /// know.
    pub(crate) fn of(&self, user_id: &str) -> Option<Option<String>> {
        self.lock().get(user_id).map(|user| user.boundary.clone())
    }

    /// The boundaries, once for each user that has one.
    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().values().filter_map(|user| user.boundary.clone()).collect()
    }

    /// Whether a policy is the boundary of a user.
    pub(crate) fn has(&self, policy: &str) -> bool {
        self.lock().values().any(|user| user.boundary.as_deref() == Some(policy))
    }

    fn set(&self, user_id: &str, name: &str, boundary: Option<&str>) {
        let user = Kept { name: name.to_owned(), boundary: boundary.map(str::to_owned) };
        self.lock().insert(user_id.to_owned(), user);
    }

    fn forget(&self, name: &str) {
        self.lock().retain(|_, user| user.name != name);
    }

    fn rename(&self, name: &str, new_name: &str) {
        for user in self.lock().values_mut().filter(|user| user.name == name) {
            user.name = new_name.to_owned();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets a user's boundary, or takes it away. That the policy is there has been
/// checked.
pub(super) async fn put(
    call: &Call,
    directory: &Directory,
    boundary: Option<&str>,
) -> Result<Reply, ServiceError> {
    let name = call.text("UserName").unwrap_or_default();
    let user = directory
        .user(name)
        .await?
        .ok_or_else(|| no_such_entity(format!("The user with name {name} cannot be found.")))?;
    directory.kept().boundaries.set(&user.id, name, boundary);
    directory.changed_by(call);
    Ok(Reply::empty())
}

/// Takes note of the boundary that a new user was given, and forgets that of a
/// user that is gone.
///
/// # Errors
/// When the new user cannot be told from the answer: it would go without its
/// boundary.
pub(crate) async fn learn(
    call: &Call,
    answer: &Response<Bytes>,
    directory: &Directory,
) -> Result<(), ServiceError> {
    if call.service() != Service::Iam {
        return Ok(());
    }
    let boundaries = &directory.kept().boundaries;
    let name = call.text("UserName").unwrap_or_default();
    match (call.name(), call.text("NewUserName")) {
        ("CreateUser", _) => {}
        ("DeleteUser", _) => {
            boundaries.forget(name);
            return Ok(());
        }
        ("UpdateUser", Some(new_name)) => {
            boundaries.rename(name, new_name);
            return Ok(());
        }
        _ => return Ok(()),
    }
    let fields = response::decode(call.operation, answer)?;
    let user_id = fields.get("User").and_then(|user| user.get("UserId")).and_then(Value::as_str);
    let user_id = user_id.ok_or_else(|| {
        ServiceError::new(502, "InternalFailure", "the upstream's answer holds no user id")
    })?;
    boundaries.set(&unique_ids::of_user(user_id), name, call.text("PermissionsBoundary"));
    Ok(())
}
