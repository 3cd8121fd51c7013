/** Errors of the API in plain words: what happened, and what to do next. */

/** An error answer, or none at all. */
export class ApiProblem extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = 'ApiProblem';
  }
}

/** Reads an error in the JSON protocol's shape, or S3's. */
export async function problemOfAnswer(answer: Response): Promise<ApiProblem> {
  const text = await answer.text();
  if (text.trimStart().startsWith('<')) {
    const document = new DOMParser().parseFromString(text, 'text/xml');
    const member = (name: string) => document.getElementsByTagName(name)[0]?.textContent;
    return new ApiProblem(member('Code') ?? 'Unknown', member('Message') ?? answer.statusText, answer.status);
  }
  try {
    const body = JSON.parse(text) as { __type?: unknown; message?: unknown; Message?: unknown };
    const type = typeof body.__type === 'string' ? (body.__type.split('#').pop() ?? '') : '';
    const message = [body.message, body.Message].find((it) => typeof it === 'string');
    return new ApiProblem(type || 'Unknown', message ?? answer.statusText, answer.status);
  } catch {
    return new ApiProblem('Unknown', text.slice(0, 500) || answer.statusText, answer.status);
  }
}

export interface Told {
  title: string;
  text: string;
  next: string;
  code: string;
  mustSignIn: boolean;
}

/** What codes mean, in plain words. */
interface Meaning {
  codes: string[];
  title: string;
  next: string;
  /** The session's key cannot be used (any more). */
  mustSignIn?: true;
}

const MEANINGS: Meaning[] = [
  {
    codes: ['UnrecognizedClientException', 'InvalidClientTokenId', 'InvalidAccessKeyId'],
    title: 'This access key is not known here',
    next: 'Check the access key ID. A temporary key (ASIA…) needs its session token too; one that has expired is forgotten.',
    mustSignIn: true,
  },
  {
    codes: ['InvalidSignatureException', 'SignatureDoesNotMatch'],
    title: 'The secret access key does not belong to this access key',
    next: 'Check the secret access key: it is 40 characters long and ends without a blank.',
    mustSignIn: true,
  },
  {
    codes: ['ExpiredTokenException', 'ExpiredToken'],
    title: 'These temporary credentials have expired',
    next: 'Get new ones where you got these (such as aws sts assume-role), then sign in again.',
    mustSignIn: true,
  },
  {
    codes: ['IncompleteSignature', 'IncompleteSignatureException', 'MissingAuthenticationTokenException'],
    title: 'The signature did not arrive whole',
    next: 'Check that no proxy between here and the API removes the Authorization header, then sign in again.',
    mustSignIn: true,
  },
  {
    codes: ['AccessDeniedException', 'AccessDenied'],
    title: 'Your key does not allow this',
    next: 'Ask whoever keeps this server for the action named above: pugmark principals add … --policy …',
  },
  {
    codes: ['ThrottlingException'],
    title: 'Too many requests',
    next: 'Wait a second, then try again.',
  },
  {
    codes: ['ServiceUnavailable'],
    title: 'The server is busy',
    next: 'Wait a few seconds, then try again.',
  },
  {
    codes: ['NetworkError', 'TypeError'],
    title: 'The server cannot be reached',
    next: 'Check that pugmark serve is running and that its API address is reachable from here ([console] endpoint in pugmark.toml).',
  },
  {
    codes: ['InvalidTimeRangeException'],
    title: 'This time range cannot be searched',
    next: 'Choose another time range.',
  },
  {
    codes: ['UnsupportedOperationException', 'UnknownOperationException'],
    title: 'This server does not know the operation',
    next: 'Update Pugmark: the console is newer than the server.',
  },
];

const CLOCK: Omit<Meaning, 'codes'> = {
  title: "This computer's clock is too far off",
  next: 'Signatures are valid for a few minutes only: set the clock, then try again.',
  mustSignIn: true,
};

const ANY: Omit<Meaning, 'codes'> = {
  title: 'The request failed',
  next: 'Change what the message names, or try again.',
};

/** What a person is told about any failure. */
export function tell(error: unknown): Told {
  const name = error instanceof Error ? error.name : 'Error';
  const code = error instanceof ApiProblem ? error.code : name;
  const text = error instanceof Error ? error.message : String(error);
  const isClock =
    /^(InvalidSignatureException|SignatureDoesNotMatch)$/.test(code) && /expired|not yet current|skew/i.test(text);
  const { title, next, mustSignIn } = isClock ? CLOCK : (MEANINGS.find(({ codes }) => codes.includes(code)) ?? ANY);
  return { title, text, next, code, mustSignIn: mustSignIn === true };
}
