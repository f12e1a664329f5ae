/** How many rows a strategy keeps sealed, and the one act of opening them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';

import { keys } from '../../api/queries';
import { getSeal, openSeal } from '../../api/strategies';
import { Card } from '../../components/Card';
import { ErrorNote } from '../../components/ErrorNote';
import { Loading } from '../../components/Loading';
import { ReasonDialog } from '../../components/ReasonDialog';
import { useText } from '../../i18n';
import { clock, percent } from '../../state/format';
import { useMay } from '../../state/useMay';

/** Shows the seal and opens it. */
export function SealCard({ strategy }: { strategy: string }) {
  const text = useText();
  const may = useMay('strategy:write');
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const seal = useQuery({ queryKey: keys.seal(strategy), queryFn: () => getSeal(strategy) });
  const open = useMutation({
    mutationFn: (reason: string) => openSeal(strategy, reason),
    onSuccess: (found) => {
      queries.setQueryData(keys.seal(strategy), found);
      setAsking(false);
    },
  });
  const found = seal.data;
  const closed = found !== undefined && found.share > 0 && !found.opening;
  return (
    <Card title={text.seal.title} aside={closed && may && <Button onClick={() => setAsking(true)}>{text.seal.open}</Button>}>
      {seal.error && <ErrorNote error={seal.error} />}
      {!found && !seal.error && <Loading lines={2} />}
      {found && found.share === 0 && <p>{text.seal.nothing}</p>}
      {closed && <p>{text.seal.closed(percent(found.share, 0))}</p>}
      {found?.opening && (
        <>
          <p>{text.seal.opened(percent(found.share, 0), clock(Date.parse(found.opening.opened_at)))}</p>
          <p className="hint">{text.seal.why(found.opening.reason)}</p>
        </>
      )}
      <p className="hint">{text.seal.help}</p>
      {asking && (
        <ReasonDialog
          title={text.seal.openTitle}
          help={text.seal.openHelp}
          reasonHelp={text.seal.reasonHelp}
          action={text.seal.open}
          busy={open.isPending}
          error={open.error}
          onConfirm={(reason) => open.mutate(reason)}
          onClose={() => setAsking(false)}
        />
      )}
    </Card>
  );
}
