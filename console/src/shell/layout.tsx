/** The frame of every page: who is signed in, where one is, messages, content, panel. */
import AppLayout, { type AppLayoutProps } from '@cloudscape-design/components/app-layout';
import BreadcrumbGroup, { type BreadcrumbGroupProps } from '@cloudscape-design/components/breadcrumb-group';
import Flashbar from '@cloudscape-design/components/flashbar';
import SideNavigation from '@cloudscape-design/components/side-navigation';
import TopNavigation from '@cloudscape-design/components/top-navigation';
import { type ReactNode, useEffect, useState } from 'react';

import { dismiss, useNotices } from './notices';
import { type Preferences, setPreferences, usePreferences } from './preferences';
import { REGIONS } from './regions';
import { follow, navigate, usePath } from './router';
import { useSession } from './session';

interface Props extends Pick<
  AppLayoutProps,
  | 'splitPanel'
  | 'splitPanelOpen'
  | 'onSplitPanelToggle'
  | 'contentType'
  | 'splitPanelPreferences'
  | 'onSplitPanelPreferencesChange'
> {
  title: string;
  breadcrumbs?: BreadcrumbGroupProps.Item[];
  children: ReactNode;
}

export function Layout({ title, breadcrumbs = [], children, ...panel }: Props) {
  const [isOpen, setOpen] = useState(() => panel.contentType !== 'wizard' && window.innerWidth > 1000);
  useEffect(() => {
    document.title = `${title} – Pugmark`;
  }, [title]);
  return (
    <>
      <header id="top">
        <TopBar />
      </header>
      <AppLayout
        headerSelector="#top"
        breadcrumbs={
          <BreadcrumbGroup
            items={[{ text: 'Pugmark', href: '/' }, ...breadcrumbs, { text: title, href: '' }]}
            onFollow={follow}
          />
        }
        navigation={<Navigation />}
        navigationOpen={isOpen}
        onNavigationChange={({ detail }) => setOpen(detail.open)}
        navigationWidth={220}
        toolsHide
        notifications={<Notices />}
        stickyNotifications
        content={children}
        {...panel}
      />
    </>
  );
}

function Notices() {
  const notices = useNotices();
  return (
    <Flashbar
      items={notices.map((notice) => ({ ...notice, dismissible: true, onDismiss: () => dismiss(notice.id) }))}
    />
  );
}

function Navigation() {
  const path = usePath();
  const area = path.split('/')[1];
  return (
    <SideNavigation
      header={{ text: 'Pugmark', href: '/dashboard' }}
      activeHref={`/${area === undefined || area === '' ? 'events' : area}`}
      onFollow={follow}
      items={[
        { type: 'link', text: 'Dashboard', href: '/dashboard' },
        { type: 'link', text: 'Event history', href: '/events' },
        { type: 'link', text: 'Insights', href: '/insights' },
        { type: 'link', text: 'Trails', href: '/trails' },
      ]}
    />
  );
}

const MODES: { id: Preferences['mode']; text: string }[] = [
  { id: 'system', text: 'As the system' },
  { id: 'light', text: 'Light' },
  { id: 'dark', text: 'Dark' },
];

function TopBar() {
  const { session, server, setRegion, signOut } = useSession();
  const { mode } = usePreferences();
  const regions = [...new Set([server.region, session.region, ...REGIONS])];
  return (
    <TopNavigation
      identity={{
        href: '/',
        title: 'Pugmark',
        logo: { src: '/favicon.svg', alt: '' },
        onFollow: (event) => {
          event.preventDefault();
          navigate('/');
        },
      }}
      utilities={[
        {
          type: 'menu-dropdown',
          text: session.region,
          ariaLabel: `Region: ${session.region}`,
          items: regions.map((id) => ({
            id,
            text: id,
            ...(id === session.region ? { iconName: 'check' as const } : {}),
          })),
          onItemClick: ({ detail }) => setRegion(detail.id),
        },
        {
          type: 'menu-dropdown',
          iconName: 'settings',
          title: 'Settings',
          ariaLabel: 'Settings',
          items: [
            {
              id: 'mode',
              text: 'Appearance',
              items: MODES.map(({ id, text }) => ({
                id,
                text,
                itemType: 'checkbox' as const,
                checked: mode === id,
              })),
            },
          ],
          onItemClick: ({ detail }) => setPreferences({ mode: detail.id as Preferences['mode'] }),
        },
        {
          type: 'menu-dropdown',
          iconName: 'user-profile',
          text: `…${session.accessKeyId.slice(-4)}`,
          ariaLabel: `…${session.accessKeyId.slice(-4)}: signed in with ${session.accessKeyId}`,
          description: session.accessKeyId,
          items: [
            { id: 'account', text: `Account ${server.accountId}`, disabled: true },
            { id: 'version', text: `Pugmark ${server.version}`, disabled: true },
            { id: 'sign-out', text: 'Sign out' },
          ],
          onItemClick: ({ detail }) => {
            if (detail.id === 'sign-out') signOut();
          },
        },
      ]}
    />
  );
}
