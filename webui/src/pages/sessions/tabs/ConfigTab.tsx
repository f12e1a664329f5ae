/** What the session was told to do. */
import { useQuery } from '@tanstack/react-query';

import { keys } from '../../../api/queries';
import { listVersions } from '../../../api/strategies';
import type { SessionView } from '../../../api/types';
import { Card } from '../../../components/Card';
import { Json } from '../../../components/Json';
import { Part } from '../../../components/Part';
import { useText } from '../../../i18n';

/** Shows the session's and its strategy's configuration. */
export function ConfigTab({ session }: { session: SessionView }) {
  const text = useText();
  const strategy = session.strategy_id ?? '';
  const query = useQuery({ queryKey: keys.versions(strategy), queryFn: () => listVersions(strategy), enabled: strategy !== '' });
  return (
    <div className="two-columns">
      <Card title={text.report.sessionRun}>
        <Json label={text.report.sessionRun} value={session.config} />
      </Card>
      {strategy !== '' && (
        <Card title={`${text.report.strategyRun} · v${session.strategy_version}`}>
          <Part query={query}>
            {(versions) => <Json label={text.report.strategyRun} value={versions.find((each) => each.version === session.strategy_version)?.config ?? null} />}
          </Part>
        </Card>
      )}
    </div>
  );
}
