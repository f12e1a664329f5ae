/** Import a CSV or Parquet file: choose, see what would be read, correct it, send. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useNavigate } from 'react-router';

import { importFile, type Upload } from '../../api/datasets';
import { keys } from '../../api/queries';
import { Card } from '../../components/Card';
import { useText } from '../../i18n';
import { count, percent } from '../../state/format';
import { toast } from '../../state/toast';
import { FileDrop } from './FileDrop';
import { ImportError } from './ImportError';
import { Inspection } from './Inspection';
import { MappingFields } from './MappingFields';
import { type Preview, previewFile } from './preview';
import { optionsOf, READ_AS_FOUND } from './reading';
import { ReadingFields } from './ReadingFields';
import { useInspection } from './useInspection';

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
  const [reading, setReading] = useState(READ_AS_FOUND);
  const [asked, setAsked] = useState(false);
  const [sent, setSent] = useState(0);
  const [wrong, setWrong] = useState('');
  const parquet = file !== null && /\.(parquet|pq|feather)$/i.test(file.name);
  const upload: Upload | null = file && { name: name.trim(), instrument: instrument.trim(), format: parquet ? 'parquet' : 'csv', mapping, options: optionsOf(reading), file };
  const inspection = useInspection(file !== null && file.size <= LARGEST ? upload : null, asked);
  const source = inspection.query.data?.source;
  const columns = source ? { header: source.columns, rows: source.rows } : preview;
  const send = useMutation({
    mutationFn: (chosen: Upload) => importFile(chosen, setSent),
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
    setAsked(false);
    setWrong(chosen.size > LARGEST ? text.data.tooLarge : '');
    if (name === '') setName(chosen.name.replace(/\.[^.]+$/, ''));
    setPreview(/\.(parquet|pq|feather)$/i.test(chosen.name) ? null : await previewFile(chosen));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const complaint = !file ? text.data.fileMissing : file.size > LARGEST ? text.data.tooLarge : name.trim() === '' ? text.data.nameMissing : '';
    setWrong(complaint);
    setSent(0);
    if (upload && complaint === '') send.mutate(upload);
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
        {columns && <MappingFields preview={columns} kind={reading.kind || (inspection.query.data?.detection?.kind ?? '')} mapping={mapping} onChange={setMapping} />}
        {file && <ReadingFields reading={reading} onChange={setReading} />}
        {inspection.waits && <div><Button onClick={() => setAsked(true)}>{text.datasets.inspect.again}</Button></div>}
        {file && <Inspection query={inspection.query} />}
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
