//! The checksums that come behind an `aws-chunked` body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A checksum, as S3 writes it; `None` for an algorithm that is not known.
pub(super) fn compute(trailer: &str, body: &[u8]) -> Option<String> {
    const CRC32: [u64; 256] = table(0xEDB8_8320);
    const CRC32C: [u64; 256] = table(0x82F6_3B78);
    const CRC64NVME: [u64; 256] = table(0x9A6C_9329_AC4B_C9B5);
    let bytes = match trailer {
        "x-amz-checksum-crc32" => crc(&CRC32, u32::MAX.into(), body).to_be_bytes().split_off_low(),
        "x-amz-checksum-crc32c" => {
            crc(&CRC32C, u32::MAX.into(), body).to_be_bytes().split_off_low()
        }
        "x-amz-checksum-crc64nvme" => crc(&CRC64NVME, u64::MAX, body).to_be_bytes().to_vec(),
        "x-amz-checksum-sha256" => Sha256::digest(body).to_vec(),
        _ => return None,
    };
    Some(STANDARD.encode(bytes))
}

trait Low {
    fn split_off_low(self) -> Vec<u8>;
}

impl Low for [u8; 8] {
    /// The lower four bytes.
    fn split_off_low(self) -> Vec<u8> {
        self.into_iter().skip(4).collect()
    }
}

/// The table of a reflected polynomial of up to 64 bits.
const fn table(polynomial: u64) -> [u64; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ polynomial } else { value >> 1 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "evaluated when compiling")]
        {
            table[index] = value;
        }
        index += 1;
    }
    table
}

fn crc(table: &[u64; 256], ones: u64, body: &[u8]) -> u64 {
    let end = body.iter().fold(ones, |state, byte| {
        let index = usize::from(state.to_le_bytes().first().copied().unwrap_or(0) ^ byte);
        state >> 8 ^ table.get(index).copied().unwrap_or(0)
    });
    end ^ ones
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of CRC algorithms for `123456789`.
    #[test]
    fn checksums_have_their_catalogued_values() {
        let of = |trailer| {
            hex::encode(STANDARD.decode(compute(trailer, b"123456789").unwrap()).unwrap())
        };
        assert_eq!(of("x-amz-checksum-crc32"), "cbf43926");
        assert_eq!(of("x-amz-checksum-crc32c"), "e3069283");
        assert_eq!(of("x-amz-checksum-crc64nvme"), "ae8b14860a799888");
        assert_eq!(
            of("x-amz-checksum-sha256"),
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
        assert_eq!(compute("x-amz-checksum-other", b""), None);
    }
}
