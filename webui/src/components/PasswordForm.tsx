/** Present password, new password twice: the form behind both places where a password is changed. */
import { useMutation } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';

import { changePassword } from '../api/platform';
import { refresh, useLogin } from '../api/session';
import { useText } from '../i18n';
import { toast } from '../state/toast';
import { ErrorNote } from './ErrorNote';

const SHORTEST = 12;
const EMPTY = { current: '', next: '', again: '' };

interface PasswordFormProps {
  /** Whether the first field takes the focus at once. */
  focus?: boolean;
}

/** Changes the password; afterwards the login is refreshed, for the old token still says what was true before. */
export function PasswordForm({ focus = false }: PasswordFormProps) {
  const text = useText();
  const user = useLogin((login) => login.user);
  const [fields, setFields] = useState(EMPTY);
  const [wrong, setWrong] = useState('');
  const change = useMutation({
    mutationFn: async () => {
      await changePassword(fields.current, fields.next);
      await refresh(useLogin.getState().token);
    },
    onSuccess: () => {
      toast('good', text.account.changed);
      setFields(EMPTY);
    },
  });
  const complaint = () => {
    if (!fields.current) return text.account.missing;
    if (fields.next.length < SHORTEST) return text.account.short;
    if (fields.next === fields.current) return text.account.unchanged;
    return fields.next === fields.again ? '' : text.account.differ;
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = complaint();
    setWrong(found);
    if (found === '') change.mutate();
  };
  const input = (key: keyof typeof EMPTY, label: string, complete: string) => (
    <div className="field">
      <label htmlFor={`password-${key}`}>{label}</label>
      <Input id={`password-${key}`} type="password" autoComplete={complete} autoFocus={focus && key === 'current'} value={fields[key]} onChange={(event) => setFields({ ...fields, [key]: event.target.value })} />
    </div>
  );
  return (
    <form className="password-form" noValidate onSubmit={submit}>
      <input type="text" hidden readOnly autoComplete="username" value={user?.name ?? ''} />
      {input('current', text.account.current, 'current-password')}
      {input('next', text.account.next, 'new-password')}
      <p className="hint">{text.account.nextHelp}</p>
      {input('again', text.account.again, 'new-password')}
      {wrong !== '' && <p className="field-errors" role="alert">{wrong}</p>}
      {change.error && <ErrorNote error={change.error} />}
      <div className="form-actions"><Button type="primary" htmlType="submit" loading={change.isPending}>{text.account.submit}</Button></div>
    </form>
  );
}
