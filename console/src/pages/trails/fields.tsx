/** The parts of a trail's form. */
import Alert from '@cloudscape-design/components/alert';
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import { useCallback } from 'react';

import { tell } from '../../api/errors';
import { listBuckets } from '../../api/s3';
import { useSession } from '../../shell/session';
import { useLoad } from '../../shell/use-load';
import type { Problems, TrailForm } from './form';

export interface FieldsProps {
  form: TrailForm;
  set: (change: Partial<TrailForm>) => void;
  /** Told once the person wanted to go on. */
  problems: Problems;
}

const optional = (label: string) => (
  <span>
    {label} <i>– optional</i>
  </span>
);

export function General({ form, set, problems }: FieldsProps) {
  return (
    <Container header={<Header variant="h2">General</Header>}>
      <SpaceBetween size="l">
        <FormField
          label="Trail name"
          constraintText="3 to 128 letters, digits, dots, dashes or underscores."
          errorText={problems.name}
        >
          <Input value={form.name} onChange={({ detail }) => set({ name: detail.value })} ariaRequired />
        </FormField>
        <Scope form={form} set={set} problems={problems} />
      </SpaceBetween>
    </Container>
  );
}

export function Scope({ form, set, problems }: FieldsProps) {
  const { session } = useSession();
  return (
    <SpaceBetween size="s">
      <Toggle
        checked={form.isMultiRegion}
        onChange={({ detail }) => set({ isMultiRegion: detail.checked })}
        description={`Otherwise only events of ${session.region} are recorded.`}
      >
        All Regions
      </Toggle>
      {!form.isMultiRegion && (
        <Toggle
          checked={form.hasGlobalEvents}
          onChange={({ detail }) => set({ hasGlobalEvents: detail.checked })}
          description="Events of IAM, STS, CloudFront and other services without a Region."
        >
          Global services
        </Toggle>
      )}
      <Toggle
        checked={form.isOrganization}
        onChange={({ detail }) => set({ isOrganization: detail.checked })}
        description="Records every account of the organization. Only for its management account and delegated administrators."
      >
        All accounts of my organization
      </Toggle>
      {form.isOrganization && form.putsPolicy && (
        <FormField label="Organization ID" errorText={problems.organizationId} constraintText="Such as o-a1b2c3d4e5.">
          <Input value={form.organizationId} onChange={({ detail }) => set({ organizationId: detail.value })} />
        </FormField>
      )}
    </SpaceBetween>
  );
}

export function Storage({ form, set, problems, isNew }: FieldsProps & { isNew: boolean }) {
  const { session } = useSession();
  const load = useCallback((signal: AbortSignal) => listBuckets(session, signal), [session]);
  const buckets = useLoad(load);
  return (
    <Container header={<Header variant="h2">Where log files go</Header>}>
      <SpaceBetween size="l">
        {isNew && (
          <FormField label="Bucket" stretch>
            <RadioGroup
              value={form.isNewBucket ? 'new' : 'existing'}
              onChange={({ detail }) =>
                set({ isNewBucket: detail.value === 'new', putsPolicy: detail.value === 'new' })
              }
              items={[
                { value: 'new', label: 'Create a bucket', description: 'With the policy that the trail needs.' },
                { value: 'existing', label: 'Use a bucket that is there' },
              ]}
            />
          </FormField>
        )}
        <FormField
          label="Bucket name"
          errorText={problems.bucket}
          constraintText={
            buckets.error === undefined
              ? undefined
              : `Your buckets could not be listed (${tell(buckets.error).title}): type the name.`
          }
        >
          {form.isNewBucket ? (
            <Input
              value={form.bucket}
              onChange={({ detail }) => set({ bucket: detail.value })}
              placeholder={`audit-logs-${session.region}`}
              ariaRequired
            />
          ) : (
            <Autosuggest
              value={form.bucket}
              onChange={({ detail }) => set({ bucket: detail.value })}
              options={(buckets.value ?? []).map((value) => ({ value }))}
              statusType={buckets.isLoading ? 'loading' : 'finished'}
              loadingText="Listing your buckets"
              empty="No bucket of yours is there. Create one."
              enteredTextLabel={(value) => `Use "${value}"`}
              ariaRequired
            />
          )}
        </FormField>
        {!form.isNewBucket && (
          <Checkbox
            checked={form.putsPolicy}
            onChange={({ detail }) => set({ putsPolicy: detail.checked })}
            description="Adds the statements that this trail needs; all others stay as they are."
          >
            Put the right policy into the bucket
          </Checkbox>
        )}
        <FormField label={optional('Key prefix')} description="Before AWSLogs/ in the names of log files.">
          <Input value={form.prefix} onChange={({ detail }) => set({ prefix: detail.value })} />
        </FormField>
        <FormField
          label={optional('KMS key')}
          description="Encrypts log files with SSE-KMS instead of SSE-S3. Key ID, alias/NAME or ARN, in the trail's Region."
        >
          <Input value={form.kmsKey} onChange={({ detail }) => set({ kmsKey: detail.value })} />
        </FormField>
        <Toggle
          checked={form.validates}
          onChange={({ detail }) => set({ validates: detail.checked })}
          description="Signed digests prove that no log file was changed, deleted or added."
        >
          Log file validation
        </Toggle>
        {!form.validates && (
          <Alert type="warning">
            Without it nobody can prove that the log files are whole. It costs nearly nothing.
          </Alert>
        )}
      </SpaceBetween>
    </Container>
  );
}

export function Destinations({ form, set, problems }: FieldsProps) {
  return (
    <Container
      header={
        <Header variant="h2" description="Services at the upstream (--upstream) are told as well.">
          Who else is told
        </Header>
      }
    >
      <SpaceBetween size="l">
        <FormField label={optional('SNS topic')} description="Told of each log file. A name in this Region, or an ARN.">
          <Input value={form.topic} onChange={({ detail }) => set({ topic: detail.value })} />
        </FormField>
        <FormField
          label={optional('CloudWatch Logs group ARN')}
          constraintText="arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*"
          errorText={problems.logs}
        >
          <Input value={form.logGroup} onChange={({ detail }) => set({ logGroup: detail.value })} />
        </FormField>
        <FormField label={optional('Role ARN')} description="Assumed to write to the log group.">
          <Input value={form.logRole} onChange={({ detail }) => set({ logRole: detail.value })} />
        </FormField>
      </SpaceBetween>
    </Container>
  );
}

export function InsightFields({ form, set }: FieldsProps) {
  return (
    <Container
      header={
        <Header variant="h2" description="Unusual activity in management events becomes an event of its own.">
          Insights
        </Header>
      }
    >
      <SpaceBetween size="s">
        <Checkbox
          checked={form.callRate}
          onChange={({ detail }) => set({ callRate: detail.checked })}
          description="Calls that change something, far more or far fewer than usual."
        >
          API call rate
        </Checkbox>
        <Checkbox
          checked={form.errorRate}
          onChange={({ detail }) => set({ errorRate: detail.checked })}
          description="Calls that fail, far more than usual."
        >
          API error rate
        </Checkbox>
      </SpaceBetween>
    </Container>
  );
}

export function Tags({ form, set }: FieldsProps) {
  return (
    <Container header={<Header variant="h2">Tags</Header>}>
      <AttributeEditor
        items={form.tags}
        addButtonText="Add tag"
        removeButtonText="Remove"
        empty="No tags"
        disableAddButton={form.tags.length >= 50}
        onAddButtonClick={() => set({ tags: [...form.tags, { key: '', value: '' }] })}
        onRemoveButtonClick={({ detail }) => set({ tags: form.tags.filter((_, index) => index !== detail.itemIndex) })}
        definition={(['key', 'value'] as const).map((part) => ({
          label: part === 'key' ? 'Key' : 'Value',
          control: (tag: TrailForm['tags'][number], index: number) => (
            <Input
              value={tag[part]}
              ariaLabel={`${part === 'key' ? 'Key' : 'Value'} of tag ${index + 1}`}
              onChange={({ detail }) =>
                set({ tags: form.tags.map((it, at) => (at === index ? { ...it, [part]: detail.value } : it)) })
              }
            />
          ),
        }))}
      />
    </Container>
  );
}
