import { readFileSync } from 'node:fs';
import { EnvironmentError } from '../core/errors.ts';

/** What the page is made of, as the build leaves it; no other file is ever served. */
const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

export interface Asset {
  type: string;
  bytes: Buffer;
}

/** The page's files by the path they are asked for. Throws EnvironmentError where they have not been built. */
export function readAssets(): Map<string, Asset> {
  // As far up from dist/chunks/ as from src/dashboard/.
  const folder = new URL('../../dist/dashboard/', import.meta.url);
  return new Map(
    Object.entries(TYPES).map(([name, type]) => [
      name === 'index.html' ? '/' : `/${name}`,
      { type, bytes: read(new URL(name, folder)) },
    ]),
  );
}

function read(file: URL): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new EnvironmentError(
      `The dashboard's ${file.pathname} cannot be read (${code}). In a clone, 'npm run build' makes it; else install mo-notify again.`,
      { cause },
    );
  }
}
