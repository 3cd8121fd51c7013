/** Filters and time range. */
import DateRangePicker, { type DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import PropertyFilter, { type PropertyFilterProps } from '@cloudscape-design/components/property-filter';
import { useRef, useState } from 'react';

import { countEvents } from '../../api/search';
import { cut, plural } from '../../lib/text';
import { type Range, UNITS, formatAge } from '../../lib/time';
import { useSession } from '../../shell/session';
import { FIELDS, OUTCOME } from './fields';
import { type Query, type Sign, type Token, meant, questionOf } from './query';

const SIGNS: PropertyFilterProps.ComparisonOperator[] = ['=', '!=', ':', '!:', '^', '!^'];
const VALUES_MAX = 100;

interface FilterProps {
  query: Query;
  isLoading: boolean;
  onChange: (tokens: Token[]) => void;
}

export function Filters({ query, isLoading, onChange }: FilterProps) {
  const values = useValues(query);
  const paths = query.tokens.map((token) => token.field).filter((field) => field !== undefined);
  const unknown = [...new Set(paths)].filter((path) => !FIELDS.some((field) => field.key === path));
  const properties: PropertyFilterProps.FilteringProperty[] = [
    ...FIELDS.map((field) => ({
      key: field.key,
      propertyLabel: field.label,
      groupValuesLabel: field.values,
      operators: field.key === OUTCOME ? (['=', '!='] as const) : SIGNS,
    })),
    ...unknown.map((key) => ({ key, propertyLabel: key, groupValuesLabel: 'Values', operators: SIGNS })),
  ];
  return (
    <PropertyFilter
      query={{ operation: 'and', tokens: query.tokens.map(shown) }}
      onChange={({ detail }) => onChange(detail.tokens.map(tokenOf).map(meant))}
      filteringProperties={properties}
      filteringOptions={values.options}
      filteringStatusType={values.status}
      onLoadItems={({ detail }) => values.load(detail)}
      filteringLoadingText="Counting values"
      filteringErrorText="Values could not be counted."
      filteringRecoveryText="Try again"
      filteringEmpty="No values in this time range. Type one."
      filteringPlaceholder="Filter by field, text, or requestParameters.name=value"
      filteringAriaLabel="Filter events"
      loading={isLoading}
      freeTextFiltering={{ operators: [':'], defaultOperator: ':' }}
      hideOperations
      tokenLimit={8}
      expandToViewport
    />
  );
}

function shown(token: Token): PropertyFilterProps.Token {
  return token.field === undefined
    ? { operator: ':', value: token.value }
    : { propertyKey: token.field, operator: token.sign, value: token.value };
}

function tokenOf(token: PropertyFilterProps.Token): Token {
  const value = typeof token.value === 'string' ? token.value : String(token.value);
  return { field: token.propertyKey, sign: token.propertyKey === undefined ? ':' : (token.operator as Sign), value };
}

/** What values a field has within the time range, most frequent first. */
function useValues(query: Query) {
  const { session } = useSession();
  const [options, setOptions] = useState<PropertyFilterProps.FilteringOption[]>([]);
  const [status, setStatus] = useState<PropertyFilterProps.StatusType>('finished');
  const running = useRef<AbortController>(undefined);
  const load = ({ filteringProperty, filteringText, firstPage, samePage }: PropertyFilterProps.LoadItemsDetail) => {
    if (!firstPage && !samePage) return;
    running.current?.abort();
    const field = filteringProperty?.key;
    const known = FIELDS.find((it) => it.key === field)?.known;
    if (field === undefined || known !== undefined) {
      setOptions((known ?? []).map((value) => ({ propertyKey: field ?? '', value })));
      setStatus('finished');
      return;
    }
    const controller = new AbortController();
    running.current = controller;
    setStatus('loading');
    const tokens = query.tokens.filter((token) => token.field !== field);
    if (filteringText !== '') tokens.push({ field, sign: ':', value: filteringText });
    const question = questionOf({ tokens, range: query.range }, Date.now() / 1000);
    countEvents(session, { ...question, CountBy: field, MaxValues: VALUES_MAX }, controller.signal).then(
      (counted) => {
        if (controller.signal.aborted) return;
        const values = counted.Values ?? [];
        setOptions(
          values.map(({ Value, Count }) => ({
            propertyKey: field,
            value: Value,
            label: cut(Value, 200) === Value ? undefined : cut(Value, 200),
            tags: [plural(Count, 'event')],
          })),
        );
        setStatus('finished');
      },
      () => {
        if (!controller.signal.aborted) setStatus('error');
      },
    );
  };
  return { options, status, load };
}

const OFFERED: [number, DateRangePickerProps.TimeUnit][] = [
  [15, 'minute'],
  [1, 'hour'],
  [12, 'hour'],
  [1, 'day'],
  [7, 'day'],
  [30, 'day'],
  [90, 'day'],
];

function relative(amount: number, unit: DateRangePickerProps.TimeUnit): DateRangePickerProps.RelativeOption {
  return { key: `${amount}-${unit}`, amount, unit, type: 'relative' };
}

export function TimeRange({ range, onChange }: { range: Range; onChange: (range: Range) => void }) {
  return (
    <DateRangePicker
      value={pickerValue(range)}
      onChange={({ detail }) => {
        const next = detail.value === null ? undefined : rangeOfPicker(detail.value);
        if (next !== undefined) onChange(next);
      }}
      relativeOptions={OFFERED.map(([amount, unit]) => relative(amount, unit))}
      customRelativeRangeUnits={['second', 'minute', 'hour', 'day', 'week']}
      isValidRange={(value) => {
        if (value === null || rangeOfPicker(value) !== undefined) return { valid: true };
        return { valid: false, errorMessage: 'Choose a start before the end, or an age of at least one second.' };
      }}
      absoluteFormat="long-localized"
      showClearButton={false}
      placeholder="Time range"
      ariaLabel="Time range"
      expandToViewport
    />
  );
}

function pickerValue(range: Range): DateRangePickerProps.Value {
  if (range.kind === 'absolute') {
    return {
      type: 'absolute',
      startDate: new Date(range.from * 1000).toISOString(),
      endDate: new Date(range.to * 1000).toISOString(),
    };
  }
  const offered = OFFERED.find(([amount, unit]) => amount * lengthOf(unit) === range.seconds);
  if (offered !== undefined) return relative(...offered);
  const { name: unit, seconds } = UNITS.find((it) => range.seconds % it.seconds === 0) ?? UNITS[4];
  return { type: 'relative', amount: range.seconds / seconds, unit, key: formatAge(range.seconds) };
}

function lengthOf(unit: DateRangePickerProps.TimeUnit): number {
  return UNITS.find(({ name }) => name === unit)?.seconds ?? 86_400;
}

function rangeOfPicker(value: DateRangePickerProps.Value): Range | undefined {
  if (value.type === 'relative') {
    const seconds = value.amount * lengthOf(value.unit);
    return seconds >= 1 ? { kind: 'relative', seconds } : undefined;
  }
  const [from, to] = [Date.parse(value.startDate) / 1000, Date.parse(value.endDate) / 1000];
  return from < to ? { kind: 'absolute', from, to } : undefined;
}
