//! What is odd about a service: `overrides/SERVICE.toml`, each rule with its
//! source.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The rules of a service.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Override {
    /// The prefix of its actions, where it is not the signing name.
    pub(crate) iam: Option<Iam>,
    /// The actions of all operations.
    pub(crate) actions: Option<Actions>,
    /// What is so of some operations.
    #[serde(default)]
    pub(crate) operations: Vec<Operations>,
    /// How much a request may bring.
    pub(crate) body: Option<Body>,
    /// The query protocol, which it speaks beside those that its model lists.
    pub(crate) query: Option<Query>,
    /// Who says what its calls need, where it is not the rule.
    pub(crate) needs: Option<NeedsBy>,
    /// The resource types of actions.
    #[serde(default)]
    pub(crate) types: Vec<Types>,
    /// How calls name resources.
    #[serde(default)]
    pub(crate) resources: Vec<Resources>,
    /// Members that are ARNs, whatever type they are of.
    #[serde(default)]
    pub(crate) arns: Vec<Arns>,
    /// Actions that calls need besides.
    #[serde(default)]
    pub(crate) also: Vec<Also>,
    /// Roles that calls hand over.
    #[serde(default)]
    pub(crate) passes: Vec<Passes>,
    /// Tags in requests.
    #[serde(default)]
    pub(crate) tags: Vec<Tags>,
    /// Where condition keys come from.
    #[serde(default)]
    pub(crate) keys: Vec<Keys>,
    /// Members that name the account of what a call is about.
    #[serde(default)]
    pub(crate) accounts: Vec<Accounts>,
    /// What ARNs have for words of the input.
    #[serde(default)]
    pub(crate) words: Vec<Words>,
}

/// The query protocol of a service whose model has another one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// The member whose URL requests may be sent to.
    pub(crate) path: String,
    /// What the items of lists are called, by shape.
    pub(crate) items: BTreeMap<String, String>,
    /// What the entries of maps are called, their keys and their values, by shape.
    pub(crate) entries: BTreeMap<String, [String; 3]>,
    /// Of its answers in XML.
    pub(crate) namespace: String,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Iam {
    pub(crate) prefix: String,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actions {
    pub(crate) by: By,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// The action is called as the HTTP method is.
    Method,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operations {
    pub(crate) names: Vec<String>,
    /// The actions that each needs.
    pub(crate) actions: Option<Vec<String>>,
    /// Whether the service's own host serves them.
    pub(crate) route: Option<bool>,
    /// Why calls of these are refused.
    pub(crate) refused: Option<String>,
    /// Whether they act upon `*`, whatever resource types their actions have.
    pub(crate) everything: Option<bool>,
    /// Whether the policy in the input is a resource's.
    pub(crate) stores_policy: Option<bool>,
    /// The rule says what they need, though the guard's own code does of others.
    pub(crate) by: Option<NeedsSource>,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NeedsBy {
    pub(crate) by: Option<NeedsSource>,
    /// Why all calls of the service are refused.
    pub(crate) refused: Option<String>,
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NeedsSource {
    /// The guard's own code.
    Hand,
    /// The rule: of single operations of a service whose others are by hand.
    Rule,
}

/// The resource types of actions, where the reference tells none or those of another
/// service of the same prefix.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Types {
    pub(crate) actions: Vec<String>,
    pub(crate) types: Vec<String>,
    #[serde(skip_serializing)]
    pub(crate) source: String,
}

/// How calls name resources of a type.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resources {
    pub(crate) r#type: String,
    /// None: those that have one of the members.
    #[serde(default)]
    pub(crate) operations: Vec<String>,
    /// For this action alone.
    pub(crate) action: Option<String>,
    /// The members that are the last variable of the ARN, or all of it.
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// How they are read: `name` (or ARN), `arn`, `url`, `qualified`, …..
    pub(crate) read: Option<String>,
    /// The form of the ARN, where it is not the first of the type's.
    pub(crate) arn: Option<String>,
    /// What the variable is where no member is given: `*` is every such resource.
    pub(crate) otherwise: Option<String>,
    /// What the service is asked instead.
    pub(crate) asked: Option<Asked>,
    /// How the texts begin that name one of this type, where a member may name
    /// several: `ou-`.
    #[serde(default)]
    pub(crate) starting: Vec<String>,
    /// The variables before the last, where no member is called so.
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) required: Option<bool>,
    pub(crate) only: Option<Only>,
    /// The calls do not act upon one.
    #[serde(default)]
    pub(crate) ignored: bool,
    #[serde(skip_serializing)]
    pub(crate) source: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    #[serde(default)]
    pub(crate) members: Vec<String>,
    pub(crate) read: Option<String>,
    pub(crate) otherwise: Option<String>,
    pub(crate) asked: Option<Asked>,
}

/// A question to the service, which alone knows.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) operation: String,
    /// Its members, from which members of the call.
    #[serde(default)]
    pub(crate) given: BTreeMap<String, String>,
    /// Where it stands in the answer.
    pub(crate) answer: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Only {
    pub(crate) member: String,
    pub(crate) is: Option<String>,
    pub(crate) is_not: Option<String>,
    /// What the member is where it is not given; none: this.
    pub(crate) otherwise: Option<String>,
}

/// Members that are ARNs of one of the types that an action has.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arns {
    pub(crate) members: Vec<String>,
    /// None: all that have one.
    #[serde(default)]
    pub(crate) operations: Vec<String>,
    #[serde(skip_serializing)]
    pub(crate) source: String,
}

/// An action that operations need besides.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Also {
    pub(crate) operations: Vec<String>,
    pub(crate) action: String,
    /// Where one of these is given. Without this and the next three: always.
    #[serde(default)]
    pub(crate) given: Vec<String>,
    /// Where one of these is true.
    #[serde(default)]
    pub(crate) is_true: Vec<String>,
    /// Where a text of a member begins so.
    pub(crate) begins: Option<Begins>,
    /// Where the OpenAPI definition in the body has this member.
    pub(crate) defines: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) source: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begins {
    pub(crate) member: String,
    pub(crate) texts: Vec<String>,
}

/// Roles that calls hand over.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Passes {
    /// These places. Without members, names and shapes: all that are called so.
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// All that are called as roles are, and so.
    #[serde(default)]
    pub(crate) names: Vec<String>,
    /// All that are called as roles are, and of these shapes.
    #[serde(default)]
    pub(crate) shapes: Vec<String>,
    #[serde(default)]
    pub(crate) operations: Vec<String>,
    /// How a role stands there: `role` (name or ARN), `arn`, `profile`,
    /// `definition`, `text`.
    pub(crate) read: Option<String>,
    /// What the service is asked: the members name what has the role.
    pub(crate) asked: Option<Asked>,
    /// The member that names another role in its place.
    pub(crate) unless: Option<String>,
    /// The member, of the same item, whose text tells whether the other is a role.
    pub(crate) named_by: Option<String>,
    /// What that text ends in; none: `RoleArn`.
    #[serde(default)]
    pub(crate) endings: Vec<String>,
    /// `iam:PassedToService`.
    pub(crate) service: Option<String>,
    /// They are no roles that a call hands over.
    #[serde(default)]
    pub(crate) ignored: bool,
    #[serde(skip_serializing)]
    pub(crate) source: String,
}

/// Tags in requests.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tags {
    #[serde(default)]
    pub(crate) operations: Vec<String>,
    /// Under which names tags come, beside `Tags`.
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// Under which names keys of tags come, beside `TagKeys`.
    #[serde(default)]
    pub(crate) key_members: Vec<String>,
    /// The action that tags on creation need; empty: none.
    pub(crate) action: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) source: String,
}

/// Where a condition key comes from.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) operations: Vec<String>,
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// The members name resources of this type, and the key is the ARN.
    pub(crate) r#type: Option<String>,
    /// What it is where no member is given.
    pub(crate) otherwise: Option<String>,
    /// No request has it where no member is given.
    #[serde(default)]
    pub(crate) optional: bool,
    /// The member is a pattern of events, and the key what it says of this field.
    #[serde(default)]
    pub(crate) pattern: Vec<String>,
    /// The members hold names of DNS, and the key their normal forms.
    #[serde(default)]
    pub(crate) record_names: bool,
    /// It is the account's id.
    #[serde(default)]
    pub(crate) account: bool,
    /// Requests have it whatever resource they are about, though the reference
    /// tells it of one type.
    #[serde(default)]
    pub(crate) of_request: bool,
    /// Why no request has it here.
    pub(crate) never: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) source: String,
}

/// Members that name the account of what a call is about.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accounts {
    pub(crate) members: Vec<String>,
    #[serde(skip_serializing)]
    pub(crate) source: String,
}

/// What ARNs have, in one of their variables, for words of the input.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) variable: String,
    pub(crate) words: BTreeMap<String, String>,
    #[serde(skip_serializing)]
    pub(crate) source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    pub(crate) limit: u64,
    pub(crate) source: String,
}

/// The overrides of a folder, by service.
pub(crate) fn read(folder: &Path) -> BTreeMap<String, Override> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let id = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let rules: Override = toml::from_str(&fs::read_to_string(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            for source in rules.sources() {
                assert!(source.starts_with("https://"), "{id}: `{source}` is no source");
            }
            (id, rules)
        })
        .collect()
}

impl Override {
    fn sources(&self) -> impl Iterator<Item = &str> {
        let iam = self.iam.iter().map(|rule| &rule.source);
        let actions = self.actions.iter().map(|rule| match rule.by {
            By::Method => &rule.source,
        });
        let needs = self.needs.iter().map(|rule| &rule.source);
        let all = iam
            .chain(actions)
            .chain(needs)
            .chain(self.operations.iter().map(|rule| &rule.source))
            .chain(self.body.iter().map(|rule| &rule.source))
            .chain(self.query.iter().map(|rule| &rule.source))
            .chain(self.types.iter().map(|rule| &rule.source))
            .chain(self.resources.iter().map(|rule| &rule.source))
            .chain(self.arns.iter().map(|rule| &rule.source))
            .chain(self.also.iter().map(|rule| &rule.source))
            .chain(self.passes.iter().map(|rule| &rule.source))
            .chain(self.tags.iter().map(|rule| &rule.source))
            .chain(self.keys.iter().map(|rule| &rule.source))
            .chain(self.accounts.iter().map(|rule| &rule.source))
            .chain(self.words.iter().map(|rule| &rule.source));
        all.map(String::as_str)
    }
}
