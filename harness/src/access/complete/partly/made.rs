//! What functions and templates make of what is known in part.

use hcl_edit::expr::{Expression, FuncCall};
use hcl_edit::template::{Element, Strip};
use serde_json::Value as Json;

use super::{Reader, is_left_out, is_of_texts, is_plain, only, told};
use crate::access::complete::calls::is_tuple;
use crate::access::complete::evaluate::{Scope, composed, text};
use crate::access::partial::{Part, Text};

impl Reader<'_, '_> {
    /// What a function makes of what is known in part.
    pub(super) fn called(&self, call: &FuncCall, scope: &Scope<'_>, depth: usize) -> Option<Part> {
        let name = call.name.name.as_str();
        let first = call.args.get(0)?;
        match (name, call.args.len()) {
            ("concat", _) => self.concat(call, scope, depth),
            ("try", _) => {
                let counts = self.world.tried(call, scope, depth)?;
                Some(self.partly(counts, scope, depth))
            }
            ("coalesce", _) => {
                let mut all = call.args.iter().map(|one| self.partly(one, scope, depth));
                // What is not known may be nothing.
                all.find(|one| !is_left_out(one)).filter(is_a_text)
            }
            ("merge", _) => self.merged(call, scope, depth),
            ("format", _) => self.formatted(call, scope, depth).map(Part::Text),
            ("join", 2) => self.joined(call, scope, depth).map(Part::Text),
            ("compact" | "distinct" | "flatten" | "one" | "tolist" | "toset", 1) => {
                match self.partly(first, scope, depth) {
                    Part::List(items) => of_list(name, items),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Maps together, of which each has its keys known: what comes later counts.
    fn merged(&self, call: &FuncCall, scope: &Scope<'_>, depth: usize) -> Option<Part> {
        let mut all: Vec<(String, Part)> = Vec::new();
        for argument in &call.args {
            match self.partly(argument, scope, depth) {
                Part::Map(members) => {
                    for (key, one) in members {
                        all.retain(|(known, _)| *known != key);
                        all.push((key, one));
                    }
                }
                Part::Leaf(Json::Null) => {}
                _ => return None,
            }
        }
        Some(Part::Map(all))
    }

    /// A text by `format`, with `%s`, `%d` and `%%`.
    fn formatted(&self, call: &FuncCall, scope: &Scope<'_>, depth: usize) -> Option<Text> {
        let mut arguments = call.args.iter();
        let Json::String(format) = self.world.value(arguments.next()?, scope)? else {
            return None;
        };
        let mut pieces = Pieces::default();
        let mut rest = format.as_str();
        while let Some((before, after)) = rest.split_once('%') {
            pieces.push(before);
            let verb = after.chars().next()?;
            match verb {
                '%' => pieces.push("%"),
                's' | 'd' => self.put(&mut pieces, arguments.next()?, scope, depth),
                _ => return None,
            }
            rest = after.get(verb.len_utf8()..)?;
        }
        pieces.push(rest);
        if arguments.next().is_some() {
            return None;
        }
        pieces.done()
    }

    /// A text by `join`. What is not known may be several items, or none: no separator
    /// beside it is known.
    fn joined(&self, call: &FuncCall, scope: &Scope<'_>, depth: usize) -> Option<Text> {
        let Json::String(by) = self.world.value(call.args.get(0)?, scope)? else { return None };
        let list = call.args.get(1).filter(|list| is_in_order(list))?;
        let Part::List(items) = self.partly(list, scope, depth) else { return None };
        let mut pieces = Pieces::default();
        let mut is_beside = false;
        for item in items {
            if let Part::Open(written) = item {
                pieces.open(written);
                is_beside = false;
                continue;
            }
            if is_beside {
                pieces.push(&by);
            }
            match item {
                Part::Leaf(value) => pieces.push(&text(&value)?),
                Part::Text(text) => pieces.put(text),
                _ => return None,
            }
            is_beside = true;
        }
        pieces.done()
    }

    /// A value within a text.
    fn put(&self, pieces: &mut Pieces, written: &Expression, scope: &Scope<'_>, depth: usize) {
        match self.partly(written, scope, depth) {
            Part::Leaf(value) => match text(&value) {
                Some(known) => pieces.push(&known),
                None => pieces.open(told(written)),
            },
            Part::Text(text) => pieces.put(text),
            _ => pieces.open(told(written)),
        }
    }

    /// Lists one behind another: beside one that is written out nothing has its type changed,
    /// nor is a text anything else beside another list.
    fn concat(&self, call: &FuncCall, scope: &Scope<'_>, depth: usize) -> Option<Part> {
        let mut all = Vec::new();
        for argument in &call.args {
            match self.partly(argument, scope, depth) {
                Part::List(items) => all.extend(items),
                // Any number of them.
                open => all.push(Part::Open(match open {
                    Part::Open(written) => written,
                    _ => told(argument),
                })),
            }
        }
        let is_kept = call.args.iter().any(is_tuple) || all.iter().all(is_of_texts);
        is_kept.then_some(Part::List(all))
    }

    /// A text with what is known before and behind that which is not.
    pub(super) fn text(
        &self,
        elements: &mut dyn Iterator<Item = &Element>,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Text> {
        let mut pieces = Pieces::default();
        for element in elements {
            match element {
                Element::Literal(literal) => pieces.push(&composed(literal)?),
                Element::Interpolation(of) if of.strip == Strip::None => {
                    self.put(&mut pieces, &of.expr, scope, depth);
                }
                Element::Interpolation(_) | Element::Directive(_) => return None,
            }
        }
        pieces.done()
    }
}

/// A text as it is put together.
#[derive(Default)]
struct Pieces {
    before: String,
    after: String,
    open: Option<String>,
}

impl Pieces {
    fn push(&mut self, known: &str) {
        match self.open {
            None => self.before.push_str(known),
            Some(_) => self.after.push_str(known),
        }
    }

    fn open(&mut self, written: String) {
        self.after.clear();
        self.open.get_or_insert(written);
    }

    fn put(&mut self, text: Text) {
        self.push(&text.before);
        self.open(text.open);
        self.push(&text.after);
    }

    /// `None` where all of it is known.
    fn done(self) -> Option<Text> {
        Some(Text { before: self.before, after: self.after, open: self.open? })
    }
}

/// Whether it is a text, and one that is not empty.
fn is_a_text(part: &Part) -> bool {
    match part {
        Part::Leaf(Json::String(text)) => !text.is_empty(),
        Part::Text(text) => !text.before.is_empty() || !text.after.is_empty(),
        _ => false,
    }
}

/// What a function makes of a list. An item that is not known may be left out, or several.
fn of_list(name: &str, items: Vec<Part>) -> Option<Part> {
    match name {
        "compact" => {
            let given = items.into_iter().filter(|one| !is_left_out(one));
            let all = given.map(|one| match one {
                Part::Leaf(value) => text(&value).map(|text| Part::Leaf(Json::String(text))),
                Part::Text(_) | Part::Open(_) => Some(one),
                Part::List(_) | Part::Map(_) => None,
            });
            all.collect::<Option<Vec<_>>>().map(Part::List)
        }
        "flatten" => {
            let mut all = Vec::new();
            flat(items, &mut all);
            Some(Part::List(all))
        }
        "one" => only(items).filter(|one| !matches!(one, Part::Open(_))),
        // Texts are texts, in whatever order.
        _ => {
            let all = Part::List(items);
            is_of_texts(&all).then_some(all)
        }
    }
}

fn flat(items: Vec<Part>, out: &mut Vec<Part>) {
    for item in items {
        match item {
            Part::List(inner) => flat(inner, out),
            other => out.push(other),
        }
    }
}

/// Whether the items of a list stand in the order in which they are written: those of a set
/// have one of their own.
fn is_in_order(list: &Expression) -> bool {
    match list {
        Expression::FuncCall(call) if is_plain(call, "compact") || is_plain(call, "concat") => {
            call.args.iter().all(is_tuple)
        }
        list => is_tuple(list),
    }
}
