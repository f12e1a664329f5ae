/** Name, kind, strategy with version, data set. */
import { Input } from 'antd';

import { Card } from '../../components/Card';
import { NativeSelect } from '../../components/NativeSelect';
import { useText } from '../../i18n';
import { count } from '../../state/format';
import { KINDS, kindOf, needsStrategy } from './kinds';
import { kindName } from '../data/quality';
import type { StartForm } from './useStartForm';

/** Shows the choices that come before the settings. */
export function WhatRuns({ form, name }: { form: StartForm; name: string }) {
  const text = useText();
  const strategies = form.choices.strategies.data?.items ?? [];
  const datasets = form.choices.datasets.data?.items ?? [];
  const versions = Array.from({ length: form.strategy?.version ?? 0 }, (_, index) => String((form.strategy?.version ?? 0) - index));
  return (
    <Card title={text.start.what}>
      <div className="fields">
        <div className="cell field">
          <label htmlFor="start-kind">{text.sessions.kind}</label>
          <NativeSelect id="start-kind" value={form.kind} describedBy="start-kind-help" options={KINDS.map((value) => ({ value, label: text.sessions.kinds[value] }))} onChange={(kind) => form.choose({ kind: kindOf(kind) })} />
          <p className="hint" id="start-kind-help">{text.sessions.kindHelp[form.kind]}</p>
        </div>
        <div className="cell field">
          <label htmlFor="start-name">{text.common.name}</label>
          <Input id="start-name" value={name} maxLength={200} onChange={(event) => form.choose({ name: event.target.value })} />
        </div>
        {needsStrategy(form.kind) && (
          <>
            <div className="cell field">
              <label htmlFor="start-strategy">{text.sessions.strategy}</label>
              <NativeSelect id="start-strategy" value={form.strategyId} options={strategies.map((each) => ({ value: each.id, label: each.name }))} onChange={(strategy) => form.choose({ strategy, version: '' })} />
            </div>
            <div className="cell field">
              <label htmlFor="start-version">{text.start.version}</label>
              <NativeSelect
                id="start-version"
                value={form.version}
                options={[{ value: '', label: text.start.newestVersion }, ...versions.map((value) => ({ value, label: text.editor.versionOf(Number(value)) }))]}
                onChange={(version) => form.choose({ version })}
              />
            </div>
          </>
        )}
        <div className="cell field">
          <label htmlFor="start-dataset">{text.sessions.dataset}</label>
          <NativeSelect
            id="start-dataset"
            value={form.datasetId}
            options={datasets.map((each) => ({ value: each.id, label: `${each.name} · ${kindName(each.kind, text)} · ${count(each.rows)}${each.synthetic ? ` · ${text.data.synthetic}` : ''}` }))}
            onChange={(dataset) => form.choose({ dataset })}
          />
        </div>
      </div>
    </Card>
  );
}
