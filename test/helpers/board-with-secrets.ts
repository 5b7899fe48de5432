import { startTestDashboard, type TestDashboard } from './dashboard-server.ts';
import { eventBody } from './delivery.ts';
import { newReceipt } from './records.ts';

export const CALLER = '+919876543210';
/** What no answer to a stranger may have in it. */
export const PRIVATE = [CALLER, '9876543210', 'MO_secret_call', 'ev_secret', 'Sales', 'memory'];

export const PAGE = ['/', '/app.js', '/app.css', '/icon.svg'];
export const DATA: [method: string, path: string][] = [
  ['GET', '/api/feed'],
  ['GET', '/api/feed?after=1'],
  ['GET', '/api/calls/1'],
  ['GET', '/api/deliveries'],
  ['GET', '/api/deliveries/receipt/1'],
  ['GET', '/api/deliveries/receipt/1/curl'],
  ['POST', '/api/deliveries/receipt/1/resend'],
  ['GET', '/api/kpis'],
  ['POST', '/api/shown'],
];
export const ANYTHING: [method: string, path: string][] = [
  ...DATA,
  ['GET', '/api'],
  ['GET', '/nothing'],
  ['GET', '/index.html'],
  ['GET', '/api/deliveries/receipt/999'],
  ['PUT', '/api/kpis'],
  ['HEAD', '/api/feed'],
  ['OPTIONS', '/api/feed'],
];

/** A dashboard with one delivery on record, of which no stranger may learn anything. */
export async function boardWithSecrets(): Promise<TestDashboard> {
  const board = await startTestDashboard();
  const body = eventBody({ caller_number: CALLER, call_id: 'MO_secret_call', metadata: { queue: 'Sales' } });
  await board.store.addReceipt(
    newReceipt({
      eventId: 'ev_secret',
      callId: 'MO_secret_call',
      body,
      headers: ['X-MO-Event-Id', 'ev_secret'],
    }),
  );
  return board;
}
