/** Text out of an event: never markup, never longer than its place, nothing in it unseen. */
import Button from '@cloudscape-design/components/button';
import { useState } from 'react';

import { clip, cut, formatCount, visible } from '../lib/text';

/** For a cell: one line, cut. */
export function Cell({ text }: { text: string | undefined }) {
  if (text === undefined || text === '') return '-';
  return <bdi>{cut(text, 200)}</bdi>;
}

/** For a value that may be shown whole. */
export function LongText({ text, charsMax = 600 }: { text: string; charsMax?: number }) {
  const [isWhole, setWhole] = useState(false);
  const isCut = !isWhole && text.length > charsMax;
  return (
    <span className="pm-long">
      <bdi>{visible(isCut ? clip(text, charsMax) : text)}</bdi>
      {isCut && (
        <Button variant="inline-link" onClick={() => setWhole(true)}>
          Show all {formatCount(text.length)} characters
        </Button>
      )}
    </span>
  );
}
