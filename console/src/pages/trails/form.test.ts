import { describe, expect, test } from 'vitest';

import {
  NEW_TRAIL,
  TEMPLATES,
  type TrailForm,
  USUAL_SELECTORS,
  bucketPolicy,
  createInput,
  firstForm,
  problemsOf,
  selectorForm,
  selectorsInput,
  updateInput,
} from './form';

const form: TrailForm = { ...NEW_TRAIL, name: 'main', bucket: 'audit-logs' };

describe('selectors', () => {
  test('basic ones come back as they went', () => {
    const selectors = {
      ...USUAL_SELECTORS,
      readWrite: 'WriteOnly' as const,
      excludeKms: true,
      data: [{ type: 'AWS::S3::Object', values: 'arn:aws:s3:::a/\narn:aws:s3:::b/' }],
    };
    expect(selectorForm(selectorsInput(selectors))).toEqual(selectors);
  });

  test.each(TEMPLATES)('the template $label comes back as it went', (template) => {
    const selectors = { ...USUAL_SELECTORS, kind: 'advanced' as const, advanced: [firstForm(template)] };
    expect(selectorForm(selectorsInput(selectors))).toEqual(selectors);
  });

  test('conditions on one field are one field selector', () => {
    const advanced = [
      {
        name: '',
        conditions: [
          { field: 'eventName', operator: 'StartsWith' as const, values: 'Put\n\n Get ' },
          { field: 'eventName', operator: 'NotEquals' as const, values: 'GetObject' },
        ],
      },
    ];
    expect(selectorsInput({ ...USUAL_SELECTORS, kind: 'advanced', advanced })).toEqual({
      AdvancedEventSelectors: [
        { FieldSelectors: [{ Field: 'eventName', StartsWith: ['Put', 'Get'], NotEquals: ['GetObject'] }] },
      ],
    });
  });
});

describe('inputs', () => {
  test('what is empty is left out of a new trail', () => {
    expect(createInput(form)).toEqual({
      Name: 'main',
      S3BucketName: 'audit-logs',
      IsMultiRegionTrail: true,
      IncludeGlobalServiceEvents: true,
      IsOrganizationTrail: false,
      EnableLogFileValidation: true,
    });
  });

  test('an update says only what changed, and removes with an empty text', () => {
    const before = { ...form, prefix: 'p', topic: 't', logGroup: 'g', logRole: 'r' };
    expect(updateInput(before, before, 'arn')).toBeUndefined();
    expect(updateInput(before, { ...before, topic: '', logGroup: '', logRole: '' }, 'arn')).toEqual({
      Name: 'arn',
      SnsTopicName: '',
      CloudWatchLogsLogGroupArn: '',
      CloudWatchLogsRoleArn: '',
    });
  });
});

describe('problems', () => {
  test('a good form has none', () => expect(problemsOf(form)).toEqual({}));
  test.each([
    ['name', { name: 'a' }],
    ['name', { name: 'two..dots' }],
    ['bucket', { bucket: 'Upper' }],
    ['logs', { logGroup: 'arn:aws:logs:us-east-1:1:log-group:x:*' }],
    ['organizationId', { isOrganization: true }],
    ['selectors', { selectors: { ...USUAL_SELECTORS, management: false } }],
    ['selectors', { selectors: { ...USUAL_SELECTORS, kind: 'advanced' as const } }],
  ] as const)('%s: %j', (field, change) => expect(Object.keys(problemsOf({ ...form, ...change }))).toEqual([field]));
});

test('a bucket policy keeps the statements of others and replaces its own', () => {
  const arn = 'arn:aws:cloudtrail:us-east-1:123456789012:trail/main';
  const other = { Sid: 'Other', Effect: 'Deny' };
  const first = bucketPolicy(form, arn, '123456789012', JSON.stringify({ Id: 'x', Statement: [other] }));
  const second = bucketPolicy({ ...form, prefix: 'logs/' }, arn, '123456789012', JSON.stringify(first));
  expect(second).toMatchObject({ Id: 'x', Statement: [other, {}, {}] });
  expect(JSON.stringify(second)).toContain('arn:aws:s3:::audit-logs/logs/AWSLogs/123456789012/*');
});
