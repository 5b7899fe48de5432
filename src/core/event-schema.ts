import { EVENT_TYPES } from './event.ts';

/** The part of JSON Schema that the event's schema is written in. */
interface Schema {
  type: JsonType | readonly JsonType[];
  description?: string;
  enum?: readonly string[];
  minLength?: number;
  minimum?: number;
  required?: readonly string[];
  properties?: Record<string, Schema>;
  format?: string;
  examples?: readonly unknown[];
}
type JsonType = 'string' | 'number' | 'object' | 'null';

const EVENT: Schema = {
  type: 'object',
  required: ['event', 'call_id', 'timestamp'],
  properties: {
    event: {
      type: 'string',
      description: 'What happened. Unknown types are accepted and flagged.',
      examples: EVENT_TYPES,
    },
    call_id: { type: 'string', minLength: 1, description: 'Unique per call, the same for all its events.' },
    caller_number: { type: 'string' },
    receiver_number: { type: 'string' },
    direction: { type: 'string', enum: ['inbound', 'outbound'] },
    timestamp: {
      type: 'string',
      format: 'date-time',
      description: 'When it happened; events are ordered by it.',
    },
    duration_seconds: { type: 'number', minimum: 0 },
    metadata: {
      type: 'object',
      properties: {
        queue: { type: 'string', description: 'The ring group at event time.' },
        agent_id: { type: 'string' },
        recording_url: {
          type: ['string', 'null'],
          description: 'Null or absent until post-processing ends.',
        },
      },
    },
  },
};

/** The event's JSON Schema (draft 2020-12): all keys but three optional, unknown ones kept (contract §1). */
export function eventJsonSchema(): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'MyOperator live call notification',
    ...EVENT,
  };
}

const MOST_PROBLEMS = 5;

/** The paths at which an event departs from its schema, such as `metadata.queue`; at most five. */
export function schemaProblems(event: Record<string, unknown>): string[] {
  const problems: string[] = [];
  check(event, EVENT, '', problems);
  return problems;
}

function check(value: unknown, schema: Schema, path: string, problems: string[]): void {
  if (problems.length >= MOST_PROBLEMS) return;
  if (!hasType(value, schema.type) || !isWithin(value, schema)) {
    problems.push(path);
    return;
  }
  const { properties, required } = schema;
  if (properties === undefined) return;
  const object = value as Record<string, unknown>;
  for (const key in properties) {
    const at = path === '' ? key : `${path}.${key}`;
    if (Object.hasOwn(object, key)) check(object[key], properties[key] as Schema, at, problems);
    else if (required?.includes(key) && problems.length < MOST_PROBLEMS) problems.push(at);
  }
}

function hasType(value: unknown, type: Schema['type']): boolean {
  const actual = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return typeof type === 'string' ? actual === type : type.includes(actual as JsonType);
}

function isWithin(value: unknown, schema: Schema): boolean {
  if (schema.enum !== undefined && !schema.enum.includes(value as string)) return false;
  if (schema.minLength !== undefined && (value as string).length < schema.minLength) return false;
  return schema.minimum === undefined || (value as number) >= schema.minimum;
}
