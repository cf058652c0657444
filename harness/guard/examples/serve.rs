//! A guard in front of an upstream, by hand:
//!
//! ```text
//! cargo run -p ringfence-guard --example serve -- 4566 http://127.0.0.1:5000
//! ```

use ringfence_guard::{Config, Guard};
use ringfence_services::Credentials;
use ringfence_services::setting::Interpreters;
use ringfence_wire::Secret;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().ok_or("first argument: the guard's port")?.parse()?;
    let upstream: url::Url =
        arguments.next().ok_or("second argument: the upstream's URL")?.parse()?;
    let work_dir = std::env::temp_dir().join(format!("ringfence-{}", std::process::id()));
    std::fs::create_dir_all(&work_dir)?;
    let guard = Guard::start(Config {
        account_id: "123456789012".to_owned(),
        region: "eu-central-1".to_owned(),
        port,
        reach: ringfence_guard::Reach::Loopback,
        root: Credentials {
            access_key_id: "test".to_owned(),
            secret_access_key: Secret::new("test"),
            session_token: None,
            expiration: None,
        },
        upstream: upstream.into(),
        issuers: Vec::new(),
        service_control: Vec::new(),
        resource_control: Vec::new(),
        membership: None,
        other_accounts: Vec::new(),
        vpc_endpoints: Vec::new(),
        journal: arguments.next().map(Into::into),
        interpreters: Interpreters {
            python: arguments.next().map(Into::into),
            node: arguments.next().map(Into::into),
        },
        record: false,
        mode: ringfence_guard::Mode::Enforce,
        work_dir: work_dir.clone(),
    })
    .await?;
    println!("{}", guard.endpoint());
    tokio::signal::ctrl_c().await?;
    guard.stop().await?;
    std::fs::remove_dir_all(work_dir)?;
    Ok(())
}
