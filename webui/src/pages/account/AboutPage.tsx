/** Version and notices. */
import { useQuery } from '@tanstack/react-query';

import { about } from '../../api/platform';
import { keys } from '../../api/queries';
import { Card } from '../../components/Card';
import { Facts } from '../../components/Facts';
import { Page } from '../../components/Page';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';

/** The about page. */
export default function AboutPage() {
  const text = useText();
  const query = useQuery({ queryKey: keys.about, queryFn: about });
  return (
    <Page title={text.about.title}>
      <div className="two-columns">
        <Card title={text.about.build}>
          <Part query={query}>
            {(answer) => <Facts facts={Object.entries(answer as Record<string, unknown>).filter(([, value]) => typeof value !== 'object').map(([name, value]) => [name.replaceAll('_', ' '), String(value)])} />}
          </Part>
        </Card>
        <Card title={text.about.notices}>
          <p>{text.about.charts}</p>
          <p>{text.about.curves}</p>
        </Card>
      </div>
    </Page>
  );
}
