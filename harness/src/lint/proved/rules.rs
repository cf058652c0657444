//! The findings.

use ringfence_policy::lint::{Finding as Text, Rule};
use ringfence_prove::Universe;
use serde_json::Value;

use super::ask::{Answer, Asker};
use super::shape::{Condition, Denies, Shape, Statements};
use super::{LIMITS_NOTHING, NEVER_MATCHES, NEVER_TAKES_EFFECT, Proved};
use crate::access::told::request;

/// What lint tells better of a statement that matches nothing: by its text.
const TOLD: [Rule; 9] = [
    Rule::UnknownAction,
    Rule::UnknownService,
    Rule::KeyNeverCarried,
    Rule::ResourceNever,
    Rule::ListWithoutSetOperator,
    Rule::UnreadableValue,
    Rule::StarAsText,
    Rule::VariableAsText,
    Rule::NoSuchPrincipal,
];

/// All findings.
pub(super) fn all(
    statements: &Statements,
    denies: &Denies,
    asker: &Asker,
    found: &[Text],
) -> Vec<Proved> {
    let mut all = Vec::new();
    for (at, shape) in statements.all.iter().enumerate() {
        let is_denied = shape.is_allow && !denies.all.is_empty();
        if shape.is_plain() && !is_denied {
            continue;
        }
        let told = |rules: &[Rule]| {
            found.iter().any(|one| one.statement == at && rules.contains(&one.rule))
        };
        let conditions = shape.conditions();
        let own = shape.at_most(&conditions);
        match asker.request(&own, &[]) {
            Answer::Open => {}
            Answer::Nothing if told(&TOLD) => {}
            Answer::Nothing => all.push(never_matches(at, shape, &conditions, asker)),
            Answer::Request(_) => {
                if is_denied {
                    all.extend(never_takes_effect(at, &own, statements, denies, asker));
                }
                // A value that cannot be read is taken for one that matches.
                if shape.is_allow && !told(&[Rule::UnreadableValue]) {
                    all.extend(limit_nothing(at, shape, &conditions, asker));
                }
            }
        }
    }
    all
}

/// A statement that matches no request: the fewest of its conditions that show it.
fn never_matches(at: usize, shape: &Shape, conditions: &[Condition], asker: &Asker) -> Proved {
    let is_never =
        |some: &[Condition]| matches!(asker.request(&shape.at_most(some), &[]), Answer::Nothing);
    let effect = if shape.is_allow { "allows" } else { "denies" };
    let so = format!("so the statement never {effect} anything");
    let none = is_never(&[]);
    let one = conditions.iter().find(|one| is_never(std::slice::from_ref(*one)));
    let pair = || {
        let firsts = conditions.iter().enumerate();
        let mut pairs = firsts.flat_map(|(place, one)| {
            conditions.iter().skip(place + 1).map(move |other| [one.clone(), other.clone()])
        });
        pairs.find(|pair| is_never(pair))
    };
    let (about, message) = match (none, one) {
        (true, _) => (None, format!("there is no request that it is about, {so}")),
        (false, Some(one)) => {
            (Some(one.key.clone()), format!("{} holds for no request, {so}", one.told()))
        }
        (false, None) => match pair() {
            Some([one, other]) => {
                let both = format!("no request meets both {} and {}", one.told(), other.told());
                (Some(one.key), format!("{both}, {so}"))
            }
            None => (None, format!("no request meets all of its conditions, {so}")),
        },
    };
    Proved {
        rule: NEVER_MATCHES.name,
        statement: at,
        sid: shape.sid(),
        about,
        message,
        instead: match none {
            true => "name what it is to be about, or leave the statement out".to_owned(),
            false => {
                "write conditions that one request can meet, or leave the statement out".to_owned()
            }
        },
    }
}

/// An Allow that others of its document deny wholly.
fn never_takes_effect(
    at: usize,
    own: &Value,
    statements: &Statements,
    denies: &Denies,
    asker: &Asker,
) -> Option<Proved> {
    let is_denied = |by: &[Value]| matches!(asker.request(own, by), Answer::Nothing);
    if !is_denied(&denies.all) {
        return None;
    }
    let mut each = denies.places.iter().zip(&denies.all);
    let alone = each.find(|(_, deny)| is_denied(std::slice::from_ref(*deny)));
    let who = match alone {
        Some((deny, _)) => format!("{} denies", statements.named(*deny)),
        None => "the Denies of the document together deny".to_owned(),
    };
    Some(Proved {
        rule: NEVER_TAKES_EFFECT.name,
        statement: at,
        sid: statements.all.get(at).and_then(Shape::sid),
        about: None,
        message: format!("{who} all that it allows, so it never takes effect"),
        instead: "let the Deny leave out what is to be allowed, or leave the statement out"
            .to_owned(),
    })
}

/// The conditions of an Allow that hold for every request that AWS sends, each by itself.
fn limit_nothing(at: usize, shape: &Shape, conditions: &[Condition], asker: &Asker) -> Vec<Proved> {
    let every = shape.at_most(&[]);
    let holds = |one: &&Condition| {
        // It says what the variable asks for.
        if shape.has_variable(&one.key) {
            return false;
        }
        let with = shape.at_most(std::slice::from_ref(*one));
        matches!(asker.request_sent(&every, &[with]), Answer::Nothing)
    };
    let told = |one: &Condition| Proved {
        rule: LIMITS_NOTHING.name,
        statement: at,
        sid: shape.sid(),
        about: Some(one.key.clone()),
        message: format!(
            "{} holds for every request, so it limits nothing{}",
            one.told(),
            example(&shape.at_most(conditions), &[], shape, asker)
        ),
        instead: "write a condition that not every request meets, or leave it out".to_owned(),
    };
    conditions.iter().filter(holds).map(told).collect()
}

/// `: for one, …`, where AWS's reference has a request that a statement matches and others do
/// not; an example hangs on nothing that is not known.
fn example(some: &Value, but: &[Value], shape: &Shape, asker: &Asker) -> String {
    if shape.is_open() {
        return String::new();
    }
    match asker.request_of(some, but, Universe::Catalogue) {
        Answer::Request(witness) => format!(": for one, {}", request(&witness)),
        Answer::Nothing | Answer::Open => String::new(),
    }
}

/// What lint found of the text that is granted beyond what is said, each with a request that
/// shows it; without one where the reference has none, and gone where there is none at all.
pub(super) fn with_requests(
    statements: &Statements,
    denies: &Denies,
    asker: &Asker,
    found: &mut Vec<Text>,
) {
    found.retain_mut(|finding| {
        let Some(shape) = statements.all.get(finding.statement) else { return true };
        let conditions = shape.conditions();
        let mut wanted = conditions.clone();
        match finding.rule {
            Rule::AllowOfAllButSome => {}
            Rule::AllowedWhenAbsent | Rule::AllValuesOfNothing => {
                let named = |one: &&Condition| finding.message.contains(&format!("`{}`", one.key));
                let Some(key) = conditions.iter().find(named).map(|one| one.key.clone()) else {
                    return true;
                };
                if wanted.iter().any(|one| one.is_null_of(&key)) {
                    return true;
                }
                wanted.push(Condition::absent(key));
            }
            _ => return true,
        }
        let own = shape.at_most(&wanted);
        match asker.request(&own, &denies.all) {
            Answer::Nothing => return false,
            Answer::Open => return true,
            Answer::Request(_) => {}
        }
        finding.message += &example(&own, &denies.all, shape, asker);
        true
    });
}
