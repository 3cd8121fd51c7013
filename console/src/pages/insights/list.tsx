/** Unusual activity that was noticed. */
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useCallback, useMemo } from 'react';

import { Cell } from '../../components/safe-text';
import { Empty, Problem } from '../../components/states';
import { plural, shortSource } from '../../lib/text';
import { type Range, bounds, formatDuration, formatTime, rangeOf, rangeParameters } from '../../lib/time';
import { Layout } from '../../shell/layout';
import { follow, navigate, useSearch } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { useSort } from '../../shell/use-sort';
import { TimeRange } from '../events/filter-bar';
import { type Finding, TYPES, formatRate } from './findings';
import { loadFindings } from './load';

const USUAL: Range = { kind: 'relative', seconds: 30 * 86_400 };

export default function Insights() {
  const { session } = useSession();
  const search = useSearch();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const range = useMemo(() => rangeOf(parameters) ?? USUAL, [parameters]);
  const text = parameters.get('q') ?? '';
  const load = useCallback(
    (signal: AbortSignal) => {
      const { start, end } = bounds(range, Date.now() / 1000);
      return loadFindings(session, { StartTime: start, ...(end === undefined ? {} : { EndTime: end }) }, signal);
    },
    [session, range],
  );
  const { value, error, isLoading, reload } = useLoad(load);
  const { sorting, sorted } = useSort<Finding>('start', true);
  const found = (value?.findings ?? []).filter((it) =>
    [it.name, it.source, it.errorCode ?? '', it.region].join(' ').toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <Layout title="Insights" contentType="table">
      <Table<Finding>
        variant="full-page"
        items={sorted(found, compare)}
        loading={isLoading && value === undefined}
        loadingText="Loading findings"
        trackBy="id"
        enableKeyboardNavigation
        {...sorting}
        ariaLabels={{ tableLabel: 'Insights' }}
        header={
          <Header
            variant="awsui-h1-sticky"
            {...(value === undefined ? {} : { counter: `(${found.length})` })}
            description="Calls and errors far from their usual rate, for trails that ask for Insights."
            actions={<Button iconName="refresh" ariaLabel="Load findings again" onClick={reload} />}
          >
            Insights
          </Header>
        }
        filter={
          <SpaceBetween size="s">
            <div className="pm-filters">
              <TextFilter
                filteringText={text}
                filteringPlaceholder="Find by event name, source, error or Region"
                filteringAriaLabel="Find insights"
                countText={plural(found.length, 'match', 'matches')}
                onChange={({ detail }) => go(range, detail.filteringText)}
              />
              <TimeRange range={range} onChange={(next) => go(next, text)} />
            </div>
            {error !== undefined && <Problem error={error} retry={reload} />}
            {value?.isCut === true && (
              <Alert type="info">Only the newest findings are shown: choose a shorter time range for older ones.</Alert>
            )}
          </SpaceBetween>
        }
        empty={
          error === undefined && (
            <Empty title="Nothing unusual" action={<Button onClick={() => navigate('/trails')}>Trails</Button>}>
              Findings are made for trails that have Insights switched on (Edit, Insights). An API is watched for a few
              hours before anything about it can be unusual.
            </Empty>
          )
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Event name',
            sortingField: 'name',
            isRowHeader: true,
            cell: (it) => (
              <Link href={`/insights/${encodeURIComponent(it.id)}`} onFollow={follow}>
                <Cell text={it.name} />
              </Link>
            ),
          },
          {
            id: 'source',
            header: 'Event source',
            sortingField: 'source',
            cell: (it) => <Cell text={shortSource(it.source)} />,
          },
          {
            id: 'type',
            header: 'Insight',
            sortingField: 'type',
            cell: (it) => (
              <>
                {TYPES[it.type]?.label ?? <Cell text={it.type} />}
                {it.errorCode !== undefined && (
                  <>
                    : <Cell text={it.errorCode} />
                  </>
                )}
              </>
            ),
          },
          { id: 'start', header: 'Began', sortingField: 'start', cell: (it) => formatTime(it.start) },
          {
            id: 'end',
            header: 'Lasted',
            sortingField: 'end',
            cell: (it) =>
              it.end === undefined ? (
                <StatusIndicator type="in-progress">Still unusual</StatusIndicator>
              ) : (
                formatDuration(it.end - it.start)
              ),
          },
          {
            id: 'rate',
            header: 'Rate a minute',
            sortingField: 'rate',
            cell: (it) => `${formatRate(it.insight)}, usually ${formatRate(it.baseline)}`,
          },
          { id: 'region', header: 'Region', sortingField: 'region', cell: (it) => <Cell text={it.region} /> },
        ]}
      />
    </Layout>
  );
}

function compare(one: Finding, other: Finding, field: string): number {
  switch (field) {
    case 'start':
      return one.start - other.start;
    case 'end':
      return (one.end ?? Infinity) - one.start - ((other.end ?? Infinity) - other.start) || 0;
    case 'rate':
      return one.insight - other.insight;
    case 'source':
    case 'type':
    case 'region':
      return one[field].localeCompare(other[field]);
    default:
      return one.name.localeCompare(other.name);
  }
}

function go(range: Range, text: string): void {
  const out = new URLSearchParams(rangeParameters(range, USUAL));
  if (text !== '') out.set('q', text);
  const query = out.toString();
  navigate(`/insights${query === '' ? '' : `?${query}`}`, { replace: true });
}
