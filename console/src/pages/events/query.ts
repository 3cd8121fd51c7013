/** A search in event history: as the page holds it, as the address bar shows it, as the API is asked. */
import {
  EVERYWHERE,
  type FoundEvent,
  type SearchFilter,
  type SearchOperator,
  type SearchOrder,
  type SearchQuestion,
} from '../../api/search';
import { type Range, bounds, rangeOf, rangeParameters } from '../../lib/time';
import { navigate } from '../../shell/router';
import { FIELDS, OUTCOME } from './fields';

/** The property filter's operators. */
export type Sign = '=' | '!=' | ':' | '!:' | '^' | '!^' | '$' | '!$';

/** One condition; without a field it is free text, which must be anywhere in the record. */
export interface Token {
  field: string | undefined;
  sign: Sign;
  value: string;
}

export interface Query {
  tokens: Token[];
  range: Range;
  order: Extract<SearchOrder, 'NewestFirst' | 'OldestFirst'>;
  /** The column by which the rows of a page are ordered, with `-` from last to first; by time if there is none. */
  sort: string | undefined;
  /** The event that is shown in the panel. */
  event: string | undefined;
}

const OPERATORS: Record<Sign, SearchOperator> = {
  '=': 'Equals',
  '!=': 'NotEquals',
  ':': 'Contains',
  '!:': 'NotContains',
  '^': 'StartsWith',
  '!^': 'NotStartsWith',
  $: 'EndsWith',
  '!$': 'NotEndsWith',
};

/** As at AWS, reads are hidden at first: they are many, and seldom what is looked for. */
export const USUAL: Query = {
  tokens: [{ field: 'ReadOnly', sign: '=', value: 'false' }],
  range: { kind: 'relative', seconds: 86_400 },
  order: 'NewestFirst',
  sort: undefined,
  event: undefined,
};

/** Everything must hold, except that one of several equal texts of one field suffices. */
export function questionOf(query: Pick<Query, 'tokens' | 'range'>, now: number): SearchQuestion {
  const filters: SearchFilter[] = [];
  const texts: string[] = [];
  for (const token of query.tokens) {
    if (token.field === undefined) {
      if (token.value.trim() !== '') texts.push(quoted(token.value.trim()));
    } else if (token.field === OUTCOME) {
      const failed = (token.value === 'failed') === (token.sign === '=');
      filters.push({ Field: 'errorCode', Operator: failed ? 'Exists' : 'NotExists' });
    } else {
      add(filters, { Field: token.field, Operator: OPERATORS[token.sign], Values: [token.value] });
    }
  }
  const { start, end } = bounds(query.range, now);
  return {
    StartTime: start,
    ...(end === undefined ? {} : { EndTime: end }),
    ...(filters.length > 0 ? { Filters: filters } : {}),
    ...(texts.length > 0 ? { Text: texts.join(' ') } : {}),
    ...EVERYWHERE,
  };
}

/** Fields that an event has one of: two values cannot both hold, so either is meant. */
function hasOne(field: string): boolean {
  return !field.startsWith('Resource') && !field.startsWith('resources');
}

function add(filters: SearchFilter[], filter: SearchFilter): void {
  const same = filters.find((it) => it.Field === filter.Field && it.Operator === 'Equals');
  if (filter.Operator === 'Equals' && same !== undefined && hasOne(filter.Field)) {
    same.Values = [...(same.Values ?? []), ...(filter.Values ?? [])];
  } else {
    filters.push(filter);
  }
}

/** A phrase as SearchEvents' Text has it. */
export function quoted(text: string): string {
  return /[\s"\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}

const CONDITION = /^((?:[A-Za-z_][\w-]*|"(?:[^"\\]|\\.)+")(?:\.(?:[\w-]+|"(?:[^"\\]|\\.)+"))*)\s*(!?[=:^$])\s*([^]*)$/;

/** `field=value` and its kin; undefined for all other texts. */
export function parseCondition(text: string): Token | undefined {
  const [, field, sign, value] = CONDITION.exec(text) ?? [];
  if (field === undefined || value === undefined || value === '') return undefined;
  return { field, sign: sign as Sign, value };
}

/** Free text that names a known field or a path is meant as a condition. */
export function meant(token: Token): Token {
  if (token.field !== undefined) return token;
  const condition = parseCondition(token.value);
  if (condition?.field === undefined) return token;
  const { field } = condition;
  const known = FIELDS.find((it) => it.key.toLowerCase() === field.toLowerCase());
  if (known !== undefined) return { ...condition, field: known.key };
  return field.includes('.') ? condition : token;
}

/** The query part of the address. What is as usual is left out. */
export function searchOf(query: Query): string {
  const out = new URLSearchParams(rangeParameters(query.range, USUAL.range));
  if (JSON.stringify(query.tokens) !== JSON.stringify(USUAL.tokens)) {
    if (query.tokens.length === 0) out.set('f', '');
    for (const { field, sign, value } of query.tokens) {
      if (field === undefined) out.append('q', sign === '!:' ? `!${value}` : value);
      else out.append('f', `${field}${sign}${value}`);
    }
  }
  if (query.order !== USUAL.order) out.set('order', 'oldest');
  if (query.sort !== undefined) out.set('sort', query.sort);
  if (query.event !== undefined) out.set('event', query.event);
  const text = out.toString();
  return text === '' ? '' : `?${text}`;
}

/** What an address asks for; what cannot be read in it is as usual. */
export function queryOf(search: string): Query {
  const from = new URLSearchParams(search);
  const tokens: Token[] = [];
  for (const [name, value] of from) {
    const token = name === 'f' ? parseCondition(value) : undefined;
    if (token !== undefined) tokens.push(token);
    if (name === 'q' && value !== '') tokens.push({ field: undefined, sign: ':', value });
  }
  const isAsked = from.has('f') || from.has('q');
  return {
    tokens: isAsked ? tokens : USUAL.tokens,
    range: rangeOf(from) ?? USUAL.range,
    order: from.get('order') === 'oldest' ? 'OldestFirst' : 'NewestFirst',
    sort: from.get('sort') ?? undefined,
    event: from.get('event') ?? undefined,
  };
}

/** Changes the search in the address. Each change is a step in the browser's history, opening an event is not. */
export function change(next: Partial<Query>): void {
  navigate(`/events${searchOf({ ...queryOf(location.search), ...next })}`, {
    replace: Object.keys(next).join() === 'event',
  });
}

/** The address of a search for these conditions. */
export function hrefOf(tokens: Token[], range: Range = USUAL.range): string {
  return `/events${searchOf({ ...USUAL, tokens, range })}`;
}

/** The address of this search with an event in its panel. */
export function hrefOfEvent(event: FoundEvent): string {
  return `/events${searchOf({ ...queryOf(location.search), event: event.EventId })}`;
}
