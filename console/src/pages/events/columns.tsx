/** The columns of the events table. */
import Badge from '@cloudscape-design/components/badge';
import Link from '@cloudscape-design/components/link';
import type { TableProps } from '@cloudscape-design/components/table';

import type { FoundEvent } from '../../api/search';
import { Outcome } from '../../components/outcome';
import { Cell } from '../../components/safe-text';
import { type Json, parseRecord, textAt } from '../../lib/record';
import { clip, shortSource } from '../../lib/text';
import { formatTime } from '../../lib/time';
import { change } from './query';

/** An event with its record read once. */
export interface Row {
  event: FoundEvent;
  record: { [name: string]: Json } | undefined;
  /** Came while the table followed live. */
  isNew?: boolean;
}

export function rowOf(event: FoundEvent): Row {
  return { event, record: parseRecord(event) };
}

const compare = (of: (row: Row) => string | undefined) => (one: Row, other: Row) =>
  (of(one) ?? '').localeCompare(of(other) ?? '');

interface Column {
  id: string;
  label: string;
  isShown: boolean;
  width: number;
  of: (row: Row) => string | undefined;
}

const COLUMNS: Column[] = [
  { id: 'user', label: 'User name', isShown: true, width: 143, of: (row) => row.event.Username },
  { id: 'source', label: 'Event source', isShown: true, width: 155, of: (row) => shortSource(row.event.EventSource) },
  {
    id: 'resource',
    label: 'Resource name',
    isShown: true,
    width: 172,
    of: ({ event }) => {
      const [first, ...more] = event.Resources;
      const name = first?.ResourceName;
      return name === undefined || more.length === 0 ? name : `${clip(name, 180)} +${more.length}`;
    },
  },
  {
    id: 'resource-type',
    label: 'Resource type',
    isShown: false,
    width: 180,
    of: (row) => row.event.Resources[0]?.ResourceType,
  },
  {
    id: 'address',
    label: 'Source address',
    isShown: true,
    width: 140,
    of: (row) => textAt(row.record, 'sourceIPAddress'),
  },
  { id: 'region', label: 'Region', isShown: false, width: 120, of: (row) => textAt(row.record, 'awsRegion') },
  { id: 'account', label: 'Account', isShown: false, width: 130, of: (row) => row.event.AccountId },
  { id: 'key', label: 'Access key', isShown: false, width: 200, of: (row) => row.event.AccessKeyId },
  { id: 'read-only', label: 'Read-only', isShown: false, width: 100, of: (row) => row.event.ReadOnly },
  { id: 'agent', label: 'User agent', isShown: false, width: 240, of: (row) => textAt(row.record, 'userAgent') },
  {
    id: 'identity',
    label: 'Identity ARN',
    isShown: false,
    width: 260,
    of: (row) => textAt(row.record, 'userIdentity', 'arn'),
  },
  { id: 'request', label: 'Request ID', isShown: false, width: 260, of: (row) => textAt(row.record, 'requestID') },
  { id: 'origin', label: 'Origin', isShown: false, width: 110, of: (row) => row.event.Origin },
  { id: 'id', label: 'Event ID', isShown: false, width: 300, of: (row) => row.event.EventId },
];

export const TIME_COLUMN = 'time';

/** Shows the event in the panel. */
export function open(row: Row): void {
  change({ event: row.event.EventId });
}

export const DEFINITIONS: TableProps.ColumnDefinition<Row>[] = [
  {
    id: 'name',
    header: 'Event name',
    width: 165,
    isRowHeader: true,
    sortingComparator: compare((row) => row.event.EventName),
    cell: (row) => (
      <Link
        onFollow={(event) => {
          event.preventDefault();
          open(row);
        }}
        href={`#${encodeURIComponent(row.event.EventId)}`}
      >
        <Cell text={row.event.EventName} />
        {row.isNew && (
          <>
            {' '}
            <Badge color="blue">new</Badge>
          </>
        )}
      </Link>
    ),
  },
  {
    id: TIME_COLUMN,
    header: 'Event time',
    width: 178,
    sortingField: TIME_COLUMN,
    cell: (row) => formatTime(row.event.EventTime),
  },
  {
    id: 'outcome',
    header: 'Outcome',
    width: 136,
    sortingComparator: compare((row) => textAt(row.record, 'errorCode')),
    cell: (row) => <Outcome code={textAt(row.record, 'errorCode')} />,
  },
  ...COLUMNS.map((column) => ({
    id: column.id,
    header: column.label,
    width: column.width,
    sortingComparator: compare(column.of),
    cell: (row: Row) => <Cell text={column.of(row)} />,
  })),
];

/** The rows by a column's id, with `-` from last to first. */
export function sorted(rows: Row[], sort: string | undefined): Row[] {
  const compare = DEFINITIONS.find((column) => column.id === sort?.replace(/^-/, ''))?.sortingComparator;
  if (compare === undefined) return rows;
  return [...rows].sort((one, other) => (sort?.startsWith('-') === true ? compare(other, one) : compare(one, other)));
}

const CHOSEN = [
  { id: 'name', label: 'Event name', isShown: true, alwaysVisible: true },
  { id: TIME_COLUMN, label: 'Event time', isShown: true },
  { id: 'outcome', label: 'Outcome', isShown: true },
  ...COLUMNS,
];

/** What can be chosen in the table's preferences. */
export const COLUMN_CHOICE = CHOSEN.map(({ id, label, ...rest }) => ({
  id,
  label,
  alwaysVisible: 'alwaysVisible' in rest,
}));

/** What is shown at first. */
export const COLUMNS_SHOWN = CHOSEN.map(({ id, isShown }) => ({ id, visible: isShown }));
