/** Who made a call, as far as its own record says, and what must be looked up to know the person behind it. */
import { type Json, at, textAt } from './record';

/** One step from the call back to a person. */
export interface Step {
  kind: string;
  name: string;
  arn: string | undefined;
  facts: [string, string][];
  /** The temporary key of this session: who asked for it is the next step. */
  issuedKey: string | undefined;
  /** When the session began, in seconds since the epoch. */
  issuedAt: number | undefined;
}

const KINDS: Record<string, string> = {
  Root: 'Root user',
  IAMUser: 'IAM user',
  AssumedRole: 'Role session',
  FederatedUser: 'Federated user',
  SAMLUser: 'SAML user',
  WebIdentityUser: 'Web identity',
  Role: 'Role',
  AWSService: 'AWS service',
  AWSAccount: 'Another account',
  Directory: 'Directory user',
  IdentityCenterUser: 'IAM Identity Center user',
  Unknown: 'Unknown',
};

/** What `userIdentity` of a record says. */
export function stepOf(record: Json | undefined): Step {
  const identity = at(record, 'userIdentity');
  const type = textAt(identity, 'type') ?? 'Unknown';
  const arn = textAt(identity, 'arn');
  const issuer = textAt(identity, 'sessionContext', 'sessionIssuer', 'userName');
  const session = arn?.split('/').slice(2).join('/');
  const name =
    type === 'AssumedRole' && issuer !== undefined
      ? `${issuer}${session ? ` / ${session}` : ''}`
      : (textAt(identity, 'userName') ??
        (type === 'Root' ? 'root' : undefined) ??
        textAt(identity, 'invokedBy') ??
        arn ??
        textAt(identity, 'principalId') ??
        'not known');
  const key = textAt(identity, 'accessKeyId');
  const created = textAt(identity, 'sessionContext', 'attributes', 'creationDate');
  const issuedAt = created === undefined ? Number.NaN : Date.parse(created) / 1000;
  const fact = (label: string, ...path: string[]): [string, string][] => {
    const value = textAt(identity, ...path);
    return value === undefined ? [] : [[label, value]];
  };
  return {
    kind: KINDS[type] ?? type,
    name,
    arn,
    facts: [
      ...fact('Account', 'accountId'),
      ...fact('Access key', 'accessKeyId'),
      ...fact('Principal ID', 'principalId'),
      ...fact('Role', 'sessionContext', 'sessionIssuer', 'arn'),
      ...fact('Source identity', 'sessionContext', 'sourceIdentity'),
      ...fact('MFA', 'sessionContext', 'attributes', 'mfaAuthenticated'),
      ...fact('Session began', 'sessionContext', 'attributes', 'creationDate'),
      ...fact('Identity provider', 'identityProvider'),
      ...fact('Federated provider', 'sessionContext', 'webIdFederationData', 'federatedProvider'),
      ...fact('Invoked by', 'invokedBy'),
    ],
    issuedKey: key?.startsWith('ASIA') === true && type !== 'AWSService' ? key : undefined,
    issuedAt: Number.isNaN(issuedAt) ? undefined : issuedAt,
  };
}
