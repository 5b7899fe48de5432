import type { Command } from 'commander';
import { EVENT_DESCRIPTIONS, EVENT_TYPES, eventType, sampleEvent } from '../core/event.ts';
import type { StartContext } from './context.ts';
import { withOutputOptions } from './options.ts';

export function configure(command: Command, start: StartContext): void {
  withOutputOptions(command.command('list').description('the event types'))
    .addHelpText('after', '\nExample:\n  mo-notify events list')
    .action((options) => {
      const context = start(options);
      if (options.json) {
        return context.printJson(
          EVENT_TYPES.map((event) => ({ event, description: EVENT_DESCRIPTIONS[event] })),
        );
      }
      const { name } = context.style('stdout');
      for (const type of EVENT_TYPES) context.print(`${name(type.padEnd(18))}  ${EVENT_DESCRIPTIONS[type]}`);
      context.note(
        "\nSee one with 'mo-notify events show connected', send one with 'mo-notify send-test -e connected'.",
      );
    });
  withOutputOptions(command.command('show').argument('<type>', 'connected, call.connected or call_connected'))
    .description("one type's sample payload")
    .addHelpText('after', '\nExample:\n  mo-notify events show connected')
    .action((type: string, options) => {
      const context = start(options);
      const sample = sampleEvent(eventType(type), 'MO123456789', Math.floor(context.io.now() / 1000) * 1000);
      context.print(JSON.stringify(sample, null, options.json ? 0 : 2));
    });
  withOutputOptions(command.command('schema').description("the event's JSON Schema"))
    .addHelpText('after', '\nExample:\n  mo-notify events schema > call-event.schema.json')
    .action(async (options) => {
      const context = start(options);
      const { eventJsonSchema } = await import('../core/event-schema.ts');
      context.print(JSON.stringify(eventJsonSchema(), null, options.json ? 0 : 2));
    });
}
