//! The embedded data: compressed files behind one another, each unpacked once.

use std::io::Read;

use flate2::read::DeflateDecoder;

/// Where a file is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// How long its text is.
    pub(crate) length: usize,
}

impl Place {
    /// The text, which lives as long as the program: models hold parts of it.
    pub(crate) fn unpack(self, all: &'static [u8]) -> &'static str {
        let bytes = all.get(self.start..self.end).unwrap_or_default();
        let mut text = String::with_capacity(self.length);
        #[expect(clippy::expect_used, reason = "embedded data, all of it read by a test")]
        DeflateDecoder::new(bytes).read_to_string(&mut text).expect("the data is whole");
        Box::leak(text.into_boxed_str())
    }
}
