import { beforeEach, expect, test, vi } from 'vitest';
import type { Context } from '../../../src/cli/context.ts';
import { DASHBOARD_PORT, serveDashboard } from '../../../src/cli/serve-dashboard.ts';
import { EnvironmentError } from '../../../src/core/errors.ts';
import type { DashboardOptions, startDashboard } from '../../../src/dashboard/server.ts';
import { memoryLog } from '../../helpers/memory-log.ts';
import { testIo } from '../../helpers/test-io.ts';

const starting = vi.fn<typeof startDashboard>();

const setting = { host: '127.0.0.1', port: null, portFlag: '--port', receiver: null, app: null, secrets: [] };

function serve(port: number | null = null) {
  const context = { io: testIo(), warn: () => {} } as unknown as Context;
  return serveDashboard(context, { ...setting, store: memoryLog().store, port }, starting);
}

/** Ports that cannot be had, for a reason. */
function refuse(ports: readonly number[], code: string): void {
  starting.mockImplementation(async ({ port }: DashboardOptions) => {
    if (ports.includes(port))
      throw new EnvironmentError(`no ${port}`, { cause: Object.assign(new Error(), { code }) });
    return { port: port === 0 ? 54_321 : port } as Awaited<ReturnType<typeof startDashboard>>;
  });
}

beforeEach(() => void starting.mockReset());

test('the usual port is 4801', async () => {
  refuse([], '');
  expect(DASHBOARD_PORT).toBe(4801);
  expect((await serve()).port).toBe(4801);
});

test('where that is taken it is any other that is free', async () => {
  refuse([4801], 'EADDRINUSE');
  expect((await serve()).port).toBe(54_321);
  expect(starting.mock.calls.map(([{ port }]) => port)).toEqual([4801, 0]);
});

test('where that cannot be had for another reason, or no port can, that is said', async () => {
  refuse([4801], 'EACCES');
  await expect(serve()).rejects.toThrow('no 4801');
  refuse([4801, 0], 'EADDRINUSE');
  await expect(serve()).rejects.toThrow('no 0');
});

test('one that was asked for is that one or none', async () => {
  refuse([4801, 5000], 'EADDRINUSE');
  await expect(serve(4801)).rejects.toThrow('no 4801');
  await expect(serve(5000)).rejects.toThrow('no 5000');
  expect((await serve(5001)).port).toBe(5001);
  expect(starting.mock.calls.map(([{ port }]) => port)).toEqual([4801, 5000, 5001]);
});
