//! What a means gives: what is not had yet, and to whom it grows.

use std::collections::BTreeSet;

use super::super::grown::Grown;
use super::super::means::{Gives, Means};
use super::super::world::{Has, Identity, Kind as Identities};
use super::{Closure, Part};

impl Closure<'_, '_> {
    /// Whether a means gives something that is not had.
    pub(super) fn gives(&self, means: &Means, thing: usize) -> bool {
        let world = self.shared.world;
        let of = world.of_kind(&means.on).get(thing).and_then(|one| one.of);
        let nothing = Grown::default();
        let lacks = |identity: usize, has: &dyn Fn(&Grown) -> bool| {
            !has(self.grown.get(&identity).map_or(&nothing, |gained| &gained.all))
        };
        let has = |is: fn(&Has) -> bool| {
            of.and_then(|it| world.identities.get(it)).is_some_and(|one| is(&one.has))
        };
        let members = || world.members.get(thing).into_iter().flatten().copied();
        match means.gives {
            Gives::Session => of.is_some_and(|it| !self.held.contains_key(&it)),
            Gives::Inline | Gives::Attached if means.on == "group" => {
                self.users_of(thing).any(|it| lacks(it, &|grown| grown.any))
            }
            // Whoever makes it puts any user into it.
            Gives::Inline | Gives::Attached if means.on == "new-group" => {
                self.users_beside(means, thing).any(|it| lacks(it, &|grown| grown.any))
            }
            Gives::Inline => of.is_some_and(|it| lacks(it, &|grown| grown.any && grown.no_inline)),
            Gives::Attached => of.is_some_and(|it| lacks(it, &|grown| grown.any)),
            // What allows alone is no loss; what is not known counts as allowing.
            Gives::NoInline => {
                has(|it| it.inline_denies) && of.is_some_and(|it| lacks(it, &|it| it.no_inline))
            }
            Gives::NoAttached => {
                has(|it| it.attached_denies) && of.is_some_and(|it| lacks(it, &|it| it.no_attached))
            }
            Gives::NoBoundary => of.is_some_and(|it| {
                let is_bounded = world.identities.get(it).is_some_and(|one| one.boundary.is_some());
                is_bounded && lacks(it, &|grown| grown.no_boundary)
            }),
            Gives::Version => {
                let mut all = world.attached.get(thing).into_iter().flatten();
                all.any(|it| lacks(*it, &|grown| grown.replaced.contains(&thing)))
            }
            Gives::Member => {
                self.joining(thing).any(|it| lacks(it, &|grown| grown.groups.contains(&thing)))
            }
            Gives::NoMember => {
                let denies = |of: &Has| of.inline_denies || of.attached_denies;
                world.of_groups.get(thing).is_some_and(denies)
                    && members().any(|it| lacks(it, &|grown| grown.left.contains(&thing)))
            }
        }
    }

    /// Users, those that somebody may make among them.
    fn users(&self) -> impl Iterator<Item = usize> {
        let all = self.shared.world.identities.iter().enumerate();
        let is_user = |one: &Identity| matches!(one.kind, Identities::User | Identities::NewUser);
        all.filter(move |(_, one)| is_user(one)).map(|(at, _)| at)
    }

    /// The users of the account of a thing.
    fn users_beside(&self, means: &Means, thing: usize) -> impl Iterator<Item = usize> {
        let world = self.shared.world;
        let on = world.of_kind(&means.on).get(thing);
        self.users().filter(move |it| on.is_none_or(|on| world.is_beside(*it, on)))
    }

    /// The users that a group has not. Who is made gains something of a group that has it.
    fn joining(&self, group: usize) -> impl Iterator<Item = usize> {
        let world = self.shared.world;
        let on = world.of_kind("group").get(group);
        let is_beside = move |it: &usize| on.is_none_or(|on| world.is_beside(*it, on));
        let is_in = move |it: &usize| world.members.get(group).is_some_and(|all| all.contains(it));
        let has_something = world.groups.get(group).is_some_and(|all| !all.is_empty())
            || world.of_groups.get(group).is_some_and(|has| has.unknown.is_some());
        let is_there = move |it: &usize| {
            world.identities.get(*it).is_some_and(|one| one.kind == Identities::User)
        };
        let may_join = move |it: &usize| !is_in(it) && (has_something || is_there(it));
        self.users().filter(move |it| is_beside(it) && may_join(it))
    }

    /// The users of a group, with those that were added.
    fn users_of(&self, group: usize) -> impl Iterator<Item = usize> {
        self.users().filter(move |it| {
            let members = self.shared.world.members.get(group);
            let was = members.is_some_and(|all| all.contains(it));
            was || self.grown.get(it).is_some_and(|gained| gained.all.groups.contains(&group))
        })
    }

    /// Gives what a step gives but a session, and says whom, with the number of parts
    /// that it had before.
    pub(super) fn grow(&mut self, means: &Means, thing: usize, step: usize) -> Vec<(usize, usize)> {
        let world = self.shared.world;
        let of = world.of_kind(&means.on).get(thing).and_then(|one| one.of);
        let whom: Vec<usize> = match means.gives {
            Gives::Version => world.attached.get(thing).into_iter().flatten().copied().collect(),
            Gives::Member => self.joining(thing).collect(),
            Gives::NoMember => world.members.get(thing).into_iter().flatten().copied().collect(),
            _ if means.on == "group" => self.users_of(thing).collect(),
            _ if means.on == "new-group" => self.users_beside(means, thing).collect(),
            _ => of.into_iter().collect(),
        };
        let mut grown = Grown::default();
        match means.gives {
            Gives::Session => {}
            Gives::Inline if means.on == "group" => grown.any = true,
            Gives::Inline => (grown.any, grown.no_inline) = (true, true),
            Gives::Attached => grown.any = true,
            Gives::NoInline => grown.no_inline = true,
            Gives::NoAttached => grown.no_attached = true,
            Gives::NoBoundary => grown.no_boundary = true,
            Gives::Version => drop(grown.replaced.insert(thing)),
            Gives::Member => drop(grown.groups.insert(thing)),
            Gives::NoMember => drop(grown.left.insert(thing)),
        }
        let mut changed = Vec::with_capacity(whom.len());
        for it in whom {
            let gained = self.grown.entry(it).or_default();
            changed.push((it, gained.parts.len()));
            let mut part = Part { grown: grown.clone(), steps: BTreeSet::from([step]) };
            // What a group gains is a user's that was added to it before.
            if means.on == "group" && means.gives != Gives::Member {
                let added = gained.parts.iter().find(|one| one.grown.groups.contains(&thing));
                part.steps.extend(added.into_iter().flat_map(|one| &one.steps));
            }
            gained.add(part);
        }
        changed
    }
}
