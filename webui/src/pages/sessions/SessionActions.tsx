/** Commands of a session, as its state allows them. */
import { Button } from 'antd';
import { useState } from 'react';

import type { SessionState, SessionView } from '../../api/types';
import { LinkButton } from '../../components/LinkButton';
import { ReasonDialog } from '../../components/ReasonDialog';
import { useText } from '../../i18n';
import { resultAddress } from './kinds';
import { MoveDialog } from './MoveDialog';
import { isTerminal, useSessionCommand } from './useSession';

/** States in which a session is on a node and could be on another. */
const MOVABLE = new Set<SessionState>(['placed', 'starting', 'running', 'pausing', 'paused']);

/** Shows the buttons that can do something now. */
export function SessionActions({ session }: { session: SessionView }) {
  const text = useText();
  const command = useSessionCommand(session.id);
  const [stopping, setStopping] = useState(false);
  const [moving, setMoving] = useState(false);
  const { state } = session;
  const result = resultAddress(session);
  const send = (verb: 'pause' | 'resume' | 'checkpoint') => () => command.mutate({ verb });
  const stop = (reason: string) => command.mutate({ verb: 'stop', reason }, { onSettled: () => setStopping(false) });
  return (
    <>
      {state === 'running' && <Button loading={command.isPending} onClick={send('pause')}>{text.session.pause}</Button>}
      {state === 'paused' && <Button type="primary" loading={command.isPending} onClick={send('resume')}>{text.session.resume}</Button>}
      {session.kind === 'training' && (state === 'running' || state === 'paused') && <Button onClick={send('checkpoint')}>{text.session.checkpoint}</Button>}
      {MOVABLE.has(state) && session.node && <Button onClick={() => setMoving(true)}>{text.queue.move}</Button>}
      {!isTerminal(state) && <Button danger onClick={() => setStopping(true)}>{text.session.stop}</Button>}
      {session.kind === 'training' && session.model_sha256 && isTerminal(state) && (
        <>
          <LinkButton to={`/sessions/new?kind=evaluation&from=${session.id}`}>{text.session.evaluate}</LinkButton>
          <LinkButton primary to={`/sessions/new?kind=backtest&from=${session.id}`}>{text.session.backtest}</LinkButton>
        </>
      )}
      {result !== null && session.report_sha256 && <LinkButton primary to={result}>{session.kind === 'labelling' ? text.session.labels : session.kind === 'evaluation' ? text.session.evaluation : text.session.report}</LinkButton>}
      {moving && <MoveDialog session={session} onClose={() => setMoving(false)} />}
      {stopping && (
        <ReasonDialog
          title={text.session.stopTitle(session.name)}
          help={text.session.stopHelp}
          action={text.session.stop}
          busy={command.isPending}
          onConfirm={stop}
          onClose={() => setStopping(false)}
        />
      )}
    </>
  );
}
