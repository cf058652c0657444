//! A request that breaks a guard rail, as a call that somebody can make: the operation
//! and its input, built back by `crate::calls::inverse`, and decided again as the call
//! has it. Where the request itself is none that an operation sends, another one that
//! breaks the same claim is looked for.
//!
//! - `caller`: who calls, and with what;
//! - `ended`: what the guard decided about it beside what was predicted;
//! - `sending`: the call on a stack that runs;
//! - `resources`: the resource of the request, with names that a call can have;
//! - `told`: a call in words and as JSON.

mod caller;
pub(crate) mod ended;
mod resources;
mod sending;
#[cfg(test)]
mod tests;
pub(super) mod told;

use ringfence_guard::recording::Asked;
use ringfence_guard::requirements::Needed;
use ringfence_models::actions::{self, is_global_key};
use ringfence_policy::{Context, Kind, Outcome, Policies, Request, StatementRef, decide, judge};
use ringfence_prove::{Question, Universe, Verdict, Witness, within};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use self::caller::Comes;
use self::sending::is_harmless;
pub(super) use self::sending::send;
use super::claims::{Claim, written};
use super::decide::{Broken, End, Finding};
use super::guarded::Guarded;
use crate::calls::asked::Asker;
use crate::calls::built::Home;
use crate::calls::command;
use crate::calls::inverse::{self, Unfit, Wanted};

/// How many other actions of a claim are looked at, where the one that was found first
/// cannot be called.
const FURTHER: usize = 16;

/// A request that breaks a guard rail, as a call.
#[derive(Debug, Clone)]
pub enum Call {
    /// This one.
    Made(Box<Made>),
    /// No operation can produce it, for this reason.
    None(String),
}

/// A call whose request breaks a guard rail.
#[derive(Debug, Clone)]
pub struct Made {
    /// The service's id.
    pub service: &'static str,
    /// The operation's name.
    pub operation: &'static str,
    /// Where it goes.
    pub region: String,
    /// The input, by the model's names.
    pub input: Map<String, Value>,
    /// What breaks the guard rail.
    pub breaks: Asks,
    /// Whose the resource is, where its ARN does not say.
    resource_account: Option<String>,
    /// What it needs besides, which is allowed too.
    pub besides: Vec<Asks>,
    /// The statements that allow what breaks the guard rail.
    pub allowed_by: Vec<StatementRef>,
    /// What must be so for it.
    pub supposes: Vec<String>,
    /// The claims of the token that it brings.
    pub token: Option<Map<String, Value>>,
    /// As AWS's command line takes it.
    pub command: Option<String>,
    /// How it ended, where it was sent.
    pub sent: Option<Sent>,
}

/// How a call ended that was to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The guard allowed it, as it was predicted.
    Allowed {
        /// The journal's id of the request.
        request_id: String,
        /// The statements, as the journal has them.
        by: Vec<String>,
        /// The error that the service answered; empty where it answered none.
        answered: String,
        /// What of it stays in the estate.
        stays: Option<String>,
    },
    /// The guard would allow it, as it was predicted: it was not sent, for it would change
    /// what is there.
    Decided {
        /// The statements.
        by: Vec<String>,
    },
    /// What is there is not what the request supposes.
    Otherwise {
        /// The journal's id of the request, where it was sent.
        request_id: Option<String>,
        /// What is otherwise.
        why: String,
    },
    /// It was not sent, for this reason.
    Not(String),
}

/// A permission that a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asks {
    /// The action.
    pub action: String,
    /// What is acted upon.
    pub resource: String,
    /// The condition keys that are its own, without those of every request.
    pub context: Context,
}

impl Asks {
    fn of(asked: &Asked) -> Self {
        let mut context = (*asked.context).clone();
        context.retain(|key| !key.ends_with('*') && !is_everywhere(key));
        let unknown: Vec<String> = context.unknown().collect();
        for key in unknown {
            context.unset(&key);
        }
        Self { action: asked.action.clone(), resource: asked.resource.clone(), context }
    }
}

/// Whether a key is one that requests have whatever they are for.
fn is_everywhere(key: &str) -> bool {
    let is_of_tags = key == "aws:tagkeys" || key.contains("tag/");
    is_global_key(key) && (!is_of_tags || key.starts_with("aws:principaltag/"))
}

/// Looks for the call of each violation; `findings` are those of the claims, in order.
pub fn add(guarded: &Guarded<'_>, claims: &[Claim], findings: &mut [Finding], now: OffsetDateTime) {
    let Guarded { partition, region, account, .. } = guarded;
    let home = Home { partition, region, account };
    for (claim, finding) in claims.iter().zip(findings) {
        let End::Violated(broken) = &mut finding.end else { continue };
        if let Broken::Request { witness, call, .. } = &mut **broken {
            *call = Some(of(claim, witness, home, now));
        }
    }
}

/// The call of a request that breaks a claim, or of another one that does: the first that
/// changes nothing of what is there, else the first.
fn of(claim: &Claim, witness: &Witness, home: Home<'_>, now: OffsetDateTime) -> Call {
    let inner = &claim.under_denies(claim.kept_back.as_ref().unwrap_or(&claim.policies));
    let mut first = match (Attempt { claim, inner, witness, home, now }).call() {
        Ok(made) if is_harmless(&made) => return Call::Made(Box::new(made)),
        tried => tried,
    };
    let mut out = vec![witness.action.clone()];
    let mut further = 0;
    let mut services = Vec::new();
    let mut last = witness.clone();
    while further < FURTHER {
        let attempt = Attempt { claim, inner, witness: &last, home, now };
        if first.is_err() && !services.contains(&attempt.prefix()) {
            services.push(attempt.prefix());
            out.extend(attempt.uncallable());
        }
        let Some(inner_but) = without(inner, &out) else { break };
        let question = Question {
            inner: &inner_but,
            outer: &claim.most,
            principal: claim.principal.as_ref(),
            universe: Universe::Catalogue,
        };
        let Ok(Verdict::Violated(other)) = within(&question) else { break };
        further += 1;
        out.push(other.action.clone());
        match (Attempt { claim, inner, witness: &other, home, now }).call() {
            Ok(made) if is_harmless(&made) => return Call::Made(Box::new(made)),
            Ok(made) if first.is_err() => first = Ok(made),
            _ => {}
        }
        last = *other;
    }
    match first {
        Ok(made) => Call::Made(Box::new(made)),
        Err(why) if further == 0 => Call::None(why),
        Err(why) => Call::None(format!("{why}; nor a request for any of {further} other actions")),
    }
}

/// The policies without some actions; none where no identity's are among them.
fn without(policies: &Policies, actions: &[String]) -> Option<Policies> {
    let denied = json!({"Effect": "Deny", "Action": actions, "Resource": "*"});
    let mut fewer = policies.clone();
    if fewer.identity.is_empty() {
        return None;
    }
    fewer.identity.push(written(&[denied], Kind::Identity).ok()?);
    Some(fewer)
}

/// A request that breaks a claim, whose call is looked for.
struct Attempt<'a> {
    claim: &'a Claim,
    inner: &'a Policies,
    witness: &'a Witness,
    home: Home<'a>,
    now: OffsetDateTime,
}

impl Attempt<'_> {
    fn call(&self) -> Result<Made, String> {
        let action = self.action()?;
        let comes = Comes::of(self.witness, self.now)?;
        let all = resources::named(&action, &self.witness.resource, self.home);
        let breaks = |resource: &String| {
            let own = Request { resource, action: &action, ..self.witness.request() };
            self.breaks(&own).is_ok()
        };
        let mut named: Vec<String> = all.iter().filter(|one| breaks(one)).cloned().collect();
        if named.is_empty() {
            // What the call itself sets may make the difference.
            named.extend(all.into_iter().next());
        }
        let mut why = None;
        for resource in &named {
            let region = resources::region(resource).unwrap_or(self.home.region).to_owned();
            let supposed = comes.supposed(resource, self.home.account, self.now);
            let caller = &comes.session;
            let asker = Asker { supposed: &supposed, caller, region: &region };
            let wanted = Wanted { action: &action, resource, keys: &comes.keys };
            match inverse::find(asker, wanted, &|call| self.fits(call, &comes)) {
                Ok(call) => return Ok(self.made(&call, region, &comes)),
                Err(reason) => why = why.or(Some(reason)),
            }
        }
        Err(why.unwrap_or_default())
    }

    /// The service of its action.
    fn prefix(&self) -> String {
        let prefix = self.witness.action.split(':').next().unwrap_or_default();
        prefix.to_ascii_lowercase()
    }

    /// The actions of its service that no call asks for.
    fn uncallable(&self) -> Vec<String> {
        let (Some(prefix), Ok(comes)) =
            (actions::of(&self.prefix()), Comes::of(self.witness, self.now))
        else {
            return Vec::new();
        };
        let supposed = comes.supposed("*", self.home.account, self.now);
        let (caller, region) = (&comes.session, self.home.region);
        inverse::uncallable(Asker { supposed: &supposed, caller, region }, prefix)
    }

    /// The action as the reference spells it: policies do not tell its case.
    fn action(&self) -> Result<String, String> {
        let own = &self.witness.action;
        let known = own.split_once(':').and_then(|(prefix, name)| {
            let prefix = actions::of(prefix)?;
            Some(format!("{}:{}", prefix.prefix, prefix.action(name)?.name))
        });
        known.ok_or_else(|| format!("`{own}` is no action of AWS's reference"))
    }

    /// Whether a request is one that the claim's policies allow and the guard rail does not.
    fn breaks(&self, request: &Request<'_>) -> Result<(), String> {
        let Request { action, resource, .. } = request;
        let allowed = decide(request, self.inner);
        if !allowed.allowed() {
            return Err(format!("`{action}` on `{resource}`: {}", allowed.explanation));
        }
        match judge(request, &self.claim.most).outcome {
            Outcome::Allow => Err(format!(
                "`{action}` on `{resource}` as it asks for it is let by the guard rail"
            )),
            Outcome::Undecided => Err(format!(
                "whether the guard rail lets `{action}` on `{resource}` as it asks for it hangs on what is not known"
            )),
            Outcome::ImplicitDeny | Outcome::ExplicitDeny => Ok(()),
        }
    }

    fn request<'r>(&'r self, asked: &'r Asked) -> Request<'r> {
        Request {
            principal: &self.witness.principal,
            action: &asked.action,
            resource: &asked.resource,
            resource_account: self.witness.resource_account.as_deref(),
            context: &asked.context,
        }
    }

    /// Whether what a call asks for breaks the guard rail, and all else that it needs is
    /// allowed.
    fn fits(&self, call: &inverse::Call, comes: &Comes) -> Result<(), Unfit> {
        let Some(main) = call.asked.get(call.at) else { return Err(Unfit::Other(String::new())) };
        if let Err(why) = self.breaks(&self.request(main)) {
            let unset = comes.keys.iter().map(|(key, _)| key);
            let unset = unset.filter(|key| main.context.get(key).is_none());
            let unset: Vec<String> = unset.map(|key| format!("`{key}`")).collect();
            return Err(Unfit::Other(match unset.is_empty() {
                true => why,
                false => format!("no member of its input sets {}; {why}", unset.join(", ")),
            }));
        }
        for (at, other) in call.asked.iter().enumerate() {
            if at == call.at || other.needed != Needed::Surely {
                continue;
            }
            let own = Policies {
                resource: self.inner.resource.clone().filter(|_| other.resource == main.resource),
                ..self.inner.clone()
            };
            let decision = decide(&self.request(other), &own);
            if !decision.allowed() {
                let Asked { action, resource, .. } = other;
                return Err(Unfit::Besides {
                    why: format!(
                        "it needs `{action}` on `{resource}` too: {}",
                        decision.explanation
                    ),
                    resource: self.allowed(action),
                    action: action.clone(),
                });
            }
        }
        Ok(())
    }

    /// A resource on which an action is allowed, if there is one.
    fn allowed(&self, action: &str) -> Option<String> {
        let own = Policies { resource: None, ..self.inner.clone() };
        let others = json!({"Effect": "Allow", "NotAction": action, "Resource": "*"});
        let outer = written(&[others], Kind::Identity).ok()?;
        let outer = Policies { identity: vec![outer], ..Policies::default() };
        let question = Question {
            inner: &own,
            outer: &outer,
            principal: self.claim.principal.as_ref(),
            universe: Universe::Catalogue,
        };
        let Ok(Verdict::Violated(found)) = within(&question) else { return None };
        let named = resources::named(action, &found.resource, self.home);
        let is_allowed = |resource: &String| {
            judge(&Request { resource, ..found.request() }, &own).outcome == Outcome::Allow
        };
        named.into_iter().find(is_allowed)
    }

    fn made(&self, call: &inverse::Call, region: String, comes: &Comes) -> Made {
        let main = call.asked.get(call.at);
        let others = call.asked.iter().enumerate().filter(|(at, _)| *at != call.at);
        let allowed_by = main.map(|main| decide(&self.request(main), self.inner).statements);
        let inverse::Call { operation, input, .. } = call;
        Made {
            service: operation.service.name(),
            operation: operation.name,
            command: command::line(operation, &region, input),
            region,
            input: input.clone(),
            breaks: main.map_or_else(
                || Asks { action: String::new(), resource: String::new(), context: Context::new() },
                Asks::of,
            ),
            resource_account: self.witness.resource_account.clone(),
            besides: others.map(|(_, asked)| Asks::of(asked)).collect(),
            allowed_by: allowed_by.unwrap_or_default(),
            supposes: main.map(|main| comes.supposes(main)).unwrap_or_default(),
            token: comes.token(),
            sent: None,
        }
    }
}
