import { visible } from '../core/redact.ts';
import type { Context } from './context.ts';
import { stamp } from './log-lines.ts';
import type { Survey } from './replay-source.ts';
import type { Target } from './target.ts';

/** What `--dry-run` says: how many deliveries would be sent, and which are the first. */
export function showReplay(context: Context, survey: Survey, target: Target, rate: number | null): void {
  const { deliveries, bodiless, unwanted, kind, first, skips } = survey;
  const url = target.url.href;
  if (context.options.json === true) {
    return context.printJson({
      type: 'dry_run',
      url,
      kind,
      deliveries,
      bodiless,
      unwanted,
      skipped: skips.count,
      first: first.map(({ id, at, eventId, event, callId, body }) => ({
        id,
        at: new Date(at).toISOString(),
        event_id: eventId,
        event,
        call_id: callId,
        body_bytes: body.length,
      })),
    });
  }
  const { dim, strong } = context.style('stdout');
  context.print(
    `${strong(String(deliveries))} ${kind === 'receipt' ? 'received' : 'sent'} deliveries would be sent to ${url}${rate === null ? '' : `, ${rate} a second`}`,
  );
  if (unwanted > 0)
    context.print(
      `${unwanted} more are left out: ${visible(target.name)} does not subscribe to them (--force sends them)`,
    );
  for (const { at, event, eventId, callId, body } of first) {
    context.print(
      `  ${dim(stamp(at))}  ${visible(event ?? '(no event)', 24).padEnd(17)}  ${dim(`[${visible(eventId ?? 'no id', 40)}]`)}  ${visible(callId ?? 'no call', 30)}  ${body.length} bytes`,
    );
  }
  if (deliveries > first.length) context.print(dim(`  … and ${deliveries - first.length} more`));
  context.note('Nothing was sent (--dry-run).');
}
