import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';

/** A message of an event stream. `data` is parsed JSON. */
export interface StreamMessage {
  id: string;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the dashboard tells is looked into by tests
  data: any;
}

/** What a browser makes of an event stream: fields that occur twice are joined, as their lines would be. */
export function parseEvents(text: string): StreamMessage[] {
  const messages: StreamMessage[] = [];
  let fields = new Map<string, string>();
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line !== '') {
      const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/su.exec(line) as RegExpExecArray;
      const before = fields.get(name);
      fields.set(name, before === undefined ? value : `${before}\n${value}`);
      continue;
    }
    const data = fields.get('data');
    if (data !== undefined)
      messages.push({ id: fields.get('id') ?? '', event: fields.get('event') ?? '', data: JSON.parse(data) });
    fields = new Map();
  }
  return messages;
}

/** A page's end of an event stream. */
export interface OpenStream {
  status: number;
  headers: IncomingHttpHeaders;
  /** All that has come, heartbeats left out. */
  messages: StreamMessage[];
  /** Resolves to the first message for which this holds, those that have come already included. */
  find(holds: (message: StreamMessage) => boolean): Promise<StreamMessage>;
  /** Resolves once the other side has ended it. */
  ended: Promise<void>;
  close(): void;
}

/** Asks for an event stream; closed when the test ends. Where the answer is none, its body is no message. */
export async function openStream(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<OpenStream> {
  const request = get({ host: '127.0.0.1', port, path, headers, agent: false });
  onTestFinished(() => void request.destroy());
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  request.on('error', () => {});
  const messages: StreamMessage[] = [];
  const watchers = new Set<() => void>();
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    const whole = text.lastIndexOf('\n\n') + 2;
    if (whole < 2) return;
    messages.push(...parseEvents(text.slice(0, whole)).filter(({ event }) => event !== 'heartbeat'));
    text = text.slice(whole);
    for (const watch of [...watchers]) watch();
  });
  response.on('error', () => {});
  const ended = new Promise<void>((resolve) => {
    response.once('close', () => {
      for (const watch of [...watchers]) watch();
      resolve();
    });
  });
  return {
    status: response.statusCode as number,
    headers: response.headers,
    messages,
    ended,
    find: (holds) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          const found = messages.find(holds);
          if (found === undefined && !response.closed) return;
          watchers.delete(watch);
          if (found !== undefined) resolve(found);
          else reject(new Error(`The stream ended without it: ${JSON.stringify(messages).slice(0, 500)}`));
        };
        watchers.add(watch);
        watch();
      }),
    close: () => void request.destroy(),
  };
}
