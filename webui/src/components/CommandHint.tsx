/** The same thing on the command line, ready to copy. */
import { Button } from 'antd';
import { useState } from 'react';

import { useText } from '../i18n';

/** Shows a `tm` command. */
export function CommandHint({ command }: { command: string }) {
  const text = useText();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(command);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div className="command">
      <span className="command-label">{text.common.command}</span>
      <code>{command}</code>
      <Button size="small" type="text" onClick={() => void copy()}>{copied ? text.common.copied : text.common.copy}</Button>
    </div>
  );
}
