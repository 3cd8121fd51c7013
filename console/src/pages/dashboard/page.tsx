/** What goes on, and whether the server keeps up. */
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useCallback, useState } from 'react';

import { EVERYWHERE, NO_SEARCHES, type SearchFilter, countEvents } from '../../api/search';
import { Histogram } from '../../components/histogram';
import { Empty, Loading, Problem } from '../../components/states';
import { TopList } from '../../components/top-list';
import { plural, shortSource } from '../../lib/text';
import { formatAge, interval, parseAge } from '../../lib/time';
import { Layout } from '../../shell/layout';
import { navigate, useSearch } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { type Token, hrefOf } from '../events/query';
import { Health } from './health';

const RANGES = ['1h', '12h', '1d', '7d', '30d', '90d'];
const USUAL = '1d';
const TOP = 8;

function now(): number {
  return Math.floor(Date.now() / 1000);
}

export default function Dashboard() {
  const search = useSearch();
  const asked = new URLSearchParams(search).get('range') ?? USUAL;
  const length = parseAge(asked) ?? 86_400;
  const [end, setEnd] = useState(now);
  return (
    <Layout title="Dashboard">
      <SpaceBetween size="l">
        <Header
          variant="h1"
          actions={
            <SpaceBetween size="xs" direction="horizontal">
              <SegmentedControl
                label="Time range"
                selectedId={formatAge(length)}
                options={RANGES.map((id) => ({ id, text: id }))}
                onChange={({ detail }) =>
                  navigate(`/dashboard${detail.selectedId === USUAL ? '' : `?range=${detail.selectedId}`}`)
                }
              />
              <Button iconName="refresh" ariaLabel="Count again" onClick={() => setEnd(now())} />
            </SpaceBetween>
          }
        >
          Dashboard
        </Header>
        <OverTime length={length} end={end} />
        <div className="pm-columns">
          <Top title="Users" field="Username" none="No event has a user name." length={length} end={end} />
          <Top title="Services" field="EventSource" show={shortSource} none="No events." length={length} end={end} />
          <Top title="Errors" field="errorCode" none="No call failed." length={length} end={end} />
          <Top title="Source addresses" field="sourceIPAddress" none="No events." length={length} end={end} />
          <Top title="Event names" field="EventName" none="No events." length={length} end={end} />
          <Health asOf={end} />
        </div>
      </SpaceBetween>
    </Layout>
  );
}

interface SpanProps {
  length: number;
  end: number;
}

function OverTime({ length, end }: SpanProps) {
  const { session } = useSession();
  const load = useCallback(
    async (signal: AbortSignal) => {
      const question = {
        StartTime: end - length,
        EndTime: end,
        ...EVERYWHERE,
        Filters: [NO_SEARCHES],
        IntervalSeconds: interval(length),
      };
      const Filters: SearchFilter[] = [NO_SEARCHES, { Field: 'errorCode', Operator: 'Exists' }];
      const [all, failed] = await Promise.all([
        countEvents(session, question, signal),
        countEvents(session, { ...question, Filters }, signal),
      ]);
      const failures = new Map((failed.Histogram ?? []).map(({ Time, Count }) => [Time, Count]));
      return {
        total: all.Total,
        failed: failed.Total,
        bars: (all.Histogram ?? []).map(({ Time, Count }) => ({
          time: Time,
          count: Count,
          failed: failures.get(Time) ?? 0,
        })),
      };
    },
    [session, length, end],
  );
  const { value, error, isLoading, reload } = useLoad(load);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={
            value === undefined
              ? ' '
              : `${plural(value.total, 'event')}, of which ${plural(value.failed, 'failed call')}`
          }
        >
          Events over time
        </Header>
      }
    >
      {error !== undefined && <Problem error={error} retry={reload} />}
      {isLoading && value === undefined && <Loading what="events over time" />}
      {value?.total === 0 && (
        <Empty
          title="No events yet"
          action={<Button onClick={() => navigate('/dashboard?range=90d')}>Show 90 days</Button>}
        >
          Point an AWS client at this server (AWS_ENDPOINT_URL): its calls appear here at once.
        </Empty>
      )}
      {value !== undefined && value.total > 0 && (
        <SpaceBetween size="xs">
          <Histogram
            bars={value.bars}
            interval={interval(length)}
            start={end - length}
            end={end}
            height={140}
            label="Events over time, failed calls in red"
            onBrush={(from, to) => navigate(hrefOf([], { kind: 'absolute', from, to }))}
          />
          <Box fontSize="body-s" color="text-body-secondary">
            Red: calls that failed. Searches of event history are left out. Drag over a time to see its events.
          </Box>
        </SpaceBetween>
      )}
    </Container>
  );
}

function Top({
  title,
  field,
  none,
  show,
  length,
  end,
}: SpanProps & { title: string; field: string; none: string; show?: (value: string) => string }) {
  const { session } = useSession();
  const load = useCallback(
    (signal: AbortSignal) =>
      countEvents(
        session,
        {
          StartTime: end - length,
          EndTime: end,
          ...EVERYWHERE,
          Filters: [NO_SEARCHES],
          CountBy: field,
          MaxValues: TOP,
        },
        signal,
      ),
    [session, field, length, end],
  );
  const { value, error, isLoading, reload } = useLoad(load);
  const href = (of: string) => {
    const token: Token = { field, sign: '=', value: of };
    return hrefOf([token], { kind: 'relative', seconds: length });
  };
  return (
    <Container fitHeight header={<Header variant="h2">{title}</Header>}>
      {error !== undefined && <Problem error={error} retry={reload} />}
      {isLoading && value === undefined && <Loading what={title.toLowerCase()} />}
      {value !== undefined && <TopList counted={value} hrefOf={href} none={none} {...(show ? { show } : {})} />}
    </Container>
  );
}
