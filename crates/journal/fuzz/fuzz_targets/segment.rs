//! No bytes make the segment reader panic, hang or allocate more than they are.
//!
//! Checksums would stop nearly every input at once, so the target also repairs them: the fuzzer then reaches what lies
//! behind. Run with `cargo +nightly fuzz run segment -- -rss_limit_mb=512`; seed it with `../testdata`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pugmark_journal::check_segment;

const SEGMENT_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 36;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&repaired(bytes));
});

fn check(bytes: &[u8]) {
    if let Ok(summary) = check_segment(bytes) {
        assert!(summary.first <= summary.end);
        assert!(summary.torn_bytes <= (bytes.len() - SEGMENT_HEADER_BYTES) as u64);
    }
}

/// The same bytes with magic numbers and checksums put right, frame by frame.
fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < SEGMENT_HEADER_BYTES {
        return bytes;
    }
    bytes[..12].copy_from_slice(b"PUGMARKJ\x01\0\0\0");
    put_crc(&mut bytes[..SEGMENT_HEADER_BYTES], &[]);
    let salt = [bytes[12], bytes[13], bytes[14], bytes[15]];
    let mut at = SEGMENT_HEADER_BYTES;
    while let Some(header) = bytes.get(at..at + FRAME_HEADER_BYTES) {
        let body_bytes = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let start = at + FRAME_HEADER_BYTES;
        if let Some(body) = bytes.get(start..start.saturating_add(body_bytes)) {
            let crc = crc32fast::hash(body).to_le_bytes();
            bytes[at + 12..at + 16].copy_from_slice(&crc);
        }
        bytes[at..at + 4].copy_from_slice(b"PJFR");
        put_crc(&mut bytes[at..start], &salt);
        let Some(next) = start.checked_add(body_bytes) else { break };
        at = next;
    }
    bytes
}

/// Puts the checksum of `salt` and all but the last four bytes into the last four.
fn put_crc(header: &mut [u8], salt: &[u8]) {
    let end = header.len() - 4;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(salt);
    hasher.update(&header[..end]);
    header[end..].copy_from_slice(&hasher.finalize().to_le_bytes());
}
