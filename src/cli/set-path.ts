import { UsageError } from '../core/errors.ts';
import type { CallEvent } from '../core/event.ts';

/** `--set metadata.queue=Support` and the like, as one change to an event. Throws UsageError. */
export function changeEvent(assignments: readonly string[]): (event: CallEvent) => CallEvent {
  const changes = assignments.map(parseAssignment);
  return (event) =>
    changes.reduce((changed, { path, value }) => assign(changed, path, value) as CallEvent, event);
}

function parseAssignment(text: string): { path: string[]; value: unknown } {
  const at = text.indexOf('=');
  const path = text.slice(0, at).split('.');
  if (at < 1 || path.some((key) => key === '')) {
    throw new UsageError(`--set: '${text}' is not an assignment. Write it like metadata.queue=Support.`);
  }
  if (path.some((key) => key === '__proto__'))
    throw new UsageError(`--set: '${text}' names __proto__, which is no field.`);
  return { path, value: parseValue(text.slice(at + 1)) };
}

/** JSON where it is JSON (`42`, `null`, `"42"`), else the text itself. A phone number stays text. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function assign(target: unknown, [key, ...rest]: string[], value: unknown): unknown {
  if (key === undefined) return value;
  const object = typeof target === 'object' && target !== null ? (target as Record<string, unknown>) : {};
  return { ...object, [key]: assign(object[key], rest, value) };
}
