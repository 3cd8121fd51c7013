//! Every key in a trail's bucket; CloudTrail's own layout (user guide, "CloudTrail log file names").

use jiff::Timestamp;
use pugmark_catalog::Trail;
use pugmark_core::{
    account::{AccountId, Region},
    clock::{basic_minutes, basic_seconds, date_path},
    event::EventCategory,
};

use crate::keys::sha256;

/// The folder of a category's log files.
pub(crate) fn folder(category: EventCategory) -> &'static str {
    match category {
        EventCategory::Management | EventCategory::Data => "CloudTrail",
        EventCategory::Insight => "CloudTrail-Insight",
        EventCategory::NetworkActivity => "CloudTrail-NetworkActivity",
        EventCategory::Aggregated => "CloudTrail-Aggregated",
    }
}

/// `[prefix/]AWSLogs/[o-…/]ACCOUNT`.
pub(crate) fn root(prefix: Option<&str>, organization: Option<&str>, account: AccountId) -> String {
    let logs = with_prefix(prefix, "AWSLogs");
    match organization {
        Some(organization) => format!("{logs}/{organization}/{account}"),
        None => format!("{logs}/{account}"),
    }
}

/// `[prefix/]AWSLogs/o-…`, where each account of an organization has a folder.
pub(crate) fn organization_root(prefix: Option<&str>, organization: &str) -> String {
    format!("{}/{organization}", with_prefix(prefix, "AWSLogs"))
}

fn with_prefix(prefix: Option<&str>, path: &str) -> String {
    match prefix.filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => format!("{prefix}/{path}"),
        None => path.to_owned(),
    }
}

/// The empty markers that are put when a trail is made: in its account's folder, and for an organization in that one's too.
pub(crate) fn markers(trail: &Trail, folder: &str) -> Vec<String> {
    let prefix = trail.key_prefix.as_deref();
    std::iter::once(None)
        .chain(trail.organization_id().map(Some))
        .map(|organization| format!("{}/{folder}/", root(prefix, organization, trail.account)))
        .collect()
}

/// A log file's key. `unique` is what [`unique`] gives.
pub(crate) fn log_file(
    prefix: Option<&str>,
    organization: Option<&str>,
    account: AccountId,
    folder: &str,
    region: &Region,
    delivered: Timestamp,
    unique: &str,
) -> String {
    let (root, date, stamp) = (
        root(prefix, organization, account),
        date_path(delivered),
        basic_minutes(delivered),
    );
    format!("{root}/{folder}/{region}/{date}/{account}_{folder}_{region}_{stamp}_{unique}.json.gz")
}

/// A digest file's key; `end` is the end of its interval.
pub(crate) fn digest_file(
    prefix: Option<&str>,
    organization: Option<&str>,
    account: AccountId,
    region: &Region,
    trail_name: &str,
    home_region: &Region,
    end: Timestamp,
) -> String {
    let (root, date, stamp) = (
        root(prefix, organization, account),
        date_path(end),
        basic_seconds(end),
    );
    format!(
        "{root}/CloudTrail-Digest/{region}/{date}/{account}_CloudTrail-Digest_{region}_{trail_name}_{home_region}_{stamp}.json.gz"
    )
}

/// The 16 letters and digits that make a log file's name its own. They come from the stream and the journal position
/// alone, so that a retry has the same name; the first eleven grow with the position, so that names sort by time.
pub(crate) fn unique(stream: &str, first_seq: u64, last_seq: u64) -> String {
    const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut name = [b'0'; 16];
    let mut left = first_seq;
    for place in name[..11].iter_mut().rev() {
        *place = BASE62[(left % 62) as usize];
        left /= 62;
    }
    let hash = sha256(format!("{stream}/{first_seq}/{last_seq}").as_bytes());
    for (place, byte) in name[11..].iter_mut().zip(hash) {
        *place = BASE62[usize::from(byte) % 62];
    }
    String::from_utf8_lossy(&name).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_are_cloudtrails_own() {
        let account: AccountId = "111122223333".parse().unwrap();
        let region: Region = "us-east-2".parse().unwrap();
        let time: Timestamp = "2015-08-01T02:10:31Z".parse().unwrap();
        let log = log_file(
            Some("p/q"),
            None,
            account,
            "CloudTrail",
            &region,
            time,
            "Mu0KsOhtH1ar15ZZ",
        );
        let expected = "p/q/AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/01/111122223333_CloudTrail_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz";
        assert_eq!(log, expected);
        let digest = digest_file(None, None, account, &region, "t", &region, time);
        assert_eq!(
            &digest[digest.len() - 24..digest.len() - 8],
            "20150801T021031Z"
        );
        assert!(digest.starts_with("AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/01/"));
        assert_eq!(
            root(Some("p"), Some("o-exampleorgid"), account),
            "p/AWSLogs/o-exampleorgid/111122223333"
        );
    }

    #[test]
    fn unique_parts_sort_by_position_and_differ_by_stream() {
        let names: Vec<String> = [0, 9, 10, 61, 62, 5000, u64::MAX]
            .map(|seq| unique("s", seq, seq))
            .into();
        assert!(names.is_sorted() && names.iter().all(|name| name.len() == 16));
        assert_ne!(unique("s", 1, 2), unique("t", 1, 2));
        assert_eq!(unique("s", 1, 2), unique("s", 1, 2));
    }
}
