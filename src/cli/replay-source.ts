import { isCut, type RecordKind } from '../core/record.ts';
import type { RecordFilter, Store } from '../core/store.ts';
import { type AttemptLine, FIELD } from '../logs/attempt-line.ts';
import { readLog } from '../logs/log-file.ts';
import { scanNdjson } from '../logs/ndjson-log.ts';
import { Skips } from '../logs/skips.ts';
import { lineMatches } from '../logs/tally-log.ts';
import type { EarlierRun } from '../sender/earlier-run.ts';
import type { Recorded } from '../sender/recorded.ts';
import type { LogSource } from './log-source.ts';
import {
  choose,
  type Found,
  lastAnswers,
  type Selection,
  Selector,
  type Survey,
  Surveyor,
} from './replay-survey.ts';

/** Where deliveries are taken from: looked through first, then read in the same order to be sent. */
export interface ReplaySource {
  name: string;
  /** `earlier` is what a run that is resumed has done already. */
  survey(selection: Selection, earlier: EarlierRun | null): Promise<Survey>;
  deliveries(selection: Selection, kind: RecordKind): AsyncIterable<Recorded>;
}

const SHOWN = 5;

/** The store as it is now: what the replay itself puts into it is not replayed. */
export function storeSource(store: Store, through: Record<RecordKind, number>): ReplaySource {
  const read = (kind: RecordKind, filter: RecordFilter, bodies: boolean): AsyncIterable<Found> =>
    store.entries(kind, filter, { through: through[kind], bodies });
  const selector = async (selection: Selection, kind: RecordKind) => {
    const { status, target } = selection;
    const needed = status !== null && kind === 'attempt';
    return new Selector(
      selection,
      needed ? await lastAnswers(read('attempt', {}, false), target) : null,
      false,
    );
  };
  return {
    name: store.location,
    async survey(selection, earlier) {
      const kinds: RecordKind[] = selection.kind === null ? ['receipt', 'attempt'] : [selection.kind];
      // Bodies tell what an endpoint wants, and come with the headers that hold signatures.
      const bodies = selection.subscription !== null || selection.asSigned;
      let kind: RecordKind = 'attempt';
      let surveyor: Surveyor | null = null;
      for (kind of kinds) {
        surveyor = new Surveyor(await selector(selection, kind), earlier);
        for await (const found of read(kind, selection.filter, bodies)) {
          surveyor.add(found);
          if (surveyor.full) break;
        }
        if (surveyor.seen > 0) break;
      }
      const counts = (surveyor as Surveyor).result();
      return finish(this, selection, earlier, { ...counts, kind, first: [], skips: new Skips() });
    },
    async *deliveries(selection, kind) {
      yield* choose(read(kind, selection.filter, true), await selector(selection, kind), kind);
    },
  };
}

export function fileSource({ file, format, columns }: LogSource): ReplaySource {
  const foreign = format === 'csv' || format === 'har';
  async function* records(): AsyncIterable<Found> {
    for await (const item of readLog(file, format, columns)) if ('record' in item) yield found(item.record);
  }
  const selector = async (selection: Selection, kind: RecordKind) => {
    const { status, target } = selection;
    const needed = status !== null && kind === 'attempt';
    return new Selector(selection, needed ? await lastAnswers(records(), target) : null, foreign);
  };
  return {
    name: file.name,
    async survey(selection, earlier) {
      const make = async (kind: RecordKind) => new Surveyor(await selector(selection, kind), earlier);
      const surveyors = { receipt: await make('receipt'), attempt: await make('attempt') };
      const skips = new Skips();
      const { status, subscription, asSigned } = selection;
      if (format === 'ndjson' && status === null && subscription === null && !asSigned) {
        await scanNdjson(file.open(), {
          attempt: (line) => addLine(surveyors.attempt, line, selection),
          item: (item) => {
            if ('record' in item) add(surveyors, item.record);
            else skips.add(item);
          },
        });
      } else {
        for await (const item of readLog(file, format, columns)) {
          if ('record' in item) add(surveyors, item.record);
          else skips.add(item);
        }
      }
      const kind = selection.kind ?? (surveyors.receipt.seen > 0 ? 'receipt' : 'attempt');
      return finish(this, selection, earlier, { ...surveyors[kind].result(), kind, first: [], skips });
    },
    async *deliveries(selection, kind) {
      yield* choose(records(), await selector(selection, kind), kind);
    },
  };
}

function add(surveyors: Record<RecordKind, Surveyor>, record: Found['record']): void {
  surveyors[record.kind].add(found(record));
}

/** A file's records come with their bodies. */
function found(record: Found['record']): Found {
  return { record, hasBody: record.body !== null, cut: isCut(record) };
}

/** The same as `add` does, of a line as it stands; false where a record has to be made of it. */
function addLine(surveyor: Surveyor, line: AttemptLine, { filter, copies }: Selection): boolean {
  if (line.has(FIELD.fault) || line.has(FIELD.replay_of)) return true;
  if (line.holds(FIELD.body_masked)) return false;
  const hasBody = line.has(FIELD.body_base64);
  if (hasBody && !copies && !line.isAscii(FIELD.event_id)) return false;
  if (!hasBody && line.attempt !== 1) return true;
  if (!lineMatches(line, filter)) return true;
  surveyor.addPlain(hasBody, () => line.text(FIELD.id) ?? '');
  return true;
}

/** Adds the first of those that are still to be sent. */
async function finish(
  source: ReplaySource,
  selection: Selection,
  earlier: EarlierRun | null,
  survey: Survey,
): Promise<Survey> {
  if (survey.deliveries === 0) return survey;
  for await (const one of source.deliveries(selection, survey.kind)) {
    if (earlier?.of(one.id)?.done === true) continue;
    survey.first.push(one);
    if (survey.first.length === SHOWN) break;
  }
  return survey;
}
