/** Pugmark's own operations on event history, as docs/api/search.smithy describes them. */
import type { Session } from '../shell/session';
import { callJson, sendJson } from './sign';

export type Operator =
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

export interface Filter {
  Field: string;
  Operator: Operator;
  Values?: string[];
}

/** Times are seconds since the epoch. */
export interface Question {
  StartTime?: number;
  EndTime?: number;
  Filters?: Filter[];
  Text?: string;
  EventCategories?: ('Management' | 'Insight')[];
  Regions?: string[];
  Accounts?: string[];
  Origins?: ('Recorded' | 'Imported')[];
}

export type Order = 'NewestFirst' | 'OldestFirst' | 'Arrival';

/** An event as LookupEvents tells it, and where it comes from. */
export interface FoundEvent {
  EventId: string;
  EventName: string;
  ReadOnly?: string;
  AccessKeyId?: string;
  EventTime: number;
  EventSource: string;
  Username?: string;
  Resources?: { ResourceType?: string; ResourceName?: string }[];
  CloudTrailEvent: string;
  AccountId?: string;
  Region?: string;
  Origin?: string;
}

export interface SearchInput extends Question {
  Order?: Order;
  MaxResults?: number;
  NextToken?: string;
  WaitSeconds?: number;
}

/** Files that the server cannot read: an answer is without their events. */
export interface IncompleteHistory {
  DamagedFileCount: number;
  DamagedFiles: string[];
}

export interface SearchOutput {
  Events: FoundEvent[];
  Incomplete?: IncompleteHistory;
  NextToken?: string;
  SearchedTo?: number;
}

export interface CountInput extends Question {
  CountBy?: string;
  MaxValues?: number;
  IntervalSeconds?: number;
}

export interface CountOutput {
  Total: number;
  Incomplete?: IncompleteHistory;
  Values?: { Value: string; Count: number }[];
  OtherCount?: number;
  MissingCount?: number;
  ValuesTruncated?: boolean;
  Histogram?: { Time: number; Count: number }[];
}

export type ExportFormat = 'CSV' | 'JSON' | 'NDJSON' | 'PARQUET';

export function searchEvents(session: Session, input: SearchInput, signal?: AbortSignal): Promise<SearchOutput> {
  return callJson(session, 'SearchEvents', input, signal);
}

/** Searches on until there is something to show: a page may be empty although more events match further back. */
export async function searchSome(session: Session, input: SearchInput, signal?: AbortSignal): Promise<SearchOutput> {
  let page = await searchEvents(session, input, signal);
  while (page.Events.length === 0 && page.NextToken !== undefined) {
    page = await searchEvents(session, { ...input, NextToken: page.NextToken }, signal);
  }
  return page;
}

export function countEvents(session: Session, input: CountInput, signal?: AbortSignal): Promise<CountOutput> {
  return callJson(session, 'CountEvents', input, signal);
}

/** All events that match as one file; the answer's body is its stream. */
export function exportEvents(
  session: Session,
  input: Question & { Format: ExportFormat; Order?: Order },
  signal?: AbortSignal,
): Promise<Response> {
  return sendJson(session, 'ExportEvents', input, signal);
}
