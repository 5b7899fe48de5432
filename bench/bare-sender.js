// A bare loop on undici that only signs and sends: `node bare-sender.js URL COUNT CONNECTIONS`. Every event is distinct;
// nothing is measured, retried, recorded or shown.
import { createHmac } from 'node:crypto';
import { Pool } from 'undici';

const [url, count, connections] = [
  new URL(process.argv[2]),
  Number(process.argv[3]),
  Number(process.argv[4]),
];
const pool = new Pool(url.origin, { connections, pipelining: 1 });
let next = 0;

async function worker() {
  while (next < count) {
    const i = next++;
    const body = JSON.stringify({
      event: 'call_connected',
      call_id: `MO${123_456_789 + i}`,
      caller_number: '+919876543210',
      receiver_number: '+911234567890',
      direction: 'inbound',
      timestamp: new Date().toISOString(),
      duration_seconds: 0,
      metadata: { queue: 'Sales', agent_id: 'ag_72', recording_url: null },
    });
    const response = await pool.request({
      method: 'POST',
      path: url.pathname,
      headers: {
        'Content-Type': 'application/json',
        'X-MO-Event-Id': `ev_${i}`,
        'X-MO-Signature': `sha256=${createHmac('sha256', 'bench-secret').update(body).digest('hex')}`,
        'X-MO-Delivery-Attempt': '1',
      },
      body,
    });
    await response.body.dump();
  }
}

await Promise.all(Array.from({ length: connections }, worker));
await pool.close();
