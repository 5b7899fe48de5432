/** What bin/mo-notify.js needs of the bundle. */
export { processIo } from './io.ts';
export { run } from './main.ts';
