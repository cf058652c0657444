//! Which partition keys a `WHERE` clause leaves.

use std::collections::BTreeSet;

use super::Token;

/// The keys that a condition leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pinned {
    /// These alone.
    These(BTreeSet<String>),
    /// Some, by a value that is not given or cannot be read.
    Hidden,
    /// Some that it tells otherwise than by their values.
    Some,
    /// Every key: it says nothing of them.
    Any,
}

impl Pinned {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::These(a), Self::These(b)) if a == b => Self::These(a),
            // Two lists may have no key in common; which one is looked up, nobody
            // tells.
            (Self::These(_), Self::These(_)) | (Self::Hidden, _) | (_, Self::Hidden) => {
                Self::Hidden
            }
            (Self::These(keys), _) | (_, Self::These(keys)) => Self::These(keys),
            (Self::Any, other) | (other, Self::Any) => other,
            (Self::Some, Self::Some) => Self::Some,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::These(mut a), Self::These(b)) => {
                a.extend(b);
                Self::These(a)
            }
            (Self::Any, Self::Any) => Self::Any,
            (Self::Hidden, Self::Hidden | Self::These(_)) | (Self::These(_), Self::Hidden) => {
                Self::Hidden
            }
            _ => Self::Some,
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Any => Self::Any,
            _ => Self::Some,
        }
    }
}

/// The partition key, and the values of the statement's parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) key: &'a str,
    pub(super) parameters: &'a [Option<String>],
}

impl About<'_> {
    /// What a clause leaves; none where it is not well formed.
    pub(super) fn pinned(&self, clause: &[Token]) -> Option<Pinned> {
        if clause.is_empty() {
            return Some(Pinned::Any);
        }
        let mut reader = Reader { about: self, rest: clause, depth: 0 };
        let found = reader.alternatives()?;
        reader.rest.is_empty().then_some(found)
    }

    /// The key of the item that an `INSERT` holds: of its own members, not of
    /// those within them.
    pub(super) fn inserted(&self, tokens: &[Token]) -> Option<String> {
        let mut depth = 0_usize;
        let mut found = None;
        for (place, token) in tokens.iter().enumerate() {
            match token {
                Token::Sign('{') => depth += 1,
                Token::Sign('}') => depth = depth.checked_sub(1)?,
                Token::Text(name) | Token::Name(name) if depth == 1 && name == self.key => {
                    let rest = tokens.get(place + 1..).unwrap_or_default();
                    if let [Token::Sign(':'), value, ..] = rest {
                        // Which of two counts, nobody tells.
                        if found.replace(self.value(value)?).is_some() {
                            return None;
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }

    fn value(&self, token: &Token) -> Option<String> {
        match token {
            Token::Text(text) => Some(text.clone()),
            Token::Word(number) if number.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                Some(number.clone())
            }
            Token::Parameter(place) => self.parameters.get(*place)?.clone(),
            Token::Word(_) | Token::Name(_) | Token::Sign(_) => None,
        }
    }

    fn is_key(&self, token: &Token) -> bool {
        token.name() == Some(self.key)
    }

    /// What one comparison leaves.
    fn comparison(&self, tokens: &[Token]) -> Pinned {
        match tokens {
            [key, Token::Sign('='), value] | [value, Token::Sign('='), key]
                if self.is_key(key) && !self.is_key(value) =>
            {
                self.values(std::slice::from_ref(value))
            }
            [key, word, Token::Sign('[' | '('), list @ .., Token::Sign(']' | ')')]
                if self.is_key(key) && word.is_word("IN") =>
            {
                self.values(list)
            }
            _ if tokens.iter().any(|token| self.is_key(token)) => Pinned::Some,
            _ => Pinned::Any,
        }
    }

    /// Values between commas.
    fn values(&self, list: &[Token]) -> Pinned {
        let mut values = BTreeSet::new();
        for part in list.split(|token| *token == Token::Sign(',')) {
            let [value] = part else { return Pinned::Hidden };
            let Some(value) = self.value(value) else { return Pinned::Hidden };
            values.insert(value);
        }
        Pinned::These(values)
    }
}

/// How deep parentheses may be nested.
const DEEPEST: usize = 64;

struct Reader<'r, 'a> {
    about: &'r About<'a>,
    rest: &'r [Token],
    depth: usize,
}

impl Reader<'_, '_> {
    fn next_is(&mut self, word: &str) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if first.is_word(word) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn alternatives(&mut self) -> Option<Pinned> {
        let mut found = self.conjunction()?;
        while self.next_is("OR") {
            found = found.or(self.conjunction()?);
        }
        Some(found)
    }

    fn conjunction(&mut self) -> Option<Pinned> {
        let mut found = self.negation()?;
        while self.next_is("AND") {
            found = found.and(self.negation()?);
        }
        Some(found)
    }

    fn negation(&mut self) -> Option<Pinned> {
        let mut negated = false;
        while self.next_is("NOT") {
            negated = !negated;
        }
        let found = self.single()?;
        Some(if negated { found.negated() } else { found })
    }

    /// A condition in parentheses, or a comparison.
    fn single(&mut self) -> Option<Pinned> {
        if let [Token::Sign('('), rest @ ..] = self.rest
            && self.depth < DEEPEST
        {
            let before = self.rest;
            (self.rest, self.depth) = (rest, self.depth + 1);
            let found = self.alternatives();
            self.depth -= 1;
            if let (Some(found), [Token::Sign(')'), rest @ ..]) = (found, self.rest) {
                let ends = rest.first().is_none_or(|next| {
                    *next == Token::Sign(')') || next.is_word("AND") || next.is_word("OR")
                });
                if ends {
                    self.rest = rest;
                    return Some(found);
                }
            }
            // A parenthesis around a value.
            self.rest = before;
        }
        self.compared()
    }

    /// Everything up to the next `AND`, `OR` or parenthesis that closes.
    fn compared(&mut self) -> Option<Pinned> {
        let (mut depth, mut between, mut length) = (0_usize, false, 0);
        for token in self.rest {
            match token {
                Token::Sign('(' | '[' | '{') => depth += 1,
                Token::Sign(')' | ']' | '}') if depth == 0 => break,
                Token::Sign(')' | ']' | '}') => depth -= 1,
                _ if depth > 0 => {}
                word if word.is_word("BETWEEN") => between = true,
                // The `AND` of a `BETWEEN`.
                word if word.is_word("AND") && between => between = false,
                word if word.is_word("AND") || word.is_word("OR") => break,
                _ => {}
            }
            length += 1;
        }
        let (comparison, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        (!comparison.is_empty() && depth == 0).then(|| self.about.comparison(comparison))
    }
}
