//! What a file's path says: what kind of file it is, and whose records it holds.
//!
//! `PREFIX/AWSLogs/[o-ORGANIZATION/]ACCOUNT/CloudTrail[-KIND]/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail[-KIND]_REGION_….json.gz`

use pugmark_core::{account::AccountId, event::record::Place};

/// The folder of digests.
const DIGESTS: &str = "CloudTrail-Digest";

/// Whether a path is that of a digest.
pub fn is_digest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.split('/').any(|part| part == DIGESTS) || name.contains("_CloudTrail-Digest_")
}

/// The account and Region of a file's records, from its folders, else from its name.
pub fn place(path: &str) -> Place {
    let mut parts = path.split('/').peekable();
    let (mut place, mut last) = (Place::default(), "");
    while let Some(part) = parts.next() {
        last = part;
        let account = part.parse::<AccountId>().ok();
        if let (Some(account), Some(next)) = (account, parts.peek())
            && next.starts_with("CloudTrail")
        {
            place.account = Some(account);
            parts.next();
            place.region = parts.peek().and_then(|region| region.parse().ok());
        }
    }
    let mut named = last.split('_');
    let account = named.next().and_then(|part| part.parse().ok());
    if account.is_some()
        && named
            .next()
            .is_some_and(|part| part.starts_with("CloudTrail"))
    {
        place.account = place.account.or(account);
        place.region = place.region.or_else(|| named.next()?.parse().ok());
    }
    place
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(path: &str, account: Option<&str>, region: Option<&str>) {
        let expected = Place {
            account: account.map(|text| text.parse().unwrap()),
            region: region.map(|text| text.parse().unwrap()),
        };
        assert_eq!(place(path), expected, "{path}");
    }

    #[test]
    fn paths_tell_account_and_region() {
        let (account, region) = (Some("123456789012"), Some("eu-west-1"));
        check(
            "p/AWSLogs/123456789012/CloudTrail/eu-west-1/2026/01/19/x.json.gz",
            account,
            region,
        );
        check(
            "AWSLogs/o-abc123/123456789012/CloudTrail-Insight/eu-west-1/2026/01/19/x",
            account,
            region,
        );
        check("123456789012/CloudTrail/eu-west-1/2026/x", account, region);
        check(
            "backup/123456789012_CloudTrail_eu-west-1_20260119T2120Z_abc.json.gz",
            account,
            region,
        );
        check("123456789012/other/eu-west-1/x", None, None);
        check("events.json", None, None);
        check("", None, None);
    }

    #[test]
    fn digests_are_told_by_folder_or_name() {
        assert!(is_digest(
            "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2026/x.json.gz"
        ));
        assert!(is_digest(
            "123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20260119T210000Z.json.gz"
        ));
        assert!(!is_digest(
            "AWSLogs/123456789012/CloudTrail/us-east-1/x.json.gz"
        ));
    }
}
