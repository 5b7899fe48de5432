import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { RelayStore } from '../../src/core/relay-store.ts';
import { openRelayStore } from '../../src/store/open.ts';
import { testIo } from './test-io.ts';

/** The moment at which these commands run, where nothing else is said. */
export const NOW = Date.parse('2026-01-31T12:00:00.000Z');

export interface ChannelFolder {
  cwd: string;
  /** `relay channel …` in this folder. */
  channel(args: string[], now?: number): Promise<{ code: number; out: string; err: string }>;
  /** The same with --json, for what must go well and say nothing else. */
  channelJson<Result = Record<string, unknown>>(args: string[], now?: number): Promise<Result>;
  names(): Promise<string[]>;
  /** What a relay does with its store, that runs beside these commands or ran before. */
  withStore<Result>(work: (store: RelayStore) => Promise<Result>): Promise<Result>;
}

/** A new folder of a relay's. */
export function channelFolder(): ChannelFolder {
  const { cwd } = testIo();
  const folder: ChannelFolder = {
    cwd,
    async channel(args, now = NOW) {
      const io = testIo({ cwd });
      io.now = () => now;
      const code = await run(['relay', 'channel', ...args], io);
      return { code, out: io.out(), err: io.err() };
    },
    async channelJson<Result>(args: string[], now = NOW) {
      const { code, out, err } = await folder.channel([...args, '--json'], now);
      expect([code, err]).toEqual([0, '']);
      return JSON.parse(out) as Result;
    },
    names: async () =>
      (await folder.channelJson<{ name: string }[]>(['list'])).map(({ name }) => name).sort(),
    async withStore(work) {
      mkdirSync(join(cwd, '.mo-notify'), { recursive: true });
      const store = await openRelayStore(join(cwd, '.mo-notify/relay.db'));
      try {
        return await work(store);
      } finally {
        await store.close();
      }
    },
  };
  return folder;
}

/** The secret part of a channel's URL. */
export function idOf({ publish_url }: Record<string, unknown>): string {
  return (publish_url as string).split('/').at(-1) as string;
}
