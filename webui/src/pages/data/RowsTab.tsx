/** The first and last rows of a data set. */
import { useQuery } from '@tanstack/react-query';

import { readPreview } from '../../api/datasets';
import { keys } from '../../api/queries';
import { Card } from '../../components/Card';
import { CommandHint } from '../../components/CommandHint';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { count } from '../../state/format';
import { CellsTable } from './CellsTable';

const ROWS = 20;

/** Shows both ends, the last rows with their numbers. */
export function RowsTab({ id }: { id: string }) {
  const text = useText();
  const { preview } = text.datasets;
  const query = useQuery({ queryKey: keys.datasetPart(id, 'preview'), queryFn: () => readPreview(id, ROWS), staleTime: Infinity });
  return (
    <>
      <Part query={query} lines={8} isEmpty={(data) => data.rows === 0} empty={<p className="hint">{preview.none}</p>}>
        {(data) => (
          <>
            <Card title={preview.first} aside={<span className="hint num">{text.datasets.rows}: {count(data.rows)}</span>}>
              <CellsTable label={preview.first} columns={data.columns} rows={data.first} start={0} rowTitle={preview.row} />
            </Card>
            {data.last.length > 0 && (
              <Card title={preview.last} aside={<span className="hint num">{preview.from(count(data.first_row_of_last))}</span>}>
                <CellsTable label={preview.last} columns={data.columns} rows={data.last} start={data.first_row_of_last} rowTitle={preview.row} />
              </Card>
            )}
          </>
        )}
      </Part>
      <CommandHint command={`tm data preview ${id}`} />
    </>
  );
}
