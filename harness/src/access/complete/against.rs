//! Random configurations against Terraform itself: what is computed here is what Terraform
//! makes of it, and what a plan leaves open and is completed here is what it is once applied.
//!
//! The resources are Terraform's own `terraform_data`, so that nothing is installed: their ids
//! are known after apply only. `RINGFENCE_CONFIGURATIONS` is how many configurations are made
//! (6), `RINGFENCE_SEED` the number of the first: `just plans-random 2000`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::fill::{complete, world_of};
use super::{Source, evaluate};
use crate::lint::known::{Node, Value};
use crate::lint::read::{Read, read};
use crate::lint::terraform::{self, Resource};

/// Chance that follows from a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % end
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }
}

/// What all configurations have.
const GIVEN: &str = r#"
variable "s" {
  default = "vv"
}
variable "n" {
  type    = number
  default = 3
}
variable "b" {
  type    = bool
  default = true
}
variable "l" {
  type    = list(string)
  default = ["b", "a", "b"]
}
variable "t" {
  type    = set(string)
  default = ["y", "x"]
}
variable "m" {
  type    = map(string)
  default = { k2 = "two", k1 = 1 }
}
variable "o" {
  type = object({
    name = string
    tags = optional(map(string), {})
    list = optional(list(string))
  })
  default = { name = "oo", list = ["p", 2] }
}
variable "any" {
  default = { a = 1, b = [true, null], c = "x" }
}
variable "zs" {
  type    = string
  default = null
}
variable "zn" {
  type    = number
  default = null
}
variable "zl" {
  type    = list(string)
  default = null
}
variable "el" {
  type    = list(string)
  default = []
}
resource "terraform_data" "u" {
  input = "in"
}
resource "terraform_data" "c" {
  count = 2
  input = "c-${count.index}"
}
resource "terraform_data" "f" {
  for_each = { k1 = "one", k2 = terraform_data.u.id }
  input    = each.value
}
locals {
  known = { a = "la", b = ["lb", 1], c = { d = "ld" } }
  mixed = { a = terraform_data.u.id, b = "mb", c = { d = "md", e = terraform_data.u.output } }
  more  = merge(local.known, { b = terraform_data.u.id, z = "mz" }, {})
  made  = { for k, v in var.m : "${k}-x" => { v = v, u = terraform_data.u.id } if k != "k2" }
  pair  = [terraform_data.u.id, "pb"]
  deep  = local.mixed.c
}
"#;

const TEXTS: [&str; 22] = [
    r#""""#,
    r#""a""#,
    r#""k1""#,
    r#""é""#,
    r#""a b""#,
    r#""<&>""#,
    r#""x\ny""#,
    r#""q\"q""#,
    r#""$${x}""#,
    r#""%%{y}""#,
    r#""ΑΣ""#,
    r#""İß""#,
    r#""1""#,
    r#""1.0""#,
    r#""true""#,
    r#""a,b""#,
    "\"e\u{301}\"",
    "var.s",
    "var.o.name",
    "local.known.a",
    r#"var.m["k1"]"#,
    "terraform_data.u.input",
];

const OPEN: [&str; 14] = [
    "terraform_data.u.id",
    "terraform_data.u.output",
    "local.mixed.b",
    "local.mixed.c.d",
    "local.mixed.a",
    "local.more.b",
    "local.more.z",
    "local.more.a",
    r#"local.made["k1-x"].v"#,
    r#"local.made["k1-x"].u"#,
    "local.pair[1]",
    "local.deep.d",
    r#"terraform_data.f["k1"].input"#,
    r#"terraform_data.f["k2"].input"#,
];

const LISTS: [&str; 17] = [
    "var.l",
    "tolist(var.t)",
    "var.t",
    "var.o.list",
    "terraform_data.c[*].input",
    "terraform_data.c[*].id",
    "[]",
    "local.known.b",
    r#"[1, "1", true, null]"#,
    "keys(local.made)",
    "values(var.m)",
    "[for one in terraform_data.f : one.input]",
    "terraform_data.c.*.input",
    "terraform_data.c",
    "values(terraform_data.f)",
    "var.zl",
    "var.el",
];

const MAPS: [&str; 11] = [
    "var.m",
    "var.o",
    "var.any",
    "local.known",
    "local.mixed",
    "{}",
    "var.o.tags",
    "{ for key, one in terraform_data.f : key => one.input }",
    "terraform_data.u",
    "terraform_data.f",
    r#"terraform_data.f["k1"]"#,
];

fn text(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.below(4) == 0 {
        return match dice.below(5) {
            0 => dice.of(&OPEN).to_owned(),
            _ => dice.of(&TEXTS).to_owned(),
        };
    }
    let depth = depth - 1;
    match dice.below(20) {
        0 => format!("\"${{{}}}\"", any(dice, depth)),
        1 => format!("\"p-${{{}}}\"", any(dice, depth)),
        2 => format!("\"${{{}}}/${{{}}} \"", text(dice, depth), text(dice, depth)),
        3 => format!("\"a ${{~ {} ~}} b\"", text(dice, depth)),
        4 => format!("lower({})", text(dice, depth)),
        5 => format!("upper({})", text(dice, depth)),
        6 => format!("join({}, {})", text(dice, depth), list(dice, depth)),
        7 => format!("format(\"%s-%s%%\", {}, {})", any(dice, depth), text(dice, depth)),
        8 => format!("jsonencode({})", any(dice, depth)),
        9 => format!("coalesce({}, {})", any(dice, depth), text(dice, depth)),
        10 => format!("tostring({})", any(dice, depth)),
        11 => format!("trimprefix({}, {})", text(dice, depth), text(dice, depth)),
        12 => format!("lookup({}, {})", map(dice, depth), text(dice, depth)),
        13 => format!("<<-EOT\n    a ${{{}}}\n      b\n\n    c\n  EOT\n", text(dice, 0)),
        14 => format!("({})", chosen(dice, depth)),
        15 => format!("try({}, {})", any(dice, depth), text(dice, depth)),
        16 => format!("one({})", list(dice, depth)),
        17 => format!("element({}, {})", list(dice, depth), dice.below(4)),
        18 => format!("lookup({}, {}, {})", map(dice, depth), text(dice, depth), text(dice, depth)),
        _ => format!("replace({}, \"a\", \"b\")", text(dice, depth)),
    }
}

fn list(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.below(4) == 0 {
        return dice.of(&LISTS).to_owned();
    }
    let depth = depth - 1;
    match dice.below(15) {
        0 => format!("[{}, {}]", any(dice, depth), any(dice, depth)),
        1 => format!("concat({}, {})", list(dice, depth), list(dice, depth)),
        2 => format!("flatten([{}, [{}]])", list(dice, depth), list(dice, depth)),
        3 => format!("distinct({})", list(dice, depth)),
        4 => format!("compact({})", list(dice, depth)),
        5 => format!("sort({})", list(dice, depth)),
        6 => format!("toset({})", list(dice, depth)),
        7 => format!("tolist({})", list(dice, depth)),
        8 => format!("keys({})", map(dice, depth)),
        9 => format!("values({})", map(dice, depth)),
        10 => format!("split({}, {})", dice.of(&["\",\"", "\"-\"", "\"a\""]), text(dice, depth)),
        11 => {
            format!("[for i, one in {} : \"${{i}}-${{one}}\" if one != null]", list(dice, depth))
        }
        12 => format!("chunklist({}, 2)", list(dice, depth)),
        13 => format!("coalescelist({}, {})", list(dice, depth), list(dice, depth)),
        _ => format!("range({})", dice.below(4)),
    }
}

fn map(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.below(4) == 0 {
        return dice.of(&MAPS).to_owned();
    }
    let depth = depth - 1;
    match dice.below(5) {
        0 => format!("{{ a = {}, \"b\" = {} }}", any(dice, depth), any(dice, depth)),
        1 => format!("{{ ({}) = {} }}", text(dice, depth), any(dice, depth)),
        2 => format!("merge({}, {})", map(dice, depth), map(dice, depth)),
        3 => format!("{{ for k, v in {} : k => {} }}", map(dice, depth), dice.of(&["v", "[v]"])),
        _ => format!("tomap({})", map(dice, depth)),
    }
}

fn chosen(dice: &mut Dice, depth: usize) -> String {
    format!("{} ? {} : {}", flag(dice, depth), any(dice, depth), any(dice, depth))
}

fn flag(dice: &mut Dice, depth: usize) -> String {
    let depth = depth.saturating_sub(1);
    match dice.below(8) {
        0 => "var.b".to_owned(),
        1 => format!("{} == {}", any(dice, depth), any(dice, depth)),
        2 => format!("{} != null", any(dice, depth)),
        3 => format!("length({}) > 1", list(dice, depth)),
        4 => format!("contains({}, {})", list(dice, depth), any(dice, 0)),
        5 => format!("!({})", dice.of(&["true", "var.b", "false"])),
        6 => format!("can({})", any(dice, depth)),
        _ => dice.of(&["true", "false"]).to_owned(),
    }
}

fn any(dice: &mut Dice, depth: usize) -> String {
    match dice.below(12) {
        0 => list(dice, depth),
        1 => map(dice, depth),
        2 => format!("({})", flag(dice, depth)),
        3 => dice.of(&["1", "0", "-1", "1.5", "10", "var.n", "var.n + 1", "2 - var.n"]).to_owned(),
        4 => dice.of(&["null", "var.zs", "var.zn", "terraform_data.c.*.input[0]"]).to_owned(),
        5 if depth > 0 => format!("({})", chosen(dice, depth - 1)),
        6 if depth > 0 => format!("{}[{}]", list(dice, depth - 1), dice.below(3)),
        7 if depth > 0 => format!("({})[{}]", map(dice, depth - 1), text(dice, 0)),
        _ => text(dice, depth),
    }
}

/// Terraform in a directory.
fn terraform(directory: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("terraform");
    command.args(arguments).current_dir(directory);
    command.env("CHECKPOINT_DISABLE", "1").env_remove("AWS_CA_BUNDLE");
    let output = command.output().expect("terraform is on the PATH");
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

fn root(text: &str) -> Node {
    match read(text) {
        Ok(Read::Other(root)) => root,
        other => panic!("{other:?}"),
    }
}

/// The plan and the state of a configuration, each as it is shown.
fn applied(directory: &Path) -> Result<[Node; 2], String> {
    terraform(directory, &["init", "-no-color", "-input=false"])?;
    terraform(directory, &["plan", "-no-color", "-input=false", "-out=plan"])?;
    let plan = root(&terraform(directory, &["show", "-json", "plan"])?);
    terraform(directory, &["apply", "-no-color", "-input=false", "plan"])?;
    Ok([plan, root(&terraform(directory, &["show", "-json"])?)])
}

fn source(directory: &Path, plan: &Node) -> Source {
    let mut source = Source::read(directory).unwrap();
    assert_eq!(source.broken(), None);
    assert!(source.is_of(plan));
    source.fit(plan.path(&["configuration", "root_module"]));
    source
}

/// An expression as it is written.
fn parsed(written: &str) -> Option<hcl_edit::expr::Expression> {
    let body = hcl_edit::parser::parse_body(&format!("it = {written}\n")).ok()?;
    body.get_attribute("it").map(|one| one.value.clone())
}

/// What a test saw.
#[derive(Debug, Default)]
struct Seen {
    computed: usize,
    open: usize,
    filled: usize,
    left: usize,
}

/// The expressions that Terraform takes, each computed as Terraform does or not at all.
fn expressions(dice: &mut Dice, seen: &mut Seen) -> Vec<String> {
    let written: Vec<String> =
        (0..60).map(|_| any(dice, 3)).filter(|one| parsed(one).is_some()).collect();
    let directory = tempfile::tempdir().unwrap();
    let mut main = GIVEN.to_owned();
    for (number, one) in written.iter().enumerate() {
        writeln!(main, "output \"o{number}\" {{\n  value = try(jsonencode({one}\n), \"!\")\n}}")
            .unwrap();
    }
    fs::write(directory.path().join("main.tf"), &main).unwrap();
    let [plan, state] = match applied(directory.path()) {
        Ok(both) => both,
        // What fails is in `try`: what Terraform does not take then is no configuration, and
        // the expressions that are made here are wrong.
        Err(error) => panic!("{error}: {main}"),
    };
    let source = source(directory.path(), &plan);
    let mut resources = terraform::resources(&plan);
    complete(&plan, &source, &mut resources, &[]);
    let world = world_of(&plan, &source, &resources, &[]);
    let mut taken = Vec::new();
    for (number, one) in written.into_iter().enumerate() {
        let name = format!("o{number}");
        let expected = state.path(&["values", "outputs", &name, "value"]).and_then(Node::text);
        let Some(expected) = expected.filter(|it| *it != "!") else { continue };
        let value = world.value(&parsed(&one).unwrap(), &evaluate::Scope::default());
        match value {
            Some(value) => {
                seen.computed += 1;
                let expected: Json = serde_json::from_str(expected).unwrap();
                assert_eq!(value, expected, "{one}");
            }
            None => seen.open += 1,
        }
        taken.push(one);
    }
    taken
}

/// What of a value is known must be what it is.
fn held(node: &Node, expected: &Node, at: &str, seen: &mut Seen) {
    match (&node.value, &expected.value) {
        (Value::Unknown, _) => seen.left += 1,
        (Value::Map(members), Value::Map(_)) => {
            for member in members {
                let inner = expected.get(&member.key);
                let at = format!("{at}.{}", member.key);
                let inner = inner.unwrap_or_else(|| panic!("{at} is not there"));
                held(&member.value, inner, &at, seen);
            }
        }
        (Value::List(items), Value::List(all)) => {
            assert_eq!(items.len(), all.len(), "{at}");
            // The objects of a set may stand in another order once all of them is known.
            if items.iter().all(is_map) && !items.iter().zip(all).all(|(one, it)| agrees(one, it)) {
                for (place, one) in items.iter().enumerate() {
                    let other = all.iter().find(|other| agrees(one, other));
                    let other = other.unwrap_or_else(|| panic!("{at}[{place}] is not there"));
                    held(one, other, &format!("{at}[{place}]"), seen);
                }
                return;
            }
            let pairs = items.iter().zip(all).enumerate();
            pairs.for_each(|(place, (one, other))| {
                held(one, other, &format!("{at}[{place}]"), seen)
            });
        }
        (one, other) => {
            seen.filled += 1;
            assert_eq!(one, other, "{at}");
        }
    }
}

const fn is_map(node: &Node) -> bool {
    matches!(node.value, Value::Map(_))
}

/// Whether what of a value is known is what another one has.
fn agrees(node: &Node, other: &Node) -> bool {
    match (&node.value, &other.value) {
        (Value::Unknown, _) => true,
        (Value::Map(members), Value::Map(_)) => members
            .iter()
            .all(|member| other.get(&member.key).is_some_and(|inner| agrees(&member.value, inner))),
        (Value::List(items), Value::List(all)) => {
            items.len() == all.len() && items.iter().zip(all).all(|(one, it)| agrees(one, it))
        }
        (one, it) => one == it,
    }
}

/// Resources whose values are such expressions, in both of Terraform's languages.
fn resources(dice: &mut Dice, taken: &[String], seen: &mut Seen) {
    let pick = |dice: &mut Dice| taken[dice.below(taken.len())].clone();
    let mut blocks: Vec<(String, BTreeMap<&str, String>)> = Vec::new();
    for number in 0..8 {
        let mut block = BTreeMap::new();
        match dice.below(3) {
            0 => {
                let [one, other, third] = [pick(dice), pick(dice), pick(dice)];
                block.insert("for_each", format!(
                    "{{ k1 = {{ a = {one}\n b = \"s\" }}, \"k.2\" = {{ a = {other}\n b = {third}\n }} }}"
                ));
                let input = dice.of(&[
                    "each.value",
                    "each.value.a",
                    "each.value.b",
                    "\"${each.key}-x\"",
                    "{ one = each.value.b, other = each.value.a, key = each.key }",
                    "[each.value.b, each.key]",
                ]);
                block.insert("input", input.to_owned());
            }
            1 => {
                block.insert("count", "2".to_owned());
                let one = pick(dice);
                block.insert("input", format!("[count.index, \"n-${{count.index}}\", {one}\n]"));
            }
            _ => {
                let [one, other] = [pick(dice), pick(dice)];
                block.insert("input", format!("{{ a = {one}\n b = [{other}\n, \"z\"] }}"));
            }
        }
        blocks.push((format!("r{number}"), block));
    }
    let mut main = GIVEN.to_owned();
    for (name, block) in &blocks {
        writeln!(main, "resource \"terraform_data\" \"{name}\" {{").unwrap();
        block.iter().for_each(|(key, value)| writeln!(main, "  {key} = {value}").unwrap());
        main.push_str("}\n");
    }
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("main.tf"), &main).unwrap();
    // Items of different types may have no type together.
    let [plan, state] = match applied(directory.path()) {
        Ok(both) => both,
        Err(error) => {
            println!("{error}");
            return;
        }
    };
    let told = filled(directory.path(), &plan);
    let expected: BTreeMap<String, Node> =
        terraform::resources(&state).into_iter().map(|one| (one.address, one.values)).collect();
    for one in &told {
        held(&one.values, &expected[&one.address], &format!("{}\n{main}", one.address), seen);
    }
    // The same as JSON, beside what is given.
    let members: Json = blocks
        .iter()
        .map(|(name, block)| {
            let block: Json =
                block.iter().map(|(key, value)| ((*key).to_owned(), in_json(value))).collect();
            (name.clone(), block)
        })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("given.tf"), GIVEN).unwrap();
    let text = json!({"//": "a comment", "resource": {"terraform_data": members}}).to_string();
    fs::write(directory.path().join("main.tf.json"), &text).unwrap();
    let [plan, _] = applied(directory.path()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let again = filled(directory.path(), &plan);
    assert_eq!(told.len(), again.len());
    for (one, other) in told.iter().zip(&again) {
        assert_eq!(one.address, other.address);
        assert_eq!(shown(&one.values), shown(&other.values), "{}: {text}", one.address);
    }
}

/// An expression as JSON has it: a text that is a template of nothing else.
fn in_json(written: &str) -> Json {
    match written.parse::<u64>() {
        Ok(number) => json!(number),
        Err(_) => json!(format!("${{{written}}}")),
    }
}

fn filled(directory: &Path, plan: &Node) -> Vec<Resource> {
    let source = source(directory, plan);
    let mut resources = terraform::resources(plan);
    for _ in 0..4 {
        complete(plan, &source, &mut resources, &[]);
    }
    resources
}

/// A value without the places of its parts.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Map(members) => {
            let all: Vec<String> =
                members.iter().map(|one| format!("{:?}: {}", one.key, shown(&one.value))).collect();
            format!("{{{}}}", all.join(", "))
        }
        Value::List(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn what_is_computed_is_what_terraform_makes_of_it() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
    };
    let (first, count) = (number("RINGFENCE_SEED", 1), number("RINGFENCE_CONFIGURATIONS", 6));
    let mut seen = Seen::default();
    for seed in first..first + count {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let taken = expressions(&mut dice, &mut seen);
        resources(&mut dice, &taken, &mut seen);
    }
    println!("{seen:?}");
    assert!(seen.computed > seen.open / 2 && seen.filled > 0 && seen.left > 0, "{seen:?}");
}
