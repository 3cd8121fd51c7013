/** Events of the same session, on the same resource, of the same request. */
import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useCallback } from 'react';

import { EVERYWHERE, type FoundEvent, searchEvents } from '../../api/search';
import { Cell } from '../../components/safe-text';
import { Problem } from '../../components/states';
import { type Json, textAt } from '../../lib/record';
import { cut, shortSource } from '../../lib/text';
import { formatTime } from '../../lib/time';
import { follow } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { hrefOf, hrefOfEvent, queryOf } from './query';

/** Events around this one are looked at so far, in seconds. */
const AROUND = 7 * 86_400;
const ROWS = 20;

/** Events that have the same value in a field. */
interface Group {
  title: string;
  description: string;
  field: string;
  value: string;
}

function groups(event: FoundEvent, record: Json | undefined): Group[] {
  const group = (title: string, description: string, field: string, value: string | undefined): Group[] =>
    value === undefined || value === '' ? [] : [{ title, description, field, value }];
  const names = [...new Set(event.Resources.map((resource) => resource.ResourceName ?? ''))];
  const shared = textAt(record, 'sharedEventID');
  return [
    ...group('Same session', 'With the same access key', 'AccessKeyId', event.AccessKeyId),
    ...names
      .slice(0, 3)
      .flatMap((name) => group(`Same resource: ${cut(name, 80)}`, 'Touching the same resource', 'ResourceName', name)),
    ...(shared === undefined
      ? group('Same request', 'With the same request ID', 'requestID', textAt(record, 'requestID'))
      : group('Same request', 'Of the same call, as other accounts or services saw it', 'sharedEventID', shared)),
  ];
}

export function Related({ event, record }: { event: FoundEvent; record: Json | undefined }) {
  const all = groups(event, record);
  return (
    <SpaceBetween size="l">
      {all.map((group) => (
        <RelatedTable key={group.title} event={event} {...group} />
      ))}
      {all.length === 0 && <Box>The event names no session, resource or request.</Box>}
    </SpaceBetween>
  );
}

function RelatedTable({ event, title, description, field, value }: Group & { event: FoundEvent }) {
  const { session } = useSession();
  const load = useCallback(
    async (signal: AbortSignal) => {
      const page = await searchEvents(
        session,
        {
          Filters: [{ Field: field, Operator: 'Equals', Values: [value] }],
          StartTime: event.EventTime - AROUND,
          EndTime: event.EventTime + AROUND,
          ...EVERYWHERE,
          MaxResults: ROWS + 1,
        },
        signal,
      );
      return page.Events.filter((it) => it.EventId !== event.EventId).slice(0, ROWS);
    },
    [session, event, field, value],
  );
  const { value: events, error, isLoading, reload } = useLoad(load);
  if (error !== undefined) return <Problem error={error} retry={reload} />;
  return (
    <Table<FoundEvent>
      variant="embedded"
      contentDensity="compact"
      loading={isLoading}
      loadingText="Searching"
      items={events ?? []}
      trackBy="EventId"
      empty={<Box>No other event within seven days before and after.</Box>}
      header={
        <Header
          variant="h3"
          description={`${description}; the newest ${ROWS} within seven days before and after.`}
          actions={
            <Link href={hrefOf([{ field, sign: '=', value }], queryOf(location.search).range)} onFollow={follow}>
              Search for all
            </Link>
          }
        >
          {title}
        </Header>
      }
      ariaLabels={{ tableLabel: title }}
      columnDefinitions={[
        { id: 'time', header: 'Event time', cell: (it) => formatTime(it.EventTime) },
        {
          id: 'name',
          header: 'Event name',
          isRowHeader: true,
          cell: (it) => (
            <Link href={hrefOfEvent(it)} onFollow={follow}>
              <Cell text={it.EventName} />
            </Link>
          ),
        },
        { id: 'source', header: 'Event source', cell: (it) => <Cell text={shortSource(it.EventSource)} /> },
        { id: 'user', header: 'User name', cell: (it) => <Cell text={it.Username} /> },
      ]}
    />
  );
}
