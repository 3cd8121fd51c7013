/** Whether each part of the pipeline keeps up, and when each trail last delivered. */
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs, { type KeyValuePairsProps } from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useCallback, useEffect } from 'react';

import { listTrails, seconds } from '../../api/cloudtrail';
import { tell } from '../../api/errors';
import { type Metric, loadMetrics, sum } from '../../api/metrics';
import { Loading, Problem } from '../../components/states';
import { plural } from '../../lib/text';
import { formatAgo, formatDuration } from '../../lib/time';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';

const FOLLOWERS: [string, string][] = [
  ['history', 'Event history'],
  ['delivery', 'Log files'],
  ['notify', 'Logs and EventBridge'],
  ['insights', 'Insights'],
];
const REFRESH_MS = 10_000;
/** A follower that is further behind than this is worth a look, in seconds. */
const LATE_SECONDS = 300;

export function Health({ asOf }: { asOf: number }) {
  const { session } = useSession();
  const load = useCallback(
    async (signal: AbortSignal) => {
      const trails = listTrails(session, signal).catch((error: unknown) => {
        if (tell(error).mustSignIn || signal.aborted) throw error;
        return undefined;
      });
      return { metrics: await loadMetrics(signal), trails: await trails, now: Math.max(asOf, Date.now() / 1000) };
    },
    [session, asOf],
  );
  const { value, error, isLoading, reload } = useLoad(load);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [reload]);
  const delivered = (value?.trails ?? []).flatMap(({ trail, status }): KeyValuePairsProps.Item[] => {
    if (status?.IsLogging !== true) return [];
    const time = seconds(status.LatestDeliveryTime);
    const isFailing = status.LatestDeliveryError !== undefined && status.LatestDeliveryError !== '';
    return [
      {
        label: `Trail ${trail.Name ?? ''}`,
        value: (
          <StatusIndicator type={isFailing ? 'error' : time === undefined ? 'pending' : 'success'}>
            {isFailing
              ? `Failing: ${status.LatestDeliveryError ?? ''}`
              : time === undefined
                ? 'No log file yet'
                : `Log file ${formatAgo(time, value?.now ?? time)}`}
          </StatusIndicator>
        ),
      },
    ];
  });
  return (
    <Container
      fitHeight
      header={
        <Header variant="h2" description="How far each part is behind what was recorded.">
          Pipeline
        </Header>
      }
    >
      {error !== undefined && <Problem error={error} retry={reload} />}
      {isLoading && value === undefined && <Loading what="figures" />}
      {value !== undefined && (
        <KeyValuePairs
          columns={1}
          items={[
            ...FOLLOWERS.map(([id, label]) => follower(value.metrics, id, label)),
            ...losses(value.metrics),
            ...delivered,
          ]}
        />
      )}
      {value?.trails === undefined && value !== undefined && (
        <Box color="text-body-secondary" fontSize="body-s">
          Your key may not list trails, so their deliveries are not shown.
        </Box>
      )}
    </Container>
  );
}

function follower(metrics: Metric[], id: string, label: string): KeyValuePairsProps.Item {
  if ((sum(metrics, 'pugmark_follower_failed', { follower: id }) ?? 0) > 0) {
    return {
      label,
      value: <StatusIndicator type="error">Stopped: see the server&apos;s log, then restart it</StatusIndicator>,
    };
  }
  const entries = sum(metrics, 'pugmark_follower_unsaved_entries', { follower: id });
  const delay = sum(metrics, 'pugmark_follower_delay_seconds', { follower: id }) ?? 0;
  if (entries === undefined) return { label, value: <StatusIndicator type="pending">Not known</StatusIndicator> };
  const text =
    entries === 0 ? 'Up to date' : `${plural(entries, 'entry', 'entries')} to save, ${formatDuration(delay)} old`;
  return {
    label,
    value: <StatusIndicator type={delay > LATE_SECONDS ? 'warning' : 'success'}>{text}</StatusIndicator>,
  };
}

/** What must not happen, told only when it did. */
function losses(metrics: Metric[]): KeyValuePairsProps.Item[] {
  const unrecorded = sum(metrics, 'pugmark_events_unrecorded_total') ?? 0;
  if (unrecorded === 0) return [];
  return [
    {
      label: 'Unrecorded calls',
      value: (
        <StatusIndicator type="error">{plural(unrecorded, 'call')} passed while the journal was full</StatusIndicator>
      ),
    },
  ];
}
