//! What differs between two readings, in what Layer 1 applied.

use std::collections::VecDeque;

use ringfence_guard::journal::{Check, Ending, Entry};
use serde_json::Value;

use super::left::LeftToOthers;
use super::snapshot::{Object, ObjectId, Snapshot, reads};

/// How many calls are named for one change.
const NAMED: usize = 3;

/// A member of an object that is not as it was.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// The object.
    pub object: ObjectId,
    /// The member; none where the object itself is gone.
    pub member: Option<String>,
    /// What it was.
    pub before: Value,
    /// What it is; null where it is gone.
    pub after: Value,
    /// The object's ARNs, by which the journal knows it.
    arns: Vec<String>,
}

/// What of `baseline` is otherwise in `now` than it was in `before`; what others
/// may change is no change, and what they added is none either.
pub(super) fn between(
    baseline: &Snapshot,
    before: &Snapshot,
    now: &Snapshot,
    left: &LeftToOthers,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (id, _) in baseline.objects() {
        match (before.get(id), now.get(id)) {
            // It was gone before, and was told then.
            (None, None) => {}
            (Some(old), Some(new)) => {
                let unknown = |member: &str| {
                    [baseline, before, now].iter().any(|read| read.is_unknown(id, Some(member)))
                };
                changes.extend(members(id, old, new, left, unknown));
            }
            // A question that was not answered says nothing.
            _ if [before, now].iter().any(|read| read.is_unknown(id, None)) => {}
            (Some(old), None) => changes.push(whole(id, old, true)),
            (None, Some(new)) => changes.push(whole(id, new, false)),
        }
    }
    changes
}

fn whole(id: &ObjectId, object: &Object, gone: bool) -> Change {
    let content = Value::Object(object.members.clone().into_iter().collect());
    let (before, after) = if gone { (content, Value::Null) } else { (Value::Null, content) };
    Change { object: id.clone(), member: None, before, after, arns: object.arns.clone() }
}

fn members(
    id: &ObjectId,
    old: &Object,
    new: &Object,
    left: &LeftToOthers,
    unknown: impl Fn(&str) -> bool,
) -> Vec<Change> {
    let mut names: Vec<&String> = old.members.keys().chain(new.members.keys()).collect();
    names.sort();
    names.dedup();
    let of = |object: &Object, name: &str| object.members.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .map(|name| (name, of(old, name), of(new, name)))
        .filter(|(name, before, after)| before != after && !left.covers(id, name) && !unknown(name))
        .map(|(name, before, after)| Change {
            object: id.clone(),
            member: Some(name.clone()),
            before,
            after,
            arns: new.arns.clone(),
        })
        .collect()
}

/// A call that may have made a change, with the permission that let it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// The id of its line in the journal.
    pub request_id: String,
    /// Who made it.
    pub principal: String,
    /// `iam:PutRolePolicy`.
    pub call: String,
    /// What was checked on the object.
    pub check: Check,
}

/// What could have made each of some changes, by a journal that is read entry by entry.
#[derive(Debug)]
pub(super) struct Causes<'c>(Vec<(&'c Change, VecDeque<Cause>)>);

impl<'c> Causes<'c> {
    pub(super) fn of(changes: &'c [Change]) -> Self {
        Self(changes.iter().map(|change| (change, VecDeque::new())).collect())
    }

    /// Takes an entry that is later than all before.
    pub(super) fn take(&mut self, entry: &Entry) {
        if entry.outcome != Ending::Allowed || !entry.may_be_done() || reads(&entry.operation) {
            return;
        }
        for (change, causes) in &mut self.0 {
            if let Some(cause) = change.cause(entry) {
                causes.push_front(cause);
                causes.truncate(NAMED);
            }
        }
    }

    /// Each change with the latest calls that could have made it: allowed ones that
    /// write, authorized on the object or on what lies in it.
    pub(super) fn told(self) -> impl Iterator<Item = (&'c Change, Vec<Cause>)> {
        self.0.into_iter().map(|(change, causes)| (change, causes.into()))
    }
}

impl Change {
    fn cause(&self, entry: &Entry) -> Option<Cause> {
        let check = entry.checks.iter().find(|check| self.is_about(&check.resource))?;
        Some(Cause {
            request_id: entry.request_id.clone(),
            principal: entry.principal.clone(),
            call: format!("{}:{}", entry.service, entry.operation),
            check: check.clone(),
        })
    }

    fn is_about(&self, resource: &str) -> bool {
        self.arns.iter().filter(|arn| !arn.is_empty()).any(|arn| {
            resource
                .strip_prefix(arn.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
        })
    }

    /// What changed, in one line.
    pub(super) fn told(&self) -> String {
        let Some(member) = &self.member else {
            let how = if self.after.is_null() { "is gone" } else { "is there again" };
            return format!("{} {how}", self.object);
        };
        let (before, after) = differing(&self.before, &self.after);
        format!("{member} of {} was {before} and is {after}", self.object)
    }
}

/// The innermost place at which two values differ, as JSON, cut where it is
/// long: the record of the run has both hashes and the journal the call.
fn differing(before: &Value, after: &Value) -> (String, String) {
    if let (Value::Object(old), Value::Object(new)) = (before, after) {
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort();
        names.dedup();
        let mut differ = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
        if let (Some(name), None) = (differ.next(), differ.next()) {
            let of = |members: &serde_json::Map<String, Value>| {
                members.get(name).cloned().unwrap_or_default()
            };
            let (before, after) = differing(&of(old), &of(new));
            return (format!("{name}: {before}"), format!("{name}: {after}"));
        }
    }
    (cut(before), cut(after))
}

fn cut(value: &Value) -> String {
    const LONGEST: usize = 400;
    let text = if value.is_null() { "absent".to_owned() } else { value.to_string() };
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn id(kind: &'static str, name: &str) -> ObjectId {
        ObjectId { kind, name: name.to_owned() }
    }

    fn role(trust: &str, tags: Value) -> (ObjectId, Object) {
        let members = BTreeMap::from([
            ("AssumeRolePolicyDocument".to_owned(), json!({"Principal": trust})),
            ("Tags".to_owned(), tags),
        ]);
        let arns = vec!["arn:aws:iam::123456789012:role/r".to_owned()];
        (id("role", "r"), Object { members, arns })
    }

    fn entry(operation: &str, resource: &str, outcome: Ending) -> Entry {
        let check = json!({"action": format!("iam:{operation}"), "resource": resource,
            "outcome": "allow", "layer": "identity", "explanation": "allowed",
            "statements": [{"policy": "role/d/inline/p", "sid": "Hole", "index": 0}]});
        serde_json::from_value(json!({"time": "t", "request_id": operation, "principal": "d",
            "service": "iam", "operation": operation, "called_via": [], "checks": [check],
            "outcome": outcome, "error": null, "status": 200, "upstream_status": 200,
            "duration_us": 1}))
        .unwrap()
    }

    #[test]
    fn a_changed_member_is_told_with_the_calls_that_could_have_changed_it() {
        let before = Snapshot::of([role("a", json!([]))]);
        let after =
            Snapshot::of([role("b", json!([])), (id("role", "new"), role("x", json!([])).1)]);
        let changes = between(&before, &before, &after, &LeftToOthers::default());
        assert_eq!(changes.len(), 1, "what was added is no change: {changes:?}");
        assert_eq!(
            changes[0].told(),
            "AssumeRolePolicyDocument of role r was Principal: \"a\" and is Principal: \"b\""
        );
        let arn = "arn:aws:iam::123456789012:role/r";
        let journal = [
            entry("UpdateAssumeRolePolicy", arn, Ending::Allowed),
            entry("GetRole", arn, Ending::Allowed),
            entry("DeleteRole", arn, Ending::Denied),
            entry("TagRole", "arn:aws:iam::123456789012:role/r2", Ending::Allowed),
        ];
        let told = causes(&changes, &journal);
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].call, "iam:UpdateAssumeRolePolicy");
        assert_eq!(told[0].check.statements[0].sid.as_deref(), Some("Hole"));
        assert_eq!(between(&before, &before, &before, &LeftToOthers::default()), []);
    }

    fn causes(changes: &[Change], journal: &[Entry]) -> Vec<Vec<Cause>> {
        let mut causes = Causes::of(changes);
        journal.iter().for_each(|entry| causes.take(entry));
        causes.told().map(|(_, causes)| causes).collect()
    }

    #[test]
    fn of_many_calls_the_latest_are_named_and_the_last_first() {
        let before = Snapshot::of([role("a", json!([]))]);
        let after = Snapshot::of([role("b", json!(["t"]))]);
        let changes = between(&before, &before, &after, &LeftToOthers::default());
        let arn = "arn:aws:iam::123456789012:role/r";
        let calls = ["TagRole", "UntagRole", "UpdateAssumeRolePolicy", "PutRolePolicy"];
        let journal = calls.map(|call| entry(call, arn, Ending::Allowed));
        let names = |causes: &Vec<Cause>| -> Vec<String> {
            causes.iter().map(|cause| cause.request_id.clone()).collect()
        };
        let told: Vec<Vec<String>> = causes(&changes, &journal).iter().map(names).collect();
        let latest = ["PutRolePolicy", "UpdateAssumeRolePolicy", "UntagRole"].map(str::to_owned);
        assert_eq!(told, [latest.clone().to_vec(), latest.to_vec()]);
    }

    #[test]
    fn what_is_gone_is_told_once() {
        let before = Snapshot::of([role("a", json!([]))]);
        let gone = Snapshot::default();
        let left = LeftToOthers::default();
        let changes = between(&before, &before, &gone, &left);
        assert_eq!(changes[0].told(), "role r is gone");
        assert_eq!(between(&before, &gone, &gone, &left), []);
        assert_eq!(between(&before, &gone, &before, &left)[0].told(), "role r is there again");
    }
}
