import { join } from 'node:path';
import { findProject, type Project } from '../config/project.ts';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { maskNumbers, visibleJson } from '../core/redact.ts';
import type { Store } from '../core/store.ts';
import type { Io, Output } from './io.ts';
import type { Style } from './style.ts';
import { createStyle } from './style.ts';

/** Options that every command knows. */
export interface CommonOptions {
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  showNumbers?: boolean;
  color?: string;
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
  style(stream: 'stdout' | 'stderr'): Style;
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

export function createContext(io: Io, options: CommonOptions): Context {
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
    style: (stream) => createStyle(io[stream], options.color, io.env),
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
  if (named !== undefined) return openStore(named);
  return openStore(join(project.makeFolder(), 'deliveries.db'));
}
