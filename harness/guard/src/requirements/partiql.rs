//! As much of PartiQL as an authorization needs: the verb, the table or index,
//! and the values that the statement asks of the partition key.

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
            Self::Text(_) | Self::Sign(_) => None,
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

/// The values that a statement asks of the partition key: `key = 'text'`,
/// `key = ?`, `key IN [...]`, or the item that an INSERT holds. A statement
/// that mentions the key in another way gets one value that no key has, so
/// that a policy on `dynamodb:LeadingKeys` does not take it for a statement
/// without the key.
pub(super) fn leading_values(
    statement: &Statement,
    partition: &str,
    parameters: &[Option<String>],
) -> Vec<String> {
    let mut values = Vec::new();
    let mut mentioned = false;
    let mut question = 0;
    for (place, token) in statement.tokens.iter().enumerate() {
        if *token == Token::Sign('?') {
            question += 1;
        }
        let is_key = match token {
            Token::Word(name) | Token::Name(name) | Token::Text(name) => name == partition,
            Token::Sign(_) => false,
        };
        let before = place.checked_sub(1).and_then(|place| statement.tokens.get(place));
        if !is_key || matches!(before, Some(Token::Sign('=' | ':'))) {
            continue;
        }
        let sign = statement.tokens.get(place + 1);
        if !matches!(sign, Some(Token::Sign('=' | ':'))) {
            mentioned |= statement.verb != Verb::Select || where_clause(statement, place);
            continue;
        }
        mentioned = true;
        let value = match statement.tokens.get(place + 2) {
            Some(Token::Text(text)) => Some(text.clone()),
            Some(Token::Word(number)) => Some(number.clone()),
            Some(Token::Sign('?')) => parameters.get(question).cloned().flatten(),
            _ => None,
        };
        values.push(value.unwrap_or_default());
    }
    if values.is_empty() && mentioned {
        values.push(String::new());
    }
    values
}

fn where_clause(statement: &Statement, place: usize) -> bool {
    statement
        .tokens
        .iter()
        .position(|token| token.is_word("WHERE"))
        .is_some_and(|clause| clause < place)
}

/// The statement's tokens; none where a quote stays open.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
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
                while let Some(next) =
                    characters.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '-'))
                {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            sign => tokens.push(Token::Sign(sign)),
        }
    }
    Some(tokens)
}
