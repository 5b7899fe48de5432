import { isUtf8 } from 'node:buffer';
import { UsageError } from './errors.ts';
import type { RawHeaders } from './headers.ts';

/** A cURL command that makes the same request; the secret is not in it, only the signature it gave. */
export function curlCommand(url: URL, headers: RawHeaders, body: Uint8Array, insecure = false): string {
  if (!isUtf8(body) || body.includes(0)) {
    throw new UsageError(
      '--curl: the body is binary, which a command line cannot carry. Save it and use curl --data-binary @FILE.',
    );
  }
  // Brackets and braces in a URL are patterns to curl; a header without a value is written with a semicolon.
  const literal = /[[\]{}]/.test(url.pathname + url.search) ? '-g ' : '';
  const parts = [`curl -sS -i ${insecure ? '-k ' : ''}${literal}-X POST ${quote(url.href)}`];
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i], headers[i + 1]];
    parts.push(`-H ${quote(value === '' ? `${name};` : `${name}: ${value}`)}`);
  }
  // A leading @ would make curl read a file.
  const text = Buffer.from(body).toString('utf8');
  parts.push(`${text.startsWith('@') ? '--data-raw' : '--data-binary'} ${quote(text)}`);
  return parts.join(' \\\n  ');
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
