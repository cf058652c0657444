//! Which object a `TemplateURL` names. Only S3 is accepted: the public hosts
//! in all their spellings, and the guard's own endpoint.

use ringfence_models::Partition;
use url::{Host, Url};

/// An object of S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// The object's version, where the URL names one.
    pub version: Option<String>,
}

/// Reads a `TemplateURL`; `None` for what is not S3.
pub(super) fn parse(text: &str, endpoint: Option<&Url>) -> Option<Object> {
    let url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let own = endpoint.is_some_and(|own| {
        url.port_or_known_default() == own.port_or_known_default() && is_loopback(&url)
    });
    let host = url.host_str()?;
    let bucket_of_host = if own {
        // `BUCKET.s3.localhost`, `BUCKET.localhost`, else path style.
        host.strip_suffix(".localhost")
            .map(|rest| rest.split(".s3").next().unwrap_or(rest))
            .filter(|bucket| !bucket.is_empty() && *bucket != "s3")
    } else if url.scheme() == "https" {
        let host = Partition::all()
            .iter()
            .find_map(|partition| host.strip_suffix(partition.dns_suffix)?.strip_suffix('.'))?;
        match endpoint_label(host)? {
            "" => None,
            bucket => Some(bucket),
        }
    } else {
        return None;
    };
    let path = percent_encoding::percent_decode_str(url.path().trim_start_matches('/'))
        .decode_utf8()
        .ok()?
        .into_owned();
    let (bucket, key) = match bucket_of_host {
        Some(bucket) => (bucket.to_owned(), path),
        None => {
            let (bucket, key) = path.split_once('/')?;
            (bucket.to_owned(), key.to_owned())
        }
    };
    let version = url
        .query_pairs()
        .find(|(name, _)| name == "versionId")
        .map(|(_, value)| value.into_owned());
    (!bucket.is_empty() && !key.is_empty()).then_some(Object { bucket, key, version })
}

/// AWS's sentence for a URL that is not S3's (LocalStack's recorded
/// `test_create_stack_from_s3_template_url`).
pub(super) fn refusal(text: &str) -> String {
    let host = text.strip_prefix("s3://").map(|rest| rest.split('/').next().unwrap_or(rest));
    match host {
        Some(host) => format!("S3 error: Domain name specified in {host} is not a valid S3 domain"),
        None => "TemplateURL must be a supported URL.".to_owned(),
    }
}

/// What stands before S3's own labels (`s3`, `s3.REGION`, `s3-REGION`,
/// `s3.dualstack.REGION`); `None` when they are not there.
fn endpoint_label(host: &str) -> Option<&str> {
    let is_region = |label: &str| {
        label.matches('-').count() >= 2
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let mut rest = host;
    if let Some((front, last)) = rest.rsplit_once('.')
        && is_region(last)
        && !last.starts_with("s3-")
    {
        rest = front.strip_suffix(".dualstack").unwrap_or(front);
    }
    let (front, label) = rest.rsplit_once('.').unwrap_or(("", rest));
    (label == "s3" || label.strip_prefix("s3-").is_some_and(is_region)).then_some(front)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://127.0.0.1:4566/b/k/t.yaml")]
    #[case("http://localhost:4566/b/k/t.yaml")]
    #[case("http://b.s3.localhost:4566/k/t.yaml")]
    #[case("https://s3.amazonaws.com/b/k/t.yaml")]
    #[case("https://s3.eu-west-1.amazonaws.com/b/k/t.yaml")]
    #[case("https://s3-eu-west-1.amazonaws.com/b/k/t.yaml")]
    #[case("https://b.s3.amazonaws.com/k/t.yaml")]
    #[case("https://b.s3.eu-west-1.amazonaws.com/k/t.yaml")]
    #[case("https://b.s3-eu-west-1.amazonaws.com/k/t.yaml")]
    #[case("https://b.s3.dualstack.eu-west-1.amazonaws.com/k/t.yaml")]
    #[case("https://b.s3.amazonaws.com/k%2Ft.yaml")]
    fn every_spelling_of_an_object_is_understood(#[case] text: &str) {
        let own = Url::parse("http://127.0.0.1:4566/").unwrap();
        let object = parse(text, Some(&own));
        let wanted = Object { bucket: "b".into(), key: "k/t.yaml".into(), version: None };
        assert_eq!(object, Some(wanted), "{text}");
    }

    #[rstest]
    #[case("https://example.com/b/t.yaml")]
    #[case("https://s3.amazonaws.com.example.com/b/t.yaml")]
    #[case("https://evils3.amazonaws.com/b/t.yaml")]
    #[case("http://127.0.0.1:4567/b/t.yaml")]
    #[case("http://s3.amazonaws.com/b/t.yaml")]
    #[case("file:///etc/passwd")]
    #[case("https://s3.amazonaws.com/b")]
    fn nothing_else_is_fetched(#[case] text: &str) {
        let own = Url::parse("http://127.0.0.1:4566/").unwrap();
        assert_eq!(parse(text, Some(&own)), None, "{text}");
    }
}
