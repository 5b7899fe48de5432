import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../core/errors.ts';
import { inOnePiece, type Pieces, sizeOf } from '../core/pieces.ts';

/** Large contents as files beside a store: to write one into the database would hold up everybody else's commits. */
export interface ContentFiles {
  /** Resolves to its name once it is on disk for good. Rejects with StoreError. */
  write(content: Pieces): Promise<string>;
  /** All `size` bytes of it; null where they are gone. */
  read(name: string, size: number): Promise<Uint8Array | null>;
  /** What cannot be removed is removed at the next start. */
  remove(names: readonly string[]): void;
  /** Removes what no row names: it was written, but its row was not. */
  keepOnly(names: ReadonlySet<string>): void;
}

/** `folder` is made when it is first needed. */
export function contentFiles(folder: string, durable: boolean): ContentFiles {
  return {
    async write(content) {
      const name = randomBytes(12).toString('hex');
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        await withFile(await open(join(folder, name), 'wx', 0o600), async (file) => {
          await writeWhole(file, content);
          if (durable) await file.datasync();
        });
        // Its name is the folder's to keep.
        if (durable) await withFile(await open(folder, 'r'), (file) => file.sync());
        return name;
      } catch (cause) {
        this.remove([name]);
        const { code = 'no code' } = cause as NodeJS.ErrnoException;
        const full = code === 'ENOSPC' || code === 'EDQUOT';
        throw new StoreError(
          full
            ? `The disk that holds ${folder} is full. Free some space.`
            : `${folder} cannot be written (${code}). Check its owner and mode.`,
          full ? 'full' : 'unavailable',
          { cause },
        );
      }
    },
    async read(name, size) {
      try {
        return await withFile(await open(join(folder, name)), (file) => readWhole(file, size));
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException;
        if (code === 'ENOENT') return null;
        throw new StoreError(`${join(folder, name)} cannot be read (${code}).`, 'unavailable', { cause });
      }
    },
    remove(names) {
      for (const name of names) void rm(join(folder, name), { force: true }).catch(() => {});
    },
    keepOnly(names) {
      if (existsSync(folder)) this.remove(readdirSync(folder).filter((name) => !names.has(name)));
    },
  };
}

/** In one go as a rule; a disk that is nearly full takes less than it was given, and says why at the next. */
async function writeWhole(file: FileHandle, content: Pieces): Promise<void> {
  const { bytesWritten } = await file.writev(content);
  if (bytesWritten < sizeOf(content)) await file.writeFile(inOnePiece(content).subarray(bytesWritten));
}

async function readWhole(file: FileHandle, size: number): Promise<Uint8Array | null> {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at);
    if (bytesRead === 0) return null;
    at += bytesRead;
  }
  return bytes;
}

async function withFile<Result>(
  file: FileHandle,
  work: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
