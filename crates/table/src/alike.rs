//! Which rows go into one row group, and in which order they lie there.
//!
//! Row groups divide a file's rows by time, newest first, so that a look-up ends with those that are new enough. Within a row group
//! rows of one service, operation and caller lie side by side: their records are alike, which is worth a third of what they take
//! in all, and what is rare lies in one page of records instead of in as many as there are events.

use twox_hash::XxHash64;

/// Rows of a row group have records of so many bytes together, or it is one row: a merge holds a row group in memory.
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Orders rows so that those which are alike lie side by side. Texts are known by their hashes: comparing these is quicker, and
/// which service comes first is all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alike {
    source: u32,
    name: u32,
    username: u32,
}

impl Alike {
    pub(crate) fn of(source: &str, name: &str, username: Option<&str>) -> Self {
        let hash = |text: &str| (XxHash64::oneshot(0, text.as_bytes()) >> 32) as u32;
        Self {
            source: hash(source),
            name: hash(name),
            username: username.map_or(0, hash),
        }
    }
}

/// How many rows each row group of a file has, given the lengths of their records, newest first: at most so many, and about as many
/// as the others.
pub(crate) fn row_groups(
    lengths: impl ExactSizeIterator<Item = usize>,
    rows_max: usize,
) -> Vec<usize> {
    let groups = lengths.len().div_ceil(rows_max.max(1));
    let rows_each = lengths.len().div_ceil(groups.max(1));
    let (mut groups, mut rows, mut bytes) = (Vec::with_capacity(groups), 0, 0_usize);
    for length in lengths {
        if rows == rows_each || rows > 0 && bytes.saturating_add(length) > GROUP_BYTES {
            groups.push(rows);
            (rows, bytes) = (0, 0);
        }
        rows += 1;
        bytes = bytes.saturating_add(length);
    }
    if rows > 0 {
        groups.push(rows);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_groups_are_even_and_bounded() {
        let of = |rows: usize, bytes: usize| row_groups((0..rows).map(|_| bytes), 1000);
        assert!(of(0, 10).is_empty());
        assert_eq!(of(1000, 10), [1000]);
        assert_eq!(of(1001, 10), [501, 500]);
        assert_eq!(of(2500, 10), [834, 834, 832]);
        // As many as have the bytes, and one that is larger by itself.
        assert_eq!(of(5, GROUP_BYTES / 2), [2, 2, 1]);
        assert_eq!(of(3, GROUP_BYTES + 1), [1, 1, 1]);
        assert_eq!(of(2, usize::MAX), [1, 1]);
    }

    #[test]
    fn rows_of_one_operation_and_of_its_callers_lie_together() {
        let mut rows: Vec<(&str, &str, Option<&str>)> = Vec::new();
        for name in ["CreateUser", "ListUsers", "CreateUser", "GetUser"] {
            for source in ["iam.amazonaws.com", "sso.amazonaws.com"] {
                for username in [Some("alice"), None, Some("bob")] {
                    rows.push((source, name, username));
                }
            }
        }
        rows.sort_by_key(|(source, name, username)| Alike::of(source, name, *username));
        let runs = rows.chunk_by(|a, b| a.0 == b.0).count();
        assert_eq!(runs, 2);
        let runs = rows.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).count();
        assert_eq!(runs, 6);
        assert_eq!(rows.chunk_by(|a, b| a == b).count(), 18);
    }
}
