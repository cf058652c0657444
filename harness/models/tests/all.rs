//! What holds of every service: forgetting one is no compile error, so it is a
//! failing test.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_models::{Form, Kind, Location, Model, Operation, Protocol, Service, actions};

fn operations() -> impl Iterator<Item = &'static Operation> {
    Service::all().flat_map(|service| &service.model().operations)
}

#[test]
fn every_model_can_be_read_and_found_by_its_id() {
    for service in Service::all() {
        assert_eq!(Service::of(service.name()), Some(service));
        assert!(!service.model().operations.is_empty(), "{service}");
        assert!(!service.protocols().is_empty(), "{service}");
        assert!(service.api_versions().is_sorted_by(|one, other| one > other), "{service}");
    }
    assert_eq!(Service::of("SQS"), None);
    assert_eq!(Service::of(""), None);
    assert!(Service::all().map(Service::name).is_sorted_by(|one, other| one < other));
}

#[test]
fn every_service_is_found_by_all_that_a_request_names() {
    for service in Service::all() {
        assert!(Service::by_signing_name(service.signing_name()).contains(&service));
        assert!(Service::by_endpoint_prefix(service.endpoint_prefix()).contains(&service));
        if let Some(prefix) = service.target_prefix() {
            assert!(Service::by_target_prefix(prefix).contains(&service));
            let shape = prefix.rsplit('.').next().unwrap();
            assert!(Service::by_target_prefix(shape).contains(&service), "{shape}");
        }
        if let Some(prefix) = service.iam_prefix() {
            assert!(Service::by_iam_prefix(prefix).contains(&service));
        }
        let form =
            service.protocols().iter().any(|it| matches!(it, Protocol::Query | Protocol::Ec2));
        for version in service.api_versions() {
            assert_eq!(Service::by_api_version(version).contains(&service), form, "{service}");
        }
        let json = service.protocols().contains(&Protocol::Json);
        assert!(!json || (service.target_prefix().is_some() && service.json_version().is_some()));
    }
    assert!(Service::by_signing_name("nothing").is_empty());
}

#[test]
fn every_operation_is_whole() {
    let mut count = 0;
    for operation in operations() {
        count += 1;
        let of = format!("{}:{}", operation.service, operation.name);
        assert!(std::ptr::eq(
            Operation::find(operation.service, operation.name).unwrap(),
            operation
        ));
        let model = operation.service.model();
        for member in operation.members.iter() {
            let shape = model.shape_of(member).unwrap();
            assert_eq!(shape.kind, member.kind, "{of}");
        }
        for error in &operation.errors {
            assert!(model.errors.contains_key(error), "{of}: {error}");
        }
        let labels: BTreeSet<&str> = operation
            .path()
            .split('{')
            .skip(1)
            .map(|rest| rest.split_once('}').unwrap().0.trim_end_matches('+'))
            .collect();
        let members: BTreeSet<&str> =
            operation.members_in(Location::Uri).map(|member| member.wire).collect();
        assert_eq!(labels, members, "{of}");
        assert!(operation.members_in(Location::Payload).count() <= 1, "{of}");
        for action in operation.actions.iter().flatten() {
            assert!(actions::action(&action.to_string()).is_some(), "{of}: {action}");
        }
    }
    assert_eq!(count, 20_027);
}

#[test]
fn every_shape_consists_of_shapes() {
    let whole = |model: &Model| {
        model.shapes.iter().all(|shape| match &shape.form {
            Form::Scalar => true,
            Form::Structure(members) => members.iter().all(|it| model.shape_of(it).is_some()),
            Form::List(item) => model.shape_of(item).is_some(),
            Form::Map { key, value } => {
                model.shape_of(key).is_some() && model.shape_of(value).is_some()
            }
        })
    };
    for service in Service::all() {
        assert!(whole(service.model()), "{service}");
        for shape in &service.model().shapes {
            let found = service.model().shape(shape.name).unwrap();
            assert!(std::ptr::eq(found, shape), "{service}: {}", shape.name);
        }
    }
}

/// As botocore has them, and of texts alone.
#[test]
fn the_values_of_enumerations_are_there() {
    let mut count = 0;
    for service in Service::all() {
        for shape in service.model().shapes.iter().filter(|shape| !shape.values.is_empty()) {
            count += 1;
            let of = format!("{service}: {}", shape.name);
            assert_eq!(shape.kind, Kind::String, "{of}");
            let unique: BTreeSet<&str> = shape.values.iter().copied().collect();
            assert_eq!(unique.len(), shape.values.len(), "{of}");
        }
    }
    assert_eq!(count, 8_105);
    let values = |operation: &str, member: &str| {
        let iam = Service::of("iam").unwrap();
        let member = iam.operation(operation).unwrap().member(member).unwrap();
        iam.model().values_of(member)
    };
    assert_eq!(values("UpdateAccessKey", "Status"), ["Active", "Inactive", "Expired"]);
    assert_eq!(values("UpdateAccessKey", "AccessKeyId"), [""; 0]);
}

#[test]
fn every_prefix_is_whole() {
    let mut count = 0;
    for prefix in actions::prefixes() {
        let known = actions::of(prefix).unwrap();
        assert_eq!(known.prefix, prefix);
        assert!(actions::is_prefix(prefix) && actions::full_name(prefix).is_some());
        let mut names = BTreeSet::new();
        for action in known.actions() {
            count += 1;
            assert!(names.insert(action.name.to_ascii_lowercase()), "{prefix}:{}", action.name);
            assert!(!action.access.is_empty(), "{prefix}:{}", action.name);
            for resource in &action.resources {
                assert!(
                    known.resource_type(resource.name).is_some(),
                    "{prefix}:{}: {}",
                    action.name,
                    resource.name
                );
            }
            let keys = action.resources.iter().flat_map(|resource| &resource.condition_keys);
            for key in keys.chain(&action.condition_keys) {
                assert!(known.key_type(key).is_some(), "{prefix}:{}: {key}", action.name);
            }
        }
    }
    assert_eq!((count, actions::count()), (22_091, 22_091));
}

/// The last field of an ARN may hold anything; those before it hold a text, a
/// variable, or both.
#[test]
fn every_arn_format_is_one() {
    let mut count = 0;
    for prefix in actions::prefixes() {
        for kind in actions::of(prefix).unwrap().resource_types() {
            assert!(!kind.arn.is_empty(), "{prefix}: {}", kind.name);
            for arn in &kind.arn {
                count += 1;
                let of = format!("{prefix}: {arn}");
                let plain = whole(arn).unwrap_or_else(|| panic!("{of}"));
                let fields: Vec<&str> = plain.splitn(6, ':').collect();
                assert_eq!(fields.len(), 6, "{of}");
                assert_eq!(fields[0], "arn", "{of}");
                assert!(matches!(fields[1], "V" | "aws"), "{of}");
                assert!(!fields[2].is_empty() && !fields[5].is_empty(), "{of}");
            }
        }
    }
    assert!(count > 2_300, "{count}");
}

/// The text with `V` for each variable; nothing where one is malformed.
fn whole(arn: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = arn;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        if name.is_empty() || name.contains(['$', '{', ':', '/']) {
            return None;
        }
        out.push_str(before);
        out.push('V');
        rest = after;
    }
    out.push_str(rest);
    // AWS forgot the `$` of `{Date-and-Time-Stamp-of-Backup}`.
    (!out.contains(['$', ' '])).then_some(out)
}

/// Services whose actions nobody lists: clients without IAM, or newer than the
/// list of actions.
#[test]
fn every_service_has_a_prefix_or_is_listed() {
    let without: Vec<&str> = Service::all()
        .filter(|service| service.iam_prefix().is_none())
        .map(Service::name)
        .collect();
    let listed: Vec<&str> = include_str!("without_prefix.txt").lines().collect();
    assert_eq!(without, listed);
}

/// What of a request tells one operation from another, whatever its values.
fn form(operation: &Operation, protocol: Protocol) -> String {
    let service = operation.service;
    match protocol {
        Protocol::Json => {
            format!("{}.{}", service.target_prefix().unwrap_or_default(), operation.name)
        }
        Protocol::Query | Protocol::Ec2 => {
            format!("{} {}", service.api_version(), operation.name)
        }
        Protocol::Cbor => {
            format!("{}/{}", service.target_prefix().unwrap_or(service.name()), operation.name)
        }
        Protocol::RestJson | Protocol::RestXml => {
            let mut path = String::new();
            for (at, part) in operation.path().split(['{', '}']).enumerate() {
                path.push_str(match at % 2 {
                    0 => part,
                    _ if part.ends_with('+') => "{+}",
                    _ => "{}",
                });
            }
            let mut query: Vec<_> = operation.fixed_query().collect();
            query.sort_unstable();
            format!("{} {path} {query:?}", operation.method)
        }
    }
}

/// Requests of these services do not say which of them is meant. One line for
/// each group of services, protocol, and operations.
#[test]
fn services_that_are_asked_alike_are_listed() {
    let mut alike: BTreeMap<(&str, &str, String), BTreeMap<&str, &str>> = BTreeMap::new();
    for operation in operations() {
        for protocol in operation.service.protocols() {
            let name = match protocol {
                Protocol::Json => "json",
                Protocol::Query | Protocol::Ec2 => "query",
                Protocol::Cbor => "cbor",
                Protocol::RestJson | Protocol::RestXml => "rest",
            };
            let key = (operation.service.signing_name(), name, form(operation, *protocol));
            alike.entry(key).or_default().insert(operation.service.name(), operation.name);
        }
    }
    let mut groups: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for ((_, protocol, _), services) in alike.iter().filter(|(_, services)| services.len() > 1) {
        let names: Vec<&str> = services.keys().copied().collect();
        let group = groups.entry(format!("{} {protocol}", names.join("+"))).or_default();
        group.extend(services.values());
    }
    let lines: Vec<String> = groups
        .iter()
        .map(|(group, names)| {
            let names: Vec<&str> = names.iter().copied().collect();
            format!("{group}: {}", names.join(" "))
        })
        .collect();
    let listed: Vec<&str> = include_str!("alike.txt").lines().collect();
    assert_eq!(lines, listed, "{}", lines.join("\n"));
}
