import { UsageError } from './errors.ts';
import { nearest } from './nearest.ts';

/** The platform's event types, in the order of a call's life (contract §1). */
export const EVENT_TYPES = [
  'call_initiated',
  'call_connected',
  'call_transferred',
  'call_disconnected',
  'call_missed',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export const EVENT_DESCRIPTIONS: Record<EventType, string> = {
  call_initiated: 'A call started ringing.',
  call_connected: 'An agent answered the call.',
  call_transferred: 'The call moved to another agent or queue.',
  call_disconnected: 'The call ended.',
  call_missed: 'Nobody answered the call.',
};

/** One live call notification, keys in wire order (contract §1). Only the first, second and timestamp are required. */
export interface CallEvent {
  event: string;
  call_id: string;
  caller_number?: string;
  receiver_number?: string;
  direction?: 'inbound' | 'outbound';
  timestamp: string;
  duration_seconds?: number;
  metadata?: { queue?: string; agent_id?: string; recording_url?: string | null; [key: string]: unknown };
  [key: string]: unknown;
}

export function isEventType(name: unknown): name is EventType {
  return EVENT_TYPES.includes(name as EventType);
}

/** `connected`, `call.connected` and `call_connected` mean the same. Throws UsageError with the nearest name. */
export function eventType(name: string): EventType {
  const snake = name.trim().toLowerCase().replaceAll(/[.-]/g, '_');
  const full = snake.startsWith('call_') ? snake : `call_${snake}`;
  if (isEventType(full)) return full;
  const hint = nearest(snake, EVENT_TYPES) ?? nearest(full, EVENT_TYPES);
  throw new UsageError(
    `'${name}' is not an event type.${hint ? ` Did you mean '${hint}'?` : ''} Known: ${EVENT_TYPES.join(', ')}.`,
  );
}

/** A realistic event of this type. Its numbers are from ranges nobody is called on. */
export function sampleEvent(type: EventType, callId: string, timestampMs: number): CallEvent {
  const ended = type === 'call_disconnected';
  const queue = type === 'call_transferred' ? 'Support' : 'Sales';
  const recording_url = ended ? 'https://recordings.example.com/call.mp3' : null;
  const answered = type !== 'call_initiated' && type !== 'call_missed';
  return {
    event: type,
    call_id: callId,
    caller_number: '+919876543210',
    receiver_number: '+911234567890',
    direction: 'inbound',
    timestamp: new Date(timestampMs).toISOString(),
    duration_seconds: ended ? 42 : 0,
    metadata: answered ? { queue, agent_id: 'ag_72', recording_url } : { queue, recording_url },
  };
}

export const BODY_FORMATS = ['compact', 'pretty', 'escaped'] as const;
export type BodyFormat = (typeof BODY_FORMATS)[number];

/**
 * The body's bytes. `compact` survives a receiver that re-serialises with JSON.stringify; `pretty` and `escaped`
 * (PHP's `\/` and `\u00e9`, .NET's `\u002b`) are as rightly signed, and such a receiver wrongly refuses them
 * (contract §1).
 */
export function serializeEvent(event: CallEvent, format: BodyFormat = 'compact'): Buffer {
  if (format === 'pretty') return Buffer.from(JSON.stringify(event, null, 2));
  const compact = JSON.stringify(event);
  return Buffer.from(format === 'escaped' ? escapePlus(escapeJson(compact)) : compact);
}

/** `+` in strings as .NET writes it: every event with a phone number has one, few have a slash. */
function escapePlus(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"?/g, (text) => text.replaceAll('+', '\\u002b'));
}

/** JSON text with every slash and every non-ASCII UTF-16 unit escaped, as PHP's json_encode does by default. */
export function escapeJson(json: string): string {
  return json
    .replaceAll('/', '\\/')
    .replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
