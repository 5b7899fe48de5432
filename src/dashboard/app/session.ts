import { ApiError, api } from './api.ts';

/** What the printed link has in its fragment; null where the address has none. */
export function linkToken(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('token');
}

/**
 * Lets the page in: the printed link's token is exchanged for a cookie, and taken out of the address, where it would stay
 * in the history. Resolves to false where there is no right to look.
 */
export async function enter(): Promise<boolean> {
  const token = linkToken();
  if (token !== null) history.replaceState(null, '', location.pathname + location.search);
  try {
    await (token === null
      ? api('/session')
      : api('/session', { method: 'POST', headers: { Authorization: `Bearer ${token}` } }));
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // An old link in a browser that has been let in already.
    return token !== null && error.status === 401 && (await mayLook());
  }
}

/** Whether the server still knows this page; rejects where it cannot be reached, or not in time. */
export async function mayLook(signal: AbortSignal | null = null): Promise<boolean> {
  try {
    await api('/session', { signal });
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}
