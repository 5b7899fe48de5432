import type { CommandEntry } from './command.ts';

/** Every command, in the order of `--help`. To add one: a line here and a module beside this file. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'the whole loop on this machine in a few seconds',
    load: () => import('./demo.ts'),
  },
  {
    name: 'send-test',
    alias: 'trigger',
    summary: 'send signed test events to an endpoint',
    load: () => import('./send-test.ts'),
  },
  {
    name: 'listen',
    summary: 'receive, verify, record and forward deliveries',
    load: () => import('./listen.ts'),
  },
  {
    name: 'relay',
    summary: 'the public end of a tunnel, on a host of your own',
    load: () => import('./relay.ts'),
  },
  {
    name: 'dashboard',
    summary: 'live calls, deliveries and KPIs of a log, in the browser',
    load: () => import('./dashboard.ts'),
  },
  {
    name: 'replay',
    alias: 'resend',
    summary: 'send recorded deliveries again',
    load: () => import('./replay.ts'),
  },
  {
    name: 'report',
    summary: 'judge what was recorded: the KPIs, per endpoint and in all',
    load: () => import('./report.ts'),
  },
  {
    name: 'endpoints',
    summary: 'the registry: URL, secret, subscribed events, filters',
    load: () => import('./endpoints.ts'),
  },
  {
    name: 'logs',
    summary: 'the delivery log: list, show, tail, import, export, prune',
    load: () => import('./logs.ts'),
  },
  {
    name: 'verify',
    summary: 'check one signature, and explain why it fails',
    load: () => import('./verify.ts'),
  },
  {
    name: 'sign',
    summary: 'make the signature of one body',
    plain: true,
    load: () => import('./sign.ts'),
  },
  {
    name: 'events',
    summary: 'event types, sample payloads, JSON Schema',
    load: () => import('./events.ts'),
  },
  {
    name: 'support-bundle',
    summary: 'what support asks for: URLs, event ids, times, response codes',
    load: () => import('./support-bundle.ts'),
  },
  {
    name: 'init',
    summary: 'write a commented config',
    load: () => import('./init.ts'),
  },
  {
    name: 'completion',
    summary: 'completion of commands, flags and names in your shell',
    plain: true,
    load: async () => (await import('./completion.ts')).completionOf(COMMANDS),
  },
];
