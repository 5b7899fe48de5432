import { UsageError } from '../core/errors.ts';
import type { Outcome } from '../core/record.ts';
import { type AppAnswer, createForwarder, type Forwarder } from '../receiver/forward.ts';
import type { Context } from './context.ts';
import { endpointHint } from './endpoint-hint.ts';
import { proxyFor } from './proxy.ts';
import { parseTarget } from './target.ts';

/** The way to the user's app, a target. Throws UsageError. */
export function appForwarder(
  context: Context,
  target: string,
  { insecure = false }: { insecure?: boolean } = {},
): Forwarder {
  const url = parseTarget(target);
  if (insecure && url.protocol !== 'https:')
    throw new UsageError(
      `--insecure is about certificates, and '${url.origin}' has none. Use https://…, or leave it out.`,
    );
  // The address that a port alone stands for is ours; one that was written is meant.
  const eitherLoopback =
    url.hostname === 'localhost' || (url.hostname === '127.0.0.1' && !target.includes('127.0.0.1'));
  return createForwarder(url, {
    insecure,
    proxy: proxyFor(url),
    eitherLoopback,
    onMoved: (from, to) =>
      context.note(`Nothing listens at ${from.host}. Forwarding to ${to.host}, which answers.`),
  });
}

/** Tells, once for each kind of failure, what may help. */
export function appHints(context: Context, url: URL): { answered(app: AppAnswer): void } {
  const told = new Set<Outcome>();
  return {
    answered(app) {
      if (app.status !== null || app.cut || told.has(app.outcome) || context.options.json === true) return;
      told.add(app.outcome);
      void endpointHint(url, app).then((hint) => hint !== null && context.note(hint));
    },
  };
}
