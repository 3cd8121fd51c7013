import { expect, test } from 'vitest';

import { parseMetrics, sum } from './metrics';

test('figures are read by name and label', () => {
  const metrics = parseMetrics('# TYPE a counter\na{kind="x"} 3\na{kind="y",to="\\"q\\""} 4\nb 1.5\n\nnonsense\n');
  expect(sum(metrics, 'a')).toBe(7);
  expect(sum(metrics, 'a', { kind: 'y' })).toBe(4);
  expect(sum(metrics, 'b')).toBe(1.5);
  expect(sum(metrics, 'c')).toBeUndefined();
  expect(metrics[1]?.labels.to).toBe('\\"q\\"');
});
