//! The places of an operation's input that hold one text, number or truth, and those
//! that hold tags.

use ringfence_models::{Form, Kind, Location, Member, Model, Operation};
use serde_json::{Map, Value, json};

use super::built::made_up;

/// How deep places are looked for.
const DEEPEST: usize = 5;

/// How many places of an operation are looked at.
const MOST: usize = 600;

/// The names that tags have in structures.
const KEYS: [&str; 3] = ["Key", "key", "TagKey"];
const VALUES: [&str; 3] = ["Value", "value", "TagValue"];

/// A place in an input: members, the items of lists among them.
#[derive(Debug, Clone)]
pub(super) struct Place {
    steps: Vec<Member>,
}

/// A place that holds tags.
#[derive(Debug, Clone)]
pub(super) struct TagPlace {
    place: Place,
    form: TagForm,
}

/// How tags are written.
#[derive(Debug, Clone, Copy)]
enum TagForm {
    /// As structures of a key and a value.
    List(&'static str, &'static str),
    /// As a map.
    Map,
    /// As the query of a URL: S3's header.
    Query,
}

impl Place {
    /// All places of an operation's input, the required members' first.
    pub(super) fn all(operation: &Operation) -> Vec<Self> {
        let mut found = Vec::new();
        let model = operation.service.model();
        let (needed, others): (Vec<_>, Vec<_>) =
            operation.members.iter().partition(|member| member.required);
        for member in needed.into_iter().chain(others) {
            walk(model, member, &mut Vec::new(), &mut |steps, member| {
                let is_one =
                    !matches!(member.kind, Kind::Blob | Kind::List | Kind::Map | Kind::Structure);
                if is_one && found.len() < MOST {
                    found.push(Self { steps: steps.to_vec() });
                }
            });
        }
        found
    }

    /// The type of what it holds.
    pub(super) fn kind(&self) -> Kind {
        self.steps.last().map_or(Kind::String, |member| member.kind)
    }

    /// The values that it may hold, where AWS's model lists them; none: any of its type.
    pub(super) fn values(&self, model: &'static Model) -> &'static [&'static str] {
        self.steps.last().map(|member| model.values_of(member)).unwrap_or_default()
    }

    /// The name of its last member.
    pub(super) fn name(&self) -> &'static str {
        let mut named = self.steps.iter().rev().map(|step| step.name);
        named.find(|name| !matches!(*name, "member" | "item" | "")).unwrap_or_default()
    }

    /// Whether it is a member of the input itself, or an item of one.
    pub(super) fn is_top(&self) -> bool {
        match self.steps.as_slice() {
            [_] => true,
            [first, _] => first.kind == Kind::List,
            _ => false,
        }
    }

    /// Whether an input must have the member of its own that it is in.
    pub(super) fn is_needed(&self) -> bool {
        self.steps.first().is_some_and(|first| first.required)
    }

    /// Whether it is one segment of the request's path, which holds no slash.
    pub(super) fn is_segment(&self, operation: &Operation) -> bool {
        let [only] = self.steps.as_slice() else { return false };
        let is_greedy = operation.uri.contains(&format!("{{{}+}}", only.wire));
        only.location == Location::Uri && !is_greedy
    }

    /// Puts a value there; what it stands in is made as it must be.
    pub(super) fn put(&self, model: &Model, input: &mut Map<String, Value>, value: Value) {
        let Some((first, rest)) = self.steps.split_first() else { return };
        let slot = input.entry(first.name.to_owned()).or_insert(Value::Null);
        put(model, slot, first, rest, value);
    }

    /// Puts several values there: of a list all, else the first alone.
    pub(super) fn put_all(&self, model: &Model, input: &mut Map<String, Value>, all: Vec<Value>) {
        let is_list = |steps: &[Member]| steps.last().is_some_and(|it| it.kind == Kind::List);
        match self.steps.split_last() {
            Some((_, list)) if is_list(list) => {
                Self { steps: list.to_vec() }.put(model, input, Value::Array(all));
            }
            _ => {
                if let Some(one) = all.into_iter().next() {
                    self.put(model, input, one);
                }
            }
        }
    }
}

impl TagPlace {
    /// The places of an operation's input that hold tags.
    pub(super) fn all(operation: &Operation) -> Vec<Self> {
        let mut found = Vec::new();
        let model = operation.service.model();
        for member in operation.members.iter() {
            walk(model, member, &mut Vec::new(), &mut |steps, member| {
                let is_called = member.name.to_ascii_lowercase().contains("tag");
                let form = match model.shape_of(member).map(|shape| &shape.form) {
                    Some(Form::List(item)) => match model.shape_of(item).map(|it| &it.form) {
                        Some(Form::Structure(members)) => pair(members),
                        _ => None,
                    },
                    Some(Form::Map { .. }) if is_called => Some(TagForm::Map),
                    Some(Form::Scalar) if member.name == "Tagging" => Some(TagForm::Query),
                    _ => None,
                };
                if let Some(form) = form {
                    found.push(Self { place: Place { steps: steps.to_vec() }, form });
                }
            });
        }
        found
    }

    /// Puts tags there; what it stands in says of which type the resource is.
    pub(super) fn put(
        &self,
        model: &Model,
        input: &mut Map<String, Value>,
        tags: &[(String, String)],
        resource: &str,
    ) {
        let value = match self.form {
            TagForm::List(key, value) => {
                tags.iter().map(|(own, text)| json!({key: own, value: text})).collect()
            }
            TagForm::Map => {
                Value::Object(tags.iter().map(|(key, text)| (key.clone(), json!(text))).collect())
            }
            TagForm::Query => json!(form_urlencoded(tags)),
        };
        self.place.put(model, input, value);
        // `TagSpecification.N.ResourceType` of EC2.
        let steps = self.place.steps.split_last().map(|(_, before)| before).unwrap_or_default();
        let Some(around) = steps.last() else { return };
        if let Some(Form::Structure(members)) = model.shape_of(around).map(|shape| &shape.form)
            && let Some(kind) = members.iter().find(|member| member.name == "ResourceType")
        {
            let of = resource.splitn(6, ':').nth(5).unwrap_or_default();
            let of = of.split(['/', ':']).next().unwrap_or_default();
            let values = model.values_of(kind);
            let is_one = values.is_empty() || values.contains(&of);
            let of = if is_one { of } else { values.first().copied().unwrap_or(of) };
            let mut steps = steps.to_vec();
            steps.push(*kind);
            Place { steps }.put(model, input, json!(of));
        }
    }
}

fn form_urlencoded(tags: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(tags).finish()
}

/// The names of a tag's key and value in a structure.
fn pair(members: &[Member]) -> Option<TagForm> {
    let named = |names: [&str; 3]| {
        members.iter().find(|member| names.contains(&member.name)).map(|member| member.name)
    };
    Some(TagForm::List(named(KEYS)?, named(VALUES)?))
}

fn walk(
    model: &Model,
    member: &Member,
    steps: &mut Vec<Member>,
    each: &mut dyn FnMut(&[Member], &Member),
) {
    if steps.len() >= DEEPEST {
        return;
    }
    steps.push(*member);
    each(steps, member);
    match model.shape_of(member).map(|shape| &shape.form) {
        Some(Form::List(item)) => walk(model, item, steps, each),
        Some(Form::Structure(members)) => {
            for inner in members.iter() {
                walk(model, inner, steps, each);
            }
        }
        _ => {}
    }
    steps.pop();
}

fn put(model: &Model, slot: &mut Value, of: &Member, rest: &[Member], value: Value) {
    let Some((next, rest)) = rest.split_first() else {
        *slot = value;
        return;
    };
    if of.kind == Kind::List {
        if !slot.is_array() {
            *slot = json!([Value::Null]);
        }
        let Some(items) = slot.as_array_mut() else { return };
        if items.is_empty() {
            items.push(Value::Null);
        }
        if let Some(first) = items.first_mut() {
            put(model, first, next, rest, value);
        }
        return;
    }
    if !slot.is_object() {
        *slot = made_up(model, of, 0).unwrap_or_else(|| json!({}));
    }
    if let Some(members) = slot.as_object_mut() {
        let inner = members.entry(next.name.to_owned()).or_insert(Value::Null);
        put(model, inner, next, rest, value);
    }
}
