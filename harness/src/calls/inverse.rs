//! The calls that ask for an action upon a resource under condition keys.
//!
//! What a call asks for is the guard's mapping to say ([`super::asked`]). It is inverted
//! by trial: a value like no other is put into each place of an input, and where it shows
//! in what the call asks for, that place is what names this part of the resource, or sets
//! this key. So each binding of the models and each one by hand is inverted, and none is
//! written twice; and a call that is found is one that the mapping itself says asks for it.

use std::cell::OnceCell;
use std::cmp::Reverse;

use ringfence_guard::recording::Asked;
use ringfence_models::actions::{self, Action, NamedBy, Prefix};
use ringfence_models::needs::Needs;
use ringfence_models::{Kind, Member, Operation, Service};
use ringfence_policy::Values;
use serde_json::{Map, Value, json};

use super::asked::Asker;
use super::built::{self, ANY};
use super::markers::{Marker, unify, value};
use super::places::{Place, TagPlace};

/// What a call should ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The action, as the reference spells it.
    pub(crate) action: &'a str,
    /// What is acted upon.
    pub(crate) resource: &'a str,
    /// The condition keys that its input sets, in lower case, with what they hold.
    pub(crate) keys: &'a [(String, Values)],
}

/// A call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) operation: &'static Operation,
    pub(crate) input: Map<String, Value>,
    /// What it asks for.
    pub(crate) asked: Vec<Asked>,
    /// Which of these is what was wanted.
    pub(crate) at: usize,
}

/// Why a call will not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// What was wanted is not what it asks for.
    Other(String),
    /// It asks for this besides: an action, and something on which it would do.
    Besides { action: String, resource: Option<String>, why: String },
}

/// Whether a call will do.
pub(crate) type Fits<'a> = &'a dyn Fn(&Call) -> Result<(), Unfit>;

/// How many actions that a call needs besides get a resource of their own.
const BESIDES: usize = 3;

/// How many values are tried, at most, of what must be one of those that AWS's model lists.
const CHOICES: usize = 8;

/// The first call that will do.
///
/// # Errors
/// Why none does.
pub(crate) fn find(asker: Asker<'_>, wanted: Wanted<'_>, fits: Fits<'_>) -> Result<Call, String> {
    let Wanted { action, .. } = wanted;
    let known = action.split_once(':').and_then(|(prefix, name)| {
        let prefix = actions::of(prefix)?;
        Some((prefix, prefix.action(name)?))
    });
    let Some(known) = known else {
        return Err(format!("`{action}` is no action of AWS's reference"));
    };
    let is_not_carried = |(key, _): &&(String, Values)| !known.0.carries(known.1, key);
    if let Some((key, _)) = wanted.keys.iter().find(is_not_carried) {
        return Err(not_carried(action, known, key));
    }
    // Why of an operation that names the resource, and why of any other.
    let (mut exact, mut other) = (None, None);
    for (rank, operation) in operations(known) {
        let inversion = Inversion { asker, wanted, known, operation, places: OnceCell::new() };
        let told = |why: String| format!("{}:{}: {why}", operation.service.name(), operation.name);
        match inversion.call(fits) {
            Ok(call) => return Ok(call),
            Err(Some(Reason { is_exact: true, why })) => exact = exact.or(Some(told(why))),
            Err(Some(Reason { why, .. })) => other = other.or(Some(told(why))),
            // Of what the models do not say that it needs the action, nothing is to be told.
            Err(None) if rank == Rank::ByHand => {}
            Err(None) => {
                let unmapped = asker.asked(operation, &inversion.base()).err();
                other = other.or(unmapped.map(told));
            }
        }
    }
    let none = || format!("no operation that is known here needs `{action}`");
    Err(exact.or(other).unwrap_or_else(none))
}

/// Why there is no call with a key that the reference does not give the action: where it may
/// be in a request all the same, nothing says which member of an input sets it.
fn not_carried(action: &str, (prefix, known): (&Prefix, &Action), key: &str) -> String {
    if prefix.never_sends(known, key) {
        return format!("requests for `{action}` never carry `{key}`");
    }
    let by = match prefix.named_by(known, key) {
        Some(NamedBy::Documentation) => ", though AWS's documentation does",
        Some(NamedBy::ManagedPolicies) => ", though AWS's managed policies do",
        None => "",
    };
    format!("AWS's reference does not list `{key}` for `{action}`{by}: what sets it is not known")
}

/// The actions of a service that no operation asks for, as far as the models and the guard
/// know: of what is not mapped, nothing can be sent.
pub(crate) fn uncallable(asker: Asker<'_>, prefix: &'static Prefix) -> Vec<String> {
    let is_callable = |action: &'static Action| {
        operations((prefix, action)).into_iter().any(|(rank, operation)| {
            let name = format!("{}:{}", prefix.prefix, action.name);
            let wanted = Wanted { action: &name, resource: "*", keys: &[] };
            let known = (prefix, action);
            let inversion = Inversion { asker, wanted, known, operation, places: OnceCell::new() };
            let asked = asker.asked(operation, &inversion.base());
            rank == Rank::ByHand || !asked.is_err_and(|why| why.contains(UNMAPPED))
        })
    };
    let none = prefix.actions().filter(|action| !is_callable(action));
    none.map(|action| format!("{}:{}", prefix.prefix, action.name)).collect()
}

/// As the guard says it of an operation without a mapping.
const UNMAPPED: &str = "has no authorization mapping";

/// Why a call will not do, and whether it names the resource.
struct Reason {
    is_exact: bool,
    why: String,
}

/// Who says that an operation may need an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Its name.
    Name,
    /// The models.
    Models,
    /// The guard's own code, if any.
    ByHand,
}

/// The operations that may need an action: that of its name first, then those of which the
/// models say so, then those of the services of which the guard's own code says it.
fn operations(
    (prefix, action): (&'static Prefix, &'static Action),
) -> Vec<(Rank, &'static Operation)> {
    let services = Service::by_iam_prefix(prefix.prefix).iter().copied();
    let is_capital = |byte: u8| byte.is_ascii_uppercase();
    let is_verb = prefix.prefix == "apigateway" && action.name.bytes().all(is_capital);
    let rank = |operation: &Operation| {
        let mut named = operation.actions.iter().flatten();
        let is_named = named.any(|one| one.prefix == prefix.prefix && one.name == action.name);
        let is_called = operation.service == Service::Sts || !operation.unsigned;
        if operation.deprecated || !is_called {
            None
        } else if operation.name == action.name {
            Some(Rank::Name)
        } else if is_named || is_verb && operation.method.as_str() == action.name {
            Some(Rank::Models)
        } else {
            (!is_verb && matches!(operation.needs(), Needs::ByHand)).then_some(Rank::ByHand)
        }
    };
    let all = services.flat_map(|service| &service.model().operations);
    let mut ranked: Vec<(Rank, &Operation)> =
        all.filter_map(|operation| Some((rank(operation)?, operation))).collect();
    if prefix.prefix == "iam" && action.name == "PassRole" {
        ranked.splice(0..0, passing().map(|operation| (Rank::Models, operation)));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    if ranked.first().is_some_and(|(rank, _)| *rank != Rank::ByHand) {
        ranked.retain(|(rank, _)| *rank != Rank::ByHand);
    }
    ranked
}

/// The operations by which a role is handed to a service that runs what it is given.
fn passing() -> impl Iterator<Item = &'static Operation> {
    const ALL: [(&str, &str); 14] = [
        ("lambda", "CreateFunction"),
        ("lambda", "UpdateFunctionConfiguration"),
        ("cloudformation", "CreateStack"),
        ("cloudformation", "UpdateStack"),
        ("iam", "AddRoleToInstanceProfile"),
        ("stepfunctions", "CreateStateMachine"),
        ("ecs", "RegisterTaskDefinition"),
        ("events", "PutRule"),
        ("scheduler", "CreateSchedule"),
        ("codebuild", "CreateProject"),
        ("glue", "CreateJob"),
        ("apigatewayv2", "CreateIntegration"),
        ("sagemaker", "CreateNotebookInstance"),
        ("firehose", "CreateDeliveryStream"),
    ];
    ALL.into_iter().filter_map(|(service, name)| Service::of(service)?.operation(name))
}

/// The inversion of one operation.
struct Inversion<'a> {
    asker: Asker<'a>,
    wanted: Wanted<'a>,
    known: (&'static Prefix, &'static Action),
    operation: &'static Operation,
    places: OnceCell<Vec<Place>>,
}

type Input = Map<String, Value>;

impl Inversion<'_> {
    /// A call of the operation that will do, or why there is none; no reason where it
    /// does not need the action.
    fn call(&self, fits: Fits<'_>) -> Result<Call, Option<Reason>> {
        let mut found: Option<Reason> = None;
        let mut note = |call: &Call, why: String| {
            let is_exact = is_on(&call.asked, call.at, self.wanted.resource);
            if found.as_ref().is_none_or(|found| is_exact && !found.is_exact) {
                found = Some(Reason { is_exact, why });
            }
        };
        let inputs = self.inputs().into_iter().flat_map(|input| self.with_other_values(input));
        for mut call in inputs.flat_map(|input| self.with_keys(input)) {
            for _ in 0..=BESIDES {
                match fits(&call) {
                    Ok(()) => return Ok(call),
                    Err(Unfit::Besides { action, resource: Some(resource), why }) => {
                        note(&call, why);
                        match self.besides(&call, &action, &resource) {
                            Some(other) if other.input != call.input => call = other,
                            _ => break,
                        }
                    }
                    Err(Unfit::Other(why) | Unfit::Besides { why, .. }) => {
                        note(&call, why);
                        break;
                    }
                }
            }
        }
        Err(found)
    }

    /// The same call, with another resource of an action that it needs besides.
    fn besides(&self, call: &Call, action: &str, resource: &str) -> Option<Call> {
        let (prefix, name) = action.split_once(':')?;
        let prefix = actions::of(prefix)?;
        let other = Inversion {
            wanted: Wanted { action, resource, keys: &[] },
            known: (prefix, prefix.action(name)?),
            places: OnceCell::new(),
            ..*self
        };
        let input = other.named(&call.input).into_iter().find(|input| {
            other.asks(input).is_some_and(|(asked, at)| is_on(&asked, at, resource))
        })?;
        self.call_of(input)
    }

    fn call_of(&self, input: Input) -> Option<Call> {
        let (asked, at) = self.asks(&input)?;
        Some(Call { operation: self.operation, input, asked, at })
    }

    fn places(&self) -> &[Place] {
        self.places.get_or_init(|| Place::all(self.operation))
    }

    fn model(&self) -> &'static ringfence_models::Model {
        self.operation.service.model()
    }

    /// What an input asks for, and which of it is the action; of several the one on the
    /// resource. None where it does not ask for the action.
    fn asks(&self, input: &Input) -> Option<(Vec<Asked>, usize)> {
        let asked = self.asker.asked(self.operation, input).ok()?;
        let is_action = |one: &Asked| one.action.eq_ignore_ascii_case(self.wanted.action);
        let is_it = |one: &Asked| is_action(one) && one.resource == self.wanted.resource;
        let at = asked.iter().position(is_it).or_else(|| asked.iter().position(is_action))?;
        Some((asked, at))
    }

    /// Inputs that ask for the action, those first that name the resource.
    fn inputs(&self) -> Vec<Input> {
        let by_names = built::by_names(self.operation, self.known, self.wanted.resource);
        let mut inputs: Vec<Input> =
            by_names.into_iter().map(|input| self.with_path(input)).collect();
        if !inputs.iter().any(|input| self.is_exact(input)) {
            let base = self.base();
            inputs.extend(self.named(&base));
            inputs.push(base);
        }
        if !inputs.iter().any(|input| self.asks(input).is_some()) {
            inputs = inputs.iter().flat_map(|input| self.switched(input)).collect();
        }
        inputs.retain(|input| self.asks(input).is_some());
        inputs.sort_by_key(|input| !self.is_exact(input));
        inputs.dedup();
        inputs
    }

    /// The same inputs with one member more, by which the call asks for the action: of an
    /// object's version another one than of the object.
    fn switched(&self, input: &Input) -> Vec<Input> {
        let members = self.places().iter().filter(|place| place.is_top() && !place.is_needed());
        let given = members.filter_map(|place| {
            let made = match place.kind() {
                Kind::String => json!(place.values(self.model()).first().unwrap_or(&ANY)),
                kind => Marker::of(kind, 0)?.value(),
            };
            let input = self.put(input, &[(place, made)]);
            self.asks(&input).is_some().then_some(input)
        });
        given.collect()
    }

    fn is_exact(&self, input: &Input) -> bool {
        self.asks(input).is_some_and(|(asked, at)| is_on(&asked, at, self.wanted.resource))
    }

    /// An input, and the same with another value of a member that must be one of some: what
    /// it is may decide.
    fn with_other_values(&self, input: Input) -> Vec<Input> {
        let needed = self.operation.members.iter().filter(|member| member.required);
        let values = needed.flat_map(|member| {
            let values = self.model().values_of(member).iter();
            values.map(move |value| (member.name, *value))
        });
        let is_other = |(name, value): &(&str, &str)| {
            input.get(*name).and_then(Value::as_str).is_some_and(|own| own != *value)
        };
        let others = values.filter(is_other).take(CHOICES).map(|(name, value)| {
            let mut other = input.clone();
            other.insert(name.to_owned(), json!(value));
            other
        });
        let others: Vec<Input> = others.collect();
        std::iter::once(input).chain(others).collect()
    }

    /// The members that a call cannot do without.
    fn base(&self) -> Input {
        let mut input = Input::new();
        for member in self.operation.members.iter().filter(|member| member.required) {
            let value = match member.name {
                "QueueUrl" => built::queue(self.wanted.resource).map(|url| json!(url)),
                _ if is_arn(member) => Some(json!(self.wanted.resource)),
                _ => built::made_up(self.model(), member, 0),
            };
            input.insert(member.name.to_owned(), value.unwrap_or(Value::Null));
        }
        input
    }

    /// Of what IAM makes, the path in its ARN stands in a member of its own.
    fn with_path(&self, mut input: Input) -> Input {
        let path = || {
            let resource = self.wanted.resource.splitn(6, ':').nth(5)?;
            let (_, path) = resource.split_once('/')?;
            let (path, _) = path.rsplit_once('/')?;
            Some(format!("/{path}/"))
        };
        if self.operation.service == Service::Iam
            && self.operation.member("Path").is_some()
            && let Some(path) = path()
        {
            input.insert("Path".to_owned(), json!(path));
        }
        input
    }

    /// What the input holds in a place that names a part of the resource; none where it
    /// cannot.
    fn part(&self, place: &Place, text: &str) -> Option<Value> {
        // What stands before the name of an identity is its path.
        let is_path = self.operation.service == Service::Iam
            && place.name().ends_with("Name")
            && text.contains('/');
        let text = if is_path { text.rsplit('/').next()? } else { text };
        let values = place.values(self.model());
        if !values.is_empty() && !values.contains(&text) {
            return None;
        }
        if text.contains('/') && !text.starts_with("arn:") && place.is_segment(self.operation) {
            return None;
        }
        match place.kind() {
            // A name where a number must stand is not this resource's.
            Kind::Integer | Kind::Long => value(place.kind(), text).or_else(|| Some(json!(1))),
            kind => value(kind, text),
        }
    }

    /// An input with other values, in each way in which its places name the resource.
    fn named(&self, base: &Input) -> Vec<Input> {
        let (mut inputs, mut by_arn): (Vec<Input>, Vec<Input>) = (Vec::new(), Vec::new());
        let mut naming: Vec<(&Place, Marker)> = Vec::new();
        for (number, place) in self.places().iter().enumerate() {
            if !place.is_top() && !place.is_needed() {
                continue;
            }
            let Some(marker) = Marker::of(place.kind(), number) else { continue };
            if place.kind() == Kind::Boolean || place.kind() == Kind::Timestamp {
                continue;
            }
            if place.kind() == Kind::String && place.values(self.model()).is_empty() {
                let whole = self.put(base, &[(place, json!(self.wanted.resource))]);
                if self.is_exact(&whole) && !self.is_exact(base) {
                    // Most services take the ARN of a role alone.
                    let is_first = place.name().contains("Role") || place.name().ends_with("Arn");
                    let first = if is_first { &mut inputs } else { &mut by_arn };
                    first.push(whole);
                }
            }
            let shows = |asked: &Asked| asked.resource.contains(&marker.text);
            let marked = self.put(base, &[(place, marker.value())]);
            if self.asks(&marked).is_some_and(|(asked, at)| asked.get(at).is_some_and(shows)) {
                naming.push((place, marker));
            }
        }
        let (needed, others): (Vec<_>, Vec<_>) =
            naming.iter().partition(|(place, _)| place.is_needed());
        let mut sets: Vec<Vec<&(&Place, Marker)>> = vec![needed.clone()];
        sets.extend(others.iter().map(|one| needed.iter().chain([one]).copied().collect()));
        sets.push(needed.iter().chain(&others).copied().collect());
        for set in sets.into_iter().filter(|set| !set.is_empty()) {
            let marked: Vec<_> = set.iter().map(|(place, it)| (*place, it.value())).collect();
            let Some((asked, at)) = self.asks(&self.put(base, &marked)) else { continue };
            let markers: Vec<&Marker> = set.iter().map(|(_, marker)| marker).collect();
            let resource = asked.get(at).map_or("", |one| one.resource.as_str());
            let Some(parts) = unify(resource, &markers, self.wanted.resource) else { continue };
            let values = parts.iter().map(|(at, text)| {
                let (place, _) = set.get(*at)?;
                Some((*place, self.part(place, text)?))
            });
            let Some(values) = values.collect::<Option<Vec<_>>>() else { continue };
            let input = self.with_path(self.put(base, &values));
            if !inputs.contains(&input) {
                inputs.push(input);
            }
        }
        inputs.extend(by_arn);
        inputs
    }

    fn put(&self, base: &Input, values: &[(&Place, Value)]) -> Input {
        let mut input = base.clone();
        for (place, value) in values {
            place.put(self.model(), &mut input, value.clone());
        }
        input
    }

    /// The calls of an input with the condition keys, as far as places set them: several where
    /// a place can hold none of a key's values.
    fn with_keys(&self, input: Input) -> Vec<Call> {
        let Some(call) = self.call_of(input) else { return Vec::new() };
        let missing = |call: &Call| -> Vec<&(String, Values)> {
            let has = |key: &str| call.asked.get(call.at).and_then(|one| one.context.get(key));
            self.wanted.keys.iter().filter(|(key, values)| !is_same(has(key), values)).collect()
        };
        let lacks = missing(&call);
        if lacks.is_empty() {
            return vec![call];
        }
        let tagged = self.call_of(self.with_tags(&call, &lacks)).unwrap_or_else(|| call.clone());
        let inputs = self.set(tagged.input.clone(), &missing(&tagged)).into_iter();
        inputs.map(|input| self.call_of(input).unwrap_or_else(|| tagged.clone())).collect()
    }

    /// Puts each key's values into the place that sets it; where AWS's model lists others for
    /// the place, one of these in each input.
    fn set(&self, mut input: Input, keys: &[&(String, Values)]) -> Vec<Input> {
        let mut left: Vec<&(String, Values)> = keys.to_vec();
        let mut others: Vec<(&Place, Vec<Value>)> = Vec::new();
        for (number, place) in self.places().iter().enumerate() {
            if left.is_empty() {
                break;
            }
            let Some(marker) = Marker::of(place.kind(), number) else { continue };
            let marked = self.put(&input, &[(place, marker.value())]);
            let Some((asked, at)) = self.asks(&marked) else { continue };
            let Some(one) = asked.get(at) else { continue };
            let before = self.asks(&input);
            let was = |key: &str| {
                let (asked, at) = before.as_ref()?;
                asked.get(*at)?.context.get(key).cloned()
            };
            let shows = |key: &str| {
                let now = one.context.get(key);
                let is_it = |text: &String| *text == marker.text;
                now.is_some_and(|now| now.as_slice().iter().any(is_it)) && now != was(key).as_ref()
            };
            let Some(found) = left.iter().position(|(key, _)| shows(key)) else { continue };
            let (_, values) = left.remove(found);
            let mut choices = held(place, place.values(self.model()), values).into_iter();
            place.put_all(self.model(), &mut input, choices.next().unwrap_or_default());
            others.extend(choices.map(|other| (place, other)));
        }
        let changed = others.into_iter().map(|(place, values)| {
            let mut other = input.clone();
            place.put_all(self.model(), &mut other, values);
            other
        });
        let changed: Vec<Input> = changed.collect();
        std::iter::once(input).chain(changed).collect()
    }

    /// The tags in the request.
    fn with_tags(&self, call: &Call, keys: &[&(String, Values)]) -> Input {
        let tags = request_tags(keys);
        if tags.is_empty() {
            return call.input.clone();
        }
        let all = TagPlace::all(self.operation);
        let inputs = all.iter().map(|place| {
            let mut input = call.input.clone();
            place.put(self.model(), &mut input, &tags, self.wanted.resource);
            input
        });
        let sets = |input: &Input| {
            self.asks(input).is_some_and(|(asked, at)| {
                let key = tags.first().map(|(key, _)| format!("aws:requesttag/{key}"));
                let one = asked.get(at).zip(key);
                one.is_some_and(|(one, key)| one.context.get(&key).is_some())
            })
        };
        let mut inputs = inputs.filter(sets);
        inputs.next().unwrap_or_else(|| call.input.clone())
    }
}

fn is_on(asked: &[Asked], at: usize, resource: &str) -> bool {
    asked.get(at).is_some_and(|one| one.resource == resource)
}

fn is_arn(member: &Member) -> bool {
    member.kind == Kind::String && (member.name.ends_with("Arn") || member.name.ends_with("ARN"))
}

fn is_same(has: Option<&Values>, values: &Values) -> bool {
    has.is_some_and(|has| has.as_slice() == values.as_slice())
}

/// What a place holds of a key's values. Where it may hold some alone, and not these, one of
/// them each time: those first that begin as the key's values do.
fn held(place: &Place, listed: &[&str], values: &Values) -> Vec<Vec<Value>> {
    let own = values.as_slice();
    if listed.is_empty() || own.iter().all(|text| listed.contains(&text.as_str())) {
        return vec![own.iter().filter_map(|text| value(place.kind(), text)).collect()];
    }
    let alike = |one: &str| {
        let same = |text: &String| {
            text.bytes().zip(one.bytes()).take_while(|(own, other)| own == other).count()
        };
        own.iter().map(same).max().unwrap_or_default()
    };
    let mut nearest = listed.to_vec();
    nearest.sort_by_key(|&one| Reverse(alike(one)));
    nearest.into_iter().take(CHOICES).map(|one| vec![json!(one)]).collect()
}

/// Whether a key is of the tags in the request.
fn is_request_tag(key: &str) -> bool {
    key == "aws:tagkeys" || key.contains("requesttag/") || key.contains("req-tag/")
}

/// The tags that keys speak of; the keys of tags are written as `aws:TagKeys` has them.
fn request_tags(keys: &[&(String, Values)]) -> Vec<(String, String)> {
    let mut tags: Vec<(String, String)> = Vec::new();
    let named = keys.iter().find(|(key, _)| key == "aws:tagkeys");
    let named: &[String] = named.map(|(_, values)| values.as_slice()).unwrap_or_default();
    let spelled = |key: &str| {
        let same = named.iter().find(|named| named.eq_ignore_ascii_case(key));
        same.cloned().unwrap_or_else(|| key.to_owned())
    };
    for (key, values) in keys {
        let Some((_, tag)) = key.split_once("tag/").filter(|_| is_request_tag(key)) else {
            continue;
        };
        let value = values.as_slice().first().cloned().unwrap_or_default();
        if tags.iter().all(|(known, _)| !known.eq_ignore_ascii_case(tag)) {
            tags.push((spelled(tag), value));
        }
    }
    for key in named {
        if tags.iter().all(|(known, _)| !known.eq_ignore_ascii_case(key)) {
            tags.push((key.clone(), ANY.to_owned()));
        }
    }
    tags
}
