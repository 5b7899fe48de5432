/** What kinds of files deliveries are read from. `http` is one saved request. */
export const LOG_FORMATS = ['ndjson', 'json', 'csv', 'har', 'http'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
