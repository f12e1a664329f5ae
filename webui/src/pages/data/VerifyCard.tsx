/** Is the snapshot still what was imported? Asked on demand: it reads the whole of it. */
import { useMutation } from '@tanstack/react-query';
import { Button } from 'antd';

import { verifyDataset } from '../../api/datasets';
import { Card } from '../../components/Card';
import { CommandHint } from '../../components/CommandHint';
import { ErrorNote } from '../../components/ErrorNote';
import { useText } from '../../i18n';

/** Shows what was found, and how to repair what is wrong. */
export function VerifyCard({ id }: { id: string }) {
  const text = useText();
  const words = text.datasets.verify;
  const check = useMutation({ mutationFn: () => verifyDataset(id) });
  const found = check.data;
  return (
    <Card title={words.title}>
      <p className="hint">{words.help}</p>
      <div role="status">
        {found && (
          <>
            <p className={found.ok ? 'check check-good' : 'check check-bad'}>{found.ok ? '✓' : '✗'} {words.found[found.found]}</p>
            {!found.ok && <p className="hint">{words.next[found.found]}</p>}
          </>
        )}
      </div>
      {check.error && <ErrorNote error={check.error} />}
      <Button loading={check.isPending} onClick={() => check.mutate()}>{words.action}</Button>
      <CommandHint command={`tm data verify ${id}`} />
    </Card>
  );
}
