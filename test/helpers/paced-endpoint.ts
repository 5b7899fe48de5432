import { onTestFinished, vi } from 'vitest';
import { type Endpoint, startEndpoint } from './endpoint.ts';

/** An endpoint whose every answer takes so many ms by this process's monotonic clock, which stands still otherwise. */
export function pacedEndpoint(ms: number): Promise<Endpoint> {
  let now = performance.now();
  const { mockRestore } = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(mockRestore);
  return startEndpoint((response) => {
    now += ms;
    response.end();
  });
}
