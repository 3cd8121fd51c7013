import { expect, test } from 'vitest';

import { formatAge, formatAgo, formatDuration, formatTime, interval, parseAge } from './time';

test('ages are written as they are read', () => {
  for (const text of ['90d', '12h', '45m', '1s']) expect(formatAge(parseAge(text) ?? 0)).toBe(text);
  expect(parseAge('2w')).toBe(1_209_600);
  for (const text of ['', '0d', 'd', '1y', '1.5h', '-1h', '99999999d']) expect(parseAge(text)).toBeUndefined();
});

test('about sixty bars fill a range', () => {
  for (const seconds of [30, 3600, 86_400, 7 * 86_400, 90 * 86_400]) {
    const bars = seconds / interval(seconds);
    expect(bars).toBeGreaterThan(20);
    expect(bars).toBeLessThanOrEqual(64);
  }
});

test('times are told for people', () => {
  expect(formatTime(1_795_000_000, true)).toBe('2026-11-18 11:06:40');
  expect(formatTime(Number.NaN)).toBe('-');
  expect(formatAgo(100, 160)).toBe('1 minute ago');
  expect(formatAgo(100, 90)).toBe('0 seconds ago');
  expect([59, 60, 3600, 3900, 7 * 86_400 + 37 * 60, 75 * 3600].map(formatDuration)).toEqual([
    '59 s',
    '1 min',
    '1 h',
    '1 h 5 min',
    '7 d',
    '3 d 3 h',
  ]);
});
