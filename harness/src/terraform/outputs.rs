//! Layer 1's outputs, and the configuration's fields that name them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::address::{self, Address};
use super::{Instance, State};

/// Layer 1's outputs, and the resources that it made.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    values: BTreeMap<String, Value>,
    made: Vec<Instance>,
    /// Those of each root module.
    roots: BTreeMap<String, Outputs>,
    /// Outputs that several root modules have with different values.
    several: BTreeMap<String, Vec<String>>,
}

/// What a field names is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// An output.
    #[error("{}Layer 1's output `{name}` should be {expected} and {found}", prefix(field.as_deref()))]
    Output {
        /// The field of the configuration that names it, where one does.
        field: Option<String>,
        /// The output.
        name: String,
        /// What it should be: `text`, `a list of texts`.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A resource.
    #[error("`{field}`: Layer 1 has {found}")]
    Resource {
        /// The field of the configuration that names it, or names nothing.
        field: String,
        /// What Layer 1 has, and what to do.
        found: String,
    },
}

fn prefix(field: Option<&str>) -> String {
    field.map(|field| format!("`{field}`: ")).unwrap_or_default()
}

impl Outputs {
    /// Outputs of these values.
    pub fn new(values: BTreeMap<String, Value>) -> Self {
        Self { values, ..Self::default() }
    }

    /// Those of a state, with the resources that were made.
    pub(crate) fn of_state(state: &State) -> Self {
        Self::new(state.outputs().clone()).with_resources(state.instances())
    }

    /// Those of root modules, in the order in which they were applied. A name that
    /// only one has is its; `ROOT:NAME` is always that root module's.
    pub(crate) fn of_roots(roots: Vec<(String, Self)>) -> Self {
        let mut all = Self::default();
        for (root, own) in &roots {
            all.made.extend(own.made.iter().cloned());
            for (name, value) in &own.values {
                match all.values.get(name) {
                    Some(other) if other != value => {
                        all.several.entry(name.clone()).or_default().push(root.clone());
                    }
                    _ => drop(all.values.insert(name.clone(), value.clone())),
                }
            }
        }
        for (name, others) in &mut all.several {
            all.values.remove(name);
            let first = roots.iter().find(|(_, own)| own.values.contains_key(name));
            others.splice(0..0, first.map(|(root, _)| root.clone()));
        }
        all.roots = roots.into_iter().collect();
        all
    }

    /// Those of some of the root modules.
    #[must_use]
    pub fn of_some(&self, is_one: impl Fn(&str) -> bool) -> Self {
        let roots = self.roots.iter().filter(|(root, _)| is_one(root));
        Self::of_roots(roots.map(|(root, own)| (root.clone(), own.clone())).collect())
    }

    /// The root module that a name is one of, and the rest of the name.
    fn part<'o, 'n>(&'o self, name: &'n str) -> (&'o Self, &'n str) {
        let named =
            name.split_once(':').and_then(|(root, rest)| Some((self.roots.get(root)?, rest)));
        named.unwrap_or((self, name))
    }

    /// The same, with the resources that were made.
    #[must_use]
    pub fn with_resources(mut self, made: Vec<Instance>) -> Self {
        self.made = made;
        self
    }

    /// The resources of a type.
    pub fn resources<'o>(&'o self, kind: &'o str) -> impl Iterator<Item = &'o Instance> {
        self.made.iter().filter(move |instance| instance.kind == kind)
    }

    /// What names each resource of a type.
    pub fn ids(&self, kind: &str) -> Vec<String> {
        self.resources(kind).filter_map(address::id).map(str::to_owned).collect()
    }

    /// The only one of what could be meant.
    ///
    /// # Errors
    /// When there is none, or there are several.
    pub fn only(&self, field: &str, kind: &str, found: Vec<String>) -> Result<String, OutputError> {
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(self.nothing(field, kind)),
            several => Err(OutputError::Resource {
                field: field.to_owned(),
                found: format!("several {kind} ({}): name one", several.join(", ")),
            }),
        }
    }

    /// That there is nothing that could be meant.
    pub fn nothing(&self, field: &str, kind: &str) -> OutputError {
        let found = format!("no {kind}: name an output, a resource's address or an ARN");
        OutputError::Resource { field: field.to_owned(), found }
    }

    /// An output's value; a dotted name goes into an object (`roles.service-a`).
    pub fn get(&self, name: &str) -> Option<&Value> {
        let (part, name) = self.part(name);
        part.own(name)
    }

    fn own(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.values.get(name) {
            return Some(value);
        }
        let mut parts = name.split('.');
        let mut value = self.values.get(parts.next()?)?;
        for part in parts {
            value = value.get(part)?;
        }
        Some(value)
    }

    /// An output that is text, or a number or a truth value as text.
    ///
    /// # Errors
    /// When there is no such output.
    pub fn text(&self, name: &str) -> Result<String, OutputError> {
        self.as_text(None, name)
    }

    /// What a field of the configuration names: an output that is text, a
    /// resource by its address, or an ARN.
    ///
    /// # Errors
    /// When there is no such thing: with the field.
    pub fn text_of(&self, field: &str, name: &str) -> Result<String, OutputError> {
        if name.starts_with("arn:") {
            return Ok(name.to_owned());
        }
        if let Some(address) = Address::parse(self.part(name).1) {
            let found = self.at(field, name, &address)?;
            return self.only(field, name, found);
        }
        self.as_text(Some(field), name)
    }

    /// The ARN that a field of the configuration names: that of a resource by its
    /// address, or what [`Self::text_of`] finds.
    ///
    /// # Errors
    /// As there.
    pub fn arn_of(&self, field: &str, name: &str) -> Result<String, OutputError> {
        let (part, own) = self.part(name);
        let arns: Vec<String> = Address::parse(own).map_or_else(Vec::new, |address| {
            let found = part.made.iter().filter(|instance| address.is_of(instance));
            found.filter_map(|instance| instance.text("arn")).map(str::to_owned).collect()
        });
        if arns.is_empty() { self.text_of(field, name) } else { self.only(field, name, arns) }
    }

    fn as_text(&self, field: Option<&str>, name: &str) -> Result<String, OutputError> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            found => Err(self.wrong(field, name, "text", found)),
        }
    }

    /// What names the resources of an address.
    fn at(&self, field: &str, name: &str, of: &Address<'_>) -> Result<Vec<String>, OutputError> {
        let part = self.part(name).0;
        let found = part.made.iter().filter(|instance| of.is_of(instance));
        let found: Vec<String> = found.filter_map(address::id).map(str::to_owned).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let has = part.resources(of.kind()).map(|it| format!("{}.{}", it.kind, it.name));
        let has: BTreeSet<String> = has.collect();
        let has: Vec<String> = has.into_iter().collect();
        let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
        Err(OutputError::Resource {
            field: field.to_owned(),
            found: format!("no resource {name}; of this type it has: {has}"),
        })
    }

    /// An output that is a list of texts, or resources by their address, that a
    /// field of the configuration names.
    ///
    /// # Errors
    /// When there is no such output: with the field.
    pub fn texts_of(&self, field: &str, name: &str) -> Result<Vec<String>, OutputError> {
        if let Some(address) = Address::parse(self.part(name).1) {
            return self.at(field, name, &address);
        }
        let found = self.get(name);
        let items = found.and_then(Value::as_array);
        let texts = items.and_then(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        texts.ok_or_else(|| self.wrong(Some(field), name, "a list of texts", found))
    }

    fn wrong(
        &self,
        field: Option<&str>,
        name: &str,
        expected: &'static str,
        found: Option<&Value>,
    ) -> OutputError {
        let (part, own) = self.part(name);
        let first = own.split('.').next().unwrap_or(own);
        let found = match found {
            None if part.several.contains_key(first) => {
                let roots = part.several.get(first).map(|it| it.join(", ")).unwrap_or_default();
                format!("is several: write ROOT:{own} with one of the root modules {roots}")
            }
            None if part.values.is_empty() => "is not there: Layer 1 has no outputs".to_owned(),
            None => {
                let has: Vec<&str> = part.values.keys().map(String::as_str).collect();
                format!("is not there; Layer 1 has: {}", has.join(", "))
            }
            Some(value) => format!("is {}", kind(value)),
        };
        OutputError::Output {
            field: field.map(str::to_owned),
            name: name.to_owned(),
            expected,
            found,
        }
    }

    /// All of them.
    pub fn all(&self) -> &BTreeMap<String, Value> {
        &self.values
    }
}

/// The name of a value's kind.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(items) if items.iter().all(Value::is_string) => "a list of texts",
        Value::Array(_) => "a list of other things",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn outputs() -> Outputs {
        let value = json!({"a": {"b": "c", "n": 3}, "list": ["x", "y"], "mixed": ["x", 1]});
        Outputs::new(value.as_object().unwrap().clone().into_iter().collect())
    }

    #[test]
    fn an_output_is_found_by_its_name_or_within_an_object() {
        assert_eq!(outputs().text_of("f", "a.b").unwrap(), "c");
        assert_eq!(outputs().text_of("f", "a.n").unwrap(), "3");
        assert_eq!(outputs().texts_of("f", "list").unwrap(), ["x", "y"]);
    }

    #[rstest]
    #[case("a", "should be text and is an object")]
    #[case("list", "should be text and is a list of texts")]
    #[case("x", "should be text and is not there; Layer 1 has: a, list, mixed")]
    #[case("a.x", "should be text and is not there; Layer 1 has: a, list, mixed")]
    fn what_is_no_text_is_told_with_field_and_kind(#[case] name: &str, #[case] expected: &str) {
        let error = outputs().text_of("platform.artifacts_bucket_output", name).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`platform.artifacts_bucket_output`: Layer 1's output `{name}` {expected}")
        );
    }

    #[rstest]
    #[case("a.b", "is text")]
    #[case("mixed", "is a list of other things")]
    fn what_is_no_list_is_told_with_field_and_kind(#[case] name: &str, #[case] found: &str) {
        let error = outputs().texts_of("platform.subnets_output", name).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`platform.subnets_output`: Layer 1's output `{name}` should be a list of texts and {found}"
            )
        );
    }

    fn of_two_roots() -> Outputs {
        let root = |value: Value, role: &str| {
            let state = json!({"resources": [{"mode": "managed", "type": "aws_iam_role", "name": "r",
                "instances": [{"attributes": {"arn": role}}]}]});
            let values = value.as_object().unwrap().clone().into_iter().collect();
            Outputs::new(values).with_resources(Instance::of(&state))
        };
        let network = root(json!({"id": "n", "region": "r", "vpc": {"a": "v"}}), "arn:n");
        let app = root(json!({"id": "a", "region": "r"}), "arn:a");
        Outputs::of_roots(vec![("network".to_owned(), network), ("app".to_owned(), app)])
    }

    #[test]
    fn of_several_root_modules_each_is_named_by_its_root_where_it_must_be() {
        let outputs = of_two_roots();
        for (name, expected) in [
            ("vpc.a", "v"),
            ("region", "r"),
            ("network:id", "n"),
            ("app:id", "a"),
            ("network:vpc.a", "v"),
        ] {
            assert_eq!(outputs.text_of("f", name).unwrap(), expected, "{name}");
        }
        assert_eq!(outputs.text_of("f", "app:aws_iam_role.r").unwrap(), "arn:a");
        assert_eq!(outputs.ids("aws_iam_role"), ["arn:n", "arn:a"]);
    }

    #[rstest]
    #[case(
        "id",
        "`f`: Layer 1's output `id` should be text and is several: write ROOT:id with one of the root modules network, app"
    )]
    #[case(
        "app:vpc",
        "`f`: Layer 1's output `app:vpc` should be text and is not there; Layer 1 has: id, region"
    )]
    #[case("aws_iam_role.r", "`f`: Layer 1 has several aws_iam_role.r (arn:n, arn:a): name one")]
    #[case(
        "app:aws_iam_role.x",
        "`f`: Layer 1 has no resource app:aws_iam_role.x; of this type it has: aws_iam_role.r"
    )]
    fn what_names_nothing_of_one_root_module_is_told(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(of_two_roots().text_of("f", name).unwrap_err().to_string(), expected);
    }

    #[test]
    fn without_outputs_that_is_told() {
        assert_eq!(
            Outputs::default().text("b").unwrap_err().to_string(),
            "Layer 1's output `b` should be text and is not there: Layer 1 has no outputs"
        );
    }
}
