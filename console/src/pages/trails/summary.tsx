/** Selectors in words. */
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { LongText } from '../../components/safe-text';
import { type SelectorForm, linesOf } from './form';

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
