//! Every bound of the system in one place; reaching one is a tested outcome, never a surprise.

/// Largest record in bytes (`eventVersion` 1.05 and later; CloudTrail limits, section 2).
pub const RECORD_BYTES_MAX: usize = 256 * 1024;
/// Largest record that is taken from elsewhere, in bytes: those of an event data store with large events have up to 1 MB, and
/// some tools spread them over lines.
pub const IMPORTED_RECORD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Largest `requestParameters`, `responseElements` or `serviceEventDetails` in bytes; above it the content is omitted.
pub const FIELD_BYTES_MAX: usize = 100 * 1024;
/// Largest `additionalEventData` in bytes; above it the field is omitted.
pub const ADDITIONAL_EVENT_DATA_BYTES_MAX: usize = 28 * 1024;
/// Largest `userAgent`, `errorCode`, `errorMessage` and `requestID` in bytes; longer ones are cut.
pub const SHORT_FIELD_BYTES_MAX: usize = 1024;

/// How much of a request or response body is kept for recording, in bytes. A longer body streams on uncaptured.
pub const CAPTURE_BYTES_MAX: usize = 256 * 1024;
/// A request body up to this many bytes is read whole before it is forwarded, so that it can be verified first.
pub const BUFFERED_BODY_BYTES_MAX: usize = 64 * 1024;
/// Largest body of a call to Pugmark's own operations, in bytes. As much of a form is read before it is forwarded: most are read
/// whole then (a stack's template has 51,200 bytes at most), but for mails with attachments.
pub const WHOLE_REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting that a decoder follows in a request or response.
pub const NESTING_MAX: usize = 64;

/// Event history: how far `LookupEvents` reaches back, in days.
pub const EVENT_HISTORY_DAYS: i64 = 90;
/// Page size bounds of `LookupEvents`.
pub const LOOKUP_RESULTS_MAX: usize = 50;

/// Largest CloudTrail log file before compression, in bytes (50 MB; CloudTrail limits, section 2).
pub const LOG_FILE_BYTES_MAX: usize = 50_000_000;
/// Longest `S3KeyPrefix` in characters.
pub const S3_KEY_PREFIX_CHARS_MAX: usize = 200;

/// Trails per account and Region, shadows included.
pub const TRAILS_PER_REGION_MAX: usize = 5;

/// Delegated administrators of an organization (CloudTrail quotas).
pub const DELEGATES_MAX: usize = 3;
/// Event selectors per trail.
pub const EVENT_SELECTORS_MAX: usize = 5;
/// Data resources over all basic selectors of a trail.
pub const DATA_RESOURCES_MAX: usize = 250;
/// Values over all conditions of all advanced selectors of a trail.
pub const ADVANCED_SELECTOR_VALUES_MAX: usize = 500;
/// Tags per resource.
pub const TAGS_PER_RESOURCE_MAX: usize = 50;
/// ARNs per `ListTags` call.
pub const LIST_TAGS_RESOURCES_MAX: usize = 20;
