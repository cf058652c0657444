//! Texts and names that an application's team chooses, wherever it can: its template,
//! workflow, function, and the files of its repository. What a bundle shows of them acts
//! on nobody.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ringfence_evidence::is_active;

use crate::integrity::replace;

/// What terminals, pages, Markdown and the runners of pipelines obey, as JSON writes it
/// and so YAML and Python read it.
const TEXT: &str = r#""\u001b[2J\u001b]0;held\u0007<script>alert(1)</script><img src=x onerror=alert(1)>[x](javascript:alert(1)) | **all held** \u202eheld\u200b\u2028\u009b2J ##[error]x ##vso[task.complete result=Succeeded;]""#;

/// The same, printed by a step: commands of its own lines, and what is no UTF-8.
pub(crate) const PRINTED: &str = r"printf '\033[2J\033]0;held\007 all held\r\n[x](javascript:alert(1)) <img src=x> \342\200\256held \302\2332J \377\376\n'
          echo '::error file=terraform/main.tf::forged'
          echo '##[error]held ##vso[task.complete result=Succeeded;]'
";

/// Names of files. The third and the fourth differ in what cannot be written.
const FILES: [&[u8]; 12] = [
    b"\x1b[2Jheld",
    b"a\n::error::forged",
    b"held_",
    b"held\xc2\x80",
    "\u{202e}held\u{200b}".as_bytes(),
    b"<img src=x onerror=alert(1)>",
    b"[x](javascript:alert(1))",
    b"=1+1",
    b"\xff\xfe",
    b"a|b`c`",
    b"##[error]x",
    &[b'x'; 250],
];

/// Writes all of it into the repository of service A.
pub(crate) fn write(app: &Path) {
    let template = app.join("template.yaml");
    replace(
        &template,
        "Description: Service A (approach A, its team owns the execution role and the route)\n",
        &format!("Description: {TEXT}\nMetadata:\n  Text: {TEXT}\n"),
    );
    replace(
        &template,
        "      Handler: app.handler\n",
        &format!("      Handler: app.handler\n      Description: {TEXT}\n"),
    );
    replace(
        &template,
        "          SERVICE_VERSION: !Ref ServiceVersion\n",
        &format!("          SERVICE_VERSION: !Ref ServiceVersion\n          TEXT: {TEXT}\n"),
    );
    // Characters that a policy may have: those up to ÿ.
    replace(
        &template,
        "                Resource: !Sub \"arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/service-a-*\"\n",
        "                Resource:\n                  - !Sub \"arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/service-a-*\"\n                  - \"arn:aws:dynamodb:us-east-1:123456789012:table/service-a-\\u009b2J<img src=x>[x](y)##[error]\"\n",
    );
    let outputs = format!(
        "\nOutputs:\n  Text:\n    Description: {TEXT}\n    Value: {TEXT}\n    Export:\n      Name: all-held::error\n  Long:\n    Value: {}\n",
        "x".repeat(1_000)
    );
    let text = std::fs::read_to_string(&template).unwrap();
    std::fs::write(&template, text + &outputs).unwrap();

    let answer = format!(
        "import base64, os\n\nTEXT = {TEXT}\n\n\ndef handler(event, context):\n    print(TEXT, '\\n::error::forged\\n::stop-commands::forged', flush=True)\n    os.write(1, b'\\xff\\xfe\\n')\n    body = b'\\xff\\n::error::forged\\n' + TEXT.encode()\n    return {{'statusCode': 200, 'headers': {{'x-text': 'held'}}, 'isBase64Encoded': True, 'body': base64.b64encode(body).decode()}}\n"
    );
    std::fs::write(app.join("src/app.py"), answer).unwrap();

    let workflow = app.join(".github/workflows/deploy.yml");
    replace(&workflow, "name: Deploy Service A (Approach A)\n", &format!("name: {TEXT}\n"));
    replace(&workflow, "python3 -m unittest discover -s tests", "'true'");
    let step = format!(
        "      - name: {TEXT}\n        id: text\n        run: |\n          {PRINTED}          echo \"text=::error::forged $(printf '\\033[2J')\" >> \"$GITHUB_OUTPUT\"\n          echo '<script>alert(1)</script> **all held**' >> \"$GITHUB_STEP_SUMMARY\"\n          head -c 3000000 /dev/zero | tr '\\0' x\n\n      - name: \"then ${{{{ steps.text.outputs.text }}}}\"\n        run: 'true'\n\n"
    );
    replace(&workflow, "      - name: SAM Build\n", &format!("{step}      - name: SAM Build\n"));
    for name in FILES {
        std::fs::write(app.join(OsStr::from_bytes(name)), name).unwrap();
    }
}

/// A file that somebody looks at: neither its text nor its name acts, and in Markdown
/// nothing is markup that a team wrote. Copies of what was under test (`inputs/`, but for
/// what was deployed) are that to the letter, but for their names.
pub(crate) fn acts_on_nobody(bundle: &Path, file: &Path) {
    let own = file.strip_prefix(bundle).unwrap();
    let name = own.to_str().unwrap_or_else(|| panic!("{} is no UTF-8", own.display()));
    assert!(!name.contains(is_active), "{}", name.escape_unicode());
    if own.starts_with("inputs") && !own.starts_with("inputs/policies") {
        return;
    }
    let text = String::from_utf8(std::fs::read(file).unwrap()).unwrap();
    let table = name.ends_with(".csv");
    let acts = |it: char| is_active(it) && it != '\n' && !(table && matches!(it, '\r' | '\t'));
    let found = text.find(acts).map(|at| text[at..].chars().take(30).collect::<String>());
    assert_eq!(found, None, "{name}");
    let markup: &[&str] = match own.extension().and_then(OsStr::to_str) {
        Some("md") => &["<img", "<script", "\n::", " **all held**"],
        Some("html") => &["<img", "<script>alert"],
        _ => &[],
    };
    // A list of names, each of which is code.
    let lines = text.lines().filter(|line| !line.starts_with("- `"));
    let text: String = lines.flat_map(|line| ["\n", line]).collect();
    for one in markup {
        assert!(!text.contains(one), "{one} in {name}");
    }
}
