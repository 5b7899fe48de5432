import { maskCredentials } from '../core/credentials.ts';

// What a receipt was sent with is a secret like any other (contract §3): its record has the credentials masked. For as
// long as an app is owed the event they are kept beside it, because a redelivery needs them.

/**
 * By triggers, so that credentials cannot outlast the debt, whatever settles it or removes the receipt. A settled
 * receipt's `owed` is null; an emptied one's, too.
 */
export const KEPT_CREDENTIALS = `
CREATE TABLE credentials (
  seq INTEGER PRIMARY KEY,
  detail TEXT NOT NULL
) STRICT;
CREATE TRIGGER credentials_settled AFTER UPDATE OF owed ON receipts WHEN new.owed IS NULL
BEGIN
  DELETE FROM credentials WHERE seq = new.seq;
END;
CREATE TRIGGER credentials_gone AFTER DELETE ON receipts
BEGIN
  DELETE FROM credentials WHERE seq = old.seq;
END;
`;

/** A receipt's `detail` as the app's next request needs it. */
export const WHOLE_DETAIL = 'coalesce((SELECT detail FROM credentials WHERE seq = receipts.seq), detail)';

/** A receipt's `detail` with its credentials masked: headers stand a line each, names and values in turn. */
export function maskDetail(detail: string): string {
  const [known, ...headers] = detail.split('\n') as [string, ...string[]];
  const masked = maskCredentials(headers);
  return masked === headers ? detail : [known, ...masked].join('\n');
}
