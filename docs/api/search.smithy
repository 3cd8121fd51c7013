$version: "2.0"

// Pugmark's own operations on event history, beside AWS's LookupEvents: SearchEvents, CountEvents, ExportEvents.
//
// They are called like every operation of CloudTrail: POST / with `X-Amz-Target:
// com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.SearchEvents` (the short form `CloudTrail_20131101.SearchEvents`
// is taken too), `Content-Type: application/x-amz-json-1.1`, Signature Version 4 with the signing name `cloudtrail`.
//
// docs/search.md is the introduction. docs/api/botocore holds the same model for boto3 and the AWS CLI.
namespace com.amazonaws.cloudtrail

use aws.api#service
use aws.auth#sigv4
use aws.protocols#awsJson1_1

@service(sdkId: "CloudTrail", arnNamespace: "cloudtrail", cloudFormationName: "CloudTrail", endpointPrefix: "cloudtrail")
@sigv4(name: "cloudtrail")
@awsJson1_1
@title("Search in Pugmark's event history")
service CloudTrail_20131101 {
    version: "2013-11-01"
    operations: [
        SearchEvents
        CountEvents
        ExportEvents
    ]
    errors: [
        AccessDeniedException
        InvalidTimeRangeException
        ValidationException
        ThrottlingException
        ServiceUnavailable
    ]
}

/// Finds events: every filter must hold.
///
/// Whoever may call `cloudtrail:LookupEvents` may call this. A caller sees its own account; the management account of an
/// organization and its delegated administrators see the members' events too. The server's own root credentials see the imported
/// events of every account.
///
/// A page may hold fewer events than MaxResults, even none, although there are more: a page ends after a few seconds of
/// searching. The answer is complete when it has no NextToken. In Arrival order there is always a NextToken.
@readonly
@paginated(inputToken: "NextToken", outputToken: "NextToken", pageSize: "MaxResults", items: "Events")
operation SearchEvents {
    input := with [SearchQuestion] {
        /// Which events come first. Default: NewestFirst.
        Order: SearchOrder

        /// Events of a page at most. Default: 50.
        @range(min: 1, max: 1000)
        MaxResults: Integer

        /// Where the page before this one ended. All other members but MaxResults and WaitSeconds must be as they were.
        NextToken: NextToken

        /// With Order Arrival only: how long the call may wait for an event when there is none. Default: 0.
        @range(min: 0, max: 20)
        WaitSeconds: Integer
    }

    output := {
        @required
        Events: FoundEventList

        NextToken: NextToken

        /// Beside NextToken, except in Arrival order: how far the search has come. All older events (OldestFirst: all
        /// newer ones) are still to be searched.
        SearchedTo: Timestamp

        /// If events that may belong to the answer are missing.
        Incomplete: IncompleteHistory
    }

    errors: [
        InvalidMaxResultsException
        InvalidNextTokenException
        InvalidLookupAttributesException
        InvalidEventCategoryException
    ]
}

/// Counts events: all, by the values of a field, and over time.
///
/// Who may see what is as with SearchEvents.
@readonly
operation CountEvents {
    input := with [SearchQuestion] {
        /// Counts the events for each value of this field, such as `EventName` or `userIdentity.arn`. An event whose field
        /// has several different values counts once for each.
        CountBy: SearchField

        /// How many values are told, most frequent first. Default: 20.
        @range(min: 1, max: 1000)
        MaxValues: Integer

        /// Counts the events for each interval of this length, beginning at multiples of it since the epoch. A question may
        /// have 10,000 intervals with events at most.
        @range(min: 1, max: 31536000)
        IntervalSeconds: Integer
    }

    output := {
        /// Events that match.
        @required
        Total: Long

        /// With CountBy: the most frequent values, most frequent first, equally frequent ones in the order of their text.
        Values: ValueCountList

        /// With CountBy: the sum of the counts of all values that are not told.
        OtherCount: Long

        /// With CountBy: events that have no value in the field.
        MissingCount: Long

        /// With CountBy: true if there were more different values than the server keeps apart (100,000). The values told
        /// are then those of the values met first, from the newest events on; the others are in OtherCount.
        ValuesTruncated: Boolean

        /// With IntervalSeconds: the intervals that have events, oldest first.
        Histogram: HistogramList

        /// If events that may belong to the answer are missing.
        Incomplete: IncompleteHistory
    }

    errors: [
        InvalidLookupAttributesException
        InvalidEventCategoryException
    ]
}

/// Streams all events that match as one file.
///
/// Who may see what is as with SearchEvents. A good answer is not JSON but the file itself, in chunked transfer encoding, with
/// the Content-Type of the format and a Content-Disposition that names it. An error before its first byte is an error answer
/// as with every operation. An error after it breaks the stream: the connection is closed without the last chunk, which HTTP
/// clients report as an incomplete answer.
@readonly
operation ExportEvents {
    input := with [SearchQuestion] {
        /// Default: NDJSON.
        Format: ExportFormat

        /// NewestFirst (default) or OldestFirst.
        Order: SearchOrder

        /// Exports although events of damaged files are missing. Default: false: the export is refused with
        /// IncompleteHistoryException, or breaks off if the damage is found after its first byte.
        AllowIncomplete: Boolean
    }

    output := {
        @httpPayload
        @required
        Body: ExportBody
    }

    errors: [
        InvalidLookupAttributesException
        InvalidEventCategoryException
        IncompleteHistoryException
    ]
}

@streaming
blob ExportBody

/// Which events are asked for. All conditions must hold.
@mixin
structure SearchQuestion {
    /// The earliest event time, inclusive. Recorded events are kept for 90 days, imported ones may be older.
    StartTime: Timestamp

    /// The latest event time, inclusive.
    EndTime: Timestamp

    Filters: SearchFilterList

    /// Words that must all be there, each anywhere in the record (names and values, as its minified JSON has them), letter
    /// case ignored. "Quotation marks" keep blanks in a phrase together; `\"` and `\\` stand for the characters themselves.
    @length(min: 1, max: 2000)
    Text: String

    /// Default: Management.
    EventCategories: SearchEventCategoryList

    /// Default: the Region that is called. `["*"]`: all.
    Regions: SearchScopeList

    /// Default: the caller's. `["*"]`: all that the caller may see.
    Accounts: SearchScopeList

    /// Default: both.
    Origins: EventOriginList
}

/// Holds if the field has one of the values.
structure SearchFilter {
    @required
    Field: SearchField

    /// Default: Equals.
    Operator: SearchOperator

    /// Any of them suffices; with the operators that begin with Not, none may fit. None are given with Exists and NotExists.
    Values: SearchValueList
}

/// What an event is asked for. Letter case is ignored.
///
/// Either an attribute of LookupEvents (EventId, EventName, ReadOnly, Username, ResourceType, ResourceName, EventSource,
/// AccessKeyId), or a path of names in the record, joined by dots: `errorCode`, `sourceIPAddress`,
/// `userIdentity.sessionContext.sessionIssuer.userName`, `requestParameters.bucketName`. Lists are searched through:
/// `resources.ARN` is the ARN of any of them. A name that has a dot stands in quotation marks: `requestParameters."a.b"`.
///
/// Values are compared as texts, letter by letter: numbers and truth values as JSON writes them, an object as its minified
/// JSON. `null` is no value.
@length(min: 1, max: 500)
string SearchField

enum SearchOperator {
    /// Some value of the field is one of Values.
    EQUALS = "Equals"
    /// No value of the field is one of Values; the field may be missing.
    NOT_EQUALS = "NotEquals"
    STARTS_WITH = "StartsWith"
    NOT_STARTS_WITH = "NotStartsWith"
    ENDS_WITH = "EndsWith"
    NOT_ENDS_WITH = "NotEndsWith"
    CONTAINS = "Contains"
    NOT_CONTAINS = "NotContains"
    /// The field has a value.
    EXISTS = "Exists"
    /// The field has no value.
    NOT_EXISTS = "NotExists"
}

enum SearchOrder {
    /// By event time, newest first; within a second, what was recorded last comes first.
    NEWEST_FIRST = "NewestFirst"
    /// The same order turned round.
    OLDEST_FIRST = "OldestFirst"
    /// Recorded events in the order in which they were recorded, for following: the answer always has a NextToken, and a call
    /// with it answers with what was recorded since, no event twice and none left out, however late its event time. The first
    /// answer begins with the events of StartTime and later; without StartTime it begins with what is recorded from now on
    /// (except events that are recorded more than a day after their time). Origins must be absent or Recorded.
    ///
    /// Each call of SearchEvents is itself recorded: leave these events out (`EventName NotEquals SearchEvents`).
    ARRIVAL = "Arrival"
}

enum EventOrigin {
    /// Recorded by this Pugmark.
    RECORDED = "Recorded"
    /// Imported from CloudTrail log files.
    IMPORTED = "Imported"
}

enum ExportFormat {
    /// One line for each event; the columns are in docs/formats.md. Safe to open in a spreadsheet.
    CSV = "CSV"
    /// A CloudTrail log file: `{"Records":[…]}`.
    JSON = "JSON"
    /// One record a line.
    NDJSON = "NDJSON"
    /// The columns of event history's own files (docs/formats.md).
    PARQUET = "PARQUET"
}

/// Management and Insights events are recorded in event history; imported events may be of every category.
enum SearchEventCategory {
    MANAGEMENT = "Management"
    DATA = "Data"
    NETWORK_ACTIVITY = "NetworkActivity"
    INSIGHT = "Insight"
    AGGREGATED = "Aggregated"
}

/// An event as LookupEvents tells it, and where it comes from.
structure FoundEvent {
    @required
    EventId: String
    @required
    EventName: String
    /// `true` or `false`; absent for Insights events.
    ReadOnly: String
    AccessKeyId: String
    @required
    EventTime: Timestamp
    @required
    EventSource: String
    Username: String
    @required
    Resources: ResourceList
    /// The record: one minified JSON object.
    @required
    CloudTrailEvent: String
    /// The account that the event belongs to (recipientAccountId).
    @required
    AccountId: String
    @required
    Region: String
    @required
    Origin: EventOrigin
}

structure Resource {
    ResourceType: String
    ResourceName: String
}

/// Files of event history that cannot be read, and whose accounts, Regions and time ranges are asked for: the answer is
/// without their events. They are told from when the damage was found until the files are restored and the server is
/// started again.
structure IncompleteHistory {
    @required
    DamagedFileCount: Integer
    /// The first ten, below the server's data directory.
    @required
    DamagedFiles: DamagedFileList
}

structure ValueCount {
    @required
    Value: String
    @required
    Count: Long
}

structure HistogramEntry {
    /// When the interval begins.
    @required
    Time: Timestamp
    @required
    Count: Long
}

list FoundEventList {
    member: FoundEvent
}

list ResourceList {
    member: Resource
}

list ValueCountList {
    member: ValueCount
}

list DamagedFileList {
    member: String
}

list HistogramList {
    member: HistogramEntry
}

@length(max: 50)
list SearchFilterList {
    member: SearchFilter
}

@length(max: 200)
list SearchValueList {
    member: SearchValue
}

@length(max: 2000)
string SearchValue

@length(min: 1, max: 5)
list SearchEventCategoryList {
    member: SearchEventCategory
}

@length(min: 1, max: 2)
list EventOriginList {
    member: EventOrigin
}

/// Names, or `*` alone for all.
@length(min: 1, max: 200)
list SearchScopeList {
    member: String
}

string NextToken

/// The caller may not do this, or may not see one of the accounts.
@error("client")
structure AccessDeniedException {
    message: String
}

/// StartTime is after EndTime, or the events of the time range are too many to be counted in one call.
@error("client")
structure InvalidTimeRangeException {
    message: String
}

/// MaxResults is not 1 to 1000.
@error("client")
structure InvalidMaxResultsException {
    message: String
}

/// The token is not one of ours, or another member differs from the call that returned it.
@error("client")
structure InvalidNextTokenException {
    message: String
}

/// A filter or CountBy is not valid.
@error("client")
structure InvalidLookupAttributesException {
    message: String
}

/// There is no such event category.
@error("client")
structure InvalidEventCategoryException {
    message: String
}

/// Events of damaged files would be missing in the export. AllowIncomplete leaves them out.
@error("client")
structure IncompleteHistoryException {
    message: String
}

/// Another member is not valid.
@error("client")
structure ValidationException {
    message: String
}

/// Only with `limits.rates = "aws"`.
@error("client")
@httpError(400)
structure ThrottlingException {
    message: String
}

/// Too many searches at the same time: try again.
@error("server")
@httpError(503)
structure ServiceUnavailable {
    message: String
}
