/** Import a CSV or Parquet file: choose, map columns, send, see what the node says. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useNavigate } from 'react-router';

import { importFile } from '../../api/datasets';
import { keys } from '../../api/queries';
import { Card } from '../../components/Card';
import { useText } from '../../i18n';
import { count, percent } from '../../state/format';
import { toast } from '../../state/toast';
import { FileDrop } from './FileDrop';
import { ImportError } from './ImportError';
import { MappingFields } from './MappingFields';
import { type Preview, previewFile } from './preview';

const LARGEST = 64 * 1024 * 1024;

/** The form for a file. */
export function FileImport() {
  const text = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [name, setName] = useState('');
  const [instrument, setInstrument] = useState('');
  const [mapping, setMapping] = useState<Record<string, string>>({});
  const [sent, setSent] = useState(0);
  const [wrong, setWrong] = useState('');
  const parquet = file !== null && /\.(parquet|pq|feather)$/i.test(file.name);
  const send = useMutation({
    mutationFn: (chosen: File) => importFile({ name: name.trim(), instrument: instrument.trim(), format: parquet ? 'parquet' : 'csv', mapping, file: chosen }, setSent),
    onSuccess: (dataset) => {
      toast('good', text.data.imported(dataset.name, count(dataset.rows)));
      void queries.invalidateQueries({ queryKey: keys.datasets });
      void navigate(`/data/${dataset.id}`);
    },
  });
  const choose = async (chosen: File) => {
    send.reset();
    setFile(chosen);
    setMapping({});
    setWrong(chosen.size > LARGEST ? text.data.tooLarge : '');
    if (name === '') setName(chosen.name.replace(/\.[^.]+$/, ''));
    setPreview(/\.(parquet|pq|feather)$/i.test(chosen.name) ? null : await previewFile(chosen));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const complaint = !file ? text.data.fileMissing : file.size > LARGEST ? text.data.tooLarge : name.trim() === '' ? text.data.nameMissing : '';
    setWrong(complaint);
    setSent(0);
    if (file && complaint === '') send.mutate(file);
  };
  return (
    <Card title={text.data.upload}>
      <form noValidate onSubmit={submit}>
        <FileDrop file={file} onFile={(chosen) => void choose(chosen)} />
        <div className="fields">
          <div className="cell field">
            <label htmlFor="import-name">{text.common.name}</label>
            <Input id="import-name" maxLength={120} value={name} onChange={(event) => setName(event.target.value)} />
          </div>
          <div className="cell field">
            <label htmlFor="import-instrument">{text.data.instrument} <span className="hint">({text.common.optional})</span></label>
            <Input id="import-instrument" maxLength={60} value={instrument} aria-describedby="import-instrument-help" onChange={(event) => setInstrument(event.target.value)} />
            <p className="hint" id="import-instrument-help">{text.data.instrumentHelp}</p>
          </div>
        </div>
        {preview && <MappingFields preview={preview} mapping={mapping} onChange={setMapping} />}
        {wrong !== '' && <p className="field-errors" role="alert">{wrong}</p>}
        {send.error && <ImportError error={send.error} />}
        {send.isPending && (
          <div className="upload" role="status">
            <progress max={1} value={sent} aria-label={text.data.uploading} />
            <span>{sent < 1 ? `${text.data.uploading} ${percent(sent, 0)}` : text.data.checking}</span>
          </div>
        )}
        <div className="form-actions"><Button type="primary" htmlType="submit" loading={send.isPending}>{text.data.import}</Button></div>
      </form>
    </Card>
  );
}
