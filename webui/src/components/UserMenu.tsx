/** Who is logged in, language, appearance, colours, the way out. */
import { useEffect, useRef } from 'react';
import { Link } from 'react-router';

import { logOut, useLogin } from '../api/session';
import { useText } from '../i18n';
import { type Gains, setPreferences, type Theme, usePreferences } from '../state/preferences';
import { NativeSelect } from './NativeSelect';

/** Shows a menu under the user's name. */
export function UserMenu() {
  const text = useText();
  const user = useLogin((login) => login.user);
  const { theme, gains } = usePreferences();
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const leave = (event: Event) => {
      const inside = event.target instanceof Node && menu.current?.contains(event.target);
      const escape = event instanceof KeyboardEvent && event.key === 'Escape';
      if (menu.current && (escape || (event.type === 'pointerdown' && !inside))) menu.current.open = false;
    };
    document.addEventListener('pointerdown', leave);
    document.addEventListener('keydown', leave);
    return () => {
      document.removeEventListener('pointerdown', leave);
      document.removeEventListener('keydown', leave);
    };
  }, []);
  const shut = () => {
    if (menu.current) menu.current.open = false;
  };
  return (
    <details className="menu" ref={menu}>
      <summary>
        <span className="sr-only">{text.bar.menu}: </span>
        <span className="avatar" aria-hidden="true">{(user?.name ?? '?').charAt(0).toUpperCase()}</span>
        <span className="menu-name">{user?.name}</span>
      </summary>
      <div className="menu-panel">
        <Link to="/account" onClick={shut}>{text.bar.account}</Link>
        <Link to="/account#password" onClick={shut}>{text.account.password}</Link>
        <Link to="/about" onClick={shut}>{text.bar.about}</Link>
        <label htmlFor="menu-theme">{text.bar.theme}</label>
        <NativeSelect
          id="menu-theme"
          value={theme}
          options={(['auto', 'light', 'dark'] as const).map((value) => ({ value, label: text.bar.themes[value] }))}
          onChange={(value) => void setPreferences({ theme: value as Theme })}
        />
        <label htmlFor="menu-gains">{text.bar.colours}</label>
        <NativeSelect
          id="menu-gains"
          value={gains}
          options={(['auto', 'green', 'red'] as const).map((value) => ({ value, label: text.bar.colourNames[value] }))}
          onChange={(value) => void setPreferences({ gains: value as Gains })}
        />
        <button type="button" className="menu-out" onClick={() => void logOut()}>{text.bar.logOut}</button>
      </div>
    </details>
  );
}
