import { useEffect, useState } from 'preact/hooks';

/** As in the style sheet: below this width rows become cards. */
const narrow = matchMedia('(max-width: 760px)');

export function useNarrow(): boolean {
  const [matches, setMatches] = useState(narrow.matches);
  useEffect(() => {
    const update = () => setMatches(narrow.matches);
    narrow.addEventListener('change', update);
    return () => narrow.removeEventListener('change', update);
  }, []);
  return matches;
}
