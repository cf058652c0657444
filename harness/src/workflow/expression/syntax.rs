//! The grammar of expressions.
//!
//! `||` binds weakest, then `&&`, `==` and `!=`, the orders, `!`, and last what
//! reaches into a value: `.name`, `[…]`, `.*`.

use super::ExpressionError;
use super::functions::Function;
use super::token::{Kind, Token, tokens};
use super::value::Value;

/// GitHub's own bounds, by its runner's `ExpressionConstants`.
const LONGEST: usize = 21_000;
const DEEPEST: usize = 50;

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    Literal(Value),
    /// A context, in lower case.
    Context(String),
    Call(Function, Vec<Tree>),
    Member(Box<Tree>, Box<Tree>),
    /// `.*`
    Every(Box<Tree>),
    Not(Box<Tree>),
    Compare(Comparison, Box<Tree>, Box<Tree>),
    All(Vec<Tree>),
    Any(Vec<Tree>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Reads an expression. `known` says of a context whether it is to be had, and
/// of a function whether it can be called, where the expression stands.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn read(
    text: &str,
    context: &dyn Fn(&str) -> bool,
    function: &dyn Fn(Function) -> bool,
) -> Result<Option<Tree>, ExpressionError> {
    if text.chars().count() > LONGEST {
        let message = format!("Exceeded max expression length {LONGEST}");
        return Err(ExpressionError::plain(message));
    }
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader { text, tokens: &tokens, next: 0, depth: 0, context, function };
    let tree = reader.any()?;
    match reader.peek() {
        None => Ok(Some(tree.0)),
        Some(token) => Err(reader.unexpected(token)),
    }
}

/// A tree and its height.
type Grown = (Tree, usize);

struct Reader<'t> {
    text: &'t str,
    tokens: &'t [Token],
    next: usize,
    depth: usize,
    context: &'t dyn Fn(&str) -> bool,
    function: &'t dyn Fn(Function) -> bool,
}

impl<'t> Reader<'t> {
    fn any(&mut self) -> Result<Grown, ExpressionError> {
        self.deeper()?;
        let found = self.series("||", Self::all, Tree::Any);
        self.depth -= 1;
        found
    }

    fn all(&mut self) -> Result<Grown, ExpressionError> {
        self.series("&&", Self::equality, Tree::All)
    }

    fn series(
        &mut self,
        sign: &'static str,
        part: fn(&mut Self) -> Result<Grown, ExpressionError>,
        join: fn(Vec<Tree>) -> Tree,
    ) -> Result<Grown, ExpressionError> {
        let first = part(self)?;
        if !self.is(sign) {
            return Ok(first);
        }
        let (mut parts, mut height) = (vec![first.0], first.1);
        while self.took(sign) {
            let (tree, more) = part(self)?;
            parts.push(tree);
            height = height.max(more);
        }
        self.grown(join(parts), height)
    }

    fn equality(&mut self) -> Result<Grown, ExpressionError> {
        let signs = [("==", Comparison::Equal), ("!=", Comparison::Unequal)];
        self.compared(&signs, Self::order)
    }

    fn order(&mut self) -> Result<Grown, ExpressionError> {
        let signs = [
            (">=", Comparison::GreaterOrEqual),
            ("<=", Comparison::LessOrEqual),
            (">", Comparison::Greater),
            ("<", Comparison::Less),
        ];
        self.compared(&signs, Self::not)
    }

    fn compared(
        &mut self,
        signs: &[(&'static str, Comparison)],
        part: fn(&mut Self) -> Result<Grown, ExpressionError>,
    ) -> Result<Grown, ExpressionError> {
        let mut left = part(self)?;
        while let Some((_, comparison)) = signs.iter().find(|(sign, _)| self.is(sign)) {
            self.next += 1;
            let right = part(self)?;
            let height = left.1.max(right.1);
            let tree = Tree::Compare(*comparison, Box::new(left.0), Box::new(right.0));
            left = self.grown(tree, height)?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Grown, ExpressionError> {
        if !self.took("!") {
            return self.reaching();
        }
        self.deeper()?;
        let (tree, height) = self.not()?;
        self.depth -= 1;
        self.grown(Tree::Not(Box::new(tree)), height)
    }

    fn reaching(&mut self) -> Result<Grown, ExpressionError> {
        let first = self.peek().cloned();
        let (mut tree, mut height) = self.primary()?;
        // Nothing can be reached of a literal.
        let named = matches!(first.map(|token| token.kind), Some(Kind::Name | Kind::Sign("(")));
        while named && !matches!(tree, Tree::Literal(_)) {
            (tree, height) = if self.took("[") {
                let by = if self.took("*") { None } else { Some(self.any()?) };
                self.expect("]")?;
                self.member(tree, height, by)?
            } else if self.took(".") {
                if self.took("*") {
                    self.member(tree, height, None)?
                } else {
                    let name = self.name()?.written.as_str().into();
                    self.member(tree, height, Some((Tree::Literal(name), 1)))?
                }
            } else {
                break;
            };
        }
        Ok((tree, height))
    }

    fn member(&self, of: Tree, height: usize, by: Option<Grown>) -> Result<Grown, ExpressionError> {
        match by {
            None => self.grown(Tree::Every(Box::new(of)), height),
            Some((by, more)) => {
                self.grown(Tree::Member(Box::new(of), Box::new(by)), height.max(more))
            }
        }
    }

    fn primary(&mut self) -> Result<Grown, ExpressionError> {
        let Some(token) = self.peek() else { return Err(self.ended()) };
        let literal = |value: Value| Ok((Tree::Literal(value), 1));
        match &token.kind {
            Kind::Sign("(") => {
                self.next += 1;
                let inner = self.any()?;
                self.expect(")")?;
                Ok(inner)
            }
            Kind::Sign(_) => Err(self.unexpected(token)),
            Kind::Text(text) => {
                self.next += 1;
                literal(text.as_str().into())
            }
            Kind::Number(number) => {
                self.next += 1;
                literal(Value::Number(*number))
            }
            Kind::Name => {
                self.next += 1;
                if self.took("(") {
                    return self.call(token);
                }
                match token.written.as_str() {
                    "true" => literal(Value::Bool(true)),
                    "false" => literal(Value::Bool(false)),
                    "null" => literal(Value::Null),
                    name => {
                        let name = name.to_ascii_lowercase();
                        match (self.context)(&name) {
                            true => Ok((Tree::Context(name), 1)),
                            false => Err(self.fault("Unrecognized named-value", token)),
                        }
                    }
                }
            }
        }
    }

    fn call(&mut self, name: &'t Token) -> Result<Grown, ExpressionError> {
        let function = Function::named(&name.written).filter(|it| (self.function)(*it));
        let Some(function) = function else {
            return Err(self.fault("Unrecognized function", name));
        };
        let (mut arguments, mut height) = (Vec::new(), 0);
        while !self.took(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            let (tree, more) = self.any()?;
            arguments.push(tree);
            height = height.max(more);
        }
        match function.faults(arguments.len()) {
            None => self.grown(Tree::Call(function, arguments), height),
            Some(message) => Err(self.fault(message, name)),
        }
    }

    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.next)
    }

    fn is(&self, sign: &str) -> bool {
        self.peek().is_some_and(|token| matches!(token.kind, Kind::Sign(it) if it == sign))
    }

    fn took(&mut self, sign: &str) -> bool {
        let there = self.is(sign);
        self.next += usize::from(there);
        there
    }

    fn name(&mut self) -> Result<&'t Token, ExpressionError> {
        match self.peek() {
            Some(token) if token.kind == Kind::Name => {
                self.next += 1;
                Ok(token)
            }
            Some(token) => Err(self.unexpected(token)),
            None => Err(self.ended()),
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), ExpressionError> {
        match self.peek() {
            _ if self.took(sign) => Ok(()),
            Some(token) => Err(self.unexpected(token)),
            None => Err(self.ended()),
        }
    }

    fn deeper(&mut self) -> Result<(), ExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(too_deep()) } else { Ok(()) }
    }

    #[expect(clippy::unused_self, reason = "reads as the other steps do")]
    fn grown(&self, tree: Tree, height: usize) -> Result<Grown, ExpressionError> {
        if height >= DEEPEST { Err(too_deep()) } else { Ok((tree, height + 1)) }
    }

    fn unexpected(&self, token: &Token) -> ExpressionError {
        self.fault("Unexpected symbol", token)
    }

    fn ended(&self) -> ExpressionError {
        match self.tokens.last() {
            Some(token) => self.fault("Unexpected end of expression", token),
            None => ExpressionError::plain("Unexpected end of expression".to_owned()),
        }
    }

    fn fault(&self, what: &str, token: &Token) -> ExpressionError {
        ExpressionError::placed(what, &token.written, token.at, self.text)
    }
}

fn too_deep() -> ExpressionError {
    ExpressionError::plain(format!("Exceeded max expression depth {DEEPEST}"))
}

impl Tree {
    /// Every function that it calls.
    pub(super) fn calls(&self, wanted: &dyn Fn(Function) -> bool) -> bool {
        match self {
            Self::Literal(_) | Self::Context(_) => false,
            Self::Call(function, arguments) => {
                wanted(*function) || arguments.iter().any(|it| it.calls(wanted))
            }
            Self::Member(of, by) => of.calls(wanted) || by.calls(wanted),
            Self::Every(of) | Self::Not(of) => of.calls(wanted),
            Self::Compare(_, left, right) => left.calls(wanted) || right.calls(wanted),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|it| it.calls(wanted)),
        }
    }

    /// The names that lead to a value where it is one of a context: `vars`,
    /// `NAME`.
    pub(super) fn path(&self) -> Option<Vec<&str>> {
        match self {
            Self::Context(name) => Some(vec![name]),
            Self::Member(of, by) => {
                let mut path = of.path()?;
                match by.as_ref() {
                    Self::Literal(Value::Text(name)) => path.push(name),
                    _ => return None,
                }
                Some(path)
            }
            _ => None,
        }
    }

    /// Every such path in it.
    pub(super) fn paths<'t>(&'t self, found: &mut Vec<Vec<&'t str>>) {
        if let Some(path) = self.path() {
            found.push(path);
            return;
        }
        match self {
            Self::Literal(_) | Self::Context(_) => {}
            Self::Call(_, parts) | Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|it| it.paths(found));
            }
            Self::Member(of, by) => {
                of.paths(found);
                by.paths(found);
            }
            Self::Every(of) | Self::Not(of) => of.paths(found),
            Self::Compare(_, left, right) => {
                left.paths(found);
                right.paths(found);
            }
        }
    }
}
