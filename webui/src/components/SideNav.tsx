/** The way between the main pages; a bar at the bottom on phones. */
import { AppstoreOutlined, ClusterOutlined, DashboardOutlined, DatabaseOutlined, ExperimentOutlined, OrderedListOutlined } from '@ant-design/icons';
import { NavLink } from 'react-router';

import { useText } from '../i18n';

const ITEMS = [
  { to: '/', key: 'dashboard', Icon: DashboardOutlined },
  { to: '/strategies', key: 'strategies', Icon: AppstoreOutlined },
  { to: '/sessions', key: 'sessions', Icon: ExperimentOutlined },
  { to: '/data', key: 'data', Icon: DatabaseOutlined },
  { to: '/queue', key: 'queue', Icon: OrderedListOutlined },
  { to: '/cluster', key: 'cluster', Icon: ClusterOutlined },
] as const;

/** Shows the main navigation. */
export function SideNav() {
  const text = useText();
  return (
    <nav className="sidenav" aria-label={text.nav.label}>
      {ITEMS.map(({ to, key, Icon }) => (
        <NavLink key={key} to={to} end={to === '/'}>
          <Icon aria-hidden="true" />
          <span>{text.nav[key]}</span>
        </NavLink>
      ))}
    </nav>
  );
}
