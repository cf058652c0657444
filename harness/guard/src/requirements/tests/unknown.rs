//! The condition keys that a mapped action carries and nothing knows, all of
//! them: the set cannot grow unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ringfence_policy::catalog;
use ringfence_wire::Service;

use super::unmapped::full_input;
use super::{ask_as, root};
use crate::requirements::known::{How, is_declared, spelled, table};

/// Every action that a mapping asks for.
async fn mapped() -> BTreeSet<String> {
    let mut mapped = BTreeSet::new();
    mapped.insert("execute-api:Invoke".to_owned());
    mapped.insert("lambda:InvokeFunctionUrl".to_owned());
    for service in Service::ALL {
        for operation in &service.model().operations {
            let asked = ask_as(&root(), service, operation.name, full_input(operation)).await;
            mapped.extend(asked.unwrap_or_default().into_iter().map(|asked| asked.action));
        }
    }
    mapped
}

#[tokio::test]
async fn exactly_these_keys_are_unknown() {
    let mut unknown = BTreeMap::<(String, String), Vec<String>>::new();
    for name in mapped().await {
        let Some(action) = catalog::action(&name) else { continue };
        let service = catalog::service(name.split(':').next().unwrap()).unwrap();
        let mut keys = BTreeSet::new();
        for key in service.keys_of(action) {
            if !is_declared(&service.prefix, &action.name, &key) {
                let kind = key.resource_type.map_or("-", |kind| kind.name.as_str());
                keys.insert((spelled(key.key), kind.to_owned()));
            }
        }
        for (key, kind) in keys {
            unknown.entry((key, kind)).or_default().push(name.clone());
        }
    }
    // Key by key: with which resource types, for which actions.
    let mut found = String::new();
    for ((key, kind), actions) in &unknown {
        writeln!(found, "{key} {kind} {}", actions.join(" ")).unwrap();
    }
    println!("{} keys of resource types are unknown", unknown.len());
    let expected = include_str!("unknown.txt");
    if found != expected {
        std::fs::write(std::env::temp_dir().join("unknown.txt"), &found).unwrap();
    }
    assert_eq!(found, expected, "the set of unknown keys has changed");
}

#[tokio::test]
async fn every_declaration_is_about_keys_of_the_catalogue() {
    let mapped = mapped().await;
    for prefix in catalog::prefixes() {
        let service = catalog::service(prefix).unwrap();
        for known in table(prefix) {
            if let How::Absent(reason) = known.how {
                assert!(!reason.is_empty());
            }
            let used = mapped.iter().filter_map(|name| {
                let (own, name) = name.split_once(':').unwrap();
                service.action(name).filter(|_| own == prefix)
            });
            let declares = |action: &catalog::Action| {
                service.keys_of(action).any(|key| {
                    let kind = key.resource_type.map(|kind| kind.name.as_str());
                    known.declares(&action.name, kind, &spelled(key.key))
                })
            };
            assert!(used.into_iter().any(declares), "{prefix}: nothing is declared by {known:?}");
        }
    }
}
