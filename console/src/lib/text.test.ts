import { expect, test } from 'vitest';

import { clip, visible } from './text';

test('what is not seen is written out', () => {
  expect(visible('a\u202eb')).toBe('a\\u202eb');
  expect(visible('\u0000\u200b\u2066')).toBe('\\u0000\\u200b\\u2066');
  expect(visible('half \ud800 pair')).toBe('half \\ud800 pair');
  expect(visible('Grüße, 世界 🐶 <b>')).toBe('Grüße, 世界 🐶 <b>');
});

test('texts are cut between characters', () => {
  expect(clip('abcdef', 3)).toBe('abc…');
  expect(clip('ab🐶', 3)).toBe('ab…');
  expect(clip('abc', 3)).toBe('abc');
});
