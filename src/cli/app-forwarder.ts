import { UsageError } from '../core/errors.ts';
import type { Outcome } from '../core/record.ts';
import { type AppAnswer, createForwarder, type Forwarder } from '../receiver/forward.ts';
import type { Context } from './context.ts';
import { endpointHint } from './endpoint-hint.ts';
import { proxyFor } from './proxy.ts';
import { resolveTarget, type Target } from './target.ts';

/** The user's app: the target that it was named by, and the way to it. */
export interface App extends Target {
  forwarder: Forwarder;
}

/** Throws UsageError for what is no target. */
export async function appForwarder(
  context: Context,
  text: string,
  { insecure = false, allowHttp = false }: { insecure?: boolean; allowHttp?: boolean } = {},
): Promise<App> {
  const target = await resolveTarget(context, text, { allowHttp });
  const { url } = target;
  if (insecure && url.protocol !== 'https:')
    throw new UsageError(
      `--insecure is about certificates, and '${url.origin}' has none. Use https://…, or leave it out.`,
    );
  // The address that a port alone stands for is ours; one that was written is meant.
  const eitherLoopback =
    url.hostname === 'localhost' || (url.hostname === '127.0.0.1' && !text.includes('127.0.0.1'));
  const forwarder = createForwarder(url, {
    insecure,
    allowHttp: target.allowHttp,
    proxy: proxyFor(url),
    eitherLoopback,
    onMoved: (from, to) =>
      context.note(`Nothing listens at ${from.host}. Forwarding to ${to.host}, which answers.`),
  });
  return { ...target, forwarder };
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
