import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { UsageError } from '../core/errors.ts';
import type { TlsPair } from '../http/serve-options.ts';
import type { Clock } from '../tunnel/clock.ts';

const LOOK_EVERY_MS = 60_000;

/** A certificate with its key, and the files they were read from, which somebody renews now and then. */
export interface TlsFiles {
  tlsCert: string;
  tlsKey: string;
  pair: TlsPair;
}

/** Null where no files are named. Throws UsageError. */
export function readTls({ tlsCert, tlsKey }: { tlsCert?: string; tlsKey?: string }): TlsFiles | null {
  if (tlsCert === undefined && tlsKey === undefined) return null;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new UsageError('--tls-cert and --tls-key go together: give both files.');
  return { tlsCert, tlsKey, pair: readPair({ tlsCert, tlsKey }) };
}

function readPair({ tlsCert, tlsKey }: { tlsCert: string; tlsKey: string }): TlsPair {
  const pair = { cert: readPem('--tls-cert', tlsCert), key: readPem('--tls-key', tlsKey) };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new UsageError(
      `--tls-cert ${tlsCert} and --tls-key ${tlsKey} do not work together: ${(error as Error).message}. Give a certificate and the key that it was made for.`,
    );
  }
  return pair;
}

/** When a certificate ends, ms since the epoch. */
export function certificateEnd({ cert }: TlsPair): number {
  return Date.parse(new X509Certificate(cert).validTo);
}

/**
 * Looks every minute whether the files hold another pair by now, and hands it on. What cannot be used is told once.
 * Answers with what ends it.
 */
export function followTls(
  files: TlsFiles,
  clock: Clock,
  { onRenewed, onRefused }: { onRenewed(pair: TlsPair): void; onRefused(reason: string): void },
): () => void {
  let used = files.pair;
  let refused = '';
  return clock.every(LOOK_EVERY_MS, () => {
    try {
      const found = readPair(files);
      refused = '';
      if (found.cert === used.cert && found.key === used.key) return;
      used = found;
      onRenewed(found);
    } catch (error) {
      const { message } = error as Error;
      if (message !== refused) onRefused(message);
      refused = message;
    }
  });
}

function readPem(flag: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${flag}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  if (!text.includes('-----BEGIN ')) throw new UsageError(`${flag}: ${path} is not a PEM file.`);
  return text;
}
