/** Start a session: what runs, on what, with which settings. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useMemo } from 'react';
import { useNavigate } from 'react-router';

import { ApiError, violationsBelow } from '../../api/problem';
import { keys } from '../../api/queries';
import { startSession } from '../../api/sessions';
import type { Placement } from '../../api/types';
import { Card } from '../../components/Card';
import { EmptyNote } from '../../components/EmptyNote';
import { ErrorNote } from '../../components/ErrorNote';
import { LinkButton } from '../../components/LinkButton';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { ErrorList } from '../../forms/ErrorList';
import type { TextInput } from '../../forms/FormContext';
import { SchemaForm } from '../../forms/SchemaForm';
import { useText } from '../../i18n';
import { needsStrategy } from './kinds';
import { PresetField } from './PresetField';
import { PlacementFields } from './PlacementFields';
import { ResourceFields } from './ResourceFields';
import { TrainedSelect } from './TrainedSelect';
import { useStartForm } from './useStartForm';
import { WhatRuns } from './WhatRuns';
import { placementOf } from './wishes';

const HIDDEN: ReadonlySet<string> = new Set(['/kind']);

/** The start page. */
export default function StartSessionPage() {
  const text = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const form = useStartForm();
  const withStrategy = needsStrategy(form.kind);
  const about = withStrategy ? form.strategy?.name : form.choices.datasets.data?.items.find((each) => each.id === form.datasetId)?.name;
  const name = form.name ?? text.start.defaultName(about ?? '', text.sessions.kinds[form.kind]);
  const placement = placementOf(form.wishes);
  const submit = useMutation({
    mutationFn: (placement: Placement) =>
      startSession({
        name: name.trim(),
        strategy_id: withStrategy ? form.strategyId : null,
        strategy_version: withStrategy && form.version ? Number(form.version) : null,
        dataset_id: form.datasetId,
        config: form.config ?? {},
        resources: form.resources,
        priority: form.priority,
        tags: [],
        placement,
        team: form.wishes.team.trim() || null,
      }),
    onSuccess: (session) => {
      void queries.invalidateQueries({ queryKey: keys.sessions });
      void navigate(`/sessions/${session.id}`);
    },
  });
  const { trained } = form;
  const inputs = useMemo<Record<string, TextInput>>(() => ({ '^ses_': (props) => <TrainedSelect {...props} sessions={trained} /> }), [trained]);
  const refused = submit.error instanceof ApiError ? violationsBelow(submit.error.problem, '/config') : [];
  const errors = [...form.checked.errors, ...refused.filter((each) => !form.checked.errors.some((known) => known.pointer === each.pointer))];
  const title = text.start.titles[form.kind];
  const impossible = form.kind === 'training' && !form.learns;
  const { strategies, datasets } = form.choices;
  if (withStrategy && strategies.data?.items.length === 0) {
    return <Page title={title}><EmptyNote title={text.start.noStrategies} action={<LinkButton primary to="/strategies/new">{text.strategies.create}</LinkButton>} /></Page>;
  }
  if (datasets.data?.items.length === 0) {
    return <Page title={title}><EmptyNote title={text.start.noDatasets} action={<LinkButton primary to="/data/import">{text.data.import}</LinkButton>} /></Page>;
  }
  const failure = strategies.error ?? datasets.error ?? form.schema.error ?? form.defaults.error ?? form.origin.error;
  return (
    <Page title={title} parent={{ to: '/sessions', label: text.sessions.title }}>
      {failure !== null && <ErrorNote error={failure} />}
      <form
        className="start-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (placement) submit.mutate(placement);
        }}
      >
        <WhatRuns form={form} name={name} />
        {impossible && <p className="note note-warn" role="alert">{text.start.cannotLearn}</p>}
        <Card title={text.start.settings}>
          {form.kind === 'labelling' && form.node && form.config && <PresetField node={form.node} config={form.config} onChange={form.setConfig} />}
          {form.node && form.config ? (
            <SchemaForm node={form.node} value={form.config} errors={errors} hidden={HIDDEN} inputs={inputs} onChange={form.setConfig} />
          ) : (
            <Loading lines={6} />
          )}
        </Card>
        <ResourceFields form={form} />
        <PlacementFields form={form} />
        <ErrorList errors={errors} />
        {submit.error && refused.length === 0 && <ErrorNote error={submit.error} />}
        <div className="form-actions">
          <Button type="primary" size="large" htmlType="submit" loading={submit.isPending} disabled={impossible || placement === null || errors.length > 0 || !form.config || !form.datasetId}>{text.start.submit}</Button>
        </div>
      </form>
    </Page>
  );
}
