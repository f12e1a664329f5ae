/** Who I am, and a new password. */
import { useMutation } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';

import { changePassword } from '../../api/platform';
import { useLogin } from '../../api/session';
import { Card } from '../../components/Card';
import { ErrorNote } from '../../components/ErrorNote';
import { Facts } from '../../components/Facts';
import { Page } from '../../components/Page';
import { useText } from '../../i18n';
import { moment } from '../../state/format';
import { toast } from '../../state/toast';

const SHORTEST = 12;

/** The account page. */
export default function MyAccountPage() {
  const text = useText();
  const user = useLogin((login) => login.user);
  const [fields, setFields] = useState({ current: '', next: '', again: '' });
  const [wrong, setWrong] = useState('');
  const change = useMutation({
    mutationFn: () => changePassword(fields.current, fields.next),
    onSuccess: () => {
      toast('good', text.account.changed);
      setFields({ current: '', next: '', again: '' });
      if (user) useLogin.setState({ user: { ...user, must_change_password: false } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const complaint = fields.next.length < SHORTEST ? text.account.short : fields.next !== fields.again ? text.account.differ : '';
    setWrong(complaint);
    if (complaint === '') change.mutate();
  };
  const roles: Record<string, string> = text.account.roles;
  const input = (key: keyof typeof fields, label: string, complete: string) => (
    <div className="field">
      <label htmlFor={`password-${key}`}>{label}</label>
      <Input id={`password-${key}`} type="password" autoComplete={complete} value={fields[key]} onChange={(event) => setFields({ ...fields, [key]: event.target.value })} />
    </div>
  );
  return (
    <Page title={text.account.title}>
      {user?.must_change_password && <p className="note note-warn">{text.account.mustChange}</p>}
      <div className="two-columns">
        <Card title={user?.name ?? ''}>
          <Facts facts={[[text.account.role, user && (roles[user.role] ?? user.role)], [text.common.created, user && moment(user.created_at)], ['ID', user && <code>{user.id}</code>]]} />
        </Card>
        <Card title={text.account.password}>
          <form noValidate onSubmit={submit}>
            <input type="text" hidden readOnly autoComplete="username" value={user?.name ?? ''} />
            {input('current', text.account.current, 'current-password')}
            {input('next', text.account.next, 'new-password')}
            <p className="hint">{text.account.nextHelp}</p>
            {input('again', text.account.again, 'new-password')}
            {wrong !== '' && <p className="field-errors" role="alert">{wrong}</p>}
            {change.error && <ErrorNote error={change.error} />}
            <div className="form-actions"><Button type="primary" htmlType="submit" loading={change.isPending}>{text.account.submit}</Button></div>
          </form>
        </Card>
      </div>
    </Page>
  );
}
