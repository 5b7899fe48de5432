import type Database from 'libsql';
import { recordedPlace, wantedEndpoint } from '../core/endpoint-identity.ts';
import { maskLiterals } from '../core/url-values.ts';
import { KEPT_CREDENTIALS, maskDetail } from './credentials.ts';
import { fromText, parseJson, textOf, toText } from './sqlite-text.ts';

type Db = Database.Database;

const PAGE = 1000;

/**
 * A step of the delivery log's migrations: values of URLs and credentials, which earlier versions kept in clear, are
 * masked (contract §2, §3). True where there were any.
 */
export function maskSecrets(db: Db): boolean {
  db.exec(KEPT_CREDENTIALS);
  const changed = [maskUrls(db), maskPlans(db), maskHeaders(db)];
  return changed.some((count) => count > 0);
}

const WITH_VALUES = "(url LIKE '%?%' OR url LIKE '%#%' OR endpoint LIKE '%?%')";

/** Two keys of one URL stay two endpoints: by the hash in their names. */
function maskUrls(db: Db): number {
  const places = db
    .prepare(`SELECT DISTINCT CAST(endpoint AS BLOB), CAST(url AS BLOB) FROM attempts WHERE ${WITH_VALUES}`)
    .raw()
    .all() as [ArrayBuffer, ArrayBuffer][];
  if (places.length === 0) return 0;
  db.exec(`CREATE TEMP TABLE masked (
    endpoint TEXT, url TEXT, new_endpoint TEXT, new_url TEXT, PRIMARY KEY (endpoint, url)
  ) WITHOUT ROWID`);
  const add = db.prepare('INSERT INTO masked VALUES (?, ?, ?, ?)');
  for (const [endpoint, url] of places.map(([one, other]) => [textOf(one), textOf(other)] as const)) {
    const place = recordedPlace(fromText(endpoint), fromText(url));
    add.run([endpoint, url, toText(place.endpoint), toText(place.url)]);
  }
  const { changes } = db
    .prepare(`UPDATE attempts SET endpoint = new_endpoint, url = new_url FROM masked
      WHERE attempts.endpoint = masked.endpoint AND attempts.url = masked.url`)
    .run();
  db.exec('DROP TABLE masked');
  return changes;
}

/** What a replay remembers of its command line, for `--resume`. */
function maskPlans(db: Db): number {
  let changed = 0;
  const change = db.prepare('UPDATE replays SET plan = ? WHERE run = ?');
  const plans = db.prepare('SELECT CAST(run AS BLOB), CAST(plan AS BLOB) FROM replays').raw().all();
  for (const [run, plan] of (plans as ArrayBuffer[][]).map((row) => row.map(textOf) as [string, string])) {
    const saved = parseJson(plan) as { options?: { to?: unknown; endpoint?: unknown } };
    const { to, endpoint } = saved.options ?? {};
    if (typeof to === 'string') Object.assign(saved.options as object, { to: maskLiterals(to) });
    if (typeof endpoint === 'string')
      Object.assign(saved.options as object, { endpoint: wantedEndpoint(endpoint) });
    const masked = JSON.stringify(saved);
    if (masked !== plan) changed += change.run([masked, run]).changes;
  }
  return changed;
}

function maskHeaders(db: Db): number {
  const page = db
    .prepare(
      `SELECT seq, CAST(detail AS BLOB), CAST(owed AS INTEGER) FROM receipts WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`,
    )
    .raw();
  const keep = db.prepare('INSERT INTO credentials (seq, detail) VALUES (?, ?)');
  const change = db.prepare('UPDATE receipts SET detail = ? WHERE seq = ?');
  let last = 0;
  let changed = 0;
  for (;;) {
    const rows = page.all([last]) as [seq: number, detail: ArrayBuffer, owed: number | null][];
    for (const [seq, text, owed] of rows) {
      const detail = textOf(text);
      last = seq;
      const masked = maskDetail(detail);
      if (masked === detail) continue;
      if (owed !== null) keep.run([seq, detail]);
      changed += change.run([masked, seq]).changes;
    }
    if (rows.length < PAGE) return changed;
  }
}
