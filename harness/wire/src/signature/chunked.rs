//! `aws-chunked` bodies: framing, chunk signatures and trailers.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

use bytes::Bytes;
use http::{HeaderMap, header};
use subtle::ConstantTimeEq;

use super::{ALGORITHM, CONTENT_SHA256, canonical, checksum};
use crate::ServiceError;

/// The signature of the trailers.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// How the chunks are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Each chunk.
    Signed,
    /// Each chunk, and the trailers.
    SignedTrailer,
    /// Nothing; the trailer holds a checksum.
    UnsignedTrailer,
}

impl Mode {
    pub(super) fn of(content_sha256: &str) -> Option<Self> {
        [Self::Signed, Self::SignedTrailer, Self::UnsignedTrailer]
            .into_iter()
            .find(|mode| mode.name() == content_sha256)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Self::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Self::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        }
    }
}

/// Why a chunked body does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The framing is broken.
    #[error("the chunked body is malformed: {0}")]
    Framing(&'static str),
    /// The announced length is not the body's.
    #[error("the decoded body has {actual} bytes, not {announced}")]
    Length {
        /// `x-amz-decoded-content-length`.
        announced: u64,
        /// The length of the decoded body.
        actual: u64,
    },
    /// The signature of a chunk, or of the trailers, is missing or wrong.
    #[error("the signature of the {0} does not match")]
    Signature(&'static str),
    /// A trailer that was not announced, or an announced one that is missing.
    #[error("the trailer `{0}` is not what the header `x-amz-trailer` announces")]
    Trailer(String),
    /// A checksum that is not the body's.
    #[error("the checksum `{0}` is not that of the body")]
    Checksum(String),
    /// A checksum that cannot be computed here.
    #[error("the checksum `{0}` is not supported")]
    UnknownChecksum(String),
}

impl ChunkError {
    pub(super) fn to_service_error(&self) -> ServiceError {
        match self {
            Self::Signature(_) => ServiceError::new(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. \
                 Check your key and signing method.",
            ),
            Self::Checksum(_) => ServiceError::new(400, "BadDigest", self.to_string()),
            Self::UnknownChecksum(_) => ServiceError::new(501, "NotImplemented", self.to_string()),
            Self::Length { .. } => ServiceError::new(400, "IncompleteBody", self.to_string()),
            Self::Framing(_) => ServiceError::new(400, "InvalidRequest", self.to_string()),
            Self::Trailer(_) => ServiceError::new(400, "MalformedTrailerError", self.to_string()),
        }
    }
}

/// A body without its framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The body itself.
    pub body: Bytes,
    /// The trailers, names in lower case.
    pub trailers: Vec<(String, String)>,
}

/// Whether a body is `aws-chunked`.
pub fn is_chunked(headers: &HeaderMap) -> bool {
    let by_hash = headers
        .get(CONTENT_SHA256)
        .is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-"));
    by_hash
        || headers.get_all(header::CONTENT_ENCODING).iter().any(|value| {
            value
                .as_bytes()
                .split(|byte| *byte == b',')
                .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"aws-chunked"))
        })
}

/// Takes the framing off a body, without looking at its signatures.
///
/// # Errors
/// When the framing is broken or the length is not the announced one.
pub fn decode(headers: &HeaderMap, body: &Bytes) -> Result<Decoded, ChunkError> {
    let frames = Frames::read(body)?;
    frames.check_length(headers)?;
    Ok(Decoded { body: frames.joined(), trailers: frames.trailers })
}

/// What chunk signatures are made of.
pub(super) struct Signing<'a> {
    pub(super) mode: Mode,
    pub(super) key: &'a [u8],
    pub(super) timestamp: &'a str,
    pub(super) scope: &'a str,
    /// The request's own signature: the first chunk's predecessor.
    pub(super) seed: &'a str,
}

/// Takes the framing off a body and checks signatures, trailers and checksums.
pub(super) fn verify(
    headers: &HeaderMap,
    body: &Bytes,
    signing: &Signing<'_>,
) -> Result<Decoded, ChunkError> {
    let frames = Frames::read(body)?;
    frames.check_length(headers)?;
    if signing.mode != Mode::UnsignedTrailer {
        signing.check(&frames)?;
    }
    check_announced(headers, signing.mode, &frames.trailers)?;
    let decoded = Decoded { body: frames.joined(), trailers: frames.trailers };
    for (name, value) in &decoded.trailers {
        match checksum::compute(name, &decoded.body) {
            None => return Err(ChunkError::UnknownChecksum(name.clone())),
            Some(expected) if expected != *value => {
                return Err(ChunkError::Checksum(name.clone()));
            }
            Some(_) => {}
        }
    }
    Ok(decoded)
}

/// The trailers are those that `x-amz-trailer` names, each once.
fn check_announced(
    headers: &HeaderMap,
    mode: Mode,
    trailers: &[(String, String)],
) -> Result<(), ChunkError> {
    let announced: Vec<String> = headers
        .get_all("x-amz-trailer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let has = |name: &String| trailers.iter().filter(|(trailer, _)| trailer == name).count() == 1;
    if let Some(missing) = announced.iter().find(|name| !has(name)) {
        return Err(ChunkError::Trailer(missing.clone()));
    }
    let stray = trailers.iter().find(|(name, _)| mode == Mode::Signed || !announced.contains(name));
    stray.map_or(Ok(()), |(name, _)| Err(ChunkError::Trailer(name.clone())))
}

impl Signing<'_> {
    /// Checks the chain of chunk signatures, and the trailers' at its end.
    fn check(&self, frames: &Frames) -> Result<(), ChunkError> {
        let empty = canonical::sha256_hex(b"");
        let mut previous = self.seed.to_owned();
        for chunk in &frames.chunks {
            let hash = canonical::sha256_hex(&chunk.data);
            let string_to_sign = format!(
                "{ALGORITHM}-PAYLOAD\n{}\n{}\n{previous}\n{empty}\n{hash}",
                self.timestamp, self.scope
            );
            previous = self.compare(&string_to_sign, chunk.signature.as_deref(), "chunk")?;
        }
        if self.mode == Mode::SignedTrailer {
            let mut lines: Vec<String> =
                frames.trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
            lines.sort_unstable();
            let hash = canonical::sha256_hex(lines.concat().as_bytes());
            let string_to_sign = format!(
                "{ALGORITHM}-TRAILER\n{}\n{}\n{previous}\n{hash}",
                self.timestamp, self.scope
            );
            self.compare(&string_to_sign, frames.trailer_signature.as_deref(), "trailers")?;
        }
        Ok(())
    }

    fn compare(
        &self,
        string_to_sign: &str,
        given: Option<&str>,
        what: &'static str,
    ) -> Result<String, ChunkError> {
        let expected = canonical::signature(self.key, string_to_sign);
        match given {
            Some(given) if bool::from(expected.as_bytes().ct_eq(given.as_bytes())) => Ok(expected),
            _ => Err(ChunkError::Signature(what)),
        }
    }
}

struct Chunk {
    data: Bytes,
    signature: Option<String>,
}

/// A chunked body, taken apart; the last chunk is the empty one.
struct Frames {
    chunks: Vec<Chunk>,
    trailers: Vec<(String, String)>,
    trailer_signature: Option<String>,
}

impl Frames {
    fn read(body: &Bytes) -> Result<Self, ChunkError> {
        let mut rest = body.clone();
        let mut chunks = Vec::new();
        loop {
            let line = take_line(&mut rest).ok_or(ChunkError::Framing("a chunk has no header"))?;
            let (size, signature) = header_of(&line)?;
            if size > rest.len() {
                return Err(ChunkError::Framing("a chunk is longer than the body"));
            }
            let data = rest.split_to(size);
            chunks.push(Chunk { data, signature });
            if size == 0 {
                break;
            }
            if !rest.starts_with(b"\r\n") {
                return Err(ChunkError::Framing("a chunk does not end where it says"));
            }
            rest = rest.slice(2..);
        }
        let mut frames = Self { chunks, trailers: Vec::new(), trailer_signature: None };
        frames.read_trailers(&rest)?;
        Ok(frames)
    }

    fn read_trailers(&mut self, rest: &[u8]) -> Result<(), ChunkError> {
        let text =
            std::str::from_utf8(rest).map_err(|_| ChunkError::Framing("a trailer is not text"))?;
        for line in text.split('\n').map(|line| line.trim_end_matches('\r')) {
            if line.is_empty() {
                continue;
            }
            let (name, value) =
                line.split_once(':').ok_or(ChunkError::Framing("a trailer has no value"))?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
            if name == TRAILER_SIGNATURE {
                if self.trailer_signature.replace(value).is_some() {
                    return Err(ChunkError::Framing("the trailers are signed twice"));
                }
            } else {
                self.trailers.push((name, value));
            }
        }
        Ok(())
    }

    fn check_length(&self, headers: &HeaderMap) -> Result<(), ChunkError> {
        let mut announced = headers.get_all("x-amz-decoded-content-length").iter();
        let (Some(value), None) = (announced.next(), announced.next()) else {
            return Err(ChunkError::Framing(
                "`x-amz-decoded-content-length` is missing or repeated",
            ));
        };
        let announced = value
            .to_str()
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
            .ok_or(ChunkError::Framing("`x-amz-decoded-content-length` is no number"))?;
        let actual = self.chunks.iter().map(|chunk| chunk.data.len() as u64).sum();
        if announced == actual { Ok(()) } else { Err(ChunkError::Length { announced, actual }) }
    }

    fn joined(&self) -> Bytes {
        match self.chunks.as_slice() {
            [] => Bytes::new(),
            [only, end] if end.data.is_empty() => only.data.clone(),
            chunks => {
                let mut joined = Vec::new();
                chunks.iter().for_each(|chunk| joined.extend_from_slice(&chunk.data));
                joined.into()
            }
        }
    }
}

/// Takes a line that ends in CR LF off the front.
fn take_line(rest: &mut Bytes) -> Option<Bytes> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = rest.split_to(end);
    *rest = rest.slice(2..);
    Some(line)
}

/// A chunk's header: `400;chunk-signature=…`, or the size alone.
fn header_of(line: &[u8]) -> Result<(usize, Option<String>), ChunkError> {
    let line =
        std::str::from_utf8(line).map_err(|_| ChunkError::Framing("a chunk header is not text"))?;
    let (size, extension) = match line.split_once(';') {
        Some((size, extension)) => (size, Some(extension)),
        None => (line, None),
    };
    if size.is_empty() || size.len() > 12 || !size.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Err(ChunkError::Framing("a chunk's size is no hexadecimal number"));
    }
    let size = usize::from_str_radix(size, 16)
        .map_err(|_| ChunkError::Framing("a chunk's size is no hexadecimal number"))?;
    let signature = extension
        .map(|extension| {
            extension
                .strip_prefix("chunk-signature=")
                .map(str::to_owned)
                .ok_or(ChunkError::Framing("a chunk has an unknown extension"))
        })
        .transpose()?;
    Ok((size, signature))
}
