import type { EventType } from './event.ts';
import { isEventType } from './event.ts';

/** A call's status in the widget's words (contract §1). */
export type CallStatus = 'Ringing' | 'Connected' | 'Transferred' | 'Disconnected' | 'Missed';

/** What a call's life needs to know of an event. `arrival` breaks ties that timestamp and rank leave. */
export interface LifeEvent {
  event: string;
  timestampMs: number | null;
  arrival: number;
}

const STATUS: Record<EventType, CallStatus> = {
  call_initiated: 'Ringing',
  call_connected: 'Connected',
  call_transferred: 'Transferred',
  call_disconnected: 'Disconnected',
  call_missed: 'Missed',
};

const RANK: Record<EventType, number> = {
  call_initiated: 0,
  call_connected: 1,
  call_transferred: 2,
  call_missed: 3,
  call_disconnected: 4,
};

/** Orders events by timestamp, then by rank in a call's life, then by arrival (contract §1). */
export function compareLife(a: LifeEvent, b: LifeEvent): number {
  return (
    (a.timestampMs ?? Number.NEGATIVE_INFINITY) - (b.timestampMs ?? Number.NEGATIVE_INFINITY) ||
    rank(a.event) - rank(b.event) ||
    a.arrival - b.arrival ||
    0
  );
}

/**
 * The status after these events, in whatever order they arrived; null while no known event is among them.
 * A call that has ended stays ended, whatever else carries a later timestamp.
 */
export function callStatus(events: Iterable<LifeEvent>): CallStatus | null {
  const decisive = decisiveEvent(events);
  return decisive === null ? null : STATUS[decisive.event as EventType];
}

/** The event that a call has its status from. */
export function decisiveEvent<Event extends LifeEvent>(events: Iterable<Event>): Event | null {
  let last: Event | null = null;
  for (const event of events) {
    if (!isEventType(event.event)) continue;
    if (last === null || compareEnd(event, last) > 0) last = event;
  }
  return last;
}

function compareEnd(a: LifeEvent, b: LifeEvent): number {
  return Number(isTerminal(a.event)) - Number(isTerminal(b.event)) || compareLife(a, b);
}

export function isTerminal(event: string): boolean {
  return event === 'call_disconnected' || event === 'call_missed';
}

function rank(event: string): number {
  return isEventType(event) ? RANK[event] : 5;
}
