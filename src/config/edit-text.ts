import { createScanner, type JSONPath, type Node, parseTree } from 'jsonc-parser';

/** A stretch of the text, `end` not in it. */
interface Span {
  readonly offset: number;
  readonly end: number;
}

/** The text with a property set, in its old place or else at its object's end. Comments outside its value stay. */
export function setProperty(text: string, at: JSONPath, value: unknown): string {
  const path = at.map(String);
  const property = lastNamed(propertiesAt(text, path.slice(0, -1)), path.at(-1) as string);
  return property === undefined ? insert(text, path, value) : replace(text, property, value);
}

/** The text without a property. Its lines go with it where nothing else stands on them; all other comments stay. */
export function removeProperty(text: string, at: JSONPath): string {
  const path = at.map(String);
  let rest = text;
  for (;;) {
    const properties = propertiesAt(rest, path.slice(0, -1));
    // A name that stands there twice would come back to life if only one of them went.
    const property = lastNamed(properties, path.at(-1) as string);
    if (property === undefined) return rest;
    rest = cut(rest, spansOf(rest, properties, properties.indexOf(property)));
  }
}

function replace(text: string, property: Node, value: unknown): string {
  const old = valueIn(property);
  const json = lines(value, unitOf(text), indentAt(text, property.offset), eolOf(text));
  return text.slice(0, old.offset) + json + text.slice(old.offset + old.length);
}

/** Adds a property at its object's end, and the objects around it that are missing. */
function insert(text: string, path: readonly string[], value: unknown): string {
  const [parent, key] = [path.slice(0, -1), path.at(-1) as string];
  const object = objectAt(text, parent);
  if (object === undefined) return insert(text, parent, { [key]: value });
  const last = object.children?.at(-1);
  const close = object.offset + object.length - 1;
  const inside = tokens(text, last === undefined ? object.offset + 1 : endOf(last), close);
  const comma = inside.find((token) => text[token.offset] === ',');
  const open = last !== undefined && comma === undefined ? endOf(last) : null;
  const place = Math.max(inside.at(-1)?.end ?? 0, last === undefined ? object.offset + 1 : endOf(last));
  const added = write(text, object, {
    key,
    value,
    trailing: comma !== undefined,
    gap: text.slice(place, close),
  });
  const head = open === null ? text.slice(0, place) : `${text.slice(0, open)},${text.slice(open, place)}`;
  return head + added + text.slice(close);
}

/** The new property as it stands between what is last in its object and the closing brace. */
function write(
  text: string,
  object: Node,
  { key, value, trailing, gap }: { key: string; value: unknown; trailing: boolean; gap: string },
): string {
  const last = object.children?.at(-1);
  const comma = trailing ? ',' : '';
  const whole = text.slice(object.offset, object.offset + object.length);
  if (last !== undefined && !/[\r\n]/.test(whole) && !isObject(value))
    return ` ${JSON.stringify(key)}: ${oneLine(value)}${comma}${gap}`;
  const [eol, unit, outer] = [eolOf(text), unitOf(text), indentAt(text, object.offset)];
  const ownLine = last !== undefined && startsLine(text, last.offset);
  const indent = ownLine ? indentAt(text, last.offset) : outer + unit;
  const property = `${JSON.stringify(key)}: ${lines(value, unit, indent, eol)}${comma}`;
  return `${eol}${indent}${property}${/[\r\n]/.test(gap) ? gap : eol + outer}`;
}

/** What goes with a property: itself or its lines, and the one comma that would be too many. */
function spansOf(text: string, properties: readonly Node[], index: number): Span[] {
  const property = properties[index] as Node;
  const [before, next] = [properties[index - 1], properties[index + 1]];
  const commaIn = (from: number, to: number) =>
    tokens(text, from, to).find(({ offset }) => text[offset] === ',');
  const end = (property.parent as Node).offset + (property.parent as Node).length - 1;
  const own = commaIn(endOf(property), next?.offset ?? end);
  const comma = own ?? (before === undefined ? undefined : commaIn(endOf(before), property.offset));
  const whole = ownLines(text, property, own, next?.offset ?? end);
  const apart = own === undefined ? comma : { ...own, end: skipOn(text, own.end) };
  if (whole !== null)
    return [whole, ...(apart === undefined || (comma !== undefined && within(comma, whole)) ? [] : [apart])];
  const itself = { offset: property.offset, end: endOf(property) };
  if (own === undefined)
    return [{ ...itself, offset: skipBack(text, itself.offset) }, ...(comma === undefined ? [] : [comma])];
  return [itself, apart as Span];
}

/** The lines of a property, with the comment at their end; null where something else stands on them. */
function ownLines(text: string, property: Node, comma: Span | undefined, limit: number): Span | null {
  if (!startsLine(text, property.offset)) return null;
  const lineEnd = text.indexOf('\n', endOf(property));
  if (lineEnd < 0 || limit <= lineEnd) return null;
  const beside = tokens(text, endOf(property), limit).filter(({ offset }) => offset < lineEnd);
  const alone = beside.every(
    (token) => token.end <= lineEnd && (isComment(text, token) || token.offset === comma?.offset),
  );
  return alone ? { offset: lineStart(text, property.offset), end: lineEnd + 1 } : null;
}

function cut(text: string, spans: readonly Span[]): string {
  const backwards = [...spans].sort((a, b) => b.offset - a.offset);
  return backwards.reduce((rest, { offset, end }) => rest.slice(0, offset) + rest.slice(end), text);
}

/** Commas, comments and whatever else is no white space, between two places. */
function tokens(text: string, from: number, to: number): Span[] {
  const scanner = createScanner(text);
  scanner.setPosition(from);
  const found: Span[] = [];
  for (;;) {
    scanner.scan();
    const offset = scanner.getTokenOffset();
    if (offset >= to || scanner.getTokenLength() === 0) return found;
    if (/\S/.test(text[offset] as string)) found.push({ offset, end: scanner.getPosition() });
  }
}

function objectAt(text: string, path: readonly string[]): Node | undefined {
  let node = parseTree(text, [], { allowTrailingComma: true });
  for (const key of path) {
    const property: Node | undefined = lastNamed(node?.children ?? [], key);
    node = property === undefined ? undefined : valueIn(property);
  }
  return node;
}

function propertiesAt(text: string, path: readonly string[]): readonly Node[] {
  return objectAt(text, path)?.children ?? [];
}

/** Of two properties of one name the last one counts, as everywhere in JSON. */
function lastNamed(properties: readonly Node[], name: string): Node | undefined {
  return properties.findLast(({ children }) => children?.[0]?.value === name);
}

const valueIn = (property: Node) => property.children?.[1] as Node;
const endOf = ({ offset, length }: Node) => offset + length;
const within = (inner: Span, outer: Span) => inner.offset >= outer.offset && inner.end <= outer.end;
const isComment = (text: string, { offset }: Span) => text[offset] === '/';
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const lineStart = (text: string, offset: number) => text.lastIndexOf('\n', offset - 1) + 1;
const startsLine = (text: string, offset: number) =>
  /^[ \t]*$/.test(text.slice(lineStart(text, offset), offset));
const indentAt = (text: string, offset: number) =>
  /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';
const eolOf = (text: string) => (text.includes('\r\n') ? '\r\n' : '\n');
const unitOf = (text: string) => (/^\t/m.test(text) ? '\t' : '  ');
const skipOn = (text: string, from: number) => from + (/^[ \t]*/.exec(text.slice(from))?.[0].length ?? 0);

/** Where the blanks before a place begin. */
function skipBack(text: string, from: number): number {
  let at = from;
  while (text[at - 1] === ' ' || text[at - 1] === '\t') at -= 1;
  return at;
}

/** `["a", "b"]`: a list as people write it. */
function oneLine(value: unknown): string {
  return Array.isArray(value)
    ? `[${value.map((one) => JSON.stringify(one)).join(', ')}]`
    : JSON.stringify(value);
}

/** JSON over several lines, but for lists, which are short. */
function lines(value: unknown, unit: string, indent: string, eol: string): string {
  if (!isObject(value)) return oneLine(value);
  const entries = Object.entries(value as object).filter(([, one]) => one !== undefined);
  if (entries.length === 0) return '{}';
  const inner = indent + unit;
  const written = entries.map(
    ([key, one]) => `${inner}${JSON.stringify(key)}: ${lines(one, unit, inner, eol)}`,
  );
  return `{${eol}${written.join(`,${eol}`)}${eol}${indent}}`;
}
