import { randomBytes } from 'node:crypto';
import { EnvironmentError, UsageError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import { displayUrl, shownUrl, visible } from '../core/redact.ts';
import type { Answer, IncomingRequest } from '../http/serve-options.ts';
import { SYSTEM_CLOCK } from '../tunnel/clock.ts';
import { Probe, type Proof } from '../tunnel/probe.ts';
import type { LinkState, ListenerAnswer, Tunnel } from '../tunnel/tunnel-options.ts';
import type { Context } from './context.ts';
import type { ListenOptions } from './listen-settings.ts';
import { proxyFor } from './proxy.ts';
import { filledIn } from './target.ts';

export const TUNNEL_TOKEN = 'MO_TUNNEL_TOKEN';

/** How a receiver is to be reached from the internet, as flags say it. */
export interface PlannedWay {
  /** `wss://relay/CHANNEL`, or the public URL of a tunnel of the user's own. */
  url: URL;
  /** The same as it was written, with references to variables (`?key=env:NAME`). */
  written: URL;
  /** What the relay lets a listener in by; null for a tunnel of the user's own. */
  token: { name: string; value: string } | null;
  beside: 'takeover' | 'fan-out' | null;
  ack: 'app' | 'relay' | null;
  exitOnDisconnect: boolean;
  /** Whether the relay may name a public URL that is not the tunnel's own. */
  allowOther: boolean;
  allowHttp: boolean;
  probe: boolean;
}

export interface WayOptions {
  receive(request: IncomingRequest): Promise<ListenerAnswer>;
  /** The path that deliveries are said to have come to. */
  target: string;
  onLink(state: LinkState): void;
  onStuck(answer: Answer | null): void;
}

/** A way from the internet to this receiver. */
export interface Way {
  /** The answer to the way's own probe; null for everything else. */
  intercept(request: IncomingRequest): Promise<Answer> | null;
  /** Resolves once the way is proved; null where `ended` came first. Rejects with KnownError where it leads nowhere. */
  open(ended: Promise<void>): Promise<OpenWay | null>;
  /** Answers what is under way, and takes nothing more. */
  close(graceMs: number): Promise<void>;
}

export interface OpenWay {
  publicUrl: URL;
  /** What the probe found; null where none was sent. */
  proof: Proof | null;
  tunnel: Tunnel | null;
}

/** Reads the flags; null where none asks for a way. Throws UsageError. */
export function readWay(options: ListenOptions, env: Record<string, string | undefined>): PlannedWay | null {
  const { tunnel, publicUrl, probe, allowPrivate = false, exitOnDisconnect = false } = options;
  if (tunnel === undefined) {
    for (const [given, flag] of [
      [options.takeover, '--takeover'],
      [options.fanOut, '--fan-out'],
      [options.exitOnDisconnect, '--exit-on-disconnect'],
      [options.tunnelTokenEnv, '--tunnel-token-env'],
      [options.ack === 'relay' ? true : undefined, '--ack relay'],
    ] as const)
      if (given !== undefined) throw new UsageError(`${flag} is about a tunnel: give --tunnel URL too.`);
  }
  if (tunnel !== undefined && publicUrl !== undefined)
    throw new UsageError('--tunnel and --public-url are two ways to the same receiver: give one of them.');
  const none = {
    allowHttp: options.allowHttp === true,
    token: null,
    beside: null,
    ack: null,
    exitOnDisconnect,
    probe,
  };
  if (tunnel === undefined) {
    if (publicUrl === undefined) return null;
    const written = readPublicUrl(publicUrl);
    return { ...none, url: filledIn(written, env), written, allowOther: false };
  }
  if (options.takeover === true && options.fanOut === true)
    throw new UsageError('--takeover and --fan-out exclude each other: take the place, or share it.');
  const url = readTunnelUrl(tunnel);
  return {
    ...none,
    url,
    written: url,
    token: readToken(options.tunnelTokenEnv ?? TUNNEL_TOKEN, env),
    beside: options.takeover === true ? 'takeover' : options.fanOut === true ? 'fan-out' : null,
    ack: options.ack === 'first' ? null : (options.ack ?? null),
    allowOther: allowPrivate,
  };
}

function readPublicUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || hasCredentials(url))
    throw new UsageError(
      `--public-url: '${shownUrl(text)}' is not a URL. Write it like https://example.ngrok.app/notify.`,
    );
  return url;
}

function readTunnelUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text.replace(/^http(?=s?:)/i, 'ws')) : null;
  if (url === null || !/^wss?:$/.test(url.protocol) || !/\/[\w-]+$/.test(url.pathname))
    throw new UsageError(
      `--tunnel: '${shownUrl(text)}' is not a channel's URL. Write wss://RELAY/CHANNEL, as 'mo-notify relay channel create' prints it.`,
    );
  if (hasCredentials(url) || url.search !== '')
    throw new UsageError(
      `--tunnel: a token does not belong into a URL, where logs and proxies see it. Put it into the variable ${TUNNEL_TOKEN}.`,
    );
  if (url.protocol === 'ws:' && !isLoopback(url))
    throw new UsageError(
      `--tunnel: ws:// would send the token to ${url.host} in the open. Use wss://; ws:// is for a relay on this machine.`,
    );
  return url;
}

function hasCredentials({ username, password }: URL): boolean {
  return username !== '' || password !== '';
}

function readToken(name: string, env: Record<string, string | undefined>): { name: string; value: string } {
  const value = env[name];
  if (value === undefined)
    throw new UsageError(
      `--tunnel: the variable ${name} is not set. Set it to the channel's token, or name another with --tunnel-token-env.`,
    );
  if (!/^[\x21-\x7e]{1,512}$/.test(value))
    throw new UsageError(`--tunnel: what is in ${name} is no token: it is empty, or has white space in it.`);
  return { name, value };
}

/** Makes ready for the way that was planned; nothing is sent before `open`. */
export function prepareWay(context: Context, planned: PlannedWay, options: WayOptions): Way {
  const { io } = context;
  const clock = { ...SYSTEM_CLOCK, now: io.now, elapsed: io.elapsed };
  const session = randomBytes(16).toString('hex');
  const probe = planned.probe ? new Probe(session, clock) : null;
  let proof: Proof | null = null;
  let tunnel: Tunnel | null = null;

  const intercept = (request: IncomingRequest) => {
    const answer = probe?.intercept(request) ?? null;
    return answer === null ? null : Promise.resolve(answer);
  };

  async function prove(url: URL): Promise<void> {
    if (probe === null) return;
    context.note(`Sending a probe to ${visible(displayUrl(url), 200)} …`);
    proof = await probe.run(url, { allowHttp: planned.allowHttp, proxy: proxyFor(url) });
  }

  /** What a relay names beside its own URL may be anybody's, on this machine and in its network too (fault G12). */
  async function proveNamed(url: URL, own: boolean): Promise<void> {
    if (probe !== null && !own && !planned.allowOther)
      throw new EnvironmentError(
        `--tunnel: ${visible(displayUrl(url), 200)} does not lead here: the relay names it as its public URL, but --tunnel is ${planned.url.href}. Use --allow-private to probe it all the same, or --no-probe.`,
      );
    await prove(url);
  }

  async function open(): Promise<OpenWay> {
    if (planned.token === null) {
      await prove(planned.url);
      return { publicUrl: planned.written, proof, tunnel: null };
    }
    const { openTunnel } = await import('../tunnel/client.ts');
    let publicUrl = planned.url;
    tunnel = await openTunnel({
      url: planned.url,
      proxy: proxyFor(planned.url),
      credentials: {
        token: planned.token.value,
        session,
        beside: planned.beside,
        ack: planned.ack,
      },
      tokenName: planned.token.name,
      clock,
      random: io.random,
      receive: (request) => intercept(request) ?? options.receive(request),
      target: options.target,
      prove: proveNamed,
      exitOnDisconnect: planned.exitOnDisconnect,
      onState: (state) => {
        if (state.state === 'live') publicUrl = state.publicUrl;
        options.onLink(state);
      },
      onStuck: options.onStuck,
    });
    return { publicUrl, proof, tunnel };
  }

  return {
    intercept,
    async open(ended) {
      const opening = open();
      const over = ended.then(() => null);
      const opened = await Promise.race([opening, over]);
      if (opened === null) opening.catch(() => {});
      return opened;
    },
    close: async (graceMs) => tunnel?.close(graceMs),
  };
}
