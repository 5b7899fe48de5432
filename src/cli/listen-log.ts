import { shownHeaders } from '../core/credentials.ts';
import { quote } from '../core/curl.ts';
import type { StoreError } from '../core/errors.ts';
import { Histogram } from '../core/histogram.ts';
import { type Receipt, receiptToJson } from '../core/record.ts';
import { displayUrl, visible } from '../core/redact.ts';
import type { Secret } from '../core/signature.ts';
import type { FirstReceipt } from '../core/store.ts';
import { formatClock, formatDuration } from '../core/time.ts';
import { MASK } from '../core/url-values.ts';
import type { Answer, IncomingRequest, ServeFault } from '../http/serve-options.ts';
import type { AppAnswer } from '../receiver/forward.ts';
import type { Lost } from '../receiver/receiver.ts';
import type { LinkState } from '../tunnel/tunnel-options.ts';
import type { Context } from './context.ts';
import { linkJson, linkLine, wayLines } from './link-lines.ts';
import type { OpenWay } from './listen-way.ts';
import { appWords, receiptLine } from './receipt-line.ts';
import type { Target } from './target.ts';

/** Above this many lines in a second the rest are counted, not shown: a flood must not slow the receiver down. */
const LINES_A_SECOND = 100;

/** What could not be stored, and what its sender was told. */
const LOST: Record<Lost, string> = {
  delivery: 'not stored, answered 503',
  evidence: 'refused delivery counted, not recorded',
  outcome: "the app's answer not recorded",
};

/** What the user sees of a listening receiver. */
export interface ListenLog {
  ready(about: Ready): void;
  received(receipt: Receipt, request: IncomingRequest, first: FirstReceipt | null): void;
  answered(receipt: Receipt, request: IncomingRequest, app: AppAnswer | null): void;
  storeFailure(error: StoreError, lost: Lost): void;
  fault(fault: ServeFault): void;
  /** How the tunnel stands. */
  link(state: LinkState): void;
  /** The app or the log cannot be reached, so the relay has to wait; null once it goes on. */
  stuck(answer: Answer | null): void;
  /** New events so far. */
  events(): number;
  /** The last delivery that was accepted, for resending. */
  last(): IncomingRequest | null;
  pause(): boolean;
  stop(): void;
  summary(): void;
}

/** What a receiver that is ready says of itself. */
interface Ready {
  url: string;
  /** With its token; null without one. */
  dashboard: string | null;
  /** How it is reached from the internet. */
  way: OpenWay | null;
  secret: Secret;
  made: boolean;
  verify: boolean;
  location: string;
}

export function listenLog(
  context: Context,
  {
    app: forwardTo,
    secrets,
    withBodies,
  }: { app: Target | null; secrets: readonly Secret[]; withBodies: boolean },
): ListenLog {
  const json = context.options.json === true;
  const quiet = context.options.quiet === true && !json;
  const style = context.style('stdout');
  const { good, bad, warn, dim, strong, name } = style;
  const counts = {
    received: 0,
    events: 0,
    duplicates: 0,
    refused: 0,
    conflicts: 0,
    suspected: 0,
    aborted: 0,
    unstored: 0,
    unrecorded: 0,
  };
  const latency = new Histogram();
  let last: IncomingRequest | null = null;
  let paused = false;
  let ready = false;
  let shown = 0;
  let hidden = 0;
  const lastFailure = new Map<Lost, string>();
  let lastLoss = '';
  const ticker = json || quiet ? null : setInterval(tick, 1000);
  ticker?.unref();

  function tick(): void {
    if (hidden > 0 && !paused) context.print(dim(`             … ${hidden} more deliveries in this second`));
    shown = 0;
    hidden = 0;
    lastFailure.clear();
  }

  function line(text: string): void {
    if (paused || shown >= LINES_A_SECOND) hidden += 1;
    else {
      shown += 1;
      context.print(text);
    }
  }

  return {
    ready({ url, dashboard, way, secret, made, verify, location }) {
      ready = true;
      if (json) {
        context.printJson({
          type: 'ready',
          url,
          dashboard,
          tunnel: way === null ? null : displayUrl(way.publicUrl),
        });
        if (way?.tunnel) context.printJson(linkJson(way.tunnel.state()));
        return;
      }
      if (quiet) return;
      context.print(
        `${good('Ready')}  deliveries to ${strong(url)} are ${verify ? 'verified and ' : ''}recorded in ${dim(location)}`,
      );
      if (way !== null) for (const text of wayLines(way, style)) context.print(text);
      if (forwardTo !== null) context.print(`       and handed on to ${strong(forwardTo.shown)}`);
      if (!verify) context.warn('Signatures are not verified (--no-verify).');
      else if (made)
        context.print(`       secret, made for this folder and shown this once: ${strong(secret.value)}`);
      else
        context.print(
          dim(
            `       secret from ${visible(secret.name)}${secrets.length > 1 ? ` and ${secrets.length - 1} more` : ''}`,
          ),
        );
      if (dashboard !== null) context.print(`       dashboard ${strong(dashboard)}`);
      context.note(
        `Try it: mo-notify send-test ${way === null ? new URL(url).port : pasteable(way.publicUrl, url)}\n`,
      );
    },
    received(receipt, request, first) {
      counts.received += 1;
      if (receipt.duplicate === 'duplicate') counts.duplicates += 1;
      if (receipt.duplicate === 'conflict') counts.conflicts += 1;
      if (receipt.duplicate === 'suspected_replay') counts.suspected += 1;
      if (receipt.status !== null && receipt.status >= 400) counts.refused += 1;
      else if (receipt.duplicate !== 'duplicate') {
        last = request;
        if (!receipt.flags.includes('redelivery')) counts.events += 1;
      }
      if (
        receipt.latencyMs !== null &&
        receipt.latencyMs >= 0 &&
        receipt.signature === 'valid' &&
        !receipt.flags.includes('rehearsed')
      )
        latency.record(receipt.latencyMs);
      if (json || quiet) return;
      if (paused || shown >= LINES_A_SECOND) hidden += 1;
      else line(receiptLine(receipt, first, style));
    },
    answered(receipt, request, app) {
      if (json) {
        const bodies = withBodies ? wireForm(request) : {};
        const cut = app?.bodyCut === true ? { answer_cut: true } : {};
        return context.printJson({ type: 'receipt', ...receiptToJson(receipt), ...cut, ...bodies });
      }
      if (quiet || app === null) return;
      const tone = app.delivered ? good : bad;
      const event = receipt.eventId === null ? 'no id' : visible(receipt.eventId, 40);
      line(
        `${dim(formatClock(context.io.now(), 'ms'))}  ${name('<--')}  ${tone(`[${app.status ?? '---'}]`)} POST ${visible(app.place)}  ${dim(`[${event}]`)}  (${formatDuration(app.durationMs)})${appWords(context, app, style)}`,
      );
    },
    storeFailure(error, lost) {
      if (lost === 'delivery') counts.unstored += 1;
      if (lost === 'evidence') counts.unrecorded += 1;
      if (lastFailure.get(lost) === error.message) return;
      lastFailure.set(lost, error.message);
      context.warn(`mo-notify: ${LOST[lost]}: ${error.message}`);
    },
    fault({ kind, detail }) {
      if (kind === 'aborted') counts.aborted += 1;
      if (json) return context.printJson({ type: 'fault', kind, detail });
      if (!quiet)
        line(
          `${dim(formatClock(context.io.now(), 'ms'))}  ${warn('xxx')}  ${kind.replace('_', ' ')}: ${visible(detail)}`,
        );
    },
    link(state) {
      // Before that it is the run's own business, and the ready line is the first.
      if (!ready) return;
      if (json) return context.printJson(linkJson(state));
      // While it is tried again and again, only what is new about it.
      const known = state.state === 'lost' && state.reason === lastLoss;
      if (state.state === 'lost') lastLoss = state.reason;
      if (state.state === 'live') lastLoss = '';
      const text = quiet || known ? null : linkLine(state, style);
      if (text !== null) context.print(`${dim(formatClock(context.io.now(), 'ms'))}  ${text}`);
    },
    stuck(answer) {
      if (json) {
        const state = answer === null ? { state: 'going_on' } : { state: 'stuck', status: answer.status };
        return context.printJson({ type: 'tunnel', ...state });
      }
      if (answer === null) context.note('Going on with what waits at the relay.');
      else
        context.warn(
          `mo-notify: ${visible(String(answer.body))}, so what waits at the relay waits on; it is tried again.`,
        );
    },
    events: () => counts.events,
    last: () => last,
    pause() {
      paused = !paused;
      return paused;
    },
    stop: () => {
      if (ticker !== null) clearInterval(ticker);
      paused = false;
      if (!json && !quiet) tick();
    },
    summary() {
      const p = (share: number) => latency.quantile(share);
      if (json) {
        return context.printJson({
          type: 'summary',
          ...counts,
          latency_ms: { p50: p(0.5), p95: p(0.95), p99: p(0.99), max: latency.max },
        });
      }
      if (quiet) return;
      const extras = (['conflicts', 'suspected', 'aborted', 'unstored', 'unrecorded'] as const)
        .filter((key) => counts[key] > 0)
        .map((key) => `, ${counts[key]} ${key}`)
        .join('');
      const times =
        latency.count === 0
          ? ''
          : `  latency p50 ${formatDuration(p(0.5) as number)}, p95 ${formatDuration(p(0.95) as number)}`;
      context.print(
        `\n${strong(`${counts.received} received`)}: ${counts.events} new, ${counts.duplicates} duplicates, ${counts.refused} refused${extras}${dim(times)}`,
      );
      context.note("Next: 'mo-notify report' judges what was recorded.");
    },
  };
}

/** A public URL for the command line; the receiver's own port where the URL's values are not to be shown. */
function pasteable(publicUrl: URL, own: string): string {
  const shown = displayUrl(publicUrl);
  if (shown.includes(MASK)) return new URL(own).port;
  return publicUrl.search === '' ? shown : quote(shown);
}

/** What came over the wire, for `verify --delivery`. */
function wireForm({ headers, body }: IncomingRequest): Record<string, unknown> {
  return { headers: shownHeaders(headers), body_base64: Buffer.from(body).toString('base64') };
}
