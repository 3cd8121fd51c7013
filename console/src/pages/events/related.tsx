/** Events of the same session, on the same resource, of the same request. */
import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useCallback } from 'react';

import { type Filter, type FoundEvent, searchEvents } from '../../api/search';
import { Cell } from '../../components/safe-text';
import { Problem } from '../../components/states';
import { type Json, textAt } from '../../lib/record';
import { clip, shortSource, visible } from '../../lib/text';
import { type Range, formatTime } from '../../lib/time';
import { follow, navigate } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { type Token, hrefOf, queryOf, searchOf } from './query';

/** Events around this one are looked at so far, in seconds. */
const AROUND = 7 * 86_400;
const ROWS = 20;

interface Group {
  title: string;
  description: string;
  filters: Filter[];
  tokens: Token[];
}

function groups(event: FoundEvent, record: Json | undefined): Group[] {
  const group = (title: string, description: string, field: string, value: string | undefined): Group[] =>
    value === undefined || value === ''
      ? []
      : [
          {
            title,
            description,
            filters: [{ Field: field, Operator: 'Equals', Values: [value] }],
            tokens: [{ field, sign: '=', value }],
          },
        ];
  const names = [...new Set((event.Resources ?? []).map((resource) => resource.ResourceName ?? ''))];
  const shared = textAt(record, 'sharedEventID');
  return [
    ...group('Same session', 'With the same access key', 'AccessKeyId', event.AccessKeyId),
    ...names
      .slice(0, 3)
      .flatMap((name) =>
        group(`Same resource: ${visible(clip(name, 80))}`, 'Touching the same resource', 'ResourceName', name),
      ),
    ...(shared === undefined
      ? group('Same request', 'With the same request ID', 'requestID', textAt(record, 'requestID'))
      : group('Same request', 'Of the same call, as other accounts or services saw it', 'sharedEventID', shared)),
  ];
}

export function Related({ event, record, range }: { event: FoundEvent; record: Json | undefined; range: Range }) {
  const all = groups(event, record);
  return (
    <SpaceBetween size="l">
      {all.map((group) => (
        <RelatedTable key={group.title} event={event} group={group} range={range} />
      ))}
      {all.length === 0 && <Box>The event names no session, resource or request.</Box>}
    </SpaceBetween>
  );
}

function RelatedTable({ event, group, range }: { event: FoundEvent; group: Group; range: Range }) {
  const { session } = useSession();
  const [filter] = group.filters;
  const [field, value] = [filter?.Field ?? '', filter?.Values?.[0] ?? ''];
  const load = useCallback(
    async (signal: AbortSignal) => {
      const page = await searchEvents(
        session,
        {
          Filters: [{ Field: field, Operator: 'Equals', Values: [value] }],
          StartTime: event.EventTime - AROUND,
          EndTime: event.EventTime + AROUND,
          Regions: ['*'],
          Accounts: ['*'],
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
          description={`${group.description}; the newest ${ROWS} within seven days before and after.`}
          actions={
            <Link href={hrefOf(group.tokens, range)} onFollow={follow}>
              Search for all
            </Link>
          }
        >
          {group.title}
        </Header>
      }
      ariaLabels={{ tableLabel: group.title }}
      columnDefinitions={[
        { id: 'time', header: 'Event time', cell: (it) => formatTime(it.EventTime) },
        {
          id: 'name',
          header: 'Event name',
          isRowHeader: true,
          cell: (it) => (
            <Link
              href={`/events${searchOf({ ...queryOf(location.search), event: it.EventId })}`}
              onFollow={(click) => {
                click.preventDefault();
                navigate(`/events${searchOf({ ...queryOf(location.search), event: it.EventId })}`);
              }}
            >
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
