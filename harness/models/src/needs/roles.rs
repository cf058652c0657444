//! Where roles stand in an input.
//!
//! A role that a call hands to a service needs `iam:PassRole`
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>).
//! Members are called `RoleArn`, `serviceRole` or `DomainIAMRoleName`, and hold
//! an ARN or a name. Who is called so and is no role of IAM's is said in the
//! overrides.

use std::collections::HashSet;

use super::RoleNamed;
use super::paths::{Path, Step, ends};
use crate::model::Model;
use crate::operation::Operation;
use crate::shape::{Form, Kind, Member, Shape};

/// A member that is called as a role is.
pub(super) struct Found {
    pub(super) path: Path,
    pub(super) named: RoleNamed,
    /// The name of its shape.
    pub(super) shape: &'static str,
}

/// Every place of the input that is called as a role is.
pub(super) fn of(operation: &Operation) -> Vec<Found> {
    let model = operation.service.model();
    let walk = Walk { model, shapes: model.with_roles(), asks: role };
    let mut found = walk.all(operation);
    found.retain(|it| !is_of_another_account(&it.path));
    found
}

/// Whether a place is called as one of another account: its roles cannot be handed
/// over (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>).
fn is_of_another_account(path: &Path) -> bool {
    let text = path.to_string().to_ascii_lowercase();
    text.split('.').any(|name| name.starts_with("crossaccount"))
}

/// Every text in an operation's input that looks as if a role stood there, by
/// the place and the name of the shape: more than [`super::Needs`] asks for, so
/// that somebody looks at the rest.
pub fn is_like_a_role(operation: &Operation) -> Vec<(Path, &'static str)> {
    let model = operation.service.model();
    let alike = |shape: &Shape, name: &str| {
        let has = |word: &str| name.to_ascii_lowercase().contains(word);
        let is = ["role", "instanceprofile"].into_iter().any(has) || ends(shape.name, "RoleArn");
        is.then_some(RoleNamed::Role)
    };
    let shapes = all_with(model, alike);
    let walk = Walk { model, shapes: &shapes, asks: alike };
    walk.all(operation).into_iter().map(|found| (found.path, found.shape)).collect()
}

/// How a member of this shape and name names a role, if it does.
fn role(shape: &Shape, name: &str) -> Option<RoleNamed> {
    const CERTAIN: [&str; 7] = [
        "RoleArn",
        "RoleArns",
        "RoleIdentifier",
        "RoleName",
        "RoleNameArn",
        "RoleNames",
        "RoleOverride",
    ];
    const PROFILES: [&str; 3] = ["InstanceProfile", "InstanceProfileArn", "InstanceProfileName"];
    if PROFILES.iter().any(|ending| ends(name, ending)) {
        Some(RoleNamed::Profile)
    } else if CERTAIN.iter().any(|ending| ends(name, ending))
        || ends(shape.name, "RoleArn")
        || ["Role", "Roles"].iter().any(|ending| name.ends_with(ending))
        || ["role", "roles"].contains(&name)
    {
        Some(RoleNamed::Role)
    } else {
        None
    }
}

/// Looks for members in all that an input can hold.
struct Walk<'a, A> {
    model: &'static Model,
    /// The shapes in which one may stand.
    shapes: &'a HashSet<&'static str>,
    asks: A,
}

impl<A: Fn(&Shape, &str) -> Option<RoleNamed>> Walk<'_, A> {
    fn all(&self, operation: &Operation) -> Vec<Found> {
        let mut found = Vec::new();
        self.members(&operation.members, &Path::root(), &mut Vec::new(), &mut found);
        found
    }

    fn members(
        &self,
        members: &[Member],
        at: &Path,
        above: &mut Vec<&'static str>,
        found: &mut Vec<Found>,
    ) {
        for member in members {
            let path = at.and(Step::Member { name: member.name, wire: member.wire });
            self.below(member, member.name, path, above, found);
        }
    }

    /// A shape that holds itself is gone through once.
    fn below(
        &self,
        member: &Member,
        name: &str,
        path: Path,
        above: &mut Vec<&'static str>,
        found: &mut Vec<Found>,
    ) {
        let Some(shape) = self.model.shape_of(member) else { return };
        if shape.kind == Kind::String
            && let Some(named) = (self.asks)(shape, name)
        {
            found.push(Found { path, named, shape: shape.name });
            return;
        }
        let is_pruned =
            matches!(shape.form, Form::Structure(_)) && !self.shapes.contains(shape.name);
        if above.contains(&shape.name) || is_pruned {
            return;
        }
        above.push(shape.name);
        match &shape.form {
            Form::Scalar => {}
            Form::Structure(members) => self.members(members, &path, above, found),
            Form::List(item) => {
                self.below(item, name, path.and(Step::Items { wire: item.wire }), above, found)
            }
            Form::Map { value, .. } => {
                self.below(value, name, path.and(Step::Values { ending: "" }), above, found);
            }
        }
        above.pop();
    }
}

/// The names of the structures in which roles may stand.
pub(crate) fn with_roles(model: &Model) -> HashSet<&'static str> {
    all_with(model, role)
}

/// The names of the structures in which members may stand that are asked for.
fn all_with(
    model: &Model,
    asks: impl Fn(&Shape, &str) -> Option<RoleNamed>,
) -> HashSet<&'static str> {
    let mut found = HashSet::new();
    loop {
        let before = found.len();
        for shape in &model.shapes {
            if let Form::Structure(members) = &shape.form
                && members.iter().any(|it| holds(model, &asks, &found, it, it.name, DEPTH))
            {
                found.insert(shape.name);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// How deep lists and maps stand in each other before they are taken to hold
/// anything.
const DEPTH: usize = 8;

/// Whether a member is asked for, or one below it. What is in a list or a map is
/// called as that is.
fn holds(
    model: &Model,
    asks: &impl Fn(&Shape, &str) -> Option<RoleNamed>,
    found: &HashSet<&'static str>,
    member: &Member,
    name: &str,
    depth: usize,
) -> bool {
    let Some(shape) = model.shape_of(member) else { return false };
    let Some(depth) = depth.checked_sub(1) else { return true };
    match &shape.form {
        Form::Scalar => shape.kind == Kind::String && asks(shape, name).is_some(),
        Form::Structure(_) => found.contains(shape.name),
        Form::List(item) => holds(model, asks, found, item, name, depth),
        Form::Map { value, .. } => holds(model, asks, found, value, name, depth),
    }
}
