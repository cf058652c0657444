//! What hangs on the name of an identity of which AWS, or the stack, chooses a part. Whatever the
//! name is, an entry of a policy covers it or does not where the entry says nothing of that part.

use std::sync::Arc;

use ringfence_policy::symbolic::{Named, StatementView, statements};
use ringfence_policy::{Document, Principal};

use crate::access::estate::{Entry, Estate};
use crate::access::unnamed::{asks_for_name, documents, form, meet};

/// What of the files may speak of the name of an identity; `None` where nothing does.
pub(super) fn speaks_of(estate: &Estate, principal: &Principal) -> Option<String> {
    let arns = match principal {
        Principal::RoleSession { role_arn, session_arn } => vec![role_arn, session_arn],
        Principal::User { arn } => vec![arn],
        _ => Vec::new(),
    };
    let forms: Vec<Form> = arns.into_iter().filter_map(|arn| Form::of(arn)).collect();
    let may_be_it = |text: &&str| forms.iter().any(|form| form.hangs(text));
    for entry in estate.entries.values() {
        for document in all_documents(entry) {
            if asks_for_name(document) {
                return Some(format!("`{}` asks for it", document.name()));
            }
            let found = statements(document).find_map(|one| written(one).find(may_be_it));
            if let Some(text) = found {
                return Some(format!("`{}` has `{text}`", document.name()));
            }
        }
        let unread = entry.unread.iter().find_map(|unread| {
            let found = unread.patterns().find(may_be_it)?.to_owned();
            Some(format!("{}: it may have `{found}`", unread.why))
        });
        if unread.is_some() {
            return unread;
        }
    }
    None
}

/// All that an entry has, with the most and the least that what is not known of it may be.
fn all_documents(entry: &Entry) -> impl Iterator<Item = &Arc<Document>> {
    let bounded = entry.bounded.values().flat_map(|widest| {
        let boundary = widest.boundary.iter().flatten();
        widest.allows.iter().chain(&widest.denies).chain(boundary)
    });
    let restricted = entry.restricted.as_ref().map(|(_, document)| document);
    documents(&entry.policies).chain(bounded).chain(&entry.trusts_at_most).chain(restricted)
}

/// What a statement says of names: entries of `Resource`, and ARNs of principals.
fn written(statement: StatementView<'_>) -> impl Iterator<Item = &str> {
    let named = statement.principals().filter_map(|named| match named {
        Named::Arn(arn) => Some(arn),
        Named::Account(_) | Named::Service(_) | Named::Federated(_) => None,
    });
    statement.resources().map(|entry| entry.source()).chain(named)
}

/// Which ARNs one may have of whose name a part is not known.
struct Form {
    pattern: String,
    /// Names have no slash: there are as many as are known.
    slashes: usize,
}

impl Form {
    fn of(arn: &str) -> Option<Self> {
        Some(Self { pattern: form(arn)?, slashes: arn.matches('/').count() })
    }

    /// Whether it hangs on the part of the name that is not known whether an entry covers the
    /// ARN. It does not where the entry is like none of the form, or ends in `*` before that part.
    fn hangs(&self, entry: &str) -> bool {
        // What a variable stands for may be anything.
        let widest = widened(entry);
        widest.matches('/').count() <= self.slashes
            && meet(&widest, &self.pattern)
            && !(widest == entry && self.is_after(entry))
    }

    /// Whether an entry ends in `*` before the part that is not known.
    fn is_after(&self, entry: &str) -> bool {
        let head = self.pattern.split('*').next().unwrap_or_default();
        let Some(before) = entry.strip_suffix('*') else { return false };
        let is_plain = |text: &str| !text.contains(['*', '?']);
        if is_plain(before) {
            return head.starts_with(before);
        }
        // Wildcards of partition, region and account say nothing of names.
        let last = |text: &str| text.splitn(6, ':').nth(5).map(str::to_owned);
        let (Some(own), Some(of_form)) = (last(before), last(head)) else { return false };
        is_plain(&own) && of_form.starts_with(&own)
    }
}

/// An entry with `*` in the place of its variables.
fn widened(entry: &str) -> String {
    let mut widest = String::new();
    let mut rest = entry;
    while let Some((before, variable)) = rest.split_once("${") {
        widest.push_str(before);
        widest.push('*');
        rest = variable.split_once('}').map_or("", |(_, after)| after);
    }
    widest.push_str(rest);
    widest
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:role/known-after-deployment.Api";

    #[rstest]
    #[case::everything("*", false)]
    #[case::all_roles("arn:aws:iam::123456789012:role/*", false)]
    #[case::roles_of_any_account("arn:aws:iam::*:role/*", false)]
    #[case::of_any_partition("arn:*:iam::123456789012:*", false)]
    #[case::of_a_path("arn:aws:iam::123456789012:role/team/*", false)]
    #[case::all_but_a_path("arn:aws:iam::123456789012:*", false)]
    #[case::another_type("arn:aws:iam::123456789012:user/*", false)]
    #[case::another_account("arn:aws:iam::999999999999:role/x-Api-y", false)]
    #[case::another_name("arn:aws:iam::123456789012:role/deployer", false)]
    #[case::a_stack("arn:aws:iam::123456789012:role/shop-*", true)]
    #[case::a_name("arn:aws:iam::123456789012:role/shop-Api-1A", true)]
    #[case::an_end("*-ApiRole-*", true)]
    #[case::a_variable("arn:aws:iam::123456789012:role/${aws:PrincipalTag/team}-*", true)]
    #[case::a_variable_of_another("arn:aws:s3:::${aws:username}/*", false)]
    #[case::two_variables("arn:aws:s3:::${aws:username}/${aws:userid}", false)]
    fn an_entry_hangs_on_a_name_or_does_not(#[case] entry: &str, #[case] expected: bool) {
        assert_eq!(Form::of(ARN).unwrap().hangs(entry), expected);
    }
}
