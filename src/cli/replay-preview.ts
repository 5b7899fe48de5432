import { visible } from '../core/redact.ts';
import type { Refusal } from '../sender/recorded.ts';
import type { Context } from './context.ts';
import { stamp } from './log-lines.ts';
import type { Survey } from './replay-survey.ts';
import type { Target } from './target.ts';

/** What `--dry-run` says: how many deliveries would be sent, and which are the first. */
export function showReplay(context: Context, survey: Survey, target: Target, rate: number | null): void {
  const { deliveries, refused, unwanted, kind, first, skips } = survey;
  const url = target.shown;
  if (context.options.json === true) {
    return context.printJson({
      type: 'dry_run',
      url,
      kind,
      deliveries,
      ...refused,
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
    `${strong(String(deliveries))} ${kind === 'receipt' ? 'received' : 'sent'} ${deliveries === 1 ? 'delivery' : 'deliveries'} would be sent to ${url}${rate === null ? '' : `, ${rate} a second`}`,
  );
  if (unwanted > 0)
    context.print(
      `${unwanted} more are left out: ${visible(target.name)} does not subscribe to them (--force sends them)`,
    );
  for (const { at, event, eventId, callId, body } of first) {
    context.print(
      `  ${dim(stamp(at))}  ${visible(event ?? '(no event)', 24).padEnd(17)}  ${dim(`[${visible(context.masked(eventId ?? 'no id'), 40)}]`)}  ${visible(context.masked(callId ?? 'no call'), 30)}  ${body.length} bytes`,
    );
  }
  if (deliveries > first.length) context.print(dim(`  … and ${deliveries - first.length} more`));
  context.note('Nothing was sent (--dry-run).');
}

/** What is left out because it could not be sent as it was, a line for each reason. */
export function warnOfRefusals(context: Context, { refused }: Survey): void {
  for (const [reason, n] of Object.entries(refused) as [Refusal, number][])
    if (n > 0) context.warn(`mo-notify: ${n} cannot be sent again, because ${REASONS[reason]}`);
}

const REASONS: Record<Refusal, string> = {
  bodiless: "their body is not on record, or masked. 'logs export --with-bodies --show-numbers' keeps it.",
  cut: 'only the beginning of their body is on record.',
  bad_id: 'their event id is none that a header can carry. --new-ids gives them others.',
  unsigned: 'their signature is not on record. Without --no-resign they are signed anew.',
};
