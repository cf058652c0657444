//! A request as the targets of this crate and of the guard's read it.

use bytes::Bytes;
use http::Request;
use http::request::Parts;

/// `METHOD TARGET`, headers, an empty line, a body.
pub(crate) fn split(data: &[u8]) -> Option<(Parts, Bytes)> {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let (head, body) = match end {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[][..]),
    };
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut builder = Request::builder().method(method).uri(target);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        builder = builder.header(name, value.trim());
    }
    let (parts, ()) = builder.body(()).ok()?.into_parts();
    Some((parts, Bytes::copy_from_slice(body)))
}
