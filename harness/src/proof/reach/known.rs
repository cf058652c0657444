//! Values of resources, and by name what is not known.

use ringfence_network::traffic::Cidr;

use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// What is known, or what is not.
pub(super) type Known<T> = Result<T, String>;

/// The resources of the files.
#[derive(Clone, Copy)]
pub(super) struct Files<'e>(pub(super) &'e [Resource]);

/// A resource, or a block of one.
#[derive(Clone, Copy)]
pub(super) struct At<'e> {
    /// The resource's address.
    pub(super) address: &'e str,
    values: &'e Node,
}

impl<'e> Files<'e> {
    /// The resources of some types.
    pub(super) fn of(self, kinds: &[&str]) -> impl Iterator<Item = At<'e>> {
        let all = self.0.iter().filter(move |one| !one.is_data && kinds.contains(&&*one.kind));
        all.map(|one| At { address: &one.address, values: &one.values })
    }

    /// Those of which an attribute is a text. One that is not known may be it.
    pub(super) fn whose(self, kinds: &[&str], name: &str, is: &str) -> Known<Vec<At<'e>>> {
        let mut all = Vec::new();
        for one in self.of(kinds) {
            if one.text(name)? == Some(is) {
                all.push(one);
            }
        }
        Ok(all)
    }

    /// The one with an id. Of what is still to be made, no other has its id.
    pub(super) fn with_id(self, kinds: &[&str], id: &str) -> Option<At<'e>> {
        self.of(kinds).find(|one| one.values.get("id").and_then(Node::text) == Some(id))
    }

    /// The addresses of a prefix list; `None` where it is not in the files.
    pub(super) fn prefix_list(self, id: &str) -> Known<Option<Vec<Cidr>>> {
        let Some(list) = self.with_id(&["aws_ec2_managed_prefix_list"], id) else {
            return self.of_endpoint(id);
        };
        let mut all = Vec::new();
        for entry in list.inner("entry")? {
            all.extend(entry.cidr("cidr")?);
        }
        let kind = ["aws_ec2_managed_prefix_list_entry"];
        for entry in self.whose(&kind, "prefix_list_id", id)? {
            all.extend(entry.cidr("cidr")?);
        }
        Ok(Some(all))
    }
}

impl Files<'_> {
    /// The addresses of the service of a gateway endpoint, by the prefix list that AWS has
    /// of them.
    fn of_endpoint(self, id: &str) -> Known<Option<Vec<Cidr>>> {
        let of_list = |one: &At<'_>| one.text("prefix_list_id").ok().flatten() == Some(id);
        let Some(endpoint) = self.of(&["aws_vpc_endpoint"]).find(of_list) else {
            return Ok(None);
        };
        let all = endpoint.cidrs("cidr_blocks").unwrap_or_default();
        Ok((!all.is_empty()).then_some(all))
    }
}

impl<'e> At<'e> {
    /// Where something stands that is known; nothing where it is absent or empty.
    fn known(self, name: &str) -> Known<Option<&'e Node>> {
        let node = self.values.get(name);
        match node.map(|node| &node.value) {
            Some(Value::Unknown) => Err(self.open(name)),
            _ => Ok(node.filter(|node| node.is_something())),
        }
    }

    fn open(self, name: &str) -> String {
        format!("{}: {name} is known after apply only", self.address)
    }

    /// A text.
    pub(super) fn text(self, name: &str) -> Known<Option<&'e str>> {
        Ok(self.known(name)?.and_then(Node::text))
    }

    /// A text that must be there.
    pub(super) fn needed(self, name: &str) -> Known<&'e str> {
        self.text(name)?.ok_or_else(|| format!("{}: it has no {name}", self.address))
    }

    /// A flag.
    pub(super) fn flag(self, name: &str) -> Known<bool> {
        Ok(self.known(name)?.is_some_and(|node| node.value == Value::Bool(true)))
    }

    /// A number.
    pub(super) fn number(self, name: &str) -> Known<Option<i64>> {
        let Some(node) = self.known(name)? else { return Ok(None) };
        let (Value::Number(text) | Value::Text(text)) = &node.value else { return Ok(None) };
        let number = text.parse();
        number.map(Some).map_err(|_| format!("{}: `{text}` is no number", self.address))
    }

    /// An entry of a routing table or a rule.
    pub(super) fn cidr(self, name: &str) -> Known<Option<Cidr>> {
        self.text(name)?.map(|text| self.parsed(text)).transpose()
    }

    /// Several.
    pub(super) fn cidrs(self, name: &str) -> Known<Vec<Cidr>> {
        self.texts(name)?.into_iter().map(|text| self.parsed(text)).collect()
    }

    fn parsed(self, text: &str) -> Known<Cidr> {
        Cidr::parse(text).ok_or_else(|| format!("{}: `{text}` is no CIDR block", self.address))
    }

    /// Texts.
    pub(super) fn texts(self, name: &str) -> Known<Vec<&'e str>> {
        let items = self.known(name)?.map(Node::items).unwrap_or_default();
        // In a list, what is not known may stand as `null`.
        items.iter().map(|item| item.text().ok_or_else(|| self.open(name))).collect()
    }

    /// Blocks.
    pub(super) fn inner(self, name: &str) -> Known<Vec<Self>> {
        let items = self.known(name)?.map(Node::items).unwrap_or_default();
        let of = |item: &'e Node| match item.value {
            Value::Map(_) => Ok(Self { values: item, ..self }),
            _ => Err(self.open(name)),
        };
        items.iter().map(of).collect()
    }
}
