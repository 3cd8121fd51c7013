/** A trail as its form holds it, and the API's inputs that it means. */
import type {
  AdvancedEventSelector,
  AdvancedFieldSelector,
  CreateTrailCommandInput,
  EventSelector,
  InsightSelector,
  Tag,
  UpdateTrailCommandInput,
} from '@aws-sdk/client-cloudtrail';

import type { WholeTrail } from '../../api/cloudtrail';

export const OPERATORS = ['Equals', 'NotEquals', 'StartsWith', 'NotStartsWith', 'EndsWith', 'NotEndsWith'] as const;

export interface Condition {
  field: string;
  operator: (typeof OPERATORS)[number];
  /** One value a line. */
  values: string;
}

export interface AdvancedForm {
  name: string;
  conditions: Condition[];
}

export interface DataResource {
  type: string;
  /** ARNs or their beginnings, one a line. */
  values: string;
}

export interface SelectorForm {
  /** Kept: several basic ones, which this form does not change, only replace. */
  kind: 'basic' | 'advanced' | 'kept';
  readWrite: 'All' | 'ReadOnly' | 'WriteOnly';
  management: boolean;
  excludeKms: boolean;
  excludeRdsData: boolean;
  data: DataResource[];
  advanced: AdvancedForm[];
}

export interface TrailForm {
  name: string;
  bucket: string;
  isNewBucket: boolean;
  putsPolicy: boolean;
  prefix: string;
  isMultiRegion: boolean;
  hasGlobalEvents: boolean;
  isOrganization: boolean;
  organizationId: string;
  kmsKey: string;
  validates: boolean;
  topic: string;
  logGroup: string;
  logRole: string;
  tags: { key: string; value: string }[];
  selectors: SelectorForm;
  callRate: boolean;
  errorRate: boolean;
  startsLogging: boolean;
}

export const USUAL_SELECTORS: SelectorForm = {
  kind: 'basic',
  readWrite: 'All',
  management: true,
  excludeKms: false,
  excludeRdsData: false,
  data: [],
  advanced: [],
};

/** A new trail as AWS's console proposes it: all Regions, validation on. */
export const NEW_TRAIL: TrailForm = {
  name: '',
  bucket: '',
  isNewBucket: true,
  putsPolicy: true,
  prefix: '',
  isMultiRegion: true,
  hasGlobalEvents: true,
  isOrganization: false,
  organizationId: '',
  kmsKey: '',
  validates: true,
  topic: '',
  logGroup: '',
  logRole: '',
  tags: [],
  selectors: USUAL_SELECTORS,
  callRate: false,
  errorRate: false,
  startsLogging: true,
};

export interface Template extends Pick<AdvancedForm, 'conditions'> {
  id: string;
  label: string;
  description: string;
}

const condition = (field: string, operator: Condition['operator'], ...values: string[]): Condition => ({
  field,
  operator,
  values: values.join('\n'),
});

const MANAGEMENT = condition('eventCategory', 'Equals', 'Management');

const dataOf = (type: string): Condition[] => [
  condition('eventCategory', 'Equals', 'Data'),
  condition('resources.type', 'Equals', type),
];

export const TEMPLATES: Template[] = [
  { id: 'management', label: 'Management events', description: 'All of them', conditions: [MANAGEMENT] },
  {
    id: 'management-writes',
    label: 'Management events that change something',
    description: 'Without reads',
    conditions: [MANAGEMENT, condition('readOnly', 'Equals', 'false')],
  },
  {
    id: 'management-quiet',
    label: 'Management events without KMS and RDS Data',
    description: 'What is called most is left out',
    conditions: [MANAGEMENT, condition('eventSource', 'NotEquals', 'kms.amazonaws.com', 'rdsdata.amazonaws.com')],
  },
  {
    id: 's3-all',
    label: 'S3 object events',
    description: 'Reads and writes in all buckets',
    conditions: dataOf('AWS::S3::Object'),
  },
  {
    id: 's3-writes',
    label: 'S3 writes in one bucket',
    description: 'Put its name in place of BUCKET',
    conditions: [
      ...dataOf('AWS::S3::Object'),
      condition('readOnly', 'Equals', 'false'),
      condition('resources.ARN', 'StartsWith', 'arn:aws:s3:::BUCKET/'),
    ],
  },
  {
    id: 's3-deletes',
    label: 'S3 deletions',
    description: 'Objects deleted, in all buckets',
    conditions: [...dataOf('AWS::S3::Object'), condition('eventName', 'StartsWith', 'Delete')],
  },
  {
    id: 'lambda',
    label: 'Lambda invocations',
    description: 'Of all functions',
    conditions: dataOf('AWS::Lambda::Function'),
  },
  {
    id: 'dynamodb',
    label: 'DynamoDB item events',
    description: 'Of all tables',
    conditions: dataOf('AWS::DynamoDB::Table'),
  },
  {
    id: 'network',
    label: 'Calls that a VPC endpoint denied',
    description: 'Network activity events of S3',
    conditions: [
      condition('eventCategory', 'Equals', 'NetworkActivity'),
      condition('eventSource', 'Equals', 's3.amazonaws.com'),
      condition('errorCode', 'Equals', 'VpceAccessDenied'),
    ],
  },
];

/** The selector with which a person begins, from a template or from nearly nothing. */
export function firstForm(template: Template | undefined): AdvancedForm {
  if (template === undefined) return { name: '', conditions: [condition('eventCategory', 'Equals', 'Data')] };
  return { name: template.label, conditions: template.conditions };
}

/** Fields that advanced selectors of each category know. */
export const ADVANCED_FIELDS = [
  'eventCategory',
  'readOnly',
  'eventSource',
  'eventName',
  'eventType',
  'resources.type',
  'resources.ARN',
  'userIdentity.arn',
  'sessionCredentialFromConsole',
  'vpcEndpointId',
  'errorCode',
];

export const BASIC_DATA_TYPES: { value: string; all: string }[] = [
  { value: 'AWS::S3::Object', all: 'arn:aws:s3' },
  { value: 'AWS::Lambda::Function', all: 'arn:aws:lambda' },
  { value: 'AWS::DynamoDB::Table', all: 'arn:aws:dynamodb' },
];

export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** What PutEventSelectors is told; nothing if they are kept. */
export function selectorsInput(form: SelectorForm): {
  EventSelectors?: EventSelector[];
  AdvancedEventSelectors?: AdvancedEventSelector[];
} {
  if (form.kind === 'kept') return {};
  if (form.kind === 'advanced') {
    return {
      AdvancedEventSelectors: form.advanced.map(({ name, conditions }) => ({
        ...(name.trim() === '' ? {} : { Name: name.trim() }),
        FieldSelectors: fieldSelectors(conditions),
      })),
    };
  }
  const excluded = [
    ...(form.excludeKms ? ['kms.amazonaws.com'] : []),
    ...(form.excludeRdsData ? ['rdsdata.amazonaws.com'] : []),
  ];
  return {
    EventSelectors: [
      {
        ReadWriteType: form.readWrite,
        IncludeManagementEvents: form.management,
        ExcludeManagementEventSources: form.management ? excluded : [],
        DataResources: form.data.map(({ type, values }) => ({ Type: type, Values: linesOf(values) })),
      },
    ],
  };
}

/** Conditions on one field become one field selector, as the API wants it. */
function fieldSelectors(conditions: Condition[]): AdvancedFieldSelector[] {
  const byField = new Map<string, AdvancedFieldSelector>();
  for (const { field, operator, values } of conditions) {
    const selector: AdvancedFieldSelector = byField.get(field) ?? { Field: field };
    selector[operator] = [...(selector[operator] ?? []), ...linesOf(values)];
    byField.set(field, selector);
  }
  return [...byField.values()];
}

/** The form of the selectors that a trail has. */
export function selectorForm(selectors: WholeTrail['selectors']): SelectorForm {
  const advanced = selectors.AdvancedEventSelectors ?? [];
  if (advanced.length > 0) {
    return {
      ...USUAL_SELECTORS,
      kind: 'advanced',
      advanced: advanced.map(({ Name, FieldSelectors }) => ({
        name: Name ?? '',
        conditions: (FieldSelectors ?? []).flatMap((selector) =>
          OPERATORS.flatMap((operator) => {
            const values = selector[operator] ?? [];
            return values.length === 0 ? [] : [{ field: selector.Field ?? '', operator, values: values.join('\n') }];
          }),
        ),
      })),
    };
  }
  const [first, ...more] = selectors.EventSelectors ?? [];
  if (more.length > 0) return { ...USUAL_SELECTORS, kind: 'kept' };
  const excluded = first?.ExcludeManagementEventSources ?? [];
  return {
    ...USUAL_SELECTORS,
    readWrite: first?.ReadWriteType ?? 'All',
    management: first?.IncludeManagementEvents ?? true,
    excludeKms: excluded.includes('kms.amazonaws.com'),
    excludeRdsData: excluded.includes('rdsdata.amazonaws.com'),
    data: (first?.DataResources ?? []).map(({ Type, Values }) => ({
      type: Type ?? '',
      values: (Values ?? []).join('\n'),
    })),
  };
}

export function insightsInput(form: Pick<TrailForm, 'callRate' | 'errorRate'>): InsightSelector[] {
  return [
    ...(form.callRate ? [{ InsightType: 'ApiCallRateInsight' as const }] : []),
    ...(form.errorRate ? [{ InsightType: 'ApiErrorRateInsight' as const }] : []),
  ];
}

export function tagsInput(tags: TrailForm['tags']): Tag[] {
  return tags.map(({ key, value }) => ({ Key: key, Value: value }));
}

export function createInput(form: TrailForm): CreateTrailCommandInput {
  const text = (
    name: 'S3KeyPrefix' | 'KmsKeyId' | 'SnsTopicName' | 'CloudWatchLogsLogGroupArn' | 'CloudWatchLogsRoleArn',
    value: string,
  ) => (value.trim() === '' ? {} : { [name]: value.trim() });
  return {
    Name: form.name.trim(),
    S3BucketName: form.bucket.trim(),
    IsMultiRegionTrail: form.isMultiRegion,
    IncludeGlobalServiceEvents: form.isMultiRegion || form.hasGlobalEvents,
    IsOrganizationTrail: form.isOrganization,
    EnableLogFileValidation: form.validates,
    ...text('S3KeyPrefix', form.prefix),
    ...text('KmsKeyId', form.kmsKey),
    ...text('SnsTopicName', form.topic),
    ...text('CloudWatchLogsLogGroupArn', form.logGroup),
    ...text('CloudWatchLogsRoleArn', form.logRole),
    ...(form.tags.length === 0 ? {} : { TagsList: tagsInput(form.tags) }),
  };
}

/** What UpdateTrail is told: only what was changed, with an empty text for what was removed. */
export function updateInput(before: TrailForm, form: TrailForm, arn: string): UpdateTrailCommandInput | undefined {
  const input: UpdateTrailCommandInput = { Name: arn };
  const text = (value: string) => value.trim();
  if (text(form.bucket) !== before.bucket) input.S3BucketName = text(form.bucket);
  if (text(form.prefix) !== before.prefix) input.S3KeyPrefix = text(form.prefix);
  if (text(form.kmsKey) !== before.kmsKey) input.KmsKeyId = text(form.kmsKey);
  if (text(form.topic) !== before.topic) input.SnsTopicName = text(form.topic);
  // The two go together: the API removes or sets both.
  if (text(form.logGroup) !== before.logGroup || text(form.logRole) !== before.logRole) {
    input.CloudWatchLogsLogGroupArn = text(form.logGroup);
    input.CloudWatchLogsRoleArn = text(form.logRole);
  }
  if (form.isMultiRegion !== before.isMultiRegion) input.IsMultiRegionTrail = form.isMultiRegion;
  if (form.hasGlobalEvents !== before.hasGlobalEvents && !form.isMultiRegion) {
    input.IncludeGlobalServiceEvents = form.hasGlobalEvents;
  }
  if (form.isOrganization !== before.isOrganization) input.IsOrganizationTrail = form.isOrganization;
  if (form.validates !== before.validates) input.EnableLogFileValidation = form.validates;
  return Object.keys(input).length > 1 ? input : undefined;
}

/** The form of a trail as it is. */
export function formOf({ trail, selectors, insights, tags, status }: WholeTrail): TrailForm {
  return {
    name: trail.Name,
    bucket: trail.S3BucketName ?? '',
    isNewBucket: false,
    putsPolicy: false,
    prefix: trail.S3KeyPrefix ?? '',
    isMultiRegion: trail.IsMultiRegionTrail ?? false,
    hasGlobalEvents: trail.IncludeGlobalServiceEvents ?? false,
    isOrganization: trail.IsOrganizationTrail ?? false,
    organizationId: '',
    kmsKey: trail.KmsKeyId ?? '',
    validates: trail.LogFileValidationEnabled ?? false,
    topic: trail.SnsTopicARN ?? '',
    logGroup: trail.CloudWatchLogsLogGroupArn ?? '',
    logRole: trail.CloudWatchLogsRoleArn ?? '',
    tags: tags.map(({ Key, Value }) => ({ key: Key ?? '', value: Value ?? '' })),
    selectors: selectorForm(selectors),
    callRate: insights.includes('ApiCallRateInsight'),
    errorRate: insights.includes('ApiErrorRateInsight'),
    startsLogging: status.IsLogging ?? false,
  };
}

export type Problems = Partial<Record<'name' | 'bucket' | 'logs' | 'organizationId' | 'selectors', string>>;

/** What can be told before the server is asked; it judges the rest. */
export function problemsOf(form: TrailForm): Problems {
  const out: Problems = {};
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]$/.test(form.name.trim()) || /[._-]{2}/.test(form.name)) {
    out.name = 'Use 3 to 128 letters, digits, single dots, dashes or underscores, with a letter or digit at both ends.';
  }
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(form.bucket.trim())) {
    out.bucket = 'Use 3 to 63 lower-case letters, digits, dots or dashes, with a letter or digit at both ends.';
  }
  if ((form.logGroup.trim() === '') !== (form.logRole.trim() === '')) {
    out.logs = 'A log group needs a role, and a role a log group: fill in both or neither.';
  }
  if (form.isOrganization && form.putsPolicy && !/^o-[a-z0-9]{3,32}$/.test(form.organizationId.trim())) {
    out.organizationId = "Enter the organization's ID, such as o-a1b2c3d4e5: the bucket policy names it.";
  }
  const selectors = problemOf(form.selectors);
  if (selectors !== undefined) out.selectors = selectors;
  return out;
}

function problemOf({ kind, management, data, advanced }: SelectorForm): string | undefined {
  const isEmpty = ({ values }: { values: string }) => linesOf(values).length === 0;
  if (kind === 'basic') {
    if (!management && data.length === 0) {
      return 'Choose management events, data events, or both: otherwise the trail records nothing.';
    }
    return data.some(isEmpty) ? 'Each kind of data events needs at least one ARN.' : undefined;
  }
  if (kind === 'kept') return undefined;
  if (advanced.length === 0) return 'Add at least one selector, for example from a template.';
  const isWrong = (condition: Condition) => condition.field === '' || isEmpty(condition);
  return advanced.some(({ conditions }) => conditions.length === 0 || conditions.some(isWrong))
    ? 'Each condition needs a field and at least one value.'
    : undefined;
}

/** The bucket's policy with the statements that this trail needs; statements of others stay as they are. */
export function bucketPolicy(form: TrailForm, arn: string, account: string, existing: string | undefined): object {
  const prefix = form.prefix.trim().replace(/^\/+|\/+$/g, '');
  const bucket = `arn:aws:s3:::${form.bucket.trim()}`;
  const base = `${bucket}/${prefix === '' ? '' : `${prefix}/`}AWSLogs`;
  const statement = (sid: string, Action: string, Resource: string, conditions: object) => ({
    Sid: `${sid}${suffix(arn)}`,
    Effect: 'Allow',
    Principal: { Service: 'cloudtrail.amazonaws.com' },
    Action,
    Resource,
    Condition: { StringEquals: { ...conditions, 'aws:SourceArn': arn } },
  });
  const write = (sid: string, folder: string) =>
    statement(sid, 's3:PutObject', `${base}/${folder}/*`, { 's3:x-amz-acl': 'bucket-owner-full-control' });
  const needed = [
    statement('AWSCloudTrailAclCheck20150319', 's3:GetBucketAcl', bucket, {}),
    write('AWSCloudTrailWrite20150319', account),
    ...(form.isOrganization ? [write('AWSCloudTrailOrganizationWrite20150319', form.organizationId.trim())] : []),
  ];
  const parsed = existing === undefined ? {} : (JSON.parse(existing) as { Statement?: unknown });
  const statements = Array.isArray(parsed.Statement) ? (parsed.Statement as { Sid?: string }[]) : [];
  const sids = needed.map(({ Sid }) => Sid);
  return {
    ...parsed,
    Version: '2012-10-17',
    Statement: [...statements.filter(({ Sid }) => Sid === undefined || !sids.includes(Sid)), ...needed],
  };
}

/** Statement ids are unique in a policy, and a bucket may serve several trails. */
function suffix(arn: string): string {
  const [, region = '', name = ''] = /^arn:aws:cloudtrail:([^:]+):[^:]+:trail\/(.+)$/.exec(arn) ?? [];
  return `${region}${name}`.replace(/[^A-Za-z0-9]/g, '');
}
