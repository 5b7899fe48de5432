/** What the server said no to, in its words. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Asks the server for JSON. Rejects with ApiError, or with TypeError where it cannot be reached. */
export async function api<Result>(path: string, init: RequestInit = {}): Promise<Result> {
  const response = await ask(path, init);
  return (await response.json()) as Result;
}

export async function apiText(path: string): Promise<string> {
  const response = await ask(path, {});
  return response.text();
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, { ...init, credentials: 'same-origin', redirect: 'error' });
  if (response.ok) return response;
  const text = await response.text();
  throw new ApiError(response.status, messageOf(text) ?? (text || `The server answered ${response.status}.`));
}

function messageOf(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error : null;
  } catch {
    return null;
  }
}

/** What went wrong, for people. */
export function describeError(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  // What fetch rejects with; anything else is a mistake of this page's.
  return error instanceof TypeError ? 'The server cannot be reached.' : String(error);
}
