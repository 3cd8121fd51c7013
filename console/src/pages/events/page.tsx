/** Event history: filters, events over time, the table, and the event in the panel. */
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import SplitPanel from '@cloudscape-design/components/split-panel';
import Toggle from '@cloudscape-design/components/toggle';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';

import { tell } from '../../api/errors';
import type { CountEventsOutput, IncompleteHistory } from '../../api/search';
import { Histogram } from '../../components/histogram';
import { Loading, Problem } from '../../components/states';
import { plural, visible } from '../../lib/text';
import { interval, zoneName } from '../../lib/time';
import { Layout } from '../../shell/layout';
import { usePreferences } from '../../shell/preferences';
import { useParameter, useSearch } from '../../shell/router';
import type { Loaded } from '../../shell/use-load';
import { Answers, type Asked, useAsked, useCounts, usePages } from './answers';
import { Download } from './download';
import { Filters, TimeRange } from './filter-bar';
import { change, queryOf } from './query';
import { EventTable } from './table';
import { useLive } from './use-live';

const Detail = lazy(() => import('./detail'));

export default function EventsPage() {
  const open = useParameter('event');
  return (
    <Layout
      title="Event history"
      contentType="table"
      splitPanelOpen={open !== undefined}
      onSplitPanelToggle={({ detail }) => {
        if (!detail.open) change({ event: undefined });
      }}
      splitPanel={
        open !== undefined && (
          <Suspense fallback={<PanelLoading />}>
            <Detail key={open} id={open} />
          </Suspense>
        )
      }
    >
      <Events />
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

function Events() {
  const search = useSearch();
  const query = useMemo(() => queryOf(search), [search]);
  const [round, setRound] = useState(0);
  const reload = () => setRound((last) => last + 1);
  const asked = useAsked(query, round);
  const counts = useCounts(asked);
  const pages = usePages(asked, query.order);
  const { showHistogram } = usePreferences();
  const [isLive, setLive] = useState(false);
  const isAtEnd = query.range.kind === 'relative' && query.order === 'NewestFirst' && pages.index === 1;
  const live = useLive(asked.question, isLive && isAtEnd);
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
            <Toggle checked={isLive && isAtEnd} disabled={!isAtEnd} onChange={({ detail }) => setLive(detail.checked)}>
              Live
            </Toggle>
            <Button iconName="refresh" ariaLabel="Search again" onClick={reload} />
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
          onChange={(tokens) => change({ tokens, event: undefined })}
        />
        <TimeRange range={query.range} onChange={(range) => change({ range, event: undefined })} />
      </div>
      {showHistogram && <OverTime asked={asked} counts={counts} />}
      <MissingFiles incomplete={counts.value?.Incomplete} />
      {pages.error !== undefined && <Problem error={pages.error} retry={reload} />}
      {live.problem !== undefined && (
        <Alert type="warning">Following is interrupted: {live.problem}. It is tried again every few seconds.</Alert>
      )}
      <Answers value={{ counts, pages }}>
        <EventTable
          rows={pages.rows}
          fresh={live.events}
          state={
            pages.error !== undefined ? 'failed' : pages.isLoading && pages.rows.length === 0 ? 'loading' : 'there'
          }
          order={query.order}
          sort={query.sort}
          open={query.event}
        />
      </Answers>
    </SpaceBetween>
  );
}

function OverTime({ asked, counts }: { asked: Asked; counts: Loaded<CountEventsOutput> }) {
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
      onBrush={(from, to) => change({ range: { kind: 'absolute', from, to }, event: undefined })}
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
