//! How Node.js runs a function, by a client of the Runtime API of our own.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html>

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ringfence_wire::ServiceError;

use crate::lambda::Lambda;
use crate::lambda::error::service;
use crate::lambda::execute::language::Places;

/// The client's files.
const FILES: [(&str, &str); 5] = [
    ("console.mjs", include_str!("node/console.mjs")),
    ("errors.mjs", include_str!("node/errors.mjs")),
    ("handler.mjs", include_str!("node/handler.mjs")),
    ("index.mjs", include_str!("node/index.mjs")),
    ("resolve.mjs", include_str!("node/resolve.mjs")),
];

/// What runs a wrapper in place of itself, with the interpreter's command line.
const SHELL: &str = "/bin/sh";
const EXEC: &str = r#"exec "$0" "$@""#;

/// The program and its arguments. A wrapper is run with the interpreter's
/// command line (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html>).
pub(super) fn command(
    node: &Path,
    places: Places<'_>,
    wrapper: Option<&str>,
) -> (PathBuf, Vec<OsString>) {
    let client = places.client.join("index.mjs").into_os_string();
    match wrapper {
        None => (node.to_owned(), vec![client]),
        Some(wrapper) => {
            let arguments = vec!["-c".into(), EXEC.into(), wrapper.into(), node.into(), client];
            (SHELL.into(), arguments)
        }
    }
}

/// `NODE_PATH`: layers for this version and for all, the runtime, the function
/// (LocalStack's test_lambda_runtimes, recorded on AWS;
/// <https://docs.aws.amazon.com/lambda/latest/dg/nodejs-layers.html>).
pub(super) fn search_path(runtime: &str, opt: &Path, task_root: &Path) -> String {
    // `nodejs20.x` finds what is for `node20`.
    let version = runtime.trim_start_matches("nodejs").trim_end_matches(".x");
    let layers = opt.join("nodejs");
    [
        layers.join(format!("node{version}/node_modules")),
        layers.join("node_modules"),
        PathBuf::from("/var/runtime/node_modules"),
        PathBuf::from("/var/runtime"),
        task_root.to_owned(),
    ]
    .map(|path| path.display().to_string())
    .join(":")
}

impl Lambda {
    /// The directory with the client's files; made at the first call.
    pub(super) async fn node_client(&self) -> Result<PathBuf, ServiceError> {
        let directory = self.setting.work_dir.join("lambda").join("node");
        let make = async || {
            // Functions are other users.
            let written = fs::create_dir_all(&directory)
                .and_then(|()| fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)))
                .and_then(|()| {
                    FILES.iter().try_for_each(|(name, text)| {
                        let file = directory.join(name);
                        fs::write(&file, text)?;
                        fs::set_permissions(&file, fs::Permissions::from_mode(0o644))
                    })
                });
            written.map(|()| directory.clone()).map_err(|cause| service(cause.to_string()))
        };
        self.node_client.get_or_try_init(make).await.cloned()
    }
}
