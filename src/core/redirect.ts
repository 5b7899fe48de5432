import { headerValue, type RawHeaders } from './headers.ts';
import { shownUrl } from './redact.ts';

/** Where an answer redirects to, as far as a message may repeat it; null where it does not. It is text from outside. */
export function redirectOf({
  status,
  headers,
}: {
  status: number | null;
  headers: RawHeaders;
}): string | null {
  if (status === null || status < 300 || status > 399) return null;
  const location = headerValue(headers, 'Location');
  return location === undefined ? null : shownUrl(location);
}
