//! Things in classes: those that no policy and nothing of their own tells apart.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::rc::Rc;

use ringfence_policy::symbolic::{ResourcePattern, statements};

use super::bits::Bits;
use super::holder::{is_open, own_policy};
use super::index::{Index, parted};
use super::means::{Ask, Trust};
use super::tags;
use super::world::{Thing, World};

/// What is known of the things, whoever asks.
#[derive(Debug, Default)]
pub(super) struct Classes {
    own: RefCell<HashMap<Own, Rc<Whole>>>,
    covered: RefCell<Covered>,
    indexes: RefCell<HashMap<String, Rc<Index>>>,
    let_in: RefCell<HashMap<(String, Trust), Rc<Bits>>>,
    /// By kind, whether one of its things has a policy of its own.
    with_policies: RefCell<HashMap<String, bool>>,
}

/// All things of a kind in classes.
#[derive(Debug, Default)]
struct Whole {
    /// Of each place the number of its class.
    of: Vec<usize>,
    /// The places of each class.
    all: Vec<Vec<usize>>,
}

/// Classes, of which entries cut some off.
pub(super) struct Cut {
    cut: BTreeMap<usize, usize>,
    cut_off: Vec<(Alike, Vec<usize>)>,
    /// What they were cut off from.
    rest: Option<Rc<Whole>>,
    of_rest: Alike,
}

/// How far the things of a class are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alike {
    /// What is decided of one is decided of all.
    Decided,
    /// What somebody may tag them with: who may tag one may not tag another.
    ButForTags,
    /// What a variable stands for: a request for one may be none for another.
    ButForNames,
}

impl Cut {
    /// The places of each class.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Alike, impl Iterator<Item = usize>)> {
        let rest = self.rest.iter().flat_map(|whole| &whole.all);
        let rest = rest.map(|class| (self.of_rest, class, Some(&self.cut)));
        let all = self.cut_off.iter().map(|(alike, class)| (*alike, class, None)).chain(rest);
        all.map(|(alike, class, but)| {
            let is_rest = move |it: &usize| but.is_none_or(|but| !but.contains_key(it));
            (alike, class.iter().copied().filter(is_rest))
        })
    }
}

/// What an entry covers, by kind and by entry; none where a variable may let it cover
/// everything.
type Covered = HashMap<String, HashMap<String, Option<Rc<Bits>>>>;

/// The kind of things, whose policy decides, and the condition keys by which their tags count.
type Own = (String, Trust, Vec<String>);

impl Classes {
    /// The classes of some things of an ask, or of all of its things, where policies have
    /// these entries of `Resource`, and ask for tags of theirs by these condition keys.
    pub(super) fn of<'p>(
        &self,
        world: &World,
        ask: &Ask,
        among: Option<&Bits>,
        tags: &BTreeSet<&str>,
        entries: impl Iterator<Item = &'p ResourcePattern>,
    ) -> Cut {
        let entries: BTreeMap<&str, &ResourcePattern> =
            entries.map(|entry| (entry.source(), entry)).collect();
        let own = self.own(world, ask, tags);
        let mut of_rest = if tags.is_empty() { Alike::Decided } else { Alike::ButForTags };
        // Of each place that an entry covers its class: of what it covers of one class
        // each entry makes a new one.
        let mut cut: BTreeMap<usize, usize> = BTreeMap::new();
        let mut next = own.of.len();
        // The classes of which a variable may tell some from others.
        let mut named: HashSet<usize> = HashSet::new();
        for entry in entries.values() {
            let is_variable = entry.source().contains("${");
            let Some(part) = self.covered(world, &ask.on, entry) else {
                of_rest = Alike::ButForNames;
                continue;
            };
            let mut inside: HashMap<usize, usize> = HashMap::new();
            let both = among.map(|among| part.both(among));
            for place in both.as_ref().unwrap_or(&part).iter() {
                let Some(before) = own.of.get(place).copied() else { continue };
                let class = cut.entry(place).or_insert(before);
                *class = *inside.entry(*class).or_insert_with(|| {
                    next += 1;
                    if is_variable || named.contains(class) {
                        named.insert(next);
                    }
                    next
                });
            }
        }
        let mut new: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, class) in &cut {
            new.entry(*class).or_default().push(*place);
        }
        let cut_off = new.into_iter().map(|(class, places)| match named.contains(&class) {
            true => (Alike::ButForNames, places),
            false => (of_rest, places),
        });
        let mut cut_off: Vec<(Alike, Vec<usize>)> = cut_off.collect();
        let Some(among) = among else { return Cut { cut, cut_off, rest: Some(own), of_rest } };
        let mut rest: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in among.iter().filter(|place| !cut.contains_key(place)) {
            let Some(class) = own.of.get(place) else { continue };
            rest.entry(*class).or_default().push(place);
        }
        cut_off.extend(rest.into_values().map(|places| (of_rest, places)));
        Cut { cut, cut_off, rest: None, of_rest }
    }

    /// The things whose own policies may let an identity in, whatever its own say.
    pub(super) fn let_in(&self, world: &World, ask: &Ask) -> Rc<Bits> {
        known(&self.let_in, (ask.on.clone(), ask.trust), || {
            let things = world.of_kind(&ask.on);
            let may = |place: &&usize| things.get(**place).is_some_and(|it| is_let_in(ask, it));
            Rc::new(world.letting_in(&ask.on).iter().filter(may).copied().collect())
        })
    }

    /// Whether a thing of a kind has a policy of its own.
    pub(super) fn have_policies(&self, world: &World, kind: &str) -> bool {
        if let Some(known) = self.with_policies.borrow().get(kind) {
            return *known;
        }
        let have = world.of_kind(kind).iter().any(|one| one.policy.is_some());
        self.with_policies.borrow_mut().insert(kind.to_owned(), have);
        have
    }

    /// The classes of a kind by what is of the things themselves.
    fn own(&self, world: &World, ask: &Ask, tags: &BTreeSet<&str>) -> Rc<Whole> {
        let keys = tags.iter().map(|key| (*key).to_owned()).collect();
        known(&self.own, (ask.on.clone(), ask.trust, keys), || {
            let mut places = HashMap::new();
            let mut whole = Whole::default();
            for (place, thing) in world.of_kind(&ask.on).iter().enumerate() {
                let policy = own_policy(ask, thing);
                // What its own policy covers of it; not known where a variable decides.
                let entries = policy.iter().flat_map(|one| statements(one));
                let entries = entries.flat_map(|statement| statement.resources());
                let covered: Option<Vec<bool>> =
                    entries.map(|entry| entry.has(&thing.arn)).collect();
                let is_alone = thing.is_many() || covered.is_none();
                let tagged = world.tags.get(&thing.arn).map(|own| tags::values(tags, own));
                let class = (
                    is_alone.then_some(thing.arn.as_str()),
                    // Whose it is, in which account and region.
                    parted(&thing.arn).map(|(heads, _)| heads),
                    (policy.map(|one| one.text()), covered),
                    thing.bounded_by.as_ref().map(|one| one.as_deref().unwrap_or_default()),
                    // What is not known is of no other.
                    (is_open(ask, thing) || thing.maybe.is_some()).then_some(place),
                    tagged.map(Iterator::collect::<Vec<_>>),
                    thing.account.as_deref(),
                );
                let at = *places.entry(class).or_insert(whole.all.len());
                whole.of.push(at);
                match whole.all.get_mut(at) {
                    Some(class) => class.push(place),
                    None => whole.all.push(vec![place]),
                }
            }
            Rc::new(whole)
        })
    }

    /// The things of a kind that an entry covers, where it tells some from others, or may
    /// cover, whatever its variables stand for.
    fn covered(&self, world: &World, kind: &str, entry: &ResourcePattern) -> Option<Rc<Bits>> {
        let source = entry.source();
        let of_kind = |all: &Covered| all.get(kind).and_then(|all| all.get(source)).cloned();
        if let Some(found) = of_kind(&self.covered.borrow()) {
            return found;
        }
        let index =
            known(&self.indexes, kind.to_owned(), || Rc::new(Index::of(world.of_kind(kind))));
        let found = match entry.source().contains("${") {
            true => index.may_be_covered(entry),
            false => index.covered(entry),
        };
        let found = found.map(Rc::new);
        let mut all = self.covered.borrow_mut();
        all.entry(kind.to_owned()).or_default().insert(source.to_owned(), found.clone());
        found
    }
}

fn known<K: Eq + Hash, V: Clone>(
    all: &RefCell<HashMap<K, V>>,
    key: K,
    found: impl FnOnce() -> V,
) -> V {
    if let Some(known) = all.borrow().get(&key) {
        return known.clone();
    }
    let found = found();
    all.borrow_mut().insert(key, found.clone());
    found
}

fn is_let_in(ask: &Ask, thing: &Thing) -> bool {
    match ask.trust {
        Trust::Caller => true,
        Trust::Own | Trust::None => {
            thing.names_identities
                || (thing.open.is_some() && (ask.trust == Trust::Own || ask.on != "role"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ringfence_policy::{Context, Document, Kind, Policies, Principal, Request, judge};
    use serde_json::json;

    use super::*;

    /// Texts of a list, drawn.
    struct Drawn(usize);

    impl Drawn {
        fn place(&mut self, size: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            (self.0 >> 33) % size
        }

        fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
            all[self.place(all.len())]
        }

        fn arn(&mut self) -> String {
            let region = self.of(&["eu-west-1", "us-east-1", "US-EAST-1"]);
            let account = self.of(&["111122223333", "444455556666"]);
            let rest = self.of(&["function:app", "function:aaa", "function:app:app", "role/x"]);
            format!("arn:aws:lambda:{region}:{account}:{rest}")
        }

        fn entry(&mut self) -> String {
            let heads = [
                self.of(&["arn:aws", "arn:AWS", "arn:*", "ARN:a?s"]),
                self.of(&[":lambda", ":LAMBDA", ":*", ":l*a", ":lam*"]),
                self.of(&[":eu-west-1", ":EU-WEST-1", ":*", ":eu-*", ":us-*", ":*-1", ""]),
                self.of(&[":111122223333", ":*", ":1*", ":1?1122223333", ""]),
            ];
            let rest = [
                ":function:app",
                ":function:*",
                ":Function:app",
                ":function:${aws:username}",
                ":app",
                ":role/?",
                ":*",
                "",
            ];
            let entry = heads.concat() + self.of(&rest);
            self.of(&[&entry, &entry, &entry, "*"]).to_owned()
        }

        fn document(&mut self, kind: Kind) -> Option<Arc<Document>> {
            let entries = [self.entry(), self.entry()];
            let mut statement = json!({"Effect": "Allow", "Action": "lambda:*"});
            statement[self.of(&["Resource", "Resource", "NotResource"])] = json!(entries);
            if kind == Kind::Resource {
                statement["Principal"] = json!("*");
            }
            let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
            Document::parse("p", &text, kind).ok().map(Arc::new)
        }
    }

    /// What the engine decides differently is never of one class.
    #[test]
    fn of_one_class_all_is_decided_alike() {
        let mut drawn = Drawn(7);
        let principal = Principal::User { arn: "arn:aws:iam::111122223333:user/app".into() };
        let mut context = Context::new();
        context.set("aws:username", "app");
        let ask = Ask {
            action: "lambda:InvokeFunction".to_owned(),
            on: "function".to_owned(),
            trust: Trust::None,
            when: None,
            strict: false,
            or: Vec::new(),
        };
        let (mut shared, mut apart, mut asked) = (0, 0, 0);
        for _ in 0..20_000 {
            let Some(own) = drawn.document(Kind::Identity) else { continue };
            let boundary = drawn.document(Kind::Boundary).map(|one| vec![one]);
            let boundary = boundary.filter(|_| drawn.of(&["", "boundary"]).is_empty());
            let of_things = [drawn.document(Kind::Resource), drawn.document(Kind::Resource), None];
            let things: Vec<Thing> = (0..5)
                .map(|_| {
                    let policy = of_things[drawn.place(of_things.len())].clone();
                    Thing { arn: drawn.arn(), policy, ..Thing::default() }
                })
                .collect();
            let mut world = World::default();
            world.things.insert(ask.on.clone(), things);
            let documents = || boundary.iter().flatten().chain([&own]);
            let all = documents().flat_map(|one| statements(one));
            let entries = all.flat_map(|statement| statement.resources());
            let allowed = |place: usize| {
                let thing = &world.of_kind(&ask.on)[place];
                let policies = Policies {
                    identity: vec![own.clone()],
                    boundary: boundary.clone(),
                    resource: thing.policy.clone(),
                    ..Policies::default()
                };
                let request = Request {
                    principal: &principal,
                    action: &ask.action,
                    resource: &thing.arn,
                    resource_account: None,
                    context: &context,
                };
                judge(&request, &policies).allowed()
            };
            let classes = Classes::default();
            let mut seen: HashSet<bool> = HashSet::new();
            for (alike, class) in classes.of(&world, &ask, None, &BTreeSet::new(), entries).iter() {
                let class: Vec<usize> = class.collect();
                let decided: HashSet<bool> = class.iter().map(|place| allowed(*place)).collect();
                seen.extend(&decided);
                if alike == Alike::ButForNames {
                    asked += usize::from(class.len() > 1 && decided.len() > 1);
                    continue;
                }
                assert!(decided.len() < 2, "{class:?} of {:#?}", (&world.things, &own, &boundary));
                shared += usize::from(class.len() > 1);
            }
            apart += usize::from(seen.len() > 1);
        }
        assert!(shared > 1_000 && apart > 1_000 && asked > 10, "{shared} {apart} {asked}");
    }
}
