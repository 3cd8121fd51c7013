/** The server's own figures, from `/-/metrics` (Prometheus' text format). */

export interface Metric {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{([^}]*)\})?\s+(\S+)/;

export function parseMetrics(text: string): Metric[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    return [
      {
        name,
        labels: Object.fromEntries(pairs.map(([, key = '', text = '']) => [key, text])),
        value: Number(value),
      },
    ];
  });
}

export async function loadMetrics(signal: AbortSignal): Promise<Metric[]> {
  const answer = await fetch('/-/metrics', { signal, cache: 'no-store' });
  if (!answer.ok) throw new Error(`The server answered ${answer.status} to /-/metrics.`);
  return parseMetrics(await answer.text());
}

/** The value of one metric, or the sum over its labels. */
export function sum(metrics: Metric[], name: string, labels: Record<string, string> = {}): number | undefined {
  const found = metrics.filter(
    (it) => it.name === name && Object.entries(labels).every(([key, value]) => it.labels[key] === value),
  );
  return found.length === 0 ? undefined : found.reduce((total, it) => total + it.value, 0);
}
