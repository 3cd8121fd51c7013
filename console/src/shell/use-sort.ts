/** How a table is sorted: by a column, up or down. */
import type { TableProps } from '@cloudscape-design/components/table';
import { useState } from 'react';

type Sorting<Item> = Required<Pick<TableProps<Item>, 'sortingColumn' | 'sortingDescending' | 'onSortingChange'>>;

/** `sorted` orders rows by a comparison that is told the column's `sortingField`; `sorting` is for the table. */
export function useSort<Item>(usual: string, isDescendingFirst = false) {
  const [sort, setSort] = useState({ field: usual, isDescending: isDescendingFirst });
  const sorting: Sorting<Item> = {
    sortingColumn: { sortingField: sort.field },
    sortingDescending: sort.isDescending,
    onSortingChange: ({ detail }) =>
      setSort({ field: detail.sortingColumn.sortingField ?? usual, isDescending: detail.isDescending === true }),
  };
  const sorted = (items: Item[], compare: (one: Item, other: Item, field: string) => number) =>
    [...items].sort((one, other) => compare(one, other, sort.field) * (sort.isDescending ? -1 : 1));
  return { sorting, sorted };
}
