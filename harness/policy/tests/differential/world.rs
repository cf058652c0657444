//! What a case consists of: policies as they are meant, and the text that the
//! engine reads.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    User,
    RoleSession,
    FederatedUser,
    Root,
    WebIdentity,
    Service,
    Anonymous,
}

/// What a context key holds.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    One(&'static str),
    Many(Vec<&'static str>),
}

/// An element that has a form with `Not`.
#[derive(Debug, Clone)]
pub(crate) struct Element<T> {
    pub(crate) negated: bool,
    pub(crate) values: T,
}

/// What stands under `Principal`.
#[derive(Debug, Clone)]
pub(crate) enum Whose {
    Everyone,
    Aws(Vec<&'static str>),
    Service(&'static str),
    Federated(&'static str),
}

/// A line of `Condition`.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    /// With prefix and suffix.
    pub(crate) operator: String,
    pub(crate) key: &'static str,
    pub(crate) values: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) allow: bool,
    pub(crate) actions: Element<Vec<&'static str>>,
    pub(crate) resources: Option<Element<Vec<&'static str>>>,
    pub(crate) principals: Option<Element<Whose>>,
    pub(crate) conditions: Vec<Test>,
}

#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) version: Option<&'static str>,
    pub(crate) statements: Vec<Statement>,
}

/// A request with all its policies.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) caller: Caller,
    pub(crate) action: &'static str,
    pub(crate) target: &'static str,
    pub(crate) account: Option<&'static str>,
    pub(crate) context: BTreeMap<&'static str, Held>,
    /// Keys of which nothing is known; none of them is in the context.
    pub(crate) unknown: Vec<&'static str>,
    /// The policy of the VPC endpoint.
    pub(crate) endpoint: Option<Policy>,
    /// Resource control policies, by level.
    pub(crate) rcp: Vec<Vec<Policy>>,
    pub(crate) scp: Vec<Vec<Policy>>,
    pub(crate) identity: Vec<Policy>,
    pub(crate) boundary: Option<Vec<Policy>>,
    pub(crate) session: Option<Vec<Policy>>,
    pub(crate) resource: Option<Policy>,
    /// Whether `resource` is a trust policy.
    pub(crate) trust: bool,
}

/// Values as JSON: one alone, or a list. No value needs an escape.
fn values(out: &mut Formatter<'_>, values: &[&str]) -> fmt::Result {
    match values {
        [one] => write!(out, "\"{one}\""),
        list => write!(out, "{list:?}"),
    }
}

impl Display for Policy {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("{")?;
        if let Some(version) = self.version {
            write!(out, "\"Version\":\"{version}\",")?;
        }
        out.write_str("\"Statement\":[")?;
        for (place, statement) in self.statements.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(out, "{comma}{statement}")?;
        }
        out.write_str("]}")
    }
}

impl Display for Statement {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let not = |negated| if negated { "Not" } else { "" };
        write!(out, "{{\"Effect\":\"{}\",", if self.allow { "Allow" } else { "Deny" })?;
        write!(out, "\"{}Action\":", not(self.actions.negated))?;
        values(out, &self.actions.values)?;
        if let Some(resources) = &self.resources {
            write!(out, ",\"{}Resource\":", not(resources.negated))?;
            values(out, &resources.values)?;
        }
        if let Some(principals) = &self.principals {
            write!(out, ",\"{}Principal\":", not(principals.negated))?;
            match &principals.values {
                Whose::Everyone => out.write_str("\"*\"")?,
                Whose::Aws(list) => {
                    out.write_str("{\"AWS\":")?;
                    values(out, list)?;
                    out.write_str("}")?;
                }
                Whose::Service(name) => write!(out, "{{\"Service\":\"{name}\"}}")?,
                Whose::Federated(name) => write!(out, "{{\"Federated\":\"{name}\"}}")?,
            }
        }
        if !self.conditions.is_empty() {
            out.write_str(",\"Condition\":{")?;
            for (place, test) in self.conditions.iter().enumerate() {
                let comma = if place == 0 { "" } else { "," };
                write!(out, "{comma}\"{}\":{{\"{}\":", test.operator, test.key)?;
                values(out, &test.values)?;
                out.write_str("}")?;
            }
            out.write_str("}")?;
        }
        out.write_str("}")
    }
}

impl Display for Case {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self { caller, action, target, account, context, unknown, .. } = self;
        writeln!(out, "{caller:?} asks for {action} on {target} of {account:?} under {context:?}")?;
        writeln!(out, "unknown: {unknown:?}")?;
        let layers = [("boundary", &self.boundary), ("session", &self.session)];
        if let Some(policy) = &self.endpoint {
            writeln!(out, "VPC endpoint: {policy}")?;
        }
        for (name, levels) in [("rcp", &self.rcp), ("scp", &self.scp)] {
            for (level, policies) in levels.iter().enumerate() {
                writeln!(out, "{name} level {level}:")?;
                policies.iter().try_for_each(|policy| writeln!(out, "  {policy}"))?;
            }
        }
        for policy in &self.identity {
            writeln!(out, "identity: {policy}")?;
        }
        for (name, policies) in layers {
            for policy in policies.iter().flatten() {
                writeln!(out, "{name}: {policy}")?;
            }
        }
        match &self.resource {
            Some(policy) => writeln!(out, "resource (trust: {}): {policy}", self.trust),
            None => Ok(()),
        }
    }
}
