/** A generated password opens nothing: whoever logs in with one chooses their own here, or leaves. */
import { Button } from 'antd';
import { useEffect } from 'react';

import { logOut } from '../../api/session';
import { LanguageSwitch } from '../../components/LanguageSwitch';
import { PasswordForm } from '../../components/PasswordForm';
import { useText } from '../../i18n';

/** Replaces every page until the password is changed, so that the address is kept. */
export function FirstPasswordPage() {
  const text = useText();
  useEffect(() => {
    document.title = `${text.account.first} · ${text.product}`;
  }, [text]);
  return (
    <main className="first-password">
      <div className="first-password-card">
        <div className="first-password-head">
          <h1>{text.account.first}</h1>
          <LanguageSwitch />
        </div>
        <p className="note note-warn">{text.account.mustChange}</p>
        <PasswordForm focus />
        <Button onClick={() => void logOut()}>{text.bar.logOut}</Button>
      </div>
    </main>
  );
}
