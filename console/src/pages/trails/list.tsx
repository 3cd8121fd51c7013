/** The trails that this Region sees. */
import Badge from '@cloudscape-design/components/badge';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useCallback, useState } from 'react';

import { type KnownTrail, listTrails, seconds } from '../../api/cloudtrail';
import { Cell } from '../../components/safe-text';
import { Empty, Problem } from '../../components/states';
import { formatAgo, formatTime } from '../../lib/time';
import { Layout } from '../../shell/layout';
import { follow, navigate } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { useSort } from '../../shell/use-sort';
import { Integrity, Logging } from './status';

export default function Trails() {
  const { session } = useSession();
  const load = useCallback((signal: AbortSignal) => listTrails(session, signal), [session]);
  const { value, error, isLoading, reload } = useLoad(load);
  const { sorting, sorted } = useSort<KnownTrail>('name');
  const [now] = useState(() => Date.now() / 1000);
  const isShadow = ({ trail }: KnownTrail) => trail.HomeRegion !== session.region;
  return (
    <Layout title="Trails" contentType="table">
      <Table<KnownTrail>
        variant="full-page"
        items={sorted(value ?? [], compare)}
        loading={isLoading && value === undefined}
        loadingText="Loading trails"
        trackBy={({ trail }) => trail.TrailARN ?? ''}
        enableKeyboardNavigation
        {...sorting}
        ariaLabels={{ tableLabel: 'Trails' }}
        header={
          <Header
            variant="awsui-h1-sticky"
            {...(value === undefined ? {} : { counter: `(${value.length})` })}
            description={`Trails write events to a bucket as signed log files. Seen from ${session.region}.`}
            actions={
              <SpaceBetween size="xs" direction="horizontal">
                <Button iconName="refresh" ariaLabel="Load trails again" onClick={reload} />
                <Button variant="primary" onClick={() => navigate('/trails/new')}>
                  Create trail
                </Button>
              </SpaceBetween>
            }
          >
            Trails
          </Header>
        }
        filter={error === undefined ? undefined : <Problem error={error} retry={reload} />}
        empty={
          error === undefined && (
            <Empty title="No trails" action={<Button onClick={() => navigate('/trails/new')}>Create trail</Button>}>
              Event history is there without one. A trail keeps events for as long as you like, in a bucket of yours,
              and proves that they are whole.
            </Empty>
          )
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Name',
            sortingField: 'name',
            isRowHeader: true,
            cell: (row) => (
              <>
                <Link
                  href={`/trails/${encodeURIComponent((isShadow(row) ? row.trail.TrailARN : row.trail.Name) ?? '')}`}
                  onFollow={follow}
                >
                  <Cell text={row.trail.Name} />
                </Link>{' '}
                {row.trail.IsOrganizationTrail === true && <Badge>Organization</Badge>}
              </>
            ),
          },
          {
            id: 'status',
            header: 'Status',
            cell: ({ status, problem }) => <Logging status={status} problem={problem} />,
          },
          {
            id: 'delivered',
            header: 'Last log file',
            cell: ({ status }) => {
              const time = seconds(status?.LatestDeliveryTime);
              return time === undefined ? '-' : <span title={formatTime(time)}>{formatAgo(time, now)}</span>;
            },
          },
          {
            id: 'integrity',
            header: 'Integrity',
            cell: ({ trail, status }) => <Integrity trail={trail} status={status} />,
          },
          {
            id: 'regions',
            header: 'Regions',
            sortingField: 'home',
            cell: ({ trail }) => `${trail.IsMultiRegionTrail === true ? 'All, home ' : ''}${trail.HomeRegion ?? '-'}`,
          },
          {
            id: 'bucket',
            header: 'Bucket',
            sortingField: 'bucket',
            cell: ({ trail }) => <Cell text={trail.S3BucketName} />,
          },
          {
            id: 'insights',
            header: 'Insights',
            cell: ({ trail }) => (trail.HasInsightSelectors === true ? 'On' : 'Off'),
          },
        ]}
      />
    </Layout>
  );
}

function compare(one: KnownTrail, other: KnownTrail, field: string): number {
  const text = ({ trail }: KnownTrail) =>
    (field === 'home' ? trail.HomeRegion : field === 'bucket' ? trail.S3BucketName : trail.Name) ?? '';
  return text(one).localeCompare(text(other));
}
