//! Resources that a call names further down: the virtual services in the backends of
//! a virtual node. For types that the reference lists as possible.

use super::paths::{Path, Step};
use super::resources::{plain, same_name, variables};
use super::{Named, Part, Source};
use crate::actions::ResourceType;
use crate::model::Model;
use crate::operation::Operation;
use crate::shape::{Form, Kind, Member};

/// The members below the first level that are called as the type's name or id is.
pub(super) fn named(operation: &Operation, kind: &'static ResourceType) -> Option<Named> {
    let arn = kind.arn.first().copied()?;
    let all: Vec<&'static str> = variables(arn).collect();
    let (last, before) = all.split_last()?;
    let mut parts = Vec::with_capacity(all.len());
    for variable in before {
        let paths = vec![same_name(operation, variable)?];
        parts.push(Part { variable, source: Source { paths, ..Source::default() } });
    }
    let own = plain(kind.name);
    // A name stands for no id, nor an id for a name.
    let ends: &[&str] = if last.ends_with("Name") { &["name"] } else { &["id", "identifier"] };
    let mut words: Vec<String> = ends.iter().map(|end| format!("{own}{end}")).collect();
    words.extend(Some(plain(last)).filter(|last| last.contains(&own)));
    let mut walk = Walk { model: operation.service.model(), words, found: Vec::new() };
    for member in &*operation.members {
        walk.below(member, &Path::member(member), &mut Vec::new());
    }
    if walk.found.is_empty() {
        return None;
    }
    let source = Source { paths: walk.found, ..Source::default() };
    parts.push(Part { variable: last, source });
    Some(Named::Parts { arn, parts, account: None })
}

struct Walk {
    model: &'static Model,
    words: Vec<String>,
    found: Vec<Path>,
}

impl Walk {
    /// A shape that holds itself is gone through once.
    fn below(&mut self, member: &Member, at: &Path, above: &mut Vec<&'static str>) {
        let Some(shape) = self.model.shape_of(member) else { return };
        if above.contains(&shape.name) {
            return;
        }
        above.push(shape.name);
        match &shape.form {
            Form::Scalar => {}
            Form::Structure(members) => {
                for member in members.iter() {
                    let path = at.and(Step::Member { name: member.name, wire: member.wire });
                    if member.kind == Kind::String && self.words.contains(&plain(member.name)) {
                        self.found.push(path);
                    } else {
                        self.below(member, &path, above);
                    }
                }
            }
            Form::List(item) => self.below(item, &at.and(Step::Items { wire: item.wire }), above),
            Form::Map { value, .. } => {
                self.below(value, &at.and(Step::Values { ending: "" }), above);
            }
        }
        above.pop();
    }
}
