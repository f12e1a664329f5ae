/** Make a data set of another one: say what is done, see what results, name it, create it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useNavigate, useParams } from 'react-router';

import { createDerived, getDataset } from '../../api/datasets';
import { keys } from '../../api/queries';
import type { DatasetView } from '../../api/types';
import { Card } from '../../components/Card';
import { CommandHint } from '../../components/CommandHint';
import { ErrorNote } from '../../components/ErrorNote';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { useText } from '../../i18n';
import { count } from '../../state/format';
import { toast } from '../../state/toast';
import { Inspection } from './Inspection';
import { flagsOf, READ_AS_FOUND, stepsOf } from './reading';
import { StepFields } from './StepFields';
import { useDerivation } from './useDerivation';

/** The page. */
export default function DerivePage() {
  const text = useText();
  const { id = '' } = useParams();
  const query = useQuery({ queryKey: keys.dataset(id), queryFn: () => getDataset(id) });
  const parent = { to: `/data/${id}`, label: query.data?.name ?? text.data.title };
  return (
    <Page title={text.datasets.derive.title} parent={parent}>
      {query.data ? <DeriveForm parent={query.data} /> : query.error ? <ErrorNote error={query.error} onRetry={() => void query.refetch()} /> : <Loading lines={8} />}
    </Page>
  );
}

function DeriveForm({ parent }: { parent: DatasetView }) {
  const text = useText();
  const words = text.datasets.derive;
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [reading, setReading] = useState(READ_AS_FOUND);
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState('');
  const steps = stepsOf(reading);
  const nothing = Object.keys(steps).length === 0;
  const preview = useDerivation(parent.id, nothing ? null : steps);
  const make = useMutation({
    mutationFn: () => createDerived(name.trim(), { dataset_id: parent.id, ...steps }),
    onSuccess: (dataset) => {
      toast('good', text.data.imported(dataset.name, count(dataset.rows)));
      void queries.invalidateQueries({ queryKey: keys.datasets });
      void navigate(`/data/${dataset.id}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const complaint = nothing ? words.nothing : name.trim() === '' ? text.data.nameMissing : '';
    setWrong(complaint);
    if (complaint === '') make.mutate();
  };
  return (
    <>
      <Card title={words.from(parent.name)}>
        <form noValidate onSubmit={submit}>
          <p className="group-help">{text.datasets.reading.stepsHelp}</p>
          <StepFields reading={reading} onChange={setReading} />
          {nothing ? <p className="hint">{words.nothing}</p> : <Inspection query={preview} about="dataset" />}
          <div className="field">
            <label htmlFor="derive-name">{text.common.name}</label>
            <Input id="derive-name" maxLength={120} value={name} aria-invalid={wrong !== ''} onChange={(event) => setName(event.target.value)} />
          </div>
          {wrong !== '' && <p className="field-errors" role="alert">{wrong}</p>}
          {make.error && <ErrorNote error={make.error} />}
          <div className="form-actions"><Button type="primary" htmlType="submit" loading={make.isPending}>{words.create}</Button></div>
        </form>
      </Card>
      <CommandHint command={`tm data derive ${parent.id} --name ${name.trim() || 'NAME'} ${flagsOf(steps)}`.trim()} />
    </>
  );
}
