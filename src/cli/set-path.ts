import { UsageError } from '../core/errors.ts';
import type { CallEvent } from '../core/event.ts';

/** `--set metadata.queue=Support` and the like, as one change to an event. Throws UsageError. */
export function changeEvent(assignments: readonly string[]): (event: CallEvent) => CallEvent {
  const changes = assignments.map(parseAssignment);
  return (event) =>
    changes.reduce((changed, { path, text }) => assign(changed, path, text) as CallEvent, event);
}

const MAX_KEYS = 64;

/** JSON can be nested deeper than it can be written again. */
function canBeWritten(text: string): boolean {
  try {
    JSON.stringify(parseValue(text, null));
    return true;
  } catch {
    return false;
  }
}

function parseAssignment(text: string): { path: string[]; text: string } {
  const at = text.indexOf('=');
  const path = text.slice(0, at).split('.');
  if (at < 1 || path.some((key) => key === '')) {
    throw new UsageError(`--set: '${text}' is not an assignment. Write it like metadata.queue=Support.`);
  }
  if (path.some((key) => key === '__proto__'))
    throw new UsageError(`--set: '${text}' names __proto__, which is no field.`);
  if (path.length > MAX_KEYS || !canBeWritten(text.slice(at + 1)))
    throw new UsageError(`--set: the value of '${path[0]}' is nested too deep.`);
  return { path, text: text.slice(at + 1) };
}

/** JSON where it is JSON (`42`, `null`, `"42"`), else the text itself. A number in place of a text stays text: a phone number. */
function parseValue(text: string, current: unknown): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'number' && typeof current === 'string' ? text : value;
  } catch {
    return text;
  }
}

function assign(target: unknown, [key, ...rest]: string[], text: string): unknown {
  if (key === undefined) return parseValue(text, target);
  const object = typeof target === 'object' && target !== null ? (target as Record<string, unknown>) : {};
  const current = Object.hasOwn(object, key) ? object[key] : undefined;
  return { ...object, [key]: assign(current, rest, text) };
}
