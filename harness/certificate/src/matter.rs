//! One caller's requests, and what both sides say of a part of them.
//!
//! The engine evaluates; of a test whose answer differs within the part it is told that
//! nothing is known. What it then still says holds for every request of the part.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use ringfence_policy::symbolic::{
    Action, Asks, Condition, Covered, Effect, Frame, ResourcePattern, StatementView, Truth,
    allowed, statements,
};
use ringfence_policy::{Context, Document, Policies, Principal, Request, Verdict, judge};

use crate::form::{Held, On, Why};
use crate::language::{Language, TooMany, shortest};

/// The number of a language.
type Number = usize;

/// The language of all ARNs.
const ARNS: Number = 0;
/// Keys of KMS.
const KEYS_OF_KMS: Number = 1;
/// Roles.
const ROLES: Number = 2;
/// ARNs of the caller's own account.
const OWN: Number = 3;

/// What an entry of `Resource` covers.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// A variable in it has no value: nothing is covered, and nothing left out.
    Nothing,
    Everything,
    Arns(Number),
}

/// A caller's requests, and the policies of both sides.
pub struct Matter<'p> {
    inner: &'p Policies,
    outer: &'p Policies,
    pub(crate) principal: Principal,
    pub(crate) statements: Vec<StatementView<'p>>,
    /// The keys that follow from who asks.
    pub(crate) fixed: Context,
    pub(crate) keys: Vec<Key<'p>>,
    reaches: HashMap<usize, Reach>,
    /// Under which condition a value of which class passes.
    passes: HashMap<(usize, Effect), (usize, Vec<bool>)>,
    languages: RefCell<Languages>,
}

/// A condition key, and the conditions on it.
pub(crate) struct Key<'p> {
    pub(crate) lower: String,
    pub(crate) conditions: Vec<&'p Condition>,
    /// One value of each class.
    pub(crate) values: Vec<Option<Held>>,
}

/// A part of the requests for an action.
#[derive(Debug, Clone)]
pub struct Part {
    /// Whether nothing but `*` is acted upon; not known: that or an ARN.
    star: Option<bool>,
    like: Vec<Number>,
    unlike: Vec<Number>,
    /// Of each key, the classes.
    keys: Vec<Vec<bool>>,
}

/// A request of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// What is acted upon.
    pub resource: String,
    /// The class of each key, where it is not the first.
    pub keys: BTreeMap<String, usize>,
}

/// Documents of some policies.
pub(crate) fn documents(policies: &Policies) -> impl Iterator<Item = &Document> {
    let limits = policies.boundary.iter().chain(&policies.session).flatten();
    let lists = policies.service_control.iter().flatten().chain(limits).chain(&policies.identity);
    lists.chain(&policies.resource).chain(&policies.vpc_endpoint).map(|document| &**document)
}

impl<'p> Matter<'p> {
    /// Reads policies, with the classes of their condition keys.
    ///
    /// # Errors
    /// What is not told apart here, by name.
    pub fn new(
        inner: &'p Policies,
        outer: &'p Policies,
        principal: &Principal,
        classes: &BTreeMap<String, Vec<Option<Held>>>,
    ) -> Result<Self, String> {
        if !inner.resource_control.is_empty() || !outer.resource_control.is_empty() {
            return Err("resource control policies are not checked here".to_owned());
        }
        let both = [inner, outer].into_iter().flat_map(documents);
        let mut matter = Self {
            inner,
            outer,
            principal: principal.clone(),
            statements: both.flat_map(statements).collect(),
            fixed: fixed(principal),
            keys: Vec::new(),
            reaches: HashMap::new(),
            passes: HashMap::new(),
            languages: RefCell::default(),
        };
        let own = principal.account_id().unwrap_or_default();
        let account = format!("arn:*:*:*:{own}:*");
        matter.languages.get_mut().number(Language::arns());
        for text in ["arn:*:kms:*:*:key/*", "arn:*:iam:*:*:role/*", &account] {
            matter.named(text)?;
        }
        matter.find_resources()?;
        matter.find_keys(classes)?;
        Ok(matter)
    }

    fn find_resources(&mut self) -> Result<(), String> {
        for pattern in self.statements.clone().into_iter().flat_map(StatementView::resources) {
            self.only_fixed(pattern.variables())?;
            let reach = match pattern.covered(&self.fixed) {
                None => Reach::Nothing,
                Some(Covered::Everything) => Reach::Everything,
                Some(Covered::Arns(ways)) => {
                    Reach::Arns(self.languages.get_mut().number(Language::of_arns(&ways)))
                }
            };
            if let Reach::Arns(number) = reach {
                self.languages.get_mut().name(pattern.source(), number);
            }
            self.reaches.insert(std::ptr::from_ref(pattern).addr(), reach);
        }
        Ok(())
    }

    /// Variables of the caller are constants; others are not told apart here.
    fn only_fixed<'v>(&self, mut names: impl Iterator<Item = &'v str>) -> Result<(), String> {
        let open = names.find(|name| !is_fixed(&self.principal, name));
        match open {
            None => Ok(()),
            Some(name) => {
                Err(format!("the variable `${{{name}}}` of the request is not checked here"))
            }
        }
    }

    fn find_keys(&mut self, classes: &BTreeMap<String, Vec<Option<Held>>>) -> Result<(), String> {
        let mut by_key: BTreeMap<&'p str, Vec<&'p Condition>> = BTreeMap::new();
        for condition in self.statements.iter().flat_map(|one| one.conditions()) {
            self.only_fixed(condition.variables().into_iter())?;
            by_key.entry(condition.lower_key()).or_default().push(condition);
        }
        for (lower, conditions) in by_key {
            let values = if is_fixed(&self.principal, lower) {
                vec![self.fixed.get(lower).map(Held::from)]
            } else {
                let known = classes.get(lower);
                known.cloned().ok_or_else(|| format!("the key `{lower}` has no classes"))?
            };
            let number = self.keys.len();
            for condition in &conditions {
                for effect in [Effect::Allow, Effect::Deny] {
                    let passes = values.iter().map(|value| {
                        holds(condition, &self.with([(lower, value.as_ref())]), effect)
                    });
                    let address = std::ptr::from_ref(*condition).addr();
                    self.passes.insert((address, effect), (number, passes.collect()));
                }
            }
            self.keys.push(Key { lower: lower.to_owned(), conditions, values });
        }
        Ok(())
    }

    /// The context of the caller's requests that hold these besides.
    pub(crate) fn with<'k>(
        &self,
        held: impl IntoIterator<Item = (&'k str, Option<&'k Held>)>,
    ) -> Context {
        let mut context = self.fixed.clone();
        for (key, value) in held {
            put(&mut context, key, value);
        }
        context
    }

    /// All requests.
    pub fn all(&self) -> Part {
        let keys = self.keys.iter().map(|key| vec![true; key.values.len()]).collect();
        Part { star: None, like: Vec::new(), unlike: Vec::new(), keys }
    }

    /// The number of an entry of `Resource`.
    fn named(&self, text: &str) -> Result<Number, String> {
        if let Some(number) = self.languages.borrow().names.get(text) {
            return Ok(*number);
        }
        let covered = ResourcePattern::of(text).and_then(|one| one.covered(&Context::new()));
        let Some(Covered::Arns(ways)) = covered else {
            return Err(format!("`{text}` is no pattern of ARNs"));
        };
        let mut languages = self.languages.borrow_mut();
        let number = languages.number(Language::of_arns(&ways));
        languages.name(text, number);
        Ok(number)
    }

    /// The requests of a part for which something holds, and the others.
    ///
    /// # Errors
    /// What names nothing.
    pub fn split(&self, part: &Part, on: &On) -> Result<[Part; 2], String> {
        let [mut yes, mut no] = [part.clone(), part.clone()];
        match on {
            On::Star if part.star.is_none() => {
                (yes.star, no.star) = (Some(true), Some(false));
            }
            On::Resource(text) if part.star == Some(false) => {
                let number = self.named(text)?;
                yes.like.push(number);
                no.unlike.push(number);
            }
            On::Star | On::Resource(_) => {
                return Err("what is acted upon is told apart out of order".to_owned());
            }
            On::Key { key, classes } => {
                let place = self.keys.iter().position(|one| one.lower == *key);
                let place = place.ok_or_else(|| format!("no condition is on `{key}`"))?;
                if let (Some(yes), Some(no)) = (yes.keys.get_mut(place), no.keys.get_mut(place)) {
                    for (class, (yes, no)) in yes.iter_mut().zip(no).enumerate() {
                        let is_in = classes.contains(&class);
                        (*yes, *no) = (*yes && is_in, *no && !is_in);
                    }
                }
            }
        }
        Ok([yes, no])
    }

    /// Whether there is no such request; not known where that takes too long.
    pub fn is_empty(&self, part: &Part) -> bool {
        let no_value = part.keys.iter().any(|classes| !classes.contains(&true));
        no_value || (part.star == Some(false) && self.arn(part, None, None) == Ok(None))
    }

    /// The shortest ARN of a part that another language has, or does not have.
    fn arn(
        &self,
        part: &Part,
        like: Option<Number>,
        unlike: Option<Number>,
    ) -> Result<Option<String>, TooMany> {
        let like = part.like.iter().copied().chain(like);
        let unlike = part.unlike.iter().copied().chain(unlike);
        self.languages.borrow_mut().shortest(like.collect(), unlike.collect())
    }

    /// Whether the ARNs of a part are in a language.
    fn are_in(&self, part: &Part, number: Number) -> Truth {
        if part.star == Some(true) || part.unlike.contains(&number) {
            return Truth::False;
        }
        if self.arn(part, Some(number), None) == Ok(None) {
            return Truth::False;
        }
        let all = part.star == Some(false)
            && (part.like.contains(&number) || self.arn(part, None, Some(number)) == Ok(None));
        if all { Truth::True } else { Truth::Unknown }
    }

    /// What decides all of a part, or, where that differs, what may tell its requests
    /// apart.
    pub fn decided(&self, action: &str, part: &Part) -> Result<Why, Vec<On>> {
        let mut open = Vec::new();
        let mut whys = BTreeSet::new();
        for (arn, account) in self.targets(action, part) {
            let context = Context::new();
            let request = Request {
                principal: &self.principal,
                action,
                resource: arn,
                resource_account: account.as_deref(),
                context: &context,
            };
            let says = |policies: &Policies| {
                let asking = Asking {
                    matter: self,
                    part,
                    action: Action::parse(action),
                    bounded: policies.boundary.is_some(),
                    open: RefCell::default(),
                };
                let truth = allowed(Frame::of(&request, policies), &asking, policies);
                (truth, asking.open.into_inner())
            };
            let (outer, of_outer) = says(self.outer);
            if outer == Truth::True {
                whys.insert(true);
                continue;
            }
            let (inner, of_inner) = says(self.inner);
            if inner == Truth::False {
                whys.insert(false);
                continue;
            }
            for on in of_outer.into_iter().chain(of_inner) {
                if !open.contains(&on) {
                    open.push(on);
                }
            }
            return Err(open);
        }
        Ok(match (whys.contains(&true), whys.contains(&false)) {
            (true, true) => Why::Either,
            (true, false) => Why::Allowed,
            (false, _) => Why::Refused,
        })
    }

    /// What the engine tells apart of what is acted upon, one of each that is in the
    /// part, and whose it is where that is not the caller's.
    fn targets(&self, action: &str, part: &Part) -> Vec<(&'static str, Option<String>)> {
        let is_sts = Action::parse(action).service.eq_ignore_ascii_case("sts");
        let special = [(KEYS_OF_KMS, "arn:aws:kms:::key/x"), (ROLES, "arn:aws:iam:::role/x")];
        let mut arns = Vec::new();
        let mut others = true;
        for (number, arn) in special.into_iter().filter(|(one, _)| *one != ROLES || is_sts) {
            let are_in = self.are_in(part, number);
            if are_in != Truth::False {
                arns.push(arn);
            }
            others &= are_in != Truth::True;
        }
        if others {
            arns.push("arn:aws:x:::x");
        }
        let mut all: Vec<_> = arns.iter().map(|arn| (*arn, None)).collect();
        let Some(own) = self.principal.account_id() else { return all };
        if part.star != Some(true) && self.are_in(part, OWN) != Truth::True {
            let known = ["100000000001", "100000000002"];
            let other = known.into_iter().find(|one| *one != own).map(str::to_owned);
            all.extend(arns.into_iter().map(|arn| (arn, other.clone())));
        }
        all
    }

    /// A request of a part, of few characters.
    pub fn choose(&self, part: &Part) -> Option<Chosen> {
        let resource = match part.star {
            Some(false) => self.arn(part, None, None).ok()??,
            _ => "*".to_owned(),
        };
        let mut keys = BTreeMap::new();
        for (key, classes) in self.keys.iter().zip(&part.keys) {
            let class = classes.iter().position(|is_in| *is_in)?;
            if class > 0 {
                keys.insert(key.lower.clone(), class);
            }
        }
        Some(Chosen { resource, keys })
    }

    /// Whether a request is of a part.
    pub(crate) fn has(&self, part: &Part, chosen: &Chosen) -> bool {
        let languages = self.languages.borrow();
        let is_in = |number: &Number| {
            languages.all.get(*number).is_some_and(|language| language.has(&chosen.resource))
        };
        let fits = match chosen.resource == "*" {
            true => part.star != Some(false),
            false => {
                part.star != Some(true)
                    && is_in(&ARNS)
                    && part.like.iter().all(is_in)
                    && !part.unlike.iter().any(is_in)
            }
        };
        let known = |lower: &String| self.keys.iter().any(|key| key.lower == *lower);
        fits && chosen.keys.keys().all(known)
            && self.keys.iter().zip(&part.keys).all(|(key, classes)| {
                let class = chosen.keys.get(&key.lower).copied().unwrap_or_default();
                classes.get(class) == Some(&true)
            })
    }

    /// What both sides say of a request.
    pub fn judged(&self, action: &str, chosen: &Chosen) -> [Verdict<'p>; 2] {
        let held = self.keys.iter().map(|key| {
            let class = chosen.keys.get(&key.lower).copied().unwrap_or_default();
            (key.lower.as_str(), key.values.get(class).and_then(Option::as_ref))
        });
        let context = self.with(held);
        let request = Request {
            principal: &self.principal,
            action,
            resource: &chosen.resource,
            resource_account: None,
            context: &context,
        };
        [judge(&request, self.inner), judge(&request, self.outer)]
    }
}

/// What decides a request, in words.
pub fn told([inner, outer]: &[Verdict<'_>; 2]) -> String {
    let (side, verdict) = if inner.allowed() { ("outer", outer) } else { ("inner", inner) };
    let statement = verdict.statement.map(|(_, number)| format!(", statement {number}"));
    format!(
        "{side}: {} of {}{}",
        verdict.outcome.as_str(),
        verdict.layer.as_str(),
        statement.unwrap_or_default()
    )
}

/// Whether a condition holds for sure.
pub(crate) fn holds(condition: &Condition, context: &Context, effect: Effect) -> bool {
    condition.holds(context, effect) == Truth::True
}

fn put(context: &mut Context, key: &str, value: Option<&Held>) {
    let _ = match value {
        None => context.unset(key),
        Some(Held::One(value)) => context.set(key, value.as_str()),
        Some(Held::Many(values)) => context.set_list(key, values.iter().map(String::as_str)),
    };
}

/// What the engine asks of a part.
struct Asking<'a, 'p> {
    matter: &'a Matter<'p>,
    part: &'a Part,
    action: Action<'a>,
    bounded: bool,
    /// What may tell its requests apart.
    open: RefCell<Vec<On>>,
}

impl Asking<'_, '_> {
    fn reach(&self, pattern: &ResourcePattern) -> Option<Truth> {
        let reach = self.matter.reaches.get(&std::ptr::from_ref(pattern).addr());
        let number = match reach? {
            Reach::Nothing => return None,
            Reach::Everything => return Some(Truth::True),
            Reach::Arns(number) => *number,
        };
        let truth = self.matter.are_in(self.part, number);
        if truth == Truth::Unknown {
            self.open.borrow_mut().push(match self.part.star {
                None => On::Star,
                Some(_) => On::Resource(pattern.source().to_owned()),
            });
        }
        Some(truth)
    }
}

impl Asks for Asking<'_, '_> {
    type Truth = Truth;

    fn action(&self) -> &Action<'_> {
        &self.action
    }

    fn principal(&self) -> &Principal {
        &self.matter.principal
    }

    fn is_bounded(&self) -> bool {
        self.bounded
    }

    fn covers(&self, pattern: &ResourcePattern) -> Truth {
        self.reach(pattern).unwrap_or(Truth::False)
    }

    fn leaves_out(&self, pattern: &ResourcePattern) -> Truth {
        match self.reach(pattern) {
            None | Some(Truth::True) => Truth::False,
            Some(Truth::False) => Truth::True,
            Some(Truth::Unknown) => Truth::Unknown,
        }
    }

    fn holds(&self, condition: &Condition, effect: Effect) -> Truth {
        let address = std::ptr::from_ref(condition).addr();
        let known = self.matter.passes.get(&(address, effect));
        let Some((number, passes)) = known else { return Truth::Unknown };
        let classes = self.part.keys.get(*number).map(Vec::as_slice).unwrap_or_default();
        let mut said = passes.iter().zip(classes).filter(|(_, is_in)| **is_in);
        let Some((first, _)) = said.next() else { return Truth::Unknown };
        if said.all(|(passes, _)| passes == first) {
            return Truth::of(*first);
        }
        if let Some(key) = self.matter.keys.get(*number) {
            let passing = passes.iter().enumerate().filter(|(_, passes)| **passes);
            self.open.borrow_mut().push(On::Key {
                key: key.lower.clone(),
                classes: passing.map(|(class, _)| class).collect(),
            });
        }
        Truth::Unknown
    }
}

/// The languages that a text must be in, and those that it must not.
type Asked = (Vec<Number>, Vec<Number>);

/// All languages, and what was asked of them.
#[derive(Default)]
struct Languages {
    all: Vec<Language>,
    numbers: HashMap<Language, Number>,
    names: HashMap<String, Number>,
    apart: HashMap<(Number, Number), bool>,
    known: HashMap<Asked, Result<Option<String>, TooMany>>,
}

impl Languages {
    fn number(&mut self, language: Language) -> Number {
        let next = self.all.len();
        let number = *self.numbers.entry(language.clone()).or_insert(next);
        if number == next {
            self.all.push(language);
        }
        number
    }

    fn name(&mut self, text: &str, number: Number) {
        self.names.entry(text.to_owned()).or_insert(number);
    }

    fn are_apart(&mut self, one: Number, other: Number) -> bool {
        let all = &self.all;
        *self.apart.entry((one.min(other), one.max(other))).or_insert_with(|| {
            let both = all.get(one).zip(all.get(other));
            both.is_some_and(|(one, other)| one.is_apart(other))
        })
    }

    fn shortest(
        &mut self,
        mut like: Vec<Number>,
        mut unlike: Vec<Number>,
    ) -> Result<Option<String>, TooMany> {
        like.push(ARNS);
        for list in [&mut like, &mut unlike] {
            list.sort_unstable();
            list.dedup();
        }
        let pairs: Vec<_> =
            like.iter().flat_map(|one| like.iter().map(|other| (*one, *other))).collect();
        if pairs.into_iter().any(|(one, other)| self.are_apart(one, other))
            || like.iter().any(|one| unlike.contains(one))
        {
            return Ok(None);
        }
        unlike.retain(|one| !like.iter().any(|other| self.are_apart(*one, *other)));
        let key = (like, unlike);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let of = |numbers: &[Number]| {
            numbers.iter().filter_map(|one| self.all.get(*one)).collect::<Vec<_>>()
        };
        let found = shortest(&of(&key.0), &of(&key.1), |_| true);
        self.known.insert(key, found.clone());
        found
    }
}

/// The condition keys that follow from who asks
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>).
const OF_CALLERS: [&str; 7] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:username",
];

/// Whether a key follows from who asks.
pub(crate) fn is_fixed(principal: &Principal, key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    match principal {
        Principal::User { .. } | Principal::RoleSession { .. } => OF_CALLERS.contains(&&*lower),
        // Of others no rail is; their keys are whatever they are.
        _ => false,
    }
}

fn fixed(principal: &Principal) -> Context {
    let mut context = Context::new();
    let (arn, kind) = match principal {
        Principal::User { arn } => (arn, "User"),
        Principal::RoleSession { role_arn, .. } => (role_arn, "AssumedRole"),
        _ => return context,
    };
    context.set("aws:PrincipalArn", arn.as_str()).set("aws:PrincipalType", kind);
    context.set("aws:PrincipalIsAWSService", "false");
    for key in ["aws:PrincipalServiceName", "aws:PrincipalServiceNamesList", "aws:username"] {
        context.unset(key);
    }
    if let Some(account) = principal.account_id() {
        context.set("aws:PrincipalAccount", account);
    }
    if let (Principal::User { .. }, Some(name)) = (principal, arn.rsplit('/').next()) {
        context.set("aws:username", name);
    }
    context
}
