import { canBeHeader, headerPairs } from '../core/headers.ts';
import type { Answer } from '../http/serve-options.ts';
import { BadFrameError, decodeContent } from './frames.ts';

/** A delivery as a listener takes it. */
export interface Handed {
  headers: string[];
  body: Buffer;
}

/** What a relay hands on came to it as a request, so it has no headers that could not stand in one (fault F13). */
export function readContent(bytes: Uint8Array): Handed {
  const content = decodeContent(bytes);
  for (const [name, value] of headerPairs(content.headers))
    if (!canBeHeader(name, value)) throw new BadFrameError('it has a header that cannot stand in a request');
  return content;
}

/** An app may say anything; a final status of HTTP is what the platform can be told. */
export function sayable(answer: Answer): Answer {
  const { status } = answer;
  if (status >= 200 && status <= 599) return answer;
  return { status: 502, headers: [], body: `The app answered ${status}, which is no status of HTTP` };
}
