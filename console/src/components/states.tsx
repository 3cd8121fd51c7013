/** Empty, loading and failed: each says what to do next. */
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Spinner from '@cloudscape-design/components/spinner';
import type { ReactNode } from 'react';

import { tell } from '../api/errors';
import { cut } from '../lib/text';

export function Problem({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const { title, text, next, code } = tell(error);
  return (
    <Alert type="error" header={title} action={retry && <Button onClick={retry}>Try again</Button>}>
      <bdi>{cut(text, 1000)}</bdi>
      <br />
      {next} <Box variant="small">({cut(code, 100)})</Box>
    </Alert>
  );
}

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Box textAlign="center" margin={{ vertical: 'm' }} color="inherit">
      <SpaceBetween size="m">
        <div>
          <Box variant="strong" color="inherit">
            {title}
          </Box>
          {children !== undefined && (
            <Box variant="p" color="inherit">
              {children}
            </Box>
          )}
        </div>
        {action !== undefined && <div className="pm-actions">{action}</div>}
      </SpaceBetween>
    </Box>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <Box textAlign="center" padding="l" color="text-body-secondary">
      <Spinner /> Loading {what}…
    </Box>
  );
}
