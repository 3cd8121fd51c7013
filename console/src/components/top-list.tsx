/** The most frequent values of a field, each a link to its events. */
import Box from '@cloudscape-design/components/box';
import Link from '@cloudscape-design/components/link';

import type { CountEventsOutput } from '../api/search';
import { formatCount } from '../lib/text';
import { follow } from '../shell/router';
import { Cell } from './safe-text';

interface Props {
  counted: CountEventsOutput;
  hrefOf: (value: string) => string;
  show?: (value: string) => string;
  none: string;
}

export function TopList({ counted, hrefOf, show, none }: Props) {
  const values = counted.Values ?? [];
  const most = Math.max(1, ...values.map(({ Count }) => Count));
  if (values.length === 0) return <Box color="text-body-secondary">{none}</Box>;
  return (
    <ol className="pm-toplist">
      {values.map(({ Value, Count }) => (
        <li key={Value}>
          <span className="pm-toplist-name">
            <Link href={hrefOf(Value)} onFollow={follow}>
              <Cell text={show?.(Value) ?? Value} />
            </Link>
          </span>
          <span>{formatCount(Count)}</span>
          <meter min={0} max={most} value={Count} aria-hidden="true" />
        </li>
      ))}
    </ol>
  );
}
