import Alert from '@cloudscape-design/components/alert';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type SubmitEvent, useState } from 'react';

import { tell } from '../api/errors';
import { searchEvents } from '../api/search';
import { Problem } from '../components/states';
import { prefetch } from './pages';
import { REGIONS } from '../shell/regions';
import type { Credentials, ServerFacts } from '../shell/session';

interface Props {
  server: ServerFacts;
  /** Why the last session ended, if it was not by choice. */
  reason: unknown;
  onSignIn: (credentials: Credentials) => void;
}

export default function SignIn({ server, reason, onSignIn }: Props) {
  const [accessKeyId, setAccessKeyId] = useState('');
  const [secretAccessKey, setSecret] = useState('');
  const [sessionToken, setToken] = useState('');
  const [region, setRegion] = useState(server.region);
  const [problem, setProblem] = useState<unknown>(reason);
  const [isChecking, setChecking] = useState(false);
  const [isTried, setTried] = useState(false);

  const isTemporary = accessKeyId.trim().startsWith('ASIA');
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    if (accessKeyId.trim() === '' || secretAccessKey.trim() === '' || region.trim() === '') return;
    const credentials: Credentials = {
      accessKeyId: accessKeyId.trim(),
      secretAccessKey: secretAccessKey.trim(),
      region: region.trim(),
      ...(sessionToken.trim() === '' ? {} : { sessionToken: sessionToken.trim() }),
    };
    setChecking(true);
    setProblem(undefined);
    const page = prefetch(location.pathname);
    try {
      await searchEvents(
        { ...credentials, endpoint: server.endpoint },
        { MaxResults: 1, StartTime: Date.now() / 1000 },
      );
    } catch (error) {
      // A key that may not look events up is a key all the same: the pages say what failed.
      const { mustSignIn, code } = tell(error);
      if (mustSignIn || code === 'NetworkError') {
        setProblem(error);
        setChecking(false);
        return;
      }
    }
    await page;
    onSignIn(credentials);
  };
  return (
    <main className="pm-sign-in">
      <form onSubmit={(event) => void submit(event)} autoComplete="off">
        <Form
          actions={
            <Button variant="primary" formAction="submit" loading={isChecking} loadingText="Signing in">
              Sign in
            </Button>
          }
        >
          <SpaceBetween size="l">
            <div className="pm-brand">
              <img src="/favicon.svg" alt="" />
              <div>
                <Box variant="h1" padding="n">
                  Pugmark
                </Box>
                <Box color="text-body-secondary">Who did what on {server.endpoint.replace(/^https?:\/\//, '')}</Box>
              </div>
            </div>
            {problem !== undefined && <Problem error={problem} />}
            <Container
              header={
                <Header
                  variant="h2"
                  description="The same keys that your AWS clients use here. They stay in this browser tab and are forgotten when it is closed."
                >
                  Sign in with an access key
                </Header>
              }
            >
              <SpaceBetween size="m">
                <FormField
                  label="Access key ID"
                  errorText={isTried && accessKeyId.trim() === '' && 'Enter an access key ID, such as AKIA….'}
                >
                  <Input
                    value={accessKeyId}
                    onChange={({ detail }) => setAccessKeyId(detail.value)}
                    autoFocus
                    spellcheck={false}
                    autoComplete={false}
                    ariaRequired
                  />
                </FormField>
                <FormField
                  label="Secret access key"
                  errorText={
                    isTried && secretAccessKey.trim() === '' && 'Enter the secret that belongs to the access key.'
                  }
                >
                  <Input
                    type="password"
                    value={secretAccessKey}
                    onChange={({ detail }) => setSecret(detail.value)}
                    autoComplete={false}
                    ariaRequired
                  />
                </FormField>
                <FormField
                  label={
                    <span>
                      Session token{' '}
                      {!isTemporary && (
                        <Box variant="span" color="text-body-secondary">
                          – optional
                        </Box>
                      )}
                    </span>
                  }
                  description="For temporary credentials, whose access key begins with ASIA."
                >
                  <Input
                    type="password"
                    value={sessionToken}
                    onChange={({ detail }) => setToken(detail.value)}
                    autoComplete={false}
                  />
                </FormField>
                <FormField
                  label="Region"
                  description="Trails belong to a Region. Event history shows all."
                  errorText={isTried && region.trim() === '' && 'Enter a Region, such as us-east-1.'}
                >
                  <Autosuggest
                    value={region}
                    onChange={({ detail }) => setRegion(detail.value)}
                    options={[...new Set([server.region, ...REGIONS])].map((value) => ({ value }))}
                    enteredTextLabel={(value) => `Use "${value}"`}
                    ariaRequired
                  />
                </FormField>
                <ExpandableSection headerText="Where do I find a key?">
                  <Alert type="info">
                    The first start of <code>pugmark serve</code> prints root credentials; they are kept in{' '}
                    <code>root-credentials.toml</code> in its data directory. For others, make a key that can only read:{' '}
                    <code>pugmark principals add NAME --policy AWSCloudTrail_ReadOnlyAccess</code>
                  </Alert>
                </ExpandableSection>
              </SpaceBetween>
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </main>
  );
}
