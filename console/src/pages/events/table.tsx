/** The table of events. It is drawn again when its rows change, not with everything that happens around it. */
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import Toggle from '@cloudscape-design/components/toggle';
import { memo, useMemo } from 'react';

import type { FoundEvent } from '../../api/search';
import { Empty } from '../../components/states';
import { cut, plural } from '../../lib/text';
import { setPreferences, usePreferences } from '../../shell/preferences';
import { useSearch } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useAnswers } from './answers';
import {
  COLUMNS_SHOWN,
  COLUMN_CHOICE,
  DEFINITIONS,
  type Row,
  TIME_COLUMN,
  open as openEvent,
  rowOf,
  sorted,
} from './columns';
import { type Query, USUAL, change, queryOf } from './query';

interface Props extends Pick<Query, 'order' | 'sort'> {
  rows: Row[];
  /** Events that came while the table follows live. */
  fresh: FoundEvent[];
  state: 'loading' | 'failed' | 'there';
  /** The event in the panel. */
  open: string | undefined;
}

export const EventTable = memo(function EventTable({ rows, fresh, state, order, sort, open }: Props) {
  const preferences = usePreferences();
  const items = useMemo(() => {
    const known = new Set(fresh.map((event) => event.EventId));
    const added = fresh.map((event) => ({ ...rowOf(event), isNew: true }));
    return sorted([...added, ...rows.filter((row) => !known.has(row.event.EventId))], sort);
  }, [fresh, rows, sort]);
  const sortId = sort?.replace(/^-/, '') ?? TIME_COLUMN;
  return (
    <Table<Row>
      stickyHeader
      resizableColumns
      enableKeyboardNavigation
      trackBy={(row) => row.event.EventId}
      items={items}
      loading={state === 'loading'}
      loadingText="Searching events"
      columnDefinitions={DEFINITIONS}
      columnDisplay={preferences.columns ?? COLUMNS_SHOWN}
      wrapLines={preferences.wrapLines}
      contentDensity={preferences.density}
      selectionType="single"
      selectedItems={items.filter((row) => row.event.EventId === open)}
      onSelectionChange={({ detail }) => {
        if (detail.selectedItems[0] !== undefined) openEvent(detail.selectedItems[0]);
      }}
      onRowClick={({ detail }) => openEvent(detail.item)}
      sortingColumn={DEFINITIONS.find((column) => column.id === sortId) ?? {}}
      sortingDescending={sort === undefined ? order === 'NewestFirst' : sort.startsWith('-')}
      onSortingChange={({ detail }) => {
        const id = DEFINITIONS.find((column) => column === detail.sortingColumn)?.id;
        if (id === undefined || id === TIME_COLUMN) {
          change({ sort: undefined, order: detail.isDescending === true ? 'NewestFirst' : 'OldestFirst' });
        } else {
          change({ sort: `${detail.isDescending === true ? '-' : ''}${id}` });
        }
      }}
      ariaLabels={{
        tableLabel: 'Events',
        selectionGroupLabel: 'Event in the panel',
        itemSelectionLabel: (_, row) => `Open ${cut(row.event.EventName, 100)}, event ${row.event.EventId}`,
      }}
      filter={
        <Box variant="h2" padding={{ top: 'xxs' }}>
          <Total />
          {sort !== undefined && <Box variant="small"> The rows of this page are in the order of a column.</Box>}
        </Box>
      }
      pagination={<Pages />}
      preferences={<TablePreferences />}
      empty={state !== 'failed' && <NothingFound />}
    />
  );
});

function Total() {
  const { counts } = useAnswers();
  return counts.value === undefined ? 'Events' : plural(counts.value.Total, 'event');
}

function Pages() {
  const { pages } = useAnswers();
  return (
    <Pagination
      currentPageIndex={pages.index}
      pagesCount={pages.count}
      openEnd={pages.hasMore}
      disabled={pages.isLoading}
      onChange={({ detail }) => pages.go(detail.currentPageIndex)}
    />
  );
}

function NothingFound() {
  const { session } = useSession();
  const { tokens, range } = queryOf(useSearch());
  const wide = { kind: 'relative', seconds: 90 * 86_400 } as const;
  const isUsual = JSON.stringify(tokens) === JSON.stringify(USUAL.tokens);
  return (
    <Empty
      title={isUsual ? 'Nothing was changed in this time' : 'No event matches'}
      action={
        <SpaceBetween size="xs" direction="horizontal">
          {JSON.stringify(range) !== JSON.stringify(wide) && (
            <Button onClick={() => change({ range: wide })}>Search 90 days</Button>
          )}
          {tokens.length > 0 && (
            <Button onClick={() => change({ tokens: [] })}>{isUsual ? 'Show reads too' : 'Remove all filters'}</Button>
          )}
        </SpaceBetween>
      }
    >
      {isUsual || tokens.length === 0 ? (
        <>
          Point an AWS client at this server (<code>AWS_ENDPOINT_URL={session.endpoint}</code>): its calls appear here
          at once.
        </>
      ) : (
        'Event history holds management events of the last 90 days, and what was imported.'
      )}
      {isUsual && ' Calls that only read are hidden by the filter “Read-only = false”.'}
    </Empty>
  );
}

function TablePreferences() {
  const preferences = usePreferences();
  return (
    <CollectionPreferences
      title="Preferences"
      confirmLabel="Confirm"
      cancelLabel="Cancel"
      preferences={{
        pageSize: preferences.pageSize,
        wrapLines: preferences.wrapLines,
        contentDensity: preferences.density,
        contentDisplay: preferences.columns ?? COLUMNS_SHOWN,
        custom: preferences.showHistogram,
      }}
      pageSizePreference={{
        title: 'Events on a page',
        options: [20, 50, 100, 200].map((value) => ({ value, label: `${value} events` })),
      }}
      wrapLinesPreference={{ label: 'Wrap lines', description: 'Show all text of a cell' }}
      contentDensityPreference={{ label: 'Compact', description: 'More rows on the screen' }}
      contentDisplayPreference={{
        title: 'Columns',
        description: 'Which are shown, and in which order.',
        options: COLUMN_CHOICE,
      }}
      customPreference={(value, setValue) => (
        <Toggle checked={value === true} onChange={({ detail }) => setValue(detail.checked)}>
          Show events over time
        </Toggle>
      )}
      onConfirm={({ detail }) =>
        setPreferences({
          pageSize: detail.pageSize ?? preferences.pageSize,
          wrapLines: detail.wrapLines ?? preferences.wrapLines,
          density: detail.contentDensity ?? preferences.density,
          columns: detail.contentDisplay?.map(({ id, visible }) => ({ id, visible })),
          showHistogram: detail.custom === true,
        })
      }
    />
  );
}
