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
import { fromText, textOf, toText } from './sqlite-text.ts';
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
  const rowsNow = <Row = FileRow>(sql: string, ...values: Value[]) =>
    statements.prepare(sql).raw().all(values) as Row[];
  /** `make` is guarded, too: what it is given may make no sense. */
  const rows = <Row, Made>(make: (row: Row) => Made, sql: string, ...values: Value[]) =>
    guardRead(path, () => rowsNow<Row>(sql, ...values).map((row) => make(row)));
  return {
    location: path,
    addChannel: (channel) => queue.add<boolean>(() => insertChannel(run, channel)),
    channels: () => rows(toChannel, `${CHANNELS} ORDER BY created_at, name`),
    async removeChannel(id) {
      const gone = await queue.add<(string | null)[]>(() => {
        run('DELETE FROM channels WHERE id = ?', id);
        return rowsNow(`DELETE FROM deliveries WHERE channel = ? RETURNING ${FILE}`, id).map(toFile);
      });
      files.remove(named(gone));
      return gone.length;
    },
    setAck: (id, ack) => queue.add(() => void run('UPDATE channels SET ack = ? WHERE id = ?', ack, id)),
    setting: async (name) => {
      const value = ([bytes]: [ArrayBuffer]) => textOf(bytes);
      const [found] = await rows(value, 'SELECT CAST(value AS BLOB) FROM settings WHERE name = ?', name);
      return found ?? null;
    },
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
    waiting: () => rows(toKept, `${KEPT} ORDER BY seq`),
    content: async (seq) => {
      const [found] = await rows(
        ([inline, file, bytes]: [ArrayBuffer | null, ArrayBuffer | null, number]) => ({
          inline: new Uint8Array(inline ?? []),
          file: toFile([file]),
          bytes,
        }),
        `SELECT CAST(content AS BLOB), ${FILE}, CAST(bytes AS INTEGER) FROM deliveries WHERE seq = ?`,
        seq,
      );
      if (found === undefined) return null;
      return found.file === null ? found.inline : files.read(found.file, found.bytes);
    },
    // Nobody waits for these two: should they be lost, the delivery is only handed on once more.
    drop: async (seqs) => {
      files.remove(
        await queue.add<string[]>(
          () =>
            named(
              seqs.flatMap((seq) =>
                rowsNow(`DELETE FROM deliveries WHERE seq = ? RETURNING ${FILE}`, seq).map(toFile),
              ),
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
        new Set(named(await rows(toFile, `SELECT ${FILE} FROM deliveries WHERE file IS NOT NULL`))),
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

// Texts come as bytes (see textOf).
type ChannelRow = [ArrayBuffer, ArrayBuffer, ArrayBuffer, ArrayBuffer, number, number | null];
const CHANNELS = `SELECT CAST(id AS BLOB), CAST(name AS BLOB), CAST(ack AS BLOB), CAST(token_hash AS BLOB),
  CAST(created_at AS INTEGER), CAST(expires_at AS INTEGER) FROM channels`;

function toChannel([id, name, ack, tokenHash, createdAt, expiresAt]: ChannelRow): Channel {
  return {
    id: textOf(id),
    name: fromText(textOf(name)),
    ack: textOf(ack) as Channel['ack'],
    tokenHash: new Uint8Array(tokenHash),
    createdAt,
    expiresAt,
  };
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

const FILE = 'CAST(file AS BLOB)';
type FileRow = [file: ArrayBuffer | null];

function toFile([file]: FileRow): string | null {
  return file === null ? null : textOf(file);
}

function named(files: (string | null)[]): string[] {
  return files.filter((file) => file !== null);
}

type KeptRow = [number, ArrayBuffer, number, number, number, number];
const KEPT = `SELECT seq, CAST(channel AS BLOB), CAST(received_at AS INTEGER), CAST(attempts AS INTEGER),
  CAST(due_at AS INTEGER), CAST(bytes AS INTEGER) FROM deliveries`;

function toKept([seq, channel, receivedAt, attempts, dueAt, bytes]: KeptRow): KeptDelivery {
  return { seq, channel: textOf(channel), receivedAt, attempts, dueAt, bytes };
}
