/** Who I am, and a new password. */
import { useLocation } from 'react-router';

import { useLogin } from '../../api/session';
import { Card } from '../../components/Card';
import { Facts } from '../../components/Facts';
import { Page } from '../../components/Page';
import { PasswordForm } from '../../components/PasswordForm';
import { useText } from '../../i18n';
import { moment } from '../../state/format';

/** The account page; `#password` leads straight into the form. */
export default function MyAccountPage() {
  const text = useText();
  const user = useLogin((login) => login.user);
  const { hash } = useLocation();
  const roles: Record<string, string> = text.account.roles;
  return (
    <Page title={text.account.title}>
      <div className="two-columns">
        <Card title={user?.name ?? ''}>
          <Facts facts={[[text.account.role, user && (roles[user.role] ?? user.role)], [text.common.created, user && moment(user.created_at)], ['ID', user && <code>{user.id}</code>]]} />
        </Card>
        <Card title={text.account.password}>
          <PasswordForm key={hash} focus={hash === '#password'} />
        </Card>
      </div>
    </Page>
  );
}
