/** What the segments of each label have in common. */
import type { LabelledItem } from '../../api/types';
import { regimeName } from '../../charts/regimes';
import { type Column, DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { count, number, percent } from '../../state/format';
import { RegimeSwatch } from './RegimeLegend';

/** Shows the figures with labels as rows; what is not defined says so. */
export function LabelFigures({ item }: { item: LabelledItem }) {
  const text = useText();
  const all = item.rows_per_label.reduce((sum, rows) => sum + rows, 0);
  const names = Object.keys(text.labelling.values) as (keyof typeof text.labelling.values)[];
  const written = (label: number, name: string): string => {
    const value = item.metrics.find((each) => each.label === label)?.values[name];
    return value === null || value === undefined ? text.common.notDefined : number(value);
  };
  const columns: Column<number>[] = [
    { key: 'label', title: text.labelling.label, head: true, cell: (label) => <span className="regime-cell"><RegimeSwatch label={label} count={item.labels_count} />{text.labelling.labelOf(label, regimeName(label, item.labels_count, text))}</span> },
    { key: 'segments', title: text.labelling.segmentCount, figure: true, cell: (label) => count(item.slices_per_label[label] ?? 0) },
    { key: 'rows', title: text.labelling.rows, figure: true, cell: (label) => count(item.rows_per_label[label] ?? 0) },
    { key: 'share', title: text.labelling.shareOfRows, figure: true, cell: (label) => (all > 0 ? percent((item.rows_per_label[label] ?? 0) / all, 1) : text.common.notDefined) },
    ...names.map((name) => ({ key: name, title: text.labelling.values[name], figure: true, cell: (label: number) => written(label, name) })),
  ];
  return <DataTable dense caption={text.labelling.perLabel} columns={columns} rows={Array.from({ length: item.labels_count }, (_, label) => label)} rowKey={String} />;
}
