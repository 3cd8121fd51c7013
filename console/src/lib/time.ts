/** Times as the console shows and takes them. */

export type Range = { kind: 'relative'; seconds: number } | { kind: 'absolute'; from: number; to: number };

/** Units of ages, largest first. */
export const UNITS = [
  { letter: 'w', name: 'week', seconds: 604_800 },
  { letter: 'd', name: 'day', seconds: 86_400 },
  { letter: 'h', name: 'hour', seconds: 3_600 },
  { letter: 'm', name: 'minute', seconds: 60 },
  { letter: 's', name: 'second', seconds: 1 },
] as const;

/** `90d`, `12h`: the largest unit that fits. */
export function formatAge(seconds: number): string {
  const unit = UNITS.slice(1).find((it) => seconds % it.seconds === 0);
  return unit === undefined ? `${seconds}s` : `${seconds / unit.seconds}${unit.letter}`;
}

/** The length in seconds of `90d`, `12h`, or undefined. */
export function parseAge(text: string): number | undefined {
  const match = /^(\d{1,6})([smhdw])$/.exec(text);
  const unit = UNITS.find(({ letter }) => letter === match?.[2]);
  const count = Number(match?.[1]);
  return unit === undefined || count === 0 ? undefined : count * unit.seconds;
}

/** Start and end in seconds since the epoch; a range up to now has no end. */
export function bounds(range: Range, now: number): { start: number; end: number | undefined } {
  if (range.kind === 'absolute') return { start: range.from, end: range.to };
  return { start: Math.floor(now - range.seconds), end: undefined };
}

/** The range that an address tells; undefined if it tells none that can be. */
export function rangeOf(from: URLSearchParams): Range | undefined {
  const [start, end] = [from.get('from'), from.get('to')].map((text) => Date.parse(text ?? '') / 1000);
  if (start !== undefined && end !== undefined && start < end) return { kind: 'absolute', from: start, to: end };
  const seconds = parseAge(from.get('range') ?? '');
  return seconds === undefined ? undefined : { kind: 'relative', seconds };
}

/** How an address tells a range; the usual one is left out. */
export function rangeParameters(range: Range, usual: Range): Record<string, string> {
  if (range.kind === 'absolute') return { from: iso(range.from), to: iso(range.to) };
  const isUsual = usual.kind === 'relative' && range.seconds === usual.seconds;
  return isUsual ? {} : { range: formatAge(range.seconds) };
}

function iso(seconds: number): string {
  return new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z');
}

const INTERVALS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];

/** The length of a bar, so that about sixty fill the range. */
export function interval(seconds: number, barsMax = 64): number {
  return INTERVALS.find((length) => seconds / length <= barsMax) ?? 2_592_000;
}

/** `2026-11-21 09:05:03` in the browser's time zone, with `utc` in UTC. */
export function formatTime(seconds: number, utc = false): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return '-';
  if (utc) return date.toISOString().slice(0, 19).replace('T', ' ');
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `UTC+02:00`: what times are shown in. */
export function zoneName(): string {
  const minutes = -new Date().getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const two = (value: number) => String(value).padStart(2, '0');
  return `UTC${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/** `3 minutes ago`. */
export function formatAgo(seconds: number, now: number): string {
  const ago = Math.max(0, Math.round(now - seconds));
  const [name, length] =
    ago < 60 ? ['second', 1] : ago < 3600 ? ['minute', 60] : ago < 86_400 ? ['hour', 3600] : ['day', 86_400];
  const count = Math.floor(ago / length);
  return `${count} ${name}${count === 1 ? '' : 's'} ago`;
}

/** `1 h 5 min`: the two largest units that say something. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const [large, small] =
    hours < 48 ? [`${hours} h`, `${minutes % 60} min`] : [`${Math.floor(hours / 24)} d`, `${hours % 24} h`];
  return [large, small].filter((part) => !part.startsWith('0 ')).join(' ');
}
