import { dirname, resolve } from 'node:path';
import { type EndpointConfig, findEndpoint } from '../config/config.ts';
import { editConfig } from '../config/config-file.ts';
import { keepSecret, newSecret, readReference } from '../config/secrets.ts';
import { UsageError } from '../core/errors.ts';
import { visible } from '../core/redact.ts';
import { formatDuration, formatTimestamp, parseSpan } from '../core/time.ts';
import type { Context } from './context.ts';
import { type EndpointOptions, find } from './endpoints-settings.ts';

/** Makes a new secret; the old one stays valid for the overlap. */
export async function rotate(context: Context, name: string, options: EndpointOptions): Promise<void> {
  const { project, io } = context;
  find(context, name);
  const overlapMs = parseSpan(options.overlap ?? '24h', '--overlap');
  const made = newSecret();
  const until = formatTimestamp(io.now() + overlapMs);
  let [old, kept] = ['', ''];
  await editConfig(project.config, (config) => {
    const endpoint = findEndpoint(config, name, project.config);
    refuseRotation(name, endpoint, io.now(), options.yes === true);
    old = endpoint.secret;
    const { value } = readReference(old, name, project, io.env);
    const previous = keepSecret(project, `${name}.previous`, value);
    kept = keepSecret(project, name, made);
    return [
      [['endpoints', name, 'previous_secret'], previous],
      [['endpoints', name, 'previous_secret_until'], until],
      [['endpoints', name, 'secret'], kept],
    ];
  });
  if (context.options.json === true)
    return context.printJson({ name, secret: kept, secret_made: made, previous_secret_until: until });
  context.print(`secret: ${made}   (shown once; kept in ${visible(kept.slice(5))})`);
  context.print(`The old secret stays valid for ${formatDuration(overlapMs)}, until ${until}.`);
  if (resolve(dirname(project.config), old.slice(5)) !== resolve(dirname(project.config), kept.slice(5)))
    context.print(
      `${visible(old.slice(5))}, which held the old one, is no longer used; it is left as it is.`,
    );
  context.note(
    `Next: start a running 'mo-notify listen --endpoint ${name}' anew; it knows the old secret only.`,
  );
}

/** Throws UsageError where a rotation is not ours to make, or would end a secret before its time. */
function refuseRotation(name: string, endpoint: EndpointConfig, now: number, sure: boolean): void {
  const { secret, previous_secret: previous, previous_secret_until: until } = endpoint;
  if (secret.startsWith('env:')) {
    throw new UsageError(
      `The secret of '${name}' is in the variable ${secret.slice(4)}, which is yours to change; the old one can stand in previous_secret meanwhile.`,
    );
  }
  if (sure || previous === undefined || (until !== undefined && Date.parse(until) <= now)) return;
  const end = until === undefined ? 'without an end' : `until ${until}`;
  throw new UsageError(
    `The secret before the last rotation of '${name}' is valid ${end}; another rotation would drop it. Wait, or say --yes to drop it now.`,
  );
}
