use super::*;

fn file(name: &str, text: &str) -> File {
    File::parse(Path::new(name), text.to_owned()).unwrap()
}

#[test]
fn blocks_attributes_and_places_are_read_whatever_stands_around_them() {
    let text = r#"// resource "aws_a" "comment" {}
/* resource "aws_b" "block" {
} */
resource "aws_lambda_function" "f" { # one
  description = "resource \"x\" { ${join("}", ["{"])}"
  policy      = <<-EOT
    resource "aws_c" "heredoc" {}
  EOT
  tags = { "a" = "b", c = var.d }
  lifecycle { ignore_changes = [tags["x"], filename] }
}
provider aws { alias = "replica" }
"#;
    let file = file("main.tf", text);
    let shown: Vec<String> = file
        .blocks
        .iter()
        .map(|it| format!("{}:{} {}", it.at.line, it.at.column, it.address()))
        .collect();
    assert_eq!(shown, ["4:1 aws_lambda_function.f", "12:1 provider.aws"]);
    let function = &file.blocks[0];
    assert_eq!(function.attribute("tags").unwrap().value.get("a").unwrap().text(), Some("b"));
    assert_eq!(
        function.attribute("description").unwrap().value,
        Value::Template(vec![Value::Text("resource \"x\" { ".to_owned()), Value::Other])
    );
    let lifecycle = function.of("lifecycle").next().unwrap();
    assert_eq!(
        lifecycle.attribute("ignore_changes").unwrap().value,
        Value::List(vec![
            Value::Names(vec!["tags".into(), "x".into()]),
            Value::Names(vec!["filename".into()])
        ])
    );
    assert_eq!(file.blocks[1].text("alias"), Some("replica"));
    assert_eq!(
        file.references,
        [
            Reference { names: vec!["var".into(), "d".into()], at: Place { line: 9, column: 27 } },
            Reference {
                names: vec!["tags".into(), "x".into()],
                at: Place { line: 10, column: 33 }
            },
        ]
    );
    let span = file.blocks[1].span.clone().unwrap();
    assert_eq!(file.text.get(span).unwrap(), "provider aws { alias = \"replica\" }");
}

#[test]
fn paths_are_read_up_to_what_is_not_plain() {
    let text = r#"locals {
  a = file("${path.module}/../x.json")
  b = "${path.root}/dist/${var.name}.zip"
  c = "../modules/m"
  d = "a/../b"
  e = "${local.a}/../b"
}"#;
    let path = |base, path: &str, whole| PathText { base, path: path.to_owned(), whole };
    assert_eq!(
        file("main.tf", text).paths,
        [
            path(Base::Module, "../x.json", true),
            path(Base::Root, "dist/", false),
            path(Base::Relative, "../modules/m", true),
        ]
    );
}

#[test]
fn what_is_broken_has_its_place() {
    let broken = File::parse(Path::new("a.tf"), "locals {\n  a = \n}\n".to_owned()).unwrap_err();
    assert_eq!((broken.at.line, broken.at.column), (2, 7));
    let broken = File::parse(Path::new("a.tf.json"), "{\"a\": ]}".to_owned()).unwrap_err();
    assert_eq!(broken.at.line, 1);
}

#[test]
fn json_has_the_same_blocks() {
    let text = r#"{"terraform": {"backend": {"s3": {"bucket": "b"}}, "required_providers": {"aws": {"source": "hashicorp/aws"}}},
 "provider": {"aws": [{"alias": "one"}, {"region": "x"}]},
 "resource": {"aws_iam_role": {"a": {"name": "${var.n}"}}},
 "module": {"m": {"source": "../m"}}}"#;
    let file = file("main.tf.json", text);
    let shown: Vec<String> = file.blocks.iter().map(Block::address).collect();
    assert_eq!(shown, ["terraform", "provider.aws", "provider.aws", "aws_iam_role.a", "module.m"]);
    assert_eq!(file.blocks[0].of("backend").next().unwrap().labels, ["s3"]);
    assert_eq!(file.blocks[1].text("alias"), Some("one"));
    assert_eq!(file.paths[0].path, "../m");
}

#[test]
fn a_for_expression_names_what_it_goes_through_and_asks_for() {
    let text = "locals {\n  a = { for k, v in var.m : k => v if v.e != null }\n}\n";
    let file = file("main.tf", text);
    let value = &file.blocks[0].attribute("a").unwrap().value;
    let expected = Value::For { over: vec!["var".into(), "m".into()], needs: vec!["e".into()] };
    assert_eq!(*value, expected);
}
