/** Which page a path means. Each is fetched when it is wanted, and drawn at once if it is there. */
import {
  type Attributes,
  type ComponentType,
  type FunctionComponent,
  type ReactElement,
  createElement,
  lazy,
  useState,
} from 'react';

type Fetched<Props> = FunctionComponent<Props> & {
  /** Fetches it; undefined if it is there already. */
  prepare: () => Promise<unknown> | undefined;
};

function fetched<Props extends object>(load: () => Promise<{ default: ComponentType<Props> }>): Fetched<Props> {
  let there: ComponentType<Props> | undefined;
  const fetch = async () => {
    const module = await load();
    there = module.default;
    return module;
  };
  const Later = lazy(fetch);
  function Page(props: Props) {
    // React shows what it once waited for 300 ms later, however soon it came: no waiting for what is there.
    const [Shown] = useState<ComponentType<Props>>(() => there ?? Later);
    return createElement(Shown, props);
  }
  Page.prepare = () => (there === undefined ? fetch() : undefined);
  return Page;
}

const Events = fetched(() => import('./events/page'));
const Trails = fetched(() => import('./trails/list'));
const NewTrail = fetched(() => import('./trails/create'));
const Trail = fetched(() => import('./trails/detail'));
const EditTrail = fetched(() => import('./trails/edit'));
const Insights = fetched(() => import('./insights/list'));
const Insight = fetched(() => import('./insights/detail'));
const Dashboard = fetched(() => import('./dashboard/page'));
const NotFound = fetched(() => import('./not-found'));

interface Place {
  element: ReactElement;
  prepare: () => Promise<unknown> | undefined;
}

function place<Props extends object>(Page: Fetched<Props>, props: Props & Attributes): Place {
  return { element: createElement(Page, props), prepare: Page.prepare };
}

export function placeOf(path: string): Place {
  const [, area = '', name = '', action = ''] = path.split('/').map(decoded);
  if (area === '' || area === 'events') return place(Events, {});
  if (area === 'dashboard') return place(Dashboard, {});
  if (area === 'trails' && name === '') return place(Trails, {});
  if (area === 'trails' && name === 'new' && action === '') return place(NewTrail, {});
  if (area === 'trails' && action === '') return place(Trail, { name, key: name });
  if (area === 'trails' && action === 'edit') return place(EditTrail, { name, key: name });
  if (area === 'insights' && name === '') return place(Insights, {});
  if (area === 'insights') return place(Insight, { id: name, key: name });
  return place(NotFound, {});
}

/** Fetches the page of a path ahead of time; that it could not be fetched is told where it is drawn. */
export async function prefetch(path: string): Promise<void> {
  try {
    await placeOf(path).prepare();
  } catch {
    // Tried again then.
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
