import type { Model } from './model.ts';
import { Copy } from './show.tsx';

/** Where there is nothing yet: how to make the first event come. */
export function Empty({ model, what }: { model: Model; what: string }) {
  const receiver = model.about?.receiver ?? null;
  const command =
    receiver === null
      ? 'npx mo-notify listen'
      : `npx mo-notify send-test ${targetOf(receiver)} --scenario answered`;
  return (
    <div class="empty">
      <p class="what">{what}</p>
      <p>
        {receiver === null
          ? 'Nothing receives deliveries here. A receiver shows them on a dashboard of its own:'
          : 'The receiver is ready. Send it a call, from ringing to its end, out of the same folder and with the same secret:'}
      </p>
      <p class="command">
        <code>{command}</code> <Copy label="Copy" text={command} />
      </p>
      {receiver !== null && (
        <p class="dim">
          Or have your platform deliver to <code>{receiver}</code>.
        </p>
      )}
    </div>
  );
}

/** What `send-test` takes for this receiver: its port, where that says all. */
function targetOf(receiver: string): string {
  const { hostname, port, pathname } = new URL(receiver);
  return hostname === '127.0.0.1' && port !== '' && pathname === '/' ? port : receiver;
}
