//! As much of PartiQL as an authorization needs: the verb, the table or index,
//! and the values that the statement asks of the partition key.

mod predicate;
#[cfg(test)]
mod tests;

use predicate::Pinned;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Select,
    Insert,
    Update,
    Delete,
}

impl Verb {
    /// The action's name.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Select => "PartiQLSelect",
            Self::Insert => "PartiQLInsert",
            Self::Update => "PartiQLUpdate",
            Self::Delete => "PartiQLDelete",
        }
    }
}

/// A statement, as far as it is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) verb: Verb,
    pub(super) table: String,
    pub(super) index: Option<String>,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A bare word or a number.
    Word(String),
    /// `"name"`.
    Name(String),
    /// `'text'`.
    Text(String),
    /// `?`, by its place among them.
    Parameter(usize),
    /// Anything else, a character at a time.
    Sign(char),
}

impl Token {
    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own.eq_ignore_ascii_case(word))
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Name(name) => Some(name),
            Self::Text(_) | Self::Parameter(_) | Self::Sign(_) => None,
        }
    }
}

impl Statement {
    /// Reads a statement of one table; none for anything else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let tokens = tokens(text)?;
        let first = tokens.first()?;
        let (verb, place) = if first.is_word("SELECT") {
            (Verb::Select, tokens.iter().position(|token| token.is_word("FROM"))? + 1)
        } else if first.is_word("INSERT") && tokens.get(1)?.is_word("INTO") {
            (Verb::Insert, 2)
        } else if first.is_word("DELETE") && tokens.get(1)?.is_word("FROM") {
            (Verb::Delete, 2)
        } else if first.is_word("UPDATE") {
            (Verb::Update, 1)
        } else {
            return None;
        };
        let froms = tokens.iter().filter(|token| token.is_word("FROM")).count();
        let table = tokens.get(place)?.name()?.to_owned();
        let after = tokens.get(place + 1);
        let index = match after {
            Some(Token::Sign('.')) => Some(tokens.get(place + 2)?.name()?.to_owned()),
            _ => None,
        };
        let next = tokens.get(if index.is_some() { place + 3 } else { place + 1 });
        // A join or a second source would need a second table's permission.
        let second_source = froms > 1 || matches!(next, Some(Token::Sign(',')));
        (!second_source).then_some(Self { verb, table, index, tokens })
    }
}

/// What a statement tells of the partition keys of the items that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keys {
    /// It is about the items with these keys alone.
    These(Vec<String>),
    /// About items of every key: a `SELECT` scans the table.
    All,
    /// About some that cannot be told: by an inequality, a function, a value
    /// that is not given.
    Unclear {
        /// Whether a `SELECT` scans the table for them.
        scans: bool,
    },
}

/// The keys that a statement is about: those of `key = VALUE`, of
/// `key IN [VALUE, …]`, of such conditions joined by `OR`, or of the item that an
/// `INSERT` holds. All else scans the table
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html>).
pub(super) fn keys(statement: &Statement, partition: &str, parameters: &[Option<String>]) -> Keys {
    let about = predicate::About { key: partition, parameters };
    if statement.verb == Verb::Insert {
        return match about.inserted(&statement.tokens) {
            Some(value) => Keys::These(vec![value]),
            None => Keys::Unclear { scans: false },
        };
    }
    match about.pinned(statement.clause()) {
        Some(Pinned::These(values)) => Keys::These(values.into_iter().collect()),
        // These change one item, which they must name.
        Some(Pinned::Any) if statement.verb == Verb::Select => Keys::All,
        Some(Pinned::Some) => Keys::Unclear { scans: true },
        Some(Pinned::Hidden | Pinned::Any) | None => Keys::Unclear { scans: false },
    }
}

impl Statement {
    /// What stands behind `WHERE`, up to the next clause.
    fn clause(&self) -> &[Token] {
        let mut parts = self.tokens.splitn(2, |token| token.is_word("WHERE"));
        let clause = parts.nth(1).unwrap_or_default();
        let ends = |token: &Token| token.is_word("ORDER") || token.is_word("RETURNING");
        clause.split(ends).next().unwrap_or_default()
    }
}

/// The statement's tokens; none where a quote stays open.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut parameters = 0;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\'' => {
                let mut content = String::new();
                loop {
                    let next = characters.next()?;
                    if next != character {
                        content.push(next);
                    } else if characters.peek() == Some(&character) {
                        characters.next();
                        content.push(character);
                    } else {
                        break;
                    }
                }
                tokens.push(if character == '"' {
                    Token::Name(content)
                } else {
                    Token::Text(content)
                });
            }
            _ if character.is_whitespace() => {}
            _ if character.is_alphanumeric() || matches!(character, '_' | '-') => {
                let mut word = String::from(character);
                // A number has its point; between names it is a path.
                let number = character.is_ascii_digit() || character == '-';
                while let Some(next) = characters.next_if(|next| {
                    next.is_alphanumeric() || matches!(next, '_' | '-') || (number && *next == '.')
                }) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            '?' => {
                tokens.push(Token::Parameter(parameters));
                parameters += 1;
            }
            sign => tokens.push(Token::Sign(sign)),
        }
    }
    Some(tokens)
}
