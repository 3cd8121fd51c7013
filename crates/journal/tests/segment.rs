//! Properties of the segment reader: no bytes make it panic, and no change of a byte goes unnoticed.

#![allow(clippy::unwrap_used)]

use std::{path::Path, sync::OnceLock};

use bytes::Bytes;
use proptest::prelude::*;
use pugmark_journal::{
    EmbeddedJournal, Entry, EntryKind, Journal, JournalError, Seq, Settings, check_segment,
};

const GOLDEN: &[u8] = include_bytes!("../testdata/segment-v1.journal");
const SEGMENT_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 36;

/// A segment as a running journal leaves it, with 30 entries in frames of up to four, each group durable.
fn segment() -> &'static [u8] {
    static SEGMENT: OnceLock<Vec<u8>> = OnceLock::new();
    SEGMENT.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(write(dir.path()))
    })
}

async fn write(dir: &Path) -> Vec<u8> {
    let journal = EmbeddedJournal::open(dir, Settings::default()).unwrap();
    let mut number = 0;
    for count in [1, 4, 2, 3].into_iter().cycle().take(12) {
        let batch = (0..count)
            .map(|_| {
                number += 1;
                Entry {
                    kind: EntryKind::Intent,
                    payload: Bytes::from(format!("entry {number}")),
                }
            })
            .collect();
        journal.append(batch).await.unwrap();
    }
    std::fs::read(dir.join(format!("{:020}.journal", 0))).unwrap()
}

/// A frame with right checksums and any numbers in it.
fn frame(
    salt: u32,
    body: &[u8],
    body_bytes: u32,
    entries: u32,
    first: u64,
    synced: u64,
) -> Vec<u8> {
    let mut bytes = b"PJFR".to_vec();
    for number in [body_bytes, entries, crc32fast::hash(body)] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(first.to_le_bytes());
    bytes.extend(synced.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(&bytes);
    bytes.extend(hasher.finalize().to_le_bytes());
    bytes.extend(body);
    bytes
}

fn header(salt: u32, first: u64) -> Vec<u8> {
    let mut bytes = b"PUGMARKJ\x01\0\0\0".to_vec();
    bytes.extend(salt.to_le_bytes());
    bytes.extend(first.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(check_segment(&bytes).is_err());
        // Behind a sound header they are a torn tail, for nothing says that they had been durable.
        let summary = check_segment(&[GOLDEN, &bytes].concat()).unwrap();
        prop_assert_eq!((summary.end, summary.torn_bytes), (Seq(11), bytes.len() as u64));
    }

    #[test]
    fn any_numbers_with_right_checksums_are_judged(
        salt: u32, first: u64, body in proptest::collection::vec(0_u8..6, 0..64),
        length in prop_oneof![Just(None), any::<u32>().prop_map(Some)],
        entries in prop_oneof![0_u32..5, any::<u32>()],
        position in prop_oneof![Just(None), any::<u64>().prop_map(Some)],
        synced in prop_oneof![0_u64..100, any::<u64>()],
    ) {
        let length = length.unwrap_or(body.len() as u32);
        let mut bytes = header(salt, first);
        bytes.extend(frame(salt, &body, length, entries, position.unwrap_or(first), synced));
        if let Ok(summary) = check_segment(&bytes) {
            prop_assert!(summary.frames <= 1 && summary.end.0 - summary.first.0 <= body.len() as u64);
        }
    }

    #[test]
    fn a_cut_segment_keeps_its_whole_frames(length in SEGMENT_HEADER_BYTES..1400) {
        let length = length.min(segment().len());
        let summary = check_segment(&segment()[..length]).unwrap();
        let kept = length - summary.torn_bytes as usize;
        prop_assert_eq!(check_segment(&segment()[..kept]).unwrap().end, summary.end);
        prop_assert_eq!(summary.end == Seq(30), length == segment().len());
    }

    #[test]
    fn a_changed_byte_is_damage_or_in_the_last_frame(at in any::<proptest::sample::Index>(), change in 1_u8..) {
        let mut bytes = segment().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        match check_segment(&bytes) {
            Err(error) => {
 let damaged = matches!(error, JournalError::Damaged { .. });
 prop_assert!(damaged, "{error}");
 }
            Ok(summary) => {
                prop_assert_eq!(summary.end, Seq(27), "only the last batch, of three, may be cut");
                prop_assert!(at >= bytes.len() - summary.torn_bytes as usize);
            }
        }
    }
}

#[test]
fn a_frame_that_promises_more_than_there_is_allocates_nothing() {
    for length in [u32::MAX, 64 * 1024 * 1024, 1] {
        let mut bytes = header(1, 0);
        bytes.extend(frame(1, b"", length, u32::MAX, 0, 0));
        let summary = check_segment(&bytes).unwrap();
        assert_eq!(
            (summary.frames, summary.torn_bytes),
            (0, FRAME_HEADER_BYTES as u64)
        );
    }
}
