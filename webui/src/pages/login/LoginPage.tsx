/** Log in with user and password. */
import { Button, Input } from 'antd';
import { type FormEvent, useEffect, useState } from 'react';

import { logIn } from '../../api/session';
import { ErrorNote } from '../../components/ErrorNote';
import { LanguageSwitch } from '../../components/LanguageSwitch';
import { useText } from '../../i18n';

/** The login page; it replaces every page while nobody is logged in, so that the address is kept. */
export function LoginPage() {
  const text = useText();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [missing, setMissing] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = `${text.login.title} · ${text.product}`;
  }, [text]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    setMissing(!user || !password);
    if (!user || !password) return;
    setBusy(true);
    try {
      await logIn(user, password);
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <main className="login">
      <div className="login-side">
        <p className="login-brand"><img src="/favicon.svg" alt="" width={34} height={34} /> {text.product}</p>
        <p className="login-lead">{text.login.lead}</p>
        <ul>{text.login.points.map((point) => <li key={point}>{point}</li>)}</ul>
        <svg className="login-art" viewBox="0 0 400 140" preserveAspectRatio="none" aria-hidden="true">
          <path className="login-area" d="M0 120 L40 104 L80 112 L120 84 L160 92 L200 60 L240 72 L280 44 L320 52 L360 22 L400 12 L400 140 L0 140 Z" />
          <path className="login-line" d="M0 120 L40 104 L80 112 L120 84 L160 92 L200 60 L240 72 L280 44 L320 52 L360 22 L400 12" />
        </svg>
      </div>
      <form className="login-form" onSubmit={(event) => void submit(event)} noValidate>
        <div className="login-lang"><LanguageSwitch /></div>
        <h1>{text.login.title}</h1>
        <div className="field">
          <label htmlFor="user">{text.login.user}</label>
          <Input id="user" size="large" autoComplete="username" autoFocus value={user} onChange={(event) => setUser(event.target.value)} />
        </div>
        <div className="field">
          <label htmlFor="password">{text.login.password}</label>
          <Input id="password" size="large" type="password" autoComplete="current-password" value={password} onChange={(event) => setPassword(event.target.value)} />
        </div>
        {missing && <p className="field-errors" role="alert">{text.login.missing}</p>}
        {error !== null && <ErrorNote error={error} />}
        <Button type="primary" size="large" htmlType="submit" loading={busy} block>{text.login.submit}</Button>
        <p className="hint">{text.login.firstTime}</p>
      </form>
    </main>
  );
}
