import { shownHeaders } from '../core/credentials.ts';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { visible } from '../core/redact.ts';
import { type Delivery, type DeliveryStyle, deliveryHeaders } from '../sender/delivery.ts';
import type { Planned } from '../sender/plan.ts';
import type { Context } from './context.ts';
import { curlFor } from './curl-output.ts';
import type { SendTestOptions } from './send-plan.ts';
import type { Target } from './target.ts';

/** `--curl` and `--dry-run`: what the first deliveries would look like. */
export function showDeliveries(
  context: Context,
  target: Target,
  planned: Iterable<Planned>,
  { options, style, total }: { options: SendTestOptions; style: DeliveryStyle; total: number | null },
): ExitCode {
  const shown = options.curl === true ? 1 : 5;
  const deliveries: { delivery: Delivery; headers: string[] }[] = [];
  for (const { afterMs, make } of planned) {
    const at = context.io.now() + (afterMs ?? 0);
    const delivery = make(at);
    deliveries.push({ delivery, headers: deliveryHeaders(delivery, 1, at, style) });
    if (deliveries.length === shown) break;
  }
  if (options.curl === true) {
    for (const { delivery, headers } of deliveries) {
      const { insecure = false } = options;
      const command = curlFor(context, target, { headers, body: delivery.body, insecure });
      if (options.json === true) context.printJson({ type: 'curl', command });
      else context.print(command);
    }
    if (total !== deliveries.length) context.note('Only the first delivery is shown (--curl).');
    return EXIT.ok;
  }
  if (options.json === true) {
    context.printJson({
      type: 'dry_run',
      url: target.shown,
      total,
      deliveries: deliveries.map(({ delivery, headers }) => ({
        event_id: delivery.eventId,
        event: delivery.event,
        call_id: delivery.callId,
        headers: shownHeaders(headers),
        body_base64: Buffer.from(delivery.body).toString('base64'),
      })),
    });
    return EXIT.ok;
  }
  const { dim, strong } = context.style('stdout');
  for (const { delivery, headers } of deliveries) {
    context.print(`${strong('POST')} ${target.shown}`);
    for (const [name, value] of shownHeaders(headers))
      context.print(`${dim(`${name}:`)} ${visible(value, 300)}`);
    context.print(`\n${shownBody(delivery.body, context)}\n`);
  }
  const rest = total === null ? 'the rest of the run' : `${total - deliveries.length} more`;
  context.note(`Nothing was sent (--dry-run)${total === deliveries.length ? '' : `; ${rest} not shown`}.`);
  return EXIT.ok;
}

/** A body for people: its lines stay lines, numbers are masked; the exact bytes are in `--json` and `--curl`. */
function shownBody(body: Uint8Array, context: Context): string {
  return context
    .masked(Buffer.from(body).toString('utf8'))
    .split('\n')
    .map((line) => visible(line, 2000))
    .join('\n');
}
