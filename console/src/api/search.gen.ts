/** Pugmark's own operations on event history. Made by scripts/client.mjs out of docs/api/search.smithy: do not edit. */

import type { Session } from '../shell/session';

import { callJson, sendJson } from './sign';

export interface SearchEventsInput extends SearchQuestion {
  /** Which events come first. Default: NewestFirst. */
  Order?: SearchOrder;
  /** Events of a page at most. Default: 50. */
  MaxResults?: number;
  /** Where the page before this one ended. All other members but MaxResults and WaitSeconds must be as they were. */
  NextToken?: string;
  /** With Order Arrival only: how long the call may wait for an event when there is none. Default: 0. */
  WaitSeconds?: number;
}

export interface SearchEventsOutput {
  Events: FoundEventList;
  NextToken?: string;
  /**
   * Beside NextToken, except in Arrival order: how far the search has come. All older events (OldestFirst: all
   * newer ones) are still to be searched.
   */
  SearchedTo?: number;
  /** If events that may belong to the answer are missing. */
  Incomplete?: IncompleteHistory;
}

export interface CountEventsInput extends SearchQuestion {
  /**
   * Counts the events for each value of this field, such as `EventName` or `userIdentity.arn`. An event whose field
   * has several different values counts once for each.
   */
  CountBy?: string;
  /** How many values are told, most frequent first. Default: 20. */
  MaxValues?: number;
  /**
   * Counts the events for each interval of this length, beginning at multiples of it since the epoch. A question may
   * have 10,000 intervals with events at most.
   */
  IntervalSeconds?: number;
}

export interface CountEventsOutput {
  /** Events that match. */
  Total: number;
  /** With CountBy: the most frequent values, most frequent first, equally frequent ones in the order of their text. */
  Values?: ValueCountList;
  /** With CountBy: the sum of the counts of all values that are not told. */
  OtherCount?: number;
  /** With CountBy: events that have no value in the field. */
  MissingCount?: number;
  /**
   * With CountBy: true if there were more different values than the server keeps apart (100,000). The values told
   * are then those of the values met first, from the newest events on; the others are in OtherCount.
   */
  ValuesTruncated?: boolean;
  /** With IntervalSeconds: the intervals that have events, oldest first. */
  Histogram?: HistogramList;
  /** If events that may belong to the answer are missing. */
  Incomplete?: IncompleteHistory;
}

export interface ExportEventsInput extends SearchQuestion {
  /** Default: NDJSON. */
  Format?: ExportFormat;
  /** NewestFirst (default) or OldestFirst. */
  Order?: SearchOrder;
  /**
   * Exports although events of damaged files are missing. Default: false: the export is refused with
   * IncompleteHistoryException, or breaks off if the damage is found after its first byte.
   */
  AllowIncomplete?: boolean;
}

/** Which events are asked for. All conditions must hold. */
export interface SearchQuestion {
  /** The earliest event time, inclusive. Recorded events are kept for 90 days, imported ones may be older. */
  StartTime?: number;
  /** The latest event time, inclusive. */
  EndTime?: number;
  Filters?: SearchFilterList;
  /**
   * Words that must all be there, each anywhere in the record (names and values, as its minified JSON has them), letter
   * case ignored. "Quotation marks" keep blanks in a phrase together; `\"` and `\\` stand for the characters themselves.
   */
  Text?: string;
  /** Default: Management. */
  EventCategories?: SearchEventCategoryList;
  /** Default: the Region that is called. `["*"]`: all. */
  Regions?: SearchScopeList;
  /** Default: the caller's. `["*"]`: all that the caller may see. */
  Accounts?: SearchScopeList;
  /** Default: both. */
  Origins?: EventOriginList;
}

/** Holds if the field has one of the values. */
export interface SearchFilter {
  Field: string;
  /** Default: Equals. */
  Operator?: SearchOperator;
  /** Any of them suffices; with the operators that begin with Not, none may fit. None are given with Exists and NotExists. */
  Values?: SearchValueList;
}

export type SearchOperator =
  | 'Equals'
  | 'NotEquals'
  | 'StartsWith'
  | 'NotStartsWith'
  | 'EndsWith'
  | 'NotEndsWith'
  | 'Contains'
  | 'NotContains'
  | 'Exists'
  | 'NotExists';

export type SearchOrder = 'NewestFirst' | 'OldestFirst' | 'Arrival';

export type EventOrigin = 'Recorded' | 'Imported';

export type ExportFormat = 'CSV' | 'JSON' | 'NDJSON' | 'PARQUET';

/** Management and Insights events are recorded in event history; imported events may be of every category. */
export type SearchEventCategory = 'Management' | 'Data' | 'NetworkActivity' | 'Insight' | 'Aggregated';

/** An event as LookupEvents tells it, and where it comes from. */
export interface FoundEvent {
  EventId: string;
  EventName: string;
  /** `true` or `false`; absent for Insights events. */
  ReadOnly?: string;
  AccessKeyId?: string;
  EventTime: number;
  EventSource: string;
  Username?: string;
  Resources: ResourceList;
  /** The record: one minified JSON object. */
  CloudTrailEvent: string;
  /** The account that the event belongs to (recipientAccountId). */
  AccountId: string;
  Region: string;
  Origin: EventOrigin;
}

export interface Resource {
  ResourceType?: string;
  ResourceName?: string;
}

/**
 * Files of event history that cannot be read, and whose accounts, Regions and time ranges are asked for: the answer is
 * without their events. They are told from when the damage was found until the files are restored and the server is
 * started again.
 */
export interface IncompleteHistory {
  DamagedFileCount: number;
  /** The first ten, below the server's data directory. */
  DamagedFiles: DamagedFileList;
}

export interface ValueCount {
  Value: string;
  Count: number;
}

export interface HistogramEntry {
  /** When the interval begins. */
  Time: number;
  Count: number;
}

export type FoundEventList = FoundEvent[];

export type ResourceList = Resource[];

export type ValueCountList = ValueCount[];

export type DamagedFileList = string[];

export type HistogramList = HistogramEntry[];

export type SearchFilterList = SearchFilter[];

export type SearchValueList = string[];

export type SearchEventCategoryList = SearchEventCategory[];

export type EventOriginList = EventOrigin[];

export type SearchScopeList = string[];

/**
 * Finds events: every filter must hold.
 *
 * Whoever may call `cloudtrail:LookupEvents` may call this. A caller sees its own account; the management account of an
 * organization and its delegated administrators see the members' events too. The server's own root credentials see the imported
 * events of every account.
 *
 * A page may hold fewer events than MaxResults, even none, although there are more: a page ends after a few seconds of
 * searching. The answer is complete when it has no NextToken. In Arrival order there is always a NextToken.
 */
export function searchEvents(
  session: Session,
  input: SearchEventsInput,
  signal?: AbortSignal,
): Promise<SearchEventsOutput> {
  return callJson(session, 'SearchEvents', input, signal);
}

/**
 * Counts events: all, by the values of a field, and over time.
 *
 * Who may see what is as with SearchEvents.
 */
export function countEvents(
  session: Session,
  input: CountEventsInput,
  signal?: AbortSignal,
): Promise<CountEventsOutput> {
  return callJson(session, 'CountEvents', input, signal);
}

/**
 * Streams all events that match as one file.
 *
 * Who may see what is as with SearchEvents. A good answer is not JSON but the file itself, in chunked transfer encoding, with
 * the Content-Type of the format and a Content-Disposition that names it. An error before its first byte is an error answer
 * as with every operation. An error after it breaks the stream: the connection is closed without the last chunk, which HTTP
 * clients report as an incomplete answer.
 */
export function exportEvents(session: Session, input: ExportEventsInput, signal?: AbortSignal): Promise<Response> {
  return sendJson(session, 'ExportEvents', input, signal);
}
