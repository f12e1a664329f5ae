/** Asks for the reason of a command, and for its target's name where nothing leads back. */
import { Button, Input } from 'antd';
import { type ReactNode, useState } from 'react';

import { useText } from '../i18n';
import { Dialog } from './Dialog';
import { ErrorNote } from './ErrorNote';

interface ReasonDialogProps {
  title: string;
  help: string;
  action: string;
  busy: boolean;
  /** Whether the button warns. */
  danger?: boolean;
  /** What must be typed before the button works. */
  typed?: string;
  reasonHelp?: string;
  /** Why the last attempt was refused. */
  error?: unknown;
  /** Further inputs, between the consequences and the reason. */
  children?: ReactNode;
  onConfirm: (reason: string) => void;
  onClose: () => void;
}

const SHORTEST = 3;
const LONGEST = 500;

/** Shows consequences, takes the reason; the focus starts on the way out. */
export function ReasonDialog({ title, help, action, busy, danger = true, typed, reasonHelp, error, children, onConfirm, onClose }: ReasonDialogProps) {
  const text = useText();
  const [reason, setReason] = useState('');
  const [name, setName] = useState('');
  const enough = reason.trim().length >= SHORTEST && (typed === undefined || name === typed);
  const footer = (
    <>
      <Button autoFocus onClick={onClose}>{text.common.cancel}</Button>
      <Button danger={danger} type="primary" loading={busy} disabled={!enough} onClick={() => onConfirm(reason.trim())}>{action}</Button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} footer={footer}>
      <p>{help}</p>
      {error ? <ErrorNote error={error} /> : null}
      {children}
      <div className="field">
        <label htmlFor="reason">{text.session.reason}</label>
        <Input.TextArea id="reason" rows={2} maxLength={LONGEST} value={reason} aria-describedby="reason-help" onChange={(event) => setReason(event.target.value)} />
        <p className="hint" id="reason-help">{reasonHelp ?? text.session.reasonHelp}</p>
      </div>
      {typed !== undefined && (
        <div className="field">
          <label htmlFor="typed-name">{text.cluster.typeName(typed)}</label>
          <Input id="typed-name" autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
        </div>
      )}
    </Dialog>
  );
}
