/** The fields by which events are filtered, as the property filter offers them. */

export interface Field {
  key: string;
  label: string;
  /** Label of the group of its values. */
  values: string;
  /** Values that are few and known. */
  known?: string[];
}

/** Not a field of the record: whether the call failed, as a question about `errorCode`. */
export const OUTCOME = 'outcome';

export const FIELDS: Field[] = [
  { key: 'EventName', label: 'Event name', values: 'Event names' },
  { key: 'EventSource', label: 'Event source', values: 'Event sources' },
  { key: 'Username', label: 'User name', values: 'User names' },
  { key: 'ResourceName', label: 'Resource name', values: 'Resource names' },
  { key: 'ResourceType', label: 'Resource type', values: 'Resource types' },
  { key: 'ReadOnly', label: 'Read-only', values: 'Read-only', known: ['true', 'false'] },
  { key: OUTCOME, label: 'Outcome', values: 'Outcomes', known: ['succeeded', 'failed'] },
  { key: 'errorCode', label: 'Error code', values: 'Error codes' },
  { key: 'errorMessage', label: 'Error message', values: 'Error messages' },
  { key: 'AccessKeyId', label: 'Access key', values: 'Access keys' },
  { key: 'sourceIPAddress', label: 'Source address', values: 'Source addresses' },
  { key: 'userAgent', label: 'User agent', values: 'User agents' },
  { key: 'awsRegion', label: 'Region', values: 'Regions' },
  { key: 'recipientAccountId', label: 'Account', values: 'Accounts' },
  { key: 'userIdentity.type', label: 'Identity type', values: 'Identity types' },
  { key: 'userIdentity.arn', label: 'Identity ARN', values: 'Identity ARNs' },
  { key: 'userIdentity.sessionContext.sessionIssuer.userName', label: 'Role name', values: 'Role names' },
  { key: 'userIdentity.sessionContext.sourceIdentity', label: 'Source identity', values: 'Source identities' },
  { key: 'userIdentity.invokedBy', label: 'Invoked by', values: 'Invoking services' },
  { key: 'EventId', label: 'Event ID', values: 'Event IDs' },
  { key: 'requestID', label: 'Request ID', values: 'Request IDs' },
  { key: 'sharedEventID', label: 'Shared event ID', values: 'Shared event IDs' },
  { key: 'eventType', label: 'Event type', values: 'Event types' },
  { key: 'vpcEndpointId', label: 'VPC endpoint', values: 'VPC endpoints' },
  { key: 'tlsDetails.tlsVersion', label: 'TLS version', values: 'TLS versions' },
];

export function labelOf(key: string): string {
  return FIELDS.find((field) => field.key === key)?.label ?? key;
}
