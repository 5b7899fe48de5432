import { expect, test } from 'vitest';
import { createContext } from '../../../src/cli/context.ts';
import { listenLog } from '../../../src/cli/listen-log.ts';
import { PLAIN } from '../../../src/cli/style.ts';
import { StoreError } from '../../../src/core/errors.ts';
import { jsonLines, testIo } from '../../helpers/test-io.ts';

const full = new StoreError('The queue is full.', 'full');

function logOf(options: { json?: boolean } = {}) {
  const io = testIo();
  const log = listenLog(createContext(io, options, PLAIN), { app: null, secrets: [], withBodies: false });
  return { io, log };
}

test('G10 what could not be stored is told as what it was, and each kind of it once', () => {
  const { io, log } = logOf({ json: true });
  for (let i = 0; i < 3; i++) {
    log.storeFailure(full, 'evidence');
    log.storeFailure(full, 'delivery');
    log.storeFailure(full, 'outcome');
  }
  log.storeFailure(full, 'evidence');
  expect(io.err().split('\n')).toEqual([
    'mo-notify: refused delivery counted, not recorded: The queue is full.',
    'mo-notify: not stored, answered 503: The queue is full.',
    "mo-notify: the app's answer not recorded: The queue is full.",
    '',
  ]);
  log.summary();
  expect(jsonLines(io)).toMatchObject([{ type: 'summary', unstored: 3, unrecorded: 4 }]);
});

test('G10 the summary for people counts them apart', () => {
  const { io, log } = logOf();
  log.storeFailure(full, 'evidence');
  log.stop();
  log.summary();
  expect(io.out()).toContain('0 received: 0 new, 0 duplicates, 0 refused, 1 unrecorded\n');
  expect(io.out()).not.toContain('unstored');
});
