/** One event: summary, who is behind it, what it touched, its record, and what belongs to it. */
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs, { type KeyValuePairsProps } from '@cloudscape-design/components/key-value-pairs';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import SplitPanel from '@cloudscape-design/components/split-panel';
import Tabs from '@cloudscape-design/components/tabs';
import { useCallback, useMemo } from 'react';

import { EVERYWHERE, type FoundEvent, searchSome } from '../../api/search';
import JsonView from '../../components/json-view';
import { Outcome } from '../../components/outcome';
import { LongText } from '../../components/safe-text';
import { Empty, Loading, Problem } from '../../components/states';
import { type Json, parseRecord, textAt } from '../../lib/record';
import { cut } from '../../lib/text';
import { formatTime, zoneName } from '../../lib/time';
import { follow } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { IdentityChain } from './identity-chain';
import { change, hrefOf, queryOf } from './query';
import { Related } from './related';

export default function Detail({ id }: { id: string }) {
  const { session } = useSession();
  const load = useCallback(
    async (signal: AbortSignal) => {
      const question = {
        Filters: [{ Field: 'EventId', Operator: 'Equals' as const, Values: [id] }],
        EventCategories: ['Management' as const, 'Insight' as const],
        ...EVERYWHERE,
        MaxResults: 1,
      };
      return (await searchSome(session, question, signal)).Events[0];
    },
    [session, id],
  );
  const { value: event, error, isLoading, reload } = useLoad(load);
  return (
    <SplitPanel
      header={event === undefined ? 'Event' : cut(event.EventName, 100)}
      headerDescription={
        event !== undefined && (
          <>
            {formatTime(event.EventTime)} {zoneName()} · <bdi>{cut(event.EventSource, 100)}</bdi>
          </>
        )
      }
      headerInfo={event?.Origin === 'Imported' && <Badge>Imported</Badge>}
      closeBehavior="hide"
    >
      {error !== undefined && <Problem error={error} retry={reload} />}
      {isLoading && event === undefined && <Loading what="the event" />}
      {!isLoading && error === undefined && event === undefined && (
        <Empty title="This event is not in event history">
          It may be older than 90 days, or belong to an account that your key may not see.
        </Empty>
      )}
      {event !== undefined && <Shown event={event} />}
    </SplitPanel>
  );
}

function Shown({ event }: { event: FoundEvent }) {
  const record = useMemo(() => parseRecord(event), [event]);
  const pick = useCallback((field: string, value: string) => {
    change({ tokens: [...queryOf(location.search).tokens, { field, sign: '=', value }] });
  }, []);
  return (
    <Tabs
      tabs={[
        { id: 'summary', label: 'Summary', content: <Summary event={event} record={record} /> },
        {
          id: 'json',
          label: 'JSON',
          content:
            record === undefined ? (
              <LongText text={event.CloudTrailEvent} />
            ) : (
              <JsonView tree={record} source={event.CloudTrailEvent} onPick={pick} />
            ),
        },
        { id: 'related', label: 'Related events', content: <Related event={event} record={record} /> },
      ]}
    />
  );
}

function Summary({ event, record }: { event: FoundEvent; record: Json | undefined }) {
  const pair = (label: string, ...path: string[]): KeyValuePairsProps.Item[] => {
    const value = textAt(record, ...path);
    return value === undefined ? [] : [{ label, value: <LongText text={value} charsMax={300} /> }];
  };
  const items: KeyValuePairsProps.Item[] = [
    { label: 'Outcome', value: <Outcome code={textAt(record, 'errorCode')} /> },
    ...pair('Error message', 'errorMessage'),
    ...pair('Region', 'awsRegion'),
    ...pair('Account', 'recipientAccountId'),
    ...pair('Source address', 'sourceIPAddress'),
    ...pair('User agent', 'userAgent'),
    ...pair('Read-only', 'readOnly'),
    ...pair('Event type', 'eventType'),
    ...pair('Category', 'eventCategory'),
    ...pair('Request ID', 'requestID'),
    { label: 'Event ID', value: <LongText text={event.EventId} /> },
    ...pair('Shared event ID', 'sharedEventID'),
    ...pair('VPC endpoint', 'vpcEndpointId'),
    ...pair('TLS', 'tlsDetails', 'tlsVersion'),
  ];
  return (
    <ColumnLayout columns={2} minColumnWidth={320}>
      <SpaceBetween size="l">
        <KeyValuePairs columns={2} minColumnWidth={160} items={items} />
        <div>
          <Header variant="h3">Resources</Header>
          <Resources event={event} />
        </div>
      </SpaceBetween>
      <div>
        <Header variant="h3" description="Back from the call to the person, session by session.">
          Identity
        </Header>
        <IdentityChain record={record} time={event.EventTime} />
      </div>
    </ColumnLayout>
  );
}

function Resources({ event }: { event: FoundEvent }) {
  const resources = event.Resources;
  if (resources.length === 0) return <Box color="text-body-secondary">The event names no resource.</Box>;
  return (
    <ul>
      {resources.slice(0, 100).map(({ ResourceName, ResourceType }, index) => (
        <li key={index}>
          {ResourceName === undefined ? (
            '-'
          ) : (
            <Link
              href={hrefOf([{ field: 'ResourceName', sign: '=', value: ResourceName }], {
                kind: 'relative',
                seconds: 90 * 86_400,
              })}
              onFollow={follow}
            >
              <LongText text={ResourceName} charsMax={200} />
            </Link>
          )}{' '}
          <Box variant="small">{cut(ResourceType ?? '', 100)}</Box>
        </li>
      ))}
    </ul>
  );
}
