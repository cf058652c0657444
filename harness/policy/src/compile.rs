//! From JSON to statements, refusing what AWS refuses to store.
//!
//! Grammar: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>;
//! what each kind of document may hold: the page of each element. Names of
//! elements, operators and effects are exact: a misspelt `Condition` is
//! refused, since without it the statement would be unconditional.

use crate::arn::{ResourcePattern, ShortArn};
use crate::condition::Condition;
use crate::document::{DocumentError, Kind, Version};
use crate::json::{Member, Node, Value, error_at};
use crate::operator::{self, Base, Operator};
use crate::pattern::Glob;
use crate::principal::{Entry, Principals};
use crate::resource_format;
use crate::statement::{ActionPattern, Actions, Effect, Resources, Statement};
use crate::value::Instant;

/// A document's content.
pub(crate) struct Compiled {
    pub(crate) version: Version,
    pub(crate) statements: Vec<Statement>,
}

/// The text being read, for places, and what it is to be.
#[derive(Clone, Copy)]
struct Reader<'a> {
    text: &'a str,
    kind: Kind,
    version: Version,
}

/// Reads a document.
pub(crate) fn document(text: &str, root: &Node, kind: Kind) -> Result<Compiled, DocumentError> {
    let mut reader = Reader { text, kind, version: Version::V2008 };
    let members = reader.object(root, "a policy document")?;
    let mut statement = None;
    for member in members {
        match member.key.as_str() {
            "Version" => reader.version = reader.read_version(&member.value)?,
            "Id" => drop(reader.string(&member.value, "`Id`")?),
            "Statement" => statement = Some(&member.value),
            unknown => {
                return Err(reader.unknown(member, unknown, &["Version", "Id", "Statement"]));
            }
        }
    }
    let statement =
        statement.ok_or_else(|| reader.error(root.at, "the document has no `Statement`"))?;
    let nodes = match &statement.value {
        Value::Array(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(statement),
    };
    if nodes.is_empty() {
        return Err(reader.error(statement.at, "`Statement` is empty"));
    }
    let statements =
        nodes.iter().map(|node| reader.statement(node)).collect::<Result<Vec<_>, _>>()?;
    if let Some(twice) = repeated_sid(kind, &statements) {
        let sid = twice.sid.as_deref().unwrap_or_default();
        let message = format!("the `Sid` `{sid}` stands twice: it must be unique");
        return Err(reader.error(twice.at, message));
    }
    Ok(Compiled { version: reader.version, statements })
}

/// The services that refuse a resource policy for a `Sid` that stands twice.
/// - DynamoDB: "The Statement Ids in the policy are not unique", as it answered
///   in October 2026.
/// - SNS: "Every policy statement must have a unique ID"
///   (<https://github.com/serverless-operations/serverless-step-functions/issues/801>,
///   <https://github.com/aws/aws-cdk/pull/30>).
const UNIQUE_SIDS: [&str; 2] = ["dynamodb", "sns"];

/// A statement whose `Sid` an earlier one has, where that is refused. "In IAM,
/// the `Sid` value must be unique within a JSON policy", says its guide, and
/// "some AWS services … might … have uniqueness requirements for it"
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>).
/// Others store such policies:
/// - S3: <https://github.com/cloud-custodian/cloud-custodian/issues/6145>
/// - ECR: <https://github.com/getmoto/moto/pull/8933>
/// - KMS: `emr/sc-emr-ra.json` of
///   <https://github.com/aws-samples/aws-service-catalog-reference-architectures>
fn repeated_sid(kind: Kind, statements: &[Statement]) -> Option<&Statement> {
    let is_unique = kind != Kind::Resource
        || statements.iter().flat_map(|statement| &statement.actions.patterns).any(|pattern| {
            pattern.service.as_deref().is_some_and(|service| UNIQUE_SIDS.contains(&service))
        });
    let mut seen = std::collections::HashSet::new();
    let mut named = statements.iter().filter(|statement| statement.sid.is_some());
    named.find(|statement| is_unique && !seen.insert(statement.sid.as_deref()))
}

const STATEMENT_ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl<'a> Reader<'a> {
    fn error(&self, at: usize, message: impl Into<String>) -> DocumentError {
        error_at(self.text, at, message)
    }

    fn unknown(&self, member: &Member, name: &str, known: &[&str]) -> DocumentError {
        let near = known
            .iter()
            .map(|known| (operator::distance(&name.to_lowercase(), &known.to_lowercase()), known))
            .min()
            .filter(|(far, _)| *far <= 3);
        let hint = near.map(|(_, known)| format!(": write `{known}`")).unwrap_or_default();
        self.error(member.at, format!("unknown element `{name}`{hint}"))
    }

    fn object<'n>(&self, node: &'n Node, what: &str) -> Result<&'n [Member], DocumentError> {
        match &node.value {
            Value::Object(members) => Ok(members),
            other => {
                let message = format!("{what} must be an object, not {}", other.kind());
                Err(self.error(node.at, message))
            }
        }
    }

    fn string<'n>(&self, node: &'n Node, what: &str) -> Result<&'n str, DocumentError> {
        match &node.value {
            Value::String(text) => Ok(text),
            other => {
                Err(self.error(node.at, format!("{what} must be a string, not {}", other.kind())))
            }
        }
    }

    /// One string or a list of strings, at least one.
    fn strings<'n>(
        &self,
        node: &'n Node,
        what: &str,
    ) -> Result<Vec<(usize, &'n str)>, DocumentError> {
        let Value::Array(items) = &node.value else {
            return Ok(vec![(node.at, self.string(node, what)?)]);
        };
        if items.is_empty() {
            return Err(self.error(node.at, format!("{what} is an empty list")));
        }
        items.iter().map(|item| Ok((item.at, self.string(item, what)?))).collect()
    }

    fn read_version(&self, node: &Node) -> Result<Version, DocumentError> {
        match self.string(node, "`Version`")? {
            "2012-10-17" => Ok(Version::V2012),
            "2008-10-17" => Ok(Version::V2008),
            other => Err(self.error(
                node.at,
                format!("`Version` is `{other}`: it must be `2012-10-17` or `2008-10-17`"),
            )),
        }
    }

    fn variables(&self) -> bool {
        self.version == Version::V2012
    }

    fn statement(&self, node: &Node) -> Result<Statement, DocumentError> {
        let members = self.object(node, "a statement")?;
        for member in members {
            if !STATEMENT_ELEMENTS.contains(&member.key.as_str()) {
                return Err(self.unknown(member, &member.key, &STATEMENT_ELEMENTS));
            }
        }
        let find = |name: &str| members.iter().find(|member| member.key == name);
        for (a, b) in
            [("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")]
        {
            if let (Some(_), Some(second)) = (find(a), find(b)) {
                let message = format!("a statement has `{a}` or `{b}`, not both");
                return Err(self.error(second.at, message));
            }
        }
        let sid = match find("Sid") {
            Some(member) => self.sid(&member.value)?,
            None => None,
        };
        let effect = match find("Effect") {
            Some(member) => self.effect(&member.value)?,
            None => return Err(self.error(node.at, "the statement has no `Effect`")),
        };
        if self.kind == Kind::ResourceControl {
            self.resource_control(node, effect, &find)?;
        }
        let principals = self.principals(node, find("Principal"), find("NotPrincipal"))?;
        let actions = self.actions(node, find("Action"), find("NotAction"))?;
        let resources = self.resources(node, find("Resource"), find("NotResource"))?;
        let conditions = match find("Condition") {
            Some(member) => self.conditions(&member.value)?,
            None => Vec::new(),
        };
        Ok(Statement {
            sid: sid.map(Into::into),
            at: node.at,
            effect,
            principals,
            actions,
            resources,
            conditions: conditions.into(),
        })
    }

    /// What a statement of a resource control policy may have: `Allow` only as
    /// `RCPFullAWSAccess` has it
    /// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html>).
    fn resource_control<'n>(
        &self,
        node: &Node,
        effect: Effect,
        find: &impl Fn(&str) -> Option<&'n Member>,
    ) -> Result<(), DocumentError> {
        for name in ["NotPrincipal", "NotAction"] {
            if let Some(member) = find(name) {
                let message = format!("a resource control policy takes no `{name}`");
                return Err(self.error(member.at, message));
            }
        }
        let is_star =
            |member: &Member| matches!(&member.value.value, Value::String(text) if text == "*");
        if let Some(principal) = find("Principal").filter(|member| !is_star(member)) {
            let message = "`Principal` of a resource control policy must be `*`";
            return Err(self.error(principal.value.at, message));
        }
        if find("Resource").or(find("NotResource")).is_none() {
            return Err(self.error(node.at, "the statement has no `Resource`"));
        }
        match effect {
            Effect::Deny => {
                let Some(action) = find("Action") else { return Ok(()) };
                let entries = self.strings(&action.value, "`Action`")?;
                match entries.iter().find(|(_, text)| text.starts_with('*')) {
                    Some((at, text)) => {
                        let message = format!(
                            "`{text}` names no service, which a resource control policy must: write `service:*`"
                        );
                        Err(self.error(*at, message))
                    }
                    None => Ok(()),
                }
            }
            Effect::Allow => {
                let full = ["Principal", "Action", "Resource"]
                    .iter()
                    .all(|name| find(name).is_some_and(is_star));
                if full && find("Condition").is_none() {
                    return Ok(());
                }
                let message =
                    "a resource control policy only denies; `Allow` is RCPFullAWSAccess's";
                Err(self.error(node.at, message))
            }
        }
    }

    /// "Statement IDs (SID) must be alpha-numeric" in IAM; other services
    /// take more.
    fn sid<'n>(&self, node: &'n Node) -> Result<Option<&'n str>, DocumentError> {
        let sid = self.string(node, "`Sid`")?;
        if self.kind.is_kept_by_iam() && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = format!("the `Sid` `{sid}` must match [0-9A-Za-z]*");
            return Err(self.error(node.at, message));
        }
        Ok(Some(sid).filter(|sid| !sid.is_empty()))
    }

    fn effect(&self, node: &Node) -> Result<Effect, DocumentError> {
        match (self.string(node, "`Effect`")?, self.kind) {
            ("Allow", _) => Ok(Effect::Allow),
            ("Deny", _) => Ok(Effect::Deny),
            // Recorded on AWS: a role whose trust policy has `ALLOW` is made, and
            // can be used (LocalStack's `test_updating_stack_with_iam_role`).
            (other, Kind::Trust) if other.eq_ignore_ascii_case("Allow") => Ok(Effect::Allow),
            (other, Kind::Trust) if other.eq_ignore_ascii_case("Deny") => Ok(Effect::Deny),
            (other, _) => {
                let message = format!("`Effect` is `{other}`: it must be `Allow` or `Deny`");
                Err(self.error(node.at, message))
            }
        }
    }

    fn principals(
        &self,
        statement: &Node,
        positive: Option<&Member>,
        negative: Option<&Member>,
    ) -> Result<Option<Principals>, DocumentError> {
        let negated = negative.is_some();
        let Some(member) = positive.or(negative) else {
            return if self.kind.has_principals() {
                Err(self.error(statement.at, "the statement has no `Principal`"))
            } else {
                Ok(None)
            };
        };
        if !self.kind.has_principals() {
            let message = format!("`{}` belongs into resource policies only", member.key);
            return Err(self.error(member.at, message));
        }
        // "You cannot use the NotPrincipal element in an IAM identity-based policy
        // nor in an IAM role trust policy."
        if self.kind == Kind::Trust && negated {
            return Err(self.error(member.at, "a trust policy takes no `NotPrincipal`"));
        }
        let mut entries = Vec::new();
        match &member.value.value {
            Value::String(text) if text == "*" => entries.push(Entry::Everyone),
            Value::String(text) => {
                let message = format!("`{}` must be `*` or an object, not `{text}`", member.key);
                return Err(self.error(member.value.at, message));
            }
            _ => {
                for group in self.object(&member.value, &format!("`{}`", member.key))? {
                    self.principal_group(group, &mut entries)?;
                }
            }
        }
        if entries.is_empty() {
            return Err(self.error(member.value.at, format!("`{}` is empty", member.key)));
        }
        Ok(Some(Principals { negated, entries: entries.into() }))
    }

    fn principal_group(
        &self,
        group: &Member,
        entries: &mut Vec<Entry>,
    ) -> Result<(), DocumentError> {
        const KINDS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];
        if !KINDS.contains(&group.key.as_str()) {
            return Err(self.unknown(group, &group.key, &KINDS));
        }
        for (at, text) in self.strings(&group.value, &format!("`{}`", group.key))? {
            let entry = Entry::read(&group.key, text).map_err(|message| self.error(at, message))?;
            entries.push(entry);
        }
        Ok(())
    }

    fn actions(
        &self,
        statement: &Node,
        positive: Option<&Member>,
        negative: Option<&Member>,
    ) -> Result<Actions, DocumentError> {
        let Some(member) = positive.or(negative) else {
            return Err(self.error(statement.at, "the statement has no `Action`"));
        };
        if self.kind == Kind::Trust && negative.is_some() {
            return Err(self.error(member.at, "a trust policy takes no `NotAction`"));
        }
        let mut patterns = Vec::new();
        for (at, text) in self.strings(&member.value, &format!("`{}`", member.key))? {
            patterns.push(self.action(at, text)?);
        }
        Ok(Actions { negated: negative.is_some(), patterns: patterns.into() })
    }

    /// Texts as IAM answers them: "Actions/Conditions must be prefaced by a
    /// vendor", "Actions/Condition can contain only one colon.", "Vendor x is
    /// not valid".
    fn action(&self, at: usize, text: &str) -> Result<ActionPattern, DocumentError> {
        if self.kind == Kind::Trust
            && !text.get(..4).is_some_and(|t| t.eq_ignore_ascii_case("sts:"))
        {
            let message = format!("a trust policy takes only STS actions, not `{text}`");
            return Err(self.error(at, message));
        }
        if text.bytes().all(|byte| byte == b'*') && !text.is_empty() {
            return Ok(ActionPattern { source: text.into(), service: None, name: Glob::Any });
        }
        let Some((service, name)) = text.split_once(':') else {
            let message = format!("`{text}` has no service: write `*` or `service:{text}`");
            return Err(self.error(at, message));
        };
        if name.contains(':') {
            return Err(self.error(at, format!("`{text}` has more than one colon")));
        }
        if name.is_empty() {
            return Err(self.error(at, format!("`{text}` names no action")));
        }
        let service = match service {
            "*" => None,
            service => {
                let valid = !service.is_empty()
                    && service
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
                if !valid {
                    let message = format!("`{service}` in `{text}` is no service");
                    return Err(self.error(at, message));
                }
                Some(service.to_ascii_lowercase().into())
            }
        };
        Ok(ActionPattern { source: text.into(), service, name: Glob::new(&lower(name)) })
    }

    fn resources(
        &self,
        statement: &Node,
        positive: Option<&Member>,
        negative: Option<&Member>,
    ) -> Result<Option<Resources>, DocumentError> {
        let Some(member) = positive.or(negative) else {
            return if matches!(self.kind, Kind::Resource | Kind::Trust) {
                Ok(None)
            } else {
                Err(self.error(statement.at, "the statement has no `Resource`"))
            };
        };
        if self.kind == Kind::Trust {
            let message = format!("a trust policy takes no `{}`", member.key);
            return Err(self.error(member.at, message));
        }
        let short = match self.kind {
            Kind::Resource => ShortArn::PadWithWildcard,
            _ => ShortArn::Pad,
        };
        let mut patterns = Vec::new();
        for (at, text) in self.resource_entries(member)? {
            resource_format::check(text, self.kind).map_err(|message| self.error(at, message))?;
            let pattern = ResourcePattern::parse(text, self.variables(), short)
                .map_err(|error| self.error(at, error.0))?;
            patterns.push(pattern);
        }
        Ok(Some(Resources { negated: negative.is_some(), patterns: patterns.into() }))
    }

    /// IAM passes over a null among resources
    /// (moto's recorded documents, `test_iam_policies.py`).
    fn resource_entries<'n>(
        &self,
        member: &'n Member,
    ) -> Result<Vec<(usize, &'n str)>, DocumentError> {
        let what = format!("`{}`", member.key);
        match &member.value.value {
            Value::Array(items) if !self.kind.has_principals() => {
                let is_null = |item: &&Node| matches!(item.value, Value::Null);
                let kept: Vec<&Node> = items.iter().filter(|item| !is_null(item)).collect();
                if kept.is_empty() {
                    return Err(self.error(member.value.at, format!("{what} is an empty list")));
                }
                kept.into_iter().map(|item| Ok((item.at, self.string(item, &what)?))).collect()
            }
            _ => self.strings(&member.value, &what),
        }
    }

    fn conditions(&self, node: &Node) -> Result<Vec<Condition>, DocumentError> {
        let mut conditions = Vec::new();
        for block in self.object(node, "`Condition`")? {
            let name = block.key.as_str();
            let Some(operator) = Operator::parse(name) else {
                let hint = operator::nearest(name)
                    .map(|near| format!(": did you mean `{near}`?"))
                    .unwrap_or_default();
                let message = format!("unknown condition operator `{name}`{hint}");
                return Err(self.error(block.at, message));
            };
            for member in self.object(&block.value, &format!("`{name}`"))? {
                // IAM stores a key without a service, which no request has
                // (moto's recorded documents, `test_iam_policies.py`); S3
                // answers "Policy has an invalid condition key".
                if !self.kind.is_kept_by_iam() && !member.key.contains(':') {
                    let message =
                        format!("`{}` is no condition key: it has no service", member.key);
                    return Err(self.error(member.at, message));
                }
                let sources = self.condition_values(member, operator)?;
                let condition =
                    Condition::new(operator, name, &member.key, sources, self.variables())
                        .map_err(|error| self.error(member.value.at, error.0))?;
                conditions.push(condition);
            }
        }
        Ok(conditions)
    }

    /// Strings, numbers and booleans, one or a list of them, at least one. A
    /// resource's policy may have none: SNS keeps `"AWS:SourceOwner": []` (the
    /// acceptance test `TestAcc_Aws_SNSTopicPolicy` of snyk/driftctl, run on AWS).
    /// Such a condition has no value that could be compared, see
    /// [`Found::Incomparable`](crate::condition::Found::Incomparable).
    fn condition_values(
        &self,
        member: &Member,
        operator: Operator,
    ) -> Result<Vec<Box<str>>, DocumentError> {
        let nodes = match &member.value.value {
            Value::Array(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(&member.value),
        };
        if nodes.is_empty() && self.kind != Kind::Resource {
            let message = format!("`{}` has an empty list of values", member.key);
            return Err(self.error(member.value.at, message));
        }
        nodes
            .iter()
            .map(|node| {
                let text = match &node.value {
                    Value::String(text) | Value::Number(text) => text.as_str(),
                    Value::Bool(true) => "true",
                    Value::Bool(false) => "false",
                    other => {
                        let message = format!("a value of `{}` is {}", member.key, other.kind());
                        return Err(self.error(node.at, message));
                    }
                };
                // IAM parses dates when it stores a policy and answers "The
                // policy failed legacy parsing".
                if matches!(operator.base, Base::Date(_)) && Instant::parse(text).is_none() {
                    return Err(self.error(node.at, format!("`{text}` is no date")));
                }
                Ok(text.into())
            })
            .collect()
    }
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}
