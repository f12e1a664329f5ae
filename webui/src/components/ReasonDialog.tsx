/** Asks for the reason of a command that ends something. */
import { Button, Input } from 'antd';
import { useState } from 'react';

import { useText } from '../i18n';
import { Dialog } from './Dialog';

interface ReasonDialogProps {
  title: string;
  help: string;
  action: string;
  busy: boolean;
  onConfirm: (reason: string) => void;
  onClose: () => void;
}

const SHORTEST = 3;
const LONGEST = 500;

/** Shows consequences, takes the reason; the focus starts on the way out. */
export function ReasonDialog({ title, help, action, busy, onConfirm, onClose }: ReasonDialogProps) {
  const text = useText();
  const [reason, setReason] = useState('');
  const enough = reason.trim().length >= SHORTEST;
  const footer = (
    <>
      <Button autoFocus onClick={onClose}>{text.common.cancel}</Button>
      <Button danger type="primary" loading={busy} disabled={!enough} onClick={() => onConfirm(reason.trim())}>{action}</Button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} footer={footer}>
      <p>{help}</p>
      <div className="field">
        <label htmlFor="reason">{text.session.reason}</label>
        <Input.TextArea id="reason" rows={2} maxLength={LONGEST} value={reason} aria-describedby="reason-help" onChange={(event) => setReason(event.target.value)} />
        <p className="hint" id="reason-help">{text.session.reasonHelp}</p>
      </div>
    </Dialog>
  );
}
