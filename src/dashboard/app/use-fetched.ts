import { useEffect, useState } from 'preact/hooks';
import { api, describeError } from './api.ts';

/**
 * What the server says under a path, asked for again whenever `changeOf` what has been found is another. That stays while
 * the next answer is waited for, with which a problem goes.
 */
export function useFetched<Found>(path: string, changeOf: (found: Found | null) => unknown) {
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    api<Found>(path).then(
      (answer) => {
        if (!wanted) return;
        setFound(answer);
        setProblem(null);
      },
      (error) => wanted && setProblem(describeError(error)),
    );
    return () => {
      wanted = false;
    };
  }, [path, changeOf(found)]);
  return { found, problem };
}
