/** What a quality check found, gravest first, with examples on demand. */
import type { QualityFinding } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { Rich } from '../../components/Rich';
import { Severity } from '../../components/Severity';
import { useText } from '../../i18n';
import { count, moment } from '../../state/format';
import { findingName, ordered } from './quality';

/** Shows the findings; callers show the clean state themselves. */
export function FindingsTable({ findings }: { findings: QualityFinding[] }) {
  const text = useText();
  const { quality } = text.datasets;
  return (
    <DataTable
      caption={quality.title}
      rows={ordered(findings)}
      rowKey={(row) => row.code + row.severity + row.detail}
      columns={[
        { key: 'severity', title: quality.severity, tight: true, cell: (row) => <Severity grade={row.severity} /> },
        { key: 'finding', title: quality.finding, head: true, cell: (row) => findingName(row.code, text) },
        { key: 'count', title: quality.count, figure: true, cell: (row) => count(row.count) },
        {
          key: 'detail', title: quality.detail,
          cell: (row) => (
            <div className="finding">
              <p><Rich words={text.said(row.detail)} /></p>
              {row.instruments.length > 0 && <p className="hint">{row.instruments.join(', ')}</p>}
              {row.examples.length > 0 && (
                <details>
                  <summary>{quality.examples(row.examples.length)}</summary>
                  <ul className="finding-examples">
                    {row.examples.map((each, index) => (
                      <li key={index} className="num">
                        {quality.row} {count(each.row)}{each.time !== null && ` · ${moment(each.time)}`}{each.instrument !== null && ` · ${each.instrument}`}
                      </li>
                    ))}
                  </ul>
                </details>
              )}
            </div>
          ),
        },
      ]}
    />
  );
}
