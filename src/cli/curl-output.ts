import { maskCredentials } from '../core/credentials.ts';
import { curlCommand } from '../core/curl.ts';
import type { RawHeaders } from '../core/headers.ts';
import { encodeValue, queryValues, referenceOf } from '../core/url-values.ts';
import type { Context } from './context.ts';
import type { Target } from './target.ts';

/** The cURL command for one delivery. Says what has to be filled in before it does the same as we would. */
export function curlFor(
  context: Context,
  target: Target,
  { headers, body, insecure = false }: { headers: RawHeaders; body: Uint8Array; insecure?: boolean },
): string {
  const command = curlCommand(new URL(target.written), headers, body, insecure);
  const variables = queryValues(target.written).map(({ value }) => referenceOf(value));
  if (variables.includes(null))
    context.note('The URL has masked values (***). Fill them in, or write them as ?key=env:NAME.');
  if (maskCredentials(headers) !== headers)
    context.note('The values of headers with credentials are masked (***). Fill them in.');
  for (const name of new Set(variables)) {
    const value = name === null ? '' : (context.io.env[name] ?? '');
    if (encodeValue(value) !== value)
      context.note(`curl sends $${name} as it is, and its value needs percent-encoding. Encode it first.`);
  }
  return command;
}
