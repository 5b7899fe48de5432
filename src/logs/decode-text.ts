/** A file's text: UTF-8 or, by its byte order mark, UTF-16, as PowerShell's `>` writes it. The mark is left out. */
export function decodeText(bytes: Buffer): string {
  const encoding = { fffe: 'utf-16le', feff: 'utf-16be' }[bytes.toString('hex', 0, 2)] ?? 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}
