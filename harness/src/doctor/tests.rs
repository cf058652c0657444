use rstest::rstest;

use super::*;
use crate::config::Config;
use crate::scratch::Scratch;
use crate::stack;
use crate::terraform::{Roots, TerraformError};
use crate::tools::{PythonTools, TerraformBinary};

fn write(top: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = top.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

async fn diagnosed(top: &Path) -> Diagnosis {
    examine(top, &Options { offline: true, progress: Progress::silent() }).await
}

/// The lines about files below a directory.
fn told(top: &Path, diagnosis: &Diagnosis) -> Vec<String> {
    let lines = diagnosis.lines.iter().filter(|line| line.kind != Kind::Tool);
    lines
        .map(|it| {
            let file = Path::new(&it.file).strip_prefix(top).unwrap().display();
            format!("{:?} {file}:{} {:?} {}", it.kind, it.line, it.verdict, it.construct)
        })
        .collect()
}

const WORKFLOW: &str = "on:\n  push:\n    branches: [main]\npermissions:\n  id-token: write\n  contents: read\njobs:\n  a:\n    runs-on: x\n    steps:\n";

#[tokio::test]
async fn each_file_has_a_line_and_each_fault_its_own() {
    let top = tempfile::tempdir().unwrap();
    let good = format!("{WORKFLOW}      - run: 'true'\n");
    let bad = format!(
        "{WORKFLOW}      - run: echo ${{{{ nope.x }}}}\n        if: nope()\n      - uses: a/b@v1\n  b:\n    uses: ./x.yml\n"
    );
    let template =
        "Resources:\n  A:\n    Type: AWS::S3::Bucket\n  B:\n    Type: AWS::CloudFormation::Macro\n";
    write(
        top.path(),
        &[
            (".github/workflows/good.yml", &good),
            (".github/workflows/bad.yml", &bad),
            (
                ".github/workflows/called.yml",
                &good.replace("push:\n    branches: [main]", "workflow_call:"),
            ),
            (".github/workflows/broken.yml", "on: [\n"),
            ("app/template.yaml", template),
            ("app/good.yaml", "Resources:\n  A:\n    Type: AWS::S3::Bucket\n"),
            ("app/other.yaml", "a: b\n"),
            (
                "app/broken.yaml",
                "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  A: [\n  Type: AWS::S3::Bucket\n",
            ),
            ("infra/main.tf", "module \"m\" {\n  source = \"../modules/m\"\n}\n"),
            (
                "infra/okta.tf",
                "terraform {\n  backend \"s3\" {}\n}\nresource \"okta_app\" \"a\" {}\n",
            ),
            ("modules/m/main.tf", "locals {}\n"),
            ("other/broken.tf", "locals {\n"),
            ("node_modules/x/main.tf", "locals {\n"),
        ],
    );
    let diagnosis = diagnosed(top.path()).await;
    assert_eq!(
        told(top.path(), &diagnosis),
        [
            "Root infra/main.tf:1 Runs ",
            "Root infra/okta.tf:2 StandIn terraform.backend",
            "Root infra/okta.tf:4 Unsupported provider.okta",
            "Root modules/m/main.tf:1 Runs ",
            "Root other/broken.tf:1 Unsupported syntax",
            "Template app/broken.yaml:4 Unsupported syntax",
            "Template app/good.yaml:1 Runs ",
            "Template app/template.yaml:4 Unsupported Resources.B",
            "Workflow .github/workflows/bad.yml:11 Unsupported jobs.a.steps[0].run",
            "Workflow .github/workflows/bad.yml:12 Unsupported jobs.a.steps[0].if",
            "Workflow .github/workflows/bad.yml:13 Unsupported jobs.a.steps[1]",
            "Workflow .github/workflows/bad.yml:15 Unsupported jobs.b.uses",
            "Workflow .github/workflows/broken.yml:2 Unsupported syntax",
            "Workflow .github/workflows/called.yml:1 Runs ",
            "Workflow .github/workflows/good.yml:1 Runs ",
        ]
    );
    assert_eq!(diagnosis.unreadable.len(), 3);
}

/// A template that an application deploys may name files beside it, and one of Layer 1's may
/// not: the configuration says which it is.
#[rstest]
#[case::of_layer_1(
    "[layer1]\nkind='cloudformation'\ntemplate='platform.yaml'\n",
    "Template platform.yaml:5 Unsupported F.CodeUri"
)]
#[case::of_nobody("", "Template platform.yaml:1 Runs ")]
#[tokio::test]
async fn a_template_of_layer_1_has_no_files_beside_it(
    #[case] config: &str,
    #[case] expected: &str,
) {
    let top = tempfile::tempdir().unwrap();
    let template = "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: \
                    AWS::Serverless::Function\n    Properties: {CodeUri: src/, Handler: a.b, Runtime: \
                    python3.12}\n";
    write(top.path(), &[("platform.yaml", template), ("ringfence.toml", config)]);
    let diagnosis = diagnosed(top.path()).await;
    assert_eq!(told(top.path(), &diagnosis), [expected]);
}

/// What a run says of the same workflow, before it starts.
#[rstest]
#[case::good("      - run: 'true'\n", true)]
#[case::action("      - uses: a/b@v1\n", false)]
#[case::input("      - uses: actions/checkout@v4\n        with: {github-server-url: x}\n", false)]
#[case::shell("      - run: x\n        shell: pwsh\n", false)]
#[case::expression("      - run: echo ${{ needs.a.outputs.b }} ${{ nope.a }}\n", false)]
#[case::environment("      - run: x\n    environment: ${{ secrets.E }}\n", false)]
#[case::python(
    "      - uses: actions/setup-python@v5\n        with: {python-version: '2.7'}\n",
    false
)]
#[tokio::test]
async fn a_run_refuses_a_workflow_exactly_where_doctor_does(
    #[case] steps: &str,
    #[case] runs: bool,
) {
    let top = tempfile::tempdir().unwrap();
    write(top.path(), &[(".github/workflows/deploy.yml", &format!("{WORKFLOW}{steps}"))]);
    let text = "[[issuers]]\nkind='github'\nurl='https://token.actions.githubusercontent.com'\n[[apps]]\nname='a'\ndirectory='.'\nrepository='o/r'\n";
    let config = Config::parse(text, &top.path().join("ringfence.toml")).unwrap();
    let faults = stack::faults(&config, None, true);
    let diagnosis = diagnosed(top.path()).await;
    let lines = diagnosis.lines.iter().filter(|line| line.verdict == Verdict::Unsupported);
    let lines: Vec<(usize, &str)> = lines
        .filter(|line| line.kind == Kind::Workflow)
        .map(|line| (line.line, line.because.as_str()))
        .collect();
    let faults: Vec<(usize, &str)> =
        faults.iter().map(|it| (it.place.line, it.because.as_str())).collect();
    assert_eq!(lines, faults);
    assert_eq!(lines.is_empty(), runs);
}

/// What a run says of the same root module, before it starts.
#[rstest]
#[case::good("output \"a\" {\n  value = 1\n}\n", true)]
#[case::stand_ins("terraform {\n  required_version = \">= 99\"\n  backend \"s3\" {}\n}\n", true)]
#[case::cloud("terraform {\n  cloud {\n    organization = \"o\"\n  }\n}\n", true)]
#[case::provider("resource \"okta_app\" \"a\" {}\n", false)]
#[case::gone("module \"m\" {\n  source = \"../gone\"\n}\n", false)]
#[tokio::test]
async fn a_run_refuses_a_root_module_exactly_where_doctor_does(
    #[case] text: &str,
    #[case] runs: bool,
) {
    let top = tempfile::tempdir().unwrap();
    write(top.path(), &[("main.tf", text)]);
    let diagnosis = diagnosed(top.path()).await;
    let refused = diagnosis
        .lines
        .iter()
        .any(|line| line.kind == Kind::Root && line.verdict == Verdict::Unsupported);
    assert_eq!(!refused, runs, "{diagnosis:?}");
    let tools = PythonTools::provision(&Progress::silent()).await.unwrap();
    let scratch = Scratch::create(&tools.python()).unwrap();
    let text = format!("[layer1]\ndirectory = '{}'\n", top.path().display());
    let config = Config::parse(&text, &top.path().join("ringfence.toml")).unwrap();
    let binary = TerraformBinary::find().await.unwrap();
    let progress = Progress::silent();
    let prepared = Roots::prepare(Some(binary), &config, &scratch, &progress).await;
    match prepared {
        Ok(_) => assert!(runs),
        Err(TerraformError::Unsupported(remarks)) => assert!(!runs, "{remarks:?}"),
        Err(error) => panic!("{error}"),
    }
    scratch.remove().await;
}
