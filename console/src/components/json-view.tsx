/** A record as highlighted JSON. Each text is shown as text; a click on a value filters by it. */
import Button from '@cloudscape-design/components/button';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useMemo, useState } from 'react';

import { type Json, pathName } from '../lib/record';
import { clip, formatCount, visible } from '../lib/text';

const TEXT_CHARS_MAX = 2_000;
const VALUES_MAX = 5_000;

interface Props {
  tree: Json;
  /** What the copy button copies: the record as it was stored. */
  source: string;
  onPick?: (path: string, value: string) => void;
}

export default function JsonView({ tree, source, onPick }: Props) {
  const [isWhole, setWhole] = useState(false);
  const lines = useMemo(() => render(tree, isWhole, onPick), [tree, isWhole, onPick]);
  const copied = useMemo(() => JSON.stringify(tree, null, 2), [tree]);
  return (
    <SpaceBetween size="s">
      <SpaceBetween size="xs" direction="horizontal">
        <CopyToClipboard
          copyButtonText="Copy"
          copyButtonAriaLabel="Copy the record as formatted JSON"
          copySuccessText="Copied"
          copyErrorText="This browser does not let the page copy; select the text instead"
          textToCopy={copied}
        />
        <CopyToClipboard
          copyButtonText="Copy as stored"
          copySuccessText="Copied"
          copyErrorText="This browser does not let the page copy; select the text instead"
          textToCopy={source}
        />
        {!isWhole && lines.isCut && <Button onClick={() => setWhole(true)}>Show long values whole</Button>}
      </SpaceBetween>
      <pre className="pm-json" dir="ltr" tabIndex={0} role="region" aria-label="The record as JSON">
        <code>{lines.nodes}</code>
      </pre>
    </SpaceBetween>
  );
}

interface Lines {
  nodes: ReactNode[];
  isCut: boolean;
}

function render(tree: Json, isWhole: boolean, onPick: Props['onPick']): Lines {
  const nodes: ReactNode[] = [];
  let isCut = false;
  let values = 0;
  let key = 0;
  const put = (kind: string, text: string, pick?: () => void) => {
    nodes.push(
      pick === undefined ? (
        <span key={key++} className={`pm-json-${kind}`}>
          <bdi>{text}</bdi>
        </span>
      ) : (
        <span key={key++} className={`pm-json-${kind} pm-json-pick`} onClick={pick} title="Filter by this value">
          <bdi>{text}</bdi>
        </span>
      ),
    );
  };
  const walk = (value: Json, indent: string, path: string) => {
    if (++values > VALUES_MAX && !isWhole) {
      isCut = true;
      put('more', '…');
      return;
    }
    if (typeof value === 'object' && value !== null) {
      const isList = Array.isArray(value);
      const entries = Object.entries(value);
      if (entries.length === 0) {
        nodes.push(isList ? '[]' : '{}');
        return;
      }
      nodes.push(isList ? '[' : '{');
      entries.forEach(([name, inner], index) => {
        nodes.push(`${index === 0 ? '' : ','}\n${indent}  `);
        if (!isList) {
          put('name', visible(JSON.stringify(clip(name, 500))));
          nodes.push(': ');
        }
        walk(inner, `${indent}  `, isList ? path : path === '' ? pathName(name) : `${path}.${pathName(name)}`);
      });
      nodes.push(`\n${indent}${isList ? ']' : '}'}`);
      return;
    }
    const pick = value === null || onPick === undefined ? undefined : () => onPick(path, String(value));
    if (typeof value !== 'string') {
      put(value === null ? 'null' : typeof value, String(value), pick);
    } else if (!isWhole && value.length > TEXT_CHARS_MAX) {
      isCut = true;
      put('string', visible(JSON.stringify(clip(value, TEXT_CHARS_MAX))), pick);
      put('more', ` (${formatCount(value.length)} characters)`);
    } else {
      put('string', visible(JSON.stringify(value)), pick);
    }
  };
  walk(tree, '', '');
  return { nodes, isCut };
}
