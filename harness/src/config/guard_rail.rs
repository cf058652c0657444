//! The guard rails of an estate: who may never do what.

use ringfence_models::actions;
use ringfence_policy::{Document, DocumentError, Kind, Wildcard};
use serde::Deserialize;
use serde_json::{Value, json};
use toml::Spanned;

use super::schema::Deployer;
use crate::guard_rail::GuardRail;

/// That somebody may never do something.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// What it is called: letters, digits, `-` and `_`.
    pub id: Spanned<String>,
    /// The rule, in the present tense; reports and objectives name it so.
    pub title: Spanned<String>,
    /// Who may not: this or `everyone_but`.
    #[serde(default)]
    pub who: Vec<Spanned<String>>,
    /// Who alone may: this or `who`.
    #[serde(default)]
    pub everyone_but: Vec<Spanned<String>>,
    /// What they may not: actions, with `*` and `?`.
    pub actions: Vec<Spanned<String>>,
    /// Upon what: ARNs with `*` and `?`, Terraform outputs or resources by their
    /// address; default everything.
    #[serde(default)]
    pub resources: Vec<Spanned<String>>,
    /// Under which condition they may, as a policy's `Condition` has it.
    #[serde(default)]
    pub except: Option<Spanned<Value>>,
    /// What must be what refuses it: the `Sid` of a statement, or a layer; default whatever
    /// does.
    #[serde(default)]
    pub refused_by: Vec<Spanned<String>>,
    /// What somebody does legitimately, and must succeed.
    pub legitimate: Legitimate,
    /// The account that it is of, by its id or its name; default the one under test.
    #[serde(default)]
    pub account: Option<Spanned<String>>,
    /// The line of the file that its id stands in; known once the file is read.
    #[serde(skip)]
    pub line: usize,
}

/// A call that must be allowed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legitimate {
    /// Who makes it: as in `who`, of one; or `platform`.
    pub identity: Spanned<String>,
    /// An action.
    pub action: Spanned<String>,
    /// What it acts upon: an ARN, a Terraform output or a resource by its address.
    pub resource: Spanned<String>,
}

/// The platform team, in `legitimate.identity`.
pub(crate) const PLATFORM: &str = "platform";

/// Whom a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector<'a> {
    /// Roles by name, with `*` and `?`.
    Role(&'a str),
    /// Users by name, with `*` and `?`.
    User(&'a str),
    /// Who has this tag, with this value.
    Tag(&'a str, &'a str),
    /// A deployer by its name here.
    Deployer(&'a str),
    /// Who has the ARN that Layer 1 says by this name.
    Named(&'a str),
}

impl<'a> Selector<'a> {
    /// What a text means.
    ///
    /// # Errors
    /// Where it names nobody, whatever the estate.
    pub fn parse(text: &'a str, deployers: &[Deployer]) -> Result<Self, String> {
        if deployers.iter().any(|deployer| deployer.name.get_ref() == text) {
            return Ok(Self::Deployer(text));
        }
        let found = match text.split_once('/') {
            Some(("role", name)) if !name.is_empty() => Some(Self::Role(name)),
            Some(("user", name)) if !name.is_empty() => Some(Self::User(name)),
            Some(("tag", pair)) => pair
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .map(|(key, value)| Self::Tag(key, value)),
            _ => (text.starts_with("arn:") || text.contains('.')).then_some(Self::Named(text)),
        };
        found.ok_or_else(|| {
            format!(
                "`{text}` names nobody: write the name of a deployer, `role/NAME`, `user/NAME`, \
                 `tag/KEY=VALUE`, an ARN, or a role by its Terraform address or output"
            )
        })
    }
}

impl Declaration {
    /// The guard rail.
    pub fn rail(&self) -> GuardRail {
        GuardRail::declared(self.id.get_ref(), self.title.get_ref())
    }

    /// Who is named, and whether these are they who may.
    pub(crate) fn people(&self) -> (&[Spanned<String>], bool) {
        if self.who.is_empty() { (&self.everyone_but, true) } else { (&self.who, false) }
    }

    /// What of it is wrong by itself, and where.
    pub(super) fn fault(&self, deployers: &[Deployer]) -> Option<(usize, String)> {
        let id = self.id.get_ref();
        if !super::check::is_name(id) {
            let fault = format!("`{id}` is no guard rail's id: letters, digits, `-` and `_`");
            return Some((self.id.span().start, fault));
        }
        if self.title.get_ref().trim().is_empty() {
            return Some((self.title.span().start, "a guard rail has a `title`".to_owned()));
        }
        let fault = match (self.who.as_slice(), self.everyone_but.as_slice()) {
            ([], []) => Some("names nobody: give it `who` or `everyone_but`"),
            ([_, ..], [_, ..]) => Some("has `who` and `everyone_but`: give it one of the two"),
            _ => None,
        };
        if let Some(fault) = fault {
            return Some((self.id.span().start, format!("guard rail `{id}` {fault}")));
        }
        let named = |text: &Spanned<String>| {
            let fault = Selector::parse(text.get_ref(), deployers).err()?;
            Some((text.span().start, fault))
        };
        if let Some(fault) = self.people().0.iter().find_map(named) {
            return Some(fault);
        }
        if self.actions.is_empty() {
            let fault = format!("guard rail `{id}` forbids nothing: give it `actions`");
            return Some((self.id.span().start, fault));
        }
        let nothing = |action: &&Spanned<String>| matching(action.get_ref()).next().is_none();
        if let Some(action) = self.actions.iter().find(nothing) {
            return Some((action.span().start, no_action(action.get_ref())));
        }
        if let Some(empty) = self.refused_by.iter().find(|it| it.get_ref().is_empty()) {
            let fault = "`refused_by` has the `Sid` of a statement or the name of a layer";
            return Some((empty.span().start, fault.to_owned()));
        }
        self.resources
            .iter()
            .find_map(resource)
            .or_else(|| self.exception_fault().or_else(|| self.legitimate.fault(deployers)))
    }

    fn exception_fault(&self) -> Option<(usize, String)> {
        let except = self.except.as_ref()?;
        let fault = parsed(&json!("*"), except.get_ref()).err()?;
        let fault = format!("`except` is no condition of a policy: {fault}");
        Some((except.span().start, fault))
    }
}

impl Legitimate {
    fn fault(&self, deployers: &[Deployer]) -> Option<(usize, String)> {
        let who = &self.identity;
        if who.get_ref() != PLATFORM
            && let Err(fault) = Selector::parse(who.get_ref(), deployers)
        {
            return Some((who.span().start, fault));
        }
        let action = self.action.get_ref();
        if actions::action(action).is_none() {
            return Some((self.action.span().start, no_action(action)));
        }
        resource(&self.resource)
    }
}

/// The actions of AWS's reference that a pattern matches, as AWS writes them.
pub(crate) fn matching(pattern: &str) -> impl Iterator<Item = String> + use<> {
    let prefix = pattern.split_once(':').map(|(prefix, _)| prefix.to_ascii_lowercase());
    let wildcard = Wildcard::of_actions(pattern);
    let of = prefix.and_then(|prefix| actions::of(&prefix));
    let all = of
        .into_iter()
        .flat_map(|of| of.actions().map(move |action| format!("{}:{}", of.prefix, action.name)));
    all.filter(move |action| wildcard.matches(action))
}

/// A statement of these, as a policy.
fn parsed(resource: &Value, condition: &Value) -> Result<Document, DocumentError> {
    let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",
        "Resource": resource, "Condition": condition}]});
    Document::parse("the guard rail", &text.to_string(), Kind::Identity)
}

fn no_action(text: &str) -> String {
    format!(
        "no action of AWS's is called `{text}`: write `PREFIX:Action` as the Service Authorization \
         Reference has it, with `*` and `?` behind the colon"
    )
}

fn resource(text: &Spanned<String>) -> Option<(usize, String)> {
    let written = text.get_ref();
    let is_arn = written.starts_with("arn:") || written == "*";
    let good = match is_arn {
        true => parsed(&json!(written), &json!({})).is_ok(),
        false => !written.is_empty() && !written.contains(':') || written.contains('.'),
    };
    (!good).then(|| {
        let fault = format!(
            "`{written}` is no resource: write an ARN with `*` and `?`, a Terraform output or a \
             resource by its address"
        );
        (text.span().start, fault)
    })
}
