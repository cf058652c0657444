use ringfence_wire::Secret;
use url::Url;

use super::*;
use crate::progress::Progress;
use crate::tools::PythonTools;

async fn module(text: &str) -> (tempfile::TempDir, Scratch, Result<Terraform, TerraformError>) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("main.tf"), text).unwrap();
    let tools = PythonTools::provision(&Progress::silent()).await.unwrap();
    let scratch = Scratch::create(&tools.python()).unwrap();
    let layer1 = Layer1 { directory: directory.path().to_owned(), ..Layer1::default() };
    let binary = TerraformBinary::find().await.unwrap();
    let phase = Progress::silent().phase("test");
    let terraform = Terraform::prepare(binary, &layer1, alone(), &scratch, &phase).await;
    (directory, scratch, terraform)
}

/// A root module that reads no other.
fn alone() -> Reads<'static> {
    let states = Box::leak(Box::new(States::default()));
    Reads { states, number: 0, files: &[] }
}

fn nobody() -> Access {
    Access {
        endpoint: Url::parse("http://127.0.0.1:9/").unwrap(),
        region: "us-east-1".into(),
        access_key_id: "test".into(),
        secret_access_key: Secret::new("test"),
        session_token: None,
    }
}

#[tokio::test]
async fn a_module_without_resources_is_applied_and_its_outputs_are_read() {
    let text = "output \"a\" {\n  value = { b = \"c\", n = 3 }\n}\n";
    let (_directory, scratch, terraform) = module(text).await;
    let phase = Progress::silent().phase("test");
    let outputs = terraform.unwrap().apply(&nobody(), &phase).await.unwrap();
    assert_eq!(outputs.text("a.b").unwrap(), "c");
    assert_eq!(outputs.text("a.n").unwrap(), "3");
    assert_eq!(
        outputs.text("x").unwrap_err().to_string(),
        "Layer 1's output `x` should be text and is not there; Layer 1 has: a"
    );
    scratch.remove().await;
}

#[tokio::test]
async fn an_error_names_the_users_own_file_and_line() {
    let text = "locals {\n  a = 1\n}\noutput \"b\" {\n  value = local.missing\n}\n";
    let (directory, scratch, terraform) = module(text).await;
    let terraform = terraform.unwrap();
    let phase = Progress::silent().phase("test");
    let file = directory.path().join("main.tf");
    for error in [
        terraform.apply(&nobody(), &phase).await.unwrap_err(),
        terraform.validate().await.unwrap_err(),
    ] {
        let error = error.to_string();
        let place = format!("{}:5:11: Reference to undeclared local value", file.display());
        assert!(error.contains(&place), "{error}");
    }
    scratch.remove().await;
}

#[tokio::test]
async fn broken_syntax_is_one_error_with_its_place() {
    let (directory, scratch, terraform) = module("output \"b\" {\n").await;
    let error = terraform.unwrap_err().to_string();
    let file = directory.path().join("main.tf");
    let expected =
        format!("terraform init failed: {}:1:12: Unclosed configuration block: ", file.display());
    assert!(error.starts_with(&expected), "{error}");
    assert!(!error.contains('|'), "{error}");
    scratch.remove().await;
}

#[tokio::test]
async fn an_empty_directory_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let tools = PythonTools::provision(&Progress::silent()).await.unwrap();
    let scratch = Scratch::create(&tools.python()).unwrap();
    let layer1 = Layer1 { directory: directory.path().to_owned(), ..Layer1::default() };
    let phase = Progress::silent().phase("test");
    let binary = TerraformBinary::find().await.unwrap();
    let error = Terraform::prepare(binary, &layer1, alone(), &scratch, &phase).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`{}` holds no Terraform files", directory.path().display())
    );
    scratch.remove().await;
}
