import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'libsql';
import { StoreError } from '../core/errors.ts';
import { pause } from './pause.ts';

/** SQL, or a function where SQL alone cannot say it; true where the bytes of what it took out are to go, too. */
export type Migration = string | ((db: Database.Database) => boolean);

/** What a SQLite file of ours is for. */
export interface FileKind {
  /** For people. */
  name: string;
  /** Written into the file's header, so that another program's SQLite file is never taken for ours. */
  applicationId: number;
  /** What brings the file from each version to the next, inside one transaction; a new one takes all the steps. */
  migrations: readonly Migration[];
}

const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';
/** The newest there is of the formats that a header names, for writing and for reading. */
const FORMAT = 2;

/**
 * Looks at a store's file before SQLite does, because SQLite would take an emptied or shortened file for a new or
 * sound one. Throws StoreError and leaves the file as it is (faults E4, E5). Creates an absent file with mode 0600.
 */
export function inspectFile(path: string, kind: FileKind): void {
  const folder = dirname(path);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new StoreError(
      `The store ${path} cannot be opened: the folder ${folder} ${existsSync(folder) ? 'is a file. Name' : 'does not exist. Create it, or name'} another --store.`,
      'unavailable',
    );
  }
  if (isSymbolicLink(path)) {
    throw new StoreError(
      `The store ${path} is a symbolic link; name the file it leads to instead.`,
      'unavailable',
    );
  }
  const about = lstatSync(path, { throwIfNoEntry: false });
  if (about !== undefined && !about.isFile()) {
    throw new StoreError(
      `The store ${path} is ${about.isDirectory() ? 'a folder' : 'no regular file'}. Name a file with --store.`,
      'unavailable',
    );
  }
  let file: number;
  try {
    file = openSync(path, 'a+', 0o600);
  } catch (cause) {
    throw new StoreError(
      `The store ${path} cannot be opened for writing (${(cause as NodeJS.ErrnoException).code}). Check its owner and mode, or name another --store.`,
      'unavailable',
      { cause },
    );
  }
  try {
    for (const suffix of ['', '-wal', '-shm']) keepPrivate(path + suffix);
    // The log first: others may be at work, and what is in no log any more is in the file by then.
    const hasLog = sizeOf(`${path}-wal`) > 0;
    if (fstatSync(file).size === 0) {
      if (!hasLog) return;
      throw damaged(
        path,
        `it is empty while its write-ahead log ${path}-wal is not`,
        'Bring the file back from a copy; the log holds its latest records.',
      );
    }
    if (hasLostLog(path)) {
      throw damaged(
        path,
        `its write-ahead log ${path}-wal is gone while ${path}-shm is there, so recent records are lost`,
        `If the log cannot be brought back, delete ${path}-shm to go on with what is left.`,
      );
    }
    checkHeader(path, file, kind);
  } finally {
    closeSync(file);
  }
}

/** What to tell somebody whose store is damaged. */
export function damaged(path: string, what: string, remedy = ''): StoreError {
  return new StoreError(
    `The store ${path} is damaged: ${what}. It was left as it is. ${
      remedy ||
      `Recover what can be read with: sqlite3 ${path} .recover | sqlite3 recovered.db, or move it away to start anew.`
    }`,
    'damaged',
  );
}

/** What to say of another program's file. */
export function foreign(path: string, { name }: FileKind): StoreError {
  return new StoreError(`${path} is a SQLite file, but not a ${name}. Name another --store.`, 'unavailable');
}

/** Records hold callers' numbers: a store and its log are nobody else's to read (fault F18). */
function keepPrivate(path: string): void {
  const about = lstatSync(path, { throwIfNoEntry: false });
  if (about === undefined || !about.isFile() || (about.mode & 0o077) === 0) return;
  try {
    chmodSync(path, 0o600);
  } catch (cause) {
    throw new StoreError(
      `The store ${path} can be read by others and its mode cannot be changed (${(cause as NodeJS.ErrnoException).code}). Have its owner do: chmod 600 ${path}`,
      'unavailable',
      { cause },
    );
  }
}

/** A process that closes the store removes the log a moment before its index, so a second look decides. */
function hasLostLog(path: string): boolean {
  for (let look = 0; look < 10; look++) {
    if (existsSync(`${path}-wal`) || sizeOf(`${path}-shm`) === 0) return false;
    pause(10);
  }
  return true;
}

/** With a log beside it, the file may lag behind it in all but its first words. */
function checkHeader(path: string, file: number, kind: FileKind): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const got = readSync(file, header, 0, HEADER_BYTES, 0);
  if (got < HEADER_BYTES || header.toString('latin1', 0, 16) !== MAGIC) {
    throw damaged(path, 'it does not begin like a SQLite file');
  }
  // SQLite would take it for one that may only be read.
  if (header.readUInt8(18) > FORMAT || header.readUInt8(19) > FORMAT)
    throw damaged(path, 'its header names a file format that does not exist');
  // After the header, for the reason above.
  if (sizeOf(`${path}-wal`) > 0) return;
  const { size } = fstatSync(file);
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const pages = header.readUInt32BE(28);
  if (size < pages * pageSize) {
    throw damaged(path, `it has ${size} bytes where its header promises ${pages * pageSize}`);
  }
  // A single page has no tables: another process is making the store just now.
  if (header.readUInt32BE(68) !== kind.applicationId && pages > 1) throw foreign(path, kind);
}

function isSymbolicLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function sizeOf(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
