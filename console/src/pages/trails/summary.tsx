/** A trail's settings in words. */
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { LongText } from '../../components/safe-text';
import { type SelectorForm, type TrailForm, linesOf } from './form';

/** A fact that may be missing. */
export function fact(label: string, value: string) {
  return { label, value: value.trim() === '' ? '-' : <LongText text={value.trim()} charsMax={300} /> };
}

/** What a trail is set to, but for its name and selectors. */
export function settings(form: TrailForm) {
  const insights = [form.callRate && 'API call rate', form.errorRate && 'API error rate'].filter(Boolean);
  return [
    fact('Bucket', `${form.bucket}${form.isNewBucket ? ' (is created)' : ''}`),
    fact('Key prefix', form.prefix),
    fact('Regions', form.isMultiRegion ? 'All' : 'Home Region only'),
    fact('Global services', form.isMultiRegion || form.hasGlobalEvents ? 'Included' : 'Left out'),
    fact('Accounts', form.isOrganization ? 'All of the organization' : 'This one'),
    fact('Encryption', form.kmsKey.trim() === '' ? 'SSE-S3' : `SSE-KMS, ${form.kmsKey.trim()}`),
    fact('Log file validation', form.validates ? 'On' : 'Off'),
    fact('SNS topic', form.topic),
    fact('CloudWatch Logs group', form.logGroup),
    fact('Role for CloudWatch Logs', form.logRole),
    fact('Insights', insights.join(', ') || 'Off'),
    fact('Tags', form.tags.map(({ key, value }) => `${key}=${value}`).join(', ')),
  ];
}

const READ_WRITE = { All: 'Reads and writes', ReadOnly: 'Reads', WriteOnly: 'Writes' };
const WORDS: Record<string, string> = {
  Equals: 'is',
  NotEquals: 'is not',
  StartsWith: 'begins with',
  NotStartsWith: 'does not begin with',
  EndsWith: 'ends with',
  NotEndsWith: 'does not end with',
};

export function SelectorSummary({ form }: { form: SelectorForm }) {
  if (form.kind === 'kept') return <Box>Several basic selectors; the AWS CLI shows them (get-event-selectors).</Box>;
  if (form.kind === 'basic') {
    const left = [form.excludeKms && 'KMS', form.excludeRdsData && 'RDS Data'].filter(Boolean).join(' and ');
    return (
      <ul>
        {form.management && (
          <li>
            Management events: {READ_WRITE[form.readWrite].toLowerCase()}
            {left !== '' && `, without ${left}`}
          </li>
        )}
        {form.data.map(({ type, values }) => (
          <li key={type}>
            Data events of {type}: {READ_WRITE[form.readWrite].toLowerCase()} of{' '}
            <LongText text={linesOf(values).join(', ')} />
          </li>
        ))}
      </ul>
    );
  }
  return (
    <SpaceBetween size="s">
      {form.advanced.map(({ name, conditions }, index) => (
        <div key={index}>
          <Box variant="strong">{name === '' ? `Selector ${index + 1}` : <LongText text={name} charsMax={200} />}</Box>
          <ul>
            {conditions.map(({ field, operator, values }, at) => (
              <li key={at}>
                {field} {WORDS[operator] ?? operator} <LongText text={linesOf(values).join(' or ')} />
              </li>
            ))}
          </ul>
        </div>
      ))}
    </SpaceBetween>
  );
}
