/** Whether a call did what it was to do. */
import StatusIndicator from '@cloudscape-design/components/status-indicator';

import { cut } from '../lib/text';

export function Outcome({ code }: { code: string | undefined }) {
  if (code === undefined) return <StatusIndicator type="success">Succeeded</StatusIndicator>;
  return <StatusIndicator type="error">{cut(code, 200)}</StatusIndicator>;
}
