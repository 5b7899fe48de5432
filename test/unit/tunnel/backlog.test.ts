import { describe, expect, test } from 'vitest';
import { decodeContent } from '../../../src/tunnel/frames.ts';
import { Memory } from '../../../src/tunnel/memory.ts';
import { backlogBench, bodiesOf } from '../../helpers/backlog-bench.ts';
import { TUNNEL_START } from '../../helpers/tunnel-clock.ts';
import { fakeListener } from '../../helpers/tunnel-listener.ts';

describe('handing on', () => {
  test('F10 what nobody takes stays on disk, and goes in order to the listener that comes', async () => {
    const bench = backlogBench();
    await bench.keep('1', '2');
    expect([bench.backlog.count, bench.onDisk()]).toEqual([2, [1, 2]]);
    const laptop = fakeListener();
    await bench.handTo(laptop);
    await bench.keep('3');
    expect(bodiesOf(laptop)).toEqual(['1', '2', '3']);
    // A listener that has them has not yet answered for them.
    expect([bench.backlog.count, bench.onDisk()]).toEqual([3, [1, 2, 3]]);
    for (const status of [200, 204, 299]) await bench.answer(laptop, status);
    expect([bench.backlog.count, bench.backlog.bytes, bench.onDisk()]).toEqual([0, 0, []]);
    expect(bench.results).toEqual(['delivered 200', 'delivered 204', 'delivered 299']);
  });

  test('F16 the bytes handed on are those that were kept, with when they came, said to be kept', async () => {
    const bench = backlogBench();
    const body = Buffer.from([0xef, 0xbb, 0xbf, 0xff, 0xfe, 0]);
    await bench.keep(body);
    await bench.clock.advance(5000);
    const laptop = fakeListener();
    await bench.handTo(laptop);
    expect(laptop.taken).toMatchObject([{ kept: true, copy: false, receivedAt: TUNNEL_START }]);
    const { headers, body: taken } = decodeContent(laptop.taken[0]?.content as Uint8Array);
    expect([headers, taken]).toEqual([['X-MO-Event-Id', 'ev'], body]);
  });

  test('G11 where memory is half full, what is kept waits on disk, in order, until there is room', async () => {
    const memory = new Memory(1000);
    memory.take(490);
    const bench = backlogBench({ memory });
    const laptop = fakeListener();
    await bench.handTo(laptop);
    await bench.keep('1', '2');
    expect([laptop.taken, bench.onDisk()]).toEqual([[], [1, 2]]);
    memory.free(490);
    await bench.clock.advance(1000);
    expect(bodiesOf(laptop)).toEqual(['1', '2']);
  });

  test('256 are under way at most, and each answer makes room for one more', async () => {
    const bench = backlogBench();
    const laptop = fakeListener();
    await bench.handTo(laptop);
    await bench.keep(...new Array<string>(300).fill('x'));
    expect(laptop.taken).toHaveLength(256);
    await bench.answer(laptop, 200, 100);
    expect(laptop.taken).toHaveLength(257);
    await bench.answer(laptop, 500, 0);
    expect(laptop.taken).toHaveLength(258);
  });

  test('a long queue goes through in order, each once, and more may come meanwhile', async () => {
    const bench = backlogBench();
    const many = Array.from({ length: 3000 }, (_, i) => String.fromCharCode(i % 256));
    await bench.keep(...many.map((body) => Buffer.from(body, 'latin1')));
    const laptop = fakeListener();
    await bench.handTo(laptop);
    for (let answered = 0; answered < 3001; await bench.clock.settle()) {
      if (answered === 2048) await bench.keep('+');
      for (const end = laptop.taken.length; answered < end; answered++) laptop.answer(200);
    }
    expect(bodiesOf(laptop).slice(0, 3000)).toEqual(many);
    expect([bodiesOf(laptop).length, bench.backlog.count, bench.onDisk()]).toEqual([3001, 0, []]);
  });

  test('F14 1 MiB is under way at most, though one larger than that goes alone', async () => {
    const bench = backlogBench();
    const laptop = fakeListener();
    await bench.handTo(laptop);
    const part = Buffer.alloc(400_000, '.');
    await bench.keep(part, part, part, '4');
    // Nothing overtakes, so that the fourth waits although it would fit.
    expect(laptop.taken).toHaveLength(2);
    await bench.keep(Buffer.alloc(2_000_000, '5'), '6');
    await bench.answer(laptop, 200);
    expect(bodiesOf(laptop)).toEqual(['.', '.', '.', '4']);
    for (let i = 0; i < 3; i++) await bench.answer(laptop, 200);
    expect(bodiesOf(laptop).slice(4)).toEqual(['5']);
    await bench.answer(laptop, 200);
    expect(bodiesOf(laptop).slice(4)).toEqual(['5', '6']);
  });
});

describe('F11 a listener that is lost', () => {
  test('leaves what it did not answer due again, in order, before all else', async () => {
    const bench = backlogBench();
    const laptop = fakeListener();
    await bench.handTo(laptop);
    await bench.keep('1', '2', '3', '4');
    await bench.answer(laptop, 200, 1);
    await bench.handTo(null);
    await bench.keep('5');
    await bench.lose(laptop);
    expect([bench.backlog.count, bench.onDisk()]).toEqual([4, [1, 3, 4, 5]]);
    const next = fakeListener();
    await bench.handTo(next);
    expect(bodiesOf(next)).toEqual(['1', '3', '4', '5']);
  });

  test('has no say any more in what another one has', async () => {
    const bench = backlogBench();
    const [laptop, next] = [fakeListener(), fakeListener()];
    await bench.handTo(laptop);
    await bench.keep('1');
    await bench.handTo(null);
    await bench.lose(laptop);
    await bench.handTo(next);
    laptop.listener.take([{ kind: 'answer', number: 1, status: 200, headers: [], body: Buffer.alloc(0) }]);
    await bench.clock.settle();
    expect([bench.results, bench.onDisk(), bodiesOf(next)]).toEqual([[], [1], ['1']]);
    await bench.answer(next, 200);
    expect(bench.onDisk()).toEqual([]);
  });

  test('has no say any more, though its answer comes before its link has wholly ended', async () => {
    const bench = backlogBench();
    const laptop = fakeListener();
    await bench.handTo(laptop);
    await bench.keep('1');
    await bench.handTo(null);
    bench.backlog.lost(laptop.listener);
    await bench.answer(laptop, 200);
    expect([bench.results, bench.onDisk(), bench.backlog.count]).toEqual([[], [1], 1]);
  });

  test('makes room again for as much as it had', async () => {
    const bench = backlogBench();
    const laptop = fakeListener();
    await bench.handTo(laptop);
    const large = Buffer.alloc(4000, '.');
    await bench.keep(...new Array<Buffer>(256).fill(large), 'y');
    await bench.handTo(null);
    await bench.lose(laptop);
    const next = fakeListener();
    await bench.handTo(next);
    expect([laptop.taken.length, next.taken.length]).toEqual([256, 256]);
    expect(bodiesOf(next)).not.toContain('y');
  });

  test('leaves them to one that has taken its place already', async () => {
    const bench = backlogBench();
    const [laptop, other] = [fakeListener('laptop'), fakeListener('other')];
    await bench.handTo(laptop);
    await bench.keep('1', '2');
    await bench.handTo(other);
    expect(other.taken).toEqual([]);
    await bench.lose(laptop);
    await bench.handTo(other);
    expect(bodiesOf(other)).toEqual(['1', '2']);
  });

  test('while the next content is being read: it goes to the one that comes, once', async () => {
    const bench = backlogBench();
    await bench.keep('1', '2');
    const [laptop, next] = [fakeListener(), fakeListener()];
    bench.backlog.handTo(laptop.listener);
    bench.backlog.handTo(null);
    bench.backlog.lost(laptop.listener);
    await bench.handTo(next);
    expect([bodiesOf(laptop), bodiesOf(next)]).toEqual([[], ['1', '2']]);
  });
});

describe('what waits too long', () => {
  test('F10 is given up and told of, on disk too; what is under way and what is younger stays', async () => {
    const bench = backlogBench();
    const laptop = fakeListener();
    await bench.handTo(laptop);
    await bench.keep('1', '2');
    await bench.answer(laptop, 500, 1);
    await bench.handTo(null);
    await bench.keep('3');
    await bench.clock.advance(10);
    await bench.keep('4');
    const old = TUNNEL_START + 10;
    // The second waits for its retry, the third for a listener.
    expect(bench.backlog.expire(old)).toBe(2);
    expect(bench.backlog.expire(old)).toBe(0);
    await bench.clock.settle();
    expect([bench.backlog.count, bench.onDisk()]).toEqual([2, [1, 4]]);
    await bench.clock.advance(60_000);
    const next = fakeListener();
    await bench.lose(laptop);
    await bench.handTo(next);
    expect(bodiesOf(next)).toEqual(['1', '4']);
    for (const status of [200, 200]) await bench.answer(next, status);
    expect(bench.backlog.bytes).toBe(0);
  });
});

describe('F11 a relay that starts again', () => {
  test('hands on what is on disk in order, and what is to be tried later not before its time', async () => {
    const { store, disk, clock } = backlogBench();
    const later = TUNNEL_START + 7000;
    for (const body of ['1', '2', '3', '4'])
      await store.keep('c', TUNNEL_START, [Buffer.from(`\0\0${body}`)]);
    await store.postpone(2, 1, later);
    await store.postpone(3, 3, later - 2000);
    const bench = backlogBench({ disk, clock });
    const laptop = fakeListener();
    await bench.handTo(laptop);
    await bench.restart();
    expect([bodiesOf(laptop), bench.backlog.count]).toEqual([['1', '4'], 4]);
    await clock.advance(4999);
    expect(laptop.taken).toHaveLength(2);
    await clock.advance(1);
    expect(bodiesOf(laptop)).toEqual(['1', '4', '3']);
    await clock.advance(2000);
    expect(bodiesOf(laptop)).toEqual(['1', '4', '3', '2']);
    // Attempts go on from where they were: this was the fourth.
    await bench.answer(laptop, 500, 2);
    expect(bench.results).toEqual(['failed 500']);
  });

  test('passes over what is gone from the disk meanwhile', async () => {
    const bench = backlogBench();
    await bench.keep('1', '2');
    await bench.store.drop([1]);
    const laptop = fakeListener();
    await bench.handTo(laptop);
    expect(bodiesOf(laptop)).toEqual(['2']);
    await bench.answer(laptop, 200);
    expect([bench.backlog.count, bench.backlog.bytes]).toEqual([0, 0]);
  });
});
