import { Writable } from 'node:stream';
import { WriteStream } from 'node:tty';

const ESCAPE = '\u001b';
/** What follows the escape. */
const SEQUENCE = /^\[(\??[\d;]*)([A-Za-z])/;

/** A terminal that keeps what it was sent and works out what is to be seen on it. */
export interface FakeTerminal extends NodeJS.WriteStream {
  /** Everything it was sent. */
  sent: () => string;
  /** The lines on the screen, without the empty ones at its end. */
  screen: () => string[];
  cursorShown: () => boolean;
}

export function fakeTerminal({ columns = 80, rows = 24 } = {}): FakeTerminal {
  let sent = '';
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _, done) {
      sent += chunk;
      done();
    },
  });
  const { cursorTo, moveCursor, clearLine, clearScreenDown } = WriteStream.prototype;
  const terminal = { isTTY: true, columns, rows, cursorTo, moveCursor, clearLine, clearScreenDown };
  return Object.assign(stream, terminal, {
    sent: () => sent,
    screen: () => draw(sent, columns),
    cursorShown: () => sent.lastIndexOf('\u001b[?25l') <= sent.lastIndexOf('\u001b[?25h'),
  }) as unknown as FakeTerminal;
}

/** What a terminal makes of a text: as much of ECMA-48 as is sent to it here. Colours are left out. */
function draw(text: string, columns: number): string[] {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  const line = () => lines[row] ?? '';
  const put = (character: string) => {
    if (column === columns) down();
    lines[row] = line().slice(0, column).padEnd(column) + character + line().slice(column + 1);
    column += 1;
  };
  const down = () => {
    row += 1;
    column = 0;
    lines[row] ??= '';
  };
  const obey = (numbers: string, letter: string) => {
    const [first = 0, second = 0] = numbers.split(';').map(Number);
    if (letter === 'm' || numbers.startsWith('?')) return;
    if (letter === 'G') column = Math.max(1, first) - 1;
    else if (letter === 'A') row = Math.max(0, row - Math.max(1, first));
    else if (letter === 'H') [row, column] = [Math.max(1, first) - 1, Math.max(1, second) - 1];
    else if (letter === 'K') lines[row] = first === 2 ? '' : first === 1 ? '' : line().slice(0, column);
    else if (letter === 'J' && first === 0) lines.splice(row, lines.length, line().slice(0, column));
    else throw new Error(`this terminal does not know ${numbers}${letter}`);
  };
  const print = (piece: string) => {
    for (const character of piece) {
      if (character === '\n') down();
      else if (character === '\r') column = 0;
      else put(character);
    }
  };
  const [plain = '', ...escaped] = text.split(ESCAPE);
  print(plain);
  for (const piece of escaped) {
    const [sequence = '', numbers = '', letter = ''] = SEQUENCE.exec(piece) ?? [];
    obey(numbers, letter);
    print(piece.slice(sequence.length));
  }
  while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop();
  return lines.map((one) => one.trimEnd());
}
