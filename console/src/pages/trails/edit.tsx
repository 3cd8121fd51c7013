/** Changes a trail. */
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useCallback, useState } from 'react';

import { type WholeTrail, getTrail } from '../../api/cloudtrail';
import { Loading, Problem } from '../../components/states';
import { cut } from '../../lib/text';
import { Layout } from '../../shell/layout';
import { notify } from '../../shell/notices';
import { navigate } from '../../shell/router';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import { Destinations, InsightFields, Scope, Storage, Tags } from './fields';
import { type TrailForm, formOf, problemsOf } from './form';
import { changeTrail } from './save';
import { SelectorFields } from './selectors';

export default function EditTrail({ name }: { name: string }) {
  const { session } = useSession();
  const load = useCallback((signal: AbortSignal) => getTrail(session, name, signal), [session, name]);
  const { value, error, reload } = useLoad(load);
  const back = `/trails/${encodeURIComponent(name)}`;
  const title = cut(value?.trail.Name ?? name, 128);
  return (
    <Layout
      title="Edit"
      contentType="form"
      breadcrumbs={[
        { text: 'Trails', href: '/trails' },
        { text: title, href: back },
      ]}
    >
      {error !== undefined && <Problem error={error} retry={reload} />}
      {value === undefined && error === undefined && <Loading what="the trail" />}
      {value !== undefined && <EditForm whole={value} back={back} />}
    </Layout>
  );
}

function EditForm({ whole, back }: { whole: WholeTrail; back: string }) {
  const { session } = useSession();
  const [before] = useState(() => formOf(whole));
  const [form, setForm] = useState(before);
  const [failed, setFailed] = useState<{ step: string; error: unknown }>();
  const [isTried, setTried] = useState(false);
  const [isSaving, setSaving] = useState(false);
  const set = (change: Partial<TrailForm>) => setForm((last) => ({ ...last, ...change }));
  const problems = problemsOf(form);
  const fields = { form, set, problems: isTried ? problems : {} };
  const submit = async () => {
    setTried(true);
    // The name cannot be changed here, so it is not judged.
    if (Object.keys(problems).some((key) => key !== 'name')) return;
    setSaving(true);
    const saved = await changeTrail(session, before, form, { arn: whole.trail.TrailARN, home: whole.trail.HomeRegion });
    setSaving(false);
    setFailed(saved.failed);
    if (saved.failed === undefined) {
      notify({ type: 'success', header: `Trail ${whole.trail.Name} is changed` });
      navigate(back);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Form
        header={<Header variant="h1">Edit {cut(whole.trail.Name, 128)}</Header>}
        actions={
          <SpaceBetween size="xs" direction="horizontal">
            <Button variant="link" formAction="none" onClick={() => navigate(back)}>
              Cancel
            </Button>
            <Button variant="primary" loading={isSaving}>
              Save changes
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {failed !== undefined && (
            <>
              <Alert type="error">It failed to {failed.step}. What came before it is saved.</Alert>
              <Problem error={failed.error} />
            </>
          )}
          <Container header={<Header variant="h2">General</Header>}>
            <Scope {...fields} />
          </Container>
          <Storage {...fields} isNew={false} />
          <Destinations {...fields} />
          <Container header={<Header variant="h2">Events</Header>}>
            <SelectorFields
              value={form.selectors}
              onChange={(selectors) => set({ selectors })}
              problem={fields.problems.selectors}
              hasMany={before.selectors.kind === 'kept'}
            />
          </Container>
          <InsightFields {...fields} />
          <Tags {...fields} />
        </SpaceBetween>
      </Form>
    </form>
  );
}
