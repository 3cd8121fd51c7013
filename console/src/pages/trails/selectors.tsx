/** Which events a trail records: basic and advanced selectors. */
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import Tiles from '@cloudscape-design/components/tiles';

import {
  ADVANCED_FIELDS,
  type AdvancedForm,
  BASIC_DATA_TYPES,
  type Condition,
  type DataResource,
  OPERATORS,
  type SelectorForm,
  TEMPLATES,
  firstForm,
} from './form';

/** The list with another item at this place, or without one there. */
function replaced<T>(list: T[], index: number, next: T | undefined): T[] {
  return list.flatMap((it, at) => (at !== index ? [it] : next === undefined ? [] : [next]));
}

interface Props {
  value: SelectorForm;
  onChange: (value: SelectorForm) => void;
  problem: string | undefined;
  hasMany: boolean;
}

export function SelectorFields({ value, onChange, problem, hasMany }: Props) {
  const set = (change: Partial<SelectorForm>) => onChange({ ...value, ...change });
  return (
    <SpaceBetween size="l">
      <FormField label="Kind of selectors" stretch>
        <Tiles
          value={value.kind}
          onChange={({ detail }) => set({ kind: detail.value as SelectorForm['kind'] })}
          items={[
            ...(hasMany
              ? [{ value: 'kept', label: 'Keep', description: 'The several basic selectors that the trail has' }]
              : []),
            {
              value: 'basic',
              label: 'Basic',
              description: 'Management events, and data events of S3, Lambda and DynamoDB',
            },
            { value: 'advanced', label: 'Advanced', description: 'Conditions on fields, for every kind of event' },
          ]}
        />
      </FormField>
      {problem !== undefined && <Alert type="error">{problem}</Alert>}
      {value.kind === 'basic' && <Basic value={value} set={set} />}
      {value.kind === 'advanced' && <Advanced value={value.advanced} onChange={(advanced) => set({ advanced })} />}
    </SpaceBetween>
  );
}

function Basic({ value, set }: { value: SelectorForm; set: (change: Partial<SelectorForm>) => void }) {
  const readWrites = [
    { value: 'All', label: 'Reads and writes' },
    { value: 'WriteOnly', label: 'Writes only' },
    { value: 'ReadOnly', label: 'Reads only' },
  ];
  return (
    <SpaceBetween size="l">
      <FormField label="API activity" description="For management and data events alike.">
        <Select
          selectedOption={readWrites.find((it) => it.value === value.readWrite) ?? null}
          options={readWrites}
          onChange={({ detail }) => set({ readWrite: detail.selectedOption.value as SelectorForm['readWrite'] })}
        />
      </FormField>
      <SpaceBetween size="xs">
        <Checkbox
          checked={value.management}
          onChange={({ detail }) => set({ management: detail.checked })}
          description="Calls that create, change, delete or list resources"
        >
          Management events
        </Checkbox>
        {value.management && (
          <Box padding={{ left: 'xl' }}>
            <Checkbox checked={value.excludeKms} onChange={({ detail }) => set({ excludeKms: detail.checked })}>
              Leave out events of KMS
            </Checkbox>
            <Checkbox checked={value.excludeRdsData} onChange={({ detail }) => set({ excludeRdsData: detail.checked })}>
              Leave out events of the RDS Data API
            </Checkbox>
          </Box>
        )}
      </SpaceBetween>
      <SpaceBetween size="s">
        <Header
          variant="h3"
          description="Calls on what resources hold: objects, functions, items."
          actions={
            <Button
              formAction="none"
              onClick={() => {
                const free = BASIC_DATA_TYPES.find(({ value: type }) => value.data.every((it) => it.type !== type));
                if (free !== undefined) set({ data: [...value.data, { type: free.value, values: free.all }] });
              }}
              disabled={value.data.length >= BASIC_DATA_TYPES.length}
            >
              Add data events
            </Button>
          }
        >
          Data events
        </Header>
        {value.data.length === 0 && (
          <Box color="text-body-secondary">None. They are many: add those that you need.</Box>
        )}
        {value.data.map((resource, index) => (
          <Data
            key={resource.type}
            value={resource}
            used={value.data.map(({ type }) => type)}
            onChange={(next) => set({ data: replaced(value.data, index, next) })}
          />
        ))}
      </SpaceBetween>
    </SpaceBetween>
  );
}

function Data({
  value,
  used,
  onChange,
}: {
  value: DataResource;
  used: string[];
  onChange: (value: DataResource | undefined) => void;
}) {
  const options = BASIC_DATA_TYPES.filter(({ value: type }) => type === value.type || !used.includes(type)).map(
    (it) => ({
      value: it.value,
    }),
  );
  const all = BASIC_DATA_TYPES.find((it) => it.value === value.type)?.all;
  return (
    <Container>
      <SpaceBetween size="s">
        <FormField
          label="Resource type"
          secondaryControl={
            <Button
              formAction="none"
              onClick={() => onChange(undefined)}
              ariaLabel={`Remove data events of ${value.type}`}
            >
              Remove
            </Button>
          }
        >
          <Select
            selectedOption={{ value: value.type }}
            options={options}
            onChange={({ detail }) => {
              const type = detail.selectedOption.value ?? '';
              onChange({ type, values: BASIC_DATA_TYPES.find((it) => it.value === type)?.all ?? '' });
            }}
          />
        </FormField>
        <FormField label="ARNs" description={`One a line. ${all ?? ''} means all.`} stretch>
          <Textarea
            rows={2}
            value={value.values}
            onChange={({ detail }) => onChange({ ...value, values: detail.value })}
          />
        </FormField>
      </SpaceBetween>
    </Container>
  );
}

function Advanced({ value, onChange }: { value: AdvancedForm[]; onChange: (value: AdvancedForm[]) => void }) {
  return (
    <SpaceBetween size="m">
      <Header
        variant="h3"
        description="An event is recorded if all conditions of one selector hold."
        actions={
          <ButtonDropdown
            items={[
              ...TEMPLATES.map(({ id, label, description }) => ({ id, text: label, secondaryText: description })),
              { id: 'empty', text: 'Empty selector', secondaryText: 'Conditions of your own' },
            ]}
            onItemClick={({ detail }) => {
              onChange([...value, firstForm(TEMPLATES.find(({ id }) => id === detail.id))]);
            }}
          >
            Add selector
          </ButtonDropdown>
        }
      >
        Selectors
      </Header>
      {value.length === 0 && (
        <Box color="text-body-secondary">None yet. Begin with a template under “Add selector”.</Box>
      )}
      {value.map((selector, index) => (
        <OneAdvanced
          key={index}
          number={index + 1}
          value={selector}
          onChange={(next) => onChange(replaced(value, index, next))}
        />
      ))}
    </SpaceBetween>
  );
}

function OneAdvanced({
  number,
  value,
  onChange,
}: {
  number: number;
  value: AdvancedForm;
  onChange: (value: AdvancedForm | undefined) => void;
}) {
  const replace = (index: number, next: Condition | undefined) =>
    onChange({ ...value, conditions: replaced(value.conditions, index, next) });
  return (
    <Container
      header={
        <Header
          variant="h3"
          actions={
            <SpaceBetween size="xs" direction="horizontal">
              <Button
                formAction="none"
                onClick={() =>
                  onChange({
                    ...value,
                    conditions: [...value.conditions, { field: '', operator: 'Equals', values: '' }],
                  })
                }
              >
                Add condition
              </Button>
              <Button formAction="none" onClick={() => onChange(undefined)} ariaLabel={`Remove selector ${number}`}>
                Remove
              </Button>
            </SpaceBetween>
          }
        >
          Selector {number}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FormField label="Name – optional" stretch>
          <Input value={value.name} onChange={({ detail }) => onChange({ ...value, name: detail.value })} />
        </FormField>
        {value.conditions.map((condition, index) => (
          <div key={index} className="pm-condition">
            <FormField label="Field">
              <Autosuggest
                value={condition.field}
                options={ADVANCED_FIELDS.map((field) => ({ value: field }))}
                enteredTextLabel={(text) => `Use "${text}"`}
                onChange={({ detail }) => replace(index, { ...condition, field: detail.value })}
                expandToViewport
              />
            </FormField>
            <FormField label="Operator">
              <Select
                selectedOption={{ value: condition.operator }}
                options={OPERATORS.map((operator) => ({ value: operator }))}
                onChange={({ detail }) =>
                  replace(index, { ...condition, operator: detail.selectedOption.value as Condition['operator'] })
                }
                expandToViewport
              />
            </FormField>
            <FormField label="Values, one a line">
              <Textarea
                rows={Math.max(1, condition.values.split('\n').length)}
                value={condition.values}
                onChange={({ detail }) => replace(index, { ...condition, values: detail.value })}
              />
            </FormField>
            <div className="pm-condition-remove">
              <Button
                formAction="none"
                iconName="close"
                variant="icon"
                ariaLabel={`Remove the condition on ${condition.field === '' ? 'no field' : condition.field}`}
                onClick={() => replace(index, undefined)}
              />
            </div>
          </div>
        ))}
      </SpaceBetween>
    </Container>
  );
}
