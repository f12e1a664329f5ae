/** Sets what one user or team may have at once. */
import { Button, Input, InputNumber } from 'antd';
import { useState } from 'react';

import { useLogin } from '../../api/session';
import type { QuotaView } from '../../api/types';
import { Dialog } from '../../components/Dialog';
import { ErrorNote } from '../../components/ErrorNote';
import { NativeSelect } from '../../components/NativeSelect';
import { Rich } from '../../components/Rich';
import { useText } from '../../i18n';
import { complaint, EVERYBODY_ELSE, formOf, LIMITS, nameOf, type QuotaForm, WEIGHT_MAX } from './quota';
import { useQuotaSaving } from './useQuotas';

/** Shows the form; `null` begins a new quota. */
export function QuotaDialog({ quota, onClose }: { quota: QuotaView | null; onClose: () => void }) {
  const text = useText();
  const words = text.queue;
  const [form, setForm] = useState<QuotaForm>(() => formOf(quota));
  const [tried, setTried] = useState(false);
  const me = useLogin((login) => login.user);
  const saving = useQuotaSaving(quota);
  const wrong = complaint(form);
  const save = () => {
    setTried(true);
    if (wrong === null) saving.mutate(form, { onSuccess: onClose });
  };
  const footer = (
    <>
      <Button onClick={onClose}>{text.common.cancel}</Button>
      <Button type="primary" loading={saving.isPending} onClick={save}>{text.common.save}</Button>
    </>
  );
  return (
    <Dialog title={quota ? words.editQuota(nameOf(form, me, words)) : words.setQuota} onClose={onClose} footer={footer}>
      {saving.error && <ErrorNote error={saving.error} />}
      {tried && wrong && <p className="note note-bad" role="alert">{wrong === 'name' ? words.whoMissing : words.nothingSet}</p>}
      <div className="quota-fields">
        <div className="field">
          <label htmlFor="quota-scope">{words.scope}</label>
          <NativeSelect id="quota-scope" value={form.scope} disabled={quota !== null} options={(['user', 'team'] as const).map((value) => ({ value, label: words.scopes[value] }))} onChange={(scope) => setForm({ ...form, scope: scope as QuotaForm['scope'] })} />
        </div>
        <div className="field">
          <label htmlFor="quota-name">{words.who}</label>
          <Input id="quota-name" value={form.name} disabled={quota !== null} autoComplete="off" list="quota-who" aria-describedby="quota-name-help" onChange={(event) => setForm({ ...form, name: event.target.value })} />
        </div>
        <datalist id="quota-who">
          <option value={EVERYBODY_ELSE}>{words.everybodyElse[form.scope]}</option>
          {form.scope === 'user' && me && <option value={me.name}>{me.id}</option>}
        </datalist>
        <p className="hint quota-help" id="quota-name-help"><Rich words={words.whoHelp} /></p>
        {LIMITS.map(({ key, max }) => (
          <div key={key} className="field">
            <label htmlFor={`quota-${key}`}>{words[key]}</label>
            <InputNumber id={`quota-${key}`} min={0} max={max} precision={0} placeholder={words.unlimited} value={form.limits[key]} onChange={(value) => setForm({ ...form, limits: { ...form.limits, [key]: value } })} />
          </div>
        ))}
        <div className="field">
          <label htmlFor="quota-weight">{words.weight}</label>
          <InputNumber id="quota-weight" min={1} max={WEIGHT_MAX} precision={0} value={form.weight} aria-describedby="quota-weight-help" onChange={(value) => setForm({ ...form, weight: value ?? 1 })} />
        </div>
      </div>
      <p className="hint">{words.emptyIsUnlimited} <span id="quota-weight-help">{words.weightHelp}</span></p>
    </Dialog>
  );
}
