//! The strings that a signature is made of, step by step.

use hmac::{Hmac, Mac};
use http::{HeaderMap, Method, Uri, header};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::ALGORITHM;
use crate::text::{self, DecodeError};

/// The parts of a request that its signature covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signable<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    /// S3 takes the path as it is; the others normalize it and encode it once
    /// more.
    pub(crate) is_s3: bool,
}

/// Why a canonical request cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CanonicalError {
    /// The path or query string cannot be decoded.
    Encoding(DecodeError),
    /// A signed header is not there.
    Missing(String),
    /// A header's value is not text.
    NotText(String),
}

impl From<DecodeError> for CanonicalError {
    fn from(error: DecodeError) -> Self {
        Self::Encoding(error)
    }
}

impl Signable<'_> {
    /// The canonical request. `signed` is in order and in lower case.
    pub(crate) fn request(
        &self,
        signed: &[String],
        payload_hash: &str,
    ) -> Result<String, CanonicalError> {
        let mut out = String::with_capacity(512);
        for line in [self.method.as_str(), &self.path()?, &self.query()?] {
            out.push_str(line);
            out.push('\n');
        }
        for name in signed {
            out.push_str(name);
            out.push(':');
            self.header_value(name, &mut out)?;
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&signed.join(";"));
        out.push('\n');
        out.push_str(payload_hash);
        Ok(out)
    }

    fn path(&self) -> Result<String, DecodeError> {
        let path = match self.uri.path() {
            "" => "/",
            path => path,
        };
        if self.is_s3 {
            return Ok(text::encode_path(&text::decode(path)?));
        }
        Ok(text::encode_path(&normalized(path)))
    }

    /// The query parameters, encoded anew and sorted, without the signature.
    fn query(&self) -> Result<String, DecodeError> {
        let Some(query) = self.uri.query() else { return Ok(String::new()) };
        let mut pairs: Vec<(String, String)> = text::pairs(query)?
            .into_iter()
            .filter(|(name, _)| name != "X-Amz-Signature")
            .map(|(name, value)| (text::encode(&name), text::encode(&value)))
            .collect();
        pairs.sort_unstable();
        let pairs: Vec<String> =
            pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(pairs.join("&"))
    }

    fn header_value(&self, name: &str, out: &mut String) -> Result<(), CanonicalError> {
        let mut values = self.headers.get_all(name).iter().peekable();
        if values.peek().is_none() {
            if name == header::HOST.as_str()
                && let Some(authority) = self.uri.authority()
            {
                out.push_str(authority.as_str());
                return Ok(());
            }
            // S3 signs a header that is not there as an empty one, so that the
            // signature differs (recorded on AWS in LocalStack's
            // `test_put_url_metadata_with_sig_s3v4`).
            return match self.is_s3 {
                true => Ok(()),
                false => Err(CanonicalError::Missing(name.to_owned())),
            };
        }
        for (index, value) in values.enumerate() {
            let value = std::str::from_utf8(value.as_bytes())
                .map_err(|_| CanonicalError::NotText(name.to_owned()))?;
            if index > 0 {
                out.push(',');
            }
            push_collapsed(out, value);
        }
        Ok(())
    }
}

/// A path without empty and dot segments; a slash at its end stays.
fn normalized(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if kept.is_empty() || path.ends_with('/') {
        out.push('/');
    }
    out
}

/// A header's value, trimmed, with runs of spaces as one.
fn push_collapsed(out: &mut String, value: &str) {
    let mut was_space = false;
    for character in value.trim_matches([' ', '\t']).chars() {
        if character != ' ' || !was_space {
            out.push(character);
        }
        was_space = character == ' ';
    }
}

/// What a signature is valid for: date, region, service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// `20130524`.
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

impl Scope<'_> {
    /// `DATE/REGION/SERVICE/aws4_request`.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }

    /// The key that signs in this scope.
    pub(crate) fn key(&self, secret: &str) -> Zeroizing<[u8; 32]> {
        let start = Zeroizing::new(format!("AWS4{secret}"));
        let mut key = hmac(start.as_bytes(), self.date.as_bytes());
        for part in [self.region, self.service, "aws4_request"] {
            key = hmac(&*key, part.as_bytes());
        }
        key
    }
}

/// The string to sign of a request.
pub(crate) fn string_to_sign(
    timestamp: &str,
    scope: &Scope<'_>,
    canonical_request: &str,
) -> String {
    let hash = sha256_hex(canonical_request.as_bytes());
    format!("{ALGORITHM}\n{timestamp}\n{}\n{hash}", scope.text())
}

/// The signature of a string.
pub(crate) fn signature(key: &[u8], string_to_sign: &str) -> String {
    hex::encode(*hmac(key, string_to_sign.as_bytes()))
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn hmac(key: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key");
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/", "/")]
    #[case("//", "/")]
    #[case("/a//b/", "/a/b/")]
    #[case("/a/./b/../c", "/a/c")]
    #[case("/../..", "/")]
    #[case("/a%2Fb", "/a%2Fb")]
    fn paths_are_normalized(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(normalized(path), expected);
    }

    fn canonical(uri: &str, is_s3: bool) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("host", "h:8080".parse().unwrap());
        headers.append("x-amz-a", "  one   two ".parse().unwrap());
        headers.append("x-amz-a", "three".parse().unwrap());
        let uri = uri.parse().unwrap();
        let signable = Signable { method: &Method::GET, uri: &uri, headers: &headers, is_s3 };
        signable.request(&["host".to_owned(), "x-amz-a".to_owned()], "HASH").unwrap()
    }

    #[test]
    fn the_path_is_encoded_twice_but_once_for_s3() {
        assert_eq!(
            canonical("/a%20b//c?b=2&a=%2F&a=&b=1+1", false),
            "GET\n/a%2520b/c\na=&a=%2F&b=1%201&b=2\nhost:h:8080\nx-amz-a:one two,three\n\n\
             host;x-amz-a\nHASH"
        );
        assert!(canonical("/a%20b//c", true).starts_with("GET\n/a%20b//c\n\nhost:"));
    }
}
