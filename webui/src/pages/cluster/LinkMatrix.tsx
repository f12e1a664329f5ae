/** Who reaches whom and how fast: a row for each node that tells, a column for each that is told of. */
import type { LinkView } from '../../api/types';
import { useText } from '../../i18n';
import { number } from '../../state/format';
import { LinkState } from './LinkState';
import { linkNames, linkOf, type Told } from './links';

/** Shows round trips, and the state where a link is not ready. */
export function LinkMatrix({ told }: { told: Told }) {
  const text = useText();
  const names = linkNames(told);
  return (
    <>
      <p className="hint">{text.cluster.linksHelp}</p>
      <div className="matrix-frame" tabIndex={0} role="region" aria-label={text.cluster.links}>
        <table className="matrix">
          <thead>
            <tr>
              <td />
              {names.map((name) => <th key={name} scope="col">{name}</th>)}
            </tr>
          </thead>
          <tbody>
            {names.filter((name) => told[name]).map((from) => (
              <tr key={from}>
                <th scope="row">{from}</th>
                {names.map((to) => <td key={to}>{from === to ? <span className="hint" title={text.cluster.self}>·</span> : <Cell link={linkOf(told, from, to)} />}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Cell({ link }: { link: LinkView | undefined }) {
  const text = useText();
  if (!link) return <span className="hint">—</span>;
  if (link.state !== 'ready') return <LinkState state={link.state} />;
  return (
    <>
      <span className="num">{link.rtt_ms === null ? text.cluster.unmeasured : text.cluster.ms(number(link.rtt_ms, 3))}</span>
      {link.redials > 0 && <span className="hint num matrix-note">{text.cluster.redialed(link.redials)}</span>}
    </>
  );
}
