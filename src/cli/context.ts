import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isAlive } from '../config/process-alive.ts';
import { findProject, type Project } from '../config/project.ts';
import { EXIT, type ExitCode, UsageError } from '../core/errors.ts';
import { maskNumbers, visibleJson } from '../core/redact.ts';
import type { Store } from '../core/store.ts';
import type { Io, Output } from './io.ts';
import type { ColorChoice, Style } from './style.ts';

/** Options that every command knows. */
export interface CommonOptions {
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  showNumbers?: boolean;
  color?: ColorChoice;
  store?: string;
  config?: string;
}

/** What a command works with; what is costly is made when first asked for. */
export interface Context {
  readonly io: Io;
  readonly options: CommonOptions;
  /** What the process ends with, unless an error decides otherwise. */
  exitCode: ExitCode;
  readonly project: Project;
  /** The delivery log; created where the project has none. Throws StoreError. */
  store(): Promise<Store>;
  /** The same for a command that only reads: one that was named and is not there is a mistake. Throws UsageError. */
  recordedStore(): Promise<Store>;
  style(stream: 'stdout'): Style;
  /** A result, for stdout. */
  print(text: string): void;
  /** One JSON document or line, for stdout. */
  printJson(value: unknown): void;
  /** Progress and hints, for stderr; silent with --quiet. */
  note(text: string): void;
  /** A warning, for stderr, even with --quiet. */
  warn(text: string): void;
  /** Text for people to look at: callers' numbers are masked in it, unless --show-numbers (contract §3). */
  masked(text: string): string;
  close(): Promise<void>;
}

/** Makes the context out of the options that commander has parsed. */
export type StartContext = (options: object) => Context;

export function createContext(io: Io, options: CommonOptions, style: Style): Context {
  let store: Promise<Store> | null = null;
  let project: Project | null = null;
  const line = (stream: Output, text: string) => stream.write(`${text}\n`);
  const context: Context = {
    io,
    options,
    exitCode: EXIT.ok,
    get project() {
      project ??= findProject(io.cwd, options.config, io.env);
      return project;
    },
    store() {
      store ??= openProjectStore(context);
      return store;
    },
    recordedStore() {
      refuseMissingStore(context);
      return context.store();
    },
    style: () => style,
    print: (text) => line(io.stdout, text),
    printJson: (value) => line(io.stdout, visibleJson(value)),
    note: (text) => {
      if (options.quiet !== true) line(io.stderr, text);
    },
    warn: (text) => line(io.stderr, text),
    masked: (text) => (options.showNumbers === true ? text : maskNumbers(text)),
    close: async () => {
      if (store !== null) await store.then((opened) => opened.close()).catch(() => {});
    },
  };
  return context;
}

async function openProjectStore({ io, options, project }: Context): Promise<Store> {
  const { openStore } = await import('../store/open.ts');
  const named = options.store ?? io.env.MO_NOTIFY_STORE;
  return openStore(named ?? join(project.makeFolder(), 'deliveries.db'), { lease: { isAlive } });
}

function refuseMissingStore({ io, options }: Context): void {
  const named = options.store ?? io.env.MO_NOTIFY_STORE;
  const path = named?.replace(/^sqlite:(\/\/)?/i, '');
  if (path === undefined || path === ':memory:' || /^[a-z][a-z0-9+.-]+:/i.test(path)) return;
  const where = resolve(io.cwd, path);
  // Of a folder that is not there the store itself tells more.
  if (existsSync(where) || !existsSync(dirname(where))) return;
  throw new UsageError(
    `There is no delivery log ${path}. 'mo-notify listen' or 'mo-notify send-test' makes one; 'logs import' fills one.`,
  );
}
