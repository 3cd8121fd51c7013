/** The wizard that makes a trail. */
import Alert from '@cloudscape-design/components/alert';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Wizard from '@cloudscape-design/components/wizard';
import { useState } from 'react';

import { tell } from '../../api/errors';
import { Problem } from '../../components/states';
import { Layout } from '../../shell/layout';
import { notify } from '../../shell/notices';
import { navigate } from '../../shell/router';
import { useSession } from '../../shell/session';
import { Destinations, General, InsightFields, Storage, Tags } from './fields';
import { NEW_TRAIL, type Problems, type TrailForm, problemsOf } from './form';
import { createTrail } from './save';
import { SelectorFields } from './selectors';
import { SelectorSummary, fact, settings } from './summary';

/** The problems that each step tells. */
const TOLD: (keyof Problems)[][] = [['name', 'organizationId', 'bucket'], ['logs'], ['selectors'], []];

export default function CreateTrail() {
  const { session, server } = useSession();
  const [form, setForm] = useState(NEW_TRAIL);
  const [step, setStep] = useState(0);
  const [isTried, setTried] = useState(false);
  const [failed, setFailed] = useState<{ step: string; error: unknown }>();
  const [isSaving, setSaving] = useState(false);
  const set = (change: Partial<TrailForm>) => setForm((last) => ({ ...last, ...change }));
  const problems = problemsOf(form);
  const shown = isTried ? problems : {};
  const fields = { form, set, problems: shown };

  const submit = async () => {
    setSaving(true);
    setFailed(undefined);
    const saved = await createTrail(session, form, server.accountId);
    setSaving(false);
    if (saved.arn === undefined) {
      setFailed(saved.failed);
      // The bucket is there now: a second try uses it.
      if (saved.failed !== undefined && saved.failed.step !== 'create the bucket') set({ isNewBucket: false });
      return;
    }
    if (saved.failed === undefined) {
      notify({
        type: 'success',
        header: `Trail ${form.name.trim()} is created`,
        content: 'It appears below with its status.',
      });
    } else {
      const told = tell(saved.failed.error);
      notify({
        type: 'warning',
        header: `Trail ${form.name.trim()} is created, but it failed to ${saved.failed.step}`,
        content: `${told.text} Use Edit to finish it.`,
      });
    }
    navigate(`/trails/${encodeURIComponent(form.name.trim())}`);
  };
  const goTo = (index: number) => {
    const told = TOLD.slice(0, index).flat();
    const blocking = told.find((name) => problems[name] !== undefined);
    if (index > step && blocking !== undefined) {
      setTried(true);
      setStep(TOLD.findIndex((names) => names.includes(blocking)));
      return;
    }
    setTried(false);
    setStep(index);
  };
  return (
    <Layout title="Create trail" contentType="wizard" breadcrumbs={[{ text: 'Trails', href: '/trails' }]}>
      <Wizard
        activeStepIndex={step}
        onNavigate={({ detail }) => goTo(detail.requestedStepIndex)}
        onCancel={() => navigate('/trails')}
        onSubmit={() => void submit()}
        isLoadingNextStep={isSaving}
        submitButtonText="Create trail"
        i18nStrings={{
          stepNumberLabel: (number) => `Step ${number}`,
          collapsedStepsLabel: (number, count) => `Step ${number} of ${count}`,
          navigationAriaLabel: 'Steps',
          cancelButton: 'Cancel',
          previousButton: 'Previous',
          nextButton: 'Next',
          optional: 'optional',
        }}
        steps={[
          {
            title: 'Name and bucket',
            description: `The trail's home Region is ${session.region}.`,
            content: (
              <SpaceBetween size="l">
                <General {...fields} />
                <Storage {...fields} isNew />
              </SpaceBetween>
            ),
          },
          {
            title: 'Notifications and tags',
            isOptional: true,
            content: (
              <SpaceBetween size="l">
                <Destinations {...fields} />
                <Tags {...fields} />
              </SpaceBetween>
            ),
          },
          {
            title: 'Events',
            content: (
              <SpaceBetween size="l">
                <Container header={<Header variant="h2">Events</Header>}>
                  <SelectorFields
                    value={form.selectors}
                    onChange={(selectors) => set({ selectors })}
                    problem={shown.selectors}
                    hasMany={false}
                  />
                </Container>
                <InsightFields {...fields} />
              </SpaceBetween>
            ),
          },
          {
            title: 'Review and create',
            content: (
              <SpaceBetween size="l">
                {failed !== undefined && (
                  <>
                    <Alert type="error">
                      It failed to {failed.step}. Change what the message names, then try again.
                    </Alert>
                    <Problem error={failed.error} />
                  </>
                )}
                <Review form={form} />
                <Checkbox
                  checked={form.startsLogging}
                  onChange={({ detail }) => set({ startsLogging: detail.checked })}
                >
                  Start logging at once
                </Checkbox>
              </SpaceBetween>
            ),
          },
        ]}
      />
    </Layout>
  );
}

function Review({ form }: { form: TrailForm }) {
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Trail</Header>}>
        <KeyValuePairs
          columns={3}
          minColumnWidth={200}
          items={[
            fact('Name', form.name),
            ...settings(form),
            fact('Bucket policy', form.putsPolicy ? 'Is put' : 'Stays as it is'),
          ]}
        />
      </Container>
      <Container header={<Header variant="h2">Events</Header>}>
        <SelectorSummary form={form.selectors} />
      </Container>
    </SpaceBetween>
  );
}
