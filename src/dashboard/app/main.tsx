import { render } from 'preact';
import { FeedLink, type LinkState } from './feed-link.ts';
import { Model } from './model.ts';
import { Page } from './page.tsx';
import { enter, linkToken } from './session.ts';
import { ShownReporter } from './shown-reporter.ts';

const root = document.getElementById('app') as HTMLElement;

async function start(): Promise<void> {
  let admitted: boolean;
  try {
    admitted = await enter();
  } catch {
    return refuse(
      'The server cannot be reached.',
      'It may have ended; start it again, and open the link that it prints.',
    );
  }
  if (!admitted)
    return refuse(
      'This is not the link of this run.',
      "Open the one that 'mo-notify listen' or 'mo-notify dashboard' printed when it was started, or press o there.",
    );
  const model = new Model((seq, receivedMs) => reporter.add(seq, receivedMs));
  const reporter = new ShownReporter(() => Date.now() + model.ahead);
  let told: (state: LinkState) => void = () => {};
  let last: LinkState = { name: 'connecting' };
  let begun = false;
  const link = new FeedLink({
    snapshot(data) {
      if (!begun) reporter.countFrom(data.now_ms);
      begun = true;
      model.reset(data, Date.now());
    },
    changes: (data) => model.change(data, Date.now()),
    heartbeat: (data) => model.beat(data.now_ms, Date.now()),
    state(state) {
      last = state;
      told(state);
    },
  });
  const onState = (listener: (state: LinkState) => void) => {
    told = listener;
    listener(last);
  };
  root.replaceChildren();
  render(<Page model={model} link={link} reporter={reporter} onState={onState} />, root);
  link.start();
}

function refuse(what: string, how: string): void {
  root.replaceChildren();
  render(
    <main class="turned-away">
      <h1>{what}</h1>
      <p>{how}</p>
    </main>,
    root,
  );
}

// The link of a new run, opened where an old one's page is, differs in its fragment only, which loads nothing.
addEventListener('hashchange', () => {
  if (linkToken() !== null) location.reload();
});
void start();
