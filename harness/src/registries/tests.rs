use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

fn machine(variables: &[(&str, &str)]) -> Machine {
    Machine::of(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

/// A server that answers one connection with the head that it got.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut read = Vec::new();
                while !read.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                if read.starts_with(b"CONNECT") {
                    // As a proxy that answers itself.
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                }
                stream.write_all(&read).await.unwrap();
            });
        }
    });
    port
}

/// What comes back for a request; `then` is sent through a tunnel.
async fn ask(registries: &Registries, request: &str, then: &str) -> (String, Vec<(Visit, u64)>) {
    let proxy = registries.open().await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(format!("{request}{then}").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    (text, proxy.visits())
}

fn visit(host: &str, port: u16, allowed: bool) -> Vec<(Visit, u64)> {
    vec![(Visit { host: host.to_owned(), port, allowed }, 1)]
}

#[tokio::test]
async fn a_listed_host_is_reached_and_another_is_refused_and_both_are_recorded() {
    let port = echo().await;
    let listed = format!("127.0.0.1:{port}").parse().unwrap();
    let registries = Registries::new(&[listed], Machine::default());
    let request = format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n");
    let (text, visits) = ask(&registries, &request, "GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(text, "HTTP/1.1 200 Connection established\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    assert_eq!(visits, visit("127.0.0.1", port, true));

    let (text, visits) = ask(&registries, "CONNECT other.example:443 HTTP/1.1\r\n\r\n", "").await;
    assert!(text.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{text}");
    assert!(text.ends_with(
        "ringfence: other.example:443 is not in `workflows.registries` of ringfence.toml\n"
    ));
    assert_eq!(visits, visit("other.example", 443, false));
}

#[tokio::test]
async fn another_port_of_a_listed_host_is_refused() {
    let registries = Registries::new(&public(), Machine::default());
    let (text, visits) = ask(&registries, "CONNECT pypi.org:22 HTTP/1.1\r\n\r\n", "").await;
    assert!(text.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{text}");
    assert_eq!(visits, visit("pypi.org", 22, false));
}

#[rstest]
#[case::origin_form("GET / HTTP/1.1\r\nHost: pypi.org\r\n\r\n")]
#[case::with_credentials("CONNECT pypi.org@127.0.0.1:443 HTTP/1.1\r\n\r\n")]
#[case::with_a_fragment("CONNECT pypi.org#@127.0.0.1:443 HTTP/1.1\r\n\r\n")]
#[case::with_a_query("CONNECT pypi.org?@127.0.0.1:443 HTTP/1.1\r\n\r\n")]
#[case::four_words("CONNECT pypi.org:443 HTTP/1.1 HTTP/1.1\r\n\r\n")]
#[case::another_scheme("GET ftp://pypi.org/ HTTP/1.1\r\n\r\n")]
#[tokio::test]
async fn what_is_no_request_to_a_proxy_is_refused(#[case] request: &str) {
    let (text, visits) = ask(&Registries::new(&public(), Machine::default()), request, "").await;
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
    assert_eq!(visits, []);
}

#[tokio::test]
async fn an_index_of_the_machine_without_tls_is_reached_by_plain_http() {
    let port = echo().await;
    let machine = machine(&[("PIP_INDEX_URL", &format!("http://127.0.0.1:{port}/simple"))]);
    let registries = Registries::new(&[], machine);
    let request = format!(
        "GET http://127.0.0.1:{port}/simple/x/?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\nProxy-Connection: keep-alive\r\n\r\n"
    );
    let (text, visits) = ask(&registries, &request, "").await;
    assert_eq!(text, "GET /simple/x/?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    assert_eq!(visits, visit("127.0.0.1", port, true));
}

#[tokio::test]
async fn the_machines_own_proxy_is_asked_with_its_credentials() {
    let port = echo().await;
    let machine = machine(&[("https_proxy", &format!("http://user:pa%20ss@127.0.0.1:{port}"))]);
    let registries = Registries::new(&public(), machine);
    let (text, _) = ask(&registries, "CONNECT pypi.org:443 HTTP/1.1\r\n\r\n", "").await;
    // The stand-in for that proxy repeats, after its answer, what it was asked.
    assert_eq!(
        text,
        "HTTP/1.1 200 Connection established\r\n\r\nCONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\nProxy-Authorization: Basic dXNlcjpwYSBzcw==\r\n\r\n"
    );
}

#[rstest]
#[case("pypi.org", "pypi.org", false)]
#[case("files.example", ".example", false)]
#[case("example", ".example", false)]
#[case("notexample", ".example", true)]
#[case("pypi.org", "*", false)]
#[case("pypi.org", "", true)]
fn no_proxy_spares_hosts_and_their_subdomains(
    #[case] host: &str,
    #[case] spared: &str,
    #[case] proxied: bool,
) {
    let machine = machine(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", spared)]);
    assert_eq!(machine.proxy_of(host, true).is_some(), proxied);
}

#[test]
fn a_listed_name_that_leads_to_this_machine_is_not_this_machine() {
    assert!(!"pypi.org".parse::<Registry>().unwrap().is_here());
    assert!("127.0.0.1:3141".parse::<Registry>().unwrap().is_here());
}

#[rstest]
#[case("https://pypi.org")]
#[case("pypi.org/simple")]
#[case("*.pypi.org")]
#[case("user@pypi.org")]
#[case("")]
fn what_is_no_host_is_no_registry(#[case] text: &str) {
    let error = text.parse::<Registry>().unwrap_err();
    assert_eq!(error, format!("`{text}` is not a host such as `pypi.org` or `host:8443`"));
}

#[test]
fn steps_get_the_index_and_no_cache() {
    let machine = machine(&[
        ("PIP_INDEX_URL", "https://index.example/simple"),
        ("PIP_CACHE_DIR", "/home/x/.cache/pip"),
        ("AWS_SECRET_ACCESS_KEY", "no"),
    ]);
    let passed: Vec<(&str, &str)> = machine.passed().collect();
    assert_eq!(passed, [("PIP_INDEX_URL", "https://index.example/simple")]);
    let registry: Registry = "index.example".parse().unwrap();
    assert!(Registries::new(&[], machine).allows(&registry));
}
