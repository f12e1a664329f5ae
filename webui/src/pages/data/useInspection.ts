/** Asks the node what it would read from a file, a moment after the last change. Large files wait until they are asked for. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { inspectFile, type Upload } from '../../api/datasets';

const SETTLE_MS = 500;
const AT_ONCE_BYTES = 16 * 1024 * 1024;

/** Follows `upload`; `asked` sends a large file too. */
export function useInspection(upload: Upload | null, asked: boolean) {
  const [settled, setSettled] = useState(upload);
  const mark = upload && JSON.stringify([upload.file.name, upload.file.size, upload.file.lastModified, upload.instrument, upload.format, upload.mapping, upload.options]);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(upload), SETTLE_MS);
    return () => clearTimeout(timer);
    // `mark` says all of `upload` that matters; the object itself is new with every key stroke.
  }, [mark]);
  const small = upload !== null && upload.file.size <= AT_ONCE_BYTES;
  const query = useQuery({
    queryKey: ['inspection', settled && [settled.file.name, settled.file.size, settled.file.lastModified, settled.instrument, settled.format, settled.mapping, settled.options]],
    queryFn: () => inspectFile({ ...(settled as Upload), name: '' }),
    enabled: settled !== null && (small || asked),
    staleTime: Infinity,
    retry: false,
    placeholderData: (before) => before,
  });
  return { query, waits: upload !== null && !small && !asked };
}
