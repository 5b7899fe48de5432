import { inOnePiece, sizeOf } from '../core/pieces.ts';
import type { Channel, KeptDelivery, RelayStore } from '../core/relay-store.ts';
import { createCheckpointer } from './checkpointer.ts';
import { contentFiles } from './content-files.ts';
import { GroupCommit, QUEUE_BYTES } from './group-commit.ts';
import { RELAY_FILE } from './relay-schema.ts';
import { connect, type Durability, emptyLog } from './sqlite-connect.ts';
import { guard, guardRead, isConstraintError } from './sqlite-errors.ts';
import { inspectFile } from './sqlite-file.ts';
import type { Value } from './sqlite-rows.ts';
import { fromText, toText } from './sqlite-text.ts';
import { Statements } from './statements.ts';

/** As many as arrive together share the disk's confirmation, which costs more than all else. */
const QUEUE = {
  batch: 256,
  gather: { batch: 256, ms: 10 },
  limit: 10_000,
  limitBytes: QUEUE_BYTES,
  patienceMs: 5000,
};

/** Above this many bytes a content is a file. */
const LARGE = 65_536;
const INSERT =
  'INSERT INTO deliveries (channel, received_at, attempts, due_at, bytes, content, file) VALUES (?, ?, 0, 0, ?, ?, ?)';

type Work = () => unknown;

/** Opens or creates a relay's store in a SQLite file. Throws StoreError (contract §5). */
export function openSqliteRelayStore(path: string, durability: Durability = 'full'): RelayStore {
  inspectFile(path, RELAY_FILE);
  const db = connect(path, RELAY_FILE, durability);
  const checkpointer = createCheckpointer(path);
  const statements = new Statements(db);
  const queue = new GroupCommit<Work>((jobs) => {
    const results = guard(path, () => statements.inTransaction(() => jobs.map((job) => job())));
    checkpointer.wrote(jobs.length);
    return results;
  }, QUEUE);
  const files = contentFiles(`${path}.contents`, durability === 'full');
  const run = (sql: string, ...values: Value[]) => statements.run(sql, values);
  const rowsNow = <Row = [string | null]>(sql: string, ...values: Value[]) =>
    statements.prepare(sql).raw().all(values) as Row[];
  const rows = <Row>(sql: string, ...values: Value[]) => guardRead(path, () => rowsNow<Row>(sql, ...values));
  return {
    location: path,
    addChannel: (channel) => queue.add<boolean>(() => insertChannel(run, channel)),
    channels: async () => (await rows<ChannelRow>(`${CHANNELS} ORDER BY created_at, name`)).map(toChannel),
    async removeChannel(id) {
      const gone = await queue.add<[string | null][]>(() => {
        run('DELETE FROM channels WHERE id = ?', id);
        return rowsNow('DELETE FROM deliveries WHERE channel = ? RETURNING file', id);
      });
      files.remove(removed(gone));
      return gone.length;
    },
    setAck: (id, ack) => queue.add(() => void run('UPDATE channels SET ack = ? WHERE id = ?', ack, id)),
    setting: async (name) =>
      (await rows<[string]>('SELECT value FROM settings WHERE name = ?', name))[0]?.[0] ?? null,
    set: (name, value) =>
      queue.add(() => void run('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)', name, value)),
    version: () =>
      guard(path, () => (statements.prepare('PRAGMA data_version').raw().all() as [[number]])[0][0]),
    async keep(channel, receivedAt, content) {
      const bytes = sizeOf(content);
      const file = bytes > LARGE ? await files.write(content) : null;
      try {
        return await queue.add<number>(
          () => {
            const inline = file === null ? inOnePiece(content) : null;
            return Number(run(INSERT, channel, receivedAt, bytes, inline, file).lastInsertRowid);
          },
          file === null ? bytes : 0,
        );
      } catch (error) {
        if (file !== null) files.remove([file]);
        throw error;
      }
    },
    waiting: async () =>
      (
        await rows<[number, string, number, number, number, number]>(
          'SELECT seq, channel, received_at, attempts, due_at, bytes FROM deliveries ORDER BY seq',
        )
      ).map(
        ([seq, channel, receivedAt, attempts, dueAt, bytes]): KeptDelivery => ({
          seq,
          channel,
          receivedAt,
          attempts,
          dueAt,
          bytes,
        }),
      ),
    content: async (seq) => {
      const [row] = await rows<[ArrayBuffer | null, string | null, number]>(
        'SELECT content, file, bytes FROM deliveries WHERE seq = ?',
        seq,
      );
      if (row === undefined) return null;
      const [inline, file, bytes] = row;
      return file === null ? new Uint8Array(inline as ArrayBuffer) : files.read(file, bytes);
    },
    // Nobody waits for these two: should they be lost, the delivery is only handed on once more.
    drop: async (seqs) => {
      files.remove(
        await queue.add<string[]>(
          () =>
            seqs.flatMap((seq) =>
              removed(rowsNow('DELETE FROM deliveries WHERE seq = ? RETURNING file', seq)),
            ),
          0,
          'patient',
        ),
      );
    },
    postpone: (seq, attempts, dueAt) =>
      queue.add(
        () => void run('UPDATE deliveries SET attempts = ?, due_at = ? WHERE seq = ?', attempts, dueAt, seq),
        0,
        'patient',
      ),
    tidy: async () => {
      files.keepOnly(
        new Set(removed(await rows<[string | null]>('SELECT file FROM deliveries WHERE file IS NOT NULL'))),
      );
    },
    close: async () => {
      await queue.drained();
      await checkpointer.stop();
      emptyLog(db);
      db.close();
    },
  };
}

type ChannelRow = [string, string, Channel['ack'], ArrayBuffer, number, number | null];
const CHANNELS = 'SELECT id, name, ack, token_hash, created_at, expires_at FROM channels';

function toChannel([id, name, ack, tokenHash, createdAt, expiresAt]: ChannelRow): Channel {
  return { id, name: fromText(name), ack, tokenHash: new Uint8Array(tokenHash), createdAt, expiresAt };
}

function insertChannel(run: (sql: string, ...values: Value[]) => unknown, channel: Channel): boolean {
  const { id, name, ack, tokenHash, createdAt, expiresAt } = channel;
  try {
    run(
      'INSERT INTO channels (id, name, ack, token_hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      toText(name),
      ack,
      tokenHash,
      createdAt,
      expiresAt,
    );
    return true;
  } catch (error) {
    if (isConstraintError(error)) return false;
    throw error;
  }
}

function removed(rows: [file: string | null][]): string[] {
  return rows.flatMap(([file]) => (file === null ? [] : [file]));
}
