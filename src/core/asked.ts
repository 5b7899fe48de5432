// What of a request's target (its path and query, as HTTP calls them) a forward goes by (contract §2).

/** Absolute form, which is for proxies: `http://host/path`. Its host chooses nothing. */
const ABSOLUTE = /^[a-z][a-z\d+.-]{0,30}:\/\/[^/?#]*/i;
const OUTSIDE_A_TARGET = /[^!-~]/g;

/** The path of a request's target, byte for byte: nothing is decoded, so nothing can be hidden in it. */
export function targetPath(target: string): string {
  const path = /^[^?#]*/.exec(target.replace(ABSOLUTE, ''))?.[0] ?? '';
  return path === '' ? '/' : path;
}

/** The query of a request's target without its `?`, in characters that a request can carry; '' for none. */
export function targetQuery(target: string): string {
  // Nearly all have none.
  if (!target.includes('?')) return '';
  const query = /^[^?#]*\?([^#]*)/.exec(target)?.[1] ?? '';
  return query.replace(
    OUTSIDE_A_TARGET,
    (char) => `%${(char.charCodeAt(0) & 0xff).toString(16).padStart(2, '0').toUpperCase()}`,
  );
}

/**
 * What a sender asked for, as far as a forward goes by it: `?key=1`, with the path before it (`/crm?key=1`) where the
 * path counts, '' for neither. It is stored with the receipt and holds secrets: nothing shows it.
 */
export function askedFor(target: string, pathCounts: boolean): string {
  const query = targetQuery(target);
  return `${pathCounts ? targetPath(target) : ''}${query === '' ? '' : `?${query}`}`;
}

/** The path in what `askedFor` made; '' where it does not count. */
export function askedPath(asked: string): string {
  const mark = asked.indexOf('?');
  return mark < 0 ? asked : asked.slice(0, mark);
}

/**
 * Path and query of a forward to `url`: the URL's own path, or the one that was asked for where it has none; the URL's
 * own query, and of what was asked for the values that it does not name itself.
 */
export function placeAt(url: URL, asked: string): string {
  const path = url.pathname === '/' ? askedPath(asked) || '/' : url.pathname;
  return `${path}${mergeQueries(url.search, asked.slice(askedPath(asked).length + 1))}`;
}

function mergeQueries(own: string, asked: string): string {
  if (asked === '') return own;
  if (own === '') return `?${asked}`;
  const named = new Set(new URLSearchParams(own).keys());
  const others = asked.split('&').filter((pair) => !named.has(nameOf(pair)));
  return [own, ...others].join('&');
}

/** As an app reads it: `k%65y` is `key`. */
function nameOf(pair: string): string {
  const [name = ''] = new URLSearchParams(pair).keys();
  return name;
}
