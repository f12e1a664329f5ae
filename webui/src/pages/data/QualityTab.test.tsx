/** A quality report says what was found by word, and says so when nothing was. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import type { QualityView } from '../../api/types';
import { serve, show } from '../../testing/server';
import { QualityTab } from './QualityTab';

const CLEAN: QualityView = {
  dataset_id: 'dst_1', sha256: '0'.repeat(64), kind: 'bars', instrument_count: 1, rows: 500, from: null, to: null, interval_seconds: 86_400, score: 100, worst: null,
  calendar: null, findings: [], segments: [],
};
const FOUND: QualityView = {
  ...CLEAN, score: 61.5, worst: 'danger',
  findings: [
    { code: 'gaps', severity: 'info', count: 2, detail: 'Two gaps.', examples: [], instruments: [] },
    { code: 'duplicates', severity: 'danger', count: 1, detail: 'One time twice.', examples: [{ row: 7, time: '2024-01-02T00:00:00Z', instrument: 'KO' }], instruments: ['KO'] },
  ],
  segments: [{ role: 'train', from: '2020-01-01T00:00:00Z', to: '2021-01-01T00:00:00Z', rows: 300 }],
};

describe('the quality of a data set', () => {
  it('is called clean where nothing was found', async () => {
    serve({ 'GET /datasets/dst_1/quality': () => CLEAN });
    show(<QualityTab id="dst_1" />);
    expect(await screen.findByText('✓ Nothing was found')).toBeTruthy();
    expect(screen.getByText('Score 100 of 100')).toBeTruthy();
    expect(screen.queryByRole('table')).toBeNull();
  });

  it('is told gravest first, each severity by its word', async () => {
    serve({ 'GET /datasets/dst_1/quality': () => FOUND });
    show(<QualityTab id="dst_1" />);
    const table = await screen.findByRole('table', { name: 'Quality report' });
    const rows = within(table).getAllByRole('row').slice(1).map((row) => row.textContent);
    expect(rows[0]).toContain('Danger');
    expect(rows[0]).toContain('Duplicates');
    expect(rows[0]).toContain('Row 7');
    expect(rows[1]).toContain('Note');
    expect(screen.getByText('Dangers 1, warnings 0, notes 1')).toBeTruthy();
  });

  it('is asked again with calendar and split, and refusals are shown', async () => {
    const asked = serve({ 'GET /datasets/dst_1/quality': () => FOUND });
    show(<QualityTab id="dst_1" />);
    await screen.findByRole('table', { name: 'Quality report' });
    fireEvent.change(screen.getByLabelText('Calendar'), { target: { value: 'us_equities' } });
    fireEvent.change(screen.getByLabelText(/Check a split/), { target: { value: ' 0.7,0.15 ' } });
    fireEvent.submit(screen.getByLabelText('Calendar').closest('form') as HTMLFormElement);
    await screen.findByRole('table', { name: 'Segments of the split' });
    await waitFor(() => expect(screen.getByText(/--calendar us_equities --split 0.7,0.15/)).toBeTruthy());
    expect(asked.length).toBeGreaterThanOrEqual(2);
  });
});
