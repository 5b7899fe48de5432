import { EnvironmentError, type KnownError } from '../core/errors.ts';
import type { Answer } from '../http/serve-options.ts';
import type { Attached } from './control.ts';
import { type Dialled, dial } from './dial.ts';
import { type DeliveryFrame, encodeAnswer } from './frames.ts';
import { type Handed, readContent, sayable } from './hand-over.ts';
import { Lane } from './lane.ts';
import { CLOSE, Link } from './link.ts';
import { explainRefusal, type Refusal } from './refusal.ts';
import type { LinkState, Tunnel, TunnelOptions } from './tunnel-options.ts';

/** The first pause before a link is made anew lies below this, each further one below twice as much. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A link that lasted less than this was no success, ms. */
const STABLE_MS = 10_000;
/** The relay says first of all what it is; ms. */
const GREETING_MS = 10_000;
const FAILED: Answer = { status: 500, headers: [], body: 'Internal error' };

/** Resolves once the way is proved and deliveries come. Rejects with UsageError or EnvironmentError (fault F12). */
export async function openTunnel(options: TunnelOptions): Promise<Tunnel> {
  const tunnel = new Client(options);
  await tunnel.start();
  return tunnel;
}

class Client implements Tunnel {
  readonly ended: Promise<KnownError>;
  readonly #options: TunnelOptions;
  readonly #lane: Lane;
  readonly #underWay = new Set<Promise<void>>();
  #end: (error: KnownError) => void = () => {};
  #state: LinkState = { state: 'connecting' };
  #link: Link | null = null;
  #heardAt = 0;
  #waiting = 0;
  #proved = false;
  #closed = false;
  #attempt = 0;
  #onOpened: (opened: boolean) => void = () => {};
  #liveAt = 0;
  #stopWaiting: () => void = () => {};

  constructor(options: TunnelOptions) {
    this.#options = options;
    this.#lane = new Lane(options.clock, options.onStuck);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  state(): LinkState {
    return this.#state;
  }

  heardAt(): number {
    return this.#link?.heardAt ?? this.#heardAt;
  }

  waiting(): number {
    return this.#waiting;
  }

  async start(): Promise<void> {
    this.#tell({ state: 'connecting' });
    let problem: Refusal | null;
    try {
      problem = await this.#connect();
    } catch (error) {
      await this.close(0);
      throw error;
    }
    if (problem === null) return;
    await this.close(0);
    throw this.#explain(problem);
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#stopWaiting();
    this.#lane.clear();
    const link = this.#link;
    if (link === null) return;
    link.control({ type: 'open', open: false });
    let cancel = () => {};
    const patience = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(graceMs, resolve);
    });
    await Promise.race([Promise.all(this.#underWay), patience]);
    cancel();
    // Their answers go out by then.
    await new Promise((resolve) => setImmediate(resolve));
    link.close(CLOSE.normal, 'the listener ends');
  }

  /** Makes a link, and answers with why there is none; null where deliveries come over it. Throws what proving throws. */
  async #connect(): Promise<Refusal | null> {
    const { url, proxy, credentials, clock, prove } = this.#options;
    // Whoever came meanwhile is not driven out by a link that is only made anew.
    const beside = this.#proved && credentials.beside === 'takeover' ? null : credentials.beside;
    const dialled = await dial({ url, proxy }, { ...credentials, beside }, clock.now());
    if (!('socket' in dialled)) return dialled;
    if (this.#closed) {
      dialled.socket.terminate();
      return { status: null, reason: 'the listener ends', retryAfterMs: null };
    }
    const attached = await this.#greet(dialled);
    if ('reason' in attached) return attached;
    const { channel, ack, waiting, copy } = attached;
    const own = ownPublicUrl(url);
    const publicUrl = namedUrl(attached) ?? own;
    const link = this.#link as Link;
    this.#waiting = waiting;
    if (!this.#proved && prove !== null) {
      this.#tell({ state: 'proving', publicUrl });
      await prove(publicUrl, publicUrl.href === own.href);
    }
    this.#proved = true;
    if (!(await this.#askToOpen(link)))
      return { status: null, reason: 'the link broke at once', retryAfterMs: null };
    this.#liveAt = clock.elapsed();
    this.#tell({ state: 'live', channel, publicUrl, ack, waiting, copy });
    return null;
  }

  /** Has deliveries come. Resolves to false where the link ends before the relay says so. */
  #askToOpen(link: Link): Promise<boolean> {
    if (link.ended) return Promise.resolve(false);
    link.control({ type: 'open', open: true });
    return new Promise((resolve) => {
      this.#onOpened = resolve;
    });
  }

  /** Waits for the relay's first word. */
  #greet({ socket, transport }: Extract<Dialled, { socket: unknown }>): Promise<Attached | Refusal> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const none = (reason: string) => resolve({ status: null, reason, retryAfterMs: null });
      const stopWaiting = clock.after(GREETING_MS, () => {
        none('it did not say what it is');
        socket.terminate();
      });
      const link: Link = new Link(socket, {
        transport,
        // Until the relay has said how often hearts beat, any beat is as good.
        heartbeatMs: GREETING_MS,
        clock,
        onFrames: (frames) => {
          const deliveries = frames.filter((frame) => frame.kind === 'delivery');
          // All of a message are read before any is used.
          const contents = deliveries.map(({ content }) => readContent(content));
          for (const [i, frame] of deliveries.entries()) this.#take(frame, contents[i] as Handed, link);
        },
        onControl: (control) => {
          if (control.type === 'waiting') this.#waiting = control.waiting;
          if (control.type === 'opened') this.#onOpened(true);
          if (control.type !== 'attached') return;
          stopWaiting();
          link.beatEvery(control.heartbeat_ms);
          resolve(control);
        },
        onEnd: ({ code, reason }) => {
          stopWaiting();
          none(reason);
          this.#lost(link, code, reason);
        },
      });
      this.#link = link;
    });
  }

  #take(frame: DeliveryFrame, { headers, body, query }: Handed, link: Link): void {
    const { receive, clock } = this.#options;
    const target = query === '' ? this.#options.target : `${this.#options.target}?${query}`;
    // What was kept was received when the relay had it: how long it then waited for us is no latency of the platform's.
    const receivedAt = frame.kept ? frame.receivedAt : clock.now();
    const work = () => {
      const answer = receive({ method: 'POST', target, headers, body, receivedAt }).then(
        sayable,
        () => FAILED,
      );
      const settled = answer.then(() => void this.#underWay.delete(settled));
      this.#underWay.add(settled);
      return answer;
    };
    const done = (answer: Answer) => link.send(encodeAnswer(frame.number, answer));
    if (frame.kept) this.#lane.add(work, done);
    else if (frame.copy) void work();
    else void work().then(done);
  }

  #lost(link: Link, code: number, reason: string): void {
    if (this.#link !== link) return;
    this.#onOpened(false);
    this.#heardAt = link.heardAt;
    this.#link = null;
    // It comes again, in order, over the next link.
    this.#lane.clear();
    if (this.#closed || this.#state.state !== 'live') return;
    if (code === CLOSE.replaced || code === CLOSE.revoked) return this.#giveUp(reason);
    if (this.#options.exitOnDisconnect) return this.#giveUp(`${reason} (--exit-on-disconnect)`);
    const { clock } = this.#options;
    if (clock.elapsed() - this.#liveAt >= STABLE_MS) this.#attempt = 0;
    this.#retry(reason, 0);
  }

  #retry(reason: string, leastMs: number): void {
    const { clock, random } = this.#options;
    const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#attempt);
    const retryInMs = Math.max(leastMs, Math.round(most * (0.2 + 0.8 * random())));
    this.#attempt += 1;
    this.#tell({ state: 'lost', reason, retryInMs });
    this.#stopWaiting = clock.after(retryInMs, () => {
      if (!this.#closed) void this.#reconnect();
    });
  }

  async #reconnect(): Promise<void> {
    this.#tell({ state: 'connecting' });
    const problem = await this.#connect();
    if (problem === null || this.#closed) return;
    if (problem.status === 401 || problem.status === 409)
      this.#giveUp(problem.reason, this.#explain(problem));
    else this.#retry(problem.reason, Math.min(problem.retryAfterMs ?? 0, LONGEST_PAUSE_MS));
  }

  #giveUp(reason: string, error?: KnownError): void {
    this.#closed = true;
    this.#tell({ state: 'ended', reason });
    this.#end(error ?? new EnvironmentError(`The tunnel ended: ${reason}.`));
  }

  #explain(refusal: Refusal): KnownError {
    return explainRefusal(refusal, this.#options.url, this.#options.tokenName);
  }

  #tell(state: LinkState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

/** What the platform is to be told, as the relay says; null where it does not know. */
function namedUrl({ public_url: given }: Attached): URL | null {
  return given !== null && URL.canParse(given) && /^https?:/.test(given) ? new URL(given) : null;
}

/** The tunnel's own URL as the web has it. */
function ownPublicUrl(tunnel: URL): URL {
  const url = new URL(tunnel);
  url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
  return url;
}
