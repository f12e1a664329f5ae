/** Asks before something that cannot be taken back; the focus starts on the way out. */
import { Button } from 'antd';

import { useText } from '../i18n';
import { Dialog } from './Dialog';

interface ConfirmDialogProps {
  title: string;
  help: string;
  action: string;
  busy: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Shows what will happen and asks. */
export function ConfirmDialog({ title, help, action, busy, onConfirm, onClose }: ConfirmDialogProps) {
  const text = useText();
  const footer = (
    <>
      <Button autoFocus onClick={onClose}>{text.common.cancel}</Button>
      <Button danger type="primary" loading={busy} onClick={onConfirm}>{action}</Button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} footer={footer}>
      <p>{help}</p>
    </Dialog>
  );
}
