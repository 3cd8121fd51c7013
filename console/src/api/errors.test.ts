import { expect, test } from 'vitest';

import { ApiProblem, tell } from './errors';

test.each([
  ['UnrecognizedClientException', 'x', 'This access key is not known here', true],
  ['InvalidSignatureException', 'does not match', 'The secret access key does not belong to this access key', true],
  ['InvalidSignatureException', 'Signature expired: 2026', "This computer's clock is too far off", true],
  ['ExpiredTokenException', 'x', 'These temporary credentials have expired', true],
  ['MissingAuthenticationTokenException', 'x', 'The signature did not arrive whole', true],
  ['AccessDeniedException', 'x', 'Your key does not allow this', false],
  ['TrailNotFoundException', 'x', 'The request failed', false],
])('%s (%s)', (code, message, title, mustSignIn) => {
  expect(tell(new ApiProblem(code, message, 400))).toMatchObject({ code, title, text: message, mustSignIn });
});

test('what is thrown without a code is told too', () => {
  expect(tell(new TypeError('Failed to fetch'))).toMatchObject({ title: 'The server cannot be reached' });
  expect(tell('text')).toMatchObject({ title: 'The request failed', text: 'text' });
});
