//! The condition keys of S3 that tell how a request is signed and sent.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html>,
//! and for `s3:TlsVersion`
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html>.

use ringfence_policy::Context;
use ringfence_wire::post;
use ringfence_wire::signature::{Form, Presented};
use time::OffsetDateTime;

/// How a request is signed, as it was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signed {
    by: By,
    version: Version,
}

/// What carries the signature: `s3:authType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Header,
    Query,
    Form,
}

/// The version of the signature: `s3:signatureversion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V2,
    /// With when it was made; `None` where that cannot be read, which a form's
    /// signature does not depend on.
    V4(Option<OffsetDateTime>),
}

impl Signed {
    /// By Signature Version 4, in a header or a query string.
    pub(crate) fn version_4(presented: &Presented) -> Self {
        let by = match presented.form {
            Form::Header => By::Header,
            Form::Query { .. } => By::Query,
        };
        Self { by, version: Version::V4(Some(presented.signed_at)) }
    }

    /// By Signature Version 2, which is taken in a query string alone.
    pub(crate) fn version_2() -> Self {
        Self { by: By::Query, version: Version::V2 }
    }

    /// By a form's policy.
    pub(crate) fn posted(signature: &post::Signature) -> Self {
        let version = match signature.version {
            post::Version::V2 => Version::V2,
            post::Version::V4 => Version::V4(signature.signed_at),
        };
        Self { by: By::Form, version }
    }

    fn describe(self, context: &mut Context, now: OffsetDateTime) {
        let auth_type = match self.by {
            By::Header => "REST-HEADER",
            By::Query => "REST-QUERY-STRING",
            By::Form => "POST",
        };
        context.set("s3:authType", auth_type);
        match self.version {
            Version::V2 => {
                context.set("s3:signatureversion", "AWS");
                // "In Signature Version 2, this value is always set to 0."
                context.set("s3:signatureAge", "0");
            }
            Version::V4(signed_at) => {
                context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
                match signed_at {
                    // In milliseconds. The date is that of `X-Amz-Date`, of a
                    // form too
                    // (<https://docs.aws.amazon.com/prescriptive-guidance/latest/presigned-url-best-practices/additional-guardrails.html>).
                    Some(at) => {
                        let age = (now - at).whole_milliseconds().max(0);
                        context.set("s3:signatureAge", age.to_string());
                    }
                    None => drop(context.set_unknown("s3:signatureAge")),
                }
            }
        }
    }
}

/// How a request arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// How it is signed; `None` where it is not.
    pub(crate) signed: Option<Signed>,
    /// Its header `x-amz-content-sha256`.
    pub(crate) content_sha256: Option<&'a str>,
}

impl Arrival<'_> {
    /// Sets the keys of a request to S3 that arrives now.
    pub(crate) fn describe(&self, context: &mut Context, now: OffsetDateTime) {
        // The loopback stands in for the TLS between client and AWS
        // (`aws:SecureTransport`); what AWS's endpoints and clients agree on is
        // 1.3.
        context.set("s3:TlsVersion", "1.3");
        // Nobody signed: there is no method, version or age.
        if let Some(signed) = self.signed {
            signed.describe(context, now);
        }
        let in_header =
            |signed: Signed| signed.by == By::Header && matches!(signed.version, Version::V4(_));
        match self.content_sha256 {
            // "for requests that use the Authorization header".
            Some(hash) if self.signed.is_some_and(in_header) => {
                context.set("s3:x-amz-content-sha256", hash);
            }
            // Sent without being asked for.
            Some(_) => drop(context.set_unknown("s3:x-amz-content-sha256")),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::Values;
    use rstest::rstest;

    use super::*;

    const NOW: i64 = 1_767_225_610;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    const fn signed(by: By, version: Version) -> Option<Signed> {
        Some(Signed { by, version })
    }

    /// Type, version, age, hash: `-` stands for absent, `?` for unknown.
    #[rstest]
    #[case::a_header(signed(By::Header, Version::V4(Some(at(NOW - 10)))), Some("UNSIGNED-PAYLOAD"),
        ["REST-HEADER", "AWS4-HMAC-SHA256", "10000", "UNSIGNED-PAYLOAD"])]
    #[case::a_clock_that_is_ahead(signed(By::Header, Version::V4(Some(at(NOW + 10)))), None,
        ["REST-HEADER", "AWS4-HMAC-SHA256", "0", "-"])]
    #[case::a_presigned_url(signed(By::Query, Version::V4(Some(at(NOW - 600)))), None,
        ["REST-QUERY-STRING", "AWS4-HMAC-SHA256", "600000", "-"])]
    #[case::a_presigned_url_with_the_header(
        signed(By::Query, Version::V4(Some(at(NOW)))), Some("UNSIGNED-PAYLOAD"),
        ["REST-QUERY-STRING", "AWS4-HMAC-SHA256", "0", "?"])]
    #[case::a_presigned_url_of_version_2(signed(By::Query, Version::V2), None,
        ["REST-QUERY-STRING", "AWS", "0", "-"])]
    #[case::a_form(signed(By::Form, Version::V4(Some(at(NOW - 1)))), None,
        ["POST", "AWS4-HMAC-SHA256", "1000", "-"])]
    #[case::a_form_without_a_readable_date(signed(By::Form, Version::V4(None)), None,
        ["POST", "AWS4-HMAC-SHA256", "?", "-"])]
    #[case::a_form_of_version_2(signed(By::Form, Version::V2), None, ["POST", "AWS", "0", "-"])]
    #[case::nobody(None, None, ["-", "-", "-", "-"])]
    fn the_keys_tell_how_a_request_is_signed(
        #[case] signed: Option<Signed>,
        #[case] content_sha256: Option<&str>,
        #[case] expected: [&str; 4],
    ) {
        let mut context = Context::new();
        Arrival { signed, content_sha256 }.describe(&mut context, at(NOW));
        let names =
            ["s3:authType", "s3:signatureversion", "s3:signatureAge", "s3:x-amz-content-sha256"];
        let found = names.map(|name| match context.get(name) {
            Some(Values::One(value)) => value.clone(),
            _ if context.is_unknown(name) => "?".to_owned(),
            _ => "-".to_owned(),
        });
        assert_eq!(found, expected);
        assert_eq!(context.get("s3:TlsVersion"), Some(&Values::One("1.3".into())));
    }
}
