/** The library: what a receiver's own code can use. */
export type { CallStatus, LifeEvent } from './core/call.ts';
export { callStatus, compareLife } from './core/call.ts';
export type { BodyFormat, CallEvent, EventType } from './core/event.ts';
export { EVENT_TYPES, sampleEvent, serializeEvent } from './core/event.ts';
export { eventJsonSchema } from './core/event-schema.ts';
export { HEADER } from './core/headers.ts';
export type { Payload, PayloadProblem } from './core/payload.ts';
export { parsePayload } from './core/payload.ts';
export { maskNumber, maskNumbers } from './core/redact.ts';
export type { MalformedReason, Secret, Verdict } from './core/signature.ts';
export { signPayload, verifySignature } from './core/signature.ts';
