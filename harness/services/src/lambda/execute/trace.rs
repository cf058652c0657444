//! X-Ray's header, which an invocation hands on to its function.
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>

use uuid::Uuid;

/// A trace header, as far as the caller gave one that can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::lambda) struct TraceHeader {
    /// `1-SECONDS-…`.
    root: Option<String>,
    parent: Option<String>,
    sampled: bool,
}

impl TraceHeader {
    /// Reads a request's header; what is malformed counts as not given.
    pub(in crate::lambda) fn read(header: Option<&str>) -> Self {
        let mut read = Self::default();
        for (name, value) in header.into_iter().flat_map(fields) {
            match name {
                "Root" if is_root(value) => read.root = Some(value.to_owned()),
                "Parent" if is_hex(value, 16) => read.parent = Some(value.to_owned()),
                "Sampled" => read.sampled = value == "1",
                _ => {}
            }
        }
        read
    }

    /// What the function gets: the caller's trace (LocalStack's
    /// test_xray_trace_propagation, recorded on AWS), or one of its own that
    /// nobody samples.
    pub(in crate::lambda) fn filled(&self, seconds: i64) -> String {
        let Some(root) = &self.root else {
            return format!("{};Parent={};Sampled=0", trace_root(seconds), hex(16));
        };
        let parent = self.parent.clone().unwrap_or_else(|| hex(16));
        format!("Root={root};Parent={parent};Sampled={}", u8::from(self.sampled))
    }
}

/// `Root=1-SECONDS-…`, of a trace that begins here.
pub(in crate::lambda) fn trace_root(seconds: i64) -> String {
    format!("Root=1-{seconds:08x}-{}", hex(24))
}

fn fields(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header.split(';').filter_map(|field| field.trim().split_once('='))
}

fn is_root(value: &str) -> bool {
    let mut parts = value.split('-');
    parts.next() == Some("1")
        && parts.next().is_some_and(|seconds| is_hex(seconds, 8))
        && parts.next().is_some_and(|random| is_hex(random, 24))
        && parts.next().is_none()
}

fn is_hex(value: &str, length: usize) -> bool {
    value.len() == length && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex(length: usize) -> String {
    Uuid::new_v4().simple().to_string().chars().take(length).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::TraceHeader;

    const ROOT: &str = "1-3152b799-8954dae64eda91bc9a23a7e8";

    /// LocalStack's test_xray_trace_propagation, recorded on AWS.
    #[rstest]
    #[case("Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1", 1)]
    #[case("Sampled=0; Parent=7fa8c0f79203be72; Root=1-3152b799-8954dae64eda91bc9a23a7e8", 0)]
    fn a_callers_trace_goes_on(#[case] header: &str, #[case] sampled: u8) {
        assert_eq!(
            TraceHeader::read(Some(header)).filled(0),
            format!("Root={ROOT};Parent=7fa8c0f79203be72;Sampled={sampled}")
        );
    }

    #[test]
    fn a_root_alone_gets_a_parent() {
        let filled = TraceHeader::read(Some(&format!("Root={ROOT}"))).filled(0);
        let parent = filled.strip_prefix(&format!("Root={ROOT};Parent=")).unwrap();
        assert_eq!(parent.strip_suffix(";Sampled=0").map(str::len), Some(16), "{filled}");
    }

    #[rstest]
    #[case(None)]
    #[case(Some(""))]
    #[case(Some("Root=2-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1"))]
    #[case(Some("Root=1-3152b799-8954dae64eda91bc9a23a7e;Sampled=1"))]
    #[case(Some("Root=1-3152b799-8954dae64eda91bc9a23a7e8-0;Sampled=1"))]
    #[case(Some("Parent=7fa8c0f79203be72;Sampled=1"))]
    fn without_a_root_that_can_be_read_a_trace_begins(#[case] header: Option<&str>) {
        let filled = TraceHeader::read(header).filled(0x6b0a_64ca);
        assert!(filled.starts_with("Root=1-6b0a64ca-"), "{filled}");
        assert!(filled.ends_with(";Sampled=0") && !filled.contains("7fa8c0f79203be72"), "{filled}");
        assert_eq!(filled.len(), "Root=".len() + ROOT.len() + ";Parent=".len() + 16 + 10);
    }
}
