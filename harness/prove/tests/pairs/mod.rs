//! Pairs of policies that differ in one thing, and a small world of requests.

use ringfence_policy::jsonl::Decider;
use ringfence_policy::{Context, Policies, Principal, Request, judge};
use serde_json::{Value, json};

/// Whether all that the inner side allows the outer side allows.
pub(crate) struct Pair {
    pub(crate) inner: Policies,
    pub(crate) outer: Policies,
    pub(crate) caller: Option<Principal>,
    /// Some request of the world breaks it.
    pub(crate) breaks: bool,
    pub(crate) text: String,
}

/// Requests.
struct World {
    callers: Vec<Principal>,
    actions: Vec<&'static str>,
    resources: Vec<String>,
    contexts: Vec<Context>,
}

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

fn user(arn: &str) -> Principal {
    Principal::User { arn: arn.to_owned() }
}

impl World {
    /// Alice's requests for an object, with nothing in their context.
    fn small() -> Self {
        Self {
            callers: vec![user(ALICE)],
            actions: vec!["s3:GetObject"],
            resources: vec!["arn:aws:s3:::b/k".to_owned()],
            contexts: vec![Context::new()],
        }
    }

    fn breaks(&self, inner: &Policies, outer: &Policies) -> bool {
        let contexts = &self.contexts;
        let requests = self.callers.iter().flat_map(|principal| {
            self.actions.iter().flat_map(move |action| {
                self.resources.iter().flat_map(move |resource| {
                    contexts.iter().map(move |context| Request {
                        principal,
                        action,
                        resource,
                        resource_account: None,
                        context,
                    })
                })
            })
        });
        let mut requests = requests;
        requests
            .any(|request| judge(&request, inner).allowed() && !judge(&request, outer).allowed())
    }

    /// Each of some sides with each other.
    fn pairs(&self, sides: &[Value], caller: Option<&Principal>) -> Vec<Pair> {
        let mut decider = Decider::default();
        let policies: Vec<Policies> = sides
            .iter()
            .map(|side| match decider.policies_of(&side.to_string(), false) {
                Ok(policies) => policies,
                Err(error) => panic!("{error}: {side}"),
            })
            .collect();
        let mut pairs = Vec::new();
        for (inner, one) in policies.iter().zip(sides) {
            for (outer, other) in policies.iter().zip(sides) {
                pairs.push(Pair {
                    inner: inner.clone(),
                    outer: outer.clone(),
                    caller: caller.cloned(),
                    breaks: self.breaks(inner, outer),
                    text: format!("{one}\n{other}"),
                });
            }
        }
        pairs
    }
}

/// A statement that allows objects to be read, but for these members.
fn statement(members: &Value) -> Value {
    let mut all = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
    let own = all.as_object_mut().unwrap();
    for (name, value) in members.as_object().unwrap() {
        if let Some(plain) = name.strip_prefix("Not") {
            own.remove(plain);
        }
        own.insert(name.clone(), value.clone());
    }
    all
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn identity(statements: &[Value]) -> Value {
    json!({"identity": [document(statements)]})
}

/// All pairs.
pub(crate) fn all() -> Vec<Pair> {
    let all = [
        actions(),
        resources(),
        long(),
        many(),
        conditions(),
        lists(),
        several(),
        variables(),
        layers(),
        principals(),
    ];
    all.into_iter().flatten().collect()
}

/// More statements than are looked through one by one.
fn many() -> Vec<Pair> {
    const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let of = |form: &str| {
        let arn = |name: &&str| format!("arn:aws:s3:::{}", form.replace('N', name));
        NAMES.iter().map(arn).collect::<Vec<String>>()
    };
    let forms = ["N/x/*", "N/*", "N*", "*/N", "x/*/N", "N/*/N", "N/x/N"];
    let resources = forms.iter().flat_map(|form| of(&form.replace('*', "y")));
    let world = World { resources: resources.chain(of("N")).collect(), ..World::small() };
    let side = |form: &str, but: usize| {
        let all = of(form).into_iter().take(NAMES.len() - but);
        let all = all.map(|arn| statement(&json!({"Resource": arn})));
        identity(&all.collect::<Vec<Value>>())
    };
    let mut sides: Vec<Value> = forms.iter().map(|form| side(form, 0)).collect();
    sides.extend(["N/*", "*/N"].map(|form| side(form, 1)));
    sides.push(identity(&[statement(&json!({"Resource": of("N/*")}))]));
    world.pairs(&sides, Some(&user(ALICE)))
}

fn actions() -> Vec<Pair> {
    let world = World {
        actions: vec![
            "s3:GetObject",
            "s3:GetX",
            "s3:PutObject",
            "s3:putobject",
            "s3:X",
            "sqs:GetX",
            "sqs:X",
            "xyz:GetX",
            "xyz:X",
            "s3:Ge",
            "s3:GetObjectX",
        ],
        ..World::small()
    };
    let members = [
        json!({"Action": "s3:GetObject"}),
        json!({"Action": "s3:Get*"}),
        json!({"Action": "s3:get?bject"}),
        json!({"Action": "s3:*Object"}),
        json!({"Action": ["s3:GetObject", "s3:PutObject"]}),
        json!({"Action": "s3:*"}),
        json!({"Action": "*:Get*"}),
        json!({"Action": "*"}),
        json!({"NotAction": "s3:*"}),
        json!({"NotAction": ["s3:Get*", "sqs:*"]}),
        json!({"Action": ["sqs:*", "s3:G*"]}),
        json!({"Action": ["s3:Get*", "sqs:Get*"]}),
    ];
    let sides: Vec<Value> = members.iter().map(|one| identity(&[statement(one)])).collect();
    world.pairs(&sides, None)
}

/// All texts over an alphabet up to a length.
fn texts(alphabet: &str, longest: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last
            .iter()
            .flat_map(|text| alphabet.chars().map(move |one| format!("{text}{one}")))
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

fn resources() -> Vec<Pair> {
    let mut resources = vec!["*".to_owned()];
    for region in ["", "a", "A"] {
        for account in ["", "1", "2"] {
            for text in texts("abA:", 4) {
                resources.push(format!("arn:aws:x:{region}:{account}:{text}"));
            }
        }
    }
    let world = World { resources, ..World::small() };
    let one = |text: &str| format!("arn:aws:x:{text}");
    let patterns = [
        vec!["::a"],
        vec!["::a*"],
        vec!["::*a"],
        vec!["::?"],
        vec!["::a?"],
        vec!["::*a*b*"],
        vec!["::*b*a*"],
        vec!["::a", "::b*"],
        vec!["::??*", "::?"],
        vec!["*:*:a*"],
        vec!["*:1:*"],
        vec!["a:*:*"],
        vec!["A:*:*"],
        vec!["*:a"],
        vec!["::a:*"],
        vec!["::A*"],
        vec!["::aab", "::aA"],
        vec!["::ab*"],
    ];
    let listed = |list: &Vec<&str>| list.iter().map(|text| one(text)).collect::<Vec<_>>();
    let all = || patterns.iter().map(listed);
    let mut sides: Vec<Value> = vec![identity(&[statement(&json!({}))])];
    sides.extend(all().map(|list| identity(&[statement(&json!({"Resource": list}))])));
    let few = || all().step_by(3);
    sides.extend(few().map(|list| identity(&[statement(&json!({"NotResource": list}))])));
    sides.extend(few().map(|list| {
        let deny = json!({"Effect": "Deny", "Resource": list});
        identity(&[statement(&json!({})), statement(&deny)])
    }));
    sides.extend(few().map(|list| {
        let deny = json!({"Effect": "Deny", "NotResource": list});
        let allow = json!({"Resource": "arn:aws:x:*:*:*"});
        identity(&[statement(&deny), statement(&allow)])
    }));
    let alice = user(ALICE);
    world.pairs(&sides, Some(&alice))
}

/// Patterns of more places than a word has bits.
fn long() -> Vec<Pair> {
    let name = "n".repeat(40);
    let ends = ["", "x", "y", "xy", "yx", "xx"];
    let resources = ends.iter().map(|end| format!("arn:aws:s3:::{name}/{name}{end}")).collect();
    let world = World { resources, ..World::small() };
    let sides: Vec<Value> = ["", "*", "?", "x*", "*y", "?x"]
        .iter()
        .map(|end| format!("arn:aws:s3:::{name}/*{name}{end}"))
        .map(|text| identity(&[statement(&json!({"Resource": text}))]))
        .collect();
    world.pairs(&sides, None)
}

/// What a key may hold, of these values: nothing, one, or two of them.
fn contexts(key: &str, values: &[&str]) -> Vec<Context> {
    let mut all = vec![Context::new()];
    for one in values {
        let mut context = Context::new();
        context.set(key, *one);
        all.push(context);
        for other in values {
            let mut context = Context::new();
            context.set_list(key, [*one, *other]);
            all.push(context);
        }
    }
    all
}

/// Operators, the values that policies compare with, and those of requests.
type Compared = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const COMPARED: [Compared; 6] = [
    (
        &[
            "StringEquals",
            "StringNotEqualsIfExists",
            "StringEqualsIgnoreCase",
            "StringLike",
            "ForAnyValue:StringLike",
            "ForAllValues:StringEquals",
            "ForAnyValue:StringNotEquals",
        ],
        &["a", "A", "a*", "*b", "?"],
        &["", "a", "A", "b", "ab", "x", "ax", "xb", "aab"],
    ),
    (
        &[
            "NumericEquals",
            "NumericLessThan",
            "NumericGreaterThanEqualsIfExists",
            "NumericNotEquals",
            "NumericGreaterThan",
        ],
        &["5", "7"],
        &["4", "5", "6", "7", "8", "x", ""],
    ),
    (
        &[
            "DateEquals",
            "DateLessThan",
            "DateGreaterThanEquals",
            "DateNotEqualsIfExists",
            "DateGreaterThan",
        ],
        &["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"],
        &["2019-01-01", "2020-01-01", "2020-06-01", "2021-01-01", "2022-01-01", "x"],
    ),
    (
        &["IpAddress", "NotIpAddress", "IpAddressIfExists"],
        &["0.0.0.0/8", "0.0.0.0/9", "10.0.0.0/8", "10.1.2.3"],
        &["0.1.1.1", "0.200.0.0", "10.0.0.1", "10.1.2.3", "11.0.0.0", "::1", "x"],
    ),
    (&["Bool", "Null", "BoolIfExists"], &["true", "false"], &["true", "false", "x"]),
    (
        &["ArnLike", "ArnNotEquals", "ForAnyValue:ArnEquals"],
        &["arn:aws:s3:::a", "arn:aws:s3:::*", "arn:aws:*:::b"],
        &["arn:aws:s3:::a", "arn:aws:s3:::b", "arn:aws:x:::b", "arn:aws:x:::x", "x"],
    ),
];

fn conditions() -> Vec<Pair> {
    let alice = user(ALICE);
    let mut pairs = Vec::new();
    for (operators, values, held) in COMPARED {
        let world = World { contexts: contexts("x:k", held), ..World::small() };
        let mut sides = Vec::new();
        for operator in operators {
            for value in values {
                let condition = json!({"Condition": {*operator: {"x:k": [value]}}});
                sides.push(identity(&[statement(&condition)]));
                let mut deny = statement(&condition);
                deny["Effect"] = json!("Deny");
                sides.push(identity(&[statement(&json!({})), deny]));
            }
        }
        sides.push(identity(&[statement(&json!({}))]));
        pairs.extend(world.pairs(&sides, Some(&alice)));
    }
    pairs
}

/// Requests with two values of a key, of which some statements look at one. An empty value
/// is a class of its own, which here passes as one that is named does.
fn lists() -> Vec<Pair> {
    const OPERATORS: [&str; 4] = [
        "ForAnyValue:StringEquals",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringNotEquals",
        "ForAllValues:StringNotEquals",
    ];
    let mut sides = Vec::new();
    for operator in OPERATORS {
        for values in [json!("a"), json!(["a", ""])] {
            let condition = json!({"Condition": {operator: {"x:k": values}}});
            sides.push(identity(&[statement(&condition)]));
        }
    }
    let world = World { contexts: contexts("x:k", &["a", "", "c"]), ..World::small() };
    world.pairs(&sides, Some(&user(ALICE)))
}

/// Several statements and conditions at once.
fn several() -> Vec<Pair> {
    let mut contexts = Vec::new();
    for k in [None, Some("a"), Some("b"), Some("c")] {
        for n in [None, Some("4"), Some("5"), Some("6")] {
            let mut context = Context::new();
            for (key, value) in [("x:k", k), ("x:n", n)] {
                if let Some(value) = value {
                    context.set(key, value);
                }
            }
            contexts.push(context);
        }
    }
    let resources = ["*", "arn:aws:s3:::a", "arn:aws:s3:::b", "arn:aws:s3:::c"];
    let resources = resources.map(str::to_owned).to_vec();
    let world = World { contexts, resources, ..World::small() };
    let k = |value: &str| json!({"StringEquals": {"x:k": value}});
    let both = json!({"StringEquals": {"x:k": "a"}, "NumericLessThan": {"x:n": "5"}});
    let not = json!({"StringNotEquals": {"x:k": "a"}, "NumericGreaterThan": {"x:n": "4"}});
    let parts = [
        json!({"Resource": "arn:aws:s3:::a", "Condition": k("a")}),
        json!({"Resource": "arn:aws:s3:::b", "Condition": k("a")}),
        json!({"Resource": "arn:aws:s3:::a", "Condition": k("b")}),
        json!({"Resource": ["arn:aws:s3:::a", "arn:aws:s3:::b"], "Condition": k("a")}),
        json!({"Condition": both.clone()}),
        json!({"Condition": not.clone()}),
        json!({"Effect": "Deny", "Condition": both}),
        json!({"Effect": "Deny", "Condition": not, "Resource": "arn:aws:s3:::a"}),
        json!({"Effect": "Deny", "NotResource": "arn:aws:s3:::b"}),
        json!({"Resource": "arn:aws:s3:::*"}),
    ];
    let mut sides = Vec::new();
    for (place, one) in parts.iter().enumerate() {
        for other in &parts[place..] {
            sides.push(identity(&[statement(one), statement(other)]));
        }
    }
    let alice = user(ALICE);
    world.pairs(&sides, Some(&alice))
}

fn variables() -> Vec<Pair> {
    let world = World {
        resources: ["s3:::a", "s3:::b", "s3:::x/a", "s3:::x/b", "s3:::x/", "x:::a"]
            .map(|end| format!("arn:aws:{end}"))
            .to_vec(),
        contexts: contexts("x:k", &["a", "b", "x/a", ""]),
        ..World::small()
    };
    let members = [
        json!({"Resource": "arn:aws:s3:::${x:k}"}),
        json!({"Resource": "arn:aws:s3:::x/${x:k}"}),
        json!({"Resource": "arn:aws:s3:::x/a"}),
        json!({"Resource": "arn:aws:s3:::a"}),
        json!({"Resource": "arn:aws:s3:::*"}),
        json!({"Resource": "arn:aws:s3:::${x:k}", "Condition": {"StringEquals": {"x:k": "a"}}}),
        json!({"NotResource": "arn:aws:s3:::${x:k}"}),
        json!({"NotResource": "arn:aws:s3:::${x:k}", "Condition": {"Null": {"x:k": true}}}),
    ];
    let mut sides: Vec<Value> = members.iter().map(|one| identity(&[statement(one)])).collect();
    // What the variable stands for in one statement is denied in another.
    let deny = json!({"Effect": "Deny", "Resource": "arn:aws:s3:::x/a"});
    let deny = || statement(&deny);
    sides.extend(members.iter().take(2).map(|one| identity(&[statement(one), deny()])));
    // Of many values each counts by itself.
    let each: Vec<String> = (0..9).map(|number| format!("c{number}")).collect();
    let under = json!({"StringEquals": {"x:k": each}});
    let own = json!({"Resource": "arn:aws:s3:::x/${x:k}", "Condition": under});
    sides.extend(members.iter().take(2).map(|one| identity(&[statement(one), statement(&own)])));
    world.pairs(&sides, None)
}

fn layers() -> Vec<Pair> {
    let world = World {
        resources: ["a", "b", "ab"].map(|end| format!("arn:aws:s3:::{end}")).to_vec(),
        ..World::small()
    };
    let some = |end: &str, effect: &str| {
        let resource = format!("arn:aws:s3:::{end}");
        document(&[statement(&json!({"Effect": effect, "Resource": resource}))])
    };
    let all = || some("*", "Allow");
    let a = || some("a*", "Allow");
    let deny = || {
        let deny = json!({"Effect": "Deny", "Resource": "arn:aws:s3:::a"});
        document(&[statement(&json!({})), statement(&deny)])
    };
    let sides = [
        json!({"identity": [all()]}),
        json!({"identity": [a()]}),
        json!({"identity": [deny()]}),
        json!({"identity": [all()], "boundary": [a()]}),
        json!({"identity": [all()], "boundary": [deny()]}),
        json!({"identity": [all()], "scp": [[a()]]}),
        json!({"identity": [all()], "scp": [[all()], [deny()]]}),
        json!({"identity": [all()], "session": [a()]}),
        json!({"identity": [a(), some("b", "Allow")]}),
        json!({"identity": [a()], "boundary": [deny()]}),
    ];
    let alice = user(ALICE);
    world.pairs(&sides, Some(&alice))
}

fn principals() -> Vec<Pair> {
    let account = "arn:aws:iam::111122223333";
    let session = |account: &str, role: &str| Principal::RoleSession {
        role_arn: format!("arn:aws:iam::{account}:role/{role}"),
        session_arn: format!("arn:aws:sts::{account}:assumed-role/{role}/s"),
    };
    let federated = |account: &str| Principal::FederatedUser {
        arn: format!("arn:aws:sts::{account}:federated-user/f"),
        user_arn: format!("arn:aws:iam::{account}:user/alice"),
    };
    let world = World {
        callers: vec![
            user(ALICE),
            user("arn:aws:iam::111122223333:user/bob"),
            user("arn:aws:iam::999999999999:user/bob"),
            session("111122223333", "r"),
            session("999999999999", "r"),
            Principal::Root { account_id: "111122223333".to_owned() },
            Principal::Root { account_id: "999999999999".to_owned() },
            federated("111122223333"),
            Principal::Service { name: "sns.amazonaws.com".to_owned() },
            Principal::Service { name: "sqs.amazonaws.com".to_owned() },
            Principal::Anonymous,
        ],
        actions: vec!["sqs:SendMessage"],
        resources: ["111122223333", "999999999999", "222222222222"]
            .map(|owner| format!("arn:aws:sqs:r:{owner}:q"))
            .to_vec(),
        ..World::small()
    };
    let named = [
        json!("*"),
        json!({"AWS": ALICE}),
        json!({"AWS": format!("{account}:root")}),
        json!({"AWS": format!("{account}:role/r")}),
        json!({"AWS": "arn:aws:sts::111122223333:assumed-role/r/s"}),
        json!({"AWS": ["111122223333", "999999999999"]}),
        json!({"Service": "sns.amazonaws.com"}),
        json!({"Service": ["sns.amazonaws.com", "sqs.amazonaws.com"], "AWS": ALICE}),
    ];
    let mut sides = Vec::new();
    for principal in &named {
        for resource in ["*", "arn:aws:sqs:r:111122223333:q"] {
            let allow = json!({"Effect": "Allow", "Principal": principal,
                "Action": "sqs:SendMessage", "Resource": resource});
            sides.push(json!({"resource": document(&[allow])}));
        }
    }
    let everybody =
        json!({"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"});
    for member in ["Principal", "NotPrincipal"] {
        let deny =
            json!({"Effect": "Deny", member: {"AWS": ALICE}, "Action": "sqs:*", "Resource": "*"});
        sides.push(json!({"resource": document(&[everybody.clone(), deny])}));
    }
    let mut pairs = world.pairs(&sides, None);
    let own = json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"});
    for side in &mut sides {
        side["identity"] = json!([document(std::slice::from_ref(&own))]);
    }
    let world = World { callers: world.callers[..5].to_vec(), ..world };
    pairs.extend(world.pairs(&sides, None));
    pairs
}
