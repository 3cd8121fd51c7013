import { describe, expect, test } from 'vitest';

import {
  type Query,
  type Token,
  USUAL,
  hrefOf,
  meant,
  parseCondition,
  queryOf,
  questionOf,
  quoted,
  searchOf,
} from './query';

const token = (field: string | undefined, sign: Token['sign'], value: string): Token => ({ field, sign, value });

describe('the address holds the whole search', () => {
  const range = { kind: 'relative', seconds: 3600 } as const;
  const queries: Query[] = [
    USUAL,
    { ...USUAL, tokens: [] },
    { ...USUAL, tokens: [token('EventName', '=', 'CreateUser'), token('errorCode', '!^', 'Access')], range },
    { ...USUAL, tokens: [token('requestParameters."a.b".c', ':', 'x=y&z:1 ?#%')] },
    { ...USUAL, tokens: [token(undefined, ':', 'two words "quoted" \\')], order: 'OldestFirst' },
    { ...USUAL, range: { kind: 'absolute', from: 1_795_000_000, to: 1_795_003_600 }, sort: '-user', event: 'e-1' },
    { ...USUAL, tokens: [token('userAgent', '=', '\u202e<script>\n')] },
  ];
  test.each(queries)('%j', (query) => expect(queryOf(searchOf(query))).toEqual(query));

  test('what is as usual is left out', () => {
    expect(searchOf(USUAL)).toBe('');
    expect(hrefOf([token('Username', '=', 'alice')])).toBe('/events?f=Username%3Dalice');
  });

  test('nonsense is as usual', () => {
    expect(queryOf('?range=soon&from=x&to=y&order=z')).toEqual(USUAL);
    expect(queryOf('?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z').range).toEqual(USUAL.range);
    expect(queryOf('?f=no-condition')).toEqual({ ...USUAL, tokens: [] });
  });
});

describe('what the API is asked', () => {
  const ask = (...tokens: Token[]) => questionOf({ ...USUAL, tokens }, 100_000_000);

  test('conditions become filters', () => {
    expect(ask(token('EventName', '=', 'A'), token('sourceIPAddress', '^', '10.')).Filters).toEqual([
      { Field: 'EventName', Operator: 'Equals', Values: ['A'] },
      { Field: 'sourceIPAddress', Operator: 'StartsWith', Values: ['10.'] },
    ]);
  });

  test('either of two values of one field, but both of two resources', () => {
    expect(ask(token('EventName', '=', 'A'), token('EventName', '=', 'B')).Filters).toEqual([
      { Field: 'EventName', Operator: 'Equals', Values: ['A', 'B'] },
    ]);
    expect(ask(token('EventName', '!=', 'A'), token('EventName', '!=', 'B')).Filters).toHaveLength(2);
    expect(ask(token('ResourceName', '=', 'A'), token('ResourceName', '=', 'B')).Filters).toHaveLength(2);
  });

  test('the outcome is whether there is an error code', () => {
    const operator = (sign: Token['sign'], value: string) => ask(token('outcome', sign, value)).Filters?.[0]?.Operator;
    expect(operator('=', 'failed')).toBe('Exists');
    expect(operator('!=', 'failed')).toBe('NotExists');
    expect(operator('=', 'succeeded')).toBe('NotExists');
  });

  test('free texts are phrases', () => {
    expect(ask(token(undefined, ':', 'my bucket'), token(undefined, ':', 'x')).Text).toBe('"my bucket" x');
    expect(quoted('say "a\\b"')).toBe('"say \\"a\\\\b\\""');
  });

  test('a relative range ends now', () => {
    expect(ask()).toMatchObject({ StartTime: 100_000_000 - 86_400, Regions: ['*'], Accounts: ['*'] });
    expect(ask()).not.toHaveProperty('EndTime');
  });
});

describe('typed conditions', () => {
  test.each([
    ['requestParameters.bucketName=logs', token('requestParameters.bucketName', '=', 'logs')],
    ['errorcode:Denied', token('errorCode', ':', 'Denied')],
    ['EventName != GetUser', token('EventName', '!=', 'GetUser')],
    ['https://example.com', token(undefined, ':', 'https://example.com')],
    ['arn:aws:s3:::logs', token(undefined, ':', 'arn:aws:s3:::logs')],
    ['just words', token(undefined, ':', 'just words')],
  ])('%s', (text, expected) => expect(meant(token(undefined, ':', text))).toEqual(expected));

  test('a condition needs a value', () => expect(parseCondition('a.b=')).toBeUndefined());
});
