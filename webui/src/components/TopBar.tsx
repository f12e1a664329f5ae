/** What every page shows at its top: environment, connection, language, user. */
import { Link } from 'react-router';

import { useText } from '../i18n';
import { ConnectionBar } from './ConnectionBar';
import { LanguageSwitch } from './LanguageSwitch';
import { UserMenu } from './UserMenu';

/** Shows the top bar. */
export function TopBar() {
  const text = useText();
  return (
    <header className="topbar">
      <a className="skip" href="#content">{text.nav.skip}</a>
      <Link className="brand" to="/" aria-label={text.product}>
        <img src="/favicon.svg" alt="" width={26} height={26} />
        <span className="brand-name">TradeMaster</span>
      </Link>
      <span className="env env-sim" title={text.bar.simHelp}>{text.bar.sim}</span>
      <span className="grow" />
      <ConnectionBar />
      <LanguageSwitch />
      <UserMenu />
    </header>
  );
}
