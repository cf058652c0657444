//! Packs the data: each file of `data/` with its overrides, minified and
//! compressed, and an index of what must be known of a service before its file
//! is read. An override that names what is not there stops the build.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a build script stops where it fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Map, Value, json};

#[path = "build/overrides.rs"]
mod overrides;
#[path = "build/rules.rs"]
mod rules;

use overrides::{Override, Query};

fn main() {
    for path in ["data", "overrides", "build"] {
        println!("cargo:rerun-if-changed={path}");
    }
    let home = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let mut index = String::new();

    let mut catalogue = read(&home.join("data/actions"));
    let mut services = read(&home.join("data/services"));
    let mut overrides = overrides::read(&home.join("overrides"));
    add_types(&mut catalogue, &services, &overrides);
    let mut packed = Packed::default();
    writeln!(index, "pub(crate) static PREFIXES: [PrefixEntry; {}] = [", catalogue.len()).unwrap();
    for (prefix, set) in &catalogue {
        let name = text(set, "name").unwrap();
        let actions = set.get("actions").and_then(Value::as_object).map_or(0, Map::len);
        let place = packed.put(set);
        writeln!(
            index,
            "PrefixEntry {{ prefix: {prefix:?}, name: {name:?}, actions: {actions}, place: {place} }},"
        )
        .unwrap();
    }
    index.push_str("];\n");
    fs::write(out.join("actions.bin"), &packed.bytes).unwrap();

    let mut packed = Packed::default();
    let mut lookups: BTreeMap<&str, BTreeMap<String, BTreeSet<usize>>> = BTreeMap::new();
    writeln!(index, "pub(crate) static SERVICES: [Entry; {}] = [", services.len()).unwrap();
    for (position, (id, service)) in services.iter_mut().enumerate() {
        let own = overrides.remove(id).unwrap_or_default();
        let mut entry = Entry::new(id, service, &own, &catalogue);
        for (what, key) in entry.keys() {
            lookups.entry(what).or_default().entry(key).or_default().insert(position);
        }
        entry.settle(service, &own, &catalogue);
        let place = packed.put(service);
        writeln!(index, "Entry {{ {}, place: {place} }},", entry.fields()).unwrap();
    }
    index.push_str("];\n");
    assert!(overrides.is_empty(), "overrides of no service: {:?}", overrides.keys());
    fs::write(out.join("services.bin"), &packed.bytes).unwrap();
    for what in
        ["ENDPOINT_PREFIXES", "IAM_PREFIXES", "SIGNING_NAMES", "TARGET_PREFIXES", "VERSIONS"]
    {
        let found = &lookups[what];
        writeln!(index, "pub(crate) static {what}: [(&str, &[Service]); {}] = [", found.len())
            .unwrap();
        for (key, positions) in found {
            let list: Vec<String> = positions.iter().map(|at| format!("Service({at})")).collect();
            writeln!(index, "({key:?}, &[{}]),", list.join(", ")).unwrap();
        }
        index.push_str("];\n");
    }

    let types = read(&home.join("data/types"));
    let mut packed = Packed::default();
    writeln!(index, "pub(crate) static TYPES: [TypesEntry; {}] = [", types.len()).unwrap();
    for (namespace, set) in &types {
        let place = packed.put(&set["types"]);
        writeln!(index, "TypesEntry {{ namespace: {namespace:?}, place: {place} }},").unwrap();
    }
    index.push_str("];\n");
    fs::write(out.join("types.bin"), &packed.bytes).unwrap();
    add_partitions(&mut index, &home.join("data/partitions.json"));
    add_managed(&mut index, &home.join("data/managed.jsonl"), &out);
    fs::write(out.join("index.rs"), index).unwrap();
}

/// Writes the partitions, and `aws` by itself.
fn add_partitions(index: &mut String, path: &Path) {
    let all: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let list = |value: &Value| {
        let texts = value.as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        format!("&{:?}", texts.collect::<Vec<_>>())
    };
    let written = |value: &Value| {
        let named = ["id", "dns_suffix", "dual_stack_dns_suffix", "global_region"];
        let mut fields: Vec<String> =
            named.iter().map(|name| format!("{name}: {:?}", text(value, name).unwrap())).collect();
        for name in ["areas", "regions"] {
            fields.push(format!("{name}: {}", list(&value[name])));
        }
        format!("crate::Partition {{ {} }}", fields.join(", "))
    };
    assert_eq!(text(&all[0], "id"), Some("aws"));
    writeln!(index, "pub(crate) static AWS: crate::Partition = {};", written(&all[0])).unwrap();
    let count = all.len();
    writeln!(index, "pub(crate) static PARTITIONS: [crate::Partition; {count}] = [").unwrap();
    for partition in &all {
        writeln!(index, "{},", written(partition)).unwrap();
    }
    index.push_str("];\n");
}

/// Managed policies that are compressed together: neighbours by name are alike.
const TOGETHER: usize = 32;

/// Writes the managed policies, by the name of the first of each block.
fn add_managed(index: &mut String, path: &Path, out: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let head: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    let source = head["source"].as_str().unwrap();
    let all: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let name = |one: &Value| one[0].as_str().unwrap().to_owned();
    assert!(all.windows(2).all(|pair| name(&pair[0]) < name(&pair[1])), "not in order");
    let mut packed = Packed::default();
    writeln!(index, "pub(crate) static MANAGED_SOURCE: &str = {source:?};").unwrap();
    let blocks = all.chunks(TOGETHER);
    let count = blocks.len();
    writeln!(index, "pub(crate) static MANAGED: [ManagedEntry; {count}] = [").unwrap();
    for block in blocks {
        // Each document is a text, which is read where it is asked for.
        let members = block.iter().map(|one| {
            let of = &one[1];
            let text = of["document"].to_string();
            (name(one), json!([of["version"], of["updated"], text]))
        });
        let first = name(&block[0]);
        let place = packed.put(&Value::Object(members.collect()));
        writeln!(index, "ManagedEntry {{ first: {first:?}, place: {place} }},").unwrap();
    }
    index.push_str("];\n");
    fs::write(out.join("managed.bin"), &packed.bytes).unwrap();
}

/// Adds the resource types that the reference does not tell of actions.
fn add_types(
    catalogue: &mut BTreeMap<String, Value>,
    services: &BTreeMap<String, Value>,
    overrides: &BTreeMap<String, Override>,
) {
    for (id, own) in overrides.iter().filter(|(_, own)| !own.types.is_empty()) {
        let iam = own.iam.as_ref().map(|rule| rule.prefix.as_str());
        let prefix = iam.unwrap_or_else(|| services[id]["signing_name"].as_str().unwrap());
        let actions = &mut catalogue.get_mut(prefix).unwrap()["actions"];
        for rule in &own.types {
            for action in &rule.actions {
                // Of some actions it has none at all.
                let listed = actions[action].as_object_mut().unwrap();
                let listed = listed.entry("resources").or_insert_with(|| json!([]));
                let listed = listed.as_array_mut().unwrap();
                for kind in &rule.types {
                    if listed.iter().all(|listed| listed["type"] != kind.as_str()) {
                        listed.push(json!({"type": kind}));
                    }
                }
            }
        }
    }
}

/// The JSON files of a folder, by their names without the ending.
fn read(folder: &Path) -> BTreeMap<String, Value> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let value = serde_json::from_slice(&fs::read(&path).unwrap());
            (name, value.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect()
}

/// Compressed files behind one another.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
}

impl Packed {
    /// Where the value is now, as a Rust expression.
    fn put(&mut self, value: &Value) -> String {
        let text = value.to_string();
        let start = self.bytes.len();
        let mut encoder = DeflateEncoder::new(&mut self.bytes, Compression::new(6));
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap();
        format!("Place {{ start: {start}, end: {}, length: {} }}", self.bytes.len(), text.len())
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let items = value.get(name).and_then(Value::as_array).into_iter().flatten();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// What the index says of a service.
struct Entry {
    id: String,
    name: String,
    sdk_id: String,
    api_versions: Vec<String>,
    protocols: Vec<String>,
    signing_name: String,
    endpoint_prefix: String,
    iam_prefix: Option<String>,
    target_prefix: Option<String>,
    json_version: Option<String>,
    xml_namespace: Option<String>,
    global_endpoint: Option<String>,
    query_compatible: bool,
    query_path: Option<String>,
    body_limit: Option<u64>,
}

impl Entry {
    fn new(id: &str, service: &Value, own: &Override, catalogue: &BTreeMap<String, Value>) -> Self {
        let must = |name: &str| text(service, name).unwrap().to_owned();
        let may = |name: &str| text(service, name).map(str::to_owned);
        assert_eq!(must("id"), id);
        let signing_name = must("signing_name");
        let iam_prefix = match &own.iam {
            Some(rule) => {
                assert!(
                    catalogue.contains_key(&rule.prefix),
                    "{id}: the prefix {} is unknown",
                    rule.prefix
                );
                assert_ne!(
                    rule.prefix, signing_name,
                    "{id}: the override says what is so without it"
                );
                Some(rule.prefix.clone())
            }
            None => Some(signing_name.clone()).filter(|name| catalogue.contains_key(name)),
        };
        let mut protocols = texts(service, "protocols");
        if own.query.is_some() {
            assert!(!protocols.contains(&"query".to_owned()), "{id}: the model lists the protocol");
            protocols.push("query".to_owned());
        }
        Self {
            id: id.to_owned(),
            name: must("name"),
            sdk_id: must("sdk_id"),
            api_versions: texts(service, "api_versions"),
            protocols,
            signing_name,
            endpoint_prefix: must("endpoint_prefix"),
            iam_prefix,
            target_prefix: may("target_prefix"),
            json_version: may("json_version"),
            xml_namespace: may("xml_namespace")
                .or_else(|| own.query.as_ref().map(|query| query.namespace.clone())),
            global_endpoint: may("global_endpoint"),
            query_compatible: service.get("query_compatible").is_some(),
            query_path: own.query.as_ref().map(|query| query.path.clone()),
            body_limit: own.body.as_ref().map(|rule| rule.limit),
        }
    }

    /// By what the service is found.
    fn keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = vec![
            ("ENDPOINT_PREFIXES", self.endpoint_prefix.clone()),
            ("SIGNING_NAMES", self.signing_name.clone()),
        ];
        if let Some(prefix) = &self.target_prefix {
            keys.push(("TARGET_PREFIXES", prefix.clone()));
            // SDKs that are made from Smithy's models send the name of the service's
            // shape alone, botocore a namespace before it (CloudTrail):
            // https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
            let shape = prefix.rsplit_once('.').map(|(_, shape)| shape.to_owned());
            keys.extend(shape.map(|shape| ("TARGET_PREFIXES", shape)));
        }
        keys.extend(self.iam_prefix.clone().map(|prefix| ("IAM_PREFIXES", prefix)));
        if self.protocols.iter().any(|protocol| matches!(protocol.as_str(), "query" | "ec2")) {
            keys.extend(self.api_versions.iter().map(|version| ("VERSIONS", version.clone())));
        }
        keys
    }

    /// Takes out of the file what the index has, and puts the overrides in.
    fn settle(&mut self, service: &mut Value, own: &Override, catalogue: &BTreeMap<String, Value>) {
        let service = service.as_object_mut().unwrap();
        let prefix = self.iam_prefix.as_deref();
        let packed = rules::packed(&self.id, service, own, prefix, catalogue);
        service.retain(|name, _| ["errors", "operations", "shapes"].contains(&name.as_str()));
        service.insert("rules".to_owned(), packed);
        let operations = service["operations"].as_object_mut().unwrap();
        for rule in &own.operations {
            for name in &rule.names {
                let operation = operations.get_mut(name);
                let operation =
                    operation.unwrap_or_else(|| panic!("{}: no operation {name}", self.id));
                if let Some(actions) = &rule.actions {
                    for action in actions {
                        let (prefix, name) = action.split_once(':').unwrap();
                        let known = &catalogue[prefix]["actions"];
                        assert!(known.get(name).is_some(), "{}: no action {action}", self.id);
                    }
                    operation["actions"] = json!(actions);
                }
                if let Some(route) = rule.route {
                    assert!(!route, "{}: the override says what is so without it", self.id);
                    operation["elsewhere"] = true.into();
                }
            }
        }
        let known = self.iam_prefix.as_ref().and_then(|prefix| catalogue[prefix].get("actions"));
        for (name, operation) in operations.iter_mut() {
            let has = |action: &str| known.is_some_and(|known| known.get(action).is_some());
            if operation.get("actions").is_some() {
                continue;
            }
            let method =
                own.actions.is_some().then(|| operation["method"].as_str().unwrap().to_owned());
            if let Some(method) = method {
                assert!(has(&method), "{}: no action {method}", self.id);
                operation["actions"] =
                    json!([format!("{}:{method}", self.iam_prefix.as_ref().unwrap())]);
            } else if has(name) {
                operation["same"] = true.into();
            } else if operation.get("unsigned").is_some() {
                operation["actions"] = json!([]);
            }
        }
        let shapes = service["shapes"].as_object_mut().unwrap();
        if let Some(query) = &own.query {
            query_names(&self.id, query, shapes);
        }
        if self.protocols == ["ec2"] {
            shapes.values_mut().filter_map(|shape| shape.get_mut("members")).for_each(ec2_names);
        }
    }

    fn fields(&self) -> String {
        let protocols: Vec<String> = self.protocols.iter().map(|name| protocol(name)).collect();
        let Self { id, name, sdk_id, api_versions, signing_name, endpoint_prefix, .. } = self;
        let Self { iam_prefix, target_prefix, json_version, xml_namespace, .. } = self;
        let Self { global_endpoint, query_compatible, query_path, body_limit, .. } = self;
        format!(
            "id: {id:?}, full_name: {name:?}, sdk_id: {sdk_id:?}, api_versions: &{api_versions:?}, \
             protocols: &[{}], signing_name: {signing_name:?}, \
             endpoint_prefix: {endpoint_prefix:?}, iam_prefix: {iam_prefix:?}, \
             target_prefix: {target_prefix:?}, json_version: {json_version:?}, \
             xml_namespace: {xml_namespace:?}, global_endpoint: {global_endpoint:?}, \
             query_compatible: {query_compatible}, query_path: {query_path:?}, \
             body_limit: {body_limit:?}",
            protocols.join(", ")
        )
    }
}

fn protocol(name: &str) -> String {
    let variant = match name {
        "query" => "Query",
        "ec2" => "Ec2",
        "json" => "Json",
        "rest-json" => "RestJson",
        "rest-xml" => "RestXml",
        "smithy-rpc-v2-cbor" => "Cbor",
        other => panic!("the protocol {other} is not known"),
    };
    format!("Protocol::{variant}")
}

/// The names that the query protocol has for what is in lists and maps, which a model
/// of another protocol does not tell.
fn query_names(id: &str, query: &Query, shapes: &mut Map<String, Value>) {
    let path = shapes.values().any(|shape| shape["members"].get(&query.path).is_some());
    assert!(path, "{id}: no member {}", query.path);
    for (name, item) in &query.items {
        let shape = shapes.get_mut(name).unwrap_or_else(|| panic!("{id}: no shape {name}"));
        assert!(shape["flattened"] == true, "{id}: {name} is not flattened");
        shape["member"]["name"] = json!(item);
    }
    for (name, [entry, key, value]) in &query.entries {
        let shape = shapes.get_mut(name).unwrap_or_else(|| panic!("{id}: no shape {name}"));
        assert!(shape["flattened"] == true, "{id}: {name} is not flattened");
        shape["entry"] = json!(entry);
        shape["key"]["name"] = json!(key);
        shape["value"]["name"] = json!(value);
    }
}

/// EC2's members go by their names on the wire: `queryName`, else `locationName`
/// with its first letter in upper case
/// (<https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>).
fn ec2_names(members: &mut Value) {
    let members: &mut Map<String, Value> = members.as_object_mut().unwrap();
    for (name, mut member) in std::mem::take(members) {
        let fields = member.as_object_mut().unwrap();
        let given = fields.remove("name");
        let wire = match (fields.remove("query_name"), given) {
            (Some(name), _) => name.as_str().unwrap().to_owned(),
            (None, Some(name)) => {
                let mut letters = name.as_str().unwrap().chars();
                letters.next().unwrap().to_uppercase().chain(letters).collect()
            }
            (None, None) => name,
        };
        assert!(members.insert(wire.clone(), member).is_none(), "{wire} is there twice");
    }
}
