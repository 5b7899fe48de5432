import { spawn } from 'node:child_process';
import { visible } from '../core/redact.ts';
import type { Context } from './context.ts';

const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Opens a page in the user's browser; says so where there is none. A program's arguments are no secret: see linkOnce. */
export function browse(context: Context, url: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
  const failed = (why: string) =>
    context.note(`No browser could be opened (${visible(why)}); open the link above.`);
  child.once('error', (error) => failed(error.message));
  child.once('exit', (code) => {
    if (code !== 0 && code !== null) failed(`${program} ended with ${code}`);
  });
  child.unref();
}
