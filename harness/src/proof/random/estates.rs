//! Small estates, as Terraform shows them, and guard rails about them.

use ringfence_policy::{Document, Kind};
use serde_json::{Value, json};

use super::dice::Dice;
use super::made;

const ACCOUNT: &str = "111122223333";

/// An identity.
#[derive(Debug)]
pub(super) struct Person {
    /// `role/worker`
    pub(super) entry: String,
    /// Who asks, with `SESSION` in the place of a session's name.
    pub(super) caller: String,
    /// Its policies by layer, as `ringfence decide` reads them.
    pub(super) policies: Value,
}

/// A guard rail.
#[derive(Debug)]
pub(super) struct Rail {
    pub(super) title: String,
    /// By position among the people.
    pub(super) who: Vec<usize>,
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) except: Option<Value>,
}

impl Rail {
    pub(super) fn statement(&self) -> Value {
        json!({"Action": self.actions, "Resource": self.resources,
            "Condition": self.except.clone().unwrap_or_default()})
    }
}

/// An estate.
pub(super) struct Made {
    pub(super) people: Vec<Person>,
    /// The policies of resources by address.
    pub(super) resources: Vec<(String, Value)>,
    /// The trust policies by role, with the role's ARN.
    pub(super) trusts: Vec<(String, String, Value)>,
    pub(super) rails: Vec<Rail>,
    pub(super) config: String,
    /// As `terraform show -json` prints it.
    pub(super) shown: Value,
    /// All policies.
    pub(super) all: Value,
}

/// Resources that have a policy, with the attribute that it stands in.
const STANDING: [(&str, &str); 5] = [
    ("aws_s3_bucket_policy", "policy"),
    ("aws_sqs_queue_policy", "policy"),
    ("aws_sns_topic_policy", "policy"),
    ("aws_secretsmanager_secret_policy", "policy"),
    ("aws_dynamodb_resource_policy", "policy"),
];

/// What is being made.
struct Making<'d> {
    dice: &'d mut Dice,
    /// Address, type and values.
    resources: Vec<(String, &'static str, Value)>,
}

impl Making<'_> {
    fn add(&mut self, kind: &'static str, values: Value) -> String {
        let address = format!("{kind}.x{}", self.resources.len());
        self.resources.push((address.clone(), kind, values));
        address
    }

    /// A managed policy: its ARN.
    fn managed(&mut self, document: &Value) -> String {
        let name = format!("p{}", self.resources.len());
        let arn = format!("arn:aws:iam::{ACCOUNT}:policy/{name}");
        let values = json!({"name": name, "path": "/", "arn": arn, "policy": document.to_string()});
        self.add("aws_iam_policy", values);
        arn
    }

    /// The first of some documents that AWS would store.
    fn stored(&mut self, kind: Kind, make: impl Fn(&mut Self) -> Value) -> Value {
        loop {
            let document = make(self);
            if Document::parse("made", &document.to_string(), kind).is_ok() {
                return document;
            }
        }
    }

    fn document(&mut self, denies: usize) -> Value {
        self.stored(Kind::Identity, |making| making.any_document(denies))
    }

    fn any_document(&mut self, denies: usize) -> Value {
        let dice = &mut *self.dice;
        let mut all: Vec<Value> =
            (0..=dice.below(2)).map(|_| made::statement(dice, false, denies)).collect();
        if dice.one_in(6) {
            all.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        }
        json!({"Version": "2012-10-17", "Statement": all})
    }

    /// A document that limits what others allow.
    fn limit(&mut self, kind: Kind) -> Value {
        self.stored(kind, Self::any_limit)
    }

    fn any_limit(&mut self) -> Value {
        let mut all = self.any_document(5);
        if !self.dice.one_in(5)
            && let Some(statements) = all["Statement"].as_array_mut()
        {
            statements.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        }
        all
    }

    fn standing(&mut self) -> Value {
        self.stored(Kind::Resource, Self::any_standing)
    }

    fn any_standing(&mut self) -> Value {
        let dice = &mut *self.dice;
        let all: Vec<Value> = (0..=dice.below(2)).map(|_| made::statement(dice, true, 2)).collect();
        json!({"Version": "2012-10-17", "Statement": all})
    }

    /// A trust policy.
    fn trust(&mut self) -> Value {
        self.stored(Kind::Trust, Self::any_trust)
    }

    fn any_trust(&mut self) -> Value {
        let dice = &mut *self.dice;
        let whom = dice.one_of(&[
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:user/alice",
            "arn:aws:iam::111122223333:role/worker",
            "arn:aws:sts::111122223333:assumed-role/admin/s1",
            "arn:aws:iam::444455556666:root",
        ]);
        let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": whom}});
        if dice.one_in(3) {
            made::condition(dice, &mut statement);
        }
        let mut all = vec![statement];
        if dice.one_in(4) {
            let mut deny = json!({"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*"});
            made::condition(dice, &mut deny);
            all.push(deny);
        }
        json!({"Version": "2012-10-17", "Statement": all})
    }

    /// The policies of an identity, given in one of the ways there are.
    fn policies(&mut self, word: &str, name: &str, own: &mut Value) -> Vec<Value> {
        let mut all = Vec::new();
        for _ in 0..self.dice.below(3) {
            let document = self.document(2);
            let text = document.to_string();
            let is_role = word == "role";
            match self.dice.below(if is_role { 5 } else { 3 }) {
                0 => {
                    let kind = match word {
                        "role" => "aws_iam_role_policy",
                        "user" => "aws_iam_user_policy",
                        _ => "aws_iam_group_policy",
                    };
                    let of = format!("i{}", self.resources.len());
                    self.add(kind, json!({word: name, "name": of, "policy": text}));
                }
                1 => {
                    let arn = self.managed(&document);
                    let kind = match word {
                        "role" => "aws_iam_role_policy_attachment",
                        "user" => "aws_iam_user_policy_attachment",
                        _ => "aws_iam_group_policy_attachment",
                    };
                    self.add(kind, json!({word: name, "policy_arn": arn}));
                }
                2 => {
                    let arn = self.managed(&document);
                    let list = format!("{word}s");
                    self.add("aws_iam_policy_attachment", json!({list: [name], "policy_arn": arn}));
                }
                3 => {
                    let arn = self.managed(&document);
                    push(own, "managed_policy_arns", json!(arn));
                }
                _ => {
                    let of = format!("o{}", all.len());
                    push(own, "inline_policy", json!({"name": of, "policy": text}));
                }
            }
            all.push(document);
        }
        all
    }

    /// A boundary: in an identity's own values, and as a document.
    fn boundary(&mut self, own: &mut Value) -> Option<Value> {
        if !self.dice.one_in(3) {
            return None;
        }
        let document = self.limit(Kind::Boundary);
        own["permissions_boundary"] = json!(self.managed(&document));
        Some(document)
    }

    /// The levels of control policies above the account.
    fn levels(&mut self) -> Vec<Value> {
        const FULL: &str = "p-FullAWSAccess";
        if !self.dice.one_in(3) {
            return Vec::new();
        }
        let root = "r-ab12";
        let unit = "ou-ab12-11111111";
        self.add("aws_organizations_organization", json!({"master_account_id": "999999999999"}));
        self.add("aws_organizations_organizational_unit", json!({"id": unit, "parent_id": root}));
        self.add("aws_organizations_account", json!({"id": ACCOUNT, "parent_id": unit}));
        let mut levels = Vec::new();
        for target in [ACCOUNT, unit, root] {
            if !self.dice.one_in(2) {
                continue;
            }
            let document = self.limit(Kind::ServiceControl);
            let id = format!("p-{}", self.resources.len());
            let values = json!({"id": id, "type": "SERVICE_CONTROL_POLICY",
                "content": document.to_string()});
            self.add("aws_organizations_policy", values);
            for policy in [id.as_str(), FULL] {
                let values = json!({"policy_id": policy, "target_id": target});
                self.add("aws_organizations_policy_attachment", values);
            }
            let full = json!({"Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
            levels.push(json!([document, full]));
        }
        levels
    }
}

fn push(own: &mut Value, list: &str, item: Value) {
    match own[list].as_array_mut() {
        Some(items) => items.push(item),
        None => own[list] = json!([item]),
    }
}

/// Makes an estate.
pub(super) fn made(dice: &mut Dice) -> Made {
    let is_plan = dice.one_in(2);
    let mut making = Making { dice, resources: Vec::new() };
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    for _ in 0..making.dice.below(3) {
        let name = format!("g{}", groups.len());
        let arn = format!("arn:aws:iam::{ACCOUNT}:group/{name}");
        making.add("aws_iam_group", json!({"name": name, "path": "/", "arn": arn}));
        let policies = making.policies("group", &name, &mut json!({}));
        groups.push((name, policies));
    }
    let (mut people, mut trusts) = (Vec::new(), Vec::new());
    let all = [
        ("user", "alice"),
        ("role", "worker"),
        ("role", "admin"),
        ("user", "bob"),
        ("role", "zed"),
    ];
    let count = 2 + making.dice.below(4);
    for (word, name) in all.into_iter().take(count) {
        let path = if name == "bob" { "/team/" } else { "/" };
        let arn = format!("arn:aws:iam::{ACCOUNT}:{word}{path}{name}");
        let mut own = json!({"name": name, "path": path, "arn": arn});
        let mut identity = making.policies(word, name, &mut own);
        let boundary = making.boundary(&mut own);
        let entry = format!("{word}/{name}");
        let caller = match word {
            "role" => {
                let trust = making.trust();
                own["assume_role_policy"] = json!(trust.to_string());
                trusts.push((entry.clone(), arn.clone(), trust));
                format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/SESSION")
            }
            _ => {
                for (group, policies) in &groups {
                    if making.dice.one_in(2) {
                        identity.extend(policies.iter().cloned());
                        let values = json!({"user": name, "groups": [group]});
                        making.add("aws_iam_user_group_membership", values);
                    }
                }
                arn.clone()
            }
        };
        making.add(if word == "role" { "aws_iam_role" } else { "aws_iam_user" }, own);
        let mut policies = json!({"identity": identity});
        if let Some(document) = boundary {
            policies["boundary"] = json!([document]);
        }
        people.push(Person { entry, caller, policies });
    }
    let levels = making.levels();
    if !levels.is_empty() {
        people.iter_mut().for_each(|one| one.policies["scp"] = json!(levels));
    }
    let mut resources = Vec::new();
    for _ in 0..making.dice.below(3) {
        let document = making.standing();
        let kind = making.dice.below(STANDING.len());
        let (kind, attribute) = STANDING[kind];
        let address = making.add(kind, json!({attribute: document.to_string()}));
        resources.push((address, document));
    }
    let Making { dice, resources: mut every } = making;
    let rails: Vec<Rail> = (0..=dice.below(2)).map(|at| rail(dice, at, &people)).collect();
    // The order in which resources stand says nothing.
    for at in (1..every.len()).rev() {
        every.swap(at, dice.below(at + 1));
    }
    let documents: Vec<&Value> = people.iter().map(|one| &one.policies).collect();
    let all = json!([
        documents,
        resources.iter().map(|(_, it)| it).collect::<Vec<_>>(),
        trusts.iter().map(|(.., it)| it).collect::<Vec<_>>()
    ]);
    let config = config(&rails, &people);
    Made { people, resources, trusts, config, rails, shown: shown(&every, is_plan), all }
}

fn rail(dice: &mut Dice, at: usize, people: &[Person]) -> Rail {
    let mut who: Vec<usize> = (0..people.len()).filter(|_| dice.one_in(2)).collect();
    if who.is_empty() {
        who.push(dice.below(people.len()));
    }
    let action = |dice: &mut Dice| match dice.below(3) {
        0 => dice
            .one_of(&["s3:*", "s3:Get*", "iam:*", "sts:Assume*", "sqs:*", "s3:*Object"])
            .to_owned(),
        _ => dice.one_of(&made::ACTIONS).to_owned(),
    };
    let actions: Vec<String> = (0..=dice.below(2)).map(|_| action(dice)).collect();
    let resources = match dice.below(3) {
        0 => vec!["*".to_owned()],
        _ => (0..=dice.below(2)).map(|_| resource(dice, &actions)).collect(),
    };
    let except = dice.one_in(3).then(|| {
        let mut statement = json!({});
        made::condition(dice, &mut statement);
        statement["Condition"].take()
    });
    Rail { title: format!("rail {at}"), who, actions, resources, except }
}

/// An ARN upon which one of some actions may act, mostly.
fn resource(dice: &mut Dice, actions: &[String]) -> String {
    let action = dice.any(actions).map(String::as_str).unwrap_or_default();
    let all: &[&str] = match action.split(':').next() {
        Some("s3") => &["arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::*", "arn:aws:s3:::b"],
        Some("iam" | "sts") => &[
            "arn:aws:iam::111122223333:role/worker",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::*:role/a*",
            "arn:aws:iam::111122223333:user/alice",
        ],
        Some("kms") => &["arn:aws:kms:eu-west-1:111122223333:key/*", "arn:aws:kms:*:*:alias/a"],
        Some("sqs") => &["arn:aws:sqs:eu-west-1:111122223333:q", "arn:aws:sqs:*:*:q?"],
        Some("lambda") => &["arn:aws:lambda:*:*:function:*"],
        Some("dynamodb") => &["arn:aws:dynamodb:*:111122223333:table/t*"],
        _ => &["*"],
    };
    if dice.one_in(5) { made::arn(dice) } else { dice.one_of(all).to_owned() }
}

fn config(rails: &[Rail], people: &[Person]) -> String {
    let mut out = format!("[account]\nid = \"{ACCOUNT}\"\nregion = \"eu-west-1\"\n");
    for (at, rail) in rails.iter().enumerate() {
        let is_not = |at: &usize| !rail.who.contains(at);
        let rest: Vec<usize> = (0..people.len()).filter(is_not).collect();
        // Whom it is about, or whom it is not about.
        let (field, whom) = match rest.is_empty() || at % 2 == 0 {
            true => ("who", &rail.who),
            false => ("everyone_but", &rest),
        };
        let names: Vec<&str> = whom.iter().map(|at| people[*at].entry.as_str()).collect();
        let except = rail.except.as_ref().map(inline).map(|it| format!("except = {it}\n"));
        out += &format!(
            "[[guard_rail]]\nid = \"r{at}\"\ntitle = {}\n{field} = {}\nactions = {}\nresources = {}\n{}\
             legitimate = {{ identity = \"platform\", action = \"s3:GetObject\", resource = \"*\" }}\n",
            json!(rail.title),
            json!(names),
            json!(rail.actions),
            json!(rail.resources),
            except.unwrap_or_default()
        );
    }
    out
}

/// A value as TOML writes it in a line.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let all = members.iter().map(|(name, it)| format!("{} = {}", json!(name), inline(it)));
            format!("{{ {} }}", all.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A plan that makes all, of which the ARNs of identities and policies are known after apply
/// only, or a state.
fn shown(all: &[(String, &'static str, Value)], is_plan: bool) -> Value {
    let is_named = |kind: &str| {
        ["aws_iam_group", "aws_iam_policy", "aws_iam_role", "aws_iam_user"].contains(&kind)
    };
    if !is_plan {
        let all = all.iter().map(|(address, kind, values)| {
            json!({"address": address, "mode": "managed", "type": kind, "values": values})
        });
        return json!({"format_version": "1.0",
            "values": {"root_module": {"resources": all.collect::<Vec<_>>()}}});
    }
    let all = all.iter().map(|(address, kind, values)| {
        let (mut after, mut unknown) = (values.clone(), json!({}));
        if is_named(kind) {
            after.as_object_mut().map(|members| members.remove("arn"));
            unknown = json!({"arn": true, "id": true});
        }
        json!({"address": address, "mode": "managed", "type": kind,
            "change": {"actions": ["create"], "before": null, "after": after,
                "after_unknown": unknown}})
    });
    json!({"format_version": "1.2", "resource_changes": all.collect::<Vec<_>>()})
}
