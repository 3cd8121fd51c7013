/** The filtered history as a file. */
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';

import { tell } from '../../api/errors';
import {
  type ExportEventsInput,
  type ExportFormat,
  type SearchOrder,
  type SearchQuestion,
  exportEvents,
} from '../../api/search';
import { cut } from '../../lib/text';
import { dismiss, notify } from '../../shell/notices';
import { type Session, useSession } from '../../shell/session';

const FORMATS: { id: ExportFormat; text: string; ending: string; description: string }[] = [
  { id: 'CSV', text: 'CSV', ending: 'csv', description: 'A line for each event, for spreadsheets' },
  { id: 'JSON', text: 'JSON', ending: 'json', description: 'As a CloudTrail log file: {"Records": […]}' },
  { id: 'NDJSON', text: 'NDJSON', ending: 'ndjson', description: 'One record a line' },
  { id: 'PARQUET', text: 'Parquet', ending: 'parquet', description: 'For DuckDB, Spark, pandas' },
];

/** So much is held by the page: what is in a blob the browser may keep on disk. */
const HAND_OVER_BYTES = 16_000_000;

interface Props {
  question: SearchQuestion;
  order: Extract<SearchOrder, 'NewestFirst' | 'OldestFirst'>;
}

export function Download({ question, order }: Props) {
  const { session } = useSession();
  return (
    <ButtonDropdown
      items={FORMATS.map(({ id, text, description }) => ({ id, text, secondaryText: description }))}
      onItemClick={({ detail }) =>
        void download(session, { ...question, Order: order, Format: detail.id as ExportFormat })
      }
    >
      Download
    </ButtonDropdown>
  );
}

async function download(session: Session, input: ExportEventsInput & { Format: ExportFormat }): Promise<void> {
  const { text, ending } = FORMATS.find((it) => it.id === input.Format) ?? { text: input.Format, ending: 'txt' };
  const name = `pugmark-events-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, '')}.${ending}`;
  const controller = new AbortController();
  const id = `download-${name}`;
  const tellProgress = (bytes: number) =>
    notify({
      id,
      type: 'info',
      loading: true,
      header: `Downloading events as ${text}`,
      content: `${(bytes / 1e6).toFixed(1)} MB so far`,
      action: <Button onClick={() => controller.abort()}>Stop</Button>,
    });
  tellProgress(0);
  try {
    const answer = await exportEvents(session, input, controller.signal);
    let parts: BlobPart[] = [];
    const reader = answer.body?.getReader();
    let bytes = 0;
    let handed = 0;
    let told = Date.now();
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      parts.push(read.value);
      bytes += read.value.length;
      if (bytes - handed > HAND_OVER_BYTES) {
        handed = bytes;
        parts = [new Blob(parts)];
      }
      if (Date.now() - told > 300) {
        told = Date.now();
        tellProgress(bytes);
      }
    }
    save(new Blob(parts, { type: answer.headers.get('content-type') ?? 'application/octet-stream' }), name);
    notify({ id, type: 'success', header: `${name} is downloaded`, content: `${(bytes / 1e6).toFixed(1)} MB` });
  } catch (error) {
    if (controller.signal.aborted) {
      dismiss(id);
      return;
    }
    const told = tell(error);
    if (told.code === 'IncompleteHistoryException') {
      notify({
        id,
        type: 'warning',
        header: 'Nothing was saved: events would be missing',
        content: cut(told.text, 500),
        action: (
          <Button
            onClick={() => {
              dismiss(id);
              void download(session, { ...input, AllowIncomplete: true });
            }}
          >
            Download what can be read
          </Button>
        ),
      });
      return;
    }
    notify({
      id,
      type: 'error',
      header: 'The download broke off: nothing was saved',
      content: `${told.title}. ${cut(told.text, 500)} ${told.next}`,
    });
  }
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
