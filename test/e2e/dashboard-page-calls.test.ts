import { describe, expect, test } from 'vitest';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  column,
  countOf,
  dialog,
  eventually,
  fact,
  goTo,
  inSeconds,
  inspector,
  openPage,
  rows,
  startBoard,
  stopClock,
} from '../helpers/dashboard.ts';

describe.skipIf(noBrowser)(`live calls in a browser${browserReason}`, () => {
  const browser = useBrowser();

  test('a call rings, is answered, handed on and ended, without a reload', async () => {
    const board = await startBoard();
    const { page, watched } = await openPage(browser(), board.link);
    await page.evaluate('window.sameAsBefore = true');
    const statuses = async () => ({
      rows: await column(page, 'status'),
      counts: [
        await countOf(page, 'Ringing'),
        await countOf(page, 'Connected'),
        await countOf(page, 'Transferred'),
        await countOf(page, 'Disconnected'),
        await countOf(page, 'Missed'),
      ],
    });
    await board.send('call_initiated', { metadata: { queue: 'Sales' } });
    await eventually(statuses).toEqual({ rows: ['Ringing'], counts: [1, 0, 0, 0, 0] });
    expect(await column(page, 'caller')).toEqual(['+91******3210']);
    expect(await column(page, 'receiver')).toEqual(['+91******7890']);
    expect(await column(page, 'direction')).toEqual(['↙ inbound']);
    expect(await column(page, 'agent')).toEqual(['–']);
    expect(await column(page, 'last')).toEqual(['call_initiated']);
    // Nothing moves for those who do not wish it; these pages do not.
    expect(await page.evaluate('document.getAnimations().length')).toBe(0);

    await board.send('call_connected');
    await eventually(statuses).toEqual({ rows: ['Connected'], counts: [0, 1, 0, 0, 0] });
    expect(await column(page, 'agent')).toEqual(['ag_72']);

    await board.send('call_transferred', { metadata: { queue: 'Support', agent_id: 'ag_9' } });
    await eventually(statuses).toEqual({ rows: ['Transferred'], counts: [0, 0, 1, 0, 0] });
    expect(await column(page, 'queue')).toEqual(['Support']);
    expect(await column(page, 'agent')).toEqual(['ag_9']);

    await board.send('call_initiated', { call_id: 'MO2' });
    await eventually(() => column(page, 'status')).toEqual(['Ringing', 'Transferred']);
    await board.send('call_missed', { call_id: 'MO2' });
    await board.send('call_disconnected', { duration_seconds: 75 });
    await eventually(async () => (await statuses()).counts).toEqual([0, 0, 0, 1, 1]);
    expect(await column(page, 'status')).toContain('Missed');
    expect(await rows(page, 'Disconnected').locator('.duration').textContent()).toBe('1:15');
    expect(await page.evaluate('window.sameAsBefore')).toBe(true);
    expect(watched.complaints).toEqual([]);
  });

  test('the duration of a call under way ticks, from its answer', async () => {
    const board = await startBoard();
    const { page } = await openPage(browser(), board.link);
    await board.send('call_initiated', { timestamp: inSeconds(-1000) });
    await board.send('call_connected', { timestamp: inSeconds(-70) });
    const duration = async () => (await column(page, 'duration'))[0];
    await eventually(duration).toMatch(/^[1-9]:\d\d$/);
    const before = await duration();
    await eventually(duration).not.toBe(before);
    expect(await duration()).toMatch(/^[1-9]:\d\d$/);
  });

  test('a call that ends fades where it was, and stands under "Ended lately" after a while', async () => {
    const board = await startBoard();
    const { page } = await openPage(browser(), 'about:blank', { live: false, fresh: true });
    await page.clock.install();
    await page.goto(board.link);
    for (const call_id of ['MO1', 'MO2']) await board.send('call_initiated', { call_id });
    await eventually(() => rows(page).count()).toBe(2);
    await stopClock(page);
    await board.send('call_missed', { call_id: 'MO2', timestamp: inSeconds(1) });
    await eventually(() => column(page, 'status')).toEqual(['Missed', 'Ringing']);
    const places = () => page.locator('.grid .rows').innerText();
    await page.clock.runFor(3000);
    expect(await places()).not.toContain('Ended lately');
    expect(await rows(page, 'Missed').getAttribute('class')).toContain('ended');
    expect(await rows(page, 'Ringing').getAttribute('class')).not.toContain('ended');
    await page.clock.runFor(2000);
    await eventually(places).toMatch(/Ringing[\s\S]*Ended lately \(1\)[\s\S]*Missed/);
  });

  test('a call that began before the page was opened is there, ended ones under their title', async () => {
    const board = await startBoard();
    await board.send('call_disconnected', { call_id: 'MO1', duration_seconds: 3 });
    await board.send('call_connected', { call_id: 'MO2' });
    const { page } = await openPage(browser(), board.link);
    expect(await page.locator('.grid .rows').innerText()).toMatch(
      /Connected[\s\S]*Ended lately \(1\)[\s\S]*Disconnected/,
    );
  });

  type Arrival = [event: string, second: number];
  const ARRIVALS: [name: string, arrivals: Arrival[], status: string, last: string][] = [
    [
      'its end first',
      [
        ['call_disconnected', 9],
        ['call_initiated', 0],
        ['call_connected', 3],
      ],
      'Disconnected',
      'call_disconnected',
    ],
    [
      'its answer before its ring',
      [
        ['call_connected', 3],
        ['call_initiated', 0],
      ],
      'Connected',
      'call_connected',
    ],
    [
      'equal timestamps, the later event first',
      [
        ['call_transferred', 1],
        ['call_connected', 1],
        ['call_initiated', 1],
      ],
      'Transferred',
      'call_transferred',
    ],
    [
      'connected after its end, by timestamp and arrival',
      [
        ['call_disconnected', 1],
        ['call_connected', 2],
      ],
      'Disconnected',
      'call_connected ⚠something in its story does not fit',
    ],
    [
      'twice each',
      [
        ['call_initiated', 0],
        ['call_connected', 1],
        ['call_connected', 1],
        ['call_initiated', 0],
      ],
      'Connected',
      'call_connected',
    ],
  ];

  test('B16 whatever order its events arrive in, a call ends in the state they tell; a forged one tells nothing', async () => {
    const board = await startBoard();
    const { page } = await openPage(browser(), board.link);
    const began = Date.now();
    for (const [name, arrivals] of ARRIVALS)
      for (const [event, second] of arrivals) {
        const timestamp = new Date(began + second * 1000).toISOString();
        const more = { call_id: name, timestamp, duration_seconds: undefined, metadata: { agent_id: name } };
        await board.send(event, more, { id: `${event} of ${name}` });
      }
    await board.send('call_connected', { call_id: 'MO1', metadata: { agent_id: 'forged' } });
    const signature = `sha256=${'0'.repeat(64)}`;
    await board.send(
      'call_disconnected',
      { call_id: 'MO1', metadata: { agent_id: 'forged' } },
      { signature },
    );
    // What was sent last is the last that the page hears of.
    await board.send('call_missed', { call_id: 'MO2' });
    await eventually(() => countOf(page, 'Missed')).toBe(1);
    const found = new Map<string, string[]>();
    for (const row of await rows(page).all())
      found.set(await row.locator('.agent').innerText(), [
        await row.locator('.status').innerText(),
        (await row.locator('.last').textContent()) as string,
      ]);
    for (const [name, , status, last] of ARRIVALS)
      expect([name, ...(found.get(name) ?? [])]).toEqual([name, status, last]);
    expect(found.get('forged')).toEqual(['Connected', 'call_connected']);
    expect(found.size).toBe(ARRIVALS.length + 2);
  });

  test("the timeline: events in order of life, gaps, what does not fit, and the way to each event's delivery", async () => {
    const board = await startBoard();
    const { page } = await openPage(browser(), board.link);
    const began = Date.now() - 60_000;
    const at = (second: number) => ({ timestamp: new Date(began + second * 1000).toISOString() });
    await board.send('call_connected', at(6));
    await board.send('call_initiated', at(0));
    await rows(page).click();
    const events = dialog(page).locator('.timeline li');
    await eventually(() => events.count()).toBe(2);
    expect(await dialog(page).getByRole('heading').textContent()).toBe('Call MO1');
    // It goes on while it is open.
    await board.send('call_disconnected', { ...at(48), duration_seconds: 7 });
    await eventually(() => events.locator('b').allTextContents()).toEqual([
      'call_initiated',
      'call_connected',
      'call_disconnected',
    ]);
    expect(await events.locator('.when .dim').allTextContents()).toEqual(['', ' +6.0 s', ' +42.0 s']);
    expect(await events.nth(0).textContent()).toMatch(/received 1 min 0 s later/);
    expect(await fact(page, 'Status').textContent()).toBe('Disconnected');
    expect(await fact(page, 'Caller').textContent()).toBe('+91******3210');
    const findings = await dialog(page).locator('.findings li').allTextContents();
    expect(findings).toContain('⚠ duration_seconds is 7, while its events are 42 s apart');
    expect(findings).toContain('· arrived as connected, initiated, disconnected');
    await events.nth(1).getByRole('button').click();
    await inspector(page).locator('h2', { hasText: 'call_connected' }).waitFor();
    expect(await fact(page, 'Event id').textContent()).toBe('ev_1');
    expect(await dialog(page).count()).toBe(0);
  });

  test('numbers are masked everywhere, whatever they are written like, until they are asked for', async () => {
    const board = await startBoard();
    const { page } = await openPage(browser(), board.link);
    const caller = {
      caller_number: '+91 98765-43210',
      receiver_number: '09811122233',
      call_id: '919811122233',
    };
    const note = 'call back +919811122233';
    await board.send(
      'call_connected',
      { ...caller, note, metadata: { queue: '9811122233' } },
      {
        headers: ['X-Caller', '+919811122233'],
      },
    );
    const secrets = ['98765-43210', '9876543210', '9811122233', '39 38 31 31 31 32', '39 38 37 36 35 2d'];
    const leaks = async () => {
      const html = (await page.content()) + (await page.locator('body').innerText());
      return secrets.filter((text) => html.includes(text));
    };
    await rows(page).waitFor();
    expect(await column(page, 'caller')).toEqual(['+91 *****-*3210']);
    expect(await leaks()).toEqual([]);
    await rows(page).click();
    await dialog(page).locator('.timeline li').waitFor();
    expect(await leaks()).toEqual([]);
    await page.keyboard.press('Escape');
    await goTo(page, 'Deliveries');
    await rows(page).click();
    await inspector(page).locator('.headers').waitFor();
    const body = inspector(page).locator('.body');
    for (const form of ['Text', 'Bytes', 'JSON']) {
      await inspector(page).getByRole('button', { name: form }).click();
      await inspector(page)
        .getByRole('region', { name: `Body as ${form}` })
        .waitFor();
      expect(await leaks(), form).toEqual([]);
    }
    await page.getByRole('switch', { name: 'Show numbers' }).click();
    expect(await body.innerText()).toContain('"note": "call back +919811122233"');
    expect(await inspector(page).locator('.headers').innerText()).toContain('+919811122233');
    await inspector(page).getByRole('button', { name: 'Bytes' }).click();
    expect(await body.innerText()).toContain('39 38 31 31 31 32');
    await goTo(page, 'Live calls');
    expect(await column(page, 'caller')).toEqual(['+91 98765-43210']);
    await rows(page).click();
    await dialog(page).locator('.timeline li').waitFor();
    expect(await dialog(page).locator('h2').textContent()).toBe('Call 919811122233');
    expect(await fact(page, 'Receiver').textContent()).toBe('09811122233');
  });
});
