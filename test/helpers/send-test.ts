import { run } from '../../src/cli/main.ts';
import { type Secret, verifySignature } from '../../src/core/signature.ts';
import type { Endpoint, SeenRequest } from './endpoint.ts';
import { jsonLines, type TestIo, type TestIoOptions, testIo } from './test-io.ts';

export const SECRET = 'S3CR3T-canary';
const SECRETS: Secret[] = [{ name: 'test', value: SECRET }];

/** How a `send-test` ended. */
export interface SendTestRun {
  code: number;
  io: TestIo;
}

export interface SendTestJson extends SendTestRun {
  attempts: Record<string, unknown>[];
  summary: Record<string, unknown>;
}

/** An io with the secret in its environment. */
export function secretIo(options: TestIoOptions = {}): TestIo {
  return testIo({ ...options, env: { MO_SECRET: SECRET, ...options.env } });
}

/** Runs `send-test` against an endpoint, as people see it. */
export async function sendTest(
  target: Endpoint | string,
  args: string[] = [],
  io: TestIo = secretIo(),
): Promise<SendTestRun> {
  const url = typeof target === 'string' ? target : target.url.href;
  return { code: await run(['send-test', url, ...args], io), io };
}

/** The same with `--json`; every line of stdout is one of these. */
export async function sendTestJson(
  target: Endpoint | string,
  args: string[] = [],
  io: TestIo = secretIo(),
): Promise<SendTestJson> {
  const { code } = await sendTest(target, ['--json', ...args], io);
  const lines = jsonLines(io);
  return {
    code,
    io,
    attempts: lines.filter((line) => line.kind === 'attempt'),
    summary: lines.find((line) => line.type === 'summary') ?? {},
  };
}

export function signatureResult(request: SeenRequest): string {
  return verifySignature(request.body, request.header('X-MO-Signature'), SECRETS).result;
}

export function eventOf(request: SeenRequest): Record<string, unknown> {
  return JSON.parse(request.body.toString('utf8')) as Record<string, unknown>;
}
