/** Choose a file or drop one. */
import { InboxOutlined } from '@ant-design/icons';
import { useState } from 'react';

import { useText } from '../../i18n';
import { bytes } from '../../state/format';

/** Shows the chosen file or asks for one. */
export function FileDrop({ file, onFile }: { file: File | null; onFile: (file: File) => void }) {
  const text = useText();
  const [over, setOver] = useState(false);
  return (
    <label
      className={`drop${over ? ' drop-over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const dropped = event.dataTransfer.files[0];
        if (dropped) onFile(dropped);
      }}
    >
      <InboxOutlined aria-hidden="true" />
      <input
        type="file"
        className="sr-only"
        accept=".csv,.txt,.parquet,.pq"
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          if (chosen) onFile(chosen);
        }}
      />
      {file ? <strong>{text.data.chosen(file.name, bytes(file.size))}</strong> : <span><strong>{text.data.choose}</strong> {text.data.drop}</span>}
      <span className="hint">{text.data.uploadHelp}</span>
    </label>
  );
}
