//! `multipart/form-data`, as far as S3 reads it: fields, and after them the file.
//! What comes behind the file is not looked at.

use bytes::Bytes;
use http::{HeaderMap, header};

use crate::{ServiceError, text, xml};

/// The fields together may have this many bytes
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html>).
const FIELDS_LIMIT: usize = 20_480;

/// A form that posts an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// In order, names in lower case.
    fields: Vec<(String, String)>,
    file: Bytes,
    /// The name that the client gave the file.
    file_name: Option<String>,
}

fn malformed() -> ServiceError {
    ServiceError::new(
        400,
        "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data.",
    )
}

/// The boundary of a form; nothing where the content is of another type.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = value.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())
}

/// A parameter of a header's value, quoted or not.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    while !rest.is_empty() {
        let (found, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"')?;
                (value, after.split_once(';').map_or("", |(_, after)| after))
            }
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = after;
    }
    None
}

impl Form {
    /// Reads a form.
    ///
    /// # Errors
    /// `MalformedPOSTRequest`, or that a field stands twice or the fields are
    /// too large.
    pub fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, ServiceError> {
        let boundary = format!("--{}", boundary(headers).ok_or_else(malformed)?);
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut size = 0usize;
        let mut at = find(body, boundary.as_bytes(), 0).ok_or_else(malformed)? + boundary.len();
        loop {
            let rest = body.get(at..).ok_or_else(malformed)?;
            let Some(rest) = rest.strip_prefix(b"\r\n") else {
                // `--` behind the last boundary: the form had no file.
                return Err(no_field("file"));
            };
            let start = at + 2;
            let head = find(rest, b"\r\n\r\n", 0).ok_or_else(malformed)?;
            let delimiter = format!("\r\n{boundary}");
            let content = start + head + 4;
            let end = find(body, delimiter.as_bytes(), content).ok_or_else(malformed)?;
            let header = rest.get(..head).ok_or_else(malformed)?;
            let header = std::str::from_utf8(header).map_err(|_| malformed())?;
            let disposition = disposition(header).ok_or_else(malformed)?;
            let name = parameter(disposition, "name").ok_or_else(malformed)?.to_ascii_lowercase();
            if name == "file" {
                let file_name = parameter(disposition, "filename");
                return Ok(Self { fields, file: body.slice(content..end), file_name });
            }
            let value = body.get(content..end).ok_or_else(malformed)?;
            let value = std::str::from_utf8(value).map_err(|_| malformed())?;
            size += name.len() + value.len();
            if size > FIELDS_LIMIT {
                return Err(ServiceError::new(
                    400,
                    "MaxPostPreDataLengthExceeded",
                    "Your POST request fields preceding the upload file were too large.",
                )
                .with("MaxPostPreDataLengthExceededError", FIELDS_LIMIT.to_string()));
            }
            // Two readers could take two values.
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(ServiceError::new(
                    400,
                    "InvalidArgument",
                    format!("The form field {name} is given more than once"),
                ));
            }
            fields.push((name, value.to_owned()));
            at = end + delimiter.len();
        }
    }

    /// The fields, names in lower case.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A field, by its name in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// The file.
    pub fn file(&self) -> &Bytes {
        &self.file
    }

    /// The key, with the file's name in the place of `${filename}`.
    ///
    /// # Errors
    /// `InvalidArgument` where there is none.
    pub fn key(&self) -> Result<String, ServiceError> {
        let key = self.field("key").filter(|key| !key.is_empty()).ok_or_else(|| no_field("key"))?;
        Ok(match self.file_name.as_deref() {
            Some(name) => {
                let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
                key.replace("${filename}", name)
            }
            None => key.to_owned(),
        })
    }
}

/// A field that must be there.
pub(super) fn no_field(name: &str) -> ServiceError {
    ServiceError::new(
        400,
        "InvalidArgument",
        format!(
            "Bucket POST must contain a field named '{name}'.  If it is specified, please check \
             the order of the fields."
        ),
    )
    .with("ArgumentName", name)
    .with("ArgumentValue", "")
}

fn disposition(header: &str) -> Option<&str> {
    header.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if !name.trim().eq_ignore_ascii_case("content-disposition") {
            return None;
        }
        value.trim().strip_prefix("form-data").map(|rest| rest.trim_start_matches([';', ' ']))
    })
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|at| at + from)
}

/// The header that means the same as the field `tagging`, a document.
pub(super) fn tagging(document: &str) -> Result<String, ServiceError> {
    let root = xml::parse(document.as_bytes()).map_err(|_| ServiceError::malformed_xml())?;
    let set = root.child("TagSet");
    let tags = set.into_iter().flat_map(|set| &set.children).filter(|tag| tag.name == "Tag");
    let pairs: Vec<String> = tags
        .filter_map(|tag| {
            let text = |name: &str| tag.child_text(name).map(text::encode);
            Some(format!("{}={}", text("Key")?, text("Value").unwrap_or_default()))
        })
        .collect();
    Ok(pairs.join("&"))
}
