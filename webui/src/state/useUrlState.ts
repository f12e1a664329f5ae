/** One value that lives in the address, so that it can be shared and survives a reload. */
import { useCallback } from 'react';
import { useSearchParams } from 'react-router';

/** Reads and writes the search parameter `name`; an empty value removes it. */
export function useUrlState(name: string, fallback = ''): [string, (value: string) => void] {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (value: string) => {
      setParams(
        (before) => {
          const next = new URLSearchParams(before);
          if (value === '' || value === fallback) next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace: true },
      );
    },
    [name, fallback, setParams],
  );
  return [params.get(name) ?? fallback, set];
}
