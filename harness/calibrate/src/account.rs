//! Account ids: a run's account is not the account that is asked.

/// The text with one account id in place of another, wherever it stands by
/// itself: not as a part of a longer number.
pub fn rewritten(text: &str, from: &str, to: &str) -> String {
    if from.is_empty() || from == to {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once(from) {
        let left = head.chars().next_back().or(before);
        let right = tail.chars().next();
        let alone = ![left, right].into_iter().flatten().any(|it| it.is_ascii_digit());
        out.push_str(head);
        out.push_str(if alone { to } else { from });
        before = from.chars().next_back();
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_rewritten_where_it_stands_by_itself() {
        let text = "arn:aws:iam::123456789012:role/a 9123456789012 1234567890123 \"123456789012\"";
        assert_eq!(
            rewritten(text, "123456789012", "999999999999"),
            "arn:aws:iam::999999999999:role/a 9123456789012 1234567890123 \"999999999999\""
        );
    }

    #[test]
    fn ids_that_stand_side_by_side_are_one_longer_number() {
        let text = "123456789012123456789012";
        assert_eq!(rewritten(text, "123456789012", "999999999999"), text);
    }
}
