import { isUtf8 } from 'node:buffer';
import { maskCredentials } from './credentials.ts';
import { UsageError } from './errors.ts';
import type { RawHeaders } from './headers.ts';
import { MASK, mapValues, referenceOf } from './url-values.ts';

/**
 * A cURL command that makes the same request; the secret is not in it, only the signature it gave. Of the URL's values
 * those that refer to a variable (`env:NAME`) are written `$NAME`, for the shell to fill in; the others are masked, as the
 * headers with credentials are.
 */
export function curlCommand(url: URL, given: RawHeaders, body: Uint8Array, insecure = false): string {
  if (!isUtf8(body) || body.includes(0)) {
    throw new UsageError(
      '--curl: the body is binary, which a command line cannot carry. Save it and use curl --data-binary @FILE.',
    );
  }
  // Brackets and braces in a URL are patterns to curl, and a variable may hold some.
  const word = urlWord(url.href);
  const literal = /[[\]{}]|"\$/.test(word.slice(url.origin.length + 1)) ? '-g ' : '';
  const parts = [`curl -sS -i ${insecure ? '-k ' : ''}${literal}-X POST ${word}`];
  const headers = maskCredentials(given);
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i], headers[i + 1]];
    // A header without a value is written with a semicolon.
    parts.push(`-H ${quote(value === '' ? `${name};` : `${name}: ${value}`)}`);
  }
  // A leading @ would make curl read a file.
  const text = Buffer.from(body).toString('utf8');
  parts.push(`${text.startsWith('@') ? '--data-raw' : '--data-binary'} ${quote(text)}`);
  return parts.join(' \\\n  ');
}

/** A URL as one word for a POSIX shell, which fills in the variables that it refers to. */
function urlWord(url: string): string {
  // No URL holds a NUL, so it can stand where the quotes are to end.
  const marked = mapValues(url, (value) => {
    const name = referenceOf(value);
    return name === null ? MASK : `\0${name}\0`;
  });
  return quote(marked).replaceAll(/\0(\w+)\0/g, `'"$$$1"'`);
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
