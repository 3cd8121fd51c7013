/** One trail: how it does, what it is set to, and what can be done with it. */
import {
  type CloudTrailClient,
  DeleteTrailCommand,
  StartLoggingCommand,
  StopLoggingCommand,
} from '@aws-sdk/client-cloudtrail';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Link from '@cloudscape-design/components/link';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useCallback, useState } from 'react';

import { type WholeTrail, cloudTrail, getTrail } from '../../api/cloudtrail';
import { tell } from '../../api/errors';
import { Loading, Problem } from '../../components/states';
import { cut } from '../../lib/text';
import { Layout } from '../../shell/layout';
import { notify } from '../../shell/notices';
import { follow, navigate } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { formOf } from './form';
import { Integrity, statusItems } from './status';
import { SelectorSummary, fact, settings } from './summary';

export default function TrailPage({ name }: { name: string }) {
  const { session } = useSession();
  const load = useCallback((signal: AbortSignal) => getTrail(session, name, signal), [session, name]);
  const { value, error, isLoading, reload } = useLoad(load);
  const title = value?.trail.Name ?? name.split('/').pop() ?? name;
  return (
    <Layout title={cut(title, 128)} breadcrumbs={[{ text: 'Trails', href: '/trails' }]}>
      {error !== undefined && (
        <SpaceBetween size="m">
          <Problem error={error} retry={reload} />
          <Link href="/trails" onFollow={follow}>
            All trails of {session.region}
          </Link>
        </SpaceBetween>
      )}
      {value === undefined && isLoading && <Loading what="the trail" />}
      {value !== undefined && <Shown whole={value} reload={reload} isLoading={isLoading} />}
    </Layout>
  );
}

function Shown({ whole, reload, isLoading }: { whole: WholeTrail; reload: () => void; isLoading: boolean }) {
  const { session } = useSession();
  const { trail, status } = whole;
  const form = formOf(whole);
  const [asks, setAsks] = useState<'stop' | 'delete'>();
  const [typed, setTyped] = useState('');
  const [isBusy, setBusy] = useState(false);
  const close = () => {
    setAsks(undefined);
    setTyped('');
  };
  const act = async (send: (client: CloudTrailClient) => Promise<unknown>, done: string) => {
    setBusy(true);
    try {
      await send(cloudTrail(session, trail.HomeRegion));
      notify({ type: 'success', header: done });
      return true;
    } catch (error) {
      const { title, text, next } = tell(error);
      notify({ type: 'error', header: title, content: `${cut(text, 500)} ${next}` });
      return false;
    } finally {
      // Also when it failed: the message is behind the question.
      close();
      setBusy(false);
    }
  };
  const Name = trail.TrailARN;
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        actions={
          <SpaceBetween size="xs" direction="horizontal">
            <Button iconName="refresh" ariaLabel="Load the trail again" loading={isLoading} onClick={reload} />
            {status.IsLogging === true ? (
              <Button onClick={() => setAsks('stop')}>Stop logging</Button>
            ) : (
              <Button
                loading={isBusy}
                onClick={() => {
                  void act((client) => client.send(new StartLoggingCommand({ Name })), `${trail.Name} is logging`).then(
                    reload,
                  );
                }}
              >
                Start logging
              </Button>
            )}
            <Button onClick={() => setAsks('delete')}>Delete</Button>
            <Button variant="primary" onClick={() => navigate(`${location.pathname}/edit`)}>
              Edit
            </Button>
          </SpaceBetween>
        }
      >
        {cut(trail.Name, 128)}
      </Header>
      <Container header={<Header variant="h2">Status</Header>}>
        <KeyValuePairs columns={3} minColumnWidth={200} items={statusItems(trail, status, Date.now() / 1000)} />
      </Container>
      <IntegrityBox whole={whole} />
      <Container header={<Header variant="h2">Settings</Header>}>
        <KeyValuePairs
          columns={3}
          minColumnWidth={200}
          items={[fact('ARN', trail.TrailARN), fact('Home Region', trail.HomeRegion), ...settings(form)]}
        />
      </Container>
      <Container header={<Header variant="h2">Events</Header>}>
        <SelectorSummary form={form.selectors} />
      </Container>
      {asks === 'stop' && (
        <Ask
          verb="Stop logging"
          title={`Stop logging of ${trail.Name}?`}
          isBusy={isBusy}
          onClose={close}
          onConfirm={() =>
            void act((client) => client.send(new StopLoggingCommand({ Name })), `${trail.Name} is stopped`).then(reload)
          }
        >
          What happens from now on is not written to the bucket, and cannot be later. Event history goes on. Insights of
          this trail stop too.
        </Ask>
      )}
      {asks === 'delete' && (
        <Ask
          verb="Delete"
          title={`Delete ${trail.Name}?`}
          isBusy={isBusy}
          isReady={typed === trail.Name}
          onClose={close}
          onConfirm={() =>
            void act((client) => client.send(new DeleteTrailCommand({ Name })), `${trail.Name} is deleted`).then(
              (isDone) => {
                if (isDone) navigate('/trails');
              },
            )
          }
        >
          <SpaceBetween size="m">
            <Box>
              The trail and its settings are deleted; this cannot be undone. The log files in the bucket{' '}
              {trail.S3BucketName} stay, and the bucket stays.
            </Box>
            <FormField label={`To confirm, type the trail's name: ${trail.Name}`}>
              <Input value={typed} onChange={({ detail }) => setTyped(detail.value)} placeholder={trail.Name} />
            </FormField>
          </SpaceBetween>
        </Ask>
      )}
    </SpaceBetween>
  );
}

function IntegrityBox({ whole: { trail, status } }: { whole: WholeTrail }) {
  const start = (status.StartLoggingTime ?? new Date(0)).toISOString();
  const command = `pugmark validate-logs --trail-arn ${trail.TrailARN} --start-time ${start.slice(0, 19)}Z`;
  return (
    <Container
      header={
        <Header variant="h2" description="Whether signed digests prove that the log files are whole.">
          Log file integrity
        </Header>
      }
    >
      <SpaceBetween size="s">
        <Integrity trail={trail} status={status} />
        {trail.LogFileValidationEnabled === true ? (
          <Box>
            To check every file against its digest: <Box variant="code">{command}</Box>{' '}
            <CopyToClipboard
              variant="icon"
              copyButtonAriaLabel="Copy the command"
              copySuccessText="Copied"
              copyErrorText="Select the text instead"
              textToCopy={command}
            />
          </Box>
        ) : (
          <Alert type="warning">
            Log file validation is off: nobody can prove that no file was changed. Switch it on under Edit.
          </Alert>
        )}
      </SpaceBetween>
    </Container>
  );
}

/** Asks before something is done that cannot be undone. */
function Ask({
  verb,
  title,
  isBusy,
  isReady = true,
  onClose,
  onConfirm,
  children,
}: {
  verb: string;
  title: string;
  isBusy: boolean;
  isReady?: boolean;
  onClose: () => void;
  onConfirm: () => void;
  children: ReactNode;
}) {
  return (
    <Modal
      visible
      header={title}
      onDismiss={onClose}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween size="xs" direction="horizontal">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" disabled={!isReady} loading={isBusy} onClick={onConfirm}>
              {verb}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      {children}
    </Modal>
  );
}
