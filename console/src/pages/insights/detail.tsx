/** One finding: the rate with its baseline, and who or what made the difference. */
import { type InsightType, ListInsightsMetricDataCommand } from '@aws-sdk/client-cloudtrail';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import LineChart from '@cloudscape-design/components/line-chart';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useCallback } from 'react';

import { cloudTrail } from '../../api/cloudtrail';
import { LongText } from '../../components/safe-text';
import { Empty, Loading, Problem } from '../../components/states';
import { cut, shortSource } from '../../lib/text';
import { formatDuration, formatTime, zoneName } from '../../lib/time';
import { Layout } from '../../shell/layout';
import { navigate } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { type Token, hrefOf } from '../events/query';
import { type Attribution, type Finding, TYPES, formatRate } from './findings';
import { loadFindings } from './load';

export default function InsightPage({ id }: { id: string }) {
  const { session } = useSession();
  const load = useCallback(
    async (signal: AbortSignal) => {
      const Filters = [{ Field: 'sharedEventID', Operator: 'Equals' as const, Values: [id] }];
      return (await loadFindings(session, { Filters }, signal)).findings[0];
    },
    [session, id],
  );
  const { value, error, isLoading, reload } = useLoad(load);
  return (
    <Layout
      title={value === undefined ? 'Finding' : cut(value.name, 100)}
      breadcrumbs={[{ text: 'Insights', href: '/insights' }]}
    >
      {error !== undefined && <Problem error={error} retry={reload} />}
      {isLoading && value === undefined && <Loading what="the finding" />}
      {!isLoading && error === undefined && value === undefined && (
        <Empty
          title="This finding is not there"
          action={<Button onClick={() => navigate('/insights')}>All findings</Button>}
        >
          It may be older than 90 days.
        </Empty>
      )}
      {value !== undefined && <Shown finding={value} reload={reload} />}
    </Layout>
  );
}

function Shown({ finding, reload }: { finding: Finding; reload: () => void }) {
  const { label, unit } = TYPES[finding.type] ?? { label: finding.type, unit: 'calls' };
  const factor = finding.baseline === 0 ? undefined : finding.insight / finding.baseline;
  const tokens: Token[] = [
    { field: 'EventName', sign: '=', value: finding.name },
    { field: 'EventSource', sign: '=', value: finding.source },
    ...(finding.errorCode === undefined ? [] : [{ field: 'errorCode', sign: '=' as const, value: finding.errorCode }]),
  ];
  const end = finding.end ?? finding.start + 3600;
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={`${label} of ${shortSource(finding.source)}: ${formatRate(finding.insight)} ${unit} a minute, usually ${formatRate(finding.baseline)}.`}
        actions={
          <SpaceBetween size="xs" direction="horizontal">
            <Button iconName="refresh" ariaLabel="Load the finding again" onClick={reload} />
            <Button onClick={() => navigate(hrefOf(tokens, { kind: 'absolute', from: finding.start, to: end }))}>
              Show these events
            </Button>
          </SpaceBetween>
        }
      >
        <bdi>{cut(finding.name, 200)}</bdi>
      </Header>
      <Container>
        <KeyValuePairs
          columns={4}
          items={[
            {
              label: 'State',
              value:
                finding.end === undefined ? (
                  <StatusIndicator type="in-progress">Still unusual</StatusIndicator>
                ) : (
                  <StatusIndicator type="success">Usual again</StatusIndicator>
                ),
            },
            { label: `Began (${zoneName()})`, value: formatTime(finding.start) },
            {
              label: 'Lasted',
              value: finding.end === undefined ? '-' : formatDuration(finding.end - finding.start),
            },
            {
              label: 'Against usual',
              value: factor === undefined ? 'Usually none at all' : `${formatRate(factor)} times`,
            },
            { label: 'Region', value: finding.region },
            { label: 'Account', value: finding.account },
            { label: 'Error code', value: finding.errorCode ?? '-' },
            {
              label: 'Baseline',
              value:
                finding.baselineMinutes === undefined ? '-' : `over ${formatDuration(finding.baselineMinutes * 60)}`,
            },
          ]}
        />
      </Container>
      <Rate finding={finding} unit={unit} />
      <Container
        header={
          <Header variant="h2" description={`${capital(unit)} a minute by each, during the finding and usually.`}>
            Attributions
          </Header>
        }
      >
        {finding.attributions.length === 0 ? (
          <Box color="text-body-secondary">The finding names none.</Box>
        ) : (
          <SpaceBetween size="l">
            {finding.attributions.map((attribution) => (
              <SideBySide key={attribution.attribute} attribution={attribution} />
            ))}
          </SpaceBetween>
        )}
      </Container>
    </SpaceBetween>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** How far before and after the finding the rate is shown, in seconds. */
const MARGIN = 3600;

/** Points a minute are kept for 15 days, of five minutes for 63, of an hour for 90. */
function period(start: number): number {
  const days = (Date.now() / 1000 - start + MARGIN) / 86_400;
  return days < 15 ? 60 : days < 63 ? 300 : 3600;
}

function Rate({ finding, unit }: { finding: Finding; unit: string }) {
  const { session } = useSession();
  const load = useCallback(
    async (abortSignal: AbortSignal) => {
      const Period = period(finding.start);
      const end = Math.min(Date.now() / 1000, (finding.end ?? finding.start + 3600) + MARGIN);
      const input = {
        EventSource: finding.source,
        EventName: finding.name,
        InsightType: finding.type as InsightType,
        ...(finding.errorCode === undefined ? {} : { ErrorCode: finding.errorCode }),
        StartTime: new Date((finding.start - MARGIN) * 1000),
        EndTime: new Date(end * 1000),
        Period,
        DataType: 'FillWithZeros' as const,
      };
      const client = cloudTrail(session, finding.region === '' ? session.region : finding.region);
      const { Timestamps, Values } = await client.send(new ListInsightsMetricDataCommand(input), { abortSignal });
      return (Timestamps ?? []).map((x, index) => ({ x, y: ((Values ?? [])[index] ?? 0) / (Period / 60) }));
    },
    [session, finding],
  );
  const { value, error, isLoading, reload } = useLoad(load);
  const points = value ?? [];
  const [first, last] = [points[0]?.x, points.at(-1)?.x];
  const inside = (seconds: number) => {
    const time = new Date(seconds * 1000);
    return first !== undefined && last !== undefined && time >= first && time <= last ? time : undefined;
  };
  const edge = (title: string, seconds: number | undefined) => {
    const x = seconds === undefined ? undefined : inside(seconds);
    return x === undefined ? [] : [{ title, type: 'threshold' as const, x }];
  };
  return (
    <Container header={<Header variant="h2">{`${capital(unit)} a minute`}</Header>}>
      {error !== undefined ? (
        <Problem error={error} retry={reload} />
      ) : (
        <LineChart<Date>
          height={240}
          hideFilter
          xScaleType="time"
          yDomain={[0, Math.max(1, finding.insight, ...points.map(({ y }) => y)) * 1.1]}
          statusType={isLoading ? 'loading' : 'finished'}
          loadingText="Loading the rate"
          empty={<Empty title="The numbers are not kept any more" />}
          ariaLabel={`${unit} a minute around the finding`}
          xTitle={`Time (${zoneName()})`}
          i18nStrings={{
            xTickFormatter: (x) => formatTime(x.getTime() / 1000).slice(5, 16),
            yTickFormatter: (y) => formatRate(y),
          }}
          series={[
            { title: `${capital(unit)} a minute`, type: 'line', data: points, valueFormatter: formatRate },
            { title: 'Baseline', type: 'threshold', y: finding.baseline, valueFormatter: formatRate },
            ...edge('Began', finding.start),
            ...edge('Ended', finding.end),
          ]}
        />
      )}
    </Container>
  );
}

const ATTRIBUTES: Record<string, string> = {
  userIdentityArn: 'User identity',
  userAgent: 'User agent',
  errorCode: 'Error code',
};

function SideBySide({ attribution }: { attribution: Attribution }) {
  const values = [...new Set([...attribution.insight, ...attribution.baseline].map(({ value }) => value))];
  const rows = values.map((value) => ({
    value,
    insight: attribution.insight.find((it) => it.value === value)?.average,
    baseline: attribution.baseline.find((it) => it.value === value)?.average,
  }));
  const title = ATTRIBUTES[attribution.attribute] ?? attribution.attribute;
  const isError = attribution.attribute === 'errorCode';
  return (
    <Table
      variant="embedded"
      wrapLines
      items={rows}
      ariaLabels={{ tableLabel: title }}
      header={<Header variant="h3">{title}</Header>}
      columnDefinitions={[
        {
          id: 'value',
          header: title,
          isRowHeader: true,
          minWidth: 160,
          cell: ({ value }) => (isError && value === 'null' ? 'No error' : <LongText text={value} charsMax={300} />),
        },
        {
          id: 'insight',
          header: 'During the finding',
          minWidth: 110,
          cell: ({ insight }) => (insight === undefined ? '-' : formatRate(insight)),
        },
        {
          id: 'baseline',
          header: 'Usually',
          minWidth: 90,
          cell: ({ baseline }) => (baseline === undefined ? '-' : formatRate(baseline)),
        },
      ]}
    />
  );
}
