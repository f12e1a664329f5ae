/** Make a synthetic market. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Input, InputNumber } from 'antd';
import { type FormEvent, useState } from 'react';
import { useNavigate } from 'react-router';

import { createSynthetic } from '../../api/datasets';
import { keys } from '../../api/queries';
import { Card } from '../../components/Card';
import { ErrorNote } from '../../components/ErrorNote';
import { useText } from '../../i18n';
import { count } from '../../state/format';
import { toast } from '../../state/toast';

const ROWS = { least: 100, most: 1_000_000, start: 3000 };

/** The form for a synthetic market. */
export function SyntheticImport() {
  const text = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [seed, setSeed] = useState(7);
  const [rows, setRows] = useState(ROWS.start);
  const wanted = name.trim() || `synthetic-${seed}`;
  const make = useMutation({
    mutationFn: () => createSynthetic(wanted, seed, rows),
    onSuccess: (dataset) => {
      toast('good', text.data.imported(dataset.name, count(dataset.rows)));
      void queries.invalidateQueries({ queryKey: keys.datasets });
      void navigate(`/data/${dataset.id}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <Card title={text.data.makeSynthetic}>
      <p className="hint">{text.data.makeSyntheticHelp}</p>
      <form noValidate onSubmit={submit}>
        <div className="field">
          <label htmlFor="synthetic-name">{text.common.name}</label>
          <Input id="synthetic-name" maxLength={120} placeholder={wanted} value={name} onChange={(event) => setName(event.target.value)} />
        </div>
        <div className="field">
          <label htmlFor="synthetic-seed">{text.data.seed}</label>
          <InputNumber id="synthetic-seed" min={0} max={Number.MAX_SAFE_INTEGER} precision={0} value={seed} onChange={(value) => setSeed(value ?? 0)} />
        </div>
        <div className="field">
          <label htmlFor="synthetic-rows">{text.data.rows}</label>
          <InputNumber id="synthetic-rows" min={ROWS.least} max={ROWS.most} precision={0} value={rows} onChange={(value) => setRows(value ?? ROWS.start)} />
        </div>
        {make.error && <ErrorNote error={make.error} />}
        <div className="form-actions"><Button type="primary" htmlType="submit" loading={make.isPending}>{text.data.make}</Button></div>
      </form>
    </Card>
  );
}
