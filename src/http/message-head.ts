/** A head's fields, and what those say that belong to the connection. */
export interface Fields {
  /** Names and values in turn. */
  headers: readonly string[];
  length: number | null;
  /** What `Transfer-Encoding` says. */
  coding: string | null;
  /** `Connection: close`. */
  close: boolean;
  /** How long the other side keeps an idle connection, ms. */
  keepMs: number | null;
  expect: string | null;
  /** Whether `Connection` names an upgrade, and to what. */
  asksUpgrade: boolean;
  upgrade: string | null;
  /** How many `Host` there are. */
  hosts: number;
}

/** What came is not HTTP/1.1, or not such as may be trusted to be. */
export class BadMessageError extends Error {
  override readonly name = 'BadMessageError';
  /** True where it is only too long. */
  readonly tooLong: boolean;

  constructor(message: string, tooLong = false) {
    super(message);
    this.tooLong = tooLong;
  }
}

/** No two of its parts can match the same character, so it takes linear time whatever it is given (fault G1). */
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;

/** Reads a head's lines after the first. Throws BadMessageError. */
export function parseFields(lines: string[]): Fields {
  const headers: string[] = [];
  const fields: Fields = {
    headers,
    length: null,
    coding: null,
    close: false,
    keepMs: null,
    expect: null,
    asksUpgrade: false,
    upgrade: null,
    hosts: 0,
  };
  for (let i = 1; i < lines.length; i++) {
    const header = HEADER_LINE.exec(lines[i] as string);
    if (header === null) throw new BadMessageError(`a header line is '${(lines[i] as string).slice(0, 80)}'`);
    const [, name, padded] = header as unknown as [string, string, string];
    const value = withoutBlanks(padded);
    headers.push(name, value);
    note(fields, name, value);
  }
  return fields;
}

/** The text without the blanks and tabs around it. */
function withoutBlanks(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && (text[from] === ' ' || text[from] === '\t')) from += 1;
  while (from < to && (text[to - 1] === ' ' || text[to - 1] === '\t')) to -= 1;
  return text.slice(from, to);
}

/** Notes what a field says about the connection. */
function note(fields: Fields, name: string, value: string): void {
  switch (name.toLowerCase()) {
    case 'content-length': {
      const length = contentLength(value);
      if (fields.length !== null && fields.length !== length)
        throw new BadMessageError('it has two Content-Length');
      fields.length = length;
      break;
    }
    case 'transfer-encoding':
      fields.coding = fields.coding === null ? value : `${fields.coding}, ${value}`;
      break;
    case 'connection':
      if (/(?:^|,)\s*close\s*(?:,|$)/i.test(value)) fields.close = true;
      if (/(?:^|,)\s*upgrade\s*(?:,|$)/i.test(value)) fields.asksUpgrade = true;
      break;
    case 'keep-alive': {
      const seconds = /timeout=(\d{1,6})/i.exec(value)?.[1];
      if (seconds !== undefined) fields.keepMs = Number(seconds) * 1000;
      break;
    }
    case 'expect':
      fields.expect = value;
      break;
    case 'upgrade':
      fields.upgrade = value;
      break;
    case 'host':
      fields.hosts += 1;
      break;
  }
}

function contentLength(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new BadMessageError(`its Content-Length is '${value.slice(0, 40)}'`);
  return Number(value);
}

/** True where the last coding is `chunked`, so that the body says itself where it ends. */
export function isChunked(coding: string): boolean {
  return /(?:^|,)\s*chunked\s*$/i.test(coding);
}
