/** The parts of a trail's form. */
import Alert from '@cloudscape-design/components/alert';
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import FormField, { type FormFieldProps } from '@cloudscape-design/components/form-field';
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

type NameOf<Type> = { [Name in keyof TrailForm]: TrailForm[Name] extends Type ? Name : never }[keyof TrailForm];

interface TextProps extends FieldsProps, Pick<FormFieldProps, 'description' | 'constraintText' | 'errorText'> {
  name: NameOf<string>;
  label: string;
  isOptional?: boolean;
}

function Text({ form, set, name, label, isOptional = false, description, constraintText, errorText }: TextProps) {
  const whole = (
    <span>
      {label} <i>– optional</i>
    </span>
  );
  return (
    <FormField
      label={isOptional ? whole : label}
      description={description}
      constraintText={constraintText}
      errorText={errorText}
    >
      <Input
        value={form[name]}
        onChange={({ detail }) => set({ [name]: detail.value })}
        spellcheck={false}
        ariaRequired={!isOptional}
      />
    </FormField>
  );
}

interface FlagProps extends FieldsProps {
  name: NameOf<boolean>;
  label: string;
  description: string;
  as?: typeof Toggle | typeof Checkbox;
}

function Flag({ form, set, name, label, description, as: Control = Toggle }: FlagProps) {
  return (
    <Control checked={form[name]} onChange={({ detail }) => set({ [name]: detail.checked })} description={description}>
      {label}
    </Control>
  );
}

export function General(props: FieldsProps) {
  return (
    <Container header={<Header variant="h2">General</Header>}>
      <SpaceBetween size="l">
        <Text
          {...props}
          name="name"
          label="Trail name"
          constraintText="3 to 128 letters, digits, dots, dashes or underscores."
          errorText={props.problems.name}
        />
        <Scope {...props} />
      </SpaceBetween>
    </Container>
  );
}

export function Scope(props: FieldsProps) {
  const { session } = useSession();
  const { isMultiRegion, isOrganization, putsPolicy } = props.form;
  return (
    <SpaceBetween size="s">
      <Flag
        {...props}
        name="isMultiRegion"
        label="All Regions"
        description={`Otherwise only events of ${session.region} are recorded.`}
      />
      {!isMultiRegion && (
        <Flag
          {...props}
          name="hasGlobalEvents"
          label="Global services"
          description="Events of IAM, STS, CloudFront and other services without a Region."
        />
      )}
      <Flag
        {...props}
        name="isOrganization"
        label="All accounts of my organization"
        description="Records every account of the organization. Only for its management account and delegated administrators."
      />
      {isOrganization && putsPolicy && (
        <Text
          {...props}
          name="organizationId"
          label="Organization ID"
          constraintText="Such as o-a1b2c3d4e5."
          errorText={props.problems.organizationId}
        />
      )}
    </SpaceBetween>
  );
}

export function Storage({ isNew, ...props }: FieldsProps & { isNew: boolean }) {
  const { form, set, problems } = props;
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
          <Flag
            {...props}
            as={Checkbox}
            name="putsPolicy"
            label="Put the right policy into the bucket"
            description="Adds the statements that this trail needs; all others stay as they are."
          />
        )}
        <Text
          {...props}
          name="prefix"
          label="Key prefix"
          isOptional
          description="Before AWSLogs/ in the names of log files."
        />
        <Text
          {...props}
          name="kmsKey"
          label="KMS key"
          isOptional
          description="Encrypts log files with SSE-KMS instead of SSE-S3. Key ID, alias/NAME or ARN, in the trail's Region."
        />
        <Flag
          {...props}
          name="validates"
          label="Log file validation"
          description="Signed digests prove that no log file was changed, deleted or added."
        />
        {!form.validates && (
          <Alert type="warning">
            Without it nobody can prove that the log files are whole. It costs nearly nothing.
          </Alert>
        )}
      </SpaceBetween>
    </Container>
  );
}

export function Destinations(props: FieldsProps) {
  return (
    <Container
      header={
        <Header variant="h2" description="Services at the upstream (--upstream) are told as well.">
          Who else is told
        </Header>
      }
    >
      <SpaceBetween size="l">
        <Text
          {...props}
          name="topic"
          label="SNS topic"
          isOptional
          description="Told of each log file. A name in this Region, or an ARN."
        />
        <Text
          {...props}
          name="logGroup"
          label="CloudWatch Logs group ARN"
          isOptional
          constraintText="arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*"
          errorText={props.problems.logs}
        />
        <Text {...props} name="logRole" label="Role ARN" isOptional description="Assumed to write to the log group." />
      </SpaceBetween>
    </Container>
  );
}

export function InsightFields(props: FieldsProps) {
  return (
    <Container
      header={
        <Header variant="h2" description="Unusual activity in management events becomes an event of its own.">
          Insights
        </Header>
      }
    >
      <SpaceBetween size="s">
        <Flag
          {...props}
          as={Checkbox}
          name="callRate"
          label="API call rate"
          description="Calls that change something, far more or far fewer than usual."
        />
        <Flag
          {...props}
          as={Checkbox}
          name="errorRate"
          label="API error rate"
          description="Calls that fail, far more than usual."
        />
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
