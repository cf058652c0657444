//! Where an issuer's keys may be fetched from. Whoever may make an authorizer
//! names an issuer; one that the configuration does not know must not lead the
//! guard's requests to this machine or into a private network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::TokenError;

/// Who named an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The configuration: https, or http on this machine.
    Configured,
    /// A call: https to the public network alone, as API Gateway, which is not on
    /// this machine, would reach it.
    Named,
}

impl Reach {
    /// An address that may be asked.
    pub(super) fn check(self, address: &str) -> Result<Url, TokenError> {
        let unavailable = |why: &str| Err(TokenError::KeysUnavailable(why.to_owned()));
        let Ok(url) = Url::parse(address) else { return unavailable("not a URL") };
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain(_)) | None => None,
        };
        let name = url.host_str().unwrap_or_default().trim_end_matches('.');
        let is_local = name == "localhost" || name.ends_with(".localhost");
        match (self, url.scheme()) {
            (Self::Configured, "https") => Ok(url),
            (Self::Configured, "http") if is_local || ip.is_some_and(|ip| ip.is_loopback()) => {
                Ok(url)
            }
            (Self::Configured, _) => {
                unavailable("only https, or http on loopback, is asked for keys")
            }
            (Self::Named, "https") if !is_local && ip.is_none_or(is_public) => Ok(url),
            (Self::Named, _) => unavailable(
                "an issuer that is not configured is asked for keys by https alone, and not on \
                 this machine or in a private network",
            ),
        }
    }

    /// A client that reaches no further. A redirect could lead from an https
    /// issuer to anywhere.
    pub(super) fn client(self) -> Option<reqwest::Client> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        match self {
            Self::Configured => client.build().ok(),
            Self::Named => client.no_proxy().dns_resolver(Public).build().ok(),
        }
    }
}

/// Names resolve to public addresses alone: one may be given to a private one.
#[derive(Debug, Clone, Copy)]
struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// The blocks of
/// <https://www.iana.org/assignments/iana-ipv4-special-registry> and
/// <https://www.iana.org/assignments/iana-ipv6-special-registry> that are not
/// globally reachable.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [first, second, third, _] = ip.octets();
    let is_special = ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (18..20).contains(&second));
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // What is assigned for global use is 2000::/3; 2002::/16 and 64:ff9b::/96
    // hold addresses of version 4.
    let [first, ..] = ip.segments();
    (0x2000..0x4000).contains(&first) && first != 0x2002
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://issuer.example.com", true)]
    #[case("https://203.0.113.7", true)]
    #[case("https://[2606:4700::1111]", true)]
    #[case("http://issuer.example.com", false)]
    #[case("http://127.0.0.1:4566", false)]
    #[case("https://127.0.0.1", false)]
    #[case("https://localhost", false)]
    #[case("https://a.localhost.", false)]
    #[case("https://10.1.2.3", false)]
    #[case("https://172.16.0.1", false)]
    #[case("https://192.168.1.1", false)]
    #[case("https://169.254.169.254", false)]
    #[case("https://100.100.1.1", false)]
    #[case("https://0.0.0.0", false)]
    #[case("https://[::1]", false)]
    #[case("https://[::ffff:127.0.0.1]", false)]
    #[case("https://[fd00::1]", false)]
    #[case("https://[fe80::1]", false)]
    #[case("https://[2002:7f00:1::]", false)]
    #[case("file:///etc/passwd", false)]
    fn an_issuer_that_a_call_names_is_public(#[case] address: &str, #[case] reached: bool) {
        assert_eq!(Reach::Named.check(address).is_ok(), reached, "{address}");
    }

    #[rstest]
    #[case("https://10.1.2.3", true)]
    #[case("http://127.0.0.1:4566", true)]
    #[case("http://localhost:4566", true)]
    #[case("http://issuer.example.com", false)]
    #[case("http://10.1.2.3", false)]
    fn a_configured_issuer_may_be_on_this_machine(#[case] address: &str, #[case] reached: bool) {
        assert_eq!(Reach::Configured.check(address).is_ok(), reached, "{address}");
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_followed() {
        let resolved = Public.resolve("localhost".parse().unwrap()).await;
        let error = resolved.err().unwrap();
        assert_eq!(error.to_string(), "the name leads to no public address");
    }
}
