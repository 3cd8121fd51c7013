/** From the call's session to the call that began it, and so on, to whoever needed no session. */
import Box from '@cloudscape-design/components/box';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useCallback } from 'react';

import { tell } from '../../api/errors';
import { EVERYWHERE, type FoundEvent, searchSome } from '../../api/search';
import { LongText } from '../../components/safe-text';
import { type Step, stepOf } from '../../lib/identity';
import { type Json, parseRecord } from '../../lib/record';
import { cut } from '../../lib/text';
import { formatTime } from '../../lib/time';
import { follow } from '../../shell/router';
import { type Session, useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { hrefOfEvent } from './query';

const STEPS_MAX = 10;
/** A session's first second, as the record has it, and its call's may differ by the clocks between. */
const SLACK_SECONDS = 300;
/** The longest life of a session. */
const SESSION_SECONDS = 36 * 3600;

interface Traced extends Step {
  /** The call by which the session was had; undefined for the first step. */
  from: FoundEvent | undefined;
}

interface Chain {
  steps: Traced[];
  /** Why it ends before a person. */
  open: string | undefined;
}

async function trace(session: Session, record: Json | undefined, time: number, signal: AbortSignal): Promise<Chain> {
  const steps: Traced[] = [{ ...stepOf(record), from: undefined }];
  for (let last = steps[0]; last?.issuedKey !== undefined; last = steps.at(-1)) {
    if (steps.length >= STEPS_MAX) return { steps, open: 'The chain is longer than is followed here.' };
    const began = last.issuedAt;
    const page = await searchSome(
      session,
      {
        Filters: [
          { Field: 'EventSource', Operator: 'Equals', Values: ['sts.amazonaws.com'] },
          { Field: 'responseElements.credentials.accessKeyId', Operator: 'Equals', Values: [last.issuedKey] },
        ],
        StartTime: Math.floor(began === undefined ? time - SESSION_SECONDS : began - SLACK_SECONDS),
        EndTime: Math.ceil(began === undefined ? time : began + SLACK_SECONDS),
        ...EVERYWHERE,
        MaxResults: 1,
      },
      signal,
    );
    const from = page.Events[0];
    if (from === undefined) {
      return {
        steps,
        open: 'The call that began this session is not in event history: it passed elsewhere, or is older.',
      };
    }
    steps.push({ ...stepOf(parseRecord(from)), from });
    time = from.EventTime;
  }
  return { steps, open: undefined };
}

export function IdentityChain({ record, time }: { record: Json | undefined; time: number }) {
  const { session } = useSession();
  const load = useCallback((signal: AbortSignal) => trace(session, record, time, signal), [session, record, time]);
  const { value, error, isLoading } = useLoad(load);
  const steps = value?.steps ?? [{ ...stepOf(record), from: undefined }];
  return (
    <SpaceBetween size="xs">
      <ol className="pm-chain">
        {steps.map((step, index) => (
          <li key={index} className={step.issuedKey === undefined ? 'pm-person' : ''}>
            <Box variant="awsui-key-label">
              {step.kind}
              {index === steps.length - 1 && index > 0 && ' – began it all'}
            </Box>
            <Box fontWeight="bold">
              <LongText text={step.name} charsMax={200} />
            </Box>
            {step.from !== undefined && (
              <Box fontSize="body-s">
                called{' '}
                <Link fontSize="body-s" href={hrefOfEvent(step.from)} onFollow={follow}>
                  {cut(step.from.EventName, 100)}
                </Link>{' '}
                at {formatTime(step.from.EventTime)}
              </Box>
            )}
            {[...(step.arn === undefined ? [] : [['ARN', step.arn] as const]), ...step.facts].map(([label, value]) => (
              <Box key={label} fontSize="body-s" color="text-body-secondary">
                {label}: <LongText text={value} charsMax={200} />
              </Box>
            ))}
          </li>
        ))}
      </ol>
      {isLoading && steps[0]?.issuedKey !== undefined && (
        <Box color="text-body-secondary">Looking up who began this session…</Box>
      )}
      {value?.open !== undefined && <Box color="text-body-secondary">{value.open}</Box>}
      {error !== undefined && <Box color="text-status-error">The chain cannot be followed: {tell(error).title}</Box>}
    </SpaceBetween>
  );
}
