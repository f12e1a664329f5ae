/** Every figure of every policy, in groups. */
import type { EvaluationReport } from '../../api/types';
import { type Column, DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { policyName } from '../reports/policyName';
import { type Figure, FIGURES, figureName, figureText, GROUPS } from './figures';

/** More policies than this need the whole width. */
const NARROW = 2;

/** Shows one table per group; figures that no policy has are left out, as are groups without any. */
export function TearSheetTable({ policies }: { policies: EvaluationReport['policies'] }) {
  const text = useText();
  const has = (figure: Figure) => policies.some((policy) => policy.sheet.figures[figure.name] !== undefined);
  const columns: Column<Figure>[] = [
    { key: 'figure', title: text.evaluation.figure, head: true, cell: (figure) => figureName(figure.name, text) },
    ...policies.map((policy) => ({
      key: policy.name,
      title: policyName(policy.name, text),
      figure: true,
      cell: (figure: Figure) => {
        const words = figureText(figure, policy.sheet.figures[figure.name], text);
        return <span className={words === text.common.notDefined ? 'hint' : ''}>{words}</span>;
      },
    })),
  ];
  return (
    <div className={policies.length > NARROW ? 'sheet sheet-wide' : 'sheet'}>
      {GROUPS.map((group) => {
        const rows = FIGURES.filter((figure) => figure.group === group && has(figure));
        if (rows.length === 0) return null;
        return (
          <section key={group} aria-label={text.evaluation.groups[group]}>
            <h3>{text.evaluation.groups[group]}</h3>
            <div className="table-scroll" tabIndex={0} role="region" aria-label={text.evaluation.groups[group]}>
              <DataTable dense caption={text.evaluation.groups[group]} columns={columns} rows={rows} rowKey={(figure) => figure.name} />
            </div>
          </section>
        );
      })}
    </div>
  );
}
