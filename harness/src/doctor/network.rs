//! Whether the hosts that things would be fetched from can be reached.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

/// How long a host is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Those of the hosts that cannot be reached. Any answer will do.
pub(super) async fn unreachable(hosts: BTreeSet<String>) -> BTreeSet<String> {
    let Ok(client) = reqwest::Client::builder().timeout(PATIENCE).build() else { return hosts };
    let asked = hosts.into_iter().map(|host| {
        let client = client.clone();
        async move {
            let answer = client.get(format!("https://{host}/")).send().await;
            (answer.is_err()).then_some(host)
        }
    });
    join_all(asked).await.into_iter().flatten().collect()
}
