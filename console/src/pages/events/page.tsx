/** Event history: filters, events over time, the table, and the event in the panel. */
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import SplitPanel from '@cloudscape-design/components/split-panel';
import Table from '@cloudscape-design/components/table';
import Toggle from '@cloudscape-design/components/toggle';
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';

import { tell } from '../../api/errors';
import { type CountOutput, type IncompleteHistory, type Question, countEvents, searchSome } from '../../api/search';
import { Histogram } from '../../components/histogram';
import { Empty, Loading, Problem } from '../../components/states';
import { clip, plural, visible } from '../../lib/text';
import { type Range, bounds, interval, zoneName } from '../../lib/time';
import { Layout } from '../../shell/layout';
import { setPreferences, usePreferences } from '../../shell/preferences';
import { navigate, useSearch } from '../../shell/router';
import { useSession } from '../../shell/session';
import { type Loaded, useLoad } from '../../shell/use-load';
import { COLUMN_CHOICE, type Row, TIME_COLUMN, columnDefinitions, rowOf } from './columns';
import { Download } from './download';
import { Filters, TimeRange } from './filter-bar';
import { type Query, queryOf, questionOf, searchOf } from './query';
import { useLive } from './use-live';

const Detail = lazy(() => import('./detail'));

/** Changes of the search are steps in the browser's history; opening an event is not. */
function change(query: Query, next: Partial<Query>): void {
  navigate(`/events${searchOf({ ...query, ...next })}`, { replace: Object.keys(next).join() === 'event' });
}

export default function EventsPage() {
  const search = useSearch();
  const query = useMemo(() => queryOf(search), [search]);
  const [round, setRound] = useState(0);
  const asked = useAsked(query, round);
  const counts = useCounts(asked);
  const open = query.event;
  const setOpen = useCallback((event: string | undefined) => change(query, { event }), [query]);
  return (
    <Layout
      title="Event history"
      contentType="table"
      splitPanelOpen={open !== undefined}
      onSplitPanelToggle={({ detail }) => {
        if (!detail.open) setOpen(undefined);
      }}
      splitPanel={
        open !== undefined && (
          <Suspense fallback={<PanelLoading />}>
            <Detail key={open} id={open} range={query.range} />
          </Suspense>
        )
      }
    >
      <Events
        query={query}
        asked={asked}
        counts={counts}
        onReload={() => setRound((last) => last + 1)}
        onOpen={(row) => setOpen(row.event.EventId)}
      />
    </Layout>
  );
}

function PanelLoading() {
  return (
    <SplitPanel header="Event" closeBehavior="hide">
      <Loading what="the event" />
    </SplitPanel>
  );
}

interface Asked {
  key: string;
  question: Question;
  range: Range;
  start: number;
  end: number;
}

/** The question, with "now" held still until something is changed: pages must belong to one question. */
function useAsked(query: Query, round: number): Asked {
  const key = `${searchOf({ ...query, event: undefined, sort: undefined })} ${round}`;
  return useMemo(() => {
    const now = Date.now() / 1000;
    const { start, end } = bounds(query.range, now);
    return { key, question: questionOf(query, now), range: query.range, start, end: end ?? now };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key holds all of the query that matters
  }, [key]);
}

function useCounts({ question, start, end }: Asked): Loaded<CountOutput> {
  const { session } = useSession();
  const load = useCallback(
    (signal: AbortSignal) => countEvents(session, { ...question, IntervalSeconds: interval(end - start) }, signal),
    [session, question, start, end],
  );
  return useLoad(load);
}

interface EventsProps {
  query: Query;
  asked: Asked;
  counts: Loaded<CountOutput>;
  onReload: () => void;
  onOpen: (row: Row) => void;
}

function Events({ query, asked, counts, onReload, onOpen }: EventsProps) {
  const preferences = usePreferences();
  const pages = usePages(asked, query);
  const [isLive, setLive] = useState(false);
  const live = useLive(asked.question, isLive);
  const rows = useMemo(() => {
    const fresh = live.events.map((event) => ({ ...rowOf(event), isNew: true }));
    const known = new Set(live.events.map((event) => event.EventId));
    return sorted([...fresh, ...pages.rows.filter((row) => !known.has(row.event.EventId))], query.sort);
  }, [live.events, pages.rows, query.sort]);
  const columns = useMemo(() => columnDefinitions(onOpen), [onOpen]);
  const sortId = query.sort?.replace(/^-/, '') ?? TIME_COLUMN;
  const total = counts.value?.Total;
  const isAtEnd = query.range.kind === 'relative' && query.order === 'NewestFirst' && pages.index === 1;
  const { reload: recount } = counts;
  const liveCount = live.events.length;
  useEffect(() => {
    if (liveCount === 0) return;
    const timer = setTimeout(recount, 2_000);
    return () => clearTimeout(timer);
  }, [liveCount, recount]);
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        description={`Who did what, from seconds ago back to 90 days, in all Regions. Times are ${zoneName()}.`}
        actions={
          <SpaceBetween size="xs" direction="horizontal" alignItems="center">
            <Toggle checked={isLive} disabled={!isAtEnd} onChange={({ detail }) => setLive(detail.checked)}>
              Live
            </Toggle>
            <Button iconName="refresh" ariaLabel="Search again" onClick={onReload} />
            <Download question={asked.question} order={query.order} />
          </SpaceBetween>
        }
      >
        Event history
      </Header>
      <div className="pm-filters">
        <Filters
          query={query}
          isLoading={counts.isLoading}
          onChange={(tokens) => change(query, { tokens, event: undefined })}
        />
        <TimeRange range={query.range} onChange={(range) => change(query, { range, event: undefined })} />
      </div>
      {preferences.showHistogram && <OverTime asked={asked} counts={counts} query={query} />}
      <MissingFiles incomplete={counts.value?.Incomplete} />
      {pages.error !== undefined && <Problem error={pages.error} retry={onReload} />}
      {live.problem !== undefined && (
        <Alert type="warning">Following is interrupted: {live.problem}. It is tried again every few seconds.</Alert>
      )}
      <Table<Row>
        stickyHeader
        resizableColumns
        enableKeyboardNavigation
        trackBy={(row) => row.event.EventId}
        items={rows}
        loading={pages.isLoading && rows.length === 0}
        loadingText="Searching events"
        columnDefinitions={columns}
        columnDisplay={preferences.columns ?? COLUMN_CHOICE.map(({ id, isShown }) => ({ id, visible: isShown }))}
        wrapLines={preferences.wrapLines}
        contentDensity={preferences.density}
        selectionType="single"
        selectedItems={rows.filter((row) => row.event.EventId === query.event)}
        onSelectionChange={({ detail }) => {
          if (detail.selectedItems[0] !== undefined) onOpen(detail.selectedItems[0]);
        }}
        onRowClick={({ detail }) => onOpen(detail.item)}
        sortingColumn={columns.find((column) => column.id === sortId) ?? {}}
        sortingDescending={query.sort === undefined ? query.order === 'NewestFirst' : query.sort.startsWith('-')}
        onSortingChange={({ detail }) => {
          const id = columns.find((column) => column === detail.sortingColumn)?.id;
          if (id === undefined || id === TIME_COLUMN) {
            change(query, { sort: undefined, order: detail.isDescending === true ? 'NewestFirst' : 'OldestFirst' });
          } else {
            change(query, { sort: `${detail.isDescending === true ? '-' : ''}${id}` });
          }
        }}
        ariaLabels={{
          tableLabel: 'Events',
          selectionGroupLabel: 'Event in the panel',
          itemSelectionLabel: (_, row) => `Open ${visible(clip(row.event.EventName, 100))}, event ${row.event.EventId}`,
        }}
        filter={
          <Box variant="h2" padding={{ top: 'xxs' }}>
            {total === undefined ? 'Events' : plural(total, 'event')}
            {query.sort !== undefined && (
              <Box variant="small"> The rows of this page are in the order of a column.</Box>
            )}
          </Box>
        }
        pagination={
          <Pagination
            currentPageIndex={pages.index}
            pagesCount={pages.count}
            openEnd={pages.hasMore}
            disabled={pages.isLoading}
            onChange={({ detail }) => pages.go(detail.currentPageIndex)}
          />
        }
        preferences={<TablePreferences />}
        empty={pages.error === undefined && <NothingFound query={query} />}
      />
    </SpaceBetween>
  );
}

/** The pages of an answer, each found by the token that the page before it gave. */
function usePages({ key, question }: Asked, { order }: Query) {
  const { session } = useSession();
  const { pageSize } = usePreferences();
  const answer = `${key} ${pageSize}`;
  const [place, setPlace] = useState<Place>({ answer, tokens: [undefined], index: 1 });
  // The pages of another answer are forgotten.
  const { tokens, index } = place.answer === answer ? place : { tokens: [undefined], index: 1 };
  const token = tokens[index - 1];
  const load = useCallback(
    async (signal: AbortSignal) => {
      const input = { ...question, Order: order, MaxResults: pageSize };
      const page = await searchSome(
        session,
        { ...input, ...(token === undefined ? {} : { NextToken: token }) },
        signal,
      );
      return { rows: page.Events.map(rowOf), next: page.NextToken };
    },
    [session, question, order, pageSize, token],
  );
  const { value, error, isLoading } = useLoad(load);
  const next = isLoading ? undefined : value?.next;
  const known = next === undefined ? tokens : [...tokens.slice(0, index), next];
  return {
    rows: useMemo(() => value?.rows ?? [], [value]),
    error,
    isLoading,
    index,
    count: known.length,
    hasMore: next !== undefined,
    go: (to: number) => setPlace({ answer, tokens: known, index: Math.min(to, known.length) }),
  };
}

/** How far an answer's pages are known, and which is shown. */
interface Place {
  answer: string;
  tokens: (string | undefined)[];
  index: number;
}

function sorted(rows: Row[], sort: string | undefined): Row[] {
  const id = sort?.replace(/^-/, '');
  const compare = columnDefinitions(() => undefined).find((column) => column.id === id)?.sortingComparator;
  if (compare === undefined) return rows;
  return [...rows].sort((one, other) => (sort?.startsWith('-') === true ? compare(other, one) : compare(one, other)));
}

function OverTime({ asked, counts, query }: { asked: Asked; counts: Loaded<CountOutput>; query: Query }) {
  const bars = useMemo(
    () => (counts.value?.Histogram ?? []).map(({ Time, Count }) => ({ time: Time, count: Count })),
    [counts.value],
  );
  if (counts.error !== undefined) {
    return (
      <Box color="text-status-inactive" fontSize="body-s">
        Events over time cannot be shown: {tell(counts.error).text}
      </Box>
    );
  }
  return (
    <Histogram
      bars={bars}
      interval={interval(asked.end - asked.start)}
      start={asked.start}
      end={asked.end}
      label="Events over time"
      onBrush={(from, to) => change(query, { range: { kind: 'absolute', from, to }, event: undefined })}
    />
  );
}

function MissingFiles({ incomplete }: { incomplete: IncompleteHistory | undefined }) {
  if (incomplete === undefined) return null;
  const { DamagedFileCount: count, DamagedFiles: files } = incomplete;
  return (
    <Alert type="warning" header={`Events are missing: ${plural(count, 'file')} of event history cannot be read`}>
      Restore these files in the server’s data directory, then start the server again: {files.map(visible).join(', ')}
      {count > files.length ? ' and more' : ''}
    </Alert>
  );
}

function NothingFound({ query }: { query: Query }) {
  const wide = { kind: 'relative', seconds: 90 * 86_400 } as const;
  return (
    <Empty
      title="No event matches"
      action={
        <SpaceBetween size="xs" direction="horizontal">
          <Button onClick={() => change(query, { range: wide })}>Search 90 days</Button>
          <Button onClick={() => change(query, { tokens: [] })}>Remove all filters</Button>
        </SpaceBetween>
      }
    >
      Event history holds management events of the last 90 days, and what was imported. Calls that change nothing are
      hidden while the filter “Read-only = false” is set.
    </Empty>
  );
}

function TablePreferences() {
  const preferences = usePreferences();
  return (
    <CollectionPreferences
      title="Preferences"
      confirmLabel="Confirm"
      cancelLabel="Cancel"
      preferences={{
        pageSize: preferences.pageSize,
        wrapLines: preferences.wrapLines,
        contentDensity: preferences.density,
        contentDisplay: preferences.columns ?? COLUMN_CHOICE.map(({ id, isShown }) => ({ id, visible: isShown })),
        custom: preferences.showHistogram,
      }}
      pageSizePreference={{
        title: 'Events on a page',
        options: [20, 50, 100, 200].map((value) => ({ value, label: `${value} events` })),
      }}
      wrapLinesPreference={{ label: 'Wrap lines', description: 'Show all text of a cell' }}
      contentDensityPreference={{ label: 'Compact', description: 'More rows on the screen' }}
      contentDisplayPreference={{
        title: 'Columns',
        description: 'Which are shown, and in which order.',
        options: COLUMN_CHOICE.map(({ id, label, alwaysVisible }) => ({ id, label, alwaysVisible })),
      }}
      customPreference={(value, setValue) => (
        <Toggle checked={value === true} onChange={({ detail }) => setValue(detail.checked)}>
          Show events over time
        </Toggle>
      )}
      onConfirm={({ detail }) =>
        setPreferences({
          pageSize: detail.pageSize ?? preferences.pageSize,
          wrapLines: detail.wrapLines ?? preferences.wrapLines,
          density: detail.contentDensity ?? preferences.density,
          columns: detail.contentDisplay?.map(({ id, visible }) => ({ id, visible })),
          showHistogram: detail.custom === true,
        })
      }
    />
  );
}
